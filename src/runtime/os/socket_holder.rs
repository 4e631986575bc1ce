//! Who listens on a TCP port: `/proc/net/tcp` has the socket, `/proc/PID/fd` who holds it.

use std::collections::BTreeSet;
use std::fs;

use super::PortHolder;

/// The state of a listening socket in `/proc/net/tcp` (Linux `include/net/tcp_states.h`, `TCP_LISTEN`).
const LISTEN: &str = "0A";

/// Who listens on a port, as far as we may look: another user's processes are hidden from us.
pub fn holder_of_port(port: u16) -> Option<PortHolder> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let sockets: BTreeSet<String> = tables.iter().flat_map(|table| listeners(table, port)).collect();
    if sockets.is_empty() {
        return None;
    }
    let entries = fs::read_dir("/proc").ok()?;
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let pid = pids.into_iter().find(|pid| holds(*pid, &sockets))?;
    Some(PortHolder {
        pid,
        name: fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned(),
        directory: fs::read_link(format!("/proc/{pid}/cwd")).ok(),
    })
}

/// The sockets that listen on a port, as a descriptor's link shows them.
fn listeners(table: &str, port: u16) -> Vec<String> {
    let port = format!(":{port:04X}");
    let socket = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let is_it = fields.get(1)?.ends_with(&port) && *fields.get(3)? == LISTEN;
        is_it.then_some(format!("socket:[{}]", fields.get(9)?))
    };
    table.lines().skip(1).filter_map(socket).collect()
}

fn holds(pid: u32, sockets: &BTreeSet<String>) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let links = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.into_iter().any(|link| link.to_str().is_some_and(|link| sockets.contains(link)))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_holder_of_a_port_is_found_on_both_families() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let holder = holder_of_port(listener.local_addr().unwrap().port()).unwrap();
            assert_eq!(holder.pid, std::process::id());
            assert_eq!(holder.directory, std::env::current_dir().ok());
        }
    }

    #[test]
    fn a_connection_is_not_a_listener() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1\n\
             1: 0100007F:1F90 0100007F:B2C4 01 00000000:00000000 00:00000000 00000000     0        0 78 1\n";
        assert_eq!(listeners(table, 8080), ["socket:[77]"]);
        assert_eq!(listeners(table, 0x1F), [""; 0]);
    }
}
