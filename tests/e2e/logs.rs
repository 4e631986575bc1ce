//! Logs of a running project: where they are, what the socket tells of them, and the main log.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use run::client::Client;
use run::codec::xmlrpc::Value;

use crate::common::{PATIENCE, TestProject, all_files, free_port, has_tool};

/// Says something on both outputs, and where we listen.
const TALK: &str = "echo $SUPERVISOR_SERVER_URL > url; echo out; echo err >&2; exec sleep 1000";

fn toml() -> TestProject {
    TestProject::toml(&format!(
        "[program.talk]\ncommand = \"{TALK}\"\nredirect_stderr = false\nstartsecs = 0\nready = {{ log = \"out\" }}\n"
    ))
}

fn conf(options: &str, program: &str) -> TestProject {
    let text = format!(
        "[unix_http_server]\nfile=%(here)s/s.sock\n[supervisord]\n{options}\n[program:talk]\ncommand=sh -c '{TALK}'\nstartsecs=0\n\
         ready=log out\n{program}"
    );
    TestProject::empty().file("supervisord.conf", text)
}

fn client(project: &TestProject) -> Client {
    project.wait_for_text("url", "unix://");
    let mut client = Client::connect(Path::new(project.read("url").trim().strip_prefix("unix://").unwrap())).unwrap();
    client.set_timeout(Some(PATIENCE)).unwrap();
    client
}

fn log_file(client: &mut Client, name: &str, key: &str) -> PathBuf {
    let info = client.call("supervisor.getProcessInfo", &[name.into()]).unwrap();
    PathBuf::from(info.get(key).and_then(Value::as_str).unwrap())
}

/// A file of this name somewhere below the state directory.
fn state_file(project: &TestProject, name: &str) -> Option<PathBuf> {
    all_files(&project.state()).into_iter().find(|path| path.ends_with(name))
}

#[test]
fn a_kept_log_is_told_read_and_cleared_as_a_log_file_is() {
    let project = toml();
    let up = project.up();
    up.wait_for_banner();
    let mut client = client(&project);
    let out = log_file(&mut client, "talk", "logfile");
    assert_eq!(fs::read_to_string(&out).unwrap(), "out\n", "{}", out.display());
    project
        .wait_until("stderr is kept", PATIENCE, || project.run(&["ctl", "tail", "talk", "stderr"]).stdout == "err\n\n");
    assert_eq!(project.run(&["ctl", "tail", "-3", "talk"]).expect_code(0).stdout, "ut\n\n");
    assert_eq!(project.run(&["ctl", "clear", "talk"]).expect_code(0).stdout, "talk: cleared\n");
    assert_eq!(fs::read_to_string(&out).unwrap(), "");
    assert_eq!(project.run(&["ctl", "clear", "all"]).expect_code(0).stdout, "talk: cleared\n");
    let tail = client.call("supervisor.tailProcessStdoutLog", &["talk".into(), 0.into(), 100.into()]);
    assert_eq!(tail.unwrap(), vec!["".into(), 0.into(), false.into()].into());
    project.run(&["restart", "talk"]).expect_code(0);
    assert_eq!(project.run(&["ctl", "tail", "talk"]).expect_code(0).stdout, "out\n\n");
}

#[test]
fn lines_of_the_kept_logs_are_found_by_pattern() {
    let project = toml();
    let up = project.up();
    up.wait_for_banner();
    let mut client = client(&project);
    let texts = |client: &mut Client, pattern: &str| -> Vec<String> {
        let found = client.call("run.logs", &[vec!["talk".into()].into(), pattern.into()]).unwrap();
        let lines = found.get("lines").and_then(Value::as_array).unwrap();
        lines.iter().map(|line| line.get("text").and_then(Value::as_str).unwrap().to_owned()).collect()
    };
    project.wait_until("both lines are kept", PATIENCE, || texts(&mut client, "^(out|err)$").len() == 2);
    assert_eq!(texts(&mut client, "OUT"), [""; 0]);
    assert_eq!(texts(&mut client, "(?i)OUT"), ["out"]);
}

#[test]
fn the_main_log_lies_in_the_state_directory_and_tells_the_story_in_supervisords_words() {
    let project = toml();
    let up = project.up();
    up.wait_for_banner();
    project.run(&["ctl", "maintail"]).expect_code(0).expect_text("INFO spawned: 'talk' with pid ");
    up.signal(Signal::SIGTERM);
    up.end().expect_code(0);
    let text = fs::read_to_string(state_file(&project, "main.log").unwrap()).unwrap();
    let told: Vec<&str> = text.lines().map(|line| &line["2026-11-22 13:00:00,000 ".len()..]).collect();
    for (at, start) in [
        "INFO RPC interface 'supervisor' initialized",
        "INFO supervisord started with pid ",
        "INFO spawned: 'talk' with pid ",
        "INFO success: talk entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)",
        "WARN received SIGTERM indicating exit request",
        "INFO waiting for talk to die",
        "WARN stopped: talk (terminated by SIGTERM)",
    ]
    .into_iter()
    .enumerate()
    {
        assert!(told[at].starts_with(start), "{text}");
    }
    assert!(project.survivors().is_empty());
}

