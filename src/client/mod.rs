//! Talks to a running project over its control socket: one blocking connection, standard library only, so that a command that asks one
//! question starts in no time.

pub mod calls;

mod http;

use std::fmt;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub use calls::StartUntil;
use serde::de::DeserializeOwned;

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
    /// There was no answer within the time set.
    #[error("the project did not answer in time")]
    Timeout,
    /// The system refused.
    #[error("could not talk to the project")]
    Io(#[source] io::Error),
}

impl ClientError {
    /// The code of a fault.
    pub fn fault_code(&self) -> Option<i32> {
        match self {
            Self::Fault { code, .. } => Some(*code),
            Self::NotRunning | Self::Protocol(_) | Self::Timeout | Self::Io(_) => None,
        }
    }

    /// What a fault is about, without supervisord's name for it: ``no program `wbe`, did you mean `web`?``.
    pub fn fault_detail(&self) -> Option<&str> {
        match self {
            Self::Fault { text, .. } => Some(text.split_once(": ").map_or(text.as_str(), |(_, detail)| detail)),
            Self::NotRunning | Self::Protocol(_) | Self::Timeout | Self::Io(_) => None,
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
            _ => Self::Io(error),
        }
    }
}

impl From<ParseError> for ClientError {
    fn from(error: ParseError) -> Self {
        Self::Protocol(error.to_string())
    }
}

/// A key that does not print itself.
struct Key(String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// A connection to a running project. Calls go one after the other over the same connection.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    /// What shows that the owner asks.
    key: Option<Key>,
    /// What was read beyond the last answer.
    rest: Vec<u8>,
}

impl Client {
    /// Connects to a project's socket.
    pub fn connect(path: &Path) -> Result<Self, ClientError> {
        Ok(Self { stream: UnixStream::connect(path)?, key: None, rest: Vec::new() })
    }

    /// Shows a key with every later call: a project with a password keeps one for its owner's commands.
    #[must_use]
    pub fn with_key(self, key: Option<String>) -> Self {
        Self { key: key.map(Key), ..self }
    }

    /// Bounds every later read and write; `None` waits for ever, which is right for calls that wait. Zero is refused.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) -> Result<(), ClientError> {
        self.stream.set_read_timeout(timeout)?;
        self.stream.set_write_timeout(timeout)?;
        Ok(())
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
        let key = self.key.as_ref().map(|Key(key)| key.as_str());
        let call = Post { accept, key, body: body.as_bytes() };
        http::post(&mut self.stream, &mut self.rest, &call)
    }
}
