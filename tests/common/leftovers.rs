//! What is left of tests that were killed: they could not clear up after themselves, so the next ones do.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::{Pid, geteuid};

use super::{MARK, processes};

/// How the directory of a test begins; the pid of the tests and a word of chance follow.
const PREFIX: &str = "run-";

/// How the directories of this process begin.
pub(crate) fn prefix() -> String {
    format!("{PREFIX}{}-", process::id())
}

/// Removes the directories here whose tests are dead, and ends the processes that these had started.
pub(crate) fn clear_away(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| is_of_the_dead(name)) else { continue };
        if entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw()) {
            processes::with_variable(MARK, name).iter().for_each(processes::Found::kill);
            // Others clear away the same at this moment; what cannot be removed stays.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_of_the_dead(name: &str) -> bool {
    let pid = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')?.0.parse().ok());
    pid.is_some_and(|pid: i32| pid > 0 && kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH))
}
