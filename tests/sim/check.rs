//! The invariants, judged from outside: from what was ordered and what the world knows, not from the supervisor's own books.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use run::model::{
    Exit, Generation, Moment, ProcessId, ProcessState, Program, ProgramName, Project, RetryPolicy, Signal, Until, Word,
};
use run::supervisor::action::{Action, Crash, Outcome};
use run::supervisor::event::{Command, Event, RequestId, StartUntil};
use run::supervisor::notice::{Notice, Reason, StopWhy};
use run::supervisor::snapshot::{OffBecause, ProcessInfo, Snapshot};

use crate::deliveries::Deliveries;
use crate::world::Child;

/// How late a driver may be in this world.
const LATE: Duration = Duration::from_millis(450);

/// A check that can pass has passed within this: attempts lie now and then.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an open request waits for.
#[derive(Debug, Clone)]
enum Expects {
    Down(Vec<ProcessId>),
    Settled(Vec<ProcessId>),
    Well(Vec<ProcessId>),
}

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
    /// Its next try may not come before.
    not_before: Option<Moment>,
    /// The incarnation that was ordered last.
    generation: Generation,
    /// The incarnations of its `restart = true` needs at that time.
    born_beside: Vec<(usize, Generation)>,
    /// Its `stopwaitsecs` when it was asked to stop.
    stop_limit: Duration,
    /// Its `startretries` when it last failed.
    allowed: u32,
    /// A user has asked for its stop.
    stopped_by_user: bool,
    was_stopping_before_end: bool,
    /// It has crashed just now, and nobody has been told.
    untold: Option<Untold>,
}

/// A crash.
#[derive(Debug, Clone)]
struct Untold {
    again_in: Option<Duration>,
}

pub(crate) struct Checks {
    /// By slot: what the config says of each process, or last said.
    programs: Vec<Program>,
    /// Whether the config has it.
    is_member: Vec<bool>,
    /// Who was up before this step, and is not to be touched by a reload in it.
    untouchable: BTreeSet<ProcessId>,
    /// Who was up and well after the last step.
    well: BTreeSet<ProcessId>,
    past: Vec<Past>,
    open: BTreeSet<RequestId>,
    expects: BTreeMap<RequestId, Expects>,
    answered: BTreeSet<RequestId>,
    forgotten: BTreeSet<RequestId>,
    is_ending: bool,
    is_hurried: bool,
    finished: bool,
    said_all_ready: bool,
    just_forgotten: Option<RequestId>,
    /// Whose end is told in this step, behind the timers that are due in it.
    ends_now: Option<(ProcessId, Generation)>,
    deliveries: Deliveries,
}

impl Checks {
    pub(crate) fn new(project: &Project) -> Self {
        let programs: Vec<Program> = project.processes().map(|(_, program, _)| program.clone()).collect();
        Self {
            past: vec![Past::default(); programs.len()],
            is_member: vec![true; programs.len()],
            untouchable: BTreeSet::new(),
            well: BTreeSet::new(),
            programs,
            open: BTreeSet::new(),
            expects: BTreeMap::new(),
            answered: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            is_ending: false,
            is_hurried: false,
            finished: false,
            said_all_ready: false,
            just_forgotten: None,
            ends_now: None,
            deliveries: Deliveries::default(),
        }
    }

    pub(crate) fn before(&mut self, event: &Event, _now: Moment) {
        self.untouchable.clear();
        self.ends_now = match event {
            Event::Exited { process, generation, .. } => Some((*process, *generation)),
            _ => None,
        };
        match event {
            Event::Command(request, command) => {
                self.open.insert(*request);
                if let Some(expects) = expectation(command) {
                    self.expects.insert(*request, expects);
                }
                self.wish(command);
            }
            Event::Forget(request) => {
                // A time limit that was due before this may still answer it in the same step.
                self.just_forgotten = Some(*request);
            }
            Event::Terminate(urgency) => {
                self.is_hurried |= *urgency == run::supervisor::event::Urgency::Now;
            }
            Event::Spawned { process, generation: _, .. } => self.past[process.index()].has_run = true,
            Event::ListenerSaid { process, words, .. } => self.deliveries.said(*process, words),
            Event::ListenerDeaf { process, .. } => self.deliveries.lost(*process),
            Event::Exited { process, generation, .. } if self.past[process.index()].generation == *generation => {
                self.deliveries.ended(*process);
            }
            Event::Tick
            | Event::Begin { .. }
            | Event::FilesChanged { .. }
            | Event::Noted(_)
            | Event::EnvRead { .. }
            | Event::Printed { .. }
            | Event::SpawnFailed { .. }
            | Event::Exited { .. }
            | Event::LeftBehind { .. }
            | Event::OutOfReach { .. }
            | Event::Vanished { .. }
            | Event::Probed { .. }
            | Event::Checked { .. }
            | Event::Measured { .. } => {}
        }
    }

