//! One turn: the part of the output thread that moves bytes.

use std::ops::Range;
use std::time::Instant;

use crate::codec::capture;
use crate::logs::hub::OutputEvent;
use crate::logs::output::Output;
use crate::logs::screen::Room;
use crate::logs::slot::Finding;
use crate::logs::source::{Found, Source};
use crate::logs::stamp::wall_now;
use crate::logs::tap::Told;
use crate::logs::track::{Keeping, count_rows};

/// What one turn reads from all sources at most: what stays in a cache, and does not keep a quiet line waiting.
const READ: usize = 64 * 1024;
/// The same, with room for what a tap held back.
pub(super) const ARENA: usize = READ + HELD;
/// Less space than this is not worth a read.
const LEAST: usize = 4 * 1024;
/// So many sources have a wide pipe at most.
const MOST_WIDE: usize = 8;
/// Room for what a tap held back of earlier reads.
const HELD: usize = capture::MOST_HELD;
/// A track that lags less than this is caught up first.
const SMALL_LAG: u64 = 64 * 1024;

/// Who is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Whose rows may be put ahead of what waits for the screen.
    Ahead,
    /// Whose last piece was small.
    Quiet,
    All,
}

/// What one source gave.
#[derive(Debug)]
struct Chunk {
    track: usize,
    run: u32,
    range: Range<usize>,
    /// So much of its front is shown.
    shown: usize,
}

impl Output {
    /// Whether there is something to do at once.
    pub(super) fn has_work(&mut self, room: Room) -> bool {
        let is_behind = room == Room::Open && self.lagging().next().is_some();
        is_behind || (0..self.ready.len()).any(|at| self.may_read(self.ready[at], room))
    }

    /// Reads what is quiet, catches up with what the screen has not had, reads the rest.
    pub(super) fn turn(&mut self) {
        self.turn += 1;
        if self.screen.has_queue() {
            self.screen.begin_ahead();
            self.read_sources(Who::Ahead);
            self.screen.end_ahead();
        }
        self.flush_screen();
        self.read_sources(Who::Quiet);
        self.catch_up();
        self.read_sources(Who::All);
    }

    /// Writes what the sinks take now.
    pub(super) fn flush_screen(&mut self) {
        if let Some(reason) = self.screen.flush(self.now) {
            self.screen_is_gone(reason);
        }
    }

    /// Whether a source may be read: its bytes can be shown, or kept until they can.
    fn may_read(&mut self, index: usize, room: Room) -> bool {
        let Some(track) = self.sources[index].as_ref().map(|source| source.track) else { return false };
        if self.tracks[track].is_copy_full() || self.waits_for_an_earlier_run(index) {
            return false;
        }
        if room == Room::Nobody || self.tracks[track].is_hidden {
            return true;
        }
        match room {
            Room::Nobody => true,
            Room::Open => self.tracks[track].lag.is_none(),
            Room::Soon(_) => false,
            Room::Full | Room::Stalled => {
                self.open_kept(track);
                self.tracks[track].may_fall_behind(room == Room::Stalled)
            }
        }
    }

    /// Whether something is left in the pipe of a run of this process before: its lines come first, and whole.
    fn waits_for_an_earlier_run(&self, index: usize) -> bool {
        let Some(source) = &self.sources[index] else { return false };
        let Some(known) = self.known.get(source.process.index()) else { return false };
        let mut others = known.sources.iter().filter_map(|other| self.sources[*other].as_ref());
        others.any(|other| other.has_left_over() && other.track == source.track && other.generation < source.generation)
    }

    /// Whether a source's rows may be put ahead of what waits: it is quiet, and nothing of its process waits itself.
    fn may_go_ahead(&self, index: usize) -> bool {
        let Some(source) = self.sources[index].as_ref().filter(|source| !source.rank().0) else { return false };
        let (track, tracks) = (&self.tracks[source.track], &self.known[source.process.index()].tracks);
        !track.is_copy_full()
            && track.is_of_run(source.run)
            && !self.waits_for_an_earlier_run(index)
            && tracks.iter().all(|track| self.tracks[*track].is_all_written(&self.screen))
    }

