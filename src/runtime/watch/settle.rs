//! When a save is over. Pure: it is told what was seen and when, and says when to look.
//!
//! A file that was written and closed, or renamed into place, is looked at 10 ms later; one that was merely modified, made or
//! removed may be half of something, and gets 300 ms, as does whatever would be a pity to act on too early. A save that follows
//! soon on one that was looked at is taken for one of many: they are looked at once, when they pause.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::Moment;

/// After a save that is complete.
pub const SHORT: Duration = Duration::from_millis(10);

/// After one that may not be, and before anything grave follows from it.
pub const LONG: Duration = Duration::from_millis(300);

/// After one of many.
pub const PAUSE: Duration = Duration::from_millis(100);

/// Complete saves that follow one another without a pause are looked at this long after the first at the latest.
pub const MOST: Duration = Duration::from_secs(1);

/// What was seen of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Its end.
    Whole,
    /// Something that may be half of it.
    Part,
    /// Neither: a mode or a time.
    Beside,
}

/// What has been seen and not been looked at.
#[derive(Debug, Clone, Default)]
pub struct Settling<Key> {
    /// When the first of it was seen.
    first: Option<Moment>,
    /// When the last was.
    last: Moment,
    /// What may be half of something, and since when.
    open: BTreeMap<Key, Moment>,
    /// It was looked at, and is to be looked at again after [`LONG`].
    postponed: bool,
    /// When something was last looked at for good.
    looked: Option<Moment>,
}

impl<Key: Ord> Settling<Key> {
    /// Nothing has been seen.
    pub fn new() -> Self {
        Self { first: None, last: Moment::default(), open: BTreeMap::new(), postponed: false, looked: None }
    }

    /// Something was seen.
    pub fn saw(&mut self, now: Moment, what: Key, seen: Seen) {
        self.first.get_or_insert(now);
        self.last = now;
        self.postponed = false;
        match seen {
            Seen::Whole => drop(self.open.remove(&what)),
            Seen::Part => drop(self.open.insert(what, now)),
            Seen::Beside => {}
        }
    }

    /// When to look; `None` while there is nothing to look at.
    pub fn due(&self) -> Option<Moment> {
        let first = self.first?;
        if self.postponed {
            return Some(self.last + LONG);
        }
        let is_one_of_many = self.looked.is_some_and(|looked| first < looked + LONG);
        let quiet = if is_one_of_many { PAUSE } else { SHORT };
        let complete = (self.last + quiet).min(first + MOST);
        Some(self.open.values().map(|since| *since + LONG).fold(complete, Moment::max))
    }

    /// Whether it has been quiet for long enough to act on what is grave.
    pub fn has_rested(&self, now: Moment) -> bool {
        now >= self.last + LONG
    }

    /// It was looked at and what follows is grave: once more when it has been quiet for longer.
    pub fn postpone(&mut self) {
        self.postponed = true;
        self.first = Some(self.last);
        self.open.clear();
    }

    /// It was looked at.
    pub fn done(&mut self, now: Moment) {
        *self = Self { looked: Some(now), ..Self::new() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment(millis * 1000)
    }

    #[test]
    fn a_complete_save_is_looked_at_soon_and_a_bare_modification_later() {
        let mut settling = Settling::new();
        assert_eq!(settling.due(), None);
        settling.saw(at(5), "run.toml", Seen::Whole);
        assert_eq!(settling.due(), Some(at(15)));
        settling = Settling::new();
        assert_eq!(settling.due(), None);
        settling.saw(at(100), "run.toml", Seen::Part);
        assert_eq!(settling.due(), Some(at(400)));
        settling.saw(at(150), "run.toml", Seen::Whole);
        assert_eq!(settling.due(), Some(at(160)), "truncated, written and closed");
    }

    #[test]
    fn a_file_that_is_still_being_written_keeps_the_others_waiting() {
        let mut settling = Settling::new();
        settling.saw(at(0), "include.toml", Seen::Part);
        settling.saw(at(20), "run.toml", Seen::Whole);
        assert_eq!(settling.due(), Some(at(300)));
        settling.saw(at(250), "include.toml", Seen::Part);
        assert_eq!(settling.due(), Some(at(550)), "byte by byte");
    }

    #[test]
    fn a_hundred_saves_in_a_second_are_looked_at_once_and_endless_ones_once_a_second() {
        let mut settling = Settling::new();
        for save in 0..99 {
            settling.saw(at(save * 9), "run.toml", Seen::Whole);
            assert!(settling.due() > Some(at(save * 9)), "{save}");
        }
        assert_eq!(settling.due(), Some(at(98 * 9 + 10)));
        settling.saw(at(1200), "run.toml", Seen::Whole);
        assert_eq!(settling.due(), Some(at(1000)), "at once");
    }

    #[test]
    fn saves_that_go_on_after_a_look_are_looked_at_once_when_they_pause() {
        let mut settling = Settling::new();
        settling.saw(at(0), "run.toml", Seen::Whole);
        settling.done(at(12));
        for save in 2..40 {
            settling.saw(at(save * 10), "run.toml", Seen::Whole);
            assert_eq!(settling.due(), Some(at(save * 10 + 100)));
        }
        settling.done(at(500));
        settling.saw(at(900), "run.toml", Seen::Whole);
        assert_eq!(settling.due(), Some(at(910)), "a save by itself");
    }

    #[test]
    fn what_is_grave_waits_until_it_has_been_quiet_for_longer() {
        let mut settling = Settling::new();
        settling.saw(at(0), "run.toml", Seen::Whole);
        assert!(!settling.has_rested(at(10)));
        settling.postpone();
        assert_eq!(settling.due(), Some(at(300)));
        assert!(settling.has_rested(at(300)));
        settling.saw(at(200), "run.toml", Seen::Whole);
        assert_eq!(settling.due(), Some(at(210)), "another save is looked at by itself");
        assert!(!settling.has_rested(at(300)));
    }
}
