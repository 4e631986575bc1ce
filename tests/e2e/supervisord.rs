//! `run up -f supervisord.conf`: a file of supervisord's, unchanged, through the binary.

use std::process::Command;

use crate::common::TestProject;

const MAIN: &str = "[unix_http_server]\nfile=%(here)s/supervisor.sock\n\n[supervisord]\nenvironment=GREETING=\"hello, world\"\n\n\
                    [supervisorctl]\nserverurl=unix://%(here)s/supervisor.sock\n\n[include]\nfiles = conf.d/*.conf\n";

/// Two processes of one program, each with its own number, and one that waits for them.
const CLOCK: &str = "[program:clock]\ncommand=sh -c 'echo \"$GREETING\" $N $SUPERVISOR_PROCESS_NAME > clock.$N; exec cat'\nnumprocs=2\n\
                     process_name=%(program_name)s_%(process_num)02d\nenvironment=N=\"%(process_num)d\"\nstartsecs=0\nready=exec test -s clock.$N\n";
const LATE: &str = "[program:late]\ncommand=sh -c 'cat clock.0 clock.1 > new && mv new late; exec cat' ; a comment\ndepends_on=clock\nready=file late\n";

fn project() -> TestProject {
    TestProject::empty().file("supervisord.conf", MAIN).file("conf.d/clock.conf", CLOCK).file("conf.d/late.conf", LATE)
}

#[test]
fn comes_up_with_its_includes_and_its_dependencies() {
    let project = project();
    project.run(&["check", "-f", "supervisord.conf"]).expect_code(0).expect_text("2 programs, no mistakes");
    project.run(&["up", "-d", "-f", "supervisord.conf"]).expect_code(0);
    assert_eq!(project.read("late"), "hello, world 0 clock_00\nhello, world 1 clock_01\n");
    assert!(project.path("supervisor.sock").exists(), "the socket is where the file says");
    project.run(&["down"]).expect_code(0);
    assert!(project.survivors().is_empty());
}

#[test]
fn answers_the_supervisorctl_that_reads_the_same_file() {
    if Command::new("supervisorctl").arg("version").output().is_err() {
        return;
    }
    let project = project();
    project.run(&["up", "-d", "-f", "supervisord.conf"]).expect_code(0);
    let mut status = Command::new("supervisorctl");
    project.put_into_world(status.args(["-c", "supervisord.conf", "status"]));
    let text = String::from_utf8(status.output().unwrap().stdout).unwrap();
    assert!(text.contains("clock:clock_01") && text.contains("RUNNING"), "{text}");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_mistake_in_an_included_file_has_its_place_and_starts_nothing() {
    let project = project().file("conf.d/bad.conf", "[program:bad]\ncommand=touch started\nautostart=maybe\n");
    project.run(&["up", "-d", "-f", "supervisord.conf"]).expect_code(2).expect_text("conf.d/bad.conf:3:11");
    assert!(!project.path("started").exists());
}
