//! The files that some patterns mean, as they were at the last look, and what has changed since.
//!
//! What version control ignores is not looked into, nor are `node_modules`, the stores of version control, and directories that
//! say of themselves that they are caches (`CACHEDIR.TAG`, which cargo writes into `target`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::{DirEntry, WalkBuilder};

use super::patterns::{Patterns, Reach};
use crate::model::WallTime;

/// Directories that nobody edits in.
const NEVER: [&str; 5] = ["node_modules", ".git", ".hg", ".svn", ".jj"];

/// Files that have changed, each with what it was before; `None` for one that was not there.
pub(super) type Changes = BTreeMap<PathBuf, Option<Stamp>>;

/// Tells one content from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: (i64, i64),
    length: u64,
    inode: u64,
}

/// A file as it was found.
#[derive(Debug, Clone, Copy)]
struct Found {
    stamp: Stamp,
    /// When anything of it was last changed, by the clock of the file system: nobody sets that back.
    changed: WallTime,
}

impl Found {
    fn of(metadata: &Metadata) -> Self {
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        let millis = metadata.ctime() * 1000 + metadata.ctime_nsec() / 1_000_000;
        Self {
            stamp: Stamp { modified, length: metadata.len(), inode: metadata.ino() },
            changed: WallTime(u64::try_from(millis).unwrap_or(0)),
        }
    }
}

/// What lies in some directories.
#[derive(Debug, Default)]
struct Listing {
    files: BTreeMap<PathBuf, Found>,
    /// For each of the patterns that lead there, how it looks on.
    directories: BTreeMap<PathBuf, BTreeSet<Reach>>,
}

/// The files of some patterns.
#[derive(Debug)]
pub(super) struct Tree {
    patterns: Arc<Patterns>,
    known: Listing,
}

impl Tree {
    /// Looks for the first time.
    pub(super) fn new(patterns: Arc<Patterns>) -> Self {
        let known = everything(&patterns);
        Self { patterns, known }
    }

    /// The files that have changed since then, and when; what is gone is not known.
    pub(super) fn changed_since(&self, since: WallTime) -> BTreeMap<PathBuf, WallTime> {
        let files = self.known.files.iter().filter(|(_, found)| found.changed >= since);
        files.map(|(path, found)| (path.clone(), found.changed)).collect()
    }

    /// The directories to be watched.
    pub(super) fn directories(&self) -> impl Iterator<Item = &PathBuf> {
        self.known.directories.keys()
    }

    /// What a file was at the last look; `None` when it was not there.
    pub(super) fn stamp(&self, file: &Path) -> Option<Stamp> {
        self.known.files.get(file).map(|found| found.stamp)
    }

    /// Looks at everything again; the files that are new, gone or other.
    pub(super) fn look_again(&mut self) -> Changes {
        let now = everything(&self.patterns);
        let before = std::mem::replace(&mut self.known, now);
        difference(&before.files, &self.known.files)
    }

    /// Looks into some directories again, and into what is new below them.
    pub(super) fn look_into(&mut self, directories: &BTreeSet<PathBuf>) -> Changes {
        let mut changed = Changes::new();
        for directory in directories {
            let Some(reaches) = self.known.directories.get(directory).cloned() else { continue };
            let is_awaited = reaches.iter().any(|reach| reach.depth == Some(0));
            if !directory.is_dir() || is_awaited || self.has_other_tops_below(directory) {
                // Where a directory is awaited, or is gone: what there is now is found from above.
                changed.extend(self.look_again());
                continue;
            }
            let mut now = Listing::default();
            for reach in reaches {
                now.add(list(&self.patterns, directory, reach, Some(1)));
            }
            let is_new = |path: &PathBuf| !self.known.directories.contains_key(path);
            let new: Vec<_> = now.directories.iter().filter(|(path, _)| is_new(path)).collect();
            let new: Vec<(PathBuf, BTreeSet<Reach>)> =
                new.into_iter().map(|(path, reaches)| (path.clone(), reaches.clone())).collect();
            for (path, reaches) in new {
                for reach in reaches {
                    now.add(list(&self.patterns, &path, reach, reach.depth));
                }
            }
            changed.extend(self.take_in(directory, now));
        }
        changed
    }

    /// Whether a directory that a pattern begins at, below this one, has come or gone.
    fn has_other_tops_below(&self, directory: &Path) -> bool {
        let mut below = self.patterns.tops.iter().filter(|(top, _)| top != directory && top.starts_with(directory));
        below.any(|(top, _)| top.is_dir() != self.known.directories.contains_key(top))
    }

