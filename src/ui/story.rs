//! The start, crash and stop story: every [`Notice`] becomes lines of the stream.
//!
//! Pure rendering. The story is told what happened and what the state is now; it answers with finished lines. Only the last lines of
//! a run are not its own: for those it returns a [`TailRequest`], which whoever holds the logs fulfils and prints in its place.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::model::units::{human_duration, round_duration};
use crate::model::{
    ConfigNews, Dialect, Exit, Now, ProcessId, Program, Project, ReadyKind, ReloadPlan, RetryPolicy, Signal, Word,
};
use crate::plan::ports::Ports;
use crate::supervisor::notice::{Notice, StopWhy};
use crate::supervisor::snapshot::Snapshot;
use crate::ui::names::Names;
use crate::ui::reason::short_exit;
use crate::ui::reload;
use crate::ui::story::banner::Address;
use crate::ui::story::stamp::{Stamps, stamp};
use crate::ui::text::{clean, pad, width};
use crate::ui::theme::{Ink, Theme};

pub mod banner;
pub mod crash;
mod ending;
mod listeners;
pub mod stamp;

#[cfg(test)]
mod tests;

pub use banner::HeaderFacts;
pub use crash::TailRequest;

/// How the story is told.
#[derive(Debug, Clone)]
pub struct Telling {
    /// Colours and signs of the stream that carries our lines.
    pub theme: Theme,
    /// What time stands before our lines.
    pub stamps: Stamps,
    /// In which time zone.
    pub zone: TimeZone,
    /// Whether a second Ctrl-C can be offered.
    pub on_terminal: bool,
    /// Whether keys are read.
    pub keys: bool,
    /// The project's display name, as names below `.localhost` have it.
    pub project: String,
    /// What a user types to address this project: `run`, or `run -p NAME`.
    pub command: String,
    /// How many lines a crash box shows.
    pub tail_lines: usize,
    /// What the user should know of the project as a whole: a port that was moved, a log that cannot be kept.
    pub notes: Vec<String>,
}

impl Default for Telling {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            stamps: Stamps::None,
            zone: TimeZone::UTC,
            on_terminal: true,
            keys: false,
            project: String::new(),
            command: "run".to_owned(),
            tail_lines: 12,
            notes: Vec::new(),
        }
    }
}

/// What is to be printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Finished lines, without line ends.
    pub lines: Vec<String>,
    /// The last lines of a run, to be printed after [`lines`](Self::lines).
    pub tail: Option<TailRequest>,
}

/// Turns notices into lines.
#[derive(Debug, Clone)]
pub struct Story {
    telling: Telling,
    names: Names,
    dialect: Dialect,
    /// By [`ProcessId`].
    known: Vec<Known>,
    addresses: Vec<Address>,
    title: banner::Title,
    /// The addresses and keys have been shown.
    had_banner: bool,
    /// A kill of everything was asked for, so nobody needs to hear that it was needed.
    is_killing: bool,
    /// The end was asked for.
    is_ending: bool,
    losses: listeners::Losses,
}

/// What the story knows of one process.
#[derive(Debug, Clone)]
struct Known {
    command: String,
    /// Relative to the root where possible; empty for the root itself.
    directory: String,
    stopsignal: Signal,
    stopwaitsecs: Duration,
    retry: RetryPolicy,
    ready: Option<ReadyKind>,
    /// Of the current or last run, 0 before the first.
    pid: u32,
    /// The kernel ran out of memory around the end that is told next.
    out_of_memory: bool,
    /// Its stop was said to take long.
    was_busy: bool,
}

impl Known {
    fn of(program: &Program, root: &str) -> Self {
        let directory = program.directory.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            command: clean(&program.command.display()),
            directory: clean(&banner::relative(&directory, root)),
            stopsignal: program.stopsignal,
            stopwaitsecs: program.stopwaitsecs,
            retry: program.retry,
            ready: program.ready.as_ref().map(|ready| ready.kind.clone()),
            pid: 0,
            out_of_memory: false,
            was_busy: false,
        }
    }
}

