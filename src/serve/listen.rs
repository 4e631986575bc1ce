//! The UNIX socket: bound so that nobody else can ever open it, accepted so that a lack of descriptors cannot wedge it.

use std::fs::{self, File, Permissions};
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use nix::sys::stat::{Mode, umask};
use nix::unistd::geteuid;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::door::{Door, UsageSource};
use super::rpc::converse;
use crate::runtime::handle::Handle;

/// Connections at a time; one more is told so and closed.
pub const CONNECTIONS: usize = 64;

/// How long calls that are under way may still be answered once the server ends.
const GOODBYE: Duration = Duration::from_millis(500);

/// How long accepting rests when even the spare descriptor is gone.
const REST: Duration = Duration::from_millis(50);

/// The longest path that `sun_path` holds (unix(7)).
const LONGEST: usize = 107;

/// Why the socket could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The kernel has no room for the path.
    #[error("the socket's path is longer than {LONGEST} bytes: {}", .0.display())]
    TooLong(PathBuf),
    /// A step failed.
    #[error("could not {step} {}", path.display())]
    Io {
        /// `bind`, `protect`, `publish`, `watch`.
        step: &'static str,
        /// The path it was about.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The bound socket. Dropping it removes its file, unless another has taken the place.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
    inode: u64,
    /// Held to be closed when descriptors run out, so that a connection can be taken from the queue and refused.
    spare: Option<File>,
}

impl Listener {
    /// Binds under a temporary name, mode 0600 from the first moment, and renames it into place. What stood there is replaced: the
    /// caller holds the project's lock, so it can only be stale. Must be called inside the runtime.
    pub fn bind(path: &Path) -> Result<Self, ListenError> {
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
        Ok(Self { socket, path: path.to_owned(), inode, spare: File::open("/dev/null").ok() })
    }

    /// Where it is bound.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next connection of our own user (or root). Others are closed without a word, and so is one that comes when no
    /// descriptor is left.
    async fn accept(&mut self) -> UnixStream {
        loop {
            match self.socket.accept().await {
                Ok((stream, _)) if is_ours(&stream) => return stream,
                Ok(_) => {}
                Err(error) if is_out_of_descriptors(&error) => self.refuse_one().await,
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(_) => sleep(REST).await,
            }
        }
    }

    /// Gives up the spare descriptor for a moment to take one connection and close it.
    async fn refuse_one(&mut self) {
        if self.spare.take().is_none() {
            sleep(REST).await;
        }
        poll_fn(|context| {
            drop(self.socket.poll_accept(context));
            Poll::Ready(())
        })
        .await;
        self.spare = File::open("/dev/null").ok();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn is_ours(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == geteuid().as_raw() || peer.uid() == 0)
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// Serves until `shutdown` is ready; then takes no more connections and gives calls that are under way a moment to be answered.
pub async fn serve(
    mut listener: Listener,
    handle: Handle,
    usage: Option<UsageSource>,
    shutdown: impl Future<Output = ()>,
) {
    let door = Arc::new(Door::new(handle, usage));
    let (ending, is_ending) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            stream = listener.accept() => {
                if connections.len() < CONNECTIONS {
                    connections.spawn(converse(stream, Arc::clone(&door), is_ending.clone()));
                } else {
                    turn_away(&stream);
                }
            }
        }
    }
    drop(listener);
    ending.send_replace(true);
    let _ = timeout(GOODBYE, async { while connections.join_next().await.is_some() {} }).await;
}

/// A fresh socket's buffer holds this whole, so it need not be waited for.
fn turn_away(stream: &UnixStream) {
    let _ = stream.try_write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream as Blocking;

    use super::*;

    #[tokio::test]
    async fn the_socket_is_ours_alone_and_leaves_with_its_listener() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        fs::write(&path, "stale").unwrap();
        let listener = Listener::bind(&path).unwrap();
        assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary name is left");
        drop(listener);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_listener_that_was_replaced_leaves_its_successor_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let first = Listener::bind(&path).unwrap();
        let _second = Listener::bind(&path).unwrap();
        drop(first);
        assert!(Blocking::connect(&path).is_ok());
    }

    #[tokio::test]
    async fn a_path_that_no_socket_can_have_is_told() {
        let long = Path::new("/tmp").join("x".repeat(120));
        assert!(matches!(Listener::bind(&long), Err(ListenError::TooLong(_))));
    }

    #[tokio::test]
    async fn without_descriptors_the_spare_one_empties_the_queue() {
        let directory = tempfile::tempdir().unwrap();
        let mut listener = Listener::bind(&directory.path().join("s")).unwrap();
        let mut client = Blocking::connect(listener.path()).unwrap();
        // The first look only learns that the socket is readable.
        listener.socket.accept().await.map(drop).unwrap();
        let mut second = Blocking::connect(listener.path()).unwrap();
        listener.refuse_one().await;
        for refused in [&mut client, &mut second] {
            refused.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            assert_eq!(refused.read(&mut [0; 1]).unwrap(), 0);
        }
        assert!(listener.spare.is_some());
    }
}
