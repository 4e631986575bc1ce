//! Ctrl-Z: whatever runs stands still with us, and goes on with us.

use nix::sys::signal::Signal;

use crate::common::{PATIENCE, Terminal, TestProject, becomes_true};
use crate::hard_to_end::ours_from_the_top;

const TREE: &str = r#"
[program.tree]
command = "sleep 1001 & sh -c 'sleep 1002' & echo on; wait"
ready = { log = "on" }
[program.web]
command = "exec sleep 1000"
"#;

/// Waits until everybody stands still, or nobody. The spawner never does: it would not hear of the end of the others.
fn wait_until_all_stand_still(project: &TestProject, wanted: bool) {
    let spawner = ours_from_the_top(project).last().map(|found| found.pid);
    project.wait_until(&format!("everybody stands still: {wanted}"), PATIENCE, || {
        let all = project.survivors();
        all.len() > 4 && all.iter().all(|found| Some(found.pid) == spawner || (found.state == 'T') == wanted)
    });
}

#[test]
fn ctrl_z_stops_everything_and_fg_continues_it() {
    let project = TestProject::toml(TREE);
    let mut terminal = Terminal::start(&project, &["up"]);
    for name in ["tree", "web"] {
        project.wait_for_word(name, "ready");
    }
    let pids = ["tree", "web"].map(|name| project.pid(name));
    for _ in 0..2 {
        terminal.press("\x1a");
        wait_until_all_stand_still(&project, true);
        terminal.running.signal(Signal::SIGCONT);
        wait_until_all_stand_still(&project, false);
    }
    assert_eq!(["tree", "web"].map(|name| project.pid(name)), pids);
    terminal.press("\x03");
    assert!(becomes_true(PATIENCE, || terminal.running.has_ended().is_some()));
    assert_eq!(terminal.running.has_ended(), Some(0));
}

#[test]
fn a_supervisor_without_a_terminal_is_suspended_with_its_programs() {
    let project = TestProject::toml(TREE);
    let up = project.up();
    up.wait_for_banner();
    for name in ["tree", "web"] {
        project.wait_for_word(name, "ready");
    }
    up.signal(Signal::SIGTSTP);
    wait_until_all_stand_still(&project, true);
    up.signal(Signal::SIGCONT);
    wait_until_all_stand_still(&project, false);
    up.interrupt().expect_code(0);
}
