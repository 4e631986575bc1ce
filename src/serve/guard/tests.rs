//! Every row of the table: who asks, what for, and what becomes of it.

use std::fmt::Write as _;

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;

/// Where the requests of these tests come in over TCP.
const LOOPBACK: Entrance = Entrance::Tcp(SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::LOCALHOST), 9001));

/// The configs of these tests.
#[derive(Debug, Clone, Copy)]
enum Config {
    /// `tcp = "127.0.0.1:9001"`.
    Open,
    /// The same with user `me` and password `pass:word`.
    Locked,
    /// As [`Config::Locked`], with the digest of the password.
    Digest,
    /// `tcp = "my-host:9001"`, locked.
    Named,
    /// `tcp = "*:9001"` on a machine called `box`, locked.
    Wildcard,
    /// A listener that was opened for one browser.
    OneBrowser,
}

impl Config {
    fn policy(self) -> Policy {
        let sessions = Sessions::new([7; 32]);
        let tcp = match self {
            Self::OneBrowser => return Policy::for_sessions(sessions),
            Self::Open | Self::Locked | Self::Digest => "127.0.0.1:9001",
            Self::Named => "My-Host:9001",
            Self::Wildcard => "*:9001",
        };
        let password = match self {
            Self::Open | Self::OneBrowser => None,
            Self::Locked | Self::Named | Self::Wildcard => Some("pass:word"),
            Self::Digest => Some("{SHA}25f3b0a420f2e4048baa9d0cdb8addbadcf2624f"),
        };
        let control = Control {
            socket: None,
            tcp: Some(tcp.to_owned()),
            username: password.map(|_| "me".to_owned()),
            password: password.map(str::to_owned),
        };
        Policy::new(&control, password.map(|_| "owner-key"), Some("box")).with_sessions(Some(sessions))
    }
}

/// `me:pass:word`, the right one; `me:wrong`; `you:pass:word`.
const RIGHT: &str = "Authorization: Basic bWU6cGFzczp3b3Jk";
const WRONG: &str = "Authorization: Basic bWU6d3Jvbmc=";
const STRANGER: &str = "Authorization: Basic eW91OnBhc3M6d29yZA==";

/// A session's cookie and token, as a server with the key of these tests makes them; a token of another session; a cookie of another
/// server.
const COOKIE: &str =
    "Cookie: run_session_9001=00112233445566778899aabbccddeeff.ae0025d203ca37fc3e14a5bacadadcde6d17cd50";
const TOKEN: &str = "X-Run-Token: 88f9c1b65ee9f2942454cfd86385d4acc9c97f60";
const OTHER_TOKEN: &str = "X-Run-Token: 3bd76e185e016617191d5acc3924d2e283e035de";
const OTHER_COOKIE: &str =
    "Cookie: run_session_9001=00112233445566778899aabbccddeeff.b685aeb9e14f25186e8bb73db9de2f5b380644e7";
const JSON: &str = "Content-Type: application/json";

/// What Python's `xmlrpc.client` and supervisorctl send, save the password.
const STOCK: &[&str] = &["Host: 127.0.0.1:9001", "Content-Type: text/xml", "Content-Length: 9", "User-Agent: Python"];

