//! What the user is told, as data. `ui::story` turns each into a line; tests compare these, not prose.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::event::Survivor;
use crate::model::public_event::Delivery;
use crate::model::units::round_duration;
use crate::model::{Exit, ProcessId, ReloadPlan, Signal};

/// One thing worth a line in the stream. Names, ports and colours are looked up by whoever prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// `▸ db starting`
    Starting {
        /// Who.
        process: ProcessId,
    },
    /// `… api waiting for db, migrate`; said again, shorter, when the list changes.
    Waiting {
        /// Who.
        process: ProcessId,
        /// All open dependencies.
        on: Vec<ProcessId>,
    },
    /// `✓ db ready in 2.1s tcp 5433`
    Ready {
        /// Who.
        process: ProcessId,
        /// From spawn to ready.
        after: Duration,
        /// How it is known; empty without a check.
        how: String,
        /// Which run, from 1.
        run: u32,
    },
    /// `✓ migrate done in 0.9s exit 0`
    Done {
        /// Who.
        process: ProcessId,
        /// From spawn to end.
        after: Duration,
        /// How it ended.
        exit: Exit,
    },
    /// `… db not ready yet (2s): tcp 5433 refused, try 4`
    NotReadyYet {
        /// Who.
        process: ProcessId,
        /// Since its spawn.
        elapsed: Duration,
        /// What the last probe said, if one did.
        last: Option<String>,
        /// How many were made.
        tries: u32,
    },
    /// `✗ worker exited 1 after 2.0s (run 1)   ↻ again now`
    Crashed {
        /// Who.
        process: ProcessId,
        /// Which run, from 1.
        run: u32,
        /// What happened.
        reason: Reason,
        /// How long the run lasted.
        after: Duration,
        /// When the next try comes; `None` when there is none, which `autorestart` decided.
        again_in: Option<Duration>,
        /// The first failure in a row: the last lines are shown.
        first: bool,
    },
    /// `✗ worker gave up after 4 runs, exit 1 each time`, with the last lines.
    GaveUp {
        /// Who.
        process: ProcessId,
        /// The last run, from 1.
        run: u32,
        /// How many tries were made in a row.
        tries: u32,
        /// What ended the last one.
        reason: Reason,
        /// Whether every try ended like this.
        each_time: bool,
        /// How long the last one lasted.
        after: Duration,
    },
    /// `… web not started: worker failed (it needs worker)`
    Blocked {
        /// Who.
        process: ProcessId,
        /// The dependency that failed.
        by: ProcessId,
    },
    /// A blocked one may hope again, its dependency has recovered.
    Unblocked {
        /// Who.
        process: ProcessId,
    },
    /// `stopping 4 in reverse order (again: kill now)`
    Stopping {
        /// How many are up.
        count: usize,
        /// How urgent.
        now: bool,
    },
    /// `■ web 0.1s`, also for a single stop; `after` counts from the first signal.
    Stopped {
        /// Who.
        process: ProcessId,
        /// From the first signal to the end.
        after: Duration,
        /// Why it was stopped.
        why: StopWhy,
        /// Whether it had to be killed.
        killed: bool,
    },
    /// `! db still busy after 8s of 10s, SIGTERM sent; SIGKILL at 10s`
    StillStopping {
        /// Who.
        process: ProcessId,
        /// Since the first signal.
        elapsed: Duration,
        /// When SIGKILL comes.
        limit: Duration,
    },
    /// The leader ended and left descendants behind that are being ended.
    Leftovers {
        /// Whose.
        process: ProcessId,
    },
    /// The leader ended well, soon after its start, and what it is meant to be lives on as these: they are being ended.
    WentToBackground {
        /// Who.
        process: ProcessId,
        /// What was found.
        survivors: Vec<Survivor>,
    },
    /// `! api unhealthy: http 503 (1 of 3)`; only the first of several in a row is told.
    Unhealthy {
        /// Who.
        process: ProcessId,
        /// What its alive check said.
        said: String,
        /// How many in a row are too many.
        limit: u32,
    },
    /// `✓ api healthy again  http 200 /health`
    Healthy {
        /// Who.
        process: ProcessId,
        /// What its alive check said.
        said: String,
    },
    /// Not even SIGKILL has ended it.
    WillNotDie {
        /// Who.
        process: ProcessId,
    },
    /// The system refused a signal to it.
    OutOfReach {
        /// Who.
        process: ProcessId,
        /// Its pid.
        pid: u32,
        /// Why, in the system's words.
        reason: String,
    },
    /// Everything wanted is ready (or done) for the first time: the banner.
    AllReady {
        /// Since the project began.
        after: Duration,
        /// The chain that took longest, first to last, each with its own time.
        chain: Vec<(ProcessId, Duration)>,
    },
    /// All is settled, and something has failed.
    SettledWithFailures {
        /// Since the project began.
        after: Duration,
        /// Who failed.
        failed: Vec<ProcessId>,
    },
    /// A pool's buffer is full: the oldest event in it was dropped.
    EventDropped {
        /// Which.
        delivery: Arc<Delivery>,
    },
    /// A listener said that it could not handle an event, which goes back to its pool.
    EventRejected {
        /// Who.
        process: ProcessId,
        /// Which.
        delivery: Arc<Delivery>,
    },
    /// A listener broke its protocol: it gets no more events until it is started again.
    ListenerLost {
        /// Who.
        process: ProcessId,
        /// What it said, in words.
        said: String,
    },
    /// This end ends the whole run.
    EndsRun {
        /// Who.
        process: ProcessId,
        /// The code the run ends with.
        code: u8,
    },
    /// A new config was taken over: what differs. What follows from it is told as it happens.
    Reloaded {
        /// The files that are others than before, as people name them.
        files: Vec<String>,
        /// The difference.
        plan: Box<ReloadPlan>,
    },
    /// `↻ api restarting: src/main.rs changed (+2)`
    FilesChanged {
        /// Who.
        process: ProcessId,
        /// The first that changed.
        file: String,
        /// How many others.
        more: usize,
    },
    /// It changes what it watches within moments of each start, which no longer restarts it.
    RewritesItself {
        /// Who.
        process: ProcessId,
        /// One of those files.
        file: String,
    },
    /// A group of supervisord's came into use.
    GroupAdded {
        /// Its name.
        group: String,
    },
    /// The last process of a group went out of use.
    GroupRemoved {
        /// Its name.
        group: String,
    },
    /// `all stopped in 9.0s · up 5m02s · worker failed (exit 1)`
    AllStopped {
        /// From the wish to the end.
        took: Duration,
        /// Since the project began.
        up: Duration,
        /// Who had failed.
        failed: Vec<ProcessId>,
        /// Who could not be ended.
        left: Vec<ProcessId>,
    },
}

