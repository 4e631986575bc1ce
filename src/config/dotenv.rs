//! Reads `.env` files.
//!
//! The rules are those that the readers of the field agree on, and where they differ, those that lose nothing:
//! blanks and backslashes of an unquoted value are kept, a `$` that begins no `${NAME}` is a dollar sign, and a line that
//! cannot be read costs itself alone. Messages never quote a value: a bad line is often half of a secret.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::template::MOST_TEXT;

/// What a file says, and what of it could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvText {
    /// Names and values in the order of the file; of duplicates only the last.
    pub pairs: Vec<(String, String)>,
    /// One for each line that is wrong, in the order of the file.
    pub problems: Vec<EnvProblem>,
}

/// A line that could not be read, or not wholly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EnvProblem {
    /// From 1.
    pub line: usize,
    /// The variable that the line names in vain: it counts as empty there, and the line holds. `None`: the line is left out.
    pub empty: Option<String>,
    /// One sentence, lower case, no full stop.
    pub message: String,
}

const BLANKS: [char; 2] = [' ', '\t'];
const UNCLOSED: &str = "the quote is not closed";
const TOO_LONG: &str = "with what it names it is longer than a program may be given";

/// Reads the text of a file. `outer` is what `${NAME}` sees beneath the earlier lines: the environment so far.
pub fn parse(text: &str, outer: &BTreeMap<String, String>) -> EnvText {
    let lines: Vec<&str> = text.strip_prefix('\u{feff}').unwrap_or(text).lines().collect();
    let mut known = Known { outer, earlier: BTreeMap::new(), room: MOST_TEXT };
    let mut pairs = Vec::new();
    let mut problems = Vec::new();
    let mut index = 0;
    while index < lines.len() {
        let line = index + 1;
        index += 1;
        match read(lines[line - 1], &lines[line..], &known) {
            Ok(None) => {}
            Ok(Some(entry)) => {
                index += entry.further_lines;
                let undefined = entry.value.undefined;
                problems.extend(undefined.into_iter().map(|name| EnvProblem {
                    line,
                    message: format!("`${{{name}}}` is defined neither above nor in the environment, so it is empty"),
                    empty: Some(name),
                }));
                known.room = known.room.saturating_sub(entry.value.text.len());
                known.earlier.insert(entry.name.clone(), entry.value.text.clone());
                pairs.push((entry.name, entry.value.text));
            }
            Err(message) => problems.push(EnvProblem { line, empty: None, message: message.to_owned() }),
        }
    }
    EnvText { pairs: without_duplicates(pairs), problems }
}

/// Keeps the last of each name.
fn without_duplicates(pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<_> = pairs.into_iter().rev().filter(|(name, _)| seen.insert(name.clone())).collect();
    kept.reverse();
    kept
}

/// What a `${NAME}` can see.
struct Known<'a> {
    outer: &'a BTreeMap<String, String>,
    earlier: BTreeMap<String, String>,
    /// How long further values may be, all of them together.
    room: usize,
}

impl Known<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.earlier.get(name).or_else(|| self.outer.get(name)).map(String::as_str)
    }
}

/// One definition, and how many lines it took beyond its first.
struct Entry {
    name: String,
    value: Value,
    further_lines: usize,
}

/// A value under construction.
#[derive(Default)]
struct Value {
    text: String,
    undefined: Vec<String>,
    is_too_long: bool,
}

impl Value {
    /// Takes the hole that `rest` begins with and answers what comes after it; a dollar sign that begins none is text.
    fn expand<'t>(&mut self, rest: &'t str, known: &Known<'_>) -> &'t str {
        let hole = rest.strip_prefix("${").and_then(|inner| inner.split_once('}'));
        let Some((inner, after)) = hole else { return self.dollar(rest) };
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        if !is_name(name) {
            return self.dollar(rest);
        }
        match (known.get(name), default) {
            (Some("") | None, Some(default)) => self.text.push_str(default),
            (Some(value), _) if self.text.len() + value.len() > known.room => self.is_too_long = true,
            (Some(value), _) => self.text.push_str(value),
            (None, None) => self.undefined.push(name.to_owned()),
        }
        after
    }

    fn dollar<'t>(&mut self, rest: &'t str) -> &'t str {
        self.text.push('$');
        &rest[1..]
    }
}

