//! Our own projects, controlled as supervisorctl would.

use std::os::unix::fs::PermissionsExt;

use super::behind_a_password;
use super::common::TestProject;

const SHOP: &str = "\
[program.web]
command = [\"sleep\", \"1000\"]
startsecs = 0
[program.work]
command = [\"sleep\", \"1000\"]
numprocs = 2
startsecs = 0
[program.off]
command = [\"sleep\", \"1000\"]
startsecs = 0
autostart = false
";

#[test]
fn the_project_here_is_shown_and_acted_on() {
    let project = TestProject::toml(SHOP);
    let up = project.up();
    up.wait_for_banner();
    let status = project.run(&["ctl", "status"]).expect_code(3).stdout;
    let columns: Vec<(&str, &str)> =
        status.lines().map(|line| (line[..33].trim_end(), line[33..43].trim_end())).collect();
    assert_eq!(
        columns,
        [("off", "STOPPED"), ("web", "RUNNING"), ("work:work_0", "RUNNING"), ("work:work_1", "RUNNING")]
    );
    let ctl = |arguments: &[&str], code: i32| {
        let words: Vec<&str> = ["ctl"].iter().chain(arguments).copied().collect();
        project.run(&words).expect_code(code).stdout
    };
    assert_eq!(ctl(&["stop", "web"], 0), "web: stopped\n");
    assert_eq!(ctl(&["stop", "web"], 0), "web: ERROR (not running)\n");
    assert_eq!(ctl(&["start", "web", "off"], 0), "web: started\noff: started\n");
    assert_eq!(ctl(&["restart", "work:work_1"], 0), "work:work_1: stopped\nwork:work_1: started\n");
    assert_eq!(ctl(&["signal", "CONT", "web"], 0), "web: signalled\n");
    assert_eq!(ctl(&["pid", "web"], 0), format!("{}\n", project.pid("web")));
    assert_eq!(ctl(&["start", "nope"], 1), "nope: ERROR (no such process)\n");
    assert_eq!(ctl(&["status", "zz:*"], 4), "zz: ERROR (no such group)\n");
}

#[test]
fn a_project_elsewhere_is_addressed_by_its_directory_or_name() {
    let project = TestProject::toml(SHOP).file("elsewhere/.git/HEAD", "");
    let up = project.start(&["-p", "two", "up"]);
    up.wait_for_banner();
    for line in [
        &["-C", "..", "-p", "two", "ctl", "status", "web"][..],
        &["-p", "two", "ctl", "status", "web"],
        &["ctl", "-C", "..", "-p", "two", "status", "web"],
    ] {
        let mut command = project.command(line);
        command.current_dir(project.path("elsewhere"));
        project.finish(command).expect_code(0).expect_text("RUNNING");
    }
}

#[test]
fn a_project_with_a_password_wants_none_from_its_owner_and_one_over_tcp() {
    let (project, url) = behind_a_password(SHOP);
    let up = project.up();
    up.wait_for_banner();
    project.run(&["ctl", "status", "web"]).expect_code(0).expect_text("RUNNING");
    let refused = project.run(&["ctl", "-s", &url, "status", "web"]).expect_code(1).stdout;
    assert!(refused.starts_with("Server requires authentication\nerror: "), "{refused}");
    let words = ["ctl", "-s", &url, "-u", "ann", "-p", "secret", "status", "web"];
    project.run(&words).expect_code(0).expect_text("RUNNING");
}

#[test]
fn a_project_that_is_not_up_says_so_with_the_codes_of_a_server_that_is_not_there() {
    let project = TestProject::toml(SHOP);
    let sentence = "project is not up (run.toml); run up starts it\n";
    assert_eq!(project.run(&["ctl", "status"]).expect_code(4).stdout, sentence);
    assert_eq!(project.run(&["ctl", "start", "web"]).expect_code(7).stdout, sentence);
    assert_eq!(project.run(&["ctl", "reread"]).expect_code(1).stdout, format!("error: {sentence}"));
    project.run(&["ctl", "help", "start"]).expect_code(0).expect_text("start <name>");
}

#[test]
fn what_is_no_command_is_looked_for_on_the_path() {
    let project = TestProject::empty();
    let path = format!("{}:{}", project.path("bin").display(), std::env::var("PATH").unwrap());
    let project = project.env("PATH", &path);
    let script =
        "#!/bin/sh\necho \"$# $1|$2 at $SUPERVISOR_SERVER_URL as $SUPERVISOR_USERNAME:$SUPERVISOR_PASSWORD\"\nexit 9\n";
    project.write("bin/run-ctl-ship-it", script);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(project.path("bin/run-ctl-ship-it"), mode).unwrap();
    let words = ["ctl", "-s", "http://localhost:1", "-u", "ann", "-p", "x y", "ship-it", "a b", "-c"];
    let done = project.run(&words).expect_code(9);
    assert_eq!(done.stdout, "2 a b|-c at http://localhost:1 as ann:x y\n");
    assert_eq!(project.run(&["ctl", "ship"]).expect_code(1).stdout, "*** Unknown syntax: ship\n");
}

#[test]
fn a_command_line_that_makes_no_sense_is_a_usage_error() {
    let project = TestProject::empty().file("empty.conf", "[supervisord]\n");
    project.run(&["ctl", "-s", "localhost", "status"]).expect_code(2).expect_text("'localhost' is not a URL");
    project
        .run(&["ctl", "-c", "nope.conf", "status"])
        .expect_code(2)
        .expect_text("could not find config file nope.conf");
    project.run(&["ctl", "-c", "empty.conf", "status"]).expect_code(2).expect_text("no [supervisorctl] section");
    project.run(&["ctl", "-x"]).expect_code(2);
    project.run(&["ctl", "-h"]).expect_code(0).expect_text("maintail");
}
