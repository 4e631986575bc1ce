//! What a browser gets: the page at `/`, supervisord's old addresses beside it, and the JSON under `/api/v1` that the page lives on.
//!
//! [`route`] says which answer an address asks for, [`page`] draws what is drawn here; both are pure. Everything else on the page is
//! drawn by its own script from the JSON, always as text. What follows something ([`events`], [`logs`]) is a task that waits with the
//! client: a place is taken for it, so their number is bounded, it holds one piece at a time, so is their memory, and without a
//! client there is nothing that could wake.

mod assets;
mod change;
mod events;
mod logs;
mod open;
mod page;
mod query;
mod route;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::body::Answer;
use super::guard::Entrance;
use super::rpc::{Site, WentAway, read_away, refusal};
use super::secret::Secret;
use super::session::Sessions;
use super::wire::Peer;
use crate::api::Fault;
use crate::api::fault::{
    BAD_ARGUMENTS, BAD_NAME, BAD_SIGNAL, INCORRECT_PARAMETERS, NO_FILE, SHUTDOWN_STATE, UNKNOWN_METHOD,
};
use crate::export::graph::GraphView;
use crate::export::json::GraphJson;
use crate::export::svg;
use route::{Drawing, Route};

pub(super) use route::is_ours;

/// How many clients of a listener may follow something at a time.
const FOLLOWERS: usize = 24;

/// The largest body of a change.
const BODY: usize = 64 << 10;

/// Only our own files, and nothing inline; nobody may frame it.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                           base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// For what is no page: whatever its bytes are, nothing in it is run or loaded.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// For a drawing, which has its own style in it.
const DRAWING_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// What a listener keeps for browsers.
#[derive(Debug)]
pub(super) struct Web {
    /// Places for those who follow something.
    places: Arc<Semaphore>,
    /// What begins a session, on a listener that is there for one browser.
    key: Option<OneTimeKey>,
}

/// Opens once.
#[derive(Debug)]
pub(super) struct OneTimeKey {
    secret: Secret,
    is_used: AtomicBool,
}

impl Web {
    pub(super) fn new(key: Option<OneTimeKey>) -> Self {
        Self { places: Arc::new(Semaphore::new(FOLLOWERS)), key }
    }

    /// A place for a follower; `None` when all are taken, or when it came in for a short talk.
    pub(super) fn place(&self, peer: &Peer) -> Option<OwnedSemaphorePermit> {
        if peer.is_brief() { None } else { Arc::clone(&self.places).try_acquire_owned().ok() }
    }
}

impl OneTimeKey {
    pub(super) fn new(key: &str) -> Self {
        Self { secret: Secret::of(key), is_used: AtomicBool::new(false) }
    }

    fn opens(&self, sent: &str) -> bool {
        self.secret.is(sent.as_bytes()) && !self.is_used.swap(true, Ordering::Relaxed)
    }
}

/// One request on its way to its answer.
#[derive(Clone, Copy)]
struct Visit<'a> {
    site: &'a Arc<Site>,
    peer: &'a Peer,
    entrance: Entrance,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

/// Answers a request that the guard has let in.
pub(super) async fn respond(
    request: Request<Incoming>,
    entrance: Entrance,
    site: &Arc<Site>,
    peer: &Peer,
) -> Result<Response<Answer>, WentAway> {
    let (head, body) = request.into_parts();
    let route = match route::find(&head.method, &head.uri) {
        Ok(route) => route,
        Err(status) => {
            read_away(body).await;
            return Ok(dressed(refusal(status), DATA_POLICY));
        }
    };
    let Ok(body) = Limited::new(body, BODY).collect().await else {
        return Ok(dressed(refusal(StatusCode::PAYLOAD_TOO_LARGE), DATA_POLICY));
    };
    let body = body.to_bytes();
    peer.request_arrived();
    let visit = Visit { site, peer, entrance, headers: &head.headers, body: &body };
    tokio::select! {
        biased;
        answer = answer(route, visit) => Ok(answer),
        () = peer.gone() => Err(WentAway),
    }
}

async fn answer(route: Route, visit: Visit<'_>) -> Response<Answer> {
    let door = &visit.site.door;
    match route {
        Route::Index => {
            let is_member = visit.site.policy.is_member(visit.entrance, visit.headers);
            html(page::index(is_member.then(|| door.status()).as_ref()))
        }
        Route::Confirm(asked) => html(page::confirm(&asked)),
        Route::Tail { name, limit } => logs::tail(visit.site, &name, limit).await,
        Route::Ok => text(StatusCode::OK, "OK"),
        Route::Asset(asset) => dressed(typed(asset.kind, asset.text), DATA_POLICY),
        Route::Session => session(visit),
        Route::Login => login(visit),
        Route::Status => json(&door.status()),
        Route::Program(name) => match door.call("run.why", vec![name.into()]).await {
            Ok(value) => json(&value),
            Err(fault) => faulty(&fault),
        },
        Route::Graph(Drawing::Json) => door.look(|view| json(&GraphJson::of(&GraphView::of(view.project)))),
        Route::Graph(Drawing::Svg) => {
            let drawing = door.look(|view| (svg::FORMAT.render)(&GraphView::of(view.project)));
            dressed(typed("image/svg+xml", drawing), DRAWING_POLICY)
        }
        Route::Logs(query) => logs::page(visit.site, query).await,
        Route::LogStream(query) => logs::stream(visit.site, visit.peer, query).await,
        Route::Events { with_usage } => events::stream(visit.site, visit.peer, with_usage),
        Route::Change(verb) => change::change(door, verb, visit.body).await,
        Route::Open => open::open(visit),
    }
}

