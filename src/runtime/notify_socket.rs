//! Where a program with `ready = { notify = true }` says that it is ready: one datagram socket a process, so that what arrives
//! needs no guess about who is meant. The kernel says who sent it, where it can.

use std::fs;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, UnixAddr, recvmsg};
use nix::unistd::{close, geteuid};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

use crate::codec::notify::{NotifyItem, parse};
use crate::model::{Generation, ProcessId};
use crate::runtime::os::{self, Sender, SenderRecord};

/// The longest datagram that is read; what is beyond is cut.
const LONGEST: usize = 8 * 1024;

/// Descriptors that a datagram may carry: sd_notify's FDSTORE sends them. They are closed.
const MOST_DESCRIPTORS: usize = 253;

/// One datagram: who sent it, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The pid of the sender (0 where the system does not tell), who may be a descendant of the process (`systemd-notify` is).
    pub sender: u32,
    /// What it says.
    pub items: Vec<NotifyItem>,
}

/// A socket for one run of one process. Dropping it removes it.
#[derive(Debug)]
pub struct NotifySocket {
    socket: UnixDatagram,
    name: String,
    /// `None` where its name is none of a file.
    file: Option<PathBuf>,
    accepted_uids: Vec<u32>,
}

impl NotifySocket {
    /// Binds the socket of a run in the project's runtime directory. Besides our own user and root, `program_uid` may speak:
    /// the user that the program runs as, where it has one. Another user than ours does not get into that directory.
    pub fn bind(
        runtime_dir: &Path,
        process: ProcessId,
        generation: Generation,
        program_uid: Option<u32>,
    ) -> io::Result<Self> {
        let (socket, name, file) = if program_uid.is_none_or(|uid| uid == geteuid().as_raw()) {
            let path = runtime_dir.join(format!("notify.{}.{}", process.0, generation.0));
            (UnixDatagram::bind(&path)?, path.to_string_lossy().into_owned(), Some(path))
        } else {
            let (socket, name) = bind_without_file()?;
            (socket, name, None)
        };
        os::ask_for_senders(&socket)?;
        let accepted_uids = [0, geteuid().as_raw()].into_iter().chain(program_uid).collect();
        Ok(Self { socket, name, file, accepted_uids })
    }

    /// What the program gets as `NOTIFY_SOCKET`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for a datagram. Those of other users are dropped. Nothing is lost when the future is.
    pub async fn receive(&self) -> io::Result<Notification> {
        loop {
            let fd = self.socket.as_raw_fd();
            let (sender, datagram) = self.socket.async_io(Interest::READABLE, || read_datagram(fd)).await?;
            if let Some(sender) = sender.filter(|sender| self.accepted_uids.contains(&sender.uid)) {
                return Ok(Notification { sender: sender.pid, items: parse(&datagram) });
            }
        }
    }
}

impl Drop for NotifySocket {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // What cannot be removed goes with the runtime directory.
            let _ = fs::remove_file(file);
        }
    }
}

/// A socket that every user can reach, by a free name of the kernel's choice (unix(7), "Autobind"), and that name as `sd_notify` has it.
#[cfg(target_os = "linux")]
fn bind_without_file() -> io::Result<(UnixDatagram, String)> {
    use nix::sys::socket::{bind, getsockname};
    let socket = std::os::unix::net::UnixDatagram::unbound()?;
    bind(socket.as_raw_fd(), &UnixAddr::new_unnamed())?;
    let address: UnixAddr = getsockname(socket.as_raw_fd())?;
    let name = String::from_utf8_lossy(address.as_abstract().unwrap_or_default()).into_owned();
    socket.set_nonblocking(true)?;
    Ok((UnixDatagram::from_std(socket)?, format!("@{name}")))
}

#[cfg(not(target_os = "linux"))]
fn bind_without_file() -> io::Result<(UnixDatagram, String)> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "on this system a program of another user cannot reach it"))
}

