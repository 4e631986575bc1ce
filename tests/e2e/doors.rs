//! Who gets in at the socket, and what text of a program is to whoever reads it there.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::common::{PATIENCE, Running, TestProject, all_files, has_tool};
use crate::stranger::{by_shell, may_become_a_stranger};

const WEB: &str = "[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n";

fn socket(project: &TestProject) -> PathBuf {
    let is_socket = |path: &PathBuf| path.symlink_metadata().is_ok_and(|found| found.file_type().is_socket());
    all_files(&project.runtime()).into_iter().find(is_socket).unwrap()
}

/// What others than the owner can reach below a directory, as `MODE PATH`.
fn open_to_others(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.path().symlink_metadata() else { continue };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 && !metadata.is_symlink() {
            found.insert(format!("{mode:o} {}", entry.path().display()));
        }
        if metadata.is_dir() && mode & 0o077 != 0 {
            open_to_others(&entry.path(), found);
        }
    }
}

/// Looked at again and again while it comes up, because a mode that is set after the file was made leaves a window.
#[test]
fn nothing_that_we_make_is_ever_open_to_others_whatever_the_umask() {
    let project = TestProject::toml(WEB);
    let is_over = Arc::new(AtomicBool::new(false));
    let (runtime, state, over) = (project.runtime(), project.state(), Arc::clone(&is_over));
    let looking = thread::spawn(move || {
        let mut found = BTreeSet::new();
        while !over.load(Ordering::Relaxed) {
            open_to_others(&runtime, &mut found);
            open_to_others(&state, &mut found);
        }
        found
    });
    let up = Running::start(&project, by_shell(&project, "umask 0; exec \"$0\" up"));
    up.wait_for_banner();
    let modes = [socket(&project), project.runtime().join("runup")]
        .map(|path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777);
    assert_eq!(modes, [0o600, 0o700]);
    up.interrupt().expect_code(0);
    is_over.store(true, Ordering::Relaxed);
    let found = looking.join().unwrap();
    assert!(found.is_empty(), "{found:#?}");
}

