//! What every reader sees: an immutable view of the state, rebuilt once a turn for what changed.

use std::sync::Arc;
use std::time::Duration;

pub use super::process_list::ProcessList;
use crate::model::status::SourceMark;
use crate::model::{
    EnvContents, Exit, Generation, ListenerState, Moment, ProcessChange, ProcessId, ProcessName, ProcessState, Program,
    ProgramName, Project, ReloadPlan, Until, WallTime, Word,
};
use crate::plan::ports::Ports;
use crate::plan::reload::diff_as_read;

/// A view of the whole state at one moment. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What the config said when it was last taken over.
    pub project: Arc<Project>,
    /// The ports that its programs were given.
    pub ports: Arc<Ports>,
    /// What the user should know of the project as a whole.
    pub notes: Arc<[String]>,
    /// The files that the project was read from.
    pub sources: Arc<[SourceMark]>,
    /// Everything that is in use, and what is on its way out until it is gone; in the order of the slots, which is that of the
    /// file until a reload adds some.
    pub processes: ProcessList,
    /// Processes in start order.
    pub start_order: Arc<[ProcessId]>,
    /// When the project began.
    pub began: Moment,
    /// The same on the wall clock.
    pub began_wall: WallTime,
    /// Whether an end was asked for, or a new beginning.
    pub is_shutting_down: bool,
    /// Whether it begins anew once everything is down.
    pub is_restarting: bool,
    /// Whether it ends although nobody has asked for it.
    pub is_ending_by_itself: bool,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Its index.
    pub id: ProcessId,
    /// `group:process`.
    pub name: ProcessName,
    /// Its program.
    pub program: ProgramName,
    /// Whether it runs to its end.
    pub is_task: bool,
    /// Our word.
    pub word: Word,
    /// supervisord's.
    pub state: ProcessState,
    /// When `word` last changed.
    pub since: Moment,
    /// The same on the wall clock.
    pub since_wall: WallTime,
    /// The current or last incarnation.
    pub generation: Generation,
    /// 0 when not alive.
    pub pid: u32,
    /// Runs since `up`.
    pub runs: u32,
    /// Runs that followed a failure, since a user last started it.
    pub unasked_runs: u32,
    /// Failures in a row that still count.
    pub failures: u32,
    /// Start of the current or last run on the wall clock, 0 before the first.
    pub started_wall: WallTime,
    /// End of the last run on the wall clock, 0 before the first.
    pub stopped_wall: WallTime,
    /// When the current run became ready.
    pub ready_wall: Option<WallTime>,
    /// From spawn to ready (or done) in the current or last run.
    pub ready_after: Option<Duration>,
    /// How the last run ended.
    pub last_exit: Option<Exit>,
    /// Whether that came because it was asked to stop, and nothing was wrong with it.
    pub was_stopped: bool,
    /// Why the last run failed, when it was not by its own end: it could not be spawned, was not ready in time, or did not do what
    /// it should. Known until the next one has ended.
    pub failed_otherwise: Option<String>,
    /// It is down because it could not be executed, so its last run has neither an end nor output.
    pub could_not_start: bool,
    /// Why the last run could not be spawned or why it was given up: supervisord's `spawnerr`; empty when all is well.
    pub spawn_error: String,
    /// Open or not, in the order of the config.
    pub needs: Vec<NeedInfo>,
    /// Who has an edge to it.
    pub needed_by: Vec<ProcessId>,
    /// The ready check's last answer in this run.
    pub last_probe: Option<String>,
    /// Attempts in this run.
    pub probe_tries: u32,
    /// The alive check's last answer in this run.
    pub last_alive: Option<String>,
    /// Its failures in a row.
    pub alive_fails: u32,
    /// Attempts of it in this run.
    pub alive_tries: u32,
    /// When the next try comes, while it is waiting for one.
    pub retry_at: Option<Moment>,
    /// Who blocks it.
    pub blocked_by: Option<ProcessId>,
    /// Why it is off.
    pub off_because: Option<OffBecause>,
    /// What an event listener is at; `None` for any other program.
    pub listener: Option<ListenerInfo>,
    /// The changed files that it was last started anew for.
    pub last_change: Option<String>,
    /// What its env files said when it was last started, where that was not what they said when the config was read.
    pub env_read: Option<Arc<EnvContents>>,
    /// The latest changes, oldest first, at most [`HISTORY`].
    pub history: Arc<[Change]>,
}

