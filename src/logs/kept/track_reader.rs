//! Reads one kept log forward, line by line, while it may be growing and losing its oldest segments.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memrchr;

use crate::codec::lines::Rows;
use crate::logs::hub::Channel;
use crate::logs::kept::layout::{self, Record};
use crate::logs::kept::reader::LogLine;
use crate::logs::kept::writer::starts;
use crate::model::WallTime;

/// How much is read at once.
const BLOCK: usize = 64 * 1024;

/// Which lines of a log.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    pub(super) since: Option<WallTime>,
    /// An `up` and a run of it.
    pub(super) run: Option<(u32, u32)>,
}

impl Wanted {
    fn has(&self, record: &Record) -> bool {
        self.since.is_none_or(|since| record.at >= since) && self.run.is_none_or(|run| (record.up, record.run) == run)
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct TrackReader {
    directory: PathBuf,
    process: Arc<str>,
    channel: Channel,
    wanted: Wanted,
    position: u64,
    /// Where to stop: the run that is wanted has ended.
    end: Option<u64>,
    segment: Option<Segment>,
    current: Record,
    rows: Rows,
    /// The record of the line that is not finished.
    held: Option<Record>,
    /// The first row is the rest of a line that began before the wanted ones.
    is_fragment: bool,
    /// Each with the offset behind it.
    lines: VecDeque<(LogLine, u64)>,
    /// The offset behind the last line that was given out whole.
    given: u64,
    block: Vec<u8>,
}

/// One segment, open.
#[derive(Debug)]
struct Segment {
    start: u64,
    file: File,
    records: Vec<Record>,
}

impl TrackReader {
    /// Begins at the first byte that is wanted.
    pub(super) fn open(directory: PathBuf, process: Arc<str>, channel: Channel, wanted: Wanted) -> Self {
        let mut reader = Self {
            directory,
            process,
            channel,
            wanted,
            position: 0,
            end: None,
            segment: None,
            current: Record { offset: 0, at: WallTime(0), up: 0, run: 0 },
            rows: Rows::default(),
            held: None,
            is_fragment: false,
            lines: VecDeque::new(),
            given: 0,
            block: Vec::new(),
        };
        reader.seek();
        reader.given = reader.position;
        reader
    }

    /// Moves on to an offset that [`TrackReader::given`] has told, unless what is wanted begins behind it.
    pub(super) fn seek_offset(&mut self, offset: u64) {
        if offset > self.position {
            self.position = offset;
            self.given = offset;
            self.is_fragment = false;
        }
    }

    /// The offset behind the last line that was given out whole; at first, where reading begins.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    pub(super) fn process(&self) -> &Arc<str> {
        &self.process
    }

    pub(super) fn channel(&self) -> Channel {
        self.channel
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The time of the next line, if there is one now.
    pub(super) fn peek(&mut self) -> Option<WallTime> {
        while self.lines.is_empty() && self.fill() {}
        self.lines.front().map(|(line, _)| line.at)
    }

    /// The next line, if there is one now. An unfinished one waits for its end.
    pub(super) fn next_line(&mut self) -> Option<LogLine> {
        self.peek()?;
        let (line, end) = self.lines.pop_front()?;
        self.given = end;
        Some(line)
    }

    /// Whether a line is unfinished.
    pub(super) fn is_line_open(&self) -> bool {
        self.rows.is_holding_text()
    }

    /// The unfinished line as it stands.
    pub(super) fn take_open_line(&mut self) -> Option<LogLine> {
        if !self.rows.is_holding_text() || self.is_fragment {
            return None;
        }
        let record = self.held.take().unwrap_or(self.current);
        let bytes = self.rows.flush()?.to_vec();
        self.wanted.has(&record).then(|| line(&self.process, self.channel, &record, bytes, false))
    }

    /// Moves on to the last so many lines.
    pub(super) fn seek_last(&mut self, lines: usize) {
        let segments = starts(&self.directory).unwrap_or_default();
        let mut wanted = lines;
        for (index, start) in segments.iter().enumerate().rev() {
            let Ok(file) = File::open(self.directory.join(layout::segment_name(*start))) else { return };
            let next = segments.get(index + 1).copied().unwrap_or(u64::MAX);
            let length = file.metadata().map_or(0, |found| found.len());
            let end = (start + length).min(next).min(self.end.unwrap_or(u64::MAX));
            let from = self.position.max(*start);
            let is_last = next >= self.end.unwrap_or(u64::MAX);
            if let Some(at) = find_last(&file, *start, from, end, is_last, &mut wanted) {
                self.position = at;
                self.given = at;
                self.is_fragment = false;
                return;
            }
            if self.position >= *start {
                return;
            }
        }
    }

    /// Finds the first wanted byte, and the first that is not wanted any more.
    fn seek(&mut self) {
        if self.wanted.since.is_none() && self.wanted.run.is_none() {
            return;
        }
        let mut records: Vec<Record> = Vec::new();
        for start in starts(&self.directory).unwrap_or_default() {
            records.extend(read_index(&self.directory, start));
        }
        let Some(first) = records.iter().position(|record| self.wanted.has(record)) else {
            // Nothing yet; what comes may be wanted.
            self.position = length(&self.directory);
            return;
        };
        self.position = records[first].offset;
        let has_neighbour = first > 0 && records[first - 1].is_same_run(&records[first]);
        self.is_fragment = has_neighbour && self.byte_before(records[first].offset) != Some(b'\n');
        if self.wanted.run.is_some() {
            let last = records.iter().rposition(|record| self.wanted.has(record));
            self.end = last.and_then(|last| records.get(last + 1)).map(|record| record.offset);
        }
    }

    fn byte_before(&self, offset: u64) -> Option<u8> {
        let at = offset.checked_sub(1)?;
        let start = starts(&self.directory).ok()?.into_iter().rev().find(|start| *start <= at)?;
        let mut byte = [0];
        let file = File::open(self.directory.join(layout::segment_name(start))).ok()?;
        (file.read_at(&mut byte, at - start).ok()? == 1).then_some(byte[0])
    }

    /// Reads one block and takes its lines. Whether there was one.
    fn fill(&mut self) -> bool {
        if self.end.is_some_and(|end| self.position >= end) {
            self.close_row();
            return false;
        }
        let mut block = std::mem::take(&mut self.block);
        block.resize(BLOCK, 0);
        let length = self.read(&mut block);
        self.take_block(&block[..length]);
        self.block = block;
        length > 0
    }

    /// Reads from the position on; moves on to the next segment at the end of one.
    fn read(&mut self, block: &mut [u8]) -> usize {
        loop {
            if let Some(segment) = &mut self.segment {
                let allowed = self.end.map_or(u64::MAX, |end| end - self.position);
                let wanted = block.len().min(usize::try_from(allowed).unwrap_or(usize::MAX));
                let length = segment.file.read_at(&mut block[..wanted], self.position - segment.start).unwrap_or(0);
                if length > 0 {
                    if segment.records.last().is_none_or(|last| last.offset < self.position + length as u64) {
                        segment.records = read_index(&self.directory, segment.start);
                    }
                    return length;
                }
            }
            if !self.open_next_segment() {
                return 0;
            }
        }
    }

    /// Opens the segment with the position in it, or the first one after it. Whether it is another one.
    fn open_next_segment(&mut self) -> bool {
        let starts = starts(&self.directory).unwrap_or_default();
        let at = starts.iter().rposition(|start| *start <= self.position).unwrap_or(0);
        let Some(start) = starts.get(at).copied() else { return false };
        if self.segment.as_ref().is_some_and(|segment| segment.start == start) {
            return false;
        }
        if start > self.position {
            // What was in between is gone, and with it the rest of the line.
            self.rows = Rows::default();
            self.held = None;
            self.position = start;
        }
        let Ok(file) = File::open(self.directory.join(layout::segment_name(start))) else { return false };
        self.segment = Some(Segment { start, file, records: read_index(&self.directory, start) });
        true
    }

    /// Takes the lines of a block, stretch by stretch.
    fn take_block(&mut self, mut block: &[u8]) {
        while !block.is_empty() {
            let records = self.segment.as_ref().map_or(&[][..], |segment| &segment.records);
            let next = records.partition_point(|record| record.offset <= self.position);
            let record = next.checked_sub(1).map_or(self.current, |at| records[at]);
            let until = records.get(next).map_or(u64::MAX, |record| record.offset);
            let length = usize::try_from(until - self.position).unwrap_or(usize::MAX).min(block.len());
            if !record.is_same_run(&self.current) {
                self.close_row();
            }
            self.current = record;
            self.take_rows(&block[..length]);
            self.position += length as u64;
            block = &block[length..];
        }
    }

    fn take_rows(&mut self, mut bytes: &[u8]) {
        let end = self.position + bytes.len() as u64;
        while let Some(row) = self.rows.take(&mut bytes) {
            let behind = end - bytes.len() as u64;
            let held = if row.is_joined { self.held.take() } else { None };
            let record = held.unwrap_or(self.current);
            if !std::mem::take(&mut self.is_fragment) && self.wanted.has(&record) {
                let found = line(&self.process, self.channel, &record, row.bytes.to_vec(), row.is_finished);
                self.lines.push_back((found, behind));
            }
        }
        if self.rows.is_holding() && self.held.is_none() {
            self.held = Some(self.current);
        }
    }

    /// The writer of the unfinished line ended.
    fn close_row(&mut self) {
        let record = self.held.take().unwrap_or(self.current);
        let Some(bytes) = self.rows.close() else { return };
        if !std::mem::take(&mut self.is_fragment) && self.wanted.has(&record) {
            let found = line(&self.process, self.channel, &record, bytes.to_vec(), true);
            self.lines.push_back((found, self.position));
        }
    }
}

fn line(process: &Arc<str>, channel: Channel, record: &Record, bytes: Vec<u8>, is_finished: bool) -> LogLine {
    let process = Arc::clone(process);
    LogLine { process, channel, at: record.at, up: record.up, run: record.run, bytes, is_finished }
}

/// Where a log ends now.
pub(super) fn length(directory: &Path) -> u64 {
    let last = starts(directory).unwrap_or_default().last().copied();
    last.map_or(0, |start| {
        start + fs::metadata(directory.join(layout::segment_name(start))).map_or(0, |found| found.len())
    })
}

fn read_index(directory: &Path, start: u64) -> Vec<Record> {
    fs::read(directory.join(layout::index_name(start))).map(|bytes| Record::decode_all(&bytes)).unwrap_or_default()
}

/// Looks backwards for the place behind which `wanted` lines are. `None`: there are fewer; `wanted` says how many are still missing.
fn find_last(file: &File, start: u64, from: u64, end: u64, is_last: bool, wanted: &mut usize) -> Option<u64> {
    let mut block = vec![0; BLOCK];
    let mut before = end;
    while before > from {
        let at = before.saturating_sub(BLOCK as u64).max(from);
        let length = usize::try_from(before - at).unwrap_or(0);
        if file.read_at(&mut block[..length], at - start).ok()? < length {
            return None;
        }
        let mut rest = &block[..length];
        while let Some(found) = memrchr(b'\n', rest) {
            let behind = at + found as u64 + 1;
            // The end of the last line ends no line before it.
            if !(is_last && behind == end) {
                if *wanted == 1 {
                    return Some(behind);
                }
                *wanted -= 1;
            }
            rest = &rest[..found];
        }
        before = at;
    }
    None
}