impl Story {
    /// A story about a project with the ports it was given.
    pub fn new(project: &Project, ports: &Ports, telling: Telling) -> Self {
        let root = project.root.to_string_lossy();
        Self {
            names: Names::of(project, telling.theme),
            dialect: project.dialect,
            known: project.processes().map(|(_, program, _)| Known::of(program, &root)).collect(),
            addresses: Address::all(project, &telling.project, ports, |name| {
                project.processes().filter(|(_, program, _)| &program.name == name).map(|(id, _, _)| id).collect()
            }),
            telling,
            title: banner::Title::of(project),
            had_banner: false,
            is_killing: false,
            is_ending: false,
            losses: listeners::Losses::default(),
        }
    }

    /// What processes are called.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Takes in what a reload has changed, or a new beginning.
    pub fn adopt(&mut self, snapshot: &Snapshot) {
        let project = &snapshot.project;
        let root = project.root.to_string_lossy();
        self.names.adopt(snapshot);
        let programs: BTreeMap<_, _> = project.programs.iter().map(|program| (&program.name, program)).collect();
        for info in snapshot.processes.iter() {
            let Some(program) = programs.get(&info.program) else { continue };
            let known = Known::of(program, &root);
            self.known.resize_with(self.known.len().max(info.id.index() + 1), || known.clone());
            let before = &mut self.known[info.id.index()];
            *before = Known { pid: info.pid, was_busy: before.was_busy, ..known };
        }
        self.addresses = Address::all(project, &self.telling.project, &snapshot.ports, |name| {
            snapshot.processes.iter().filter(|info| &info.program == name).map(|info| info.id).collect()
        });
        self.title = banner::Title::of(project);
        (self.is_ending, self.is_killing) = (snapshot.is_shutting_down, self.is_killing && snapshot.is_shutting_down);
    }

    /// What a new config changes.
    fn reloaded(&self, files: &[String], plan: &ReloadPlan) -> Vec<String> {
        if plan.is_empty() && plan.waiting.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![format!("  {} changed", self.have(files))];
        lines.extend(reload::rows(plan, self.telling.theme).into_iter().map(|row| format!("    {row}")));
        lines
    }

    /// `run.toml has`; without a name all that the project was read from.
    fn have(&self, files: &[String]) -> String {
        let verb = if files.len() > 1 { "have" } else { "has" };
        let files = if files.is_empty() { self.title.files.clone() } else { clean(&files.join(", ")) };
        format!("{} {verb}", self.telling.theme.paint(Ink::Strong, &files))
    }

    /// Tells what a watched config has to say that is no reload.
    pub fn config(&self, news: &ConfigNews, snapshot: &Snapshot, now: Now) -> Vec<String> {
        let theme = self.telling.theme;
        let mut lines = match news {
            ConfigNews::Refused { files, why } => {
                let head = format!("  {} changed, not taken over: everything keeps running", self.have(files));
                let why = why.lines().map(|line| format!("  {}", clean(line)).trim_end().to_owned());
                std::iter::once(head).chain(why).collect()
            }
            ConfigNews::Offered { files, plan } => {
                let mut lines = self.reloaded(files, plan);
                if !lines.is_empty() {
                    lines.push(format!("  {} reload   applies it", self.telling.command));
                }
                lines
            }
            ConfigNews::AsBefore { files } => {
                vec![format!("  {} changed back to what runs: nothing is to be done", self.have(files))]
            }
            ConfigNews::Unwatched { why } => {
                vec![format!("  {} {}", theme.paint(Ink::Warn, theme.signs().warning), clean(why))]
            }
        };
        let stamp = stamp(self.telling.stamps, &self.telling.zone, now, snapshot.began);
        crash::put_before(&stamp, &mut lines);
        lines
    }

