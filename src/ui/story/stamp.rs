//! The time before a line of ours.

use jiff::tz::TimeZone;

use crate::model::units::human_duration;
use crate::model::{Moment, Now};
use crate::ui::look::clock;

/// What time stands before a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stamps {
    /// None, as a terminal has it.
    #[default]
    None,
    /// Since the project began: `+4.3s`.
    Relative,
    /// On the clock: `10:42:07.123`, as a stream that is no terminal has it.
    Clock,
}

/// The stamp and the blank that follows it.
pub fn stamp(stamps: Stamps, zone: &TimeZone, now: Now, began: Moment) -> String {
    match stamps {
        Stamps::None => String::new(),
        Stamps::Relative => format!("{:>8} ", format!("+{}", human_duration(now.mono.since(began)))),
        Stamps::Clock => format!("{}.{:03} ", clock(now.wall.0, zone), now.wall.0 % 1000),
    }
}
