//! What we have to say ourselves, in order with what programs say.

use std::collections::VecDeque;

use crate::codec::ansi;
use crate::logs::hub::{CrashBox, TailLines};
use crate::logs::kept::{KeptLogs, Query};
use crate::logs::output::Output;
use crate::logs::track::{Keeping, Track};
use crate::model::ProcessId;

/// More entries than this do not wait for the end of what they are about.
const WAITING: usize = 1024;

/// Lines of our own that wait for their turn.
pub(crate) type OwnQueue = VecDeque<OwnEntry>;

/// One entry of that queue.
pub(crate) enum OwnEntry {
    /// Lines.
    Say(String),
    /// The last lines of a run.
    CrashBox(CrashBox),
}

impl Output {
    /// Prints what we have to say ourselves. On a screen that is one stream, what has ended is shown before we speak of it.
    pub(super) fn say_own(&mut self) {
        while !self.own.is_empty() {
            let is_behind = |track: &Track| track.lag.is_some() && track.open_sources == 0;
            let must_wait = self.screen.is_one_stream() && self.tracks.iter().any(is_behind);
            if must_wait && self.own.len() < WAITING {
                return;
            }
            match self.own.pop_front() {
                Some(OwnEntry::Say(text)) => self.screen.say(&text),
                Some(OwnEntry::CrashBox(crash_box)) => self.print_box(crash_box),
                None => {}
            }
        }
    }

    fn print_box(&mut self, crash_box: CrashBox) {
        if self.screen.has_own() {
            let lines = self.last_lines(crash_box.process, crash_box.run, crash_box.max_lines);
            let mut text = String::new();
            for row in (crash_box.render)(lines) {
                text.push_str(&row);
                text.push('\n');
            }
            self.screen.say(&text);
        }
    }

    /// The last lines of a run: from the kept logs, or what is remembered.
    pub(super) fn last_lines(&mut self, process: ProcessId, run: u32, max_lines: usize) -> TailLines {
        let Some(known) = self.known.get(process.index()) else { return TailLines::default() };
        let is_kept = known.tracks.iter().any(|track| self.tracks[*track].keeping == Keeping::Yes);
        let counted: Option<usize> = known.tracks.iter().map(|track| self.tracks[*track].tail.total(run)).sum();
        let mut lines = Vec::new();
        if let Some(directory) = self.keeper.directory().filter(|_| is_kept) {
            let processes = vec![known.name.clone()];
            let query = Query { processes, last: Some(max_lines), since: None, run: Some(run) };
            let found = KeptLogs::open(directory).lines(query);
            lines.extend(found.into_iter().flatten().map(|line| ansi::to_text(&line.bytes)));
        } else {
            for track in &known.tracks {
                lines.extend(self.tracks[*track].tail.lines(run, max_lines));
            }
        }
        TailLines { total: counted.unwrap_or(lines.len()).max(lines.len()), lines }
    }
}
