//! The connection under a client: a UNIX or a TCP socket, with or without something that may interrupt a wait.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A connected socket.
#[derive(Debug)]
pub(super) struct Stream {
    socket: Socket,
    /// Becomes readable when a wait is to be given up.
    interrupt: Option<UnixStream>,
}

#[derive(Debug)]
enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// That a wait was given up.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(super) struct Interrupted;

impl Stream {
    /// Connects to a socket in the file system.
    pub(super) fn unix(path: &Path) -> io::Result<Self> {
        Ok(Self { socket: Socket::Unix(UnixStream::connect(path)?), interrupt: None })
    }

    /// Connects to the first address of a host that answers.
    pub(super) fn tcp(host: &str, port: u16) -> io::Result<Self> {
        let socket = TcpStream::connect((host, port))?;
        // A call is one small packet that nobody should wait for.
        socket.set_nodelay(true).ok();
        Ok(Self { socket: Socket::Tcp(socket), interrupt: None })
    }

    /// From now on a wait ends with [`Interrupted`] when this becomes readable.
    pub(super) fn interrupted_by(&mut self, interrupt: UnixStream) {
        self.interrupt = Some(interrupt);
    }

    /// Bounds every later read and write.
    pub(super) fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match &self.socket {
            Socket::Unix(socket) => socket.set_read_timeout(timeout).and_then(|()| socket.set_write_timeout(timeout)),
            Socket::Tcp(socket) => socket.set_read_timeout(timeout).and_then(|()| socket.set_write_timeout(timeout)),
        }
    }

    /// The socket itself, if it is a UNIX one.
    pub(super) fn into_unix(self) -> Option<UnixStream> {
        match self.socket {
            Socket::Unix(socket) => Some(socket),
            Socket::Tcp(_) => None,
        }
    }

    fn wait(&self) -> io::Result<()> {
        let Some(interrupt) = &self.interrupt else { return Ok(()) };
        let mut fds = [PollFd::new(interrupt.as_fd(), PollFlags::POLLIN), PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::NONE)?;
        if fds[0].any() == Some(true) { Err(io::Error::other(Interrupted)) } else { Ok(()) }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Unix(socket) => socket.as_fd(),
            Socket::Tcp(socket) => socket.as_fd(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait()?;
        match &mut self.socket {
            Socket::Unix(socket) => socket.read(buffer),
            Socket::Tcp(socket) => socket.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.socket {
            Socket::Unix(socket) => socket.write(bytes),
            Socket::Tcp(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.socket {
            Socket::Unix(socket) => socket.flush(),
            Socket::Tcp(socket) => socket.flush(),
        }
    }
}
