//! Which TCP ports are listened at: one question to the kernel for all of them (`sock_diag(7)`), which costs less than one
//! connection.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

/// The state of a listening socket (Linux `include/net/tcp_states.h`, `TCP_LISTEN`), as the bit of a set of states.
const LISTEN: u32 = 1 << 10;

/// What a message is about (Linux `include/uapi/linux/netlink.h`, `sock_diag.h`).
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const END_OF_DUMP: u16 = 3;
const ERROR: u16 = 2;
const REQUEST_A_DUMP: u16 = 0x301;

/// Sizes in bytes: the head of every message, and our question (`struct inet_diag_req_v2`).
const HEAD: usize = 16;
const QUESTION: usize = 56;

/// The kernel's answers come in parts of at most this size (netlink(7) has 8 KiB, newer kernels 32).
const LONGEST_PART: usize = 32 << 10;

/// Where an answer (`struct inet_diag_msg`) has the socket's own port, in network order, behind the head.
const OWN_PORT: usize = 4;

/// The kernel's own list of sockets, open for questions.
#[derive(Debug)]
pub struct Listeners {
    kernel: OwnedFd,
    answer: Vec<u8>,
}

impl Listeners {
    /// Opens it; fails where the kernel does not tell.
    pub fn new() -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let kernel = socket(AddressFamily::Netlink, SockType::Datagram, flags, SockProtocol::NetlinkSockDiag)?;
        Ok(Self { kernel, answer: vec![0; LONGEST_PART] })
    }

    /// The ports that are listened at now, at any address of this machine.
    pub fn ports(&mut self) -> io::Result<BTreeSet<u16>> {
        let mut ports = BTreeSet::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            send(self.kernel.as_raw_fd(), &question(family), MsgFlags::empty())?;
            while self.take_part(&mut ports)? {}
        }
        Ok(ports)
    }

    /// Takes in a part of an answer, which is there already: the kernel makes it while we ask. Says whether there is more.
    fn take_part(&mut self, ports: &mut BTreeSet<u16>) -> io::Result<bool> {
        let length = recv(self.kernel.as_raw_fd(), &mut self.answer[..], MsgFlags::empty())?;
        let mut rest = &self.answer[..length];
        while let Some((kind, body, behind)) = split(rest) {
            match kind {
                END_OF_DUMP => return Ok(false),
                ERROR => return Err(io::ErrorKind::Unsupported.into()),
                _ => ports.extend(own_port(body)),
            }
            rest = behind;
        }
        Ok(true)
    }
}

/// Asks for all listening TCP sockets of a family. Numbers are in the machine's own order (netlink(7)).
fn question(family: AddressFamily) -> [u8; HEAD + QUESTION] {
    let mut message = [0; HEAD + QUESTION];
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    message[0..4].copy_from_slice(&length.to_ne_bytes());
    message[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message[6..8].copy_from_slice(&REQUEST_A_DUMP.to_ne_bytes());
    message[HEAD] = u8::try_from(family as i32).unwrap_or_default();
    message[HEAD + 1] = u8::try_from(libc::IPPROTO_TCP).unwrap_or_default();
    message[HEAD + 4..HEAD + 8].copy_from_slice(&LISTEN.to_ne_bytes());
    message
}

/// The first message: its kind, its body, and what follows it. `None` at the end, and for what is cut.
fn split(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::try_from(u32::from_ne_bytes(bytes.get(0..4)?.try_into().ok()?)).ok()?;
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let behind = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((kind, bytes.get(HEAD..length)?, behind))
}

fn own_port(body: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(body.get(OWN_PORT..OWN_PORT + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_is_listed_while_somebody_listens_at_it() {
        let mut listeners = Listeners::new().unwrap();
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let port = listener.local_addr().unwrap().port();
            assert!(listeners.ports().unwrap().contains(&port), "{address}");
        }
        let bound = nix::sys::socket::SockaddrIn::new(127, 0, 0, 1, 0);
        let flags = SockFlag::SOCK_CLOEXEC;
        let silent = socket(AddressFamily::Inet, SockType::Stream, flags, None).unwrap();
        nix::sys::socket::bind(silent.as_raw_fd(), &bound).unwrap();
        let port = nix::sys::socket::getsockname::<nix::sys::socket::SockaddrIn>(silent.as_raw_fd()).unwrap().port();
        assert!(!listeners.ports().unwrap().contains(&port), "bound, and nobody listens");
    }

    #[test]
    fn a_cut_answer_is_no_message() {
        assert_eq!(split(&[]), None);
        assert_eq!(split(&[40, 0, 0, 0, 20, 0, 0, 0]), None);
        assert_eq!(own_port(&[10, 10, 0]), None);
    }
}
