//! One connection, whichever way it came in. The two kinds of stream have the same methods and no common type.

use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd as _, RawFd};
use std::task::{Context, Poll};

use nix::sys::socket::{Shutdown, shutdown};
#[cfg(target_os = "linux")]
use tokio::io::{Interest, Ready};
use tokio::net::{TcpStream, UnixStream};

use super::unix::is_ours;

/// A connected stream.
#[derive(Debug)]
pub(super) enum Socket {
    /// Over the UNIX socket.
    Unix(UnixStream),
    /// Over TCP.
    Tcp(TcpStream),
}

/// Calls the same method on either.
macro_rules! either {
    ($socket:expr, $stream:ident => $call:expr) => {
        match $socket {
            Self::Unix($stream) => $call,
            Self::Tcp($stream) => $call,
        }
    };
}

impl Socket {
    #[cfg(target_os = "linux")]
    pub(super) async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        either!(self, stream => stream.ready(interest).await)
    }

    pub(super) fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read_ready(context))
    }

    pub(super) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, stream => stream.try_read(buffer))
    }

    pub(super) fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_write_ready(context))
    }

    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        either!(self, stream => stream.try_write(bytes))
    }

    pub(super) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, stream => stream.try_write_vectored(slices))
    }

    /// Whether the other end is a process of our user, or of root.
    pub(super) fn is_owner(&self) -> bool {
        match self {
            Self::Unix(stream) => is_ours(stream),
            Self::Tcp(_) => false,
        }
    }

    /// Says that nothing more will be written.
    pub(super) fn end_writing(&self) -> io::Result<()> {
        shutdown(self.as_raw_fd(), Shutdown::Write).map_err(io::Error::from)
    }

    /// Its descriptor's number.
    pub(super) fn as_raw_fd(&self) -> RawFd {
        either!(self, stream => stream.as_raw_fd())
    }
}
