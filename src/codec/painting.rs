//! Programs that paint the whole screen (an editor, a pager, `htop`) say so: they switch the terminal to its other screen and back
//! (`ESC [ ? 1049 h` and `l`; xterm's `ctlseqs`, "DEC Private Mode Set"). What comes in between is no text in lines.

use memchr::memchr;

/// The modes that mean the other screen, oldest last.
const MODES: [u16; 3] = [1049, 1047, 47];

const ESC: u8 = 0x1b;

/// Follows one stream, whose sequences may be cut anywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Painting {
    is_on: bool,
    at: Place,
}

/// How far into a sequence the bytes so far lead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Outside,
    /// After `ESC`.
    Escape,
    /// After `ESC [`.
    Bracket,
    /// After `ESC [ ?`: the number under way, and whether one before it was meant.
    Mode { number: u16, is_meant: bool },
}

impl Painting {
    /// Whether what comes next is painted.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether bytes without `ESC` leave everything as it is.
    pub fn is_idle(&self) -> bool {
        !self.is_on && self.at == Place::Outside
    }

    /// How many bytes at the front are of one kind: up to the end of the sequence that changes it.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            if self.at == Place::Outside {
                let Some(escape) = memchr(ESC, &bytes[at..]) else { return bytes.len() };
                at += escape;
            }
            let was_on = self.is_on;
            self.step(bytes[at]);
            at += 1;
            if was_on != self.is_on {
                return at;
            }
        }
        at
    }

    /// Goes through bytes that nobody shows.
    pub fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = &bytes[self.take(bytes)..];
        }
    }

    fn step(&mut self, byte: u8) {
        self.at = match (self.at, byte) {
            (_, ESC) => Place::Escape,
            (Place::Escape, b'[') => Place::Bracket,
            (Place::Bracket, b'?') => Place::Mode { number: 0, is_meant: false },
            (Place::Mode { number, is_meant }, b'0'..=b'9') => {
                let number = number.saturating_mul(10).saturating_add(u16::from(byte - b'0'));
                Place::Mode { number, is_meant }
            }
            (Place::Mode { number, is_meant }, b';') => {
                Place::Mode { number: 0, is_meant: is_meant || MODES.contains(&number) }
            }
            (Place::Mode { number, is_meant }, b'h' | b'l') => {
                if is_meant || MODES.contains(&number) {
                    self.is_on = byte == b'h';
                }
                Place::Outside
            }
            (Place::Outside | Place::Escape | Place::Bracket | Place::Mode { .. }, _) => Place::Outside,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces, and whether each was painted.
    fn pieces(chunks: &[&[u8]]) -> Vec<(bool, String)> {
        let mut painting = Painting::default();
        let mut pieces: Vec<(bool, String)> = Vec::new();
        for chunk in chunks {
            let mut rest = *chunk;
            while !rest.is_empty() {
                let is_on = painting.is_on();
                let length = painting.take(rest);
                let text = String::from_utf8_lossy(&rest[..length]).replace('\x1b', "^");
                match pieces.last_mut() {
                    Some((was_on, piece)) if *was_on == is_on => piece.push_str(&text),
                    _ => pieces.push((is_on, text)),
                }
                rest = &rest[length..];
            }
        }
        pieces
    }

    fn owned(pieces: &[(bool, &str)]) -> Vec<(bool, String)> {
        pieces.iter().map(|(is_on, text)| (*is_on, (*text).to_owned())).collect()
    }

    #[test]
    fn what_is_painted_lies_between_two_sequences() {
        let text = b"one\n\x1b[?1049hpaint\n\x1b[31mred\x1b[?1049ltwo\n";
        let expected = owned(&[(false, "one\n^[?1049h"), (true, "paint\n^[31mred^[?1049l"), (false, "two\n")]);
        assert_eq!(pieces(&[text]), expected);
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(pieces(&bytes), expected, "cut anywhere");
    }

    #[test]
    fn older_modes_and_several_at_once_count_and_others_do_not() {
        assert_eq!(pieces(&[b"\x1b[?47hx"]), owned(&[(false, "^[?47h"), (true, "x")]));
        assert_eq!(pieces(&[b"\x1b[?1;1047;25hx"]), owned(&[(false, "^[?1;1047;25h"), (true, "x")]));
        let others = b"\x1b[?25l\x1b[?104h\x1b[1049h\x1b[?10490h\x1b[?1049sx";
        assert_eq!(pieces(&[others]).len(), 1);
    }

    #[test]
    fn a_sequence_that_breaks_off_is_none() {
        assert_eq!(pieces(&[b"\x1b[?10\x1b[?49h", b"\x1b[?1049", b"\n1049hx"]).len(), 1);
        let mut painting = Painting::default();
        painting.take(b"text \x1b[31mred");
        assert!(painting.is_idle());
        painting.take(b"\x1b[?10");
        assert!(!painting.is_idle());
    }
}
