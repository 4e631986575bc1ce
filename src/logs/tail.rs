//! The last lines of the current run: how many there were, and, where nothing is kept, what they were.

use std::collections::VecDeque;

use crate::codec::ansi;
use crate::codec::lines::Rows;
use crate::logs::track::count_rows;

/// So many lines are remembered where nothing is kept, each cut to [`LINE`] bytes.
const LINES: usize = 32;
const LINE: usize = 512;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    run: u32,
    rows: u64,
    is_open: bool,
    ring: Option<Box<Ring>>,
}

#[derive(Debug, Default)]
struct Ring {
    rows: Rows,
    lines: VecDeque<String>,
}

impl Tail {
    /// Bytes of this run come next. An earlier one that has something to say belatedly takes nothing away from the current one.
    pub(crate) fn begin(&mut self, run: u32) {
        if run > self.run {
            *self = Self { run, ..Self::default() };
        }
    }

    /// Takes bytes of a run in. `remember`: they are not kept anywhere else.
    pub(crate) fn note(&mut self, run: u32, chunk: &[u8], remember: bool) {
        if run != self.run {
            return;
        }
        self.rows += count_rows(chunk);
        self.is_open = chunk.last().is_some_and(|byte| *byte != b'\n');
        if remember {
            self.ring.get_or_insert_default().note(chunk);
        }
    }

    /// How many lines this run wrote, if it is the current one.
    pub(crate) fn total(&self, run: u32) -> Option<usize> {
        (run == self.run).then(|| usize::try_from(self.rows).unwrap_or(usize::MAX) + usize::from(self.is_open))
    }

    /// The last lines that were remembered of this run.
    pub(crate) fn lines(&mut self, run: u32, max_lines: usize) -> Vec<String> {
        let Some(ring) = self.ring.as_mut().filter(|_| run == self.run) else { return Vec::new() };
        if let Some(row) = ring.rows.close() {
            push(&mut ring.lines, row);
        }
        ring.lines.iter().skip(ring.lines.len().saturating_sub(max_lines)).cloned().collect()
    }
}

impl Ring {
    fn note(&mut self, mut chunk: &[u8]) {
        // Of many lines only the last can remain.
        if let Some(before) = memchr::memrchr_iter(b'\n', chunk).nth(LINES) {
            self.rows = Rows::default();
            chunk = &chunk[before + 1..];
        }
        while let Some(row) = self.rows.take(&mut chunk) {
            push(&mut self.lines, row.bytes);
        }
    }
}

fn push(lines: &mut VecDeque<String>, row: &[u8]) {
    if lines.len() == LINES {
        lines.pop_front();
    }
    lines.push_back(ansi::to_text(&row[..row.len().min(LINE)]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_and_the_last_ones_remembered() {
        let mut tail = Tail::default();
        tail.begin(3);
        tail.note(3, b"a\nb\nc", true);
        tail.note(3, b"c\nd", true);
        assert_eq!(tail.total(3), Some(4));
        assert_eq!(tail.lines(3, 2), ["cc", "d"]);
        assert_eq!((tail.total(2), tail.lines(2, 2)), (None, vec![]));
    }

    #[test]
    fn of_many_lines_at_once_the_last_are_remembered_as_if_they_came_one_by_one() {
        let text: Vec<u8> = (0..5000).flat_map(|number| format!("line {number}\r\n").into_bytes()).collect();
        let last_lines = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let mut tail = Tail::default();
            tail.begin(1);
            pieces.for_each(|piece| tail.note(1, piece, true));
            (tail.total(1), tail.lines(1, LINES))
        };
        let expected = last_lines(&mut text.chunks(5));
        assert_eq!(expected.1.last().unwrap(), "line 4999");
        for length in [400, 1000, 64 * 1024] {
            assert_eq!(last_lines(&mut text.chunks(length)), expected, "in pieces of {length}");
            assert_eq!(last_lines(&mut text[..text.len() - 3].chunks(length)).1.last().unwrap(), "line 499");
        }
    }

    #[test]
    fn another_run_begins_at_nothing() {
        let mut tail = Tail::default();
        tail.begin(1);
        tail.note(1, b"a\n", true);
        tail.begin(2);
        assert_eq!((tail.total(2), tail.lines(2, 9)), (Some(0), vec![]));
    }

    #[test]
    fn what_is_said_of_an_earlier_run_takes_nothing_from_this_one() {
        let mut tail = Tail::default();
        tail.begin(2);
        tail.note(2, b"a\n", true);
        tail.begin(1);
        tail.note(1, b"mail sent\n", true);
        tail.begin(2);
        assert_eq!((tail.total(2), tail.lines(2, 9)), (Some(1), vec!["a".to_owned()]));
    }
}