/// What an event listener is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerInfo {
    /// Where it is in its protocol.
    pub state: ListenerState,
    /// Whether it has said READY in this run.
    pub was_ready: bool,
    /// How many events wait for whoever of its pool is READY next.
    pub waiting: usize,
}

impl ProcessInfo {
    /// A process that has never run.
    pub fn off(id: ProcessId, program: &Program, name: ProcessName) -> Self {
        Self {
            id,
            name,
            program: program.name.clone(),
            is_task: program.is_task(),
            word: Word::Off,
            state: ProcessState::Stopped,
            since: Moment::default(),
            since_wall: WallTime(0),
            generation: Generation::default(),
            pid: 0,
            runs: 0,
            unasked_runs: 0,
            failures: 0,
            started_wall: WallTime(0),
            stopped_wall: WallTime(0),
            ready_wall: None,
            ready_after: None,
            last_exit: None,
            was_stopped: false,
            failed_otherwise: None,
            could_not_start: false,
            spawn_error: String::new(),
            needs: Vec::new(),
            needed_by: Vec::new(),
            last_alive: None,
            alive_fails: 0,
            alive_tries: 0,
            last_probe: None,
            probe_tries: 0,
            retry_at: None,
            blocked_by: None,
            off_because: None,
            listener: None,
            last_change: None,
            env_read: None,
            history: Arc::new([]),
        }
    }
}

/// How many changes of state are remembered for each process.
pub const HISTORY: usize = 24;

/// One edge, seen from the dependent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedInfo {
    /// Whom.
    pub process: ProcessId,
    /// Until what.
    pub until: Until,
    /// Whether that is so.
    pub is_satisfied: bool,
    /// Whether it can no longer become so by itself.
    pub has_failed: bool,
    /// Order only.
    pub optional: bool,
    /// Restarts with it.
    pub restart: bool,
}

/// Why a process is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffBecause {
    /// `autostart = false`.
    NoAutostart,
    /// None of its profiles was asked for.
    Profile,
    /// A user stopped it.
    StoppedByUser,
    /// Others were named at `up`.
    NotNamed,
    /// The project ends.
    Shutdown,
    /// It is gone from the config.
    Removed,
}

/// One change of state, for `why`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: WallTime,
    /// In the words of the stream.
    pub what: String,
}

impl Snapshot {
    /// Whether both were taken without a change in between; what is said with the same words again is no change.
    pub fn is_same(&self, other: &Self) -> bool {
        self.processes.is_same(&other.processes)
            && Arc::ptr_eq(&self.project, &other.project)
            && Arc::ptr_eq(&self.ports, &other.ports)
            && Arc::ptr_eq(&self.notes, &other.notes)
            && Arc::ptr_eq(&self.sources, &other.sources)
            && Arc::ptr_eq(&self.start_order, &other.start_order)
            && (self.began, self.is_shutting_down, self.is_restarting)
                == (other.began, other.is_shutting_down, other.is_restarting)
    }

    /// Everything that is other in another project, for the processes as they run.
    pub fn diff(&self, project: &Project) -> ReloadPlan {
        let read = self.processes.iter().filter_map(|info| Some((&info.name, info.env_read.as_deref()?)));
        let mut plan = diff_as_read(&self.project, project, &read.collect());
        for change in &mut plan.changes {
            change.is_off = self.stays_off(change, project);
        }
        plan
    }

    /// Whether nothing is started for a change.
    fn stays_off(&self, change: &ProcessChange, project: &Project) -> bool {
        let starts = |program: &Program| program.autostart && project.is_active(program);
        let rests = !project.program(&change.program).is_some_and(starts);
        let info = self.processes.iter().find(|info| info.name.to_string() == change.name);
        match info.map(|info| info.off_because) {
            None => rests,
            Some(None) => false,
            Some(Some(because)) => match because {
                OffBecause::NoAutostart | OffBecause::Profile | OffBecause::Removed => rests,
                OffBecause::StoppedByUser | OffBecause::NotNamed | OffBecause::Shutdown => true,
            },
        }
    }

    /// One process; `None` once it is gone from the config and from the world.
    pub fn get(&self, id: ProcessId) -> Option<&ProcessInfo> {
        self.processes.get(id).map(|info| &**info)
    }
}
