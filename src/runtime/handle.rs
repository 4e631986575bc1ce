//! The cloneable remote of a running project: send commands, read snapshots. Everything outside the driver holds one of these.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot, watch};

use crate::codec::attach::WindowSize;
use crate::codec::extension::{CallError, MethodDescription};
use crate::codec::xmlrpc::Value;
use crate::logs::LogDesk;
use crate::model::{ConfigNews, ConfigRefusal, ConfigWish, Now, ProcessId, ProgramName, Project, ReloadPlan};
use crate::runtime::clock::Clock;
pub use crate::runtime::console::ConsoleKind;
use crate::runtime::console::ConsoleWish;
use crate::runtime::extension::Extensions;
use crate::runtime::reload::{Desk, Reading};
pub use crate::runtime::stdin::Unwritten;
use crate::supervisor::action::Outcome;
use crate::supervisor::event::{Command, RequestId, Urgency};
use crate::supervisor::snapshot::Snapshot;

/// What never changes while a project is up, for readers of its status.
#[derive(Debug)]
pub struct Facts {
    /// Display name, fixed at `up`.
    pub name: String,
    /// Where logs and state are kept, `None` when there is no such place.
    pub state_directory: Option<PathBuf>,
    /// Pid of the supervisor.
    pub pid: u32,
}

/// What reaches the driver.
#[derive(Debug)]
pub enum Message {
    /// A command, and where its answer goes.
    Ask {
        /// Its name, used once.
        id: RequestId,
        /// What is asked.
        command: Command,
        /// Where the answer goes.
        reply: oneshot::Sender<Outcome>,
    },
    /// Whoever asked no longer waits. The command stands.
    Forget(RequestId),
    /// Files have changed that these processes watch.
    FilesChanged {
        /// Whose.
        processes: Vec<ProcessId>,
        /// Which, as people name them.
        files: Vec<String>,
    },
    /// Something to tell of the config.
    Config(ConfigNews),
    /// What an attached client wants.
    Console(ConsoleWish),
    /// A key or a request that ends the project, as a signal would.
    Terminate(Urgency),
}

/// The driver is gone, so nothing can be asked any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the project has ended")]
pub struct Gone;

/// The cloneable remote.
#[derive(Debug, Clone)]
pub struct Handle {
    /// Unbounded: every message comes from a connection or a key press, whose number is bounded where they enter.
    messages: mpsc::UnboundedSender<Message>,
    snapshots: watch::Receiver<Snapshot>,
    facts: Arc<Facts>,
    clock: Clock,
    logs: LogDesk,
    next_id: Arc<AtomicU64>,
    extensions: Extensions,
    desk: Option<Arc<Desk>>,
}

impl Handle {
    /// Ties a remote to a driver's ends.
    pub fn new(
        messages: mpsc::UnboundedSender<Message>,
        snapshots: watch::Receiver<Snapshot>,
        facts: Arc<Facts>,
        clock: Clock,
    ) -> Self {
        let (logs, extensions) = (LogDesk::default(), Extensions::default());
        Self { messages, snapshots, facts, clock, logs, next_id: Arc::default(), extensions, desk: None }
    }

    /// The same, with logs that can be read and cleared.
    #[must_use]
    pub fn with_logs(self, logs: LogDesk) -> Self {
        Self { logs, ..self }
    }

    /// The same remote, able to read the config again.
    #[must_use]
    pub fn with_desk(self, desk: Desk) -> Self {
        Self { desk: Some(Arc::new(desk)), ..self }
    }

    /// Sends a command and waits for its answer. Dropping the future ends the waiting, not the command.
    pub async fn request(&self, command: Command) -> Result<Outcome, Gone> {
        let id = RequestId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let (reply, answer) = oneshot::channel();
        self.messages.send(Message::Ask { id, command, reply }).map_err(|_| Gone)?;
        let mut guard = ForgetOnDrop { id, messages: Some(self.messages.clone()) };
        let outcome = answer.await.map_err(|_| Gone);
        guard.disarm();
        outcome
    }

    /// Sees to the config, off the loop and one wish at a time; the view that an answer speaks of is published before it.
    pub async fn config(&self, wish: ConfigWish) -> Result<ReloadPlan, ConfigRefusal> {
        match &self.desk {
            Some(desk) => desk.perform(self, wish).await,
            None => Err(ConfigRefusal::NoConfig),
        }
    }

    /// Reads the config, and does nothing with it; `None` where there is none to read.
    pub async fn read_config(&self) -> Option<Reading> {
        self.desk.as_ref()?.look(self).await
    }

