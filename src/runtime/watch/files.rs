//! The files that programs watch: from what is seen to the processes that it concerns. What follows is the supervisor's to decide.
//!
//! Looking takes its time in a large tree, so it is done in a task that may block, one look at a time; what is seen meanwhile is
//! looked at next. What a look has found is told when nothing more was seen meanwhile: a checkout is one change, however large.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::eyes::{Eyes, Wish};
use super::patterns::Patterns;
use super::tree::{Changes, Tree};
use crate::model::units::MOST_FILES;
use crate::model::{ConfigNews, ProcessId, Program, ProgramName, Project, WallTime};
use crate::runtime::handle::Handle;
use crate::runtime::launcher::Launcher;
use crate::runtime::os::{Glimpse, What};

/// What was found is told after so long at the latest, also where more and more is seen.
const MOST_HELD: Duration = Duration::from_secs(2);

/// The clock that files are stamped by stands still between the ticks of the kernel (`CONFIG_HZ` of 100 at the slowest).
const TICK_MILLIS: u64 = 10;

/// What says which files are ignored.
const IGNORES: [&str; 2] = [".gitignore", ".ignore"];

/// The same patterns from the same directory, for all programs that have them.
#[derive(Debug)]
struct Group {
    base: PathBuf,
    /// As they stand in the config.
    written: Vec<String>,
    patterns: Arc<Patterns>,
    programs: Vec<ProgramName>,
}

/// A group with its files, and what has changed among them and is not told yet.
#[derive(Debug)]
struct Watched {
    group: Group,
    tree: Tree,
    /// Between two looks, and what it was when that was last told.
    changed: Changes,
    /// Before the first look, and when: of concern to whoever was started before that.
    early: BTreeMap<PathBuf, WallTime>,
}

impl Watched {
    /// While the directory is gone there is none: what runs in it could not be started again, and it may come back as it was.
    fn has_news(&self) -> bool {
        (!self.changed.is_empty() || !self.early.is_empty()) && self.group.base.is_dir()
    }

    fn look(mut self, everything: bool, dirty: &BTreeSet<PathBuf>) -> Self {
        let changed = if everything { self.tree.look_again() } else { self.tree.look_into(dirty) };
        for (file, was) in changed {
            self.changed.entry(file).or_insert(was);
        }
        let tree = &self.tree;
        self.changed.retain(|file, was| tree.stamp(file) != *was);
        self
    }
}

/// What a look has brought.
#[derive(Debug)]
pub(super) struct Looked(Vec<Watched>);

/// All that is watched for programs.
#[derive(Debug)]
pub(super) struct FilesWatch {
    launcher: Arc<Launcher>,
    /// The project that is watched for.
    project: Option<Arc<Project>>,
    /// Its programs are not looked through yet, and what was changed since then is news to them.
    is_new: Option<WallTime>,
    /// Before the first program.
    begun: WallTime,
    /// Away while somebody looks.
    groups: Vec<Watched>,
    is_looking: bool,
    /// What the groups mean; unknown while they are looked through for the first time.
    patterns: Option<Vec<Arc<Patterns>>>,
    /// Something was found and not told since then, because more was seen.
    held: Option<Instant>,
    /// Where something was seen.
    dirty: BTreeSet<PathBuf>,
    /// More was seen than could be told.
    all_dirty: bool,
    watched: BTreeSet<PathBuf>,
    polling: bool,
    looked: mpsc::UnboundedSender<Looked>,
}

impl FilesWatch {
    /// Nothing is watched yet, and no program has begun. Looks come back through the channel; there is one at a time, so it needs
    /// no bound.
    pub(super) fn new(launcher: Arc<Launcher>, begun: WallTime) -> (Self, mpsc::UnboundedReceiver<Looked>) {
        let (looked, news) = mpsc::unbounded_channel();
        let files = Self {
            launcher,
            project: None,
            is_new: None,
            begun,
            groups: Vec::new(),
            is_looking: false,
            patterns: None,
            held: None,
            dirty: BTreeSet::new(),
            all_dirty: false,
            watched: BTreeSet::new(),
            polling: false,
            looked,
        };
        (files, news)
    }

