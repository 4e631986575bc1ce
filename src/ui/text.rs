//! Plain text on a terminal: how wide it is, how it is cut, and how foreign text is made harmless.
//!
//! Everything that comes from outside (a probe's answer, a line of output, a command) passes [`clean`] before it becomes part of
//! one of our lines, so no text of ours can carry a control character except the colours that we put there ourselves.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Fills a text up with blanks to this many columns; a longer one stays as it is.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Cuts a text in the middle to at most this many columns; `cut` marks the place.
pub fn cut_middle(text: &str, columns: usize, cut: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(cut));
    let head = take_columns(text.chars(), room.div_ceil(2));
    let tail = take_columns(text.chars().rev(), room / 2);
    format!("{head}{cut}{}", tail.chars().rev().collect::<String>())
}

/// Cuts a text at its end to at most this many columns; `cut` marks the place.
pub fn cut_end(text: &str, columns: usize, cut: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let head = take_columns(text.chars(), columns.saturating_sub(width(cut)));
    format!("{head}{}", take_columns(cut.chars(), columns))
}

/// The first characters that fit into this many columns.
fn take_columns(chars: impl Iterator<Item = char>, columns: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= columns
        })
        .collect()
}

/// Makes foreign text fit for one line of ours: escape sequences are dropped, a tab becomes blanks, every other control
/// character is written out (`\x07`), and so is what would turn the direction of reading.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim_end_matches(['\n', '\r']).chars();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => skip_escape(&mut rest),
            '\u{9b}' => skip_until(&mut rest, |c| ('@'..='~').contains(&c)),
            '\t' => out.push_str("    "),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if is_direction(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Whether a character changes the order in which a terminal draws its neighbours (Unicode's bidirectional controls).
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Skips what follows an ESC: a control sequence, a string (OSC, DCS, …), or a two-character escape (ECMA-48 5.3, 5.4, 5.6).
fn skip_escape(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => skip_until(rest, |c| ('@'..='~').contains(&c)),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_until(rest, |c| c == '\x07' || c == '\\'),
        Some(' '..='/') => skip_until(rest, |c| ('0'..='~').contains(&c)),
        Some(_) | None => {}
    }
}

/// Skips to the character that ends a sequence, and over it.
fn skip_until(rest: &mut std::str::Chars<'_>, is_end: impl Fn(char) -> bool) {
    let _ = rest.find(|c| is_end(*c));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_names_lose_their_middle() {
        assert_eq!(cut_middle("short", 20, "…"), "short");
        assert_eq!(cut_middle("a-very-long-program-name-indeed", 20, "…"), "a-very-lon…me-indeed");
        assert_eq!(cut_middle("a-very-long-program-name-indeed", 20, ".."), "a-very-lo..me-indeed");
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(cut_end("日本語テキスト", 7, "…"), "日本語…");
        assert_eq!(pad("日本", 6), "日本  ");
    }

    #[test]
    fn foreign_text_keeps_its_letters_and_loses_its_powers() {
        assert_eq!(clean("\x1b[31mred\x1b[0m\tplain\x07\r\n"), "red    plain\\x07");
        assert_eq!(clean("\x1b]0;title\x07after"), "after");
        assert_eq!(clean("evil\u{202e}txt"), "evil\\u{202e}txt");
        assert_eq!(clean("\x1b[2J\x1b(Bhere\r./there"), "here\\x0d./there");
    }

    proptest! {
        #[test]
        fn clean_text_has_no_control_character(text in any::<String>()) {
            prop_assert!(!clean(&text).chars().any(char::is_control));
        }

        #[test]
        fn cut_text_fits(text in any::<String>(), columns in 1usize..40) {
            let text = clean(&text);
            prop_assert!(width(&cut_middle(&text, columns, "…")) <= columns);
            prop_assert!(width(&cut_end(&text, columns, "…")) <= columns);
        }
    }
}
