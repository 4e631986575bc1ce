//! The stream under every kind of output: whole lines, none lost, none doubled, none forged, whoever reads it or does not.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::common::{Running, Terminal, TestProject, has_tool, lines_of};
use crate::stranger::may_become_a_stranger;

/// One task with this shell text.
fn task(text: &str) -> TestProject {
    TestProject::empty().file("run.toml", "[task.web]\ncommand = \"sh say.sh\"\n").file("say.sh", text)
}

/// The output of a task in a pipe, raw.
fn raw(text: &str) -> Vec<u8> {
    let project = task(text);
    let output = project.command(&["up"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
fn a_line_of_10_mb_comes_whole_and_in_order() {
    let out = raw("echo begin; head -c 10000000 /dev/zero | tr '\\0' x; echo; echo end");
    let text = String::from_utf8(out).unwrap();
    let lines = lines_of(&text, "web");
    assert_eq!(lines.len(), text.lines().count(), "every part has its prefix");
    assert_eq!((lines.first().unwrap().as_str(), lines.last().unwrap().as_str()), ("begin", "end"));
    assert_eq!(lines.iter().map(|line| line.matches('x').count()).sum::<usize>(), 10_000_000);
}

#[test]
fn bytes_that_are_no_utf8_pass() {
    let out = raw("printf 'a\\377b\\n'");
    assert!(out.windows(3).any(|bytes| bytes == b"a\xffb"), "{out:?}");
}

#[test]
fn control_bytes_are_shown_and_not_obeyed() {
    let out =
        raw("printf 'a\\033[2Jb\\bc\\007\\033]0;title\\007\\n'; printf 'x\\233\\061Ky\\n'; printf 'p\\302\\205q\\n'");
    let controls: Vec<u8> = out.iter().copied().filter(|byte| *byte < 0x20 && *byte != b'\n').collect();
    assert!(controls.is_empty(), "{controls:?} in {}", String::from_utf8_lossy(&out));
    assert!(!out.windows(2).any(|bytes| bytes == b"\xc2\x85") && !out.contains(&0x9b), "C1 in {out:?}");
}

#[test]
fn a_progress_bar_cannot_forge_a_line_of_another_program() {
    let out = raw("printf '10%%\\r50%%\\r100%%\\n'; printf 'x\\rdb | forged\\n'; printf 'dos\\r\\n'");
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains('\r'), "{text:?}");
    assert!(text.contains("100%"), "{text:?}");
    assert_eq!(lines_of(&text, "web").len(), text.lines().count(), "{text:?}");
    assert_eq!(lines_of(&text, "web").last().unwrap(), "dos");
}

#[test]
fn a_partial_last_line_is_shown_while_the_program_runs() {
    let project = TestProject::toml("[program.web]\ncommand = \"printf 'Password: '; exec sleep 1000\"\n");
    let up = project.up();
    up.wait_for("Password: ");
    up.interrupt().expect_code(0);
}

#[test]
fn a_last_line_without_an_end_is_a_line() {
    let text = String::from_utf8(raw("echo one; printf two")).unwrap();
    let lines = lines_of(&text, "web");
    assert_eq!(lines.len(), 2, "{text:?}");
    assert!(lines[1].starts_with("two") && text.ends_with('\n'), "{text:?}");
}

#[test]
fn sixty_four_flooding_writers_lose_break_and_double_nothing() {
    const LINES: usize = 3000;
    let section = |number| format!("[task.w{number:02}]\ncommand = \"sh flood.sh w{number:02} {LINES}\"\n");
    let text: String = (0..64).map(section).collect();
    // Each line in one write, so that no pause of a writer can fall into the middle of a line.
    let flood = "i=0; while [ $i -lt $2 ]; do i=$((i + 1)); echo \"$1 line $i of a flood\"; done\n";
    let project = TestProject::toml(&text).file("flood.sh", flood);
    let up = project.up();
    let out = up.end().expect_code(0).stdout;
    for number in 0..64 {
        let name = format!("w{number:02}");
        let lines = lines_of(&out, &name);
        let expected = (1..=LINES).map(|line| format!("{name} line {line} of a flood"));
        let wrong = expected.zip(&lines).find(|(expected, line)| expected != *line);
        assert!(wrong.is_none() && lines.len() == LINES, "{name}: {} lines, first wrong: {wrong:?}", lines.len());
    }
    assert_eq!(out.lines().count(), 64 * LINES);
}

#[test]
fn a_slow_reader_of_a_pipe_misses_nothing() {
    let project = TestProject::toml("[task.web]\ncommand = \"seq 300000\"\n");
    let mut command = Command::new("sh");
    command.args([
        "-c",
        &format!("'{}' up | (while ! test -f go; do sleep 0.05; done; cat > all)", env!("CARGO_BIN_EXE_run")),
    ]);
    project.put_into_world(&mut command);
    let up = Running::start(&project, command);
    project.wait_until("the task has written or is held back", crate::common::PATIENCE, || {
        !project.survivors().is_empty()
    });
    project.write("go", "");
    up.end().expect_code(0);
    let lines = lines_of(&project.read("all"), "web");
    assert!((1..=300_000).map(|number| number.to_string()).eq(lines));
}

#[test]
fn a_reader_that_does_not_read_blocks_neither_questions_nor_the_end() {
    let project = TestProject::toml(
        "[program.flood]\ncommand = \"yes flood\"\nstopwaitsecs = 1\n[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n",
    );
    let (_reader, writer) = std::io::pipe().unwrap();
    let mut command = project.command(&["up"]);
    command.stdout(Stdio::from(OwnedFd::from(writer))).stderr(Stdio::null());
    let up = Running::start_with_own_streams(&project, command);
    project.wait_for_word("web", "ready");
    project.run(&["restart", "web"]).expect_code(0);
    up.signal(Signal::SIGTERM);
    up.end();
}

#[test]
fn head_takes_its_line_and_everything_ends() {
    let project = TestProject::toml("[program.web]\ncommand = \"while :; do echo tick; sleep 0.05; done\"\n");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("'{}' up | head -1", env!("CARGO_BIN_EXE_run"))]);
    project.put_into_world(&mut command);
    let done = project.finish(command);
    assert_eq!(lines_of(&done.stdout, "web"), ["tick"]);
    project.wait_for_silence(crate::common::PATIENCE);
}

