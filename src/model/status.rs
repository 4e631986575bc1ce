//! What a running project says of itself: the `--json` of `status` and `why`, and what `run.status` carries over the wire.
//!
//! Versioned by [`SCHEMA`]; fields are only ever added. Environment values never appear here.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::state::Word;

/// The version of the JSON that `status`, `why` and their kin print.
pub const SCHEMA: u32 = 1;

/// A whole project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectStatus {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Display name.
    pub project: String,
    /// Canonical directory.
    pub root: String,
    /// Config file names, relative to the root where possible.
    pub files: Vec<String>,
    /// Pid of the supervisor.
    pub pid: u32,
    /// Wall time of the start, milliseconds since 1970.
    pub started: u64,
    /// Milliseconds since the start.
    pub up_ms: u64,
    /// `running`, `stopping` once an end was asked for, `restarting` when it is to begin anew, or `off` after the end.
    pub state: String,
    /// Nobody has asked for the end that it is at: a program brought it about, or nothing was left to do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends_by_itself: bool,
    /// In start order.
    pub processes: Vec<ProcessStatus>,
    /// What the user should know of the project as a whole: a port that was moved, state that differs from the file.
    pub notes: Vec<String>,
}

/// How a note about logs that are lost begins.
pub const NOT_KEPT: &str = "logs are not kept";

/// What one file, or the list of files that a pattern matches, was when the config was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMark {
    /// The file, or the directory that the pattern starts from.
    pub path: String,
    /// The pattern; empty for a file.
    pub pattern: String,
    /// A hash of the content, or of the names; empty where there was no such file.
    pub hash: String,
}

impl SourceMark {
    /// What it marks, as people name it: relative to a directory where possible.
    pub fn shown(&self, root: &Path) -> String {
        let path = Path::new(&self.path).join(&self.pattern);
        path.strip_prefix(root).unwrap_or(&path).display().to_string()
    }

    /// The marks of `new` that are not among `old`.
    pub fn differing<'a>(old: &'a [Self], new: &'a [Self]) -> impl Iterator<Item = &'a Self> {
        let key = |mark: &'a Self| (&mark.path, &mark.pattern);
        let before: BTreeMap<_, _> = old.iter().map(|mark| (key(mark), &mark.hash)).collect();
        new.iter().filter(move |mark| before.get(&key(mark)).is_none_or(|hash| **hash != mark.hash))
    }
}

/// One process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// `web`, or `worker:worker_0`.
    pub name: String,
    /// The program's name.
    pub program: String,
    /// `program` or `task`.
    pub kind: String,
    /// Position in the file, which gives the colour.
    pub place: u32,
    /// Our state word.
    pub state: Word,
    /// supervisord's state name.
    pub supervisord_state: String,
    /// Milliseconds in this state.
    pub for_ms: u64,
    /// Wall time of the last change of state, milliseconds since 1970.
    pub since: u64,
    /// Number of runs since `up`.
    pub runs: u32,
    /// Runs that nobody asked for: restarts after a failure, since a user last started it.
    pub unasked_runs: u32,
    /// 0 when not running.
    pub pid: u32,
    /// Declared ports: name (empty for the main one) and number.
    pub ports: Vec<PortStatus>,
    /// `http://127.0.0.1:PORT` when it has a main port and an http check, or nothing.
    pub url: Option<String>,
    /// The same by its name, through the proxy, when the project asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxied_url: Option<String>,
    /// CPU of the whole process tree in percent of one core, where measured.
    pub cpu_percent: Option<f32>,
    /// Resident memory of the whole process tree in bytes, where measured.
    pub memory: Option<u64>,
    /// The one thing to know.
    pub note: String,
    /// The last end, as a sentence (`exited 1`, `killed by SIGSEGV`), empty before the first.
    pub last_exit: String,
    /// The code of the last end: the exit code, or 128 + signal.
    pub exit_code: Option<u8>,
    /// It is down because it could not be executed: its last run has no output.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub could_not_start: bool,
    /// Milliseconds from spawn to ready (or done) of the current or last run.
    pub ready_after_ms: Option<u64>,
    /// Wall time at which it became ready, milliseconds since 1970.
    pub ready_since: Option<u64>,
    /// What it needs.
    pub needs: Vec<NeedStatus>,
    /// Who needs it.
    pub needed_by: Vec<String>,
    /// Its ready check, where it has one.
    pub probe: Option<ProbeStatus>,
    /// Its alive check, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive: Option<ProbeStatus>,
    /// Above this many bytes it is restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_memory: Option<u64>,
    /// The patterns of the files whose change restarts it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watch: Vec<String>,
    /// The changed files that it was last started anew for: `src/main.rs changed (+2)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_change: Option<String>,
    /// The latest changes of state, oldest first.
    pub history: Vec<HistoryEntry>,
    /// Command as written.
    pub command: String,
    /// Where it runs.
    pub directory: String,
    /// `autostart = false`, an inactive profile, stopped by the user: why it is off; else empty.
    pub off_because: String,
    /// Milliseconds until the next try while retrying.
    pub retry_in_ms: Option<u64>,
    /// What an event listener is at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener: Option<ListenerStatus>,
}

/// What an event listener is at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerStatus {
    /// `ACKNOWLEDGED`, `READY`, `BUSY`, or `UNKNOWN` once it has broken the protocol.
    pub state: String,
    /// How many events wait for whoever of its pool is READY next.
    pub waiting: u32,
}

/// A declared port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortStatus {
    /// Empty for the main one.
    pub name: String,
    /// The number.
    pub port: u16,
}

/// One edge, seen from the dependent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedStatus {
    /// The process it needs.
    pub name: String,
    /// `started`, `ready`, `done`, `exited`.
    pub until: String,
    /// Whether that is so now.
    pub satisfied: bool,
    /// Whether it can no longer become so by itself.
    pub failed: bool,
    /// Order only.
    pub optional: bool,
    /// Restarts with it.
    pub restart: bool,
    /// Its state word.
    pub state: Word,
    /// Wall time of its last change of state, milliseconds since 1970.
    pub since: u64,
}

/// A ready check and its last answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeStatus {
    /// `tcp`, `http`, ….
    pub kind: String,
    /// What exactly is asked: `tcp 127.0.0.1:5433`.
    pub target: String,
    /// The last answer, `None` before the first.
    pub last: Option<String>,
    /// Attempts in this run.
    pub tries: u32,
    /// The longest wait between two attempts, in milliseconds; 0 for a check that is not asked but hears.
    pub every_ms: u64,
    /// Limit of the start in milliseconds, if any.
    pub timeout_ms: Option<u64>,
}

/// One change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Wall time, milliseconds since 1970.
    pub at: u64,
    /// What happened, in the words of the stream: `waiting for db`, `ready in 1.2s`, `exited 1`.
    pub what: String,
}

/// What became of a start, stop, restart, signal or wait: the answer of the `run.*` methods that change something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestReport {
    /// Whether the time given was over first.
    pub timed_out: bool,
    /// One entry for each process that was asked about, in the order asked; after a timeout only those that were still open.
    pub processes: Vec<ProcessReport>,
}

/// What became of a request for one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessReport {
    /// `web`, or `worker:worker_0`.
    pub name: String,
    /// Whether it is as wished now.
    pub ok: bool,
    /// `done`, `already started`, `not running`, `no such file`, `not executable`, `spawn error`, `failed`, `blocked`,
    /// `not wanted`, `timeout`.
    pub answer: String,
    /// Its state word now.
    pub state: Word,
    /// The one thing to know, as in [`ProcessStatus::note`].
    pub note: String,
}
