//! Whom a name on supervisord's wire means: exact names only, unlike the words of `run.*`.

use crate::api::fault::{BAD_NAME, Fault};
use crate::model::ProcessState;
use crate::supervisor::snapshot::{OffBecause, ProcessInfo, Snapshot};

/// A process, or every process of a group.
pub(super) enum Target<'a> {
    One(&'a ProcessInfo),
    Group(Vec<&'a ProcessInfo>),
}

/// Reads `name`, `group:name`, `group:*` or `group:` (supervisor `options.py` `split_namespec`). A grouped process is not found by its
/// bare name.
pub(super) fn find<'a>(snapshot: &'a Snapshot, name: &str) -> Result<Target<'a>, Fault> {
    let (group, process) = name.split_once(':').unwrap_or((name, name));
    if process.is_empty() || process == "*" {
        return members(snapshot, group).map(Target::Group).map_err(|_| Fault::new(BAD_NAME, name));
    }
    one(snapshot, group, process).map(Target::One).ok_or_else(|| Fault::new(BAD_NAME, name))
}

fn one<'a>(snapshot: &'a Snapshot, group: &str, process: &str) -> Option<&'a ProcessInfo> {
    let wanted = |info: &&ProcessInfo| info.name.group == group && info.name.process == process;
    snapshot.processes.iter().map(|info| &**info).find(wanted)
}

/// A process by its exact name; a group is none (supervisor `rpcinterface.py` `getProcessInfo`).
pub(super) fn process<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a ProcessInfo, Fault> {
    match find(snapshot, name)? {
        Target::One(info) => Ok(info),
        Target::Group(_) => Err(Fault::new(BAD_NAME, name)),
    }
}

/// The processes of a group, in start order.
pub(super) fn members<'a>(snapshot: &'a Snapshot, group: &str) -> Result<Vec<&'a ProcessInfo>, Fault> {
    let members: Vec<_> = in_start_order(snapshot).filter(|info| info.name.group == group).collect();
    if members.is_empty() { Err(Fault::new(BAD_NAME, group)) } else { Ok(members) }
}

/// Every process whose profile is active, in start order.
pub(super) fn all(snapshot: &Snapshot) -> Vec<&ProcessInfo> {
    in_start_order(snapshot).filter(|info| info.off_because != Some(OffBecause::Profile)).collect()
}

fn in_start_order(snapshot: &Snapshot) -> impl Iterator<Item = &ProcessInfo> {
    snapshot.start_order.iter().filter_map(|id| snapshot.get(*id))
}

/// supervisor `states.py` `RUNNING_STATES`: what cannot be started and can be stopped.
pub(super) fn is_running(info: &ProcessInfo) -> bool {
    match info.state {
        ProcessState::Running | ProcessState::Backoff | ProcessState::Starting => true,
        ProcessState::Stopped
        | ProcessState::Stopping
        | ProcessState::Exited
        | ProcessState::Fatal
        | ProcessState::Unknown => false,
    }
}

/// supervisor `states.py` `SIGNALLABLE_STATES`.
pub(super) fn is_signallable(info: &ProcessInfo) -> bool {
    match info.state {
        ProcessState::Running | ProcessState::Starting | ProcessState::Stopping => true,
        ProcessState::Stopped
        | ProcessState::Backoff
        | ProcessState::Exited
        | ProcessState::Fatal
        | ProcessState::Unknown => false,
    }
}
