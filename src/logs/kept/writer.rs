//! Appends to kept logs. Everything is made at the first byte.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::fault::{self, Point};
use crate::logs::hub::{Channel, Keep};
use crate::logs::kept::layout::{self, RECORD, Record};
use crate::model::WallTime;

/// Opens the kept logs of one `up`.
#[derive(Debug)]
pub(crate) struct Keeper {
    keep: Option<Keep>,
    up: Option<u32>,
}

impl Keeper {
    pub(crate) fn new(keep: Option<Keep>) -> Self {
        Self { keep, up: None }
    }

    /// Where logs are kept, if they are.
    pub(crate) fn directory(&self) -> Option<&Path> {
        self.keep.as_ref().map(|keep| keep.directory.as_path())
    }

    /// Whether there is a log of this channel, from this `up` or an earlier one.
    pub(crate) fn has(&self, process: &str, channel: Channel) -> bool {
        self.keep.as_ref().is_some_and(|keep| layout::directory(&keep.directory, process, channel).is_dir())
    }

    /// Opens one log. `None` when none are to be kept.
    pub(crate) fn open(&mut self, process: &str, channel: Channel) -> io::Result<Option<KeptWriter>> {
        let Some(keep) = self.keep.clone() else { return Ok(None) };
        make_directory(&keep.directory)?;
        let up = match self.up {
            Some(up) => up,
            None => *self.up.insert(next_up(&keep.directory)?),
        };
        let directory = layout::directory(&keep.directory, process, channel);
        make_directory(&directory)?;
        KeptWriter::open(keep, directory, up).map(Some)
    }
}

/// Counts this `up`.
fn next_up(directory: &Path) -> io::Result<u32> {
    let path = directory.join(layout::UP_FILE);
    let last = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse::<u32>().ok()).unwrap_or(0);
    let up = last.wrapping_add(1);
    fs::write(path, format!("{up}\n"))?;
    Ok(up)
}

fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A file takes bytes that fill whole blocks of this length, in bytes, for two thirds of the processor time that others take (ext4, Linux 6.18).
const BLOCK: u64 = 64 * 1024;

/// Which part of a segment may come on top of it, for the end of a line.
const OVERHANG: u64 = 64;

/// One kept log that is being written.
#[derive(Debug)]
pub(crate) struct KeptWriter {
    keep: Keep,
    directory: PathBuf,
    up: u32,
    log: File,
    /// Where each segment begins, oldest first; never empty.
    segments: VecDeque<u64>,
    end: u64,
    index_length: u64,
    last: Option<Record>,
    /// Whether what was appended last ends within a line.
    is_line_open: bool,
}

impl KeptWriter {
    fn open(keep: Keep, directory: PathBuf, up: u32) -> io::Result<Self> {
        let mut segments: VecDeque<u64> = starts(&directory)?.into();
        let (start, is_new) = segments.back().map_or((0, true), |start| (*start, false));
        if is_new {
            segments.push_back(start);
        }
        let log = open_segment(&directory, start)?;
        let end = start + log.metadata()?.len();
        let index_length = trim_index(&directory.join(layout::index_name(start)))?;
        Ok(Self { keep, directory, up, log, segments, end, index_length, last: None, is_line_open: false })
    }

    /// Where the next byte goes.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// How many bytes would fill the last block of its file.
    pub(crate) fn missing_of_block(&self) -> usize {
        // At most a block, which fits.
        usize::try_from(BLOCK - (self.end - self.start()) % BLOCK).unwrap_or(usize::MAX)
    }

    /// The oldest byte that is still there.
    pub(crate) fn begin(&self) -> u64 {
        self.segments.front().copied().unwrap_or(self.end)
    }

    /// Appends bytes and says where they begin. After an error nothing of them counts as kept.
    pub(crate) fn append(&mut self, bytes: &[u8], at: WallTime, run: u32) -> io::Result<u64> {
        if self.is_full() && !self.has_to_finish_a_line(run) {
            self.begin_segment()?;
        }
        let record = Record { offset: self.end, at, up: self.up, run };
        if layout::needs_record(self.last.as_ref(), &record) {
            self.write_record(record)?;
        }
        if let Err(error) = write(&mut self.log, bytes) {
            // What was written of them before the disk was full must not be taken for the next bytes.
            let _ = self.log.set_len(self.end - self.start());
            return Err(error);
        }
        self.end += bytes.len() as u64;
        self.is_line_open = bytes.last().map_or(self.is_line_open, |last| *last != b'\n');
        Ok(record.offset)
    }

