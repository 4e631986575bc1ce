//! The word that nobody waits for an answer any more, from the server to a verb on its thread.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

/// Held by a verb.
#[derive(Debug)]
pub struct Stop {
    is_given_up: Arc<AtomicBool>,
    wire: UnixStream,
    /// Closes when the last verb has come back.
    _busy: mpsc::Sender<()>,
}

/// Held by whoever waits for the verb. Dropping it is the word.
#[derive(Debug)]
pub(super) struct Brake {
    is_given_up: Arc<AtomicBool>,
    _wire: UnixStream,
}

/// Both ends. `busy` is held until the verb has come back.
pub(super) fn pair(busy: mpsc::Sender<()>) -> io::Result<(Brake, Stop)> {
    let (near, far) = UnixStream::pair()?;
    let is_given_up = Arc::new(AtomicBool::new(false));
    let stop = Stop { is_given_up: Arc::clone(&is_given_up), wire: far, _busy: busy };
    Ok((Brake { is_given_up, _wire: near }, stop))
}

impl Drop for Brake {
    fn drop(&mut self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }
}

impl Stop {
    /// Set once nobody waits any more.
    pub fn flag(&self) -> &AtomicBool {
        &self.is_given_up
    }

    /// Becomes readable then.
    pub fn wire(&self) -> io::Result<UnixStream> {
        self.wire.try_clone()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn who_waits_no_longer_is_noticed_in_both_ways() {
        let (busy, mut idle) = mpsc::channel(1);
        let (brake, stop) = pair(busy).unwrap();
        assert!(!stop.flag().load(Ordering::Relaxed) && idle.try_recv() == Err(mpsc::error::TryRecvError::Empty));
        drop(brake);
        assert!(stop.flag().load(Ordering::Relaxed));
        assert_eq!(stop.wire().unwrap().read(&mut [0]).unwrap(), 0);
        drop(stop);
        assert_eq!(idle.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    }
}