    /// Takes in what programs watch, if the project is another than before.
    pub(super) fn adopt(&mut self, handle: &Handle) {
        let snapshot = handle.snapshot();
        if self.project.as_ref().is_some_and(|project| Arc::ptr_eq(project, &snapshot.project)) {
            return;
        }
        self.launcher = Arc::new(self.launcher.with(Arc::clone(&snapshot.project), Arc::clone(&snapshot.ports)));
        let had_any = self.project.as_ref().is_some_and(|project| watchers(project).next().is_some());
        if had_any || watchers(&snapshot.project).next().is_some() {
            // A stamp is never ahead of its writing: what came before the first program, be it within the same tick, is older.
            let since = match self.project {
                None => self.begun.0 + 1,
                Some(_) => handle.now().wall.0.saturating_sub(TICK_MILLIS),
            };
            self.is_new.get_or_insert(WallTime(since));
        }
        self.project = Some(snapshot.project);
        self.look_if_needed();
    }

    /// Takes in what was seen.
    pub(super) fn seen(&mut self, glimpses: &[Glimpse]) {
        for glimpse in glimpses {
            match glimpse {
                Glimpse::Entry { directory, name, what, is_directory } => {
                    if !self.watched.contains(directory) {
                        continue;
                    }
                    let path = directory.join(name);
                    let counts = match (is_directory, what) {
                        (true, What::Appeared | What::Vanished) => true,
                        (true, What::Written | What::Touched | What::Mode) | (false, What::Mode) => false,
                        (false, _) => self.is_meant(&path),
                    };
                    if counts {
                        self.dirty.insert(directory.clone());
                    }
                    self.all_dirty |= IGNORES.iter().any(|ignores| name == *ignores);
                }
                Glimpse::Left(directory) => self.left(directory),
                Glimpse::Missed => self.all_dirty = true,
            }
        }
        self.look_if_needed();
    }

    fn is_meant(&self, path: &Path) -> bool {
        self.patterns.as_ref().is_none_or(|all| all.iter().any(|patterns| patterns.has(path)))
    }

    /// A directory is gone, or another one is there by its name: so it may be with all that lay below it.
    fn left(&mut self, directory: &Path) {
        let gone = self.watched.extract_if(.., |path| path.starts_with(directory));
        self.dirty.extend(gone);
    }

    /// Whether to look from time to time.
    pub(super) fn is_polling(&self) -> bool {
        self.polling && !self.groups.is_empty()
    }

    /// Looks at everything without being told.
    pub(super) fn poll(&mut self) {
        self.all_dirty = true;
        self.look_if_needed();
    }

    /// Whether there is something to look at.
    fn is_dirty(&self) -> bool {
        self.is_new.is_some() || self.all_dirty || !self.dirty.is_empty()
    }

    fn look_if_needed(&mut self) {
        if self.is_looking || !self.is_dirty() {
            return;
        }
        self.is_looking = true;
        let new = self.is_new.take().map(|since| (Arc::clone(&self.launcher), since));
        if new.is_some() {
            self.patterns = None;
        }
        let (everything, dirty) = (std::mem::take(&mut self.all_dirty), std::mem::take(&mut self.dirty));
        let (groups, looked) = (std::mem::take(&mut self.groups), self.looked.clone());
        spawn_blocking(move || {
            let found = match new {
                Some((launcher, since)) => regrouped(&launcher, groups, since),
                None => groups.into_iter().map(|watched| watched.look(everything, &dirty)).collect(),
            };
            // The watcher may be gone by now.
            let _ = looked.send(Looked(found));
        });
    }

    /// A look is over: watches what is there now, and tells the supervisor what has changed.
    pub(super) fn looked(&mut self, Looked(found): Looked, handle: &Handle, eyes: &mut Eyes) {
        self.is_looking = false;
        self.groups = found;
        self.patterns = Some(self.groups.iter().map(|watched| Arc::clone(&watched.group.patterns)).collect());
        self.watch(handle, eyes);
        if self.is_to_be_told(Instant::now()) {
            let root = self.project.as_ref().map(|project| project.root.as_path());
            for watched in self.groups.iter_mut().filter(|watched| watched.has_news()) {
                tell(watched, root, handle);
            }
        }
        self.look_if_needed();
    }

    /// Whether what was found is all that there is to tell, or has waited for more for long enough.
    fn is_to_be_told(&mut self, now: Instant) -> bool {
        if !self.groups.iter().any(Watched::has_news) {
            self.held = None;
            return false;
        }
        let since = *self.held.get_or_insert(now);
        let is_time = !self.is_dirty() || now >= since + MOST_HELD;
        self.held = self.held.filter(|_| !is_time);
        is_time
    }

