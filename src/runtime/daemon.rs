//! Into the background, as supervisord goes there (supervisor `options.py` `_daemonize`): a fork, a session of its own, the mask.
//!
//! The parent stays until its child has begun, so that whoever waits for it finds a server that answers; the original's parent ends as
//! soon as it has forked. What goes wrong before is said by the child, which still has the parent's streams, and becomes the parent's
//! exit code.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;

use nix::sys::stat::{Mode, umask};

use crate::runtime::os;
use crate::runtime::sys::{self, Forked, Waited};

/// Which of the two we are.
#[derive(Debug)]
pub enum Side {
    /// The original process: it ends with what [`Waiting::wait`] returns.
    Parent(Waiting),
    /// The daemon.
    Daemon(Beginning),
}

/// What the parent waits for.
#[derive(Debug)]
pub struct Waiting {
    daemon: u32,
    begun: PipeReader,
}

/// The daemon's way to tell its parent that it has begun. Dropped unused, it says nothing, and the parent waits for the daemon's end.
#[derive(Debug)]
pub struct Beginning {
    parent: PipeWriter,
}

/// What becomes of a start in the background when the daemon ends without a code.
const LOST: u8 = 1;

/// Makes two processes of this one. Call it before there is a second thread, and before the spawner is started.
pub fn split() -> io::Result<Side> {
    let (begun, parent) = io::pipe()?;
    match sys::fork()? {
        Forked::Parent(daemon) => {
            drop(parent);
            Ok(Side::Parent(Waiting { daemon, begun }))
        }
        Forked::Child => {
            drop(begun);
            nix::unistd::setsid()?;
            let null = File::open("/dev/null")?;
            nix::unistd::dup2_stdin(null.as_fd())?;
            Ok(Side::Daemon(Beginning { parent }))
        }
    }
}

impl Waiting {
    /// Returns when the daemon has begun, with 0, or with its code when it has ended before.
    pub fn wait(mut self) -> io::Result<u8> {
        let mut code = [0];
        if self.begun.read(&mut code)? == 1 {
            return Ok(0);
        }
        Ok(match sys::wait_for(self.daemon)? {
            Waited::Ended(_, exit) => exit.shell_code(),
            Waited::Nothing | Waited::NoChildren => LOST,
        })
    }
}

impl Beginning {
    /// Lets go of the parent and its streams.
    pub fn has_begun(mut self) -> io::Result<()> {
        os::release_standard_streams()?;
        match self.parent.write_all(&[0]) {
            // It was shot: nobody waits any more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

/// The mask of a daemon, which its programs inherit.
pub fn set_mask(mask: u32) {
    umask(Mode::from_bits_truncate(libc::mode_t::try_from(mask & 0o777).unwrap_or(0o022)));
}
