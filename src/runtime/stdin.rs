//! Writing to a program's stdin without ever waiting for it: what the pipe does not take at once is kept, up to a limit, and
//! written by a task of its own as the program reads.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use tokio::net::unix::pipe::Sender;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// The most that is kept for a program that does not read.
const MOST_KEPT: usize = 64 << 20;

/// Why nothing was written, and nothing kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unwritten {
    /// Nobody reads it.
    #[error("its stdin is closed")]
    Closed,
    /// Too much is kept already.
    #[error("too much waits to be read already")]
    Full,
}

/// The stdin of one incarnation. Dropping it gives up what is not written.
#[derive(Debug)]
pub struct StdinWriter {
    fd: OwnedFd,
    kept: Arc<Kept>,
    task: Option<Task>,
}

/// What the task and its owner both know.
#[derive(Debug, Default)]
struct Kept {
    bytes: AtomicUsize,
    is_closed: AtomicBool,
}

#[derive(Debug)]
struct Task {
    /// Unbounded in number; the bytes are bounded by [`MOST_KEPT`].
    queue: mpsc::UnboundedSender<Vec<u8>>,
    /// `None` once it is to go on to its end.
    handle: Option<AbortHandle>,
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            handle.abort();
        }
    }
}

impl StdinWriter {
    /// Takes our end, which becomes non-blocking.
    pub fn new(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let fd = fd.try_clone_to_owned()?;
        let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL)?);
        fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        Ok(Self { fd, kept: Arc::default(), task: None })
    }

    /// Writes, or keeps what cannot be written now, all or nothing. Call it inside of a runtime.
    pub fn write(&mut self, bytes: Vec<u8>) -> Result<(), Unwritten> {
        if self.kept.is_closed.load(Ordering::Relaxed) {
            return Err(Unwritten::Closed);
        }
        let kept = self.kept.bytes.load(Ordering::Relaxed);
        if kept > 0 && kept + bytes.len() > MOST_KEPT {
            return Err(Unwritten::Full);
        }
        let written = if kept == 0 { self.write_now(&bytes)? } else { 0 };
        if written < bytes.len() { self.keep(bytes, written) } else { Ok(()) }
    }

    /// Lets go of our end once everything is written.
    pub fn finish(mut self) {
        if let Some(task) = &mut self.task {
            task.handle = None;
        }
    }

    fn write_now(&mut self, bytes: &[u8]) -> Result<usize, Unwritten> {
        let mut written = 0;
        while written < bytes.len() {
            match nix::unistd::write(&self.fd, &bytes[written..]) {
                Ok(count) => written += count,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(_) => {
                    self.kept.is_closed.store(true, Ordering::Relaxed);
                    return Err(Unwritten::Closed);
                }
            }
        }
        Ok(written)
    }

    fn keep(&mut self, mut bytes: Vec<u8>, written: usize) -> Result<(), Unwritten> {
        bytes.drain(..written);
        let task = match &mut self.task {
            Some(task) => task,
            empty => {
                let fd = self.fd.try_clone().map_err(|_| Unwritten::Closed)?;
                empty.insert(Task::start(fd, Arc::clone(&self.kept)))
            }
        };
        self.kept.bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        // The task goes on until we drop it.
        task.queue.send(bytes).map_err(|_| Unwritten::Closed)
    }
}

impl Task {
    fn start(fd: OwnedFd, kept: Arc<Kept>) -> Self {
        let (queue, mut kept_bytes) = mpsc::unbounded_channel::<Vec<u8>>();
        let task = tokio::spawn(async move {
            // A pty's master passes for a pipe here: only readiness and writing are asked of it.
            let Ok(pipe) = Sender::from_owned_fd_unchecked(fd) else {
                return kept.is_closed.store(true, Ordering::Relaxed);
            };
            while let Some(bytes) = kept_bytes.recv().await {
                if write_all(&pipe, &bytes, &kept).await.is_err() {
                    kept.is_closed.store(true, Ordering::Relaxed);
                    return;
                }
            }
        });
        Self { queue, handle: Some(task.abort_handle()) }
    }
}

async fn write_all(pipe: &Sender, bytes: &[u8], kept: &Kept) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        pipe.writable().await?;
        match pipe.try_write(&bytes[written..]) {
            Ok(count) => {
                written += count;
                kept.bytes.fetch_sub(count, Ordering::Relaxed);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsFd;

    use super::*;

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at % 251).expect("below 251")).collect()
    }

    #[tokio::test]
    async fn megabytes_reach_a_slow_reader_whole_and_in_order() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut stdin = StdinWriter::new(writer.as_fd()).unwrap();
        drop(writer);
        let (first, second) = (pattern(5 << 20), pattern(3 << 20));
        stdin.write(first.clone()).unwrap();
        stdin.write(second.clone()).unwrap();
        let expected = [first, second].concat();
        let length = expected.len();
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; length];
            reader.read_exact(&mut bytes).map(|()| bytes)
        });
        assert!(read.await.unwrap().unwrap() == expected);
        assert_eq!(stdin.kept.bytes.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn what_is_kept_is_written_before_the_end() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut stdin = StdinWriter::new(writer.as_fd()).unwrap();
        drop(writer);
        let expected = pattern(1 << 20);
        stdin.write(expected.clone()).unwrap();
        stdin.finish();
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map(|_| bytes)
        });
        assert!(read.await.unwrap().unwrap() == expected);
    }

    #[tokio::test]
    async fn what_nobody_reads_is_refused_and_not_piled_up() {
        let (reader, writer) = io::pipe().unwrap();
        let mut stdin = StdinWriter::new(writer.as_fd()).unwrap();
        let mut accepted = 0;
        let outcome = loop {
            match stdin.write(vec![b'x'; 8 << 20]) {
                Ok(()) => accepted += 1,
                Err(error) => break error,
            }
        };
        assert_eq!((accepted, outcome), (8, Unwritten::Full));
        drop(reader);
    }

    #[tokio::test]
    async fn a_closed_stdin_is_told_at_once() {
        let (reader, writer) = io::pipe().unwrap();
        let mut stdin = StdinWriter::new(writer.as_fd()).unwrap();
        drop(reader);
        assert_eq!(stdin.write(b"hello".to_vec()), Err(Unwritten::Closed));
        assert_eq!(stdin.write(b"hello".to_vec()), Err(Unwritten::Closed));
    }
}
