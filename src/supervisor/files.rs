//! Files that a program watches: one that has changed restarts it, once the changes have come to rest.
//!
//! A program that writes to its own files within moments of each start would be restarted for ever. After a few such restarts in a
//! row it is told so, and the files that changed each time count no more: until they have been quiet for a minute, a user starts it, or
//! its config changes. Files that differ from start to start are more likely a user's, who saves one after the other.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Supervisor;
use super::notice::{Notice, StopWhy};
use super::process::Phase;
use super::timers::TimerKey;
use crate::model::units::{MOST_FILES, and_others};
use crate::model::{Moment, ProcessId};

/// Changes are over when there was none for this long: a formatter rewrites what an editor has just saved.
const REST: Duration = Duration::from_millis(100);

/// Changes that do not come to rest are acted on this long after the first: somebody writes and writes.
const AT_LAST: Duration = Duration::from_secs(2);

/// More files than anybody saves one after the other: a checkout, a generator.
const MANY: usize = 16;

/// The same two for many files: whoever writes so much is held up now and then.
const REST_OF_MANY: Duration = Duration::from_millis(500);
const MANY_AT_LAST: Duration = Duration::from_secs(10);

/// A change that comes this soon after a start may be the program's own.
const MOMENTS: Duration = Duration::from_secs(2);

/// As many restarts for such changes are taken as a proof.
const PROOF: u32 = 5;

/// And as many, when no file changed each time.
const PROOF_BY_MANY: u32 = 20;

/// Files that a program rewrites count again when nobody has touched them for so long: then it is somebody else who does.
const TRUSTED_AGAIN: Duration = Duration::from_mins(1);

/// A program that has been left alone by its files for so long does not rewrite them: what was counted is forgotten.
const CLEARED: Duration = Duration::from_secs(10);

/// What is known of the files of one process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Watching {
    /// When the current or last run was ordered.
    pub(super) started: Moment,
    /// The first that changed, of those not acted on yet.
    first: String,
    /// When it did, and whether that was within moments of a start.
    since: (Moment, Soon),
    /// The others.
    others: BTreeSet<String>,
    /// Restarts for changes that came within moments of a start.
    own: u32,
    /// What had changed at every one of these.
    suspects: BTreeSet<String>,
    /// It rewrites what it watches: the suspects or, without any, whatever changes soon after a start.
    writes_itself: bool,
    /// When one of the suspects last changed.
    rewritten: Moment,
    /// What it was last started anew for.
    pub(super) last: Option<String>,
}

/// How soon after a start a change came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Soon {
    /// Within moments.
    Yes,
    /// It proves nothing: a machine may be slow.
    Perhaps,
    /// Long after.
    #[default]
    No,
}

impl Watching {
    /// Whatever it wrote to its own files before is forgotten.
    pub(super) fn forget_writes(&mut self) {
        (self.own, self.writes_itself) = (0, false);
        self.suspects.clear();
    }

    /// Whether a change of this file, now, is its own work for all that is known.
    fn is_own(&self, file: &str, soon: Soon, now: Moment) -> bool {
        if !self.writes_itself || self.suspects.is_empty() {
            return self.writes_itself && soon == Soon::Yes;
        }
        self.suspects.contains(file) && (soon == Soon::Yes || now.since(self.rewritten) <= TRUSTED_AGAIN)
    }

