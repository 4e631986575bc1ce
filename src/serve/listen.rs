//! Where connections come in: bound for the right people only, accepted so that a lack of descriptors cannot wedge it.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::attempts::Attempts;
use super::door::{Door, UsageSource};
use super::guard::{Entrance, Policy};
use super::rpc::{Site, Stay, converse};
use super::session::Sessions;
use super::socket::Socket;
use super::tcp::TcpGate;
use super::unix::{LONGEST, Sharing, UnixGate};
use super::web::Web;
use crate::fault::{self, Point};
use crate::model::ListenAddress;
use crate::runtime::handle::Handle;

/// Connections that may stay as long as they like, at a time.
pub const CONNECTIONS: usize = 64;

/// So many more come in for a short talk: whoever stays must not shut out who wants to know, or to end it all. One more than
/// these is told so and closed.
pub const BRIEF_CONNECTIONS: usize = 8;

/// Both kinds together.
const ALL_CONNECTIONS: usize = CONNECTIONS + BRIEF_CONNECTIONS;

/// So many come in however few descriptors are left: somebody has to be able to end it all.
const ALWAYS: usize = 4;

/// How many descriptors the others leave to programs that are to be started again, and to their logs.
const LEFT_TO_PROGRAMS: u64 = 32;

/// How long calls that are under way may still be answered once the server ends.
const GOODBYE: Duration = Duration::from_millis(500);

/// How long accepting rests when even the spare descriptor is gone.
const REST: Duration = Duration::from_millis(50);

/// Why a listener could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The kernel has no room for the path.
    #[error("the socket's path is longer than {LONGEST} bytes: {}", .0.display())]
    TooLong(PathBuf),
    /// A step failed.
    #[error("could not {step} {}: {source}", path.display())]
    Io {
        /// `bind`, `give away`, `protect`, `publish`, `replace`, `watch`.
        step: &'static str,
        /// The path it was about.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else listens on this socket.
    #[error("somebody listens on {} already", .0.display())]
    InUse(PathBuf),
    /// Somebody else listens there.
    #[error("port {} is taken", .0.port)]
    Taken(ListenAddress),
    /// The address cannot be found or bound.
    #[error("could not listen on {address}: {source}")]
    Tcp {
        /// As it was written.
        address: ListenAddress,
        /// What the system said.
        source: io::Error,
    },
    /// The name leads beyond this machine, and there is no password.
    #[error("{address} is {}, beyond this machine, and asks for no password", found.ip())]
    OpenWithoutPassword {
        /// As it was written.
        address: ListenAddress,
        /// What it means here.
        found: SocketAddr,
    },
}

/// A bound listener, and whom it lets in.
#[derive(Debug)]
pub struct Listener {
    gate: Gate,
    policy: Policy,
    /// Held to be closed when descriptors run out, so that a connection can be taken from the queue and refused.
    spare: Option<File>,
}

#[derive(Debug)]
enum Gate {
    Unix(UnixGate),
    Tcp(TcpGate),
}

impl Listener {
    /// Binds the UNIX socket, mode 0600 from the first moment. One that somebody listens on is not replaced: `[control] socket` may name
    /// that of another project. Dropping the listener removes the file. Must be called inside the runtime.
    pub fn bind(path: &Path) -> Result<Self, ListenError> {
        UnixGate::bind(path).map(Gate::Unix).map(Self::new)
    }

    /// Binds a UNIX socket for whom its mode lets in. One that somebody listens on is not replaced. Dropping the listener removes the
    /// file. Must be called inside the runtime.
    pub fn bind_shared(path: &Path, sharing: Sharing) -> Result<Self, ListenError> {
        UnixGate::bind_shared(path, sharing).map(Gate::Unix).map(Self::new)
    }

    /// Whether a stale socket of an earlier run stood in the place of this one.
    pub fn has_replaced(&self) -> bool {
        match &self.gate {
            Gate::Unix(gate) => gate.has_replaced,
            Gate::Tcp(_) => false,
        }
    }

    /// Binds a TCP address. One beyond loopback is refused when the policy has no password.
    pub async fn bind_tcp(address: &ListenAddress, policy: Policy) -> Result<Self, ListenError> {
        let gate = TcpGate::bind(address, policy.has_password()).await?;
        Ok(Self::new(Gate::Tcp(gate)).with_policy(policy))
    }

