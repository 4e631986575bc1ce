//! The spawner with real processes: what a program gets, what is reported of it, and that nothing is left whoever is shot.
//!
//! Each test has a supervisor of its own (`actor host`), which it may shoot. Every process below it carries the mark of its spawner, so
//! "nothing is left" is asked of the whole process table.
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use run::runtime::os::{self, ProcessFact};

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");
const DEADLINE: Duration = Duration::from_secs(20);

/// A supervisor in a process of its own.
struct Host {
    process: Child,
    orders: Option<ChildStdin>,
    news: Receiver<String>,
    spawner: u32,
    directory: TempDir,
}

impl Host {
    fn start() -> Self {
        Self::start_by(Command::new(ACTOR).arg("host"))
    }

    fn start_by(command: &mut Command) -> Self {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let orders = process.stdin.take();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (sender, news) = channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut host = Self { process, orders, news, spawner: 0, directory: tempfile::tempdir().unwrap() };
        host.spawner = number(&host.hear("spawner "));
        host
    }

    fn order(&mut self, line: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Spawns an actor whose output goes to the file that [`Self::said`] reads; returns its pid.
    fn spawn_actor(&mut self, key: u64, options: &str, part: &str) -> u32 {
        self.spawn(key, options, &format!("{ACTOR} {part}"))
    }

    fn spawn(&mut self, key: u64, options: &str, command: &str) -> u32 {
        let out = self.output(key);
        self.order(&format!("spawn {key} out={out} {options} -- {command}"));
        number(&self.hear(&format!("spawned {key} ")))
    }

    fn output(&self, key: u64) -> String {
        self.directory.path().join(key.to_string()).display().to_string()
    }

    /// Waits until the program has said a line that begins so, and returns the rest of it.
    fn said(&self, key: u64, start: &str) -> String {
        let file = self.output(key);
        let mut found = None;
        wait_until(&format!("program {key} says {start:?}"), || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            found = whole.map(str::trim_end).find_map(|line| line.strip_prefix(start)).map(str::to_owned);
            found.is_some()
        });
        found.unwrap()
    }

    /// The next report, which must begin so; returns the rest of it.
    fn hear(&self, start: &str) -> String {
        let line = self.news.recv_timeout(DEADLINE).unwrap_or_else(|error| panic!("no {start:?}: {error}"));
        line.strip_prefix(start).unwrap_or_else(|| panic!("expected {start:?}, heard {line:?}")).to_owned()
    }

    fn shoot(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Ends everything politely and asserts that it is gone; returns what was swept.
    fn shut_down(mut self) -> String {
        self.order("shutdown 200");
        let swept = self.hear("swept ");
        self.hear("gone");
        self.assert_nothing_left();
        swept
    }

    fn assert_nothing_left(&self) {
        let mark = format!("{}.", self.spawner);
        wait_until("everything is gone", || {
            let marked = |fact: &ProcessFact| {
                os::environment_value(fact.pid, os::MARK).is_some_and(|value| value.starts_with(&mark))
            };
            !os::processes().iter().any(|fact| fact.is_alive() && (fact.pid == self.spawner || marked(fact)))
        });
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Of a failed test: the end of its supervisor ends all the rest.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn number(text: &str) -> u32 {
    text.trim().parse().unwrap_or_else(|_| panic!("not a number: {text:?}"))
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < DEADLINE,
            "not within {DEADLINE:?}: {what}\n{:#?}",
            os::process_tree(std::process::id())
        );
        // Not the condition, only how often it is looked at.
        thread::park_timeout(Duration::from_millis(2));
    }
}

fn fact(pid: u32) -> Option<ProcessFact> {
    os::processes().into_iter().find(|fact| fact.pid == pid && fact.is_alive())
}

fn is_gone(pid: u32) -> bool {
    fact(pid).is_none()
}

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

fn facts_of(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once([' ', '\t'])).map(|(name, value)| (name, value.trim())).collect()
}

fn is_root() -> bool {
    nix::unistd::getuid().is_root()
}

