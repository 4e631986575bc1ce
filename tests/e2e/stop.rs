//! Every way to end: in reverse order, in time, and whole.

use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{PATIENCE, Running, TestProject};
use crate::stranger::{as_stranger, give_away, is_root_for_good, may_become_a_stranger, put_become_root};

/// Each says in a file when it is told to stop; `web` needs `api` needs `db`.
const CHAIN: &str = r#"
[program.db]
command = "trap 'echo db >> stopped; exit 0' TERM; echo on; while :; do sleep 0.05; done"
ready = { log = "on" }
[program.api]
command = "trap 'sleep 0.2; echo api >> stopped; exit 0' TERM; echo on; while :; do sleep 0.05; done"
ready = { log = "on" }
depends_on = ["db"]
[program.web]
command = "trap 'sleep 0.2; echo web >> stopped; exit 0' TERM; echo on; while :; do sleep 0.05; done"
ready = { log = "on" }
depends_on = ["api"]
"#;

const STUBBORN: &str = r#"
[program.stubborn]
command = "trap '' TERM; echo on; while :; do sleep 0.1; done"
ready = { log = "on" }
stopwaitsecs = 300
"#;

fn started(project: &TestProject) -> Running<'_> {
    let up = project.up();
    up.wait_for_banner();
    up
}

#[test]
fn ctrl_c_stops_in_reverse_order() {
    let project = TestProject::toml(CHAIN);
    let done = started(&project).interrupt().expect_code(0);
    assert_eq!(project.lines("stopped"), ["web", "api", "db"]);
    assert!(done.stderr.contains("in reverse order") && done.stderr.contains("all stopped in"), "{}", done.stderr);
}

#[test]
fn term_and_hup_stop_in_reverse_order_too() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let project = TestProject::toml(CHAIN);
        // The tests may themselves run under nohup.
        let up = started_by(&project, &["env", "--default-signal"]);
        up.signal(signal);
        up.end().expect_code(0);
        assert_eq!(project.lines("stopped"), ["web", "api", "db"], "{signal}");
    }
}

#[test]
fn a_second_ctrl_c_kills_a_term_ignoring_tree_at_once() {
    let project = TestProject::toml(STUBBORN);
    let up = started(&project);
    up.signal(Signal::SIGINT);
    up.wait_for("stopping 1");
    // Two that come at once are one press: a terminal may deliver it twice.
    let pressed = Instant::now();
    up.wait_until("the next press is one of its own", || pressed.elapsed() > Duration::from_millis(200));
    let began = Instant::now();
    up.signal(Signal::SIGINT);
    up.end().expect_code(130);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(project.survivors().is_empty());
}

#[test]
fn what_does_not_stop_in_time_is_killed() {
    let project = TestProject::toml(&STUBBORN.replace("300", "\"300ms\""));
    started(&project).interrupt().expect_code(0).expect_text("killed");
}

#[test]
fn the_whole_group_is_stopped() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"sleep 1001 & sleep 1002 & echo on; wait\"\nready = { log = \"on\" }\n",
    );
    started(&project).interrupt().expect_code(0);
    assert!(project.survivors().is_empty());
}

#[test]
fn a_grandchild_in_its_own_session_is_stopped_too() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"setsid sleep 1001 & echo on; wait\"\nready = { log = \"on\" }\nstopwaitsecs = 1\n",
    );
    started(&project).interrupt();
    project.wait_for_silence(PATIENCE);
}

#[test]
fn a_grandchild_that_daemonised_itself_is_stopped_too() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"setsid sh -c 'sleep 1001 & exit 0'; echo on; exec sleep 1000\"\nready = { log = \"on\" }\nstopwaitsecs = 1\n",
    );
    started(&project).interrupt();
    project.wait_for_silence(PATIENCE);
}

