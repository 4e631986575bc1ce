//! The loudest state: crash lines, the box with the last lines of a run, and what a failure keeps down.

use std::iter;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::model::units::{human_duration, round_duration};
use crate::model::{Now, ProcessId, Word};
use crate::supervisor::notice::Reason;
use crate::supervisor::snapshot::Snapshot;
use crate::ui::look::clock;
use crate::ui::reason::{sentence, short};
use crate::ui::story::{Said, Story, columns};
use crate::ui::text::{clean, cut_end, fill, width, wrap};
use crate::ui::theme::{Ink, Theme};

/// Where the edge of a box ends, in a terminal that is wide enough.
const BOX_COLUMNS: usize = 72;
/// A terminal that is narrower breaks the lines itself.
const NARROWEST: usize = 20;
/// What stands before a line of a box: blanks, the edge, a blank.
const EDGE_COLUMNS: usize = 4;
/// What stands between two columns, at least.
const GAP: &str = "   ";
/// What stands before the commands to type next.
const NEXT: &str = "  next: ";
/// A line in a box is cut here; the whole one is in the log.
const LINE_COLUMNS: usize = 400;
/// A command at the foot of a box is cut here.
const COMMAND_COLUMNS: usize = 60;

/// One failed run.
pub(super) struct Crash<'a> {
    pub(super) process: ProcessId,
    pub(super) run: u32,
    pub(super) reason: &'a Reason,
    pub(super) after: Duration,
}

/// Asks for the last lines of a run, and knows how to draw them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailRequest {
    /// Whose lines.
    pub process: ProcessId,
    /// Of which run, from 1.
    pub run: u32,
    /// How many at most.
    pub max_lines: usize,
    pub(super) stamp: String,
    theme: Theme,
    head: String,
    /// When the run began, in milliseconds since 1970.
    began: u64,
    foot: Vec<String>,
    /// Commands; none where it goes on by itself.
    next: Vec<String>,
}

impl TailRequest {
    /// Draws the box: its head, these lines of the `total` that the run wrote, its foot and what to type next. Nothing is wider than
    /// the terminal's `columns`. The time zone is asked for here, and not at the start of a project, which has no need of it.
    pub fn render(self, lines: &[String], total: usize, columns: Option<usize>, zone: &TimeZone) -> Vec<String> {
        let signs = self.theme.signs();
        let edge = |text: &str| self.theme.paint(Ink::Bad, text);
        let columns = columns.map(|columns| columns.saturating_sub(width(&self.stamp)).max(NARROWEST));
        let behind = |before: usize| columns.map_or(usize::MAX, |columns| columns - before);
        let room = behind(EDGE_COLUMNS);
        let mut head = wrap(&format!("{}, {}", self.head, extent(lines.len(), total)), room).into_iter();
        let title = format!("{} {} ", signs.top, head.next().unwrap_or_default());
        let rule = signs.rule.repeat(BOX_COLUMNS.min(behind(0)).saturating_sub(width(&title) + 2));
        let mut drawn = vec![format!("  {}", edge(&format!("{title}{rule}")))];
        drawn.extend(head.map(|line| format!("  {}", edge(&format!("{} {line}", signs.bar)))));
        let shown = lines.iter().flat_map(|line| wrap(&cut_end(&clean(line), LINE_COLUMNS, signs.cut), room));
        drawn.extend(shown.map(|line| format!("  {} {line}", edge(signs.bar)).trim_end().to_owned()));
        let since = format!("since {}", clock(self.began, zone));
        let foot = iter::once(&since).chain(&self.foot).map(String::as_str);
        let foot = fill(foot, &format!(" {} ", signs.dot), room);
        drawn.extend(hanging(&format!("  {} ", edge(signs.bottom)), EDGE_COLUMNS, &foot));
        let next = fill(self.next.iter().map(String::as_str), &gap(self.theme), behind(width(NEXT)));
        if !self.next.is_empty() {
            drawn.extend(hanging(NEXT, width(NEXT), &next));
        }
        put_before(&self.stamp, &mut drawn);
        drawn
    }
}