#[test]
fn a_program_gets_a_clean_house_whatever_ours_looked_like() {
    // Signals ignored, a file mode mask, a low limit and a descriptor that nobody marked close-on-exec.
    let squalor = "trap '' INT HUP PIPE TERM; umask 027; ulimit -S -n 99; exec 9</dev/null; exec \"$0\" host";
    let mut host = Host::start_by(Command::new("sh").args(["-c", squalor, ACTOR]));
    let pid = host.spawn_actor(1, "", "report-self").to_string();
    host.hear("exited 1 code 0 alone");
    let text = fs::read_to_string(host.output(1)).unwrap();
    let seen = facts_of(&text);
    for name in ["pid", "group", "session"] {
        assert_eq!(seen[name], pid, "{name}");
    }
    assert_eq!(seen["parent"], host.spawner.to_string());
    assert_eq!((seen["descriptors"], seen["umask"], seen["terminal"]), ("0,1,2", "027", "0"));
    assert_eq!(seen["nofile"].split(' ').next(), Some("99"));
    host.spawn(2, "", "cat /proc/self/status");
    host.hear("exited 2 code 0 alone");
    for name in ["SigIgn:", "SigBlk:"] {
        assert_eq!(host.said(2, name).trim(), "0000000000000000", "{name}");
    }
    host.shut_down();
}

#[test]
fn a_program_gets_the_directory_mask_and_user_that_were_asked_for() {
    let mut host = Host::start();
    let directory = host.directory.path().display().to_string();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    let user = if is_root() { "user=65534:65533" } else { "" };
    host.spawn(1, &format!("in={directory} umask=077 {user}"), "sh -c 'pwd; umask; id -u; id -G'");
    host.hear("exited 1 code 0 alone");
    let text = fs::read_to_string(host.output(1)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], [directory.as_str(), "0077"]);
    if is_root() {
        assert_eq!(lines[2..], ["65534", "65533"]);
    }
    host.shut_down();
}

#[test]
fn a_program_on_a_terminal_controls_it() {
    let mut host = Host::start();
    host.spawn(1, "tty", &format!("sh -c 'exec {ACTOR} report-self > {}'", host.output(7)));
    host.hear("exited 1 code 0 alone");
    assert_ne!(host.said(7, "terminal "), "0");
    host.shut_down();
}

#[test]
fn a_spawn_that_fails_names_the_step_and_leaves_nothing() {
    let mut host = Host::start();
    let file = host.directory.path().join("plain");
    fs::write(&file, "not a program").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let directory = host.directory.path().display().to_string();
    for (key, options, command, failure) in [
        (1, "in=/no/such/directory", "true", "Directory 2"),
        (2, "", "/no/such/program", "Execute 2"),
        (3, "", "no-such-program", "Execute 2"),
        (4, "", &format!("{directory}/plain"), "Execute 13"),
        (5, &format!("PATH=/nowhere:{directory}:/usr/bin in=/"), "plain", "Execute 13"),
        (6, "", &directory, "Execute 13"),
        (7, "", &format!("{directory}/plain/below"), "Execute 20"),
        (8, &format!("in={directory}/plain"), "true", "Directory 20"),
    ] {
        host.order(&format!("spawn {key} {options} -- {command}"));
        host.hear(&format!("failed {key} {failure}"));
    }
    assert_eq!(os::process_tree(host.spawner).len(), 1, "and nothing is left of the attempts");
    host.shut_down();
}

#[test]
fn a_relative_path_is_searched_in_the_programs_directory_and_a_script_without_a_first_line_is_for_the_shell() {
    let mut host = Host::start();
    let bin = host.directory.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("hello"), "echo \"said $0 $1\"\n").unwrap();
    fs::set_permissions(bin.join("hello"), fs::Permissions::from_mode(0o755)).unwrap();
    let options = format!("in={} PATH=/nowhere:bin:/usr/bin", host.directory.path().display());
    host.spawn(1, &options, "hello world");
    host.hear("exited 1 code 0 alone");
    assert_eq!(host.said(1, "said "), "bin/hello world");
    host.shut_down();
}

#[test]
fn an_end_is_reported_as_wait_tells_it() {
    let mut host = Host::start();
    for (key, part, end) in [(1, "exit 7", "code 7"), (2, "exit 255", "code 255"), (3, "raise 15", "signal 15")] {
        host.spawn_actor(key, "", part);
        host.hear(&format!("exited {key} {end} alone"));
    }
    host.spawn(4, "", "sh -c 'kill -35 $$'");
    host.hear("exited 4 signal 35 alone");
    host.shut_down();
}

