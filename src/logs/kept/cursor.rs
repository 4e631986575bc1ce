//! How far somebody has read, as a text that he keeps himself and brings back.

use std::fmt;
use std::str::FromStr;

use crate::logs::hub::Channel;
use crate::logs::kept::layout;

/// For each output of each process the offset behind the last line that was read whole. Offsets only grow, so neither rotation nor
/// another run can confuse it; what has been removed meanwhile is passed over.
///
/// As text: `o1f3/web/e2a/web`, an output and its offset in hexadecimal before each process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    marks: Vec<Mark>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    channel: Channel,
    offset: u64,
    process: String,
}

/// That a text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of an earlier answer")]
pub struct NoCursor;

impl Cursor {
    /// Notes how far an output was read.
    pub(super) fn mark(&mut self, process: &str, channel: Channel, offset: u64) {
        self.marks.push(Mark { channel, offset, process: process.to_owned() });
    }

    /// With what another one knows of outputs that this one does not know.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        let unknown = |mark: &Mark| self.offset(&mark.process, mark.channel).is_none();
        let more: Vec<Mark> = other.marks.into_iter().filter(unknown).collect();
        self.marks.extend(more);
        self
    }

    /// How far an output was read; `None`: it was not there yet.
    pub(super) fn offset(&self, process: &str, channel: Channel) -> Option<u64> {
        let mark = self.marks.iter().find(|mark| mark.process == process && mark.channel == channel)?;
        Some(mark.offset)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mark) in self.marks.iter().enumerate() {
            let between = if at == 0 { "" } else { "/" };
            let letter = match mark.channel {
                Channel::Stdout => 'o',
                Channel::Stderr => 'e',
            };
            // The name of a directory has no `/` in it.
            write!(f, "{between}{letter}{:x}/{}", mark.offset, layout::directory_name(&mark.process))?;
        }
        Ok(())
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let mut marks = Vec::new();
        let mut parts = text.split('/').filter(|_| !text.is_empty());
        while let Some(place) = parts.next() {
            let process = layout::process_name(parts.next().ok_or(NoCursor)?);
            let (channel, digits) = match (place.strip_prefix('o'), place.strip_prefix('e')) {
                (Some(digits), _) => (Channel::Stdout, digits),
                (None, Some(digits)) => (Channel::Stderr, digits),
                (None, None) => return Err(NoCursor),
            };
            let offset = u64::from_str_radix(digits, 16).map_err(|_| NoCursor)?;
            marks.push(Mark { channel, offset, process });
        }
        Ok(Self { marks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::hub::Keep;
    use crate::logs::kept::{Keeper, KeptLogs, Query};
    use crate::model::WallTime;

    #[test]
    fn a_cursor_comes_back_from_its_text() {
        let mut cursor = Cursor::default();
        cursor.mark("web", Channel::Stdout, 499);
        cursor.mark("a/b:c d,%", Channel::Stderr, u64::MAX);
        assert_eq!(cursor.to_string().parse(), Ok(cursor.clone()));
        assert!(cursor.to_string().starts_with("o1f3/web/e"));
        assert_eq!("".parse(), Ok(Cursor::default()));
        for wrong in ["o1f3", "x1/web", "oxyz/web", "17"] {
            assert_eq!(wrong.parse::<Cursor>(), Err(NoCursor), "{wrong}");
        }
    }

    #[test]
    fn reading_goes_on_behind_the_last_whole_line_that_was_taken() {
        let directory = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::new(Some(Keep::new(directory.path())));
        let mut log = keeper.open("web", Channel::Stdout).unwrap().unwrap();
        log.append(b"one\ntwo\nthree\nunfin", WallTime(1), 1).unwrap();
        let logs = KeptLogs::open(directory.path());
        let read = |cursor: &Cursor, most: usize| {
            let mut lines = logs.lines_from(Query::default(), cursor).unwrap();
            let texts: Vec<String> =
                lines.by_ref().take(most).map(|line| String::from_utf8(line.bytes).unwrap()).collect();
            (texts, lines.cursor())
        };
        let (texts, cursor) = read(&Cursor::default(), 2);
        assert_eq!(texts, ["one", "two"]);
        let (texts, cursor) = read(&cursor, 9);
        assert_eq!(texts, ["three", "unfin"], "what is unfinished is shown");
        log.append(b"ished\nnew\n", WallTime(2), 1).unwrap();
        log.append(b"next run\n", WallTime(3), 2).unwrap();
        let mut other = keeper.open("db", Channel::Stdout).unwrap().unwrap();
        other.append(b"from the first byte\n", WallTime(4), 1).unwrap();
        let (texts, cursor) = read(&cursor, 9);
        assert_eq!(texts, ["unfinished", "new", "next run", "from the first byte"], "and again when it is whole");
        assert_eq!(read(&cursor, 9).0, Vec::<String>::new());
    }

    #[test]
    fn who_was_not_asked_about_is_known_by_his_end() {
        let directory = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::new(Some(Keep::new(directory.path())));
        let mut log = |name: &str| keeper.open(name, Channel::Stdout).unwrap().unwrap();
        log("web").append(b"one\n", WallTime(1), 1).unwrap();
        let mut db = log("db");
        db.append(b"old\n", WallTime(2), 1).unwrap();
        let logs = KeptLogs::open(directory.path());
        let ends = logs.ends().unwrap();
        let query = Query { processes: vec!["web".to_owned()], ..Query::default() };
        let mut lines = logs.lines(query).unwrap();
        assert_eq!(lines.by_ref().count(), 1);
        let cursor = lines.cursor().or(ends);
        db.append(b"new\n", WallTime(3), 1).unwrap();
        let next: Vec<_> = logs.lines_from(Query::default(), &cursor).unwrap().map(|line| line.bytes).collect();
        assert_eq!(next, [b"new"]);
    }

    #[test]
    fn the_cursor_behind_the_last_lines_is_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::new(Some(Keep::new(directory.path())));
        let mut log = keeper.open("web", Channel::Stdout).unwrap().unwrap();
        log.append(b"one\ntwo\nthree\n", WallTime(1), 1).unwrap();
        let logs = KeptLogs::open(directory.path());
        let lines = logs.lines(Query { last: Some(1), ..Query::default() }).unwrap();
        let cursor = lines.cursor();
        log.append(b"four\n", WallTime(2), 1).unwrap();
        let next: Vec<_> = logs.lines_from(Query::default(), &cursor).unwrap().map(|line| line.bytes).collect();
        assert_eq!(next, [b"four"]);
    }
}
