//! As much of HTTP/1.1 as one POST and its answer need, and the beginning of a GET whose answer has no end.

use std::io::{self, ErrorKind, Read, Write};

use super::ClientError;
use super::address::Credentials;
use crate::codec::{attach, percent};

/// The longest head that is taken for one.
const HEAD: usize = 64 << 10;

/// The longest chunk-size or trailer line.
const LINE: usize = 4 << 10;

/// How the body of an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
    ToTheEnd,
}

/// One call.
pub(super) struct Post<'a> {
    /// The `Host`.
    pub(super) host: &'a str,
    /// What type the answer may have.
    pub(super) accept: &'a str,
    /// What shows who asks.
    pub(super) credentials: Option<&'a Credentials>,
    /// What is asked.
    pub(super) body: &'a [u8],
}

/// Posts a call to `/RPC2` and reads the body of the answer. `rest` holds what was read beyond it.
pub(super) fn post(
    stream: &mut (impl Read + Write),
    rest: &mut Vec<u8>,
    call: &Post<'_>,
) -> Result<Vec<u8>, ClientError> {
    let Post { host, accept, credentials, body } = *call;
    let mut request = Vec::with_capacity(256 + body.len());
    write!(request, "POST /RPC2 HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/xml\r\nAccept: {accept}\r\n")?;
    if let Some(credentials) = credentials {
        request.extend(credentials.header().bytes());
    }
    write!(request, "Content-Length: {}\r\n\r\n", body.len())?;
    request.extend_from_slice(body);
    // A server that turns us away answers without having read, so a failed write is reported only if there is no answer either.
    let written = stream.write_all(&request);
    let mut source = Source { stream, buffer: rest };
    match (source.answer(), written) {
        (Err(ClientError::NotRunning), Err(error)) => Err(error.into()),
        (answer, _) => answer,
    }
}

/// Reads an answer that has no call before it: what is made of any bytes that may come.
pub fn read_answer(stream: &mut impl Read) -> Result<Vec<u8>, ClientError> {
    Source { stream, buffer: &mut Vec::new() }.answer()
}

/// What is followed.
pub(super) enum Wish<'a> {
    /// What is at this path.
    Get(&'a str),
    /// What comes of posting an empty object there.
    Post(&'a str),
}

/// Asks for something that goes on, and reads the head of the answer. `rest` holds what was read beyond it.
pub(super) fn open(
    stream: &mut (impl Read + Write),
    rest: &mut Vec<u8>,
    host: &str,
    credentials: Option<&Credentials>,
    wish: &Wish<'_>,
) -> Result<Framing, ClientError> {
    let authorization = credentials.map(Credentials::header).unwrap_or_default();
    let (line, end) = match wish {
        Wish::Get(path) => (format!("GET {path}"), "\r\n"),
        Wish::Post(path) => (format!("POST {path}"), "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"),
    };
    let request = format!("{line} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n{authorization}{end}");
    stream.write_all(request.as_bytes())?;
    let head = Source { stream, buffer: rest }.head()?;
    let (status, framing) = parse_head(&head).ok_or_else(|| ClientError::Protocol("not HTTP".to_owned()))?;
    if status.code == 200 { Ok(framing) } else { Err(status.into()) }
}

/// Asks to go on in the attach protocol. What the server says against it, in words, is the reason of the error.
pub(super) fn upgrade(
    stream: &mut (impl Read + Write),
    rest: &mut Vec<u8>,
    host: &str,
    credentials: Option<&Credentials>,
    process: &str,
) -> Result<(), ClientError> {
    let authorization = credentials.map(Credentials::header).unwrap_or_default();
    let path = attach::PATH.to_owned() + &percent::encoded(process);
    let connection = format!("Connection: Upgrade\r\nUpgrade: {}\r\n", attach::PROTOCOL);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{connection}{authorization}\r\n");
    stream.write_all(request.as_bytes())?;
    let mut source = Source { stream, buffer: rest };
    let head = source.head()?;
    let (status, framing) = parse_head(&head).ok_or_else(|| ClientError::Protocol("not HTTP".to_owned()))?;
    if status.code == 101 {
        return Ok(());
    }
    let why = source.body(framing)?;
    let reason = String::from_utf8_lossy(&why).trim_end().to_owned();
    Err(ClientError::Status { code: status.code, reason })
}

/// Reads what is there; nothing at the end.
pub(super) fn read_once(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut chunk = vec![0; 16 << 10];
    loop {
        match stream.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => {
                chunk.truncate(done?);
                return Ok(chunk);
            }
        }
    }
}

/// A status line.
#[derive(Debug, PartialEq, Eq)]
struct Status {
    code: u16,
    reason: String,
}

impl From<Status> for ClientError {
    fn from(Status { code, reason }: Status) -> Self {
        Self::Status { code, reason }
    }
}

