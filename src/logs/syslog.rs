//! The system's log: one datagram a line, as `syslog(3)` sends it for supervisord (supervisor `loggers.py` `SyslogHandler`): user
//! level, severity info. Never waits: what the system does not take is not in its log.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::logs::zone;
use crate::model::WallTime;

/// Where the system listens (syslog(3)).
const SOCKET: &str = "/dev/log";

/// `LOG_USER | LOG_INFO`, and the name that supervisord has there (supervisor `loggers.py` `SyslogHandler`).
const HEAD: (&str, &str) = ("<14>", "supervisord");

/// A connection to it, made at the first line.
#[derive(Debug)]
pub(super) struct Syslog {
    path: PathBuf,
    socket: Option<UnixDatagram>,
    zone: Option<TimeZone>,
}

impl Default for Syslog {
    fn default() -> Self {
        Self { path: SOCKET.into(), socket: None, zone: None }
    }
}

impl Syslog {
    /// Sends one line.
    pub(super) fn send(&mut self, line: &[u8], at: WallTime) {
        let zone = self.zone.get_or_insert_with(zone::local).clone();
        let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
        let zoned = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX).to_zoned(zone);
        let mut message = format!("{}{} {}: ", HEAD.0, zoned.strftime("%b %e %H:%M:%S"), HEAD.1).into_bytes();
        message.extend_from_slice(line);
        // A system's log that was restarted has another socket at the same place.
        for _ in 0..2 {
            let Some(socket) = self.connected() else { return };
            match socket.send(&message) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => self.socket = None,
                Ok(_) | Err(_) => return,
            }
        }
    }

    fn connected(&mut self) -> Option<&UnixDatagram> {
        if self.socket.is_none() {
            let socket = UnixDatagram::unbound().ok()?;
            socket.set_nonblocking(true).ok()?;
            socket.connect(&self.path).ok()?;
            self.socket = Some(socket);
        }
        self.socket.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_datagram_and_a_restarted_log_gets_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut syslog = Syslog { path: path.clone(), zone: Some(TimeZone::UTC), ..Syslog::default() };
        let receive = |system: &UnixDatagram| {
            let mut buffer = [0; 100];
            let length = system.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        syslog.send(b"nobody listens", WallTime(0));
        let system = UnixDatagram::bind(&path).unwrap();
        syslog.send(b"clock tick", WallTime(1_795_352_400_000));
        assert_eq!(receive(&system), "<14>Nov 22 13:00:00 supervisord: clock tick");
        drop(system);
        std::fs::remove_file(&path).unwrap();
        let system = UnixDatagram::bind(&path).unwrap();
        syslog.send(b"again", WallTime(0));
        assert_eq!(receive(&system), "<14>Jan  1 00:00:00 supervisord: again");
    }
}