/// Even where somebody has opened every directory and the socket itself.
#[test]
fn another_user_is_let_go_without_a_word() {
    if !may_become_a_stranger() || !has_tool("curl") {
        return;
    }
    let project = TestProject::toml(WEB);
    let up = project.up();
    up.wait_for_banner();
    let socket = socket(&project);
    for path in socket.ancestors().take_while(|path| *path != Path::new("/tmp")) {
        fs::set_permissions(path, PermissionsExt::from_mode(0o777)).unwrap();
    }
    let ask = |words: &[&str]| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(["curl", "-s", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}"]);
        command.arg("--unix-socket").arg(&socket).arg("http://localhost/api/v1/status");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(ask(&["setpriv", "--reuid", "61234", "--regid", "61234", "--clear-groups"]), "000");
    assert_eq!(ask(&["env"]), "200");
    up.interrupt().expect_code(0);
}

/// A line of a program that would be markup, an escape sequence or the end of a string to somebody.
const HOSTILE: &str =
    "printf '<script>alert(1)</script> ]]> & \\042 \\\\ \\033[2J\\033]0;t\\007 \\000 \\302\\233 \\377 end\\n'";

#[test]
fn a_hostile_line_is_text_to_everybody() {
    let project = TestProject::empty()
        .file("run.toml", "[program.web]\ncommand = \"sh say.sh\"\nready = { log = \"end\" }\n")
        .file("say.sh", format!("{HOSTILE}\nexec sleep 1000\n"));
    let up = project.up();
    up.wait_for_banner();
    // XML: one value, and nothing that XML 1.0 cannot carry.
    let call = "<methodCall><methodName>supervisor.readProcessStdoutLog</methodName><params>\
        <param><value><string>web</string></value></param><param><value><int>0</int></value></param>\
        <param><value><int>0</int></value></param></params></methodCall>";
    let answer = ask(
        &project,
        &format!(
            "POST /RPC2 HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{call}",
            call.len()
        ),
    );
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let document = roxmltree::Document::parse(body).unwrap();
    let value = document.descendants().find(|node| node.has_tag_name("string")).unwrap().text().unwrap();
    assert!(value.contains("<script>alert(1)</script> ]]> & \" \\"), "{value:?}");
    // JSON, for a program and for the page.
    let lines = project.run(&["logs", "--json", "web"]).expect_code(0).stdout;
    let line: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert!(line.to_string().contains("<script>alert(1)</script>"), "{line}");
    // The terminal: nothing of it is obeyed. The log as text: nothing of it is markup.
    let shown = project.run(&["logs", "web"]).expect_code(0).stdout;
    assert!(!shown.contains(['\x1b', '\x07', '\0', '\u{9b}']), "{shown:?}");
    let tail = ask(&project, "GET /mainlogtail HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(tail.to_lowercase().contains("content-type: text/plain"), "{tail}");
    let done = up.interrupt().expect_code(0);
    assert!(!done.stdout.contains(['\x1b', '\x07', '\0', '\u{9b}']), "{:?}", done.stdout);
}

fn ask(project: &TestProject, request: &str) -> String {
    let mut stream = UnixStream::connect(socket(project)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // What is followed has no end; its head is enough.
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..count]);
        if request.starts_with("GET") {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_secret_of_the_environment_leaves_by_no_door() {
    let project = TestProject::empty()
        .file(
            "run.toml",
            "[environment]\nAPI_TOKEN = \"hush-1\"\n[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\nenvironment = { DB_PASSWORD = \"hush-2\" }\n",
        )
        .file(".env", "STRIPE_KEY=hush-3\n");
    let up = project.up();
    up.wait_for_banner();
    let mut seen = String::new();
    for question in
        [&["status", "--json"][..], &["why", "web", "--json"], &["env", "web"], &["ctl", "avail"], &["logs"]]
    {
        let done = project.run(question);
        seen += &(done.stdout + &done.stderr);
    }
    for method in ["supervisor.getAllProcessInfo", "supervisor.getAllConfigInfo", "run.status"] {
        let call = format!("<methodCall><methodName>{method}</methodName></methodCall>");
        seen += &ask(
            &project,
            &format!(
                "POST /RPC2 HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{call}",
                call.len()
            ),
        );
    }
    project.write(".env", "STRIPE_KEY=hush-4\n");
    let done = project.run(&["reload", "--dry-run"]).expect_code(0);
    seen += &(done.stdout + &done.stderr);
    for path in [project.state(), project.runtime()].iter().flat_map(|path| all_files(path)) {
        seen += &String::from_utf8_lossy(&fs::read(path).unwrap_or_default());
    }
    let done = up.interrupt();
    seen += &(done.stdout + &done.stderr);
    assert!(seen.contains("STRIPE_KEY") && !seen.contains("hush-"), "{seen}");
}

#[test]
fn the_place_of_the_control_socket_is_taken_from_nobody() {
    let project = TestProject::toml(&format!("{WEB}[control]\nsocket = \"notes\"\n")).file("notes", "dear");
    let refused = project.run(&["up", "-d"]).expect_code(2);
    refused.expect_text("something that is no socket is there").expect_text("without `socket` in [control]");
    assert_eq!(project.read("notes"), "dear");
    fs::remove_file(project.path("notes")).unwrap();
    let up = project.up();
    up.wait_for_banner();
    let taken = project.run(&["-p", "two", "up", "-d"]).expect_code(2);
    taken.expect_text("notes is taken by project").expect_text("without `socket` in [control]");
    project.run(&["status"]).expect_code(0);
    up.interrupt().expect_code(0);
    let left: Vec<_> = fs::read_dir(project.directory()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["run.toml"], "and nothing of it is left");
}
