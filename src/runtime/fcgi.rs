//! Sockets of fcgi-programs: bound by us before the first process of a program is executed, handed to each of its processes as its
//! stdin, and closed when the last of them is gone (supervisor `socket_manager.py`, `datatypes.py`).

use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use nix::sys::socket::{
    AddressFamily, Backlog, SockType, SockaddrStorage, UnixAddr, bind, listen, setsockopt, socket, sockopt,
};
use nix::unistd::{Gid, Group, Uid, User, chown};

use crate::model::supervisord::{FcgiAddress, FcgiSocket};
use crate::model::{Program, ProgramName};
use crate::runtime::ends::Incarnation;
use crate::runtime::os;
use crate::supervisor::event::SpawnFailure;

/// All sockets that are open.
#[derive(Debug, Default)]
pub(super) struct FcgiSockets {
    open: Vec<Shared>,
    told: Vec<String>,
}

/// A socket and who has it.
#[derive(Debug)]
struct Shared {
    program: ProgramName,
    /// A process of a newer config has another.
    spec: FcgiSocket,
    socket: OwnedFd,
    users: BTreeSet<Incarnation>,
}

impl FcgiSockets {
    /// The socket of a program, for one of its processes; `None` for a program without one.
    pub(super) fn stdin(&mut self, program: &Program, of: Incarnation) -> Result<Option<OwnedFd>, SpawnFailure> {
        let Some(spec) = program.fcgi_socket() else { return Ok(None) };
        let failure = |error: io::Error| SpawnFailure {
            step: format!("could not open its socket {}", shown(&spec.address)),
            errno: error.raw_os_error().unwrap_or(0),
            message: error.to_string(),
        };
        let is_this = |shared: &Shared| shared.program == program.name && shared.spec == *spec;
        if !self.open.iter().any(&is_this) {
            self.told.push(format!("Creating socket {}", shown(&spec.address)));
            let socket = open(spec, program.user.as_deref()).map_err(failure)?;
            let (program, spec) = (program.name.clone(), spec.clone());
            self.open.push(Shared { program, spec, socket, users: BTreeSet::new() });
        }
        let Some(shared) = self.open.iter_mut().find(|shared| is_this(shared)) else { return Ok(None) };
        let copy = shared.socket.try_clone().map_err(failure)?;
        shared.users.insert(of);
        Ok(Some(copy))
    }

    /// A process is gone; with the last one the socket is closed.
    pub(super) fn release(&mut self, of: Incarnation) {
        self.open.retain_mut(|shared| {
            if shared.users.remove(&of) && shared.users.is_empty() {
                self.told.push(format!("Closing socket {}", shown(&shared.spec.address)));
            }
            !shared.users.is_empty()
        });
    }

    /// What is to be said in the main log (supervisor `socket_manager.py`).
    pub(super) fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }
}

fn shown(address: &FcgiAddress) -> String {
    match address {
        FcgiAddress::Tcp { host, port } => format!("tcp://{host}:{port}"),
        FcgiAddress::Unix { path, .. } => format!("unix://{}", path.display()),
    }
}

fn open(spec: &FcgiSocket, user: Option<&str>) -> io::Result<OwnedFd> {
    let socket = match &spec.address {
        FcgiAddress::Tcp { host, port } => tcp(host, *port)?,
        FcgiAddress::Unix { path, mode, owner } => unix(path, *mode, owner.as_deref().or(user))?,
    };
    let backlog =
        spec.backlog.map_or(Backlog::MAXCONN, |backlog| Backlog::new(i32::from(backlog)).unwrap_or(Backlog::MAXCONN));
    listen(&socket, backlog)?;
    Ok(socket)
}

