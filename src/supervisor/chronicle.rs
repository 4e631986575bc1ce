//! What goes to the main log, as data, and in supervisord's words: people grep for them (supervisor `process.py`, `supervisord.py`).

use std::sync::Arc;
use std::time::Duration;

use super::Supervisor;
use super::action::{Action, Scope};
use super::process::Phase;
use super::timers::{TimerKey, TimerKind};
use crate::model::public_event::Delivery;
use crate::model::supervisord::LogLevel;
use crate::model::{Exit, ListenerState, ProcessId, Signal};

/// How often it is said that one process does not stop (supervisor `process.py` `stop_report`).
pub(super) const STOP_REPORT: Duration = Duration::from_secs(2);

/// How often it is said who does not stop at the end (supervisor `supervisord.py` `shutdown_report`).
pub(super) const SHUTDOWN_REPORT: Duration = Duration::from_secs(3);

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// `spawned: 'clock' with pid 2848`
    Spawned {
        /// Who.
        process: ProcessId,
        /// Its pid.
        pid: u32,
    },
    /// `spawnerr: can't find command 'clock'`
    SpawnFailed {
        /// The sentence.
        sentence: String,
    },
    /// `success: clock entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)`
    Running {
        /// Who.
        process: ProcessId,
        /// How long it had to stay up.
        startsecs: Duration,
    },
    /// `exited: clock (exit status 1; not expected)`: it ended by itself.
    Exited {
        /// Who.
        process: ProcessId,
        /// How.
        exit: Exit,
        /// Whether it was RUNNING, and the code is one of `exitcodes`.
        expected: bool,
    },
    /// `stopped: clock (terminated by SIGTERM)`: it ended because we wanted it to.
    Stopped {
        /// Who.
        process: ProcessId,
        /// How.
        exit: Exit,
        /// Whether the code is one of `exitcodes`.
        expected: bool,
    },
    /// `gave up: clock entered FATAL state, too many start retries too quickly`
    GaveUp {
        /// Who.
        process: ProcessId,
    },
    /// `killing clock (pid 2848) process group with signal SIGTERM`, at level debug.
    Stopping {
        /// Who.
        process: ProcessId,
        /// Its pid.
        pid: u32,
        /// Which signal it is sent.
        signal: Signal,
        /// How far that reaches.
        scope: Scope,
    },
    /// `sending clock (pid 2848) sig SIGHUP`, at level debug: a user's signal.
    Signalled {
        /// Who.
        process: ProcessId,
        /// Its pid.
        pid: u32,
        /// Which.
        signal: Signal,
    },
    /// `killing 'clock' (2848) with SIGKILL`: the stop signal did not help.
    Killing {
        /// Who.
        process: ProcessId,
        /// Its pid.
        pid: u32,
    },
    /// `unknown problem killing clock (2848): operation not permitted`: the system refused a signal to it.
    OutOfReach {
        /// Who.
        process: ProcessId,
        /// Its pid.
        pid: u32,
        /// Whether it was to be stopped.
        is_stop: bool,
        /// Why, in the system's words.
        reason: String,
    },
    /// `waiting for clock to stop`
    WaitingToStop {
        /// For whom.
        process: ProcessId,
    },
    /// `pool mail event buffer overflowed, discarding event 12`
    EventDropped {
        /// Which.
        delivery: Arc<Delivery>,
    },
    /// `event 12 sent to listener mail`, at level debug.
    EventSent {
        /// Who has it now.
        process: ProcessId,
        /// Which.
        delivery: Arc<Delivery>,
    },
    /// `mail: event was processed`, at level debug.
    EventProcessed {
        /// Who had it.
        process: ProcessId,
    },
    /// `mail: event was rejected`
    EventRejected {
        /// Who had it.
        process: ProcessId,
    },
    /// `rebuffering event 12 for pool mail (buf size=0, max=10)`, at level debug: it goes to another, or comes again.
    EventKept {
        /// Which.
        delivery: Arc<Delivery>,
        /// How many wait in the buffer of the pool already.
        waiting: usize,
        /// How many have room there.
        room: usize,
    },
    /// `mail: bad result line: 'OK'`
    BadResult {
        /// Who.
        process: ProcessId,
        /// What it said instead.
        said: String,
    },
    /// `mail: BUSY -> ACKNOWLEDGED`, at level debug.
    ListenerTurned {
        /// Who.
        process: ProcessId,
        /// What it was at.
        from: ListenerState,
        /// What it is at.
        to: ListenerState,
    },
    /// `mail: has entered the UNKNOWN state and will no longer receive events, …`
    ListenerLost {
        /// Who.
        process: ProcessId,
    },
    /// `waiting for clock, cat to die`: the project ends.
    WaitingToDie {
        /// For whom.
        processes: Vec<ProcessId>,
    },
}

