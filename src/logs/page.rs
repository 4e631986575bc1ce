//! Rows of programs on their way into the screen's buffer.

use crate::codec::ansi::{self, Style};
use crate::codec::lines::Row;

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