#[test]
fn a_closed_terminal_ends_everything_in_order() {
    if !has_tool("setsid") {
        return;
    }
    let project = TestProject::toml(
        "[program.web]\ncommand = \"trap 'echo stopped > stopped; exit 0' TERM; echo on; while :; do sleep 0.05; done\"\nready = { log = \"on\" }\n",
    );
    let mut terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("up in ");
    terminal.hang_up();
    project.wait_for_silence(crate::common::PATIENCE);
    assert_eq!(project.read("stopped"), "stopped\n");
}

const COLOURED: &str = "[program.web]\ncommand = \"printf '\\\\033[31mred\\\\033[0m end\\\\n'; exec sleep 1000\"\nready = { log = \"end\" }\n";

#[test]
fn colours_pass_to_a_terminal_and_not_into_a_pipe() {
    if !has_tool("setsid") {
        return;
    }
    let project = TestProject::toml(COLOURED);
    let terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("\x1b[31mred").wait_for("up in ");
    let screen = terminal.screen();
    assert!(screen.contains("✓"), "marks of a UTF-8 terminal: {screen:?}");
    terminal.press("q");
    project.wait_for_silence(crate::common::PATIENCE);
    drop(terminal);
    let up = project.up();
    up.wait_for_banner();
    let done = up.interrupt();
    assert_eq!(lines_of(&done.stdout, "web"), ["red end"]);
    assert!(!done.stdout.contains('\x1b') && !done.stderr.contains('\x1b'));
}

#[test]
fn no_color_is_honoured_on_a_terminal_and_color_always_in_a_pipe() {
    if !has_tool("setsid") {
        return;
    }
    let project = TestProject::toml(COLOURED).env("NO_COLOR", "1");
    let terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("up in ");
    let ours: Vec<String> =
        terminal.screen().lines().filter(|line| line.contains("ready in")).map(str::to_owned).collect();
    assert!(!ours.is_empty() && ours.iter().all(|line| !line.contains("\x1b[3")), "{ours:?}");
    terminal.press("q");
    project.wait_for_silence(crate::common::PATIENCE);
    drop(terminal);
    let up = project.start(&["--color", "always", "up"]);
    up.wait_for_banner();
    assert!(up.stderr().contains("\x1b["), "{:?}", up.stderr());
    up.interrupt();
}