    /// Binds a free port of loopback, and says which.
    pub(super) fn bind_loopback() -> io::Result<(Self, SocketAddr)> {
        let gate = TcpGate::bind_to(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let at = gate.socket.local_addr()?;
        Ok((Self::new(Gate::Tcp(gate)), at))
    }

    fn new(gate: Gate) -> Self {
        Self { gate, policy: Policy::default(), spare: File::open("/dev/null").ok() }
    }

    /// Lets in only whom a policy allows.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// The next connection, and where it came in. One that comes when no descriptor is left is closed without a word.
    async fn accept(&mut self) -> (Socket, Entrance) {
        loop {
            match self.gate.accept().await {
                Ok(Some(arrived)) => return arrived,
                Ok(None) => {}
                Err(error) if is_out_of_descriptors(&error) => self.refuse_one().await,
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(_) => sleep(REST).await,
            }
        }
    }

    /// Gives up the spare descriptor for a moment to take one connection and close it.
    async fn refuse_one(&mut self) {
        if self.spare.take().is_none() {
            sleep(REST).await;
        }
        poll_fn(|context| {
            match &self.gate {
                Gate::Unix(gate) => drop(gate.socket.poll_accept(context)),
                Gate::Tcp(gate) => drop(gate.socket.poll_accept(context)),
            }
            Poll::Ready(())
        })
        .await;
        self.spare = File::open("/dev/null").ok();
    }
}

impl Gate {
    /// `None`: somebody who may not come in.
    async fn accept(&self) -> io::Result<Option<(Socket, Entrance)>> {
        fault::strike(Point::Accept)?;
        match self {
            Self::Unix(gate) => Ok(gate.accept().await?.map(|stream| (Socket::Unix(stream), Entrance::Unix))),
            Self::Tcp(gate) => {
                let (stream, at) = gate.accept().await?;
                Ok(Some((Socket::Tcp(stream), Entrance::Tcp(at))))
            }
        }
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Serves until `shutdown` is ready; then takes no more connections and gives calls that are under way a moment to be answered.
pub async fn serve(
    mut listener: Listener,
    handle: Handle,
    usage: Option<UsageSource>,
    shutdown: impl Future<Output = ()>,
) {
    // Without chance there are no sessions, and then a browser changes nothing.
    let policy = std::mem::take(&mut listener.policy).with_sessions(Sessions::by_chance().ok());
    let site = Site { door: Door::new(handle, usage), policy, attempts: Attempts::new(), web: Web::new(None) };
    answer(listener, Arc::new(site), shutdown).await;
}

/// [`serve`] for a listener that was opened while serving; boxed, because that is how it comes to contain itself.
pub(super) fn serve_site(
    listener: Listener,
    site: Site,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(answer(listener, Arc::new(site), shutdown))
}

async fn answer(mut listener: Listener, site: Arc<Site>, shutdown: impl Future<Output = ()>) {
    let (ending, is_ending) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (socket, entrance) = listener.accept() => {
                match stay(connections.len(), &socket) {
                    Some(stay) => {
                        connections.spawn(converse(socket, (entrance, stay), Arc::clone(&site), is_ending.clone()));
                    }
                    None => turn_away(&socket),
                }
            }
        }
    }
    drop(listener);
    ending.send_replace(true);
    let _ = timeout(GOODBYE, async { while connections.join_next().await.is_some() {} }).await;
}

/// How one more may come in beside so many, if it may. The kernel hands out the lowest number that is free, so a high one says that
/// few descriptors are left, and those are for programs.
fn stay(connections: usize, socket: &Socket) -> Option<Stay> {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    let number = u64::try_from(socket.as_raw_fd()).unwrap_or(0);
    let has_room = connections < ALWAYS || number + LEFT_TO_PROGRAMS < limit;
    match connections {
        0..CONNECTIONS if has_room => Some(Stay::Long),
        CONNECTIONS..ALL_CONNECTIONS if has_room => Some(Stay::Brief),
        _ => None,
    }
}

/// A fresh socket's buffer holds this whole, so it need not be waited for.
fn turn_away(socket: &Socket) {
    let _ = socket.try_write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpStream;
    use std::os::unix::net::UnixStream;

    use super::*;

    type Connect = dyn Fn() -> Box<dyn Read>;

    /// A queue that the listener has once looked at: the first look only learns that the socket is readable.
    async fn queue(listener: &mut Listener, connect: &Connect) -> [Box<dyn Read>; 2] {
        let first = connect();
        drop(listener.accept().await);
        let second = connect();
        [first, second]
    }

    #[tokio::test]
    async fn without_descriptors_the_spare_one_empties_the_queue() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let unix = move || -> Box<dyn Read> {
            let stream = UnixStream::connect(&path).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            Box::new(stream)
        };
        let gate = TcpGate::bind_to(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = gate.socket.local_addr().unwrap();
        let tcp = move || -> Box<dyn Read> {
            let stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            Box::new(stream)
        };
        let cases: [(Listener, &Connect); 2] =
            [(Listener::bind(&directory.path().join("s")).unwrap(), &unix), (Listener::new(Gate::Tcp(gate)), &tcp)];
        for (mut listener, connect) in cases {
            let clients = queue(&mut listener, connect).await;
            listener.refuse_one().await;
            for mut refused in clients {
                assert_eq!(refused.read(&mut [0; 1]).unwrap(), 0);
            }
            assert!(listener.spare.is_some());
        }
    }
}
