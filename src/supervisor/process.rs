//! One process: what is wanted of it and what is, kept apart.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::event::{Survivor, Verdict};
use super::files::Watching;
use super::notice::{Reason, StopWhy};
use super::snapshot::{Change, HISTORY, OffBecause};
use crate::model::{
    EnvContents, Exit, Generation, Moment, Now, ProcessId, ProcessState, Program, Signal, WallTime, Word,
};
use crate::plan::definition::Definition;

/// How long a run has to be ready before it counts as good.
pub(super) const GOOD_AFTER: Duration = Duration::from_secs(10);

/// What is wanted. Commands change this and nothing else; reconciliation drives the phase towards it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// It should be up (or, for a task, have been).
    Up,
    /// It should not.
    Down {
        /// For the reader.
        because: OffBecause,
        /// Only once nobody who depends on it is alive.
        ordered: bool,
    },
}

/// What is. Data lives in the variant that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not alive, nothing planned.
    Stopped,
    /// Wanted; a dependency is not satisfied.
    Waiting,
    /// Wanted; a dependency has failed for good.
    Blocked {
        /// Which.
        by: ProcessId,
    },
    /// Being spawned, or alive and not yet RUNNING.
    Starting(Run),
    /// RUNNING.
    Running(Run),
    /// Being ended.
    Stopping(Stop),
    /// Failed; another try is scheduled.
    Backoff {
        /// When.
        until: Moment,
        /// supervisord's dialect: it had been RUNNING, so the wire reads EXITED meanwhile.
        reads_exited: bool,
    },
    /// Ended by itself, and that is that.
    Exited {
        /// How.
        exit: Exit,
        /// Whether the code is one of `exitcodes`.
        expected: bool,
    },
    /// Given up.
    Fatal,
}

/// A living incarnation, from the order to spawn it to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    /// When the spawn was ordered.
    pub(super) started: Moment,
    /// Known once it was executed.
    pub(super) pid: Option<u32>,
    /// When it became ready.
    pub(super) ready: Option<Moment>,
    /// What its ready check said so far.
    pub(super) probe: ProbeRecord,
    /// What its alive check said so far.
    pub(super) alive: AliveRecord,
    /// Why it is being ended though it lives.
    pub(super) unfit: Option<String>,
    /// What its leader has left behind.
    pub(super) left: Vec<Survivor>,
}

/// The answers of a ready check in one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ProbeRecord {
    /// Attempts made.
    pub(super) tries: u32,
    /// Whether an answer is still to come.
    pub(super) is_asked: bool,
    /// Passes in a row.
    pub(super) passes: u32,
    /// Failures in a row, at most one in each `every`.
    pub(super) fails: u32,
    /// When an answer last counted.
    pub(super) counted: Option<Moment>,
    /// The last answer.
    pub(super) last: Option<String>,
    /// Since when every attempt has been refused by the program itself.
    pub(super) refused_since: Option<Moment>,
    /// What the program said of itself before the news of its spawn was here.
    pub(super) early: Option<Verdict>,
}

/// The answers of an alive check in one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AliveRecord {
    /// Attempts made.
    pub(super) attempts: u32,
    /// When the attempt under way began.
    pub(super) asked: Option<Moment>,
    /// Failures in a row.
    pub(super) fails: u32,
    /// When it last passed.
    pub(super) passed: Option<Moment>,
    /// The last answer.
    pub(super) last: Option<String>,
}

impl ProbeRecord {
    /// What is told of a check that did not pass in time.
    pub(super) fn last_word(&self) -> Option<String> {
        self.last.clone().or_else(|| self.is_asked.then(|| "no answer".to_owned()))
    }
}

/// A run that is being ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stop {
    /// The run.
    pub(super) run: Run,
    /// Why.
    pub(super) why: StopWhy,
    /// When the first signal was sent; `None` while it is not even spawned.
    pub(super) since: Option<Moment>,
    /// How far up the ladder.
    pub(super) rung: Rung,
    /// The leader's end, once it is known and only descendants are left.
    pub(super) leader: Option<Exit>,
    /// The wire state that this began in: what it reads while only leftovers are swept.
    pub(super) from: ProcessState,
    /// Whether a signal to its leader was refused.
    pub(super) is_out_of_reach: bool,
}

impl Stop {
    /// Whether asking was not enough.
    pub(super) fn was_killed(&self) -> bool {
        matches!(self.rung, Rung::Killed { .. })
    }
}

/// The steps of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rung {
    /// Nothing could be sent yet, it is being spawned.
    Unspawned,
    /// `stopsignal` was sent.
    Asked,
    /// SIGKILL was sent.
    Killed {
        /// When it was for the first time.
        since: Moment,
        /// Whether the user knows that it did not help.
        is_told: bool,
    },
}

/// Whether a slot is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Membership {
    /// The config has it.
    Member,
    /// The config no longer has it, and it is being ended.
    Leaving,
    /// Nothing is left of it. The slot waits for the name to come back.
    Gone,
}

