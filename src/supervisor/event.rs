//! Everything that can happen: the whole input alphabet of the supervisor.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::edition::Edition;
use crate::model::public_event::{ListenerWord, OutputKind, SharedText};
use crate::model::{Channel, EnvContents, Exit, Generation, Moment, ProcessId, Signal};

/// Names a request until it is answered. The edge hands them out; each is used once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// How a project is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Urgency {
    /// First Ctrl-C, TERM, HUP, `run down`: in reverse order, with grace.
    Polite,
    /// Second Ctrl-C: kill now.
    Now,
}

/// One outside happening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Nothing but time passed. Early or repeated ticks do nothing.
    Tick,
    /// The project begins: what starts by itself is wanted now.
    Begin {
        /// Whom to start; `None` for everything with `autostart` whose profile is active.
        processes: Option<Vec<ProcessId>>,
        /// Whether what they need is started too.
        with_needs: bool,
    },
    /// A program is being executed with env files that say something else than when the config was read.
    EnvRead {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// What they say.
        contents: EnvContents,
    },
    /// A program was executed.
    Spawned {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// Its pid.
        pid: u32,
    },
    /// A program could not be executed; nothing of it is left.
    SpawnFailed {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// What went wrong.
        failure: SpawnFailure,
    },
    /// The leader ended and its last output has been taken in.
    Exited {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// How.
        exit: Exit,
        /// Whether descendants of it are still alive; [`Event::Vanished`] follows when they are gone.
        survivors: bool,
    },
    /// A leader has ended and these of its descendants are still there; [`Event::Exited`] with `survivors` follows.
    LeftBehind {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// Those that have become orphans; what they started themselves is not named.
        survivors: Vec<Survivor>,
    },
    /// A signal could not be sent to its leader: it runs as somebody else than we do.
    OutOfReach {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// What was refused.
        signal: Signal,
        /// Why, in the system's words.
        reason: String,
    },
    /// The last descendant of an ended leader is gone.
    Vanished {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
    },
    /// A ready check answered.
    Probed {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// What it said.
        verdict: Verdict,
    },
    /// An alive check answered.
    Checked {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// Which attempt of it.
        attempt: u32,
        /// What it said.
        verdict: Verdict,
    },
    /// Memory was measured.
    Measured {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// What it and all its descendants hold, in bytes.
        bytes: u64,
    },
    /// An event listener said something on its stdout.
    ListenerSaid {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// What, in order.
        words: Vec<ListenerWord>,
    },
    /// An event could not be written to a listener's stdin.
    ListenerDeaf {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
    },
    /// A program wrote something that event listeners may have asked for.
    Printed {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// On which output.
        channel: Channel,
        /// Plainly, or between the marks of a communication.
        kind: OutputKind,
        /// What.
        data: SharedText,
    },
    /// Files have changed that programs watch.
    FilesChanged {
        /// Whose.
        processes: Vec<ProcessId>,
        /// Which, as people name them; at least one.
        files: Vec<String>,
    },
    /// Something that the user should know of the project as a whole for as long as it is up.
    Noted(String),
    /// Somebody asks for something.
    Command(RequestId, Command),
    /// Whoever asked went away: the request is dropped, nothing is answered.
    Forget(RequestId),
    /// The project is to end.
    Terminate(Urgency),
}

/// A process that outlived its leader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survivor {
    /// Its pid.
    pub pid: u32,
    /// Its command name.
    pub name: String,
}

/// `pid 4711 nginx`
impl fmt::Display for Survivor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {} {}", self.pid, self.name)
    }
}

/// Why a program could not be executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpawnFailure {
    /// The step that failed, in words: `could not start`, `could not enter the directory`, `could not become user`; empty where the
    /// message says it all.
    pub step: String,
    /// The system's error number, 0 when it was not the system that refused.
    pub errno: i32,
    /// The whole sentence: `no such file or directory: ./bin/api (looked in ./worker; PATH has 9 entries)`.
    pub message: String,
}

impl SpawnFailure {
    /// The whole sentence: `could not start: no such file or directory: ./bin/api`.
    pub fn sentence(&self) -> String {
        if self.step.is_empty() { self.message.clone() } else { format!("{}: {}", self.step, self.message) }
    }
}

/// The answer of a ready check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It passed; the text says how, as the stream shows it: `http 200 /health`.
    Pass(String),
    /// Not yet, and why: `tcp 5433 refused`.
    Fail(String),
    /// Not yet, says the program itself, which has a line in its log for it: `http 503 /health`.
    Refuse(String),
}

/// What can be asked. Processes were resolved from names by whoever asks, so a name cannot come to mean another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Start these, and, unless told otherwise, what they need. Clears their failure counts.
    Start {
        /// Whom.
        processes: Vec<ProcessId>,
        /// When the answer comes.
        until: StartUntil,
        /// Start what they need, too.
        with_needs: bool,
        /// Give up waiting (not starting) after this long.
        timeout: Option<Duration>,
    },
    /// Stop these.
    Stop {
        /// Whom.
        processes: Vec<ProcessId>,
        /// Stop those that depend on them first.
        with_dependents: bool,
        /// Answer only when they are down.
        wait: bool,
    },
    /// Stop and start these again.
    Restart {
        /// Whom.
        processes: Vec<ProcessId>,
        /// When the answer comes.
        until: StartUntil,
        /// Give up waiting after this long.
        timeout: Option<Duration>,
    },
    /// Send a signal.
    Signal {
        /// To whom.
        processes: Vec<ProcessId>,
        /// Which.
        signal: Signal,
    },
    /// Answer when these are ready (done, for tasks), or when one of them has failed. Empty: everything that is wanted.
    Wait {
        /// For whom.
        processes: Vec<ProcessId>,
        /// Answer [`Outcome::TimedOut`](super::action::Outcome) after this long.
        timeout: Option<Duration>,
    },
    /// Write to its stdin. Answered by whoever performs it, because only there it is known whether anybody reads it.
    SendStdin {
        /// Whose.
        process: ProcessId,
        /// What.
        data: SharedText,
    },
    /// Tell event listeners something.
    SendEvent {
        /// What kind of thing, in the sender's words.
        kind: String,
        /// What.
        data: SharedText,
    },
    /// End the whole project; answered when the end has begun.
    Shutdown,
    /// Take over a new config: stop what is gone, start what is new, restart what differs; answered when that has begun.
    Reload(Edition),
    /// End the whole project, for another beginning in the same process; answered when the end has begun.
    BeginAnew,
}

/// How long a start is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StartUntil {
    /// Not at all.
    Accepted,
    /// Its process is there, or could not be.
    Spawned,
    /// RUNNING in supervisord's sense.
    Running,
    /// Ready (done, for a task).
    Ready,
}

/// A recorded step: what `RUN_RECORD` writes and the replay reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Monotonic part of the step's time.
    pub mono: Moment,
    /// Wall part, in milliseconds since 1970.
    pub wall: u64,
    /// What happened.
    pub event: Event,
}
