//! A connection's bytes: readable for HTTP, and watchable at the same time for a client that goes away.

use std::future::Future as _;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::socket::Socket;

/// How long a client whose answer has no end may take nothing of it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How soon a half-closed client is looked at again: most have closed for good a moment later. Each time it is twice as long, up to
/// [`LAST_GLANCE`].
#[cfg(target_os = "linux")]
const FIRST_GLANCE: Duration = Duration::from_millis(2);

/// How often one is looked at that stays half closed.
#[cfg(target_os = "linux")]
const LAST_GLANCE: Duration = Duration::from_secs(1);

/// The other end of a connection, shared by what reads it and what waits on its behalf.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    stream: Arc<Socket>,
    /// Whether it came in for a short talk.
    is_brief: bool,
    /// Set when a whole request has arrived: until the next one's first byte a client may idle as long as it likes, as
    /// supervisorctl's prompt does. (hyper's own limit counts idling too, and would close that prompt's connection.)
    has_arrived: Arc<AtomicBool>,
    /// Set when the right password came over this connection.
    is_proven: Arc<AtomicBool>,
    /// Set when its answer has no end: then it is dropped when it takes nothing of it for [`PATIENCE`].
    is_endless: Arc<AtomicBool>,
    /// Set when HTTP is over: who is attached may idle as long as it likes.
    is_attached: Arc<AtomicBool>,
}

impl Peer {
    pub(super) fn new(stream: Socket, is_brief: bool) -> Self {
        Self {
            stream: Arc::new(stream),
            is_brief,
            has_arrived: Arc::default(),
            is_proven: Arc::default(),
            is_endless: Arc::default(),
            is_attached: Arc::default(),
        }
    }

    /// The end that HTTP is spoken on; a request may take this long from its first byte to its last. Over TCP, where anybody may
    /// connect, and for a short talk, the first one's time begins with the connection.
    pub(super) fn wire(&self, arrival: Duration) -> Wire {
        let deadline = match *self.stream {
            Socket::Unix(_) if !self.is_brief => None,
            Socket::Unix(_) | Socket::Tcp(_) => Some(Box::pin(sleep(arrival))),
        };
        Wire { peer: self.clone(), arrival, deadline, longest: PATIENCE, patience: None }
    }

    /// Whether it came in for a short talk, and may follow nothing.
    pub(super) fn is_brief(&self) -> bool {
        self.is_brief
    }

    /// Notes that the answer to come has no end.
    pub(super) fn follows(&self) {
        self.is_endless.store(true, Ordering::Relaxed);
    }

    /// Notes that what comes from now on is no HTTP.
    pub(super) fn attaches(&self) {
        self.request_arrived();
        self.is_attached.store(true, Ordering::Relaxed);
    }

    /// Whether the other end is a process of our user, or of root, over a UNIX socket.
    pub(super) fn is_owner(&self) -> bool {
        self.stream.is_owner()
    }

    /// Waits until the client has said that it sends no more. Whoever follows something and says so has left: browsers close both
    /// ways at once, and over TCP that cannot be told from here.
    #[cfg(target_os = "linux")]
    pub(super) async fn leaves(&self) {
        // An error is an end, too.
        let _ = self.stream.ready(tokio::io::Interest::PRIORITY).await;
    }

    /// Elsewhere only the next write finds out.
    #[cfg(not(target_os = "linux"))]
    pub(super) async fn leaves(&self) {
        std::future::pending().await
    }

    /// Notes that the other end knows the password.
    pub(super) fn prove(&self) {
        self.is_proven.store(true, Ordering::Relaxed);
    }

    /// Whether it has shown before that it knows the password.
    pub(super) fn is_proven(&self) -> bool {
        self.is_proven.load(Ordering::Relaxed)
    }

    /// Notes that the request has come in whole.
    pub(super) fn request_arrived(&self) {
        self.has_arrived.store(true, Ordering::Relaxed);
    }

    /// Waits until the client has closed its end for good. One that has only said it will send no more still wants its answer.
    #[cfg(target_os = "linux")]
    pub(super) async fn gone(&self) {
        // Priority data is not waited for as such (there is none, or it says nothing to us): this wakes when reading is over. A
        // TCP client that vanished altogether is found out by keep-alive.
        if self.stream.ready(tokio::io::Interest::PRIORITY).await.is_err() {
            return;
        }
        let mut glance = FIRST_GLANCE;
        while self.stream.ready(tokio::io::Interest::WRITABLE).await.is_ok_and(|ready| !ready.is_write_closed()) {
            sleep(glance).await;
            glance = (glance * 2).min(LAST_GLANCE);
        }
    }

    /// Elsewhere only the answer finds out.
    #[cfg(not(target_os = "linux"))]
    pub(super) async fn gone(&self) {
        std::future::pending().await
    }
}

