//! When a program counts as ready. The supervisor knows thresholds and times; what a probe does is `probe`'s business.

use std::time::Duration;

use super::template::Template;

/// A ready check: what is asked, how often, and how many answers decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadySpec {
    /// What is asked.
    pub kind: ReadyKind,
    /// The longest wait between two probes; they begin much closer together.
    pub every: Duration,
    /// Over this the start counts as failed. `None`: a cold build may take its time.
    pub timeout: Option<Duration>,
    /// Passes in a row that make it ready, each asked for `every` after the one before.
    pub successes: u32,
    /// Failures in a row after which the start counts as failed; `None` for no limit. Of those within one `every` one counts.
    pub failures: Option<u32>,
}

impl ReadySpec {
    /// A check with the defaults: every half second at the longest, one pass, no limit.
    pub fn new(kind: ReadyKind) -> Self {
        Self { kind, every: Duration::from_millis(500), timeout: None, successes: 1, failures: None }
    }
}

/// The kinds of check. One file each in `probe/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadyKind {
    /// A TCP connection is accepted at this `host:port`.
    Tcp(Template),
    /// A GET of this URL answers with one of the statuses.
    Http {
        /// The whole URL; a path in the config has had the program's own port put before it.
        url: Template,
        /// Accepted statuses, inclusive ranges.
        status: Vec<(u16, u16)>,
    },
    /// This command, run by `sh` in the program's own environment and directory, exits 0.
    Exec(String),
    /// A line of output matches this regular expression.
    Log(String),
    /// The program says `READY=1` over sd_notify's socket.
    Notify,
    /// This file exists and is younger than the process.
    File(Template),
    /// An extension has said what it serves. No config asks for it: every `[rpcinterface.NAME]` has it.
    Described,
}

impl ReadyKind {
    /// Statuses that `http` accepts when none are written.
    pub const STATUS: (u16, u16) = (200, 399);

    /// What is asked, when it is known as written: it has no holes.
    pub fn literal(&self) -> Option<&str> {
        match self {
            Self::Tcp(template) | Self::Http { url: template, .. } | Self::File(template) => template.as_literal(),
            Self::Exec(text) | Self::Log(text) => Some(text),
            Self::Notify | Self::Described => None,
        }
    }

    /// The key in the config.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            Self::Http { .. } => "http",
            Self::Exec(_) => "exec",
            Self::Log(_) => "log",
            Self::Notify => "notify",
            Self::File(_) => "file",
            Self::Described => "description",
        }
    }

    /// What is missing as long as it has said neither yes nor no.
    pub fn unanswered(&self) -> String {
        match self {
            Self::Log(pattern) => format!("no line has matched {pattern} so far"),
            Self::Notify => "it has not sent READY=1 so far".to_owned(),
            Self::Described => "it has not said so far what it serves".to_owned(),
            Self::Tcp(_) | Self::Http { .. } | Self::Exec(_) | Self::File(_) => {
                format!("its {} check has not answered so far", self.name())
            }
        }
    }

    /// Whether it arrives by itself, so that nothing has to be asked again and again.
    pub fn is_event(&self) -> bool {
        match self {
            Self::Log(_) | Self::Notify | Self::Described => true,
            Self::Tcp(_) | Self::Http { .. } | Self::Exec(_) | Self::File(_) => false,
        }
    }

    /// The shortest wait between two probes: what one attempt may cost.
    pub fn first_wait(&self) -> Duration {
        match self {
            Self::Exec(_) => Duration::from_millis(20),
            Self::Http { .. } => Duration::from_millis(2),
            Self::Tcp(_) | Self::File(_) | Self::Log(_) | Self::Notify | Self::Described => Duration::from_micros(500),
        }
    }
}

/// What a probe kind says of itself: for the config checker, the docs, the JSON schema and the completions.
#[derive(Debug, Clone, Copy)]
pub struct ProbeSchema {
    /// The key inside `ready = { … }`.
    pub name: &'static str,
    /// The value it takes, for messages: `a port or "host:port"`.
    pub value: &'static str,
    /// One sentence for the docs.
    pub doc: &'static str,
    /// Further keys of this kind alone, with their docs (`status` of http).
    pub params: &'static [(&'static str, &'static str)],
    /// What is wrong with a value of the right type, as [`ReadyKind::literal`] gives it, in words for the place where it stands.
    pub problem: fn(&str) -> Option<String>,
}