    /// Reads sources that are ready and may be read, quiet ones first, until the arena is full.
    fn read_sources(&mut self, who: Who) {
        let room = if who == Who::Ahead { Room::Open } else { self.screen.room(self.now) };
        let mut order: Vec<((bool, u64), usize)> = Vec::new();
        for at in 0..self.ready.len() {
            let index = self.ready[at];
            let Some(rank) = self.sources[index].as_ref().map(Source::rank) else { continue };
            let may_read = match who {
                Who::Ahead => self.may_go_ahead(index),
                Who::Quiet => !rank.0 && self.may_read(index, room),
                Who::All => self.may_read(index, room),
            };
            if may_read {
                order.push((rank, index));
            }
        }
        if order.is_empty() {
            return;
        }
        order.sort_unstable();
        if self.screen.is_stamped() {
            self.screen.set_time(wall_now());
        }
        let mut arena = std::mem::take(&mut self.arena);
        arena.resize(ARENA, 0);
        self.read_batch(&order, &mut arena, room);
        self.arena = arena;
        let sources = &self.sources;
        self.ready.retain(|index| sources[*index].as_ref().is_some_and(|source| source.is_ready));
    }

    fn read_batch(&mut self, order: &[((bool, u64), usize)], arena: &mut [u8], room: Room) {
        let mut batch: Vec<Chunk> = Vec::with_capacity(order.len().min(16));
        let (mut ended, mut steady) = (Vec::new(), Vec::new());
        let mut used = 0;
        let is_alone = self.ready.len() == 1;
        for (_, index) in order {
            let space = READ.saturating_sub(used);
            if space < LEAST {
                break;
            }
            let Some(source) = &mut self.sources[*index] else { continue };
            let (track, run) = (source.track, source.run);
            let most = if source.is_full() { self.tracks[track].whole_block(space) } else { space };
            if batch.iter().any(|chunk| chunk.track == track) {
                // Two runs may write to one track; what the first gave must be kept before the second comes.
                continue;
            }
            match source.read(&mut arena[used..used + most], self.turn, self.now) {
                Found::Bytes(length) => {
                    let (is_narrow, is_over) = (source.note_company(is_alone), source.is_let_go());
                    steady.extend((!source.is_by_clock && source.flow.is_steady(self.now)).then_some(*index));
                    if is_narrow {
                        self.widen(*index);
                    }
                    let length = self.tap(*index, &mut arena[used..used + most + HELD], length);
                    let range = used..used + length;
                    used += length;
                    if length > 0 {
                        let shown = self.show(*index, &arena[range.clone()], room);
                        batch.push(Chunk { track, run, range, shown });
                    }
                    ended.extend(is_over.then_some(*index));
                }
                Found::Nothing => ended.extend(source.is_let_go().then_some(*index)),
                Found::End => ended.push(*index),
            }
        }
        self.screen.end_ahead();
        self.flush_screen();
        for chunk in &batch {
            self.keep(chunk, &arena[chunk.range.clone()], room);
        }
        for index in steady {
            self.leave_poller(index);
        }
        for index in ended {
            self.close_source(index);
        }
    }

    /// All programs of a user share what pipes may hold, so only a few are widened.
    fn widen(&mut self, index: usize) {
        let wide = self.sources.iter().flatten().filter(|source| source.is_wide()).count();
        if let Some(source) = self.sources[index].as_mut().filter(|_| wide < MOST_WIDE) {
            source.widen();
        }
    }

    /// Takes out of what a source gave what is no output; how much is left.
    fn tap(&mut self, index: usize, buffer: &mut [u8], length: usize) -> usize {
        let Some(source) = &mut self.sources[index] else { return length };
        let mut told = Vec::new();
        let length = source.tap(buffer, length, &mut told);
        self.tell_events(index, told);
        length
    }

    fn tell_events(&self, index: usize, told: Vec<Told>) {
        let Some(Source { process, generation, channel, .. }) = &self.sources[index] else { return };
        let (process, generation, channel) = (*process, *generation, *channel);
        for Told { kind, text, share, missed } in told {
            let text = text.into();
            self.tell(OutputEvent::Told { process, generation, channel, kind, text, missed, share });
        }
    }

