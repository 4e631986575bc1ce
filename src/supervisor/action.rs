//! Everything we can do to the world: the whole output alphabet of the supervisor.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::chronicle::Entry;
use super::edition::Edition;
use super::event::RequestId;
use super::notice::{Notice, Reason};
use crate::model::public_event::{Delivery, SharedText};
use crate::model::{Exit, Generation, ProcessId, Signal};

/// One effect. The edge performs them in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Execute the program; answered by `Spawned` or `SpawnFailed`.
    Spawn {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// Which run since `up`, from 1: names the run in its log.
        run: u32,
    },
    /// Send a signal to what this incarnation consists of.
    Signal {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// Which signal.
        signal: Signal,
        /// How far it reaches.
        scope: Scope,
    },
    /// Ask the ready check once; answered by `Probed`. Event kinds (log, notify) are armed at spawn and never asked.
    Probe {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// From 1.
        attempt: u32,
    },
    /// Ask the alive check once; answered by `Checked`.
    CheckAlive {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// From 1.
        attempt: u32,
    },
    /// Run the program's `on_crash`; nothing waits for it.
    OnCrash(Box<Crash>),
    /// Measure the memory of these with all their descendants; each is answered by `Measured`.
    Measure(Vec<Measured>),
    /// Nothing is to be asked any more: drop what is under way.
    StopProbing {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
    },
    /// Write an event to a listener's stdin; answered by `ListenerDeaf` when that is not possible.
    Deliver {
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// The event.
        delivery: Arc<Delivery>,
    },
    /// Write to a process's stdin, and answer this request.
    WriteStdin {
        /// Whose request.
        request: RequestId,
        /// Which process.
        process: ProcessId,
        /// Which incarnation.
        generation: Generation,
        /// What.
        data: SharedText,
    },
    /// Answer a request.
    Reply(RequestId, Outcome),
    /// From here on the project is this; comes before anything that belongs to it.
    Adopt(Edition),
    /// It is gone from the config and from the world: nothing need be held for it.
    Forget(ProcessId),
    /// Tell the user.
    Say(Notice),
    /// Write a line to the main log.
    Chronicle(Entry),
    /// Everything is down: end with this code.
    Finish(u8),
}

/// A process whose memory is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Which process.
    pub process: ProcessId,
    /// Which incarnation.
    pub generation: Generation,
    /// Its leader.
    pub pid: u32,
    /// How many bytes are too many: below that a rough figure will do.
    pub limit: u64,
}

/// A run that has failed, for whoever is to be told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// Which process.
    pub process: ProcessId,
    /// Which run, from 1.
    pub run: u32,
    /// What happened.
    pub reason: Reason,
    /// How the program ended, where it ended by itself.
    pub exit: Option<Exit>,
    /// How long the run lasted.
    pub after: Duration,
    /// When the next try comes; `None`: it has failed for good.
    pub again_in: Option<Duration>,
}

/// How far a signal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// The leader alone.
    Leader,
    /// Its process group.
    Group,
    /// The group and every descendant, also those in groups and sessions of their own.
    Tree,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// One result for each process that was asked about, in the order asked.
    Each(Vec<(ProcessId, Answer)>),
    /// Accepted; there is nothing more to say.
    Accepted,
    /// The time given was over first; these were still open.
    TimedOut(Vec<ProcessId>),
    /// The project is going down and takes no such request.
    ShuttingDown,
}

/// What became of a request for one process. supervisord's faults follow from these (supervisor `rpcinterface.py`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// As wished.
    Done,
    /// It was up already, or is on its way.
    AlreadyStarted,
    /// There is nothing to stop or signal.
    NotRunning,
    /// Its file does not exist.
    NoFile,
    /// Its file cannot be executed.
    NotExecutable,
    /// It could not be spawned, or failed for good.
    SpawnError,
    /// It ended, or was stopped, while it was being waited for.
    AbnormalTermination,
    /// What it needs has failed.
    Blocked,
    /// Its stdin takes nothing: it has closed it, or has none.
    NoStdin,
    /// Too much waits to be read from its stdin already.
    StdinFull,
    /// It cannot be signalled.
    OutOfReach,
    /// It is not wanted, so there is nothing to wait for.
    NotWanted,
    /// Another request has stopped it while it was being waited for.
    StoppedByAnother,
    /// Another request has started it again while its end was being waited for.
    StartedByAnother,
}
