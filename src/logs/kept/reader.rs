//! What can be asked of kept logs, also when nothing is running.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::logs::hub::Channel;
use crate::logs::kept::cursor::Cursor;
use crate::logs::kept::layout;
use crate::logs::kept::lines::Lines;
use crate::logs::kept::track_reader::{TrackReader, Wanted, length};
use crate::model::WallTime;

/// The kept logs of one project.
#[derive(Debug, Clone)]
pub struct KeptLogs {
    directory: PathBuf,
}

/// Which lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Of these processes, by namespec; of all when empty.
    pub processes: Vec<String>,
    /// Only the last so many of each process.
    pub last: Option<usize>,
    /// Only those that began then or later.
    pub since: Option<WallTime>,
    /// Only those of this run of the latest `up`.
    pub run: Option<u32>,
}

/// One line, or a piece of one that is too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Whose, by namespec.
    pub process: Arc<str>,
    /// Which output.
    pub channel: Channel,
    /// When its first byte was read.
    pub at: WallTime,
    /// In which `up` of the project.
    pub up: u32,
    /// In which run of that `up`.
    pub run: u32,
    /// As the program wrote it, without the line end. For the screen: [`crate::codec::ansi::render`].
    pub bytes: Vec<u8>,
    /// Whether the line ends here; otherwise it goes on in the next one of this channel.
    pub is_finished: bool,
}

impl KeptLogs {
    /// The logs in a directory, which need not be there yet.
    pub fn open(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The processes that have a log, by namespec, sorted.
    pub fn processes(&self) -> io::Result<Vec<String>> {
        let mut names: Vec<_> =
            subdirectories(&self.directory)?.iter().map(|name| layout::process_name(name)).collect();
        names.sort();
        Ok(names)
    }

    /// The number of the latest `up`, 0 before the first.
    pub fn latest_up(&self) -> u32 {
        let text = fs::read_to_string(self.directory.join(layout::UP_FILE)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// The lines that a query selects, merged by time; the order inside a channel is never changed.
    pub fn lines(&self, query: Query) -> io::Result<Lines> {
        let readers = self.readers(&query)?;
        Ok(Lines::new(self.clone(), query, readers))
    }

    /// The lines that a query selects behind a cursor; what it does not know is read from its first byte.
    pub fn lines_from(&self, query: Query, cursor: &Cursor) -> io::Result<Lines> {
        let mut readers = self.readers(&query)?;
        for reader in &mut readers {
            let process = Arc::clone(reader.process());
            if let Some(offset) = cursor.offset(&process, reader.channel()) {
                reader.seek_offset(offset);
            }
        }
        Ok(Lines::new(self.clone(), query, readers))
    }

    /// Where all logs end now.
    pub fn ends(&self) -> io::Result<Cursor> {
        let mut cursor = Cursor::default();
        for (process, channel, directory) in self.tracks(&Query::default())? {
            cursor.mark(&process, channel, length(&directory));
        }
        Ok(cursor)
    }

    /// A reader at the first wanted byte of each channel.
    pub(super) fn readers(&self, query: &Query) -> io::Result<Vec<TrackReader>> {
        let up = self.latest_up();
        let wanted = Wanted { since: query.since, run: query.run.map(|run| (up, run)) };
        let mut readers = Vec::new();
        for (process, channel, directory) in self.tracks(query)? {
            readers.push(TrackReader::open(directory, process, channel, wanted));
        }
        Ok(readers)
    }

    /// The channels that a query is about.
    pub(super) fn tracks(&self, query: &Query) -> io::Result<Vec<(Arc<str>, Channel, PathBuf)>> {
        let mut tracks = Vec::new();
        for process in self.processes()? {
            if !query.processes.is_empty() && !query.processes.contains(&process) {
                continue;
            }
            let directory = self.directory.join(layout::directory_name(&process));
            let process: Arc<str> = process.into();
            for channel in [Channel::Stdout, Channel::Stderr] {
                let directory = directory.join(channel.as_str());
                if directory.is_dir() {
                    tracks.push((Arc::clone(&process), channel, directory));
                }
            }
        }
        Ok(tracks)
    }
}

/// The names of the directories in a directory; none when it is not there.
fn subdirectories(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.extend(entry.file_name().into_string());
        }
    }
    Ok(names)
}
