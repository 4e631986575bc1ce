//! Extensions: programs of the user's that serve a namespace of methods. The supervisor starts and stops them like any other; here
//! is the conversation with them, one task for each run.
//!
//! Nothing waits for an extension without a limit: a call has its timeout, and what an extension reads too slowly or answers never is
//! refused beyond [`IN_FLIGHT`] calls. When its stdout ends, every open call fails at once.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::codec::extension::{
    self, Answer, CallError, Greeting, LONGEST, Lines, MethodDescription, parse_answer, parse_description,
    write_greeting, write_request,
};
use crate::model::supervisord::Extension;

/// How many calls may be open at one extension.
const IN_FLIGHT: usize = 256;

/// How many calls may wait to be written; they are taken at once unless the machine is busy.
const QUEUE: usize = 64;

/// How many stray lines of one run are told.
const STRAYS: usize = 3;

/// The number of the first request.
const GREETING: u64 = 0;

/// What is read at a time.
const CHUNK: usize = 64 << 10;

/// The extensions of a project, as everybody sees them who calls them: a cell that all read and each new run writes.
#[derive(Debug, Clone)]
pub struct Extensions {
    served: watch::Sender<BTreeMap<String, Served>>,
}

/// One namespace, served by the current or last run of its program.
#[derive(Debug, Clone)]
struct Served {
    calls: mpsc::Sender<Call>,
    /// What this run or, as long as it has said nothing, an earlier one serves.
    methods: Option<Arc<[MethodDescription]>>,
    timeout: Duration,
}

/// One call, and where its answer goes.
#[derive(Debug)]
struct Call {
    method: String,
    params: Vec<Json>,
    reply: Reply,
}

type Reply = oneshot::Sender<Result<Json, CallError>>;

/// What a run has to say beside its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It serves methods: how many.
    Described(usize),
    /// Its description is of no use, and why.
    Useless(String),
    /// It wrote what it should not.
    Stray(String),
}

/// Where its news go.
pub type Tell = Box<dyn Fn(News) + Send>;

impl Default for Extensions {
    fn default() -> Self {
        Self { served: watch::channel(BTreeMap::new()).0 }
    }
}

impl Extensions {
    /// What a namespace serves, as its program has said last; `None` when it has said nothing yet.
    pub fn methods_of(&self, namespace: &str) -> Option<Arc<[MethodDescription]>> {
        self.served.borrow().get(namespace)?.methods.clone()
    }

    /// Asks an extension. Dropping this ends the waiting, not the call.
    pub async fn call(&self, namespace: &str, method: &str, params: Vec<Json>) -> Result<Json, CallError> {
        let served = self.served.borrow().get(namespace).cloned().ok_or(CallError::NotRunning)?;
        let (reply, answer) = oneshot::channel();
        served.calls.try_send(Call { method: method.to_owned(), params, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CallError::Busy,
            mpsc::error::TrySendError::Closed(_) => CallError::NotRunning,
        })?;
        match timeout(served.timeout, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(CallError::NotRunning),
            Err(_) => Err(CallError::TimedOut(served.timeout)),
        }
    }

    /// Begins the conversation with a new run, over its stdin and stdout. An earlier one is over.
    pub fn connect(
        &self,
        extension: &Extension,
        project: &str,
        (stdin, stdout): (OwnedFd, OwnedFd),
        tell: Tell,
    ) -> io::Result<()> {
        let (calls, inbox) = mpsc::channel(QUEUE);
        let greeting = Greeting { namespace: &extension.namespace, project, options: &extension.options };
        let line = Line {
            namespace: extension.namespace.clone(),
            extensions: self.clone(),
            outgoing: write_greeting(GREETING, &greeting),
            open: BTreeMap::new(),
            last: GREETING,
            strays: 0,
            tell,
        };
        let (stdin, stdout) = (pipe::Sender::from_owned_fd(stdin)?, pipe::Receiver::from_owned_fd(stdout)?);
        self.served.send_modify(|served| {
            let methods = served.get(&extension.namespace).and_then(|served| served.methods.clone());
            served.insert(extension.namespace.clone(), Served { calls, methods, timeout: extension.timeout });
        });
        tokio::spawn(line.run(stdin, stdout, inbox));
        Ok(())
    }

