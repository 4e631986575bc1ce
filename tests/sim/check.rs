//! The invariants, judged from outside: from what was ordered and what the world knows, not from the supervisor's own books.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use run::model::{Moment, ProcessId, ProcessState, Program, ProgramName, Project, RetryPolicy, Signal, Until, Word};
use run::supervisor::action::{Action, Outcome};
use run::supervisor::event::{Command, Event, RequestId};
use run::supervisor::notice::{Notice, StopWhy};
use run::supervisor::snapshot::Snapshot;

use crate::world::Child;

/// How late a driver may be in this world.
const LATE: Duration = Duration::from_millis(450);

/// What a process has been through, as the world saw it.
#[derive(Debug, Clone, Default)]
struct Past {
    ready: bool,
    has_run: bool,
    ended_well: Option<bool>,
    /// It gave up, and at least one of its runs had come to an end by itself.
    gave_up_after_a_run: bool,
    has_ended: bool,
    ignores_needs: bool,
    state: Option<ProcessState>,
    /// Failed runs in a row that nobody forgave.
    failures: u32,
    ready_since: Option<Moment>,
    stop_asked: Option<Moment>,
    was_stopping_before_end: bool,
}

pub(crate) struct Checks {
    programs: Vec<Program>,
    past: Vec<Past>,
    open: BTreeSet<RequestId>,
    answered: BTreeSet<RequestId>,
    forgotten: BTreeSet<RequestId>,
    is_ending: bool,
    is_hurried: bool,
    finished: bool,
    said_all_ready: bool,
    just_forgotten: Option<RequestId>,
}

impl Checks {
    pub(crate) fn new(project: &Project) -> Self {
        let programs: Vec<Program> = project.processes().map(|(_, program, _)| program.clone()).collect();
        Self {
            past: vec![Past::default(); programs.len()],
            programs,
            open: BTreeSet::new(),
            answered: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            is_ending: false,
            is_hurried: false,
            finished: false,
            said_all_ready: false,
            just_forgotten: None,
        }
    }

    pub(crate) fn before(&mut self, event: &Event, _now: Moment) {
        match event {
            Event::Command(request, command) => {
                self.open.insert(*request);
                self.wish(command);
            }
            Event::Forget(request) => {
                // A time limit that was due before this may still answer it in the same step.
                self.just_forgotten = Some(*request);
            }
            Event::Terminate(urgency) => self.is_hurried |= *urgency == run::supervisor::event::Urgency::Now,
            Event::Spawned { process, generation: _, .. } => self.past[process.index()].has_run = true,
            Event::Tick
            | Event::Begin { .. }
            | Event::SpawnFailed { .. }
            | Event::Exited { .. }
            | Event::Vanished { .. }
            | Event::Probed { .. } => {}
        }
    }

    fn wish(&mut self, command: &Command) {
        match command {
            Command::Start { processes, with_needs, .. } => {
                for id in processes {
                    self.past[id.index()].ignores_needs = !with_needs;
                }
                self.past.iter_mut().for_each(|past| past.failures = 0);
            }
            Command::Restart { processes, .. } => {
                for id in processes {
                    self.past[id.index()].ignores_needs = false;
                }
                self.past.iter_mut().for_each(|past| past.failures = 0);
            }
            Command::Stop { .. } | Command::Signal { .. } | Command::Wait { .. } | Command::Shutdown => {}
        }
    }

    pub(crate) fn action(&mut self, action: &Action, now: Moment, children: &BTreeMap<ProcessId, Child>) {
        assert!(!self.finished || matches!(action, Action::Reply(..)), "11: {action:?} after the end");
        match action {
            Action::Spawn { process, .. } => self.spawn(*process, children),
            Action::Signal { process, signal, .. } => self.signal(*process, *signal, now, children),
            Action::Reply(request, outcome) => self.reply(*request, outcome),
            Action::Say(notice) => self.notice(notice, now),
            Action::Finish(_) => {
                self.finished = true;
                assert!(children.is_empty(), "11: finished with {children:?} alive");
            }
            Action::Probe { .. } | Action::StopProbing { .. } => {}
        }
    }

