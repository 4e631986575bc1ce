//! Who may ask: one decision over where a request came in, its head and the config, made before anything is routed or read.
//!
//! A browser reaches loopback as easily as we do, so on TCP every page that the user visits is a possible caller. The checks stand
//! in the order that gives the least away: framing (400), Host (421), Origin (403),
//! password or session (401), content type (415), token (403). A UNIX socket is out of a browser's reach and only its owner's to open: there framing and
//! password count alone, so that supervisorctl finds what it found at supervisord.
//!
//! What a browser changes goes through `/api`, which takes nothing but JSON and, over TCP, only with the token of a session. A listener
//! that was opened for one browser lets nobody else see anything.

use core::net::SocketAddr;

use hyper::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, TRANSFER_ENCODING,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::uri::Authority;
use hyper::{Method, Request, StatusCode, Uri};

use super::secret::Secret;
use super::session::Sessions;
use crate::codec::basic_auth;
use crate::model::Control;
use crate::model::address::{ListenAddress, is_loopback_host, split_host};

/// Names the kind of page that a request comes from; every browser since 2023 sends it (Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a changing call may be. Forms and scripts can send other types to any address without asking first; these they cannot.
const CHANGING_TYPES: &[&str] = &["text/xml", "application/xml", "application/json"];

/// What a change by `/api` may be.
const JSON: &[&str] = &["application/json"];

/// Below it are the paths for browsers that change something.
const API: &str = "/api/";

/// Where a session begins.
pub(super) const SESSION: &str = "/api/v1/session";

/// Where the token of a session stands.
const TOKEN: HeaderName = HeaderName::from_static("x-run-token");

/// What has nothing of the project in it: who has no session yet needs it to get one.
const BARE: &[&str] = &["/", "/index.html", "/style.css", "/app.js", "/favicon.svg", SESSION];

/// What the config says about callers.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Asked for on every path, when there are any.
    credentials: Option<Credentials>,
    /// What our own commands show instead, on the UNIX socket alone: only the owner can read it.
    owner_key: Option<Secret>,
    /// Names and addresses under which TCP clients may know us, besides loopback and the address they reached.
    hosts: Vec<String>,
    /// Who makes sessions; without it nothing can be changed through `/api` over TCP.
    sessions: Option<Sessions>,
    /// Whether only a session sees anything: the listener was opened for one browser.
    only_sessions: bool,
}

#[derive(Debug, Clone)]
struct Credentials {
    username: Secret,
    password: Secret,
}

/// Where a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// The UNIX socket.
    Unix,
    /// This address of ours.
    Tcp(SocketAddr),
}

/// What is asked, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Where it came in.
    pub entrance: Entrance,
    /// Its method.
    pub method: &'a Method,
    /// Its target.
    pub uri: &'a Uri,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Allow,
    /// It is answered at once, and the connection closed.
    Refuse(Refusal),
}

/// The answer to a request that may not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, besides those of every refusal.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// One line of text.
    pub body: String,
}

/// Whether a password was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// None was asked for, none was sent, or it did not come to that.
    None,
    /// The right one.
    Right,
    /// A wrong one.
    Wrong,
}

impl Policy {
    /// The policy of a config. `owner_key` is what our own commands show on the UNIX socket, `machine` the machine's name.
    pub fn new(control: &Control, owner_key: Option<&str>, machine: Option<&str>) -> Self {
        let credentials = control.username.as_ref().zip(control.password.as_ref());
        let credentials = credentials.map(|(username, password)| Credentials {
            username: Secret::of(username),
            password: Secret::of_password(password),
        });
        let address = control.tcp.as_deref().and_then(|tcp| ListenAddress::parse(tcp).ok());
        let host = address.and_then(|address| {
            // Who listens on all addresses is known by the machine's name, and by the address that was reached.
            if address.is_wildcard() { machine.map(str::to_owned) } else { Some(address.host) }
        });
        Self { credentials, owner_key: owner_key.map(Secret::of), hosts: host.into_iter().collect(), ..Self::default() }
    }

    /// The policy of a listener that is there for one browser: everything takes a session.
    pub(super) fn for_sessions(sessions: Sessions) -> Self {
        Self { sessions: Some(sessions), only_sessions: true, ..Self::default() }
    }

    /// The same, with whoever makes sessions, unless there is one.
    #[must_use]
    pub(super) fn with_sessions(mut self, sessions: Option<Sessions>) -> Self {
        self.sessions = self.sessions.or(sessions);
        self
    }

