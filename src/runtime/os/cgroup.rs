//! A cgroup of its own for what a project runs, where the system lets us make one: in a cgroup v2 that we may write to and that knows
//! `cgroup.kill` (cgroups(7), "Cgroup v2 delegation").
//!
//! The spawner is born in it, so whatever it starts is in it, through all sessions, parents and environments. It is the last resort
//! behind the hunt for descendants: what may not be signalled, and what forks faster than we look, ends with it. It also tells the
//! next start whose a process is that has cleared its environment.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, statfs};

use crate::runtime::sys::{self, Forked};

/// Where the hierarchy is mounted nearly everywhere (cgroups(7)).
const USUAL_MOUNT: &str = "/sys/fs/cgroup";

/// What the names of ours begin with; the mark of a run follows.
const PREFIX: &str = "runup-";

/// How long what is in a cgroup may take to end with it.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// How often it is looked whether it is empty.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A cgroup below the one that we were started in.
#[derive(Debug, Clone)]
pub struct Cgroup {
    above: PathBuf,
    directory: PathBuf,
}

impl Cgroup {
    /// Makes one for a run, named by its mark (`PROJECT-PID`), and clears away what dead runs have left beside it. `None` where that
    /// cannot be.
    pub fn make(run_id: &str) -> Option<Self> {
        let above = our_directory()?;
        clear_away_the_dead(&above);
        let directory = above.join(format!("{PREFIX}{run_id}"));
        fs::create_dir(&directory).ok()?;
        let made = Self { above, directory };
        let can_kill = made.directory.join("cgroup.kill").exists();
        if !can_kill {
            made.end();
        }
        can_kill.then_some(made)
    }

    /// Copies this process, as [`sys::fork`] does; the copy is born inside.
    pub fn fork(&self) -> io::Result<Forked> {
        sys::fork_into(File::open(&self.directory)?.as_fd())
    }

    /// Takes this process out again. May last some tens of milliseconds: the kernel waits until nobody looks at the old place.
    pub fn leave(&self) -> io::Result<()> {
        fs::write(self.above.join("cgroup.procs"), "0")
    }

    /// Kills whoever is still inside, and removes it. For a process that is not inside itself.
    pub fn end(&self) {
        let begun = Instant::now();
        let mut is_removed = remove(&self.directory);
        if !is_removed {
            // Where it is refused, whoever is inside stays, and so does the directory.
            let _ = fs::write(self.directory.join("cgroup.kill"), "1");
        }
        while !is_removed && begun.elapsed() < LAST_MOMENT {
            thread::sleep(LOOK_EVERY);
            is_removed = remove(&self.directory);
        }
    }
}

/// The mark of the run whose cgroup a process is in: of the innermost, where one run has started another.
pub fn run_of_cgroup(pid: u32) -> Option<String> {
    let path = path_in(&fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?)?.to_owned();
    path.rsplit('/').find_map(|part| part.strip_prefix(PREFIX)).map(str::to_owned)
}

/// Where the cgroup of this process is found as a directory. The list of mounts, which takes the kernel a tenth of a millisecond to
/// write, is read only where the hierarchy is not in its usual place, or not all of it.
fn our_directory() -> Option<PathBuf> {
    let cgroups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = path_in(&cgroups)?;
    let usual = || {
        let directory = Path::new(USUAL_MOUNT).join(path.strip_prefix('/')?);
        let is_hierarchy = statfs(USUAL_MOUNT).is_ok_and(|found| found.filesystem_type() == CGROUP2_SUPER_MAGIC);
        (is_hierarchy && !climbs(path) && directory.join("cgroup.procs").exists()).then_some(directory)
    };
    usual().or_else(|| {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        mounts.lines().find_map(|mount| directory_of(path, mount))
    })
}

/// Whether a path leads out of the part of the hierarchy that we see.
fn climbs(path: &str) -> bool {
    path.split('/').any(|part| part == "..")
}

/// The path in the hierarchy of version 2, from `/proc/PID/cgroup` (cgroups(7)).
fn path_in(cgroups: &str) -> Option<&str> {
    cgroups.lines().find_map(|line| line.strip_prefix("0::"))
}

/// The directory of a path under a mount, given as a line of `/proc/self/mountinfo` (`proc_pid_mountinfo(5)`: the fourth field is what of
/// the hierarchy is mounted, the fifth is where, and the first behind the dash is the file system).
fn directory_of(path: &str, mount: &str) -> Option<PathBuf> {
    let (place, kind) = mount.split_once(" - ")?;
    let mut fields = place.split(' ').skip(3);
    let (root, at) = (fields.next()?, fields.next()?);
    let below = Path::new(path).strip_prefix(root).ok()?;
    (kind.split(' ').next() == Some("cgroup2") && !climbs(path)).then(|| Path::new(at).join(below))
}

/// Removes the empty cgroups of runs whose supervisor is no more.
fn clear_away_the_dead(above: &Path) {
    for name in directories_in(above) {
        let supervisor = name.strip_prefix(PREFIX).and_then(|run_id| run_id.rsplit_once('-')).map(|(_, pid)| pid);
        if supervisor.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            remove(&above.join(name));
        }
    }
}

/// Removes a cgroup and those below it, and says whether it is gone. Nothing happens to one that somebody is in.
fn remove(directory: &Path) -> bool {
    for name in directories_in(directory) {
        remove(&directory.join(name));
    }
    let removed = fs::remove_dir(directory);
    removed.is_ok() || removed.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn directories_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_directory_is_where_the_hierarchy_is_mounted() {
        let in_place = |path, mount| directory_of(path, mount).map(|found| found.display().to_string());
        let whole = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw";
        assert_eq!(in_place("/user.slice/tab.scope", whole).unwrap(), "/sys/fs/cgroup/user.slice/tab.scope");
        let part = "30 24 0:26 /box /sys/fs/cgroup rw - cgroup2 cgroup rw";
        assert_eq!(in_place("/box/inner", part).unwrap(), "/sys/fs/cgroup/inner");
        assert_eq!(in_place("/elsewhere", part), None);
        assert_eq!(in_place("/../outside", whole), None, "above what we see");
        assert_eq!(in_place("/", "31 24 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu"), None);
    }

    #[test]
    fn the_path_is_that_of_version_2() {
        assert_eq!(path_in("9:name=systemd:/old\n0::/new/one\n"), Some("/new/one"));
        assert_eq!(path_in("9:name=systemd:/old\n"), None);
    }
}
