//! macOS: kqueue, and a pipe to be woken by. Written from documentation (kqueue(2)); it compiles, and nobody has run it.
//!
//! Files are not watched: whoever follows one looks from time to time.

use std::convert::Infallible;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::PollTimeout;
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};
use nix::sys::socket::MsgFlags;
use nix::unistd::{read, write};

use super::{Happened, Ready, pipe};

/// There is no such flag here. The signal is ignored by us anyway, as by every program of Rust.
pub(in crate::logs) const NO_SIGNAL: MsgFlags = MsgFlags::empty();

/// So many descriptors are told of at once.
const MOST: usize = 64;

/// Waits for many descriptors at once.
#[derive(Debug)]
pub(in crate::logs) struct Poller(Kqueue);

impl Poller {
    pub(in crate::logs) fn new() -> nix::Result<Self> {
        Kqueue::new().map(Self)
    }

    /// Tells for as long as there is something to read.
    pub(in crate::logs) fn add_bell(&self, bell: impl AsFd, token: u64) -> nix::Result<()> {
        self.change(bell, EventFilter::EVFILT_READ, EvFlags::EV_ADD, token)
    }

    /// Tells when there is something to read that was not there before.
    pub(in crate::logs) fn add_reader(&self, fd: impl AsFd, token: u64) -> nix::Result<()> {
        self.change(fd, EventFilter::EVFILT_READ, EvFlags::EV_ADD | EvFlags::EV_CLEAR, token)
    }

    /// Tells when it takes bytes again.
    pub(in crate::logs) fn add_writer(&self, fd: impl AsFd, token: u64) -> nix::Result<()> {
        self.change(fd, EventFilter::EVFILT_WRITE, EvFlags::EV_ADD | EvFlags::EV_CLEAR, token)
    }

    /// Tells of it no more.
    pub(in crate::logs) fn remove(&self, fd: impl AsFd) {
        // It is there as a reader or not at all.
        let _ = self.change(fd, EventFilter::EVFILT_READ, EvFlags::EV_DELETE, 0);
    }

    /// Waits so long, or for ever; `false` when there may be more than what was found.
    pub(in crate::logs) fn wait(&self, limit: PollTimeout, found: &mut Vec<Ready>) -> nix::Result<bool> {
        let mut events = [event(0, EventFilter::EVFILT_READ, EvFlags::empty(), 0); MOST];
        // Below zero is for ever.
        let limit = u64::try_from(i32::from(limit)).ok().map(|millis| {
            let limit = Duration::from_millis(millis);
            let tv_sec = libc::time_t::try_from(limit.as_secs()).unwrap_or(libc::time_t::MAX);
            libc::timespec { tv_sec, tv_nsec: limit.subsec_nanos().into() }
        });
        let count = self.0.kevent(&[], &mut events, limit)?;
        found.extend(events[..count].iter().map(|event| Ready {
            token: u64::try_from(event.udata()).unwrap_or_default(),
            is_gone: event.flags().intersects(EvFlags::EV_EOF | EvFlags::EV_ERROR),
        }));
        Ok(count < MOST)
    }

    /// Waits so long; there may be something earlier.
    pub(in crate::logs) fn nap(&self, limit: Duration) {
        std::thread::sleep(limit);
    }

    fn change(&self, fd: impl AsFd, filter: EventFilter, flags: EvFlags, token: u64) -> nix::Result<()> {
        let change = event(fd.as_fd().as_raw_fd(), filter, flags, token);
        self.0.kevent(&[change], &mut [], None).map(drop)
    }
}

fn event(fd: RawFd, filter: EventFilter, flags: EvFlags, token: u64) -> KEvent {
    let [ident, token] = [usize::try_from(fd).unwrap_or_default(), usize::try_from(token).unwrap_or_default()];
    KEvent::new(ident, filter, flags, FilterFlag::empty(), 0, token.cast_signed())
}

/// A descriptor that can be read once somebody has rung.
#[derive(Debug)]
pub(in crate::logs) struct Bell {
    ear: OwnedFd,
    rope: OwnedFd,
}

impl Bell {
    pub(in crate::logs) fn new() -> nix::Result<Self> {
        let (ear, rope) = pipe()?;
        let bell = Self { ear, rope };
        for end in [&bell.ear, &bell.rope] {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(bell)
    }

    pub(in crate::logs) fn ring(&self) {
        // A full pipe can be read as well.
        let _ = write(&self.rope, &[0]);
    }

    /// Makes it silent; whether it was not.
    pub(in crate::logs) fn hush(&self) -> bool {
        let mut rung = false;
        while read(&self.ear, &mut [0; 64]).is_ok_and(|length| length > 0) {
            rung = true;
        }
        rung
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ear.as_fd()
    }
}

/// Pipes grow by themselves here.
pub(in crate::logs) fn widen(_pipe: impl AsFd, _bytes: i32) -> bool {
    false
}

/// There is no news here but that time has passed.
#[derive(Debug)]
pub(in crate::logs) struct FileNews(Infallible);

/// No file is watched.
pub(in crate::logs) type WatchedFile = Infallible;

impl FileNews {
    /// Never.
    pub(in crate::logs) fn new() -> nix::Result<Self> {
        Err(Errno::ENOTSUP)
    }

    /// There is nothing to watch by.
    pub(in crate::logs) fn watch_writes(&self, _directory: &Path) -> nix::Result<()> {
        match self.0 {}
    }

    /// There is nothing to watch by.
    pub(in crate::logs) fn watch_names(&self, _directory: &Path) -> nix::Result<()> {
        match self.0 {}
    }

    /// There is nothing to watch by.
    pub(in crate::logs) fn watch_file(&self, _path: &Path) -> nix::Result<Option<WatchedFile>> {
        match self.0 {}
    }

    /// There is nothing to forget.
    pub(in crate::logs) fn forget(&self, file: WatchedFile) {
        match file {}
    }

    /// Never comes.
    pub(in crate::logs) fn wait(&self, _limit: PollTimeout) -> Happened {
        match self.0 {}
    }

    /// There is nothing to forget.
    pub(in crate::logs) fn forget_all(&self) {
        match self.0 {}
    }
}

impl AsRawFd for FileNews {
    fn as_raw_fd(&self) -> RawFd {
        match self.0 {}
    }
}
