//! `ready = { http = "/health" }`: a GET answers with an accepted status.
//!
//! A client of its own, because it asks one thing: HTTP/1.1, no redirects, no TLS, and of the body at most the first words.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Answer;
use super::exec::shown;
use super::tcp::{Address, AddressError, reason};
use crate::model::ProbeSchema;

/// How the kind presents itself.
pub const SCHEMA: ProbeSchema = ProbeSchema {
    name: "http",
    value: "a \"/path\" on the program's own port, or an http:// URL",
    doc: "Ready when a GET answers with an accepted status. Redirects are not followed.",
    params: &[("status", "Accepted statuses: a number, a range \"200-399\", or a list of these. Default \"200-399\".")],
    problem,
};

/// How long one attempt may take.
const LIMIT: Duration = Duration::from_secs(5);

/// How long the body of a refusal is waited for.
const BODY_WAIT: Duration = Duration::from_millis(200);

/// How much of an answer is read: its head, and of its body what follows within.
const MOST_BYTES: usize = 16 * 1024;

/// Asks once.
pub async fn check(url: &str, status: &[(u16, u16)]) -> Answer {
    let target = match Target::parse(url) {
        Ok(target) => target,
        Err(problem) => return Answer::fail(format!("http: {problem}")),
    };
    let label = target.address.label();
    match timeout(LIMIT, ask(&target, status)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => Answer::fail(format!("http {label} {}", reason(&error))),
        Err(_) => Answer::fail(format!("http {label} no answer in {}s", LIMIT.as_secs())),
    }
}

fn problem(url: &str) -> Option<String> {
    Target::parse(url).err()
}

/// The port of this machine that is asked; `None` for another machine.
pub(super) fn local_port(url: &str) -> Option<u16> {
    Target::parse(url).ok()?.address.local_port()
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    address: Address,
    /// Host and port as the URL has them.
    host: String,
    /// Path and query.
    path: String,
}

impl Target {
    fn parse(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("http://").ok_or_else(|| format!("`{url}` is not an http:// URL"))?;
        let rest = rest.split('#').next().unwrap_or(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        if host.contains('@') {
            return Err("a user in the URL is not sent; `exec` with curl can do that".to_owned());
        }
        if path.chars().any(|c| c.is_control() || c == ' ') {
            return Err(format!("`{path}` has blanks or control characters"));
        }
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
        let address = if has_port { Address::parse(host) } else { Address::parse(&format!("{host}:80")) };
        let address = match address {
            Ok(address) if !address.host.is_empty() => address,
            Ok(_) | Err(AddressError::Port(_)) => {
                return Err("expected http://HOST:PORT/PATH with a port from 1 to 65535".to_owned());
            }
            Err(wrong @ AddressError::Host(_)) => return Err(wrong.to_string()),
        };
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { address, host: host.to_owned(), path: format!("{slash}{path}") })
    }

    fn request(&self) -> String {
        format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: runup/{}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
            self.path,
            self.host,
            env!("CARGO_PKG_VERSION")
        )
    }
}

async fn ask(target: &Target, accepted: &[(u16, u16)]) -> io::Result<Answer> {
    let mut stream = target.address.connect().await?;
    stream.write_all(target.request().as_bytes()).await?;
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(head) = Head::parse(&bytes) {
            break head?;
        }
        read_more(&mut stream, &mut bytes).await?;
    };
    let status = head.status;
    if accepted.iter().any(|(low, high)| (*low..=*high).contains(&status)) {
        return Ok(Answer::pass(format!("http {status} {}", target.path)));
    }
    let words = if head.is_plain { first_words(&mut stream, &mut bytes, &head).await } else { String::new() };
    Ok(Answer::refuse(match words.as_str() {
        "" => format!("http {status} {}", target.path),
        words => format!("http {status} \"{words}\""),
    }))
}

/// Reads what there is; an end or an endless head is an error.
async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    if bytes.len() >= MOST_BYTES {
        return Err(io::Error::other("sent an endless head"));
    }
    match stream.read_buf(bytes).await? {
        0 if bytes.is_empty() => Err(io::Error::other("hung up without an answer")),
        0 => Err(io::Error::other("hung up in the middle of its answer")),
        _ => Ok(()),
    }
}

/// The first line of a refusal's text, as far as it comes in a moment.
async fn first_words(stream: &mut TcpStream, bytes: &mut Vec<u8>, head: &Head) -> String {
    let wait = async { while !has_line(&bytes[head.length..], head) && read_more(stream, bytes).await.is_ok() {} };
    // Late or cut: what has come is shown.
    let _ = timeout(BODY_WAIT, wait).await;
    let body = String::from_utf8_lossy(&bytes[head.length..]).into_owned();
    let text = if head.is_chunked { body.split_once('\n').map_or("", |(_, text)| text) } else { &body };
    shown(text.trim_start().lines().next().unwrap_or(""))
}

/// Whether enough of a body is there: all of it, or its first line.
fn has_line(body: &[u8], head: &Head) -> bool {
    let needed = 1 + usize::from(head.is_chunked);
    head.body.is_some_and(|length| body.len() >= length) || memchr::memchr_iter(b'\n', body).count() >= needed
}

