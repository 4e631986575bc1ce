//! Communications: what a program writes between two marks is not output, but a message (supervisor `dispatchers.py`
//! `POutputDispatcher`).
//!
//! Marks may be split over reads. What could be the beginning of one waits for what follows, and nothing else does.

use memchr::memmem;

/// A communication begins.
const BEGIN: &[u8] = b"<!--XSUPERVISOR:BEGIN-->";

/// A communication ends.
const END: &[u8] = b"<!--XSUPERVISOR:END-->";

/// The most that is held back: a mark without its last byte.
pub const MOST_HELD: usize = BEGIN.len() - 1;

/// A piece of what was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Output.
    Plain(&'a [u8]),
    /// Part of a communication.
    Captured(&'a [u8]),
    /// The communication is whole: the last `capture_maxbytes` of it.
    Whole(Vec<u8>),
}

/// Tells communications from output.
#[derive(Debug, Clone)]
pub struct Capture {
    limit: usize,
    is_inside: bool,
    captured: Vec<u8>,
    /// What could be the beginning of a mark.
    held: Vec<u8>,
}

impl Capture {
    /// One that keeps at most this many bytes of a communication, from its end.
    pub fn new(limit: usize) -> Self {
        Self { limit, is_inside: false, captured: Vec::new(), held: Vec::new() }
    }

    /// Takes in the next bytes and hands them on in pieces, without the marks.
    pub fn feed(&mut self, chunk: &[u8], mut take: impl FnMut(Piece<'_>)) {
        let joined;
        let mut rest = if self.held.is_empty() {
            chunk
        } else {
            joined = [std::mem::take(&mut self.held).as_slice(), chunk].concat();
            &joined
        };
        while !rest.is_empty() {
            let mark = if self.is_inside { END } else { BEGIN };
            let Some(at) = memmem::find(rest, mark) else {
                let (certain, open) = rest.split_at(rest.len() - begun(rest, mark));
                self.hand_on(certain, &mut take);
                self.held = open.to_vec();
                return;
            };
            self.hand_on(&rest[..at], &mut take);
            rest = &rest[at + mark.len()..];
            self.toggle(&mut take);
        }
    }

    /// Nothing follows: what was held back was output. A communication that has not ended is none.
    pub fn finish(&mut self) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        if self.is_inside { Vec::new() } else { held }
    }

    fn hand_on(&mut self, bytes: &[u8], take: &mut impl FnMut(Piece<'_>)) {
        if bytes.is_empty() {
            return;
        }
        if self.is_inside {
            self.captured.extend_from_slice(&bytes[bytes.len().saturating_sub(self.limit)..]);
            let surplus = self.captured.len().saturating_sub(self.limit);
            self.captured.drain(..surplus);
            take(Piece::Captured(bytes));
        } else {
            take(Piece::Plain(bytes));
        }
    }

    fn toggle(&mut self, take: &mut impl FnMut(Piece<'_>)) {
        self.is_inside = !self.is_inside;
        if !self.is_inside {
            take(Piece::Whole(std::mem::take(&mut self.captured)));
        }
    }
}

/// How many bytes at the end could be the beginning of a mark.
fn begun(bytes: &[u8], mark: &[u8]) -> usize {
    let longest = (mark.len() - 1).min(bytes.len());
    (1..=longest).rev().find(|length| bytes.ends_with(&mark[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Plain output and whole communications.
    fn read(limit: usize, chunks: &[&[u8]]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut capture = Capture::new(limit);
        let (mut plain, mut whole) = (Vec::new(), Vec::new());
        for chunk in chunks {
            capture.feed(chunk, |piece| match piece {
                Piece::Plain(bytes) => plain.extend_from_slice(bytes),
                Piece::Captured(_) => {}
                Piece::Whole(bytes) => whole.push(bytes),
            });
        }
        plain.extend(capture.finish());
        (plain, whole)
    }

    const TEXT: &[u8] = b"a<!--XSUPERVISOR:BEGIN-->hello<!--XSUPERVISOR:END-->b<!--\n<!--XSUPERVISOR:BEGIN--><!--XSUPERVISOR:END-->c<!--X";

    #[test]
    fn what_stands_between_marks_is_a_message_and_no_output() {
        assert_eq!(read(100, &[TEXT]), (b"ab<!--\nc<!--X".to_vec(), vec![b"hello".to_vec(), Vec::new()]));
    }

    #[test]
    fn of_a_long_message_the_end_is_kept() {
        assert_eq!(read(3, &[TEXT]).1[0], b"llo");
    }

    #[test]
    fn a_short_line_does_not_wait() {
        let mut capture = Capture::new(10);
        let mut plain = Vec::new();
        capture.feed(b"hi\n", |piece| plain.push(format!("{piece:?}")));
        assert_eq!(plain, [format!("{:?}", Piece::Plain(b"hi\n"))]);
    }

    #[test]
    fn a_message_that_never_ends_is_none() {
        assert_eq!(read(10, &[b"x<!--XSUPERVISOR:BEGIN-->abc<!--XSUP"]), (b"x".to_vec(), Vec::new()));
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_makes_no_difference(cut in 1usize..60, limit in 1usize..9) {
            let pieces: Vec<&[u8]> = TEXT.chunks(cut).collect();
            prop_assert_eq!(read(limit, &pieces), read(limit, &[TEXT]));
        }

        #[test]
        fn output_without_marks_passes_whole(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 1usize..9) {
            let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
            prop_assert_eq!(read(10, &pieces).0, bytes);
        }
    }
}
