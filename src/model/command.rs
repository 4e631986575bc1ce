//! What a program runs.

use super::template::Template;

/// Words that begin something else than a command of its own, and commands that a shell does itself and only for itself.
/// After `exec` neither would work, and neither is to be found on a PATH.
pub const SHELL_WORDS: &[&str] = &[
    "!", ".", ":", "[[", "alias", "bg", "bind", "break", "builtin", "caller", "case", "cd", "command", "compgen",
    "complete", "continue", "coproc", "declare", "dirs", "disown", "do", "done", "elif", "else", "enable", "esac",
    "eval", "exec", "exit", "export", "fc", "fg", "fi", "for", "function", "getopts", "hash", "help", "history", "if",
    "in", "jobs", "let", "local", "logout", "popd", "pushd", "read", "readonly", "return", "select", "set", "shift",
    "shopt", "source", "suspend", "then", "time", "times", "trap", "type", "typeset", "ulimit", "umask", "unalias",
    "unset", "until", "wait", "while",
];

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