    /// What lies in one directory is this now.
    fn take_in(&mut self, directory: &Path, now: Listing) -> Changes {
        // What another pattern means below it is not in a listing of it.
        let is_there = |child: &Path| {
            let mut tops = self.patterns.tops.iter();
            now.directories.contains_key(child) || tops.any(|(top, _)| top.starts_with(child))
        };
        let is_gone = |path: &Path| {
            let child = path.strip_prefix(directory).ok().and_then(|rest| rest.components().next());
            child.is_some_and(|child| {
                let child = directory.join(child);
                child != path && !is_there(&child)
            })
        };
        let here = |path: &Path| path.parent() == Some(directory) || is_gone(path);
        let before: BTreeMap<PathBuf, Found> =
            self.known.files.extract_if(.., |path, _| here(path) || now.files.contains_key(path)).collect();
        let changed = difference(&before, &now.files);
        self.known.directories.retain(|path, _| {
            let is_lost = path.parent() == Some(directory) && !is_there(path);
            !is_lost && !is_gone(path)
        });
        self.known.add(now);
        changed
    }
}

impl Listing {
    fn add(&mut self, other: Self) {
        self.files.extend(other.files);
        for (path, reaches) in other.directories {
            self.directories.entry(path).or_default().extend(reaches);
        }
    }
}

fn difference(before: &BTreeMap<PathBuf, Found>, now: &BTreeMap<PathBuf, Found>) -> Changes {
    let stamp = |files: &BTreeMap<PathBuf, Found>, path: &PathBuf| files.get(path).map(|found| found.stamp);
    let is_other = |path: &&PathBuf| stamp(before, path) != stamp(now, path);
    before.keys().chain(now.keys()).filter(is_other).map(|path| (path.clone(), stamp(before, path))).collect()
}

fn everything(patterns: &Patterns) -> Listing {
    let mut all = Listing::default();
    for (top, reach) in &patterns.tops {
        let found = if top.is_dir() { list(patterns, top, *reach, reach.depth) } else { Listing::default() };
        // It may have gone while it was listed, or have come since.
        let is_awaited = !found.directories.contains_key(top) && (top.is_dir() || !top.exists());
        all.add(found);
        if let Some(above) = top.ancestors().skip(1).find(|path| path.is_dir()).filter(|_| is_awaited) {
            // It comes into being there.
            all.directories.entry(above.to_owned()).or_default().insert(Reach { depth: Some(0), ..*reach });
        }
    }
    all
}

/// What lies in a directory, down to a level.
fn list(patterns: &Patterns, directory: &Path, reach: Reach, levels: Option<usize>) -> Listing {
    let mut walk = WalkBuilder::new(directory);
    walk.max_depth(levels).follow_links(false).require_git(false).hidden(!reach.hidden).filter_entry(is_looked_into);
    if reach.ignored {
        walk.ignore(false).git_ignore(false).git_global(false).git_exclude(false).parents(false);
    }
    let mut listing = Listing::default();
    for entry in walk.build().flatten() {
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            let left = reach.depth.map(|depth| depth.saturating_sub(entry.depth()));
            if left != Some(0) {
                listing.directories.entry(entry.into_path()).or_default().insert(Reach { depth: left, ..reach });
            }
        } else if patterns.has(entry.path())
            && let Ok(metadata) = fs::metadata(entry.path())
            && metadata.is_file()
        {
            listing.files.insert(entry.into_path(), Found::of(&metadata));
        }
    }
    listing
}

