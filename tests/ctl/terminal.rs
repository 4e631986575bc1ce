//! The prompt on a terminal: editing, completion, history, Ctrl-C and Ctrl-D.

use super::behind_a_password;
use super::common::{PATIENCE, Terminal, TestProject, becomes_true};

const SHOP: &str = "[program.web]\ncommand = [\"sleep\", \"1000\"]\nstartsecs = 0\n";

#[track_caller]
fn wait_for_end(terminal: &mut Terminal<'_>) -> i32 {
    assert!(becomes_true(PATIENCE, || terminal.running.has_ended().is_some()), "{}", terminal.screen());
    terminal.running.has_ended().unwrap()
}

#[test]
fn tab_completes_commands_and_names_and_the_end_of_input_leaves() {
    let project = TestProject::toml(SHOP);
    let up = project.up();
    up.wait_for_banner();
    let mut terminal = Terminal::start(&project, &["ctl"]);
    terminal.wait_for("RUNNING").wait_for("supervisor> ");
    terminal.press("stat\tw\t\r");
    terminal.wait_for("status web ");
    // A Ctrl-D that is typed before there is a prompt again would come as another byte.
    let is_at_prompt = || {
        let screen = terminal.screen();
        let answers: Vec<&str> = screen.split("RUNNING").skip(1).collect();
        answers.len() == 2 && answers[1].contains("supervisor> ")
    };
    assert!(becomes_true(PATIENCE, is_at_prompt), "{}", terminal.screen());
    terminal.press("\x04");
    assert_eq!(wait_for_end(&mut terminal), 0);
}

#[test]
fn an_interrupt_at_the_prompt_leaves_with_success() {
    let project = TestProject::empty();
    let mut terminal = Terminal::start(&project, &["ctl", "-s", "unix:///nowhere.sock"]);
    terminal.wait_for("no such file").wait_for("supervisor> ");
    terminal.press("st\x03");
    assert_eq!(wait_for_end(&mut terminal), 0);
}

#[test]
fn lines_are_remembered_from_one_prompt_to_the_next() {
    let project = TestProject::empty();
    for (keys, shown) in [("help pid\r", "pid all"), ("\x1b[A\x1b[A\r", "pid all")] {
        let mut terminal = Terminal::start(&project, &["ctl", "-s", "unix:///nowhere.sock", "-r", "history"]);
        terminal.wait_for("supervisor> ").press(keys);
        terminal.wait_for(shown).press("quit\r");
        assert_eq!(wait_for_end(&mut terminal), 0);
    }
    assert!(project.read("history").contains("help pid\nquit\n"));
}

#[test]
fn lines_that_are_pasted_at_once_are_done_one_after_the_other() {
    let project = TestProject::empty();
    let mut terminal = Terminal::start(&project, &["ctl", "-s", "unix:///nowhere.sock"]);
    terminal.wait_for("supervisor> ").press("help pid\rhelp version\rquit\r");
    assert_eq!(wait_for_end(&mut terminal), 0);
    // What it has written may still be on its way.
    terminal.wait_for("pid all").wait_for("The version of the server");
}

#[test]
fn an_interrupt_while_a_command_waits_leaves_with_success() {
    let deaf = "[program.deaf]\ncommand = \"trap '' TERM; echo on; while :; do sleep 0.1; done\"\nstopwaitsecs = 60\n";
    let project = TestProject::toml(deaf);
    let up = project.up();
    up.wait_for("on");
    let mut terminal = Terminal::start(&project, &["ctl"]);
    terminal.wait_for("supervisor> ").press("stop deaf\r");
    project.wait_for_word("deaf", "stopping");
    terminal.press("\x03");
    assert_eq!(wait_for_end(&mut terminal), 0);
    project.run(&["signal", "KILL", "deaf"]).expect_code(0);
}

#[test]
fn an_interrupt_in_place_of_a_password_leaves_a_terminal_that_shows_what_is_typed() {
    let (project, url) = behind_a_password(SHOP);
    let up = project.up();
    up.wait_for_banner();
    let mut terminal = Terminal::start(&project, &["ctl", "-i", "-s", &url, "status"]);
    terminal.wait_for("Username:").press("ann\r").wait_for("Password:");
    assert!(becomes_true(PATIENCE, || !terminal.is_as_found()));
    terminal.press("\x03");
    assert_eq!(wait_for_end(&mut terminal), 1);
    assert!(terminal.is_as_found());
}
