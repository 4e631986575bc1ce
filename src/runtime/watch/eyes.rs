//! One instance of inotify for all that is watched, and a look from time to time where the kernel refuses.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use nix::errno::Errno;
use tokio::time::{Instant, sleep_until};

use crate::runtime::os::{Directories, Glimpse};

/// After a look at the queue it is left alone for so long: a program that writes without a pause beside a config wakes us no more often.
const PAUSE: Duration = Duration::from_millis(2);

/// Who wants to see. Each has directories of its own; one that two want is watched once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// The files of the config.
    Config = 0,
    /// The files that programs watch.
    Files = 1,
}

/// What is watched, for both.
#[derive(Debug)]
pub(super) struct Eyes {
    /// `None` where the kernel has no instance for us.
    directories: Option<Directories>,
    /// Why there is none.
    refused: Option<io::Error>,
    wanted: [BTreeSet<PathBuf>; 2],
    /// When the queue may be looked at again.
    next: Instant,
}

impl Eyes {
    /// Eyes that see nothing yet; must be made inside a tokio runtime.
    pub(super) fn open() -> Self {
        let (directories, refused) = match Directories::new() {
            Ok(directories) => (Some(directories), None),
            Err(error) => (None, Some(error)),
        };
        Self { directories, refused, wanted: Default::default(), next: Instant::now() }
    }

    /// Watches these directories for one wish, and no others. Says whether one of them is new, or gone already; an error means that the wish cannot
    /// be fulfilled, and then nothing is watched for it.
    pub(super) fn want(&mut self, wish: Wish, wanted: BTreeSet<PathBuf>) -> Result<bool, String> {
        let before = std::mem::replace(&mut self.wanted[wish as usize], wanted);
        let outcome = self.watch_all(wish);
        if outcome.is_err() {
            self.wanted[wish as usize].clear();
        }
        let [config, files] = &self.wanted;
        if let Some(directories) = &mut self.directories {
            for path in before.iter().filter(|path| !config.contains(*path) && !files.contains(*path)) {
                directories.unwatch(path);
            }
        }
        outcome
    }

    fn watch_all(&mut self, wish: Wish) -> Result<bool, String> {
        let Some(directories) = &mut self.directories else {
            return Err(self.refused.as_ref().map_or_else(String::new, reason));
        };
        let mut is_new = false;
        for path in &self.wanted[wish as usize] {
            match directories.watch(path) {
                Ok(one_is_new) => is_new |= one_is_new,
                Err(error) if is_exhausted(&error) => {
                    let so_far = self.wanted[wish as usize].iter().take_while(|other| *other != path);
                    let other = &self.wanted[1 - wish as usize];
                    so_far.filter(|path| !other.contains(*path)).for_each(|path| directories.unwatch(path));
                    return Err(reason(&error));
                }
                // It vanished after it was looked for, and nobody else need tell that.
                Err(error) if error.kind() == io::ErrorKind::NotFound => is_new = true,
                // It is not ours to look into.
                Err(_) => {}
            }
        }
        Ok(is_new)
    }

    /// Watches nothing any more. To close an instance that watches something takes the kernel 8 to 24 ms, in which its process cannot
    /// end; what it is given back before is gone 4 ms later, and nobody waits for it (`fsnotify_wait_marks_destroyed`).
    pub(super) fn shut(&mut self) {
        for wish in [Wish::Config, Wish::Files] {
            // Nothing cannot be refused.
            self.want(wish, BTreeSet::new()).ok();
        }
    }

    /// What was seen; waits until there is something.
    pub(super) async fn see(&mut self) -> Vec<Glimpse> {
        let Some(directories) = &mut self.directories else { return std::future::pending().await };
        match Self::look(directories, self.next).await {
            Ok(glimpses) => {
                self.next = Instant::now() + PAUSE;
                glimpses
            }
            Err(_) => std::future::pending().await,
        }
    }

    /// No timer is set for a pause in which nothing happens.
    async fn look(directories: &mut Directories, not_before: Instant) -> io::Result<Vec<Glimpse>> {
        directories.something().await?;
        sleep_until(not_before).await;
        directories.glimpses().await
    }
}

fn is_exhausted(error: &io::Error) -> bool {
    let exhausted = [Errno::ENOSPC, Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM];
    exhausted.iter().any(|errno| error.raw_os_error() == Some(*errno as i32))
}

/// What to do about it, where it is known.
fn reason(error: &io::Error) -> String {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOSPC) => {
            "the limit of watched directories is reached (sysctl fs.inotify.max_user_watches)".to_owned()
        }
        Some(Errno::EMFILE) => "the limit of watchers is reached (sysctl fs.inotify.max_user_instances)".to_owned(),
        _ => format!("changes of files cannot be watched: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn a_directory_that_two_want_is_watched_until_neither_does() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().to_owned();
        let mut eyes = Eyes::open();
        assert_eq!(eyes.want(Wish::Config, [path.clone()].into()), Ok(true));
        assert_eq!(eyes.want(Wish::Files, [path.clone()].into()), Ok(false));
        assert_eq!(eyes.want(Wish::Config, BTreeSet::new()), Ok(false));
        fs::write(path.join("a"), "1").unwrap();
        assert!(!eyes.see().await.is_empty());
        assert_eq!(eyes.want(Wish::Files, BTreeSet::new()), Ok(false));
        assert_eq!(eyes.want(Wish::Files, [path].into()), Ok(true));
    }

    #[test]
    fn who_sees_nothing_says_why() {
        let refused = Some(Errno::EMFILE.into());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        let mut eyes = Eyes { directories: None, refused, wanted: Default::default(), next: Instant::now() };
        let why = eyes.want(Wish::Config, BTreeSet::new()).unwrap_err();
        assert!(why.contains("max_user_instances"), "{why}");
    }
}
