//! A spawn order made ready for the child: everything that needs memory is done here, before there is a child.

use std::ffi::{CString, OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use nix::errno::Errno;

use super::order::{SpawnOrder, Stdio, Step};
use crate::runtime::os::MARK;
use crate::runtime::sys::{self, Launch, Stack};

/// Where programs are looked for without a PATH (confstr(3), `_CS_PATH`).
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Executes a program; returns the pid of its leader, or the step that failed and the system's error number.
pub(super) fn launch(order: &mut SpawnOrder, mark: &str, stack: &mut Stack) -> Result<u32, (Step, i32)> {
    order.env.set(MARK, mark);
    let launch = prepare(order).ok_or((Step::Execute, Errno::EINVAL as i32))?;
    sys::launch(&launch, stack)
}

/// `None` when a string holds a zero byte, or there is no program.
fn prepare(order: &SpawnOrder) -> Option<Launch<'_>> {
    let (streams, has_terminal) = match &order.stdio {
        Stdio::Terminal(slave) => ([slave.as_fd(); 3], true),
        Stdio::Streams { stdin, stdout, stderr } => {
            ([stdin.as_fd(), stdout.as_fd(), stderr.as_ref().unwrap_or(stdout).as_fd()], false)
        }
    };
    let path = order.env.get("PATH").unwrap_or(DEFAULT_PATH);
    let candidates = candidates(order.argv.first()?, path.as_ref());
    Some(Launch {
        candidates: candidates.into_iter().map(c_string).collect::<Option<_>>()?,
        argv: order.argv.iter().cloned().map(c_string).collect::<Option<_>>()?,
        env: &order.env,
        directory: c_string(order.directory.clone().into_os_string())?,
        umask: order.umask,
        user: order.user.as_ref(),
        streams,
        has_terminal,
    })
}

fn c_string(text: OsString) -> Option<CString> {
    CString::new(text.into_vec()).ok()
}

/// The files that a program's name may mean. They are tried by the child, in its directory and as its user; so a relative entry
/// of PATH means the child's, and an empty one the directory itself.
fn candidates(program: &OsStr, path: &OsStr) -> Vec<OsString> {
    if program.as_bytes().contains(&b'/') || program.is_empty() {
        return vec![program.to_owned()];
    }
    let entries = path.as_bytes().split(|byte| *byte == b':').map(OsStr::from_bytes);
    entries
        .map(|entry| {
            let mut file = if entry.is_empty() { OsString::from(".") } else { entry.to_owned() };
            file.push("/");
            file.push(program);
            file
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(program: &str, path: &str) -> Vec<OsString> {
        candidates(program.as_ref(), path.as_ref())
    }

    #[test]
    fn a_bare_word_is_looked_for_on_the_path_in_order() {
        assert_eq!(found("node", "bin:/usr/bin::"), ["bin/node", "/usr/bin/node", "./node", "./node"]);
    }

    #[test]
    fn a_path_is_taken_as_it_stands() {
        assert_eq!(found("./bin/api", "/usr/bin"), ["./bin/api"]);
        assert_eq!(found("", "/usr/bin"), [""]);
    }
}
