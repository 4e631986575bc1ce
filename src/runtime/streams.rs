//! The standard streams of a program: pipes, or a pty of its own. We hold its stdin open as long as it runs, because many
//! watchers end when theirs does.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::pty::{Winsize, openpty};
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{Uid, fchown};

use crate::fault::{self, Point};
use crate::runtime::os;
use crate::runtime::spawner::Stdio;
use crate::runtime::sys;

/// How many descriptors programs leave to logs and to whoever asks.
const LEFT_TO_OTHERS: u64 = 16;

/// Both sides of a program's streams.
#[derive(Debug)]
pub struct Streams {
    /// The program's side, handed to the spawner.
    pub theirs: Stdio,
    /// Where its output is read; on a pty both of its outputs.
    pub stdout: OwnedFd,
    /// Where its stderr is read, when it is apart.
    pub stderr: Option<OwnedFd>,
    /// What keeps its stdin open, and takes what is typed for it.
    pub console: Console,
}

/// Our end of a program's stdin.
#[derive(Debug)]
pub enum Console {
    /// The writing end of a pipe.
    Pipe(OwnedFd),
    /// The pty's master, which also knows its size.
    Terminal(OwnedFd),
    /// Its stdin is not ours: it is a socket.
    None,
}

impl Console {
    /// What is written to, if anything is.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Pipe(fd) | Self::Terminal(fd) => Some(fd.as_fd()),
            Self::None => None,
        }
    }

    /// Tells a pty its new size; a pipe has none.
    pub fn resize(&self, size: Winsize) {
        match self {
            Self::Pipe(_) | Self::None => {}
            // A program whose terminal cannot be resized keeps the old size; there is nothing more to be done.
            Self::Terminal(master) => drop(sys::set_window_size(master, size)),
        }
    }
}

impl Streams {
    /// Pipes; stderr apart or in one with stdout.
    pub fn pipes(stderr_apart: bool) -> io::Result<Self> {
        fault::strike(Point::Streams)?;
        let (stdin, keep_open) = os::pipe()?;
        let (stdout_ours, stdout) = os::pipe()?;
        let (stderr_ours, stderr) = if stderr_apart {
            let (ours, theirs) = os::pipe()?;
            (Some(ours), Some(theirs))
        } else {
            (None, None)
        };
        leave_some(stderr.as_ref().unwrap_or(&stdout))?;
        Ok(Self {
            theirs: Stdio::Streams { stdin, stdout, stderr },
            stdout: stdout_ours,
            stderr: stderr_ours,
            console: Console::Pipe(keep_open),
        })
    }

    /// Lets a program of another user open them anew by their names, as `/dev/stdout` is. What is refused stays ours.
    pub fn give_to(&self, uid: u32) {
        let theirs = match &self.theirs {
            Stdio::Streams { stdin, stdout, stderr } => vec![Some(stdin), Some(stdout), stderr.as_ref()],
            Stdio::Terminal(slave) => vec![Some(slave)],
        };
        theirs.into_iter().flatten().for_each(|stream| give_to(stream, uid));
    }

    /// The same with something else as stdin.
    #[must_use]
    pub fn with_stdin(self, other: OwnedFd) -> Self {
        let theirs = match self.theirs {
            Stdio::Streams { stdin: _, stdout, stderr } => Stdio::Streams { stdin: other, stdout, stderr },
            Stdio::Terminal(slave) => Stdio::Terminal(slave),
        };
        Self { theirs, console: Console::None, ..self }
    }

    /// Pipes of an extension: its stderr is what is read as its output, and what it reads and answers goes another way.
    pub fn extension() -> io::Result<(Self, (OwnedFd, OwnedFd))> {
        let mut pipes = Self::pipes(true)?;
        let (Console::Pipe(stdin), Some(stderr)) = (&pipes.console, pipes.stderr.take()) else {
            return Err(io::Error::other("pipes were asked for"));
        };
        let stdin = stdin.try_clone()?;
        let answers = std::mem::replace(&mut pipes.stdout, stderr);
        Ok((pipes, (stdin, answers)))
    }

    /// A pty of the given size.
    pub fn terminal(size: Winsize) -> io::Result<Self> {
        fault::strike(Point::Streams)?;
        let pty = openpty(&size, None)?;
        for fd in [&pty.master, &pty.slave] {
            nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
        }
        let console = Console::Terminal(pty.master.try_clone()?);
        leave_some(&pty.slave)?;
        Ok(Self { theirs: Stdio::Terminal(pty.slave), stdout: pty.master, stderr: None, console })
    }
}

/// Refuses what would take the last descriptors. The kernel hands out the lowest number that is free, so a high one says that few are
/// left.
fn leave_some(last: &OwnedFd) -> io::Result<()> {
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let number = u64::try_from(last.as_raw_fd()).unwrap_or(0);
    if number + LEFT_TO_OTHERS < limit { Ok(()) } else { Err(Errno::EMFILE.into()) }
}

/// The size of the terminal on one of our own streams, less the columns that a prefix takes. A usual size where there is none.
pub fn window_size(prefix_columns: u16) -> Winsize {
    let known = [0, 1, 2].into_iter().find_map(sys::window_size).filter(|size| size.ws_col > 0);
    let size = known.unwrap_or(Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 });
    let columns = size.ws_col.saturating_sub(prefix_columns).max(20);
    Winsize { ws_col: columns, ws_xpixel: 0, ws_ypixel: 0, ..size }
}

/// Lets another user open a pipe or terminal anew by its name. Where that is refused, it is there all the same, by its number.
pub fn give_to(stream: &OwnedFd, uid: u32) {
    fchown(stream, Some(Uid::from_raw(uid)), None).ok();
}

/// A descriptor that reads as empty, for helpers.
pub fn nothing() -> io::Result<OwnedFd> {
    Ok(File::open("/dev/null")?.into())
}