    /// What a tap held back is output, now that nothing follows.
    fn finish_tap(&mut self, index: usize) {
        let Some(source) = &mut self.sources[index] else { return };
        let (track, run, mut told) = (source.track, source.run, Vec::new());
        let rest = source.finish_tap(&mut told);
        self.tell_events(index, told);
        if !rest.is_empty() {
            let room = self.screen.room(self.now);
            let shown = self.show(index, &rest, room);
            self.keep(&Chunk { track, run, range: 0..rest.len(), shown }, &rest, room);
        }
    }

    /// Shows what a source gave, as far as there is room; how much that was.
    fn show(&mut self, index: usize, chunk: &[u8], room: Room) -> usize {
        let Some(source) = &mut self.sources[index] else { return 0 };
        let (track, run, process, channel) = (source.track, source.run, source.process, source.channel);
        let mut found = Vec::new();
        source.feed_slots(chunk, &mut found);
        self.tell_findings(index, found);
        self.give_viewers(process, channel, run, chunk);
        let Self { known, tracks, screen, .. } = self;
        let (label, shown_track) = (known[process.index()].shown(), &mut tracks[track]);
        shown_track.begin_run(run, screen, &label);
        shown_track.note_line(chunk, self.now);
        if shown_track.is_line_open() && !self.open_lines.contains(&track) {
            self.open_lines.push(track);
        }
        let is_direct = room == Room::Open && shown_track.lag.is_none();
        if is_direct || room == Room::Nobody || shown_track.is_hidden {
            let is_bounded = shown_track.keeping != Keeping::No;
            shown_track.show(chunk, screen, &label, is_bounded)
        } else {
            0
        }
    }

    /// Keeps what a source gave, and remembers what of it is not shown.
    fn keep(&mut self, chunk: &Chunk, bytes: &[u8], room: Room) {
        self.open_kept(chunk.track);
        let unshown = count_rows(&bytes[chunk.shown..]);
        let is_all_shown = chunk.shown == bytes.len();
        let track = &mut self.tracks[chunk.track];
        track.tail.note(chunk.run, bytes, track.keeping != Keeping::Yes);
        let kept = match &mut track.kept {
            Some(kept) if track.keeping == Keeping::Yes => Some(kept.append(bytes, wall_now(), chunk.run)),
            Some(_) | None => None,
        };
        match kept {
            Some(Ok(start)) => {
                track.began.get_or_insert(start);
                if !is_all_shown {
                    track.fall_behind(start + chunk.shown as u64, unshown);
                    self.behind.insert(chunk.track);
                }
            }
            Some(Err(error)) => {
                track.keeping = Keeping::No;
                self.tell_keeping_failed(&error.to_string());
                self.show_unkept(chunk, bytes, room);
            }
            None => self.show_unkept(chunk, bytes, room),
        }
        if let Err(error) = self.copy(chunk.track, bytes) {
            self.tell_keeping_failed(&error.to_string());
        }
    }

    /// What cannot be kept is shown now, whatever room there is, unless the terminal has stalled.
    fn show_unkept(&mut self, chunk: &Chunk, bytes: &[u8], room: Room) {
        let rest = &bytes[chunk.shown..];
        let Self { known, tracks, screen, .. } = self;
        let track = &mut tracks[chunk.track];
        if rest.is_empty() {
        } else if track.lag.is_some() || room == Room::Stalled {
            track.miss(count_rows(rest));
        } else {
            let label = known[track.process.index()].shown();
            track.show(rest, screen, &label, false);
        }
    }

    /// Opens a track's kept log at its first byte.
    pub(super) fn open_kept(&mut self, index: usize) {
        let track = &mut self.tracks[index];
        if track.keeping == Keeping::No || track.kept.is_some() {
            return;
        }
        let name = &self.known[track.process.index()].name;
        match self.keeper.open(name, track.channel) {
            Ok(kept) => {
                track.keeping = if kept.is_some() { Keeping::Yes } else { Keeping::No };
                track.kept = kept;
            }
            Err(error) => {
                track.keeping = Keeping::No;
                let place = self.keeper.directory().map(|path| path.display().to_string()).unwrap_or_default();
                self.tell_keeping_failed(&format!("{place}: {error}"));
            }
        }
    }

