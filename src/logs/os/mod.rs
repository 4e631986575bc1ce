//! The few things that the output thread and the followers of logs need of the system, with the same signatures on each: waiting for
//! descriptors ([`Poller`]), a descriptor to be woken by ([`Bell`]), and news of files ([`FileNews`]).
//!
//! `linux` was measured; `macos` compiles, and nobody has run it.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;

#[cfg(target_os = "linux")]
pub(super) use linux::{Bell, FileNews, NO_SIGNAL, Poller, WatchedFile, widen};
#[cfg(target_os = "macos")]
pub(super) use macos::{Bell, FileNews, NO_SIGNAL, Poller, WatchedFile, widen};

/// A pipe that no program inherits: where it is read, and where it is written.
pub(super) fn pipe() -> nix::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) =
        io::pipe().map_err(|error| error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw))?;
    Ok((reader.into(), writer.into()))
}

/// A descriptor that something can be done with now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ready {
    /// What it was added as.
    pub(super) token: u64,
    /// Nobody is at its other end any more, or it is broken.
    pub(super) is_gone: bool,
}

/// What happened to the files of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happened {
    /// Nothing, for as long as it was waited for.
    Nothing,
    /// Some were written to.
    #[cfg_attr(target_os = "macos", expect(dead_code, reason = "files are not watched there"))]
    Written,
    /// There may be others than before.
    Others,
}
