//! The loop of the output thread: waits, takes orders, and gives each part its turn.

use std::collections::{BTreeSet, VecDeque};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::sync::mpsc::UnboundedSender;

use crate::logs::flow::{Clock, Flow};
use crate::logs::hub::{Order, OutputConfig, OutputEvent};
use crate::logs::kept::Keeper;
use crate::logs::main_log::MainLog;
use crate::logs::os::{Poller, Ready};
use crate::logs::own::OwnQueue;
use crate::logs::screen::{Room, Screen};
use crate::logs::source::Source;
use crate::logs::syslog::Syslog;
use crate::logs::tap::UnderWay;
use crate::logs::track::{Copy, Shown, Track};
use crate::logs::view::Viewer;
use crate::logs::wake::Wake;
use crate::model::{Generation, ProcessId};

/// What a poller's descriptor is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Orders,
    Out,
    Own,
    /// One of the sinks of the main log.
    Main(usize),
    /// The device that a track is copied to.
    Copy(usize),
    Source(usize),
}

impl Token {
    pub(super) fn encode(self) -> u64 {
        match self {
            Self::Orders => 0,
            Self::Out => 1,
            Self::Own => 2,
            // Two low bits are 0, and one above them is not: no other token has that.
            Self::Main(number) => (number as u64 + 1) << 2,
            Self::Copy(index) => 3 | (index as u64) << 2,
            Self::Source(index) => (index as u64 + 1) << 33,
        }
    }

    fn decode(data: u64) -> Self {
        let index = |bits: u64| usize::try_from(bits).unwrap_or(usize::MAX);
        match (data >> 33, data & 3) {
            (0, 0) if data == 0 => Self::Orders,
            (0, 0) => Self::Main(index((data >> 2) - 1)),
            (0, 1) => Self::Out,
            (0, 2) => Self::Own,
            (0, _) => Self::Copy(index(data >> 2)),
            (source, _) => Self::Source(index(source - 1)),
        }
    }
}

/// A process as the screen knows it, and what there is of it.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) prefix: Vec<u8>,
    pub(super) tracks: Vec<usize>,
    pub(super) sources: Vec<usize>,
    pub(super) is_hidden: bool,
}

impl Known {
    pub(super) fn shown(&self) -> Shown<'_> {
        Shown { prefix: &self.prefix, name: &self.name }
    }
}

/// A leader ended; its last output is being taken in.
#[derive(Debug)]
pub(super) struct Drain {
    pub(super) process: ProcessId,
    pub(super) generation: Generation,
    pub(super) until: Instant,
    pub(super) keep_open: bool,
}

/// Somebody waits until everything is written.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) until: Instant,
    /// A pipe that takes something is waited for beyond that, until it has taken nothing for so long …
    pub(super) limit: Duration,
    /// … and until then at most.
    pub(super) latest: Instant,
    pub(super) done: Sender<bool>,
    pub(super) ends_thread: bool,
    /// The poller was asked since, so that nothing written before can be unknown.
    pub(super) has_looked: bool,
}

impl Waiter {
    /// When it is over, where what waits for a pipe has been stuck since then.
    fn deadline(&self, stuck_since: Option<Instant>) -> Instant {
        stuck_since.map_or(self.until, |since| (since + self.limit).clamp(self.until, self.latest))
    }
}