    fn wish(&mut self, command: &Command) {
        match command {
            Command::Start { processes, with_needs, .. } => {
                for id in processes {
                    self.past[id.index()].ignores_needs = !with_needs;
                }
                self.forgive_all();
            }
            Command::Restart { processes, .. } => {
                for id in processes {
                    self.past[id.index()].ignores_needs = false;
                }
                self.forgive_all();
            }
            Command::Stop { processes, .. } => {
                for id in processes {
                    self.past[id.index()].stopped_by_user = true;
                }
            }
            Command::Shutdown
            | Command::BeginAnew
            | Command::Signal { .. }
            | Command::Wait { .. }
            | Command::SendStdin { .. }
            | Command::SendEvent { .. }
            | Command::Reload(_) => {}
        }
    }

    /// A user's start or restart, which may reach whatever is needed.
    fn forgive_all(&mut self) {
        for past in &mut self.past {
            (past.failures, past.not_before) = (0, None);
        }
    }

    pub(crate) fn action(&mut self, action: &Action, now: Moment, children: &BTreeMap<ProcessId, Child>) {
        assert!(!self.finished || matches!(action, Action::Reply(..)), "11: {action:?} after the end");
        match action {
            Action::Spawn { process, generation, .. } => {
                self.spawn(*process, children);
                self.deliveries.began(*process);
                self.born(*process, *generation, now);
            }
            Action::Signal { process, signal, .. } => self.signal(*process, *signal, now, children),
            Action::Reply(request, outcome) => self.reply(*request, outcome),
            Action::Say(notice) => self.notice(notice, now),
            Action::Finish(_) => {
                self.finished = true;
                assert!(children.is_empty(), "11: finished with {children:?} alive");
            }
            Action::Deliver { process, generation, delivery } => {
                let child = children.get(process);
                let is_up = child.is_some_and(|child| child.leader && child.spawned && child.generation == *generation);
                let ends_now = self.ends_now == Some((*process, *generation));
                assert!(is_up || ends_now, "20: {process:?} is given an event and is not there");
                if ends_now {
                    self.deliveries.given_before_the_end(*process, delivery);
                } else {
                    self.deliveries.given(*process, delivery);
                }
            }
            Action::WriteStdin { request, process, generation, .. } => {
                let is_up = children.get(process).is_some_and(|child| child.spawned && child.generation == *generation);
                assert!(is_up, "20: {process:?} is written to and is not there");
                self.reply(*request, &Outcome::Accepted);
            }
            Action::Adopt(edition) => self.adopt(&edition.project().programs, children),
            // Its end may be what is told in this very step, after the timer.
            Action::CheckAlive { process, generation, .. } => {
                let child = children.get(process);
                assert!(child.is_none_or(|child| child.generation == *generation), "17: {process:?} is asked late");
                assert!(self.past[process.index()].ready, "17: {process:?} is asked before it is ready");
            }
            Action::Measure(whom) => {
                let is_limited = |id: ProcessId| self.programs[id.index()].max_memory.is_some();
                assert!(whom.iter().all(|one| is_limited(one.process)), "17: who has no limit is measured");
            }
            Action::OnCrash(crash) => self.told(crash),
            Action::Forget(process) => {
                assert!(!children.contains_key(process), "22: {process:?} is there and forgotten");
            }
            Action::Probe { .. } | Action::StopProbing { .. } | Action::Chronicle(_) => {}
        }
    }

