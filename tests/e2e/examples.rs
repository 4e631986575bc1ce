//! Every example is started, made ready and stopped.

use std::env;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::common::{PATIENCE, TestProject, all_files, free_port, has_tool, skipped};

fn example(name: &str) -> TestProject {
    TestProject::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name))
}

#[test]
fn the_quickstart_comes_up_although_one_worker_fails_twice() {
    let project = example("quickstart");
    let up = project.up();
    up.wait_for("socket ready");
    project.run(&["wait", "--timeout", "60s"]).expect_code(0);
    project.run(&["status"]).expect_code(0);
    let done = up.interrupt().expect_code(0);
    for part in ["waiting for db", "ready in", "done in", "(run 1)", "(run 2)", "all stopped in"] {
        assert!(done.stderr.contains(part), "no `{part}` in\n{}", done.stderr);
    }
}

#[test]
fn the_procfile_comes_up_with_foremans_ports() {
    let project = example("procfile");
    project.run(&["up", "-d", "--timeout", "30s"]).expect_code(0);
    let ports: Vec<u64> = ["web", "worker", "css"]
        .iter()
        .map(|name| project.process(name).unwrap()["ports"][0]["port"].as_u64().unwrap())
        .collect();
    assert_eq!((ports[1] - ports[0], ports[2] - ports[1]), (100, 100));
    project.run(&["down"]).expect_code(0);
}

#[test]
fn the_shop_comes_up_with_its_real_servers() {
    let postgres = Path::new("/usr/lib/postgresql").is_dir() || has_tool("postgres");
    if !(postgres && has_tool("redis-server") && has_tool("python3")) {
        return;
    }
    // Root hands the data directory to the user postgres, who has to get there.
    let passable = Permissions::from_mode(0o755);
    let data = tempfile::Builder::new().prefix("run-shop-").permissions(passable).tempdir().unwrap();
    let project = example("shop").env("SHOP_DATA", data.path().join("pg").to_str().unwrap());
    project.run(&["up", "-d", "--timeout", "120s"]).expect_code(0);
    project.run(&["status"]).expect_code(0);
    let url = project.process("web").unwrap()["url"].as_str().unwrap().to_owned();
    let ask = "import sys, urllib.request as u\nu.urlopen(sys.argv[1] + '/orders?teapot', data=b'')\nprint(u.urlopen(sys.argv[1] + '/').status)\n";
    let mut python = std::process::Command::new("python3");
    python.args(["-c", ask, &url]);
    let answer = python.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "200\n", "{}", String::from_utf8_lossy(&answer.stderr));
    project.run(&["down"]).expect_code(0);
}

#[test]
fn the_extension_serves_its_methods_and_run_ctl_has_its_command() {
    if !has_tool("curl") {
        return;
    }
    let project = example("extend");
    let path = env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", project.path("bin").display());
    let project = project.env("PATH", &path);
    project.run(&["up", "-d", "--timeout", "30s"]).expect_code(0);
    let counter = |arguments: &[&str]| {
        let words: Vec<&str> = ["ctl", "counter"].iter().chain(arguments).copied().collect();
        project.run(&words).expect_code(0).stdout
    };
    assert_eq!((counter(&["add", "2"]), counter(&["add"]), counter(&[])), ("2\n".into(), "3\n".into(), "3\n".into()));
    project.run(&["ctl", "counter", "add", "x"]).expect_code(22).expect_text("400");
    project.run(&["ctl", "counter", "nope"]).expect_code(2).expect_text("usage: run ctl counter");
    project.run(&["status"]).expect_code(0).expect_text("rpcinterface.counter");
    project.run(&["logs", "rpcinterface.counter"]).expect_code(0).expect_text("counted to 3");
    project.run(&["down"]).expect_code(0);
}

/// Puts free ports where the files of an example name theirs.
fn move_ports(project: &TestProject, ports: &[(&str, &str)]) {
    for file in all_files(&project.directory()) {
        let text = fs::read_to_string(&file).unwrap();
        let moved = ports.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to));
        if moved != text {
            fs::write(file, moved).unwrap();
        }
    }
}

#[test]
fn the_talk_comes_up_without_its_supervisord() {
    let project = example("talk");
    let port = free_port().to_string();
    move_ports(&project, &[("9001", &port)]);
    project.run(&["up", "-d", "--timeout", "30s"]).expect_code(0);
    project.run(&["ctl", "status", "clock"]).expect_code(0).expect_text("RUNNING");
    project.run(&["ctl", "-s", &format!("http://127.0.0.1:{port}"), "stop", "clock"]).expect_code(0);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_supervisord_conf_of_2011_comes_up_unchanged_with_its_real_servers() {
    let Some(venv) = env::var_os("RUN_OLD_SERVER_VENV") else {
        skipped("RUN_OLD_SERVER_VENV names no venv with gunicorn and celery (examples/old-server/setup)");
        return;
    };
    if !(has_tool("nginx") && has_tool("redis-server")) {
        return;
    }
    let project = example("old-server");
    let [web, app, redis] = [(); 3].map(|()| free_port().to_string());
    move_ports(&project, &[("18080", &web), ("18000", &app), ("16379", &redis)]);
    fs::create_dir(project.path(".data")).unwrap();
    symlink(venv, project.path(".data/venv")).unwrap();
    project.run(&["check", "-f", "supervisord.conf"]).expect_code(0).expect_text("4 programs");
    project.run(&["up", "-d", "-f", "supervisord.conf", "--timeout", "60s"]).expect_code(0);
    let get = |path: &str| {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{web}")).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    // gunicorn has no ready check: it is RUNNING before it listens, as under supervisord.
    project.wait_until("the page is there", PATIENCE, || get("/").ends_with("\r\n\r\nhello, old server"));
    assert!(get("/sum").ends_with("\r\n\r\n5"), "a task went through redis to celery and back");
    let status = project.run(&["ctl", "status"]).expect_code(0).stdout;
    assert_eq!(status.matches(" RUNNING ").count(), 4, "{status}");
    project.run(&["down"]).expect_code(0);
}