/// What is used of an answer's head.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Its own length in bytes.
    length: usize,
    /// The length of the body, where it is announced.
    body: Option<usize>,
    /// Whether the body is a text that a person could read.
    is_plain: bool,
    is_chunked: bool,
}

impl Head {
    /// Reads a head once it is complete; `None` as long as more has to come.
    fn parse(bytes: &[u8]) -> Option<io::Result<Self>> {
        if !bytes.starts_with(&b"HTTP/1."[..bytes.len().min(7)]) {
            return Some(Err(io::Error::other("does not speak HTTP")));
        }
        let length = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let text = String::from_utf8_lossy(&bytes[..length]);
        let mut lines = text.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse::<u16>().ok());
        let Some(status) = status else {
            return Some(Err(io::Error::other("does not speak HTTP")));
        };
        let mut head = Self { status, length, body: None, is_plain: false, is_chunked: false };
        lines.filter_map(|line| line.split_once(':')).for_each(|(name, value)| head.take(name, value.trim()));
        Some(Ok(head))
    }

    fn take(&mut self, name: &str, value: &str) {
        match name.to_ascii_lowercase().as_str() {
            "content-length" => self.body = value.parse().ok(),
            "content-type" => self.is_plain = value.starts_with("text/plain") || value.starts_with("application/json"),
            "transfer-encoding" => self.is_chunked = value.eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::model::ReadyKind;

    /// A server that answers one request with these bytes, in the pieces given, and tells what it was asked.
    async fn server(pieces: &'static [&'static str]) -> (u16, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut request).await.unwrap();
            }
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
            String::from_utf8(request).unwrap()
        });
        (port, asked)
    }

    async fn said(pieces: &'static [&'static str]) -> String {
        let (port, _server) = server(pieces).await;
        let answer = check(&format!("http://127.0.0.1:{port}/health"), &[ReadyKind::STATUS]).await;
        let said = answer.said.replace(&port.to_string(), "PORT");
        let how = match answer {
            Answer { passed: true, .. } => "pass",
            Answer { by_itself: true, .. } => "refuse",
            Answer { .. } => "fail",
        };
        format!("{how} {said}")
    }

    #[tokio::test]
    async fn an_accepted_status_passes() {
        assert_eq!(said(&["HTTP/1.1 200 OK\r\n\r\n"]).await, "pass http 200 /health");
        assert_eq!(said(&["HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n"]).await, "pass http 302 /health");
        assert_eq!(said(&["HT", "TP/1.1 204", " No Content\r\n\r", "\n"]).await, "pass http 204 /health");
    }

    #[tokio::test]
    async fn a_refusal_shows_its_first_words() {
        let plain =
            &["HTTP/1.1 503 Busy\r\nContent-Type: text/plain\r\nContent-Length: 18\r\n\r\n", "migrations pending"];
        assert_eq!(said(plain).await, "refuse http 503 \"migrations pending\"");
        let chunked = &[
            "HTTP/1.1 503 Busy\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n",
            "8\r\nstarting\r\n0\r\n\r\n",
        ];
        assert_eq!(said(chunked).await, "refuse http 503 \"starting\"");
        let page = &["HTTP/1.1 500 Oh\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"];
        assert_eq!(said(page).await, "refuse http 500 /health");
    }

    #[tokio::test]
    async fn what_is_no_http_answer_says_so() {
        assert_eq!(said(&["SSH-2.0-OpenSSH_9.2\r\n"]).await, "fail http PORT does not speak HTTP");
        assert_eq!(said(&[]).await, "fail http PORT hung up without an answer");
        assert_eq!(said(&["HTTP/1.1 200 OK\r\n"]).await, "fail http PORT hung up in the middle of its answer");
    }

    #[tokio::test]
    async fn only_the_listed_statuses_pass() {
        let (port, _server) = server(&["HTTP/1.1 401 No\r\n\r\n"]).await;
        let answer = check(&format!("http://localhost:{port}"), &[(200, 299), (401, 401)]).await;
        assert_eq!(answer, Answer::pass("http 401 /"));
    }

    #[tokio::test]
    async fn the_request_names_the_host_as_written() {
        let (port, asked) = server(&["HTTP/1.1 200 OK\r\n\r\n"]).await;
        check(&format!("http://localhost:{port}/a?b=c#d"), &[ReadyKind::STATUS]).await;
        let asked = asked.await.unwrap();
        assert!(asked.starts_with(&format!("GET /a?b=c HTTP/1.1\r\nHost: localhost:{port}\r\n")), "{asked}");
    }

    #[tokio::test]
    async fn a_closed_port_is_refused() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = socket.local_addr().unwrap().port();
        let answer = check(&format!("http://127.0.0.1:{port}/"), &[ReadyKind::STATUS]).await;
        assert_eq!(answer, Answer::fail(format!("http {port} refused")));
    }

    #[test]
    fn urls_that_cannot_be_asked_are_refused() {
        for bad in ["https://x/", "ftp://x", "/health", "http://", "http://a:b@c/", "http://x:0/", "http://x/a b"] {
            assert!(problem(bad).is_some(), "{bad}");
        }
        for good in ["http://x", "http://[::1]/", "http://[::1]:80?a", "http://x:1/a?b#c"] {
            assert_eq!(problem(good), None, "{good}");
        }
    }
}
