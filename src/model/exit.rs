//! How a process ended.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::signal::Signal;

/// The end of a process, as wait(2) tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Exit {
    /// It returned this code.
    Code(i32),
    /// A signal ended it; `core` when it left a core dump.
    Signal {
        /// The signal that ended it.
        signal: Signal,
        /// Whether a core was dumped.
        core: bool,
    },
}

impl Exit {
    /// supervisord's `exitstatus`: the code, or -1 for a signal (supervisor `process.py` `finish`).
    pub fn supervisord_status(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal { .. } => -1,
        }
    }

    /// What a shell would report: the code, or 128 + the signal's number.
    pub fn shell_code(self) -> u8 {
        match self {
            Self::Code(code) => u8::try_from(code & 0xff).unwrap_or(1),
            Self::Signal { signal, .. } => u8::try_from(128 + signal.0).unwrap_or(255),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited {code}"),
            Self::Signal { signal, core: false } => write!(f, "killed by {signal}"),
            Self::Signal { signal, core: true } => write!(f, "killed by {signal} (core dumped)"),
        }
    }
}