    /// Remembers the pid of a run, for its crash box.
    pub fn spawned(&mut self, process: ProcessId, pid: u32) {
        if let Some(known) = self.known.get_mut(process.index()) {
            known.pid = pid;
            known.out_of_memory = false;
        }
    }

    /// Hands in that the kernel's out-of-memory killer has struck, before the end of the run is told.
    pub fn ran_out_of_memory(&mut self, process: ProcessId) {
        if let Some(known) = self.known.get_mut(process.index()) {
            known.out_of_memory = true;
        }
    }

    /// Tells one notice. `snapshot` is the state after the turn that gave it.
    pub fn tell(&mut self, notice: &Notice, snapshot: &Snapshot, now: Now) -> Said {
        let mut said = self.say(notice, snapshot, now);
        let stamp = stamp(self.telling.stamps, &self.telling.zone, now, snapshot.began);
        crash::put_before(&stamp, &mut said.lines);
        if let Some(tail) = &mut said.tail {
            tail.stamp = stamp;
        }
        said
    }

    fn say(&mut self, notice: &Notice, snapshot: &Snapshot, now: Now) -> Said {
        let lines = match notice {
            Notice::Starting { process } => vec![self.line(Ink::Busy, *process, "starting")],
            Notice::Waiting { process, on } => {
                vec![self.waiting(*process, &format!("waiting for {}", self.names.list(on)))]
            }
            Notice::Unblocked { process } => {
                vec![self.waiting(*process, "waiting again: the dependency that had failed has recovered")]
            }
            Notice::Ready { process, after, how, run } => vec![self.ready(*process, *after, how, *run, snapshot)],
            Notice::Done { process, after, exit } => vec![self.done(*process, *after, *exit)],
            Notice::NotReadyYet { process, elapsed, last, tries } => {
                vec![self.not_ready_yet(*process, *elapsed, last.as_deref(), *tries)]
            }
            Notice::Blocked { process, by } => vec![self.blocked(*process, *by, snapshot)],
            Notice::Crashed { process, run, reason, after, again_in, first } => {
                let crash = crash::Crash { process: *process, run: *run, reason, after: *after };
                return self.crashed(&crash, *again_in, *first, now);
            }
            Notice::GaveUp { process, run, tries, reason, each_time, after } => {
                let crash = crash::Crash { process: *process, run: *run, reason, after: *after };
                return self.gave_up(&crash, *tries, *each_time, now);
            }
            Notice::Stopping { count, now } => self.stopping(*count, *now),
            // Its restart is told already.
            Notice::Stopped { why: StopWhy::Files, killed: false, .. } => Vec::new(),
            Notice::Stopped { process, after, why, killed } => vec![self.stopped(*process, *after, *why, *killed)],
            Notice::StillStopping { process, elapsed, limit } => vec![self.still_stopping(*process, *elapsed, *limit)],
            Notice::Leftovers { process } => {
                vec![self.line(Ink::Warn, *process, "left processes behind, which are ended now")]
            }
            Notice::WentToBackground { process, survivors } => {
                let found: Vec<String> = survivors.iter().map(ToString::to_string).collect();
                let text = format!("put itself into the background ({}); it is ended now", clean(&found.join(", ")));
                vec![self.line(Ink::Warn, *process, &text)]
            }
            Notice::Unhealthy { process, said, limit } => {
                let text = format!("unhealthy: {} (1 of {limit})", clean(said));
                vec![self.line(Ink::Warn, *process, &text)]
            }
            Notice::Healthy { process, said } => {
                vec![self.line(Ink::Good, *process, &format!("healthy again   {}", clean(said)))]
            }
            Notice::WillNotDie { process } => vec![self.will_not_die(*process)],
            Notice::OutOfReach { process, pid, reason } => {
                let text = format!("could not be signalled (pid {pid}): {}", clean(reason));
                vec![self.line(Ink::Bad, *process, &text)]
            }
            Notice::Reloaded { files, plan } => self.reloaded(files, plan),
            Notice::FilesChanged { process, file, more } => vec![self.files_changed(*process, file, *more, snapshot)],
            Notice::RewritesItself { process, file } => vec![self.rewrites_itself(*process, file)],
            Notice::GroupAdded { .. } | Notice::GroupRemoved { .. } => Vec::new(),
            Notice::AllReady { after, chain } => self.all_ready(*after, chain, snapshot),
            Notice::SettledWithFailures { after, failed } => self.settled(*after, failed, snapshot),
            Notice::EventDropped { delivery } => self.event_dropped(delivery, now),
            Notice::EventRejected { .. } => Vec::new(),
            Notice::ListenerLost { process, said } => vec![self.listener_lost(*process, said)],
            Notice::EndsRun { process, code } => vec![self.ends_run(*process, *code)],
            Notice::AllStopped { took, up, failed, left } => {
                vec![self.all_stopped(*took, *up, (failed, left), snapshot)]
            }
        };
        Said { lines, tail: None }
    }

