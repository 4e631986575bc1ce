//! Names, records and decisions of the kept logs. Pure.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::logs::hub::{Channel, Keep};
use crate::model::WallTime;

/// The file with the number of the latest `up`.
pub const UP_FILE: &str = "up";
/// A link that leads to the segment that is being written.
pub const LATEST: &str = "latest.log";
/// The length of a record in bytes.
pub const RECORD: usize = 24;
/// The longest an index may become in bytes: then the next segment begins, however short the last one is.
pub const INDEX_CAP: u64 = 1 << 20;

/// A stretch of bytes has begun; it ends where the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Where, counted from the first byte ever kept.
    pub offset: u64,
    /// When.
    pub at: WallTime,
    /// In which `up`.
    pub up: u32,
    /// In which run of that `up`, from 1.
    pub run: u32,
}

impl Record {
    /// As bytes, little-endian.
    pub fn encode(self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.at.0.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.up.to_le_bytes());
        bytes[20..].copy_from_slice(&self.run.to_le_bytes());
        bytes
    }

    /// Reads a whole index. A torn record at the end is left out, and so is one that goes back.
    pub fn decode_all(bytes: &[u8]) -> Vec<Self> {
        let mut records: Vec<Self> = Vec::with_capacity(bytes.len() / RECORD);
        for bytes in bytes.chunks_exact(RECORD) {
            let long = |at: usize| (0..8).fold(0, |number, i| number | u64::from(bytes[at + i]) << (8 * i));
            let short = |at: usize| (0..4).fold(0, |number, i| number | u32::from(bytes[at + i]) << (8 * i));
            let record = Self { offset: long(0), at: WallTime(long(8)), up: short(16), run: short(20) };
            if records.last().is_none_or(|last| last.offset <= record.offset) {
                records.push(record);
            }
        }
        records
    }

    /// Whether both belong to the same run.
    pub fn is_same_run(&self, other: &Self) -> bool {
        (self.up, self.run) == (other.up, other.run)
    }
}

/// Whether bytes at `next` need a record of their own. A run always does. Otherwise quiet output is timed to the millisecond and a
/// flood to 20 ms.
pub fn needs_record(last: Option<&Record>, next: &Record) -> bool {
    let Some(last) = last else { return true };
    if !last.is_same_run(next) {
        return true;
    }
    let (bytes, millis) = (next.offset - last.offset, next.at.0.abs_diff(last.at.0));
    millis >= 20 || (millis >= 1 && bytes < 4096)
}

/// Whether the next bytes begin a new segment.
pub fn is_segment_full(keep: &Keep, length: u64, index_length: u64) -> bool {
    length >= keep.segment_bytes || index_length >= INDEX_CAP
}

/// How many segments there may be.
pub fn segments_allowed(keep: &Keep) -> usize {
    usize::try_from(keep.bytes / keep.segment_bytes.max(1)).unwrap_or(usize::MAX).max(2)
}

/// The name of a segment.
pub fn segment_name(start: u64) -> String {
    format!("{start:016x}.log")
}

/// The name of its index.
pub fn index_name(start: u64) -> String {
    format!("{start:016x}.idx")
}

/// The start of the segment with this name.
pub fn segment_start(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// The directory of one channel of a process.
pub fn directory(logs: &Path, process: &str, channel: Channel) -> PathBuf {
    logs.join(directory_name(process)).join(channel.as_str())
}

/// The name of a process's directory: its own, with `/`, `%`, controls and a dot in front written as `%2f`.
pub fn directory_name(process: &str) -> String {
    let mut name = String::with_capacity(process.len());
    for (at, character) in process.char_indices() {
        if matches!(character, '/' | '%') || character.is_ascii_control() || (at == 0 && character == '.') {
            // Writing to a String cannot fail.
            let _ = write!(name, "%{:02x}", u32::from(character));
        } else {
            name.push(character);
        }
    }
    name
}

/// The process of a directory.
pub fn process_name(directory: &str) -> String {
    let mut parts = directory.split('%');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if let Some(byte) = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            name.push(char::from(byte));
            name.push_str(&part[2..]);
        } else {
            name.push('%');
            name.push_str(part);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(offset: u64, at: u64, up: u32, run: u32) -> Record {
        Record { offset, at: WallTime(at), up, run }
    }

    #[test]
    fn a_run_always_has_a_record_and_a_flood_has_few() {
        let last = record(1000, 50, 1, 1);
        assert!(needs_record(None, &last));
        assert!(needs_record(Some(&last), &record(1000, 50, 1, 2)), "another run");
        assert!(needs_record(Some(&last), &record(1000, 50, 2, 1)), "another up");
        assert!(!needs_record(Some(&last), &record(1010, 50, 1, 1)), "the same millisecond");
        assert!(needs_record(Some(&last), &record(1010, 51, 1, 1)), "quiet");
        assert!(!needs_record(Some(&last), &record(900_000, 69, 1, 1)), "a flood");
        assert!(needs_record(Some(&last), &record(900_000, 70, 1, 1)), "a flood after a while");
        assert!(needs_record(Some(&last), &record(1010, 20, 1, 1)), "the clock went back");
    }

    #[test]
    fn segments_end_by_size_or_by_index() {
        let keep = Keep::new("/x");
        assert!(!is_segment_full(&keep, (4 << 20) - 1, 0));
        assert!(is_segment_full(&keep, 4 << 20, 0));
        assert!(is_segment_full(&keep, 10, INDEX_CAP));
        assert_eq!(segments_allowed(&keep), 4);
    }

    #[test]
    fn a_torn_index_is_read_up_to_the_tear() {
        let records = [record(0, 1, 1, 1), record(7, 2, 1, 1)];
        let mut bytes: Vec<u8> = records.iter().flat_map(|record| record.encode()).collect();
        bytes.extend([9; 5]);
        assert_eq!(Record::decode_all(&bytes), records);
    }

    #[test]
    fn segments_are_named_by_offset() {
        assert_eq!(segment_name(0x40_0000), "0000000000400000.log");
        assert_eq!(segment_start("0000000000400000.log"), Some(0x40_0000));
        for other in ["0000000000400000.idx", "400000.log", "000000000040000g.log", "up"] {
            assert_eq!(segment_start(other), None, "{other}");
        }
    }

    #[test]
    fn no_process_name_leaves_its_directory() {
        assert_eq!(directory_name("worker:worker_0"), "worker:worker_0");
        assert_eq!(directory_name(".."), "%2e.");
        assert_eq!(directory_name("a/b%c"), "a%2fb%25c");
    }

    proptest! {
        #[test]
        fn a_directory_name_can_be_read_back(name in "\\PC{1,20}") {
            prop_assert_eq!(process_name(&directory_name(&name)), name);
        }

        #[test]
        fn records_can_be_read_back(offset in any::<u64>(), at in any::<u64>(), up in any::<u32>(), run in any::<u32>()) {
            let record = record(offset, at, up, run);
            prop_assert_eq!(Record::decode_all(&record.encode()), vec![record]);
        }
    }
}
