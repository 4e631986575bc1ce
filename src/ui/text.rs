//! Plain text on a terminal: how wide it is, how it is cut, and how foreign text is made harmless.
//!
//! Everything that comes from outside (a probe's answer, a line of output, a command) passes [`clean`] before it becomes part of
//! one of our lines, so no text of ours can carry a control character except the colours that we put there ourselves.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// No character takes more columns.
const WIDEST_CHARACTER: usize = 2;

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

/// Puts items one after the other, with `between` them, into lines of at most this many columns. Only an item that is longer than a
/// line is broken, at a blank where it has one.
pub fn fill<'a>(items: impl IntoIterator<Item = &'a str>, between: &str, columns: usize) -> Vec<String> {
    joined(items, between, columns).iter().flat_map(|line| wrap(line, columns)).collect()
}

/// Breaks a text into lines of at most this many columns: at blanks, and a longer word where it must be.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(WIDEST_CHARACTER);
    let mut lines = Vec::new();
    for mut line in joined(text.split(' '), " ", columns) {
        while shown_width(&line) > columns && !line.contains('\x1b') {
            let rest = line.split_off(take_columns(line.chars(), columns).len());
            lines.push(std::mem::replace(&mut line, rest));
        }
        lines.push(line);
    }
    lines
}

/// Items in as few lines as their order allows, none of them broken.
fn joined<'a>(items: impl IntoIterator<Item = &'a str>, between: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if shown_width(line) + width(between) + shown_width(item) <= columns => {
                line.push_str(between);
                line.push_str(item);
            }
            Some(_) | None => lines.push(item.to_owned()),
        }
    }
    lines
}

/// How many columns a text of ours takes that may have colours in it.
fn shown_width(text: &str) -> usize {
    if text.contains('\x1b') { width(&clean(text)) } else { width(text) }
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
    fn a_text_breaks_at_blanks_and_a_longer_word_where_it_must() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("  a  b", 10), ["  a  b"]);
        assert_eq!(wrap("see /var/log/web.log there", 8), ["see", "/var/log", "/web.log", "there"]);
        assert_eq!(wrap("日本語", 2), ["日", "本", "語"]);
        assert_eq!(wrap("is \x1b[1mred\x1b[0m now", 10), ["is \x1b[1mred\x1b[0m now"]);
        assert_eq!(wrap("", 8), [""]);
    }

    #[test]
    fn items_are_kept_whole_where_a_line_has_room_for_them() {
        assert_eq!(fill(["run why api", "run start api"], " - ", 20), ["run why api", "run start api"]);
        assert_eq!(fill(["run why api", "run start api"], " - ", 27), ["run why api - run start api"]);
        assert_eq!(fill(["a", "one two three", "b"], " - ", 8), ["a", "one two", "three", "b"]);
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
        fn wrapped_text_fits_and_loses_nothing_but_blanks(text in any::<String>(), columns in 2usize..40) {
            let text = clean(&text);
            let lines = wrap(&text, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns), "{:?}", lines);
            let without = |text: &str| text.replace(' ', "");
            prop_assert_eq!(without(&lines.concat()), without(&text));
        }

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
