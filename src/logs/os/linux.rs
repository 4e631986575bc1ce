//! Linux: epoll, eventfd and inotify.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll, ppoll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use nix::sys::socket::MsgFlags;

use super::{Happened, Ready};

/// A send to who has gone is an error and no signal.
pub(in crate::logs) const NO_SIGNAL: MsgFlags = MsgFlags::MSG_NOSIGNAL;

/// So many descriptors are told of at once.
const MOST: usize = 64;

/// Waits for many descriptors at once.
#[derive(Debug)]
pub(in crate::logs) struct Poller(Epoll);

impl Poller {
    pub(in crate::logs) fn new() -> nix::Result<Self> {
        Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map(Self)
    }

    /// Tells for as long as there is something to read.
    pub(in crate::logs) fn add_bell(&self, bell: impl AsFd, token: u64) -> nix::Result<()> {
        self.0.add(bell, EpollEvent::new(EpollFlags::EPOLLIN, token))
    }

    /// Tells when there is something to read that was not there before.
    pub(in crate::logs) fn add_reader(&self, fd: impl AsFd, token: u64) -> nix::Result<()> {
        self.0.add(fd, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, token))
    }

    /// Tells when it takes bytes again. Regular files cannot be waited for, and need not be.
    pub(in crate::logs) fn add_writer(&self, fd: impl AsFd, token: u64) -> nix::Result<()> {
        self.0.add(fd, EpollEvent::new(EpollFlags::EPOLLOUT | EpollFlags::EPOLLET, token))
    }

    /// A descriptor that somebody else holds as well would stay watched.
    pub(in crate::logs) fn remove(&self, fd: impl AsFd) {
        // It was never added where it could not be.
        let _ = self.0.delete(fd);
    }

    /// Waits so long, or for ever; `false` when there may be more than what was found.
    pub(in crate::logs) fn wait(&self, limit: PollTimeout, found: &mut Vec<Ready>) -> nix::Result<bool> {
        let mut events = [EpollEvent::empty(); MOST];
        let timeout = EpollTimeout::try_from(i32::from(limit)).unwrap_or(EpollTimeout::NONE);
        let count = self.0.wait(&mut events, timeout)?;
        found.extend(events[..count].iter().map(|event| Ready {
            token: event.data(),
            is_gone: event.events().intersects(EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP),
        }));
        Ok(count < MOST)
    }

    /// Waits until there is something, or so long at most, which may be less than [`Self::wait`] can.
    pub(in crate::logs) fn nap(&self, limit: Duration) {
        // Who is woken too early looks too early.
        let _ = ppoll(&mut [PollFd::new(self.0.0.as_fd(), PollFlags::POLLIN)], Some(limit.into()), None);
    }
}

/// A descriptor that can be read once somebody has rung.
#[derive(Debug)]
pub(in crate::logs) struct Bell(EventFd);

impl Bell {
    pub(in crate::logs) fn new() -> nix::Result<Self> {
        EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).map(Self)
    }

    pub(in crate::logs) fn ring(&self) {
        // A full counter can be read as well.
        let _ = self.0.write(1);
    }

    /// Makes it silent; whether it was not.
    pub(in crate::logs) fn hush(&self) -> bool {
        self.0.read().is_ok()
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Lets a pipe hold so many bytes, if the user may have more pages in pipes (pipe(7), `pipe-user-pages-soft`). Whether it does.
pub(in crate::logs) fn widen(pipe: impl AsFd, bytes: i32) -> bool {
    fcntl(pipe, FcntlArg::F_SETPIPE_SZ(bytes)).is_ok()
}

/// News of directories and files.
#[derive(Debug)]
pub(in crate::logs) struct FileNews(Inotify);

/// A file that is watched.
pub(in crate::logs) type WatchedFile = WatchDescriptor;

impl FileNews {
    pub(in crate::logs) fn new() -> nix::Result<Self> {
        Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).map(Self)
    }

    /// Tells of files that come into a directory, and of writes to those in it.
    pub(in crate::logs) fn watch_writes(&self, directory: &Path) -> nix::Result<()> {
        self.watch(directory, AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_MODIFY)
    }

    /// Tells of files that come into a directory.
    pub(in crate::logs) fn watch_names(&self, directory: &Path) -> nix::Result<()> {
        self.watch(directory, AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO)
    }

    fn watch(&self, directory: &Path, events: AddWatchFlags) -> nix::Result<()> {
        self.0.add_watch(directory, events).map(drop)
    }

    /// Tells of writes to a file; `None` when there is no such file.
    pub(in crate::logs) fn watch_file(&self, path: &Path) -> nix::Result<Option<WatchedFile>> {
        match self.0.add_watch(path, AddWatchFlags::IN_MODIFY) {
            Ok(watched) => Ok(Some(watched)),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(in crate::logs) fn forget(&self, file: WatchedFile) {
        // The kernel has dropped it already when its file is gone.
        let _ = self.0.rm_watch(file);
    }

    /// Waits so long for something to happen.
    pub(in crate::logs) fn wait(&self, limit: PollTimeout) -> Happened {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, limit).unwrap_or(0) == 0 {
            return Happened::Nothing;
        }
        let events = self.0.read_events().unwrap_or_default();
        let is_write = |mask: AddWatchFlags| mask.contains(AddWatchFlags::IN_MODIFY);
        if events.iter().all(|event| is_write(event.mask)) { Happened::Written } else { Happened::Others }
    }

    /// What has happened is known.
    pub(in crate::logs) fn forget_all(&self) {
        while self.0.read_events().is_ok() {}
    }
}

impl AsRawFd for FileNews {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}
