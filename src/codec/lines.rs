//! Chunks of bytes to rows: lines, and pieces of lines that are too long. Nothing is copied but a line that spans chunks.

use memchr::memchr;

/// The longest row in bytes. A longer line is shown in pieces, so that its memory is bounded.
pub const ROW_CAP: usize = 64 * 1024;

/// One row, without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// What was written. A carriage return before the line end is still there.
    pub bytes: &'a [u8],
    /// Whether it ends with a line end; otherwise the line goes on in the next row.
    pub is_finished: bool,
    /// Whether it began in an earlier chunk.
    pub is_joined: bool,
}

/// Splits chunks into rows. Keeps only the line that is not finished, and no memory when there is none.
#[derive(Debug, Default)]
pub struct Rows {
    held: Vec<u8>,
    /// `held` was given out and is forgotten at the next call.
    is_spent: bool,
    /// The row before this one was a piece of the same line.
    is_continued: bool,
}

impl Rows {
    /// Takes the next row from the front of the chunk. `None`: the chunk is used up, and what is left of it is held.
    ///
    /// A line end that only finishes a piece which was already given out makes no row.
    pub fn take<'a, 'chunk: 'a>(&'a mut self, chunk: &mut &'chunk [u8]) -> Option<Row<'a>> {
        self.forget_spent();
        while !chunk.is_empty() {
            let end = memchr(b'\n', chunk);
            let length = end.unwrap_or(chunk.len());
            if self.held.len() + length > ROW_CAP {
                return Some(self.cut(chunk));
            }
            let piece = &chunk[..length];
            *chunk = &chunk[(length + usize::from(end.is_some()))..];
            if end.is_none() {
                self.held.extend_from_slice(piece);
                return None;
            }
            let was_continued = std::mem::take(&mut self.is_continued);
            if was_continued && is_blank(&self.held) && is_blank(piece) {
                self.held = Vec::new();
                continue;
            }
            return Some(self.finish(piece));
        }
        None
    }

    /// Whether the next byte begins a line.
    pub fn is_at_line_start(&mut self) -> bool {
        self.forget_spent();
        self.held.is_empty() && !self.is_continued
    }

    /// Gives out the unfinished line, if there is one. What comes next goes on with it.
    pub fn flush(&mut self) -> Option<&[u8]> {
        self.forget_spent();
        if self.held.is_empty() {
            return None;
        }
        (self.is_spent, self.is_continued) = (true, true);
        Some(&self.held)
    }

    /// The unfinished line, if there is one, without giving it out.
    pub fn unfinished(&self) -> Option<&[u8]> {
        self.is_holding().then_some(&self.held[..])
    }

    /// Gives out the unfinished line as a whole one: nothing will finish it.
    pub fn close(&mut self) -> Option<&[u8]> {
        self.forget_spent();
        let was_continued = std::mem::take(&mut self.is_continued);
        self.is_spent = true;
        let has_nothing = self.held.is_empty() || (was_continued && is_blank(&self.held));
        (!has_nothing).then_some(&self.held[..])
    }

    /// Whether a line has begun that has not been given out.
    pub fn is_holding(&self) -> bool {
        !self.is_spent && !self.held.is_empty()
    }

    /// Whether what is held would be seen: a lone carriage return would not.
    pub fn is_holding_text(&self) -> bool {
        !self.is_spent && !is_blank(&self.held)
    }

    fn finish<'a>(&'a mut self, piece: &'a [u8]) -> Row<'a> {
        if self.held.is_empty() {
            return Row { bytes: piece, is_finished: true, is_joined: false };
        }
        self.held.extend_from_slice(piece);
        self.is_spent = true;
        Row { bytes: &self.held, is_finished: true, is_joined: true }
    }

    /// Gives out as much as one row may have, without cutting a character.
    fn cut<'a, 'chunk: 'a>(&'a mut self, chunk: &mut &'chunk [u8]) -> Row<'a> {
        let room = ROW_CAP - self.held.len();
        let back = (0..4).find(|back| room < back + 1 || chunk[room - back] & 0xc0 != 0x80).unwrap_or(0);
        let (piece, rest) = chunk.split_at(room - back);
        *chunk = rest;
        self.is_continued = true;
        if self.held.is_empty() {
            return Row { bytes: piece, is_finished: false, is_joined: false };
        }
        self.held.extend_from_slice(piece);
        self.is_spent = true;
        Row { bytes: &self.held, is_finished: false, is_joined: true }
    }

