//! The nouns: what a project, a program and a process are, and the plain values they are made of.
//!
//! Pure data. Nothing here reads a clock, a file or the environment; times and paths come in as values.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm,
    clippy::iter_over_hash_type,
    clippy::unwrap_used,
    clippy::print_stdout
)]

pub mod address;
pub mod alive;
pub mod channel;
pub mod command;
pub mod conf_options;
pub mod diagnostic;
pub mod event_type;
pub mod exit;
pub mod foreground;
pub mod found_line;
pub mod grow;
pub mod hash;
pub mod local_name;
pub mod name;
pub mod options;
pub mod program;
pub mod project;
pub mod public_event;
pub mod ready;
pub mod reload;
pub mod signal;
pub mod state;
pub mod status;
pub mod supervisord;
pub mod template;
pub mod time;
pub mod units;
pub mod variables;

pub use address::ListenAddress;
pub use alive::AliveSpec;
pub use channel::Channel;
pub use command::Command;
pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity, SourceFile, Span};
pub use event_type::EventType;
pub use exit::Exit;
pub use found_line::FoundLine;
pub use grow::Grow;
pub use hash::stable_hash;
pub use name::{ProcessName, ProgramName};
pub use program::{
    Autorestart, Dependency, EnvFile, Kind, LogFile, PortRequest, PortSpec, Program, RetryPolicy, Tty, Until,
};
pub use project::{Control, Dialect, EnvContents, EnvOrder, Group, Project, Proxy};
pub use ready::{ProbeSchema, ReadyKind, ReadySpec};
pub use reload::{
    ConfigNews, ConfigRefusal, ConfigWish, Effect, GroupChanges, KeyChange, KeyFate, ProcessChange, ReloadMode,
    ReloadPlan, ReloadReport,
};
pub use signal::Signal;
pub use state::{ListenerState, ProcessState, Word};
pub use template::Template;
pub use time::{Moment, Now, WallTime};
pub use variables::Variables;

/// The slot of a process. It belongs to a name for as long as a supervisor lives: a reload adds slots, and takes some out of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct ProcessId(pub u32);

impl ProcessId {
    /// The position in tables that hold one entry a process.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Counts the incarnations of one process; everything late carries it, so that news of an earlier run is recognised and dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Generation(pub u32);

impl Generation {
    /// The incarnation after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}
