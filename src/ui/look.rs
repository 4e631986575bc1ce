//! What a screen is drawn for: the theme, the width of the terminal, the user's home.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::Word;
use crate::ui::address::Address;
use crate::ui::text::clean;
use crate::ui::theme::Theme;

/// The conditions a text is drawn for.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Colours and signs.
    pub theme: Theme,
    /// Columns of the terminal; `None` for as wide as need be.
    pub width: Option<usize>,
    /// The user's home, written as `~`.
    pub home: Option<String>,
    /// What a line to type next begins with.
    pub address: Address,
}

impl Look {
    /// Without colour, ASCII, as wide as need be: what a file gets and what tests compare.
    pub fn plain() -> Self {
        Self { theme: Theme { colour: false, ascii: true }, ..Self::default() }
    }

    /// The mark of a state.
    pub fn mark(&self, word: Word) -> &'static str {
        let signs = self.theme.signs();
        match word {
            Word::Starting => signs.starting,
            Word::Waiting | Word::Blocked => signs.waiting,
            Word::Ready | Word::Done => signs.ready,
            Word::Unhealthy => signs.warning,
            Word::Failed => signs.failed,
            Word::Retrying => signs.again,
            Word::Off | Word::Stopping => signs.stopped,
        }
    }

    /// A path as people write it: `~` for the home directory.
    pub fn path(&self, path: &str) -> String {
        let inside = self.home.as_deref().and_then(|home| Path::new(path).strip_prefix(home).ok());
        match inside {
            Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
            Some(rest) => format!("~/{}", clean(&rest.to_string_lossy())),
            None => clean(path),
        }
    }
}

/// `10:42:07` of a wall time in milliseconds since 1970; empty for one that no calendar has.
pub fn clock(wall_ms: u64, zone: &TimeZone) -> String {
    let instant = i64::try_from(wall_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    instant.map_or_else(String::new, |at| at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_time_is_shown_in_the_zone() {
        assert_eq!(clock(38_527_000, &TimeZone::UTC), "10:42:07");
        assert_eq!(clock(38_527_000, &TimeZone::fixed(jiff::tz::offset(2))), "12:42:07");
        assert_eq!(clock(u64::MAX, &TimeZone::UTC), "");
    }

    #[test]
    fn home_is_a_tilde() {
        let look = Look { home: Some("/home/ann".into()), ..Look::plain() };
        assert_eq!(look.path("/home/ann/src"), "~/src");
        assert_eq!(look.path("/home/ann"), "~");
        assert_eq!(look.path("/home/anna"), "/home/anna");
    }
}
