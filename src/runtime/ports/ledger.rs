//! The ledger of `"auto"` ports: one JSON file per user, read and written under a lock of its own.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::taken::Note;

/// From this many entries on, those of directories that are gone are dropped when something is written. Their numbers come
/// back with the directory, because the first choice is always the same.
const CROWDED: usize = 2000;

/// Which checkout has which ports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Ledger {
    /// In the order in which they were given.
    pub(super) entries: Vec<Entry>,
}

/// One port, or several in a row for the instances of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Identity of the project.
    checkout: String,
    /// Its directory, for people and for clearing up.
    root: String,
    program: String,
    /// `None`: the main one.
    name: Option<String>,
    pub(super) port: u16,
    pub(super) count: u16,
}

/// Checkout, program, port name.
pub(super) type Key<'a> = (&'a str, &'a str, Option<&'a str>);

impl Entry {
    pub(super) fn new(
        (checkout, root): (&str, &str),
        program: &str,
        name: Option<&str>,
        port: u16,
        count: u16,
    ) -> Self {
        let (checkout, root, program) = (checkout.to_owned(), root.to_owned(), program.to_owned());
        Self { checkout, root, program, name: name.map(ToOwned::to_owned), port, count }
    }

    fn key(&self) -> Key<'_> {
        (&self.checkout, &self.program, self.name.as_deref())
    }
}

impl Ledger {
    pub(super) fn find(&mut self, key: Key<'_>) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key() == key)
    }

    /// All numbers that belong to somebody else.
    pub(super) fn numbers_except(&self, key: Key<'_>) -> BTreeSet<u16> {
        let others = self.entries.iter().filter(|entry| entry.key() != key);
        others.flat_map(|entry| entry.port..entry.port.saturating_add(entry.count)).collect()
    }
}

/// The ledger on disk; locked as long as this value lives.
#[derive(Debug)]
pub(super) struct LedgerFile {
    pub(super) ledger: Ledger,
    as_read: Ledger,
    /// Where it is, and the held lock; `None` when it cannot be kept.
    kept: Option<(PathBuf, File)>,
}

impl LedgerFile {
    /// Locks and reads the ledger. What keeps it from being used is told, and ports are assigned without it.
    pub(super) fn open(path: Option<&Path>) -> (Self, Option<Note>) {
        let without = |note| (Self { ledger: Ledger::default(), as_read: Ledger::default(), kept: None }, Some(note));
        let Some(path) = path else {
            return without(Note::NoLedger { reason: "neither XDG_STATE_HOME nor HOME is set".to_owned() });
        };
        let reason = |error: io::Error| Note::NoLedger { reason: format!("{}: {error}", path.display()) };
        let lock = match lock_beside(path) {
            Ok(lock) => lock,
            Err(error) => return without(reason(error)),
        };
        let (ledger, note) = match fs::read(path) {
            Ok(text) => read(path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Ledger::default(), None),
            Err(error) => return without(reason(error)),
        };
        (Self { as_read: ledger.clone(), ledger, kept: Some((path.to_owned(), lock)) }, note)
    }

    /// Writes it if something was added, whole or not at all, and lets go of the lock.
    pub(super) fn save(mut self) -> Option<Note> {
        let (path, _lock) = self.kept?;
        if self.ledger == self.as_read {
            return None;
        }
        if self.ledger.entries.len() > CROWDED {
            self.ledger.entries.retain(|entry| Path::new(&entry.root).exists());
        }
        let written = serde_json::to_vec_pretty(&self.ledger).map_err(io::Error::other).and_then(|text| {
            let beside = path.with_extension("json.new");
            let replaced = fs::write(&beside, text).and_then(|()| fs::rename(&beside, &path));
            if replaced.is_err() {
                fs::remove_file(&beside).ok();
            }
            replaced
        });
        written.err().map(|error| Note::NoLedger { reason: format!("{}: {error}", path.display()) })
    }
}

/// Takes the lock, waiting for whoever assigns ports right now.
fn lock_beside(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path.with_extension("lock"))?;
    file.lock()?;
    Ok(file)
}

/// A ledger that cannot be read is put aside, not overwritten.
fn read(path: &Path, text: &[u8]) -> (Ledger, Option<Note>) {
    match serde_json::from_slice(text) {
        Ok(ledger) => (ledger, None),
        Err(error) => {
            let aside = path.with_extension("json.broken");
            let kept =
                fs::rename(path, &aside).map_or_else(|_| String::new(), |()| format!("; kept as {}", aside.display()));
            let reason = format!("{}: {error}{kept}", path.display());
            (Ledger::default(), Some(Note::LedgerBroken { reason }))
        }
    }
}
