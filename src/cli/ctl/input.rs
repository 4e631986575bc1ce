//! Lines from stdin, read by hand so that a wait for one can be combined with other waits, and so that the prompt, a question and
//! `fg` share what was read ahead.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

use super::interrupt::Interrupt;

/// What a wait for a line brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// A line without its end.
    Line(String),
    /// There is no more.
    End,
    /// Ctrl-C.
    Interrupted,
}

/// Our stdin.
#[derive(Debug)]
pub struct Input {
    source: File,
    buffer: Vec<u8>,
    is_over: bool,
}

impl Input {
    /// Takes hold of stdin.
    pub fn stdin() -> io::Result<Self> {
        Ok(Self::from(File::from(io::stdin().as_fd().try_clone_to_owned()?)))
    }

    /// Waits for a line.
    pub fn line(&mut self, interrupt: Option<&Interrupt>) -> io::Result<Typed> {
        loop {
            if let Some(typed) = self.take() {
                return Ok(typed);
            }
            if let Some(interrupt) = interrupt {
                let mut fds = [interrupt.as_fd(), self.source.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
                poll(&mut fds, PollTimeout::NONE)?;
                if fds[0].any() == Some(true) {
                    interrupt.clear();
                    return Ok(Typed::Interrupted);
                }
            }
            self.fill()?;
        }
    }

    /// The next line, or the end, if it is here already.
    pub fn take(&mut self) -> Option<Typed> {
        if let Some(end) = memchr::memchr(b'\n', &self.buffer) {
            let line: Vec<u8> = self.buffer.drain(..=end).take(end).collect();
            return Some(Typed::Line(String::from_utf8_lossy(&line).into_owned()));
        }
        if !self.is_over {
            return None;
        }
        let last = std::mem::take(&mut self.buffer);
        Some(if last.is_empty() { Typed::End } else { Typed::Line(String::from_utf8_lossy(&last).into_owned()) })
    }

    /// Reads once.
    pub fn fill(&mut self) -> io::Result<()> {
        let mut chunk = [0; 4096];
        match self.source.read(&mut chunk) {
            Ok(0) => self.is_over = true,
            Ok(read) => self.buffer.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// After its end was typed, a terminal may go on; a file says again that it is over.
    pub fn reopen(&mut self) {
        self.is_over = false;
    }

    /// Waits for a line that is not shown while it is typed.
    pub fn secret(&mut self, interrupt: Option<&Interrupt>) -> io::Result<Typed> {
        let Ok(before) = tcgetattr(&self.source) else { return self.line(interrupt) };
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(&self.source, SetArg::TCSAFLUSH, &silent)?;
        let typed = self.line(interrupt);
        tcsetattr(&self.source, SetArg::TCSAFLUSH, &before)?;
        typed
    }
}

impl From<File> for Input {
    fn from(source: File) -> Self {
        Self { source, buffer: Vec::new(), is_over: false }
    }
}

impl AsFd for Input {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    #[test]
    fn lines_come_one_by_one_and_the_last_needs_no_end() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"status\n\nfg cat").unwrap();
        file.rewind().unwrap();
        let mut input = Input::from(file);
        let lines: Vec<Typed> = std::iter::repeat_with(|| input.line(None).unwrap()).take(4).collect();
        let line = |text: &str| Typed::Line(text.into());
        assert_eq!(lines, [line("status"), line(""), line("fg cat"), Typed::End]);
    }
}