    /// Another config. What runs and need not run anew, nor goes with somebody who does, is not to be touched.
    fn adopt(&mut self, programs: &[Program], children: &BTreeMap<ProcessId, Child>) {
        let old: Vec<(Program, bool)> = self.programs.iter().cloned().zip(self.is_member.clone()).collect();
        self.is_member.iter_mut().for_each(|is_member| *is_member = false);
        for program in programs {
            if let Some(slot) = self.programs.iter().position(|known| known.name == program.name) {
                self.programs[slot].clone_from(program);
                self.is_member[slot] = true;
            } else {
                self.programs.push(program.clone());
                self.is_member.push(true);
                self.past.push(Past::default());
            }
        }
        let same = |slot: usize| old.get(slot).is_some_and(|(was, is)| *is && *was == self.programs[slot]);
        // A new config may be what a failing one was waiting for.
        for slot in (0..self.programs.len()).filter(|slot| !same(*slot)) {
            (self.past[slot].failures, self.past[slot].not_before) = (0, None);
        }
        // Of what a schedule changes only these take a new run, or may end one.
        let facts = |program: &Program| (program.kind, program.environment.clone(), program.ready.clone());
        let runs_on =
            |slot: usize| old.get(slot).is_some_and(|(was, is)| *is && facts(was) == facts(&self.programs[slot]));
        let mut left_alone: BTreeSet<usize> =
            (0..old.len()).filter(|slot| self.is_member[*slot] && runs_on(*slot)).collect();
        // Whoever restarts with somebody who may be restarted, or started now, is not left alone either.
        let lives = |slot: usize| children.contains_key(&ProcessId(u32::try_from(slot).expect("small")));
        loop {
            let may_move = |need: usize| !left_alone.contains(&need) || !lives(need);
            let taken_along = left_alone
                .iter()
                .copied()
                .find(|slot| self.past[*slot].born_beside.iter().any(|(need, _)| may_move(*need)));
            match taken_along {
                Some(slot) => left_alone.remove(&slot),
                None => break,
            };
        }
        let ids = left_alone.into_iter().map(|slot| ProcessId(u32::try_from(slot).expect("small")));
        self.untouchable = ids.filter(|id| self.well.contains(id)).collect();
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
        past.stopped_by_user = false;
        let program = &self.programs[process.index()];
        if program.retry == RetryPolicy::Native {
            assert!(past.failures <= past.allowed, "6: {process:?} has failed {} times", past.failures);
        }
    }

    fn born(&mut self, process: ProcessId, generation: Generation, now: Moment) {
        let needs = self.programs[process.index()].depends_on.iter().filter(|need| need.restart);
        let beside = needs.filter_map(|need| self.programs.iter().position(|program| program.name == need.program));
        let born_beside = beside.map(|index| (index, self.past[index].generation)).collect();
        let past = &mut self.past[process.index()];
        assert!(past.not_before.is_none_or(|at| now >= at), "15: {process:?} is tried again too soon");
        (past.generation, past.born_beside, past.not_before) = (generation, born_beside, None);
    }

