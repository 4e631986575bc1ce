//! UNIX sockets: our own, bound so that nobody else can ever open it, and those of a supervisord.conf, for whom their mode lets in.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, chown, geteuid};
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
    /// Whether only the owner may come in; else the mode of the file says who.
    is_private: bool,
    /// Whether a stale one of an earlier run stood in its place.
    pub(super) has_replaced: bool,
}

/// Whom a shared socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sharing {
    /// Its mode.
    pub mode: u32,
    /// Whose it is; `None`: ours.
    pub user: Option<u32>,
    /// Of which group; `None`: ours.
    pub group: Option<u32>,
}

/// How often a shared socket is tried again when something stale was in its place.
const TRIES: u32 = 8;

impl UnixGate {
    /// Binds a socket for us alone.
    pub(super) fn bind(path: &Path) -> Result<Self, ListenError> {
        Self::place(path, Sharing { mode: 0o600, user: None, group: None }, true)
    }

    /// Binds a socket for whom its mode lets in.
    pub(super) fn bind_shared(path: &Path, sharing: Sharing) -> Result<Self, ListenError> {
        Self::place(path, sharing, false)
    }

    /// Binds under a temporary name with the mode and owner that are wanted, and links it into place. A socket that somebody listens
    /// on stays theirs; a stale one is replaced (supervisor `http.py` `supervisor_af_unix_http_server`). Unlike there, what is no
    /// socket at all is never removed.
    fn place(path: &Path, sharing: Sharing, is_private: bool) -> Result<Self, ListenError> {
        let mut temporary = path.to_owned().into_os_string();
        temporary.push(format!(".{}", std::process::id()));
        let temporary = PathBuf::from(temporary);
        if temporary.as_os_str().len() > LONGEST {
            return Err(ListenError::TooLong(path.to_owned()));
        }
        let _ = fs::remove_file(&temporary);
        let bound = prepare(&temporary, sharing).and_then(|socket| {
            let published = link_into_place(&temporary, path);
            published.map(|(inode, has_replaced)| Self {
                socket,
                path: path.to_owned(),
                inode,
                is_private,
                has_replaced,
            })
        });
        let _ = fs::remove_file(&temporary);
        bound.map_err(|refused| match refused {
            Refused::InUse => ListenError::InUse(path.to_owned()),
            Refused::Step(step, source) => ListenError::Io { step, path: path.to_owned(), source },
        })
    }

    /// The next connection; `None` when it is of another user (other than root) at a private socket, who is let go without a word.
    pub(super) async fn accept(&self) -> io::Result<Option<UnixStream>> {
        let (stream, _) = self.socket.accept().await?;
        Ok((!self.is_private || is_ours(&stream)).then_some(stream))
    }
}

/// Why a shared socket could not be bound.
enum Refused {
    /// Somebody is there.
    InUse,
    /// A step failed.
    Step(&'static str, io::Error),
}

/// Binds with a mode that lets nobody else in from the first moment. The owner keeps all bits: other threads share the mask, and a
/// directory that one of them makes meanwhile has to be of use.
fn bind_closed(path: &Path) -> io::Result<UnixListener> {
    let before = umask(Mode::from_bits_truncate(0o077));
    let bound = UnixListener::bind(path);
    umask(before);
    bound
}

/// A socket under its temporary name, as it is to be.
fn prepare(temporary: &Path, sharing: Sharing) -> Result<UnixListener, Refused> {
    let Sharing { mode, user, group } = sharing;
    let socket = bind_closed(temporary).map_err(|error| Refused::Step("bind", error))?;
    if user.is_some() || group.is_some() {
        chown(temporary, user.map(Uid::from_raw), group.map(Gid::from_raw))
            .map_err(|errno| Refused::Step("give away", errno.into()))?;
    }
    fs::set_permissions(temporary, Permissions::from_mode(mode)).map_err(|error| Refused::Step("protect", error))?;
    Ok(socket)
}

/// Gives the socket its name, which nobody else has then; its inode, and whether a stale one had it.
fn link_into_place(temporary: &Path, path: &Path) -> Result<(u64, bool), Refused> {
    let mut has_replaced = false;
    for _ in 0..TRIES {
        match fs::hard_link(temporary, path) {
            Ok(()) => {
                let found = fs::symlink_metadata(path).map_err(|error| Refused::Step("watch", error))?;
                return Ok((found.ino(), has_replaced));
            }
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(Refused::Step("publish", error)),
            Err(_) => {
                remove_stale(path)?;
                has_replaced = true;
            }
        }
    }
    Err(Refused::InUse)
}

/// Removes a socket that nobody listens on.
fn remove_stale(path: &Path) -> Result<(), Refused> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        let error = io::Error::new(io::ErrorKind::AlreadyExists, "something that is no socket is there");
        return Err(Refused::Step("replace", error));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => {
            fs::remove_file(path).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(Refused::Step("replace", error)),
            })
        }
        Ok(_) | Err(_) => Err(Refused::InUse),
    }
}

impl Drop for UnixGate {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

pub(super) fn is_ours(stream: &UnixStream) -> bool {
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
        let gate = UnixGate::bind(&path).unwrap();
        assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary name is left");
        drop(gate);
        assert!(!path.exists());
    }

    /// The mode is set afterwards, too; here it is looked at before.
    #[tokio::test]
    async fn a_socket_is_closed_to_others_from_its_first_moment() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let _socket = bind_closed(&path).unwrap();
        assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o077, 0);
    }

    #[tokio::test]
    async fn a_listener_whose_file_was_removed_leaves_its_successor_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let first = UnixGate::bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let _second = UnixGate::bind(&path).unwrap();
        drop(first);
        assert!(Blocking::connect(&path).is_ok());
    }

    #[tokio::test]
    async fn a_path_that_no_socket_can_have_is_told() {
        let long = Path::new("/tmp").join("x".repeat(120));
        assert!(matches!(UnixGate::bind(&long), Err(ListenError::TooLong(_))));
    }

    const GROUP: Sharing = Sharing { mode: 0o660, user: None, group: None };

    #[tokio::test]
    async fn a_shared_socket_has_its_mode_and_leaves_with_its_listener() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let gate = UnixGate::bind_shared(&path, GROUP).unwrap();
        assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o777, 0o660);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary name is left");
        drop(gate);
        assert!(!path.exists());
    }

    type Bind = fn(&Path) -> Result<UnixGate, ListenError>;

    /// Our own, and one of a supervisord.conf.
    const BINDS: [Bind; 2] = [UnixGate::bind, |path| UnixGate::bind_shared(path, GROUP)];

    #[tokio::test]
    async fn a_socket_replaces_a_stale_one_and_never_a_live_one() {
        for bind in BINDS {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("s");
            drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
            let gate = bind(&path).unwrap();
            assert!(gate.has_replaced);
            assert!(Blocking::connect(&path).is_ok());
            assert!(matches!(bind(&path), Err(ListenError::InUse(_))));
            assert!(Blocking::connect(&path).is_ok(), "who lost has touched nothing");
        }
    }

    #[tokio::test]
    async fn what_is_no_socket_is_not_removed() {
        for bind in BINDS {
            let directory = tempfile::tempdir().unwrap();
            let (file, below) = (directory.path().join("letter"), directory.path().join("drawer"));
            fs::write(&file, "dear").unwrap();
            fs::create_dir(&below).unwrap();
            for path in [&file, &below] {
                assert!(matches!(bind(path), Err(ListenError::Io { step: "replace", .. })));
            }
            assert_eq!(fs::read_to_string(&file).unwrap(), "dear");
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "no temporary name is left");
        }
    }
}