    /// Begins anew: nothing of what was kept is left. Offsets go on.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        if self.end > self.start() {
            self.begin_segment()?;
        }
        self.remove_oldest(1);
        Ok(())
    }

    /// Whether the next append would remove bytes at or after this offset.
    pub(crate) fn would_overtake(&self, cursor: u64) -> bool {
        self.is_full()
            && self.segments.len() >= layout::segments_allowed(&self.keep)
            && self.segments.get(1).is_some_and(|second| cursor < *second)
    }

    /// Reads from an offset on, up to the end of its segment. An error when it is no longer there.
    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let start = self.segments.iter().rev().find(|start| **start <= offset).ok_or(ErrorKind::NotFound)?;
        let length = if *start == self.start() {
            self.log.read_at(buffer, offset - start)?
        } else {
            File::open(self.directory.join(layout::segment_name(*start)))?.read_at(buffer, offset - start)?
        };
        if length == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(length) }
    }

    /// Reads as much as the buffer takes, over segments. An error when not all of it is there.
    pub(crate) fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            done += self.read_at(offset + done as u64, &mut buffer[done..])?;
        }
        Ok(())
    }

    /// When the byte at this offset was written.
    pub(crate) fn time_at(&self, offset: u64) -> Option<WallTime> {
        let start = self.segments.iter().rev().find(|start| **start <= offset)?;
        let records = Record::decode_all(&fs::read(self.directory.join(layout::index_name(*start))).ok()?);
        records.iter().rev().find(|record| record.offset <= offset).map(|record| record.at)
    }

    fn start(&self) -> u64 {
        self.segments.back().copied().unwrap_or(0)
    }

    fn is_full(&self) -> bool {
        layout::is_segment_full(&self.keep, self.end - self.start(), self.index_length)
    }

    /// Whether a run is within a line, which ends in the segment where it began: when that segment is the oldest one, it begins with a
    /// whole line. A line that is too long for that is cut.
    fn has_to_finish_a_line(&self, run: u32) -> bool {
        let goes_on = self.is_line_open && self.last.is_some_and(|last| last.run == run);
        goes_on && self.end - self.start() < self.keep.segment_bytes + self.keep.segment_bytes / OVERHANG
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        make_directory(&self.directory)?;
        self.log = open_segment(&self.directory, self.end)?;
        self.segments.push_back(self.end);
        (self.index_length, self.last) = (0, None);
        self.remove_oldest(layout::segments_allowed(&self.keep));
        Ok(())
    }

    /// Removes segments until there are no more than so many.
    fn remove_oldest(&mut self, allowed: usize) {
        while self.segments.len() > allowed {
            if let Some(oldest) = self.segments.pop_front() {
                // Somebody else may have removed them already.
                let _ = fs::remove_file(self.directory.join(layout::index_name(oldest)));
                let _ = fs::remove_file(self.directory.join(layout::segment_name(oldest)));
            }
        }
    }

    /// The index is not held open: a descriptor for each program is worth more than the opening.
    fn write_record(&mut self, record: Record) -> io::Result<()> {
        let path = self.directory.join(layout::index_name(self.start()));
        OpenOptions::new().append(true).create(true).mode(0o600).open(path)?.write_all(&record.encode())?;
        self.index_length += RECORD as u64;
        self.last = Some(record);
        Ok(())
    }
}

/// Writes all of them; on a failure that a test wants, half of them.
fn write(log: &mut File, bytes: &[u8]) -> io::Result<()> {
    match fault::strike(Point::KeepLog) {
        Ok(()) => log.write_all(bytes),
        Err(error) => log.write_all(&bytes[..bytes.len() / 2]).and(Err(error)),
    }
}

/// Where the segments in a directory begin, in order.
pub(crate) fn starts(directory: &Path) -> io::Result<Vec<u64>> {
    let mut starts = Vec::new();
    for entry in fs::read_dir(directory)? {
        starts.extend(entry?.file_name().to_str().and_then(layout::segment_start));
    }
    starts.sort_unstable();
    Ok(starts)
}

/// The file of a segment.
pub(crate) fn segment_file(directory: &Path, start: u64) -> PathBuf {
    directory.join(layout::segment_name(start))
}

/// Opens a segment to append to, and lets the name of the latest lead to it.
fn open_segment(directory: &Path, start: u64) -> io::Result<File> {
    let name = layout::segment_name(start);
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(directory.join(&name))?;
    // Only a convenience for `tail -F`: a file system without links keeps logs as well.
    let (made, latest) = (directory.join("latest"), directory.join(layout::LATEST));
    let _ = fs::remove_file(&made);
    let _ = symlink(name, &made).and_then(|()| fs::rename(&made, latest));
    Ok(file)
}

