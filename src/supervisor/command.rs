//! Requests: what they change, and who waits for what to become of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Supervisor;
use super::action::{Action, Answer, Outcome, Scope};
use super::chronicle::Entry;
use super::event::{Command, RequestId, StartUntil, Urgency};
use super::held::is_being_spawned;
use super::notice::StopWhy;
use super::process::{Intent, Phase, Process};
use super::snapshot::OffBecause;
use super::timers::TimerKey;
use crate::model::public_event::SharedText;
use crate::model::{ProcessId, ProcessState, Signal, Word};
use crate::plan::select;

/// `ENOENT` and `EACCES`, `ENOEXEC`: the same numbers on every system we run on.
const NO_SUCH_FILE: i32 = 2;
const PERMISSION_DENIED: i32 = 13;
const NOT_A_PROGRAM: i32 = 8;

/// Who gives no time at all is answered in the next step: a timer lies in the future.
const A_MOMENT: Duration = Duration::from_millis(1);

/// Everybody who waits.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiters {
    waiting: BTreeMap<RequestId, Waiter>,
}

impl Waiters {
    /// Whether a request is still to be answered.
    pub(super) fn contains(&self, request: RequestId) -> bool {
        self.waiting.contains_key(&request)
    }
}

#[derive(Debug, Clone)]
struct Waiter {
    want: Want,
    /// Nobody was named: whoever comes to be wanted is waited for, and who leaves no longer.
    is_for_all: bool,
    answers: Vec<(ProcessId, Option<Answer>)>,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    /// Spawned, or waiting for what it needs.
    Spawned,
    /// RUNNING in supervisord's sense.
    Running,
    /// Ready or done.
    Ready,
    /// Ready or done; answered at the first failure.
    AllWell,
    /// Down.
    Down,
    /// There, so that it has its signal.
    There,
}

impl Supervisor {
    pub(super) fn command(&mut self, request: RequestId, command: Command) {
        if self.is_shutting_down() && command != Command::Shutdown {
            return self.actions.push(Action::Reply(request, Outcome::ShuttingDown));
        }
        match command {
            Command::Start { processes, until, with_needs, timeout } => {
                let processes = self.known(processes);
                let mut answers: Vec<_> =
                    processes.iter().map(|id| (*id, self.unless_leaving(*id, |s| s.start(*id, with_needs)))).collect();
                if until == StartUntil::Ready {
                    // Whoever is on its way already is waited for all the same.
                    for (id, answer) in &mut answers {
                        *answer = answer.filter(|_| self.is_well(*id));
                    }
                }
                self.wait_for_start(request, until, answers);
                self.limit(request, timeout);
            }
            Command::Stop { processes, with_dependents, wait } => {
                let answers = self.stop_all(processes, with_dependents);
                let want = wait.then_some(Want::Down);
                self.register(request, want, answers);
            }
            Command::Restart { processes, until, timeout } => {
                let processes = self.known(processes).into_iter();
                let answers = processes.map(|id| (id, self.unless_leaving(id, |s| s.restart(id)))).collect();
                self.wait_for_start(request, until, answers);
                self.limit(request, timeout);
            }
            Command::Signal { processes, signal } => {
                let processes = self.known(processes).into_iter();
                let answers = processes.map(|id| (id, self.send_or_hold(id, signal))).collect();
                self.register(request, Some(Want::There), answers);
            }
            Command::Wait { processes, timeout } => {
                let is_for_all = processes.is_empty();
                let answers = self.known(processes).into_iter().map(|id| (id, None)).collect();
                self.waiters.waiting.insert(request, Waiter { want: Want::AllWell, is_for_all, answers });
                self.look_again_for_all();
                self.limit(request, timeout);
            }
            Command::SendStdin { process, data } => self.send_stdin(request, process, data),
            Command::SendEvent { kind, data } => self.send_event(request, &kind, &data),
            Command::Shutdown => {
                self.actions.push(Action::Reply(request, Outcome::Accepted));
                self.terminate(Urgency::Polite, None);
            }
            Command::Reload(edition) => self.reload(request, edition),
            Command::BeginAnew => {
                self.actions.push(Action::Reply(request, Outcome::Accepted));
                self.restart_all();
            }
        }
    }

