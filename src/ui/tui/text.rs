//! A page of text that can be scrolled. Pure.

use ratatui_core::style::Style;
use unicode_width::UnicodeWidthChar;

use crate::ui::tui::log::Room;
use crate::ui::tui::paint::Painted;
use crate::ui::tui::rows::{characters, cut, gathered};

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct TextPage {
    /// Its lines.
    pub lines: Vec<Painted>,
    /// The first row that is seen.
    pub top: usize,
}

impl TextPage {
    /// The rows that are seen; long lines are wrapped.
    pub fn layout(&self, room: Room) -> Vec<Painted> {
        let rows = self.rows(room.columns);
        let top = self.top.min(rows.len().saturating_sub(room.rows));
        rows.into_iter().skip(top).take(room.rows).collect()
    }

    /// Moves by so many rows, upwards where that is negative.
    pub fn scroll(&mut self, by: isize, room: Room) {
        let last = self.rows(room.columns).len().saturating_sub(room.rows);
        self.top = self.top.min(last).saturating_add_signed(by).min(last);
    }

    /// All of it, as it is copied.
    pub fn plain(&self) -> String {
        let line = |line: &Painted| line.iter().map(|piece| piece.text.as_str()).collect::<String>();
        self.lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn rows(&self, columns: usize) -> Vec<Painted> {
        self.lines.iter().flat_map(|line| wrapped(line, columns.max(1))).collect()
    }
}

/// A line in rows of at most so many columns, broken at blanks where there are any. What goes on stands below the line's last column of text.
fn wrapped(line: &Painted, columns: usize) -> Vec<Painted> {
    let mut rest = characters(line);
    let indent = vec![(' ', Style::default()); last_column(&rest, columns / 2)];
    let mut rows = Vec::new();
    loop {
        let fits = cut(&rest, columns).len().max(1).min(rest.len());
        if fits == rest.len() {
            rows.push(gathered(&rest));
            return rows;
        }
        let least = indent.len() + (fits - indent.len().min(fits)) / 2;
        let blank = rest[..=fits].iter().rposition(|(c, _)| *c == ' ').filter(|at| *at > least);
        let length = blank.unwrap_or(fits);
        rows.push(gathered(&rest[..length]));
        rest = [&indent, &rest[length + usize::from(blank.is_some())..]].concat();
    }
}

/// Where the last text begins that stands apart, behind two blanks or more, and not farther right than this.
fn last_column(line: &[(char, Style)], farthest: usize) -> usize {
    let is_blank = |at: usize| line[at].0 == ' ';
    let begins = |at: &usize| *at >= 2 && !is_blank(*at) && is_blank(at - 1) && is_blank(at - 2);
    let at = (0..line.len()).filter(begins).take_while(|at| cut(line, farthest).len() >= *at).last();
    at.map_or(0, |at| line[..at].iter().map(|(c, _)| c.width().unwrap_or(0)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::tui::paint;

    fn rows(text: &str, columns: usize) -> Vec<String> {
        let page = TextPage { lines: paint::lines(text), top: 0 };
        let rows = page.layout(Room { columns, rows: 99 });
        rows.into_iter().map(|row| row.into_iter().map(|piece| piece.text).collect()).collect()
    }

    #[test]
    fn lines_break_at_blanks_and_else_where_they_must() {
        assert_eq!(rows("one two three", 8), ["one two", "three"]);
        assert_eq!(rows("a abcdefghij", 6), ["a abcd", "efghij"]);
        assert_eq!(rows("日本語", 1), ["日", "本", "語"]);
        assert_eq!(rows("", 5), Vec::<String>::new());
    }

    #[test]
    fn what_goes_on_stands_below_its_column() {
        assert_eq!(rows("w     why it is what it is", 16), ["w     why it is", "      what it is"]);
        assert_eq!(rows("a  b  one two three four", 14), ["a  b  one two", "      three", "      four"]);
        assert_eq!(rows("the output of a program  has gaps", 20), ["the output of a", "program  has gaps"]);
    }

    #[test]
    fn it_is_scrolled_to_its_ends_and_no_farther() {
        let mut page = TextPage { lines: paint::lines("a\nb\nc\nd"), top: 0 };
        let room = Room { columns: 5, rows: 2 };
        page.scroll(isize::MAX, room);
        assert_eq!(page.top, 2);
        page.scroll(-1, room);
        assert_eq!(page.top, 1);
        page.scroll(isize::MIN, room);
        assert_eq!(page.top, 0);
    }
}
