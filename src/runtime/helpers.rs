//! Commands that are not programs of the project: exec probes. They are forked by the spawner like everything else, and swept
//! with all they started.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, timeout};

use crate::model::{Exit, ProcessId};
use crate::probe::{RunCommand, Running};
use crate::runtime::launcher::os_strings;
use crate::runtime::spawner::{Key, SpawnOrder, Stdio};
use crate::runtime::streams;

/// How much of a helper's output is looked at for its last line.
const TAIL: usize = 4096;

/// How long output is waited for after a helper's end: a descendant may hold the pipe.
const DRAIN: Duration = Duration::from_millis(100);

/// What reaches the driver.
#[derive(Debug)]
pub enum HelperMessage {
    /// Run this by `sh` in the environment and directory of a process.
    Run {
        /// Its number.
        number: u64,
        /// In whose place.
        process: ProcessId,
        /// The command line.
        command: String,
        /// Where its end is told.
        reply: oneshot::Sender<io::Result<(Exit, String)>>,
    },
    /// Nobody waits for it any more: end it.
    Cancel(u64),
}

/// Asks for helpers.
#[derive(Debug, Clone)]
pub struct HelperDesk {
    messages: mpsc::UnboundedSender<HelperMessage>,
    next: Arc<AtomicU64>,
}

impl HelperDesk {
    /// A desk whose messages reach the driver. Unbounded: a process has at most one probe under way.
    pub fn new(messages: mpsc::UnboundedSender<HelperMessage>) -> Self {
        Self { messages, next: Arc::default() }
    }

    /// How probes run their commands in the place of a process.
    pub fn runner(&self, process: ProcessId) -> RunCommand {
        let desk = self.clone();
        Arc::new(move |command: &str| desk.run(process, command.to_owned()))
    }

    fn run(&self, process: ProcessId, command: String) -> Running {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (reply, end) = oneshot::channel();
        let mut guard = CancelOnDrop { number, messages: Some(self.messages.clone()) };
        let sent = self.messages.send(HelperMessage::Run { number, process, command, reply });
        Box::pin(async move {
            sent.map_err(|_| io::Error::other("the project has ended"))?;
            let outcome = end.await.map_err(|_| io::Error::other("the project has ended"));
            guard.disarm();
            outcome?
        })
    }
}

struct CancelOnDrop {
    number: u64,
    messages: Option<mpsc::UnboundedSender<HelperMessage>>,
}

impl CancelOnDrop {
    /// The answer has come: there is nothing to cancel any more.
    fn disarm(&mut self) {
        self.messages = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(messages) = &self.messages {
            let _ = messages.send(HelperMessage::Cancel(self.number));
        }
    }
}

/// Helpers under way, on the driver's side.
#[derive(Debug, Default)]
pub struct Helpers {
    running: BTreeMap<u64, Helper>,
}

#[derive(Debug)]
struct Helper {
    reply: oneshot::Sender<io::Result<(Exit, String)>>,
    output: tokio::task::JoinHandle<String>,
}

impl Helpers {
    /// Prepares one: what the spawner is to be ordered.
    pub fn begin(
        &mut self,
        number: u64,
        command: String,
        place: (Vec<(String, String)>, std::path::PathBuf),
        reply: oneshot::Sender<io::Result<(Exit, String)>>,
    ) -> io::Result<SpawnOrder> {
        let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
        let stdio = Stdio::Streams { stdin: streams::nothing()?, stdout: theirs, stderr: None };
        let output = tokio::spawn(last_line(ours));
        self.running.insert(number, Helper { reply, output });
        let (environment, directory) = place;
        Ok(SpawnOrder {
            key: Key::helper(number),
            argv: os_strings(vec!["/bin/sh".to_owned(), "-c".to_owned(), command]),
            env: environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            directory,
            umask: None,
            user: None,
            stdio,
            sweep: true,
            goes_ahead: false,
        })
    }

    /// One has ended.
    pub fn ended(&mut self, number: u64, exit: Exit) {
        let Some(helper) = self.running.remove(&number) else { return };
        tokio::spawn(async move {
            let line = timeout(DRAIN, helper.output).await.ok().and_then(Result::ok).unwrap_or_default();
            // Nobody may be waiting any more.
            let _ = helper.reply.send(Ok((exit, line)));
        });
    }

    /// One could not be executed.
    pub fn failed(&mut self, number: u64, errno: i32) {
        if let Some(helper) = self.running.remove(&number) {
            helper.output.abort();
            let _ = helper.reply.send(Err(io::Error::from_raw_os_error(errno)));
        }
    }
}

/// Reads to the end and keeps the last line that is not empty.
async fn last_line(fd: OwnedFd) -> String {
    let Ok(mut pipe) = Receiver::from_owned_fd(fd) else { return String::new() };
    let (mut tail, mut chunk) = (Vec::new(), [0; TAIL]);
    while let Ok(count @ 1..) = pipe.read(&mut chunk).await {
        tail.extend_from_slice(&chunk[..count]);
        let excess = tail.len().saturating_sub(TAIL);
        tail.drain(..excess);
    }
    let text = String::from_utf8_lossy(&tail);
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
}