#[test]
fn a_stopped_program_can_be_stopped() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"echo on; kill -STOP $$; sleep 1000\"\nready = { log = \"on\" }\nstopwaitsecs = 1\n",
    );
    let up = started(&project);
    project.wait_until("it is stopped by its own signal", PATIENCE, || {
        project.survivors().iter().any(|found| found.state == 'T')
    });
    up.interrupt();
    assert!(project.survivors().is_empty());
}

#[test]
fn the_stop_signal_is_the_one_that_the_config_names() {
    let project = TestProject::toml(
        "[program.db]\ncommand = \"trap 'echo INT > got; exit 0' INT; trap 'echo TERM > got; exit 0' TERM; echo on; while :; do sleep 0.05; done\"\n\
         ready = { log = \"on\" }\nstopsignal = \"INT\"\n",
    );
    started(&project).interrupt().expect_code(0);
    assert_eq!(project.lines("got"), ["INT"]);
}

#[test]
fn a_stop_cancels_a_start_that_has_not_become_ready() {
    let project = TestProject::toml(
        "[program.db]\ncommand = \"exec sleep 1000\"\nready = { file = \"never\" }\n\
         [program.api]\ncommand = \"touch started\"\ndepends_on = [\"db\"]\n",
    );
    let up = project.up();
    project.wait_for_word("api", "waiting");
    up.interrupt().expect_code(0);
    assert!(!project.path("started").exists());
}

#[test]
fn down_from_elsewhere_ends_up_with_zero() {
    let project = TestProject::toml(CHAIN);
    let up = started(&project);
    project.run(&["down"]).expect_code(0);
    up.end().expect_code(0);
    assert_eq!(project.lines("stopped"), ["web", "api", "db"]);
}

/// `run up` as another command starts it.
fn started_by<'a>(project: &'a TestProject, words: &[&str]) -> Running<'a> {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args([env!("CARGO_BIN_EXE_run"), "up"]);
    project.put_into_world(&mut command);
    let up = Running::start(project, command);
    up.wait_for_banner();
    up
}

#[test]
fn under_nohup_a_hangup_ends_nothing() {
    let project = TestProject::toml(CHAIN);
    let up = started_by(&project, &["nohup"]);
    up.signal(Signal::SIGHUP);
    // Whoever had heard it would be stopping before this is answered.
    project.run(&["signal", "WINCH", "db"]).expect_code(0);
    assert_eq!(project.word("web"), "ready");
    up.signal(Signal::SIGTERM);
    up.end().expect_code(0);
    assert_eq!(project.lines("stopped"), ["web", "api", "db"]);
}

#[test]
fn a_term_that_was_blocked_for_us_is_heard() {
    let project = TestProject::toml(CHAIN);
    let up = started_by(&project, &["env", "--block-signal=TERM"]);
    up.signal(Signal::SIGTERM);
    up.end().expect_code(0);
}

#[test]
fn what_may_not_be_signalled_is_named_and_holds_up_no_end() {
    if !may_become_a_stranger() {
        return;
    }
    let project = TestProject::toml("[program.web]\ncommand = \"./become-root --reuid 0 sleep 1010\"\n");
    give_away(&project);
    put_become_root(&project);
    let up = Running::start(&project, as_stranger(&project, &[], &["up"]));
    up.wait_for_banner();
    let found = || project.survivors().into_iter().find(|found| found.command.starts_with("sleep 1010"));
    project.wait_until("it is there, and root for good", PATIENCE, || {
        found().is_some_and(|web| is_root_for_good(web.pid))
    });
    let web = found().unwrap().pid;
    let done = up.interrupt().expect_code(1);
    kill(Pid::from_raw(i32::try_from(web).unwrap()), Signal::SIGKILL).unwrap();
    let refused = format!("could not be signalled (pid {web}): operation not permitted");
    assert!(done.stderr.contains(&refused) && done.stderr.contains("all but web stopped"), "{done:?}");
    for untrue in ["SIGKILL has not ended it", "were killed", "was killed"] {
        assert!(!done.stderr.contains(untrue), "{done:?}");
    }
}