/// Reads one line, and further ones where a double quote is open. `Ok(None)` is a line that says nothing.
fn read(line: &str, following: &[&str], known: &Known<'_>) -> Result<Option<Entry>, &'static str> {
    let line = line.trim_start_matches(BLANKS);
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let Some((name, raw)) = without_export(line).split_once('=') else {
        return Err("expected NAME=value");
    };
    let name = name.trim_end_matches(BLANKS);
    if !is_name(name) {
        return Err("expected NAME=value, with letters, digits, `_`, `-` and `.` in the name");
    }
    let start = raw.trim_start_matches(BLANKS);
    let (value, further_lines) = if let Some(rest) = start.strip_prefix('"') {
        double_quoted(rest, following, known)?
    } else if let Some(rest) = start.strip_prefix('\'') {
        (single_quoted(rest)?, 0)
    } else {
        (unquoted(raw, known), 0)
    };
    if value.text.contains('\0') {
        return Err("a value cannot hold a NUL character");
    }
    if value.is_too_long {
        return Err(TOO_LONG);
    }
    Ok(Some(Entry { name: name.to_owned(), value, further_lines }))
}

/// Takes the shell's `export` away, unless that is the name itself.
fn without_export(line: &str) -> &str {
    match line.strip_prefix("export") {
        Some(rest) if rest.starts_with(BLANKS) => {
            let rest = rest.trim_start_matches(BLANKS);
            if rest.starts_with('=') { line } else { rest }
        }
        Some(_) | None => line,
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// Reads a value without quotes: up to a `#` after a blank, nothing but `${…}` is special.
fn unquoted(raw: &str, known: &Known<'_>) -> Value {
    let comment = [" #", "\t#"].iter().filter_map(|mark| raw.find(mark)).min().unwrap_or(raw.len());
    let mut rest = raw[..comment].trim_matches(BLANKS);
    let mut value = Value::default();
    while let Some(dollar) = rest.find('$') {
        value.text.push_str(&rest[..dollar]);
        rest = value.expand(&rest[dollar..], known);
    }
    value.text.push_str(rest);
    value
}

/// Reads what follows a single quote: nothing is special up to the next one.
fn single_quoted(rest: &str) -> Result<Value, &'static str> {
    let (text, tail) = rest.split_once('\'').ok_or(UNCLOSED)?;
    check_tail(tail)?;
    Ok(Value { text: text.to_owned(), ..Value::default() })
}

/// Reads what follows a double quote, over as many lines as it takes.
///
/// When the quote that ends it has text behind it and stands on a later line, that was the first quote of another value:
/// then this one was never closed, and the later lines are read for themselves.
fn double_quoted(rest: &str, following: &[&str], known: &Known<'_>) -> Result<(Value, usize), &'static str> {
    let mut value = Value::default();
    let mut rest = rest;
    for further_lines in 0.. {
        if let Some(tail) = double_quoted_line(rest, &mut value, known) {
            let checked = check_tail(tail);
            return if further_lines == 0 { checked } else { checked.map_err(|_| UNCLOSED) }
                .map(|()| (value, further_lines));
        }
        value.text.push('\n');
        rest = following.get(further_lines).ok_or(UNCLOSED)?;
    }
    Err(UNCLOSED)
}

/// Reads one line of a double quoted value; answers what stands behind the closing quote, if it is on this line.
/// `\n` is a line end; `\"`, `\\` and `\$` stand for their second half; any other backslash for itself.
fn double_quoted_line<'t>(line: &'t str, value: &mut Value, known: &Known<'_>) -> Option<&'t str> {
    let mut rest = line;
    while let Some(at) = rest.find(['"', '\\', '$']) {
        value.text.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(tail) = rest.strip_prefix('"') {
            return Some(tail);
        } else if rest.starts_with('$') {
            rest = value.expand(rest, known);
        } else {
            let escaped = rest[1..].chars().next();
            match escaped {
                Some('n') => value.text.push('\n'),
                Some(c @ ('"' | '\\' | '$')) => value.text.push(c),
                Some(c) => value.text.extend(['\\', c]),
                None => value.text.push('\\'),
            }
            rest = &rest[1 + escaped.map_or(0, char::len_utf8)..];
        }
    }
    value.text.push_str(rest);
    None
}

/// Behind a closing quote only a comment may stand.
fn check_tail(tail: &str) -> Result<(), &'static str> {
    let text = tail.trim_matches(BLANKS);
    if text.is_empty() || (text.starts_with('#') && tail.starts_with(BLANKS)) {
        Ok(())
    } else {
        Err("there is text behind the closing quote")
    }
}

#[cfg(test)]
mod tests;