#[test]
fn signals_reach_the_leader_the_group_or_the_tree() {
    let mut host = Host::start();
    let leader = host.spawn_actor(1, "", "family");
    host.said(1, "ready");
    let text = fs::read_to_string(host.output(1)).unwrap();
    let kin: Vec<u32> = text.lines().filter_map(|line| line.strip_prefix("left ")).map(number).collect();
    let [near, far] = kin[..] else { panic!("{kin:?}") };
    assert_eq!((fact(near).unwrap().group, fact(far).unwrap().session), (leader, far));

    host.order("signal 1 15 leader");
    host.hear("exited 1 signal 15 survivors");
    assert!(!is_gone(near) && !is_gone(far));
    host.order("signal 1 15 group");
    wait_until("the group is gone", || is_gone(near));
    assert!(!is_gone(far));
    host.order("signal 1 15 tree");
    host.hear("vanished 1");
    assert!(is_gone(far));
    host.shut_down();
}

#[test]
fn a_signal_to_the_tree_of_a_living_leader_reaches_other_sessions() {
    let mut host = Host::start();
    let leader = host.spawn_actor(1, "", "family");
    host.said(1, "ready");
    assert_eq!(os::process_tree(leader).len(), 3);
    host.order("signal 1 9 tree");
    let end = host.hear("exited 1 signal 9 ");
    if end == "survivors" {
        host.hear("vanished 1");
    }
    host.shut_down();
}

#[test]
fn a_stopped_program_hears_the_request_to_end() {
    let mut host = Host::start();
    let pid = host.spawn_actor(1, "", "stopped");
    wait_until("it is stopped", || fact(pid).is_some_and(|fact| fact.state == 'T'));
    host.order("signal 1 15 group");
    host.hear("exited 1 signal 15 alone");
    host.shut_down();
}

#[test]
fn all_programs_are_stopped_and_continued_together() {
    let mut host = Host::start();
    let pids = [1, 2].map(|key| host.spawn_actor(key, "", "linger"));
    for (signal, is_stopped) in [(19, true), (18, false)] {
        host.order(&format!("signal-all {signal}"));
        for pid in pids {
            wait_until("it follows", || fact(pid).is_some_and(|fact| (fact.state == 'T') == is_stopped));
        }
    }
    host.shut_down();
}

#[test]
fn what_a_leader_leaves_is_reported_until_it_is_gone() {
    for part in ["fork-leave", "setsid-leave", "daemonize"] {
        let mut host = Host::start();
        host.spawn_actor(1, "", part);
        host.hear("exited 1 code 0 survivors");
        let left = number(&host.said(1, "left "));
        assert_eq!(fact(left).unwrap().ppid, host.spawner, "{part}: it fell to the spawner");
        host.order("signal 1 15 tree");
        host.hear("vanished 1");
        assert!(is_gone(left), "{part}");
        host.shut_down();
    }
}

#[test]
fn what_is_left_may_end_by_itself() {
    let mut host = Host::start();
    host.spawn_actor(1, "", "fork-leave");
    host.hear("exited 1 code 0 survivors");
    send(number(&host.said(1, "left ")), Signal::SIGKILL);
    host.hear("vanished 1");
    host.shut_down();
}

#[test]
fn leftovers_of_two_programs_are_told_apart() {
    let mut host = Host::start();
    for key in [1, 2] {
        host.spawn_actor(key, "", "daemonize");
        host.hear(&format!("exited {key} code 0 survivors"));
    }
    host.order("signal 2 15 tree");
    host.hear("vanished 2");
    assert!(!is_gone(number(&host.said(1, "left "))));
    host.order("signal 1 15 tree");
    host.hear("vanished 1");
    host.shut_down();
}

#[test]
fn what_has_cleared_its_environment_and_gone_away_is_of_the_leader_that_has_just_ended() {
    let mut host = Host::start();
    host.spawn(1, "", &format!("env -i {ACTOR} daemonize"));
    host.hear("exited 1 code 0 survivors");
    let left = number(&host.said(1, "left "));
    assert!(!is_gone(left));
    assert_eq!(host.shut_down(), format!("actor:{left}"));
    assert!(is_gone(left));
}

