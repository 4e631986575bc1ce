//! The few functions that differ between systems, with the same signatures, and what can be said over them.
//!
//! `linux` was measured; `macos` is written from documentation and says what it cannot do.

#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(target_os = "linux")]
mod directories;
mod glimpse;
mod leftovers;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod listeners;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "linux")]
mod pages;
mod process;
#[cfg(target_os = "linux")]
mod socket_holder;
mod sweep;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

#[cfg(target_os = "linux")]
pub use cgroup::{Cgroup, run_of_cgroup};
#[cfg(target_os = "linux")]
pub use directories::Directories;
pub use glimpse::{Glimpse, What};
pub use leftovers::reclaim;
#[cfg(target_os = "linux")]
pub use linux::{
    Alarm, CLOSE_ON_EXEC, Caught, NO_SIGNAL, PROCESS_COUNT, ProcessWatch, RECEIVE_CLOSE_ON_EXEC, SenderRecord, Signals,
    ask_for_senders, become_subreaper, command_name, die_with_parent, environment, groups_of, is_ending,
    live_without_parent, memory_kills, name_process, open_descriptors, own_children, process_state, processes,
    proportional_memory, sender_in, set_groups, shares_our_pids, signal_process, thread_count, ticks_now,
    ticks_per_second,
};
#[cfg(target_os = "linux")]
pub use listeners::Listeners;
#[cfg(target_os = "macos")]
pub use macos::{
    Alarm, CLOSE_ON_EXEC, Caught, Cgroup, Directories, Listeners, NO_SIGNAL, PROCESS_COUNT, ProcessWatch,
    RECEIVE_CLOSE_ON_EXEC, SenderRecord, Signals, ask_for_senders, become_subreaper, command_name, die_with_parent,
    environment, groups_of, holder_of_port, is_ending, live_without_parent, memory_kills, name_process,
    open_descriptors, own_children, process_state, processes, proportional_memory, run_of_cgroup, sender_in,
    set_groups, shares_our_pids, signal_process, thread_count, ticks_now, ticks_per_second, unused_stack,
    unwritten_pages,
};
#[cfg(target_os = "linux")]
pub use pages::{unused_stack, unwritten_pages};
#[cfg(test)]
pub(crate) use process::tests::fact;
pub use process::{ProcessFact, Usage, subtree, value_in};
#[cfg(target_os = "linux")]
pub use socket_holder::holder_of_port;
pub use sweep::{Inherited, sweep_descendants};

/// The value of a variable that a process was executed with; `None` without one, and when we may not look.
pub fn environment_value(pid: u32, name: &str) -> Option<String> {
    value_in(&environment(pid)?, name)
}

/// A pipe that no program inherits: where it is read, and where it is written.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((reader.into(), writer.into()))
}

/// Who sent a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The pid; 0 where the system does not tell.
    pub pid: u32,
    /// The user.
    pub uid: u32,
}

/// The variable by which a process is recognised when it has left its program's session and lost its parents.
pub const MARK: &str = "RUN_MARK";

/// Who listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortHolder {
    /// Its pid.
    pub pid: u32,
    /// Its command name.
    pub name: String,
    /// The directory it runs in, where we may know.
    pub directory: Option<PathBuf>,
}

/// Whether a process is stopped: by Ctrl-Z or SIGSTOP, until SIGCONT.
pub fn is_stopped(pid: u32) -> bool {
    process_state(pid) == Some('T')
}

/// A process and all its descendants.
pub fn process_tree(root: u32) -> Vec<ProcessFact> {
    subtree(processes(), root)
}

/// What each of these and its descendants hold in memory, in bytes, from one look at the process table. Resident pages are added
/// up; only where that is above the limit beside the pid, shared pages are divided among those that share them, which costs a walk
/// over their page tables (proc(5), `smaps_rollup`), where we may and the system tells.
pub fn memory(roots: &[(u32, u64)]) -> BTreeMap<u32, u64> {
    let facts = processes();
    let pids: Vec<u32> = roots.iter().map(|(pid, _)| *pid).collect();
    let mut held: BTreeMap<u32, u64> =
        process::usage_of(&facts, &pids).into_iter().map(|(pid, usage)| (pid, usage.memory)).collect();
    for (root, limit) in roots {
        if let Some(bytes) = held.get_mut(root).filter(|bytes| **bytes > *limit) {
            let tree = subtree(facts.clone(), *root);
            *bytes = tree.iter().map(|fact| proportional_memory(fact.pid).unwrap_or(fact.rss_bytes)).sum();
        }
    }
    held
}

/// What each of these and its descendants use, from one look at the process table. Those that are gone are left out; what has
/// lost its parents belongs to nobody here.
pub fn usage(roots: &[u32]) -> BTreeMap<u32, Usage> {
    process::usage_of(&processes(), roots)
}

/// Raises our limit of open descriptors as far as it goes and returns the limit that was in force, and what it is now. Programs
/// are not affected: the spawner is forked before.
pub fn raise_open_descriptor_limit() -> io::Result<(u64, u64)> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok((soft, hard))
}

/// Puts `/dev/null` in the place of our standard streams, so that whoever reads or waits for them is not held up by us.
pub fn release_standard_streams() -> io::Result<()> {
    let null: OwnedFd = std::fs::File::options().read(true).write(true).open("/dev/null")?.into();
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    Ok(())
}
