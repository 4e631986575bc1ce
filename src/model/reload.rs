//! What a new config changes about a running project: the data of the plan that is shown, applied and put on the wire.

use serde::{Deserialize, Serialize};

use super::name::ProgramName;

/// What happens when the config, or a file that belongs to it, is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReloadMode {
    /// It is taken over.
    Auto,
    /// It is said what that would change.
    Ask,
    /// Nothing: nobody watches.
    Off,
}

impl ReloadMode {
    /// All of them, by their words in the config.
    pub const WORDS: [&str; 3] = ["auto", "ask", "off"];

    /// The one that a word means.
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "auto" => Some(Self::Auto),
            "ask" => Some(Self::Ask),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

/// What a watched config has to say that is no reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigNews {
    /// It was saved and cannot be taken over: everything runs on as it did.
    Refused {
        /// What was saved, as people name it.
        files: Vec<String>,
        /// Everything that is wrong.
        why: String,
    },
    /// It was saved, and waits for a word of the user's.
    Offered {
        /// What was saved, as people name it.
        files: Vec<String>,
        /// What it would change.
        plan: Box<ReloadPlan>,
    },
    /// It is what runs again, after it was something else that was not taken over.
    AsBefore {
        /// What was saved, as people name it.
        files: Vec<String>,
    },
    /// The kernel does not tell of changes, so that files are looked at from time to time.
    Unwatched {
        /// Why, in words.
        why: String,
    },
}

/// What can be asked about the config of a running project. Each reads files or gives ports, so it takes its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigWish {
    /// Say which of its files are others now; nothing is read in.
    Glance,
    /// Read it and say what would change; nothing does.
    Compare,
    /// Read it and take it over.
    Reload,
    /// Activate profiles, for as long as the project is up; nothing is read in.
    Activate(Vec<String>),
    /// Take a group of the config that was read last into use.
    AddGroup(String),
    /// Take a group out of use.
    RemoveGroup(String),
    /// Read it, stop everything, and start anew with it under the same pid.
    Restart,
}

/// Why a wish about the config came to nothing. Everything runs on as it did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigRefusal {
    /// It does not load.
    #[error("{text}")]
    Unreadable {
        /// Everything that is wrong, as text.
        text: String,
        /// The same in one line, as supervisord tells it.
        line: String,
    },
    /// It loads, and cannot be taken over: a port is taken, or programs wait for each other.
    #[error("{0}")]
    Unfit(String),
    /// The project is going down.
    #[error("the project is going down")]
    Ending,
    /// There is no config to read again.
    #[error("this project was not started from a config")]
    NoConfig,
}

/// The difference between two configs, by process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadPlan {
    /// What is new, other or gone: changes in the order of the new file, then what is gone in the order of the old one.
    pub changes: Vec<ProcessChange>,
    /// How many processes stay as they are.
    pub unchanged: u32,
    /// The same by supervisord's groups.
    pub groups: GroupChanges,
    /// What only the next `run up` takes in, such as `[control]`.
    pub waiting: Vec<String>,
    /// For [`ConfigWish::Glance`], and for nothing else: the files that are others now than when they were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// What becomes of one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessChange {
    /// `web`, or `worker:worker_0`.
    pub name: String,
    /// Its program.
    pub program: ProgramName,
    /// What happens to it.
    pub effect: Effect,
    /// The keys that differ; empty for what is new or gone.
    pub keys: Vec<KeyChange>,
    /// The programs it needs, for what is new.
    pub after: Vec<ProgramName>,
    /// It is off and nobody wants it now: nothing is started for this, and its next start takes it in.
    #[serde(default)]
    pub is_off: bool,
}

/// What a change does to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It keeps running and takes the new values.
    Keep,
    /// It is stopped and started again.
    Restart,
    /// It is new.
    Add,
    /// It is gone from the config.
    Remove,
}

/// A key whose value differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    /// As in the config: `ready.timeout`, `environment LOG_LEVEL`, `.env LOG_LEVEL`.
    pub key: String,
    /// Its value before and now, where it is a number or a word. Environment values are never told.
    pub values: Option<(String, String)>,
    /// Whether it is there on both sides.
    #[serde(default, skip_serializing_if = "KeyFate::is_changed")]
    pub fate: KeyFate,
    /// Whether it takes a new run to have an effect.
    pub needs_restart: bool,
}

/// What has become of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyFate {
    /// It has another value.
    #[default]
    Changed,
    /// It was not there before.
    Added,
    /// It is there no longer.
    Removed,
}

impl KeyFate {
    /// By whether it was there and is there.
    pub fn of(was: bool, is: bool) -> Self {
        match (was, is) {
            (false, true) => Self::Added,
            (true, false) => Self::Removed,
            (true, true) | (false, false) => Self::Changed,
        }
    }

    /// `changed`, `added`, `removed`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Added => "added",
            Self::Removed => "removed",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_changed(&self) -> bool {
        *self == Self::Changed
    }
}

/// supervisord's view: whole groups (supervisor `supervisord.py` `diff_to_active`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupChanges {
    /// Groups that are new.
    pub added: Vec<String>,
    /// Groups of which anything differs.
    pub changed: Vec<String>,
    /// Groups that are gone.
    pub removed: Vec<String>,
}

/// The answer of `run.reload`, and what `run reload --json` prints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadReport {
    /// [`SCHEMA`](super::status::SCHEMA).
    pub schema: u32,
    /// Whether it was only asked what would change.
    pub dry_run: bool,
    /// Why nothing was taken over; empty when it was, or would be.
    pub refused: String,
    /// What changes.
    pub plan: ReloadPlan,
}

impl ReloadPlan {
    /// Whether nothing at all is to be done.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The processes that this happens to.
    pub fn with(&self, effect: Effect) -> impl Iterator<Item = &ProcessChange> {
        self.changes.iter().filter(move |change| change.effect == effect)
    }
}
