//! Deadlines, as an ordered set: one of each kind a process, and one a waiting request.

use std::collections::{BTreeMap, BTreeSet};

use super::event::RequestId;
use crate::model::public_event::TickPeriod;
use crate::model::{Moment, ProcessId};

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TimerKind {
    /// `startsecs` are over: RUNNING.
    Startsecs,
    /// Ask the ready check again.
    Probe,
    /// Tell the user that it is still not ready.
    NotReadyYet,
    /// `ready.timeout` is over.
    ReadyTimeout,
    /// Ask the alive check.
    Alive,
    /// The alive check has not answered in time.
    AliveTimeout,
    /// The run has proved good.
    Good,
    /// The next try is due.
    Retry,
    /// Tell the user that it is still stopping.
    StillStopping,
    /// Tell the main log that it is still stopping.
    StopReport,
    /// `stopwaitsecs` are over: SIGKILL, and again while it does not help.
    Kill,
}

/// Whose deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TimerKey {
    /// A process's.
    Process(ProcessId, TimerKind),
    /// A waiting request's.
    Request(RequestId),
    /// The files that it watches have come to rest.
    Files(ProcessId),
    /// The wall clock's next multiple of this, while a listener asks for it.
    Tick(TickPeriod),
    /// Tell the main log who is still there at the end.
    ShutdownReport,
    /// Measure memory.
    Memory,
}

/// All deadlines. Setting one again moves it; cancelling one that is not set does nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct TimerTable {
    by_time: BTreeSet<(Moment, TimerKey)>,
    by_key: BTreeMap<TimerKey, Moment>,
    /// How many of them are for asking a ready check.
    probes: u32,
}

impl TimerTable {
    /// Sets or moves a deadline.
    pub(super) fn set(&mut self, key: TimerKey, at: Moment) {
        self.cancel(key);
        self.by_time.insert((at, key));
        self.by_key.insert(key, at);
        self.probes += is_probe(key);
    }

    /// Sets or moves a process's deadline.
    pub(super) fn arm(&mut self, process: ProcessId, kind: TimerKind, at: Moment) {
        self.set(TimerKey::Process(process, kind), at);
    }

    /// Removes a deadline.
    pub(super) fn cancel(&mut self, key: TimerKey) {
        if let Some(at) = self.by_key.remove(&key) {
            self.by_time.remove(&(at, key));
            self.probes -= is_probe(key);
        }
    }

    /// Removes one of a process's deadlines.
    pub(super) fn disarm(&mut self, process: ProcessId, kind: TimerKind) {
        self.cancel(TimerKey::Process(process, kind));
    }

    /// Removes all of a process's deadlines.
    pub(super) fn disarm_all(&mut self, process: ProcessId) {
        let range = TimerKey::Process(process, TimerKind::Startsecs)..=TimerKey::Process(process, TimerKind::Kill);
        let keys: Vec<TimerKey> = self.by_key.range(range).map(|(key, _)| *key).collect();
        for key in keys {
            self.cancel(key);
        }
    }

    /// Whether a deadline is set.
    pub(super) fn has(&self, key: TimerKey) -> bool {
        self.by_key.contains_key(&key)
    }

    /// When a process's deadline is.
    pub(super) fn get(&self, process: ProcessId, kind: TimerKind) -> Option<Moment> {
        self.by_key.get(&TimerKey::Process(process, kind)).copied()
    }

    /// When a deadline is.
    pub(super) fn is_set(&self, key: TimerKey) -> Option<Moment> {
        self.by_key.get(&key).copied()
    }

    /// How many processes are waiting to be asked whether they are ready.
    pub(super) fn probes(&self) -> u32 {
        self.probes
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Moment> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes the earliest deadline that is due.
    pub(super) fn take_due(&mut self, now: Moment) -> Option<TimerKey> {
        let (at, key) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.cancel(key);
        Some(key)
    }
}

fn is_probe(key: TimerKey) -> u32 {
    u32::from(matches!(key, TimerKey::Process(_, TimerKind::Probe)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_moving_one_forgets_where_it_was() {
        let mut timers = TimerTable::default();
        timers.arm(ProcessId(1), TimerKind::Kill, Moment(5));
        timers.arm(ProcessId(0), TimerKind::Kill, Moment(9));
        timers.arm(ProcessId(1), TimerKind::Kill, Moment(12));
        assert_eq!(timers.next(), Some(Moment(9)));
        assert_eq!(timers.take_due(Moment(8)), None);
        assert_eq!(timers.take_due(Moment(20)), Some(TimerKey::Process(ProcessId(0), TimerKind::Kill)));
        timers.disarm_all(ProcessId(1));
        assert_eq!(timers.next(), None);
        timers.arm(ProcessId(0), TimerKind::Probe, Moment(1));
        timers.arm(ProcessId(0), TimerKind::Probe, Moment(2));
        assert_eq!(timers.probes(), 1);
        timers.take_due(Moment(2));
        assert_eq!(timers.probes(), 0);
    }
}
