//! Takes escape sequences out of a stream of bytes, whatever the pieces it comes in: `strip_ansi` of supervisord's.
//!
//! Colours, cursor movements and titles go; everything else, other controls too, stays as it is. (supervisord knows only the
//! sequences of its `dispatchers.py` `stripEscapes`, and loses count where one spans two reads.)

use memchr::memchr;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

/// Where in a sequence the stream is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stripper {
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Behind ESC, perhaps with intermediate bytes.
    Escape,
    /// Behind ESC [.
    Control,
    /// Behind ESC ], P, X, ^ or _: up to BEL or ESC \.
    String,
    /// Behind an ESC in such a text.
    StringEscape,
}

impl Stripper {
    /// Appends what of the next piece is no escape sequence.
    pub fn strip(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        while !piece.is_empty() {
            if self.state == State::Text {
                let length = memchr(ESC, piece).unwrap_or(piece.len());
                out.extend_from_slice(&piece[..length]);
                piece = &piece[length..];
            }
            let Some((byte, rest)) = piece.split_first() else { return };
            self.take(*byte, out);
            piece = rest;
        }
    }

    /// A line end ends every sequence: what is broken must not swallow a log.
    fn take(&mut self, byte: u8, out: &mut Vec<u8>) {
        if byte == b'\n' {
            self.state = State::Text;
            out.push(byte);
            return;
        }
        self.state = match (self.state, byte) {
            (State::String, BEL) => State::Text,
            (State::String, ESC) => State::StringEscape,
            (State::String, _) => State::String,
            (State::StringEscape, b'\\') => State::Text,
            (_, ESC) => State::Escape,
            (State::Escape | State::StringEscape, b'[') => State::Control,
            (State::Escape | State::StringEscape, b']' | b'P' | b'X' | b'^' | b'_') => State::String,
            (State::Escape, 0x20..=0x2f) => State::Escape,
            (State::Control, 0x20..=0x3f) => State::Control,
            (State::Escape | State::Control | State::StringEscape, _) => State::Text,
            (State::Text, _) => {
                out.push(byte);
                State::Text
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strip(pieces: &[&[u8]]) -> String {
        let (mut stripper, mut out) = (Stripper::default(), Vec::new());
        for piece in pieces {
            stripper.strip(piece, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn sequences_go_and_everything_else_stays() {
        for (text, plain) in [
            ("\x1b[1;32mgreen\x1b[0m\tand\r\n", "green\tand\r\n"),
            ("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b\x1b(Bc", "abc"),
            ("cut \x1b[3\nnext", "cut \nnext"),
            ("\x1b[31m\x1b[1mtwice", "twice"),
            ("grün \x07", "grün \x07"),
        ] {
            assert_eq!(strip(&[text.as_bytes()]), plain);
        }
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(text in "(\x1b\\[[0-9;]{0,4}[mKH]|\x1b\\]0;t\x07|[a-z\n]){0,20}", at in 0usize..60) {
            let at = at.min(text.len());
            let (front, back) = text.as_bytes().split_at(at);
            prop_assert_eq!(strip(&[front, back]), strip(&[text.as_bytes()]));
        }
    }
}
