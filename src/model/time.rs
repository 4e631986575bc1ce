//! Time as plain numbers. Only the edge reads clocks; everything pure is handed a [`Now`].

use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point on the monotonic clock of one run, in microseconds since that run began. Stands still while we are suspended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment(pub u64);

impl Moment {
    /// How long ago `earlier` was; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Moment> for Moment {
    type Output = Duration;

    fn sub(self, earlier: Moment) -> Duration {
        self.since(earlier)
    }
}

/// Wall clock time in milliseconds since 1970. For people to read; no deadline is ever computed from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WallTime(pub u64);

impl WallTime {
    /// Whole seconds since 1970, as supervisord's wire has them.
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

/// Both clocks, read once and handed to a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// What deadlines are measured on.
    pub mono: Moment,
    /// What people are shown.
    pub wall: WallTime,
}
