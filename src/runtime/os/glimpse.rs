//! What a watched directory lets us see.

use std::ffi::OsString;
use std::path::PathBuf;

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Glimpse {
    /// Something happened to an entry.
    Entry {
        /// The directory.
        directory: PathBuf,
        /// The entry's name in it.
        name: OsString,
        /// What happened.
        what: What,
        /// Whether the entry is a directory itself.
        is_directory: bool,
    },
    /// A watched directory was moved away or deleted, and is watched no longer.
    Left(PathBuf),
    /// More happened than could be told.
    Missed,
}

/// What can happen to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It was written and closed, or something was renamed to this name: a save is complete.
    Written,
    /// It is there now, be it empty.
    Appeared,
    /// It is gone from this name.
    Vanished,
    /// Its bytes or its length have changed; more may follow.
    Touched,
    /// Its mode, its owner or its times have.
    Mode,
}
