//! What is remembered of a project after it went down, so that `logs` works then, too.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::places::Places;
use crate::fault::{self, Point};
use crate::model::{ProcessName, WallTime};

/// Written at every `up`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// Display name.
    pub name: String,
    /// Canonical directory, readable where it is not UTF-8.
    pub root: String,
    /// The `-p` it was given.
    pub explicit_name: Option<String>,
    /// The config files, relative to the directory where they lie in it.
    pub files: Vec<String>,
    /// Every process, in the order of the file: the colours follow it.
    pub processes: Vec<ProcessName>,
    /// How often it has been up.
    pub ups: u64,
    /// When it came up last.
    pub since: WallTime,
}

/// What was written down last; `None` when there is nothing, or nothing that can be read.
pub fn read_meta(places: &Places) -> Option<Meta> {
    let text = fs::read(path_of(places)?).ok()?;
    serde_json::from_slice(&text).ok()
}

/// The number of the run that begins, from 1. It counts as begun when [`write_meta`] has written it. The caller holds the lock.
pub fn up_number(places: &Places) -> u64 {
    read_meta(places).map_or(0, |meta| meta.ups) + 1
}

/// Writes it down, whole or not at all. Does nothing without a place for state.
pub fn write_meta(places: &Places, meta: &Meta) -> io::Result<()> {
    let Some(path) = path_of(places) else { return Ok(()) };
    let text = serde_json::to_vec_pretty(meta).map_err(io::Error::other)?;
    replace_file(&path, &text)
}

/// Writes a file beside a path and renames it into place. Where that cannot be, nothing of it is left.
fn replace_file(path: &Path, text: &[u8]) -> io::Result<()> {
    fault::strike(Point::State)?;
    let beside = path.with_extension("json.new");
    let replaced = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    if replaced.is_err() {
        fs::remove_file(&beside).ok();
    }
    replaced
}

fn path_of(places: &Places) -> Option<PathBuf> {
    places.state_dir.as_ref().map(|directory| directory.join("meta.json"))
}

#[cfg(test)]
mod tests {
    use super::super::identity::Identity;
    use super::super::lock::tests::homes;
    use super::*;

    #[test]
    fn what_was_written_is_read_back_and_the_runs_are_counted() {
        let base = tempfile::tempdir().unwrap();
        let mut places = homes(base.path()).places(&Identity::new(Path::new("/src/shop"), None));
        assert_eq!(places.make_state_dir(), None);
        assert_eq!((read_meta(&places), up_number(&places)), (None, 1));
        let processes = vec![ProcessName::new("web", "web"), ProcessName::new("worker", "worker_0")];
        let meta = Meta { name: "shop".to_owned(), ups: up_number(&places), processes, ..Meta::default() };
        write_meta(&places, &meta).unwrap();
        assert_eq!(read_meta(&places), Some(meta));
        assert_eq!(up_number(&places), 2);
    }

    #[test]
    fn what_cannot_be_put_in_its_place_is_not_left_beside_it() {
        let base = tempfile::tempdir().unwrap();
        let mut places = homes(base.path()).places(&Identity::new(Path::new("/src/shop"), None));
        places.make_state_dir();
        fs::create_dir(path_of(&places).unwrap()).unwrap();
        assert!(write_meta(&places, &Meta::default()).is_err());
        let left = fs::read_dir(places.state_dir.as_ref().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(left.collect::<Vec<_>>(), ["meta.json"]);
    }

    #[test]
    fn a_broken_file_counts_as_none() {
        let base = tempfile::tempdir().unwrap();
        let mut places = homes(base.path()).places(&Identity::new(Path::new("/src/shop"), None));
        places.make_state_dir();
        fs::write(path_of(&places).unwrap(), "{\"ups\": ").unwrap();
        assert_eq!((read_meta(&places), up_number(&places)), (None, 1));
    }
}