    fn is_satisfied(&self, need: &ProgramName, until: Until, children: &BTreeMap<ProcessId, Child>) -> bool {
        let is_it = |(program, is_member): (&Program, &bool)| *is_member && &program.name == need;
        let Some(index) = self.programs.iter().zip(&self.is_member).position(is_it) else { return true };
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
        assert!(!self.untouchable.contains(&process), "10: {process:?} is the same as before and is stopped");
        self.gone_in_order(process, children);
        let past = &mut self.past[process.index()];
        if past.stop_asked.is_none() {
            past.stop_limit = self.programs[process.index()].stopwaitsecs;
        }
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

    /// Of those that the config no longer has, whoever needs another goes first.
    fn gone_in_order(&self, process: ProcessId, children: &BTreeMap<ProcessId, Child>) {
        let past = &self.past[process.index()];
        let leader_ended = children.get(&process).is_some_and(|child| !child.leader);
        let is_free = self.is_member[process.index()] || past.stopped_by_user || past.was_stopping_before_end;
        if is_free || leader_ended || self.is_ending {
            return;
        }
        for (index, program) in self.programs.iter().enumerate().filter(|(index, _)| !self.is_member[*index]) {
            let depends = program.depends_on.iter().any(|need| need.program == self.programs[process.index()].name);
            let id = ProcessId(u32::try_from(index).expect("small"));
            let is_alive = children.contains_key(&id) && program.sweeps_leftovers();
            assert!(!(depends && is_alive), "21: {process:?} is gone and stopped before {id:?}, which depends on it");
        }
    }

    /// A hook is run for each failure, right after it was told, and for nothing else.
    fn told(&mut self, crash: &Crash) {
        let index = crash.process.index();
        assert!(self.programs[index].on_crash.is_some(), "22: {:?} has no hook", crash.process);
        let untold = self.past[index].untold.take();
        let is_it = untold.is_some_and(|untold| untold.again_in == crash.again_in);
        assert!(is_it, "22: {:?} has not crashed", crash.process);
    }

    fn reply(&mut self, request: RequestId, _outcome: &Outcome) {
        assert!(!self.forgotten.contains(&request), "5: {request:?} was forgotten and is answered");
        assert!(self.open.remove(&request), "5: {request:?} is answered twice or was never asked");
        self.answered.insert(request);
        self.expects.remove(&request);
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
            Notice::Crashed { process, reason, .. } | Notice::GaveUp { process, reason, .. } => {
                let past = &mut self.past[process.index()];
                let was_late = matches!(reason, Reason::NotReady { .. });
                let program = &self.programs[process.index()];
                let may_be_unfit = program.alive.is_some() || program.max_memory.is_some();
                let was_unfit = matches!(reason, Reason::Unhealthy(_));
                assert!(!was_unfit || may_be_unfit, "17: {process:?} is ended and nobody watches it");
                assert!(!(was_late && past.ready), "16: {process:?} was ready and is ended because it was not");
                past.ended_well = past.has_run.then_some(false);
                past.has_ended |= past.has_run;
                past.gave_up_after_a_run =
                    past.has_ended && matches!(notice, Notice::GaveUp { .. } | Notice::Crashed { again_in: None, .. });
                let was_good = past.ready_since.take().is_some_and(|at| now.since(at) >= Duration::from_secs(10));
                past.failures = if was_good { 1 } else { past.failures + 1 };
                past.allowed = self.programs[process.index()].startretries;
                let (again_in, is_wanted) = match notice {
                    Notice::Crashed { again_in, first, .. } => (*again_in, again_in.is_some() || *first),
                    _ => (None, true),
                };
                let is_fine = matches!(reason, Reason::Exit(Exit::Code(code)) if program.exitcodes.contains(code));
                past.untold = (program.on_crash.is_some() && is_wanted && !is_fine).then_some(Untold { again_in });
                if let Notice::Crashed { again_in: Some(delay), .. } = notice {
                    let tries = u64::from(past.failures - 1);
                    let is_native = self.programs[process.index()].retry == RetryPolicy::Native;
                    assert!(
                        !is_native || *delay >= Duration::from_secs(tries),
                        "15: {process:?} after {tries} tries, {delay:?}"
                    );
                    past.not_before = Some(now + *delay);
                }
            }
            // A changed file is a reason to try again, as a user's word is.
            Notice::FilesChanged { process, .. } => {
                let past = &mut self.past[process.index()];
                (past.failures, past.not_before) = (0, None);
            }
            Notice::AllReady { .. } => self.said_all_ready = true,
            Notice::Stopping { .. } => {
                self.is_ending = true;
                // With the last program gone the run is over, and whoever only serves others ends with it.
                let programs = &self.programs;
                self.untouchable.retain(|id| !programs[id.index()].serves_others());
            }
            Notice::Stopped { process, why, .. } => {
                assert!(
                    !matches!(why, StopWhy::NotReady | StopWhy::Unhealthy | StopWhy::Leftovers | StopWhy::Background),
                    "{process:?} stopped {why:?}"
                );
            }
            Notice::EventDropped { delivery } => self.deliveries.dropped(delivery),
            Notice::EventRejected { process, delivery } => self.deliveries.rejected(*process, delivery),
            Notice::Starting { .. }
            | Notice::ListenerLost { .. }
            | Notice::Waiting { .. }
            | Notice::NotReadyYet { .. }
            | Notice::Blocked { .. }
            | Notice::Unblocked { .. }
            | Notice::StillStopping { .. }
            | Notice::Leftovers { .. }
            | Notice::WentToBackground { .. }
            | Notice::Unhealthy { .. }
            | Notice::Healthy { .. }
            | Notice::WillNotDie { .. }
            | Notice::OutOfReach { .. }
            | Notice::SettledWithFailures { .. }
            | Notice::RewritesItself { .. }
            | Notice::Reloaded { .. }
            | Notice::GroupAdded { .. }
            | Notice::GroupRemoved { .. }
            | Notice::EndsRun { .. }
            | Notice::AllStopped { .. } => {}
        }
    }

