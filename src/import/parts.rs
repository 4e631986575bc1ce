//! Pieces of a run.toml that several formats have in common: variables, dependencies, durations, signals.

use std::time::Duration;

use crate::codec::tree::{Data, Node};
use crate::import::draft::Value;
use crate::import::fields::Fields;
use crate::import::holes;
use crate::model::{Grow, Signal, Until};

/// Variables of a table `NAME: value`, or of a list of `NAME=value`. A name without a value is `None`: it is inherited.
pub fn variables(node: &Node) -> Option<Vec<(String, Option<&str>, usize)>> {
    match &node.data {
        Data::Table(entries) => {
            let variable = |entry: &'_ crate::codec::tree::Entry| (entry.key.clone(), entry.line);
            let value = |node: &'_ Node| node.table().is_none() && node.list().is_none();
            entries
                .iter()
                .map(|entry| {
                    let (name, line) = variable(entry);
                    value(&entry.value).then(|| (name, entry.value.text(), line))
                })
                .collect()
        }
        Data::List(items) => items
            .iter()
            .map(|item| {
                let text = item.text()?;
                Some(match text.split_once('=') {
                    Some((name, value)) => (name.to_owned(), Some(value), item.line),
                    None => (text.to_owned(), None, item.line),
                })
            })
            .collect(),
        Data::Null | Data::Text { .. } => None,
    }
}

/// Reads `key` as variables whose values are in compose's notation. A variable that only hands itself on is inherited anyway.
pub fn interpolated_variables(fields: &mut Fields<'_>, key: &str) -> Vec<(String, String)> {
    variables_with(fields, key, holes::interpolated)
}

/// [`interpolated_variables`] with another notation.
pub fn variables_with(
    fields: &mut Fields<'_>,
    key: &str,
    notation: impl Fn(&str) -> holes::Filled,
) -> Vec<(String, String)> {
    let Some(variables) = fields.read(key, variables) else { return Vec::new() };
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, value, line) in variables {
        let Some(value) = value else { continue };
        let filled = notation(value);
        for hole in &filled.settled {
            fields.lose(
                line,
                format!("{name}: {hole}"),
                "run.toml has no defaults in `${…}`; what is written here holds",
            );
        }
        // The last one of a name wins.
        pairs.retain(|(there, _)| *there != name);
        if filled.text != format!("${{{name}}}") {
            pairs.push((name, filled.text));
        }
    }
    pairs
}

/// An entry of `depends_on`: a bare name where it says the same.
pub fn dependency(name: &str, is_task: bool, until: Until, restart: bool, is_optional: bool) -> Value {
    let usual = if is_task { Until::Done } else { Until::Ready };
    let mut entries = vec![("name".to_owned(), Value::text(name))];
    if until != usual {
        entries.push(("until".to_owned(), Value::text(until.as_str())));
    }
    if restart {
        entries.push(("restart".to_owned(), Value::Boolean(true)));
    }
    if is_optional {
        entries.push(("optional".to_owned(), Value::Boolean(true)));
    }
    if entries.len() == 1 { Value::text(name) } else { Value::Table(entries) }
}

/// What may be waited for of this one: of a task not that it is ready, of a program not that it is done.
pub fn possible(until: Until, is_task: bool) -> Until {
    match (until, is_task) {
        (Until::Ready, true) => Until::Started,
        (Until::Done | Until::Exited, false) => Until::Ready,
        (until, _) => until,
    }
}

/// A duration as run.toml has it: `"500ms"`, `"30s"`, `"5m"`.
pub fn duration(duration: Duration) -> Value {
    let millis = duration.as_millis();
    Value::Text(match millis {
        0 => "0s".to_owned(),
        _ if millis.is_multiple_of(60_000) => format!("{}m", millis / 60_000),
        _ if millis.is_multiple_of(1000) => format!("{}s", millis / 1000),
        _ => format!("{millis}ms"),
    })
}

/// A signal by name or number, as run.toml has it.
pub fn signal(text: &str) -> Option<Value> {
    Signal::parse(text).map(|signal| Value::text(signal.to_string().trim_start_matches("SIG")))
}

/// A text as a regular expression that matches just it.
pub fn regex(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// Whether no shell makes anything of this word.
pub fn is_plain_word(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c))
}

/// The words of a command as one line for the shell, which may fill in variables.
pub fn shell_line(words: &[String]) -> String {
    let quoted = |word: &String| {
        if is_plain_word(word) {
            word.clone()
        } else if word.contains('$') && !word.contains(['"', '`', '\\']) {
            format!("\"{word}\"")
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// A command of compose as one word for the shell of this machine: what compose fills in is filled in here, `$$` and everything
/// else reaches the shell inside.
pub fn inner_line(text: &str) -> String {
    let shell_line = |text: &str| shell_line(&[text.to_owned()]);
    if !text.contains("$$") {
        return shell_line(text);
    }
    let mut out = String::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(behind) = after.strip_prefix('$') {
            plain.push('$');
            rest = behind;
        } else {
            let length = holes::length(after);
            if length == 0 {
                plain.push('$');
            } else {
                out.push_str(&quoted(&std::mem::take(&mut plain)));
                out.put(format_args!("\"${}\"", &after[..length]));
            }
            rest = &after[length..];
        }
    }
    plain.push_str(rest);
    out.push_str(&quoted(&plain));
    out
}

/// A text in which the shell sees nothing but itself.
fn quoted(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Words to be executed as they stand; a line where a shell has to fill in a variable.
pub fn command(words: Vec<String>) -> Value {
    if words.iter().any(|word| word.contains('$')) { Value::Text(shell_line(&words)) } else { Value::texts(words) }
}

/// Whether an HTTP check takes this, which is what a person would write, with holes or without.
pub fn is_http_target(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("http://") else { return false };
    let plain = rest.replace("$${", "");
    let authority = plain.split('/').next().unwrap_or_default();
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_address = |host: &str, port: &str| !host.is_empty() && is_port(port);
    plain.contains("${")
        || !authority.contains(['$', '{', '}', ' '])
            && authority.rsplit_once(':').map_or(!authority.is_empty(), |(host, port)| is_address(host, port))
}

/// The value of an HTTP check.
pub fn url(host: &str, port: Option<&str>, path: &str) -> String {
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("http://{host}{port}/{}", path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_check_can_ask_is_one() {
        for (text, is_one) in [
            ("http://127.0.0.1:80/x", true),
            ("http://localhost", true),
            ("http://${HOST}:1/", true),
            ("http://127.0.0.1:$${PORT:-80}/", false),
            ("http://x:0/", false),
            ("https://x/", false),
            ("localhost:80", false),
        ] {
            assert_eq!(is_http_target(text), is_one, "{text}");
        }
    }

    #[test]
    fn a_line_for_the_shell_inside_keeps_its_own_variables() {
        assert_eq!(inner_line("pg_isready -U shop"), "'pg_isready -U shop'");
        assert_eq!(inner_line("pg_isready -U ${U}"), "\"pg_isready -U ${U}\"");
        assert_eq!(inner_line("pg_isready -U $${U} -d $$D"), "'pg_isready -U ${U} -d $D'");
        assert_eq!(inner_line("a \"$$A\" $B's"), "'a \"$A\" '\"$B\"''\\''s'");
    }
}
