//! The few functions that differ between systems, with the same signatures, and what can be said over them.
//!
//! `linux` was measured; `macos` is written from documentation and says what it cannot do.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
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
pub use linux::{
    Caught, Signals, become_subreaper, die_with_parent, environment_mark, live_without_parent, name_process,
    open_descriptors, own_children, peer_uid, processes, signal_process, thread_count, ticks_now, ticks_per_second,
};
#[cfg(target_os = "macos")]
pub use macos::{
    Caught, Signals, become_subreaper, die_with_parent, environment_mark, holder_of_port, live_without_parent,
    name_process, open_descriptors, own_children, peer_uid, processes, signal_process, thread_count, ticks_now,
    ticks_per_second,
};
#[cfg(test)]
pub(crate) use process::tests::fact;
pub use process::{ProcessFact, subtree};
#[cfg(target_os = "linux")]
pub use socket_holder::holder_of_port;
pub use sweep::sweep_descendants;

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

/// What a process and all its descendants use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time so far of those that are alive, in ticks ([`ticks_per_second`]).
    pub cpu_ticks: u64,
    /// Resident memory in bytes; pages that they share are counted for each.
    pub memory: u64,
    /// How long the process itself has lived, in ticks.
    pub age_ticks: u64,
}

/// A process and all its descendants.
pub fn process_tree(root: u32) -> Vec<ProcessFact> {
    subtree(processes(), root)
}

impl Usage {
    /// The share of one core over its life so far, in percent, as ps(1) has it.
    pub fn cpu_percent(&self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
        let share = self.cpu_ticks as f32 / self.age_ticks.max(1) as f32;
        share * 100.0
    }
}

/// What each of these and its descendants use, from one look at the process table. Those that are gone are left out.
pub fn usage(roots: &[u32]) -> BTreeMap<u32, Usage> {
    let facts = processes();
    let now = ticks_now();
    let mut children: BTreeMap<u32, Vec<&ProcessFact>> = BTreeMap::new();
    for fact in &facts {
        children.entry(fact.ppid).or_default().push(fact);
    }
    let mut found = BTreeMap::new();
    for root in facts.iter().filter(|fact| roots.contains(&fact.pid)) {
        let mut usage = Usage { age_ticks: now.saturating_sub(root.start_time), ..Usage::default() };
        let mut open = vec![root];
        while let Some(fact) = open.pop() {
            usage.cpu_ticks += fact.cpu_ticks;
            usage.memory += fact.rss_bytes;
            open.extend(children.get(&fact.pid).into_iter().flatten());
        }
        found.insert(root.pid, usage);
    }
    found
}

/// Raises our limit of open descriptors as far as it goes and returns the limit that was in force, and what it is now. Programs
/// are not affected: the spawner is forked before.
pub fn raise_open_descriptor_limit() -> io::Result<(u64, u64)> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok((soft, hard))
}

/// Sets the limit of open descriptors back, for a program that is executed without the spawner.
pub fn restore_open_descriptor_limit(soft: u64) -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, soft.min(hard), hard)?;
    Ok(())
}

/// Puts `/dev/null` in the place of our standard streams, so that whoever reads or waits for them is not held up by us.
pub fn release_standard_streams() -> io::Result<()> {
    let null: OwnedFd = std::fs::File::options().read(true).write(true).open("/dev/null")?.into();
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    Ok(())
}