    /// What is on its way out of the config is not started again.
    fn unless_leaving(&mut self, id: ProcessId, act: impl FnOnce(&mut Self) -> Option<Answer>) -> Option<Answer> {
        if self.at(id).is_member() { act(self) } else { Some(Answer::NotWanted) }
    }

    /// Who waits for all waits for those that are wanted now.
    pub(super) fn look_again_for_all(&mut self) {
        let wanted: Vec<ProcessId> = self.in_use().filter(|id| self.at(*id).is_wanted()).collect();
        for waiter in self.waiters.waiting.values_mut().filter(|waiter| waiter.is_for_all) {
            waiter.answers.retain(|(id, _)| self.processes[id.index()].is_member());
            let known: Vec<ProcessId> = waiter.answers.iter().map(|(id, _)| *id).collect();
            waiter.answers.extend(wanted.iter().filter(|id| !known.contains(id)).map(|id| (*id, None)));
        }
    }

    /// The project begins.
    pub(super) fn begin(&mut self, processes: Option<Vec<ProcessId>>, with_needs: bool) {
        if self.settled.has_begun || self.is_shutting_down() {
            return;
        }
        self.settled.has_begun = true;
        self.began = self.now;
        self.begun_with = (processes.clone(), with_needs);
        self.begin_events();
        let is_named = processes.is_some();
        let by_themselves = || self.in_use().filter(|id| self.starts_by_itself(*id)).collect();
        let roots: Vec<ProcessId> = processes.map_or_else(by_themselves, |named| self.known(named));
        let chosen: BTreeSet<ProcessId> =
            if with_needs { select::with_needs(&self.graph, &roots) } else { roots.iter().copied().collect() };
        for id in self.in_use() {
            if chosen.contains(&id) {
                self.want(id, !with_needs);
            } else if is_named
                && self.at(id).intent == (Intent::Down { because: OffBecause::NoAutostart, ordered: false })
            {
                self.at_mut(id).intent = Intent::Down { because: OffBecause::NotNamed, ordered: false };
            }
        }
    }

    fn known(&self, processes: Vec<ProcessId>) -> Vec<ProcessId> {
        processes.into_iter().filter(|id| self.knows(*id)).collect()
    }

    /// Wants a process up, and forgets what failed before.
    pub(super) fn want(&mut self, id: ProcessId, ignores_needs: bool) {
        let process = self.at_mut(id);
        process.intent = Intent::Up;
        process.ignores_needs = ignores_needs;
        process.unasked_runs = 0;
        process.watching.forget_writes();
        process.forgive();
        self.timers.disarm(id, super::timers::TimerKind::Retry);
        match &self.at(id).phase {
            Phase::Exited { .. } | Phase::Fatal | Phase::Backoff { .. } | Phase::Blocked { .. } => {
                self.enter(id, Phase::Stopped);
            }
            Phase::Stopping(_) => self.take_over_stop(id, StopWhy::Restart),
            Phase::Stopped | Phase::Waiting | Phase::Starting(_) | Phase::Running(_) => {}
        }
        self.refresh_edges(id);
        self.touch(id);
        // What is being stopped in its turn no longer waits for this one to end.
        let graph = Arc::clone(&self.graph);
        for (_, need, _) in graph.needs(id) {
            self.touch(need);
        }
    }

