//! A track: everything that one channel of one process ever says.
//!
//! Usually what was read is shown at once. When the screen has no room the track *lags*: the screen's cursor stays where it is in
//! the kept log, and is moved on from there.

use std::io;
use std::time::{Duration, Instant};

use memchr::memchr_iter;

use crate::codec::ansi::{self, Style};
use crate::codec::lines::{Row, Rows};
use crate::codec::painting::Painting;
use crate::logs::copies::Extra;
use crate::logs::hub::Channel;
use crate::logs::kept::KeptWriter;
use crate::logs::lag::Lag;
use crate::logs::rotate::Rotating;
use crate::logs::screen::Screen;
use crate::logs::sink::{FINISH, Mark, Sink};
use crate::logs::tail::Tail;
use crate::model::ProcessId;

/// When an unfinished line is shown as it stands: when nothing has followed for so long …
const QUIET: Duration = Duration::from_millis(200);
/// … or when it began so long ago.
const LONG: Duration = Duration::from_secs(1);
/// Into a pipe or file: whoever reads there wants whole lines, and on a busy machine a writer may be kept from finishing one.
const QUIET_ELSEWHERE: Duration = Duration::from_secs(2);
/// Whether a track's bytes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// Nothing has come yet.
    Untried,
    Yes,
    /// They are not wanted, or it failed.
    No,
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
    pub(crate) extra: Extra,
    pub(crate) lag: Option<Lag>,
    /// How many sources write to it.
    pub(crate) open_sources: u32,
    pub(crate) is_hidden: bool,
    /// Nobody knows its process any more.
    pub(crate) is_forgotten: bool,
    /// It is not for people.
    is_protocol: bool,
    /// When it last had its turn to be caught up.
    pub(crate) served: u64,
    pub(crate) tail: Tail,
    pub(super) rows: Rows,
    /// Where it paints the whole screen: that is shown to nobody in lines.
    pub(super) painting: Painting,
    /// That it does so was said in this run.
    told_painting: bool,
    /// Rows that the screen did not get.
    pub(super) missed: u64,
    /// The run whose bytes came last.
    pub(super) run: u32,
    /// Where its first byte is kept.
    pub(super) began: Option<u64>,
    /// Since when a line is unfinished, and when its last byte came.
    pub(super) open_line: Option<(Instant, Instant)>,
    /// Where its last row on the screen ends.
    ends: Mark,
}

impl Track {
    pub(crate) fn new(process: ProcessId, channel: Channel) -> Self {
        Self {
            process,
            channel,
            keeping: Keeping::Untried,
            kept: None,
            copy: None,
            extra: Extra::default(),
            lag: None,
            open_sources: 0,
            is_hidden: false,
            is_forgotten: false,
            is_protocol: false,
            served: 0,
            tail: Tail::default(),
            rows: Rows::default(),
            painting: Painting::default(),
            told_painting: false,
            missed: 0,
            run: 0,
            began: None,
            open_line: None,
            ends: Mark::default(),
        }
    }

    /// Bytes of another run come next: what the last one left unfinished is whole.
    pub(crate) fn begin_run(&mut self, run: u32, screen: &mut Screen, label: &Shown<'_>) {
        if run != self.run {
            self.end_line(screen, label);
            (self.run, self.began) = (run, None);
            (self.painting, self.told_painting) = (Painting::default(), false);
            self.tail.begin(run);
        }
    }

    /// Whether its last bytes are of this run.
    pub(crate) fn is_of_run(&self, run: u32) -> bool {
        self.run == run
    }

    /// Shows bytes that were just read, as many as there is room for; how many those were.
    /// `is_bounded`: what there is no room for can be shown later.
    pub(crate) fn show(&mut self, chunk: &[u8], screen: &mut Screen, label: &Shown<'_>, is_bounded: bool) -> usize {
        if self.is_hidden {
            self.rows = Rows::default();
            self.painting.pass(chunk);
            return chunk.len();
        }
        self.tell_missed(screen, label);
        let is_plain = ansi::is_plain(chunk);
        if (is_plain && self.painting.is_idle()) || !screen.is_terminal() {
            return self.show_lines((chunk, is_plain), screen, label, is_bounded);
        }
        let mut shown = 0;
        while shown < chunk.len() {
            let mut painting = self.painting;
            let part = &chunk[shown..][..painting.take(&chunk[shown..])];
            if !self.painting.is_on() {
                let length = self.show_lines((part, is_plain), screen, label, is_bounded);
                if length < part.len() {
                    // A row that was shown ends in no sequence.
                    self.painting = if length == 0 { self.painting } else { Painting::default() };
                    return shown + length;
                }
                if painting.is_on() {
                    self.tell_painting(screen, label);
                }
            }
            self.painting = painting;
            shown += part.len();
        }
        shown
    }