/// The thread's state. `turn` moves bytes, `orders` does what it was told, `own` says what is ours.
pub(crate) struct Output {
    pub(super) poller: Poller,
    /// What it said last; kept only so that it is not made anew.
    found: Vec<Ready>,
    pub(super) wake: Arc<Wake>,
    pub(super) inbox: Receiver<Order>,
    pub(super) events: UnboundedSender<OutputEvent>,
    pub(super) screen: Screen,
    pub(super) keeper: Keeper,
    pub(super) main: Option<MainLog>,
    /// Connected at the first line.
    pub(super) syslog: Option<Syslog>,
    pub(super) has_keeping_failed: bool,
    /// Only some are shown, so whoever is new is not.
    pub(super) is_filtered: bool,
    /// By [`ProcessId`].
    pub(super) known: Vec<Known>,
    pub(super) tracks: Vec<Track>,
    pub(super) sources: Vec<Option<Source>>,
    /// Places among the sources that are empty.
    pub(super) free: Vec<usize>,
    pub(super) ready: Vec<usize>,
    /// Tracks of which the screen may not have had everything; no other lags.
    pub(super) behind: BTreeSet<usize>,
    /// Tracks whose last line is unfinished.
    pub(super) open_lines: Vec<usize>,
    /// Made when there is something to read, and given back at rest.
    pub(super) arena: Vec<u8>,
    pub(super) turn: u64,
    pub(super) now: Instant,
    pub(super) own: OwnQueue,
    pub(super) drains: Vec<Drain>,
    pub(super) waiters: Vec<Waiter>,
    pub(super) is_orphaned: bool,
    /// Output that is on its way to the driver as events.
    pub(super) under_way: UnderWay,
    pub(super) viewers: Vec<Viewer>,
    pub(super) clock: Clock,
}

impl Output {
    pub(crate) fn new(
        mut config: OutputConfig,
        events: UnboundedSender<OutputEvent>,
        inbox: Receiver<Order>,
        wake: Arc<Wake>,
    ) -> nix::Result<Self> {
        let poller = Poller::new()?;
        poller.add_bell(&*wake, Token::Orders.encode())?;
        let screen = Screen::new(&mut config)?;
        let (out, own) = screen.sinks();
        for (sink, token) in [(out, Token::Out), (own, Token::Own)] {
            if let Some(sink) = sink {
                // A regular file takes bytes always, and cannot be waited for.
                let _ = poller.add_writer(sink, token.encode());
            }
        }
        let main = config.main_log.take();
        for (number, sink) in main.iter().flat_map(MainLog::sinks) {
            let _ = poller.add_writer(sink, Token::Main(number).encode());
        }
        Ok(Self {
            poller,
            found: Vec::new(),
            wake,
            inbox,
            events,
            screen,
            keeper: Keeper::new(config.keep.take()),
            main,
            syslog: None,
            has_keeping_failed: false,
            is_filtered: false,
            known: Vec::new(),
            tracks: Vec::new(),
            sources: Vec::new(),
            free: Vec::new(),
            ready: Vec::new(),
            behind: BTreeSet::new(),
            open_lines: Vec::new(),
            arena: Vec::new(),
            turn: 0,
            now: Instant::now(),
            own: VecDeque::new(),
            drains: Vec::new(),
            waiters: Vec::new(),
            is_orphaned: false,
            under_way: UnderWay::default(),
            viewers: Vec::new(),
            clock: Clock::default(),
        })
    }

    /// Runs until it is stopped, or until every [`crate::logs::Hub`] is dropped.
    pub(crate) fn run(mut self) {
        loop {
            self.wait();
            self.now = Instant::now();
            self.take_orders();
            self.turn();
            self.end_pauses();
            self.end_drains();
            self.say_own();
            self.flush_screen();
            if self.answer_waiters() || self.is_orphaned {
                break;
            }
        }
    }

    /// Sleeps until something can be done.
    fn wait(&mut self) {
        let mut timeout = self.timeout();
        if timeout != PollTimeout::ZERO && self.waits_for_screen() {
            self.await_screen(timeout);
            timeout = PollTimeout::ZERO;
        }
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        if self.await_any(&mut found, timeout) {
            self.waiters.iter_mut().for_each(|waiter| waiter.has_looked = true);
        }
        for Ready { token, is_gone } in found.iter().copied() {
            match Token::decode(token) {
                Token::Orders => self.wake.calm(),
                Token::Out if is_gone => self.lose_screen("its reader went away"),
                Token::Out => self.screen.unblock_out(),
                Token::Own if is_gone => self.screen.lose_own(),
                Token::Own => self.screen.unblock_own(),
                Token::Main(number) => {
                    if let Some(main) = &mut self.main {
                        main.unblock(number, is_gone, self.now);
                    }
                }
                Token::Copy(index) => self.unblock_copy(index, is_gone),
                Token::Source(index) => self.wake_source(index, is_gone),
            }
        }
        self.found = found;
        if !self.waiters.is_empty() {
            self.look_by_clock();
        }
    }

