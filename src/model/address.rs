//! Addresses that a server listens on, and the same notation in a `Host` header: `host:port`, with brackets round an IPv6 address.

use core::fmt;
use core::net::IpAddr;

/// Where to listen: a host as it was written, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    /// A name, an IPv4 or IPv6 address without brackets, or `*` for all IPv4 addresses (as in supervisord's `*:9001`).
    pub host: String,
    /// Never 0: nobody would know where to connect to.
    pub port: u16,
}

impl ListenAddress {
    /// Reads `host:port`. The error says what was expected.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match split_host(text) {
            Some((host, Some(port))) if port > 0 => Ok(Self { host: host.to_owned(), port }),
            Some((_, Some(_))) => Err("a port is a number from 1 to 65535"),
            Some((_, None)) | None => Err("expected host:port, such as \"127.0.0.1:9001\""),
        }
    }

    /// Whether only this machine can reach it. A name other than `localhost` may lead anywhere, so it counts as beyond.
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(&self.host)
    }

    /// Whether it stands for all addresses of the machine.
    pub fn is_wildcard(&self) -> bool {
        self.host == "*" || self.host.parse().is_ok_and(|address: IpAddr| address.is_unspecified())
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Whether a host is this machine by its loopback name or one of its loopback addresses.
pub fn is_loopback_host(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Takes `host`, `host:port`, `[v6]` or `[v6]:port` apart, without the brackets. `None` for everything else, a user part included.
pub fn split_host(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(inner) => inner.split_once(']').filter(|(host, _)| is_ipv6(host))?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_bracketed = text.starts_with('[');
    let is_name = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_');
    if !is_bracketed && host != "*" && (host.is_empty() || !host.chars().all(is_name)) {
        return None;
    }
    match rest.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some((host, Some(digits.parse().ok()?))),
        None if rest.is_empty() => Some((host, None)),
        Some(_) | None => None,
    }
}

fn is_ipv6(host: &str) -> bool {
    host.parse().is_ok_and(|address: IpAddr| address.is_ipv6())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn hosts_and_ports_are_taken_apart() {
        for (text, expected) in [
            ("localhost", Some(("localhost", None))),
            ("127.0.0.1:9001", Some(("127.0.0.1", Some(9001)))),
            ("[::1]:9001", Some(("::1", Some(9001)))),
            ("[::1]", Some(("::1", None))),
            ("*:9001", Some(("*", Some(9001)))),
            ("my_host-1.local:1", Some(("my_host-1.local", Some(1)))),
            ("", None),
            (":9001", None),
            ("host:", None),
            ("host:+80", None),
            ("host:65536", None),
            ("host:80:81", None),
            ("::1", None),
            ("[127.0.0.1]:80", None),
            ("[::1]x:80", None),
            ("[::1", None),
            ("localhost@evil.example", None),
            ("evil.example/localhost", None),
            ("localhost evil", None),
        ] {
            assert_eq!(split_host(text), expected, "{text}");
        }
    }

    #[test]
    fn what_leads_beyond_this_machine_is_told_from_what_does_not() {
        let parse = |text: &str| ListenAddress::parse(text).unwrap();
        for text in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "LocalHost:1"] {
            assert!(parse(text).is_loopback(), "{text}");
        }
        for text in ["0.0.0.0:1", "*:1", "[::]:1", "192.168.1.5:1", "my-host:1", "localhost.evil.example:1"] {
            assert!(!parse(text).is_loopback(), "{text}");
        }
        for (text, is_wildcard) in [("*:1", true), ("0.0.0.0:1", true), ("[::]:1", true), ("127.0.0.1:1", false)] {
            assert_eq!(parse(text).is_wildcard(), is_wildcard, "{text}");
        }
        assert!(ListenAddress::parse("localhost").is_err() && ListenAddress::parse("localhost:0").is_err());
    }

    proptest! {
        #[test]
        fn what_was_read_is_written_as_it_was(text in "(\\[::[1-9a-f]\\]|[a-z0-9.-]{1,9}):[1-9][0-9]{0,3}") {
            prop_assert_eq!(ListenAddress::parse(&text).unwrap().to_string(), text);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = (split_host(&text), ListenAddress::parse(&text));
        }
    }
}