    /// Who makes sessions.
    pub(super) fn sessions(&self) -> Option<&Sessions> {
        self.sessions.as_ref()
    }

    /// Whether whoever asks may see the project: by now everybody, save on a listener for one browser.
    pub(super) fn is_member(&self, entrance: Entrance, headers: &HeaderMap) -> bool {
        !self.only_sessions || self.session(entrance, headers).is_some()
    }

    /// The session that a request belongs to.
    pub(super) fn session<'a>(&self, entrance: Entrance, headers: &'a HeaderMap) -> Option<&'a str> {
        match entrance {
            Entrance::Unix => None,
            Entrance::Tcp(at) => self.sessions.as_ref()?.of(headers, at.port()),
        }
    }

    /// Whether anybody is asked for a password.
    pub fn has_password(&self) -> bool {
        self.credentials.is_some()
    }

    /// Decides about a request, and says whether it tried a password.
    pub fn decide(&self, asked: Asked<'_>) -> (Verdict, Attempt) {
        let before = framing(asked).or_else(|| self.host(asked)).or_else(|| self.origin(asked));
        if let Some(refusal) = before {
            return (Verdict::Refuse(refusal), Attempt::None);
        }
        match self.login(asked) {
            Err(attempt) => (Verdict::Refuse(self.unauthorized()), attempt),
            Ok(attempt) => {
                let refusal = content_type(asked).or_else(|| self.token(asked));
                (refusal.map_or(Verdict::Allow, Verdict::Refuse), attempt)
            }
        }
    }

    /// DNS rebinding: a page of a name that its owner has let point to us is same-origin to the browser, so the name decides.
    /// Comparing Origin with Host would not help: the attacker owns both.
    fn host(&self, asked: Asked<'_>) -> Option<Refusal> {
        let Entrance::Tcp(at) = asked.entrance else { return None };
        let Some(host) = only(asked.headers, &HOST) else {
            return Some(Refusal::new(StatusCode::BAD_REQUEST, "exactly one Host is needed"));
        };
        // An absolute target stands above Host (RFC 9112, 3.2.2).
        let target = asked.uri.authority().map(Authority::as_str);
        let is_known = |text: &str| split_host(text).is_some_and(|(host, _)| self.is_known(host, at));
        let all_known = is_known(host) && target.is_none_or(is_known);
        (!all_known).then(|| Refusal::new(StatusCode::MISDIRECTED_REQUEST, "this server does not answer to that Host"))
    }

    /// A page may call us only if it is one of ours: its host is on the list and its port is the one that it calls.
    fn origin(&self, asked: Asked<'_>) -> Option<Refusal> {
        let Entrance::Tcp(at) = asked.entrance else { return None };
        let is_ours = |origin: &HeaderValue| {
            let origin = origin.to_str().ok().and_then(|origin| split_host(origin.strip_prefix("http://")?));
            origin.is_some_and(|(host, port)| port.unwrap_or(80) == at.port() && self.is_known(host, at))
        };
        let is_same = |site: &HeaderValue| site == "same-origin" || site == "none";
        let is_fine = asked.headers.get_all(ORIGIN).iter().all(is_ours)
            && asked.headers.get_all(SEC_FETCH_SITE).iter().all(is_same);
        (!is_fine).then(|| Refusal::new(StatusCode::FORBIDDEN, "requests of other pages are refused"))
    }

    fn is_known(&self, host: &str, at: SocketAddr) -> bool {
        let is_where_it_came_in =
            || host.parse().is_ok_and(|address: core::net::IpAddr| address == at.ip().to_canonical());
        is_loopback_host(host)
            || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
            || is_where_it_came_in()
    }

    /// Whether the password is right, or none is asked for.
    fn login(&self, asked: Asked<'_>) -> Result<Attempt, Attempt> {
        if !is_bare(asked) && !self.is_member(asked.entrance, asked.headers) {
            return Err(Attempt::None);
        }
        let Some(credentials) = &self.credentials else { return Ok(Attempt::None) };
        if !asked.headers.contains_key(AUTHORIZATION) {
            return Err(Attempt::None);
        }
        let sent = asked.headers.get_all(AUTHORIZATION).iter().exactly_one();
        let is_right = sent.is_some_and(|sent| credentials.are(sent) || self.is_owner(asked.entrance, sent));
        if is_right { Ok(Attempt::Right) } else { Err(Attempt::Wrong) }
    }

    /// A browser sends cookies and passwords along with whatever a page makes it send. The token it does not.
    fn token(&self, asked: Asked<'_>) -> Option<Refusal> {
        let is_change = is_api(asked) || self.only_sessions;
        if asked.entrance == Entrance::Unix || is_reading(asked) || !is_change || asked.uri.path() == SESSION {
            return None;
        }
        let sessions = self.sessions.as_ref().zip(self.session(asked.entrance, asked.headers));
        let sent = only(asked.headers, &TOKEN);
        let is_right = sessions.zip(sent).is_some_and(|((sessions, session), sent)| sessions.is_token(session, sent));
        (!is_right).then(|| Refusal::new(StatusCode::FORBIDDEN, "a change needs the token of a session"))
    }

    /// The realm is supervisord's (supervisor `medusa/auth_handler.py`).
    fn unauthorized(&self) -> Refusal {
        if self.only_sessions {
            return Refusal::new(StatusCode::UNAUTHORIZED, "open the address that `run ui --web` prints");
        }
        let mut refusal = Refusal::new(StatusCode::UNAUTHORIZED, "the user name and password of [control] are needed");
        refusal.headers.push((WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"default\"")));
        refusal
    }

    fn is_owner(&self, entrance: Entrance, sent: &HeaderValue) -> bool {
        let key = basic_auth::after_scheme(sent.as_bytes(), "Bearer").zip(self.owner_key.as_ref());
        entrance == Entrance::Unix && key.is_some_and(|(sent, key)| key.is(sent))
    }
}

