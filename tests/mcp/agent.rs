//! A client that speaks the protocol by hand, one line of JSON a message.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::common::{PATIENCE, TestProject, becomes_true};

/// The server, and our end of it.
pub(crate) struct Agent {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    /// Messages that came while another was waited for.
    early: Vec<Value>,
    roots: Vec<String>,
    last: u64,
}

/// What a tool has answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) is_error: bool,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Agent {
    /// `run mcp` in a project, introduced.
    pub(crate) fn of(project: &TestProject) -> Self {
        Self::start(project, &["mcp"], &[])
    }

    /// The same with other words, for a client that works in these directories.
    pub(crate) fn start(project: &TestProject, words: &[&str], roots: &[String]) -> Self {
        let mut agent = Self::silent(project, words, roots);
        let capabilities = if roots.is_empty() { json!({}) } else { json!({ "roots": {} }) };
        let params = json!({
            "protocolVersion": "2025-06-18", "capabilities": capabilities,
            "clientInfo": { "name": "test", "version": "1" }
        });
        let id = agent.ask("initialize", &params);
        let answer = agent.result(id);
        assert_eq!(answer["serverInfo"]["name"], "runup", "{answer}");
        agent.tell("notifications/initialized", &json!({}));
        agent
    }

    /// A server that nobody has said a word to.
    pub(crate) fn silent(project: &TestProject, words: &[&str], roots: &[String]) -> Self {
        let mut command = project.command(words);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Who no longer listens has seen enough.
                let _ = sender.send(line);
            }
        });
        Self { stdin: child.stdin.take(), child, lines, early: Vec::new(), roots: roots.to_vec(), last: 0 }
    }

    /// Sends a line as it stands.
    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Sends a notification.
    pub(crate) fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string());
    }

    /// Sends a request; its id.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> u64 {
        self.last += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.last, "method": method, "params": params }).to_string());
        self.last
    }

    /// Begins a call of a tool; its id.
    pub(crate) fn begin(&mut self, tool: &str, arguments: &Value) -> u64 {
        self.ask("tools/call", &json!({ "name": tool, "arguments": arguments }))
    }

    /// Calls a tool.
    #[track_caller]
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Reply {
        let id = self.begin(tool, arguments);
        self.reply(id)
    }

    /// The answer of a tool.
    #[track_caller]
    pub(crate) fn reply(&mut self, id: u64) -> Reply {
        let result = self.result(id);
        let reply = Reply {
            is_error: result["isError"].as_bool().unwrap(),
            text: result["content"][0]["text"].as_str().unwrap().to_owned(),
            json: result["structuredContent"].clone(),
        };
        assert!(reply.json["schema"].is_u64(), "{reply:?}");
        reply
    }

    /// The result of a request.
    #[track_caller]
    pub(crate) fn result(&mut self, id: u64) -> Value {
        let answer = self.answer(id);
        assert!(answer.get("result").is_some(), "{answer}");
        answer["result"].clone()
    }

    /// The whole answer to a request.
    #[track_caller]
    pub(crate) fn answer(&mut self, id: u64) -> Value {
        loop {
            if let Some(at) = self.early.iter().position(|message| message["id"] == id) {
                return self.early.remove(at);
            }
            let message = self.next();
            if message["method"] == "roots/list" {
                let roots: Vec<Value> = self.roots.iter().map(|uri| json!({ "uri": uri })).collect();
                let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": { "roots": roots } });
                self.send(&answer.to_string());
            } else {
                self.early.push(message);
            }
        }
    }

    /// The next message. Whatever stands on stdout has to be one.
    #[track_caller]
    fn next(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("nothing comes");
        message(&line)
    }

    /// The id of the answer that came first.
    #[track_caller]
    pub(crate) fn first_of(&mut self, ids: [u64; 2]) -> u64 {
        let message = self.next();
        let id = message["id"].as_u64().unwrap();
        assert!(ids.contains(&id), "{message}");
        self.early.push(message);
        id
    }

    /// Sends a signal to the server.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Ends its stdin.
    pub(crate) fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Ends its stdin, and waits for its end; the exit code.
    pub(crate) fn hang_up(mut self) -> Option<i32> {
        self.stdin = None;
        self.wait()
    }

    /// Waits for its end, the exit code; whatever it still said has to be messages.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        assert!(becomes_true(PATIENCE, || self.child.try_wait().unwrap().is_some()), "it does not end");
        for line in &self.lines {
            message(&line);
        }
        self.child.try_wait().unwrap().unwrap().code()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stdin = None;
        if !becomes_true(PATIENCE, || self.child.try_wait().is_ok_and(|status| status.is_some())) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

#[track_caller]
fn message(line: &str) -> Value {
    let message: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON ({error}): {line:?}"));
    assert_eq!(message["jsonrpc"], "2.0", "{line}");
    message
}
