//! The connection under a client: a UNIX or a TCP socket, with or without something that may interrupt a wait, and with an eye on
//! whoever is to answer.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A connected socket.
#[derive(Debug)]
pub(super) struct Stream {
    socket: Socket,
    /// Becomes readable when a wait is to be given up.
    interrupt: Option<UnixStream>,
    /// How long a wait may take.
    timeout: Option<Duration>,
    /// Who is to answer, where that is known.
    peer: Option<Peer>,
}

/// A process that answers, and may be stopped meanwhile (Ctrl-Z): then it never does.
#[derive(Debug, Clone)]
pub struct Peer {
    /// What it serves: a project's name.
    pub name: String,
    /// Its pid.
    pub pid: u32,
    /// Whether the process of a pid is stopped.
    pub is_stopped: fn(u32) -> bool,
}

impl Peer {
    fn is_stopped(&self) -> bool {
        (self.is_stopped)(self.pid)
    }
}

/// How long until it is looked whether whoever is to answer is stopped; while it is not, each time twice as long.
const LOOK_AFTER: Duration = Duration::from_millis(250);

/// The longest time between two looks.
const LOOK_AT_LEAST: Duration = Duration::from_secs(2);

/// After so many looks in a row that found it stopped nobody waits any more: whoever types `fg` at once is waited for.
const LOOKS: u32 = 4;

#[derive(Debug)]
enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// That a wait was given up.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(super) struct Interrupted;

/// That who is to answer is stopped.
#[derive(Debug, thiserror::Error)]
#[error("{name} does not answer: its process {pid} is stopped")]
pub(super) struct Stopped {
    pub(super) name: String,
    pub(super) pid: u32,
}

impl Stream {
    /// Connects to a socket in the file system.
    pub(super) fn unix(path: &Path) -> io::Result<Self> {
        Ok(Self::of(Socket::Unix(UnixStream::connect(path)?)))
    }

    /// Connects to the first address of a host that answers.
    pub(super) fn tcp(host: &str, port: u16) -> io::Result<Self> {
        let socket = TcpStream::connect((host, port))?;
        // A call is one small packet that nobody should wait for.
        socket.set_nodelay(true).ok();
        Ok(Self::of(Socket::Tcp(socket)))
    }

    fn of(socket: Socket) -> Self {
        Self { socket, interrupt: None, timeout: None, peer: None }
    }

    /// From now on a wait ends with [`Interrupted`] when this becomes readable.
    pub(super) fn interrupted_by(&mut self, interrupt: UnixStream) {
        self.interrupt = Some(interrupt);
    }

    /// From now on a wait ends with [`Stopped`] when this process is.
    pub(super) fn answered_by(&mut self, peer: Peer) {
        self.peer = Some(peer);
    }

    /// Bounds every later read and write.
    pub(super) fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.timeout = timeout;
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

    /// Returns when there is something to read, or when the read itself may wait.
    fn wait(&self) -> io::Result<()> {
        if self.interrupt.is_none() && self.peer.is_none() {
            return Ok(());
        }
        let began = Instant::now();
        let (mut look_after, mut looks) = (LOOK_AFTER, 0);
        loop {
            let left = self.timeout.map(|timeout| timeout.saturating_sub(began.elapsed()));
            let look = self.peer.as_ref().map(|_| look_after);
            let step = left.into_iter().chain(look).min();
            if self.poll(step)? {
                return Ok(());
            }
            let is_over = left.is_some() && left == step;
            let stopped = self.peer.as_ref().filter(|peer| peer.is_stopped());
            (look_after, looks) =
                if stopped.is_some() { (LOOK_AFTER, looks + 1) } else { ((look_after * 2).min(LOOK_AT_LEAST), 0) };
            match stopped {
                Some(Peer { name, pid, .. }) if is_over || looks >= LOOKS => {
                    return Err(io::Error::other(Stopped { name: name.clone(), pid: *pid }));
                }
                None if is_over => return Err(io::ErrorKind::TimedOut.into()),
                Some(_) | None => {}
            }
        }
    }

    /// Waits for so long at most; whether there is something to read.
    fn poll(&self, longest: Option<Duration>) -> io::Result<bool> {
        let mut fds = vec![PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.interrupt.as_ref().map(|interrupt| PollFd::new(interrupt.as_fd(), PollFlags::POLLIN)));
        let longest = longest.map(|longest| PollTimeout::try_from(longest).unwrap_or(PollTimeout::MAX));
        let ready = poll(&mut fds, longest.unwrap_or(PollTimeout::NONE))?;
        match fds.get(1) {
            Some(interrupt) if interrupt.any() == Some(true) => Err(io::Error::other(Interrupted)),
            Some(_) | None => Ok(ready > 0),
        }
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