    /// The files that were changed by somebody else, for all that is known.
    fn of_others<'f>(&mut self, files: &'f [String], soon: Soon, now: Moment) -> Vec<&'f String> {
        let others = files.iter().filter(|file| !self.is_own(file, soon, now)).collect();
        if files.iter().any(|file| self.suspects.contains(file)) {
            self.rewritten = now;
        }
        others
    }

    /// Enough is known to say that it rewrites what it watches: the file to name.
    fn proof(&mut self, file: &str) -> Option<String> {
        let by_many = self.suspects.is_empty() || self.writes_itself;
        if self.own <= if by_many { PROOF_BY_MANY } else { PROOF } {
            return None;
        }
        if self.writes_itself {
            self.suspects.clear();
        }
        (self.own, self.writes_itself) = (0, true);
        Some(self.suspects.first().map_or(file, String::as_str).to_owned())
    }

    /// Takes what has changed, and what that says of the program.
    fn take(&mut self) -> (String, usize) {
        let first = std::mem::take(&mut self.first);
        let mut files = std::mem::take(&mut self.others);
        let more = files.len();
        files.insert(first.clone());
        match self.since.1 {
            Soon::Yes => {
                if self.own == 0 && !self.writes_itself {
                    self.suspects = files;
                } else if !self.writes_itself {
                    self.suspects.retain(|file| files.contains(file));
                }
                self.own += 1;
            }
            Soon::Perhaps => {}
            Soon::No => self.own = 0,
        }
        (first, more)
    }

    /// When the changes have come to rest, if nothing more comes.
    fn rests_at(&self, now: Moment) -> Moment {
        let is_many = self.others.len() >= MANY;
        let (rest, at_last) = if is_many { (REST_OF_MANY, MANY_AT_LAST) } else { (REST, AT_LAST) };
        (now + rest).min(self.since.0 + at_last)
    }

    fn add(&mut self, file: &str) {
        if file != self.first && self.others.len() < MOST_FILES {
            self.others.insert(file.to_owned());
        }
    }
}

/// `src/main.rs changed (+2)`
fn told(file: &str, more: usize) -> String {
    format!("{file} changed{}", and_others(more))
}

impl Supervisor {
    /// Files have changed that these watch.
    pub(super) fn files_changed(&mut self, processes: Vec<ProcessId>, files: &[String]) {
        for id in processes {
            let counts = self.knows(id) && self.at(id).is_member() && self.at(id).is_wanted();
            if counts && !self.program(id).watch.is_empty() && !self.is_shutting_down() {
                self.note_files(id, files);
            }
        }
    }

    fn note_files(&mut self, id: ProcessId, files: &[String]) {
        let now = self.now.mono;
        let key = TimerKey::Files(id);
        let is_new = self.timers.is_set(key).is_none();
        let has_run = self.at(id).runs > 0;
        let watching = &mut self.at_mut(id).watching;
        let soon = match now.since(watching.started) {
            after if has_run && after <= MOMENTS => Soon::Yes,
            after if has_run && after <= CLEARED => Soon::Perhaps,
            _ => Soon::No,
        };
        let files = watching.of_others(files, soon, now);
        let Some(first) = files.first() else { return };
        if is_new {
            watching.first.clone_from(first);
            watching.since = (now, soon);
            watching.others.clear();
        }
        for file in files {
            watching.add(file);
        }
        let at = watching.rests_at(now);
        self.timers.set(key, at);
    }

    /// The changes have come to rest.
    pub(super) fn files_at_rest(&mut self, id: ProcessId) {
        if !self.knows(id) || !self.at(id).is_member() || !self.at(id).is_wanted() || self.is_shutting_down() {
            return;
        }
        let is_due = match &self.at(id).phase {
            Phase::Starting(_)
            | Phase::Running(_)
            | Phase::Backoff { .. }
            | Phase::Exited { .. }
            | Phase::Fatal
            | Phase::Blocked { .. } => true,
            Phase::Stopping(stop) => stop.why.may_be_the_last(),
            // It is on its way to a new run already.
            Phase::Stopped | Phase::Waiting => false,
        };
        if !is_due {
            return;
        }
        let now = self.now;
        let process = self.at_mut(id);
        let watching = &mut process.watching;
        let (file, more) = watching.take();
        if let Some(file) = watching.proof(&file) {
            process.remember(now, format!("rewrites {file} itself, not restarted for it"));
            return self.say(Notice::RewritesItself { process: id, file });
        }
        let what = told(&file, more);
        process.remember(now, what.clone());
        process.watching.last = Some(what);
        self.say(Notice::FilesChanged { process: id, file, more });
        self.start_anew_for_files(id);
    }

    fn start_anew_for_files(&mut self, id: ProcessId) {
        let (watching, ignores_needs) = (self.at(id).watching.clone(), self.at(id).ignores_needs);
        self.want(id, ignores_needs);
        self.at_mut(id).watching = watching;
        self.take_over_stop(id, StopWhy::Files);
        self.begin_stop(id, StopWhy::Files);
    }
}
