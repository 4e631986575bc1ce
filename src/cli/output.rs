//! Writing to our own stdout and stderr. A reader that went away is not an error worth a word.

use std::io::{self, Write};

use crate::cli::error::CommandError;

/// Writes to stdout at once. A closed pipe becomes [`CommandError::broken_pipe`], which ends the command quietly.
pub fn print(text: &str) -> Result<(), CommandError> {
    print_bytes(text.as_bytes())
}

/// [`print`] for bytes that need not be UTF-8.
pub fn print_bytes(bytes: &[u8]) -> Result<(), CommandError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(CommandError::from)
}

/// Writes a value as one JSON document.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), CommandError> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| CommandError::internal(format!("could not write JSON: {error}")))?;
    text.push('\n');
    print(&text)
}

/// Writes a value as one line of JSON, for streams.
pub fn print_json_line(value: &impl serde::Serialize) -> Result<(), CommandError> {
    let mut text = serde_json::to_string(value)
        .map_err(|error| CommandError::internal(format!("could not write JSON: {error}")))?;
    text.push('\n');
    print(&text)
}

/// Says something on stderr. That nobody can read it is no reason to fail.
pub fn say(text: &str) {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()).ok();
}
