//! The two outputs of a process.

use serde::{Deserialize, Serialize};

/// Which of its two outputs a process wrote to. With `redirect_stderr` and on a pty there is only the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// Standard output, or both in one.
    Stdout,
    /// Standard error, where it is apart.
    Stderr,
}

impl Channel {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// Its name in options and addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}