/// What a page needs to change something.
#[derive(Debug, Serialize)]
struct Token<'a> {
    /// The project's name.
    project: &'a str,
    /// `null` where none is needed.
    token: Option<String>,
}

/// What a browser sends for a session.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    key: String,
}

/// The token of the session, which begins if there is none. Over the UNIX socket none is needed.
fn session(visit: Visit<'_>) -> Response<Answer> {
    let Entrance::Tcp(at) = visit.entrance else { return json(&token(visit, None)) };
    let Some(sessions) = visit.site.policy.sessions() else { return text(StatusCode::SERVICE_UNAVAILABLE, NO_CHANCE) };
    match visit.site.policy.session(visit.entrance, visit.headers) {
        Some(session) => json(&token(visit, Some(sessions.token(session)))),
        None => begin(visit, sessions, at.port()),
    }
}

/// A session for who has the key of the listener.
fn login(visit: Visit<'_>) -> Response<Answer> {
    let (Entrance::Tcp(at), Some(key)) = (visit.entrance, &visit.site.web.key) else {
        return text(StatusCode::NOT_FOUND, "no key is needed here");
    };
    let Some(sessions) = visit.site.policy.sessions() else { return text(StatusCode::SERVICE_UNAVAILABLE, NO_CHANCE) };
    match serde_json::from_slice::<Login>(visit.body) {
        Ok(login) if key.opens(&login.key) => begin(visit, sessions, at.port()),
        Ok(_) => text(StatusCode::UNAUTHORIZED, "this address opens once, and it has"),
        Err(_) => text(StatusCode::BAD_REQUEST, "expected {\"key\": …}"),
    }
}

const NO_CHANCE: &str = "no session can begin: /dev/urandom cannot be read";

fn begin(visit: Visit<'_>, sessions: &Sessions, port: u16) -> Response<Answer> {
    let Ok(session) = Sessions::begin() else { return text(StatusCode::SERVICE_UNAVAILABLE, NO_CHANCE) };
    let mut response = json(&token(visit, Some(sessions.token(&session))));
    let (name, cookie) = (Sessions::cookie_name(port), sessions.cookie(&session));
    let line = format!("{name}={cookie}; Path=/; HttpOnly; SameSite=Strict");
    let line = HeaderValue::try_from(line).expect("a cookie of ours is made of letters, digits and signs");
    response.headers_mut().insert(SET_COOKIE, line);
    response
}

fn token(visit: Visit<'_>, token: Option<String>) -> Token<'_> {
    Token { project: &visit.site.door.handle().facts().name, token }
}

/// A refusal in JSON.
#[derive(Debug, Serialize)]
struct ErrorAnswer<'a> {
    error: ErrorText<'a>,
}

#[derive(Debug, Serialize)]
struct ErrorText<'a> {
    /// supervisord's fault code.
    code: i32,
    text: &'a str,
}

fn faulty(fault: &Fault) -> Response<Answer> {
    let status = match fault.code {
        BAD_NAME | NO_FILE => StatusCode::NOT_FOUND,
        BAD_ARGUMENTS | INCORRECT_PARAMETERS | BAD_SIGNAL => StatusCode::BAD_REQUEST,
        SHUTDOWN_STATE => StatusCode::CONFLICT,
        UNKNOWN_METHOD => StatusCode::NOT_IMPLEMENTED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = json(&ErrorAnswer { error: ErrorText { code: fault.code, text: &fault.text } });
    *response.status_mut() = status;
    response
}

fn json(data: &impl Serialize) -> Response<Answer> {
    let text = serde_json::to_vec(data).expect("our answers have string keys and no failing serializer");
    dressed(typed(JSON, text), DATA_POLICY)
}

fn html(text: String) -> Response<Answer> {
    dressed(typed(HTML, text), PAGE_POLICY)
}

fn text(status: StatusCode, text: &'static str) -> Response<Answer> {
    let mut response = typed("text/plain; charset=utf-8", text);
    *response.status_mut() = status;
    dressed(response, DATA_POLICY)
}

/// An answer that goes on for as long as both sides like.
fn endless(peer: &Peer, body: Answer) -> Response<Answer> {
    peer.follows();
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    dressed(response, DATA_POLICY)
}

/// What a follower gets when all places are taken.
fn crowded() -> Response<Answer> {
    text(StatusCode::SERVICE_UNAVAILABLE, "too many pages are following already; close one")
}

fn typed(kind: &'static str, text: impl Into<Bytes>) -> Response<Answer> {
    let mut response = Response::new(Answer::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Puts on what every answer to a browser wears.
fn dressed(mut response: Response<Answer>, policy: &'static str) -> Response<Answer> {
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
