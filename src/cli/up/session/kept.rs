//! What is known of a project when it is up no more: who it was, and how it has ended.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout_at;

use crate::cli::project::LAST_STATUS;
use crate::cli::up::session::Session;
use crate::logs::Hub;
use crate::model::Word;
use crate::model::supervisord::LogLevel;
use crate::registry::{self, Meta};
use crate::runtime::handle::Handle;
use crate::serve;
use crate::supervisor::snapshot::{OffBecause, ProcessInfo, Snapshot};

/// What can wait is done this long after the beginning.
const FIRST_MOMENT: Duration = Duration::from_millis(50);

impl Session<'_> {
    /// Writes down what is to be known of the project later. Not at once, since the first programs are about to start, and a file that
    /// takes another's place waits for the disk.
    pub(super) fn remember(&self, handle: &Handle, hub: &Hub, is_quiet: bool) -> JoinHandle<()> {
        let project = &self.loaded.project;
        let mut meta = Meta {
            name: self.loaded.display_name.clone(),
            root: project.root.display().to_string(),
            explicit_name: self.settings.name.clone(),
            files: self.loaded.file_names(),
            processes: project.processes().map(|(_, _, instance)| instance.name.clone()).collect(),
            ups: 0,
            since: handle.now().wall,
        };
        let (places, hub) = (self.loaded.places.clone(), hub.clone());
        let write = move || {
            meta.ups = registry::up_number(&places);
            let Err(error) = registry::write_meta(&places, &meta) else { return };
            let line = format!("the state directory cannot be written: {error}");
            if is_quiet {
                hub.log(LogLevel::Warn, meta.since, line);
            } else {
                hub.say(format!("  {line}"));
            }
        };
        let mut handle = handle.clone();
        tokio::task::spawn_local(async move {
            let until = tokio::time::Instant::now() + FIRST_MOMENT;
            // An error: everything is over already.
            while let Ok(Ok(_)) = timeout_at(until, handle.changed()).await {}
            // It can only have panicked.
            tokio::task::spawn_blocking(write).await.ok();
        })
    }

    /// For `status` and `why` after the end.
    pub(super) fn keep_last_status(&self, handle: &Handle, usage: serve::UsageSource) {
        let Some(directory) = &self.loaded.places.state_dir else { return };
        let status = serve::door::Door::new(handle.clone(), Some(usage)).status();
        if let Ok(text) = serde_json::to_vec(&status) {
            // A disk that is full now was told of by the logs.
            write_over(&directory.join(LAST_STATUS), &text).ok();
        }
    }
}

/// Whether anybody was wanted until the end and had not done its work.
pub(super) fn was_wanted(snapshot: &Snapshot) -> bool {
    let is_cut_short = |info: &ProcessInfo| info.off_because == Some(OffBecause::Shutdown) && info.word == Word::Off;
    snapshot.processes.iter().any(|info| is_cut_short(info))
}

/// Writes over what is there. Cut off first, it would go to the disk at once on ext4 (`auto_da_alloc`), with our end waiting for it.
fn write_over(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.write_all(text)?;
    file.set_len(text.len() as u64)
}
