//! Other circumstances for our commands: another user, less of something, a world of mounts of its own.

use std::process::Command;

use crate::common::{TestProject, has_tool, skipped};

/// A user without any process, any login and any right.
const STRANGER: &str = "61234";

const RUN: &str = env!("CARGO_BIN_EXE_run");

/// Whether we may become somebody else. Says so when not.
pub(crate) fn may_become_a_stranger() -> bool {
    if !has_tool("setpriv") || !has_tool("prlimit") {
        return false;
    }
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        skipped("only root can become another user");
    }
    is_root
}

/// Gives the project and its world to the stranger.
pub(crate) fn give_away(project: &TestProject) {
    let world = project.directory().parent().unwrap().to_owned();
    assert!(Command::new("chown").arg("-R").arg(STRANGER).arg(world).status().unwrap().success());
}

/// Our command as the stranger, with these limits (words for prlimit).
pub(crate) fn as_stranger(project: &TestProject, limits: &[&str], arguments: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", STRANGER, "--regid", STRANGER, "--clear-groups", "prlimit"]);
    command.args(limits).arg(RUN).args(arguments);
    project.put_into_world(&mut command);
    command
}

/// Our command under limits (words for prlimit).
pub(crate) fn limited(project: &TestProject, limits: &[&str], arguments: &[&str]) -> Command {
    let mut command = Command::new("prlimit");
    command.args(limits).arg(RUN).args(arguments);
    project.put_into_world(&mut command);
    command
}

/// `run up` by a shell that first does something, with `$0` as our binary.
pub(crate) fn by_shell(project: &TestProject, script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, RUN]);
    project.put_into_world(&mut command);
    command
}

/// The same in a world of mounts of its own. `None`, and said so, where that cannot be.
pub(crate) fn with_mounts(project: &TestProject, script: &str) -> Option<Command> {
    if !has_tool("unshare") || !has_tool("mount") {
        return None;
    }
    if !nix::unistd::geteuid().is_root() {
        skipped("only root can mount");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-ec", script, RUN]);
    project.put_into_world(&mut command);
    Some(command)
}
