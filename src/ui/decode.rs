//! Bytes from a terminal, as keys.

/// One key press, as far as it means something to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A letter, a digit, a sign.
    Char(char),
    /// Return.
    Enter,
    /// Esc alone.
    Escape,
    /// Backspace, also as Ctrl-H.
    Backspace,
    /// Everything at once away: Ctrl-U.
    Clear,
}

/// Turns chunks of bytes into keys. Arrows, function keys and other sequences mean nothing and are swallowed whole.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    /// A character or sequence whose end has not come yet.
    pending: Vec<u8>,
}

/// What the first bytes of the buffer are.
enum Step {
    /// This key, of so many bytes.
    Key(Key, usize),
    /// Nothing to us, of so many bytes.
    Skip(usize),
    /// The end is missing.
    More,
}

impl Decoder {
    /// Takes in one chunk as it was read. An ESC at its end is the Esc key: a terminal writes a sequence in one piece.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.pending.extend_from_slice(bytes);
        let (mut keys, mut at) = (Vec::new(), 0);
        while at < self.pending.len() {
            match first_key(&self.pending[at..]) {
                Step::Key(key, length) => {
                    keys.push(key);
                    at += length;
                }
                Step::Skip(length) => at += length,
                Step::More => break,
            }
        }
        self.pending.drain(..at);
        keys
    }
}

/// Reads the first key of a buffer that is not empty.
fn first_key(bytes: &[u8]) -> Step {
    match bytes {
        [0x1b] | [0x1b, 0x1b, ..] => Step::Key(Key::Escape, 1),
        [0x1b, b'[', rest @ ..] => match rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) {
            Some(end) => Step::Skip(end + 3),
            None if rest.len() > 32 => Step::Skip(bytes.len()),
            None => Step::More,
        },
        [0x1b, b'O', _, ..] => Step::Skip(3),
        [] | [0x1b, b'O'] => Step::More,
        [0x1b, _, ..] => Step::Skip(2),
        [b'\r' | b'\n', ..] => Step::Key(Key::Enter, 1),
        [0x7f | 0x08, ..] => Step::Key(Key::Backspace, 1),
        [0x15, ..] => Step::Key(Key::Clear, 1),
        [0..=0x1f, ..] => Step::Skip(1),
        [first, ..] => character(*first, bytes),
    }
}

/// Reads a UTF-8 character, whose first byte says how long it is (RFC 3629).
fn character(first: u8, bytes: &[u8]) -> Step {
    let length = match first {
        0..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Step::Skip(1),
    };
    let Some(whole) = bytes.get(..length) else { return Step::More };
    match str::from_utf8(whole).ok().and_then(|text| text.chars().next()).filter(|c| !c.is_control()) {
        Some(c) => Step::Key(Key::Char(c), length),
        None => Step::Skip(1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_arrive_one_by_one_and_sequences_are_swallowed() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"ra\x1b[A\x1bOP\x1b[1;5C\n"), [Key::Char('r'), Key::Char('a'), Key::Enter]);
        assert_eq!(decoder.feed(b"\x7f\x08\x15\x01"), [Key::Backspace, Key::Backspace, Key::Clear]);
    }

    #[test]
    fn escape_alone_is_a_key() {
        assert_eq!(Decoder::default().feed(b"\x1b"), [Key::Escape]);
        assert_eq!(Decoder::default().feed(b"\x1b\x1b"), [Key::Escape, Key::Escape]);
    }

    #[test]
    fn a_character_may_come_in_two_pieces() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(&[0xc3]), []);
        assert_eq!(decoder.feed(&[0xa4]), [Key::Char('ä')]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_control_character(bytes in any::<Vec<u8>>()) {
            for key in Decoder::default().feed(&bytes) {
                prop_assert!(!matches!(key, Key::Char(c) if c.is_control()));
            }
        }
    }
}
