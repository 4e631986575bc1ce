//! Whom a name on supervisord's wire means: exact names only, unlike the words of `run.*`.

use std::collections::BTreeMap;

use crate::api::fault::{BAD_NAME, Fault};
use crate::api::method::View;
use crate::model::{Dialect, ProcessState};
use crate::supervisor::snapshot::{OffBecause, ProcessInfo, Snapshot};

/// A process, or every process of a group.
pub(super) enum Target<'a> {
    One(&'a ProcessInfo),
    Group(Vec<&'a ProcessInfo>),
}

/// Reads `name`, `group:name`, `group:*` or `group:` (supervisor `options.py` `split_namespec`). A grouped process is not found by its
/// bare name.
pub(super) fn find<'a>(view: &View<'a>, name: &str) -> Result<Target<'a>, Fault> {
    let (group, process) = name.split_once(':').unwrap_or((name, name));
    if process.is_empty() || process == "*" {
        return members(view, group).map(Target::Group).map_err(|_| Fault::new(BAD_NAME, name));
    }
    one(view.snapshot, group, process).map(Target::One).ok_or_else(|| Fault::new(BAD_NAME, name))
}

fn one<'a>(snapshot: &'a Snapshot, group: &str, process: &str) -> Option<&'a ProcessInfo> {
    let wanted = |info: &&ProcessInfo| info.name.group == group && info.name.process == process;
    snapshot.processes.iter().map(|info| &**info).find(wanted)
}

/// A process by its exact name; a group is none (supervisor `rpcinterface.py` `getProcessInfo`).
pub(super) fn process<'a>(view: &View<'a>, name: &str) -> Result<&'a ProcessInfo, Fault> {
    match find(view, name)? {
        Target::One(info) => Ok(info),
        Target::Group(_) => Err(Fault::new(BAD_NAME, name)),
    }
}

/// The processes of a group, in the order of their priorities.
pub(super) fn members<'a>(view: &View<'a>, group: &str) -> Result<Vec<&'a ProcessInfo>, Fault> {
    let mut members = in_order(view);
    members.retain(|info| info.name.group == group);
    if members.is_empty() { Err(Fault::new(BAD_NAME, group)) } else { Ok(members) }
}

/// Every process whose profile is active, group by group.
pub(super) fn all<'a>(view: &View<'a>) -> Vec<&'a ProcessInfo> {
    let mut all = in_order(view);
    all.retain(|info| info.off_because != Some(OffBecause::Profile));
    all
}

/// In start order. In a supervisord.conf that is the order in which a group names its programs, but whoever is asked for all of
/// them goes by their priorities (supervisor `rpcinterface.py` `_getAllProcesses`).
fn in_order<'a>(view: &View<'a>) -> Vec<&'a ProcessInfo> {
    let mut infos: Vec<&ProcessInfo> =
        view.snapshot.start_order.iter().filter_map(|id| view.snapshot.get(*id)).collect();
    if view.project.dialect == Dialect::Supervisord {
        let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
        for info in &infos {
            let next = groups.len();
            groups.entry(&info.name.group).or_insert(next);
        }
        let priority = |info: &ProcessInfo| view.project.program(&info.program).map(|program| program.priority);
        infos.sort_by_key(|info| (groups.get(&*info.name.group).copied(), priority(info)));
    }
    infos
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