impl Entry {
    /// Its level and text. `name` knows what a process is called inside its group.
    pub fn line<'a>(&self, name: impl Fn(ProcessId) -> &'a str) -> (LogLevel, String) {
        match self {
            Self::Spawned { process, pid } => (LogLevel::Info, format!("spawned: '{}' with pid {pid}", name(*process))),
            Self::SpawnFailed { sentence } => (LogLevel::Info, format!("spawnerr: {sentence}")),
            Self::Running { process, startsecs } => {
                let (who, seconds) = (name(*process), startsecs.as_secs_f64());
                let what = "entered RUNNING state, process has stayed up for > than";
                (LogLevel::Info, format!("success: {who} {what} {seconds} seconds (startsecs)"))
            }
            Self::Exited { process, exit, expected } => {
                let expectation = if *expected { "expected" } else { "not expected" };
                (level(*expected), format!("exited: {} ({}; {expectation})", name(*process), cause(*exit)))
            }
            Self::Stopped { process, exit, expected } => {
                (level(*expected), format!("stopped: {} ({})", name(*process), cause(*exit)))
            }
            Self::GaveUp { process } => {
                let what = "entered FATAL state, too many start retries too quickly";
                (LogLevel::Info, format!("gave up: {} {what}", name(*process)))
            }
            Self::Stopping { process, pid, signal, scope } => {
                let group = if *scope == Scope::Leader { "" } else { "process group " };
                (LogLevel::Debug, format!("killing {} (pid {pid}) {group}with signal {signal}", name(*process)))
            }
            Self::Signalled { process, pid, signal } => {
                (LogLevel::Debug, format!("sending {} (pid {pid}) sig {signal}", name(*process)))
            }
            Self::Killing { process, pid } => {
                (LogLevel::Warn, format!("killing '{}' ({pid}) with SIGKILL", name(*process)))
            }
            Self::OutOfReach { process, pid, is_stop, reason } => {
                let what = if *is_stop { "killing" } else { "signalling" };
                (LogLevel::Critical, format!("unknown problem {what} {} ({pid}): {reason}", name(*process)))
            }
            Self::WaitingToStop { process } => (LogLevel::Info, format!("waiting for {} to stop", name(*process))),
            Self::EventDropped { delivery } => {
                let Delivery { pool, serial, .. } = &**delivery;
                (LogLevel::Error, format!("pool {pool} event buffer overflowed, discarding event {serial}"))
            }
            Self::EventSent { process, delivery } => {
                (LogLevel::Debug, format!("event {} sent to listener {}", delivery.serial, name(*process)))
            }
            Self::EventProcessed { process } => (LogLevel::Debug, format!("{}: event was processed", name(*process))),
            Self::EventKept { delivery, waiting, room } => {
                let Delivery { pool, serial, .. } = &**delivery;
                let text = format!("rebuffering event {serial} for pool {pool} (buf size={waiting}, max={room})");
                (LogLevel::Debug, text)
            }
            Self::BadResult { process, said } => {
                (LogLevel::Warn, format!("{}: bad result line: '{said}'", name(*process)))
            }
            Self::ListenerTurned { process, from, to } => {
                (LogLevel::Debug, format!("{}: {} -> {}", name(*process), from.name(), to.name()))
            }
            Self::EventRejected { process } => (LogLevel::Warn, format!("{}: event was rejected", name(*process))),
            Self::ListenerLost { process } => {
                let why = "this usually indicates the process violated the eventlistener protocol";
                let what = "has entered the UNKNOWN state and will no longer receive events";
                (LogLevel::Warn, format!("{}: {what}, {why}", name(*process)))
            }
            Self::WaitingToDie { processes } => {
                let names: Vec<&str> = processes.iter().map(|process| name(*process)).collect();
                (LogLevel::Info, format!("waiting for {} to die", names.join(", ")))
            }
        }
    }
}

