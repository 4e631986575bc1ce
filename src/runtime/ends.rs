//! Ends of leaders that the supervisor has not been told of yet: it hears of one when the last output has been taken in, so that
//! last lines come before the crash box, and when what the same signal has ended had its moment to be gone.

use std::collections::BTreeMap;

use crate::model::{Exit, Generation, ProcessId};
use crate::supervisor::event::Event;

/// One incarnation of a process.
pub(super) type Incarnation = (ProcessId, Generation);

/// A leader's end that waits.
#[derive(Debug)]
struct End {
    exit: Exit,
    survivors: bool,
    has_vanished: bool,
    is_drained: bool,
    is_overdue: bool,
}

/// All that wait.
#[derive(Debug, Default)]
pub(super) struct Ends {
    waiting: BTreeMap<Incarnation, End>,
    /// The incarnation of each process whose outputs were at their end before it was.
    drained: BTreeMap<ProcessId, Generation>,
    left: BTreeMap<Incarnation, Vec<u32>>,
}

impl Ends {
    /// A leader has ended. Whether its outputs are still to be asked about; if not, all may be known.
    pub(super) fn begin(&mut self, of: Incarnation, exit: Exit, survivors: bool) -> (bool, Option<Event>) {
        let is_drained = self.drained.remove(&of.0) == Some(of.1);
        let end = End { exit, survivors, has_vanished: false, is_drained, is_overdue: false };
        self.waiting.insert(of, end);
        (!is_drained, self.complete(of))
    }

    /// What it has left behind is these.
    pub(super) fn left_behind(&mut self, of: Incarnation, pids: Vec<u32>) {
        self.left.insert(of, pids);
    }

    /// Takes what one that has not been told of left behind.
    pub(super) fn take_left(&mut self, of: Incarnation) -> Option<Vec<u32>> {
        self.left.remove(&of)
    }

    /// Its last output has been taken in.
    pub(super) fn drained(&mut self, of: Incarnation) -> Option<Event> {
        let Some(end) = self.waiting.get_mut(&of) else {
            self.drained.insert(of.0, of.1);
            return None;
        };
        end.is_drained = true;
        self.complete(of)
    }

    /// Survivors have had their moment.
    pub(super) fn overdue(&mut self, of: Incarnation) -> Option<Event> {
        self.waiting.get_mut(&of)?.is_overdue = true;
        self.complete(of)
    }

    /// The last survivor is gone.
    pub(super) fn vanished(&mut self, of: Incarnation) -> Option<Event> {
        let Some(end) = self.waiting.get_mut(&of) else {
            return Some(Event::Vanished { process: of.0, generation: of.1 });
        };
        end.has_vanished = true;
        self.complete(of)
    }

    fn complete(&mut self, of: Incarnation) -> Option<Event> {
        let end = self.waiting.get(&of)?;
        if !end.is_drained || (end.survivors && !end.has_vanished && !end.is_overdue) {
            return None;
        }
        let End { exit, survivors, has_vanished, .. } = self.waiting.remove(&of)?;
        self.left.remove(&of);
        let (process, generation) = of;
        Some(Event::Exited { process, generation, exit, survivors: survivors && !has_vanished })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: Incarnation = (ProcessId(0), Generation(1));

    fn exited(survivors: bool) -> Event {
        Event::Exited { process: WEB.0, generation: WEB.1, exit: Exit::Code(0), survivors }
    }

    #[test]
    fn an_end_is_told_once_its_output_is_in() {
        let mut ends = Ends::default();
        assert_eq!(ends.begin(WEB, Exit::Code(0), false), (true, None));
        assert_eq!(ends.drained(WEB), Some(exited(false)));
        assert_eq!(ends.drained(WEB), None);
    }

    #[test]
    fn whose_output_was_in_before_is_not_waited_for() {
        let mut ends = Ends::default();
        assert_eq!(ends.drained(WEB), None);
        assert_eq!(ends.begin(WEB, Exit::Code(0), false), (false, Some(exited(false))));
        assert_eq!(ends.drained(WEB), None, "also told by who was asked meanwhile");
        assert_eq!(ends.begin((WEB.0, Generation(2)), Exit::Code(0), false), (true, None), "which means no other run");
    }

    #[test]
    fn what_goes_with_its_leader_is_not_left_over() {
        let mut ends = Ends::default();
        assert_eq!(ends.begin(WEB, Exit::Code(0), true), (true, None));
        assert_eq!(ends.drained(WEB), None);
        assert_eq!(ends.vanished(WEB), Some(exited(false)));
    }

    #[test]
    fn what_is_still_there_after_its_moment_is_left_over_and_its_end_is_told_apart() {
        let mut ends = Ends::default();
        assert_eq!(ends.begin(WEB, Exit::Code(0), true), (true, None));
        assert_eq!(ends.overdue(WEB), None);
        assert_eq!(ends.drained(WEB), Some(exited(true)));
        assert_eq!(ends.vanished(WEB), Some(Event::Vanished { process: WEB.0, generation: WEB.1 }));
    }
}
