//! Names of programs and processes, and the patterns that select them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a program or task, as its section has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProgramName(pub String);

impl ProgramName {
    /// Wraps a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProgramName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for ProgramName {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

/// What is wrong with a name, or `None` when it may stand. supervisord refuses blanks, colons and slashes
/// (supervisor `datatypes.py` `process_or_group_name`); control characters would forge lines.
pub fn name_problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("a name may not be empty")
    } else if name.chars().any(|c| c.is_whitespace() || c == ':' || c == '/') {
        Some("a name may not contain blanks, colons or slashes")
    } else if name.chars().any(char::is_control) {
        Some("a name may not contain control characters")
    } else {
        None
    }
}

/// `group:process`, supervisord's *namespec*. A process alone in the group of its own name is written as one word.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProcessName {
    /// The group, by default the program's name.
    pub group: String,
    /// The process inside its group.
    pub process: String,
}

impl ProcessName {
    /// A process in a group.
    pub fn new(group: impl Into<String>, process: impl Into<String>) -> Self {
        Self { group: group.into(), process: process.into() }
    }

    /// What stands before its lines of output: the process name alone, which is unique enough to read.
    pub fn label(&self) -> &str {
        &self.process
    }

    /// Whether a word that a user typed means this process: its name, its namespec, its group, `group:*`, `all`, or a
    /// glob with `*` and `?` over the namespec.
    pub fn matches(&self, word: &str) -> bool {
        let full = self.to_string();
        word == "all"
            || word == full
            || word == self.process
            || word == self.group
            || word.strip_suffix(":*").or(word.strip_suffix(':')) == Some(self.group.as_str())
            || word.split_once(':').is_some_and(|(group, process)| group == self.group && process == self.process)
            || (word.contains(['*', '?']) && (glob(word, &full) || glob(word, &self.process)))
    }
}

impl fmt::Display for ProcessName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group == self.process {
            f.pad(&self.process)
        } else {
            f.pad(&format!("{}:{}", self.group, self.process))
        }
    }
}

/// Matches `text` against a pattern of `*` (any run of characters), `?` (any one character) and `[a-z]`, `[!a-z]` (one of these, none
/// of these).
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            retry = Some((p + 1, t));
            p += 1;
        } else if let Some(length) = matches_one(&pattern[p..], text[t]) {
            (p, t) = (p + length, t + 1);
        } else if let Some((after_star, from)) = retry {
            retry = Some((after_star, from + 1));
            (p, t) = (after_star, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// How much of the pattern's front matches this one character, if it does.
fn matches_one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => match class_length(pattern) {
            Some(length) => is_in_class(&pattern[1..length - 1], c).then_some(length),
            None => (c == '[').then_some(1),
        },
        plain => (*plain == c).then_some(1),
    }
}

/// The length of `[…]`; a bracket right behind the opening is a member. `None` where it is not closed: then it means itself.
fn class_length(pattern: &[char]) -> Option<usize> {
    let first = if pattern.get(1) == Some(&'!') { 3 } else { 2 };
    let close = pattern.get(first..)?.iter().position(|c| *c == ']')?;
    Some(first + close + 1)
}

fn is_in_class(class: &[char], c: char) -> bool {
    let (is_negated, mut members) = match class {
        ['!', rest @ ..] => (true, rest),
        _ => (false, class),
    };
    let mut is_member = false;
    while let Some((&low, rest)) = members.split_first() {
        (is_member, members) = match rest {
            ['-', high, rest @ ..] => (is_member || (low..=*high).contains(&c), rest),
            _ => (is_member || low == c, rest),
        };
    }
    is_member != is_negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_process_is_one_word_and_a_grouped_one_is_two() {
        assert_eq!(ProcessName::new("web", "web").to_string(), "web");
        assert_eq!(ProcessName::new("worker", "worker_0").to_string(), "worker:worker_0");
    }

    #[test]
    fn words_select_by_name_group_and_glob() {
        let worker = ProcessName::new("worker", "worker_0");
        for word in ["worker", "worker:*", "worker:", "worker_0", "worker:worker_0", "work*", "*_?", "all"] {
            assert!(worker.matches(word), "{word}");
        }
        for word in ["web", "worker_1", "w?", "worker:worker_1", ""] {
            assert!(!worker.matches(word), "{word}");
        }
    }

    #[test]
    fn glob_backtracks() {
        assert!(glob("a*b*c", "a-b-b-c"));
        assert!(!glob("a*b*c", "a-b-b-d"));
    }

    #[test]
    fn glob_knows_classes_of_characters() {
        for (pattern, text, fits) in [
            ("[0-9]*.conf", "10-web.conf", true),
            ("[0-9]*.conf", "web.conf", false),
            ("[!0-9]*", "web", true),
            ("[!0-9]*", "1", false),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("a[b", "a[b", true),
            ("[ab]c", "bc", true),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }
}
