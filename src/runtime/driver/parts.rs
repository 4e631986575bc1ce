//! What a driver is put together from.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::logs::{Hub, LogPlaces, OutputEvent};
use crate::runtime::clock::Clock;
use crate::runtime::handle::{Handle, Message};
use crate::runtime::launcher::Launcher;
use crate::runtime::narrator::Narrator;
use crate::runtime::os;
use crate::runtime::record::Recorder;
use crate::supervisor::Supervisor;
use crate::supervisor::snapshot::Snapshot;

/// What the driver is made of.
pub struct Parts<S> {
    /// The state machine, not yet begun.
    pub supervisor: Supervisor,
    /// Whoever executes programs.
    pub spawner: S,
    /// Whoever reads their output.
    pub hub: Hub,
    /// Where the output of processes goes.
    pub logs: LogPlaces,
    /// What the output thread says.
    pub output: mpsc::UnboundedReceiver<OutputEvent>,
    /// From process to spawn.
    pub launcher: Arc<Launcher>,
    /// What others hold of us: for what we ask of ourselves, and where extensions are made known.
    pub handle: Handle,
    /// What is asked from outside.
    pub messages: mpsc::UnboundedReceiver<Message>,
    /// Where views go.
    pub snapshots: watch::Sender<Snapshot>,
    /// The clocks.
    pub clock: Clock,
    /// Whoever tells the user.
    pub narrator: Box<dyn Narrator>,
    /// How programs get their streams.
    pub terminals: Terminals,
    /// Nothing is shown on our stdout, so that an output which is to go there has to be written there.
    pub is_quiet: bool,
    /// Whether the project ends when nobody can read its screen any more. One that is to be left running goes on.
    pub ends_with_screen: bool,
    /// Children that we had before, which no sweep touches.
    pub inherited: os::Inherited,
    /// Where notify sockets are made.
    pub runtime_directory: PathBuf,
    /// `RUN_RECORD`.
    pub recorder: Option<Recorder>,
}

/// Whether programs with `tty = "auto"` get a terminal, and how much of ours a prefix takes.
#[derive(Debug, Clone, Copy)]
pub struct Terminals {
    /// Our stdout is a terminal.
    pub automatic: bool,
    /// Columns before each line.
    pub prefix_columns: u16,
}
