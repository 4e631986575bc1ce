//! `run attach`: a program's terminal, or lines to its stdin, as if we were not between.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::common::{Done, PATIENCE, Terminal, TestProject, becomes_true, has_tool};

/// The key that leaves.
pub(crate) const LEAVE: &str = "\x1d";

/// Says back what it is told, and goes on when nobody tells it anything.
pub(crate) const ECHO: &str = r#"
[program.echo]
command = "echo on; while read line; do echo got $line; done; echo over"
ready = { log = "on" }
"#;

/// A shell on a terminal, without any editing of its own.
pub(crate) const SHELL: &str = r#"
[program.shell]
command = ["sh", "-c", "PS1='ok> ' ENV= exec sh -i"]
tty = true
stopsignal = "HUP"
ready = { log = "ok>" }
"#;

pub(crate) fn up(text: &str) -> TestProject {
    let project = TestProject::toml(text);
    project.run(&["up", "-d"]).expect_code(0);
    project
}

pub(crate) fn attach<'a>(project: &'a TestProject, name: &str) -> Terminal<'a> {
    let terminal = Terminal::start(project, &["attach", name]);
    terminal.wait_for("Ctrl-] leaves");
    terminal
}

/// Attaches with something else than a terminal as stdin.
fn piped(project: &TestProject, arguments: &[&str], input: &str) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_run"));
    command.arg("attach").args(arguments);
    project.put_into_world(&mut command);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Done {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn wait_for_log(project: &TestProject, name: &str, text: &str) {
    project.wait_until(&format!("the log of {name} has {text:?}"), PATIENCE, || {
        project.run(&["logs", name]).stdout.contains(text)
    });
}

#[track_caller]
pub(crate) fn has_ended(terminal: &mut Terminal<'_>) {
    let has_ended = becomes_true(PATIENCE, || terminal.running.has_ended() == Some(0));
    assert!(has_ended, "{}", terminal.screen());
}

#[track_caller]
pub(crate) fn leave(mut terminal: Terminal<'_>) {
    terminal.press(LEAVE).wait_for("left ");
    has_ended(&mut terminal);
}

#[test]
fn lines_reach_a_program_with_pipes_and_leaving_does_not_end_its_stdin() {
    let project = up(ECHO);
    let terminal = attach(&project, "echo");
    terminal.press("one\r").wait_for("got one");
    terminal.press("half");
    leave(terminal);
    let again = attach(&project, "echo");
    // What was there before comes first, and what was not sent is not there.
    again.wait_for("got one").press("two\r").wait_for("got two\r\n");
    leave(again);
    assert!(!project.run(&["logs", "echo"]).stdout.contains("over"));
    project.run(&["down"]).expect_code(0);
}

#[test]
fn the_terminal_is_put_back_as_it_was_found() {
    let project = up(&format!("{ECHO}{SHELL}"));
    for name in ["echo", "shell"] {
        let mut terminal = Terminal::start(&project, &["attach", name]);
        terminal.wait_for("Ctrl-] leaves");
        terminal.running.wait_until("the terminal is taken", || !terminal.is_as_found());
        terminal.press(LEAVE).wait_for("left ");
        terminal.running.wait_until("the terminal is given back", || terminal.is_as_found());
        terminal.hang_up();
    }
    project.run(&["down"]).expect_code(0);
}

#[test]
fn every_key_reaches_a_shell_on_a_terminal_ctrl_c_too_and_the_size_is_ours() {
    let project = up(SHELL);
    let terminal = attach(&project, "shell");
    terminal.wait_for("ok> ").press("stty size\r").wait_for("40 100\r\n");
    terminal.resize(31, 77);
    terminal.running.wait_until("the new size is there", || {
        terminal.press("stty size\r");
        terminal.screen().contains("31 77\r\n")
    });
    // What says so already has the signals of a child, unlike what a shell has only forked.
    terminal
        .press("sh -c 'echo asleep; exec sleep 1000'\r")
        .wait_for("asleep\r\n")
        .press("\x03")
        .press("echo status $?\r")
        .wait_for("status 130");
    terminal.press("echo wrogn\x7f\x7fng\r").wait_for("\r\nwrong");
    leave(terminal);
    wait_for_log(&project, "shell", "wrong");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_prompt_with_line_editing_behaves_as_without_us() {
    if !has_tool("python3") {
        return;
    }
    let project = up("[program.python]\ncommand = [\"python3\", \"-q\"]\ntty = true\nready = { log = \">>>\" }\n\
                      environment = { TERM = \"xterm\", PYTHON_BASIC_REPL = \"1\" }\n");
    let terminal = attach(&project, "python");
    // Backspace, the beginning of the line, and the history.
    terminal.wait_for(">>> ").press("rint(6*77\x7f)\x01p\r").wait_for("\r\n42");
    terminal.press("\x1b[A\r");
    terminal.running.wait_until("the line before is run again", || terminal.screen().matches("\r\n42").count() == 2);
    terminal.press("\x03").wait_for("KeyboardInterrupt");
    leave(terminal);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn an_editor_owns_the_screen_and_gives_it_back() {
    if !has_tool("vi") {
        return;
    }
    let vi =
        "[program.vi]\ncommand = [\"vi\", \"letter\"]\ntty = true\nstartsecs = 0\nenvironment = { TERM = \"xterm\" }\n";
    let project = up(&format!("{ECHO}{vi}"));
    let terminal = attach(&project, "vi");
    terminal.wait_for("\x1b[?1049h").wait_for("All").press("idear\x1b:w\r");
    project.wait_until("the letter is written", PATIENCE, || project.path("letter").exists());
    leave(terminal);
    // Who comes back finds the screen drawn anew.
    let again = attach(&project, "vi");
    again.wait_for("dear").press(":q\r").wait_for("vi has ended");
    leave(again);
    assert_eq!(project.read("letter"), "dear\n");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn what_a_program_left_switched_on_is_switched_off_when_we_leave_and_on_again_when_we_come() {
    let project = up(
        "[program.full]\ncommand = \"printf '\\\\033[?1049h\\\\033[?25l\\\\033[?2004hhere'; exec sleep 1000\"\ntty = true\n\
                      ready = { log = \"here\" }\n",
    );
    for _ in 0..2 {
        let terminal = attach(&project, "full");
        terminal.wait_for("\x1b[?25l\x1b[?1049h\x1b[?2004h").press(LEAVE);
        terminal.wait_for("\x1b[?25h\x1b[?1049l\x1b[?2004l\x1b[0m").wait_for("left full");
    }
    project.run(&["down"]).expect_code(0);
}

#[test]
fn two_who_are_attached_see_the_same() {
    let project = up(ECHO);
    let (first, second) = (attach(&project, "echo"), attach(&project, "echo"));
    first.press("one\r");
    second.wait_for("got one").press("two\r").wait_for("got two");
    first.wait_for("got two");
    leave(first);
    second.press("three\r").wait_for("got three");
    leave(second);
    project.run(&["down"]).expect_code(0);
}

/// The time that a process has computed, in clock ticks.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn nobody_computes_while_nothing_is_typed() {
    let project = up(&format!("{ECHO}{SHELL}"));
    let (echo, shell) = (attach(&project, "echo"), attach(&project, "shell"));
    shell.wait_for("ok> ");
    let all = || project.ours().iter().map(|found| ticks(found.pid)).sum::<u64>();
    let (mut before, mut still) = (all(), 0);
    project.wait_until("all of ours rest", PATIENCE, || {
        let now = all();
        still = if now == before { still + 1 } else { 0 };
        before = now;
        still == 50
    });
    leave(echo);
    leave(shell);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_client_that_is_shot_or_stopped_disturbs_nobody() {
    let project = up(ECHO);
    let (shot, stopped) = (attach(&project, "echo"), attach(&project, "echo"));
    shot.running.signal(Signal::SIGKILL);
    stopped.running.signal(Signal::SIGSTOP);
    let terminal = attach(&project, "echo");
    for number in 0..20 {
        terminal.press(&format!("{number}\r")).wait_for(&format!("got {number}\r\n"));
    }
    leave(terminal);
    stopped.running.signal(Signal::SIGCONT);
    stopped.wait_for("got 19");
    leave(stopped);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn who_is_attached_stays_for_the_next_run() {
    let project = up(&format!("{ECHO}{SHELL}"));
    let (echo, shell) = (attach(&project, "echo"), attach(&project, "shell"));
    project.run(&["restart", "echo", "shell"]).expect_code(0);
    echo.wait_for("echo has ended").wait_for("echo runs (run 2)").press("again\r").wait_for("got again");
    shell.wait_for("shell runs (run 2)").press("stty size\r").wait_for("40 100\r\n");
    project.run(&["down"]).expect_code(0);
    echo.wait_for("has ended: ");
    for mut terminal in [echo, shell] {
        has_ended(&mut terminal);
    }
}

#[test]
fn a_pipe_is_passed_on_and_its_end_only_when_that_is_wished() {
    let project = up(&ECHO.replace("ready", "autorestart = false\nready"));
    piped(&project, &["echo"], "one\ntwo\n").expect_code(0);
    wait_for_log(&project, "echo", "got two");
    assert!(!project.run(&["logs", "echo"]).stdout.contains("over"));
    let done = piped(&project, &["echo", "--eof"], "three\n").expect_code(0);
    assert!(done.stdout.ends_with("got three\nover\n"), "{done:?}");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn megabytes_through_a_pipe_arrive_whole() {
    let project = up("[program.count]\ncommand = \"echo on; wc -c\"\nautorestart = false\nready = { log = \"on\" }\n");
    let done = piped(&project, &["count", "--eof"], &"0123456789abcde\n".repeat(1 << 18)).expect_code(0);
    assert!(done.stdout.ends_with("4194304\n"), "{done:?}");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_program_that_does_not_run_is_refused_or_waited_for() {
    let project = up(&ECHO.replace("ready", "autostart = false\nready"));
    let refused = project.run(&["attach", "echo"]).expect_code(2);
    assert!(refused.stderr.starts_with("error: echo is off"), "{}", refused.stderr);
    assert!(refused.stderr.contains("run attach --wait echo"), "{}", refused.stderr);
    assert!(project.run(&["attach", "ecko"]).expect_code(2).stderr.contains("did you mean `echo`?"));
    let terminal = Terminal::start(&project, &["attach", "--wait", "echo"]);
    terminal.wait_for("waiting for echo").press("early\r").wait_for("nothing was sent to echo");
    project.run(&["start", "echo"]).expect_code(0);
    terminal.wait_for("echo runs (run 1)").press("one\r").wait_for("got one");
    assert!(!terminal.screen().contains("got early"));
    leave(terminal);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_listener_is_nobody_to_attach_to() {
    let project = up("[eventlistener.ears]\ncommand = \"exec sleep 1000\"\nevents = [\"TICK_5\"]\nstartsecs = 0\n");
    let refused = project.run(&["attach", "ears"]).expect_code(2);
    assert!(refused.stderr.contains("it speaks a protocol"), "{}", refused.stderr);
    project.run(&["down"]).expect_code(0);
}