#[test]
fn a_supervisord_conf_says_where_the_main_log_is_and_at_debug_it_has_the_output() {
    let project = conf("logfile=%(here)s/main.log\nloglevel=debug", "");
    project.run(&["up", "-d", "-f", "supervisord.conf"]).expect_code(0);
    let text = || project.read("main.log");
    project.wait_until("the output is there", PATIENCE, || text().contains("DEBG 'talk' stderr output:\nerr\n\n"));
    assert!(text().contains("CRIT Server 'unix_http_server' running without any HTTP authentication checking\n"));
    project.run(&["ctl", "signal", "CONT", "talk"]).expect_code(0);
    project.wait_until("the signal is there", PATIENCE, || text().contains(") sig SIGCONT\n"));
    project.run(&["down"]).expect_code(0);
    assert_eq!(state_file(&project, "main.log"), None);
}

#[test]
fn outputs_without_a_file_get_one_which_is_begun_anew_at_the_next_start() {
    let project = conf("childlogdir=%(here)s/logs\nidentifier=shop", "");
    fs::create_dir(project.path("logs")).unwrap();
    let files = || all_files(&project.path("logs"));
    project.run(&["up", "-d", "-f", "supervisord.conf"]).expect_code(0);
    let first = log_file(&mut client(&project), "talk", "stdout_logfile");
    let name = first.file_name().unwrap().to_str().unwrap();
    let unique = name.strip_prefix("talk-stdout---shop-").and_then(|rest| rest.strip_suffix(".log"));
    assert_eq!(unique.map(str::len), Some(8), "{name}");
    project.wait_until("it is written", PATIENCE, || fs::read_to_string(&first).unwrap() == "out\n");
    assert_eq!(files().len(), 2);
    project.run(&["down"]).expect_code(0);
    assert!(first.exists(), "it can be read after the end");
    project.write("logs/other.log", "");
    project.run(&["up", "-d", "-f", "supervisord.conf"]).expect_code(0);
    assert!(!first.exists());
    assert_eq!(files().len(), 3);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn nothing_is_written_into_a_project_that_names_no_place() {
    let project = conf("", "");
    project.run(&["up", "-d", "-f", "supervisord.conf"]).expect_code(0);
    let log = log_file(&mut client(&project), "talk", "stderr_logfile");
    assert!(log.starts_with(project.state()), "{}", log.display());
    project.run(&["down"]).expect_code(0);
    let mut left: Vec<_> = fs::read_dir(project.directory()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["supervisord.conf", "url"]);
}

#[test]
fn rotation_none_and_device_are_followed() {
    let program = "stdout_logfile=%(here)s/talk.log\nstdout_logfile_maxbytes=1KB\nstdout_logfile_backups=2\nstderr_logfile=NONE\n\
                   [program:device]\ncommand=sh -c 'echo seen; exec sleep 1000'\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=50MB\n\
                   ready=log seen\n\
                   [program:many]\ncommand=sh -c 'seq -f line-%%04g 1 300; exec sleep 1000'\nstdout_logfile=%(here)s/many.log\n\
                   stdout_logfile_maxbytes=1KB\nstdout_logfile_backups=2\nready=log line-0300\n";
    let project = conf("", program);
    project.run(&["up", "-d", "-f", "supervisord.conf"]).expect_code(0);
    let last = || project.lines("many.log").last().cloned().unwrap_or_default();
    project.wait_until("all is written", PATIENCE, || last() == "line-0300");
    // 1024 bytes are 102 lines of ten and the line that fills them.
    assert_eq!(["many.log.2", "many.log.1", "many.log"].map(|name| project.lines(name).len()), [103, 103, 94]);
    assert!(!project.path("many.log.3").exists());
    let mut client = client(&project);
    assert_eq!(log_file(&mut client, "talk", "stderr_logfile"), PathBuf::new());
    assert_eq!(log_file(&mut client, "device", "stdout_logfile"), PathBuf::from("/dev/stdout"));
    project.run(&["ctl", "tail", "talk", "stderr"]).expect_code(1).expect_text("no log file");
    project.run(&["down"]).expect_code(0);
}

/// What supervisord cannot answer at all, Python's own client reads.
#[test]
fn bytes_that_are_no_text_do_not_fail_a_call() {
    if !has_tool("python3") {
        return;
    }
    let text = "[program.odd]\ncommand = '''printf 'gr\\303\\274n \\377 \\033[1m \\000\\n'; exec sleep 1000'''\nready = { log = \"gr\" }\n\
                [control]\ntcp = \"127.0.0.1:PORT\"\nusername = \"a\"\npassword = \"b\"\n";
    let port = free_port();
    let project = TestProject::toml(&text.replace("PORT", &port.to_string()));
    let up = project.up();
    up.wait_for_banner();
    let script = format!(
        "import xmlrpc.client\ns = xmlrpc.client.ServerProxy('http://a:b@127.0.0.1:{port}').supervisor\n\
         print(ascii(s.readProcessStdoutLog('odd', 0, 0)))\nprint(ascii(s.readProcessStdoutLog('odd', 3, 2)))\n\
         print(ascii(s.tailProcessStdoutLog('odd', 0, 100)))"
    );
    let mut python = Command::new("python3");
    project.put_into_world(python.args(["-c", &script]));
    let done = project.finish(python).expect_code(0);
    let whole = r"'gr\xfcn \ufffd \ufffd[1m \ufffd\n'";
    assert_eq!(done.stdout, format!("{whole}\n'\\ufffdn'\n[{whole}, 15, False]\n"));
}
