//! Who sits on a port that a program of ours should have: a stranger, or another project that runs here.

use std::time::Duration;

use nix::unistd::{Pid, getsid};

use crate::cli::connection::Connection;
use crate::model::status::{ProcessStatus, ProjectStatus};
use crate::registry::{self, Homes};
use crate::runtime::os;
use crate::runtime::ports::{Holder, HolderProject};

/// Finds the holder of a port; `None` when nobody can be told, such as a process of another user.
pub(super) fn holder_of(port: u16, homes: &Homes) -> Option<Holder> {
    let holder = os::holder_of_port(port)?;
    let project = project_of(holder.pid, homes);
    Some(Holder { pid: holder.pid, name: holder.name, directory: holder.directory, project })
}

/// The project that runs a process: each program has a session of its own, and the process is in one of them.
fn project_of(pid: u32, homes: &Homes) -> Option<HolderProject> {
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