/// Reads a status line and headers.
fn parse_head(head: &[u8]) -> Option<(Status, Framing)> {
    let text = std::str::from_utf8(head).ok()?;
    let mut lines = text.split("\r\n");
    let (_, status) = lines.next()?.strip_prefix("HTTP/1.")?.split_once(' ')?;
    let (code, reason) = status.split_once(' ').unwrap_or((status, ""));
    let status = Status { code: code.parse().ok()?, reason: reason.to_owned() };
    let mut framing = Framing::ToTheEnd;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") && framing != Framing::Chunked {
            framing = Framing::Length(value.trim().parse().ok()?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") && value.trim().eq_ignore_ascii_case("chunked") {
            framing = Framing::Chunked;
        }
    }
    Some((status, framing))
}

/// Bytes that were read and not used yet, before those still to be read.
struct Source<'a, R> {
    stream: &'a mut R,
    buffer: &'a mut Vec<u8>,
}

impl<R: Read> Source<'_, R> {
    /// The body of an answer of status 200.
    fn answer(&mut self) -> Result<Vec<u8>, ClientError> {
        let head = self.head()?;
        let (status, framing) = parse_head(&head).ok_or_else(|| ClientError::Protocol("not HTTP".to_owned()))?;
        let answer = self.body(framing)?;
        if status.code == 200 { Ok(answer) } else { Err(status.into()) }
    }

    fn head(&mut self) -> Result<Vec<u8>, ClientError> {
        let mut head = self.until(b"\r\n\r\n", HEAD)?;
        while head.starts_with(b"HTTP/1.1 100") {
            head = self.until(b"\r\n\r\n", HEAD)?;
        }
        Ok(head)
    }

    fn body(&mut self, framing: Framing) -> Result<Vec<u8>, ClientError> {
        match framing {
            Framing::Length(length) => self.exactly(length),
            Framing::ToTheEnd => {
                let mut body = std::mem::take(self.buffer);
                self.stream.read_to_end(&mut body)?;
                Ok(body)
            }
            Framing::Chunked => self.chunks(),
        }
    }

    fn chunks(&mut self) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        loop {
            let line = self.until(b"\r\n", LINE)?;
            let digits = std::str::from_utf8(&line).unwrap_or_default().split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(digits.trim(), 16)
                .map_err(|_| ClientError::Protocol("a chunk has no size".to_owned()))?;
            if size == 0 {
                while !self.until(b"\r\n", LINE)?.is_empty() {}
                return Ok(body);
            }
            body.extend(self.exactly(size)?);
            self.exactly(2)?;
        }
    }

    /// Takes everything before a mark, and the mark away.
    fn until(&mut self, mark: &[u8], limit: usize) -> Result<Vec<u8>, ClientError> {
        loop {
            if let Some(at) = memchr::memmem::find(self.buffer, mark) {
                let found = self.buffer.drain(..at + mark.len()).take(at).collect();
                return Ok(found);
            }
            if self.buffer.len() > limit {
                return Err(ClientError::Protocol("a line without an end".to_owned()));
            }
            self.fill()?;
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>, ClientError> {
        while self.buffer.len() < length {
            self.fill()?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(self.buffer, rest))
    }

    fn fill(&mut self) -> Result<(), ClientError> {
        let read = read_once(self.stream)?;
        if read.is_empty() {
            return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
        }
        self.buffer.extend_from_slice(&read);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A server that has its answer ready.
    struct Canned(Cursor<Vec<u8>>);

    impl Read for Canned {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let few = buffer.len().min(3);
            self.0.read(&mut buffer[..few])
        }
    }

    impl Write for Canned {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn post_to(answer: &str) -> (Result<Vec<u8>, ClientError>, Vec<u8>) {
        let mut rest = Vec::new();
        let call = Post { host: "localhost", accept: "text/xml", credentials: None, body: b"x" };
        let body = post(&mut Canned(Cursor::new(answer.as_bytes().to_vec())), &mut rest, &call);
        (body, rest)
    }

    #[test]
    fn a_body_of_known_length_leaves_the_rest() {
        let (body, _) = post_to("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
        assert_eq!(body.expect("an answer"), b"hello");
    }

    #[test]
    fn a_continue_comes_before_the_answer() {
        let (body, rest) = post_to("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        assert_eq!((body.expect("an answer"), rest), (b"hi".to_vec(), vec![]));
    }

    #[test]
    fn chunks_are_joined_and_trailers_dropped() {
        let (body, rest) = post_to(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n",
        );
        assert_eq!((body.expect("an answer"), rest), (b"hello".to_vec(), vec![]));
    }

    #[test]
    fn without_a_length_the_end_ends_it() {
        assert_eq!(post_to("HTTP/1.0 200 OK\r\n\r\nhello").0.expect("an answer"), b"hello");
    }

    #[test]
    fn a_cut_answer_means_that_the_project_ended() {
        for cut in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"] {
            assert!(matches!(post_to(cut).0, Err(ClientError::NotRunning)), "{cut}");
        }
    }

    #[test]
    fn another_status_and_other_protocols_are_told() {
        let busy = post_to("HTTP/1.1 503 Too Busy\r\nContent-Length: 0\r\n\r\n").0;
        assert!(matches!(busy, Err(ClientError::Status { code: 503, reason }) if reason == "Too Busy"));
        for answer in ["SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"] {
            assert!(matches!(post_to(answer).0, Err(ClientError::Protocol(_))), "{answer}");
        }
    }
}
