//! Where TCP connections are listened for: one question to the kernel for all of it (`sock_diag(7)`), which costs less than one
//! connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

/// The state of a listening socket (Linux `include/net/tcp_states.h`, `TCP_LISTEN`), as the bit of a set of states.
const LISTEN: u32 = 1 << 10;

/// What a message is about (Linux `include/uapi/linux/netlink.h`, `inet_diag.h`). The older of the two questions is answered for IPv4 and
/// IPv6 at once, which halves the time.
const TCPDIAG_GETSOCK: u16 = 18;
const END_OF_DUMP: u16 = 3;
const ERROR: u16 = 2;
const REQUEST_A_DUMP: u16 = 0x301;

/// Sizes in bytes: the head of every message, and our question (`struct inet_diag_req`).
const HEAD: usize = 16;
const QUESTION: usize = 60;

/// Where the question has the wanted states, behind the head.
const STATES: usize = 52;

/// The kernel's answers come in parts of at most this size (netlink(7) has 8 KiB, newer kernels 32).
const LONGEST_PART: usize = 32 << 10;

/// Where an answer (`struct inet_diag_msg`) has the socket's own port and address, in network order, behind the head. It begins with the family.
const OWN_PORT: usize = 4;
const OWN_ADDRESS: usize = 8;

/// The kernel's own list of sockets, open for questions.
#[derive(Debug)]
pub struct Listeners {
    kernel: OwnedFd,
    /// Made at the first question: in most projects nobody asks.
    answer: Vec<u8>,
}

impl Listeners {
    /// Opens it; fails where the kernel does not tell.
    pub fn new() -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let kernel = socket(AddressFamily::Netlink, SockType::Datagram, flags, SockProtocol::NetlinkSockDiag)?;
        Ok(Self { kernel, answer: Vec::new() })
    }

    /// What is listened at now on this machine.
    pub fn addresses(&mut self) -> io::Result<Vec<SocketAddr>> {
        let mut addresses = Vec::new();
        self.answer.resize(LONGEST_PART, 0);
        send(self.kernel.as_raw_fd(), &question(), MsgFlags::empty())?;
        while self.take_part(&mut addresses)? {}
        Ok(addresses)
    }

    /// Takes in a part of an answer, which is there already: the kernel makes it while we ask. Says whether there is more.
    fn take_part(&mut self, addresses: &mut Vec<SocketAddr>) -> io::Result<bool> {
        let length = recv(self.kernel.as_raw_fd(), &mut self.answer[..], MsgFlags::empty())?;
        let mut rest = &self.answer[..length];
        while let Some((kind, body, behind)) = split(rest) {
            match kind {
                END_OF_DUMP => return Ok(false),
                ERROR => return Err(io::ErrorKind::Unsupported.into()),
                _ => addresses.extend(own_address(body)),
            }
            rest = behind;
        }
        Ok(true)
    }
}

/// Asks for all listening TCP sockets. Numbers are in the machine's own order (netlink(7)).
fn question() -> [u8; HEAD + QUESTION] {
    let mut message = [0; HEAD + QUESTION];
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    message[0..4].copy_from_slice(&length.to_ne_bytes());
    message[4..6].copy_from_slice(&TCPDIAG_GETSOCK.to_ne_bytes());
    message[6..8].copy_from_slice(&REQUEST_A_DUMP.to_ne_bytes());
    message[HEAD + STATES..HEAD + STATES + 4].copy_from_slice(&LISTEN.to_ne_bytes());
    message
}

/// The first message: its kind, its body, and what follows it. `None` at the end, and for what is cut.
fn split(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::try_from(u32::from_ne_bytes(bytes.get(0..4)?.try_into().ok()?)).ok()?;
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let behind = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((kind, bytes.get(HEAD..length)?, behind))
}

fn own_address(body: &[u8]) -> Option<SocketAddr> {
    let port = u16::from_be_bytes(field(body, OWN_PORT)?);
    let ip: IpAddr = match i32::from(*body.first()?) {
        libc::AF_INET => Ipv4Addr::from(field(body, OWN_ADDRESS)?).into(),
        libc::AF_INET6 => Ipv6Addr::from(field(body, OWN_ADDRESS)?).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// The bytes from a place on.
fn field<const N: usize>(body: &[u8], from: usize) -> Option<[u8; N]> {
    body.get(from..from + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_address_is_listed_while_somebody_listens_at_it() {
        let mut listeners = Listeners::new().unwrap();
        for address in ["127.0.0.1:0", "127.0.0.2:0", "0.0.0.0:0", "[::1]:0", "[::]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let own = listener.local_addr().unwrap();
            assert!(listeners.addresses().unwrap().contains(&own), "{own}");
        }
        let bound = nix::sys::socket::SockaddrIn::new(127, 0, 0, 1, 0);
        let flags = SockFlag::SOCK_CLOEXEC;
        let silent = socket(AddressFamily::Inet, SockType::Stream, flags, None).unwrap();
        nix::sys::socket::bind(silent.as_raw_fd(), &bound).unwrap();
        let port = nix::sys::socket::getsockname::<nix::sys::socket::SockaddrIn>(silent.as_raw_fd()).unwrap().port();
        let at_port = |address: &SocketAddr| address.port() == port;
        assert!(!listeners.addresses().unwrap().iter().any(at_port), "bound, and nobody listens");
    }

    #[test]
    fn a_cut_answer_is_no_message() {
        assert_eq!(split(&[]), None);
        assert_eq!(split(&[40, 0, 0, 0, 20, 0, 0, 0]), None);
        assert_eq!(own_address(&[2, 10, 0, 0, 31, 144, 0, 0, 127, 0, 0]), None);
    }
}
