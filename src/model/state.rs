//! State words: supervisord's eight for the wire, ours for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// supervisord's process states with its numbers (supervisor `states.py` `ProcessStates`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ProcessState {
    /// Not running, by wish or because it was never started.
    Stopped = 0,
    /// Spawned, or wanted and waiting, and not yet up for `startsecs`.
    Starting = 10,
    /// Up for longer than `startsecs`.
    Running = 20,
    /// Ended too early; another try is scheduled.
    Backoff = 30,
    /// Asked to stop.
    Stopping = 40,
    /// Ended after it had been running.
    Exited = 100,
    /// Given up.
    Fatal = 200,
    /// Something impossible happened.
    Unknown = 1000,
}

impl ProcessState {
    /// The number on the wire.
    pub fn code(self) -> i32 {
        self as i32
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Backoff => "BACKOFF",
            Self::Stopping => "STOPPING",
            Self::Exited => "EXITED",
            Self::Fatal => "FATAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// Where an event listener is in its protocol (supervisor `states.py` `EventListenerStates`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ListenerState {
    /// Done with what it had, or new: it has not said READY.
    Acknowledged,
    /// It takes an event.
    Ready,
    /// It has one.
    Busy,
    /// It broke the protocol, and gets nothing until it is started again.
    Unknown,
}

impl ListenerState {
    /// Its name, as in supervisor `states.py`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "ACKNOWLEDGED",
            Self::Ready => "READY",
            Self::Busy => "BUSY",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// The state words that a person sees, the same in the stream, `status`, the web page and JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Not wanted.
    Off,
    /// Wanted; a dependency is not satisfied.
    Waiting,
    /// A dependency failed for good.
    Blocked,
    /// Spawned, not ready yet.
    Starting,
    /// Its ready check passed, or it lived for `startsecs`.
    Ready,
    /// Was ready; the check fails now.
    Unhealthy,
    /// Failed, and tries again; or is up again and not yet good.
    Retrying,
    /// Asked to stop.
    Stopping,
    /// Ended as expected.
    Done,
    /// Given up, or ended unexpectedly.
    Failed,
}

impl Word {
    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Waiting => "waiting",
            Self::Blocked => "blocked",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Unhealthy => "unhealthy",
            Self::Retrying => "retrying",
            Self::Stopping => "stopping",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Whether this counts as failed for exit codes, `wait` and `-d`.
    pub fn is_failure(self) -> bool {
        match self {
            Self::Failed | Self::Blocked => true,
            Self::Off
            | Self::Waiting
            | Self::Starting
            | Self::Ready
            | Self::Unhealthy
            | Self::Retrying
            | Self::Stopping
            | Self::Done => false,
        }
    }

    /// Whether it is where it should be: ready, done, or not wanted.
    pub fn is_settled_well(self) -> bool {
        match self {
            Self::Ready | Self::Done | Self::Off => true,
            Self::Failed
            | Self::Blocked
            | Self::Waiting
            | Self::Starting
            | Self::Unhealthy
            | Self::Retrying
            | Self::Stopping => false,
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