/// Cuts off a record that was not written whole; the length that is left.
fn trim_index(path: &Path) -> io::Result<u64> {
    let file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let whole = length - length % RECORD as u64;
    if whole < length {
        file.set_len(whole)?;
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(directory: &Path, bytes: u64, segment_bytes: u64) -> Keep {
        Keep { directory: directory.to_owned(), bytes, segment_bytes }
    }

    fn open(keep: &Keep) -> KeptWriter {
        Keeper::new(Some(keep.clone())).open("web", Channel::Stdout).unwrap().unwrap()
    }

    #[test]
    fn offsets_go_on_over_ups_and_segments() {
        let directory = tempfile::tempdir().unwrap();
        let keep = keep(directory.path(), 40, 10);
        let mut log = open(&keep);
        assert_eq!(log.append(b"0123456789", WallTime(1), 1).unwrap(), 0);
        assert_eq!(log.append(b"abc", WallTime(2), 1).unwrap(), 10);
        let mut log = open(&keep);
        assert_eq!(log.append(b"def", WallTime(3), 1).unwrap(), 13);
        let mut buffer = [0; 100];
        assert_eq!(log.read_at(4, &mut buffer).unwrap(), 6);
        assert_eq!(&buffer[..6], b"456789");
        assert_eq!(log.read_at(10, &mut buffer).unwrap(), 6);
        assert_eq!(&buffer[..6], b"abcdef");
        assert_eq!(log.time_at(12), Some(WallTime(2)));
        assert_eq!(log.time_at(13), Some(WallTime(3)));
        assert_eq!(fs::read_to_string(directory.path().join("up")).unwrap(), "2\n");
    }

    #[test]
    fn the_oldest_segment_goes_first_and_a_cursor_is_warned() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = open(&keep(directory.path(), 20, 10));
        for part in [b"0123456789", b"abcdefghij"] {
            log.append(part, WallTime(1), 1).unwrap();
        }
        assert!(log.would_overtake(9));
        assert!(!log.would_overtake(10));
        log.append(b"x", WallTime(2), 1).unwrap();
        assert_eq!((log.begin(), log.end()), (10, 21));
        assert_eq!(log.read_at(3, &mut [0; 4]).unwrap_err().kind(), ErrorKind::NotFound);
        let mut names: Vec<_> = fs::read_dir(directory.path().join("web/stdout"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "000000000000000a.idx",
                "000000000000000a.log",
                "0000000000000014.idx",
                "0000000000000014.log",
                "latest.log"
            ]
        );
    }

    fn segments(directory: &Path) -> Vec<String> {
        let directory = directory.join("web/stdout");
        let texts =
            starts(&directory).unwrap().into_iter().map(|start| fs::read_to_string(segment_file(&directory, start)));
        texts.map(Result::unwrap).collect()
    }

    #[test]
    fn a_segment_begins_with_a_whole_line() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = open(&keep(directory.path(), 6400, 640));
        let full = "x".repeat(640);
        for part in [full.as_str(), " goes", " on\n", "next\n"] {
            log.append(part.as_bytes(), WallTime(1), 1).unwrap();
        }
        assert_eq!(segments(directory.path()), [full + " goes on\n", "next\n".to_owned()]);
    }

    #[test]
    fn a_line_without_an_end_and_one_of_another_run_hold_up_no_segment() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = open(&keep(directory.path(), 6400, 640));
        let full = "x".repeat(640);
        for (part, run) in [(full.as_str(), 1), ("0123456789", 1), ("cut", 1), (full.as_str(), 1), ("another", 2)] {
            log.append(part.as_bytes(), WallTime(1), run).unwrap();
        }
        let expected = [full.clone() + "0123456789", "cut".to_owned() + &full, "another".to_owned()];
        assert_eq!(segments(directory.path()), expected);
    }

    #[test]
    fn what_is_missing_of_a_block_counts_from_the_beginning_of_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = open(&keep(directory.path(), 1 << 20, 100_000));
        let mut missing_after = |length| {
            log.append(&vec![b'\n'; length], WallTime(1), 1).unwrap();
            log.missing_of_block()
        };
        assert_eq!(missing_after(65_513), 23);
        assert_eq!(missing_after(23), 65_536);
        assert_eq!(missing_after(40_000), 25_536);
        // The segment is full, so the next bytes begin another file.
        assert_eq!(missing_after(65_500), 36);
    }

    #[test]
    fn a_cleared_log_is_empty_and_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = open(&keep(directory.path(), 40, 10));
        for part in [b"0123456789", b"abcdefghij"] {
            log.append(part, WallTime(1), 1).unwrap();
        }
        log.clear().unwrap();
        log.clear().unwrap();
        assert_eq!((log.begin(), log.end()), (20, 20));
        assert_eq!(log.append(b"next", WallTime(2), 1).unwrap(), 20);
        assert_eq!(fs::read_to_string(directory.path().join("web/stdout/latest.log")).unwrap(), "next");
    }

    #[test]
    fn a_torn_record_is_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        let keep = keep(directory.path(), 40, 10);
        open(&keep).append(b"one", WallTime(1), 1).unwrap();
        let index = directory.path().join("web/stdout").join(layout::index_name(0));
        OpenOptions::new().append(true).open(&index).unwrap().write_all(b"torn").unwrap();
        let mut log = open(&keep);
        log.append(b"two", WallTime(2), 1).unwrap();
        assert_eq!(Record::decode_all(&fs::read(index).unwrap()).len(), 2);
    }

    #[test]
    fn nothing_is_made_where_nothing_may_be_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Keeper::new(Some(keep(&file.join("logs"), 20, 10))).open("web", Channel::Stdout).is_err());
        assert!(Keeper::new(None).open("web", Channel::Stdout).unwrap().is_none());
    }
}
