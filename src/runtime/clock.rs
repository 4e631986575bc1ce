//! The clocks of a run. Everything pure is handed a [`Now`] that was read here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::{Moment, Now, WallTime};

/// Counts from its making, and stands still while we are suspended: a grace period must not run out during Ctrl-Z.
#[derive(Debug, Clone)]
pub struct Clock {
    origin: Instant,
    /// Microseconds that were spent suspended. Written by the driver alone.
    suspended: Arc<AtomicU64>,
    /// What it always reads, for tests.
    frozen: Option<Now>,
}

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self { origin: Instant::now(), suspended: Arc::new(AtomicU64::new(0)), frozen: None }
    }

    /// A clock that always reads the same, for tests of whoever holds one.
    pub fn frozen(now: Now) -> Self {
        Self { frozen: Some(now), ..Self::start() }
    }

    /// Reads both clocks.
    pub fn now(&self) -> Now {
        if let Some(now) = self.frozen {
            return now;
        }
        let mono = micros(self.origin.elapsed()).saturating_sub(self.suspended.load(Ordering::Relaxed));
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono: Moment(mono), wall: WallTime(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)) }
    }

    /// The instant at which a moment comes, if we are not suspended before.
    pub fn instant_of(&self, moment: Moment) -> Instant {
        self.origin + Duration::from_micros(moment.0.saturating_add(self.suspended.load(Ordering::Relaxed)))
    }

    /// Leaves this long out.
    pub fn leave_out(&self, suspended: Duration) {
        self.suspended.fetch_add(micros(suspended), Ordering::Relaxed);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspended_time_does_not_count() {
        let clock = Clock::start();
        clock.leave_out(Duration::from_hours(1));
        assert_eq!(clock.now().mono, Moment(0));
        assert!(clock.instant_of(Moment(0)) > Instant::now() + Duration::from_mins(50));
    }
}
