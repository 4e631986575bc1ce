//! Bytes from a terminal as presses: keys with their modifiers, the mouse (SGR, mode 1006), pasted text (mode 2004). Pure.
//!
//! Sources: xterm's `ctlseqs` for keys, mouse and paste; the kitty keyboard protocol for `CSI … u`, which some terminals send for Esc.

/// One thing that was done at the keyboard or with the mouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Press {
    /// A key.
    Key(Key),
    /// The mouse.
    Mouse(Mouse),
    /// Text that was pasted.
    Paste(String),
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A letter, a digit, a sign.
    Char(char),
    /// Control and a letter, in lower case.
    Ctrl(char),
    /// Return.
    Enter,
    /// Esc alone.
    Escape,
    /// Backspace.
    Backspace,
    /// The tabulator.
    Tab,
    /// The tabulator backwards.
    BackTab,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
}

/// What the mouse did, and where: columns and rows from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What.
    pub what: MouseWhat,
    /// The column.
    pub column: u16,
    /// The row.
    pub row: u16,
}

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseWhat {
    /// The left button went down.
    Press,
    /// It was moved with the left button down.
    Drag,
    /// The button went up.
    Release,
    /// The wheel, towards the top.
    WheelUp,
    /// The wheel, towards the bottom.
    WheelDown,
}

/// The beginning and end of pasted text.
const PASTE: (&[u8], &[u8]) = (b"\x1b[200~", b"\x1b[201~");

/// The longest sequence that is waited for, in bytes; pasted text may be longer.
const LONGEST: usize = 64;

/// The most of pasted text that is waited for, in bytes.
const LONGEST_PASTE: usize = 1 << 20;

/// Turns what was read into presses.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    pending: Vec<u8>,
}

/// What the first bytes are.
enum Step {
    Press(Press, usize),
    Skip(usize),
    More,
}

impl Decoder {
    /// Takes in one piece as it was read. An ESC at its end is the Esc key: a terminal writes a sequence in one piece.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Press> {
        self.pending.extend_from_slice(bytes);
        let (mut presses, mut at) = (Vec::new(), 0);
        while at < self.pending.len() {
            match first(&self.pending[at..]) {
                Step::Press(press, length) => {
                    presses.push(press);
                    at += length;
                }
                Step::Skip(length) => at += length,
                Step::More => break,
            }
        }
        self.pending.drain(..at);
        presses
    }
}

fn first(bytes: &[u8]) -> Step {
    let key = |key, length| Step::Press(Press::Key(key), length);
    match bytes {
        [0x1b, b'[', ..] if bytes.starts_with(PASTE.0) => pasted(bytes),
        [0x1b, b'[', rest @ ..] => sequence(rest),
        [0x1b, b'O', letter, ..] => named(*letter).map_or(Step::Skip(3), |found| key(found, 3)),
        [] | [0x1b, b'O'] => Step::More,
        // No key is an ESC and a letter here, so these are two that came at once.
        [0x1b, ..] => key(Key::Escape, 1),
        [b'\r' | b'\n', ..] => key(Key::Enter, 1),
        [b'\t', ..] => key(Key::Tab, 1),
        [0x7f | 0x08, ..] => key(Key::Backspace, 1),
        [control @ 1..=0x1a, ..] => key(Key::Ctrl(char::from(control + b'a' - 1)), 1),
        [0..=0x1f, ..] => Step::Skip(1),
        [head, ..] => character(*head, bytes),
    }
}

fn character(head: u8, bytes: &[u8]) -> Step {
    let length = match head {
        0..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Step::Skip(1),
    };
    let Some(text) = bytes.get(..length) else { return Step::More };
    match std::str::from_utf8(text).ok().and_then(|text| text.chars().next()) {
        Some(found) => Step::Press(Press::Key(Key::Char(found)), length),
        None => Step::Skip(1),
    }
}

/// What follows `ESC [`.
fn sequence(rest: &[u8]) -> Step {
    let Some(end) = rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
        return if rest.len() > LONGEST { Step::Skip(rest.len() + 2) } else { Step::More };
    };
    let (length, parameters) = (end + 3, &rest[..end]);
    let press = match (rest[end], parameters) {
        (letter @ (b'M' | b'm'), [b'<', numbers @ ..]) => mouse(numbers, letter == b'm').map(Press::Mouse),
        (b'~', _) => tilde(parameters).map(Press::Key),
        (b'u', _) => kitty(parameters).map(Press::Key),
        (b'Z', _) => Some(Press::Key(Key::BackTab)),
        (letter, _) => named(letter).map(Press::Key),
    };
    press.map_or(Step::Skip(length), |press| Step::Press(press, length))
}

fn named(letter: u8) -> Option<Key> {
    match letter {
        b'A' => Some(Key::Up),
        b'B' => Some(Key::Down),
        b'C' => Some(Key::Right),
        b'D' => Some(Key::Left),
        b'H' => Some(Key::Home),
        b'F' => Some(Key::End),
        b'M' => Some(Key::Enter),
        _ => None,
    }
}

