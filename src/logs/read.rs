//! Reads parts of a log that is being written. Blocks on files, so it belongs on a thread of its own.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::logs::kept::{segment_file, segment_starts};
use crate::logs::place::LogPlace;
use crate::logs::window::{self, TailWindow, Window};

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no log, or not yet; its path, if it has one.
    #[error("there is no log file")]
    NoFile(Option<PathBuf>),
    /// It cannot be read.
    #[error("the log cannot be read")]
    Failed(#[from] io::Error),
    /// No part of a log is like that.
    #[error(transparent)]
    BadArguments(#[from] window::BadArguments),
}

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How long the log is.
    pub size: u64,
    /// There is more before them than was asked for.
    pub overflow: bool,
}

/// A part of a log, by offset and length as [`window::read`] has them.
pub fn read(place: &LogPlace, offset: i64, length: i64) -> Result<Vec<u8>, ReadError> {
    let log = OpenLog::open(place)?;
    Ok(log.read(window::read(log.size(), offset, length)?)?)
}

/// The end of a log, by offset and length as [`window::tail`] has them.
pub fn tail(place: &LogPlace, offset: i64, length: i64) -> Result<Tail, ReadError> {
    let log = OpenLog::open(place)?;
    let TailWindow { window, overflow } = window::tail(log.size(), offset, length);
    Ok(Tail { bytes: log.read(window)?, size: log.size(), overflow })
}

/// A log as one row of bytes.
enum OpenLog {
    File {
        file: File,
        size: u64,
    },
    /// The pieces that are kept; the first byte that is still there is the first.
    Kept {
        directory: PathBuf,
        starts: Vec<u64>,
        end: u64,
    },
}

impl OpenLog {
    fn open(place: &LogPlace) -> Result<Self, ReadError> {
        let missing = || ReadError::NoFile(place.path());
        let opened = match place {
            LogPlace::Nowhere => return Err(missing()),
            LogPlace::Device(_) => return Err(io::Error::from(ErrorKind::InvalidInput).into()),
            LogPlace::File(file) => Self::file(&file.path),
            LogPlace::Kept(directory) => Self::kept(directory),
        };
        opened.map_err(|error| if error.kind() == ErrorKind::NotFound { missing() } else { error.into() })
    }

    /// What is no regular file is not opened: that alone may hold us up.
    fn file(path: &Path) -> io::Result<Self> {
        if !fs::metadata(path)?.is_file() {
            return Err(ErrorKind::InvalidInput.into());
        }
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self::File { file, size })
    }

    fn kept(directory: &Path) -> io::Result<Self> {
        let starts = segment_starts(directory)?;
        let last = *starts.last().ok_or(ErrorKind::NotFound)?;
        let end = last + fs::metadata(segment_file(directory, last))?.len();
        Ok(Self::Kept { directory: directory.to_owned(), starts, end })
    }

    fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            Self::Kept { starts, end, .. } => end - starts.first().unwrap_or(end),
        }
    }

    /// The bytes of a window that are still there.
    fn read(&self, window: Window) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(window.length).unwrap_or(0)];
        let length = match self {
            Self::File { file, .. } => fill(file, &mut bytes, window.start)?,
            Self::Kept { directory, starts, end } => {
                let begin = starts.first().unwrap_or(end);
                read_kept(directory, starts, &mut bytes, begin + window.start)?
            }
        };
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// Reads over the ends of pieces. One that has been removed meanwhile is the end.
fn read_kept(directory: &Path, starts: &[u64], bytes: &mut [u8], from: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        let at = from + done as u64;
        let Some(index) = starts.iter().rposition(|start| *start <= at) else { break };
        let room = starts.get(index + 1).map_or(usize::MAX, |next| usize::try_from(next - at).unwrap_or(usize::MAX));
        let until = bytes.len().min(done.saturating_add(room));
        let file = match File::open(segment_file(directory, starts[index])) {
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            other => other?,
        };
        let length = fill(&file, &mut bytes[done..until], at - starts[index])?;
        if length == 0 {
            break;
        }
        done += length;
    }
    Ok(done)
}

/// Reads until there is nothing more to read or no room; how much that was.
fn fill(file: &File, bytes: &mut [u8], from: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], from + done as u64) {
            Ok(0) => break,
            Ok(length) => done += length,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::hub::{Channel, Keep};
    use crate::logs::kept::Keeper;
    use crate::model::{LogFile, WallTime};

    fn named(path: PathBuf) -> LogPlace {
        LogPlace::File(LogFile { path, maxbytes: 0, backups: 0 })
    }

    #[test]
    fn a_kept_log_is_read_over_its_pieces_as_if_it_were_one_file() {
        let directory = tempfile::tempdir().unwrap();
        let keep = Keep { directory: directory.path().into(), bytes: 20, segment_bytes: 10 };
        let mut log = Keeper::new(Some(keep)).open("web", Channel::Stdout).unwrap().unwrap();
        for part in ["0123456789", "abcdefghij", "ABCDEFGHIJ"] {
            log.append(part.as_bytes(), WallTime(1), 1).unwrap();
        }
        let place = LogPlace::Kept(directory.path().join("web/stdout"));
        assert_eq!(read(&place, 0, 0).unwrap(), b"abcdefghijABCDEFGHIJ");
        assert_eq!(read(&place, 8, 4).unwrap(), b"ijAB");
        assert_eq!(tail(&place, 0, 4).unwrap(), Tail { bytes: b"GHIJ".into(), size: 20, overflow: true });
        log.clear().unwrap();
        assert_eq!(tail(&place, 0, 4).unwrap(), Tail { bytes: vec![], size: 0, overflow: false });
    }

    #[test]
    fn what_is_not_there_is_told_from_what_cannot_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("nope");
        assert!(matches!(read(&named(path.clone()), 0, 0), Err(ReadError::NoFile(Some(found))) if found == path));
        assert!(matches!(read(&LogPlace::Nowhere, 0, 0), Err(ReadError::NoFile(None))));
        assert!(matches!(read(&LogPlace::Kept(path), 0, 0), Err(ReadError::NoFile(Some(_)))));
        assert!(matches!(read(&named(directory.path().into()), 0, 0), Err(ReadError::Failed(_))));
        assert!(matches!(read(&LogPlace::Device("/dev/stdout".into()), 0, 0), Err(ReadError::Failed(_))));
    }

    #[test]
    fn impossible_arguments_come_after_a_missing_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        assert!(matches!(read(&named(path.clone()), -1, 5), Err(ReadError::NoFile(_))));
        fs::write(&path, "text").unwrap();
        assert!(matches!(read(&named(path), -1, 5), Err(ReadError::BadArguments(_))));
    }
}
