//! The driver's way to the user. Who implements it lives above, so that the driver knows no terminal.

use crate::model::{ConfigNews, Now, ProcessId};
use crate::supervisor::notice::Notice;
use crate::supervisor::snapshot::Snapshot;

/// Whoever tells the user what happens.
pub trait Narrator {
    /// Something worth a line. `snapshot` is the state after the step that gave it.
    fn tell(&mut self, notice: &Notice, snapshot: &Snapshot, now: Now);
    /// What a watched config has to say that is no reload.
    fn config(&mut self, news: &ConfigNews, snapshot: &Snapshot, now: Now);
    /// The project is another now: names, colours and columns follow. Says how many columns stand before a line.
    fn adopt(&mut self, snapshot: &Snapshot) -> u16;
    /// A process got its pid.
    fn spawned(&mut self, process: ProcessId, pid: u32);
    /// A process was killed while the kernel killed for want of memory. Its end is told next.
    fn ran_out_of_memory(&mut self, process: ProcessId);
    /// These had outlived their program and were ended: pid and command name.
    fn leftovers(&mut self, names: &[(u32, String)]);
    /// Something about ourselves that has no notice: in one line.
    fn remark(&mut self, line: String);
    /// We are about to be suspended: give the terminal back as it was.
    fn suspend(&mut self);
    /// We were continued.
    fn resume(&mut self);
}
