//! inotify on directories. A watch on a file would die at the first save that renames; what is read and not written wakes nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::glimpse::{Glimpse, What};

/// How many times in a row the kernel's queue is read before others get their turn.
const READS: usize = 16;

/// A set of directories whose entries are watched.
#[derive(Debug)]
pub struct Directories {
    queue: AsyncFd<Queue>,
    /// A directory has one watch, by however many names it is watched: through links, or as it was called before it was moved.
    paths: BTreeMap<WatchDescriptor, BTreeSet<PathBuf>>,
    watches: BTreeMap<PathBuf, WatchDescriptor>,
}

/// Registers the queue with the runtime.
#[expect(
    deprecated,
    reason = "its successor is unsafe; what it asks for holds: the descriptor is one and the same until it is dropped"
)]
fn register(queue: Queue) -> io::Result<AsyncFd<Queue>> {
    AsyncFd::with_interest(queue, Interest::READABLE)
}

/// An instance, as tokio wants it.
#[derive(Debug)]
struct Queue(Inotify);

impl AsRawFd for Queue {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Directories {
    /// An empty set; must be called inside a tokio runtime. Fails when this user has no instance left.
    pub fn new() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        Ok(Self { queue: register(Queue(inotify))?, paths: BTreeMap::new(), watches: BTreeMap::new() })
    }

    /// Watches a directory, without those below it; whether it was not watched before. One that was replaced is watched anew.
    pub fn watch(&mut self, path: &Path) -> io::Result<bool> {
        let flags = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        let watch = self.queue.get_ref().0.add_watch(path, flags)?;
        let before = self.watches.insert(path.to_owned(), watch);
        if before == Some(watch) {
            return Ok(false);
        }
        if let Some(before) = before {
            self.release(before, path);
        }
        self.paths.entry(watch).or_default().insert(path.to_owned());
        Ok(true)
    }

    /// Watches a directory no longer.
    pub fn unwatch(&mut self, path: &Path) {
        if let Some(watch) = self.watches.remove(path) {
            self.release(watch, path);
        }
    }

    /// A watch has this name no longer; without any it ends.
    fn release(&mut self, watch: WatchDescriptor, path: &Path) {
        let Some(paths) = self.paths.get_mut(&watch) else { return };
        paths.remove(path);
        if paths.is_empty() {
            self.paths.remove(&watch);
            // It may be gone together with its directory.
            let _ = self.queue.get_ref().0.rm_watch(watch);
        }
    }

    /// Waits until something has happened.
    pub async fn something(&self) -> io::Result<()> {
        self.queue.readable().await.map(drop)
    }

