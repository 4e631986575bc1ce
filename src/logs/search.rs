//! Looks for lines in the kept logs. Blocks on files, so it belongs on a thread of its own.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use regex::Regex;

use crate::codec::ansi;
use crate::logs::kept::{KeptLogs, LogLine, Query};
use crate::logs::stamp::wall_now;
use crate::model::{FoundLine, WallTime};

/// A line is given up to this many bytes.
const LONGEST: usize = 4096;

/// The memory that a pattern may take, compiled.
const PATTERN: usize = 1 << 20;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Of these processes, by namespec; of all when empty.
    pub processes: Vec<String>,
    /// Lines that match this, without their colours; all when empty.
    pub pattern: String,
    /// Only those that began then or later.
    pub since: Option<WallTime>,
    /// The last so many.
    pub limit: usize,
}

/// The lines that were looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The last of them, oldest first.
    pub lines: Vec<FoundLine>,
    /// There are older ones, too.
    pub has_more: bool,
}

/// Why nothing was looked for.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The pattern is none.
    #[error("not a pattern: {0}")]
    Pattern(String),
    /// The logs cannot be read.
    #[error("the logs cannot be read")]
    Io(#[from] std::io::Error),
}

/// Looks through the kept logs of a directory, until there is nothing more or nobody waits any more.
pub fn search(directory: &Path, wanted: &Search, is_given_up: &AtomicBool) -> Result<Found, SearchError> {
    let pattern = regex::RegexBuilder::new(&wanted.pattern).size_limit(PATTERN).build();
    let pattern = pattern.map_err(|error| SearchError::Pattern(last_line(&error.to_string())))?;
    let query = Query { processes: wanted.processes.clone(), last: None, since: wanted.since, run: None };
    // What a flood writes meanwhile would be looked through for ever.
    let begin = wall_now();
    let mut lines: VecDeque<FoundLine> = VecDeque::new();
    let mut has_more = false;
    for line in KeptLogs::open(directory).lines(query)? {
        // One that is later than now was written before the clock was set back, and is no reason to stop.
        if is_given_up.load(Ordering::Relaxed) || (line.at > begin && line.at <= wall_now()) {
            break;
        }
        let Some(line) = matching(&pattern, &line) else { continue };
        if lines.len() == wanted.limit {
            has_more = true;
            lines.pop_front();
        }
        if wanted.limit > 0 {
            lines.push_back(line);
        }
    }
    Ok(Found { lines: lines.into(), has_more })
}

fn matching(pattern: &Regex, line: &LogLine) -> Option<FoundLine> {
    let text = ansi::to_text(&line.bytes[..line.bytes.len().min(LONGEST)]);
    pattern.is_match(&text).then(|| FoundLine {
        process: line.process.to_string(),
        channel: line.channel,
        at: line.at,
        run: line.run,
        text,
    })
}

/// The library's message shows the pattern first and says what is wrong in its last line.
fn last_line(message: &str) -> String {
    message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::hub::Keep;
    use crate::logs::kept::Keeper;
    use crate::model::Channel;

    fn logs() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::new(Some(Keep::new(directory.path())));
        for (name, at, text) in
            [("api", 10, "GET /a\n\x1b[31mGET\x1b[0m /b\nPOST /c\n"), ("db", 20, "ready\nGET nothing\n")]
        {
            let mut log = keeper.open(name, Channel::Stdout).unwrap().unwrap();
            log.append(text.as_bytes(), WallTime(at), 1).unwrap();
        }
        directory
    }

    fn texts(wanted: &Search) -> (Vec<String>, bool) {
        let directory = logs();
        let found = search(directory.path(), wanted, &AtomicBool::new(false)).unwrap();
        (found.lines.iter().map(|line| format!("{} {}", line.process, line.text)).collect(), found.has_more)
    }

    #[test]
    fn lines_are_chosen_by_pattern_process_and_time_and_the_last_ones_stay() {
        let wanted = Search { limit: 10, pattern: "^GET".into(), ..Search::default() };
        let all = vec!["api GET /a".to_owned(), "api GET /b".to_owned(), "db GET nothing".to_owned()];
        assert_eq!(texts(&wanted), (all.clone(), false));
        assert_eq!(texts(&Search { limit: 2, ..wanted.clone() }), (all[1..].to_vec(), true));
        assert_eq!(texts(&Search { processes: vec!["db".into()], ..wanted.clone() }).0, all[2..]);
        assert_eq!(texts(&Search { since: Some(WallTime(15)), ..wanted.clone() }).0, all[2..]);
        assert_eq!(texts(&Search { limit: 0, ..wanted }), (vec![], true));
    }

    #[test]
    fn a_clock_that_was_set_back_hides_no_line() {
        let directory = tempfile::tempdir().unwrap();
        let mut keeper = Keeper::new(Some(Keep::new(directory.path())));
        let future = wall_now().0 + 3_600_000;
        for (name, times) in [("api", [future, 20, 30]), ("db", [10, future, 40])] {
            let mut log = keeper.open(name, Channel::Stdout).unwrap().unwrap();
            for (number, at) in times.into_iter().enumerate() {
                log.append(format!("{name} {number}\n").as_bytes(), WallTime(at), 1).unwrap();
            }
        }
        let wanted = Search { limit: 10, pattern: String::new(), ..Search::default() };
        let found = search(directory.path(), &wanted, &AtomicBool::new(false)).unwrap();
        for name in ["api", "db"] {
            let texts: Vec<&str> =
                found.lines.iter().filter(|line| line.process == name).map(|line| &*line.text).collect();
            assert_eq!(texts, [format!("{name} 0"), format!("{name} 1"), format!("{name} 2")]);
        }
    }

    #[test]
    fn a_pattern_that_is_none_says_why() {
        let directory = logs();
        let wanted = Search { pattern: "a(".into(), ..Search::default() };
        let error = search(directory.path(), &wanted, &AtomicBool::new(false)).unwrap_err();
        assert_eq!(error.to_string(), "not a pattern: unclosed group");
    }
}
