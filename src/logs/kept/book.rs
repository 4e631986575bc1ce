//! Kept logs as a book that is read from any place, both ways: what a screen needs that is scrolled.
//!
//! A book is a stretch of each of its logs, merged by time, that grows at either end on demand. Nothing is held but where each stretch
//! begins and ends, and the index; the lines belong to whoever asked for them and are told back when they are forgotten.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::{memchr, memrchr};

use crate::codec::lines::ROW_CAP;
use crate::logs::hub::Channel;
use crate::logs::kept::layout::{self, RECORD, Record};
use crate::logs::kept::reader::{KeptLogs, LogLine, Query};
use crate::logs::kept::writer::starts;
use crate::model::WallTime;

/// How much of a log is read at once.
const BLOCK: u64 = 256 * 1024;

/// One line, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line.
    pub line: LogLine,
    /// Where it begins.
    pub place: Place,
    /// Where what follows it begins.
    pub end: u64,
    /// Its run begins with it.
    pub begins_run: bool,
    /// It may become longer: its end has not been written yet. It comes again then.
    pub is_open: bool,
}

/// Where a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When.
    pub at: WallTime,
    /// In which log of the book.
    pub track: usize,
    /// At which byte, counted from the first ever kept.
    pub offset: u64,
}

/// Which lines are wanted.
pub type Wanted<'a> = &'a dyn Fn(&LogLine) -> bool;

/// See the module.
#[derive(Debug)]
pub struct Book {
    logs: KeptLogs,
    processes: Vec<String>,
    tracks: Vec<Track>,
    /// The last look for newer lines found no more.
    is_at_end: bool,
    /// Why its logs could not be listed.
    trouble: Option<String>,
}

/// How far a search through a whole book has come.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    track: usize,
    offset: u64,
}

impl Book {
    /// The logs of these processes, or of all, at their ends.
    pub fn open(logs: KeptLogs, processes: Vec<String>) -> Self {
        let mut book = Self { processes, ..Self::closed(logs) };
        book.look_again();
        book.go_to_end();
        book
    }

    /// None of the logs.
    pub fn closed(logs: KeptLogs) -> Self {
        Self { logs, processes: Vec::new(), tracks: Vec::new(), is_at_end: true, trouble: None }
    }

