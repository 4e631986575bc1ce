//! Text that is not TOML: what was meant, and how it is written.

use crate::config::format::toml::line_start;
use crate::model::options::OPTIONS;

/// What to write instead at a syntax error, where it can be told from the line.
pub(super) fn what_to_write(text: &str, at: usize, message: &str) -> Option<String> {
    let (start, line) = line_start(text, at);
    let typographic = |c: char| matches!(c, '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2018}' | '\u{2019}');
    if line.contains(typographic) && !message.contains("expected `\"`") {
        return Some("TOML takes straight quotes: \"…\"".to_owned());
    }
    if message.starts_with("string values must be quoted") {
        let (before, _) = text.get(start..at)?.rsplit_once('=')?;
        let (table, key) = before.rfind(['{', ',']).map_or(("", before), |end| before.split_at(end + 1));
        let value = text.get(at..start + line.len())?.trim();
        if value.is_empty() {
            return Some(format!("a value is missing: write {} = …, or take the line out", key.trim()));
        }
        if !table.is_empty() || !may_be_told(&text[..start], key.trim()) {
            return Some(format!("write {} = \"…\"", key.trim()));
        }
        let quote = if value.contains(['"', '\\']) { '\'' } else { '"' };
        return (!value.contains(quote) && !value.contains('#'))
            .then(|| format!("write {} = {quote}{value}{quote}", key.trim()));
    }
    if message.starts_with("missing escaped value") || message.starts_with("invalid escape") {
        return Some("within '…' a backslash is a backslash; within \"…\" it is written \\\\".to_owned());
    }
    if message.starts_with("invalid basic string") {
        return Some("a string ends on its line; \"\"\"…\"\"\" may hold several lines".to_owned());
    }
    None
}

/// Whether the value of this key may stand in a message, which may go anywhere. One of an environment may be a secret.
fn may_be_told(above: &str, key: &str) -> bool {
    let header = above.lines().rev().map(str::trim_start).find(|line| line.starts_with('['));
    let is_environment = header.is_some_and(|header| header.contains("environment"));
    !is_environment && !matches!(key, "environment" | "password") && OPTIONS.iter().any(|option| option.name == key)
}

/// Another language that somebody's file is in, told from its first line that says something.
pub(super) fn another_language(text: &str) -> Option<&'static str> {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with(['#', ';']))?;
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
    let bare_key = first.split_once(':').filter(|(key, _)| is_word(key.trim()));
    if first.starts_with('{') {
        Some("this is JSON; in TOML: a line [program.web], and below it command = \"…\"")
    } else if first == "---" || bare_key.is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with(' ')) {
        Some("this is YAML, or a Procfile; in TOML: a line [program.web], and below it command = \"…\"")
    } else if first.starts_with('[') && first.contains(':') && !first.contains('"') {
        Some("this is a supervisord file; in TOML: a line [program.web], and below it command = \"…\"")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_without_quotes_is_shown_with_them() {
        let help = |line: &str| what_to_write(line, line.find('=').unwrap() + 2, "string values must be quoted, …");
        assert_eq!(help("command = sleep 1").as_deref(), Some("write command = \"sleep 1\""));
        assert_eq!(help("command = echo \"a b\"").as_deref(), Some("write command = 'echo \"a b\"'"));
        assert_eq!(help("command = sleep 1 # or 2"), None, "who knows where the comment begins");
    }

    #[test]
    fn what_may_be_a_secret_is_not_repeated() {
        for text in [
            "[environment]\nTOKEN = hunter2",
            "[program.web]\nenvironment = { TOKEN = hunter2 }",
            "[program.web]\nenvironment = { A = \"b\", command = hunter2 }",
            "[program.web]\nenvironment.TOKEN = hunter2",
            "[environment]\ncommand = hunter2",
            "[http]\npassword = hunter2",
        ] {
            let help = what_to_write(text, text.find("hunter2").unwrap(), "string values must be quoted, …").unwrap();
            assert!(help.ends_with(" = \"…\"") && !help.contains("hunter2"), "{text}: {help}");
        }
    }

    #[test]
    fn other_languages_are_known_by_their_first_line() {
        let begins = |text: &str, word: &str| {
            let said = another_language(text).unwrap_or_default();
            assert!(said.contains(word) && !word.is_empty(), "{text}: {said}");
        };
        begins("{\"program\": 1}", "JSON");
        begins("# c\nprogram:\n  web: x\n", "YAML");
        begins("web: sleep 1\n", "YAML, or a Procfile");
        begins("[program:web]\ncommand=x\n", "supervisord");
        for toml in ["[program.web]\n", "name = \"a: b\"\n", "[program.\"a:b\"]", "", "# only a comment: x\n"] {
            assert_eq!(another_language(toml), None, "{toml}");
        }
    }
}
