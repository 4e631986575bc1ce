//! The time zone of this machine, found without a walk over all there are.

use jiff::tz::TimeZone;

/// What zone the machine is set to (localtime(5)).
const LOCAL: &str = "/etc/localtime";

/// The zone that times are shown in.
pub fn local() -> TimeZone {
    chosen_by(std::env::var("TZ").ok().as_deref())
}

/// The name of the zone does not matter to a clock, so where `TZ` does not choose another one the machine's file is read as it stands:
/// to find the name, a library has to list the whole database first, and the start of a project would wait for it.
fn chosen_by(variable: Option<&str>) -> TimeZone {
    if variable.is_none_or(str::is_empty)
        && let Ok(bytes) = std::fs::read(LOCAL)
        && let Ok(zone) = TimeZone::tzif(LOCAL, &bytes)
    {
        return zone;
    }
    TimeZone::system()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_the_same_clock_as_the_long_way() {
        if std::env::var_os("TZ").is_some() {
            return; // the long way follows it
        }
        let now = jiff::Timestamp::now();
        assert_eq!(chosen_by(None).to_offset(now), TimeZone::system().to_offset(now));
    }
}
