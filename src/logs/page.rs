//! Rows of programs on their way into the screen's buffer.

use crate::codec::ansi::{self, Style};
use crate::codec::lines::Row;

/// The buffer of the screen while program rows are appended.
pub(crate) struct Page<'a> {
    pub(super) buffer: &'a mut Vec<u8>,
    pub(super) limit: usize,
    pub(super) style: Style,
    pub(super) stamp: &'a [u8],
    pub(super) open_mark: &'static [u8],
}

impl Page<'_> {
    /// Whether another row may be appended.
    pub(crate) fn has_room(&self) -> bool {
        self.buffer.len() < self.limit
    }

    /// Appends a row. `is_plain`: it is known to have nothing that needs care.
    pub(crate) fn put(&mut self, prefix: &[u8], row: Row<'_>, is_plain: bool) {
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
    pub(crate) fn put_raw(&mut self, prefix: &[u8], text: &[u8]) {
        self.put(prefix, Row { bytes: text, is_finished: true, is_joined: false }, true);
    }
}
