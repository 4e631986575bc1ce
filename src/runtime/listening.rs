//! Waiting until somebody listens at a port of this machine: the attempt of a ready check is worth making only then, and often not
//! needed any more.
//!
//! One task looks for all who wait, so that a hundred that start at once cost no more than one; with nobody waiting it sleeps.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::runtime::os::{Alarm, Listeners};

/// The shortest time between two looks: one takes about twenty microseconds, for all ports together.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// Whoever has waited long is looked after less often: the time between two looks grows by this part of what has passed.
const SHARE_OF_WAIT: u32 = 100;

/// The longest time between two looks.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_millis(100);

/// The way to the task.
#[derive(Debug)]
pub(super) struct Listening {
    /// Unbounded: a process has at most one attempt under way.
    wishes: mpsc::UnboundedSender<Wish>,
}

/// Somebody waits for a port.
#[derive(Debug)]
struct Wish {
    port: u16,
    /// When the first attempt of this run was made, as far as is known.
    since: Instant,
    /// Answered with who listens there, or dropped, when there is something to try.
    reply: oneshot::Sender<Vec<IpAddr>>,
}

impl Listening {
    /// Begins; must be called inside a tokio runtime. Where the kernel does not tell, nobody has to wait.
    pub(super) fn begin() -> Self {
        let (wishes, asked) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            // Whoever waits finds the way closed, and tries at once.
            let _ = Look { asked, waiting: Vec::new() }.run().await;
        });
        Self { wishes }
    }

    /// Returns when somebody listens, with the addresses at which; after `at_most` anyway, with none: a port may be answered for from
    /// elsewhere (a container's is).
    pub(super) fn at(
        &self,
        port: u16,
        since: Instant,
        at_most: Duration,
    ) -> impl Future<Output = Vec<IpAddr>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        // A task that is gone has dropped its end, which answers.
        let _ = self.wishes.send(Wish { port, since, reply });
        async move { tokio::time::timeout(at_most, answer).await.ok().and_then(Result::ok).unwrap_or_default() }
    }
}

/// The task.
struct Look {
    asked: mpsc::UnboundedReceiver<Wish>,
    waiting: Vec<Wish>,
}

impl Look {
    async fn run(mut self) -> io::Result<()> {
        let mut listeners = Listeners::new()?;
        let alarm = Alarm::new()?;
        let mut last = Instant::now();
        loop {
            let due = self.pause().map(|pause| (last + pause).saturating_duration_since(Instant::now()));
            tokio::select! {
                biased;
                wish = self.asked.recv() => match wish {
                    Some(wish) => self.waiting.push(wish),
                    None => return Ok(()),
                },
                () = alarm.ring(due) => {
                    last = Instant::now();
                    let addresses = listeners.addresses()?;
                    self.answer(&addresses);
                }
            }
        }
    }

    /// The time between two looks, for the newest of those who wait.
    fn pause(&self) -> Option<Duration> {
        let newest = self.waiting.iter().map(|wish| wish.since).max()?;
        Some((newest.elapsed() / SHARE_OF_WAIT).clamp(LOOK_EVERY, LOOK_AT_LEAST_EVERY))
    }

    /// Answers those whose port is there, and forgets those who wait no longer.
    fn answer(&mut self, addresses: &[SocketAddr]) {
        self.waiting.retain(|wish| !wish.reply.is_closed());
        let listens = |wish: &mut Wish| addresses.iter().any(|address| address.port() == wish.port);
        for Wish { port, reply, .. } in self.waiting.extract_if(.., listens) {
            let there = addresses.iter().filter(|address| address.port() == port).map(SocketAddr::ip).collect();
            // Whoever asked may be gone by now.
            let _ = reply.send(there);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    const LONG: Duration = Duration::from_mins(10);

    #[tokio::test]
    async fn the_wait_ends_when_somebody_listens() {
        let listening = Listening::begin();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = socket.local_addr().unwrap().port();
        let wait = listening.at(port, Instant::now(), LONG);
        let wait = tokio::spawn(wait);
        assert!(listening.at(port, Instant::now(), Duration::from_millis(5)).await.is_empty());
        assert!(!wait.is_finished(), "nobody listens yet");
        let _listener = socket.listen(1).unwrap();
        assert_eq!(wait.await.unwrap(), ["127.0.0.1".parse::<IpAddr>().unwrap()]);
    }

    #[tokio::test]
    async fn who_listens_already_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!Listening::begin().at(port, Instant::now(), LONG).await.is_empty());
    }
}
