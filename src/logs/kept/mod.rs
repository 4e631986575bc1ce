//! Kept logs: what programs wrote, on disk, bounded, readable while and after a project is up.
//!
//! `DIRECTORY/PROCESS/stdout/` (and `stderr/` where it is apart) holds raw segments, each named by the logical offset of its first
//! byte, `0000000000400000.log`, with an index beside it, `….idx`: which `up`, which run and when, for stretches of bytes. Offsets
//! only grow, over runs and `up`s, so a cursor is a number that rotation cannot confuse; old segments are removed whole.
//! `DIRECTORY/up` holds the number of the latest `up`.

pub mod layout;

mod book;
mod cursor;
mod follow;
mod lines;
mod news;
mod reader;
mod track_reader;
mod writer;

pub use book::{Book, Entry, Place, Scan, Wanted};
pub use cursor::{Cursor, NoCursor};
pub use follow::Follow;
pub use lines::Lines;
pub use news::{KeptNews, Written};
pub use reader::{KeptLogs, LogLine, Query};

pub(crate) use writer::{Keeper, KeptWriter, segment_file, starts as segment_starts};
