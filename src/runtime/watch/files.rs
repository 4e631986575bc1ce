//! The files that programs watch: from what is seen to the processes that it concerns. What follows is the supervisor's to decide.
//!
//! Looking takes its time in a large tree, so it is done in a task that may block, one look at a time; what is seen meanwhile is
//! looked at next.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::eyes::{Eyes, Wish};
use super::patterns::Patterns;
use super::tree::Tree;
use crate::model::{ConfigNews, ProcessId, Program, ProgramName, Project};
use crate::runtime::handle::Handle;
use crate::runtime::launcher::Launcher;
use crate::runtime::os::{Glimpse, What};

/// More names than anybody reads are not told.
const MOST_NAMES: usize = 1000;

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

/// What a look has brought: each group with its files, and those that have changed.
#[derive(Debug)]
pub(super) struct Looked(Vec<(Group, Tree, BTreeSet<PathBuf>)>);

/// All that is watched for programs.
#[derive(Debug)]
pub(super) struct FilesWatch {
    launcher: Arc<Launcher>,
    /// The project that is watched for.
    project: Option<Arc<Project>>,
    /// Its programs are not looked through yet.
    is_new: bool,
    /// Away while somebody looks.
    groups: Vec<(Group, Tree)>,
    is_looking: bool,
    /// Where something was seen.
    dirty: BTreeSet<PathBuf>,
    /// More was seen than could be told.
    all_dirty: bool,
    watched: BTreeSet<PathBuf>,
    polling: bool,
    looked: mpsc::UnboundedSender<Looked>,
}

impl FilesWatch {
    /// Nothing is watched yet. Looks come back through the channel; there is one at a time, so it needs no bound.
    pub(super) fn new(launcher: Arc<Launcher>) -> (Self, mpsc::UnboundedReceiver<Looked>) {
        let (looked, news) = mpsc::unbounded_channel();
        let files = Self {
            launcher,
            project: None,
            is_new: false,
            groups: Vec::new(),
            is_looking: false,
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
        self.is_new |= had_any || watchers(&snapshot.project).next().is_some();
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
                        (false, _) => self.is_looking || self.groups.iter().any(|(group, _)| group.patterns.has(&path)),
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

    fn look_if_needed(&mut self) {
        if self.is_looking || !(self.is_new || self.all_dirty || !self.dirty.is_empty()) {
            return;
        }
        self.is_looking = true;
        let launcher = std::mem::take(&mut self.is_new).then(|| Arc::clone(&self.launcher));
        let (everything, dirty) = (std::mem::take(&mut self.all_dirty), std::mem::take(&mut self.dirty));
        let (groups, looked) = (std::mem::take(&mut self.groups), self.looked.clone());
        spawn_blocking(move || {
            let found = match launcher {
                Some(launcher) => regrouped(&launcher, groups),
                None => groups.into_iter().map(|(group, tree)| look(group, tree, everything, &dirty)).collect(),
            };
            // The watcher may be gone by now.
            let _ = looked.send(Looked(found));
        });
    }

    /// A look is over: tells the supervisor what has changed, and watches what is there now.
    pub(super) fn looked(&mut self, Looked(found): Looked, handle: &Handle, eyes: &mut Eyes) {
        self.is_looking = false;
        for (group, _, changed) in found.iter().filter(|(_, _, changed)| !changed.is_empty()) {
            self.tell(group, changed, handle);
        }
        self.groups = found.into_iter().map(|(group, tree, _)| (group, tree)).collect();
        self.watch(handle, eyes);
        self.look_if_needed();
    }

    fn tell(&self, group: &Group, changed: &BTreeSet<PathBuf>, handle: &Handle) {
        let root = self.project.as_ref().map(|project| project.root.as_path());
        let snapshot = handle.snapshot();
        let is_theirs = |name: &ProgramName| group.programs.contains(name);
        let processes: Vec<ProcessId> =
            snapshot.processes.iter().filter(|info| is_theirs(&info.program)).map(|info| info.id).collect();
        let files = changed.iter().take(MOST_NAMES).map(|path| shown(path, &group.base, root)).collect();
        handle.files_changed(processes, files);
    }

    /// What is watched for the first time may have changed since it was looked at.
    fn watch(&mut self, handle: &Handle, eyes: &mut Eyes) {
        let directories: BTreeSet<PathBuf> =
            self.groups.iter().flat_map(|(_, tree)| tree.directories()).cloned().collect();
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

fn look(group: Group, mut tree: Tree, everything: bool, dirty: &BTreeSet<PathBuf>) -> (Group, Tree, BTreeSet<PathBuf>) {
    let changed = if everything { tree.look_again() } else { tree.look_into(dirty) };
    (group, tree, changed)
}

/// The groups of another project. Files that were watched before are compared with what they were: a checkout changes the config and
/// the sources at once.
fn regrouped(launcher: &Launcher, mut before: Vec<(Group, Tree)>) -> Vec<(Group, Tree, BTreeSet<PathBuf>)> {
    let found = groups(launcher).into_iter().map(|group| {
        let same = before.iter().position(|(old, _)| old.base == group.base && old.written == group.written);
        if let Some((_, tree)) = same.map(|at| before.swap_remove(at)) {
            return look(group, tree, true, &BTreeSet::new());
        }
        let tree = Tree::new(Arc::clone(&group.patterns));
        (group, tree, BTreeSet::new())
    });
    found.collect()
}

fn shown(path: &Path, base: &Path, root: Option<&Path>) -> String {
    let short = path.strip_prefix(base).ok().or_else(|| path.strip_prefix(root?).ok());
    short.unwrap_or(path).display().to_string()
}
