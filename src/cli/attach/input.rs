//! What is typed while attached: from the terminal, or from a pipe.

use std::io::{self, ErrorKind, IsTerminal, Read};
use std::path::Path;
use std::thread;

use tokio::sync::mpsc;

use crate::ui::terminal::{CONTROLLING_TERMINAL, TerminalBytes};

/// What leaves: Ctrl-].
pub(super) const LEAVE: u8 = 0x1d;

/// The same key where a program has switched the kitty keyboard protocol on.
const LEAVE_KITTY: &[u8] = b"\x1b[93;5u";

/// What interrupts: Ctrl-C.
const INTERRUPT: u8 = 0x03;

/// Read from a pipe at once, in bytes.
const PIECE: usize = 16 << 10;

/// Where it comes from.
#[derive(Debug)]
pub(super) enum Input {
    /// A person.
    Terminal(TerminalBytes),
    /// Something else.
    Pipe(mpsc::Receiver<Vec<u8>>),
}

/// One piece of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Bytes(Vec<u8>),
    /// Ctrl-D, or the end of the pipe.
    End,
    /// The terminal has gone away.
    Gone,
}

impl Input {
    /// Our stdin; for a terminal the one that controls us, opened anew.
    pub(super) fn open() -> io::Result<Self> {
        if io::stdin().is_terminal() {
            return TerminalBytes::open(Path::new(CONTROLLING_TERMINAL)).map(Self::Terminal);
        }
        let (pieces, pipe) = mpsc::channel(1);
        // Nobody waits for it: what it has read and nobody took is lost with us.
        thread::Builder::new().name("stdin".to_owned()).spawn(move || read(&pieces))?;
        Ok(Self::Pipe(pipe))
    }

    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal(_))
    }

    /// The next piece. Nothing is lost when the waiting is given up.
    pub(super) async fn next(&mut self) -> io::Result<Typed> {
        match self {
            Self::Terminal(terminal) => match terminal.read().await? {
                Some(bytes) if bytes.is_empty() => Ok(Typed::End),
                Some(bytes) => Ok(Typed::Bytes(bytes)),
                None => Ok(Typed::Gone),
            },
            Self::Pipe(pipe) => Ok(pipe.recv().await.map_or(Typed::End, Typed::Bytes)),
        }
    }
}

fn read(pieces: &mpsc::Sender<Vec<u8>>) {
    let mut stdin = io::stdin().lock();
    let mut buffer = vec![0; PIECE];
    loop {
        match stdin.read(&mut buffer) {
            Ok(length @ 1..) if pieces.blocking_send(buffer[..length].to_vec()).is_ok() => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => return,
        }
    }
}

/// What stands before the key that leaves, if it was pressed.
pub(super) fn before_leaving(typed: &[u8]) -> Option<&[u8]> {
    let key = typed.iter().position(|byte| *byte == LEAVE);
    let kitty = typed.windows(LEAVE_KITTY.len()).position(|window| window == LEAVE_KITTY);
    let at = [key, kitty].into_iter().flatten().min()?;
    Some(&typed[..at])
}

/// Whether Ctrl-C was pressed.
pub(super) fn has_interrupt(typed: &[u8]) -> bool {
    typed.contains(&INTERRUPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_before_leaving_is_sent() {
        assert_eq!(before_leaving(b"ls\r\x1dx"), Some(&b"ls\r"[..]));
        assert_eq!(before_leaving(b"a\x1b[93;5u"), Some(&b"a"[..]));
        assert_eq!(before_leaving(b"\x1b[93u ]"), None);
    }
}
