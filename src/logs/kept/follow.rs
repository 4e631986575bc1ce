//! Waits for what is written to kept logs from now on. Sleeps in the kernel where it watches the directories, and looks now and then
//! where they cannot be watched.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::PollTimeout;

use crate::logs::kept::layout;
use crate::logs::kept::reader::{KeptLogs, LogLine, Query};
use crate::logs::kept::track_reader::TrackReader;
use crate::logs::os::{FileNews, Happened};

/// How long to wait before looking again for a directory that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// An unfinished line is given out when nothing has followed for so long.
const QUIET: Duration = Duration::from_millis(200);

/// See [`crate::logs::kept::Lines::follow`].
#[derive(Debug)]
pub struct Follow {
    logs: KeptLogs,
    query: Query,
    readers: Vec<TrackReader>,
    news: Option<FileNews>,
    is_watching_root: bool,
}

impl Follow {
    pub(super) fn new(logs: KeptLogs, query: Query, readers: Vec<TrackReader>) -> Self {
        let news = FileNews::new().ok();
        let mut follow = Self { logs, query, readers, news, is_watching_root: false };
        for reader in &follow.readers {
            follow.watch_directory(reader.directory());
        }
        follow.discover();
        follow
    }

    /// The next lines, in order of time; none when nothing came within the limit.
    pub fn wait(&mut self, limit: Duration) -> Vec<LogLine> {
        self.wait_for(limit, usize::MAX)
    }

    /// [`Follow::wait`], and at most so many lines of each output at a time, for who must not read a flood into memory.
    pub fn wait_for(&mut self, limit: Duration, most: usize) -> Vec<LogLine> {
        let until = Instant::now() + limit;
        loop {
            let lines = self.take(most);
            if !lines.is_empty() {
                return lines;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Vec::new();
            }
            if !self.sleep(left) {
                let lines = self.take(most);
                if !lines.is_empty() {
                    return lines;
                }
                let open: Vec<_> = self.readers.iter_mut().filter_map(TrackReader::take_open_line).collect();
                if !open.is_empty() {
                    return open;
                }
            }
        }
    }

    fn take(&mut self, most: usize) -> Vec<LogLine> {
        let mut lines = Vec::new();
        for reader in &mut self.readers {
            lines.extend(std::iter::from_fn(|| reader.next_line()).take(most));
        }
        lines.sort_by_key(|line| line.at);
        lines
    }

    /// Sleeps until something changes. `false`: nothing did for as long as an unfinished line waits.
    fn sleep(&mut self, limit: Duration) -> bool {
        let is_open = self.readers.iter().any(TrackReader::is_line_open);
        let limit = if is_open { limit.min(QUIET) } else { limit };
        let limit = if self.is_watching_root { limit } else { limit.min(LOOK_AGAIN) };
        let happened = if let Some(news) = &self.news {
            news.wait(PollTimeout::from(u16::try_from(limit.as_millis()).unwrap_or(u16::MAX).max(1)))
        } else {
            thread::sleep(limit);
            Happened::Nothing
        };
        if happened == Happened::Others || (happened == Happened::Nothing && !self.is_watching_root) {
            self.discover();
        }
        happened != Happened::Nothing
    }

    /// Takes in logs that have begun since. Watches first and looks then, so that nothing falls in between.
    fn discover(&mut self) {
        self.is_watching_root = self.watch_directory(self.logs.directory());
        for process in self.logs.processes().unwrap_or_default() {
            self.watch_directory(&self.logs.directory().join(layout::directory_name(&process)));
        }
        let query = Query { last: None, ..self.query.clone() };
        for reader in self.logs.readers(&query).unwrap_or_default() {
            let is_known = self
                .readers
                .iter()
                .any(|known| known.process() == reader.process() && known.channel() == reader.channel());
            if !is_known {
                self.watch_directory(reader.directory());
                self.readers.push(reader);
            }
        }
    }

    fn watch_directory(&self, directory: &Path) -> bool {
        self.news.as_ref().is_some_and(|news| news.watch_writes(directory).is_ok())
    }
}
