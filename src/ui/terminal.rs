//! The terminal itself: keys without Return and without echo, or bytes for who is attached, and everything put back as it was found.
//!
//! For keys, signals stay with the terminal (ISIG), so Ctrl-C and Ctrl-Z are what they always are. The terminal is opened anew: `O_NONBLOCK` belongs
//! to an open file description, and that of stdin is shared with the shell.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::libc::{O_NOCTTY, O_NONBLOCK};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp};
use tokio::io::unix::AsyncFd;

use crate::ui::decode::{Decoder, Key};

/// The terminal that controls this process (tty(4)).
pub const CONTROLLING_TERMINAL: &str = "/dev/tty";

/// How long a terminal may take nothing of the last bytes for it, in milliseconds, before it is left as it is.
pub const PATIENCE: u16 = 500;

/// What becomes of what is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// Keys without Return and without echo; signals stay with the terminal.
    Keys,
    /// Every byte as it stands, and every byte of output too: who is on the other side has a terminal's manners of its own.
    Bytes,
    /// Lines as always, save that this byte ends one, too.
    Lines(u8),
}

/// A terminal that is ours, until this is dropped.
#[derive(Debug)]
pub struct RawTerminal {
    terminal: File,
    found: Termios,
    typing: Typing,
    /// Another process of ours has it.
    is_lent: Cell<bool>,
}

impl RawTerminal {
    /// Takes the terminal at this path over. Fails when it is none, or when we are in its background, where changing it would stop us.
    pub fn enter(path: &Path) -> io::Result<Self> {
        Self::enter_for(path, Typing::Keys)
    }

    /// The same for other typing.
    pub fn enter_for(path: &Path, typing: Typing) -> io::Result<Self> {
        let terminal = open(path)?;
        let found = tcgetattr(&terminal)?;
        let raw = Self { terminal, found, typing, is_lent: Cell::new(false) };
        if !is_foreground(&raw.terminal) {
            return Err(io::Error::new(ErrorKind::ResourceBusy, "the terminal belongs to another process group"));
        }
        raw.resume()?;
        Ok(raw)
    }

    /// Whether it listens to us: in the background it belongs to the shell, or to another command.
    pub fn is_in_front(&self) -> bool {
        is_foreground(&self.terminal)
    }

    /// From here on it is for other typing.
    pub fn change(&mut self, typing: Typing) -> io::Result<()> {
        self.typing = typing;
        self.resume()
    }

    /// What becomes of what is typed.
    pub fn typing(&self) -> Typing {
        self.typing
    }

    /// Gives the terminal back as it was found: before a stop by Ctrl-Z, or for good. In the background this does nothing, because
    /// the shell has put its own settings there.
    pub fn suspend(&self) -> io::Result<()> {
        self.set(&self.found)
    }

    /// Gives it to another process of ours: until it comes back, nothing is done to it here.
    pub fn lend(&self) -> io::Result<()> {
        self.suspend()?;
        self.is_lent.set(true);
        Ok(())
    }

    /// Takes it over again from whom it was lent to.
    pub fn take_back(&self) -> io::Result<()> {
        self.is_lent.set(false);
        self.resume()
    }

    /// Takes it over once more, after a continue. In the background this does nothing.
    pub fn resume(&self) -> io::Result<()> {
        let mut raw = self.found.clone();
        match self.typing {
            Typing::Keys => {
                raw.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
                raw.local_flags.insert(LocalFlags::ISIG);
            }
            Typing::Bytes => cfmakeraw(&mut raw),
            Typing::Lines(end) => raw.control_chars[SpecialCharacterIndices::VEOL as usize] = end,
        }
        if !matches!(self.typing, Typing::Lines(_)) {
            raw.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
            raw.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        }
        self.set(&raw)
    }

    fn set(&self, settings: &Termios) -> io::Result<()> {
        if self.is_lent.get() || !is_foreground(&self.terminal) {
            return Ok(());
        }
        // At once: waiting for output to drain would hang on a terminal that is stopped.
        Ok(tcsetattr(&self.terminal, SetArg::TCSANOW, settings)?)
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // A terminal that has gone away needs no restoring.
        let _ = self.suspend();
    }
}

/// The bytes of a terminal, both ways. Dropping it closes the private descriptor.
#[derive(Debug)]
pub struct TerminalBytes(AsyncFd<File>);

