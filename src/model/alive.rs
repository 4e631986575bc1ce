//! How a program that is ready is watched for being stuck.

use std::time::Duration;

use super::ready::{ReadyKind, ReadySpec};

/// A check that is made for as long as the program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliveSpec {
    /// What is asked; never one that arrives by itself.
    pub kind: ReadyKind,
    /// From the beginning of one attempt to the next.
    pub every: Duration,
    /// An attempt without an answer after this long has failed.
    pub timeout: Duration,
    /// Failures in a row after which the program is restarted.
    pub failures: u32,
}

impl AliveSpec {
    /// How often it is asked when nothing is said.
    pub const EVERY: Duration = Duration::from_secs(10);

    /// How long an attempt may take when nothing is said.
    pub const TIMEOUT: Duration = Duration::from_secs(5);

    /// How many failures are too many when nothing is said.
    pub const FAILURES: u32 = 3;

    /// A check with the defaults.
    pub fn new(kind: ReadyKind) -> Self {
        Self { kind, every: Self::EVERY, timeout: Self::TIMEOUT, failures: Self::FAILURES }
    }

    /// The same from what was written as a check; `every` where it was written.
    pub fn of(written: ReadySpec, every: Option<Duration>) -> Self {
        Self {
            every: every.unwrap_or(Self::EVERY),
            timeout: written.timeout.unwrap_or(Self::TIMEOUT),
            failures: written.failures.unwrap_or(Self::FAILURES),
            kind: written.kind,
        }
    }
}