    /// Takes over what was read, against the state when its turn has come.
    pub async fn take_over(&self, reading: Reading) -> Result<ReloadPlan, ConfigRefusal> {
        match &self.desk {
            Some(desk) => desk.take(self, reading).await,
            None => Err(ConfigRefusal::NoConfig),
        }
    }

    /// Tells the user what a watched config has to say.
    pub fn tell(&self, news: ConfigNews) {
        // A driver that is gone tells nobody.
        let _ = self.messages.send(Message::Config(news));
    }

    /// Says that files have changed which processes watch.
    pub fn files_changed(&self, processes: Vec<ProcessId>, files: Vec<String>) {
        // A driver that is gone restarts nobody.
        let _ = self.messages.send(Message::FilesChanged { processes, files });
    }

    /// What the config said when it was last read; `None` before it was read again.
    pub fn last_read(&self) -> Option<Arc<Project>> {
        self.desk.as_ref().and_then(|desk| desk.last_read())
    }

    /// The number given to a program's port; `None` as name means its main one.
    pub fn port(&self, program: &ProgramName, name: Option<&str>) -> Option<u16> {
        self.snapshots.borrow().ports.get(program, name)
    }

    /// Ends the project as a signal would.
    pub fn terminate(&self, urgency: Urgency) {
        // A driver that is gone has ended already.
        let _ = self.messages.send(Message::Terminate(urgency));
    }

    /// What the stdin of a process is.
    pub async fn console_kind(&self, process: ProcessId) -> Result<ConsoleKind, Gone> {
        let (reply, answer) = oneshot::channel();
        self.wish(ConsoleWish::Kind { process, reply })?;
        answer.await.map_err(|_| Gone)
    }

    /// Writes to the stdin of a process, or gives the bytes back and says why not.
    pub async fn type_in(&self, process: ProcessId, bytes: Vec<u8>) -> Result<Result<(), (Unwritten, Vec<u8>)>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.wish(ConsoleWish::Type { process, bytes, reply })?;
        answer.await.map_err(|_| Gone)
    }

    /// Ends the stdin of a process whose stdin is a pipe.
    pub fn end_stdin(&self, process: ProcessId) -> Result<(), Gone> {
        self.wish(ConsoleWish::End { process })
    }

    /// Shows a process on a client's terminal of this size, `None`: no longer. The client who came last has the say.
    pub fn show_on(&self, process: ProcessId, viewer: u64, size: Option<WindowSize>, redraw: bool) -> Result<(), Gone> {
        self.wish(ConsoleWish::Screen { process, viewer, size, redraw })
    }

    /// A number that nobody else has.
    pub fn viewer(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn wish(&self, wish: ConsoleWish) -> Result<(), Gone> {
        self.messages.send(Message::Console(wish)).map_err(|_| Gone)
    }

    /// The latest view.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshots.borrow().clone()
    }

    /// Waits until there is a newer view than the last one returned here.
    pub async fn changed(&mut self) -> Result<Snapshot, Gone> {
        self.snapshots.changed().await.map_err(|_| Gone)?;
        Ok(self.snapshots.borrow_and_update().clone())
    }

    /// What never changes.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Asks the program that serves a namespace; see [`Extensions::call`].
    pub async fn call_extension(&self, namespace: &str, method: &str, params: Vec<Value>) -> Result<Value, CallError> {
        let params = params.into_iter().map(Into::into).collect();
        self.extensions.call(namespace, method, params).await.map(Value::from)
    }

    /// What a namespace serves, as its program has said last; `None` when it has said nothing yet.
    pub fn methods_of(&self, namespace: &str) -> Option<Arc<[MethodDescription]>> {
        self.extensions.methods_of(namespace)
    }

    /// Where the driver makes the extensions known.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The logs.
    pub fn logs(&self) -> &LogDesk {
        &self.logs
    }

    /// The clocks that the snapshot's times are read on.
    pub fn now(&self) -> Now {
        self.clock.now()
    }
}

/// Tells the driver when whoever asked goes away before the answer.
struct ForgetOnDrop {
    id: RequestId,
    messages: Option<mpsc::UnboundedSender<Message>>,
}

impl ForgetOnDrop {
    /// The answer has come: nobody goes away before it any more.
    fn disarm(&mut self) {
        self.messages = None;
    }
}

impl Drop for ForgetOnDrop {
    fn drop(&mut self) {
        if let Some(messages) = &self.messages {
            let _ = messages.send(Message::Forget(self.id));
        }
    }
}
