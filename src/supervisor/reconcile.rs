//! Driving fact towards intent: up when every dependency is satisfied, down when nobody who depends on it is alive.

use std::time::Duration;

use super::Supervisor;
use super::edges::EdgeStatus;
use super::notice::{Notice, StopWhy};
use super::process::{Beside, Intent, Phase};
use super::timers::TimerKind;
use crate::model::ProcessId;

/// A list of open dependencies that got shorter is told again at most this often: a wide graph would flood the screen.
const TELL_AGAIN: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Moves one process one step, if it may.
    pub(super) fn reconcile(&mut self, id: ProcessId) {
        match (self.at(id).intent, &self.at(id).phase) {
            (Intent::Up, Phase::Stopped | Phase::Waiting | Phase::Blocked { .. }) => self.try_start(id),
            (Intent::Up, Phase::Starting(_) | Phase::Running(_)) => self.restart_with_neighbours(id),
            (Intent::Up, Phase::Stopping(_) | Phase::Backoff { .. } | Phase::Exited { .. } | Phase::Fatal) => {}
            (Intent::Down { .. }, Phase::Waiting | Phase::Blocked { .. } | Phase::Backoff { .. }) => {
                self.timers.disarm(id, TimerKind::Retry);
                self.enter(id, Phase::Stopped);
            }
            (Intent::Down { ordered, .. }, Phase::Starting(_) | Phase::Running(_)) => self.try_stop(id, ordered),
            (Intent::Down { .. }, Phase::Stopped | Phase::Stopping(_) | Phase::Exited { .. } | Phase::Fatal) => {}
        }
    }

    fn try_start(&mut self, id: ProcessId) {
        let index = id.index();
        let has_its_needs = self.at(id).ignores_needs || (self.edges.open(index) == 0 && self.edges.failed(index) == 0);
        if has_its_needs && self.waits_for_port_of(id).is_some() {
            self.wait(id);
        } else if has_its_needs {
            self.spawn(id);
        } else if self.edges.failed(index) > 0 {
            self.block(id);
        } else {
            self.wait(id);
        }
    }

    fn block(&mut self, id: ProcessId) {
        let mut failed = self.graph.needs(id).filter(|(edge, _, _)| self.edges.get(*edge) == EdgeStatus::Failed);
        let Some((_, by, _)) = failed.next() else { return };
        drop(failed);
        if self.at(id).phase == (Phase::Blocked { by }) {
            return;
        }
        let now = self.now;
        let error = format!("dependency {} failed", self.name(by));
        let process = self.at_mut(id);
        process.remember(now, format!("blocked: {error}"));
        process.spawn_error = error;
        process.told_waiting = None;
        self.say(Notice::Blocked { process: id, by });
        self.enter(id, Phase::Blocked { by });
    }

    fn wait(&mut self, id: ProcessId) {
        let open: Vec<ProcessId> = self
            .graph
            .needs(id)
            .filter(|(edge, _, _)| self.edges.get(*edge) == EdgeStatus::Open)
            .map(|(_, need, _)| need)
            .chain(self.waits_for_port_of(id))
            .collect();
        let now = self.now;
        match &self.at(id).phase {
            Phase::Blocked { .. } => self.say(Notice::Unblocked { process: id }),
            Phase::Waiting
            | Phase::Stopped
            | Phase::Starting(_)
            | Phase::Running(_)
            | Phase::Stopping(_)
            | Phase::Backoff { .. }
            | Phase::Exited { .. }
            | Phase::Fatal => {}
        }
        let told = self.at(id).told_waiting.as_ref();
        let is_news = told.is_none_or(|(list, at)| *list != open && now.mono.since(*at) >= TELL_AGAIN);
        if is_news {
            let names: Vec<String> = open.iter().map(|need| self.name(*need)).collect();
            let process = self.at_mut(id);
            process.remember(now, format!("waiting for {}", names.join(", ")));
            process.told_waiting = Some((open.clone(), now.mono));
            self.say(Notice::Waiting { process: id, on: open });
        }
        if self.at(id).phase != Phase::Waiting {
            self.at_mut(id).spawn_error.clear();
            self.enter(id, Phase::Waiting);
        }
    }

    fn try_stop(&mut self, id: ProcessId, ordered: bool) {
        // Who is not going to end is not waited for.
        let is_ending = |dependent| self.at(dependent).is_alive() && !self.at(dependent).is_wanted();
        if ordered && (self.stops_later(id) || self.graph.any_dependent(id, is_ending)) {
            return;
        }
        self.begin_stop(id, self.why_down(id));
    }

    /// Edges with `restart = true`: when the incarnation it was started beside has gone or failed, so must it. An edge that a
    /// reload has added counts from the next start on.
    fn restart_with_neighbours(&mut self, id: ProcessId) {
        let gone = self.graph.needs(id).filter(|(_, _, edge)| edge.restart).find(|(edge, need, _)| {
            let born = self.at(id).born_beside.iter().find(|beside| beside.need == *need);
            let Some(Beside { generation, was_up, .. }) = born else { return false };
            let need = self.at(*need);
            let is_up = self.edges.get(*edge) == EdgeStatus::Satisfied;
            *generation != need.generation || (need.is_wanted() && *was_up && !is_up)
        });
        if let Some((_, need, _)) = gone
            && !self.at(id).ignores_needs
        {
            self.begin_stop(id, StopWhy::Dependency(need));
        }
    }
}
