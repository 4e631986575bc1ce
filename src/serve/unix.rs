//! The UNIX socket: bound so that nobody else can ever open it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, umask};
use nix::unistd::geteuid;
use tokio::net::{UnixListener, UnixStream};

use super::listen::ListenError;

/// The longest path that `sun_path` holds (unix(7)).
pub(super) const LONGEST: usize = 107;

/// The bound socket. Dropping it removes its file, unless another has taken the place.
#[derive(Debug)]
pub(super) struct UnixGate {
    pub(super) socket: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl UnixGate {
    /// Binds under a temporary name, mode 0600 from the first moment, and renames it into place.
    pub(super) fn bind(path: &Path) -> Result<Self, ListenError> {
        let temporary = path.with_file_name(format!(".{}", std::process::id()));
        if path.as_os_str().len().max(temporary.as_os_str().len()) > LONGEST {
            return Err(ListenError::TooLong(path.to_owned()));
        }
        let failed = |step| {
            let path = path.to_owned();
            move |source| ListenError::Io { step, path, source }
        };
        let _ = fs::remove_file(&temporary);
        let before = umask(Mode::from_bits_truncate(0o177));
        let bound = UnixListener::bind(&temporary);
        umask(before);
        let socket = bound.map_err(failed("bind"))?;
        fs::set_permissions(&temporary, Permissions::from_mode(0o600)).map_err(failed("protect"))?;
        fs::rename(&temporary, path).map_err(failed("publish"))?;
        let inode = fs::symlink_metadata(path).map_err(failed("watch"))?.ino();
        Ok(Self { socket, path: path.to_owned(), inode })
    }

    /// The next connection; `None` when it is of another user (other than root), who is let go without a word.
    pub(super) async fn accept(&self) -> io::Result<Option<UnixStream>> {
        let (stream, _) = self.socket.accept().await?;
        Ok(is_ours(&stream).then_some(stream))
    }
}

impl Drop for UnixGate {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn is_ours(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == geteuid().as_raw() || peer.uid() == 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream as Blocking;

    use super::*;

    #[tokio::test]
    async fn the_socket_is_ours_alone_and_leaves_with_its_listener() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        fs::write(&path, "stale").unwrap();
        let gate = UnixGate::bind(&path).unwrap();
        assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary name is left");
        drop(gate);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_listener_that_was_replaced_leaves_its_successor_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let first = UnixGate::bind(&path).unwrap();
        let _second = UnixGate::bind(&path).unwrap();
        drop(first);
        assert!(Blocking::connect(&path).is_ok());
    }

    #[tokio::test]
    async fn a_path_that_no_socket_can_have_is_told() {
        let long = Path::new("/tmp").join("x".repeat(120));
        assert!(matches!(UnixGate::bind(&long), Err(ListenError::TooLong(_))));
    }
}
