//! Every example is started, made ready and stopped.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::common::{TestProject, has_tool};

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
    let path = std::env::var("PATH").unwrap_or_default();
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
