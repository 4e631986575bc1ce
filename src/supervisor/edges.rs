//! Whether dependencies are satisfied: a status for every edge, and counters for every process, kept up as phases change.

use super::process::{Intent, Phase, Process};
use crate::model::Until;
use crate::plan::graph::{DependencyGraph, Edge, EdgeId};

/// What an edge says to its dependent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EdgeStatus {
    /// Go.
    Satisfied,
    /// Not yet.
    Open,
    /// Never, unless somebody helps.
    Failed,
}

/// The status of every edge, and for every process how many of its edges are open or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EdgeTable {
    status: Vec<EdgeStatus>,
    open: Vec<u32>,
    failed: Vec<u32>,
}

impl EdgeTable {
    /// The table from scratch: at the start, and for the oracle.
    pub(super) fn new(graph: &DependencyGraph, processes: &[Process]) -> Self {
        let mut table = Self {
            status: vec![EdgeStatus::Satisfied; graph.edge_count()],
            open: vec![0; graph.len()],
            failed: vec![0; graph.len()],
        };
        for process in processes {
            for (id, need, edge) in graph.needs(process.id) {
                table.set(id, process.id.index(), status(&processes[need.index()], edge));
            }
        }
        table
    }

    /// An edge's status.
    pub(super) fn get(&self, edge: EdgeId) -> EdgeStatus {
        self.status[edge.0]
    }

    /// How many needs of a process are still open.
    pub(super) fn open(&self, process: usize) -> u32 {
        self.open[process]
    }

    /// How many needs of a process have failed.
    pub(super) fn failed(&self, process: usize) -> u32 {
        self.failed[process]
    }

    /// Takes in what a dependency has become; says whether that is news for the dependent.
    pub(super) fn update(&mut self, edge: EdgeId, dependent: usize, need: &Process, weight: Edge) -> bool {
        let new = status(need, weight);
        let is_news = self.status[edge.0] != new;
        if is_news {
            self.set(edge, dependent, new);
        }
        is_news
    }

    fn set(&mut self, edge: EdgeId, dependent: usize, new: EdgeStatus) {
        match self.status[edge.0] {
            EdgeStatus::Satisfied => {}
            EdgeStatus::Open => self.open[dependent] -= 1,
            EdgeStatus::Failed => self.failed[dependent] -= 1,
        }
        match new {
            EdgeStatus::Satisfied => {}
            EdgeStatus::Open => self.open[dependent] += 1,
            EdgeStatus::Failed => self.failed[dependent] += 1,
        }
        self.status[edge.0] = new;
    }
}

/// What a dependency says through one edge. Every phase is written out: a new one must decide here.
pub(super) fn status(need: &Process, edge: Edge) -> EdgeStatus {
    let plain = match (&need.phase, edge.until) {
        (Phase::Stopped | Phase::Waiting | Phase::Backoff { .. }, _) => EdgeStatus::Open,
        (Phase::Blocked { .. }, _) => EdgeStatus::Failed,
        (Phase::Starting(run), Until::Started) if run.pid.is_some() => EdgeStatus::Satisfied,
        (Phase::Running(_), Until::Started) => EdgeStatus::Satisfied,
        (Phase::Running(run), Until::Ready) if run.ready.is_some() => EdgeStatus::Satisfied,
        (Phase::Starting(_) | Phase::Running(_) | Phase::Stopping(_), _) => EdgeStatus::Open,
        (Phase::Exited { .. }, Until::Started | Until::Exited)
        | (Phase::Exited { expected: true, .. }, Until::Done) => EdgeStatus::Satisfied,
        (Phase::Exited { .. }, Until::Ready | Until::Done) => EdgeStatus::Failed,
        (Phase::Fatal, Until::Exited) if need.has_ended => EdgeStatus::Satisfied,
        (Phase::Fatal, _) => EdgeStatus::Failed,
    };
    if edge.optional { optional(need, plain) } else { plain }
}

/// Order only: what is absent, off or failed is not waited for.
fn optional(need: &Process, plain: EdgeStatus) -> EdgeStatus {
    match (plain, need.intent) {
        (EdgeStatus::Failed, _) => EdgeStatus::Satisfied,
        (EdgeStatus::Open, Intent::Down { .. }) if !need.is_alive() => EdgeStatus::Satisfied,
        (EdgeStatus::Open | EdgeStatus::Satisfied, Intent::Up | Intent::Down { .. }) => plain,
    }
}