fn level(expected: bool) -> LogLevel {
    if expected { LogLevel::Info } else { LogLevel::Warn }
}

/// How a process has ended, in supervisord's words (supervisor `options.py` `decode_wait_status`).
pub fn cause(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit status {code}"),
        Exit::Signal { signal, core: false } => format!("terminated by {signal}"),
        Exit::Signal { signal, core: true } => format!("terminated by {signal} (core dumped)"),
    }
}

impl Supervisor {
    pub(super) fn chronicle(&mut self, entry: Entry) {
        self.actions.push(Action::Chronicle(entry));
    }

    /// A leader's end, as its phase makes it one of its own or of ours.
    pub(super) fn chronicle_end(&mut self, id: ProcessId, exit: Exit) {
        let is_code_expected = self.program(id).exitcodes.contains(&exit.supervisord_status());
        match &self.at(id).phase {
            Phase::Starting(_) => self.chronicle(Entry::Exited { process: id, exit, expected: false }),
            Phase::Running(_) => self.chronicle(Entry::Exited { process: id, exit, expected: is_code_expected }),
            Phase::Stopping(stop) if stop.leader.is_none() => {
                self.chronicle(Entry::Stopped { process: id, exit, expected: is_code_expected });
            }
            Phase::Stopping(_)
            | Phase::Stopped
            | Phase::Waiting
            | Phase::Blocked { .. }
            | Phase::Backoff { .. }
            | Phase::Exited { .. }
            | Phase::Fatal => {}
        }
    }

    /// Says for whom is waited, and comes back.
    pub(super) fn report_stop(&mut self, id: ProcessId) {
        if !self.is_shutting_down() {
            self.chronicle(Entry::WaitingToStop { process: id });
            self.timers.arm(id, TimerKind::StopReport, self.now.mono + STOP_REPORT);
        }
    }

    /// Says who is still there at the end, and comes back.
    pub(super) fn report_shutdown(&mut self) {
        let alive = self.processes.iter().filter(|process| process.is_alive());
        let processes: Vec<_> = alive.map(|process| process.id).collect();
        if self.is_shutting_down() && !processes.is_empty() {
            self.chronicle(Entry::WaitingToDie { processes });
            self.timers.set(TimerKey::ShutdownReport, self.now.mono + SHUTDOWN_REPORT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(entry: &Entry) -> String {
        let (level, text) = entry.line(|id| if id.0 == 0 { "clock" } else { "cat" });
        format!("{level:?} {text}")
    }

    #[test]
    fn the_words_are_supervisords() {
        let process = ProcessId(0);
        let killed = Exit::Signal { signal: Signal::TERM, core: false };
        let dumped = Exit::Signal { signal: Signal::QUIT, core: true };
        let seconds = Duration::from_secs;
        let (pid, expected) = (7, true);
        for (entry, text) in [
            (Entry::Spawned { process, pid }, "Info spawned: 'clock' with pid 7"),
            (
                Entry::Running { process, startsecs: seconds(1) },
                "Info success: clock entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)",
            ),
            (Entry::Exited { process, exit: Exit::Code(0), expected }, "Info exited: clock (exit status 0; expected)"),
            (
                Entry::Exited { process, exit: Exit::Code(3), expected: false },
                "Warn exited: clock (exit status 3; not expected)",
            ),
            (Entry::Stopped { process, exit: killed, expected: false }, "Warn stopped: clock (terminated by SIGTERM)"),
            (
                Entry::Exited { process, exit: dumped, expected: false },
                "Warn exited: clock (terminated by SIGQUIT (core dumped); not expected)",
            ),
            (Entry::GaveUp { process }, "Info gave up: clock entered FATAL state, too many start retries too quickly"),
            (Entry::Killing { process, pid }, "Warn killing 'clock' (7) with SIGKILL"),
            (
                Entry::Stopping { process, pid, signal: Signal::TERM, scope: Scope::Group },
                "Debug killing clock (pid 7) process group with signal SIGTERM",
            ),
            (Entry::Signalled { process, pid, signal: Signal::HUP }, "Debug sending clock (pid 7) sig SIGHUP"),
            (Entry::WaitingToStop { process }, "Info waiting for clock to stop"),
            (Entry::WaitingToDie { processes: vec![process, ProcessId(1)] }, "Info waiting for clock, cat to die"),
        ] {
            assert_eq!(line(&entry), text);
        }
    }
}
