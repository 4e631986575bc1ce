//! The terminal of who is attached is given back, however that ends; and whose size counts.

use nix::sys::signal::Signal;

use crate::attach::{ECHO, LEAVE, SHELL, attach, has_ended, leave, up};
use crate::common::{Found, PATIENCE, Terminal, TestProject, becomes_true};

/// Owns the whole screen and hears the mouse, and never gives any of it back.
const FULL: &str = r#"
[program.full]
command = "printf '\\033[?1049h\\033[?25l\\033[?2004h\\033[?1000;1006hhere'; exec sleep 1000"
tty = true
ready = { log = "here" }
"#;

/// What switches all of that off again.
const UNDO: &str = "\x1b[?25h\x1b[?1000l\x1b[?1006l\x1b[?1049l\x1b[?2004l\x1b[0m";

/// What switches it on.
const REDO: &str = "\x1b[?25l\x1b[?1000h\x1b[?1006h\x1b[?1049h\x1b[?2004h";

#[track_caller]
fn wait_until_taken(terminal: &Terminal<'_>) {
    terminal.running.wait_until("the terminal is taken", || !terminal.is_as_found());
}

#[track_caller]
fn wait_until_given_back(terminal: &Terminal<'_>) {
    terminal.running.wait_until("the terminal is given back", || terminal.is_as_found());
}

#[track_caller]
fn attach_to_full(project: &TestProject) -> Terminal<'_> {
    let terminal = attach(project, "full");
    wait_until_taken(&terminal);
    terminal.wait_for(REDO);
    terminal
}

/// Waits for the end of what runs on the terminal, and for its code.
#[track_caller]
pub(super) fn wait_for_code(terminal: &mut Terminal<'_>, code: i32) {
    let mut found = None;
    let ends = becomes_true(PATIENCE, || {
        found = terminal.running.has_ended();
        found.is_some()
    });
    assert!(ends && found == Some(code), "{found:?}\n{}", terminal.screen());
}

/// The one of ours that has a child of ours.
fn supervisor(project: &TestProject) -> Found {
    let ours = project.ours();
    ours.iter().find(|found| ours.iter().any(|other| other.parent == found.pid)).unwrap().clone()
}

#[test]
fn a_signal_that_ends_us_gives_the_terminal_back() {
    let project = up(&format!("{ECHO}{FULL}"));
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129), (Signal::SIGQUIT, 131), (Signal::SIGINT, 0)] {
        let mut full = attach_to_full(&project);
        let mut echo = attach(&project, "echo");
        wait_until_taken(&echo);
        for terminal in [&mut full, &mut echo] {
            terminal.running.signal(signal);
            wait_for_code(terminal, code);
            assert!(terminal.is_as_found(), "{signal}");
        }
        full.wait_for(UNDO);
    }
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_window_that_is_closed_ends_us_and_nobody_else() {
    let project = up(&format!("{ECHO}{FULL}"));
    let pid = project.pid("full");
    for name in ["full", "echo"] {
        let mut terminal = attach(&project, name);
        terminal.hang_up();
        let ends = becomes_true(PATIENCE, || terminal.running.has_ended().is_some());
        assert!(ends, "{name}");
    }
    assert_eq!(project.pid("full"), pid);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn who_is_suspended_gives_the_terminal_back_and_takes_it_again() {
    let project = up(&format!("{ECHO}{FULL}"));
    let (full, echo) = (attach_to_full(&project), attach(&project, "echo"));
    wait_until_taken(&echo);
    // Ctrl-Z is a key of the program where it has a terminal.
    full.running.signal(Signal::SIGTSTP);
    echo.press("\x1a");
    for terminal in [&full, &echo] {
        project.wait_until("it is stopped", PATIENCE, || {
            project.ours().iter().any(|found| found.pid == terminal.running.pid() && found.state == 'T')
        });
        wait_until_given_back(terminal);
    }
    full.wait_for(UNDO);
    for terminal in [&full, &echo] {
        terminal.running.signal(Signal::SIGCONT);
        wait_until_taken(terminal);
    }
    full.running.wait_until("the screen is the program's again", || full.screen().matches(REDO).count() == 2);
    echo.press("one\r").wait_for("got one");
    leave(full);
    leave(echo);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_supervisor_that_is_shot_gives_the_terminal_back() {
    let project = up(&format!("{ECHO}{FULL}"));
    let (full, echo) = (attach_to_full(&project), attach(&project, "echo"));
    wait_until_taken(&echo);
    project.shoot(&supervisor(&project));
    full.wait_for(UNDO);
    for mut terminal in [full, echo] {
        wait_until_given_back(&terminal);
        terminal.wait_for(" has ended");
        has_ended(&mut terminal);
    }
    project.wait_for_silence(PATIENCE);
}

#[test]
fn a_supervisor_that_hangs_holds_nobody() {
    let project = up(&format!("{ECHO}{FULL}"));
    let (full, echo) = (attach_to_full(&project), attach(&project, "echo"));
    wait_until_taken(&echo);
    let supervisor = supervisor(&project);
    supervisor.signal(Signal::SIGSTOP);
    for mut terminal in [full, echo] {
        terminal.press(LEAVE);
        wait_until_given_back(&terminal);
        has_ended(&mut terminal);
    }
    supervisor.signal(Signal::SIGCONT);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn the_size_is_that_of_who_came_last_until_it_leaves() {
    let project = up(SHELL);
    let size = |terminal: &Terminal<'_>, expected: &str| {
        terminal.running.wait_until(expected, || {
            terminal.press("stty size\r");
            terminal.screen().contains(&format!("{expected}\r\n"))
        });
    };
    let (first, second) = (attach(&project, "shell"), attach(&project, "shell"));
    second.resize(20, 60);
    size(&first, "20 60");
    first.resize(33, 88);
    leave(second);
    size(&first, "33 88");
    leave(first);
    project.run(&["down"]).expect_code(0);
}
