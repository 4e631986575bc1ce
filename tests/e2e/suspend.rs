//! Ctrl-Z: whatever runs stands still with us, and goes on with us; whoever asks meanwhile is told.

use nix::sys::signal::Signal;

use crate::common::{PATIENCE, Running, Terminal, TestProject, becomes_true};
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
    let reached = becomes_true(PATIENCE, || {
        let all = project.survivors();
        all.len() > 4 && all.iter().all(|found| Some(found.pid) == spawner || (found.state == 'T') == wanted)
    });
    let all = project.survivors();
    // Who stands still could answer nobody, and would not end.
    if !reached {
        project.ours().iter().for_each(|found| found.signal(Signal::SIGCONT));
    }
    assert!(reached, "everybody was to stand still: {wanted}\n{all:#?}");
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

/// Has the supervisor stand still, which takes a moment more than the signal.
#[track_caller]
fn stop(project: &TestProject, up: &Running<'_>) {
    up.signal(Signal::SIGSTOP);
    let is_stopped = || project.ours().iter().any(|found| found.pid == up.pid() && found.state == 'T');
    up.wait_until("the supervisor is stopped", is_stopped);
}

#[test]
fn what_is_kept_of_a_suspended_project_is_shown_with_what_continues_it() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"echo on; until [ -e say ]; do sleep 0.1; done; echo later; exec sleep 1000\"\nready = { log = \"on\" }\n",
    );
    let up = project.up();
    project.wait_for_word("web", "ready");
    let follows_from_before = project.start(&["logs", "-f", "web"]);
    follows_from_before.wait_for("on");
    stop(&project, &up);
    let pid = up.pid();
    let told = format!("project is suspended: its process {pid} is stopped; kill -CONT {pid} continues it");
    let asked: [&[&str]; 4] =
        [&["logs"], &["logs", "web", "-n", "5"], &["logs", "--json"], &["logs", "--max-bytes", "99"]];
    for words in asked {
        let done = project.run(words).expect_code(0);
        assert!(done.stdout.contains("on") && done.stderr.matches(&told).count() == 1, "{words:?} {done:?}");
    }
    let follows_from_now = project.start(&["logs", "-f"]);
    let following = [follows_from_before, follows_from_now];
    for one in &following {
        one.wait_for(&told);
    }
    up.signal(Signal::SIGCONT);
    project.write("say", "");
    for one in &following {
        one.wait_for("project goes on").wait_for("later");
    }
    up.interrupt().expect_code(0);
    for one in following {
        let done = one.end().expect_code(0).expect_text("project is down; run up starts it");
        assert_eq!(done.stderr.matches(&told).count(), 1, "{done:?}");
    }
}

#[test]
fn a_joined_stream_waits_until_a_suspended_project_goes_on() {
    let project = TestProject::toml("[program.web]\ncommand = \"exec sleep 1000\"\nstartsecs = 0\n");
    let up = project.up();
    project.wait_for_word("web", "ready");
    let mut joined = Terminal::start(&project, &["up"]);
    joined.wait_for("Ctrl-C leaves");
    stop(&project, &up);
    joined.wait_for(&format!("project is suspended: its process {} is stopped", up.pid()));
    up.signal(Signal::SIGCONT);
    joined.wait_for("project goes on");
    project.run(&["restart", "web"]).expect_code(0);
    joined.wait_for("starting, run 2");
    up.interrupt().expect_code(0);
    joined.wait_for("project is down");
    assert!(becomes_true(PATIENCE, || joined.running.has_ended() == Some(0)));
}

#[test]
fn who_asks_a_suspended_project_is_told_so_in_time() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"exec sleep 1000\"\n\
         [program.slow]\ncommand = \"exec sleep 1000\"\nready = { file = \"never\" }\n",
    );
    let up = project.up();
    project.wait_for_word("web", "ready");
    let waits = project.start(&["wait", "slow"]);
    stop(&project, &up);
    let told = format!("project does not answer: its process {} is stopped", up.pid());
    let typed = format!("kill -CONT {}", up.pid());
    let asked: [&[&str]; 4] = [&["status"], &["why", "web"], &["wait", "slow", "--timeout", "100ms"], &["down"]];
    for words in asked {
        project.run(words).expect_code(2).expect_text(&told).expect_text(&typed);
    }
    project.run(&["ctl", "status"]).expect_text(&told);
    project.run(&["projects"]).expect_code(0).expect_text("suspended").expect_text(&typed);
    let mut screen = Terminal::start(&project, &["ui"]);
    screen.wait_for(&told);
    assert!(becomes_true(PATIENCE, || screen.running.has_ended() == Some(2)));
    waits.end().expect_code(2).expect_text(&told);
    up.signal(Signal::SIGCONT);
    project.wait_for_word("web", "ready");
    up.interrupt();
}
