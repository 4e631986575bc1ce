//! The oracle: what must be true after every step, worked out from scratch. Run after each step in debug builds (sampled above
//! a size where it would cost more than the step), and always in the simulation.

use super::Supervisor;
use super::edges::EdgeTable;
use super::process::{Intent, Phase};
use super::timers::TimerKind;

/// Above this many processes only some steps are checked in debug builds.
#[cfg(debug_assertions)]
const ALWAYS_BELOW: usize = 200;

impl Supervisor {
    #[cfg(debug_assertions)]
    pub(super) fn check_sampled(&self) {
        if self.processes.len() < ALWAYS_BELOW || self.now.mono.0.is_multiple_of(64) {
            self.check_invariants();
        }
    }

    /// Panics when the state contradicts itself. For tests and debug builds.
    ///
    /// # Panics
    /// When an incremental cache differs from the oracle, a process could move and did not, or a timer lies in the past.
    pub fn check_invariants(&self) {
        assert_eq!(self.edges, EdgeTable::new(&self.graph, &self.processes), "edge table differs from the oracle");
        let moving = self.processes.iter().filter(|process| process.is_wanted() && process.may_move());
        assert!(self.moving.iter().copied().eq(moving.map(|process| process.id)), "who moves differs from the oracle");
        assert_eq!(
            self.stop_order,
            self.stop_order.recounted(|id| self.at(id).is_alive()),
            "who is alive was miscounted"
        );
        if !self.finished {
            assert!(self.dirty.is_empty(), "somebody could still move after the step");
            assert!(self.next_deadline().is_none_or(|at| at > self.now.mono), "a timer of the past survived the step");
        }
        self.check_listeners();
        for process in &self.processes {
            let id = process.id;
            match &process.phase {
                Phase::Stopped => {
                    assert!(self.finished || process.intent != Intent::Up, "{id:?} is wanted and nobody moved it");
                }
                Phase::Waiting => {
                    let waits = self.edges.open(id.index()) > 0 || self.waits_for_port_of(id).is_some();
                    assert!(waits, "{id:?} waits for nothing");
                    assert!(process.is_wanted(), "{id:?} waits and is not wanted");
                }
                Phase::Blocked { .. } => {
                    assert!(self.edges.failed(id.index()) > 0, "{id:?} is blocked by nobody");
                }
                Phase::Starting(_) | Phase::Running(_) | Phase::Exited { .. } | Phase::Fatal => {}
                Phase::Stopping(stop) => assert!(
                    stop.run.pid.is_none() || self.timers.get(id, TimerKind::Kill).is_some(),
                    "{id:?} is being stopped without a limit"
                ),
                Phase::Backoff { until, .. } => {
                    assert_eq!(self.timers.get(id, TimerKind::Retry), Some(*until), "{id:?} backs off without a timer");
                }
            }
            let retry = self.timers.get(id, TimerKind::Retry);
            assert!(
                retry.is_none() || matches!(process.phase, Phase::Backoff { .. }),
                "{id:?} has a retry pending in {:?}",
                process.phase
            );
        }
    }
}