    fn spawn(&mut self, process: ProcessId, children: &BTreeMap<ProcessId, Child>) {
        let sweeps = self.programs[process.index()].sweeps_leftovers();
        let alive = children.get(&process).is_some_and(|child| child.leader || sweeps);
        assert!(!alive, "1: a second {process:?}");
        assert!(!self.is_ending, "a spawn of {process:?} after the end was asked for");
        if !self.past[process.index()].ignores_needs {
            for dependency in self.programs[process.index()].depends_on.clone() {
                let satisfied =
                    dependency.optional || self.is_satisfied(&dependency.program, dependency.until, children);
                assert!(satisfied, "2: {process:?} spawned while {} is not {:?}", dependency.program, dependency.until);
            }
        }
        let past = &mut self.past[process.index()];
        past.ready = false;
        past.ready_since = None;
        past.ended_well = None;
        past.gave_up_after_a_run = false;
        past.has_run = false;
        past.stop_asked = None;
        let program = &self.programs[process.index()];
        if program.retry == RetryPolicy::Native {
            assert!(past.failures <= program.startretries, "6: {process:?} has failed {} times", past.failures);
        }
    }

    fn is_satisfied(&self, need: &ProgramName, until: Until, children: &BTreeMap<ProcessId, Child>) -> bool {
        let Some(index) = self.programs.iter().position(|program| &program.name == need) else { return true };
        let past = &self.past[index];
        let id = ProcessId(u32::try_from(index).expect("small"));
        let is_alive = children.get(&id).is_some_and(|child| child.leader && child.spawned);
        match until {
            Until::Started => is_alive || past.ended_well.is_some(),
            Until::Ready => is_alive && past.ready,
            Until::Done => past.ended_well == Some(true),
            Until::Exited => past.ended_well.is_some() || past.gave_up_after_a_run,
        }
    }

    fn signal(&mut self, process: ProcessId, signal: Signal, now: Moment, children: &BTreeMap<ProcessId, Child>) {
        if signal != Signal::TERM {
            return;
        }
        let past = &mut self.past[process.index()];
        past.stop_asked.get_or_insert(now);
        let leader_ended = children.get(&process).is_some_and(|child| !child.leader);
        if self.is_ending && !self.is_hurried && !past.was_stopping_before_end && !leader_ended {
            for (index, program) in self.programs.iter().enumerate() {
                let depends = program.depends_on.iter().any(|d| d.program == self.programs[process.index()].name);
                let id = ProcessId(u32::try_from(index).expect("small"));
                let is_alive = children.contains_key(&id) && program.sweeps_leftovers();
                assert!(!(depends && is_alive), "3: {process:?} is stopped before {id:?}, which depends on it");
            }
        }
    }

    fn reply(&mut self, request: RequestId, _outcome: &Outcome) {
        assert!(!self.forgotten.contains(&request), "5: {request:?} was forgotten and is answered");
        assert!(self.open.remove(&request), "5: {request:?} is answered twice or was never asked");
        self.answered.insert(request);
    }

    fn notice(&mut self, notice: &Notice, now: Moment) {
        match notice {
            Notice::Ready { process, .. } => {
                self.past[process.index()].ready = true;
                self.past[process.index()].ready_since = Some(now);
            }
            Notice::Done { process, .. } => {
                let past = &mut self.past[process.index()];
                past.ended_well = Some(true);
                past.has_ended = true;
                past.failures = 0;
            }
            Notice::Crashed { process, .. } | Notice::GaveUp { process, .. } => {
                let past = &mut self.past[process.index()];
                past.ended_well = past.has_run.then_some(false);
                past.has_ended |= past.has_run;
                past.gave_up_after_a_run =
                    past.has_ended && matches!(notice, Notice::GaveUp { .. } | Notice::Crashed { again_in: None, .. });
                let was_good = past.ready_since.take().is_some_and(|at| now.since(at) >= Duration::from_secs(10));
                past.failures = if was_good { 1 } else { past.failures + 1 };
            }
            Notice::AllReady { .. } => self.said_all_ready = true,
            Notice::Stopping { .. } => self.is_ending = true,
            Notice::Stopped { process, why, .. } => {
                assert!(!matches!(why, StopWhy::NotReady | StopWhy::Leftovers), "{process:?} stopped {why:?}");
            }
            Notice::Starting { .. }
            | Notice::Waiting { .. }
            | Notice::NotReadyYet { .. }
            | Notice::Blocked { .. }
            | Notice::Unblocked { .. }
            | Notice::StillStopping { .. }
            | Notice::Leftovers { .. }
            | Notice::WillNotDie { .. }
            | Notice::SettledWithFailures { .. }
            | Notice::EndsRun { .. }
            | Notice::AllStopped { .. } => {}
        }
    }

