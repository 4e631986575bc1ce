//! The end of the project: asked for, brought about by a failure, or because nothing is left to do.

use super::ExitPolicy;
use super::Supervisor;
use super::action::{Action, Outcome};
use super::event::{Event, Urgency};
use super::notice::{Notice, StopWhy};
use super::process::{Phase, Process};
use super::snapshot::OffBecause;
use super::timers::TimerKey;
use crate::model::{Dialect, Moment, ProcessId};

/// The exit code of a run that a second Ctrl-C has killed.
const KILLED_BY_USER: u8 = 130;

/// An end that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shutdown {
    urgency: Urgency,
    since: Moment,
    /// The code that a program's end has decided.
    code: Option<u8>,
    /// Who had failed before.
    failed: Vec<ProcessId>,
    /// Who could not be ended.
    pub(super) left: Vec<ProcessId>,
    /// Said or not: an end with nothing alive says nothing of stopping.
    was_said: bool,
    /// Whoever runs us begins anew afterwards.
    pub(super) restarts: bool,
    /// Nobody has asked for it.
    pub(super) is_by_itself: bool,
}

impl Shutdown {
    pub(super) fn is_now(&self) -> bool {
        self.urgency == Urgency::Now
    }
}

impl Supervisor {
    /// Begins to end everything, or hurries.
    pub(super) fn terminate(&mut self, urgency: Urgency, code: Option<u8>) {
        // What was to begin anew ends instead.
        let restarted = self.shutdown.as_mut().is_some_and(|shutdown| std::mem::take(&mut shutdown.restarts));
        match &mut self.shutdown {
            Some(shutdown) if shutdown.urgency >= urgency && !restarted => return,
            Some(shutdown) => shutdown.urgency = urgency,
            None => self.begin_shutdown(urgency, code),
        }
        let alive = self.processes.iter().filter(|process| process.is_alive()).count();
        if alive > 0 {
            self.say(Notice::Stopping { count: alive, now: urgency == Urgency::Now });
            if let Some(shutdown) = &mut self.shutdown {
                shutdown.was_said = true;
            }
        }
        if urgency == Urgency::Now {
            self.kill_all();
        }
    }

    /// Ends everything, for another beginning in the same process. An end that was asked for before stays one.
    pub(super) fn restart_all(&mut self) {
        if self.shutdown.is_none() {
            self.terminate(Urgency::Polite, None);
            self.shutdown.iter_mut().for_each(|shutdown| shutdown.restarts = true);
        }
    }

    fn begin_shutdown(&mut self, urgency: Urgency, code: Option<u8>) {
        let failed = self.failed();
        self.tell_of_the_end();
        let (since, left) = (self.now.mono, Vec::new());
        let (was_said, restarts, is_by_itself) = (false, false, false);
        self.shutdown = Some(Shutdown { urgency, since, code, failed, left, was_said, restarts, is_by_itself });
        for id in self.in_use() {
            if self.at(id).is_wanted() {
                self.unwant(id, OffBecause::Shutdown, true);
            } else {
                self.touch(id);
            }
            self.take_over_stop(id, StopWhy::Shutdown);
        }
        self.dismiss_hopeful_waiters();
        self.report_shutdown();
    }

    fn kill_all(&mut self) {
        for id in self.in_use() {
            match &self.at(id).phase {
                Phase::Starting(_) | Phase::Running(_) => {
                    self.begin_stop(id, StopWhy::Shutdown);
                }
                Phase::Stopping(_) => self.kill(id),
                Phase::Stopped
                | Phase::Waiting
                | Phase::Blocked { .. }
                | Phase::Backoff { .. }
                | Phase::Exited { .. }
                | Phase::Fatal => {}
            }
        }
    }

    /// Who counts as failed.
    pub(super) fn failed(&self) -> Vec<ProcessId> {
        let failed = self.processes.iter().filter(|process| process.current_word().is_failure());
        failed.map(|process| process.id).collect()
    }

    /// A process has ended by itself, well or badly.
    pub(super) fn end_run_on_end(&mut self, id: ProcessId, code: u8) {
        let counts = self.policy == ExitPolicy::OnEnd && !self.program(id).serves_others();
        if self.program(id).exit_on_end || counts {
            self.end_run(id, code);
        }
    }

