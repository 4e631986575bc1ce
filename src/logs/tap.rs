//! A tap: what of a program's output is told as events. Communications are taken out of it, and with `events_enabled` every piece is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::codec::capture::{Capture, Piece};
use crate::model::public_event::{OutputKind, output_text};

/// So much may be on its way to the driver; more is not told, but counted.
const MOST_UNDER_WAY: usize = 4 << 20;

/// The most bytes that a character lacks when a read has cut it.
const MOST_CUT: usize = 3;

/// What of an output is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tapping {
    /// How much of a communication is kept, in bytes; 0: its marks mean nothing.
    pub capture_maxbytes: u64,
    /// Every piece is told.
    pub events: bool,
}

/// How many bytes of events are on their way to the driver.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnderWay(Arc<AtomicUsize>);

/// A share in that, given back when the event has been taken in.
#[derive(Debug)]
pub struct Share {
    under_way: UnderWay,
    size: usize,
}

impl UnderWay {
    /// Takes a share, if there is room for one.
    fn take(&self, size: usize) -> Option<Share> {
        if self.0.load(Ordering::Relaxed) >= MOST_UNDER_WAY {
            return None;
        }
        self.0.fetch_add(size, Ordering::Relaxed);
        Some(Share { under_way: self.clone(), size })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.under_way.0.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// Shares say nothing about what is shared.
impl PartialEq for Share {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Share {}

/// One piece of output as an event.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) kind: OutputKind,
    pub(crate) text: String,
    pub(crate) share: Share,
    /// Pieces before this one that were not told.
    pub(crate) missed: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Tap {
    capture: Option<Capture>,
    log: Option<Log>,
    under_way: UnderWay,
    missed: u64,
}

/// The beginning of a character that a read has cut.
#[derive(Debug, Default)]
struct Log {
    cut: Vec<u8>,
}

impl Tap {
    /// `None` when nothing is told.
    pub(crate) fn new(tapping: Tapping, under_way: &UnderWay) -> Option<Self> {
        let Tapping { capture_maxbytes, events } = tapping;
        if capture_maxbytes == 0 && !events {
            return None;
        }
        let limit = usize::try_from(capture_maxbytes).unwrap_or(usize::MAX);
        Some(Self {
            capture: (limit > 0).then(|| Capture::new(limit)),
            log: events.then(Log::default),
            under_way: under_way.clone(),
            missed: 0,
        })
    }

    /// Takes in what was read. What of it is output: all of it, or what is given.
    pub(crate) fn feed(&mut self, chunk: &[u8], told: &mut Vec<Told>) -> Option<Vec<u8>> {
        let Some(mut capture) = self.capture.take() else {
            self.log(chunk, told);
            return None;
        };
        let mut plain = Vec::with_capacity(chunk.len());
        capture.feed(chunk, |piece| match piece {
            Piece::Plain(bytes) => {
                plain.extend_from_slice(bytes);
                self.log(bytes, told);
            }
            Piece::Captured(bytes) => self.log(bytes, told),
            Piece::Whole(bytes) => self.tell(OutputKind::Communication, &bytes, told),
        });
        self.capture = Some(capture);
        Some(plain)
    }

    /// Nothing follows: what was held back is output after all.
    pub(crate) fn finish(&mut self, told: &mut Vec<Told>) -> Vec<u8> {
        let held = self.capture.as_mut().map(Capture::finish).unwrap_or_default();
        self.log(&held, told);
        if let Some(Log { cut }) = self.log.take()
            && !cut.is_empty()
        {
            self.tell(OutputKind::Log, &cut, told);
        }
        held
    }

    /// A character is told whole.
    fn log(&mut self, bytes: &[u8], told: &mut Vec<Told>) {
        let Some(log) = &mut self.log else { return };
        if bytes.is_empty() {
            return;
        }
        let joined = [std::mem::take(&mut log.cut).as_slice(), bytes].concat();
        let (whole, cut) = joined.split_at(joined.len() - cut_length(&joined));
        log.cut = cut.to_vec();
        if !whole.is_empty() {
            self.tell(OutputKind::Log, whole, told);
        }
    }

    fn tell(&mut self, kind: OutputKind, bytes: &[u8], told: &mut Vec<Told>) {
        match self.under_way.take(bytes.len()) {
            Some(share) => {
                let missed = std::mem::take(&mut self.missed);
                told.push(Told { kind, text: output_text(bytes), share, missed });
            }
            None => self.missed += 1,
        }
    }
}

/// How many bytes at the end are the beginning of a character.
fn cut_length(bytes: &[u8]) -> usize {
    let is_open = |length: &usize| {
        let end = &bytes[bytes.len() - length..];
        end[0] >= 0xc0 && std::str::from_utf8(end).is_err_and(|error| error.error_len().is_none())
    };
    (1..=MOST_CUT.min(bytes.len())).find(is_open).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tap(capture_maxbytes: u64, events: bool) -> (Tap, UnderWay) {
        let under_way = UnderWay::default();
        (Tap::new(Tapping { capture_maxbytes, events }, &under_way).unwrap(), under_way)
    }

    fn texts(told: &[Told]) -> Vec<(OutputKind, &str)> {
        told.iter().map(|told| (told.kind, told.text.as_str())).collect()
    }

    #[test]
    fn a_communication_is_told_and_not_logged() {
        let (mut tap, _) = tap(100, false);
        let mut told = Vec::new();
        let plain = tap.feed(b"a<!--XSUPERVISOR:BEGIN-->hi<!--XSUPERVISOR:END-->b<", &mut told);
        assert_eq!(plain.as_deref(), Some(&b"ab"[..]));
        assert_eq!(texts(&told), [(OutputKind::Communication, "hi")]);
        assert_eq!(tap.finish(&mut told), b"<");
    }

    #[test]
    fn a_character_that_a_read_cuts_is_told_whole() {
        let (mut tap, _) = tap(0, true);
        let mut told = Vec::new();
        assert_eq!(tap.feed(b"caf\xc3", &mut told), None);
        tap.feed(b"\xa9!", &mut told);
        tap.feed(b"\xf0\x9f", &mut told);
        tap.finish(&mut told);
        let log = OutputKind::Log;
        assert_eq!(texts(&told), [(log, "caf"), (log, "é!"), (log, "Undecodable: b'\\xf0\\x9f'")]);
    }

    #[test]
    fn what_the_driver_does_not_take_in_is_counted_and_not_piled_up() {
        let (mut tap, under_way) = tap(0, true);
        let mut told = Vec::new();
        for _ in 0..10 {
            tap.feed(&vec![b'x'; 1 << 20], &mut told);
        }
        assert_eq!(told.len(), 4);
        told.clear();
        assert_eq!(under_way.0.load(Ordering::Relaxed), 0);
        tap.feed(b"y", &mut told);
        assert_eq!((told[0].text.as_str(), told[0].missed), ("y", 6));
    }

    #[test]
    fn without_a_wish_there_is_no_tap() {
        assert!(Tap::new(Tapping::default(), &UnderWay::default()).is_none());
    }
}
