//! The lock of a running project, and who holds it.
//!
//! Taken after the last fork of the holder: a child that inherited the descriptor would hold it too.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use super::directory::clear_except;
use super::places::{PlaceError, Places};
use crate::model::WallTime;

/// How often a held lock is tried again: somebody who only looks holds it for a moment, too.
const TRIES: u32 = 8;

/// The wait between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Who runs a project. Kept inside the lock file for others to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerFacts {
    /// Pid of the supervisor.
    pub pid: u32,
    /// When it came up.
    pub since: WallTime,
    /// Display name.
    pub name: String,
    /// The `-p` it was given.
    pub explicit_name: Option<String>,
    /// Canonical directory of the project.
    #[serde(serialize_with = "lossy")]
    pub root: PathBuf,
    /// The config files, as messages name them.
    pub files: Vec<String>,
    /// Whether a person started it at a terminal.
    pub at_terminal: bool,
    /// The control socket.
    #[serde(serialize_with = "lossy")]
    pub socket: PathBuf,
    /// Our version that runs it.
    pub version: String,
}

/// A path that is not UTF-8 is kept in a readable form rather than not at all.
fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// Why a project could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It is running already. Nothing of it has been touched.
    #[error("{} is already up (pid {})", .0.name, .0.pid)]
    Held(Box<OwnerFacts>),
    /// It is running already, and the holder has not said who it is.
    #[error("another run holds {}", .0.display())]
    HeldByUnknown(PathBuf),
    /// Its directory cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// A held lock. Dropping it removes the project's runtime directory, and ends the hold.
#[derive(Debug)]
pub struct Lock {
    file: File,
    places: Places,
    pid: u32,
}

impl Lock {
    /// Writes down what has become of the holder.
    pub fn tell(&mut self, facts: &OwnerFacts) -> io::Result<()> {
        write_facts(&mut self.file, facts)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A forked child that drops its copy must not clear away what its parent uses.
        if self.pid == std::process::id() {
            remove_runtime_dir(&self.places);
        }
    }
}

/// Takes the lock of a project that nobody runs, clears away what a dead holder left, and writes down who holds it now.
pub fn lock(places: &Places, facts: &OwnerFacts) -> Result<Lock, LockError> {
    let identity = &places.identity;
    let mut elsewhere = places.homes.all_places(identity).filter(|other| other.lock != places.lock);
    if let Some(owner) = elsewhere.find_map(|other| owner_of(&other)) {
        return Err(LockError::Held(Box::new(owner)));
    }
    let mut vanished = None;
    for _ in 0..TRIES {
        match attempt(places, facts) {
            Ok(Some(held)) => return Ok(held),
            Ok(None) => vanished = None,
            // The directory may have been removed by whoever held it, between our making and our using it.
            Err(LockError::Place(PlaceError::Io { path, source })) if source.kind() == io::ErrorKind::NotFound => {
                vanished = Some(PlaceError::Io { path, source });
            }
            Err(error) => return Err(error),
        }
        thread::sleep(PAUSE);
    }
    match (vanished, owner_of(places)) {
        (_, Some(owner)) => Err(LockError::Held(Box::new(owner))),
        (Some(problem), None) => Err(problem.into()),
        (None, None) => Err(LockError::HeldByUnknown(places.lock.clone())),
    }
}

/// Tries once; `None` when somebody has the lock.
fn attempt(places: &Places, facts: &OwnerFacts) -> Result<Option<Lock>, LockError> {
    let error = |source| LockError::Io { path: places.lock.clone(), source };
    places.make_runtime_dir()?;
    let Some(file) = try_lock(&places.lock).map_err(error)? else {
        return Ok(None);
    };
    clear_except(&places.runtime_dir, &places.lock);
    let mut held = Lock { file, places: places.clone(), pid: std::process::id() };
    held.tell(facts).map_err(error)?;
    Ok(Some(held))
}

/// Opens and locks the file at a path. `None` when another holds it, or when the file was removed meanwhile by whoever held it.
fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let file = match options.open(path) {
        Ok(file) => file,
        // The directory was removed between its making and now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let (ours, there) = (file.metadata()?, fs::symlink_metadata(path));
    let is_same = there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino()));
    Ok(is_same.then_some(file))
}

fn write_facts(file: &mut File, facts: &OwnerFacts) -> io::Result<()> {
    let text = serde_json::to_vec(facts).map_err(io::Error::other)?;
    // An empty one is left alone: ext4 writes what comes after a cut to the disk when the file is closed (`auto_da_alloc`), and our end
    // would wait for that.
    if file.metadata()?.len() > 0 {
        file.set_len(0)?;
    }
    file.rewind()?;
    file.write_all(&text)
}

/// Who holds a project's lock; `None` when nobody does. A holder that is just about to write who it is, is waited for.
pub(super) fn owner_of(places: &Places) -> Option<OwnerFacts> {
    places.verify_runtime_dir().ok()?;
    let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(&places.lock).ok()?;
    for _ in 0..TRIES {
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {}
            Ok(()) | Err(TryLockError::Error(_)) => return None,
        }
        if let Some(facts) = read_facts(&mut file) {
            return Some(facts);
        }
        thread::sleep(PAUSE);
    }
    None
}

/// Reads who holds the lock, unless what is there is half written or from a holder that died.
fn read_facts(file: &mut File) -> Option<OwnerFacts> {
    let mut text = Vec::new();
    file.rewind().ok()?;
    file.read_to_end(&mut text).ok()?;
    let facts: OwnerFacts = serde_json::from_slice(&text).ok()?;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(facts.pid).ok()?);
    let is_alive = nix::sys::signal::kill(pid, None) != Err(nix::errno::Errno::ESRCH);
    is_alive.then_some(facts)
}

/// Who held a project's lock last, when nobody holds it any more and it was not given back.
pub(super) fn last_owner(places: &Places) -> Option<OwnerFacts> {
    places.verify_runtime_dir().ok()?;
    let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(&places.lock).ok()?;
    file.try_lock_shared().ok()?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Clears away a runtime directory whose holder is dead. Does nothing when somebody holds it.
pub(super) fn remove_if_dead(places: &Places) {
    let is_private = places.verify_runtime_dir().is_ok();
    if let (true, Ok(Some(_held))) = (is_private, try_lock(&places.lock)) {
        remove_runtime_dir(places);
    }
}

/// Removes everything of a project that runs no longer. Whoever calls this holds the lock.
fn remove_runtime_dir(places: &Places) {
    clear_except(&places.runtime_dir, &places.lock);
    // What cannot be removed is cleared away by the next holder.
    let _ = fs::remove_file(&places.lock);
    let _ = fs::remove_dir(&places.runtime_dir);
}

#[cfg(test)]
pub(super) mod tests;
