//! The project as a whole: when everything is where it should be, and which chain took longest.

use std::time::Duration;

use super::Supervisor;
use super::notice::Notice;
use super::process::Process;
use crate::model::{Moment, ProcessId, Until, Word};

/// What was last said of the project as a whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) has_begun: bool,
    /// A reload has taken somebody away, and nobody has been started or has come to its end since: that nothing is left to do is
    /// then a matter of the config, which may be saved again.
    pub(super) is_held_open: bool,
    all_ready: bool,
    with_failures: Vec<ProcessId>,
}

impl Supervisor {
    /// Takes in which words have changed in this step, and who is not where it should be yet.
    pub(super) fn note_words(&mut self) {
        let now = self.now;
        for id in &self.changed {
            let process = &mut self.processes[id.index()];
            let word = process.current_word();
            if word != process.word {
                process.word = word;
                process.since = now;
            }
            if process.is_wanted() && process.may_move() {
                self.moving.insert(*id);
            } else {
                self.moving.remove(id);
            }
        }
    }

    /// It begins, or has come to its end: what is left to do is a matter of the programs again. Who serves others does nothing of its own.
    pub(super) fn no_longer_held_open(&mut self, id: ProcessId) {
        self.settled.is_held_open &= self.program(id).serves_others();
    }

    /// Says once that all is ready, and once for each set of failures that all is settled.
    pub(super) fn say_settled(&mut self) {
        if self.changed.is_empty() || !self.settled.has_begun || self.is_shutting_down() {
            return;
        }
        if !self.moving.is_empty() || !self.processes.iter().any(Process::is_wanted) {
            return;
        }
        let after = self.now.mono.since(self.began.mono);
        let failed = self.failed();
        if failed.is_empty() && !self.settled.all_ready {
            self.settled.all_ready = true;
            self.settled.with_failures.clear();
            let chain = self.slowest_chain();
            self.say(Notice::AllReady { after, chain });
        } else if !failed.is_empty() && failed != self.settled.with_failures {
            self.settled.with_failures.clone_from(&failed);
            self.say(Notice::SettledWithFailures { after, failed });
        }
    }

    /// From the one that was ready last back through what it had waited for last, each with its share of the time. Of whom
    /// only the start was waited for there is nothing to add.
    fn slowest_chain(&self) -> Vec<(ProcessId, Duration)> {
        let mut chain = Vec::new();
        let last = self.in_use().filter_map(|id| self.ready_at(id).map(|at| (at, id))).max();
        let mut next = last.map(|(_, id)| (id, true));
        while let Some((id, has_a_share)) = next {
            if has_a_share {
                chain.push((id, self.at(id).ready_after.unwrap_or_default()));
            }
            let needs = self.graph.needs(id).filter_map(|(_, need, edge)| {
                let is_start = edge.until == Until::Started;
                let at = if is_start { self.started_at(need) } else { self.ready_at(need) };
                at.map(|at| (at, need, !is_start))
            });
            next = needs.max().map(|(_, need, has_a_share)| (need, has_a_share));
        }
        chain.reverse();
        chain
    }

    fn started_at(&self, id: ProcessId) -> Option<Moment> {
        self.at(id).run().map(|run| run.started)
    }

    fn ready_at(&self, id: ProcessId) -> Option<Moment> {
        let process = self.at(id);
        match process.word {
            Word::Ready | Word::Done => process.satisfied_at,
            Word::Off
            | Word::Waiting
            | Word::Blocked
            | Word::Starting
            | Word::Unhealthy
            | Word::Retrying
            | Word::Stopping
            | Word::Failed => None,
        }
    }
}
