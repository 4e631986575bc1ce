//! Who writes without a pause is looked at by the clock.
//!
//! A pipe that is polled has its price for its writer: at each write the kernel looks who waits (`pipe_write` in its `pipe.c`: a pipe
//! that was polled once wakes whether or not there was something in it), a sixth of what a short line costs in all. And where we keep up
//! with a program that writes line by line, we are woken for each line, which costs us more than the line. So the poller is told no
//! more of a source that gives steadily: it is read after a nap, which is short enough for a pipe not to get full, and for nobody to
//! see. Who has nothing for a while, or writes more slowly, is given back to the poller, so a quiet project wakes nobody.

use std::time::{Duration, Instant};

/// After so many reads in a row without a pause a source is steady …
const STEADY: u8 = 16;
/// … and when nothing has come for so long it is not any more.
const SILENT: Duration = Duration::from_millis(10);
/// Pieces that come closer than this are read at less cost by the clock.
const CLOSE: Duration = Duration::from_micros(250);

/// A nap is so long at most.
const LONG: Duration = Duration::from_micros(200);
/// A nap is no shorter: to fall asleep and wake takes about as long.
const SHORT: Duration = Duration::from_micros(20);
/// What has gathered in a nap is to be more than this, where a longer nap can help it …
const LITTLE: usize = 16 * 1024;
/// … and less than this, of which a single pipe can hold somewhat more.
const MUCH: usize = 48 * 1024;

/// How steadily one source gives.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// How many reads in a row came without a pause.
    streak: u8,
    read_at: Option<Instant>,
    /// What the last look brought.
    length: usize,
    /// When a look first brought nothing, if none has brought anything since.
    silent_since: Option<Instant>,
}

impl Flow {
    pub(super) fn read(&mut self, length: usize, is_flood: bool, now: Instant) {
        let is_close = is_flood || self.read_at.is_some_and(|at| now.duration_since(at) < CLOSE);
        self.streak = if is_close { self.streak.saturating_add(1) } else { 0 };
        (self.read_at, self.length, self.silent_since) = (Some(now), length, None);
    }

    pub(super) fn read_nothing(&mut self, now: Instant) {
        self.length = 0;
        self.silent_since.get_or_insert(now);
    }

    pub(super) fn is_steady(&self, now: Instant) -> bool {
        self.streak >= STEADY && self.silent_since.is_none_or(|since| now.duration_since(since) < SILENT)
    }
}

/// Who is looked at by the clock, and how often.
#[derive(Debug)]
pub(super) struct Clock {
    sources: Vec<usize>,
    nap: Duration,
}

impl Default for Clock {
    fn default() -> Self {
        Self { sources: Vec::new(), nap: SHORT }
    }
}

impl Clock {
    pub(super) fn sources(&self) -> &[usize] {
        &self.sources
    }

    pub(super) fn add(&mut self, source: usize) {
        self.sources.push(source);
    }

    pub(super) fn remove(&mut self, source: usize) {
        self.sources.retain(|other| *other != source);
    }

    pub(super) fn nap(&self) -> Duration {
        self.nap
    }

    /// Fits the nap to what these gave after the last one.
    pub(super) fn fit<'a>(&mut self, flows: impl Iterator<Item = &'a Flow>) {
        let gathered: usize = flows.map(|flow| flow.length).sum();
        if gathered > MUCH {
            self.nap = (self.nap / 2).max(SHORT);
        } else if gathered < LITTLE {
            self.nap = (self.nap * 5 / 4).min(LONG);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads of this length, each so long after the one before.
    fn flow(reads: u32, length: usize, is_flood: bool, pause: Duration) -> Flow {
        let (mut flow, start) = (Flow::default(), Instant::now());
        (0..reads).for_each(|number| flow.read(length, is_flood, start + pause * number));
        flow
    }

    #[test]
    fn lines_without_a_pause_are_steady_and_slower_ones_are_not() {
        let now = Instant::now();
        assert!(flow(17, 100, false, CLOSE / 2).is_steady(now));
        assert!(!flow(16, 100, false, CLOSE / 2).is_steady(now));
        assert!(!flow(100, 100, false, CLOSE).is_steady(now));
    }

    #[test]
    fn a_flood_is_steady_however_seldom_we_come() {
        assert!(flow(16, 64 * 1024, true, CLOSE * 100).is_steady(Instant::now()));
    }

    #[test]
    fn who_is_silent_for_a_while_is_not_steady_any_more() {
        let (mut flow, start) = (flow(100, 64 * 1024, true, CLOSE), Instant::now());
        flow.read_nothing(start);
        flow.read_nothing(start + SILENT / 2);
        assert!(flow.is_steady(start + SILENT / 2));
        assert!(!flow.is_steady(start + SILENT));
        flow.read(100, true, start + SILENT);
        flow.read_nothing(start + SILENT);
        assert!(flow.is_steady(start + SILENT));
    }

    #[test]
    fn a_nap_is_as_long_as_pipes_allow() {
        let mut clock = Clock::default();
        let mut nap_after = |length: usize, times: u32| {
            (0..times).for_each(|_| clock.fit([flow(1, 10, false, CLOSE), flow(1, length, false, CLOSE)].iter()));
            clock.nap()
        };
        assert_eq!(nap_after(100, 100), LONG);
        assert_eq!(nap_after(MUCH - 10, 100), LONG);
        assert_eq!(nap_after(MUCH, 1), LONG / 2);
        assert_eq!(nap_after(MUCH, 100), SHORT);
        assert_eq!(nap_after(LITTLE, 100), SHORT);
    }
}
