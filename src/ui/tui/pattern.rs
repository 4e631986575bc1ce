//! What is looked for in lines: a text or a regular expression, and how bad a line looks. Pure.

use regex::{Regex, RegexBuilder};

/// The memory that a pattern may take, compiled.
const MEMORY: usize = 1 << 20;

/// A pattern, in whatever case unless it has a capital letter.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As it was typed.
    pub text: String,
    regex: Regex,
}

impl Pattern {
    /// What is no regular expression is taken as it stands; `None` for nothing.
    pub fn new(text: &str) -> Option<Self> {
        let build = |pattern: &str| {
            let has_capital = text.chars().any(char::is_uppercase);
            RegexBuilder::new(pattern).case_insensitive(!has_capital).size_limit(MEMORY).build().ok()
        };
        let regex = build(text).or_else(|| build(&regex::escape(text))).filter(|_| !text.is_empty())?;
        Some(Self { text: text.to_owned(), regex })
    }

    /// Whether a line has it.
    pub fn is_in(&self, line: &str) -> bool {
        self.regex.is_match(line)
    }

    /// Where a line has it, in characters.
    pub fn places(&self, line: &str) -> Vec<(usize, usize)> {
        let count = |to: usize| line[..to].chars().count();
        let found = self.regex.find_iter(line).filter(|found| !found.is_empty());
        found.map(|found| (count(found.start()), count(found.end()))).collect()
    }
}

/// Which lines are shown by how bad they look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// All.
    #[default]
    All,
    /// Those that look like warnings and errors.
    Warnings,
    /// Those that look like errors.
    Errors,
}

impl Level {
    /// The next of the three.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::All => Self::Warnings,
            Self::Warnings => Self::Errors,
            Self::Errors => Self::All,
        }
    }

    /// In words; nothing for all.
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::Warnings => Some("warnings, errors"),
            Self::Errors => Some("errors"),
        }
    }
}

/// Tells how bad lines look by the words that loggers use.
#[derive(Debug, Clone)]
pub struct Judge {
    errors: Regex,
    warnings: Regex,
}

impl Default for Judge {
    fn default() -> Self {
        let build = |words: &str| {
            Regex::new(&format!(r"(?i)(\b|_)({words})(\b|_)|(?-i:\w(Error|Exception)\b)")).expect("the words are ours")
        };
        Self {
            errors: build("errors?|err|fatal|critical|crit|panic(ked)?|exception|traceback|fail(ed|ure)?"),
            warnings: build("warn(ing)?s?|deprecated|deprecation"),
        }
    }
}

impl Judge {
    /// Whether a line belongs to a level.
    pub fn belongs(&self, line: &str, level: Level) -> bool {
        match level {
            Level::All => true,
            Level::Warnings => self.errors.is_match(line) || self.warnings.is_match(line),
            Level::Errors => self.errors.is_match(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capital_letter_makes_the_case_count() {
        assert!(Pattern::new("queue").unwrap().is_in("QUEUE refused"));
        assert!(!Pattern::new("Queue").unwrap().is_in("queue refused"));
        assert!(Pattern::new("").is_none());
    }

    #[test]
    fn what_is_no_expression_is_a_text() {
        let pattern = Pattern::new("a(b").unwrap();
        assert_eq!(pattern.places("éa(b a(b"), [(1, 4), (5, 8)]);
    }

    #[test]
    fn levels_go_by_the_words_of_loggers() {
        let judge = Judge::default();
        for line in
            ["ERROR x", "[error] y", "RuntimeError: no", "thread 'main' panicked at", "level=fatal", "Traceback (most"]
        {
            assert!(judge.belongs(line, Level::Errors), "{line}");
        }
        assert!(judge.belongs("WARN slow", Level::Warnings) && !judge.belongs("WARN slow", Level::Errors));
        assert!(!judge.belongs("terror in the mirror: 0 warned", Level::Warnings));
        assert!(judge.belongs("anything", Level::All));
    }
}
