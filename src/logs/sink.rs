//! One place that output is written to, without ever waiting for it.
//!
//! `O_NONBLOCK` belongs to the open file description, which we share with the shell and with whoever reads our pipe, so it is never
//! set on what we were given: a pipe and a terminal are opened once more through `/proc/self/fd`, a socket takes the wish with
//! each call, and what cannot be opened again is written by a thread of its own. Regular files never block for long.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use memchr::memchr;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::{isatty, write};

use crate::logs::os::{NO_SIGNAL, pipe};

/// The buffer has room below this many bytes. What is in it is before a quiet line, so it is not larger than a pipe.
pub(crate) const ROOM: usize = 64 * 1024;

/// How a descriptor is written without waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// write(2); a part means that it is full now.
    Pipe,
    /// write(2), until it refuses.
    Write,
    /// send(2) with `MSG_DONTWAIT`.
    Send,
}

/// A place in what was appended to a sink, not counting what was put ahead of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Mark(u64);

/// A descriptor and the bytes on their way to it.
#[derive(Debug)]
pub(crate) struct Sink {
    fd: OwnedFd,
    way: Way,
    is_terminal: bool,
    buffer: Vec<u8>,
    /// How much of the buffer's front is written.
    head: usize,
    /// How much was written ever.
    passed: u64,
    /// How much was put ahead ever.
    ahead: u64,
    /// Where in the buffer the last of it ends.
    ahead_end: usize,
    /// Whether the next byte to be written begins a row.
    is_at_row: bool,
    /// It refused more; the poller says when that changes.
    is_blocked: bool,
    /// Since when there has been no room.
    full_since: Option<Instant>,
    /// Since when bytes have been waiting without any of them being taken.
    stuck_since: Option<Instant>,
    /// Says when the thread that writes for us has written all.
    relay: Option<mpsc::Receiver<()>>,
}

impl Sink {
    /// Prepares a descriptor; it is closed unless it is written itself.
    pub(crate) fn open(fd: OwnedFd) -> nix::Result<Self> {
        let is_terminal = isatty(&fd).unwrap_or(false);
        let kind = SFlag::from_bits_truncate(fstat(&fd)?.st_mode) & SFlag::S_IFMT;
        let (fd, way, relay) = if kind == SFlag::S_IFSOCK {
            (fd, Way::Send, None)
        } else if kind != SFlag::S_IFIFO && !is_terminal {
            (fd, Way::Write, None)
        } else if let Ok(private) = reopen(&fd) {
            (private, if is_terminal { Way::Write } else { Way::Pipe }, None)
        } else {
            let (pipe, done) = relay(fd)?;
            (pipe, Way::Pipe, Some(done))
        };
        Ok(Self { way, is_terminal, relay, ..Self::private(fd) })
    }

    /// Takes a descriptor that nobody shares and that does not block.
    pub(crate) fn private(fd: OwnedFd) -> Self {
        Self {
            fd,
            way: Way::Write,
            is_terminal: false,
            buffer: Vec::new(),
            head: 0,
            passed: 0,
            ahead: 0,
            ahead_end: 0,
            is_at_row: true,
            is_blocked: false,
            full_since: None,
            stuck_since: None,
            relay: None,
        }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Where to append what is to be written.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// How much of the buffer's front is written already.
    pub(crate) fn written(&self) -> usize {
        self.head
    }

    /// How many bytes are on their way.
    pub(crate) fn pending(&self) -> usize {
        self.buffer.len() - self.head
    }

    /// The end of what was appended.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.passed + self.pending() as u64 - self.ahead)
    }

    /// Whether everything before a mark is written.
    pub(crate) fn has_written(&self, mark: Mark) -> bool {
        // Of what was put ahead some may still wait: then this is too little, and never too much.
        self.pending() == 0 || self.passed.saturating_sub(self.ahead) >= mark.0
    }

    /// Puts whole rows before everything that waits, but behind the rest of a row that is partly written, and behind what was put
    /// ahead before.
    pub(crate) fn put_ahead(&mut self, rows: &[u8]) {
        let begun = if self.is_at_row { Some(0) } else { memchr(b'\n', &self.buffer[self.head..]).map(|end| end + 1) };
        let at = begun.map_or(self.buffer.len(), |begun| self.head + begun).max(self.ahead_end);
        self.buffer.splice(at..at, rows.iter().copied());
        self.ahead += rows.len() as u64;
        self.ahead_end = at + rows.len();
    }