/// Reads one datagram with its sender, and closes the descriptors that came along.
fn read_datagram(fd: RawFd) -> io::Result<(Option<Sender>, Vec<u8>)> {
    let mut bytes = vec![0; LONGEST];
    let mut control = nix::cmsg_space!(SenderRecord, [RawFd; MOST_DESCRIPTORS]);
    let mut buffers = [IoSliceMut::new(&mut bytes)];
    let message = recvmsg::<UnixAddr>(fd, &mut buffers, Some(&mut control), os::RECEIVE_CLOSE_ON_EXEC)?;
    let length = message.bytes;
    let sender = match message.cmsgs() {
        Ok(beside) => {
            let beside: Vec<_> = beside.collect();
            close_descriptors(&beside);
            os::sender_in(&beside)
        }
        // Control data was cut: somebody sent more descriptors than anybody may. Nothing is known of the sender then.
        Err(Errno::ENOBUFS) => None,
        Err(error) => return Err(error.into()),
    };
    bytes.truncate(length);
    Ok((sender, bytes))
}

fn close_descriptors(beside: &[ControlMessageOwned]) {
    for part in beside {
        let ControlMessageOwned::ScmRights(descriptors) = part else { continue };
        for descriptor in descriptors {
            // It was just handed to us and nobody else knows it; a failed close leaves nothing to do.
            let _ = close(*descriptor);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;
    use std::os::unix::net::UnixDatagram as Sender;

    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

    use super::*;

    fn socket(directory: &Path) -> NotifySocket {
        NotifySocket::bind(directory, ProcessId(3), Generation(7), None).unwrap()
    }

    #[tokio::test]
    async fn a_datagram_comes_with_the_pid_of_its_sender() {
        let base = tempfile::tempdir().unwrap();
        let socket = socket(base.path());
        assert_eq!(Path::new(socket.name()), base.path().join("notify.3.7"));
        Sender::unbound().unwrap().send_to(b"STATUS=warm\nREADY=1", socket.name()).unwrap();
        let items = vec![NotifyItem::Status("warm".to_owned()), NotifyItem::Ready];
        assert_eq!(socket.receive().await.unwrap(), Notification { sender: std::process::id(), items });
    }

    #[tokio::test]
    async fn descriptors_that_come_along_are_closed() {
        let base = tempfile::tempdir().unwrap();
        let socket = socket(base.path());
        let (kept, sent) = std::os::unix::net::UnixStream::pair().unwrap();
        let address = UnixAddr::new(socket.name()).unwrap();
        let sender = Sender::unbound().unwrap();
        let rights = [sent.as_raw_fd()];
        let message = [IoSlice::new(b"FDSTORE=1\nREADY=1")];
        sendmsg(sender.as_raw_fd(), &message, &[ControlMessage::ScmRights(&rights)], MsgFlags::empty(), Some(&address))
            .unwrap();
        drop(sent);
        assert_eq!(socket.receive().await.unwrap().items, [NotifyItem::Ready]);
        let mut kept = kept;
        assert_eq!(io::Read::read(&mut kept, &mut [0]).unwrap(), 0, "the other end is closed everywhere");
    }

    #[tokio::test]
    async fn another_user_is_not_heard() {
        let base = tempfile::tempdir().unwrap();
        let mut socket = socket(base.path());
        let sender = Sender::unbound().unwrap();
        socket.accepted_uids.clear();
        sender.send_to(b"READY=1", socket.name()).unwrap();
        let nothing = tokio::time::timeout(std::time::Duration::from_millis(20), socket.receive()).await;
        assert!(nothing.is_err());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_program_of_another_user_has_a_socket_without_a_directory() {
        use std::os::linux::net::SocketAddrExt;
        let base = tempfile::tempdir().unwrap();
        let other = Some(geteuid().as_raw() + 1);
        let sockets =
            [1, 2].map(|process| NotifySocket::bind(base.path(), ProcessId(process), Generation(7), other).unwrap());
        let name = sockets[0].name().strip_prefix('@').unwrap();
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
        Sender::unbound().unwrap().send_to_addr(b"READY=1", &address).unwrap();
        assert_eq!(sockets[0].receive().await.unwrap().items, [NotifyItem::Ready]);
        assert_ne!(sockets[0].name(), sockets[1].name());
        assert!(fs::read_dir(base.path()).unwrap().next().is_none());
    }

    #[tokio::test]
    async fn the_socket_is_removed_with_its_owner() {
        let base = tempfile::tempdir().unwrap();
        drop(socket(base.path()));
        assert!(fs::read_dir(base.path()).unwrap().next().is_none());
    }
}
