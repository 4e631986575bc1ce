//! What is asked of a run between the order to spawn it and the news that it is there: it is held until then. supervisord forks while
//! it answers (supervisor `process.py` `spawn`), so to its clients a process that reads STARTING has a pid, and takes signals and input.

use std::collections::BTreeMap;

use super::Supervisor;
use super::action::{Action, Answer, Outcome};
use super::event::RequestId;
use super::process::{Phase, Process};
use crate::model::public_event::SharedText;
use crate::model::{ProcessId, Signal};

/// What waits for its process to be there, in the order in which it was asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Held(BTreeMap<ProcessId, Vec<Wish>>);

#[derive(Debug, Clone)]
enum Wish {
    /// Its answer is a waiter's.
    Signal(Signal),
    /// Input, answered by whoever writes it.
    Stdin(RequestId, SharedText),
}

/// Whether a run was ordered and is not there yet.
pub(super) fn is_being_spawned(process: &Process) -> bool {
    match &process.phase {
        Phase::Starting(run) => run.pid.is_none(),
        Phase::Stopping(stop) => stop.run.pid.is_none(),
        Phase::Stopped
        | Phase::Waiting
        | Phase::Blocked { .. }
        | Phase::Running(_)
        | Phase::Backoff { .. }
        | Phase::Exited { .. }
        | Phase::Fatal => false,
    }
}

impl Supervisor {
    /// Sends a signal, or holds it. The answer, if it is known already.
    pub(super) fn send_or_hold(&mut self, id: ProcessId, signal: Signal) -> Option<Answer> {
        if !is_being_spawned(self.at(id)) {
            return Some(self.send(id, signal));
        }
        self.held.0.entry(id).or_default().push(Wish::Signal(signal));
        None
    }

    /// Holds input until its process is there.
    pub(super) fn hold_stdin(&mut self, request: RequestId, id: ProcessId, data: SharedText) {
        self.held.0.entry(id).or_default().push(Wish::Stdin(request, data));
    }

    /// Its run is there, or will not be: then the next one may be on its way already.
    pub(super) fn release_held(&mut self, id: ProcessId) {
        if is_being_spawned(self.at(id)) {
            return;
        }
        for wish in self.held.0.remove(&id).unwrap_or_default() {
            match wish {
                Wish::Signal(signal) => drop(self.send(id, signal)),
                Wish::Stdin(request, data) => self.send_stdin(request, id, data),
            }
        }
    }

    /// Whoever asked went away.
    pub(super) fn forget_held(&mut self, request: RequestId) {
        for wishes in self.held.0.values_mut() {
            wishes.retain(|wish| !matches!(wish, Wish::Stdin(asked, _) if *asked == request));
        }
    }

    /// It is all over, and nothing will be there any more.
    pub(super) fn refuse_held(&mut self) {
        for (id, wishes) in std::mem::take(&mut self.held.0) {
            for wish in wishes {
                if let Wish::Stdin(request, _) = wish {
                    self.actions.push(Action::Reply(request, Outcome::Each(vec![(id, Answer::NotRunning)])));
                }
            }
        }
    }
}
