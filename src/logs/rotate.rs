//! A log file that the user named, with supervisord's rotation: once it is `maxbytes` long it becomes `.1`, what was `.1` becomes
//! `.2` (supervisor `loggers.py` `RotatingFileHandler.doRollover`). What cannot seek is not rotated.
//!
//! supervisord looks after each write, whatever its end; here a file ends with the line that fills it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use memchr::memchr;
use nix::fcntl::OFlag;

use crate::fault::{self, Point};
use crate::model::LogFile;

/// How far a file may grow beyond its limit while it waits for the end of a line.
const LONGEST_LINE: u64 = 64 * 1024;

/// One such file, open.
#[derive(Debug)]
pub(crate) enum UserLog {
    /// A regular file.
    File(Rotating),
    /// `/dev/stdout`, a FIFO, a device: opened so that writing does not wait.
    Device(File),
}

/// A regular file and its size.
#[derive(Debug)]
pub(crate) struct Rotating {
    spec: LogFile,
    file: File,
    length: u64,
}

impl UserLog {
    pub(crate) fn open(spec: LogFile) -> io::Result<Self> {
        if is_device(&spec.path) {
            // A FIFO that nobody reads must not hold up the opening: opened for both, it has a reader.
            let is_fifo = fs::metadata(&spec.path).is_ok_and(|found| found.file_type().is_fifo());
            let mut options = OpenOptions::new();
            options.append(true).read(is_fifo).custom_flags(OFlag::O_NONBLOCK.bits() | OFlag::O_NOCTTY.bits());
            return options.open(&spec.path).map(Self::Device);
        }
        let file = open(&spec)?;
        let length = file.metadata()?.len();
        Ok(Self::File(Rotating { spec, file, length }))
    }
}

impl Rotating {
    /// Whether it is this file, with this rotation.
    pub(crate) fn is(&self, spec: &LogFile) -> bool {
        self.spec == *spec
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.spec.path
    }

    /// Appends, and rotates whenever it has become too long. After an error the file is still open, and the next bytes are tried.
    pub(crate) fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(cut) = cut(self.length, self.spec.maxbytes, bytes) {
            let (last, rest) = bytes.split_at(cut);
            self.write(last)?;
            self.roll()?;
            bytes = rest;
        }
        self.write(bytes)
    }

    /// Opens the file anew: somebody has moved or removed it.
    pub(crate) fn reopen(&mut self) -> io::Result<()> {
        self.file = open(&self.spec)?;
        self.length = self.file.metadata()?.len();
        Ok(())
    }

    /// Removes the file and begins another (supervisor `dispatchers.py` `removelogs`); old ones stay.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        match fs::remove_file(&self.spec.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.reopen()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        fault::strike(Point::UserLog)?;
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn roll(&mut self) -> io::Result<()> {
        for (from, to) in renames(self.spec.backups) {
            match fs::rename(self.numbered(from), self.numbered(to)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        if self.spec.backups == 0 {
            self.file.set_len(0)?;
        } else {
            self.file = open(&self.spec)?;
        }
        self.length = 0;
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        if number == 0 {
            return self.spec.path.clone();
        }
        let mut path = self.spec.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }
}

/// How many of these bytes still go to a file of this length before it is rotated; `None`: all of them, and it is not.
fn cut(length: u64, maxbytes: u64, bytes: &[u8]) -> Option<usize> {
    let all = bytes.len() as u64;
    if maxbytes == 0 || bytes.is_empty() || length + all < maxbytes {
        return None;
    }
    // The byte that fills it may be a line end itself.
    let from = usize::try_from(maxbytes.saturating_sub(length + 1)).unwrap_or(usize::MAX);
    match memchr(b'\n', &bytes[from..]) {
        Some(at) => Some(from + at + 1),
        None if length + all >= maxbytes.saturating_add(LONGEST_LINE) => Some(bytes.len()),
        None => None,
    }
}

/// `/dev/stdout` is one even when our standard output is a file: that is not ours to rotate.
pub(crate) fn is_device(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc") || fs::metadata(path).is_ok_and(|found| !found.is_file())
}

fn open(spec: &LogFile) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o666).open(&spec.path)
}

/// Which number becomes which, in order; 0 is the file itself.
fn renames(backups: u32) -> impl Iterator<Item = (u32, u32)> {
    (0..backups).rev().map(|number| (number, number + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(directory: &tempfile::TempDir, maxbytes: u64, backups: u32) -> Rotating {
        let spec = LogFile { path: directory.path().join("web.log"), maxbytes, backups };
        match UserLog::open(spec).unwrap() {
            UserLog::File(file) => file,
            UserLog::Device(_) => panic!("a regular file is no device"),
        }
    }

    fn read(directory: &tempfile::TempDir, name: &str) -> Option<String> {
        fs::read_to_string(directory.path().join(name)).ok()
    }

    #[test]
    fn the_newest_backup_is_number_one() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = file(&directory, 4, 2);
        for part in ["aaa\n", "bbb\n", "ccc\n", "dd"] {
            log.append(part.as_bytes()).unwrap();
        }
        let found = ["web.log", "web.log.1", "web.log.2", "web.log.3"].map(|name| read(&directory, name));
        assert_eq!(found, [Some("dd".to_owned()), Some("ccc\n".to_owned()), Some("bbb\n".to_owned()), None]);
    }

    #[test]
    fn without_backups_it_is_cut() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = file(&directory, 4, 0);
        log.append(b"aaa\n").unwrap();
        log.append(b"b").unwrap();
        assert_eq!(read(&directory, "web.log").as_deref(), Some("b"));
    }

    #[test]
    fn a_line_is_never_split_over_two_files_unless_it_is_endless() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = file(&directory, 10, 3);
        log.append(b"12345\n789").unwrap();
        assert_eq!(read(&directory, "web.log.1"), None);
        log.append(b"abc\nnext\nand one more\nx").unwrap();
        assert_eq!(read(&directory, "web.log.2").as_deref(), Some("12345\n789abc\n"));
        assert_eq!(read(&directory, "web.log.1").as_deref(), Some("next\nand one more\n"));
        assert_eq!(read(&directory, "web.log").as_deref(), Some("x"));
        log.append(&vec![b'y'; 70_000]).unwrap();
        assert_eq!(read(&directory, "web.log").as_deref(), Some(""));
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew_when_it_is_reopened_or_cleared() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = file(&directory, 0, 0);
        log.append(b"one\n").unwrap();
        fs::rename(directory.path().join("web.log"), directory.path().join("old")).unwrap();
        log.append(b"two\n").unwrap();
        log.reopen().unwrap();
        log.append(b"three\n").unwrap();
        assert_eq!(read(&directory, "old").as_deref(), Some("one\ntwo\n"));
        assert_eq!(read(&directory, "web.log").as_deref(), Some("three\n"));
        log.clear().unwrap();
        fs::remove_file(directory.path().join("web.log")).unwrap();
        log.clear().unwrap();
        assert_eq!(read(&directory, "web.log").as_deref(), Some(""));
    }

    #[test]
    fn it_goes_on_where_it_ended() {
        let directory = tempfile::tempdir().unwrap();
        file(&directory, 0, 0).append(b"one ").unwrap();
        file(&directory, 0, 0).append(b"two").unwrap();
        assert_eq!(read(&directory, "web.log").as_deref(), Some("one two"));
    }

    #[test]
    fn what_cannot_seek_is_a_device() {
        let spec = LogFile { path: "/dev/null".into(), maxbytes: 10, backups: 1 };
        assert!(matches!(UserLog::open(spec).unwrap(), UserLog::Device(_)));
    }
}
