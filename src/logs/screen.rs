//! The screen: program lines on our standard output, our own lines on our standard error, the live line below both.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::sys::stat::fstat;

use crate::codec::ansi::Style;
use crate::logs::hub::{Outlet, OutputConfig};
use crate::logs::page::Page;
use crate::logs::sink::{FINISH, Mark, ROOM, Sink};
use crate::logs::stamp::{Stamp, wall_now};
use crate::model::WallTime;

/// How long a full buffer is waited for before sources are read into the kept logs alone. Long enough that a reader who keeps up
/// is not outrun, short enough that no program notices.
const PATIENCE: Duration = Duration::from_millis(4);
/// A terminal that takes nothing for so long is stalled: what it cannot take is skipped.
const STALL: Duration = Duration::from_secs(1);
/// So many bytes are appended for rows at most; one row more may follow.
pub(crate) const FULL: usize = 512 * 1024;
/// So many bytes of our own lines may wait for a stalled screen.
const OWN_CAP: usize = 1 << 20;

/// Whether program lines can be shown now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// There is nobody to show anything to.
    Nobody,
    /// Yes.
    Open,
    /// Not at the moment; worth waiting for until then.
    Soon(Instant),
    /// No.
    Full,
    /// No, and a terminal that may miss something.
    Stalled,
}

/// Where our own lines go.
#[derive(Debug)]
enum Own {
    /// Where program lines go: it is the same terminal, pipe or file.
    Shared,
    Apart(Sink),
    Gone,
}

/// Both sinks, and how rows look on them.
#[derive(Debug)]
pub(crate) struct Screen {
    out: Option<Sink>,
    own: Own,
    style: Style,
    stamp: Stamp,
    /// Ends a row whose line goes on.
    open_mark: &'static [u8],
    more_mark: &'static str,
    live: Option<String>,
    is_live_drawn: bool,
    /// Lines of ours that had no place.
    own_missed: usize,
    has_stalled: bool,
    /// Somebody else has the terminal.
    is_held: bool,
    /// Where our own last line ends, if it goes where the rows go.
    own_ends: Mark,
    /// While rows are put ahead of what waits: those rows.
    ahead: Option<Vec<u8>>,
}

