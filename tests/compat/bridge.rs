//! `xmlrpc.client` in a Python of its own: requests and answers go as lines of JSON.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::common::TestProject;
use crate::side::{here, tool};

/// Why a call gave no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A fault of XML-RPC: its code and text.
    Fault(i64, String),
    /// A status of HTTP, or 0 and what the connection said.
    Http(i64, String),
}

/// The client.
pub(crate) struct Bridge {
    python: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    url: String,
}

impl Bridge {
    /// A client of a server.
    pub(crate) fn new(project: &TestProject, url: &str) -> Self {
        let mut command = std::process::Command::new(tool("python"));
        command.arg(here("bridge.py"));
        project.put_into_world(&mut command);
        let mut python = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (python.stdin.take().unwrap(), python.stdout.take().unwrap());
        Self { python, stdin, stdout: BufReader::new(stdout), url: url.to_owned() }
    }

    /// Sends a call and does not wait for its answer.
    pub(crate) fn send(&mut self, method: &str, params: &Value) {
        let request = json!({ "url": self.url, "method": method, "params": params });
        writeln!(self.stdin, "{request}").unwrap();
    }

    /// Waits for the answer to the oldest call without one.
    pub(crate) fn receive(&mut self) -> Result<Value, Refusal> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let refused = |pair: &Value| (pair[0].as_i64().unwrap(), pair[1].as_str().unwrap().to_owned());
        if let Some(pair) = answer.get("fault") {
            let (code, text) = refused(pair);
            return Err(Refusal::Fault(code, text));
        }
        if let Some(pair) = answer.get("http") {
            let (code, text) = refused(pair);
            return Err(Refusal::Http(code, text));
        }
        Ok(answer["value"].take())
    }

    /// Calls and waits.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Result<Value, Refusal> {
        self.send(method, params);
        self.receive()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // It reads until the end of its stdin; a call that is never answered would keep it.
        let _ = self.python.kill();
        let _ = self.python.wait();
    }
}