    /// Starts one, and what it needs. The answer, if there is nothing to wait for.
    fn start(&mut self, id: ProcessId, with_needs: bool) -> Option<Answer> {
        let is_up = match &self.at(id).phase {
            Phase::Starting(_) | Phase::Running(_) => self.at(id).is_wanted(),
            Phase::Waiting => with_needs,
            Phase::Stopped
            | Phase::Blocked { .. }
            | Phase::Stopping(_)
            | Phase::Backoff { .. }
            | Phase::Exited { .. }
            | Phase::Fatal => false,
        };
        if with_needs {
            for need in select::with_needs(&self.graph, &[id]) {
                if need != id && self.needs_help(need) {
                    self.want(need, false);
                }
            }
        }
        if is_up {
            let process = self.at_mut(id);
            process.forgive();
            process.ignores_needs = !with_needs;
            self.touch(id);
            return Some(Answer::AlreadyStarted);
        }
        self.want(id, !with_needs);
        None
    }

    /// Whether it is ready or done.
    fn is_well(&self, id: ProcessId) -> bool {
        self.at(id).current_word().is_settled_well()
    }

    /// Whether a dependency will not come up by itself. A task that is done stays done.
    fn needs_help(&self, id: ProcessId) -> bool {
        let process = self.at(id);
        let is_task = self.program(id).is_task();
        match &process.phase {
            Phase::Exited { expected, .. } => !(is_task && *expected),
            Phase::Fatal | Phase::Blocked { .. } => true,
            Phase::Stopped
            | Phase::Stopping(_)
            | Phase::Waiting
            | Phase::Starting(_)
            | Phase::Running(_)
            | Phase::Backoff { .. } => !process.is_wanted(),
        }
    }

    fn stop_all(&mut self, processes: Vec<ProcessId>, with_dependents: bool) -> Vec<(ProcessId, Option<Answer>)> {
        let mut processes = self.known(processes);
        if with_dependents {
            let all = select::with_dependents(&self.graph, &processes);
            let more: Vec<ProcessId> = all.into_iter().filter(|id| !processes.contains(id)).collect();
            processes.extend(more);
        }
        processes.into_iter().map(|id| (id, self.stop(id, with_dependents))).collect()
    }

    fn stop(&mut self, id: ProcessId, ordered: bool) -> Option<Answer> {
        let was_off = !self.at(id).is_wanted() && !self.at(id).is_alive();
        let is_over = matches!(self.at(id).phase, Phase::Exited { .. } | Phase::Fatal);
        self.unwant(id, OffBecause::StoppedByUser, ordered && self.at(id).is_alive());
        self.take_over_stop(id, StopWhy::User);
        (was_off || is_over).then_some(Answer::NotRunning)
    }

    fn restart(&mut self, id: ProcessId) -> Option<Answer> {
        self.want(id, false);
        for need in select::with_needs(&self.graph, &[id]) {
            if need != id && self.needs_help(need) {
                self.want(need, false);
            }
        }
        self.begin_stop(id, StopWhy::Restart);
        None
    }

    pub(super) fn send(&mut self, id: ProcessId, signal: Signal) -> Answer {
        let Some(pid) = self.at(id).run().and_then(|run| run.pid) else { return Answer::NotRunning };
        self.chronicle(Entry::Signalled { process: id, pid, signal });
        let generation = self.at(id).generation;
        self.at_mut(id).sent = Some(signal);
        self.actions.push(Action::Signal { process: id, generation, signal, scope: Scope::Leader });
        Answer::Done
    }

    /// A process that is being stopped takes nothing any more (supervisor `rpcinterface.py` `sendProcessStdin`).
    pub(super) fn send_stdin(&mut self, request: RequestId, id: ProcessId, data: SharedText) {
        if self.knows(id) && matches!(self.at(id).phase, Phase::Starting(_)) && is_being_spawned(self.at(id)) {
            return self.hold_stdin(request, id, data);
        }
        let is_up = self.knows(id)
            && match &self.at(id).phase {
                Phase::Starting(run) | Phase::Running(run) => run.pid.is_some(),
                Phase::Stopped
                | Phase::Waiting
                | Phase::Blocked { .. }
                | Phase::Stopping(_)
                | Phase::Backoff { .. }
                | Phase::Exited { .. }
                | Phase::Fatal => false,
            };
        self.actions.push(if is_up {
            Action::WriteStdin { request, process: id, generation: self.at(id).generation, data }
        } else {
            Action::Reply(request, Outcome::Each(vec![(id, Answer::NotRunning)]))
        });
    }

