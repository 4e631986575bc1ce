//! Where connections come in, on loopback alone, and what becomes of a request.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use hyper::header::{HeaderMap, X_CONTENT_TYPE_OPTIONS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::forward::{Body, Held, Unreachable, forward};
use super::headers;
use super::page::{self, Page};
use super::routes::{Route, Routes};
use crate::model::local_name;

/// Connections at a time, tunnels included; one more is told so and closed.
const CONNECTIONS: usize = 512;

/// Connections that may wait to be accepted.
const QUEUE: u32 = 128;

/// The largest head of a request.
const HEAD: usize = 64 << 10;

/// How long a head may take to arrive, and how long a connection may idle between two.
const HEAD_TIME: Duration = Duration::from_mins(1);

/// How long answers that are under way may still take once the end was asked for.
const GOODBYE: Duration = Duration::from_millis(300);

/// How long accepting rests when there are no descriptors left.
const REST: Duration = Duration::from_millis(50);

/// The bound sockets.
#[derive(Debug)]
pub(super) struct Gate {
    four: TcpListener,
    /// `None` on a machine without IPv6.
    six: Option<TcpListener>,
}

impl Gate {
    /// Binds a port of this machine. Port 0 is for tests.
    pub(super) fn bind(port: u16) -> io::Result<Self> {
        let four = bind((Ipv4Addr::LOCALHOST, port).into())?;
        let six = match bind((Ipv6Addr::LOCALHOST, four.local_addr()?.port()).into()) {
            Ok(six) => Some(six),
            // Half of the names would lead to a stranger.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(_) => None,
        };
        Ok(Self { four, six })
    }

    pub(super) fn port(&self) -> io::Result<u16> {
        Ok(self.four.local_addr()?.port())
    }

    /// The next connection, and whose it is.
    async fn accept(&self) -> (TcpStream, IpAddr) {
        loop {
            let arrived = tokio::select! {
                arrived = self.four.accept() => arrived,
                arrived = accept_or_never(self.six.as_ref()) => arrived,
            };
            match arrived {
                Ok((stream, client)) => return (stream, client.ip()),
                // No descriptors are left, or the client has gone already.
                Err(_) => sleep(REST).await,
            }
        }
    }
}

async fn accept_or_never(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => pending().await,
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

/// What all connections share.
struct Site {
    routes: Routes,
    /// Where we listen.
    port: u16,
}

/// Serves until `shutdown` is ready; then takes no more connections, and gives answers that are under way a moment. Must be called
/// inside a local set: what is left of tunnels ends with that.
pub(super) async fn serve(gate: Gate, routes: Routes, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let site = Rc::new(Site { routes, port: gate.port()? });
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let (ending, is_ending) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, client) = gate.accept() => match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    let held = Rc::new(Held::new(client, place));
                    connections.spawn_local(converse(stream, Rc::clone(&site), held, is_ending.clone()));
                }
                Err(_) => turn_away(&stream),
            }
        }
    }
    drop(gate);
    ending.send_replace(true);
    let _ = timeout(GOODBYE, async { while connections.join_next().await.is_some() {} }).await;
    Ok(())
}

/// A fresh socket's buffer holds this whole, so it need not be waited for.
fn turn_away(stream: &TcpStream) {
    let text = page::too_many().plain();
    let length = text.len();
    let answer =
        format!("HTTP/1.1 503 Service Unavailable\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}");
    let _ = stream.try_write(answer.as_bytes());
}

/// Answers on one connection until the client closes it, or until the end, when what is under way has been answered.
async fn converse(stream: TcpStream, site: Rc<Site>, held: Rc<Held>, mut is_ending: watch::Receiver<bool>) {
    // Answers come in pieces as the program writes them; waiting to fill a segment would only delay them.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| respond(request, Rc::clone(&site), Rc::clone(&held)));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD).preserve_header_case(true);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    // Errors are the client's: it went away, or what it sent was no HTTP and has been told so.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = is_ending.wait_for(|is_ending| *is_ending) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

async fn respond(request: Request<Incoming>, site: Rc<Site>, held: Rc<Held>) -> Result<Response<Body>, Infallible> {
    let is_browser = accepts_html(request.headers());
    let page = match answer(request, &site, &held).await {
        Ok(response) => return Ok(response),
        Err(page) => page,
    };
    Ok(shown(&page, is_browser))
}

/// The program's answer, or a page of our own.
async fn answer(mut request: Request<Incoming>, site: &Site, held: &Rc<Held>) -> Result<Response<Body>, Page> {
    if request.method() == Method::CONNECT {
        return Err(page::no_tunnel());
    }
    let host = host(&request).ok_or_else(page::foreign)?;
    let name = host.to_str().unwrap_or_default().to_owned();
    let labels = local_name::labels_of(&name).ok_or_else(page::foreign)?;
    if labels.is_empty() {
        return Err(page::everything(&site.routes.all().await, site.port));
    }
    match site.routes.find(&labels).await {
        Route::To { port, process, .. } if port == site.port => Err(page::circle(&process)),
        Route::To { port, key, process } => {
            headers::tell_origin(request.headers_mut(), held.client, &host, site.port);
            forward(request, port, held).await.map_err(|problem| {
                site.routes.forget(&key);
                match problem {
                    Unreachable::Refused => page::nobody_listens(&process, port),
                    Unreachable::Broken => page::broken(&process),
                }
            })
        }
        Route::NotReady(process) => Err(page::not_ready(&process)),
        Route::NoPort(process) => Err(page::no_port(&process)),
        Route::Project { status, is_missing: true } => Err(page::no_program(&name, &status, site.port)),
        Route::Project { status, is_missing: false } => Err(page::project(&status, site.port)),
        Route::Several(names) => Err(page::several(&names)),
        Route::Silent(project) => Err(page::silent(&project)),
        Route::Nobody => Err(page::unknown(&name, &site.routes.all().await, site.port)),
    }
}

/// By which name we were asked: that of the whole address, where a client sends one, else of `Host`.
fn host(request: &Request<Incoming>) -> Option<HeaderValue> {
    match request.uri().authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        None => request.headers().get(HOST).cloned(),
    }
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

fn shown(page: &Page, is_browser: bool) -> Response<Body> {
    let (kind, text) = if is_browser {
        ("text/html; charset=utf-8", page.html())
    } else {
        ("text/plain; charset=utf-8", page.plain())
    };
    let mut response = Response::new(Either::Right(Full::new(Bytes::from(text))));
    *response.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    if page.reloads {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