    /// What is watched for the first time may have changed since it was looked at.
    fn watch(&mut self, handle: &Handle, eyes: &mut Eyes) {
        let directories: BTreeSet<PathBuf> =
            self.groups.iter().flat_map(|watched| watched.tree.directories()).cloned().collect();
        if self.polling || directories == self.watched {
            return;
        }
        let new: Vec<PathBuf> = directories.difference(&self.watched).cloned().collect();
        match eyes.want(Wish::Files, directories.clone()) {
            Ok(_) => {
                self.dirty.extend(new);
                self.watched = directories;
            }
            Err(why) => {
                (self.polling, self.all_dirty) = (true, true);
                self.watched.clear();
                handle.tell(ConfigNews::Unwatched {
                    why: format!("{why}: watched files are looked at every second instead"),
                });
            }
        }
    }
}

/// The programs that watch files and may run.
fn watchers(project: &Project) -> impl Iterator<Item = &Program> {
    project.programs.iter().filter(|program| !program.watch.is_empty() && project.is_active(program))
}

/// What is watched, each once.
fn groups(launcher: &Launcher) -> Vec<Group> {
    let mut all: BTreeMap<(PathBuf, Vec<String>), Vec<ProgramName>> = BTreeMap::new();
    for program in watchers(&launcher.project) {
        let launch = program.instances.first().and_then(|instance| launcher.launch(program, instance).ok());
        let directory = launch.map_or_else(|| launcher.project.root.clone(), |launch| launch.directory);
        // Links on the way are followed once, so that a path has one name.
        let directory = std::fs::canonicalize(&directory).unwrap_or(directory);
        all.entry((directory, program.watch.clone())).or_default().push(program.name.clone());
    }
    let group = |((base, written), programs): ((PathBuf, Vec<String>), Vec<ProgramName>)| Group {
        patterns: Arc::new(Patterns::new(&base, &written)),
        base,
        written,
        programs,
    };
    all.into_iter().map(group).collect()
}

/// Tells what has changed to those whom it concerns.
fn tell(watched: &mut Watched, root: Option<&Path>, handle: &Handle) {
    let (changed, early) = (std::mem::take(&mut watched.changed), std::mem::take(&mut watched.early));
    let group = &watched.group;
    let snapshot = handle.snapshot();
    let theirs = || snapshot.processes.iter().filter(|info| group.programs.contains(&info.program));
    let name = |path: &PathBuf| shown(path, &group.base, root);
    // A file from the future says nothing: its file system has another clock.
    let until = handle.now().wall;
    for info in theirs().filter(|info| info.started_wall.0 > 0) {
        let since_start = early.iter().filter(|(_, at)| at.0 + TICK_MILLIS > info.started_wall.0 && **at <= until);
        let files: Vec<String> = since_start.take(MOST_FILES).map(|(path, _)| name(path)).collect();
        if !files.is_empty() {
            handle.files_changed(vec![info.id], files);
        }
    }
    if !changed.is_empty() {
        let processes: Vec<ProcessId> = theirs().map(|info| info.id).collect();
        handle.files_changed(processes, changed.keys().take(MOST_FILES).map(name).collect());
    }
}

/// The groups of another project. Files that were watched before are compared with what they were: a checkout changes the config and
/// the sources at once. Of the others it counts what was changed since then.
fn regrouped(launcher: &Launcher, mut before: Vec<Watched>, since: WallTime) -> Vec<Watched> {
    let found = groups(launcher).into_iter().map(|group| {
        let is_same = |old: &Watched| old.group.base == group.base && old.group.written == group.written;
        if let Some(at) = before.iter().position(is_same) {
            return Watched { group, ..before.swap_remove(at) }.look(true, &BTreeSet::new());
        }
        let tree = Tree::new(Arc::clone(&group.patterns));
        let early = tree.changed_since(since);
        Watched { group, tree, changed: Changes::new(), early }
    });
    found.collect()
}

fn shown(path: &Path, base: &Path, root: Option<&Path>) -> String {
    let short = path.strip_prefix(base).ok().or_else(|| path.strip_prefix(root?).ok());
    short.unwrap_or(path).display().to_string()
}