/// A dependency that this one restarts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beside {
    pub(super) need: ProcessId,
    /// The incarnation that this one was started beside.
    pub(super) generation: Generation,
    /// Whether it has been what this one needs, by the config of now: a reload that asks more of it takes nothing away.
    pub(super) was_up: bool,
}

/// A process and its history.
#[derive(Debug, Clone)]
pub(super) struct Process {
    /// Its slot.
    pub(super) id: ProcessId,
    /// What the config says of it; the last word, once it is gone.
    pub(super) definition: Definition,
    /// What the config said when the current or last run was spawned.
    pub(super) born: Option<Definition>,
    /// What its env files said then, where that was not what they said when the config was read.
    pub(super) env_read: Option<Arc<EnvContents>>,
    /// The ports that the current or last run has.
    pub(super) ports: BTreeSet<u16>,
    /// Whether the config has it.
    pub(super) membership: Membership,
    /// What is wanted.
    pub(super) intent: Intent,
    /// What is.
    pub(super) phase: Phase,
    /// Counts incarnations.
    pub(super) generation: Generation,
    /// Started although its needs are not satisfied, because a user said so.
    pub(super) ignores_needs: bool,
    /// Runs since `up`.
    pub(super) runs: u32,
    /// Runs that followed a failure, since a user last started it.
    pub(super) unasked_runs: u32,
    /// Failures in a row that still count.
    pub(super) failures: u32,
    /// Whether all of these ended alike.
    pub(super) fails_alike: bool,
    /// The last failure.
    pub(super) last_reason: Option<Reason>,
    /// The last end.
    pub(super) last_exit: Option<Exit>,
    /// Whether it came because it was asked to stop, and nothing was wrong with it.
    pub(super) was_stopped: bool,
    /// Why the last run failed, when it was not by its own end.
    pub(super) failed_otherwise: Option<String>,
    /// What a user last sent to the current run.
    pub(super) sent: Option<Signal>,
    /// One of its runs has come to an end by itself.
    pub(super) has_ended: bool,
    /// supervisord's `spawnerr`.
    pub(super) spawn_error: String,
    /// The system's error number of the last failure to spawn; 0 when the last run was spawned.
    pub(super) spawn_errno: i32,
    /// When the current or last run was ordered, on the wall clock.
    pub(super) started_wall: WallTime,
    /// When the last run ended, on the wall clock.
    pub(super) stopped_wall: WallTime,
    /// When the current run became ready, on the wall clock.
    pub(super) ready_wall: Option<WallTime>,
    /// From spawn to ready or done, in the current or last run.
    pub(super) ready_after: Option<Duration>,
    /// When it last became ready or done: what the critical chain is read from.
    pub(super) satisfied_at: Option<Moment>,
    /// The dependencies with `restart = true`, as they were when this one was spawned.
    pub(super) born_beside: Vec<Beside>,
    /// The open dependencies that the user was last told of, and when.
    pub(super) told_waiting: Option<(Vec<ProcessId>, Moment)>,
    /// The word as of the last step, and since when.
    pub(super) word: Word,
    /// When `word` last changed.
    pub(super) since: Now,
    /// The files that it watches.
    pub(super) watching: Watching,
    /// The latest changes, oldest first.
    pub(super) history: VecDeque<Change>,
}

impl Process {
    /// A process that was never started.
    pub(super) fn new(id: ProcessId, definition: Definition) -> Self {
        let is_active = definition.project().is_active(definition.program());
        let because = if is_active { OffBecause::NoAutostart } else { OffBecause::Profile };
        Self {
            id,
            definition,
            born: None,
            env_read: None,
            ports: BTreeSet::new(),
            membership: Membership::Member,
            intent: Intent::Down { because, ordered: false },
            phase: Phase::Stopped,
            generation: Generation::default(),
            ignores_needs: false,
            runs: 0,
            unasked_runs: 0,
            failures: 0,
            fails_alike: true,
            last_reason: None,
            last_exit: None,
            was_stopped: false,
            failed_otherwise: None,
            sent: None,
            has_ended: false,
            spawn_error: String::new(),
            spawn_errno: 0,
            started_wall: WallTime::default(),
            stopped_wall: WallTime::default(),
            ready_wall: None,
            ready_after: None,
            satisfied_at: None,
            born_beside: Vec::new(),
            told_waiting: None,
            word: Word::Off,
            since: Now::default(),
            watching: Watching::default(),
            history: VecDeque::new(),
        }
    }

    /// Its program.
    pub(super) fn program(&self) -> &Program {
        self.definition.program()
    }

    /// Whether the config has it.
    pub(super) fn is_member(&self) -> bool {
        self.membership == Membership::Member
    }

    /// Its name came back: like new, but that runs and incarnations are counted on.
    pub(super) fn come_back(&mut self, definition: Definition) {
        let Self { id, generation, runs, .. } = *self;
        *self = Self { generation, runs, ..Self::new(id, definition) };
    }

