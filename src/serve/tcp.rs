//! The TCP listener: off unless asked for, and never open to other machines without a password, wherever its name leads.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};

use super::listen::ListenError;
use crate::model::ListenAddress;

/// Connections that may wait to be accepted.
const QUEUE: u32 = 64;

/// The bound socket.
#[derive(Debug)]
pub(super) struct TcpGate {
    pub(super) socket: TcpListener,
}

impl TcpGate {
    /// Resolves a name and binds its first address, an IPv4 one where there is one (supervisord's clients know no other).
    pub(super) async fn bind(address: &ListenAddress, has_password: bool) -> Result<Self, ListenError> {
        let failed = |source: io::Error| match source.kind() {
            ErrorKind::AddrInUse => ListenError::Taken(address.clone()),
            _ => ListenError::Tcp { address: address.clone(), source },
        };
        let found = resolve(address).await.map_err(failed)?;
        // The loader has refused what it could tell by the name alone; `localhost` may still be somebody else in /etc/hosts.
        if !has_password && !found.ip().is_loopback() {
            return Err(ListenError::OpenWithoutPassword { address: address.clone(), found });
        }
        Self::bind_to(found).map_err(failed)
    }

    pub(super) fn bind_to(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        // What is accepted inherits it: a client that vanished while its call waits is found out.
        socket.set_keepalive(true)?;
        keep_alive_soon(&socket);
        socket.bind(address)?;
        Ok(Self { socket: socket.listen(QUEUE)? })
    }

    /// The next connection, and the address of ours that it reached.
    pub(super) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, _) = self.socket.accept().await?;
        // An answer is written whole; waiting to fill a segment would only delay it.
        stream.set_nodelay(true)?;
        let at = stream.local_addr()?;
        Ok((stream, at))
    }
}

/// The first of its addresses, IPv4 before IPv6.
async fn resolve(address: &ListenAddress) -> io::Result<SocketAddr> {
    let host = if address.host == "*" { "0.0.0.0" } else { address.host.as_str() };
    let found = lookup_host((host, address.port)).await?;
    found.min_by_key(SocketAddr::is_ipv6).ok_or_else(|| io::Error::new(ErrorKind::NotFound, "no such host"))
}

/// The system's own two hours would keep a vanished client's place too long.
#[cfg(target_os = "linux")]
fn keep_alive_soon(socket: &TcpSocket) {
    use nix::sys::socket::{setsockopt, sockopt};

    /// Seconds of silence before the first question, and between two.
    const EVERY: u32 = 15;

    // Without it the system's times hold.
    let _ = setsockopt(socket, sockopt::TcpKeepIdle, &EVERY);
    let _ = setsockopt(socket, sockopt::TcpKeepInterval, &EVERY);
}

#[cfg(not(target_os = "linux"))]
fn keep_alive_soon(_: &TcpSocket) {}

#[cfg(test)]
mod tests {
    use super::*;

    async fn bind(text: &str, has_password: bool) -> Result<TcpGate, ListenError> {
        TcpGate::bind(&ListenAddress::parse(text).unwrap(), has_password).await
    }

    #[tokio::test]
    async fn an_address_beyond_loopback_is_not_bound_without_a_password() {
        for text in ["0.0.0.0:9", "*:9", "[::]:9", "192.0.2.1:9"] {
            assert!(matches!(bind(text, false).await, Err(ListenError::OpenWithoutPassword { .. })), "{text}");
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_told_from_other_troubles() {
        let first = TcpGate::bind_to(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let again = bind(&first.socket.local_addr().unwrap().to_string(), false).await;
        assert!(matches!(again, Err(ListenError::Taken(_))));
        // An address of nobody (RFC 5737).
        assert!(matches!(bind("192.0.2.1:9", true).await, Err(ListenError::Tcp { .. })));
    }

    #[tokio::test]
    async fn localhost_is_its_ipv4_address_first() {
        let address = ListenAddress { host: "localhost".to_owned(), port: 9 };
        assert_eq!(resolve(&address).await.unwrap(), SocketAddr::from(([127, 0, 0, 1], 9)));
    }

    #[tokio::test]
    async fn an_accepted_connection_is_kept_alive_and_says_where_it_came_in() {
        let gate = TcpGate::bind_to(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let client = std::net::TcpStream::connect(gate.socket.local_addr().unwrap()).unwrap();
        let (stream, at) = gate.accept().await.unwrap();
        assert_eq!(at, client.peer_addr().unwrap());
        assert!(nix::sys::socket::getsockopt(&stream, nix::sys::socket::sockopt::KeepAlive).unwrap());
    }
}
