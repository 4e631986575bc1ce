//! What is copied of a log: what is marked, a line, what is seen. Pure.

use unicode_width::UnicodeWidthChar;

use super::{Kind, LogPage, Point, Room, Visible};
use crate::ui::tui::paint;

impl LogPage {
    /// What is marked, from its beginning to its end.
    pub(super) fn selected(&self) -> Option<(Point, Point)> {
        self.selection.map(|(one, other)| (one.min(other), one.max(other)))
    }

    /// The character of a row at this column.
    pub fn point_at(&self, row: &Visible, column: usize) -> Point {
        let mut used = 0;
        let characters = row.pieces.iter().flat_map(|piece| piece.text.chars());
        let before = characters.take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= column
        });
        Point { number: row.number, char: row.first_char + before.count() }
    }

    /// What is marked, as text: whole lines where they were wrapped, nothing of ours.
    pub fn selected_text(&self) -> Option<String> {
        let (from, to) = self.selected()?;
        let mut lines = Vec::new();
        for number in from.number..=to.number {
            let Some(entry) = self.entry(number) else { continue };
            let text = paint::plain(&entry.line.bytes);
            let first = if number == from.number { from.char } else { 0 };
            let last = if number == to.number { to.char.saturating_add(1) } else { usize::MAX };
            lines.push(text.chars().take(last).skip(first).collect::<String>().trim_end().to_owned());
        }
        Some(lines.join("\n")).filter(|text| !text.is_empty())
    }

    /// The line that is copied: the one that was found last if it is seen, else the last one that is seen.
    pub fn current_text(&self, room: Room, end: Option<&str>) -> Option<String> {
        let seen = self.layout(room, end);
        let hit = self.search.as_ref().and_then(|search| search.hits.get(search.current?));
        let is_hit = |row: &&Visible| self.entry(row.number).is_some_and(|entry| Some(&entry.place) == hit);
        let lines = || seen.iter().filter(|row| row.kind != Kind::Rule);
        let row = lines().find(is_hit).or_else(|| lines().next_back())?;
        self.entry(row.number).map(|entry| paint::plain(&entry.line.bytes))
    }

    /// All lines that are seen.
    pub fn page_text(&self, room: Room, end: Option<&str>) -> String {
        let mut numbers: Vec<i64> =
            self.layout(room, end).iter().filter(|row| row.kind != Kind::Rule).map(|row| row.number).collect();
        numbers.dedup();
        let texts = numbers.iter().filter_map(|number| self.entry(*number));
        texts.map(|entry| paint::plain(&entry.line.bytes)).collect::<Vec<_>>().join("\n")
    }
}
