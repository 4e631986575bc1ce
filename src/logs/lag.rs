//! A track that lags: how the screen's cursor over the kept log is moved on.

use std::collections::VecDeque;
use std::time::Instant;

use memchr::memchr;

use crate::codec::lines::Rows;
use crate::codec::painting::Painting;
use crate::logs::screen::Screen;
use crate::logs::track::{Keeping, Shown, Track, count_rows};

/// A track that lags more than this after a stall skips …
const SKIP_ABOVE: u64 = 256 * 1024;
/// … to this distance from the end.
const SKIP_TO: u64 = 64 * 1024;

/// Where the screen is while it is behind.
#[derive(Debug)]
pub(crate) struct Lag {
    /// The next byte to show.
    pub(crate) from: u64,
    /// Line ends from there on.
    pub(crate) rows: u64,
    /// Where runs end: an unfinished line ends there, too.
    pub(super) breaks: VecDeque<u64>,
}

impl Track {
    /// Bytes from this offset on were kept and not shown.
    pub(crate) fn fall_behind(&mut self, from: u64, rows: u64) {
        match &mut self.lag {
            Some(lag) => lag.rows += rows,
            None => self.lag = Some(Lag { from, rows, breaks: VecDeque::new() }),
        }
    }

    /// How far the screen is behind, in bytes.
    pub(crate) fn lag_bytes(&self) -> u64 {
        match (&self.lag, &self.kept) {
            (Some(lag), Some(kept)) => kept.end() - lag.from,
            _ => 0,
        }
    }

    /// Whether bytes can be read although there is no room for them.
    pub(crate) fn may_fall_behind(&self, may_skip: bool) -> bool {
        match (self.keeping, &self.kept, &self.lag) {
            (Keeping::Yes, Some(kept), Some(lag)) => may_skip || !kept.would_overtake(lag.from),
            (Keeping::Yes, Some(_), None) => true,
            (Keeping::No | Keeping::Untried | Keeping::Yes, _, _) => may_skip,
        }
    }

    /// Moves the screen's cursor on by one piece.
    pub(crate) fn catch_up(&mut self, screen: &mut Screen, label: &Shown<'_>, buffer: &mut [u8], now: Instant) {
        let (Some(mut lag), Some(kept)) = (self.lag.take(), &self.kept) else { return };
        let end = lag.breaks.front().copied().unwrap_or(u64::MAX).min(kept.end());
        let wanted = usize::try_from(end - lag.from).unwrap_or(usize::MAX).min(buffer.len());
        if wanted > 0 {
            let Ok(length) = kept.read_at(lag.from, &mut buffer[..wanted]) else {
                self.lag = Some(lag);
                return self.skip_gone(screen);
            };
            if screen.is_stamped() {
                screen.set_time(kept.time_at(lag.from).unwrap_or_default());
            }
            let shown = self.show(&buffer[..length], screen, label, true);
            lag.from += shown as u64;
            lag.rows = lag.rows.saturating_sub(count_rows(&buffer[..shown]));
        }
        if lag.breaks.front() == Some(&lag.from) {
            lag.breaks.pop_front();
            self.close_row(screen, label);
        }
        let is_behind = self.kept.as_ref().is_some_and(|kept| lag.from < kept.end()) || !lag.breaks.is_empty();
        self.lag = is_behind.then_some(lag);
        if !is_behind && self.rows.is_holding_text() {
            self.open_line = Some((now, now));
        }
    }

    /// After a stall: the screen need not have everything.
    pub(crate) fn skip(&mut self, buffer: &mut [u8]) {
        if self.lag_bytes() > SKIP_ABOVE {
            self.skip_to_end(buffer);
        }
    }

    /// What the screen has not had is gone: by retention after a stall, or removed by somebody.
    fn skip_gone(&mut self, screen: &Screen) {
        let (Some(lag), Some(kept)) = (&mut self.lag, &self.kept) else { return };
        debug_assert!(screen.has_room(), "only a screen with room catches up");
        (self.rows, self.painting) = (Rows::default(), Painting::default());
        let next = kept.begin().max(lag.from + 1);
        if next >= kept.end() || kept.begin() <= lag.from {
            self.missed += lag.rows;
            self.lag = None;
            return;
        }
        // How many rows were in between is only known for the whole, so all of it is skipped but the last piece.
        let mut piece = vec![0; usize::try_from(SKIP_TO).unwrap_or(0)];
        self.skip_to_end(&mut piece);
    }

    fn skip_to_end(&mut self, buffer: &mut [u8]) {
        let (Some(lag), Some(kept)) = (&mut self.lag, &self.kept) else { return };
        let from = kept.end().saturating_sub(SKIP_TO).max(kept.begin()).max(lag.from);
        let piece = &mut buffer[..usize::try_from(kept.end() - from).unwrap_or(0)];
        // A row may only begin behind a line end.
        let first = kept.read_exact_at(from, piece).ok().and_then(|()| memchr(b'\n', piece));
        lag.from = first.map_or(kept.end(), |at| from + at as u64 + 1);
        let rest = first.map_or(0, |at| count_rows(&piece[at + 1..]));
        self.missed += lag.rows.saturating_sub(rest);
        lag.rows = rest;
        lag.breaks.retain(|at| *at > lag.from);
        (self.rows, self.painting) = (Rows::default(), Painting::default());
        if lag.from == kept.end() && lag.breaks.is_empty() {
            self.lag = None;
        }
    }
}