    /// Whether anything of it is alive or about to be.
    pub(super) fn is_alive(&self) -> bool {
        match &self.phase {
            Phase::Starting(_) | Phase::Running(_) | Phase::Stopping(_) => true,
            Phase::Stopped
            | Phase::Waiting
            | Phase::Blocked { .. }
            | Phase::Backoff { .. }
            | Phase::Exited { .. }
            | Phase::Fatal => false,
        }
    }

    /// Whether it is wanted up.
    pub(super) fn is_wanted(&self) -> bool {
        self.intent == Intent::Up
    }

    /// Whether it is down because a user said so.
    pub(super) fn was_stopped_by_user(&self) -> bool {
        matches!(self.intent, Intent::Down { because: OffBecause::StoppedByUser, .. })
    }

    /// The living run.
    pub(super) fn run(&self) -> Option<&Run> {
        match &self.phase {
            Phase::Starting(run) | Phase::Running(run) | Phase::Stopping(Stop { run, .. }) => Some(run),
            Phase::Stopped
            | Phase::Waiting
            | Phase::Blocked { .. }
            | Phase::Backoff { .. }
            | Phase::Exited { .. }
            | Phase::Fatal => None,
        }
    }

    /// Whether the living run has been RUNNING on the wire.
    pub(super) fn was_running(&self) -> bool {
        match &self.phase {
            Phase::Running(_) => true,
            Phase::Stopping(stop) => stop.from == ProcessState::Running,
            Phase::Starting(_)
            | Phase::Stopped
            | Phase::Waiting
            | Phase::Blocked { .. }
            | Phase::Backoff { .. }
            | Phase::Exited { .. }
            | Phase::Fatal => false,
        }
    }

    /// The living run, to be changed; not once it is being stopped.
    pub(super) fn run_mut(&mut self) -> Option<&mut Run> {
        match &mut self.phase {
            Phase::Starting(run) | Phase::Running(run) => Some(run),
            Phase::Stopping(_)
            | Phase::Stopped
            | Phase::Waiting
            | Phase::Blocked { .. }
            | Phase::Backoff { .. }
            | Phase::Exited { .. }
            | Phase::Fatal => None,
        }
    }

    /// Whether it is down because it could not be executed.
    pub(super) fn could_not_start(&self) -> bool {
        let failed = matches!(self.phase, Phase::Backoff { .. } | Phase::Fatal);
        failed && matches!(self.last_reason, Some(Reason::Spawn(_)))
    }

    /// Whether it could still become ready or done without anybody's help.
    pub(super) fn may_move(&self) -> bool {
        match &self.phase {
            Phase::Waiting | Phase::Starting(_) | Phase::Backoff { .. } => true,
            Phase::Stopping(_) => self.is_wanted(),
            Phase::Running(run) => run.ready.is_none() || self.failures > 0 || run.alive.fails > 0,
            Phase::Stopped | Phase::Blocked { .. } | Phase::Exited { .. } | Phase::Fatal => false,
        }
    }

    /// supervisord's state. The whole mapping is here.
    pub(super) fn state(&self) -> ProcessState {
        match &self.phase {
            Phase::Stopped => ProcessState::Stopped,
            Phase::Waiting | Phase::Starting(_) => ProcessState::Starting,
            Phase::Blocked { .. } | Phase::Fatal => ProcessState::Fatal,
            Phase::Running(_) => ProcessState::Running,
            Phase::Stopping(Stop { is_out_of_reach: true, leader: None, .. }) => ProcessState::Unknown,
            Phase::Stopping(Stop { why: StopWhy::Leftovers | StopWhy::Background, from, .. }) => *from,
            Phase::Stopping(_) => ProcessState::Stopping,
            Phase::Backoff { reads_exited: true, .. } | Phase::Exited { .. } => ProcessState::Exited,
            Phase::Backoff { reads_exited: false, .. } => ProcessState::Backoff,
        }
    }

    /// Our word. The whole mapping is here. Ready again after a failure is `retrying` until the run is good.
    pub(super) fn current_word(&self) -> Word {
        let is_task = self.program().is_task();
        match &self.phase {
            Phase::Stopped => Word::Off,
            Phase::Waiting => Word::Waiting,
            Phase::Blocked { .. } => Word::Blocked,
            Phase::Running(run) if run.alive.fails > 0 => Word::Unhealthy,
            Phase::Starting(_) | Phase::Running(_) if self.failures > 0 => Word::Retrying,
            Phase::Running(run) if run.ready.is_some() && !is_task => Word::Ready,
            Phase::Starting(_) | Phase::Running(_) => Word::Starting,
            Phase::Stopping(_) => Word::Stopping,
            Phase::Backoff { .. } => Word::Retrying,
            Phase::Exited { expected: true, .. } => Word::Done,
            Phase::Exited { expected: false, .. } | Phase::Fatal => Word::Failed,
        }
    }

    /// Remembers a change for `why`.
    pub(super) fn remember(&mut self, now: Now, what: impl Into<String>) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(Change { at: now.wall, what: what.into() });
    }

    /// Forgets failures: a good run, or a user's start.
    pub(super) fn forgive(&mut self) {
        self.failures = 0;
        self.fails_alike = true;
        self.last_reason = None;
    }
}
