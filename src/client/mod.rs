//! Talks to a running project over its control socket, or to any supervisord: one blocking connection without a runtime, so that
//! a command that asks one question starts in no time.

pub mod address;
pub mod attach;
pub mod calls;
pub mod events;
pub mod follow;
pub mod http;

mod stream;

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub use address::{Address, Credentials};
pub use calls::StartUntil;
pub use follow::Follow;
use serde::de::DeserializeOwned;
pub use stream::Peer;
use stream::{Interrupted, Stopped, Stream};

use self::http::Post;
use crate::codec::json_answer::JsonAnswer;
use crate::codec::xmlrpc::{ParseError, Response, Value, parse_response, write_call};

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens: there is no socket, it is stale, or the project ended while it was asked.
    #[error("the project is not running")]
    NotRunning,
    /// The project refused.
    #[error("{text}")]
    Fault {
        /// supervisord's fault code.
        code: i32,
        /// `NAME` or `NAME: detail`.
        text: String,
    },
    /// The other end does not speak as it should.
    #[error("the project's answer makes no sense: {0}")]
    Protocol(String),
    /// The answer has another status than 200.
    #[error("{}", told_by_status(*code))]
    Status {
        /// 401, say.
        code: u16,
        /// `Unauthorized`.
        reason: String,
    },
    /// The wait was given up, see [`Client::interrupted_by`].
    #[error("interrupted")]
    Interrupted,
    /// Who is to answer is stopped, by Ctrl-Z say.
    #[error("{name} does not answer: its process {pid} is stopped")]
    Stopped {
        /// The project.
        name: String,
        /// The process.
        pid: u32,
    },
    /// There was no answer within the time set.
    #[error("the project did not answer in time")]
    Timeout,
    /// The system refused.
    #[error("could not talk to the project")]
    Io(#[source] io::Error),
}

/// A listener that has as many connections as it takes says 503 (`serve/listen.rs`).
fn told_by_status(code: u16) -> String {
    match code {
        503 => "the project talks to as many clients as it can at a time; try again in a moment".to_owned(),
        _ => format!("the project's answer has the HTTP status {code}"),
    }
}

impl ClientError {
    /// The code of a fault.
    pub fn fault_code(&self) -> Option<i32> {
        self.fault().map(|(code, _)| code)
    }

    /// What a fault is about, without supervisord's name for it: ``no program `wbe`, did you mean `web`?``.
    pub fn fault_detail(&self) -> Option<&str> {
        self.fault().map(|(_, text)| text.split_once(": ").map_or(text, |(_, detail)| detail))
    }

    fn fault(&self) -> Option<(i32, &str)> {
        match self {
            Self::Fault { code, text } => Some((*code, text)),
            Self::NotRunning
            | Self::Protocol(_)
            | Self::Status { .. }
            | Self::Interrupted
            | Self::Stopped { .. }
            | Self::Timeout
            | Self::Io(_) => None,
        }
    }
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Self::NotRunning,
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Self::Timeout,
            ErrorKind::Other if inner::<Interrupted>(&error).is_some() => Self::Interrupted,
            _ => match inner::<Stopped>(&error) {
                Some(Stopped { name, pid }) => Self::Stopped { name: name.clone(), pid: *pid },
                None => Self::Io(error),
            },
        }
    }
}

fn inner<E: std::error::Error + 'static>(error: &io::Error) -> Option<&E> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

impl From<ParseError> for ClientError {
    fn from(error: ParseError) -> Self {
        Self::Protocol(error.to_string())
    }
}

/// A connection to a running project. Calls go one after the other over the same connection.
#[derive(Debug)]
pub struct Client {
    stream: Stream,
    /// What shows who asks.
    credentials: Option<Credentials>,
    /// What was read beyond the last answer.
    rest: Vec<u8>,
    host: String,
}

impl Client {
    /// Connects to a project's socket.
    pub fn connect(path: &Path) -> Result<Self, ClientError> {
        Ok(Self { stream: Stream::unix(path)?, credentials: None, rest: Vec::new(), host: "localhost".to_owned() })
    }

    /// Connects to any server. `socket` is another, shorter name for the path of a UNIX one.
    pub fn open(address: &Address, socket: Option<&Path>, credentials: Option<Credentials>) -> io::Result<Self> {
        let stream = Self::stream(address, socket)?;
        Ok(Self { stream, credentials, rest: Vec::new(), host: address.host() })
    }

    fn stream(address: &Address, socket: Option<&Path>) -> io::Result<Stream> {
        match address {
            Address::Unix(path) => Stream::unix(socket.unwrap_or(Path::new(path))),
            Address::Tcp { host, port } => Stream::tcp(host, *port),
        }
    }

    /// From now on a wait for an answer ends with [`ClientError::Interrupted`] when this becomes readable. The connection is of
    /// no use then.
    pub fn interrupted_by(&mut self, interrupt: UnixStream) {
        self.stream.interrupted_by(interrupt);
    }

    /// From now on a wait for an answer ends with [`ClientError::Stopped`] when this process is stopped.
    #[must_use]
    pub fn answered_by(mut self, peer: Peer) -> Self {
        self.stream.answered_by(peer);
        self
    }

    /// Shows a key with every later call: a project with a password keeps one for its owner's commands.
    #[must_use]
    pub fn with_key(self, key: Option<String>) -> Self {
        Self { credentials: key.map(Credentials::Key), ..self }
    }

    /// Bounds every later read and write; `None` waits for ever, which is right for calls that wait. Zero is refused.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) -> Result<(), ClientError> {
        Ok(self.stream.set_timeout(timeout)?)
    }

    /// Calls a method and waits for its answer.
    pub fn call(&mut self, method: &str, params: &[Value]) -> Result<Value, ClientError> {
        let body = self.post(method, params, "text/xml")?;
        let text = String::from_utf8(body).map_err(|error| ClientError::Protocol(error.to_string()))?;
        match parse_response(&text)? {
            Response::Value(value) => Ok(value),
            Response::Fault { code, text } => Err(ClientError::Fault { code, text }),
        }
    }

    /// Calls a method whose answer has a known shape. It is asked for as JSON, which costs a fraction of the XML.
    fn typed<T: DeserializeOwned>(&mut self, method: &str, params: &[Value]) -> Result<T, ClientError> {
        let body = self.post(method, params, "application/json")?;
        match serde_json::from_slice(&body) {
            Ok(JsonAnswer::Value(value)) => Ok(value),
            Ok(JsonAnswer::Fault { code, text }) => Err(ClientError::Fault { code, text }),
            Err(error) => Err(ClientError::Protocol(format!("{method}: {error}"))),
        }
    }

    fn post(&mut self, method: &str, params: &[Value], accept: &str) -> Result<Vec<u8>, ClientError> {
        let body = write_call(method, params);
        let call = Post { host: &self.host, accept, credentials: self.credentials.as_ref(), body: body.as_bytes() };
        http::post(&mut self.stream, &mut self.rest, &call)
    }
}