    fn describe(&self, namespace: &str, methods: Vec<MethodDescription>) {
        self.served.send_modify(|served| {
            if let Some(served) = served.get_mut(namespace) {
                served.methods = Some(methods.into());
            }
        });
    }
}

/// The conversation with one run.
struct Line {
    namespace: String,
    extensions: Extensions,
    /// What is still to be written.
    outgoing: Vec<u8>,
    /// Who waits for an answer, by the number of the request.
    open: BTreeMap<u64, Reply>,
    /// The number of the last request.
    last: u64,
    strays: usize,
    tell: Tell,
}

impl Line {
    /// Talks until its stdout ends. Whoever still waits then finds its reply dropped.
    async fn run(mut self, mut stdin: pipe::Sender, mut stdout: pipe::Receiver, mut calls: mpsc::Receiver<Call>) {
        let (mut lines, mut chunk) = (Lines::default(), vec![0; CHUNK]);
        let mut listens = true;
        loop {
            tokio::select! {
                read = stdout.read(&mut chunk) => match read {
                    Ok(count @ 1..) => self.heard(&mut lines, &chunk[..count]),
                    Ok(0) | Err(_) => return,
                },
                written = stdin.write(&self.outgoing), if listens && !self.outgoing.is_empty() => match written {
                    Ok(count) => drop(self.outgoing.drain(..count)),
                    // It has closed its stdin; what it was asked before it may still answer.
                    Err(_) => listens = false,
                },
                call = calls.recv() => match call {
                    Some(call) if listens => self.ask(call),
                    Some(call) => drop(call.reply.send(Err(CallError::NotRunning))),
                    // A newer run has taken the place of this one.
                    None => return,
                },
            }
        }
    }

    fn ask(&mut self, Call { method, params, reply }: Call) {
        if self.open.len() >= IN_FLIGHT {
            self.open.retain(|_, reply| !reply.is_closed());
        }
        if self.open.len() >= IN_FLIGHT || self.outgoing.len() >= LONGEST {
            // Whoever asked may be gone.
            let _ = reply.send(Err(CallError::Busy));
            return;
        }
        self.last += 1;
        self.outgoing.extend(write_request(self.last, &method, params));
        self.open.insert(self.last, reply);
    }

    fn heard(&mut self, lines: &mut Lines, mut chunk: &[u8]) {
        while let Some(line) = lines.take(&mut chunk) {
            match line {
                Ok(line) if line.trim_ascii().is_empty() => {}
                Ok(line) => match parse_answer(&line) {
                    Ok(answer) => self.answered(answer),
                    Err(stray) => self.stray(stray.to_string()),
                },
                Err(too_long) => self.stray(too_long.to_string()),
            }
        }
    }

    fn answered(&mut self, Answer { id, outcome }: Answer) {
        if id == GREETING {
            self.described(outcome);
        } else if let Some(reply) = self.open.remove(&id) {
            // Whoever asked may be gone.
            let _ = reply.send(outcome);
        } else if id > self.last {
            self.stray(format!("answered request {id}, which was not made"));
        }
    }

    fn described(&mut self, outcome: Result<Json, CallError>) {
        let methods = outcome.map_err(|error| format!("{} was refused: {error}", extension::DESCRIBE));
        match methods.and_then(|answer| parse_description(&answer)) {
            Ok(methods) => {
                (self.tell)(News::Described(methods.len()));
                self.extensions.describe(&self.namespace, methods);
            }
            Err(why) => (self.tell)(News::Useless(why)),
        }
    }

    fn stray(&mut self, what: String) {
        self.strays += 1;
        if self.strays <= STRAYS {
            (self.tell)(News::Stray(what));
        }
    }
}

#[cfg(test)]
mod tests;
