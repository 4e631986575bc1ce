//! Who sits on a port that a program of ours should have: a stranger, or another project that runs here.

use std::time::Duration;

use nix::unistd::{Pid, getsid};

use crate::cli::connection::Connection;
use crate::model::status::{ProcessStatus, ProjectStatus};
use crate::registry::{self, Homes, Running};
use crate::runtime::clock::Clock;
use crate::runtime::os;
use crate::runtime::ports::{Holder, HolderProject};

/// Finds the holder of a port; `None` when nobody can be told, such as a process of another user.
pub(in crate::cli) fn holder_of(port: u16, homes: &Homes) -> Option<Holder> {
    let holder = os::holder_of_port(port)?;
    let project = project_of(holder.pid, homes);
    Some(Holder { pid: holder.pid, name: holder.name, directory: holder.directory, project })
}

/// The project that runs a process: the one that its environment names, else the one that it shares a session with.
fn project_of(pid: u32, homes: &Homes) -> Option<HolderProject> {
    by_environment(pid, homes).or_else(|| by_session(pid, homes))
}

/// Our programs hand `RUN_ID` and `RUN_PROGRAM` on to whatever they start.
fn by_environment(pid: u32, homes: &Homes) -> Option<HolderProject> {
    let id = os::environment_value(pid, "RUN_ID").filter(|_| os::shares_our_pids(pid))?;
    let (identity, supervisor) = id.rsplit_once('-')?;
    let mut running = registry::list(homes).into_iter();
    let Running { owner, .. } = running
        .find(|running| running.places.identity.as_str() == identity && running.owner.pid.to_string() == supervisor)?;
    let now = Clock::start().now().wall;
    Some(HolderProject {
        name: owner.name,
        explicit_name: owner.explicit_name,
        root: owner.root,
        program: os::environment_value(pid, "RUN_PROGRAM")?,
        up: Duration::from_millis(now.0.saturating_sub(owner.since.0)),
    })
}

/// Each program has a session of its own, and the process is in one of them.
fn by_session(pid: u32, homes: &Homes) -> Option<HolderProject> {
    let session = getsid(Some(Pid::from_raw(i32::try_from(pid).ok()?))).ok()?;
    let session = u32::try_from(session.as_raw()).ok()?;
    registry::list(homes).into_iter().find_map(|running| {
        let mut connection = Connection::open(homes.clone(), running).ok()??;
        let status = connection.status_unless_gone().ok()??;
        let process = in_session(&status, session)?;
        Some(HolderProject {
            name: status.project.clone(),
            explicit_name: connection.owner().explicit_name.clone(),
            root: connection.owner().root.clone(),
            program: process.program.clone(),
            up: Duration::from_millis(status.up_ms),
        })
    })
}

fn in_session(status: &ProjectStatus, session: u32) -> Option<&ProcessStatus> {
    status.processes.iter().find(|process| process.pid != 0 && process.pid == session)
}