fn headers(lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines.iter().map(|line| line.split_once(": ").unwrap()) {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn decide(config: Config, entrance: Entrance, target: &str, lines: &[&str]) -> (Verdict, Attempt) {
    let (method, uri) = target.split_once(' ').unwrap();
    let (method, uri, headers) = (method.parse().unwrap(), uri.parse().unwrap(), headers(lines));
    config.policy().decide(Asked { entrance, method: &method, uri: &uri, headers: &headers })
}

fn status(verdict: &Verdict) -> u16 {
    match verdict {
        Verdict::Allow => 200,
        Verdict::Refuse(refusal) => refusal.status.as_u16(),
    }
}

/// [`STOCK`] with some lines instead of those of the same name; a line that ends with `-` only takes away.
fn stock(changes: &[&'static str]) -> Vec<&'static str> {
    let name = |line: &&str| line.split(": ").next().map(str::to_lowercase);
    let is_kept = |line: &&&str| !changes.iter().any(|change| name(change) == name(line));
    let kept = STOCK.iter().filter(is_kept).copied();
    kept.chain(changes.iter().copied().filter(|change| !change.ends_with(": -"))).collect()
}

struct Row(u16, Config, Entrance, &'static str, &'static [&'static str]);

/// Changes to a stock call, and the status that it then has; 200 goes on to be routed.
#[rustfmt::skip]
const TABLE: &[Row] = {
    use Config::{Digest, Locked, Named, OneBrowser, Open, Wildcard};
    use Entrance::Unix;
    const POST: &str = "POST /RPC2";
    const CHANGE: &str = "POST /api/v1/stop";
    &[
        // Stock clients.
        Row(200, Open, LOOPBACK, POST, &[]),
        Row(200, Open, Unix, POST, &[]),
        Row(200, Locked, LOOPBACK, POST, &[RIGHT]),
        Row(200, Locked, Unix, POST, &[RIGHT]),
        Row(200, Digest, LOOPBACK, POST, &[RIGHT]),
        // Framing.
        Row(400, Open, LOOPBACK, POST, &["Transfer-Encoding: chunked"]),
        Row(400, Open, LOOPBACK, POST, &["Content-Length: -", "Transfer-Encoding: chunked"]),
        Row(400, Open, Unix, POST, &["Transfer-Encoding: chunked"]),
        Row(400, Open, LOOPBACK, POST, &["Content-Length: 9", "Content-Length: 9"]),
        Row(400, Open, LOOPBACK, POST, &["Content-Length: 9, 9"]),
        Row(400, Open, LOOPBACK, POST, &["Content-Length: +9"]),
        Row(400, Open, LOOPBACK, POST, &["Content-Length: 0x9"]),
        Row(200, Open, LOOPBACK, POST, &["Content-Length: -"]),
        // Host.
        Row(400, Open, LOOPBACK, POST, &["Host: -"]),
        Row(400, Open, LOOPBACK, POST, &["Host: localhost", "Host: localhost"]),
        Row(200, Open, Unix, POST, &["Host: -"]),
        Row(200, Open, Unix, POST, &["Host: evil.example"]),
        Row(200, Open, LOOPBACK, POST, &["Host: localhost:9001"]),
        Row(200, Open, LOOPBACK, POST, &["Host: LOCALHOST"]),
        Row(200, Open, LOOPBACK, POST, &["Host: [::1]:9001"]),
        Row(200, Open, LOOPBACK, POST, &["Host: 127.0.0.1:8001"]), // a tunnel's other end
        Row(421, Open, LOOPBACK, POST, &["Host: evil.example"]),
        Row(421, Open, LOOPBACK, POST, &["Host: evil.example:9001"]),
        Row(421, Open, LOOPBACK, POST, &["Host: localhost.evil.example"]),
        Row(421, Open, LOOPBACK, POST, &["Host: 127.0.0.1.evil.example"]),
        Row(421, Open, LOOPBACK, POST, &["Host: localhost@evil.example"]),
        Row(421, Open, LOOPBACK, POST, &["Host: evil.example@localhost"]),
        Row(421, Open, LOOPBACK, POST, &["Host: localhost:"]),
        Row(421, Open, LOOPBACK, POST, &["Host: 192.168.1.5:9001"]),
        Row(421, Open, LOOPBACK, POST, &["Host: box:9001"]),
        Row(421, Open, LOOPBACK, "GET /", &["Host: evil.example"]),
        Row(421, Open, LOOPBACK, "POST http://evil.example/RPC2", &[]),
        Row(200, Open, LOOPBACK, "POST http://localhost:9001/RPC2", &[]),
        Row(200, Named, LOOPBACK, POST, &["Host: my-host:9001", RIGHT]),
        Row(421, Wildcard, LOOPBACK, POST, &["Host: my-host:9001", RIGHT]),
        Row(200, Wildcard, LOOPBACK, POST, &["Host: box:9001", RIGHT]),
        Row(421, Wildcard, LOOPBACK, POST, &["Host: *:9001", RIGHT]),
        Row(421, Wildcard, LOOPBACK, POST, &["Host: 0.0.0.0:9001", RIGHT]),
        Row(421, Wildcard, LOOPBACK, POST, &["Host: 192.168.1.5:9001", RIGHT]),
        // Origin.
        Row(403, Open, LOOPBACK, POST, &["Origin: http://evil.example"]),
        Row(403, Open, LOOPBACK, POST, &["Origin: http://evil.example:9001"]),
        Row(403, Open, LOOPBACK, POST, &["Origin: null"]),
        Row(403, Open, LOOPBACK, POST, &["Origin: http://localhost:3000"]),
        Row(403, Open, LOOPBACK, POST, &["Origin: http://localhost"]),
        Row(403, Open, LOOPBACK, POST, &["Origin: https://localhost:9001"]),
        Row(403, Open, LOOPBACK, POST, &["Origin: file://"]),
        Row(403, Open, LOOPBACK, POST, &["Origin: http://localhost:9001", "Origin: http://evil.example"]),
        Row(200, Open, LOOPBACK, POST, &["Origin: http://localhost:9001"]),
        Row(200, Open, LOOPBACK, POST, &["Origin: http://127.0.0.1:9001", "Sec-Fetch-Site: same-origin"]),
        Row(403, Open, LOOPBACK, "GET /", &["Sec-Fetch-Site: cross-site"]),
        Row(403, Open, LOOPBACK, "GET /", &["Sec-Fetch-Site: same-site"]),
        Row(200, Open, LOOPBACK, "GET /", &["Sec-Fetch-Site: none"]),
        Row(403, Open, LOOPBACK, "OPTIONS /RPC2", &["Origin: http://evil.example", "Access-Control-Request-Method: POST"]),
        Row(200, Open, Unix, POST, &["Origin: http://evil.example"]),
        // Password.
        Row(401, Locked, LOOPBACK, POST, &[]),
        Row(401, Locked, Unix, POST, &[]),
        Row(401, Locked, LOOPBACK, "GET /", &[]),
        Row(401, Locked, LOOPBACK, "GET /logtail/web", &[]),
        Row(401, Locked, LOOPBACK, "HEAD /nothing", &[]),
        Row(200, Locked, LOOPBACK, "GET /", &[RIGHT]),
        Row(401, Locked, LOOPBACK, POST, &[WRONG]),
        Row(401, Locked, Unix, POST, &[WRONG]),
        Row(401, Locked, LOOPBACK, POST, &[STRANGER]),
        Row(401, Locked, LOOPBACK, POST, &[RIGHT, WRONG]),
        Row(401, Locked, LOOPBACK, POST, &["Authorization: Basic"]),
        Row(401, Locked, LOOPBACK, POST, &["Authorization: Digest username=\"me\""]),
        Row(401, Digest, LOOPBACK, POST, &[WRONG]),
        Row(200, Open, LOOPBACK, POST, &[WRONG]),
        Row(200, Locked, Unix, POST, &["Authorization: Bearer owner-key"]),
        Row(401, Locked, LOOPBACK, POST, &["Authorization: Bearer owner-key"]),
        Row(401, Locked, Unix, POST, &["Authorization: Bearer owner-ke"]),
        // Content type.
        Row(415, Open, LOOPBACK, POST, &["Content-Type: text/plain"]),
        Row(415, Open, LOOPBACK, POST, &["Content-Type: application/x-www-form-urlencoded"]),
        Row(415, Open, LOOPBACK, POST, &["Content-Type: multipart/form-data; boundary=text/xml"]),
        Row(415, Open, LOOPBACK, POST, &["Content-Type: -"]),
        Row(415, Open, LOOPBACK, POST, &["Content-Type: text/xml", "Content-Type: text/plain"]),
        Row(415, Open, LOOPBACK, POST, &["Content-Type: text/plain, text/xml"]),
        Row(415, Open, LOOPBACK, "DELETE /RPC2", &["Content-Type: -"]),
        Row(200, Open, LOOPBACK, POST, &["Content-Type: TEXT/XML; charset=utf-8"]),
        Row(200, Open, LOOPBACK, POST, &["Content-Type: application/xml"]),
        Row(200, Open, LOOPBACK, POST, &["Content-Type: application/json"]),
        Row(200, Open, LOOPBACK, "GET /", &["Content-Type: -"]),
        Row(200, Open, Unix, POST, &["Content-Type: -"]),
        Row(200, Open, Unix, POST, &["Content-Type: text/plain"]),
        // Changes by a browser: JSON, and over TCP the token of the session.
        Row(403, Open, LOOPBACK, CHANGE, &[JSON]),
        Row(403, Open, LOOPBACK, CHANGE, &[JSON, COOKIE]),
        Row(403, Open, LOOPBACK, CHANGE, &[JSON, TOKEN]),
        Row(200, Open, LOOPBACK, CHANGE, &[JSON, COOKIE, TOKEN]),
        Row(403, Open, LOOPBACK, CHANGE, &[JSON, COOKIE, OTHER_TOKEN]),
        Row(403, Open, LOOPBACK, CHANGE, &[JSON, COOKIE, TOKEN, OTHER_TOKEN]),
        Row(403, Open, LOOPBACK, CHANGE, &[JSON, OTHER_COOKIE, TOKEN]),
        Row(403, Open, LOOPBACK, "DELETE /api/v1/stop", &[JSON]),
        Row(415, Open, LOOPBACK, CHANGE, &[COOKIE, TOKEN]), // text/xml
        Row(415, Open, LOOPBACK, CHANGE, &["Content-Type: text/plain", COOKIE, TOKEN]),
        Row(415, Open, LOOPBACK, CHANGE, &["Content-Type: application/x-www-form-urlencoded", COOKIE, TOKEN]),
        Row(403, Open, LOOPBACK, CHANGE, &["Origin: http://evil.example", JSON, COOKIE, TOKEN]),
        Row(421, Open, LOOPBACK, CHANGE, &["Host: evil.example", JSON, COOKIE, TOKEN]),
        Row(401, Locked, LOOPBACK, CHANGE, &[JSON, COOKIE, TOKEN]),
        Row(200, Locked, LOOPBACK, CHANGE, &[JSON, COOKIE, TOKEN, RIGHT]),
        Row(200, Open, Unix, CHANGE, &[JSON]),
        Row(415, Open, Unix, CHANGE, &["Content-Type: text/plain"]),
        Row(200, Open, LOOPBACK, "GET /api/v1/status", &[]),
        Row(200, Open, LOOPBACK, "GET /api/v1/session", &[]),
        Row(401, Locked, LOOPBACK, "GET /api/v1/session", &[]),
        Row(200, Open, LOOPBACK, POST, &[]), // stock clients have no token
        // A listener for one browser: who has no session sees nothing of the project.
        Row(200, OneBrowser, LOOPBACK, "GET /", &[]),
        Row(200, OneBrowser, LOOPBACK, "GET /app.js", &[]),
        Row(200, OneBrowser, LOOPBACK, "POST /api/v1/session", &[JSON]),
        Row(415, OneBrowser, LOOPBACK, "POST /api/v1/session", &[]),
        Row(403, OneBrowser, LOOPBACK, "POST /api/v1/session", &["Origin: http://evil.example", JSON]),
        Row(401, OneBrowser, LOOPBACK, "GET /api/v1/session", &[]),
        Row(401, OneBrowser, LOOPBACK, "GET /api/v1/status", &[]),
        Row(401, OneBrowser, LOOPBACK, "GET /tail.html", &[]),
        Row(401, OneBrowser, LOOPBACK, "GET /logtail/web", &[]),
        Row(401, OneBrowser, LOOPBACK, "GET /nothing", &[]),
        Row(401, OneBrowser, LOOPBACK, POST, &[]),
        Row(401, OneBrowser, LOOPBACK, POST, &[RIGHT]),
        Row(401, OneBrowser, LOOPBACK, "GET /api/v1/status", &[OTHER_COOKIE]),
        Row(200, OneBrowser, LOOPBACK, "GET /api/v1/status", &[COOKIE]),
        Row(403, OneBrowser, LOOPBACK, POST, &[COOKIE]),
        Row(403, OneBrowser, LOOPBACK, CHANGE, &[JSON, COOKIE]),
        Row(200, OneBrowser, LOOPBACK, CHANGE, &[JSON, COOKIE, TOKEN]),
        Row(421, OneBrowser, LOOPBACK, "GET /", &["Host: evil.example"]),
        // The first thing that is wrong is the one that is told.
        Row(400, Locked, LOOPBACK, POST, &["Transfer-Encoding: chunked", "Host: evil.example", "Content-Type: text/plain"]),
        Row(421, Locked, LOOPBACK, POST, &["Host: evil.example", "Origin: http://evil.example", "Content-Type: text/plain"]),
        Row(403, Locked, LOOPBACK, POST, &["Origin: http://evil.example", "Content-Type: text/plain"]),
        Row(401, Locked, LOOPBACK, POST, &["Content-Type: text/plain"]),
        Row(415, Locked, LOOPBACK, POST, &["Content-Type: text/plain", RIGHT]),
    ]
};

#[test]
fn every_row_of_the_table() {
    let mut faults = String::new();
    for Row(expected, config, entrance, target, changes) in TABLE {
        let found = status(&decide(*config, *entrance, target, &stock(changes)).0);
        if found != *expected {
            writeln!(faults, "{found} instead of {expected}: {config:?} {entrance:?} {target} {changes:?}").unwrap();
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn the_address_that_was_reached_is_a_host_of_ours() {
    for (at, host, expected) in [
        ("192.168.1.5:9001", "Host: 192.168.1.5:9001", 200),
        ("192.168.1.5:9001", "Host: 192.168.1.6:9001", 421),
        ("[::ffff:192.168.1.5]:9001", "Host: 192.168.1.5:9001", 200),
        ("[2001:db8::1]:9001", "Host: [2001:db8::1]:9001", 200),
        ("[2001:db8::1]:9001", "Host: [2001:db8:0::1]:9001", 200),
    ] {
        let entrance = Entrance::Tcp(at.parse().unwrap());
        let lines = [host, RIGHT, "Content-Type: text/xml"];
        assert_eq!(status(&decide(Config::Wildcard, entrance, "POST /RPC2", &lines).0), expected, "{at} {host}");
    }
}

#[test]
fn only_a_password_that_was_tried_counts_as_an_attempt() {
    for (expected, lines) in [
        (Attempt::None, stock(&[])),
        (Attempt::Wrong, stock(&[WRONG])),
        (Attempt::Right, stock(&[RIGHT])),
        (Attempt::Right, stock(&[RIGHT, "Content-Type: text/plain"])),
        (Attempt::None, stock(&[WRONG, "Host: evil.example"])),
    ] {
        assert_eq!(decide(Config::Locked, LOOPBACK, "POST /RPC2", &lines).1, expected, "{lines:?}");
    }
    assert_eq!(decide(Config::Open, LOOPBACK, "POST /RPC2", &stock(&[WRONG])).1, Attempt::None);
}

#[test]
fn a_client_is_told_how_to_log_in_and_nothing_else() {
    let (Verdict::Refuse(refusal), _) = decide(Config::Locked, LOOPBACK, "POST /RPC2", &stock(&[])) else {
        panic!("it was let in");
    };
    let challenge = (WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"default\""));
    assert!(refusal.headers.contains(&challenge));
    assert_eq!(refusal.body, "401 Unauthorized: the user name and password of [control] are needed\n");
}

proptest! {
    #[test]
    fn without_the_password_nothing_is_let_in(
        names in proptest::collection::vec("host|origin|authorization|content-type|content-length|x-[a-z]", 0..8),
        values in proptest::collection::vec("[ -~]{0,20}|localhost|text/xml|Basic bWU6[a-z]{2}", 8),
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in names.iter().zip(&values) {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let asked = Asked { entrance: LOOPBACK, method: &Method::POST, uri: &Uri::from_static("/RPC2"), headers: &headers };
        let (verdict, attempt) = Config::Locked.policy().decide(asked);
        prop_assert!(verdict != Verdict::Allow && attempt != Attempt::Right);
    }

    #[test]
    fn nothing_but_the_token_lets_a_browser_change_something(
        token in "[0-9a-f]{40}|[ -~]{0,50}", path in "/api/v1/(start|stop|restart|clear|open)",
    ) {
        let change = ["Host: localhost", JSON, COOKIE, "Content-Length: 2"];
        let mut headers = headers(&change);
        if let Ok(value) = HeaderValue::from_str(&token) {
            headers.append("x-run-token", value);
        }
        let uri = path.parse().unwrap();
        let asked = Asked { entrance: LOOPBACK, method: &Method::POST, uri: &uri, headers: &headers };
        let is_token = TOKEN.ends_with(&token) && token.len() == 40;
        prop_assert_eq!(Config::Open.policy().decide(asked).0 == Verdict::Allow, is_token);
    }

    #[test]
    fn a_host_that_is_not_on_the_list_is_never_let_in(host in any::<String>()) {
        let Ok(value) = HeaderValue::from_str(&host) else { return Ok(()) };
        let mut headers = headers(&stock(&["Host: -"]));
        headers.append(HOST, value);
        let asked = Asked { entrance: LOOPBACK, method: &Method::POST, uri: &Uri::from_static("/RPC2"), headers: &headers };
        let is_ours = split_host(&host).is_some_and(|(host, _)| is_loopback_host(host));
        prop_assert_eq!(Config::Open.policy().decide(asked).0 == Verdict::Allow, is_ours);
    }
}
