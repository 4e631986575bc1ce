//! The protocol of event listeners: what is written to one's stdin, and what it says on its stdout (supervisor `dispatchers.py`
//! `PEventListenerDispatcher`, `process.py` `_eventEnvelope`).
//!
//! A listener says `READY`, gets an event, says `RESULT` and a length, and so on, never anything else. Whether a word fits the
//! moment is not decided here.

use crate::model::public_event::{Delivery, ListenerWord};

const READY: &[u8] = b"READY\n";
const RESULT: &[u8] = b"RESULT ";

/// No head of a result is longer.
const LONGEST_LINE: usize = 64;

/// A listener has at most two words for an event; more than so many at once are a flood.
const MOST_WORDS: usize = 8;

/// How much of what is no word is shown.
const SHOWN: usize = 60;

/// What is written to a listener's stdin: a line of facts and the payload. The length counts characters, not bytes.
pub fn envelope(server: &str, delivery: &Delivery) -> Vec<u8> {
    let Delivery { pool, serial, pool_serial, event } = delivery;
    let (payload, name) = (event.payload.as_str(), event.kind);
    let length = payload.chars().count();
    format!(
        "ver:3.0 server:{server} serial:{serial} pool:{pool} poolserial:{pool_serial} eventname:{name} len:{length}\n{payload}"
    )
    .into_bytes()
}

/// Reads what a listener says.
#[derive(Debug, Clone, Default)]
pub struct ListenerReader {
    at: At,
    last: Option<ListenerWord>,
}

/// Where in its words it is.
#[derive(Debug, Clone)]
enum At {
    /// At the beginning of one, of which this much has come.
    Word(Vec<u8>),
    /// Inside a result: how many bytes it has, how many of them have come, and the first two of these.
    Result { length: usize, seen: usize, head: Vec<u8> },
    /// It has said what is no word: nothing more is read.
    Lost,
}

impl Default for At {
    fn default() -> Self {
        Self::Word(Vec::new())
    }
}

impl ListenerReader {
    /// Takes in the next bytes; what they say, in order. After nonsense there is nothing more.
    pub fn feed(&mut self, mut chunk: &[u8]) -> Vec<ListenerWord> {
        let mut words = Vec::new();
        while !chunk.is_empty() && !matches!(self.at, At::Lost) {
            if let Some(word) = self.step(&mut chunk) {
                words.push(self.checked(word, words.len()));
            }
        }
        words
    }

    /// READY follows a result and a result follows READY: no state allows anything else.
    fn checked(&mut self, word: ListenerWord, before: usize) -> ListenerWord {
        let is_result = |word: &ListenerWord| matches!(word, ListenerWord::Result { .. });
        let is_doubled = self.last.as_ref().is_some_and(|last| is_result(last) == is_result(&word));
        let is_nonsense = matches!(word, ListenerWord::Nonsense(_));
        let word = if is_nonsense {
            word
        } else if is_doubled {
            nonsense(if is_result(&word) { RESULT } else { READY })
        } else if before >= MOST_WORDS {
            nonsense(b"too much at once")
        } else {
            word
        };
        if matches!(word, ListenerWord::Nonsense(_)) {
            self.at = At::Lost;
        }
        self.last = Some(word.clone());
        word
    }

    fn step(&mut self, chunk: &mut &[u8]) -> Option<ListenerWord> {
        match &mut self.at {
            At::Lost => None,
            At::Word(begun) => {
                let end = chunk.iter().position(|byte| *byte == b'\n').map_or(chunk.len(), |newline| newline + 1);
                let (taken, rest) = chunk.split_at(end);
                begun.extend_from_slice(taken);
                *chunk = rest;
                let line = std::mem::take(begun);
                self.line(line)
            }
            At::Result { length, seen, head } => {
                let (taken, rest) = chunk.split_at((*length - *seen).min(chunk.len()));
                *chunk = rest;
                *seen += taken.len();
                head.extend_from_slice(&taken[..taken.len().min(2 - head.len().min(2))]);
                self.end_result()
            }
        }
    }

