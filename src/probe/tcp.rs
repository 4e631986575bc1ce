//! `ready = { tcp = 5432 }`: a TCP connection is accepted.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::Answer;
use crate::model::ProbeSchema;

/// How the kind presents itself.
pub const SCHEMA: ProbeSchema = ProbeSchema {
    name: "tcp",
    value: "a port or \"host:port\"",
    doc: "Ready when a TCP connection is accepted. A port alone means this machine, over IPv4 or IPv6.",
    params: &[],
    problem,
};

/// How long one attempt may take.
const LIMIT: Duration = Duration::from_secs(1);

/// Connects once and hangs up.
pub async fn check(address: &str) -> Answer {
    let address = match Address::parse(address) {
        Ok(address) => address,
        Err(problem) => return Answer::fail(format!("tcp: {problem}")),
    };
    match timeout(LIMIT, address.connect()).await {
        Ok(Ok(_)) => Answer::pass(format!("tcp {}", address.label())),
        Ok(Err(error)) => Answer::fail(format!("tcp {} {}", address.label(), reason(&error))),
        Err(_) => Answer::fail(format!("tcp {} no answer in {}s", address.label(), LIMIT.as_secs())),
    }
}

/// The answer without a connection, where somebody is known to listen.
pub(super) fn passes_by_itself(address: &str, listened_at: &[IpAddr]) -> Option<Answer> {
    let address = Address::parse(address).ok()?;
    listened_at.iter().any(|ip| address.is_heard_at(*ip)).then(|| Answer::pass(format!("tcp {}", address.label())))
}

fn problem(address: &str) -> Option<String> {
    match Address::parse(address).err()? {
        AddressError::Port(_) => Some(format!("expected {}", SCHEMA.value)),
        wrong @ AddressError::Host(_) => Some(wrong.to_string()),
    }
}

/// The port of this machine that is asked; `None` for another machine.
pub(super) fn local_port(address: &str) -> Option<u16> {
    Address::parse(address).ok()?.local_port()
}

/// What is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    /// It has no port that there is.
    #[error("`{0}` is not a port or host:port")]
    Port(String),
    /// What stands before the port.
    #[error("`{0}` is not a host; an IPv6 address stands in brackets")]
    Host(String),
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// A name or an address without brackets; empty for this machine.
    pub(super) host: String,
    /// The port.
    pub(super) port: u16,
}

impl Address {
    /// Reads `5432`, `:5432`, `host:5432` or `[::1]:5432`.
    pub(super) fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let port = match port.parse::<u16>() {
            Ok(port) if port > 0 => port,
            _ => return Err(AddressError::Port(text.to_owned())),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if bare.is_none() && host.contains([':', '[', ']', '/', '@', ' ']) {
            return Err(AddressError::Host(host.to_owned()));
        }
        Ok(Self { host: bare.unwrap_or(host).to_owned(), port })
    }

    /// The port, when whoever answers there is on this machine.
    pub(super) fn local_port(&self) -> Option<u16> {
        let is_local = self.is_loopback_name() || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        is_local.then_some(self.port)
    }