    pub(crate) fn after(&mut self, snapshot: &Snapshot, now: Moment, children: &BTreeMap<ProcessId, Child>) {
        if let Some(request) = self.just_forgotten.take() {
            self.open.remove(&request);
            self.expects.remove(&request);
            self.forgotten.insert(request);
        }
        self.nobody_waits_for_what_is_there(snapshot, children);
        self.deliveries.after(snapshot);
        self.restarts_with_its_needs(snapshot, children);
        self.becomes_ready(snapshot, now, children);
        self.lists_what_there_is(snapshot, children);
        let all_ready = std::mem::take(&mut self.said_all_ready);
        for info in snapshot.processes.iter() {
            let is_well = info.word.is_settled_well() || info.off_because.is_some();
            assert!(!all_ready || is_well, "all ready was said and {} is {}", info.name, info.word);
            let past = &mut self.past[info.id.index()];
            let program = &self.programs[info.id.index()];
            assert!(past.untold.is_none(), "22: nobody is told of the crash of {}", info.name);
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
                let limit = past.stop_limit + LATE;
                assert!(
                    now.since(asked) <= limit || child.killed.is_some() || !child.leader,
                    "8: {} was asked to stop {:?} ago and was not killed",
                    info.name,
                    now.since(asked)
                );
            }
        }
    }

    /// What the config has is listed, what it no longer has only while anything of it is alive; and what starts by itself is wanted.
    fn lists_what_there_is(&mut self, snapshot: &Snapshot, children: &BTreeMap<ProcessId, Child>) {
        let listed: BTreeSet<ProcessId> = snapshot.processes.iter().map(|info| info.id).collect();
        for (index, is_member) in self.is_member.iter().enumerate() {
            let id = ProcessId(u32::try_from(index).expect("small"));
            let is_listed = listed.contains(&id);
            assert!(is_listed || !is_member, "22: {id:?} is in the config and not listed");
            let is_alive = children.contains_key(&id);
            assert!(*is_member || is_listed == is_alive, "22: {id:?} is gone, listed {is_listed}, alive {is_alive}");
            if !is_listed {
                let generation = self.past[index].generation;
                self.past[index] = Past { generation, ..Past::default() };
            }
        }
        assert!(snapshot.start_order.iter().all(|id| listed.contains(id)), "22: the start order has what is gone");
        assert_eq!(snapshot.start_order.len(), listed.len(), "22: the start order lacks somebody");
        for info in snapshot.processes.iter() {
            let others = info.needs.iter().map(|need| need.process).chain(info.needed_by.iter().copied());
            assert!(others.into_iter().all(|id| listed.contains(&id)), "22: {} knows somebody who is gone", info.name);
            assert_eq!(snapshot.get(info.id).map(|found| found.id), Some(info.id));
            let index = info.id.index();
            let is_forgotten = info.off_because == Some(OffBecause::NoAutostart) && self.programs[index].autostart;
            assert!(!is_forgotten || !self.is_member[index], "23: {} starts by itself and nobody wants it", info.name);
        }
        let is_well = |info: &&std::sync::Arc<ProcessInfo>| {
            info.off_because.is_none() && matches!(info.word, Word::Starting | Word::Ready | Word::Retrying)
        };
        self.well = snapshot.processes.iter().filter(is_well).map(|info| info.id).collect();
    }

    /// A request is answered in the step that settles it, not some time later.
    fn nobody_waits_for_what_is_there(&self, snapshot: &Snapshot, children: &BTreeMap<ProcessId, Child>) {
        // Of what is gone there is nothing to wait for.
        let word = |id: &ProcessId| snapshot.get(*id).map_or(Word::Off, |info| info.word);
        let is_wanted = |id: &ProcessId| snapshot.get(*id).is_some_and(|info| info.off_because.is_none());
        for (request, expects) in &self.expects {
            let is_due = match expects {
                Expects::Down(ids) => ids.iter().all(|id| !children.contains_key(id) || is_wanted(id)),
                Expects::Settled(ids) => ids.iter().all(|id| word(id).is_settled_well() || word(id).is_failure()),
                Expects::Well(ids) => {
                    ids.iter().any(|id| word(id).is_failure()) || ids.iter().all(|id| word(id).is_settled_well())
                }
            };
            assert!(!is_due, "17: {request:?} waits for {expects:?}, which is so");
        }
    }

    /// With `restart = true` nobody goes on beside another incarnation than the one it was started beside.
    fn restarts_with_its_needs(&self, snapshot: &Snapshot, children: &BTreeMap<ProcessId, Child>) {
        for info in snapshot.processes.iter().filter(|info| info.off_because.is_none()) {
            let past = &self.past[info.id.index()];
            let is_up = children.get(&info.id).is_some_and(|child| child.leader) && info.word != Word::Stopping;
            let needs = &self.programs[info.id.index()].depends_on;
            let still = |need: usize| needs.iter().any(|one| one.restart && one.program == self.programs[need].name);
            let beside = past.born_beside.iter().filter(|_| is_up && !past.ignores_needs);
            for (need, generation) in beside.filter(|(need, _)| still(*need)) {
                assert_eq!(self.past[*need].generation, *generation, "18: {} outlives its p{need}", info.name);
            }
        }
    }

    /// What can be ready is found to be.
    fn becomes_ready(&self, snapshot: &Snapshot, now: Moment, children: &BTreeMap<ProcessId, Child>) {
        let is_watched = |info: &&std::sync::Arc<ProcessInfo>| {
            !info.is_task && info.word != Word::Stopping && info.off_because.is_none()
        };
        for info in snapshot.processes.iter().filter(is_watched) {
            let Some(child) = children.get(&info.id).filter(|child| child.leader) else { continue };
            let program = &self.programs[info.id.index()];
            let could = match (&program.ready, child.spawned_at) {
                (_, None) => None,
                (Some(_), Some(_)) => child.ready_at.map(|at| at + PATIENCE),
                (None, Some(at)) => Some(at + program.startsecs + LATE),
            };
            let is_overdue = could.is_some_and(|at| now > at);
            assert!(!is_overdue || self.past[info.id.index()].ready, "19: {} could be ready and is not", info.name);
        }
    }

    /// At the very end.
    pub(crate) fn end(&self, children: &BTreeMap<ProcessId, Child>) {
        assert!(self.finished, "11: the end was never reached");
        assert!(children.is_empty(), "11: {children:?} left");
        assert!(self.open.is_empty(), "5: {:?} never answered", self.open);
    }
}

