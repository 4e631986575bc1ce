//! One ready check a file. A check answers yes or no and says how; how many answers decide, how often it is asked and what
//! readiness unlocks is the supervisor's business.
//!
//! A new kind is a file with `SCHEMA` and, where it is asked, `check`; a row in [`KINDS`]; a variant of [`ReadyKind`], and the arms
//! that the build asks for.
//! `log` and `notify` arrive by themselves and are never asked.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use crate::model::{Exit, ProbeSchema, ReadyKind, Template, WallTime};

pub mod exec;
pub mod file;
pub mod http;
pub mod log;
pub mod notify;
pub mod tcp;

/// What each kind says of itself, in the order of the docs.
pub const KINDS: &[ProbeSchema] = &[tcp::SCHEMA, http::SCHEMA, exec::SCHEMA, log::SCHEMA, notify::SCHEMA, file::SCHEMA];

/// What one attempt found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it passed.
    pub passed: bool,
    /// Whether the program itself has said so. That costs it something, a line in its log at least.
    pub by_itself: bool,
    /// How, or why not, as the stream shows it: `http 200 /health`, `tcp 5433 refused`.
    pub said: String,
}

impl Answer {
    /// It passed.
    pub fn pass(said: impl Into<String>) -> Self {
        Self { passed: true, by_itself: true, said: said.into() }
    }

    /// Not yet.
    pub fn fail(said: impl Into<String>) -> Self {
        Self { passed: false, by_itself: false, said: said.into() }
    }

    /// Not yet, says the program itself.
    pub fn refuse(said: impl Into<String>) -> Self {
        Self { by_itself: true, ..Self::fail(said) }
    }
}

/// A command under way: how it ended and its last line of output, or why it could not be run.
pub type Running = Pin<Box<dyn Future<Output = io::Result<(Exit, String)>> + Send>>;

/// Runs a command line by `sh` in the program's own environment and directory. Whoever provides it ends the command with all
/// its descendants when the future is dropped.
pub type RunCommand = Arc<dyn Fn(&str) -> Running + Send + Sync>;

/// What an attempt may need to know of the process it asks about.
#[derive(Clone)]
pub struct ProbeContext {
    /// Where the process runs; relative paths are against it.
    pub directory: PathBuf,
    /// When this run of the process was spawned.
    pub started: WallTime,
    /// Runs the command of an `exec` check: programs are forked by the spawner alone.
    pub run: RunCommand,
}

impl fmt::Debug for ProbeContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeContext")
            .field("directory", &self.directory)
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

/// A check with its templates filled in for one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedProbe {
    /// `host:port`, or a port alone for this machine's loopback.
    Tcp(String),
    /// A GET.
    Http {
        /// The whole URL.
        url: String,
        /// Accepted statuses, inclusive ranges.
        status: Vec<(u16, u16)>,
    },
    /// A command line for `sh`.
    Exec(String),
    /// A regular expression over lines of output.
    Log(String),
    /// `READY=1`.
    Notify,
    /// A path, absolute or relative to the process's directory.
    File(String),
    /// What an extension says of itself.
    Described,
}

impl ResolvedProbe {
    /// Fills in a check's templates.
    pub fn resolve<E>(kind: &ReadyKind, mut fill: impl FnMut(&Template) -> Result<String, E>) -> Result<Self, E> {
        Ok(match kind {
            ReadyKind::Tcp(address) => Self::Tcp(fill(address)?),
            ReadyKind::Http { url, status } => Self::Http { url: fill(url)?, status: status.clone() },
            ReadyKind::Exec(command) => Self::Exec(command.clone()),
            ReadyKind::Log(pattern) => Self::Log(pattern.clone()),
            ReadyKind::Notify => Self::Notify,
            ReadyKind::File(path) => Self::File(fill(path)?),
            ReadyKind::Described => Self::Described,
        })
    }
}

