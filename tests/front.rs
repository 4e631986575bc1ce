//! The front with real processes: it ends as its supervisor does, relays what is sent to it, and lets go.
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use run::runtime::os::{self, ProcessFact};

const DEADLINE: Duration = Duration::from_secs(20);

/// A front and its supervisor.
struct Pair {
    front: Child,
    supervisor: u32,
    stdout: BufReader<ChildStdout>,
}

impl Pair {
    fn start(part: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_actor"));
        let mut front = command.arg("front").args(part).stdout(Stdio::piped()).spawn().unwrap();
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

#[test]
fn the_front_stops_after_its_supervisor_and_both_go_on() {
    let mut pair = Pair::start(&["linger"]);
    assert_eq!(pair.line(), "ready");
    let front = Pid::from_raw(pair.front.id().cast_signed());
    send(pair.supervisor, Signal::SIGSTOP);
    let stopped = waitpid(front, Some(WaitPidFlag::WUNTRACED)).unwrap();
    assert_eq!(stopped, WaitStatus::Stopped(front, Signal::SIGSTOP));
    assert_eq!(fact(pair.supervisor).unwrap().state, 'T');
    pair.send(Signal::SIGCONT);
    for pid in [pair.front.id(), pair.supervisor] {
        wait_until("it goes on", || fact(pid).is_some_and(|fact| fact.state != 'T'));
    }
    pair.send(Signal::SIGTERM);
    assert_eq!(pair.end().signal(), Some(15));
}
