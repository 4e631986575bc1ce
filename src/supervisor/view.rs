//! Building the snapshot: only what changed is built anew.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Supervisor;
use super::edges::EdgeStatus;
use super::process::{Intent, Phase};
use super::snapshot::{NeedInfo, ProcessInfo, ProcessList, Snapshot};
use crate::model::ProcessId;

/// The built views, and which of them are out of date.
#[derive(Debug, Clone)]
pub(super) struct Views {
    built: ProcessList,
    pub(super) stale: BTreeSet<ProcessId>,
}

impl Views {
    pub(super) fn new(count: usize) -> Self {
        Self { built: ProcessList::default(), stale: (0u32..).map(ProcessId).take(count).collect() }
    }

    pub(super) fn add_slot(&mut self, id: ProcessId) {
        self.stale.insert(id);
    }
}

impl Supervisor {
    pub(super) fn view(&mut self) -> Snapshot {
        for id in std::mem::take(&mut self.views.stale) {
            let info = self.knows(id).then(|| Arc::new(self.info(id)));
            if self.views.built.get(id) != info.as_ref() {
                self.views.built.set(id, info);
            }
        }
        Snapshot {
            project: Arc::clone(self.edition.project()),
            ports: Arc::clone(&self.edition.ports),
            notes: Arc::clone(&self.edition.notes),
            sources: Arc::clone(&self.edition.sources),
            processes: self.views.built.clone(),
            start_order: Arc::clone(&self.start_order),
            began: self.began.mono,
            began_wall: self.began.wall,
            is_shutting_down: self.is_shutting_down(),
            is_restarting: self.shutdown.as_ref().is_some_and(|shutdown| shutdown.restarts),
            is_ending_by_itself: self.shutdown.as_ref().is_some_and(|shutdown| shutdown.is_by_itself),
        }
    }

    fn info(&self, id: ProcessId) -> ProcessInfo {
        let process = self.at(id);
        let program = self.program(id);
        let run = process.run();
        ProcessInfo {
            id,
            name: process.definition.name().clone(),
            program: program.name.clone(),
            is_task: program.is_task(),
            word: process.current_word(),
            state: process.state(),
            since: process.since.mono,
            since_wall: process.since.wall,
            generation: process.generation,
            pid: run.and_then(|run| run.pid).unwrap_or(0),
            runs: process.runs,
            unasked_runs: process.unasked_runs,
            failures: process.failures,
            started_wall: process.started_wall,
            stopped_wall: process.stopped_wall,
            ready_wall: process.ready_wall,
            ready_after: process.ready_after,
            last_exit: process.last_exit,
            was_stopped: process.was_stopped,
            failed_otherwise: process.failed_otherwise.clone(),
            could_not_start: process.could_not_start(),
            spawn_error: process.spawn_error.clone(),
            needs: self.needs_info(id),
            needed_by: self
                .graph
                .dependents(id)
                .map(|(_, other, _)| other)
                .filter(|other| self.knows(*other))
                .collect(),
            last_probe: run.and_then(|run| run.probe.last.clone()),
            probe_tries: run.map_or(0, |run| run.probe.tries),
            last_alive: run.and_then(|run| run.alive.last.clone()),
            alive_fails: run.map_or(0, |run| run.alive.fails),
            alive_tries: run.map_or(0, |run| run.alive.attempts),
            retry_at: match &process.phase {
                Phase::Backoff { until, .. } => Some(*until),
                Phase::Stopped
                | Phase::Waiting
                | Phase::Blocked { .. }
                | Phase::Starting(_)
                | Phase::Running(_)
                | Phase::Stopping(_)
                | Phase::Exited { .. }
                | Phase::Fatal => None,
            },
            blocked_by: match &process.phase {
                Phase::Blocked { by } => Some(*by),
                Phase::Stopped
                | Phase::Waiting
                | Phase::Backoff { .. }
                | Phase::Starting(_)
                | Phase::Running(_)
                | Phase::Stopping(_)
                | Phase::Exited { .. }
                | Phase::Fatal => None,
            },
            off_because: match process.intent {
                Intent::Up => None,
                Intent::Down { because, .. } => Some(because),
            },
            listener: self.listener_info(id),
            last_change: process.watching.last.clone(),
            env_read: process.env_read.clone(),
            history: process.history.iter().cloned().collect(),
        }
    }

    fn needs_info(&self, id: ProcessId) -> Vec<NeedInfo> {
        let needs = self.graph.needs(id).filter(|(_, need, _)| self.knows(*need));
        let info = needs.map(|(edge, process, weight)| NeedInfo {
            process,
            until: weight.until,
            is_satisfied: self.edges.get(edge) == EdgeStatus::Satisfied,
            has_failed: self.edges.get(edge) == EdgeStatus::Failed,
            optional: weight.optional,
            restart: weight.restart,
        });
        info.collect()
    }
}