impl Screen {
    /// Whether program lines go to a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.out.as_ref().is_some_and(Sink::is_terminal)
    }

    pub(crate) fn new(config: &mut OutputConfig) -> nix::Result<Self> {
        let (out, own) = match config.outlet.take() {
            Some(outlet) => open(outlet)?,
            None => (None, Own::Gone),
        };
        let style = Style { is_terminal: out.as_ref().is_some_and(Sink::is_terminal), colour: config.colour };
        let (open_mark, more_mark): (&[u8], _) = if config.ascii { (b"\\", "...") } else { ("⏎".as_bytes(), "…") };
        let stamp = Stamp::new(config.timestamps, wall_now());
        let (live, is_live_drawn, own_missed, has_stalled) = (None, false, 0, false);
        let (own_ends, ahead) = (Mark::default(), None);
        Ok(Self {
            out,
            own,
            style,
            stamp,
            open_mark,
            more_mark,
            live,
            is_live_drawn,
            own_missed,
            has_stalled,
            is_held: false,
            own_ends,
            ahead,
        })
    }

    /// The sinks that exist: program lines first, then our own.
    pub(crate) fn sinks(&self) -> (Option<&Sink>, Option<&Sink>) {
        let own = match &self.own {
            Own::Apart(sink) => Some(sink),
            Own::Shared | Own::Gone => None,
        };
        (self.out.as_ref(), own)
    }

    pub(crate) fn unblock_out(&mut self) {
        self.out.iter_mut().for_each(Sink::unblock);
    }

    pub(crate) fn unblock_own(&mut self) {
        if let Own::Apart(sink) = &mut self.own {
            sink.unblock();
        }
    }

    /// Whether our own lines and program lines are one stream, so that their order can be kept.
    pub(crate) fn is_one_stream(&self) -> bool {
        matches!(self.own, Own::Shared)
    }

    pub(crate) fn has_own(&self) -> bool {
        !matches!(self.own, Own::Gone)
    }

    /// Whether program lines can be shown now.
    pub(crate) fn room(&mut self, now: Instant) -> Room {
        let Some(sink) = &self.out else { return Room::Nobody };
        if self.is_held {
            self.has_stalled = true;
            return Room::Stalled;
        }
        let Some(full_since) = sink.full_since().filter(|_| !sink.has_room()) else {
            return if sink.has_room() { Room::Open } else { Room::Soon(now + PATIENCE) };
        };
        if sink.is_terminal() && sink.stuck_since().is_some_and(|since| now >= since + STALL) {
            self.has_stalled = true;
            return Room::Stalled;
        }
        if now >= full_since + PATIENCE { Room::Full } else { Room::Soon(full_since + PATIENCE) }
    }

    /// When a full terminal becomes a stalled one.
    pub(crate) fn stalls_at(&self) -> Option<Instant> {
        self.out.as_ref().filter(|sink| sink.is_terminal())?.stuck_since().map(|since| since + STALL)
    }

    /// Since when a pipe has taken nothing of what waits for it. A terminal is not asked: it may miss something.
    pub(crate) fn pipe_stuck_since(&self) -> Option<Instant> {
        self.out.as_ref().filter(|sink| !sink.is_terminal())?.stuck_since()
    }

    /// Whether the terminal had stalled since the last time this was asked.
    pub(crate) fn take_stalled(&mut self) -> bool {
        std::mem::take(&mut self.has_stalled)
    }

    /// Whether rows may be appended.
    pub(crate) fn has_room(&self) -> bool {
        self.out.as_ref().is_some_and(Sink::has_room)
    }

    pub(crate) fn is_stamped(&self) -> bool {
        self.stamp.is_on()
    }

    /// What the next rows carry as their time.
    pub(crate) fn set_time(&mut self, at: WallTime) {
        self.stamp.set(at);
    }

    /// Begins to append program rows. `None` when there is nobody to show them to.
    pub(crate) fn begin(&mut self) -> Option<Page<'_>> {
        if self.is_one_stream() {
            self.erase_live();
        }
        let out = self.out.as_mut()?;
        let (limit, buffer) = match &mut self.ahead {
            Some(rows) => (FULL, rows),
            None => (FULL + out.written(), out.buffer()),
        };
        Some(Page { limit, buffer, style: self.style, stamp: self.stamp.bytes(), open_mark: self.open_mark })
    }

    /// Where the rows end that were appended last. What is put ahead is in nobody's way.
    pub(crate) fn mark(&self) -> Mark {
        self.out.as_ref().filter(|_| self.ahead.is_none()).map(Sink::mark).unwrap_or_default()
    }

    /// Whether everything before a mark is written.
    pub(crate) fn has_written(&self, mark: Mark) -> bool {
        self.out.as_ref().is_none_or(|out| out.has_written(mark))
    }

    /// Whether rows wait that others may be put ahead of. On a terminal every row has its place among what is told, and nothing
    /// passes our own lines.
    pub(crate) fn has_queue(&self) -> bool {
        let is_queue = |out: &Sink| out.pending() > 0 && out.pending() < 4 * ROOM && !out.is_terminal();
        self.out.as_ref().is_some_and(is_queue) && self.has_written(self.own_ends)
    }

    /// The rows that come now are put ahead of those that wait.
    pub(crate) fn begin_ahead(&mut self) {
        self.ahead = Some(Vec::new());
    }

    /// The rows that come now are no longer put ahead.
    pub(crate) fn end_ahead(&mut self) {
        let rows = self.ahead.take().unwrap_or_default();
        if let Some(out) = self.out.as_mut().filter(|_| !rows.is_empty()) {
            out.put_ahead(&rows);
        }
    }

    /// Appends the row that says how much was skipped.
    pub(crate) fn put_missed(&mut self, prefix: &[u8], name: &str, missed: u64) {
        let text = format!("{} {missed} lines not shown (run logs {name})", self.more_mark);
        if let Some(mut page) = self.begin() {
            page.put_raw(prefix, text.as_bytes());
        }
    }

    /// Appends the row that stands for what a program paints.
    pub(crate) fn put_painting(&mut self, prefix: &[u8], name: &str) {
        let text = format!("{} paints the whole screen, which is not shown here: run attach {name}", self.more_mark);
        if let Some(mut page) = self.begin() {
            page.put_raw(prefix, text.as_bytes());
        }
    }

    /// Appends lines of our own.
    pub(crate) fn say(&mut self, text: &str) {
        self.erase_live();
        let missed = self.own_missed;
        let more_mark = self.more_mark;
        let Some(sink) = self.own_sink() else { return };
        if sink.pending() > OWN_CAP {
            self.own_missed += 1;
            return;
        }
        if missed > 0 {
            sink.buffer().extend_from_slice(format!("{more_mark} {missed} messages not shown\n").as_bytes());
        }
        sink.buffer().extend_from_slice(text.as_bytes());
        if !text.is_empty() && !text.ends_with('\n') {
            sink.buffer().push(b'\n');
        }
        self.own_missed = 0;
        if self.is_one_stream() {
            self.own_ends = self.mark();
        }
    }

    /// Changes the live line; it is drawn at the next flush.
    pub(crate) fn set_live(&mut self, line: Option<String>) {
        let is_terminal = self.own_sink().is_some_and(|sink| sink.is_terminal());
        if is_terminal && self.live != line {
            self.erase_live();
            self.live = line;
        }
    }

    /// Nothing comes for now: gives back the room for what is on its way.
    pub(crate) fn rest(&mut self) {
        self.out.iter_mut().for_each(Sink::rest);
        if let Own::Apart(sink) = &mut self.own {
            sink.rest();
        }
    }

    /// From here on nothing is written: somebody else has the terminal.
    pub(crate) fn hold(&mut self, now: Instant) {
        self.erase_live();
        self.flush(now);
        self.is_held = true;
    }

    /// It is ours again.
    pub(crate) fn release(&mut self) {
        self.is_held = false;
    }

    /// Writes what the sinks take now. Says why when standard output is gone.
    pub(crate) fn flush(&mut self, now: Instant) -> Option<String> {
        if self.is_held {
            return None;
        }
        self.draw_live();
        if let Own::Apart(sink) = &mut self.own
            && sink.flush(now).is_err()
        {
            self.own = Own::Gone;
        }
        let error = self.out.as_mut()?.flush(now).err()?;
        self.lose_out();
        Some(error.desc().to_owned())
    }

    /// Standard output went away.
    pub(crate) fn lose_out(&mut self) {
        self.out = None;
        if self.is_one_stream() {
            self.own = Own::Gone;
        }
    }

    /// Standard error went away.
    pub(crate) fn lose_own(&mut self) {
        if !self.is_one_stream() {
            self.own = Own::Gone;
        }
    }

    /// Whether everything appended is written.
    pub(crate) fn is_written(&self) -> bool {
        let (out, own) = self.sinks();
        out.is_none_or(|sink| sink.pending() == 0) && own.is_none_or(|sink| sink.pending() == 0)
    }

    /// Removes the live line and lets go of the sinks. Whether all was written.
    pub(crate) fn close(&mut self, now: Instant) -> bool {
        (self.live, self.is_held) = (None, false);
        self.erase_live();
        self.flush(now);
        let until = Instant::now() + FINISH;
        let mut is_written = self.out.take().is_none_or(|sink| sink.finish(until));
        if let Own::Apart(sink) = std::mem::replace(&mut self.own, Own::Gone) {
            is_written &= sink.finish(until);
        }
        is_written
    }

    fn own_sink(&mut self) -> Option<&mut Sink> {
        match &mut self.own {
            Own::Shared => self.out.as_mut(),
            Own::Apart(sink) => Some(sink),
            Own::Gone => None,
        }
    }

    fn erase_live(&mut self) {
        if std::mem::take(&mut self.is_live_drawn)
            && let Some(sink) = self.own_sink()
        {
            sink.buffer().extend_from_slice(b"\r\x1b[K");
        }
    }

    /// Draws the live line after everything else. It does not wrap, so that one erase removes it.
    fn draw_live(&mut self) {
        if self.is_live_drawn {
            return;
        }
        let Some(live) = self.live.take() else { return };
        if let Some(sink) = self.own_sink()
            && sink.has_room()
        {
            sink.buffer().extend_from_slice(b"\x1b[?7l");
            sink.buffer().extend_from_slice(live.as_bytes());
            sink.buffer().extend_from_slice(b"\x1b[0m\x1b[?7h");
            self.is_live_drawn = true;
        }
        self.live = Some(live);
    }
}

/// Opens both sinks; one if they are the same.
fn open(outlet: Outlet) -> nix::Result<(Option<Sink>, Own)> {
    let is_same = is_same_file(&outlet.stdout, &outlet.stderr);
    let out = Sink::open(outlet.stdout)?;
    let own = if is_same { Own::Shared } else { Sink::open(outlet.stderr).map_or(Own::Gone, Own::Apart) };
    Ok((Some(out), own))
}

fn is_same_file(one: impl AsFd, other: impl AsFd) -> bool {
    match (fstat(one), fstat(other)) {
        (Ok(one), Ok(other)) => (one.st_dev, one.st_ino, one.st_rdev) == (other.st_dev, other.st_ino, other.st_rdev),
        _ => false,
    }
}
