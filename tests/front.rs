//! The front with real processes: it ends as its supervisor does, relays what is sent to it, and lets go.
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use run::runtime::os::{self, ProcessFact};

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

const DEADLINE: Duration = Duration::from_secs(20);

/// A front and its supervisor.
struct Pair {
    front: Child,
    supervisor: u32,
    stdout: BufReader<ChildStdout>,
}

impl Pair {
    fn start(part: &[&str]) -> Self {
        Self::spawn(Command::new(ACTOR).arg("front").args(part))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut front = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(front.stdout.take().unwrap());
        let mut pair = Self { front, supervisor: 0, stdout };
        pair.supervisor = pair.line().strip_prefix("supervisor ").unwrap().parse().unwrap();
        pair
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn send(&self, signal: Signal) {
        send(self.front.id(), signal);
    }

    fn end(&mut self) -> ExitStatus {
        self.front.wait().unwrap()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // The front is ours; its supervisor ends with it, unless it has left, and then it is the one that we started.
        let _ = self.front.kill();
        let _ = self.front.wait();
        if let Some(fact) = fact(self.supervisor) {
            let _ = os::signal_process(fact.pid, fact.start_time, run::model::Signal::KILL);
        }
    }
}

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

fn fact(pid: u32) -> Option<ProcessFact> {
    os::processes().into_iter().find(|fact| fact.pid == pid && fact.is_alive())
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        // Not the condition, only how often it is looked at.
        thread::park_timeout(Duration::from_millis(2));
    }
}

#[test]
fn the_front_ends_with_the_code_of_its_supervisor() {
    assert_eq!(Pair::start(&["exit", "7"]).end().code(), Some(7));
    assert_eq!(Pair::start(&["exit", "0"]).end().code(), Some(0));
}

#[test]
fn the_front_ends_by_the_signal_that_ended_its_supervisor() {
    assert_eq!(Pair::start(&["raise", "10"]).end().signal(), Some(10));
    let mut shot = Pair::start(&["linger"]);
    send(shot.supervisor, Signal::SIGKILL);
    assert_eq!(shot.end().signal(), Some(9));
}

#[test]
fn what_is_sent_to_the_front_reaches_the_supervisor() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let mut pair = Pair::start(&["linger"]);
        assert_eq!(pair.line(), "ready");
        pair.send(signal);
        assert_eq!(pair.end().signal(), Some(signal as i32));
    }
}

#[test]
fn a_detach_ends_the_front_and_leaves_the_supervisor_in_a_session_of_its_own() {
    let mut pair = Pair::start(&["detach", "3"]);
    assert_eq!(pair.line(), "ready");
    assert_eq!(pair.end().code(), Some(3));
    let supervisor = fact(pair.supervisor).unwrap();
    assert_eq!(supervisor.session, pair.supervisor);
    send(pair.supervisor, Signal::SIGTERM);
    wait_until("it ends when asked", || fact(pair.supervisor).is_none());
}

#[test]
fn a_supervisor_is_asked_to_end_when_its_front_is_shot() {
    let mut pair = Pair::start(&["linger"]);
    assert_eq!(pair.line(), "ready");
    pair.send(Signal::SIGKILL);
    pair.end();
    wait_until("the supervisor heard TERM", || fact(pair.supervisor).is_none());
}

/// Nobody would continue it. With a terminal it follows: that is Ctrl-Z, tested on the whole of `run up`.
#[test]
fn without_a_terminal_the_front_does_not_follow_its_supervisor_into_a_stop() {
    let mut pair = Pair::spawn(Command::new("setsid").args([ACTOR, "front", "linger"]));
    assert_eq!(pair.line(), "ready");
    send(pair.supervisor, Signal::SIGSTOP);
    wait_until("the supervisor stands still", || fact(pair.supervisor).is_some_and(|fact| fact.state == 'T'));
    pair.send(Signal::SIGTERM);
    let is_told = || std::fs::read_to_string(format!("/proc/{}/status", pair.supervisor)).unwrap();
    wait_until("the front has passed it on", || is_told().lines().any(|line| line == "ShdPnd:\t0000000000004000"));
    assert_ne!(fact(pair.front.id()).unwrap().state, 'T');
    send(pair.supervisor, Signal::SIGCONT);
    assert_eq!(pair.end().signal(), Some(15));
}