    /// A line, or the beginning of one that is no word whatever follows.
    fn line(&mut self, line: Vec<u8>) -> Option<ListenerWord> {
        let could_be = READY.starts_with(&line) || RESULT.starts_with(&line) || line.starts_with(RESULT);
        if line == READY {
            return Some(ListenerWord::Ready);
        }
        if !could_be || line.len() > LONGEST_LINE {
            return Some(nonsense(&line));
        }
        if !line.ends_with(b"\n") {
            self.at = At::Word(line);
            return None;
        }
        let number = std::str::from_utf8(&line[RESULT.len()..]).ok().and_then(|text| text.trim().parse().ok());
        let Some(length) = number else { return Some(nonsense(&line)) };
        self.at = At::Result { length, seen: 0, head: Vec::new() };
        self.end_result()
    }

    fn end_result(&mut self) -> Option<ListenerWord> {
        let At::Result { length, seen, head } = &self.at else { return None };
        if seen < length {
            return None;
        }
        let accepted = *length == 2 && head == b"OK";
        self.at = At::default();
        Some(ListenerWord::Result { accepted })
    }
}

fn nonsense(bytes: &[u8]) -> ListenerWord {
    let text = String::from_utf8_lossy(bytes);
    ListenerWord::Nonsense(text.trim_end().chars().take(SHOWN).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::public_event::PublicEvent;

    const ACCEPTED: ListenerWord = ListenerWord::Result { accepted: true };
    const REJECTED: ListenerWord = ListenerWord::Result { accepted: false };

    fn read(text: &str) -> Vec<ListenerWord> {
        ListenerReader::default().feed(text.as_bytes())
    }

    #[test]
    fn an_envelope_counts_characters() {
        let event = PublicEvent::remote("ä", "né");
        let delivery = Delivery { pool: "mail".to_owned(), serial: 7, pool_serial: 3, event };
        let text = String::from_utf8(envelope("supervisor", &delivery)).unwrap();
        assert_eq!(
            text,
            "ver:3.0 server:supervisor serial:7 pool:mail poolserial:3 eventname:REMOTE_COMMUNICATION len:9\ntype:ä\nné"
        );
    }

    #[test]
    fn its_words_are_ready_and_result() {
        assert_eq!(read("READY\nRESULT 2\nOKREADY\n"), [ListenerWord::Ready, ACCEPTED, ListenerWord::Ready]);
        assert_eq!(read("READY\nRESULT 4\nFAILREADY\n"), [ListenerWord::Ready, REJECTED, ListenerWord::Ready]);
        assert_eq!(read("RESULT 0\n"), [REJECTED]);
        assert_eq!(read("RESULT 3\nOK!"), [REJECTED]);
        assert_eq!(read("REA"), []);
    }

    #[test]
    fn what_is_no_word_is_told_at_once_and_is_the_last() {
        assert_eq!(read("hello\nREADY\n"), [ListenerWord::Nonsense("hello".to_owned())]);
        assert_eq!(read("h"), [ListenerWord::Nonsense("h".to_owned())]);
        assert_eq!(read("RESULT x\nREADY\n"), [ListenerWord::Nonsense("RESULT x".to_owned())]);
        assert_eq!(read("READY\nREADY\n"), [ListenerWord::Ready, ListenerWord::Nonsense("READY".to_owned())]);
    }

    #[test]
    fn a_flood_of_words_is_cut_off() {
        let words = read(&"READY\nRESULT 2\nOK".repeat(1000));
        assert_eq!(words.len(), MOST_WORDS + 1);
        assert!(matches!(words.last(), Some(ListenerWord::Nonsense(_))));
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_makes_no_difference(text in "(READY\n|RESULT 2\nOK|RESULT 4\nFAIL|x){0,7}", cut in 1usize..9) {
            let mut reader = ListenerReader::default();
            let pieces: Vec<ListenerWord> = text.as_bytes().chunks(cut).flat_map(|piece| reader.feed(piece)).collect();
            // How much of it is shown depends on how much had come.
            let without_text = |word: ListenerWord| match word {
                ListenerWord::Nonsense(_) => ListenerWord::Nonsense(String::new()),
                word @ (ListenerWord::Ready | ListenerWord::Result { .. }) => word,
            };
            let whole: Vec<_> = read(&text).into_iter().map(without_text).collect();
            prop_assert_eq!(pieces.into_iter().map(without_text).collect::<Vec<_>>(), whole);
        }

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            ListenerReader::default().feed(&bytes);
        }
    }
}
