//! Calls of XML-RPC over the project's socket.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use run::codec::xmlrpc::{Value, write_call};

use crate::common::{PATIENCE, TestProject};

/// A program that is ready at once and writes down where the supervisor is.
pub(crate) const STAYS: &str = "[program.stays]\ncommand = \"echo $SUPERVISOR_SERVER_URL > url; echo on; exec sleep 1000\"\nready = { log = \"on\" }\n";

/// The project's UNIX socket.
pub(crate) fn socket(project: &TestProject) -> PathBuf {
    project.wait_for_text("url", "unix://");
    PathBuf::from(project.read("url").trim().strip_prefix("unix://").unwrap())
}

/// A call over the project's socket; the answer's text.
pub(crate) fn call(project: &TestProject, method: &str, arguments: &[&str]) -> String {
    let arguments: Vec<Value> = arguments.iter().map(|argument| Value::from(*argument)).collect();
    let body = write_call(method, &arguments);
    let mut stream = UnixStream::connect(socket(project)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nConnection: close\r\n";
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// What a method that is content answers.
pub(crate) const TRUE: &str = "<value><boolean>1</boolean></value>";
