//! What the loader has to know of the world, asked as values and answered by the edge.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A fact that is missing. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The bytes of a file, or why there are none.
    File(PathBuf),
    /// The files that match a pattern under a directory, sorted.
    Glob {
        /// Where relative patterns start.
        base: PathBuf,
        /// With `*` and `?` within a name and `**` for any number of directories.
        pattern: String,
    },
    /// Whether this is a directory.
    Directory(PathBuf),
    /// Whether one of the directories holds an executable of this name.
    Command {
        /// A name, or a path relative to the directories.
        word: String,
        /// Where to look, in this order.
        path: Vec<PathBuf>,
    },
    /// Whether this machine has a user of this name or number.
    User(String),
    /// What this machine calls itself.
    NodeName,
}

/// What was found where a file was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFact {
    /// Its whole content.
    Bytes(Vec<u8>),
    /// Nothing of that name.
    Missing,
    /// Something that cannot be read: why (`permission denied`, `is a directory`, `is larger than 1 MiB`).
    Unusable(String),
}

/// The facts that were found so far. Its files are what a watcher has to watch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Answers to [`Need::File`].
    pub files: BTreeMap<PathBuf, FileFact>,
    /// Answers to [`Need::Glob`], by base and pattern.
    pub globs: BTreeMap<(PathBuf, String), Vec<PathBuf>>,
    /// Answers to [`Need::Directory`].
    pub directories: BTreeMap<PathBuf, bool>,
    /// Answers to [`Need::Command`], by word and path.
    pub commands: BTreeMap<(String, Vec<PathBuf>), bool>,
    /// Answers to [`Need::User`].
    pub users: BTreeMap<String, bool>,
    /// The answer to [`Need::NodeName`].
    pub node_name: Option<String>,
}

/// Answers questions from what is known and notes the others.
#[derive(Debug)]
pub struct World<'a> {
    known: &'a Known,
    needs: BTreeSet<Need>,
}

impl<'a> World<'a> {
    /// A world of which this much is known.
    pub fn new(known: &'a Known) -> Self {
        Self { known, needs: BTreeSet::new() }
    }

    /// What was asked in vain, if anything; it is forgotten here.
    pub fn take_needs(&mut self) -> Option<Vec<Need>> {
        let needs = std::mem::take(&mut self.needs);
        (!needs.is_empty()).then(|| needs.into_iter().collect())
    }

    /// A file's content.
    pub fn file(&mut self, path: &Path) -> Option<&'a FileFact> {
        let fact = self.known.files.get(path);
        self.note(fact.is_none(), || Need::File(path.to_owned()));
        fact
    }

    /// The files that match a pattern.
    pub fn glob(&mut self, base: &Path, pattern: &str) -> Option<&'a [PathBuf]> {
        let fact = self.known.globs.get(&(base.to_owned(), pattern.to_owned()));
        self.note(fact.is_none(), || Need::Glob { base: base.to_owned(), pattern: pattern.to_owned() });
        fact.map(Vec::as_slice)
    }

    /// Whether a directory is there.
    pub fn is_directory(&mut self, path: &Path) -> Option<bool> {
        let fact = self.known.directories.get(path).copied();
        self.note(fact.is_none(), || Need::Directory(path.to_owned()));
        fact
    }

    /// Whether a command can be found.
    pub fn has_command(&mut self, word: &str, path: &[PathBuf]) -> Option<bool> {
        let fact = self.known.commands.get(&(word.to_owned(), path.to_owned())).copied();
        self.note(fact.is_none(), || Need::Command { word: word.to_owned(), path: path.to_owned() });
        fact
    }

    /// Whether a user is there.
    pub fn has_user(&mut self, user: &str) -> Option<bool> {
        let fact = self.known.users.get(user).copied();
        self.note(fact.is_none(), || Need::User(user.to_owned()));
        fact
    }

    /// What this machine calls itself.
    pub fn node_name(&mut self) -> Option<&'a str> {
        let fact = self.known.node_name.as_deref();
        self.note(fact.is_none(), || Need::NodeName);
        fact
    }

    fn note(&mut self, is_missing: bool, need: impl FnOnce() -> Need) {
        if is_missing {
            self.needs.insert(need());
        }
    }
}
