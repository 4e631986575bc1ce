//! Wrong passwords of late: each makes the next answer slower, for everybody who tries one, and nobody is ever locked out.
//!
//! Right and wrong ones wait alike, or hanging up early would tell them apart. The owner waits [`LONGEST`] at most, once for each
//! connection, and never on the UNIX socket.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::guard::Attempt;

/// So many are answered at once: fingers slip.
const FREE: u32 = 3;

/// The first wait; it doubles with each further wrong one.
const SHORTEST: Duration = Duration::from_millis(125);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(2);

/// A minute without a wrong one, and all are forgotten.
const MEMORY: Duration = Duration::from_mins(1);

/// Counts wrong passwords, for all connections together.
#[derive(Debug)]
pub(super) struct Attempts {
    began: Instant,
    wrong: AtomicU32,
    /// Milliseconds from the beginning to the last wrong one.
    last: AtomicU64,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), wrong: AtomicU32::new(0), last: AtomicU64::new(0) }
    }

    /// Notes an attempt; returns how long its answer has to wait.
    pub(super) fn note(&self, attempt: Attempt) -> Duration {
        self.note_at(attempt, self.began.elapsed())
    }

    fn note_at(&self, attempt: Attempt, now: Duration) -> Duration {
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        if u128::from(now.saturating_sub(self.last.load(Ordering::Relaxed))) > MEMORY.as_millis() {
            self.wrong.store(0, Ordering::Relaxed);
        }
        let before = self.wrong.load(Ordering::Relaxed);
        match attempt {
            Attempt::None => return Duration::ZERO,
            Attempt::Right => {}
            Attempt::Wrong => {
                self.wrong.store(before.saturating_add(1), Ordering::Relaxed);
                self.last.store(now, Ordering::Relaxed);
            }
        }
        wait_after(before)
    }
}

/// The wait after so many wrong ones.
fn wait_after(wrong: u32) -> Duration {
    match wrong.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(more) => SHORTEST.saturating_mul(2_u32.saturating_pow(more)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(1);

    #[test]
    fn answers_get_slower_with_each_wrong_one_and_never_slower_than_the_limit() {
        let attempts = Attempts::new();
        let waits: Vec<u128> = (0..9).map(|_| attempts.note_at(Attempt::Wrong, SOON).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 125, 250, 500, 1000, 2000, 2000]);
        assert_eq!(wait_after(u32::MAX), LONGEST);
    }

    #[test]
    fn right_and_wrong_ones_wait_alike_and_who_tries_none_does_not() {
        let attempts = Attempts::new();
        for _ in 0..4 {
            attempts.note_at(Attempt::Wrong, SOON);
        }
        assert_eq!(attempts.note_at(Attempt::Right, SOON), attempts.note_at(Attempt::Wrong, SOON));
        assert_eq!(attempts.note_at(Attempt::None, SOON), Duration::ZERO);
    }

    #[test]
    fn after_a_quiet_minute_all_is_forgotten_and_right_ones_do_not_shorten_it() {
        let attempts = Attempts::new();
        for _ in 0..9 {
            attempts.note_at(Attempt::Wrong, SOON);
        }
        assert_eq!(attempts.note_at(Attempt::Right, SOON + MEMORY), LONGEST);
        assert_eq!(attempts.note_at(Attempt::Right, SOON + MEMORY + SOON), Duration::ZERO);
    }
}
