//! Writes a [`Draft`] as a run.toml that a person likes to read: one line a key, long lists broken, reasons as comments.

use crate::import::draft::{Draft, Section, Value};
use crate::model::Grow;

/// The first line of a run.toml that was written for somebody: editors find the schema by it.
pub const SCHEMA_LINE: &str =
    "#:schema https://raw.githubusercontent.com/runup-dev/runup/main/completions/run.schema.json";

/// Lines are at most this long where they can be broken.
const WIDTH: usize = 110;

/// The whole text.
pub fn run_toml(draft: &Draft) -> String {
    let mut text = format!("{SCHEMA_LINE}\n");
    comment(&mut text, &format!("From {}, by `run init`. `run check` checks it, `run up` starts it.", draft.origin));
    for note in &draft.notes {
        comment(&mut text, note);
    }
    if !draft.lost.is_empty() {
        text.push_str("#\n# Not carried over:\n");
        for lost in &draft.lost {
            comment(&mut text, &format!("* {lost}"));
        }
    }
    if !draft.top.is_empty() {
        text.push('\n');
        for (name, value) in &draft.top {
            key(&mut text, name, value);
        }
    }
    if !draft.environment.is_empty() {
        text.push_str("\n[environment]\n");
        for (name, value) in &draft.environment {
            key(&mut text, name, &Value::text(value));
        }
    }
    for one in &draft.sections {
        text.push('\n');
        section(&mut text, one);
    }
    text
}

fn section(text: &mut String, section: &Section) {
    let head = if section.name.is_empty() {
        section.kind.to_owned()
    } else {
        format!("{}.{}", section.kind, word(&section.name))
    };
    text.put(format_args!("[{head}]\n"));
    for line in &section.comments {
        comment(text, line);
    }
    for lost in &section.lost {
        comment(text, &format!("not carried over: {lost}"));
    }
    for (name, value) in &section.keys {
        key(text, name, value);
    }
    if section.environment.is_empty() {
        return;
    }
    let entries = section.environment.iter().map(|(name, value)| (name.clone(), Value::text(value))).collect();
    let inline = format!("environment = {}", one_line(&Value::Table(entries)));
    if section.environment.len() <= 3 && inline.chars().count() <= WIDTH {
        text.push_str(&inline);
        text.push('\n');
        return;
    }
    text.put(format_args!("\n[{head}.environment]\n"));
    for (name, value) in &section.environment {
        key(text, name, &Value::text(value));
    }
}

/// A comment, broken at blanks where it is too long.
fn comment(text: &mut String, line: &str) {
    for line in line.lines() {
        let mut width = 0;
        for word in line.split(' ') {
            let length = word.chars().count();
            if width > 0 && width + 1 + length > WIDTH {
                text.push('\n');
                width = 0;
            }
            text.push_str(if width == 0 { "# " } else { " " });
            text.push_str(&word.replace(|c: char| c.is_control() && c != '\t', "?"));
            width += length + 1;
        }
        text.push('\n');
    }
}

fn key(text: &mut String, name: &str, value: &Value) {
    let name = word(name);
    let line = format!("{name} = {}\n", one_line(value));
    match value {
        Value::List(items) if line.chars().count() > WIDTH || items.iter().any(is_block) => {
            text.put(format_args!("{name} = [\n"));
            for item in items {
                if let (true, Value::Text(content)) = (is_block(item), item) {
                    text.put(format_args!("'''\n{content}''',\n"));
                } else {
                    text.put(format_args!("    {},\n", one_line(item)));
                }
            }
            text.push_str("]\n");
        }
        Value::Text(content) if is_block(value) => {
            text.put(format_args!("{name} = '''\n{content}'''\n"));
        }
        Value::List(_) | Value::Text(_) | Value::Integer(_) | Value::Boolean(_) | Value::Table(_) => {
            text.push_str(&line);
        }
    }
}

/// Whether a value is a text of several lines that is best written as one.
fn is_block(value: &Value) -> bool {
    match value {
        Value::Text(content) => {
            content.trim_end().contains('\n')
                && !content.contains("'''")
                && !content.ends_with('\'')
                && is_plain(content)
        }
        Value::Integer(_) | Value::Boolean(_) | Value::List(_) | Value::Table(_) => false,
    }
}

/// Whether a text can stand in quotes that escape nothing.
fn is_plain(content: &str) -> bool {
    !content.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
}

fn one_line(value: &Value) -> String {
    match value {
        Value::Text(text) => string(text),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(one_line).collect::<Vec<_>>().join(", ")),
        Value::Table(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Table(entries) => {
            let entry = |(key, value): &(String, Value)| format!("{} = {}", word(key), one_line(value));
            format!("{{ {} }}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A key, in quotes where it has to be.
fn word(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare { name.to_owned() } else { string(name) }
}

/// A string in the quotes that need the least escaping.
pub fn string(text: &str) -> String {
    let needs_escape = text.contains(['"', '\\']);
    if needs_escape && !text.contains('\'') && !text.chars().any(char::is_control) {
        return format!("'{text}'");
    }
    format!("\"{}\"", escaped(text))
}

/// A text as it stands between double quotes.
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.put(format_args!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_draft_is_written_as_a_person_would() {
        let mut draft = Draft::new("Procfile");
        draft.notes.push("A note.".to_owned());
        draft.lose(3, "x", "no such thing");
        draft.top.push(("name", Value::text("shop")));
        draft.variable("A B", "1");
        let mut web = Section::new("program", "my web");
        web.comments.push("said of it".to_owned());
        web.set("command", Value::text("sh -c \"echo 'x'\""));
        web.set("depends_on", Value::List(vec![Value::text("db"), Value::table([("name", Value::text("x"))])]));
        web.variable("A", "1");
        draft.sections.push(web);
        assert_eq!(
            run_toml(&draft).split_once('\n').unwrap().1,
            "\
# From Procfile, by `run init`. `run check` checks it, `run up` starts it.
# A note.
#
# Not carried over:
# * Procfile:3: x: no such thing

name = \"shop\"

[environment]
\"A B\" = \"1\"

[program.\"my web\"]
# said of it
command = \"sh -c \\\"echo 'x'\\\"\"
depends_on = [\"db\", { name = \"x\" }]
environment = { A = \"1\" }
"
        );
    }

    #[test]
    fn many_variables_have_a_table_of_their_own() {
        let mut draft = Draft::new("x");
        let mut web = Section::new("program", "web");
        web.set("command", Value::text("a\nb\n"));
        for name in ["A", "B", "C", "D"] {
            web.variable(name, "1");
        }
        draft.sections.push(web);
        assert!(run_toml(&draft).ends_with(
            "[program.web]\ncommand = '''\na\nb\n'''\n\n[program.web.environment]\nA = \"1\"\nB = \"1\"\nC = \"1\"\nD = \"1\"\n"
        ));
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "(\\PC|[\"'\\\\\n\t\r\u{1}]){0,40}", list in any::<bool>()) {
            let mut out = String::new();
            let value = if list { Value::texts([text.clone(), "x".repeat(100)]) } else { Value::text(text.clone()) };
            key(&mut out, "a", &value);
            let table: toml::Table = out.parse().unwrap();
            let read = if list { &table["a"][0] } else { &table["a"] };
            prop_assert_eq!(read.as_str(), Some(text.as_str()));
        }
    }
}