impl ResolvedProbe {
    /// The TCP port of this machine that has to be listened at before asking makes sense.
    pub fn local_port(&self) -> Option<u16> {
        match self {
            Self::Tcp(address) => tcp::local_port(address),
            Self::Http { url, .. } => http::local_port(url),
            Self::Exec(_) | Self::Log(_) | Self::Notify | Self::File(_) | Self::Described => None,
        }
    }

    /// The answer, where it is enough that somebody listens at these addresses of its port: the kernel takes every connection for a
    /// program that listens, and the program is spared one that says nothing.
    pub fn passes_by_itself(&self, listened_at: &[IpAddr]) -> Option<Answer> {
        match self {
            Self::Tcp(address) => tcp::passes_by_itself(address, listened_at),
            _ => None,
        }
    }
}

/// What exactly is asked, as `why` shows it: `tcp 127.0.0.1:5433`.
impl fmt::Display for ResolvedProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp {address}"),
            Self::Http { url, .. } => write!(f, "http {}", url.strip_prefix("http://").unwrap_or(url)),
            Self::Exec(command) => write!(f, "exec {command}"),
            Self::Log(pattern) => write!(f, "log {pattern}"),
            Self::Notify => f.write_str("notify"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Described => f.write_str("description"),
        }
    }
}

/// Asks once. Dropping the future gives the attempt up. The event kinds are not asked; they answer that they are still waiting.
pub async fn check(probe: &ResolvedProbe, context: &ProbeContext) -> Answer {
    match probe {
        ResolvedProbe::Tcp(address) => tcp::check(address).await,
        ResolvedProbe::Http { url, status } => http::check(url, status).await,
        ResolvedProbe::Exec(command) => exec::check(command, context).await,
        ResolvedProbe::Log(pattern) => Answer::fail(log::waiting(pattern)),
        ResolvedProbe::Notify => Answer::fail(notify::WAITING),
        ResolvedProbe::File(path) => file::check(path, context).await,
        ResolvedProbe::Described => Answer::fail("it has not said yet what it serves"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_here_has_its_row() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/probe");
        let mut files: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .filter(|name| name != "mod")
            .collect();
        let mut rows: Vec<&str> = KINDS.iter().map(|schema| schema.name).collect();
        files.sort();
        rows.sort_unstable();
        assert_eq!(files, rows);
    }

    #[test]
    fn a_row_has_the_name_of_its_key() {
        let kinds = [
            ReadyKind::Tcp(Template::literal("1")),
            ReadyKind::Http { url: Template::literal("http://localhost/"), status: vec![ReadyKind::STATUS] },
            ReadyKind::Exec("true".into()),
            ReadyKind::Log("up".into()),
            ReadyKind::Notify,
            ReadyKind::File(Template::literal("x")),
        ];
        for (kind, schema) in kinds.iter().zip(KINDS) {
            assert_eq!(kind.name(), schema.name);
            assert_eq!(kind.literal().and_then(schema.problem), None);
        }
    }

    #[test]
    fn only_a_port_of_this_machine_is_listened_for() {
        let http = |url: &str| ResolvedProbe::Http { url: url.into(), status: Vec::new() };
        assert_eq!(http("http://127.0.0.1:3101/health").local_port(), Some(3101));
        assert_eq!(http("http://shop.localhost/").local_port(), Some(80));
        assert_eq!(http("http://example.org:3101/").local_port(), None);
        assert_eq!(ResolvedProbe::Tcp("5432".into()).local_port(), Some(5432));
        assert_eq!(ResolvedProbe::Tcp("db:5432".into()).local_port(), None);
        assert_eq!(ResolvedProbe::Exec("true".into()).local_port(), None);
    }

    #[test]
    fn a_target_is_shown_without_its_scheme() {
        let probe = ResolvedProbe::Http { url: "http://127.0.0.1:3101/health".into(), status: Vec::new() };
        assert_eq!(probe.to_string(), "http 127.0.0.1:3101/health");
    }
}
