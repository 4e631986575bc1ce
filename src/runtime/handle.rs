//! The cloneable remote of a running project: send commands, read snapshots. Everything outside the driver holds one of these.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use crate::model::{Now, Project};
use crate::plan::ports::Ports;
use crate::runtime::clock::Clock;
use crate::supervisor::action::Outcome;
use crate::supervisor::event::Command;
use crate::supervisor::snapshot::Snapshot;

/// What never changes while a project is up, for readers of its status.
#[derive(Debug)]
pub struct Facts {
    /// Display name, fixed at `up`.
    pub name: String,
    /// The project as loaded.
    pub project: Project,
    /// The ports that were assigned.
    pub ports: Ports,
    /// Where logs and state are kept, `None` when there is no such place.
    pub state_directory: Option<PathBuf>,
    /// Pid of the supervisor.
    pub pid: u32,
    /// What the user should know as a whole: a port that was moved, a log that cannot be kept.
    pub notes: Vec<String>,
}

/// A command on its way to the driver, and where its answer goes. Dropping the receiver cancels the waiting, not the command.
#[derive(Debug)]
pub struct Request {
    /// What is asked.
    pub command: Command,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Outcome>,
}

/// The driver is gone, so nothing can be asked any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the project has ended")]
pub struct Gone;

/// The cloneable remote.
#[derive(Debug, Clone)]
pub struct Handle {
    /// Unbounded: every command comes from a connection or a key press, whose number is bounded where they enter.
    commands: mpsc::UnboundedSender<Request>,
    snapshots: watch::Receiver<Snapshot>,
    facts: Arc<Facts>,
    clock: Clock,
}

impl Handle {
    /// Ties a remote to a driver's ends.
    pub fn new(
        commands: mpsc::UnboundedSender<Request>,
        snapshots: watch::Receiver<Snapshot>,
        facts: Arc<Facts>,
        clock: Clock,
    ) -> Self {
        Self { commands, snapshots, facts, clock }
    }

    /// Sends a command and waits for its answer.
    pub async fn request(&self, command: Command) -> Result<Outcome, Gone> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Request { command, reply }).map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
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

    /// The clocks that the snapshot's times are read on.
    pub fn now(&self) -> Now {
        self.clock.now()
    }
}
