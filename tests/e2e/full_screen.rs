//! `run ui` on a real terminal: what is seen on it, and that it is given back however that ends.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use run::fault::Point;

use crate::attach::{SHELL, up};
use crate::attach_terminal::wait_for_code;
use crate::common::{PATIENCE, Terminal, TestProject, becomes_true};

/// One that speaks, and one that fails.
const SHOP: &str = r#"
[program.web]
command = "echo listening; exec sleep 1000"
ready = { log = "listening" }
[program.worker]
command = "echo queue refused; exit 1"
startretries = 0
"#;

/// What takes the other screen, and what leaves it.
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

/// What is on the screen now.
fn seen(terminal: &Terminal<'_>, rows: u16, columns: u16) -> String {
    let size = |number| std::num::NonZeroU16::new(number).unwrap();
    let mut parser = vt100::Parser::new(size(rows), size(columns), 0);
    parser.process(terminal.screen().as_bytes());
    parser.screen().contents()
}

#[track_caller]
fn wait_until_seen(terminal: &Terminal<'_>, text: &str) {
    let came = becomes_true(PATIENCE, || seen(terminal, 40, 100).contains(text));
    assert!(came, "`{text}` is not seen\n{}", seen(terminal, 40, 100));
}

fn project(text: &str) -> TestProject {
    let project = TestProject::toml(text);
    project.run(&["up", "-d"]);
    project
}

fn open(project: &TestProject) -> Terminal<'_> {
    let terminal = Terminal::start(project, &["ui"]);
    wait_until_seen(&terminal, "programs");
    terminal
}

#[test]
fn it_shows_follows_and_acts_and_leaves_everything_running() {
    let project = project(SHOP);
    let mut terminal = open(&project);
    wait_until_seen(&terminal, "queue refused");
    wait_until_seen(&terminal, "failed");
    terminal.press("j");
    wait_until_seen(&terminal, "listening");
    let pid = project.pid("web");
    terminal.press("r");
    project.wait_until("web is another process", PATIENCE, || ![0, pid].contains(&project.pid("web")));
    wait_until_seen(&terminal, "run 2");
    terminal.press("x");
    project.wait_for_word("web", "off");
    wait_until_seen(&terminal, "run 2 · off");
    terminal.press("x");
    project.wait_for_word("web", "ready");
    terminal.press("w");
    wait_until_seen(&terminal, "web is ready");
    terminal.press("\x1b");
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
    assert!(terminal.is_as_found());
    terminal.wait_for(LEAVE);
    assert_eq!(project.word("web"), "ready");
    project.run(&["down"]);
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let project = project(SHOP);
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129), (Signal::SIGQUIT, 131), (Signal::SIGINT, 0)] {
        let mut terminal = open(&project);
        terminal.running.signal(signal);
        wait_for_code(&mut terminal, code);
        assert!(terminal.is_as_found(), "{signal}");
        terminal.wait_for(LEAVE);
    }
    project.run(&["down"]);
}