    pub(crate) fn after(&mut self, snapshot: &Snapshot, now: Moment, children: &BTreeMap<ProcessId, Child>) {
        if let Some(request) = self.just_forgotten.take() {
            self.open.remove(&request);
            self.forgotten.insert(request);
        }
        let all_ready = std::mem::take(&mut self.said_all_ready);
        for info in snapshot.processes.iter() {
            let is_well = info.word.is_settled_well() || info.off_because.is_some();
            assert!(!all_ready || is_well, "all ready was said and {} is {}", info.name, info.word);
            let past = &mut self.past[info.id.index()];
            let program = &self.programs[info.id.index()];
            if let Some(before) = past.state {
                assert!(may_follow(before, info.state, program), "4: {} goes {before:?} → {:?}", info.name, info.state);
            }
            past.state = Some(info.state);
            if info.failures == 0 {
                past.failures = 0;
            }
            if !snapshot.is_shutting_down {
                past.was_stopping_before_end = info.state == ProcessState::Stopping || info.word == Word::Stopping;
            }
            let leader = children.get(&info.id).is_some_and(|child| child.leader);
            match info.state {
                ProcessState::Stopped | ProcessState::Exited | ProcessState::Fatal | ProcessState::Backoff => {
                    assert!(!leader, "9: {} reads {:?} and is alive", info.name, info.state);
                }
                ProcessState::Starting | ProcessState::Running | ProcessState::Stopping | ProcessState::Unknown => {}
            }
            assert!(
                info.retry_at.is_none() || info.off_because.is_none(),
                "13: {} is not wanted and has a retry pending",
                info.name
            );
            assert!(info.word != Word::Ready || info.failures == 0, "{} is called ready and may be looping", info.name);
            if let (Some(asked), Some(child)) = (past.stop_asked, children.get(&info.id)) {
                let limit = program.stopwaitsecs + LATE;
                assert!(
                    now.since(asked) <= limit || child.killed.is_some() || !child.leader,
                    "8: {} was asked to stop {:?} ago and was not killed",
                    info.name,
                    now.since(asked)
                );
            }
        }
    }

    /// At the very end.
    pub(crate) fn end(&self, children: &BTreeMap<ProcessId, Child>) {
        assert!(self.finished, "11: the end was never reached");
        assert!(children.is_empty(), "11: {children:?} left");
        assert!(self.open.is_empty(), "5: {:?} never answered", self.open);
    }
}

/// supervisord's diagram (supervisor documentation, "Process States"), with steps that one event makes at once written as one,
/// and the additions of run.toml: what is retried after having run reads BACKOFF, and what is blocked reads FATAL.
fn may_follow(before: ProcessState, after: ProcessState, program: &Program) -> bool {
    use ProcessState::{Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping, Unknown};
    let native = program.retry == RetryPolicy::Native;
    match (before, after) {
        _ if before == after => true,
        (Stopped | Exited | Backoff | Fatal, Starting | Running) => true,
        (Starting, Running | Backoff | Stopping | Stopped | Exited | Fatal) => true,
        (Running, Stopping | Exited | Starting | Stopped | Fatal) => true,
        (Running, Backoff) => native,
        (Stopping, Stopped | Starting | Exited | Backoff | Fatal) => true,
        (Backoff, Fatal | Stopped) => true,
        (Exited | Stopped, Fatal) => true,
        (Exited | Fatal, Stopped) => true,
        (Stopped | Fatal | Stopping | Exited | Backoff | Starting | Running | Unknown, _) => false,
    }
}
