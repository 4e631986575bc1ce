//! Looking for something in a log, and going from place to place. Pure.

use super::{LogPage, Room};
use crate::logs::kept::{Entry, Place};
use crate::ui::tui::paint;
use crate::ui::tui::pattern::Pattern;

/// The most places of a search that are held once it is over.
const MOST_HITS: usize = 100_000;

/// A search and what it has found.
#[derive(Debug, Clone)]
pub struct Search {
    /// What is looked for.
    pub pattern: Pattern,
    /// Where; in order of time, but for those that came since it was last put in order.
    pub hits: Vec<Place>,
    /// There were more, which are older.
    pub is_cut: bool,
    /// The one that was gone to.
    pub current: Option<usize>,
    /// Not everything was looked at yet.
    pub is_looking: bool,
    /// Once it was, the nearest place is gone to.
    pub jumps: bool,
}

impl Search {
    /// Puts the places in order, once the looking is over or one of them is gone to; the oldest go where they are too many.
    pub fn settle(&mut self) {
        let current = self.current.and_then(|at| self.hits.get(at)).copied();
        self.hits.sort_unstable();
        self.hits.dedup();
        let too_many = self.hits.len().saturating_sub(MOST_HITS);
        self.hits.drain(..too_many);
        self.is_cut |= too_many > 0;
        self.current = current.and_then(|place| self.hits.binary_search(&place).ok());
    }

    /// Takes in a place. While everything is looked at, places come log by log, and are put in order at the end.
    fn take(&mut self, place: Place) {
        if self.is_looking || self.hits.last().is_none_or(|last| *last < place) {
            self.hits.push(place);
        } else if let Err(at) = self.hits.binary_search(&place)
            && !(self.is_cut && at == 0)
        {
            self.hits.insert(at, place);
            self.current = self.current.map(|current| if at <= current { current + 1 } else { current });
        }
        if self.hits.len() >= 2 * MOST_HITS {
            self.settle();
        }
    }
}

impl LogPage {
    /// A line that was looked at, or has come: it may be one that is looked for.
    pub fn note_hit(&mut self, entry: &Entry) {
        let is_hit = |search: &Search| search.pattern.is_in(&paint::plain(&entry.line.bytes));
        if entry.is_open || !self.search.as_ref().is_some_and(is_hit) || !self.wants(&entry.line) {
            return;
        }
        if let Some(search) = &mut self.search {
            search.take(entry.place);
        }
    }

    /// The next place that was found, or the one before: behind or before the one that was gone to, else what is seen. It begins anew
    /// at the other end.
    pub fn step(&mut self, is_forward: bool, room: Room, end: Option<&str>) -> Option<Place> {
        let seen = self.first_seen(room, end);
        let follows = self.follows();
        let search = self.search.as_mut()?;
        if search.is_looking {
            search.settle();
        }
        let count = search.hits.len();
        if count == 0 {
            return None;
        }
        let at = match (search.current, is_forward) {
            (Some(current), true) => (current + 1) % count,
            (Some(current), false) => (current + count - 1) % count,
            // What is newest is nearest while it follows.
            (None, _) if follows => count - 1,
            (None, true) => seen.map_or(0, |seen| search.hits.partition_point(|hit| *hit < seen)) % count,
            (None, false) => {
                let before = seen.map_or(0, |seen| search.hits.partition_point(|hit| *hit < seen));
                (before + count - 1) % count
            }
        };
        search.current = Some(at);
        search.hits.get(at).copied()
    }
}
