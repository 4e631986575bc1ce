//! The driver's way to the user. Who implements it lives above, so that the driver knows no terminal.

use crate::model::{Exit, Now, ProcessId};
use crate::runtime::signals::Heard;
use crate::supervisor::notice::Notice;
use crate::supervisor::snapshot::Snapshot;

/// Whoever tells the user what happens.
pub trait Narrator {
    /// Something worth a line. `snapshot` is the state after the step that gave it.
    fn tell(&mut self, notice: &Notice, snapshot: &Snapshot, now: Now);
    /// A process got its pid.
    fn spawned(&mut self, process: ProcessId, pid: u32);
    /// These had outlived their program and were ended: pid and command name.
    fn leftovers(&mut self, names: &[(u32, String)]);
    /// Something about ourselves that has no notice: in one line.
    fn remark(&mut self, line: String);
    /// A signal came. `is_ending`: the end has been asked for before, so that nothing begins anew.
    fn heard(&mut self, _heard: Heard, _is_ending: bool) {}
    /// A process that nobody here has started was our child at its end.
    fn reaped(&mut self, _pid: u32, _exit: Exit) {}
    /// Whatever is written to files goes to files of the same names from now on.
    fn reopen(&mut self) {}
    /// We are about to be suspended: give the terminal back as it was.
    fn suspend(&mut self);
    /// We were continued.
    fn resume(&mut self);
}