    pub(crate) fn has_room(&self) -> bool {
        self.pending() < ROOM
    }

    /// Since when there has been no room.
    pub(crate) fn full_since(&self) -> Option<Instant> {
        self.full_since
    }

    /// Since when nothing has been taken although something waits.
    pub(crate) fn stuck_since(&self) -> Option<Instant> {
        self.stuck_since
    }

    /// the poller says that it takes bytes again.
    pub(crate) fn unblock(&mut self) {
        self.is_blocked = false;
    }

    /// Writes what it takes now.
    pub(crate) fn flush(&mut self, now: Instant) -> nix::Result<()> {
        let before = self.pending();
        while !self.is_blocked && self.pending() > 0 {
            match self.write_some() {
                Ok(written) => {
                    self.head += written;
                    self.passed += written as u64;
                    self.is_blocked = self.way == Way::Pipe && self.pending() > 0;
                }
                Err(Errno::EAGAIN) => self.is_blocked = true,
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error),
            }
        }
        if self.head > 0 {
            self.is_at_row = self.buffer[self.head - 1] == b'\n';
        }
        self.tidy();
        self.note_time(now, before);
        Ok(())
    }

    /// Gives back the room for what is on its way, except for what is.
    pub(crate) fn rest(&mut self) {
        self.buffer.shrink_to_fit();
    }

    /// Lets go of the descriptor; waits for the thread that writes for us, at most so long. Whether all is written.
    pub(crate) fn finish(self, until: Instant) -> bool {
        let is_written = self.pending() == 0;
        drop(self.fd);
        let is_relayed =
            self.relay.is_none_or(|done| done.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok());
        is_written && is_relayed
    }

    fn write_some(&self) -> nix::Result<usize> {
        let bytes = &self.buffer[self.head..];
        match self.way {
            Way::Pipe | Way::Write => write(&self.fd, bytes),
            Way::Send => send(self.fd.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT | NO_SIGNAL),
        }
    }

    /// Forgets what is written.
    fn tidy(&mut self) {
        if self.head == self.buffer.len() {
            self.buffer.clear();
            self.buffer.shrink_to(2 * ROOM);
            (self.head, self.ahead_end) = (0, 0);
        } else if self.head >= self.buffer.len() / 2 {
            self.buffer.drain(..self.head);
            self.ahead_end = self.ahead_end.saturating_sub(self.head);
            self.head = 0;
        }
    }

    fn note_time(&mut self, now: Instant, before: usize) {
        self.full_since = if self.has_room() { None } else { self.full_since.or(Some(now)) };
        let has_moved = self.pending() < before;
        self.stuck_since = match self.stuck_since {
            _ if self.pending() == 0 => None,
            Some(since) if !has_moved => Some(since),
            Some(_) | None => Some(now),
        };
    }
}

impl AsFd for Sink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// How long a write may wait for a thread's pipe to be read when that pipe was closed.
pub(crate) const FINISH: Duration = Duration::from_millis(100);

/// A description of our own of the same pipe or terminal.
fn reopen(fd: &OwnedFd) -> nix::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    open(path.as_str(), flags, Mode::empty())
}

/// A thread that copies from a pipe, whose other end we get, to a descriptor that may block.
fn relay(fd: OwnedFd) -> nix::Result<(OwnedFd, mpsc::Receiver<()>)> {
    let (from, to) = pipe()?;
    fcntl(&to, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let (done, is_done) = mpsc::channel();
    let copy = move || {
        // An error here closes our end of the pipe, which the output thread sees as a sink that is gone.
        let _ = copy_all(File::from(from), File::from(fd));
        let _ = done.send(());
    };
    thread::Builder::new().name("screen".to_owned()).spawn(copy).map_err(|_| Errno::EAGAIN)?;
    Ok((to, is_done))
}

fn copy_all(mut from: File, mut to: File) -> io::Result<()> {
    let mut block = [0; 4096];
    loop {
        match from.read(&mut block)? {
            0 => return Ok(()),
            length => to.write_all(&block[..length])?,
        }
    }
}
