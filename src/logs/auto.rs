//! Log files that nobody named (`stdout_logfile=AUTO` in a supervisord.conf): `NAME-CHANNEL---IDENTIFIER-xxxxxxxx.log`, begun anew
//! with each life of the supervisor (supervisor `options.py` `get_autochildlog_name`, `clear_autochildlogdir`).
//!
//! The eight characters come from a number that nobody can guess and from the name, so that a path need not be remembered: a
//! program that is added later has one, and a changed config changes none.

use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::model::{Channel, ProcessName, stable_hash};

/// What Python's `tempfile` makes names of.
const SIGNS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789_";

/// Where they are, and what tells ours from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoLogs {
    directory: PathBuf,
    identifier: String,
    seed: u64,
}

impl AutoLogs {
    /// Files of this identifier in this directory; their names differ from those of every earlier life.
    pub fn new(directory: PathBuf, identifier: &str) -> Self {
        Self { directory, identifier: identifier.to_owned(), seed: RandomState::new().build_hasher().finish() }
    }

    /// The file of an output.
    pub fn path(&self, name: &ProcessName, channel: Channel) -> PathBuf {
        let seed = self.seed.to_le_bytes();
        let mut hash = stable_hash(&[&seed, name.to_string().as_bytes(), channel.as_str().as_bytes()]);
        let mut unique = String::with_capacity(8);
        for _ in 0..8 {
            let count = SIGNS.len() as u64;
            unique.push(char::from(SIGNS[usize::try_from(hash % count).unwrap_or(0)]));
            hash /= count;
        }
        let (process, channel) = (&name.process, channel.as_str());
        self.directory.join(format!("{process}-{channel}---{}-{unique}.log", self.identifier))
    }

    /// Removes those of earlier lives, old ones included. What cannot be removed is left.
    pub fn clean(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| self.is_one(name)) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// Makes an output's file, for its owner alone; one that is there already stays.
    pub(super) fn make(path: &Path) -> io::Result<()> {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            other => other.map(drop),
        }
    }

    /// Whether a file lies among them and looks like one.
    pub(super) fn is_in(&self, path: &Path) -> bool {
        path.parent() == Some(&self.directory)
            && path.file_name().and_then(|name| name.to_str()).is_some_and(|name| self.is_one(name))
    }

    /// Whether a name is that of such a file (the pattern of `clear_autochildlogdir`).
    fn is_one(&self, name: &str) -> bool {
        let mark = format!("---{}-", self.identifier);
        let behind = name.match_indices(&mark).find(|(at, _)| *at > 0).map(|(at, _)| &name[at + mark.len()..]);
        behind.is_some_and(|rest| rest.find(".log").is_some_and(|end| end > 0 && !rest[..end].contains(' ')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_supervisords_and_stays_the_same_for_one_life() {
        let logs = AutoLogs::new("/tmp".into(), "shop");
        let name = ProcessName::new("web", "web_0");
        let path = logs.path(&name, Channel::Stderr);
        let file = path.file_name().unwrap().to_str().unwrap();
        let unique = file.strip_prefix("web_0-stderr---shop-").and_then(|rest| rest.strip_suffix(".log"));
        assert_eq!(unique.map(str::len), Some(8), "{file}");
        assert!(logs.is_one(file));
        assert_eq!(path, logs.path(&name, Channel::Stderr));
        assert_ne!(path, logs.path(&name, Channel::Stdout));
        assert_ne!(path, AutoLogs::new("/tmp".into(), "shop").path(&name, Channel::Stderr));
    }

    #[test]
    fn only_those_of_the_same_identifier_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let ours = ["a-stdout---shop-1.log", "a-stdout---shop-1.log.12", "ä-b-stderr---shop-zz_9.log"];
        let others = ["a-stdout---shop2-1.log", "---shop-1.log", "a---shop-.log", "a---shop-1.txt", "a---shop-1 2.log"];
        for name in ours.iter().chain(&others) {
            fs::write(directory.path().join(name), "").unwrap();
        }
        AutoLogs::new(directory.path().into(), "shop").clean().unwrap();
        let left = |name: &&&str| directory.path().join(name).exists();
        assert_eq!(ours.iter().filter(left).count(), 0);
        assert_eq!(others.iter().filter(left).count(), others.len());
    }
}
