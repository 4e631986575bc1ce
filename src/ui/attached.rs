//! Output of an attached process as it is shown: lines for a program with pipes, bytes for one with a terminal.

use crate::codec::ansi::{self, Style};

/// The most of an unfinished line that is kept, in bytes.
const LONGEST: usize = 64 << 10;

/// Lines of a program with pipes. Nothing in them can move the cursor. On a terminal an unfinished line is shown as it grows, because it
/// may be a question.
#[derive(Debug)]
pub struct Lines {
    style: Style,
    /// Of both outputs.
    open: [Open; 2],
}

/// A line that has no end yet.
#[derive(Debug, Default)]
struct Open {
    bytes: Vec<u8>,
    /// So much of it is on the screen.
    shown: Vec<u8>,
}

impl Lines {
    /// For a stream of this kind.
    pub fn new(style: Style) -> Self {
        Self { style, open: <[Open; 2]>::default() }
    }

    /// What is to be written for these bytes.
    pub fn feed(&mut self, is_stderr: bool, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let open = &mut self.open[usize::from(is_stderr)];
            let is_whole = piece.last() == Some(&b'\n');
            open.bytes.extend_from_slice(piece.strip_suffix(b"\n").unwrap_or(piece));
            if is_whole || open.bytes.len() >= LONGEST {
                open.show(self.style, &mut out);
                out.push(b'\n');
                *open = Open::default();
            } else if self.style.is_terminal {
                open.show(self.style, &mut out);
            }
        }
        out
    }

    /// Ends what has no end.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        for open in &mut self.open {
            if !open.bytes.is_empty() {
                open.show(self.style, &mut out);
                out.push(b'\n');
            }
            *open = Open::default();
        }
        out
    }
}

impl Open {
    /// Writes what is not shown yet; from the beginning of the line where that is now another.
    fn show(&mut self, style: Style, out: &mut Vec<u8>) {
        let mut now = Vec::with_capacity(self.bytes.len());
        ansi::render(&self.bytes, style, &mut now);
        if let Some(rest) = now.strip_prefix(&self.shown[..]) {
            out.extend_from_slice(rest);
        } else {
            out.extend_from_slice(b"\r\x1b[K");
            out.extend_from_slice(&now);
        }
        self.shown = now;
    }
}

/// The last so many lines, from the beginning of a line on.
pub fn last_rows(bytes: &[u8], rows: usize) -> &[u8] {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut ends = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    match rows.checked_sub(1).and_then(|before| ends.nth(before)) {
        Some(at) => &bytes[at + 1..],
        None => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Style = Style { is_terminal: true, colour: true };

    fn fed(style: Style, pieces: &[&str]) -> String {
        let mut lines = Lines::new(style);
        let mut out: Vec<u8> = pieces.iter().flat_map(|piece| lines.feed(false, piece.as_bytes())).collect();
        out.extend(lines.finish());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_question_is_shown_before_its_line_ends() {
        let mut lines = Lines::new(SCREEN);
        assert_eq!(lines.feed(false, b"one\nname? "), b"one\nname? ");
        assert_eq!(lines.feed(false, b"hello\n"), b"hello\n");
    }

    #[test]
    fn a_line_that_has_changed_is_written_anew() {
        assert_eq!(fed(SCREEN, &["10 %", "\r20 %", "\n"]), "10 %\r\x1b[K20 %\n");
    }

    #[test]
    fn nothing_moves_the_cursor_out_of_its_line() {
        assert_eq!(fed(SCREEN, &["\x1b[2J\x1b[Hgone\n\x1b[?1049hx\n"]), "gone\nx\n");
        assert_eq!(fed(Style::TEXT, &["a\x1b[", "2Jb\n", "rest"]), "a\\x1b[2Jb\nrest\n");
    }

    #[test]
    fn the_last_rows_begin_with_a_line() {
        assert_eq!(last_rows(b"a\nb\nc\n", 2), b"b\nc\n");
        assert_eq!(last_rows(b"a\nb\n>>> ", 2), b"b\n>>> ");
        assert_eq!(last_rows(b"a\n", 5), b"a\n");
        assert_eq!(last_rows(b"", 5), b"");
    }
}
