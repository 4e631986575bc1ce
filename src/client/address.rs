//! Where a server listens, and how it is told who asks.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `unix:///run/shop.sock`: the path of a socket.
    Unix(String),
    /// `http://host:port`.
    Tcp {
        /// A name or an address; an IPv6 address without its brackets.
        host: String,
        /// 80 where the URL names none.
        port: u16,
    },
}

impl Address {
    /// Reads `unix://PATH` or `http://[user:password@]host[:port][/…]`, as supervisorctl does (supervisor `xmlrpc.py`
    /// `SupervisorTransport`): a path or a user in an HTTP URL is not looked at.
    pub fn parse(url: &str) -> Option<Self> {
        if let Some(path) = url.strip_prefix("unix://") {
            return Some(Self::Unix(path.to_owned()));
        }
        let rest = url.strip_prefix("http://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let place = authority.rsplit('@').next().unwrap_or_default();
        let (host, port) = match place.strip_prefix('[').and_then(|place| place.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let port = match port {
            None | Some("") => 80,
            Some(port) => port.parse().ok()?,
        };
        (!host.is_empty()).then(|| Self::Tcp { host: host.to_ascii_lowercase(), port })
    }

    /// What the `Host` header says.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Unix(_) => "localhost".to_owned(),
            Self::Tcp { host, port: 80 } => bracketed(host),
            Self::Tcp { host, port } => format!("{}:{port}", bracketed(host)),
        }
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// What shows a server who asks.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Basic authentication.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: String,
    },
    /// The key that a project with a password keeps for its owner's commands.
    Key(String),
}

/// Never shows what is secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password(…)",
            Self::Key(_) => "Key(…)",
        })
    }
}

impl Credentials {
    /// The line of a request's head.
    pub(super) fn header(&self) -> String {
        match self {
            Self::Password { username, password } => {
                format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{username}:{password}")))
            }
            Self::Key(key) => format!("Authorization: Bearer {key}\r\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_supervisorctl_reads_them() {
        let tcp = |host: &str, port| Some(Address::Tcp { host: host.into(), port });
        assert_eq!(Address::parse("http://localhost:9001"), tcp("localhost", 9001));
        assert_eq!(Address::parse("http://LOCALHOST"), tcp("localhost", 80));
        assert_eq!(Address::parse("http://u:p@host:1/RPC2?x"), tcp("host", 1));
        assert_eq!(Address::parse("http://[::1]:9001/"), tcp("::1", 9001));
        assert_eq!(Address::parse("unix:///tmp/a b.sock"), Some(Address::Unix("/tmp/a b.sock".into())));
        for url in ["https://localhost", "http://", "http://host:port", "localhost:9001", ""] {
            assert_eq!(Address::parse(url), None, "{url}");
        }
    }

    #[test]
    fn the_host_header_says_what_the_url_says() {
        let host = |url| Address::parse(url).unwrap().host();
        assert_eq!(host("http://localhost:9001"), "localhost:9001");
        assert_eq!(host("http://[::1]:9001"), "[::1]:9001");
        assert_eq!(host("http://shop.example"), "shop.example");
        assert_eq!(host("unix:///x"), "localhost");
    }

    #[test]
    fn credentials_are_encoded_and_never_shown() {
        let credentials = Credentials::Password { username: "ann".into(), password: "pässword".into() };
        assert_eq!(credentials.header(), "Authorization: Basic YW5uOnDDpHNzd29yZA==\r\n");
        assert_eq!(format!("{credentials:?}"), "Password(…)");
    }
}
