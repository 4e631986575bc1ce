//! The page of a log: a bounded stretch of lines, and which of them are seen. Pure: lines are handed in as they are read, and what is
//! forgotten at one end is handed back, so that it can be read again.

mod copying;
mod searching;

use std::collections::VecDeque;

use ratatui_core::style::{Color, Modifier, Style};

pub use searching::Search;

use crate::logs::kept::{Entry, LogLine, Place};
use crate::ui::tui::paint::{self, Painted};
use crate::ui::tui::pattern::{Judge, Level, Pattern};
use crate::ui::tui::rows::{characters, cut, gathered};

/// The most lines that are held.
pub const MOST_LINES: usize = 20_000;

/// The most text that is held, in bytes.
const MOST_BYTES: usize = 16 << 20;

/// So many of the last lines may be open, each in a log of its own.
const OPEN: usize = 200;

/// One row of a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    /// Of which line, counted in a way that never changes while it is held.
    pub number: i64,
    /// What is on it.
    pub kind: Kind,
    /// How it looks.
    pub pieces: Painted,
    /// It begins with this character of its line.
    pub first_char: usize,
}

/// What a row shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The rule before a run.
    Rule,
    /// A line of a program, or the beginning of it.
    Line,
    /// The rest of a line that is wrapped.
    Rest,
}

/// A character of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// The line.
    pub number: i64,
    /// The character.
    pub char: usize,
}

/// The first row that is seen of a page that does not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Top {
    number: i64,
    row: usize,
}

/// How large a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Room {
    /// Columns for text.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct LogPage {
    lines: VecDeque<Entry>,
    bytes: usize,
    /// The number of the first line.
    first: i64,
    /// `None`: it follows.
    top: Option<Top>,
    /// Lines that have come since it follows no more.
    pub new: usize,
    /// Nothing stands behind the last line.
    pub is_at_end: bool,
    /// Nothing stands before the first one.
    pub is_at_begin: bool,
    /// Long lines go on in the next row.
    pub wraps: bool,
    /// So many characters of each line are left of the page that does not wrap.
    pub left: usize,
    /// Only lines with this are shown.
    pub filter: Option<Pattern>,
    /// Only lines that look so bad are shown.
    pub level: Level,
    judge: Judge,
    /// What is looked for.
    pub search: Option<Search>,
    /// What was marked with the mouse.
    pub selection: Option<(Point, Point)>,
}

impl LogPage {
    /// An empty page that follows.
    pub fn new() -> Self {
        Self { wraps: true, ..Self::default() }
    }

    /// Forgets its lines, and follows.
    pub fn clear(&mut self) {
        self.lines.clear();
        (self.bytes, self.first, self.top, self.new, self.selection) = (0, 0, None, 0, None);
        (self.is_at_end, self.is_at_begin) = (false, false);
    }

    /// An empty page that shows the same lines.
    #[must_use]
    pub fn sieve(&self) -> Self {
        Self { filter: self.filter.clone(), level: self.level, ..Self::new() }
    }

    /// Whether it follows what is written.
    pub fn follows(&self) -> bool {
        self.top.is_none()
    }

