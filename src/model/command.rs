//! What a program runs.

use super::template::Template;

/// A command as it was written. How a string becomes words or a shell call is `plan::launch`'s business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A string: plain words are executed as they stand, anything a shell would interpret goes to `sh`.
    /// Only dotted references are ours; the rest is the shell's.
    Line(Template),
    /// An array: executed as it stands.
    Words(Vec<Template>),
    /// A Procfile line: always `sh -c`.
    Shell(String),
}

impl Command {
    /// The command for people to read, holes shown as they were written.
    pub fn display(&self) -> String {
        match self {
            Self::Line(line) => line.to_string(),
            Self::Words(words) => words.iter().map(|word| quote(&word.to_string())).collect::<Vec<_>>().join(" "),
            Self::Shell(line) => line.clone(),
        }
    }
}

/// Quotes a word where a shell would need it.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,${}".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