impl Said {
    /// The same for a terminal with so many columns: where the line of a crash has no room, it goes on below its first words.
    #[must_use]
    pub fn with_first_line_in(mut self, columns: Option<usize>) -> Self {
        if let (Some(columns), Some(line)) = (columns.map(|columns| columns.max(NARROWEST)), self.lines.first())
            && wrap(line, columns).len() > 1
        {
            let words = line.trim_start();
            // What follows stands in a column of its own, behind the names and what happened.
            let items = match words.rsplit_once(GAP).filter(|(head, _)| head.contains(GAP)) {
                Some((head, last)) => vec![head.trim_end(), last],
                None => vec![words],
            };
            let parts = fill(items, GAP, columns - EDGE_COLUMNS);
            let broken = hanging(&line[..line.len() - words.len()], EDGE_COLUMNS, &parts);
            self.lines.splice(..1, broken);
        }
        self
    }
}

/// Lines of which the first stands behind `before`, and the others below it.
fn hanging(before: &str, columns: usize, lines: &[String]) -> Vec<String> {
    let blanks = " ".repeat(columns);
    let beginnings = iter::once(before).chain(iter::repeat(blanks.as_str()));
    beginnings.zip(lines).map(|(beginning, line)| format!("{beginning}{line}")).collect()
}

/// What stands between two commands to type next.
fn gap(theme: Theme) -> String {
    format!("   {}   ", theme.signs().dot)
}

/// How much of a run's output is shown.
fn extent(shown: usize, total: usize) -> String {
    match (shown, total) {
        (0, _) => "no output".to_owned(),
        (1, 0 | 1) => "its only line".to_owned(),
        (1, total) => format!("last line of {total}"),
        (shown, total) if total <= shown => format!("all {shown} lines"),
        (shown, total) => format!("last {shown} of {total} lines"),
    }
}

/// Puts a time stamp before every line that is not empty.
pub(super) fn put_before(stamp: &str, lines: &mut [String]) {
    for line in lines.iter_mut().filter(|line| !line.is_empty()) {
        line.insert_str(0, stamp);
    }
}

impl Story {
    pub(super) fn crashed(&self, crash: &Crash<'_>, again_in: Option<Duration>, first: bool, now: Now) -> Said {
        let theme = self.telling.theme;
        let again = match again_in {
            None => String::new(),
            Some(Duration::ZERO) => format!("{} again now", theme.signs().again),
            Some(wait) => format!("{} again in {}", theme.signs().again, round_duration(wait)),
        };
        let what = columns(&format!("{} (run {})", self.what_happened(crash), crash.run), 38, &again);
        let line = self.line(Ink::Bad, crash.process, &theme.paint(Ink::Bad, &what));
        let is_last = again_in.is_none();
        let tail = (first || is_last).then(|| self.tail(crash, is_last, now)).flatten();
        self.with_next_step(line, tail, is_last, crash)
    }

    pub(super) fn gave_up(&self, crash: &Crash<'_>, tries: u32, each_time: bool, now: Now) -> Said {
        let signs = self.telling.theme.signs();
        let what = match (tries, crash.reason) {
            (0 | 1, _) => format!("failed: {}", self.what_happened(crash)),
            (_, Reason::Spawn(_)) => format!("gave up after {tries} tries: {}", self.what_happened(crash)),
            (_, reason) if each_time => format!("gave up after {tries} runs, {} each time", short(reason, signs)),
            (_, _) => format!("gave up after {tries} runs, the last: {}", self.what_happened(crash)),
        };
        let line = self.line(Ink::Bad, crash.process, &self.telling.theme.paint(Ink::Bad, &what));
        self.with_next_step(line, self.tail(crash, true, now), true, crash)
    }

    /// The sentence, with how long the run lasted where that says something.
    fn what_happened(&self, crash: &Crash<'_>) -> String {
        let out_of_memory = self.known.get(crash.process.index()).is_some_and(|known| known.out_of_memory);
        let sentence = sentence(crash.reason, out_of_memory, self.telling.theme.signs());
        match crash.reason {
            Reason::Exit(_) | Reason::Signalled(_) => format!("{sentence} after {}", human_duration(crash.after)),
            Reason::Spawn(_) | Reason::NotReady { .. } | Reason::Background(_) | Reason::Unhealthy(_) => sentence,
        }
    }