impl Credentials {
    /// Both halves are always compared, so that the time does not tell a name that exists.
    fn are(&self, sent: &HeaderValue) -> bool {
        basic_auth::parse(sent.as_bytes())
            .is_some_and(|login| self.username.is(&login.username) & self.password.is(&login.password))
    }
}

impl<'a> Asked<'a> {
    /// What a request asks.
    pub fn of<B>(request: &'a Request<B>, entrance: Entrance) -> Self {
        Self { entrance, method: request.method(), uri: request.uri(), headers: request.headers() }
    }
}

impl Refusal {
    fn new(status: StatusCode, why: &str) -> Self {
        let reason = status.canonical_reason().unwrap_or_default();
        Self {
            status,
            headers: vec![(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))],
            body: format!("{} {reason}: {why}\n", status.as_u16()),
        }
    }
}

/// Two readers of one connection must never disagree about where a request ends. Of what cannot be framed with certainty, HTTP's
/// parser has refused most already: folded lines, a blank before a colon, lengths that differ.
fn framing(asked: Asked<'_>) -> Option<Refusal> {
    let lengths = || asked.headers.get_all(CONTENT_LENGTH).iter();
    let is_number = |length: &HeaderValue| !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit);
    let is_clear = !asked.headers.contains_key(TRANSFER_ENCODING) && lengths().count() <= 1 && lengths().all(is_number);
    (!is_clear).then(|| Refusal::new(StatusCode::BAD_REQUEST, "a body is framed by one Content-Length"))
}

fn content_type(asked: Asked<'_>) -> Option<Refusal> {
    let is_api = is_api(asked);
    if is_reading(asked) || (asked.entrance == Entrance::Unix && !is_api) {
        return None;
    }
    let kind = only(asked.headers, &CONTENT_TYPE).map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let types = if is_api { JSON } else { CHANGING_TYPES };
    let is_right = kind.is_some_and(|kind| types.iter().any(|right| right.eq_ignore_ascii_case(kind)));
    let wanted = if is_api { "a change is application/json" } else { "a call is text/xml" };
    (!is_right).then(|| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, wanted))
}

fn is_reading(asked: Asked<'_>) -> bool {
    matches!(*asked.method, Method::GET | Method::HEAD)
}

/// A session is begun by who has the key; its token is for who has the session.
fn is_bare(asked: Asked<'_>) -> bool {
    let path = asked.uri.path();
    BARE.contains(&path) && (path != SESSION || !is_reading(asked))
}

fn is_api(asked: Asked<'_>) -> bool {
    asked.uri.path().starts_with(API)
}

/// The value of a header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get_all(name).iter().exactly_one()?.to_str().ok()
}

/// The one item of an iterator that has exactly one.
trait ExactlyOne: Iterator + Sized {
    fn exactly_one(mut self) -> Option<Self::Item> {
        let one = self.next()?;
        self.next().is_none().then_some(one)
    }
}

impl<I: Iterator> ExactlyOne for I {}

#[cfg(test)]
mod tests;