    /// One line about one process. The mark is that of its ink.
    fn line(&self, ink: Ink, process: ProcessId, text: &str) -> String {
        let signs = self.telling.theme.signs();
        let mark = match ink {
            Ink::Good => signs.ready,
            Ink::Busy => signs.starting,
            Ink::Quiet | Ink::Strong => signs.stopped,
            Ink::Warn => signs.warning,
            Ink::Bad => signs.failed,
        };
        self.marked(&self.telling.theme.paint(ink, mark), process, text)
    }

    /// One line about one process, with this mark.
    fn marked(&self, mark: &str, process: ProcessId, text: &str) -> String {
        format!("  {mark} {}   {text}", self.names.column(process))
    }

    fn waiting(&self, process: ProcessId, text: &str) -> String {
        self.marked(self.telling.theme.signs().waiting, process, text)
    }

    /// A crash loop never reads as up: while earlier failures still count, the check has passed and that is all.
    fn ready(&self, process: ProcessId, after: Duration, how: &str, run: u32, snapshot: &Snapshot) -> String {
        let (after, how) = (human_duration(after), clean(how));
        let theme = self.telling.theme;
        if snapshot.get(process).is_some_and(|info| info.word == Word::Retrying) {
            let mark = theme.paint(Ink::Warn, theme.signs().again);
            let until = match self.known.get(process.index()).map(|known| known.retry) {
                Some(RetryPolicy::Native) => ", ready once it holds for 10s",
                Some(RetryPolicy::Supervisord) | None => "",
            };
            return self.marked(&mark, process, &columns(&format!("up again in {after} (run {run}){until}"), 13, &how));
        }
        self.line(Ink::Good, process, &columns(&format!("ready in {after}"), 13, &how))
    }

    fn done(&self, process: ProcessId, after: Duration, exit: Exit) -> String {
        self.line(Ink::Good, process, &columns(&format!("done in {}", human_duration(after)), 13, &short_exit(exit)))
    }

    fn not_ready_yet(&self, process: ProcessId, elapsed: Duration, last: Option<&str>, tries: u32) -> String {
        let expects = match (last, self.known.get(process.index()).and_then(|known| known.ready.as_ref())) {
            (Some(last), _) if tries > 0 => format!(": {}, try {tries}", clean(last)),
            (Some(last), _) => format!(": {}", clean(last)),
            (None, Some(kind)) => format!(": {}", clean(&kind.unanswered())),
            (None, None) => String::new(),
        };
        self.waiting(process, &format!("not ready yet ({}){expects}", round_duration(elapsed)))
    }
}

/// Two columns, the second dropped when it is empty.
fn columns(first: &str, at: usize, second: &str) -> String {
    if second.is_empty() { first.to_owned() } else { format!("{}   {second}", pad(first, at.max(width(first)))) }
}