    /// Without a box, the hint what to type stands right below the line.
    fn with_next_step(&self, line: String, tail: Option<TailRequest>, is_last: bool, crash: &Crash<'_>) -> Said {
        let mut lines = vec![line];
        if tail.is_none() && is_last {
            lines.push(format!("{NEXT}{}", self.next_steps(crash).join(&gap(self.telling.theme))));
        }
        Said { lines, tail }
    }

    /// The box; a program that was never executed has none.
    fn tail(&self, crash: &Crash<'_>, with_next_step: bool, now: Now) -> Option<TailRequest> {
        match crash.reason {
            Reason::Spawn(_) => return None,
            Reason::Exit(_)
            | Reason::Signalled(_)
            | Reason::NotReady { .. }
            | Reason::Background(_)
            | Reason::Unhealthy(_) => {}
        }
        Some(TailRequest {
            process: crash.process,
            run: crash.run,
            max_lines: self.telling.tail_lines,
            stamp: String::new(),
            theme: self.telling.theme,
            head: format!("{}, run {}", self.names.label(crash.process), crash.run),
            began: now.wall.0.saturating_sub(u64::try_from(crash.after.as_millis()).unwrap_or(u64::MAX)),
            foot: self.foot(crash),
            next: if with_next_step { self.next_steps(crash) } else { Vec::new() },
        })
    }

    /// `cwd ./worker`, `python worker.py`, `pid 4711`
    fn foot(&self, crash: &Crash<'_>) -> Vec<String> {
        let signs = self.telling.theme.signs();
        let mut parts = Vec::new();
        if let Some(known) = self.known.get(crash.process.index()) {
            if !known.directory.is_empty() {
                parts.push(format!("cwd {}", known.directory));
            }
            parts.push(cut_end(&known.command, COMMAND_COLUMNS, signs.cut));
            if known.pid != 0 {
                parts.push(format!("pid {}", known.pid));
            }
        }
        parts
    }

    /// `run logs worker --run 4`, `run why worker`, `run restart worker`. What was never executed has written nothing, and `why` has
    /// nothing to add.
    fn next_steps(&self, crash: &Crash<'_>) -> Vec<String> {
        let (run, name) = (&self.telling.command, self.names.full(crash.process));
        let mut steps = match crash.reason {
            Reason::Spawn(_) => vec![format!("{run} check")],
            Reason::Exit(_)
            | Reason::Signalled(_)
            | Reason::NotReady { .. }
            | Reason::Background(_)
            | Reason::Unhealthy(_) => {
                vec![format!("{run} logs {name} --run {}", crash.run), format!("{run} why {name}")]
            }
        };
        steps.push(format!("{run} restart {name}"));
        steps
    }

    /// `not started: worker failed (it needs worker)`, and the way to it when that is longer.
    pub(super) fn blocked(&self, process: ProcessId, by: ProcessId, snapshot: &Snapshot) -> String {
        let chain = chain_to_failure(by, snapshot);
        let way = chain.iter().map(|id| self.names.label(*id)).collect::<Vec<_>>().join(", which needs ");
        let root = chain.last().copied().unwrap_or(by);
        let became = match snapshot.get(root).map(|info| info.word) {
            // It was waited for to become ready, and has ended instead.
            Some(Word::Done) => "ended before it was ready",
            Some(_) | None => "failed",
        };
        let text = format!("not started: {} {became} (it needs {way})", self.names.label(root));
        self.waiting(process, &self.telling.theme.paint(Ink::Bad, &text))
    }
}

/// From a dependency that does not come up to the one that failed by itself.
fn chain_to_failure(by: ProcessId, snapshot: &Snapshot) -> Vec<ProcessId> {
    let mut chain = vec![by];
    let mut at = by;
    while let Some(info) = snapshot.get(at).filter(|info| info.word == Word::Blocked) {
        match info.blocked_by {
            Some(next) if !chain.contains(&next) => {
                chain.push(next);
                at = next;
            }
            Some(_) | None => break,
        }
    }
    chain
}
