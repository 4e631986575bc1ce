//! The supervisor's end of the spawner.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::UnixStream;

use super::Spawner;
use super::channel::{Flushed, Inbox, Outbox, Received};
use super::order::{Order, Report};
use super::wire::{decode_report, encode_order};
use crate::runtime::os::{Cgroup, Inherited};

/// When to try again after too many descriptors were under way.
const CROWDED_FOR: Duration = Duration::from_millis(1);

/// A started spawner before the supervisor has a runtime. Dropping it ends the spawner and everything it started.
#[derive(Debug)]
pub struct SpawnerEnd {
    pub(super) socket: std::os::unix::net::UnixStream,
    pub(super) pid: u32,
    pub(super) inherited: Inherited,
    pub(super) cgroup: Option<Cgroup>,
}

impl SpawnerEnd {
    /// What a sweep has to spare: children that this process had before.
    pub fn inherited(&self) -> Inherited {
        self.inherited.clone()
    }

    /// What it was born in, to be ended after it.
    pub fn cgroup(&self) -> Option<Cgroup> {
        self.cgroup.clone()
    }

    /// The spawner's pid.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Connects it to the tokio runtime in which this is called.
    pub fn connect(self) -> io::Result<SpawnerProcess> {
        self.socket.set_nonblocking(true)?;
        let socket = UnixStream::from_std(self.socket)?;
        Ok(SpawnerProcess { socket, outbox: Outbox::default(), inbox: Inbox::default(), is_gone: false })
    }
}

/// The real [`Spawner`]. Dropping it ends the spawner and everything it started.
#[derive(Debug)]
pub struct SpawnerProcess {
    socket: UnixStream,
    /// Unbounded: every order answers one event, so their number is bounded where events enter.
    outbox: Outbox,
    inbox: Inbox,
    is_gone: bool,
}

impl Spawner for SpawnerProcess {
    fn order(&mut self, order: Order) {
        if !self.is_gone {
            let is_urgent = matches!(order, Order::Spawn(_) | Order::SignalAll { .. });
            let (bytes, fds) = encode_order(order);
            self.outbox.push(bytes, fds);
            if is_urgent {
                self.flush();
            }
        }
    }

    async fn report(&mut self) -> Option<Report> {
        if !self.is_flushed() {
            self.flush();
        }
        loop {
            match self.next_report() {
                Ok(Some(report)) => return Some(report),
                Ok(None) if self.is_gone => return None,
                Ok(None) => {}
                Err(_) => self.is_gone = true,
            }
            if !self.is_gone && self.exchange().await.is_err() {
                self.is_gone = true;
            }
        }
    }

    fn is_flushed(&self) -> bool {
        self.is_gone || self.outbox.is_empty()
    }
}

impl SpawnerProcess {
    fn next_report(&mut self) -> io::Result<Option<Report>> {
        let Some(body) = self.inbox.next_frame()? else { return Ok(None) };
        decode_report(&body).map(Some).map_err(io::Error::other)
    }

    /// Sends what can be sent now. A failure is met again as the end of the reports, which come first: to wait until more can be sent
    /// would be over at once, again and again, and the end would never be looked for.
    fn flush(&mut self) -> Flushed {
        self.outbox.flush(self.socket.as_fd()).unwrap_or_else(|_| {
            self.outbox = Outbox::default();
            Flushed::Whole
        })
    }

    /// Waits until the socket can be read or takes more, and does both. Dropping the future loses nothing.
    async fn exchange(&mut self) -> io::Result<()> {
        let interest = match self.flush() {
            Flushed::Whole | Flushed::Crowded => Interest::READABLE,
            Flushed::Full => Interest::READABLE | Interest::WRITABLE,
        };
        let is_crowded = !self.outbox.is_empty() && !interest.is_writable();
        let ready = tokio::select! {
            ready = self.socket.ready(interest) => ready?,
            () = tokio::time::sleep(CROWDED_FOR), if is_crowded => return Ok(()),
        };
        if ready.is_writable() {
            // A full socket clears its readiness here, and the next round waits.
            let _ = self.socket.try_io(Interest::WRITABLE, || match self.outbox.flush(self.socket.as_fd())? {
                Flushed::Full => Err(io::ErrorKind::WouldBlock.into()),
                Flushed::Whole | Flushed::Crowded => Ok(()),
            });
        }
        if ready.is_readable() {
            let received =
                self.socket.try_io(Interest::READABLE, || match self.inbox.receive(self.socket.as_fd())? {
                    Received::Nothing => Err(io::ErrorKind::WouldBlock.into()),
                    received => Ok(received),
                });
            match received {
                Ok(received) => self.is_gone = received == Received::End,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::model::Signal;

    /// On a thread of its own: one that only tries to send never comes back.
    #[test]
    fn the_end_of_a_spawner_that_was_shot_is_heard_although_there_is_an_order_for_it() {
        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (socket, far) = std::os::unix::net::UnixStream::pair().unwrap();
                let end = SpawnerEnd { socket, pid: 0, inherited: Inherited::default(), cgroup: None };
                let mut spawner = end.connect().unwrap();
                // By now it is known that the socket takes something, and that nothing has come.
                assert!(tokio::time::timeout(Duration::from_millis(20), spawner.report()).await.is_err());
                drop(far);
                spawner.order(Order::SignalAll { signal: Signal::TERM });
                assert!(spawner.report().await.is_none());
            });
            done.send(()).unwrap();
        });
        is_done.recv_timeout(Duration::from_secs(20)).expect("it is never heard");
    }
}
