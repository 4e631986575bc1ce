//! Rows of programs on their way into the screen's buffer.

use std::borrow::Cow;

use memchr::memchr_iter;

use crate::codec::ansi::{self, Style};
use crate::codec::lines::{ROW_CAP, Row, Rows};

/// The buffer of the screen while program rows are appended.
#[derive(Debug)]
pub struct Page<'a> {
    /// What is written next.
    pub buffer: &'a mut Vec<u8>,
    /// No row begins beyond this length of the buffer, in bytes.
    pub limit: usize,
    /// How rows may look.
    pub style: Style,
    /// The time before each row, if any.
    pub stamp: &'a [u8],
    /// Ends a row whose line goes on.
    pub open_mark: &'static [u8],
}

impl Page<'_> {
    /// Whether another row may be appended.
    pub fn has_room(&self) -> bool {
        self.buffer.len() < self.limit
    }

    /// Appends the rows of a chunk, all or, with `is_bounded`, as many as there is room for; what is left of the chunk stays in it.
    /// `is_plain`: the chunk has nothing that needs care.
    pub fn put_rows(&mut self, prefix: &[u8], rows: &mut Rows, chunk: &mut &[u8], is_plain: bool, is_bounded: bool) {
        loop {
            if is_plain && rows.is_at_line_start() {
                self.put_whole(prefix, chunk, is_bounded);
            }
            if is_bounded && !self.has_room() {
                return;
            }
            let Some(row) = rows.take(chunk) else { return };
            self.put(prefix, row, is_plain && !row.is_joined);
        }
    }

    /// The same for whole plain lines that a row can hold: most of what programs write, and done for each line of a flood.
    fn put_whole(&mut self, prefix: &[u8], chunk: &mut &[u8], is_bounded: bool) {
        let head =
            if self.stamp.is_empty() { Cow::Borrowed(prefix) } else { Cow::Owned([self.stamp, prefix].concat()) };
        let mut begin = 0;
        for end in memchr_iter(b'\n', chunk) {
            if end - begin > ROW_CAP || (is_bounded && !self.has_room()) {
                break;
            }
            self.buffer.extend_from_slice(&head);
            self.buffer.extend_from_slice(&chunk[begin..=end]);
            begin = end + 1;
        }
        *chunk = &chunk[begin..];
    }

    /// Appends a row. `is_plain`: it is known to have nothing that needs care.
    pub fn put(&mut self, prefix: &[u8], row: Row<'_>, is_plain: bool) {
        self.buffer.extend_from_slice(self.stamp);
        self.buffer.extend_from_slice(prefix);
        if is_plain {
            self.buffer.extend_from_slice(row.bytes);
        } else {
            ansi::render(row.bytes, self.style, self.buffer);
        }
        if !row.is_finished {
            self.buffer.extend_from_slice(self.open_mark);
        }
        self.buffer.push(b'\n');
    }

    /// Appends a row of our own about a program.
    pub fn put_raw(&mut self, prefix: &[u8], text: &[u8]) {
        self.put(prefix, Row { bytes: text, is_finished: true, is_joined: false }, true);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const STYLE: Style = Style { is_terminal: true, colour: true };

    fn page(buffer: &mut Vec<u8>, limit: usize) -> Page<'_> {
        Page { buffer, limit, style: STYLE, stamp: b"+1s ", open_mark: b"\\" }
    }

    /// Row by row, each with care.
    fn slowly(chunks: &[Vec<u8>], limit: usize, is_bounded: bool) -> (Vec<u8>, usize) {
        let (mut buffer, mut rows, mut left) = (Vec::new(), Rows::default(), 0);
        for chunk in chunks {
            let (mut page, mut chunk) = (page(&mut buffer, limit), &chunk[..]);
            while page.has_room() || !is_bounded {
                let Some(row) = rows.take(&mut chunk) else { break };
                page.put(b"web | ", row, false);
            }
            left += chunk.len();
        }
        (buffer, left)
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            4 => "[a-z ]{0,12}\n".prop_map(String::into_bytes),
            2 => "[a-z]{1,5}".prop_map(String::into_bytes),
            1 => Just(vec![b'x'; ROW_CAP]),
            1 => Just(vec![b'x'; ROW_CAP - 3]),
        ]
    }

    proptest! {
        #[test]
        fn plain_lines_come_out_as_if_each_was_taken_by_itself(
            pieces in vec(vec(piece(), 0..6), 0..6),
            limit in 0_usize..200,
            is_bounded: bool,
        ) {
            let chunks: Vec<Vec<u8>> = pieces.iter().map(|pieces| pieces.concat()).collect();
            let (mut buffer, mut rows, mut left) = (Vec::new(), Rows::default(), 0);
            for chunk in &chunks {
                let mut rest = &chunk[..];
                page(&mut buffer, limit).put_rows(b"web | ", &mut rows, &mut rest, true, is_bounded);
                left += rest.len();
            }
            prop_assert!((buffer, left) == slowly(&chunks, limit, is_bounded));
        }
    }
}