    fn show_lines(
        &mut self,
        (chunk, is_plain): (&[u8], bool),
        screen: &mut Screen,
        label: &Shown<'_>,
        is_bounded: bool,
    ) -> usize {
        let Some(mut page) = screen.begin() else { return chunk.len() };
        let mut rest = chunk;
        page.put_rows(label.prefix, &mut self.rows, &mut rest, is_plain, is_bounded);
        self.ends = screen.mark();
        chunk.len() - rest.len()
    }

    /// Whether all its rows are written, and nothing of it is to come before what comes now.
    pub(crate) fn is_all_written(&self, screen: &Screen) -> bool {
        self.lag.is_none() && self.missed == 0 && screen.has_written(self.ends)
    }

    /// How much is to be read at once of what never ends, where there is room for so much: what makes its log end with a whole block.
    pub(crate) fn whole_block(&self, room: usize) -> usize {
        let missing = self.kept.as_ref().map(KeptWriter::missing_of_block);
        missing.filter(|missing| *missing <= room).unwrap_or(room)
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
    pub(crate) fn line_deadline(&self, on_terminal: bool) -> Option<Instant> {
        let (since, last) = self.open_line?;
        Some(if on_terminal { (last + QUIET).min(since + LONG) } else { last + QUIET_ELSEWHERE })
    }

    /// Shows the unfinished line as it stands, marked.
    pub(crate) fn show_open_line(&mut self, screen: &mut Screen, label: &Shown<'_>) {
        self.open_line = None;
        if self.is_hidden || self.lag.is_some() || !self.rows.is_holding_text() {
            return;
        }
        if let (Some(bytes), Some(mut page)) = (self.rows.flush(), screen.begin()) {
            page.put(label.prefix, Row { bytes, is_finished: false, is_joined: true }, false);
            self.ends = screen.mark();
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

    /// Rows were neither kept nor shown.
    pub(crate) fn miss(&mut self, rows: u64) {
        self.missed += rows;
    }

    /// Shows it from now on, or no longer.
    pub(crate) fn hide(&mut self, is_hidden: bool) {
        self.is_hidden = is_hidden || self.is_protocol;
        if self.is_hidden {
            self.forget_lag();
        }
    }

    /// It is for a program, not for people.
    pub(crate) fn never_show(&mut self) {
        self.is_protocol = true;
        self.hide(true);
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

    /// Writes the further copy. A file that could not be written is tried again with the next bytes, a device that is gone is not.
    pub(crate) fn copy(&mut self, bytes: &[u8], now: Instant) -> io::Result<()> {
        match &mut self.copy {
            None => Ok(()),
            Some(Copy::File(file)) => file.append(bytes),
            Some(Copy::Device(sink)) => {
                sink.buffer().extend_from_slice(bytes);
                let written = sink.flush(now).map_err(io::Error::from);
                if written.is_err() {
                    self.copy = None;
                }
                written
            }
        }
    }

    /// Writes what is left for the further copy, without waiting long.
    pub(crate) fn close_copy(&mut self) {
        if let Some(Copy::Device(sink)) = self.copy.take() {
            sink.finish(Instant::now() + FINISH);
        }
    }

    /// Nobody knows its process any more.
    pub(crate) fn forget(&mut self) {
        self.is_forgotten = true;
        self.close_if_over();
    }

    /// Closes what a forgotten track has open, once nobody writes to it and the screen has had all of it.
    pub(crate) fn close_if_over(&mut self) {
        if self.is_forgotten && self.open_sources == 0 && self.lag.is_none() {
            self.kept = None;
            self.close_copy();
        }
    }

    /// Nobody sees this track for now: the screen's cursor is at its end.
    pub(crate) fn forget_lag(&mut self) {
        (self.lag, self.missed, self.open_line) = (None, 0, None);
        self.rows = Rows::default();
    }

    /// What is held is a whole row.
    pub(super) fn close_row(&mut self, screen: &mut Screen, label: &Shown<'_>) {
        let Some(bytes) = self.rows.close() else { return };
        if self.is_hidden {
            return;
        }
        if let Some(mut page) = screen.begin() {
            page.put(label.prefix, Row { bytes, is_finished: true, is_joined: true }, false);
            self.ends = screen.mark();
        }
    }

    /// It paints from here on: what is held is a row if there is anything to see in it.
    fn tell_painting(&mut self, screen: &mut Screen, label: &Shown<'_>) {
        let mut seen = Vec::new();
        ansi::render(self.rows.unfinished().unwrap_or_default(), Style { is_terminal: true, colour: false }, &mut seen);
        if seen.is_empty() {
            self.rows = Rows::default();
        }
        self.close_row(screen, label);
        if !std::mem::replace(&mut self.told_painting, true) {
            screen.put_painting(label.prefix, label.name);
            self.ends = screen.mark();
        }
    }

    fn tell_missed(&mut self, screen: &mut Screen, label: &Shown<'_>) {
        if self.missed > 0 && screen.has_room() {
            screen.put_missed(label.prefix, label.name, std::mem::take(&mut self.missed));
            self.ends = screen.mark();
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