fn is_looked_into(entry: &DirEntry) -> bool {
    let is_directory = entry.depth() > 0 && entry.file_type().is_some_and(|kind| kind.is_dir());
    let is_never = || NEVER.iter().any(|name| entry.file_name() == *name);
    !is_directory || !(is_never() || entry.path().join("CACHEDIR.TAG").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new(files: &[&str]) -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            for file in files {
                place.write(file, "1");
            }
            place
        }

        fn write(&self, file: &str, text: &str) {
            let path = self.0.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn tree(&self, patterns: &[&str]) -> Tree {
            let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
            Tree::new(Arc::new(Patterns::new(self.0.path(), &patterns)))
        }

        fn names<'a>(&self, paths: impl IntoIterator<Item = &'a PathBuf>) -> Vec<String> {
            let name = |path: &PathBuf| path.strip_prefix(self.0.path()).unwrap().display().to_string();
            paths.into_iter().map(name).collect()
        }

        fn look_into(&self, tree: &mut Tree, directories: &[&str]) -> Vec<String> {
            let directories = directories.iter().map(|name| self.0.path().join(name).components().collect()).collect();
            let changed = tree.look_into(&directories);
            self.names(changed.keys())
        }
    }

    #[test]
    fn what_is_ignored_or_a_store_is_not_looked_into() {
        let place = Place::new(&[
            "src/a.rs",
            "src/gen/b.rs",
            "node_modules/c.rs",
            "target/d.rs",
            "target/CACHEDIR.TAG",
            ".git/e.rs",
            ".venv/f.rs",
        ]);
        place.write(".gitignore", "gen/\n");
        let tree = place.tree(&["**/*.rs"]);
        assert_eq!(place.names(tree.known.files.keys()), ["src/a.rs"]);
        assert_eq!(place.names(tree.directories()), ["", "src"]);
        let named = place.tree(&["src/gen/b.rs", "src/gen/**"]);
        assert_eq!(place.names(named.known.files.keys()), ["src/gen/b.rs"], "somebody named it");
    }

    #[test]
    fn a_file_that_was_named_is_seen_beside_those_that_a_pattern_means() {
        let place = Place::new(&["made.txt", "main.rs"]);
        place.write(".gitignore", "made.txt\n");
        let mut tree = place.tree(&["made.txt", "*.rs", "*.txt"]);
        place.write("main.rs", "22");
        assert_eq!(place.look_into(&mut tree, &[""]), ["main.rs"]);
        place.write("made.txt", "22");
        assert_eq!(place.look_into(&mut tree, &[""]), ["made.txt"]);
    }

    #[test]
    fn only_what_has_changed_is_told() {
        let place = Place::new(&["src/a.rs", "src/b.rs", "src/deep/c.rs"]);
        let mut tree = place.tree(&["src/**/*.rs"]);
        place.write("src/a.rs", "22");
        place.write("src/notes.txt", "1");
        assert_eq!(place.look_into(&mut tree, &["src"]), ["src/a.rs"]);
        assert_eq!(place.look_into(&mut tree, &["src"]), Vec::<String>::new());
        fs::remove_file(place.0.path().join("src/b.rs")).unwrap();
        fs::rename(place.0.path().join("src/deep"), place.0.path().join("src/moved")).unwrap();
        assert_eq!(place.look_into(&mut tree, &["src"]), ["src/b.rs", "src/deep/c.rs", "src/moved/c.rs"]);
        assert_eq!(place.names(tree.directories()), ["src", "src/moved"]);
        assert!(tree.look_again().is_empty());
    }

    #[test]
    fn what_was_changed_since_a_moment_is_told_with_its_own() {
        let place = Place::new(&["src/a.rs", "src/b.rs"]);
        let changed = fs::metadata(place.0.path().join("src/b.rs")).unwrap();
        let at = Found::of(&changed).changed;
        let tree = place.tree(&["src/*.rs"]);
        assert_eq!(tree.changed_since(at)[&place.0.path().join("src/b.rs")], at);
        assert!(tree.changed_since(WallTime(at.0 + 60_000)).is_empty());
    }

    #[test]
    fn a_new_tree_is_found_whole() {
        let place = Place::new(&["src/a.rs"]);
        let mut tree = place.tree(&["src/**/*.rs"]);
        place.write("src/x/y/z/one.rs", "1");
        place.write("src/x/two.rs", "1");
        assert_eq!(place.look_into(&mut tree, &["src"]), ["src/x/two.rs", "src/x/y/z/one.rs"]);
        assert_eq!(place.names(tree.directories()), ["src", "src/x", "src/x/y", "src/x/y/z"]);
    }

    #[test]
    fn a_directory_that_is_not_there_is_waited_for() {
        let place = Place::new(&["other"]);
        let mut tree = place.tree(&["src/**/*.rs"]);
        assert_eq!(place.names(tree.directories()), [""]);
        place.write("src/a.rs", "1");
        assert_eq!(place.look_into(&mut tree, &[""]), ["src/a.rs"]);
        assert_eq!(place.names(tree.directories()), ["src"]);
        fs::remove_dir_all(place.0.path().join("src")).unwrap();
        assert_eq!(place.look_into(&mut tree, &["src"]), ["src/a.rs"]);
        assert_eq!(place.names(tree.directories()), [""]);
    }

    #[test]
    fn a_look_into_a_directory_leaves_alone_what_another_pattern_means_below_it() {
        let place = Place::new(&["Cargo.toml", "src/a.rs", "src/deep/b.rs", "assets/x.css"]);
        let mut tree = place.tree(&["src/**/*.rs", "Cargo.toml", "assets"]);
        let all = place.names(tree.directories());
        place.write("run.d/mail.toml", "1");
        assert_eq!(place.look_into(&mut tree, &[""]), Vec::<String>::new());
        place.write("Cargo.toml", "22");
        assert_eq!(place.look_into(&mut tree, &[""]), ["Cargo.toml"]);
        assert_eq!(place.names(tree.directories()), all);
        fs::rename(place.0.path().join("src"), place.0.path().join("away")).unwrap();
        assert_eq!(place.look_into(&mut tree, &["", "src", "src/deep"]), ["src/a.rs", "src/deep/b.rs"]);
        fs::rename(place.0.path().join("away"), place.0.path().join("src")).unwrap();
        assert_eq!(place.look_into(&mut tree, &[""]), ["src/a.rs", "src/deep/b.rs"]);
        assert_eq!(place.names(tree.directories()), all);
    }
}
