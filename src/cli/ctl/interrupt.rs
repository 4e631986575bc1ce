//! Ctrl-C as something that a wait can look at.
//!
//! Only what goes on after Ctrl-C asks for it: the prompt, `tail -f` and `fg`. Everything else ends by it, as any program does.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::thread;

use nix::sys::signal::{SigSet, Signal};

/// Readable from the moment Ctrl-C was pressed until it is [cleared](Interrupt::clear).
#[derive(Debug)]
pub struct Interrupt {
    reader: UnixStream,
}

impl Interrupt {
    /// From here on SIGINT does not end the process. Must be called while there is only one thread; its watcher lives as long as
    /// the process does.
    pub fn catch() -> io::Result<Self> {
        let (reader, mut writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGINT);
        signals.thread_block()?;
        let watch = move || {
            while signals.wait().is_ok() && writer.write_all(b"!").is_ok() {}
        };
        thread::Builder::new().name("interrupt".to_owned()).spawn(watch)?;
        Ok(Self { reader })
    }

    /// Another handle on the same thing, for a client to look at.
    pub fn handle(&self) -> io::Result<UnixStream> {
        self.reader.try_clone()
    }

    /// Forgets what was pressed; whether anything was.
    pub fn clear(&self) -> bool {
        let mut pressed = false;
        while matches!((&self.reader).read(&mut [0; 16]), Ok(1..)) {
            pressed = true;
        }
        pressed
    }
}

impl AsFd for Interrupt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
