//! Signals by name and number.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A signal by its Linux number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signal(pub i32);

/// Names without `SIG` and their Linux numbers, from signal(7).
const NAMES: &[(&str, i32)] = &[
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
];

impl Signal {
    /// Asks a program to end.
    pub const TERM: Self = Self(15);
    /// Ends a program, whatever it says.
    pub const KILL: Self = Self(9);
    /// Ctrl-C.
    pub const INT: Self = Self(2);
    /// The terminal went away.
    pub const HUP: Self = Self(1);
    /// Asks a program to end and to dump its core.
    pub const QUIT: Self = Self(3);
    /// A child ended.
    pub const CHLD: Self = Self(17);
    /// Goes on after a stop.
    pub const CONT: Self = Self(18);
    /// Stops a program, whatever it says.
    pub const STOP: Self = Self(19);
    /// Ctrl-Z.
    pub const TSTP: Self = Self(20);

    /// Reads a name with or without `SIG`, in any case, or a number (supervisor `datatypes.py` `signal_number`).
    pub fn parse(text: &str) -> Option<Self> {
        let upper = text.trim().to_ascii_uppercase();
        if let Ok(number) = upper.parse::<i32>() {
            return NAMES.iter().any(|(_, n)| *n == number).then_some(Self(number));
        }
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        NAMES.iter().find(|(name, _)| *name == bare).map(|(_, number)| Self(*number))
    }

    /// All names, for messages and completions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => write!(f, "SIG{name}"),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_read_by_name_and_by_number() {
        for text in ["TERM", "sigterm", "SIGTERM", "15", " term "] {
            assert_eq!(Signal::parse(text), Some(Signal::TERM), "{text}");
        }
        assert_eq!(Signal::parse("NONSENSE"), None);
        assert_eq!(Signal::parse("99"), None);
    }
}
