//! A source: one open pipe or pty of one incarnation.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::read;

use crate::logs::flow::Flow;
use crate::logs::hub::{Attach, Channel, Matcher};
use crate::logs::os;
use crate::logs::slot::{Finding, Slot};
use crate::logs::tap::{Tap, Told, UnderWay};
use crate::model::{Generation, ProcessId};

/// After its leader ended a source is read on for so many bytes at most: what a pipe can hold (pipe(7)).
const LEFT_OVER: usize = 1 << 20;
/// A read of this length or more is a flood.
const FLOOD: usize = 16 * 1024;
/// After so many floods in a row without anybody beside it, a source is given a wider pipe …
const LONG_FLOOD: u8 = 16;
/// … which holds so many bytes: its writer and we wait for each other less often, and what is in it still fits a processor's cache.
const WIDE: i32 = 256 * 1024;

/// See the module. Readiness is edge-triggered: it is remembered until a read says that there is nothing more.
#[derive(Debug)]
pub(crate) struct Source {
    fd: OwnedFd,
    pub(crate) process: ProcessId,
    pub(crate) generation: Generation,
    pub(crate) run: u32,
    /// Index of its track.
    pub(crate) track: usize,
    slots: Vec<Slot>,
    tap: Option<Tap>,
    pub(crate) channel: Channel,
    pub(crate) is_ready: bool,
    /// Its writers are gone; only a read of nothing is its end.
    is_hung_up: bool,
    is_pipe: bool,
    is_flood: bool,
    /// The last read took all that it was let.
    is_full: bool,
    /// How many floods in a row were read while nobody else wrote.
    alone: u8,
    is_wide: bool,
    pub(crate) flow: Flow,
    /// It is looked at after each nap, and the poller does not tell of it.
    pub(crate) is_by_clock: bool,
    /// When it last had its turn.
    served: u64,
    /// Its leader has ended: how much more may be of its run.
    left_over: Option<usize>,
    /// It is let go when that is read, or once it is empty.
    leaves: bool,
}

/// What a read found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Bytes(usize),
    Nothing,
    End,
}

impl Source {
    pub(crate) fn new(attach: Attach, track: usize, under_way: &UnderWay) -> nix::Result<Self> {
        let Attach { process, generation, run, fd, matchers, channel, tapping, .. } = attach;
        let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL)?);
        fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        let is_pipe = SFlag::from_bits_truncate(fstat(&fd)?.st_mode) & SFlag::S_IFMT == SFlag::S_IFIFO;
        let slots = matchers.into_iter().map(|matcher: Matcher| Slot::new(matcher)).collect();
        let (is_ready, is_hung_up, is_flood, is_full) = (false, false, false, false);
        let (served, left_over, leaves) = (0, None, false);
        Ok(Self {
            fd,
            process,
            generation,
            run,
            track,
            slots,
            tap: Tap::new(tapping, under_way),
            channel,
            is_ready,
            is_hung_up,
            is_pipe,
            is_flood,
            is_full,
            alone: 0,
            is_wide: false,
            flow: Flow::default(),
            is_by_clock: false,
            served,
            left_over,
            leaves,
        })
    }

    /// The poller says that there is something.
    pub(crate) fn wake(&mut self, is_hung_up: bool) {
        self.is_ready = true;
        self.is_hung_up |= is_hung_up;
    }

    /// Quiet ones first, floods in turn.
    pub(crate) fn rank(&self) -> (bool, u64) {
        (self.is_flood, self.served)
    }

    /// Whether there is more than was read.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Reads once.
    pub(crate) fn read(&mut self, buffer: &mut [u8], turn: u64, now: Instant) -> Found {
        self.served = turn;
        match read(&self.fd, buffer) {
            Ok(0) => Found::End,
            Ok(length) => {
                self.is_full = length == buffer.len();
                self.is_flood = length >= FLOOD || self.is_full;
                self.flow.read(length, self.is_flood, now);
                if length < buffer.len() && self.is_pipe && !self.is_hung_up {
                    self.is_ready = false;
                }
                if let Some(left) = &mut self.left_over {
                    *left = left.saturating_sub(length);
                }
                Found::Bytes(length)
            }
            Err(Errno::EINTR) => Found::Nothing,
            Err(Errno::EAGAIN) => {
                self.is_ready = false;
                self.flow.read_nothing(now);
                Found::Nothing
            }
            // A pty whose other end was closed says EIO (tty_read in the kernel's n_tty.c); anything else is no better.
            Err(_) => Found::End,
        }
    }

    /// After a read: whether nobody else wrote meanwhile. Whether a wider pipe would serve it now; that is told once in a row.
    pub(crate) fn note_company(&mut self, is_alone: bool) -> bool {
        self.alone = if is_alone && self.is_flood { self.alone.saturating_add(1) } else { 0 };
        self.is_pipe && !self.is_wide && self.alone == LONG_FLOOD
    }

    /// Makes its pipe wider, where that can be.
    pub(crate) fn widen(&mut self) {
        self.is_wide = os::widen(&self.fd, WIDE);
    }

    pub(crate) fn is_wide(&self) -> bool {
        self.is_wide
    }

    /// Its leader has ended, and it is to be kept open, or not.
    pub(crate) fn end_run(&mut self, keep_open: bool) {
        (self.left_over, self.leaves) = (Some(LEFT_OVER), !keep_open);
    }

    /// Whether it is let go now.
    pub(crate) fn is_let_go(&self) -> bool {
        self.leaves && self.left_over.is_some_and(|left| left == 0 || !self.is_ready)
    }

    /// Whether there may be something in it that the ended leader has written.
    pub(crate) fn has_left_over(&self) -> bool {
        self.left_over.is_some_and(|left| left > 0) && self.is_ready
    }

    /// Takes out what is no output; how much is left at the front of the buffer.
    pub(crate) fn tap(&mut self, buffer: &mut [u8], length: usize, told: &mut Vec<Told>) -> usize {
        let plain = self.tap.as_mut().and_then(|tap| tap.feed(&buffer[..length], told));
        let Some(plain) = plain else { return length };
        buffer[..plain.len()].copy_from_slice(&plain);
        plain.len()
    }

    /// Nothing follows: what the tap held back.
    pub(crate) fn finish_tap(&mut self, told: &mut Vec<Told>) -> Vec<u8> {
        self.tap.as_mut().map(|tap| tap.finish(told)).unwrap_or_default()
    }

    /// Gives the bytes to the slots; what some of them have found.
    pub(crate) fn feed_slots(&mut self, chunk: &[u8], found: &mut Vec<Finding>) {
        self.ask_slots(|slot| slot.feed(chunk), found);
    }

    /// Nothing has come for a while, or nothing will.
    pub(crate) fn pause_slots(&mut self, found: &mut Vec<Finding>) {
        self.ask_slots(Slot::pause, found);
    }

    /// A slot that has found its line is done.
    fn ask_slots(&mut self, mut ask: impl FnMut(&mut Slot) -> Option<Finding>, found: &mut Vec<Finding>) {
        self.slots.retain_mut(|slot| {
            let finding = ask(slot);
            let is_done = matches!(finding, Some(Finding::Line(_)));
            found.extend(finding);
            !is_done
        });
    }
}

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