impl Notice {
    /// Whose end by SIGKILL this tells, that neither we nor a user have sent.
    pub fn killed_by_a_stranger(&self) -> Option<ProcessId> {
        let (Self::Crashed { process, reason, .. } | Self::GaveUp { process, reason, .. }) = self else { return None };
        let is_killed = matches!(reason, Reason::Exit(Exit::Signal { signal: Signal::KILL, .. }));
        is_killed.then_some(*process)
    }
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It ended.
    Exit(Exit),
    /// A signal ended it that a user had sent through us.
    Signalled(Exit),
    /// It could not be spawned; the sentence.
    Spawn(String),
    /// It was ended because it no longer did what it should: `unhealthy: http 503 x3`, `memory 1.2G over max_memory 1.0G`.
    Unhealthy(String),
    /// It put itself into the background; the sentence, with what keeps it in the foreground.
    Background(String),
    /// It was not ready in time; the limit and the last answer of the probe.
    NotReady {
        /// The limit that was over.
        limit: Duration,
        /// What the last probe said.
        last: Option<String>,
    },
}

impl fmt::Display for Reason {
    /// The bare fact, without what may be suspected behind it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(exit) => exit.fmt(f),
            Self::Signalled(exit) => write!(f, "{exit}, sent by you"),
            Self::Spawn(what) if what.starts_with("could not") => f.write_str(what),
            Self::Spawn(what) => write!(f, "could not start: {what}"),
            Self::Unhealthy(what) | Self::Background(what) => f.write_str(what),
            Self::NotReady { limit, last: Some(last) } => {
                write!(f, "not ready within {} (last: {last})", round_duration(*limit))
            }
            Self::NotReady { limit, last: None } => write!(f, "not ready within {}", round_duration(*limit)),
        }
    }
}

/// Why something was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StopWhy {
    /// A stop request.
    User,
    /// A restart request.
    Restart,
    /// Its config is another now.
    Changed,
    /// Files that it watches have changed.
    Files,
    /// It is gone from the config.
    Removed,
    /// An edge with `restart = true`, whose dependency went away.
    Dependency(ProcessId),
    /// It was not ready in time.
    NotReady,
    /// It no longer did what it should.
    Unhealthy,
    /// The project ends.
    Shutdown,
    /// Its leader had ended by itself; what it left was swept.
    Leftovers,
    /// It had put itself into the background, and was ended there.
    Background,
}

impl StopWhy {
    /// Whether its run had failed, or ended, so that this may have been its last.
    pub(super) fn may_be_the_last(self) -> bool {
        match self {
            Self::NotReady | Self::Unhealthy | Self::Leftovers | Self::Background => true,
            Self::User
            | Self::Restart
            | Self::Changed
            | Self::Files
            | Self::Removed
            | Self::Dependency(_)
            | Self::Shutdown => false,
        }
    }
}