    fn wait_for_start(&mut self, request: RequestId, until: StartUntil, answers: Vec<(ProcessId, Option<Answer>)>) {
        let want = match until {
            StartUntil::Accepted => None,
            StartUntil::Spawned => Some(Want::Spawned),
            StartUntil::Running => Some(Want::Running),
            StartUntil::Ready => Some(Want::Ready),
        };
        self.register(request, want, answers);
    }

    /// Remembers whom to answer. Without a wish everything still open is answered as done, in this same step.
    fn register(&mut self, request: RequestId, want: Option<Want>, mut answers: Vec<(ProcessId, Option<Answer>)>) {
        let Some(want) = want else {
            for (_, answer) in &mut answers {
                answer.get_or_insert(Answer::Done);
            }
            return self.actions.push(Action::Reply(request, each(&answers)));
        };
        self.waiters.waiting.insert(request, Waiter { want, is_for_all: false, answers });
    }

    fn limit(&mut self, request: RequestId, timeout: Option<Duration>) {
        if let Some(timeout) = timeout
            && self.waiters.contains(request)
        {
            self.timers.set(TimerKey::Request(request), self.now.mono + timeout.max(A_MOMENT));
        }
    }

    /// Looks at everybody who waits, if anything has changed or a request is new.
    pub(super) fn answer_waiters(&mut self) {
        let mut answered = Vec::new();
        let mut waiting = std::mem::take(&mut self.waiters.waiting);
        for (request, waiter) in &mut waiting {
            for (id, answer) in &mut waiter.answers {
                if answer.is_none() {
                    *answer = self.answer(*id, waiter.want);
                }
            }
            let is_settled = waiter.answers.iter().all(|(_, answer)| answer.is_some());
            let has_failed = waiter.want == Want::AllWell
                && waiter.answers.iter().any(|(_, answer)| answer.is_some_and(|a| a != Answer::Done));
            if is_settled || has_failed {
                answered.push((*request, each(&waiter.answers)));
            }
        }
        for (request, outcome) in answered {
            waiting.remove(&request);
            self.timers.cancel(TimerKey::Request(request));
            self.actions.push(Action::Reply(request, outcome));
        }
        self.waiters.waiting = waiting;
    }

    fn answer(&self, id: ProcessId, want: Want) -> Option<Answer> {
        let process = self.at(id);
        if process.state() == ProcessState::Unknown {
            return Some(Answer::OutOfReach);
        }
        match want {
            Want::Down if !process.is_alive() => Some(Answer::Done),
            // Its next run may begin in the very step in which this one ends, so that nobody would ever see it down.
            Want::Down => process.is_wanted().then_some(Answer::StartedByAnother),
            Want::There if is_being_spawned(process) => None,
            Want::There => Some(process.run().map_or(Answer::NotRunning, |_| Answer::Done)),
            Want::Spawned => answer_spawned(process),
            Want::Running => answer_running(process),
            Want::Ready | Want::AllWell => match process.current_word() {
                Word::Ready | Word::Done => Some(Answer::Done),
                Word::Failed => Some(failure(process)),
                Word::Blocked => Some(Answer::Blocked),
                Word::Off if process.is_wanted() => None,
                Word::Off if want == Want::AllWell => Some(Answer::NotWanted),
                Word::Off => Some(taken_away(process)),
                Word::Stopping if !process.is_wanted() => Some(taken_away(process)),
                Word::Waiting | Word::Starting | Word::Unhealthy | Word::Retrying | Word::Stopping => None,
            },
        }
    }