fn expectation(command: &Command) -> Option<Expects> {
    match command {
        Command::Start { processes, until: StartUntil::Ready, .. }
        | Command::Restart { processes, until: StartUntil::Ready, .. } => Some(Expects::Settled(processes.clone())),
        Command::Stop { processes, with_dependents: false, wait: true } => Some(Expects::Down(processes.clone())),
        Command::Wait { processes, .. } if !processes.is_empty() => Some(Expects::Well(processes.clone())),
        Command::Start { .. }
        | Command::Restart { .. }
        | Command::Stop { .. }
        | Command::Wait { .. }
        | Command::Signal { .. }
        | Command::SendStdin { .. }
        | Command::SendEvent { .. }
        | Command::Reload(_)
        | Command::BeginAnew
        | Command::Shutdown => None,
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
        (Stopping | Unknown, Stopped | Starting | Exited | Backoff | Fatal) => true,
        // A signal was refused; and its leader has ended after all, and something of it is left.
        (Stopping, Unknown) | (Unknown, Stopping) => true,
        (Backoff, Fatal | Stopped) => true,
        (Exited | Stopped, Fatal) => true,
        (Exited | Fatal, Stopped) => true,
        (Stopped | Fatal | Stopping | Exited | Backoff | Starting | Running | Unknown, _) => false,
    }
}