    /// Waits until there is something, and whether that is all.
    fn await_any(&mut self, found: &mut Vec<Ready>, timeout: PollTimeout) -> bool {
        let mut by_clock = self.clock.sources().iter().filter_map(|index| self.sources[*index].as_ref());
        if timeout == PollTimeout::ZERO || by_clock.all(|source| source.is_ready) {
            return self.poller.wait(timeout, found).unwrap_or(true);
        }
        self.poller.nap(self.clock.nap());
        self.look_by_clock();
        self.poller.wait(PollTimeout::ZERO, found).unwrap_or(true)
    }

    /// Everybody who is looked at by the clock may have something; who had nothing for long is left to the poller again.
    fn look_by_clock(&mut self) {
        let by_clock = self.clock.sources().to_vec();
        let flows = by_clock.iter().filter_map(|index| self.sources[*index].as_ref()).map(|source| &source.flow);
        self.clock.fit(flows);
        for index in by_clock {
            let Some(source) = &mut self.sources[index] else { continue };
            if source.flow.is_steady(self.now) {
                self.wake_source(index, false);
            } else if self.poller.add_reader(&*source, Token::Source(index).encode()).is_ok() {
                (source.is_by_clock, source.flow) = (false, Flow::default());
                self.clock.remove(index);
            }
        }
    }

    /// From here on this source is looked at by the clock.
    pub(super) fn leave_poller(&mut self, index: usize) {
        let Some(source) = &mut self.sources[index] else { return };
        self.poller.remove(&*source);
        source.is_by_clock = true;
        self.clock.add(index);
    }

    /// Whether there is something to read, and the screen is to take something first.
    fn waits_for_screen(&mut self) -> bool {
        !self.ready.is_empty() && matches!(self.screen.room(self.now), Room::Soon(_))
    }

    /// Sleeps until the screen takes something, or somebody orders something. Every line that a program writes meanwhile would wake us
    /// otherwise, for nothing.
    fn await_screen(&mut self, timeout: PollTimeout) {
        let (Some(out), _) = self.screen.sinks() else { return };
        let mut fds = [PollFd::new(out.as_fd(), PollFlags::POLLOUT), PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, timeout).is_ok() && fds[0].any() == Some(true) {
            self.screen.unblock_out();
        }
    }

    fn wake_source(&mut self, index: usize, is_hung_up: bool) {
        let Some(source) = self.sources.get_mut(index).and_then(Option::as_mut) else { return };
        if !source.is_ready {
            self.ready.push(index);
        }
        source.wake(is_hung_up);
    }

    fn unblock_copy(&mut self, index: usize, is_gone: bool) {
        let Some(track) = self.tracks.get_mut(index) else { return };
        if let Some(Copy::Device(sink)) = &mut track.copy {
            sink.unblock();
            if is_gone || sink.flush(self.now).is_err() {
                track.copy = None;
            }
        }
    }

    fn timeout(&mut self) -> PollTimeout {
        let room = self.screen.room(self.now);
        if self.has_work(room) || self.waiters.iter().any(|waiter| !waiter.has_looked) {
            return PollTimeout::ZERO;
        }
        let lines = self.open_lines.iter().filter_map(|track| self.line_deadline(*track));
        let drains = self.drains.iter().map(|drain| drain.until);
        let waiters = self.waiters.iter().map(|waiter| waiter.deadline(self.screen.pipe_stuck_since()));
        let screen = match room {
            _ if self.ready.is_empty() => None,
            Room::Soon(until) => Some(until),
            Room::Full => self.screen.stalls_at(),
            Room::Nobody | Room::Open | Room::Stalled => None,
        };
        match lines.chain(drains).chain(waiters).chain(screen).min() {
            // Rounded up: a deadline that is looked at too early would be looked at in a loop.
            Some(until) => {
                let millis = until.saturating_duration_since(self.now).as_micros().div_ceil(1000);
                PollTimeout::from(u16::try_from(millis).unwrap_or(u16::MAX))
            }
            None => PollTimeout::NONE,
        }
    }

