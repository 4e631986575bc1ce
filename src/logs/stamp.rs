//! The time before a line.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::logs::hub::Timestamps;
use crate::logs::zone;
use crate::model::WallTime;

/// Renders times; the bytes of the last one are kept, because many lines share it.
#[derive(Debug)]
pub(crate) struct Stamp {
    kind: Timestamps,
    began: WallTime,
    zone: TimeZone,
    bytes: Vec<u8>,
}

impl Stamp {
    /// Relative times count from `began`.
    pub(crate) fn new(kind: Timestamps, began: WallTime) -> Self {
        let zone = if kind == Timestamps::Clock { zone::local() } else { TimeZone::UTC };
        Self { kind, began, zone, bytes: Vec::new() }
    }

    /// Whether lines carry a time at all.
    pub(crate) fn is_on(&self) -> bool {
        self.kind != Timestamps::Off
    }

    /// What the next lines carry.
    pub(crate) fn set(&mut self, at: WallTime) {
        self.bytes.clear();
        match self.kind {
            Timestamps::Off => {}
            Timestamps::Relative => {
                let tenths = at.0.saturating_sub(self.began.0) / 100;
                let text = format!("+{}.{}s", tenths / 10, tenths % 10);
                // Writing to a Vec cannot fail.
                let _ = write!(self.bytes, "{text:>8} ");
            }
            Timestamps::Clock => {
                let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
                let zoned = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX).to_zoned(self.zone.clone());
                let _ = write!(self.bytes, "{} ", zoned.strftime("%H:%M:%S%.3f"));
            }
        }
    }

    /// The bytes before the prefix.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The wall clock.
pub(crate) fn wall_now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_times_are_tenths_of_seconds_in_a_column() {
        let mut stamp = Stamp::new(Timestamps::Relative, WallTime(1000));
        stamp.set(WallTime(5_340));
        assert_eq!(stamp.bytes(), b"   +4.3s ");
        stamp.set(WallTime(0));
        assert_eq!(stamp.bytes(), b"   +0.0s ");
    }

    #[test]
    fn clock_times_have_milliseconds() {
        let mut stamp = Stamp { zone: TimeZone::UTC, ..Stamp::new(Timestamps::Clock, WallTime(0)) };
        stamp.set(WallTime(38_527_123));
        assert_eq!(stamp.bytes(), b"10:42:07.123 ");
    }

    #[test]
    fn no_times_no_bytes() {
        let mut stamp = Stamp::new(Timestamps::Off, WallTime(0));
        stamp.set(WallTime(5_340));
        assert_eq!(stamp.bytes(), b"");
    }
}
