//! What keeps a command from its end, in the words in which supervisorctl reports an exception.
//!
//! The place in Python's source, which it adds, is left out.

use std::io;

use nix::errno::Errno;

use crate::client::ClientError;
use crate::codec::python::repr;

/// Why a command stopped where it stood.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The server refused a call in a way that the command has no words for.
    #[error("<class 'xmlrpc.client.Fault'>, {}", fault(*code, text))]
    Fault {
        /// supervisord's code.
        code: i32,
        /// Its text.
        text: String,
    },
    /// The server answered with another HTTP status than 200.
    #[error("<class 'xmlrpc.client.ProtocolError'>, <ProtocolError for 127.0.0.1/RPC2: {code} {reason}>")]
    Status {
        /// The status.
        code: u16,
        /// Its reason.
        reason: String,
    },
    /// There is no connection to the server.
    #[error("{}", connecting(error))]
    Connect {
        /// What the system said.
        error: io::Error,
    },
    /// The project here is not up; a sentence that says so.
    #[error("{0}")]
    NotUp(String),
    /// The connection ended before the answer.
    #[error("<class 'http.client.RemoteDisconnected'>, Remote end closed connection without response")]
    Lost,
    /// Something else, as an exception of Python.
    #[error("<class '{class}'>, {text}")]
    Raised {
        /// The class of the exception.
        class: &'static str,
        /// What it says.
        text: String,
    },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// Our own output or input failed.
    #[error("{0}")]
    Own(#[from] io::Error),
}

impl Trouble {
    /// An exception by its class.
    pub fn raised(class: &'static str, text: impl Into<String>) -> Self {
        Self::Raised { class, text: text.into() }
    }

    /// A status that a command does not know, as an assertion of the original reports it.
    pub fn unknown_code(code: i64, name: &str) -> Self {
        Self::raised("ValueError", format!("Unknown result code {code} for {name}"))
    }

    /// A struct without a member.
    pub fn no_key(key: &str) -> Self {
        Self::raised("KeyError", repr(key))
    }

    /// The code of a fault.
    pub fn fault_code(&self) -> Option<i32> {
        if let Self::Fault { code, .. } = self { Some(*code) } else { None }
    }
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        let told = error.to_string();
        match error {
            ClientError::Fault { code, text } => Self::Fault { code, text },
            ClientError::Status { code, reason } => Self::Status { code, reason },
            ClientError::NotRunning => Self::Lost,
            ClientError::Interrupted => Self::Interrupted,
            ClientError::Timeout => Self::raised("TimeoutError", "timed out"),
            ClientError::Stopped { .. } => Self::raised("TimeoutError", told),
            ClientError::Io(error) => Self::Connect { error },
            ClientError::Protocol(text) => Self::raised("xmlrpc.client.ResponseError", text),
        }
    }
}

/// How Python shows a fault.
pub fn fault(code: i32, text: &str) -> String {
    format!("<Fault {code}: {}>", repr(text))
}

/// How Python reports that a connection could not be made.
pub fn connecting(error: &io::Error) -> String {
    let Some(number) = error.raw_os_error() else {
        return format!("<class 'socket.gaierror'>, {error}");
    };
    let class = match Errno::from_raw(number) {
        Errno::ECONNREFUSED => "ConnectionRefusedError",
        Errno::ECONNRESET => "ConnectionResetError",
        Errno::ENOENT => "FileNotFoundError",
        Errno::EACCES | Errno::EPERM => "PermissionError",
        Errno::ETIMEDOUT => "TimeoutError",
        _ => "OSError",
    };
    format!("<class '{class}'>, [Errno {number}] {}", Errno::from_raw(number).desc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_read_as_in_python() {
        let fault = Trouble::Fault { code: 10, text: "BAD_NAME: it's".into() };
        assert_eq!(fault.to_string(), "<class 'xmlrpc.client.Fault'>, <Fault 10: \"BAD_NAME: it's\">");
        let refused = Trouble::Connect { error: io::Error::from_raw_os_error(Errno::ECONNREFUSED as i32) };
        assert_eq!(refused.to_string(), "<class 'ConnectionRefusedError'>, [Errno 111] Connection refused");
        let status = Trouble::Status { code: 500, reason: "Internal Server Error".into() };
        assert!(status.to_string().ends_with("<ProtocolError for 127.0.0.1/RPC2: 500 Internal Server Error>"));
    }
}