    /// What is kept and cannot be read, and why: the lines in it are missing.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref().or_else(|| self.tracks.iter().find_map(|track| track.trouble.as_deref()))
    }

    /// Takes in logs that have begun since; they are at their beginnings.
    pub fn look_again(&mut self) {
        let query = Query { processes: self.processes.clone(), ..Query::default() };
        let tracks = self.logs.tracks(&query);
        self.trouble = tracks.as_ref().err().map(|error| format!("the kept logs cannot be listed: {error}"));
        for (process, channel, directory) in tracks.unwrap_or_default() {
            if !self.tracks.iter().any(|known| known.directory == directory) {
                self.tracks.push(Track::open(process, channel, directory));
            }
        }
    }

    /// Becomes the empty stretch at the end of everything.
    pub fn go_to_end(&mut self) {
        self.is_at_end = true;
        for track in &mut self.tracks {
            track.refresh();
            (track.first, track.last) = (track.end(), track.end());
        }
    }

    /// Becomes the empty stretch before this line.
    pub fn go_to(&mut self, place: Place) {
        for (index, track) in self.tracks.iter_mut().enumerate() {
            track.refresh();
            let offset = if index == place.track { place.offset } else { track.offset_at(place.at) };
            (track.first, track.last) = (offset, offset);
        }
    }

    /// Becomes the empty stretch at the beginning of everything.
    pub fn go_to_begin(&mut self) {
        for track in &mut self.tracks {
            track.refresh();
            (track.first, track.last) = (track.begin(), track.begin());
        }
    }

    /// Whether nothing that is kept stands before it.
    pub fn is_at_begin(&self) -> bool {
        self.tracks.iter().all(|track| track.first <= track.begin())
    }

    /// Whether the last [`Book::newer`] gave all that was there, or it was put to the end since.
    pub fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// How many bytes stand behind it.
    pub fn bytes_behind(&mut self) -> u64 {
        self.tracks.iter_mut().map(|track| track.length_now().saturating_sub(track.last)).sum()
    }

    /// Up to so many of the lines before it, oldest first; it begins with them then. Gives up looking after about so many bytes.
    pub fn older(&mut self, most: usize, bytes: u64, wanted: Wanted<'_>) -> Vec<Entry> {
        let mut found = Vec::new();
        let mut looked = 0;
        while found.len() < most && looked < bytes && !self.is_at_begin() {
            let stretches: Vec<Vec<Entry>> = (0..self.tracks.len()).map(|at| self.before(at, most)).collect();
            let before: u64 = self.tracks.iter().map(|track| track.first).sum();
            self.take_back(stretches, most, wanted, &mut found);
            let after: u64 = self.tracks.iter().map(|track| track.first).sum();
            if after == before {
                break;
            }
            looked += before - after;
        }
        found.reverse();
        found
    }

    /// Up to so many of the lines behind it, oldest first; it ends with them then. A line that is open comes again, at the same place,
    /// when there is more of it. Gives up looking after about so many bytes.
    pub fn newer(&mut self, most: usize, bytes: u64, wanted: Wanted<'_>) -> Vec<Entry> {
        let mut found: Vec<Entry> = Vec::new();
        let mut looked = 0;
        self.is_at_end = false;
        while found.len() < most && looked < bytes {
            let stretches: Vec<Vec<Entry>> = (0..self.tracks.len()).map(|at| self.behind(at, most)).collect();
            let (before, taken) = (looked, found.len());
            self.take_forward(stretches, most, wanted, &mut found, &mut looked);
            if looked == before && found.len() == taken {
                self.is_at_end = true;
                break;
            }
        }
        found
    }

    /// Its first line was forgotten.
    pub fn forget_first(&mut self, entry: &Entry) {
        self.tracks[entry.place.track].first = entry.end;
    }

    /// Its last line was forgotten.
    pub fn forget_last(&mut self, entry: &Entry) {
        let track = &mut self.tracks[entry.place.track];
        (track.last, track.open) = (entry.place.offset, 0);
    }

    /// Where runs begin, in order of time.
    pub fn runs(&mut self) -> Vec<Place> {
        let mut places = Vec::new();
        for (index, track) in self.tracks.iter_mut().enumerate() {
            track.refresh();
            let begin = track.begin();
            let runs = track.runs.iter().filter(|run| run.offset >= begin);
            places.extend(runs.map(|run| Place { at: run.at, track: index, offset: run.offset }));
        }
        places.sort_unstable();
        places
    }

    /// Looks at the next piece of everything that is kept, log by log; whether there is more.
    pub fn scan(&mut self, scan: &mut Scan, found: &mut dyn FnMut(&Entry)) -> bool {
        let Some(track) = self.tracks.get_mut(scan.track) else { return false };
        let from = scan.offset.max(track.begin());
        let entries = track.lines_from(scan.track, from, usize::MAX);
        match entries.last() {
            Some(last) if !last.is_open => scan.offset = last.end,
            Some(_) | None => *scan = Scan { track: scan.track + 1, offset: 0 },
        }
        entries.iter().filter(|entry| !entry.is_open).for_each(found);
        scan.track < self.tracks.len()
    }

    fn before(&mut self, at: usize, most: usize) -> Vec<Entry> {
        self.tracks[at].lines_before(at, most)
    }

    fn behind(&mut self, at: usize, most: usize) -> Vec<Entry> {
        let track = &mut self.tracks[at];
        let mut entries = track.lines_from(at, track.last, most);
        // An open line that has not grown was given out as it is.
        if entries.last().is_some_and(|last| last.is_open && last.line.bytes.len() == track.open) {
            entries.pop();
        }
        entries
    }

    /// Takes the newest of the ends of these stretches, again and again; stops where one is used up, as older ones may follow there.
    fn take_back(&mut self, mut stretches: Vec<Vec<Entry>>, most: usize, wanted: Wanted<'_>, found: &mut Vec<Entry>) {
        let could_go_on: Vec<bool> = stretches.iter().map(|stretch| !stretch.is_empty()).collect();
        while found.len() < most {
            let newest = stretches.iter().enumerate().filter_map(|(at, stretch)| Some((stretch.last()?.place.at, at)));
            let Some((_, at)) = newest.max() else { return };
            let Some(entry) = stretches[at].pop() else { return };
            let track = &mut self.tracks[at];
            track.first = entry.place.offset;
            if entry.is_open {
                (track.last, track.open) = (entry.place.offset, entry.line.bytes.len());
            }
            if wanted(&entry.line) {
                found.push(entry);
            }
            if stretches[at].is_empty() && could_go_on[at] && track.first > track.begin() {
                return;
            }
        }
    }

    /// The same from the fronts, for newer ones.
    fn take_forward(
        &mut self,
        stretches: Vec<Vec<Entry>>,
        most: usize,
        wanted: Wanted<'_>,
        found: &mut Vec<Entry>,
        looked: &mut u64,
    ) {
        let mut fronts: Vec<_> = stretches.into_iter().map(|stretch| stretch.into_iter().peekable()).collect();
        while found.len() < most {
            let oldest = fronts.iter_mut().enumerate().filter_map(|(at, front)| Some((front.peek()?.place.at, at)));
            let Some((_, at)) = oldest.min() else { return };
            let Some(entry) = fronts[at].next() else { return };
            let track = &mut self.tracks[at];
            if entry.is_open {
                track.open = entry.line.bytes.len();
            } else {
                *looked += entry.end - track.last.min(entry.end);
                (track.last, track.open) = (entry.end, 0);
            }
            let is_used_up = fronts[at].peek().is_none() && !entry.is_open && track.last < track.end();
            if wanted(&entry.line) {
                found.push(entry);
            }
            if is_used_up {
                return;
            }
        }
    }
}

