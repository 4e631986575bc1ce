//! What the driver holds for a process besides the supervisor's books.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use crate::model::{Generation, WallTime};
use crate::probe::ResolvedProbe;
use crate::runtime::stdin::StdinWriter;
use crate::runtime::streams::Console;

/// Of the current or last incarnation.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) generation: Generation,
    pub(super) console: Option<Console>,
    /// Made when something is first written.
    pub(super) stdin: Option<StdinWriter>,
    pub(super) probe: Option<Result<Arc<ResolvedProbe>, String>>,
    /// How often the ready check is made at the least.
    pub(super) every: Duration,
    /// When the first attempt was made.
    pub(super) first_asked: Option<Instant>,
    /// The alive check; resolved when it is first asked, and again when the config is another.
    pub(super) alive: Option<Result<Arc<ResolvedProbe>, String>>,
    pub(super) directory: PathBuf,
    pub(super) started: WallTime,
    /// The attempt, or the wait for a notification, under way.
    pub(super) asking: Option<AbortHandle>,
    /// The attempt of an alive check under way.
    pub(super) checking: Option<AbortHandle>,
    /// What a failure to execute is told with.
    pub(super) spawn_words: SpawnWords,
}

/// What a failure to execute is told with.
#[derive(Debug, Default, Clone)]
pub(super) struct SpawnWords {
    pub(super) program: String,
    pub(super) directory: String,
    pub(super) path_entries: usize,
    pub(super) user: Option<String>,
}