    /// Its lines, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.lines.iter()
    }

    /// Whether a line is to be shown.
    pub fn wants(&self, line: &LogLine) -> bool {
        if self.filter.is_none() && self.level == Level::All {
            return true;
        }
        let text = paint::plain(&line.bytes);
        self.filter.as_ref().is_none_or(|filter| filter.is_in(&text)) && self.judge.belongs(&text, self.level)
    }

    /// Whether newer lines may be read: always while it follows, else as long as there is room for them.
    pub fn takes_newer(&self) -> bool {
        self.follows() || (self.lines.len() < MOST_LINES && self.bytes < MOST_BYTES) || self.is_far_from_begin()
    }

    /// Whether older lines are needed for so many rows.
    pub fn needs_older(&self, rows: usize) -> bool {
        let before = self.top.map_or(self.lines.len(), |top| usize::try_from(top.number - self.first).unwrap_or(0));
        !self.is_at_begin && before < rows.saturating_mul(2)
    }

    fn is_far_from_begin(&self) -> bool {
        self.top.is_some_and(|top| top.number - self.first > i64::try_from(MOST_LINES / 2).unwrap_or(i64::MAX))
    }

    /// Takes in newer lines; those that are forgotten for them come back.
    pub fn append(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        for entry in entries {
            self.note_hit(&entry);
            let is_same = |held: &&mut Entry| {
                held.is_open && (held.place.track, held.place.offset) == (entry.place.track, entry.place.offset)
            };
            let held = self.lines.iter_mut().rev().take(OPEN).find(is_same);
            self.bytes += entry.line.bytes.len();
            if let Some(held) = held {
                self.bytes -= held.line.bytes.len();
                *held = entry;
                continue;
            }
            self.lines.push_back(entry);
            // What is read on the way to the end is older than the moment it was held at.
            self.new += usize::from(self.top.is_some() && (self.is_at_end || self.new > 0));
        }
        let mut forgotten = Vec::new();
        while self.is_too_long() && (self.follows() || self.is_far_from_begin()) {
            let Some(entry) = self.lines.pop_front() else { break };
            self.bytes -= entry.line.bytes.len();
            self.first += 1;
            self.is_at_begin = false;
            forgotten.push(entry);
        }
        forgotten
    }

    /// Takes in older lines; those that are forgotten for them come back.
    pub fn prepend(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        for entry in entries.into_iter().rev() {
            self.bytes += entry.line.bytes.len();
            self.first -= 1;
            self.lines.push_front(entry);
        }
        let mut forgotten = Vec::new();
        while self.is_too_long() && !self.follows() {
            let Some(entry) = self.lines.pop_back() else { break };
            self.bytes -= entry.line.bytes.len();
            self.is_at_end = false;
            self.new = self.new.saturating_sub(1);
            forgotten.push(entry);
        }
        forgotten
    }

    fn is_too_long(&self) -> bool {
        self.lines.len() > MOST_LINES || (self.bytes > MOST_BYTES && self.lines.len() > 1)
    }

    /// Begins with its first line.
    pub fn show_first(&mut self) {
        self.top = Some(Top { number: self.first, row: 0 });
    }

    /// Follows again.
    pub fn follow(&mut self) {
        (self.top, self.new) = (None, 0);
    }

    /// Stays where it is.
    pub fn hold(&mut self, room: Room, end: Option<&str>) {
        if self.follows() {
            self.top = self.top_row(room, end);
        }
    }

    /// Moves by so many rows, upwards where that is negative.
    pub fn scroll(&mut self, by: isize, room: Room, end: Option<&str>) {
        if by < 0 {
            self.hold(room, end);
            self.up(by.unsigned_abs(), room);
        } else if by > 0 && !self.follows() {
            self.down(by.unsigned_abs(), room, end);
        }
    }

    fn up(&mut self, mut by: usize, room: Room) {
        let Some(mut top) = self.top else { return };
        while by > 0 {
            let step = by.min(top.row);
            top.row -= step;
            by -= step;
            if by == 0 {
                break;
            }
            if top.number <= self.first {
                break;
            }
            top.number -= 1;
            top.row = self.rows_of(top.number, room.columns).len();
        }
        self.top = Some(top);
    }

    fn down(&mut self, mut by: usize, room: Room, end: Option<&str>) {
        let Some(mut top) = self.top else { return };
        let last = self.first + self.count() - 1;
        while by > 0 && top.number <= last {
            let rows = self.rows_of(top.number, room.columns).len();
            let step = by.min(rows - top.row.min(rows));
            top.row += step;
            by -= step;
            if top.row < rows || top.number == last {
                break;
            }
            top = Top { number: top.number + 1, row: 0 };
        }
        self.top = Some(top);
        if self.is_at_end && self.layout(room, end).len() < room.rows.max(1) {
            self.follow();
        }
    }

    fn count(&self) -> i64 {
        i64::try_from(self.lines.len()).unwrap_or(i64::MAX)
    }

    /// Shows a line that is held about a third from the top; whether it is held.
    pub fn show(&mut self, place: Place, room: Room) -> bool {
        let is_it = |entry: &Entry| (entry.place.track, entry.place.offset) == (place.track, place.offset);
        let Some(at) = self.lines.iter().position(is_it) else { return false };
        self.top = Some(Top { number: self.first + i64::try_from(at).unwrap_or(0), row: 0 });
        self.up(room.rows / 3, room);
        true
    }

    /// The place of the first line that is seen.
    pub fn first_seen(&self, room: Room, end: Option<&str>) -> Option<Place> {
        let seen = self.layout(room, end);
        let number = seen.iter().find(|row| row.kind != Kind::Rule).map(|row| row.number)?;
        self.entry(number).map(|entry| entry.place)
    }

    /// The line of this number.
    pub fn entry(&self, number: i64) -> Option<&Entry> {
        self.lines.get(usize::try_from(number - self.first).ok()?)
    }

    /// The rows that are seen: at most as many as there is room for. `end` stands below the last line.
    pub fn layout(&self, room: Room, end: Option<&str>) -> Vec<Visible> {
        let mut rows = Vec::new();
        let last = self.first + self.count();
        let end_row = end.map(|text| Visible { number: last, kind: Kind::Rule, pieces: rule(text), first_char: 0 });
        let Some(top) = self.top else {
            rows.extend(end_row.filter(|_| room.rows > 0));
            let mut number = last;
            while rows.len() < room.rows && number > self.first {
                number -= 1;
                let of_line = self.rows_of(number, room.columns);
                rows.extend(of_line.into_iter().rev());
            }
            rows.truncate(room.rows);
            rows.reverse();
            return rows;
        };
        let mut number = top.number.max(self.first);
        let mut skip = if number == top.number { top.row } else { 0 };
        while rows.len() < room.rows && number < last {
            rows.extend(self.rows_of(number, room.columns).into_iter().skip(skip));
            (number, skip) = (number + 1, 0);
        }
        rows.extend(end_row.filter(|_| number == last && self.is_at_end));
        rows.truncate(room.rows);
        rows
    }

    fn top_row(&self, room: Room, end: Option<&str>) -> Option<Top> {
        let seen = self.layout(room, end);
        let first = seen.first()?;
        let hidden = seen.iter().take_while(|row| row.number == first.number).count();
        let all = self.rows_of(first.number, room.columns).len();
        Some(Top { number: first.number.min(self.first + self.count() - 1), row: all.saturating_sub(hidden) })
    }

    /// All rows of a line: the rule before it, if a run begins with it, and its text.
    fn rows_of(&self, number: i64, columns: usize) -> Vec<Visible> {
        let Some(entry) = self.entry(number) else { return Vec::new() };
        let mut rows = Vec::new();
        if entry.begins_run {
            let text = if entry.line.run > 0 { format!("run {}", entry.line.run) } else { String::new() };
            rows.push(Visible { number, kind: Kind::Rule, pieces: rule(&text), first_char: 0 });
        }
        let characters = self.characters(entry, number);
        let columns = columns.max(1);
        if self.wraps {
            rows.extend(wrapped(&characters, columns, number));
        } else {
            let first_char = self.left.min(characters.len());
            let pieces = gathered(cut(&characters[first_char..], columns));
            rows.push(Visible { number, kind: Kind::Line, pieces, first_char });
        }
        rows
    }

    /// The characters of a line, with what is marked in it.
    fn characters(&self, entry: &Entry, number: i64) -> Vec<(char, Style)> {
        let painted = paint::output(&entry.line.bytes);
        let mut characters = characters(&painted);
        if let Some(search) = &self.search {
            let text: String = characters.iter().map(|(c, _)| *c).collect();
            let is_current = search.current.and_then(|at| search.hits.get(at)).is_some_and(|hit| *hit == entry.place);
            let mark = Style::new().fg(Color::Black).bg(if is_current { Color::LightYellow } else { Color::Yellow });
            let mark = mark.add_modifier(if is_current { Modifier::BOLD } else { Modifier::UNDERLINED });
            for (from, to) in search.pattern.places(&text) {
                characters[from..to].iter_mut().for_each(|(_, style)| *style = mark);
            }
        }
        if let Some((from, to)) = self.selected() {
            for (at, (_, style)) in characters.iter_mut().enumerate() {
                let point = Point { number, char: at };
                if from <= point && point <= to {
                    *style = style.add_modifier(Modifier::REVERSED);
                }
            }
        }
        characters
    }
}

/// A rule with a text in it; as long as the page is wide once it is drawn.
fn rule(text: &str) -> Painted {
    paint::styled(text, Style::new().add_modifier(Modifier::DIM))
}

fn wrapped(characters: &[(char, Style)], columns: usize, number: i64) -> Vec<Visible> {
    let mut rows = Vec::new();
    let mut from = 0;
    loop {
        let row = cut(&characters[from..], columns);
        let length = row.len().max(1);
        let kind = if from == 0 { Kind::Line } else { Kind::Rest };
        rows.push(Visible { number, kind, pieces: gathered(row), first_char: from });
        from += length;
        if from >= characters.len() {
            return rows;
        }
    }
}

#[cfg(test)]
mod tests;
