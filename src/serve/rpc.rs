//! HTTP on one connection: XML-RPC by POST at `/RPC2`, with supervisord's statuses, and what is for browsers beside it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::attach;
use super::attempts::Attempts;
use super::body::Answer;
use super::door::{Door, Format};
use super::guard::{Asked, Attempt, Entrance, Policy, Refusal, Verdict};
use super::logtail;
use super::socket::Socket;
use super::web::{self, Web};
use super::wire::Peer;

/// The largest body.
pub(super) const BODY: usize = 4 << 20;

/// The largest head.
const HEAD: usize = 16 << 10;

/// How much of a refused request is read.
const UNWANTED: usize = 64 << 10;

/// How long that is waited for, and for a client to close after us.
const DECENT: Duration = Duration::from_secs(1);

/// How long a request may take from its first byte to its last.
const ARRIVAL: Duration = Duration::from_secs(5);

/// How long an answer may be in coming for whom it has to be short.
const BRIEFLY: Duration = Duration::from_secs(10);

/// How long a client may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stay {
    /// As long as it likes.
    Long,
    /// For what is begun at once and over before long.
    Brief,
}

/// Why a connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the client went away")]
pub(super) struct WentAway;

/// What all connections of a listener share.
pub(super) struct Site {
    pub(super) door: Door,
    pub(super) policy: Policy,
    pub(super) attempts: Attempts,
    pub(super) web: Web,
}

/// Answers on one connection until the client closes it or has been there for too long, or until the server ends and what is under
/// way has been answered.
pub(super) async fn converse(
    socket: Socket,
    (entrance, stay): (Entrance, Stay),
    site: Arc<Site>,
    is_ending: watch::Receiver<bool>,
) {
    let peer = Peer::new(socket, stay == Stay::Brief);
    let talk = talk(peer, entrance, site, is_ending);
    match stay {
        Stay::Long => talk.await,
        // A client that is slow in taking its answer has some time beyond that.
        Stay::Brief => drop(timeout(BRIEFLY + ARRIVAL, talk).await),
    }
}

async fn talk(peer: Peer, entrance: Entrance, site: Arc<Site>, mut is_ending: watch::Receiver<bool>) {
    let is_over = is_ending.clone();
    let service = service_fn(|request| respond(request, entrance, Arc::clone(&site), (peer.clone(), is_over.clone())));
    let mut connection = pin!(
        http1::Builder::new()
            .title_case_headers(true)
            .half_close(true)
            .header_read_timeout(None)
            .max_buf_size(HEAD)
            .serve_connection(TokioIo::new(peer.wire(ARRIVAL)), service)
            .with_upgrades()
    );
    // Errors are the client's: it went away, or what it sent was no HTTP and has been told so.
    let is_through = tokio::select! {
        _ = connection.as_mut() => true,
        _ = is_ending.wait_for(|is_ending| *is_ending) => false,
    };
    if is_through {
        // Who is still sending (supervisorctl ends a request with one blank line too many) must not find its pipe broken before it
        // has read the answer.
        tokio::select! {
            _ = timeout(DECENT, peer.gone()) => {}
            _ = is_ending.wait_for(|is_ending| *is_ending) => {}
        }
        return;
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

async fn respond(
    request: Request<Incoming>,
    entrance: Entrance,
    site: Arc<Site>,
    (peer, is_ending): (Peer, watch::Receiver<bool>),
) -> Result<Response<Answer>, WentAway> {
    let (verdict, attempt) = site.policy.decide(Asked::of(&request, entrance));
    if let Entrance::Tcp(_) = entrance {
        make_wait(site.attempts.note(attempt), attempt, &peer).await?;
    }
    if let Verdict::Refuse(refusal) = verdict {
        read_away(request.into_body()).await;
        return Ok(refused(refusal));
    }
    if web::is_ours(request.uri().path()) {
        return web::respond(request, entrance, &site, &peer).await;
    }
    if attach::is_ours(request.uri()) {
        return Ok(attach::respond(request, &site, &peer).await);
    }
    if logtail::is_ours(request.uri()) {
        peer.request_arrived();
        let (head, body) = request.into_parts();
        read_away(body).await;
        let answer = logtail::respond(&head.method, &head.uri, site.door.handle(), peer, is_ending).await;
        return Ok(answer.unwrap_or_else(refusal));
    }
    if let Err(status) = admit(&request) {
        read_away(request.into_body()).await;
        return Ok(refusal(status));
    }
    let format = format(request.headers());
    let body = match Limited::new(request.into_body(), BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(refusal(StatusCode::PAYLOAD_TOO_LARGE)),
    };
    peer.request_arrived();
    let answer = tokio::select! {
        biased;
        answer = site.door.answer(body, format) => answer,
        () = peer.gone() => return Err(WentAway),
        () = sleep(BRIEFLY), if peer.is_brief() => return Ok(refusal(StatusCode::SERVICE_UNAVAILABLE)),
    };
    match answer {
        Ok(text) => Ok(answered(text, format)),
        Err(_) => Ok(refusal(StatusCode::BAD_REQUEST)),
    }
}

/// Holds the answer to a password back while wrong ones are being tried, unless this connection has shown that it knows it.
async fn make_wait(wait: Duration, attempt: Attempt, peer: &Peer) -> Result<(), WentAway> {
    let was_proven = peer.is_proven();
    if attempt == Attempt::Right {
        peer.prove();
        if was_proven {
            return Ok(());
        }
    }
    if wait.is_zero() {
        return Ok(());
    }
    tokio::select! {
        () = sleep(wait) => Ok(()),
        () = peer.gone() => Err(WentAway),
    }
}

/// Reads what a refused request still sends, as far as is decent: closing a TCP connection with something unread would reset it, and
/// the client might lose the answer.
pub(super) async fn read_away(body: Incoming) {
    if body.size_hint().lower() <= UNWANTED as u64 {
        let _ = timeout(DECENT, Limited::new(body, UNWANTED).collect()).await;
    }
}

/// Whether a request's head is one of ours; else the status that supervisord would give.
fn admit<B>(request: &Request<B>) -> Result<(), StatusCode> {
    if !request.uri().path().starts_with("/RPC2") {
        return Err(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::POST {
        return Err(StatusCode::BAD_REQUEST);
    }
    match content_length(request.headers()) {
        None => Err(StatusCode::LENGTH_REQUIRED),
        Some(length) if length > BODY as u64 => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Some(_) => Ok(()),
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// XML for everybody but who asks for JSON by its exact name, as our own client does.
fn format(headers: &HeaderMap) -> Format {
    if headers.get(ACCEPT).is_some_and(|accepted| accepted == "application/json") { Format::Json } else { Format::Xml }
}

fn answered(text: Bytes, format: Format) -> Response<Answer> {
    let kind = match format {
        Format::Xml => "text/xml",
        Format::Json => "application/json",
    };
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A status with its own name as body.
pub(super) fn refusal(status: StatusCode) -> Response<Answer> {
    let reason = status.canonical_reason().unwrap_or_default();
    refused(Refusal { status, headers: Vec::new(), body: format!("{} {reason}\n", status.as_u16()) })
}

/// Closes, because the body that was sent may still be unread.
pub(super) fn refused(refusal: Refusal) -> Response<Answer> {
    let mut response = Response::new(refusal.body.into());
    *response.status_mut() = refusal.status;
    response.headers_mut().extend(refusal.headers);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
