//! A track: everything that one channel of one process ever says.
//!
//! Usually what was read is shown at once. When the screen has no room the track *lags*: the screen's cursor stays where it is in
//! the kept log, and is moved on from there.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use memchr::{memchr, memchr_iter};

use crate::codec::ansi;
use crate::codec::lines::{Row, Rows};
use crate::logs::hub::Channel;
use crate::logs::kept::KeptWriter;
use crate::logs::rotate::Rotating;
use crate::logs::screen::Screen;
use crate::logs::sink::{FINISH, Sink};
use crate::logs::tail::Tail;
use crate::model::ProcessId;

/// An unfinished line is shown when nothing has followed for so long …
const QUIET: Duration = Duration::from_millis(200);
/// … or when it began so long ago.
const LONG: Duration = Duration::from_secs(1);
/// A track that lags more than this after a stall skips …
const SKIP_ABOVE: u64 = 256 * 1024;
/// … to this distance from the end.
const SKIP_TO: u64 = 64 * 1024;

/// Whether a track's bytes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// Nothing has come yet.
    Untried,
    Yes,
    /// They are not wanted, or it failed.
    No,
}

/// Where the screen is while it is behind.
#[derive(Debug)]
pub(crate) struct Lag {
    /// The next byte to show.
    pub(crate) from: u64,
    /// Line ends from there on.
    pub(crate) rows: u64,
    /// Where runs end: an unfinished line ends there, too.
    breaks: VecDeque<u64>,
}

/// The further copy that the user asked for.
#[derive(Debug)]
pub(crate) enum Copy {
    File(Rotating),
    Device(Sink),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) process: ProcessId,
    pub(crate) channel: Channel,
    pub(crate) keeping: Keeping,
    pub(crate) kept: Option<KeptWriter>,
    pub(crate) copy: Option<Copy>,
    pub(crate) lag: Option<Lag>,
    /// How many sources write to it.
    pub(crate) open_sources: u32,
    pub(crate) is_hidden: bool,
    /// When it last had its turn to be caught up.
    pub(crate) served: u64,
    pub(crate) tail: Tail,
    rows: Rows,
    /// Rows that the screen did not get.
    missed: u64,
    /// The run whose bytes came last.
    run: u32,
    /// Since when a line is unfinished, and when its last byte came.
    open_line: Option<(Instant, Instant)>,
}

impl Track {
    pub(crate) fn new(process: ProcessId, channel: Channel) -> Self {
        Self {
            process,
            channel,
            keeping: Keeping::Untried,
            kept: None,
            copy: None,
            lag: None,
            open_sources: 0,
            is_hidden: false,
            served: 0,
            tail: Tail::default(),
            rows: Rows::default(),
            missed: 0,
            run: 0,
            open_line: None,
        }
    }

    /// Bytes of another run come next: what the last one left unfinished is whole.
    pub(crate) fn begin_run(&mut self, run: u32, screen: &mut Screen, label: &Shown<'_>) {
        if run != self.run {
            self.end_line(screen, label);
            self.run = run;
            self.tail.begin(run);
        }
    }

    /// Shows bytes that were just read, as many as there is room for; how many those were.
    /// `is_bounded`: what there is no room for can be shown later.
    pub(crate) fn show(&mut self, chunk: &[u8], screen: &mut Screen, label: &Shown<'_>, is_bounded: bool) -> usize {
        if self.is_hidden {
            self.rows = Rows::default();
            return chunk.len();
        }
        self.tell_missed(screen, label);
        let Some(mut page) = screen.begin() else { return chunk.len() };
        let is_plain = ansi::is_plain(chunk);
        let mut rest = chunk;
        while page.has_room() || !is_bounded {
            let Some(row) = self.rows.take(&mut rest) else { break };
            page.put(label.prefix, row, is_plain && !row.is_joined);
        }
        chunk.len() - rest.len()
    }

    /// Notes whether a line is unfinished now.
    pub(crate) fn note_line(&mut self, chunk: &[u8], now: Instant) {
        self.open_line = match (chunk.last(), self.open_line) {
            (None | Some(b'\n'), _) => None,
            (Some(_), Some((since, _))) if !chunk.contains(&b'\n') => Some((since, now)),
            (Some(_), _) => Some((now, now)),
        };
    }

    /// Whether a line is unfinished.
    pub(crate) fn is_line_open(&self) -> bool {
        self.open_line.is_some()
    }

