//! A process's terminal or stdin and output over the control socket: asked for over HTTP, then spoken in [`crate::codec::attach`].

use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::address::Credentials;
use super::http;
use super::stream::Stream;
use super::{Client, ClientError};
use crate::client::Address;
use crate::codec::attach::{Decoder, Frame};

/// What the project says.
#[derive(Debug)]
pub struct Hearing {
    stream: OwnedReadHalf,
    decoder: Decoder,
}

/// What is said to it.
#[derive(Debug)]
pub struct Saying(OwnedWriteHalf);

/// Attaches to a process by its namespec. `socket` is another, shorter name for the path of the socket. Must be called inside a runtime.
pub fn attach(
    address: &Address,
    socket: &Path,
    credentials: Option<&Credentials>,
    process: &str,
) -> Result<(Hearing, Saying), ClientError> {
    let mut stream = Client::stream(address, Some(socket))?;
    let mut rest = Vec::new();
    http::upgrade(&mut stream, &mut rest, &address.host(), credentials, process)?;
    let Some(stream) = Stream::into_unix(stream) else {
        return Err(ClientError::Protocol("attaching needs a UNIX socket".to_owned()));
    };
    stream.set_nonblocking(true)?;
    let (reader, writer) = UnixStream::from_std(stream)?.into_split();
    let mut decoder = Decoder::default();
    decoder.feed(&rest);
    Ok((Hearing { stream: reader, decoder }, Saying(writer)))
}

impl Hearing {
    /// The next thing that is said; `None` when the project or the process is gone. Nothing is lost when the waiting is given up.
    pub async fn next(&mut self) -> Result<Option<Frame>, ClientError> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let frame = self.decoder.next_frame().map_err(|error| ClientError::Protocol(error.to_string()))?;
            if frame.is_some() {
                return Ok(frame);
            }
            match self.stream.read(&mut buffer).await {
                Ok(0) => return Ok(None),
                Ok(length) => self.decoder.feed(&buffer[..length]),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Saying {
    /// Says something. What is given up half way is half said.
    pub async fn say(&mut self, frame: &Frame) -> Result<(), ClientError> {
        Ok(self.0.write_all(&frame.encode()).await?)
    }

    /// Says that nothing more follows.
    pub async fn finish(&mut self) -> Result<(), ClientError> {
        Ok(self.0.shutdown().await?)
    }
}
