//! HTTP by hand, for what no client would send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// What a server answered.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    /// The status code; 0 when the connection was closed without an answer.
    pub(crate) status: u16,
    /// The header lines, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, as it came.
    pub(crate) body: String,
}

impl Response {
    /// A header by its name in lower case; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value.as_str())
    }

    fn of(head: &str) -> Self {
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
        let pair =
            |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        Self { status, headers: lines.filter_map(pair).collect(), body: String::new() }
    }
}

/// A connection that stays open from request to request.
pub(crate) struct Connection(Box<dyn Stream>);

trait Stream: Read + Write {}
impl Stream for UnixStream {}
impl Stream for TcpStream {}

/// How long a server may say nothing.
const SILENCE: Duration = Duration::from_secs(20);

impl Connection {
    pub(crate) fn unix(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(SILENCE)).unwrap();
        Self(Box::new(stream))
    }

    pub(crate) fn tcp(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(SILENCE)).unwrap();
        Self(Box::new(stream))
    }

    /// Sends a request as it stands and reads one answer: to its content length, or to the end of the connection.
    pub(crate) fn ask(&mut self, request: &str) -> Response {
        self.0.write_all(request.as_bytes()).unwrap();
        let head = self.read_to("\r\n\r\n");
        let mut response = Response::of(&head);
        let mut body = Vec::new();
        match response.header("content-length").parse::<usize>() {
            Ok(length) => {
                body.resize(length, 0);
                self.0.read_exact(&mut body).unwrap();
            }
            Err(_) => drop(self.0.read_to_end(&mut body)),
        }
        response.body = String::from_utf8_lossy(&body).into_owned();
        response
    }

    /// Sends a request and reads until a text has come; what came is the answer.
    pub(crate) fn ask_until(&mut self, request: &str, text: &str) -> String {
        self.0.write_all(request.as_bytes()).unwrap();
        self.read_to(text)
    }

    /// Reads until a text has come, or the end.
    pub(crate) fn read_to(&mut self, text: &str) -> String {
        let mut read = Vec::new();
        let mut byte = [0];
        while !read.ends_with(text.as_bytes()) && self.0.read(&mut byte).unwrap() == 1 {
            read.push(byte[0]);
        }
        String::from_utf8_lossy(&read).into_owned()
    }

    /// Whether the server has closed it.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0) | Err(_))
    }
}

/// A call of XML-RPC, as bytes.
pub(crate) fn post(method: &str, headers: &str) -> String {
    let body = format!("<?xml version='1.0'?>\n<methodCall><methodName>{method}</methodName></methodCall>");
    raw_post(&body, headers)
}

/// A body for `/RPC2`, as bytes.
pub(crate) fn raw_post(body: &str, headers: &str) -> String {
    let length = body.len();
    format!(
        "POST /RPC2 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
}
