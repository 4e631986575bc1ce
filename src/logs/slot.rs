//! Slots: what looks at the raw bytes of one source besides the screen and the logs.
//!
//! A slot is fed every chunk; one that looks for a line is dropped with it. It splits for itself, so that one whose unit is not the line (the
//! tokens of an event listener, captured output) needs nothing new around it.

use regex::bytes::Regex;

use crate::codec::ansi::{self, Style};
use crate::codec::lines::Rows;
use crate::codec::listener::ListenerReader;
use crate::logs::hub::Matcher;
use crate::model::public_event::ListenerWord;

/// One matcher at work.
#[derive(Debug)]
pub(crate) enum Slot {
    /// Looks for the first line that matches.
    Ready(ReadyLine),
    /// Reads what an event listener says.
    Listener(ListenerReader),
}

/// What a slot has found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Its line: it is done.
    Line(String),
    /// The next words of a listener.
    Words(Vec<ListenerWord>),
}

/// The ready check `log`.
#[derive(Debug)]
pub(crate) struct ReadyLine {
    regex: Regex,
    rows: Rows,
}

impl Slot {
    pub(crate) fn new(matcher: Matcher) -> Self {
        match matcher {
            Matcher::Ready(regex) => Self::Ready(ReadyLine { regex, rows: Rows::default() }),
            Matcher::Listener => Self::Listener(ListenerReader::default()),
        }
    }

    /// Looks at the next bytes.
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> Option<Finding> {
        match self {
            Self::Ready(ready) => ready.feed(chunk).map(Finding::Line),
            Self::Listener(reader) => Some(reader.feed(chunk)).filter(|words| !words.is_empty()).map(Finding::Words),
        }
    }

    /// Nothing has come for a while, or nothing will: what is unfinished counts as it stands.
    pub(crate) fn pause(&mut self) -> Option<Finding> {
        match self {
            // It is only looked at: what follows may finish the line to one that matches.
            Self::Ready(ready) => ready.rows.unfinished().and_then(|row| matches(&ready.regex, row)).map(Finding::Line),
            Self::Listener(_) => None,
        }
    }
}

impl ReadyLine {
    fn feed(&mut self, mut chunk: &[u8]) -> Option<String> {
        while let Some(row) = self.rows.take(&mut chunk) {
            let found = matches(&self.regex, row.bytes);
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// The line as it would be read, if it matches: colours must not stand between its words.
fn matches(regex: &Regex, row: &[u8]) -> Option<String> {
    let mut seen = Vec::new();
    let line = if ansi::is_plain(row) {
        row
    } else {
        ansi::render(row, Style { is_terminal: true, colour: false }, &mut seen);
        &seen
    };
    regex.is_match(line).then(|| String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(pattern: &str) -> Slot {
        Slot::new(Matcher::Ready(Regex::new(pattern).unwrap()))
    }

    #[expect(clippy::unnecessary_wraps, reason = "what a slot gives")]
    fn line(text: &str) -> Option<Finding> {
        Some(Finding::Line(text.to_owned()))
    }

    #[test]
    fn words_of_a_listener_go_on() {
        let mut slot = Slot::new(Matcher::Listener);
        assert_eq!(slot.feed(b"REA"), None);
        assert_eq!(slot.feed(b"DY\n"), Some(Finding::Words(vec![ListenerWord::Ready])));
        assert_eq!(slot.pause(), None);
        assert_eq!(slot.feed(b"RESULT 2\nOK"), Some(Finding::Words(vec![ListenerWord::Result { accepted: true }])));
    }

    #[test]
    fn the_first_line_that_matches_is_given_whole() {
        let mut slot = slot("ready in \\d+ms$");
        assert_eq!(slot.feed(b"starting\nserver re"), None);
        assert_eq!(slot.feed(b"ady in 12ms\r\nready in 13ms\n"), line("server ready in 12ms"));
    }

    #[test]
    fn colours_do_not_hide_a_match() {
        assert_eq!(slot("ready in").feed(b"\x1b[32mready\x1b[0m in 3\n"), line("ready in 3"));
    }

    #[test]
    fn a_prompt_without_a_line_end_matches_once_it_pauses() {
        let mut slot = slot("^> $");
        assert_eq!(slot.feed(b"> "), None);
        assert_eq!(slot.pause(), line("> "));
    }

    #[test]
    fn a_line_that_pauses_in_its_middle_is_matched_whole() {
        let mut slot = slot("^Starting\\.\\.\\. done$");
        assert_eq!(slot.feed(b"Starting..."), None);
        assert_eq!(slot.pause(), None);
        assert_eq!(slot.feed(b" done\n"), line("Starting... done"));
    }
}
