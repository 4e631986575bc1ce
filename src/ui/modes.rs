//! What a program has left switched on in a terminal, so that it can be switched off when we leave and on again when we come back:
//! the other screen, the mouse, bracketed paste, a hidden cursor.
//!
//! Only sequences are looked at, never drawn. Sources: ECMA-48 5.4; xterm's `ctlseqs` for the private modes; the kitty keyboard
//! protocol for `CSI > … u`.

use std::collections::BTreeMap;

/// Private modes that are on in a fresh terminal: autowrap and the visible cursor.
const ON_AT_FIRST: [u16; 2] = [7, 25];

/// Private modes that are followed: cursor keys, origin, autowrap, visible cursor, the other screen (three ways), mouse (six kinds), focus, paste,
/// held-back drawing, colour scheme news and size reports.
const FOLLOWED: &[u16] =
    &[1, 6, 7, 25, 47, 1047, 1049, 9, 1000, 1002, 1003, 1005, 1006, 1015, 1016, 1004, 2004, 2026, 2031, 2048];

/// The ones that show the other screen.
const OTHER_SCREEN: [u16; 3] = [47, 1047, 1049];

/// The longest sequence that is remembered while it is cut.
const LONGEST: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub struct Modes {
    /// Those that are not as in a fresh terminal.
    changed: BTreeMap<u16, bool>,
    has_keypad: bool,
    has_region: bool,
    has_cursor_shape: bool,
    has_other_letters: bool,
    /// So many keyboard protocols were pushed.
    keyboards: u16,
    has_other_keys: bool,
    /// A sequence that has begun, without its ESC.
    sequence: Option<Vec<u8>>,
}

impl Modes {
    /// Takes in what a program has written.
    pub fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match (&mut self.sequence, byte) {
                (_, 0x1b) => self.sequence = Some(Vec::new()),
                (None, _) => {}
                (Some(sequence), _) => {
                    sequence.push(*byte);
                    if is_whole(sequence) {
                        let sequence = self.sequence.take().unwrap_or_default();
                        self.take(&sequence);
                    } else if sequence.len() >= LONGEST {
                        self.sequence = None;
                    }
                }
            }
        }
    }

    /// Whether the other screen is shown, where programs draw that own the whole of it.
    pub fn is_on_other_screen(&self) -> bool {
        OTHER_SCREEN.iter().any(|mode| self.changed.get(mode) == Some(&true))
    }

    /// What puts a terminal back: nothing but the end of colours for a program that left nothing on.
    pub fn undo(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |condition: bool, text: &str| {
            if condition {
                out.extend_from_slice(text.as_bytes());
            }
        };
        put(self.keyboards > 0, &format!("\x1b[<{}u", self.keyboards));
        put(self.has_other_keys, "\x1b[>4m");
        for (mode, is_on) in &self.changed {
            put(true, &format!("\x1b[?{mode}{}", if *is_on { 'l' } else { 'h' }));
        }
        put(self.has_keypad, "\x1b>");
        // A region's end moves the cursor home.
        put(self.has_region, "\x1b7\x1b[r\x1b8");
        put(self.has_other_letters, "\x0f\x1b(B");
        put(self.has_cursor_shape, "\x1b[0 q");
        put(true, "\x1b[0m");
        out
    }

    /// What brings a fresh terminal to where the program believes it is.
    pub fn redo(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (mode, is_on) in &self.changed {
            out.extend_from_slice(format!("\x1b[?{mode}{}", if *is_on { 'h' } else { 'l' }).as_bytes());
        }
        if self.has_keypad {
            out.extend_from_slice(b"\x1b=");
        }
        out
    }

    /// One sequence.
    fn take(&mut self, sequence: &[u8]) {
        match sequence {
            b"c" => *self = Self::default(),
            b"=" => self.has_keypad = true,
            b">" => self.has_keypad = false,
            b"(0" | b")0" => self.has_other_letters = true,
            b"(B" => self.has_other_letters = false,
            [b'[', b'?', numbers @ .., b'h'] => self.switch(numbers, true),
            [b'[', b'?', numbers @ .., b'l'] => self.switch(numbers, false),
            b"[r" => self.has_region = false,
            [b'[', b'0'..=b'9' | b';', .., b'r'] => self.has_region = true,
            [b'[', shape @ .., b' ', b'q'] => self.has_cursor_shape = !matches!(shape, b"" | b"0"),
            [b'[', b'>', b'4', b';', level, b'm'] => self.has_other_keys = *level != b'0',
            [b'[', b'>', .., b'u'] => self.keyboards = self.keyboards.saturating_add(1),
            [b'[', b'<', count @ .., b'u'] => {
                self.keyboards = self.keyboards.saturating_sub(number(count).unwrap_or(1));
            }
            b"[!p" => *self = Self { keyboards: self.keyboards, ..Self::default() },
            _ => {}
        }
    }

    fn switch(&mut self, numbers: &[u8], is_on: bool) {
        for mode in numbers.split(|byte| *byte == b';').filter_map(number).filter(|mode| FOLLOWED.contains(mode)) {
            if is_on == ON_AT_FIRST.contains(&mode) {
                self.changed.remove(&mode);
            } else {
                self.changed.insert(mode, is_on);
            }
        }
    }
}

fn number(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Whether nothing more belongs to a sequence. What a string has in it is none of ours, so that it counts as over at once.
fn is_whole(sequence: &[u8]) -> bool {
    match sequence {
        [b'['] => false,
        [b'[', .., last] => matches!(last, 0x40..=0x7e | 0x00..=0x1f),
        [0x20..=0x2f] => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> (String, String) {
        let mut modes = Modes::default();
        // Cut anywhere.
        text.bytes().for_each(|byte| modes.feed(&[byte]));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace('\x1b', "^");
        (text(modes.undo()), text(modes.redo()))
    }

    #[test]
    fn who_left_nothing_on_gets_the_end_of_colours() {
        for text in [
            "",
            "plain \x1b[31mred",
            "\x1b[?2004h>>> \x1b[?2004l",
            "\x1b[?1049h\x1b[2J\x1b[?1049l",
            "\x1b[?25l\x1b[?25h",
        ] {
            assert_eq!(after(text), ("^[0m".to_owned(), String::new()), "{text:?}");
        }
    }

    #[test]
    fn what_an_editor_switches_on_is_switched_off_again() {
        let (undo, redo) =
            after("\x1b[?1049h\x1b[22;0;0t\x1b[>4;2m\x1b[?1h\x1b=\x1b[?2004h\x1b[1;40r\x1b[?25l\x1b[2 q");
        assert_eq!(undo, "^[>4m^[?1l^[?25h^[?1049l^[?2004l^>^7^[r^8^[0 q^[0m");
        assert_eq!(redo, "^[?1h^[?25l^[?1049h^[?2004h^=");
    }

    #[test]
    fn the_mouse_and_pushed_keyboards_are_given_back() {
        assert_eq!(after("\x1b[?1000;1006h\x1b[>1u\x1b[>5u\x1b[<u").0, "^[<1u^[?1000l^[?1006l^[0m");
    }

    #[test]
    fn a_reset_of_the_terminal_forgets_everything() {
        assert_eq!(after("\x1b[?1049h\x1b[?25l\x1bc").0, "^[0m");
    }

    #[test]
    fn strings_and_strangers_change_nothing() {
        assert_eq!(after("\x1b]0;title [?1049h\x07\x1b[?99999h\x1b[?12h\x1b[31").0, "^[0m");
    }
}
