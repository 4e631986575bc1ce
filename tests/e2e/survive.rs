//! Whatever dies, nothing stays.

use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::termios::LocalFlags;

use crate::common::{Found, PATIENCE, Running, Terminal, TestProject, has_tool};
use crate::hard_to_end::{DAEMON, NEVER, SESSION, STUBBORN, ours_from_the_top};

/// Who does not want to end has three seconds at most, and a machine that is busy with other tests needs many times that.
const LIMIT: Duration = Duration::from_secs(20);

const POLITE: &str = r#"
[program.polite]
command = "echo on; exec sleep 1000"
ready = { log = "on" }
stopwaitsecs = 1
"#;

fn mixed() -> TestProject {
    TestProject::toml(&[POLITE, STUBBORN, SESSION, DAEMON].concat())
}

/// Kills the `which`-th of our processes; false when there are fewer.
fn kill_one_of_ours(project: &TestProject, which: usize) -> bool {
    let ours: Vec<Found> = project.ours();
    assert!(ours.len() >= 2, "a supervisor and a spawner: {ours:?}");
    let victim = ours.get(which);
    victim.inspect(|found| project.shoot(found));
    victim.is_some()
}

fn shoot_the_supervisor(project: &TestProject, up: &Running<'_>) {
    let ours = project.ours();
    project.shoot(ours.iter().find(|found| found.pid == up.pid()).unwrap());
}

#[test]
fn sigkill_of_any_process_of_ours_leaves_nothing() {
    for which in 0.. {
        let project = mixed();
        let up = project.up();
        up.wait_for_banner();
        let was_there = kill_one_of_ours(&project, which);
        if was_there {
            project.wait_for_silence(LIMIT);
        }
        drop(up);
        if !was_there {
            return;
        }
    }
}

#[test]
fn sigkill_of_any_process_of_ours_on_a_terminal_leaves_nothing() {
    if !has_tool("setsid") {
        return;
    }
    for which in 0.. {
        let project = mixed();
        let terminal = Terminal::start(&project, &["up"]);
        terminal.wait_for("up in ");
        let was_there = kill_one_of_ours(&project, which);
        if was_there {
            project.wait_for_silence(LIMIT);
        }
        drop(terminal);
        project.wait_for_silence(LIMIT);
        if !was_there {
            return;
        }
    }
}

#[test]
fn sigkill_in_the_background_leaves_nothing() {
    for which in 0.. {
        let project = mixed();
        project.run(&["up", "-d"]).expect_code(0);
        if !kill_one_of_ours(&project, which) {
            project.run(&["down"]);
            return;
        }
        project.wait_for_silence(LIMIT);
    }
}

#[test]
fn sigkill_during_the_start_leaves_nothing() {
    let project = TestProject::toml(&[POLITE, STUBBORN, SESSION, DAEMON, NEVER].concat());
    let up = project.up();
    project.wait_for_word("stubborn", "ready");
    shoot_the_supervisor(&project, &up);
    project.wait_for_silence(LIMIT);
}

#[test]
fn sigkill_during_the_stop_leaves_nothing() {
    let project = mixed();
    let up = project.up();
    up.wait_for_banner();
    up.signal(Signal::SIGTERM);
    up.wait_for("in reverse order");
    shoot_the_supervisor(&project, &up);
    project.wait_for_silence(LIMIT);
}

#[test]
fn a_project_that_was_shot_can_be_started_again() {
    let project = mixed();
    let up = project.up();
    up.wait_for_banner();
    shoot_the_supervisor(&project, &up);
    project.wait_for_silence(LIMIT);
    drop(up);
    let again = project.up();
    again.wait_for_banner();
    again.interrupt().expect_code(0);
}

#[test]
fn what_is_left_when_all_of_ours_are_shot_at_once_is_ended_by_the_next_start() {
    let project = mixed();
    let up = project.up();
    up.wait_for_banner();
    let ours = project.ours();
    // None of them may notice the end of another.
    for found in &ours {
        found.signal(Signal::SIGSTOP);
    }
    for found in &ours {
        project.shoot(found);
    }
    drop(up);
    let orphans: Vec<u32> = project.survivors().iter().map(|found| found.pid).collect();
    assert!(!orphans.is_empty(), "there is nothing to be ended");
    let again = project.up();
    again.wait_for_banner().wait_for("left by an earlier run that was killed, ended now: ");
    assert!(project.survivors().iter().all(|found| !orphans.contains(&found.pid)), "{orphans:?}");
    again.interrupt().expect_code(0);
}

#[test]
fn a_terminal_is_given_back_when_the_supervisor_is_shot() {
    if !has_tool("setsid") {
        return;
    }
    let project = mixed();
    let terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("up in ");
    let is_taken = || !terminal.local_flags().contains(LocalFlags::ECHO);
    project.wait_until("keys are read", PATIENCE, is_taken);
    let supervisor = &ours_from_the_top(&project)[1];
    project.shoot(supervisor);
    project.wait_until("the terminal echoes again", LIMIT, || !is_taken());
    project.wait_for_silence(LIMIT);
}