    /// When the unfinished line is shown as it stands.
    pub(crate) fn line_deadline(&self) -> Option<Instant> {
        self.open_line.map(|(since, last)| (last + QUIET).min(since + LONG))
    }

    /// Shows the unfinished line as it stands, marked.
    pub(crate) fn show_open_line(&mut self, screen: &mut Screen, label: &Shown<'_>) {
        self.open_line = None;
        if self.is_hidden || self.lag.is_some() || !self.rows.is_holding_text() {
            return;
        }
        if let (Some(bytes), Some(mut page)) = (self.rows.flush(), screen.begin()) {
            page.put(label.prefix, Row { bytes, is_finished: false, is_joined: true }, false);
        }
    }

    /// The unfinished line is whole: its writer ended.
    pub(crate) fn end_line(&mut self, screen: &mut Screen, label: &Shown<'_>) {
        self.open_line = None;
        if let (Some(lag), Some(kept)) = (&mut self.lag, &self.kept) {
            lag.breaks.push_back(kept.end());
            return;
        }
        self.close_row(screen, label);
    }

    /// Bytes from this offset on were kept and not shown.
    pub(crate) fn fall_behind(&mut self, from: u64, rows: u64) {
        match &mut self.lag {
            Some(lag) => lag.rows += rows,
            None => self.lag = Some(Lag { from, rows, breaks: VecDeque::new() }),
        }
    }

    /// Rows were neither kept nor shown.
    pub(crate) fn miss(&mut self, rows: u64) {
        self.missed += rows;
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

    /// Shows it from now on, or no longer.
    pub(crate) fn hide(&mut self, is_hidden: bool) {
        self.is_hidden = is_hidden;
        if is_hidden {
            self.forget_lag();
        }
    }

    /// What could not be kept before may be kept now.
    pub(crate) fn try_keeping_again(&mut self) {
        if self.keeping == Keeping::No && self.lag.is_none() {
            (self.keeping, self.kept) = (Keeping::Untried, None);
        }
    }

    /// Whether its further copy takes nothing for now.
    pub(crate) fn is_copy_full(&self) -> bool {
        match &self.copy {
            Some(Copy::Device(sink)) => !sink.has_room(),
            Some(Copy::File(_)) | None => false,
        }
    }

    /// Writes the further copy. After an error there is none.
    pub(crate) fn copy(&mut self, bytes: &[u8], now: Instant) -> io::Result<()> {
        let written = match &mut self.copy {
            None => Ok(()),
            Some(Copy::File(file)) => file.append(bytes),
            Some(Copy::Device(sink)) => {
                sink.buffer().extend_from_slice(bytes);
                sink.flush(now).map_err(io::Error::from)
            }
        };
        if written.is_err() {
            self.copy = None;
        }
        written
    }

    /// Writes what is left for the further copy, without waiting long.
    pub(crate) fn close_copy(&mut self) {
        if let Some(Copy::Device(sink)) = self.copy.take() {
            sink.finish(Instant::now() + FINISH);
        }
    }

    /// Nobody sees this track for now: the screen's cursor is at its end.
    pub(crate) fn forget_lag(&mut self) {
        (self.lag, self.missed, self.open_line) = (None, 0, None);
        self.rows = Rows::default();
    }

    /// What the screen has not had is gone: by retention after a stall, or removed by somebody.
    fn skip_gone(&mut self, screen: &Screen) {
        let (Some(lag), Some(kept)) = (&mut self.lag, &self.kept) else { return };
        debug_assert!(screen.has_room(), "only a screen with room catches up");
        self.rows = Rows::default();
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
        self.rows = Rows::default();
        if lag.from == kept.end() && lag.breaks.is_empty() {
            self.lag = None;
        }
    }

    fn close_row(&mut self, screen: &mut Screen, label: &Shown<'_>) {
        let Some(bytes) = self.rows.close() else { return };
        if self.is_hidden {
            return;
        }
        if let Some(mut page) = screen.begin() {
            page.put(label.prefix, Row { bytes, is_finished: true, is_joined: true }, false);
        }
    }

    fn tell_missed(&mut self, screen: &mut Screen, label: &Shown<'_>) {
        if self.missed > 0 && screen.has_room() {
            screen.put_missed(label.prefix, label.name, std::mem::take(&mut self.missed));
        }
    }
}

/// How a track's rows are named on the screen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) prefix: &'a [u8],
    pub(crate) name: &'a str,
}

/// How many line ends there are.
pub(crate) fn count_rows(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}