/// Reads and writes for HTTP; a request that takes too long to come in is an error.
#[derive(Debug)]
pub(super) struct Wire {
    peer: Peer,
    arrival: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    /// How long a client that follows may take nothing.
    longest: Duration,
    /// Until when it is waited for now.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    /// Ready when something can be written; an error when a client that follows has taken nothing for too long.
    fn poll_write_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ready = self.peer.stream.poll_write_ready(context);
        if ready.is_ready() {
            self.patience = None;
        } else if self.peer.is_endless.load(Ordering::Relaxed) {
            let longest = self.longest;
            let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(longest)));
            if patience.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
        }
        ready
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.peer.has_arrived.swap(false, Ordering::Relaxed) {
            this.deadline = None;
        }
        if this.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(context).is_ready()) {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        loop {
            ready!(this.peer.stream.poll_read_ready(context))?;
            match this.peer.stream.try_read(buffer.initialize_unfilled()) {
                Ok(read) => {
                    buffer.advance(read);
                    let arrival = this.arrival;
                    if !this.peer.is_attached.load(Ordering::Relaxed) {
                        this.deadline.get_or_insert_with(|| Box::pin(sleep(arrival)));
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_write_ready(context))?;
            match self.peer.stream.try_write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_write_ready(context))?;
            match self.peer.stream.try_write_vectored(slices) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.peer.stream.end_writing())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream as Blocking;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, UnixStream};

    use super::*;

    fn pair() -> (Blocking, Peer) {
        let (ours, theirs) = Blocking::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        (ours, Peer::new(Socket::Unix(UnixStream::from_std(theirs).unwrap()), false))
    }

    #[tokio::test]
    async fn a_request_that_never_ends_is_an_error_and_idling_before_it_is_none() {
        let (mut client, peer) = pair();
        let mut wire = peer.wire(Duration::from_millis(20));
        let mut buffer = [0; 8];
        assert!(tokio::time::timeout(Duration::from_millis(60), wire.read(&mut buffer)).await.is_err());
        client.write_all(b"P").unwrap();
        assert_eq!(wire.read(&mut buffer).await.unwrap(), 1);
        assert_eq!(wire.read(&mut buffer).await.unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn over_tcp_even_silence_has_its_limit_until_the_first_request_is_in() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let accepted = || async { Peer::new(Socket::Tcp(listener.accept().await.unwrap().0), false) };
        let mut buffer = [0; 8];
        let mut wire = accepted().await.wire(Duration::from_millis(20));
        assert_eq!(wire.read(&mut buffer).await.unwrap_err().kind(), ErrorKind::TimedOut);
        client = std::net::TcpStream::connect(client.peer_addr().unwrap()).unwrap();
        let peer = accepted().await;
        let mut wire = peer.wire(Duration::from_secs(20));
        wire.arrival = Duration::from_millis(20);
        client.write_all(b"P").unwrap();
        assert_eq!(wire.read(&mut buffer).await.unwrap(), 1);
        peer.request_arrived();
        assert!(tokio::time::timeout(Duration::from_millis(60), wire.read(&mut buffer)).await.is_err());
    }

    #[tokio::test]
    async fn after_a_whole_request_a_client_may_idle() {
        let (mut client, peer) = pair();
        let mut wire = peer.wire(Duration::from_millis(20));
        let mut buffer = [0; 8];
        client.write_all(b"P").unwrap();
        assert_eq!(wire.read(&mut buffer).await.unwrap(), 1);
        peer.request_arrived();
        assert!(tokio::time::timeout(Duration::from_millis(60), wire.read(&mut buffer)).await.is_err());
    }

    #[tokio::test]
    async fn a_follower_that_takes_nothing_is_dropped_and_nobody_else_is() {
        let soon = Duration::from_millis(20);
        for follows in [false, true] {
            let (_client, peer) = pair();
            let mut wire = peer.wire(Duration::from_secs(20));
            wire.longest = soon;
            if follows {
                peer.follows();
            }
            let flood = async { while wire.write(&[0; 1 << 12]).await.is_ok() {} };
            let is_dropped = tokio::time::timeout(if follows { 1000 * soon } else { 3 * soon }, flood).await.is_ok();
            assert_eq!(is_dropped, follows);
        }
    }

    #[tokio::test]
    async fn a_follower_has_left_when_it_sends_no_more() {
        let (client, peer) = pair();
        assert!(tokio::time::timeout(Duration::from_millis(30), peer.leaves()).await.is_err());
        client.shutdown(std::net::Shutdown::Write).unwrap();
        tokio::time::timeout(Duration::from_secs(20), peer.leaves()).await.expect("it has left");
    }

    #[tokio::test]
    async fn only_a_client_that_closes_both_ways_is_gone() {
        let (client, peer) = pair();
        let soon = Duration::from_millis(30);
        assert!(tokio::time::timeout(soon, peer.gone()).await.is_err());
        client.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(tokio::time::timeout(soon, peer.gone()).await.is_err());
        drop(client);
        tokio::time::timeout(Duration::from_secs(20), peer.gone()).await.expect("it is gone");
    }
}