/// One log.
#[derive(Debug)]
struct Track {
    process: Arc<str>,
    channel: Channel,
    directory: PathBuf,
    segments: Vec<Segment>,
    /// The first record of each run.
    runs: Vec<Record>,
    /// The stretch.
    first: u64,
    last: u64,
    /// So much of the line at the end of the stretch was given out, which is open.
    open: usize,
    /// Which file of it cannot be read, and why.
    trouble: Option<String>,
}

/// One file of it, with its index as far as it was read.
#[derive(Debug)]
struct Segment {
    start: u64,
    file: File,
    records: Vec<Record>,
    index_read: u64,
}

impl Track {
    fn open(process: Arc<str>, channel: Channel, directory: PathBuf) -> Self {
        let mut track = Self {
            process,
            channel,
            directory,
            segments: Vec::new(),
            runs: Vec::new(),
            first: 0,
            last: 0,
            open: 0,
            trouble: None,
        };
        track.refresh();
        (track.first, track.last) = (track.begin(), track.begin());
        track
    }

    /// Takes in which files there are, and what has come to the indexes.
    fn refresh(&mut self) {
        self.trouble = None;
        let starts = starts(&self.directory).unwrap_or_else(|error| {
            self.trouble = trouble(&self.directory, &error);
            let is_gone = self.trouble.is_none();
            self.segments.iter().map(|segment| segment.start).filter(|_| !is_gone).collect()
        });
        self.segments.retain(|segment| starts.contains(&segment.start));
        for start in starts {
            if self.segments.iter().any(|segment| segment.start == start) {
                continue;
            }
            let path = self.directory.join(layout::segment_name(start));
            match File::open(&path) {
                Ok(file) => self.segments.push(Segment { start, file, records: Vec::new(), index_read: 0 }),
                Err(error) => self.trouble = trouble(&path, &error),
            }
        }
        self.segments.sort_by_key(|segment| segment.start);
        self.read_indexes();
    }

    fn read_indexes(&mut self) {
        let mut has_news = false;
        for segment in &mut self.segments {
            match segment.read_index(&self.directory) {
                Ok(is_news) => has_news |= is_news,
                Err(error) => self.trouble = trouble(&self.directory.join(layout::index_name(segment.start)), &error),
            }
        }
        if !has_news {
            return;
        }
        self.runs.clear();
        for record in self.segments.iter().flat_map(|segment| &segment.records) {
            if self.runs.last().is_none_or(|run| !run.is_same_run(record)) {
                self.runs.push(*record);
            }
        }
    }

    fn begin(&self) -> u64 {
        self.segments.first().map_or(0, |segment| segment.start)
    }

    fn end(&self) -> u64 {
        self.segments.last().map_or(0, Segment::end)
    }

    fn length_now(&mut self) -> u64 {
        self.refresh();
        self.end()
    }

    /// The record that a byte belongs to.
    fn record_at(&self, offset: u64) -> Record {
        let with_it = self.segments.iter().rev().find(|segment| {
            segment.start <= offset && segment.records.first().is_some_and(|record| record.offset <= offset)
        });
        let unknown = Record { offset, at: WallTime(0), up: 0, run: 0 };
        with_it.map_or(unknown, |segment| {
            let next = segment.records.partition_point(|record| record.offset <= offset);
            segment.records[next - 1]
        })
    }

    /// Where the first line begins that was written then or later.
    fn offset_at(&self, at: WallTime) -> u64 {
        let mut records = self.segments.iter().flat_map(|segment| &segment.records);
        let Some(record) = records.find(|record| record.at >= at) else { return self.end() };
        let is_begin = record.offset <= self.begin() || self.runs.iter().any(|run| run.offset == record.offset);
        if is_begin {
            return record.offset.max(self.begin());
        }
        let bytes = self.read(record.offset - 1, record.offset + ROW_CAP as u64);
        memchr(b'\n', &bytes).map_or(record.offset, |line_end| record.offset + line_end as u64)
    }

    /// The bytes from here on, up to there or to the end of a file.
    fn read(&self, from: u64, until: u64) -> Vec<u8> {
        let Some(at) = self.segments.iter().rposition(|segment| segment.start <= from) else { return Vec::new() };
        let segment = &self.segments[at];
        let next = self.segments.get(at + 1).map_or(u64::MAX, |next| next.start);
        let mut bytes = vec![0; usize::try_from(until.min(next).saturating_sub(from)).unwrap_or(0)];
        let mut length = 0;
        while length < bytes.len() {
            match segment.file.read_at(&mut bytes[length..], from + length as u64 - segment.start) {
                Ok(more @ 1..) => length += more,
                Ok(_) | Err(_) => break,
            }
        }
        bytes.truncate(length);
        bytes
    }

