//! Reaping processes that nobody here has started: whoever is process 1, or a subreaper, gets the orphans of others. Programs are
//! never among them, since they are the spawner's children.

use crate::model::Exit;
use crate::runtime::sys::{self, Waited};

/// Reaps every child that has ended; never waits. The spawner may be among them: that it is gone is known from its socket.
pub fn reap() -> Vec<(u32, Exit)> {
    let mut reaped = Vec::new();
    while let Ok(Waited::Ended(pid, exit)) = sys::wait_any() {
        reaped.push((pid, exit));
    }
    reaped
}
