//! Notices programs that write line by line, faster than lines are worth being looked at one by one.
//!
//! Where we keep up with such a program we are woken for each line, and most of our time goes into that. Then a little is let gather in
//! its pipe first: far less than the pipe holds, so that nobody who writes larger pieces is ever held up, and for less time than anybody
//! would see.

use std::time::Duration;

/// A program that writes through a buffer writes more than this at once.
const LITTLE: usize = 2048;

/// After so many turns that brought little, without a moment of rest between them, more is let gather.
const LONG: u32 = 16;

/// How long.
pub(super) const NAP: Duration = Duration::from_micros(100);

/// How many turns in a row have brought little.
#[derive(Debug, Default)]
pub(super) struct Trickle {
    streak: u32,
}

impl Trickle {
    /// A turn has read this much, at most, from one source.
    pub(super) fn read(&mut self, most: usize) {
        self.streak = if most < LITTLE { self.streak.saturating_add(1) } else { 0 };
    }

    /// There was nothing to read.
    pub(super) fn rest(&mut self) {
        self.streak = 0;
    }

    /// Whether a streak may have begun, so that it matters whether there is something to read.
    pub(super) fn may_go_on(&self) -> bool {
        self.streak > 0
    }

    /// Whether more is to be let gather before the next turn.
    pub(super) fn is_long(&self) -> bool {
        self.streak >= LONG
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(reads: impl IntoIterator<Item = usize>) -> Trickle {
        let mut trickle = Trickle::default();
        reads.into_iter().for_each(|most| trickle.read(most));
        trickle
    }

    #[test]
    fn many_lines_without_a_rest_are_a_trickle() {
        assert!(!after([100; 15]).is_long());
        assert!(after([100; 16]).is_long());
    }

    #[test]
    fn a_rest_or_a_large_piece_ends_it() {
        let mut trickle = after([100; 20]);
        trickle.rest();
        assert!(!trickle.is_long() && !trickle.may_go_on());
        assert!(!after([100; 20].into_iter().chain([4096])).is_long());
    }
}