/// The first address of the host that can be bound.
fn tcp(host: &str, port: u16) -> io::Result<OwnedFd> {
    let mut outcome = Err(io::Error::from(io::ErrorKind::AddrNotAvailable));
    for address in (host, port).to_socket_addrs()? {
        let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        outcome = bind_tcp(family, address);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn bind_tcp(family: AddressFamily, address: SocketAddr) -> io::Result<OwnedFd> {
    let fd = socket(family, SockType::Stream, os::CLOSE_ON_EXEC, None)?;
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(fd)
}

/// What is left of an earlier run is replaced; anything but a socket is not.
fn unix(path: &Path, mode: u32, owner: Option<&str>) -> io::Result<OwnedFd> {
    match path.symlink_metadata() {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::from_raw_os_error(libc::EEXIST)),
        Err(_) => {}
    }
    let fd = socket(AddressFamily::Unix, SockType::Stream, os::CLOSE_ON_EXEC, None)?;
    bind(fd.as_raw_fd(), &UnixAddr::new(path)?)?;
    let fitted = give_to(path, owner).and_then(|()| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)));
    if let Err(error) = fitted {
        // Nobody could use it as it was meant.
        std::fs::remove_file(path).ok();
        return Err(error);
    }
    Ok(fd)
}

/// `user`, `user:group`, by name or number.
fn give_to(path: &Path, owner: Option<&str>) -> io::Result<()> {
    let Some(owner) = owner else { return Ok(()) };
    let (user, group) = owner.split_once(':').map_or((owner, None), |(user, group)| (user, Some(group)));
    let unknown = |what: &str| io::Error::new(io::ErrorKind::NotFound, format!("there is no {what} of {owner}"));
    let uid = match user.parse() {
        Ok(number) => Uid::from_raw(number),
        Err(_) => User::from_name(user)?.ok_or_else(|| unknown("user"))?.uid,
    };
    let gid = match group.map(|group| group.parse().map(Gid::from_raw).map_err(|_| group)) {
        None => None,
        Some(Ok(number)) => Some(number),
        Some(Err(name)) => Some(Group::from_name(name)?.ok_or_else(|| unknown("group"))?.gid),
    };
    Ok(chown(path, Some(uid), gid)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::model::supervisord::Role;
    use crate::model::{Generation, ProcessId};

    fn program(path: &Path) -> Program {
        let address = FcgiAddress::Unix { path: path.to_owned(), mode: 0o640, owner: None };
        let mut program = Program::new("php");
        program.extras.role = Role::Fcgi(FcgiSocket { address, backlog: Some(5) });
        program
    }

    const FIRST: Incarnation = (ProcessId(0), Generation(1));
    const SECOND: Incarnation = (ProcessId(1), Generation(1));

    #[test]
    fn the_socket_is_shared_and_closed_with_the_last_process() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("php.sock");
        let program = program(&path);
        let mut sockets = FcgiSockets::default();
        drop(sockets.stdin(&program, FIRST).unwrap().unwrap());
        drop(sockets.stdin(&program, SECOND).unwrap().unwrap());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        sockets.release(FIRST);
        assert!(UnixStream::connect(&path).is_ok());
        sockets.release(SECOND);
        assert!(UnixStream::connect(&path).is_err(), "nobody listens any more");
        let shown = format!("socket unix://{}", path.display());
        assert_eq!(sockets.told(), [format!("Creating {shown}"), format!("Closing {shown}")]);
        assert!(sockets.stdin(&program, FIRST).is_ok(), "what is left of it is replaced");
    }

    #[test]
    fn what_is_no_socket_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("php.sock");
        std::fs::write(&path, "precious").unwrap();
        let failure = FcgiSockets::default().stdin(&program(&path), FIRST).unwrap_err();
        assert_eq!(failure.errno, libc::EEXIST);
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn a_port_is_bound_and_anybody_else_has_none() {
        let mut sockets = FcgiSockets::default();
        assert!(sockets.stdin(&Program::new("web"), FIRST).unwrap().is_none());
        let mut program = Program::new("php");
        let address = FcgiAddress::Tcp { host: "localhost".to_owned(), port: 0 };
        program.extras.role = Role::Fcgi(FcgiSocket { address, backlog: None });
        assert!(sockets.stdin(&program, FIRST).unwrap().is_some());
    }
}
