//! What a method can ask of logs, and what can come of it. Reading and clearing is done by whoever serves the call; the arithmetic of
//! offsets is there, too, because it depends on how long a log is.

use crate::model::{Channel, FoundLine, ProcessId, WallTime};

/// Which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogOf {
    /// The main log.
    Main,
    /// An output of a process.
    Process(ProcessId, Channel),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogRequest {
    /// Read a part; answered by [`LogReply::Bytes`].
    Read {
        /// Of which log.
        of: LogOf,
        /// From which byte on; negative: so many bytes before the end.
        offset: i64,
        /// How many bytes; 0 for all.
        length: i64,
    },
    /// Read the end; answered by [`LogReply::Tail`].
    Tail {
        /// Of which log.
        of: LogOf,
        /// Where the caller believes to be.
        offset: i64,
        /// How many bytes.
        length: i64,
    },
    /// Begin the logs of these anew; answered by [`LogReply::Cleared`].
    Clear(Vec<ProcessId>),
    /// Begin the main log anew; answered by [`LogReply::Cleared`].
    ClearMain,
    /// Look for lines in the kept logs; answered by [`LogReply::Found`].
    Search {
        /// Of these processes, by namespec; of all when empty.
        processes: Vec<String>,
        /// Lines that match; all when empty.
        pattern: String,
        /// Only those that began then or later.
        since: Option<WallTime>,
        /// The last so many.
        limit: usize,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogReply {
    /// A part of a log.
    Bytes(Vec<u8>),
    /// The end of a log.
    Tail {
        /// The bytes.
        bytes: Vec<u8>,
        /// How long the log is.
        size: u64,
        /// There is more before them than was asked for.
        overflow: bool,
    },
    /// Whether each was cleared.
    Cleared(Vec<(ProcessId, bool)>),
    /// The same of the main log.
    MainCleared(bool),
    /// The lines, oldest first.
    Found {
        /// The last of them.
        lines: Vec<FoundLine>,
        /// There are older ones, too.
        has_more: bool,
    },
    /// There is no such log, or not yet; its path, if it has one.
    NoFile(Option<String>),
    /// The system refused.
    Failed,
    /// No part of a log is like that.
    BadArguments,
    /// The pattern is none, and why.
    BadPattern(String),
}