    /// Standard output went away.
    fn lose_screen(&mut self, reason: &str) {
        if self.screen.sinks().0.is_some() {
            self.screen.lose_out();
            self.screen_is_gone(reason.to_owned());
        }
    }

    pub(super) fn screen_is_gone(&mut self, reason: String) {
        self.forget_screen();
        self.tell(OutputEvent::ScreenGone { reason });
    }

    /// There is nobody to show anything to any more.
    pub(super) fn forget_screen(&mut self) {
        self.tracks.iter_mut().for_each(Track::forget_lag);
    }

    pub(super) fn tell(&self, event: OutputEvent) {
        // Nobody listens any more when the driver is gone; output goes on to its end.
        let _ = self.events.send(event);
    }

    pub(super) fn tell_keeping_failed(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.has_keeping_failed, true) {
            self.tell(OutputEvent::KeepingFailed { reason: reason.to_owned() });
        }
    }

    /// The tracks of which the screen has not had everything.
    pub(super) fn lagging(&self) -> impl Iterator<Item = usize> {
        self.behind.iter().copied().filter(|track| self.tracks[*track].lag.is_some())
    }

    /// Answers for leaders whose outputs are at their end, or have had their time.
    fn end_drains(&mut self) {
        let mut index = 0;
        while index < self.drains.len() {
            let Drain { process, generation, until, keep_open } = self.drains[index];
            let open = self.open_sources(process, generation);
            if !open.is_empty() && self.now < until {
                index += 1;
                continue;
            }
            for source in open {
                self.pause_slots(source);
                self.end_run(source, keep_open);
            }
            self.drains.swap_remove(index);
            self.tell(OutputEvent::Drained { process, generation });
        }
    }

    fn open_sources(&self, process: ProcessId, generation: Generation) -> Vec<usize> {
        let Some(known) = self.known.get(process.index()) else { return Vec::new() };
        let is_of =
            |index: &&usize| self.sources[**index].as_ref().is_some_and(|source| source.generation == generation);
        known.sources.iter().filter(is_of).copied().collect()
    }

    /// Tells that the outputs of an incarnation are at their end, before its leader's end is known. A guest is none.
    pub(super) fn tell_if_drained(&self, process: ProcessId, generation: Generation) {
        let is_asked = self.drains.iter().any(|drain| (drain.process, drain.generation) == (process, generation));
        if !is_asked && generation != Generation::default() && self.open_sources(process, generation).is_empty() {
            self.tell(OutputEvent::Drained { process, generation });
        }
    }

    fn end_run(&mut self, index: usize, keep_open: bool) {
        if self.sources[index].as_ref().is_some_and(|source| source.is_by_clock) {
            self.wake_source(index, false);
        }
        if let Some(source) = &mut self.sources[index] {
            source.end_run(keep_open);
            if source.is_let_go() {
                self.close_source(index);
            }
        }
    }

    /// Answers who waits until everything is written. Whether the thread ends.
    fn answer_waiters(&mut self) -> bool {
        if self.waiters.is_empty() {
            return false;
        }
        let is_written = self.own.is_empty() && self.screen.is_written() && self.lagging().next().is_none();
        let is_all_in = self.ready.is_empty();
        let (now, stuck_since) = (self.now, self.screen.pipe_stuck_since());
        let is_over = |waiter: &Waiter| {
            now >= waiter.deadline(stuck_since)
                || (waiter.has_looked && is_written && (is_all_in || !waiter.ends_thread))
        };
        let mut is_ending = false;
        for waiter in self.waiters.extract_if(.., |waiter| is_over(waiter)) {
            let mut is_done = is_written;
            if waiter.ends_thread {
                is_ending = true;
                self.tracks.iter_mut().for_each(Track::close_copy);
                self.main.iter_mut().for_each(MainLog::close);
                is_done &= self.screen.close(now);
            }
            // Who asked may have stopped waiting.
            let _ = waiter.done.send(is_done);
        }
        is_ending
    }
}
