//! Other circumstances for our commands: another user, less of something, a world of mounts of its own.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::{TestProject, has_tool, skipped};

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

/// Gives the project and its world to a stranger: a user without any login and any right, and without any process, as how many it may
/// have is counted over all tests that run at the same time.
pub(crate) fn give_away(project: &TestProject) {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let number = std::process::id().wrapping_mul(97).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
    let stranger = (61_000 + number % 4000).to_string();
    let world = project.directory().parent().unwrap().to_owned();
    assert!(Command::new("chown").arg("-R").arg(stranger).arg(world).status().unwrap().success());
}

/// The user that the project was given to.
pub(crate) fn stranger_of(project: &TestProject) -> String {
    fs::metadata(project.directory()).unwrap().uid().to_string()
}

/// Puts a `become-root` into the project, to be called with `--reuid 0` and a command: whoever runs it is root for good.
pub(crate) fn put_become_root(project: &TestProject) {
    let setpriv = Command::new("sh").args(["-c", "command -v setpriv"]).output().unwrap().stdout;
    fs::copy(String::from_utf8(setpriv).unwrap().trim(), project.path("become-root")).unwrap();
    fs::set_permissions(project.path("become-root"), fs::Permissions::from_mode(0o4755)).unwrap();
}

pub(crate) fn is_root_for_good(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| status.contains("Uid:\t0\t0\t0\t0"))
}

/// Our command as the stranger, with these limits (words for prlimit).
pub(crate) fn as_stranger(project: &TestProject, limits: &[&str], arguments: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    let stranger = stranger_of(project);
    command.args(["--reuid", &stranger, "--regid", &stranger, "--clear-groups", "prlimit"]);
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