/// A project that is up, and the directory in which a failure is made.
fn project_with_faults() -> (TestProject, PathBuf) {
    let project = TestProject::toml(SHOP);
    let faults = project.directory().parent().unwrap().join("faults");
    fs::create_dir(&faults).unwrap();
    let faults_text = faults.display().to_string();
    let project = project.env("RUN_FAULTS", &faults_text);
    project.run(&["up", "-d"]);
    (project, faults)
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_read() {
    let (project, faults) = project_with_faults();
    fs::write(faults.join(Point::Draw.name()), "5").unwrap();
    let mut terminal = Terminal::start(&project, &["ui"]);
    wait_for_code(&mut terminal, 101);
    assert!(terminal.is_as_found());
    let text = terminal.whole_screen();
    let (left, told) = (text.find(LEAVE).unwrap(), text.find("panicked").unwrap());
    assert!(left < told, "{text}");
    assert_eq!(text.matches(LEAVE).count(), 1, "once more would put the cursor over it\n{text}");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_panic_beside_the_screen_is_told_on_it() {
    let (project, faults) = project_with_faults();
    let mut terminal = open(&project);
    wait_until_seen(&terminal, "queue refused");
    fs::write(faults.join(Point::Errand.name()), "5").unwrap();
    terminal.press("jr");
    wait_until_seen(&terminal, "a bug of ours: panicked at src/cli/ui/errands.rs");
    assert!(!terminal.screen().contains(LEAVE), "{}", terminal.screen());
    fs::remove_file(faults.join(Point::Errand.name())).unwrap();
    let pid = project.pid("web");
    terminal.press("r");
    project.wait_until("web is another process", PATIENCE, || ![0, pid].contains(&project.pid("web")));
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
    project.run(&["down"]).expect_code(0);
}

/// Whether all of it was drawn since the screen was last cleared.
fn is_drawn_whole(text: &str) -> bool {
    let last = text.rfind("\x1b[2J").map_or("", |at| &text[at..]);
    last.contains("programs") && last.contains("quit")
}

#[test]
fn a_size_that_is_announced_is_drawn_for_even_if_it_is_the_same() {
    let project = project(SHOP);
    let mut terminal = open(&project);
    wait_until_seen(&terminal, "queue refused");
    let before = terminal.screen().matches("\x1b[2J").count();
    terminal.running.signal(Signal::SIGWINCH);
    let is_drawn_anew = || {
        let text = terminal.screen();
        text.matches("\x1b[2J").count() > before && is_drawn_whole(&text)
    };
    assert!(becomes_true(PATIENCE, is_drawn_anew), "{}", terminal.screen());
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn any_size_is_survived() {
    let project = project(SHOP);
    let mut terminal = open(&project);
    for (rows, columns) in [(1, 1), (3, 200), (2, 10), (200, 5), (1, 1)] {
        terminal.resize(rows, columns);
        terminal.press("jkwg\x1b");
    }
    terminal.resize(40, 100);
    terminal.press("\x0c");
    assert!(becomes_true(PATIENCE, || is_drawn_whole(&terminal.screen())), "{}", terminal.screen());
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
    project.run(&["down"]);
}

#[test]
fn what_programs_write_is_shown_and_never_obeyed() {
    let hostile = "[program.bad]\ncommand = \"printf 'a\\\\033[1;1Hb\\\\033]0;owned\\\\007c\\\\033[?1049l\\\\033]52;c;AAAA\\\\007 end of it\\\\n'; exec sleep 1000\"\n";
    let project = project(hostile);
    let mut terminal = open(&project);
    wait_until_seen(&terminal, "end of it");
    terminal.press("w");
    wait_until_seen(&terminal, "bad is ready");
    let text = terminal.screen();
    for obeyed in ["\x1b]0;", "\x1b]52;", LEAVE] {
        assert!(!text.contains(obeyed), "{obeyed:?}\n{text}");
    }
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
    project.run(&["down"]);
}

#[test]
fn a_project_that_ends_is_told_of_and_waited_for() {
    let project = project(SHOP);
    let mut terminal = open(&project);
    wait_until_seen(&terminal, "queue refused");
    project.run(&["down"]);
    wait_until_seen(&terminal, "has ended");
    terminal.press("\r");
    wait_until_seen(&terminal, "waiting for its return");
    project.run(&["up", "-d"]);
    wait_until_seen(&terminal, "it is up again");
    project.run(&["down"]);
    wait_until_seen(&terminal, "has ended");
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
}

#[test]
fn whoever_has_failed_meanwhile_is_told_with_its_last_lines_when_it_is_left() {
    let crash = "until [ -e go ]; do sleep 0.1; done; echo the queue is gone; exit 1";
    let project = project(&format!(
        "[program.late]\ncommand = \"{crash}\"\nready = {{ exec = \"true\" }}\nstartretries = 0\n\
         [program.loops]\ncommand = \"{crash}\"\nready = {{ exec = \"true\" }}\nstartretries = 1000\n{SHOP}"
    ));
    let mut terminal = open(&project);
    wait_until_seen(&terminal, "3 ready");
    project.write("go", "");
    wait_until_seen(&terminal, "1 ready  2 failed  1 retrying");
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
    let text = terminal.whole_screen();
    let after = text.rsplit(LEAVE).next().unwrap();
    for told in ["late, run 1, exited 1", "loops, run ", "the queue is gone", "run why loops"] {
        assert!(after.contains(told), "{told}\n{after}");
    }
    assert!(!after.contains("worker"), "that was told when it was started\n{after}");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_project_that_is_suspended_is_shown_as_that_until_it_goes_on() {
    let project = project(SHOP);
    let mut terminal = open(&project);
    wait_until_seen(&terminal, "1 ready");
    let pid = project.status().unwrap()["pid"].as_u64().unwrap();
    let supervisor = project.ours().into_iter().find(|found| u64::from(found.pid) == pid).unwrap();
    supervisor.signal(Signal::SIGSTOP);
    wait_until_seen(&terminal, &format!("project is suspended   kill -CONT {pid} continues it"));
    supervisor.signal(Signal::SIGCONT);
    wait_until_seen(&terminal, "? keys");
    terminal.press("jr");
    wait_until_seen(&terminal, "run 2");
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_project_that_is_killed_is_told_of_with_its_programs() {
    let project = project(SHOP);
    let mut terminal = open(&project);
    terminal.press("j");
    wait_until_seen(&terminal, "1 ready");
    let pid = project.status().unwrap()["pid"].as_u64().unwrap();
    let supervisor = project.ours().into_iter().find(|found| u64::from(found.pid) == pid).unwrap();
    project.shoot(&supervisor);
    wait_until_seen(&terminal, "has ended");
    // A terminal may have got only the first half of a frame.
    let is_told = || {
        let screen = seen(&terminal, 40, 100);
        screen.contains("1 off") && !screen.contains("ready")
    };
    let is_told = becomes_true(PATIENCE, is_told);
    let screen = seen(&terminal, 40, 100);
    assert!(is_told && !screen.contains("killed by"), "{screen}");
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
}

#[test]
fn a_program_with_a_terminal_gets_the_keys_and_its_output_is_kept() {
    let project = up(SHELL);
    let mut terminal = open(&project);
    wait_until_seen(&terminal, "ok>");
    terminal.press("\r");
    wait_until_seen(&terminal, "has the keys");
    terminal.press("echo $((6 * 7)); stty size\r");
    wait_until_seen(&terminal, "\n│");
    wait_until_seen(&terminal, "42");
    terminal.press("\x1d");
    wait_until_seen(&terminal, "follow");
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
    project.wait_until("it is in the log", PATIENCE, || project.run(&["logs", "shell"]).stdout.contains("42"));
    project.run(&["down"]).expect_code(0);
}

#[test]
fn ctrl_z_gives_the_terminal_back_until_it_is_continued() {
    let project = project(SHOP);
    let mut terminal = open(&project);
    terminal.press("\x1a");
    let is_stopped = || project.ours().iter().any(|found| found.pid == terminal.running.pid() && found.state == 'T');
    project.wait_until("it is stopped", PATIENCE, is_stopped);
    assert!(terminal.is_as_found());
    terminal.running.signal(Signal::SIGCONT);
    terminal.running.wait_until("it is on the screen again", || {
        !terminal.is_as_found() && terminal.screen().matches(ENTER).count() == 2
    });
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
    project.run(&["down"]);
}

#[test]
fn in_the_background_it_stops_and_leaves_the_terminal_alone() {
    let project = project(SHOP);
    let script = "set -m; \"$0\" ui; bg; echo the shell goes on; read line; fg";
    let shell = ["-c", script, env!("CARGO_BIN_EXE_run")];
    let mut terminal = Terminal::start_program(&project, Path::new("/bin/sh"), &shell);
    wait_until_seen(&terminal, "programs");
    let screen = || {
        let ours = project.ours();
        let is_ui =
            |pid: u32| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| words.ends_with(b"/run\0ui\0"));
        ours.into_iter().find(|found| is_ui(found.pid)).unwrap()
    };
    terminal.press("\x1a");
    terminal.wait_for("the shell goes on");
    // `bg` has continued it before that was said.
    project.wait_until("it is stopped again", PATIENCE, || screen().state == 'T');
    assert_eq!(terminal.screen().matches(ENTER).count(), 1, "{}", terminal.screen());
    terminal.press("\n");
    terminal.running.wait_until("it is on the screen again", || terminal.screen().matches(ENTER).count() == 2);
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
    project.run(&["down"]);
}

#[test]
fn in_the_background_a_stream_goes_on_and_nothing_is_drawn() {
    let project = TestProject::toml(SHOP);
    let script = "set -m; \"$0\" up; bg; echo the shell goes on; read line; echo here it comes; fg";
    let shell = ["-c", script, env!("CARGO_BIN_EXE_run")];
    let mut terminal = Terminal::start_program(&project, Path::new("/bin/sh"), &shell);
    terminal.wait_for("queue refused").press("t").wait_for(ENTER);
    wait_until_seen(&terminal, "t stream");
    terminal.press("\x1a");
    terminal.wait_for("the shell goes on");
    let begun = std::time::Instant::now();
    // Some frames, and two looks whether it is in front.
    assert!(becomes_true(PATIENCE, || begun.elapsed().as_millis() >= 600));
    terminal.press("\n").wait_for("here it comes");
    terminal.running.wait_until("it is on the screen again", || terminal.screen().matches(ENTER).count() >= 2);
    let text = terminal.screen();
    let (from, to) = (text.find("the shell goes on").unwrap(), text.find("here it comes").unwrap());
    assert!(!text[from..to].contains("\x1b["), "{}", &text[from..to]);
    terminal.press("t");
    terminal.running.wait_until("the stream is back", || {
        let text = terminal.screen();
        let (left, taken) = (text.rfind(LEAVE).unwrap_or(0), text.rfind(ENTER).unwrap_or(0));
        left > taken && text[left..].contains("worker failed")
    });
    terminal.press("q");
    wait_for_code(&mut terminal, 1);
    assert!(project.survivors().is_empty());
}

#[test]
fn a_flood_is_followed_to_its_end_and_memory_stays_bounded() {
    let flood = "[program.flood]\ncommand = \"seq -f 'line %.0f' 1 300000; echo all of it; exec sleep 1000\"\nready = { log = \"all of it\" }\n";
    let project = TestProject::toml(flood);
    let mut up = project.up();
    up.wait_until("it writes", || up.stdout().contains("line 100\n"));
    let mut terminal = open(&project);
    project.wait_until("all of it is written", 3 * PATIENCE, || project.word("flood") == "ready");
    wait_until_seen(&terminal, "all of it");
    let status = fs::read_to_string(format!("/proc/{}/status", terminal.running.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 200_000, "{peak} KiB");
    terminal.press("\x1b[H");
    wait_until_seen(&terminal, "run 1");
    terminal.press("/line 299999\r");
    wait_until_seen(&terminal, "1/1");
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
    assert!(up.has_ended().is_none());
    up.interrupt();
}

#[test]
fn a_flood_that_never_ends_is_seen_as_it_comes() {
    let flood = "[program.flood]\ncommand = \"i=0; while :; do i=$((i+1)); echo line $i; done\"\n";
    let project = TestProject::toml(flood);
    let mut up = project.up();
    up.wait_until("it writes", || up.stdout().contains("line 100\n"));
    let mut terminal = open(&project);
    let last_seen = || -> u64 {
        let text = seen(&terminal, 40, 100);
        let numbers = text.split("line ").skip(1).filter_map(|rest| rest.split_whitespace().next()?.parse().ok());
        numbers.max().unwrap_or(0)
    };
    let first = last_seen();
    assert!(becomes_true(PATIENCE, || last_seen() > first + 1000), "{first}");
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
    assert!(up.has_ended().is_none());
    up.interrupt();
}

#[test]
fn at_rest_it_does_not_wake_up() {
    let project = project("[program.web]\ncommand = \"exec sleep 1000\"\n");
    let terminal = open(&project);
    let switches = || {
        let status = fs::read_to_string(format!("/proc/{}/status", terminal.running.pid())).unwrap();
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        count.trim().parse::<u64>().unwrap()
    };
    // While anything is younger than a minute, its seconds are shown: one wake-up for each.
    let (before, begun) = (switches(), std::time::Instant::now());
    assert!(becomes_true(PATIENCE, || begun.elapsed().as_secs() >= 3));
    let woken = switches() - before;
    assert!(woken <= 40, "{woken} times in three seconds");
    drop(terminal);
    project.run(&["down"]);
}

#[test]
fn the_key_t_of_the_stream_shows_it_and_comes_back_without_losing_a_line() {
    let text = "[program.count]\ncommand = \"i=0; until [ -e enough ]; do i=$((i+1)); echo line $i; sleep 0.005; done; echo $i > last; echo done counting; exec sleep 1000\"\n";
    let project = TestProject::toml(text);
    let mut terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("line 20\r\n");
    terminal.press("t");
    terminal.wait_for(ENTER);
    wait_until_seen(&terminal, "programs");
    wait_until_seen(&terminal, "t stream");
    terminal.press("t");
    terminal.wait_for(LEAVE);
    project.write("enough", "");
    terminal.wait_for("done counting");
    let shown = terminal.screen();
    let after = &shown[shown.rfind(LEAVE).unwrap()..];
    let before = &shown[..shown.find(ENTER).unwrap()];
    let numbers = |text: &str| -> BTreeSet<u32> {
        let marked = text.split("line ").skip(1);
        marked.filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()).collect()
    };
    let all: BTreeSet<u32> = numbers(before).union(&numbers(after)).copied().collect();
    let last = project.read("last").trim().parse().unwrap();
    assert!(all.iter().copied().eq(1..=last), "not 1 to {last}: {shown}");
    terminal.press("q");
    wait_for_code(&mut terminal, 0);
    assert!(terminal.is_as_found());
    assert!(project.survivors().is_empty());
}

#[test]
fn a_project_that_ends_behind_the_full_screen_tells_its_end_on_the_stream() {
    let project = TestProject::toml(SHOP.replace("exit 1", "exec sleep 1000").as_str());
    let mut terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("queue refused").press("t").wait_for(ENTER);
    wait_until_seen(&terminal, "t stream");
    project.run(&["down"]).expect_code(0);
    terminal.wait_for(LEAVE).wait_for("all stopped");
    wait_for_code(&mut terminal, 0);
    assert!(terminal.is_as_found());
}

#[test]
fn a_full_screen_that_is_shot_gives_the_stream_back() {
    let project = TestProject::toml(SHOP);
    let mut terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("queue refused").press("t").wait_for(ENTER);
    wait_until_seen(&terminal, "t stream");
    let shown = project.ours().into_iter().find(|found| {
        fs::read(format!("/proc/{}/cmdline", found.pid)).is_ok_and(|words| words.ends_with(b"ui\0--from-stream\0"))
    });
    project.shoot(&shown.unwrap());
    terminal.wait_for(LEAVE);
    terminal.press("s").wait_for("NAME");
    terminal.press("q");
    wait_for_code(&mut terminal, 1);
    assert!(terminal.is_as_found());
}

#[test]
fn a_joined_stream_shows_it_too() {
    let project = project(SHOP);
    let mut terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("t shows the full screen").press("t").wait_for(ENTER);
    wait_until_seen(&terminal, "t stream");
    project.run(&["restart", "web"]).expect_code(0);
    terminal.press("\x1b").wait_for(LEAVE);
    terminal.running.wait_until("the stream goes on", || {
        let text = terminal.screen();
        text[text.rfind(LEAVE).unwrap()..].contains("listening")
    });
    terminal.press("\x03").wait_for("keeps running");
    wait_for_code(&mut terminal, 0);
    assert!(terminal.is_as_found());
    project.run(&["down"]);
}

#[test]
fn without_a_terminal_it_says_what_to_type() {
    let project = TestProject::toml(SHOP);
    let done = project.run(&["ui"]).expect_code(2);
    assert!(done.stderr.contains("needs a terminal") && done.stderr.contains("run ui --web"), "{}", done.stderr);
    let mut terminal = Terminal::start(&project, &["ui"]);
    terminal.wait_for("is not up").wait_for("run up");
    wait_for_code(&mut terminal, 2);
}