    /// Whoever waits for something to come up is told that it will not.
    pub(super) fn dismiss_hopeful_waiters(&mut self) {
        let hopeful: Vec<RequestId> =
            self.waiters.waiting.iter().filter(|(_, waiter)| waiter.want != Want::Down).map(|(id, _)| *id).collect();
        for request in hopeful {
            self.dismiss(request, Outcome::ShuttingDown);
        }
    }

    /// Everybody who still waits is answered alike.
    pub(super) fn answer_all(&mut self, outcome: &Outcome) {
        let all: Vec<RequestId> = self.waiters.waiting.keys().copied().collect();
        for request in all {
            self.dismiss(request, outcome.clone());
        }
        self.refuse_held();
    }

    fn dismiss(&mut self, request: RequestId, outcome: Outcome) {
        self.waiters.waiting.remove(&request);
        self.timers.cancel(TimerKey::Request(request));
        self.actions.push(Action::Reply(request, outcome));
    }

    pub(super) fn time_out(&mut self, request: RequestId) {
        let Some(waiter) = self.waiters.waiting.remove(&request) else { return };
        let open = waiter.answers.iter().filter(|(_, answer)| answer.is_none()).map(|(id, _)| *id).collect();
        self.actions.push(Action::Reply(request, Outcome::TimedOut(open)));
    }

    pub(super) fn forget(&mut self, request: RequestId) {
        self.forget_held(request);
        self.waiters.waiting.remove(&request);
        self.timers.cancel(TimerKey::Request(request));
    }
}

/// supervisord's start without a wait: it has tried to spawn when it answers (supervisor `rpcinterface.py` `startProcess`).
fn answer_spawned(process: &Process) -> Option<Answer> {
    match &process.phase {
        Phase::Waiting => Some(Answer::Done),
        Phase::Starting(run) => run.pid.map(|_| Answer::Done),
        Phase::Stopped
        | Phase::Blocked { .. }
        | Phase::Running(_)
        | Phase::Stopping(_)
        | Phase::Backoff { .. }
        | Phase::Exited { .. }
        | Phase::Fatal => answer_running(process),
    }
}

/// supervisord's wait: a failed first try is an answer (supervisor `rpcinterface.py` `startProcess`).
fn answer_running(process: &Process) -> Option<Answer> {
    match &process.phase {
        Phase::Running(_) | Phase::Exited { expected: true, .. } => Some(Answer::Done),
        Phase::Exited { expected: false, .. } | Phase::Fatal | Phase::Backoff { .. } => Some(spawn_failure(process)),
        Phase::Blocked { .. } => Some(Answer::Blocked),
        Phase::Stopped | Phase::Stopping(_) if !process.is_wanted() => Some(taken_away(process)),
        Phase::Stopped | Phase::Stopping(_) | Phase::Waiting | Phase::Starting(_) => None,
    }
}

/// It was to come up and is not wanted any more.
fn taken_away(process: &Process) -> Answer {
    if process.was_stopped_by_user() { Answer::StoppedByAnother } else { Answer::AbnormalTermination }
}

/// The same in supervisord's words, where a process that ended too soon is a spawn error, too: it has a `spawnerr`.
fn spawn_failure(process: &Process) -> Answer {
    let failure = failure(process);
    if failure == Answer::AbnormalTermination { Answer::SpawnError } else { failure }
}

/// Which failure it was.
fn failure(process: &Process) -> Answer {
    match process.spawn_errno {
        NO_SUCH_FILE => Answer::NoFile,
        PERMISSION_DENIED | NOT_A_PROGRAM => Answer::NotExecutable,
        0 => Answer::AbnormalTermination,
        _ => Answer::SpawnError,
    }
}

fn each(answers: &[(ProcessId, Option<Answer>)]) -> Outcome {
    Outcome::Each(answers.iter().filter_map(|(id, answer)| answer.map(|answer| (*id, answer))).collect())
}