#[test]
fn programs_see_a_terminal_when_we_have_one() {
    if !has_tool("setsid") {
        return;
    }
    let project = TestProject::toml(
        "[program.web]\ncommand = \"test -t 1 && echo tty || echo pipe; exec sleep 1000\"\nready = { log = \"tty|pipe\" }\n",
    );
    let terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("tty").wait_for("up in ");
    terminal.press("q");
    project.wait_for_silence(crate::common::PATIENCE);
    drop(terminal);
    let up = project.up();
    up.wait_for_banner();
    assert_eq!(lines_of(&up.interrupt().stdout, "web"), ["pipe"]);
}

#[test]
fn keys_work_on_a_terminal() {
    if !has_tool("setsid") {
        return;
    }
    let project = TestProject::toml(COLOURED);
    let terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("keys:");
    terminal.press("s").wait_for("STATE");
    terminal.press("?").wait_for("detach");
    terminal.press("q").wait_for("all stopped in");
    project.wait_for_silence(crate::common::PATIENCE);
}

#[test]
fn no_live_line_stands_where_the_reader_of_a_pipe_writes() {
    if !has_tool("setsid") {
        return;
    }
    let project = TestProject::toml("[program.web]\ncommand = \"cat\"\nready = { file = \"never\" }\n");
    let piped =
        Terminal::start_program(&project, Path::new("/bin/sh"), &["-c", "\"$0\" up | cat", env!("CARGO_BIN_EXE_run")]);
    piped.wait_for("not ready yet");
    assert!(!piped.screen().contains("web starting"), "{}", piped.screen());
    project.run(&["down"]).expect_code(0);
    let alone = Terminal::start(&project, &["up"]);
    alone.wait_for("web starting");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn d_detaches_and_leaves_it_running() {
    if !has_tool("setsid") {
        return;
    }
    let project = TestProject::toml(COLOURED);
    let terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("keys:").press("d").wait_for("run down");
    terminal.running.wait_until("the shell has its prompt back", || {
        project.ours().iter().all(|found| found.pid != terminal.running.pid())
    });
    drop(terminal);
    assert_eq!(project.word("web"), "ready");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn ctrl_c_on_a_terminal_reaches_us_alone_and_stops_in_order() {
    if !has_tool("setsid") {
        return;
    }
    let project = TestProject::toml(
        "[program.web]\ncommand = \"trap 'echo int >> got' INT; trap 'echo term >> got; exit 0' TERM; echo on; while :; do sleep 0.05; done\"\nready = { log = \"on\" }\n",
    );
    let terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("up in ").press("\x03").wait_for("all stopped in");
    project.wait_for_silence(crate::common::PATIENCE);
    assert_eq!(project.lines("got"), ["term"]);
}

#[test]
fn a_second_up_on_a_terminal_shows_the_stream_and_ctrl_c_only_leaves() {
    if !has_tool("setsid") {
        return;
    }
    let project = TestProject::toml(
        "[program.web]\ncommand = \"echo on; while :; do echo tick; sleep 0.05; done\"\nready = { log = \"on\" }\n\
         [program.later]\ncommand = \"echo here; exec sleep 1000\"\nready = { log = \"here\" }\n",
    );
    let up = project.up();
    up.wait_for_banner();
    project.run(&["stop", "later"]).expect_code(0);
    let pid = project.pid("web");
    let terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("tick");
    project.wait_for_word("later", "ready");
    terminal.press("\x03");
    terminal.running.wait_until("it leaves", || project.ours().iter().all(|found| found.pid != terminal.running.pid()));
    drop(terminal);
    assert_eq!((project.pid("web"), project.word("web")), (pid, "ready".into()));
    up.interrupt().expect_code(0);
}

/// As servers do whose log is called `/dev/stdout` in their config.
#[test]
fn a_program_of_another_user_can_open_its_streams_by_name() {
    if !may_become_a_stranger() {
        return;
    }
    let project = TestProject::toml(
        "[task.web]\ncommand = \"echo out > /dev/stdout; echo err > /dev/stderr; : < /dev/stdin; echo $?\"\nuser = \"nobody\"\n\
         [task.shell]\ncommand = \"echo out > $(tty); : < $(tty); echo $?\"\nuser = \"nobody\"\ntty = true\n",
    );
    let out = project.run(&["up"]).expect_code(0).stdout;
    assert_eq!(lines_of(&out, "web"), ["out", "err", "0"]);
    assert_eq!(lines_of(&out, "shell"), ["out", "0"]);
}