    /// As messages name it: the port alone where the host is this machine.
    pub(super) fn label(&self) -> String {
        if let Some(port) = self.local_port() {
            port.to_string()
        } else if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether it names this machine without choosing between IPv4 and IPv6. RFC 6761 gives `localhost` and all below it to loopback.
    fn is_loopback_name(&self) -> bool {
        let host = self.host.trim_end_matches('.').to_ascii_lowercase();
        host.is_empty() || host == "localhost" || host.ends_with(".localhost")
    }

    /// Whether who listens at an address of this machine is met. Who listens at all of IPv6 may or may not be met over IPv4.
    fn is_heard_at(&self, listener: IpAddr) -> bool {
        self.known_addresses()
            .into_iter()
            .any(|own| own == listener || (listener.is_unspecified() && own.is_ipv4() == listener.is_ipv4()))
    }

    /// Connects to the first of its addresses that accepts.
    pub(super) async fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "host not found");
        for candidate in self.candidates().await? {
            match TcpStream::connect(candidate).await {
                Ok(stream) if is_self_connection(&stream) => last = io::ErrorKind::ConnectionRefused.into(),
                Ok(stream) => return Ok(stream),
                // A machine without IPv6 says so for `::1`; what IPv4 said is the better reason.
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {}
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The addresses that nobody has to be asked for.
    fn known_addresses(&self) -> Vec<IpAddr> {
        if self.is_loopback_name() {
            return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        self.host.parse().into_iter().collect()
    }

    async fn candidates(&self) -> io::Result<Vec<SocketAddr>> {
        let known = self.known_addresses();
        if !known.is_empty() {
            return Ok(known.into_iter().map(|ip| SocketAddr::new(ip, self.port)).collect());
        }
        match lookup_host((self.host.as_str(), self.port)).await {
            Ok(found) => Ok(found.collect()),
            Err(_) => Err(io::Error::new(io::ErrorKind::NotFound, "host not found")),
        }
    }
}

/// Whether the stream is connected to itself: asking again and again for a port of the ephemeral range at which nobody listens
/// meets, sooner or later, itself (TCP's simultaneous open).
fn is_self_connection(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(local), Ok(peer)) if local == peer)
}

/// An error of connecting in a word or two.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "refused".to_owned(),
        io::ErrorKind::NotFound => "host not found".to_owned(),
        io::ErrorKind::ConnectionReset => "reset".to_owned(),
        io::ErrorKind::TimedOut => "no answer".to_owned(),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "unreachable".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A port at which nobody listens, held so that nobody else takes it.
    fn closed_port() -> (tokio::net::TcpSocket, u16) {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = socket.local_addr().unwrap().port();
        (socket, port)
    }

    #[tokio::test]
    async fn a_listening_port_passes_and_a_closed_one_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(check(&format!("127.0.0.1:{port}")).await, Answer::pass(format!("tcp {port}")));
        let (_held, closed) = closed_port();
        assert_eq!(check(&closed.to_string()).await, Answer::fail(format!("tcp {closed} refused")));
    }

    #[tokio::test]
    async fn a_port_alone_is_found_over_ipv6_too() {
        let Ok(listener) = TcpListener::bind("[::1]:0").await else {
            return; // a machine without IPv6
        };
        let port = listener.local_addr().unwrap().port();
        for address in [port.to_string(), format!("localhost:{port}"), format!("web.localhost:{port}")] {
            assert!(check(&address).await.passed, "{address}");
        }
        assert!(!check(&format!("127.0.0.1:{port}")).await.passed, "an address as written means that address");
    }

    #[test]
    fn who_is_known_to_listen_is_not_connected_to() {
        let is_met = |address: &str, listener: &str| passes_by_itself(address, &[listener.parse().unwrap()]).is_some();
        for (address, listener) in [
            ("80", "127.0.0.1"),
            ("80", "::"),
            ("localhost:80", "::1"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("127.0.0.1:80", "0.0.0.0"),
            ("[::1]:80", "::"),
        ] {
            assert!(is_met(address, listener), "{address} {listener}");
        }
        for (address, listener) in
            [("127.0.0.1:80", "::1"), ("127.0.0.1:80", "::"), ("127.0.0.1:80", "127.0.0.2"), ("80", "127.0.0.2")]
        {
            assert!(!is_met(address, listener), "{address} {listener}");
        }
        assert_eq!(passes_by_itself("80", &[]), None);
        assert_eq!(passes_by_itself("80", &[Ipv4Addr::LOCALHOST.into()]), Some(Answer::pass("tcp 80")));
    }

    #[tokio::test]
    async fn a_stream_that_met_itself_is_not_a_server() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let own = socket.local_addr().unwrap();
        let stream = socket.connect(own).await.unwrap();
        assert!(is_self_connection(&stream));
    }

    #[test]
    fn addresses_are_read_in_every_notation() {
        let address = |host: &str, port| Ok(Address { host: host.to_owned(), port });
        assert_eq!(Address::parse("5432"), address("", 5432));
        assert_eq!(Address::parse(":5432"), address("", 5432));
        assert_eq!(Address::parse("db.local:5432"), address("db.local", 5432));
        assert_eq!(Address::parse("[::1]:5432"), address("::1", 5432));
        for bad in ["", "db", "db:", "0", "70000", "::1:5432", "http://db:80", "a b:1"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_this_machine_is_named_by_its_port_alone() {
        for (text, label) in [
            ("127.0.0.1:80", "80"),
            ("localhost:80", "80"),
            ("[::1]:80", "80"),
            ("db:80", "db:80"),
            ("[fe80::1]:80", "[fe80::1]:80"),
        ] {
            assert_eq!(Address::parse(text).unwrap().label(), label);
        }
    }
}
