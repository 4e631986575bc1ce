//! Answers that have no end: a log that is followed over HTTP (`/logtail/NAME`, `/mainlogtail`), a page that is held open.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use super::address::{Address, Credentials};
use super::http::{self, Framing, Wish};
use super::stream::Stream;
use super::{Client, ClientError};

/// An answer that is read as it comes.
#[derive(Debug)]
pub struct Follow {
    stream: Stream,
    /// What was read beyond the head and not handed out.
    rest: Vec<u8>,
    chunks: Option<Chunks>,
}

impl Follow {
    /// Asks for a path. Any status but 200 is an error.
    pub fn get(
        address: &Address,
        socket: Option<&Path>,
        credentials: Option<&Credentials>,
        path: &str,
    ) -> Result<Self, ClientError> {
        Self::open(address, socket, credentials, &Wish::Get(path))
    }

    /// Posts an empty object, for an answer that has no end either.
    pub fn post(
        address: &Address,
        socket: Option<&Path>,
        credentials: Option<&Credentials>,
        path: &str,
    ) -> Result<Self, ClientError> {
        Self::open(address, socket, credentials, &Wish::Post(path))
    }

    fn open(
        address: &Address,
        socket: Option<&Path>,
        credentials: Option<&Credentials>,
        wish: &Wish<'_>,
    ) -> Result<Self, ClientError> {
        let mut stream = Client::stream(address, socket)?;
        let mut rest = Vec::new();
        let framing = http::open(&mut stream, &mut rest, &address.host(), credentials, wish)?;
        let chunks = (framing == Framing::Chunked).then(Chunks::default);
        Ok(Self { stream, rest, chunks })
    }

    /// Reads once and returns what that gave, possibly nothing yet; `None` at the end. It does not block when the descriptor is
    /// readable, or just after [`Follow::get`].
    pub fn read_some(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        let raw = if self.rest.is_empty() {
            match http::read_once(&mut self.stream)? {
                raw if raw.is_empty() => return Ok(None),
                raw => raw,
            }
        } else {
            std::mem::take(&mut self.rest)
        };
        match &mut self.chunks {
            None => Ok(Some(raw)),
            Some(chunks) if chunks.is_over() => Ok(None),
            Some(chunks) => chunks.feed(&raw).map(Some),
        }
    }

    /// Whether something is there already, so that nobody has to wait for the descriptor.
    pub fn has_rest(&self) -> bool {
        !self.rest.is_empty() || self.chunks.as_ref().is_some_and(Chunks::is_over)
    }
}

impl AsFd for Follow {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Takes the chunks of a body apart, however its bytes are cut.
#[derive(Debug, Default)]
struct Chunks {
    state: State,
    /// A size line that is not whole yet.
    line: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the line before a chunk; blank lines there are skipped, which passes over the end of the chunk before.
    #[default]
    Size,
    /// So many bytes of a chunk are to come.
    Data(usize),
    /// The last chunk was there.
    Over,
}

/// The longest line before a chunk.
const LINE: usize = 4 << 10;

impl Chunks {
    fn is_over(&self) -> bool {
        self.state == State::Over
    }

    fn feed(&mut self, mut bytes: &[u8]) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::with_capacity(bytes.len());
        while let [first, after @ ..] = bytes {
            match self.state {
                State::Over => break,
                State::Data(left) => {
                    let (data, after) = bytes.split_at(left.min(bytes.len()));
                    body.extend_from_slice(data);
                    self.state = if data.len() == left { State::Size } else { State::Data(left - data.len()) };
                    bytes = after;
                }
                State::Size => {
                    self.line.push(*first);
                    bytes = after;
                    if *first == b'\n' {
                        self.end_of_line()?;
                    } else if self.line.len() > LINE {
                        return Err(ClientError::Protocol("a chunk has no size".to_owned()));
                    }
                }
            }
        }
        Ok(body)
    }

    fn end_of_line(&mut self) -> Result<(), ClientError> {
        let line = std::mem::take(&mut self.line);
        let text = std::str::from_utf8(&line).unwrap_or("?").split(';').next().unwrap_or_default().trim();
        if text.is_empty() {
            return Ok(());
        }
        self.state = match usize::from_str_radix(text, 16) {
            Ok(0) => State::Over,
            Ok(size) => State::Data(size),
            Err(_) => return Err(ClientError::Protocol("a chunk has no size".to_owned())),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"5\r\nhello\r\n1;x=y\r\n\n\r\n3\r\n\r\n!\r\n0\r\n\r\n";

    #[test]
    fn chunks_are_the_same_however_they_are_cut() {
        for size in 1..BODY.len() {
            let mut chunks = Chunks::default();
            let body: Vec<u8> = BODY.chunks(size).flat_map(|piece| chunks.feed(piece).unwrap()).collect();
            assert_eq!(body, b"hello\n\r\n!", "cut every {size}");
            assert!(chunks.is_over());
        }
    }

    #[test]
    fn what_comes_after_the_last_chunk_is_not_read() {
        let mut chunks = Chunks::default();
        assert_eq!(chunks.feed(b"1\r\na\r\n0\r\nTrailer: 1\r\n\r\n").unwrap(), b"a");
    }

    #[test]
    fn a_chunk_without_a_size_is_an_error() {
        assert!(Chunks::default().feed(b"hello\r\n").is_err());
        assert!(Chunks::default().feed(&[b'1'; 5000]).is_err());
    }
}
