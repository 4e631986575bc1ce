//! Who runs the proxy: one lock per port and user, held by the one that listens. The others wait for it and take over at its end.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::directory::{make_private, verify_private};
use super::places::{Homes, PlaceError};

/// How the name of a lock file begins; the port follows.
const PREFIX: &str = "proxy-";

/// Who listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyFacts {
    /// Its pid.
    pub pid: u32,
    /// Where.
    pub port: u16,
    /// The project that brought it up; `None`: somebody asked for it alone.
    pub project: Option<String>,
}

/// The held lock. The hold ends when it is dropped, and with our process.
#[derive(Debug)]
pub struct ProxyLock {
    file: File,
}

impl ProxyLock {
    /// Writes down who listens, as soon as it does.
    pub fn publish(&mut self, facts: &ProxyFacts) -> io::Result<()> {
        let text = serde_json::to_vec(facts).map_err(io::Error::other)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)
    }
}

impl Drop for ProxyLock {
    fn drop(&mut self) {
        // Who cannot be told that nobody listens finds the lock free all the same.
        let _ = self.file.set_len(0);
    }
}

/// Waits, for as long as it takes, until nobody else has the lock. Blocks its thread.
pub fn wait_for_proxy_lock(homes: &Homes, port: u16) -> io::Result<ProxyLock> {
    make_private(&homes.runtime, homes.uid).map_err(|error| match error {
        PlaceError::Io { source, .. } => source,
        other => io::Error::other(other.to_string()),
    })?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let file = options.open(path(homes, port))?;
    file.lock()?;
    file.set_len(0)?;
    Ok(ProxyLock { file })
}

/// The proxies that listen, by port.
pub fn proxies(homes: &Homes) -> Vec<ProxyFacts> {
    if verify_private(&homes.runtime, homes.uid).is_err() {
        return Vec::new();
    }
    let entries = fs::read_dir(&homes.runtime).into_iter().flatten().filter_map(Result::ok);
    let ports = entries.filter_map(|entry| entry.file_name().to_str()?.strip_prefix(PREFIX)?.parse::<u16>().ok());
    let mut found: Vec<ProxyFacts> = ports.filter_map(|port| holder(homes, port)).collect();
    found.sort_by_key(|facts| facts.port);
    found
}

fn holder(homes: &Homes, port: u16) -> Option<ProxyFacts> {
    let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path(homes, port)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        Ok(()) | Err(TryLockError::Error(_)) => return None,
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn path(homes: &Homes, port: u16) -> PathBuf {
    homes.runtime.join(format!("{PREFIX}{port}"))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::super::lock::tests::homes;
    use super::*;

    #[test]
    fn the_next_one_takes_over_when_the_first_lets_go() {
        let base = tempfile::tempdir().unwrap();
        let homes = homes(base.path());
        let facts = |pid| ProxyFacts { pid, port: 7777, project: None };
        assert_eq!(proxies(&homes), []);
        let mut first = wait_for_proxy_lock(&homes, 7777).unwrap();
        assert_eq!(proxies(&homes), [], "it does not listen yet");
        first.publish(&facts(1)).unwrap();
        assert_eq!(proxies(&homes), [facts(1)]);
        let (done, is_done) = mpsc::channel();
        let waiting = homes.clone();
        let second = thread::spawn(move || {
            let lock = wait_for_proxy_lock(&waiting, 7777);
            done.send(()).unwrap();
            lock
        });
        assert!(is_done.try_recv().is_err());
        drop(first);
        let mut second = second.join().unwrap().unwrap();
        second.publish(&facts(2)).unwrap();
        assert_eq!(proxies(&homes), [facts(2)]);
        let _other = wait_for_proxy_lock(&homes, 7778).unwrap();
        drop(second);
        assert_eq!(proxies(&homes), []);
    }
}
