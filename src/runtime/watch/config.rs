//! The files of the config: what is seen of them, whether it is news, and what follows from that.
//!
//! Content decides, not times: a file is another one when its hash is. What does not load, or would remove something, is acted on
//! only when it has been quiet for longer, because half a file is often a valid one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::eyes::{Eyes, Wish};
use super::settle::{Seen, Settling};
use super::trail::{Entries, trails};
use crate::model::status::SourceMark;
use crate::model::{ConfigNews, ConfigRefusal, Effect, Moment, Project, ReloadMode};
use crate::runtime::handle::Handle;
use crate::runtime::load::is_as_marked;
use crate::runtime::os::{Glimpse, What};
use crate::runtime::reload::Reading;
use crate::supervisor::snapshot::Snapshot;

/// An entry of a directory.
type Entry = (PathBuf, OsString);

/// What is known of the files.
#[derive(Debug, Default)]
pub(super) struct ConfigWatch {
    /// What the project in force was read from.
    active: Option<Arc<[SourceMark]>>,
    mode: Option<ReloadMode>,
    /// The files as they were when they were last read, whatever came of it.
    marks: Vec<SourceMark>,
    /// What is watched for them.
    entries: BTreeMap<PathBuf, Entries>,
    settling: Settling<Entry>,
    /// What they say is not what runs, and that was told.
    is_told: bool,
    /// The kernel does not tell; said once.
    polling: bool,
}

impl ConfigWatch {
    /// Takes in what the project in force was read from, if that is another than before.
    pub(super) async fn adopt(&mut self, handle: &Handle, eyes: &mut Eyes) {
        let snapshot = handle.snapshot();
        let mode = snapshot.project.reload;
        let is_known = self.active.as_ref().is_some_and(|active| Arc::ptr_eq(active, &snapshot.sources));
        if is_known && self.mode == Some(mode) {
            return;
        }
        self.mode = Some(mode);
        self.active = Some(Arc::clone(&snapshot.sources));
        self.marks = snapshot.sources.to_vec();
        self.is_told = false;
        self.aim(handle, &snapshot.project, eyes).await;
    }

    /// Watches what the files need now. Whatever is watched for the first time may have changed before.
    async fn aim(&mut self, handle: &Handle, project: &Project, eyes: &mut Eyes) {
        let entries = if self.is_off() {
            BTreeMap::new()
        } else {
            let (marks, root) = (self.marks.clone(), project.root.clone());
            let Ok(entries) = spawn_blocking(move || trails(&marks, &root)).await else { return };
            entries
        };
        self.aim_at(entries, handle, eyes);
    }

    fn aim_at(&mut self, entries: BTreeMap<PathBuf, Entries>, handle: &Handle, eyes: &mut Eyes) {
        self.entries = entries;
        match eyes.want(Wish::Config, self.entries.keys().cloned().collect()) {
            Ok(true) => self.settling.saw(handle.now().mono, Entry::default(), Seen::Whole),
            Ok(false) => {}
            Err(why) if !self.polling => {
                self.polling = true;
                let why = format!("{why}: the config is looked at every second instead");
                handle.tell(ConfigNews::Unwatched { why });
            }
            Err(_) => {}
        }
    }

    fn is_off(&self) -> bool {
        self.mode.is_none_or(|mode| mode == ReloadMode::Off)
    }

    /// When to look.
    pub(super) fn due(&self) -> Option<Moment> {
        self.settling.due()
    }

    /// Whether to look from time to time.
    pub(super) fn is_polling(&self) -> bool {
        self.polling && !self.is_off()
    }

    /// Takes in what was seen.
    pub(super) fn seen(&mut self, glimpses: &[Glimpse], now: Moment) {
        for glimpse in glimpses {
            match glimpse {
                Glimpse::Entry { directory, name, what, is_directory } => {
                    let comes_or_goes =
                        matches!(what, What::Appeared | What::Vanished) || (*what == What::Written && !*is_directory);
                    let counts = self.entries.get(directory).is_some_and(|entries| entries.has(name, comes_or_goes));
                    if counts {
                        self.settling.saw(now, (directory.clone(), name.clone()), seen_of(*what));
                    }
                }
                Glimpse::Left(directory) if self.entries.contains_key(directory) => {
                    self.settling.saw(now, (directory.clone(), OsString::new()), Seen::Part);
                }
                Glimpse::Left(_) => {}
                Glimpse::Missed => self.settling.saw(now, Entry::default(), Seen::Part),
            }
        }
    }