#[test]
fn leftovers_that_nobody_sweeps_are_named_at_the_end() {
    let mut host = Host::start();
    host.spawn_actor(1, "leave", "polite-leader-stubborn-child");
    host.hear("exited 1 code 0 alone");
    let mut left = vec![number(&host.said(1, "left "))];
    host.spawn_actor(2, "", "fork-leave");
    host.hear("exited 2 code 0 survivors");
    host.order("release 2");
    left.push(number(&host.said(2, "left ")));
    host.spawn_actor(3, "", "linger");
    let swept = host.shut_down();
    let named: BTreeSet<&str> = swept.split(',').collect();
    let expected: Vec<String> = left.iter().map(|pid| format!("actor:{pid}")).collect();
    assert_eq!(named, expected.iter().map(String::as_str).collect(), "and not what was still running as it should");
}

/// Things that other runners lose: in other sessions, without parents, deaf to TERM, stopped.
const STRAYS: [&str; 6] =
    ["setsid-leave", "daemonize", "stubborn-daemonize", "polite-leader-stubborn-child", "ignore-term", "stopped"];

fn host_with_strays() -> Host {
    let mut host = Host::start();
    for (key, part) in (1..).zip(&STRAYS) {
        host.order(&format!("spawn {key} leave out={} -- {ACTOR} {part}", host.output(key)));
        host.said(
            key,
            if part.contains("leave") || part.contains("child") || part.contains("daemon") { "left " } else { "ready" },
        );
    }
    host
}

#[test]
fn nothing_survives_the_death_of_the_supervisor() {
    let mut host = host_with_strays();
    host.shoot();
    host.assert_nothing_left();
}

#[test]
fn nothing_survives_the_death_of_the_spawner() {
    let host = host_with_strays();
    send(host.spawner, Signal::SIGKILL);
    wait_until("the supervisor has swept", || {
        host.news.recv_timeout(DEADLINE).is_ok_and(|line| line == "swept by the supervisor")
    });
    host.assert_nothing_left();
}

#[test]
fn leaders_die_with_us_even_when_both_are_shot_at_once() {
    let mut host = Host::start();
    // Ordered in one go, so that both threads of the spawner execute some: a lifeline is tied to a thread.
    for key in 0..20 {
        host.order(&format!("spawn {key} out={} -- {ACTOR} ignore-term", host.output(key)));
    }
    let leaders = [(); 20].map(|()| number(host.hear("spawned ").split_once(' ').unwrap().1));
    for key in 0..20 {
        host.said(key, "ready");
    }
    send(host.spawner, Signal::SIGSTOP);
    host.shoot();
    send(host.spawner, Signal::SIGKILL);
    for leader in leaders {
        wait_until("it died with the spawner", || is_gone(leader));
    }
    host.assert_nothing_left();
}

#[test]
fn nothing_survives_a_supervisor_that_is_shot_while_it_ends() {
    let mut host = host_with_strays();
    host.order("shutdown 100");
    host.shoot();
    host.assert_nothing_left();
}

#[test]
fn the_end_of_the_orders_is_the_end_of_everything() {
    let mut host = host_with_strays();
    host.orders = None;
    host.process.wait().unwrap();
    host.assert_nothing_left();
}

#[test]
fn a_key_typed_at_our_terminal_cannot_reach_the_spawner() {
    let host = Host::start();
    let supervisor = fact(host.process.id()).unwrap();
    wait_until("it has a session", || fact(host.spawner).is_some_and(|fact| fact.session == host.spawner));
    let spawner = fact(host.spawner).unwrap();
    assert_eq!(spawner.group, host.spawner);
    assert_ne!(spawner.session, supervisor.session);
    wait_until("it has its name", || fact(host.spawner).is_some_and(|fact| fact.name == "run-spawner"));
    host.shut_down();
}

#[test]
fn a_burst_of_spawns_is_answered_one_by_one() {
    const MANY: usize = 200;
    let mut host = Host::start();
    for key in 0..MANY {
        host.order(&format!("spawn {key} -- true"));
    }
    let (mut spawned, mut exited) = (vec![0; MANY], vec![0; MANY]);
    for _ in 0..2 * MANY {
        let line = host.hear("");
        let words: Vec<&str> = line.split(' ').collect();
        let key: usize = words[1].parse().unwrap();
        match words[0] {
            "spawned" => spawned[key] += 1,
            "exited" => {
                assert_eq!(words[2..], ["code", "0", "alone"], "{line}");
                assert_eq!(spawned[key], 1, "an end comes after its beginning");
                exited[key] += 1;
            }
            _ => panic!("{line}"),
        }
    }
    assert!(spawned.iter().chain(&exited).all(|count| *count == 1));
    assert_eq!(os::process_tree(host.spawner).len(), 1);
    host.shut_down();
}