fn tilde(parameters: &[u8]) -> Option<Key> {
    match numbers(parameters).next()?? {
        1 | 7 => Some(Key::Home),
        4 | 8 => Some(Key::End),
        5 => Some(Key::PageUp),
        6 => Some(Key::PageDown),
        _ => None,
    }
}

/// `CSI code ; modifiers u`.
fn kitty(parameters: &[u8]) -> Option<Key> {
    let mut numbers = numbers(parameters);
    let code = numbers.next()??;
    let has_control = numbers.next().flatten().is_some_and(|modifiers| (modifiers.saturating_sub(1)) & 4 != 0);
    match (char::from_u32(code)?, has_control) {
        ('\x1b', _) => Some(Key::Escape),
        ('\r', _) => Some(Key::Enter),
        ('\t', _) => Some(Key::Tab),
        ('\x7f', _) => Some(Key::Backspace),
        (letter, true) => Some(Key::Ctrl(letter.to_ascii_lowercase())),
        (letter, false) if !letter.is_control() => Some(Key::Char(letter)),
        _ => None,
    }
}

fn mouse(parameters: &[u8], is_release: bool) -> Option<Mouse> {
    let mut numbers = numbers(parameters);
    let (button, column, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let what = match button & !0b1_1100 {
        0 if is_release => MouseWhat::Release,
        0 => MouseWhat::Press,
        32 => MouseWhat::Drag,
        64 => MouseWhat::WheelUp,
        65 => MouseWhat::WheelDown,
        _ => return None,
    };
    let from_0 = |number: u32| u16::try_from(number.saturating_sub(1)).ok();
    Some(Mouse { what, column: from_0(column)?, row: from_0(row)? })
}

fn numbers(parameters: &[u8]) -> impl Iterator<Item = Option<u32>> + '_ {
    parameters.split(|byte| *byte == b';').map(|number| {
        let number = number.split(|byte| *byte == b':').next().unwrap_or_default();
        std::str::from_utf8(number).ok()?.parse().ok()
    })
}

fn pasted(bytes: &[u8]) -> Step {
    let text = &bytes[PASTE.0.len()..];
    match text.windows(PASTE.1.len()).position(|window| window == PASTE.1) {
        Some(end) => {
            let pasted = String::from_utf8_lossy(&text[..end]).into_owned();
            Step::Press(Press::Paste(pasted), PASTE.0.len() + end + PASTE.1.len())
        }
        None if text.len() > LONGEST_PASTE => Step::Skip(bytes.len()),
        None => Step::More,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let presses = Decoder::default().feed(bytes);
        presses
            .into_iter()
            .filter_map(|press| match press {
                Press::Key(key) => Some(key),
                Press::Mouse(_) | Press::Paste(_) => None,
            })
            .collect()
    }

    #[test]
    fn keys_are_known_by_their_sequences() {
        assert_eq!(
            keys(b"\x1b[A\x1bOB\x1b[5~\x1b[1;5H\x1b[Z"),
            [Key::Up, Key::Down, Key::PageUp, Key::Home, Key::BackTab]
        );
        assert_eq!(
            keys("q\x03\x1a\r\té".as_bytes()),
            [Key::Char('q'), Key::Ctrl('c'), Key::Ctrl('z'), Key::Enter, Key::Tab, Key::Char('é')]
        );
        assert_eq!(keys(b"\x1b"), [Key::Escape]);
        assert_eq!(keys(b"\x1bq"), [Key::Escape, Key::Char('q')]);
        assert_eq!(keys(b"\x1b[27u\x1b[99;5u"), [Key::Escape, Key::Ctrl('c')]);
    }

    #[test]
    fn a_sequence_in_two_pieces_is_one_key() {
        let mut decoder = Decoder::default();
        assert!(decoder.feed(b"\x1b[").is_empty());
        assert_eq!(decoder.feed(b"B"), [Press::Key(Key::Down)]);
    }

    #[test]
    fn the_mouse_is_told_from_its_wheel() {
        let presses =
            Decoder::default().feed(b"\x1b[<0;3;5M\x1b[<32;4;5M\x1b[<0;4;5m\x1b[<64;1;1M\x1b[<65;1;1M\x1b[<2;1;1M");
        let mouse = |what, column, row| Press::Mouse(Mouse { what, column, row });
        assert_eq!(
            presses,
            [
                mouse(MouseWhat::Press, 2, 4),
                mouse(MouseWhat::Drag, 3, 4),
                mouse(MouseWhat::Release, 3, 4),
                mouse(MouseWhat::WheelUp, 0, 0),
                mouse(MouseWhat::WheelDown, 0, 0),
            ]
        );
    }

    #[test]
    fn pasted_text_is_no_keys() {
        assert_eq!(Decoder::default().feed(b"\x1b[200~qx\r\x1b[201~"), [Press::Paste("qx\r".into())]);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut decoder = Decoder::default();
            decoder.feed(&bytes);
            decoder.feed(b"q");
        }
    }
}