impl TerminalBytes {
    /// Opens the terminal at this path. Must be called inside a tokio runtime.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(listen(open(path)?)?))
    }

    /// What is typed next; nothing at an end that was typed (Ctrl-D), `None` when the terminal has gone away. Nothing is lost when the
    /// waiting is given up.
    pub async fn read(&self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|terminal| read_some(terminal.get_ref())) {
                // Of a terminal that has hung up nothing is read for ever, which must not be taken for a key.
                Ok(Ok(bytes)) if bytes.is_empty() && has_hung_up(&self.0) => return Ok(None),
                Ok(Ok(bytes)) => return Ok(Some(bytes)),
                Ok(Err(error)) if error.raw_os_error() == Some(Errno::EIO as i32) => return Ok(None),
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }

    /// Shows bytes.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let mut ready = self.0.writable().await?;
            match ready.try_io(|terminal| terminal.get_ref().write(bytes)) {
                Ok(written) => bytes = &bytes[written?..],
                Err(_would_block) => {}
            }
        }
        Ok(())
    }

    /// Shows as many of these bytes as the terminal takes once it takes any; how many. Nothing is shown when the waiting is given up.
    pub async fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.0.writable().await?;
            if let Ok(written) = ready.try_io(|terminal| terminal.get_ref().write(bytes)) {
                return written;
            }
        }
    }

    /// Shows bytes, and blocks while the terminal takes none; gives up when it has taken none for so many milliseconds, or is gone.
    pub fn write_within(&self, mut bytes: &[u8], patience: u16) {
        let mut terminal = self.0.get_ref();
        while !bytes.is_empty() {
            match terminal.write(bytes) {
                Ok(0) => return,
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut room = [PollFd::new(terminal.as_fd(), PollFlags::POLLOUT)];
                    if poll(&mut room, PollTimeout::from(patience)) == Ok(0) {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }
}

/// The key presses of a terminal. Dropping it closes the private descriptor.
#[derive(Debug)]
pub struct KeyPresses {
    terminal: AsyncFd<File>,
    decoder: Decoder,
    waiting: VecDeque<Key>,
}

impl KeyPresses {
    /// Listens to the terminal at this path. Must be called inside a tokio runtime.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { terminal: listen(open(path)?)?, decoder: Decoder::default(), waiting: VecDeque::new() })
    }

    /// Waits for the next key; `None` when the terminal has gone away. No key is lost when the waiting is given up.
    pub async fn next(&mut self) -> io::Result<Option<Key>> {
        loop {
            if let Some(key) = self.waiting.pop_front() {
                return Ok(Some(key));
            }
            let mut ready = self.terminal.readable().await?;
            match ready.try_io(|terminal| read_some(terminal.get_ref())) {
                Ok(Ok(bytes)) if bytes.is_empty() => return Ok(None),
                Ok(Ok(bytes)) => self.waiting.extend(self.decoder.feed(&bytes)),
                Ok(Err(error)) if error.raw_os_error() == Some(Errno::EIO as i32) => return Ok(None),
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }
}

/// Opens a terminal for ourselves alone.
fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).custom_flags(O_NONBLOCK | O_NOCTTY).open(path)
}

/// Registers a descriptor with the runtime.
#[expect(
    deprecated,
    reason = "its successor is unsafe; what it asks for holds: a File owns its one descriptor until it is dropped"
)]
fn listen(terminal: File) -> io::Result<AsyncFd<File>> {
    AsyncFd::new(terminal)
}

/// Reads what is there. In the background nothing is read, because that would stop us (SIGTTIN): those keys are the shell's.
fn read_some(mut terminal: &File) -> io::Result<Vec<u8>> {
    if !is_foreground(terminal) {
        return Err(ErrorKind::WouldBlock.into());
    }
    let mut buffer = [0; 256];
    let length = terminal.read(&mut buffer)?;
    Ok(buffer[..length].to_vec())
}

/// Whether there is nobody at the other side any more, and never will be (Linux `drivers/tty/tty_io.c` `hung_up_tty_ioctl`).
fn has_hung_up(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal) == Err(Errno::EIO)
}

