//! `depends_on`: names and tables to edges. A group means every program in it.

use crate::config::lower::keys::{Keys, misfit};
use crate::config::lower::names::Named;
use crate::config::lower::value::{self, Read, Wrong, kind_of};
use crate::config::lower::{Context, ProgramPlaces};
use crate::config::raw::{RawData, RawKey, RawValue};
use crate::config::suggest;
use crate::model::{Dependency, Diagnostic, Kind, Program, ProgramName, Span, Until};

/// The keys of a table in `depends_on`.
const KEYS: [&str; 4] = ["name", "until", "restart", "optional"];

/// One entry as it was written.
struct Entry {
    name: String,
    span: Span,
    until: Option<Until>,
    restart: bool,
    optional: bool,
}

/// Reads `depends_on` into the program.
pub fn dependencies(context: Context<'_>, keys: &mut Keys<'_>, program: &mut Program, places: &mut ProgramPlaces) {
    let Some(value) = keys.value("depends_on") else { return };
    let RawData::List(items) = &value.data else {
        keys.problems.push(not_a_list(value));
        return;
    };
    for item in items {
        let Some(entry) = entry(item, keys) else { continue };
        add(context, &entry, keys.problems, program, places);
    }
}

/// Not a list: docker compose takes a table of names, and a lone name is a natural slip.
fn not_a_list(value: &RawValue) -> Diagnostic {
    let problem = Diagnostic::error("wrong-type", "`depends_on` takes a list")
        .at(value.span, format!("this is {}", kind_of(&value.data)));
    let names: Vec<String> = match (value.data.as_text(), value.data.as_table()) {
        (Some(name), _) => vec![format!("\"{name}\"")],
        (None, Some(keys)) => keys.iter().map(|key| format!("\"{}\"", key.name)).collect(),
        (None, None) => return problem.help("depends_on = [\"db\", { name = \"api\", until = \"started\" }]"),
    };
    problem.help(format!("depends_on = [{}]", names.join(", ")))
}

fn entry(item: &RawValue, keys: &mut Keys<'_>) -> Option<Entry> {
    if let Some(table) = item.data.as_table() {
        return table_entry(item, table, keys.problems);
    }
    match value::some_text(item) {
        Ok(name) => Some(Entry { name, span: item.span, until: None, restart: false, optional: false }),
        Err(wrong) => {
            keys.problems.push(misfit("depends_on", "names and tables { name = \"…\" }", item, &wrong));
            None
        }
    }
}

fn table_entry(item: &RawValue, table: &[RawKey], problems: &mut Vec<Diagnostic>) -> Option<Entry> {
    let mut entry = Entry { name: String::new(), span: item.span, until: None, restart: false, optional: false };
    for key in table {
        let read = match key.name.as_str() {
            "name" => value::some_text(&key.value).map(|name| (entry.name, entry.span) = (name, key.value.span)),
            "until" => until(&key.value).map(|until| entry.until = Some(until)),
            "restart" => value::boolean(&key.value).map(|restart| entry.restart = restart),
            "optional" => value::boolean(&key.value).map(|optional| entry.optional = optional),
            _ => {
                problems.push(unknown(key));
                continue;
            }
        };
        if let Err(wrong) = read {
            let takes = match key.name.as_str() {
                "until" => "\"started\", \"ready\", \"done\" or \"exited\"",
                "name" => "the name of a program, task or group",
                _ => "true or false",
            };
            problems.push(misfit(&key.name, takes, &key.value, &wrong));
        }
    }
    if table.iter().all(|key| key.name != "name") {
        let problem = Diagnostic::error("missing-key", "a dependency has no `name`");
        problems.push(problem.at(item.span, "expected { name = \"…\", until, restart, optional }"));
    }
    (!entry.name.is_empty()).then_some(entry)
}

fn unknown(key: &RawKey) -> Diagnostic {
    let problem = Diagnostic::error("unknown-key", format!("`{}` is not a key of a dependency", key.name));
    let compose = match (key.name.as_str(), &key.value.data) {
        ("condition", RawData::Text(word)) => match word.as_str() {
            "service_started" | "process_started" => Some("until = \"started\""),
            "service_completed_successfully" | "process_completed_successfully" => Some("until = \"done\""),
            "process_completed" => Some("until = \"exited\""),
            _ => Some("until = \"ready\""),
        },
        ("required", RawData::Boolean(required)) => {
            Some(if *required { "optional = false" } else { "optional = true" })
        }
        _ => None,
    };
    let label = compose
        .map(|line| format!("write {line}"))
        .or_else(|| suggest::did_you_mean(&key.name, KEYS))
        .unwrap_or_else(|| "there are `name`, `until`, `restart` and `optional`".to_owned());
    problem.at(key.span, label)
}

fn until(value: &RawValue) -> Read<Until> {
    let word = value::text(value)?;
    let known = [Until::Started, Until::Ready, Until::Done, Until::Exited];
    known.into_iter().find(|until| until.as_str() == word).ok_or(Wrong::Value(String::new()))
}

/// Adds the edges of one entry: one for a program, all members for a group.
fn add(
    context: Context<'_>,
    entry: &Entry,
    problems: &mut Vec<Diagnostic>,
    program: &mut Program,
    places: &mut ProgramPlaces,
) {
    let members = match context.names.get(&entry.name) {
        Some(Named::Program(_)) => vec![entry.name.clone()],
        Some(Named::Group(members)) => members
            .iter()
            .map(|(member, _)| member)
            .filter(|member| **member != program.name.as_str())
            .cloned()
            .collect(),
        None if entry.optional => return,
        None => {
            let message = format!("{} depends on `{}`, which is not defined", program.name, entry.name);
            let problem = Diagnostic::error("unknown-program", message);
            problems.push(problem.at(entry.span, context.names.did_you_mean(&entry.name, context.sources)));
            return;
        }
    };
    let is_group = matches!(context.names.get(&entry.name), Some(Named::Group(_)));
    for member in members {
        let Some(Named::Program(kind)) = context.names.get(&member) else { continue };
        let name = ProgramName::new(&member);
        if let Some(at) = program.depends_on.iter().position(|edge| edge.program == name) {
            if !is_group {
                let message = format!("{} lists {member} twice in `depends_on`", program.name);
                let problem = Diagnostic::error("duplicate", message);
                problems.push(problem.at(entry.span, "again").at(places.edges[at], "first here"));
            }
            continue;
        }
        let until = entry.until.unwrap_or(match kind {
            Kind::Program => Until::Ready,
            Kind::Task => Until::Done,
        });
        program.depends_on.push(Dependency { program: name, until, restart: entry.restart, optional: entry.optional });
        places.edges.push(entry.span);
    }
}