    /// Moves the screen's cursor on where it is behind: short lags first, long ones in turn.
    fn catch_up(&mut self) {
        if self.screen.room(self.now) != Room::Open {
            return;
        }
        let mut arena = std::mem::take(&mut self.arena);
        if self.screen.take_stalled() {
            self.tracks.iter_mut().for_each(|track| track.skip(&mut arena));
        }
        while self.screen.has_room() {
            let key = |index: &usize| (self.tracks[*index].lag_bytes() > SMALL_LAG, self.tracks[*index].served);
            let Some(index) = self.lagging().min_by_key(key) else { break };
            let Self { known, tracks, screen, .. } = self;
            let track = &mut tracks[index];
            track.served = self.turn;
            track.catch_up(screen, &known[track.process.index()].shown(), &mut arena[..READ], self.now);
            if track.is_line_open() && !self.open_lines.contains(&index) {
                self.open_lines.push(index);
            }
        }
        let tracks = &mut self.tracks;
        self.behind.retain(|index| {
            tracks[*index].close_if_over();
            tracks[*index].lag.is_some()
        });
        self.arena = arena;
        self.flush_screen();
    }

    /// Shows unfinished lines that have waited long enough.
    pub(super) fn end_pauses(&mut self) {
        let mut at = 0;
        while let Some(index) = self.open_lines.get(at).copied() {
            match self.line_deadline(index) {
                Some(until) if self.now < until => at += 1,
                Some(_) => {
                    self.open_lines.swap_remove(at);
                    self.pause(index);
                }
                None if self.tracks[index].is_line_open() => at += 1,
                None => {
                    self.open_lines.swap_remove(at);
                }
            }
        }
    }

    /// When an unfinished line is shown as it stands; `None` also while bytes wait to be read, which may well finish it: then it
    /// is we who are slow, not its writer.
    pub(super) fn line_deadline(&self, track: usize) -> Option<Instant> {
        let of_track = |source: &Source| source.track == track && source.is_ready;
        let process = self.tracks[track].process;
        let mut sources = self.known[process.index()].sources.iter().filter_map(|index| self.sources[*index].as_ref());
        if sources.any(of_track) {
            return None;
        }
        self.tracks[track].line_deadline(self.screen.is_terminal())
    }

    fn pause(&mut self, index: usize) {
        let Self { known, tracks, screen, .. } = self;
        let process = tracks[index].process;
        tracks[index].show_open_line(screen, &known[process.index()].shown());
        for source in self.known[process.index()].sources.clone() {
            self.pause_slots(source);
        }
    }

    /// What is unfinished counts as it stands for whoever looks for something in it.
    pub(super) fn pause_slots(&mut self, index: usize) {
        let mut found = Vec::new();
        if let Some(source) = &mut self.sources[index] {
            source.pause_slots(&mut found);
        }
        self.tell_findings(index, found);
    }

    fn tell_findings(&self, index: usize, found: Vec<Finding>) {
        let Some(Source { process, generation, .. }) = &self.sources[index] else { return };
        let (process, generation) = (*process, *generation);
        for finding in found {
            self.tell(match finding {
                Finding::Line(line) => OutputEvent::Matched { process, generation, line },
                Finding::Words(words) => OutputEvent::Said { process, generation, words },
            });
        }
    }

    /// A source is at its end, or let go.
    pub(super) fn close_source(&mut self, index: usize) {
        self.finish_tap(index);
        self.pause_slots(index);
        let Some(source) = self.sources[index].take() else { return };
        self.free.push(index);
        self.poller.remove(&source);
        self.clock.remove(index);
        let Self { known, tracks, screen, .. } = self;
        let known = &mut known[source.process.index()];
        known.sources.retain(|other| *other != index);
        let track = &mut tracks[source.track];
        track.open_sources -= 1;
        if track.open_sources == 0 || track.is_of_run(source.run) {
            track.end_line(screen, &known.shown());
        }
        track.close_if_over();
        self.ready.retain(|other| *other != index);
        self.tell_if_drained(source.process, source.generation);
    }
}