    /// A process has failed for good.
    pub(super) fn end_run_on_failure(&mut self, id: ProcessId, code: u8) {
        let counts = self.policy != ExitPolicy::KeepGoing && !self.program(id).serves_others();
        if self.program(id).exit_on_end || counts {
            self.end_run(id, code);
        }
    }

    fn end_run(&mut self, id: ProcessId, code: u8) {
        if self.shutdown.is_none() {
            self.say(Notice::EndsRun { process: id, code });
            self.end_by_itself(Some(code));
        }
    }

    /// Whether the end is not at this process yet: a group of a supervisord.conf stops when those that started after it have.
    pub(super) fn stops_later(&self, id: ProcessId) -> bool {
        self.shutdown.is_some() && self.stop_order.is_later(id)
    }

    /// Keeps account of who is alive. At the end, those whose turn to stop it is now might move.
    pub(super) fn count_alive(&mut self, id: ProcessId, was_alive: bool) {
        match (was_alive, self.at(id).is_alive()) {
            (false, true) => self.stop_order.lives(id),
            (true, false) => {
                for id in self.stop_order.ends(id).to_vec() {
                    if self.shutdown.is_some() && self.knows(id) {
                        self.touch(id);
                    }
                }
            }
            (true, true) | (false, false) => {}
        }
    }

    /// When only tasks were left and all are over, the run ends by itself; also when every program is done. supervisord stays up.
    pub(super) fn end_if_over(&mut self) {
        let may_end = self.settled.has_begun && !self.settled.is_held_open;
        if self.shutdown.is_some() || !may_end || self.edition.project().dialect == Dialect::Supervisord {
            return;
        }
        // Nobody of these ends by itself, and with nobody else left they have nothing to do.
        let own = || self.processes.iter().filter(|process| !process.program().serves_others());
        let mut wanted = own().filter(|process| process.is_wanted()).peekable();
        if wanted.peek().is_none() {
            return;
        }
        let is_over = wanted.all(|process| match &process.phase {
            Phase::Exited { expected: true, .. } => true,
            Phase::Exited { expected: false, .. } | Phase::Fatal | Phase::Blocked { .. } => process.program().is_task(),
            Phase::Stopped
            | Phase::Waiting
            | Phase::Starting(_)
            | Phase::Running(_)
            | Phase::Stopping(_)
            | Phase::Backoff { .. } => false,
        });
        // Asked in this order because the first that runs answers it: the others have to be looked at to the last.
        if !is_over || own().any(|process| process.is_alive() || process.was_stopped_by_user()) {
            return;
        }
        // A file that is saved starts it again.
        if !own().any(|process| process.is_wanted() && !process.program().watch.is_empty()) {
            self.end_by_itself(None);
        }
    }

    /// Begins to end everything, though nobody has asked for it.
    fn end_by_itself(&mut self, code: Option<u8>) {
        self.terminate(Urgency::Polite, code);
        self.shutdown.iter_mut().for_each(|shutdown| shutdown.is_by_itself = true);
    }

    /// Gives [`Action::Finish`] once nothing is alive.
    pub(super) fn finish_if_down(&mut self) {
        let Some(shutdown) = &self.shutdown else { return };
        if self.processes.iter().any(Process::is_alive) {
            return;
        }
        let code = match (shutdown.urgency, shutdown.code) {
            (_, Some(code)) => code,
            (Urgency::Now, None) => KILLED_BY_USER,
            (Urgency::Polite, None) => u8::from(!shutdown.failed.is_empty() || !shutdown.left.is_empty()),
        };
        let notice = Notice::AllStopped {
            took: self.now.mono.since(shutdown.since),
            up: self.now.mono.since(self.began.mono),
            failed: shutdown.failed.clone(),
            left: shutdown.left.clone(),
        };
        self.say(notice);
        self.timers.cancel(TimerKey::ShutdownReport);
        self.answer_all(&Outcome::ShuttingDown);
        self.finished = true;
        self.actions.push(Action::Finish(code));
    }

    /// After the end only requests are still answered.
    pub(super) fn refuse_after_the_end(&mut self, event: &Event) {
        if let Event::Command(request, _) = event {
            self.actions.push(Action::Reply(*request, Outcome::ShuttingDown));
        }
    }

    /// Whether an end was asked for.
    pub(super) fn is_shutting_down(&self) -> bool {
        self.shutdown.is_some()
    }
}