    /// Lines from here on.
    fn lines_from(&mut self, index: usize, from: u64, most: usize) -> Vec<Entry> {
        let from = from.max(self.begin());
        let mut bytes = self.read(from, from + BLOCK);
        if bytes.is_empty() || (bytes.len() as u64) < BLOCK {
            self.refresh();
            let rest = self.read(from + bytes.len() as u64, from + BLOCK);
            bytes.extend(rest);
        } else {
            self.read_indexes();
        }
        let is_all = from + bytes.len() as u64 >= self.end();
        self.split(index, from.max(self.begin()), &bytes, is_all, most)
    }

    /// The lines before the stretch, oldest first.
    fn lines_before(&mut self, index: usize, most: usize) -> Vec<Entry> {
        let (begin, end) = (self.begin(), self.first);
        let from = end.saturating_sub(BLOCK).max(begin);
        if from >= end {
            return Vec::new();
        }
        let mut bytes = self.read(from, end);
        while from + (bytes.len() as u64) < end {
            let more = self.read(from + bytes.len() as u64, end);
            if more.is_empty() {
                break;
            }
            bytes.extend(more);
        }
        let skipped = if from == begin { 0 } else { memchr(b'\n', &bytes).map_or(0, |at| at + 1) };
        let skipped = if skipped == bytes.len() { 0 } else { skipped };
        let start = newest_lines(&bytes[skipped..], most) + skipped;
        let is_all = end >= self.end();
        self.split(index, from + start as u64, &bytes[start..], is_all, usize::MAX)
    }

    /// Takes bytes apart that begin with a line. What has no end yet is an open line where nothing follows, and is left where it does.
    fn split(&self, index: usize, base: u64, bytes: &[u8], is_all: bool, most: usize) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut at = 0;
        while at < bytes.len() && entries.len() < most {
            let offset = base + at as u64;
            let record = self.record_at(offset);
            let next_run = self.runs.partition_point(|run| run.offset <= offset);
            let begins_run = next_run > 0 && self.runs[next_run - 1].offset == offset;
            let run_end = self.runs.get(next_run).map_or(u64::MAX, |run| run.offset);
            let whole = usize::try_from(run_end - base).unwrap_or(usize::MAX).min(at + ROW_CAP);
            let limit = whole.min(bytes.len());
            let (text, next, is_open) = match memchr(b'\n', &bytes[at..limit]) {
                Some(length) => (&bytes[at..at + length], at + length + 1, false),
                None if limit == whole => (&bytes[at..limit], limit, false),
                None if is_all => (&bytes[at..limit], limit, true),
                None => break,
            };
            entries.push(Entry {
                line: LogLine {
                    process: Arc::clone(&self.process),
                    channel: self.channel,
                    at: record.at,
                    up: record.up,
                    run: record.run,
                    bytes: text.to_vec(),
                    is_finished: !is_open,
                },
                place: Place { at: record.at, track: index, offset },
                end: base + next as u64,
                begins_run,
                is_open,
            });
            at = next;
        }
        entries
    }
}

impl Segment {
    fn end(&self) -> u64 {
        self.start + self.file.metadata().map_or(0, |found| found.len())
    }

    /// Reads what has come to the index; whether that was anything.
    fn read_index(&mut self, directory: &Path) -> io::Result<bool> {
        let file = File::open(directory.join(layout::index_name(self.start)))?;
        let length = file.metadata()?.len();
        let whole = length - length % RECORD as u64;
        if whole <= self.index_read {
            return Ok(false);
        }
        let mut bytes = vec![0; usize::try_from(whole - self.index_read).unwrap_or(0)];
        file.read_exact_at(&mut bytes, self.index_read)?;
        self.index_read = whole;
        self.records.extend(Record::decode_all(&bytes));
        Ok(true)
    }
}

/// What is to be said of a file that cannot be read; nothing of one that has gone meanwhile.
fn trouble(path: &Path, error: &io::Error) -> Option<String> {
    (error.kind() != ErrorKind::NotFound).then(|| format!("{} cannot be read: {error}", path.display()))
}

/// Where the last so many lines begin.
fn newest_lines(bytes: &[u8], most: usize) -> usize {
    let mut end = bytes.strip_suffix(b"\n").map_or(bytes.len(), <[u8]>::len);
    for _ in 0..most {
        match memrchr(b'\n', &bytes[..end]) {
            Some(at) => end = at,
            None => return 0,
        }
    }
    end + 1
}

#[cfg(test)]
mod tests;
