//! A line that was looked for in the kept logs, and found.

use crate::model::{Channel, WallTime};

/// One line of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLine {
    /// Whose, by namespec.
    pub process: String,
    /// Which output.
    pub channel: Channel,
    /// When it began.
    pub at: WallTime,
    /// In which run since its `up`, from 1.
    pub run: u32,
    /// As text, without colours and controls.
    pub text: String,
}
