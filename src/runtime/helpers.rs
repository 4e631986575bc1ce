//! Commands that are not programs of the project: exec probes and hooks. They are forked by the spawner like everything else, and
//! swept with all they started.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Duration, timeout};

use crate::model::{Exit, ProcessId, Variables};
use crate::probe::{RunCommand, Running};
use crate::runtime::launcher::os_strings;
use crate::runtime::os;
use crate::runtime::spawner::{Account, Key, SpawnOrder, Stdio};
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
        /// What it is for.
        what: HelperWork,
    },
    /// Nobody waits for it any more: end it.
    Cancel(u64),
}

/// What a helper is for, and where its end is told.
#[derive(Debug)]
pub enum HelperWork {
    /// A probe: its last line is part of the answer.
    Probe(oneshot::Sender<io::Result<(Exit, String)>>),
    /// A hook: what it says is output of the process.
    Hook(HookInput, oneshot::Sender<io::Result<Exit>>),
}

impl HelperWork {
    /// Tells the end of one that was not even begun. Nobody may be waiting any more.
    pub fn answer(self, end: io::Result<Exit>) {
        match self {
            Self::Probe(reply) => drop(reply.send(end.map(|exit| (exit, String::new())))),
            Self::Hook(_, reply) => drop(reply.send(end)),
        }
    }
}

/// Where a helper runs, and as whom: as its process does.
#[derive(Debug)]
pub struct Place {
    /// The whole environment.
    pub environment: Variables,
    /// Absolute.
    pub directory: PathBuf,
    /// `None`: as we do.
    pub user: Option<Account>,
}

/// What a hook is told.
#[derive(Debug)]
pub struct HookInput {
    /// The run that it is about.
    pub run: u32,
    /// Variables beside those of the process.
    pub variables: Vec<(String, String)>,
    /// What it reads.
    pub text: String,
}

/// Asks for helpers.
#[derive(Debug, Clone)]
pub struct HelperDesk {
    messages: mpsc::UnboundedSender<HelperMessage>,
    next: Arc<AtomicU64>,
}

impl HelperDesk {
    /// A desk whose messages reach the driver. Unbounded: a process has at most one probe of a kind under way, and a hook a failure.
    pub fn new(messages: mpsc::UnboundedSender<HelperMessage>) -> Self {
        Self { messages, next: Arc::default() }
    }

    /// How probes run their commands in the place of a process.
    pub fn runner(&self, process: ProcessId) -> RunCommand {
        let desk = self.clone();
        Arc::new(move |command: &str| desk.run(process, command.to_owned()))
    }

    fn run(&self, process: ProcessId, command: String) -> Running {
        let (reply, end) = oneshot::channel();
        let guard = self.begin(process, command, HelperWork::Probe(reply));
        Box::pin(finish(guard, end))
    }

    /// Runs a hook. Dropping the future ends it.
    pub async fn run_hook(&self, process: ProcessId, command: String, input: HookInput) -> io::Result<Exit> {
        let (reply, end) = oneshot::channel();
        finish(self.begin(process, command, HelperWork::Hook(input, reply)), end).await
    }

    fn begin(&self, process: ProcessId, command: String, what: HelperWork) -> CancelOnDrop {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // When the driver is gone its end is told by the reply, which is dropped.
        let _ = self.messages.send(HelperMessage::Run { number, process, command, what });
        CancelOnDrop { number, messages: Some(self.messages.clone()) }
    }
}

async fn finish<T>(mut guard: CancelOnDrop, end: oneshot::Receiver<io::Result<T>>) -> io::Result<T> {
    let outcome = end.await.map_err(|_| io::Error::other("the project has ended"));
    guard.disarm();
    outcome?
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
enum Helper {
    Probe { reply: oneshot::Sender<io::Result<(Exit, String)>>, output: JoinHandle<String> },
    Hook { reply: oneshot::Sender<io::Result<Exit>> },
}

impl Helpers {
    /// Prepares one: what the spawner is to be ordered. The output of a hook goes to `join`, with its run.
    pub fn begin(
        &mut self,
        number: u64,
        command: String,
        Place { mut environment, directory, user }: Place,
        what: HelperWork,
        join: impl FnOnce(u32, OwnedFd),
    ) -> io::Result<SpawnOrder> {
        let (ours, theirs) = os::pipe()?;
        if let Some(account) = &user {
            streams::give_to(&theirs, account.uid);
        }
        let (stdin, helper) = match what {
            HelperWork::Probe(reply) => {
                (streams::nothing()?, Helper::Probe { reply, output: tokio::spawn(last_line(ours)) })
            }
            HelperWork::Hook(HookInput { run, variables, text }, reply) => {
                let (stdin, feed) = os::pipe()?;
                tokio::spawn(write_all(feed, text));
                for (name, value) in &variables {
                    environment.set(name, value);
                }
                join(run, ours);
                (stdin, Helper::Hook { reply })
            }
        };
        self.running.insert(number, helper);
        Ok(SpawnOrder {
            key: Key::helper(number),
            argv: os_strings(vec!["/bin/sh".to_owned(), "-c".to_owned(), command]),
            env: environment,
            directory,
            umask: None,
            user,
            stdio: Stdio::Streams { stdin, stdout: theirs, stderr: None },
            sweep: true,
            goes_ahead: false,
        })
    }

    /// One has ended. Nobody may be waiting for it any more.
    pub fn ended(&mut self, number: u64, exit: Exit) {
        match self.running.remove(&number) {
            Some(Helper::Probe { reply, output }) => {
                tokio::spawn(async move {
                    let line = timeout(DRAIN, output).await.ok().and_then(Result::ok).unwrap_or_default();
                    let _ = reply.send(Ok((exit, line)));
                });
            }
            Some(Helper::Hook { reply }) => drop(reply.send(Ok(exit))),
            None => {}
        }
    }

    /// One could not be executed.
    pub fn failed(&mut self, number: u64, errno: i32) {
        let error = io::Error::from_raw_os_error(errno);
        match self.running.remove(&number) {
            Some(Helper::Probe { reply, output }) => {
                output.abort();
                let _ = reply.send(Err(error));
            }
            Some(Helper::Hook { reply }) => drop(reply.send(Err(error))),
            None => {}
        }
    }
}

/// Writes all of it and closes. A reader that goes away, or never reads, ends it with itself.
async fn write_all(fd: OwnedFd, text: String) {
    if let Ok(mut pipe) = Sender::from_owned_fd(fd) {
        // A hook need not read what it is told.
        let _ = pipe.write_all(text.as_bytes()).await;
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