    /// Looks whether anything is other than it was, without being told.
    pub(super) async fn poll(&mut self, now: Moment) {
        if self.due().is_none() && !self.is_as_it_was().await {
            self.settling.saw(now, Entry::default(), Seen::Part);
        }
    }

    async fn is_as_it_was(&self) -> bool {
        let marks = self.marks.clone();
        spawn_blocking(move || marks.iter().all(is_as_marked)).await.unwrap_or(true)
    }

    /// What is to be watched, where nothing is other than it was: most often a look finds nothing new, and then it is all that is to be done.
    async fn trails_as_it_was(&self, project: &Project) -> Option<BTreeMap<PathBuf, Entries>> {
        let (marks, root, is_off) = (self.marks.clone(), project.root.clone(), self.is_off());
        let look = move || {
            marks.iter().all(is_as_marked).then(|| if is_off { BTreeMap::new() } else { trails(&marks, &root) })
        };
        spawn_blocking(look).await.ok().flatten()
    }

    /// A save is over: if it changed anything, it is read, and what follows is done.
    pub(super) async fn look(&mut self, handle: &Handle, eyes: &mut Eyes) {
        let has_rested = self.settling.has_rested(handle.now().mono);
        if let Some(entries) = self.trails_as_it_was(&handle.snapshot().project).await {
            self.settling.done(handle.now().mono);
            return self.aim_at(entries, handle, eyes);
        }
        let Some(reading) = handle.read_config().await else { return self.settling.done(handle.now().mono) };
        let snapshot = handle.snapshot();
        if is_grave(&snapshot, &reading) && !has_rested {
            return self.settling.postpone();
        }
        let before = std::mem::replace(&mut self.marks, reading.sources.clone());
        let files = shown(&before, &reading.sources, &snapshot.project.root);
        self.act(handle, &snapshot, files, reading).await;
        self.settling.done(handle.now().mono);
        let project = handle.snapshot().project;
        self.aim(handle, &project, eyes).await;
    }

    async fn act(&mut self, handle: &Handle, snapshot: &Snapshot, files: Vec<String>, reading: Reading) {
        let was_told = std::mem::replace(&mut self.is_told, true);
        let refused = |why: String| handle.tell(ConfigNews::Refused { files: files.clone(), why });
        let project = match &reading.project {
            Ok(project) => Arc::clone(project),
            Err(why) => return refused(why.to_string()),
        };
        if *reading.sources == *snapshot.sources {
            // As it was before a mistake, or before a change that nobody asked for.
            self.is_told = false;
            if was_told && !self.is_off() {
                handle.tell(ConfigNews::AsBefore { files });
            }
            return;
        }
        match self.mode {
            Some(ReloadMode::Auto) => match handle.take_over(reading).await {
                Err(ConfigRefusal::Unreadable { text: why, .. } | ConfigRefusal::Unfit(why)) => refused(why),
                Ok(_) | Err(ConfigRefusal::Ending | ConfigRefusal::NoConfig) => {}
            },
            Some(ReloadMode::Ask) => {
                let plan = Box::new(snapshot.diff(&project));
                handle.tell(ConfigNews::Offered { files, plan });
            }
            Some(ReloadMode::Off) | None => {}
        }
    }
}

fn seen_of(what: What) -> Seen {
    match what {
        What::Written => Seen::Whole,
        What::Appeared | What::Vanished | What::Touched => Seen::Part,
        What::Mode => Seen::Beside,
    }
}

/// A text that does not load, or that lost programs, may be half of one.
fn is_grave(snapshot: &Snapshot, reading: &Reading) -> bool {
    match &reading.project {
        Ok(project) => snapshot.diff(project).with(Effect::Remove).next().is_some(),
        Err(_) => true,
    }
}

fn shown(before: &[SourceMark], now: &[SourceMark], root: &Path) -> Vec<String> {
    SourceMark::differing(before, now).map(|mark| mark.shown(root)).collect()
}