    fn forget_spent(&mut self) {
        if std::mem::take(&mut self.is_spent) {
            self.held = Vec::new();
        }
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == b'\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn feed(rows: &mut Rows, chunk: &[u8]) -> Vec<(Vec<u8>, bool)> {
        let mut rest = chunk;
        let mut found = Vec::new();
        while let Some(row) = rows.take(&mut rest) {
            found.push((row.bytes.to_vec(), row.is_finished));
        }
        assert!(rest.is_empty());
        found
    }

    fn lines(texts: &[&str]) -> Vec<(Vec<u8>, bool)> {
        texts.iter().map(|text| (text.as_bytes().to_vec(), true)).collect()
    }

    #[test]
    fn a_line_over_several_chunks_is_one_row() {
        let mut rows = Rows::default();
        assert_eq!(feed(&mut rows, b"one\ntw"), lines(&["one"]));
        assert_eq!(feed(&mut rows, b"o"), []);
        assert_eq!(feed(&mut rows, b"\n\nfour"), lines(&["two", ""]));
        assert_eq!(rows.close(), Some(&b"four"[..]));
        assert_eq!(rows.close(), None);
    }

    #[test]
    fn what_finishes_a_piece_that_was_shown_makes_no_empty_row() {
        let mut rows = Rows::default();
        assert_eq!(feed(&mut rows, b"name? "), []);
        assert_eq!(rows.flush(), Some(&b"name? "[..]));
        assert_eq!(rows.flush(), None);
        assert_eq!(feed(&mut rows, b"\r\n\nx\n"), lines(&["", "x"]));
    }

    #[test]
    fn what_follows_a_flushed_piece_is_a_row_of_its_own() {
        let mut rows = Rows::default();
        feed(&mut rows, b"10%");
        rows.flush();
        assert_eq!(feed(&mut rows, b" 20%\n"), lines(&[" 20%"]));
    }

    #[test]
    fn a_line_over_the_cap_comes_in_pieces_of_whole_characters() {
        let mut rows = Rows::default();
        let mut text = "x".repeat(ROW_CAP - 1);
        text.push_str("é\n");
        let found = feed(&mut rows, text.as_bytes());
        assert_eq!(found, [(vec![b'x'; ROW_CAP - 1], false), ("é".as_bytes().to_vec(), true)]);
    }

    #[test]
    fn a_line_of_exactly_the_cap_is_whole() {
        let mut rows = Rows::default();
        let text = vec![b'x'; ROW_CAP];
        assert_eq!(feed(&mut rows, &text), []);
        assert_eq!(feed(&mut rows, b"\n"), [(text, true)]);
    }

    #[test]
    fn nothing_held_means_no_memory() {
        let mut rows = Rows::default();
        feed(&mut rows, &vec![b'x'; 5000]);
        feed(&mut rows, b"\n");
        feed(&mut rows, b"y\n");
        assert_eq!(rows.held.capacity(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_rows_do_not_depend_on_where_the_chunks_end(
            parts in proptest::collection::vec("[a-c\\n]{0,9}", 0..12)
        ) {
            let whole = parts.concat();
            let mut apart = Rows::default();
            let mut split: Vec<_> = parts.iter().flat_map(|part| feed(&mut apart, part.as_bytes())).collect();
            split.extend(apart.close().map(|rest| (rest.to_vec(), true)));
            prop_assert_eq!(split, lines(&whole.lines().collect::<Vec<_>>()));
        }

        #[test]
        fn no_byte_is_lost(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40_000), 0..6)) {
            let mut rows = Rows::default();
            let mut joined = Vec::new();
            for chunk in &chunks {
                for (bytes, is_finished) in feed(&mut rows, chunk) {
                    joined.extend(bytes);
                    if is_finished {
                        joined.push(b'\n');
                    }
                }
            }
            joined.extend(rows.close().unwrap_or_default());
            let mut expected = chunks.concat();
            // Only a line end right after a cut piece may be missing: the pieces were already whole rows.
            if joined.len() == expected.len() {
                prop_assert_eq!(joined, expected);
            } else {
                expected.retain(|b| *b != b'\n');
                joined.retain(|b| *b != b'\n');
                prop_assert_eq!(joined, expected);
            }
        }
    }
}