    /// What has happened since the last call; waits until something has.
    pub async fn glimpses(&mut self) -> io::Result<Vec<Glimpse>> {
        loop {
            let mut ready = self.queue.readable().await?;
            let mut events = Vec::new();
            for _ in 0..READS {
                match ready.get_inner().0.read_events() {
                    Ok(more) => events.extend(more),
                    Err(Errno::EAGAIN) => {
                        ready.clear_ready();
                        break;
                    }
                    Err(Errno::EINTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            drop(ready);
            let glimpses: Vec<Glimpse> = events.into_iter().flat_map(|event| self.glimpsed(event)).collect();
            if !glimpses.is_empty() {
                return Ok(glimpses);
            }
        }
    }

    /// What an event says, once for each name of its directory.
    fn glimpsed(&mut self, event: InotifyEvent) -> Vec<Glimpse> {
        let InotifyEvent { wd, mask, name, .. } = event;
        if mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            return vec![Glimpse::Missed];
        }
        let ends = AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_IGNORED | AddWatchFlags::IN_UNMOUNT;
        if mask.intersects(ends) {
            return self.lost(wd).into_iter().map(Glimpse::Left).collect();
        }
        let (Some(paths), Some(name)) = (self.paths.get(&wd), name) else { return Vec::new() };
        let what = if mask.intersects(AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MOVED_TO) {
            What::Written
        } else if mask.intersects(AddWatchFlags::IN_CREATE) {
            What::Appeared
        } else if mask.intersects(AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_FROM) {
            What::Vanished
        } else if mask.intersects(AddWatchFlags::IN_ATTRIB) {
            What::Mode
        } else {
            What::Touched
        };
        let moved = mask.intersects(AddWatchFlags::IN_MOVED_TO);
        let is_directory = mask.contains(AddWatchFlags::IN_ISDIR);
        let what = if moved && is_directory { What::Appeared } else { what };
        let entry = |directory: &PathBuf| {
            let (directory, name) = (directory.clone(), name.clone());
            Glimpse::Entry { directory, name, what, is_directory }
        };
        paths.iter().map(entry).collect()
    }

    /// A directory is gone, or no longer where it was: the names that it had.
    fn lost(&mut self, watch: WatchDescriptor) -> BTreeSet<PathBuf> {
        let paths = self.paths.remove(&watch).unwrap_or_default();
        if !paths.is_empty() {
            // A moved one would still tell; one that is gone has no watch any more.
            let _ = self.queue.get_ref().0.rm_watch(watch);
        }
        self.watches.retain(|_, other| *other != watch);
        paths
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    async fn names(directories: &mut Directories, what: What) -> Vec<String> {
        let seen = directories.glimpses().await.unwrap().into_iter().filter_map(|glimpse| match glimpse {
            Glimpse::Entry { name, what: w, .. } if w == what => Some(name.to_string_lossy().into_owned()),
            _ => None,
        });
        seen.collect()
    }

    #[tokio::test]
    async fn a_save_by_rename_is_seen_and_a_read_is_not() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "1").unwrap();
        let mut directories = Directories::new().unwrap();
        assert!(directories.watch(root.path()).unwrap());
        assert!(!directories.watch(root.path()).unwrap());
        fs::read(root.path().join("a")).unwrap();
        fs::write(root.path().join("b"), "2").unwrap();
        fs::rename(root.path().join("b"), root.path().join("a")).unwrap();
        assert_eq!(names(&mut directories, What::Written).await, ["b", "a"]);
    }

    #[tokio::test]
    async fn a_directory_that_was_replaced_is_watched_anew() {
        let root = tempfile::tempdir().unwrap();
        let (one, two) = (root.path().join("one"), root.path().join("two"));
        fs::create_dir(&one).unwrap();
        let mut directories = Directories::new().unwrap();
        directories.watch(&one).unwrap();
        fs::rename(&one, &two).unwrap();
        assert_eq!(directories.glimpses().await.unwrap(), [Glimpse::Left(one.clone())]);
        fs::create_dir(&one).unwrap();
        assert!(directories.watch(&one).unwrap());
        fs::write(one.join("x"), "1").unwrap();
        assert_eq!(names(&mut directories, What::Written).await, ["x"]);
    }

    #[tokio::test]
    async fn a_directory_below_one_that_was_moved_is_watched_by_its_new_name() {
        let root = tempfile::tempdir().unwrap();
        let (old, new) = (root.path().join("old/deep"), root.path().join("new/deep"));
        fs::create_dir_all(&old).unwrap();
        let mut directories = Directories::new().unwrap();
        directories.watch(&old).unwrap();
        fs::rename(root.path().join("old"), root.path().join("new")).unwrap();
        assert!(directories.watch(&new).unwrap());
        directories.unwatch(&old);
        fs::write(new.join("x"), "1").unwrap();
        assert_eq!(names(&mut directories, What::Written).await, ["x"]);
    }

    #[tokio::test]
    async fn a_directory_that_is_watched_by_two_names_tells_both() {
        let root = tempfile::tempdir().unwrap();
        let (real, link) = (root.path().join("real"), root.path().join("link"));
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut directories = Directories::new().unwrap();
        directories.watch(&real).unwrap();
        directories.watch(&link).unwrap();
        fs::write(real.join("x"), "1").unwrap();
        assert_eq!(names(&mut directories, What::Written).await, ["x", "x"]);
    }
}
