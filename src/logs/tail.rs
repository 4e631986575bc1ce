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
    /// Another run begins.
    pub(crate) fn begin(&mut self, run: u32) {
        *self = Self { run, ..Self::default() };
    }

    /// Takes bytes in. `remember`: they are not kept anywhere else.
    pub(crate) fn note(&mut self, chunk: &[u8], remember: bool) {
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
        tail.note(b"a\nb\nc", true);
        tail.note(b"c\nd", true);
        assert_eq!(tail.total(3), Some(4));
        assert_eq!(tail.lines(3, 2), ["cc", "d"]);
        assert_eq!((tail.total(2), tail.lines(2, 2)), (None, vec![]));
    }

    #[test]
    fn another_run_begins_at_nothing() {
        let mut tail = Tail::default();
        tail.note(b"a\n", true);
        tail.begin(1);
        assert_eq!((tail.total(1), tail.lines(1, 9)), (Some(0), vec![]));
    }
}
