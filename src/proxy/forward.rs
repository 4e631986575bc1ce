//! Carries one request to a port of this machine, and its answer back.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_local;
use tokio::time::timeout;

use super::headers;

/// A body that goes back: a program's, or a page of our own.
pub(super) type Body = Either<Incoming, Full<Bytes>>;

/// How long a connection to this machine may take to come about.
const CONNECT: Duration = Duration::from_secs(2);

/// How long a connection to a program is kept for the next request: less than servers keep theirs, so that both do not meet.
const SPARE: Duration = Duration::from_secs(1);

/// The largest head of an answer.
const HEAD: usize = 256 << 10;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unreachable {
    /// Nobody listens there.
    Refused,
    /// It was asked, and has not answered.
    Broken,
}

/// What one client's connection holds: its place among the connections, and the program's end of the last request.
pub(super) struct Held {
    spare: Cell<Option<Spare>>,
    /// Given back when the connection and the tunnel it may have become are over.
    _place: Rc<OwnedSemaphorePermit>,
    pub(super) client: IpAddr,
}

struct Spare {
    port: u16,
    since: Instant,
    sender: SendRequest<Incoming>,
}

impl Held {
    pub(super) fn new(client: IpAddr, place: OwnedSemaphorePermit) -> Self {
        Self { spare: Cell::default(), _place: Rc::new(place), client }
    }

    /// The connection of the last request, if it leads to the right place and is still good.
    async fn take(&self, port: u16) -> Option<SendRequest<Incoming>> {
        let mut spare = self.spare.take().filter(|spare| spare.port == port && spare.since.elapsed() < SPARE)?;
        spare.sender.ready().await.ok()?;
        Some(spare.sender)
    }
}

/// Carries it there and back. A change of protocol becomes a tunnel that lives on by itself.
pub(super) async fn forward(
    mut request: Request<Incoming>,
    port: u16,
    held: &Rc<Held>,
) -> Result<Response<Body>, Unreachable> {
    let protocol = headers::upgrade(request.headers());
    let client = protocol.is_some().then(|| hyper::upgrade::on(&mut request));
    headers::carry_over(request.headers_mut(), protocol);
    *request.uri_mut() = origin_form(request.uri());
    *request.version_mut() = Version::HTTP_11;
    let mut response = send(request, port, held).await?;
    let protocol = headers::upgrade(response.headers());
    match (response.status(), client) {
        (StatusCode::SWITCHING_PROTOCOLS, Some(client)) => {
            let program = hyper::upgrade::on(&mut response);
            spawn_local(tunnel(client, program, Rc::clone(held)));
            headers::carry_over(response.headers_mut(), protocol);
        }
        (StatusCode::SWITCHING_PROTOCOLS, None) => return Err(Unreachable::Broken),
        _ => headers::carry_over(response.headers_mut(), None),
    }
    Ok(response.map(Either::Left))
}

async fn send(mut request: Request<Incoming>, port: u16, held: &Held) -> Result<Response<Incoming>, Unreachable> {
    if let Some(mut sender) = held.take(port).await {
        match sender.try_send_request(request).await {
            Ok(response) => return Ok(keep(response, sender, port, held)),
            // It closed at the same moment; what has not left us may go another way.
            Err(mut error) => request = error.take_message().ok_or(Unreachable::Broken)?,
        }
    }
    let stream = connect(port).await.map_err(|_| Unreachable::Refused)?;
    let mut builder = http1::Builder::new();
    builder.preserve_header_case(true).max_buf_size(HEAD);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|_| Unreachable::Broken)?;
    // It ends with the last of sender, answer and tunnel; its errors reach us through them.
    spawn_local(connection.with_upgrades());
    let response = sender.send_request(request).await.map_err(|_| Unreachable::Broken)?;
    Ok(keep(response, sender, port, held))
}

fn keep(response: Response<Incoming>, sender: SendRequest<Incoming>, port: u16, held: &Held) -> Response<Incoming> {
    held.spare.set(Some(Spare { port, since: Instant::now(), sender }));
    response
}

/// Over IPv4, else over IPv6: a server that binds `localhost` may be at either.
async fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = match to(Ipv4Addr::LOCALHOST.into(), port).await {
        Ok(stream) => stream,
        Err(_) => to(Ipv6Addr::LOCALHOST.into(), port).await?,
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn to(address: IpAddr, port: u16) -> io::Result<TcpStream> {
    timeout(CONNECT, TcpStream::connect((address, port))).await.map_err(io::Error::from)?
}

/// A client that takes us for a proxy of the old kind sends the whole address.
fn origin_form(uri: &Uri) -> Uri {
    let path = uri.path_and_query().cloned();
    path.map_or_else(|| Uri::from_static("/"), Uri::from)
}

/// Bytes in both directions, until one end is done and the other has got everything.
async fn tunnel(client: OnUpgrade, program: OnUpgrade, held: Rc<Held>) {
    if let (Ok(client), Ok(program)) = (client.await, program.await) {
        // Whoever goes away ends it; there is nobody to tell.
        let _ = copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(program)).await;
    }
    drop(held);
}
