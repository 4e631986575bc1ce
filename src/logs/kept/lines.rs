//! Lines of several logs, merged by time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use crate::logs::kept::cursor::Cursor;
use crate::logs::kept::follow::Follow;
use crate::logs::kept::reader::{KeptLogs, LogLine, Query};
use crate::logs::kept::track_reader::TrackReader;
use crate::model::WallTime;

/// The lines that were there when it was asked, oldest first; then [`Lines::follow`].
#[derive(Debug)]
pub struct Lines {
    logs: KeptLogs,
    query: Query,
    readers: Vec<TrackReader>,
    /// The time of the next line of each reader that has one.
    next: BinaryHeap<Reverse<(WallTime, usize)>>,
    /// With `last`: the lines themselves. Without: the unfinished ones, once everything else is read.
    ready: VecDeque<LogLine>,
    has_ended: bool,
}

impl Lines {
    pub(super) fn new(logs: KeptLogs, query: Query, mut readers: Vec<TrackReader>) -> Self {
        if let Some(last) = query.last {
            for reader in &mut readers {
                reader.seek_last(last.max(1));
            }
        }
        let mut lines =
            Self { logs, query, readers, next: BinaryHeap::new(), ready: VecDeque::new(), has_ended: false };
        for index in 0..lines.readers.len() {
            lines.queue(index);
        }
        if let Some(last) = lines.query.last {
            lines.ready = last_of_each(lines.by_ref().collect(), last);
            lines.has_ended = true;
        }
        lines
    }

    /// How far the lines reach that were taken so far. One that is not finished is taken again when it is.
    pub fn cursor(&self) -> Cursor {
        let mut cursor = Cursor::default();
        for reader in &self.readers {
            cursor.mark(reader.process(), reader.channel(), reader.given());
        }
        cursor
    }

    /// Goes on with what is written from now on.
    pub fn follow(self) -> Follow {
        Follow::new(self.logs, self.query, self.readers)
    }

    fn queue(&mut self, index: usize) {
        if let Some(at) = self.readers[index].peek() {
            self.next.push(Reverse((at, index)));
        }
    }
}

impl Iterator for Lines {
    type Item = LogLine;

    fn next(&mut self) -> Option<LogLine> {
        if let Some(Reverse((_, index))) = self.next.pop() {
            let line = self.readers[index].next_line();
            self.queue(index);
            if line.is_some() {
                return line;
            }
        }
        if !std::mem::replace(&mut self.has_ended, true) {
            let mut open: Vec<_> = self.readers.iter_mut().filter_map(TrackReader::take_open_line).collect();
            open.sort_by_key(|line| line.at);
            self.ready.extend(open);
        }
        self.ready.pop_front()
    }
}

/// The last so many lines of each process.
fn last_of_each(lines: Vec<LogLine>, last: usize) -> VecDeque<LogLine> {
    let mut counts: Vec<(Arc<str>, usize)> = Vec::new();
    let mut kept = VecDeque::new();
    for line in lines.into_iter().rev() {
        let known = counts.iter().position(|(process, _)| *process == line.process);
        let at = known.unwrap_or_else(|| {
            counts.push((Arc::clone(&line.process), 0));
            counts.len() - 1
        });
        counts[at].1 += 1;
        if counts[at].1 <= last {
            kept.push_front(line);
        }
    }
    kept
}