/// Whether the terminal listens to our process group. One that controls nobody, or somebody else, knows no background for us.
fn is_foreground(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal).map_or(true, |group| group == getpgrp())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::path::PathBuf;
    use std::time::Duration;

    use nix::pty::{OpenptyResult, openpty};
    use nix::unistd::ttyname;

    use super::*;

    /// A terminal of our own: the side that types, and the path of the side that is typed into.
    fn terminal() -> (File, OwnedFd, PathBuf) {
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        let path = ttyname(&slave).unwrap();
        (File::from(master), slave, path)
    }

    fn flags(slave: &OwnedFd) -> LocalFlags {
        tcgetattr(slave).unwrap().local_flags
    }

    #[test]
    fn the_terminal_is_put_back_as_it_was_found() {
        let (_typist, slave, path) = terminal();
        let found = tcgetattr(&slave).unwrap();
        let raw = RawTerminal::enter(&path).unwrap();
        assert!(!flags(&slave).intersects(LocalFlags::ICANON | LocalFlags::ECHO));
        assert!(flags(&slave).contains(LocalFlags::ISIG));
        raw.suspend().unwrap();
        assert_eq!(tcgetattr(&slave).unwrap(), found);
        raw.resume().unwrap();
        assert!(!flags(&slave).contains(LocalFlags::ECHO));
        drop(raw);
        assert_eq!(tcgetattr(&slave).unwrap(), found);
    }

    #[test]
    fn what_is_lent_is_left_alone_until_it_comes_back() {
        let (_typist, slave, path) = terminal();
        let found = tcgetattr(&slave).unwrap();
        let raw = RawTerminal::enter(&path).unwrap();
        raw.lend().unwrap();
        raw.resume().unwrap();
        assert_eq!(tcgetattr(&slave).unwrap(), found);
        raw.take_back().unwrap();
        assert!(!flags(&slave).contains(LocalFlags::ECHO));
    }

    #[test]
    fn bytes_are_bytes_and_lines_end_at_one_more() {
        let (_typist, slave, path) = terminal();
        let found = tcgetattr(&slave).unwrap();
        let mut raw = RawTerminal::enter_for(&path, Typing::Bytes).unwrap();
        assert!(!flags(&slave).intersects(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG));
        raw.change(Typing::Lines(0x1d)).unwrap();
        let lines = tcgetattr(&slave).unwrap();
        assert_eq!((lines.local_flags, lines.output_flags), (found.local_flags, found.output_flags));
        assert_eq!(lines.control_chars[SpecialCharacterIndices::VEOL as usize], 0x1d);
        drop(raw);
        assert_eq!(tcgetattr(&slave).unwrap(), found);
    }

    #[test]
    fn a_panic_puts_the_terminal_back_too() {
        let (_typist, slave, path) = terminal();
        let found = tcgetattr(&slave).unwrap();
        let result = std::thread::spawn(move || {
            let _raw = RawTerminal::enter(&path).unwrap();
            std::panic::resume_unwind(Box::new("a panic without its noise"));
        })
        .join();
        assert!(result.is_err());
        assert_eq!(tcgetattr(&slave).unwrap(), found);
    }

    #[test]
    fn what_is_no_terminal_is_refused() {
        assert!(RawTerminal::enter(Path::new("/dev/null")).is_err());
    }

    #[tokio::test]
    async fn last_bytes_wait_until_the_terminal_takes_them() {
        let (mut typist, _slave, path) = terminal();
        let _raw = RawTerminal::enter_for(&path, Typing::Bytes).unwrap();
        let bytes = TerminalBytes::open(&path).unwrap();
        // More than any terminal takes at once.
        let all = vec![b'x'; 1 << 20];
        let reader = std::thread::spawn(move || {
            let (mut buffer, mut count) = (vec![0; 1 << 16], 0);
            while let Ok(more @ 1..) = typist.read(&mut buffer) {
                count += more;
                if buffer[..more].contains(&b'.') {
                    break;
                }
            }
            count
        });
        bytes.write_within(&all, 10_000);
        bytes.write_within(b".", 10_000);
        assert_eq!(reader.join().unwrap(), all.len() + 1);
    }

    #[tokio::test]
    async fn a_terminal_that_takes_nothing_is_given_up() {
        let (_typist, _slave, path) = terminal();
        let _raw = RawTerminal::enter_for(&path, Typing::Bytes).unwrap();
        TerminalBytes::open(&path).unwrap().write_within(&vec![b'x'; 1 << 20], 10);
    }

    #[tokio::test]
    async fn a_terminal_that_was_closed_has_gone_away() {
        let (typist, slave, path) = terminal();
        let bytes = TerminalBytes::open(&path).unwrap();
        drop(slave);
        drop(typist);
        let typed = tokio::time::timeout(Duration::from_secs(10), bytes.read()).await.unwrap();
        assert_eq!(typed.unwrap(), None);
    }

    #[tokio::test]
    async fn keys_arrive_without_return() {
        let (mut typist, _slave, path) = terminal();
        let _raw = RawTerminal::enter(&path).unwrap();
        let mut presses = KeyPresses::open(&path).unwrap();
        typist.write_all(b"r\x1b[Aa").unwrap();
        let key = async |presses: &mut KeyPresses| {
            tokio::time::timeout(Duration::from_secs(10), presses.next()).await.unwrap().unwrap()
        };
        assert_eq!(key(&mut presses).await, Some(Key::Char('r')));
        assert_eq!(key(&mut presses).await, Some(Key::Char('a')));
        drop(typist);
        assert_eq!(key(&mut presses).await, None);
    }
}
