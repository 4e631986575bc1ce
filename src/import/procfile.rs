//! Procfile, with the defaults of `.foreman` and `.overmind.env` and the PORT of `.env` beside it.

use std::collections::BTreeMap;

use crate::config::dotenv;
use crate::config::procfile::{self, ProcfileDefaults, ProcfileOptions};
use crate::config::raw::{RawData, RawSection};
use crate::import::draft::{Draft, Lost, Section, Value};
use crate::import::parts;
use crate::import::{Format, ImportError, Source};
use crate::model::{Diagnostic, SourceFile};

/// The row of [`super::FORMATS`].
pub const FORMAT: Format = Format {
    name: "Procfile",
    file_names: &["procfile", "procfile.*", "*.procfile"],
    marks: &[],
    beside: defaults,
    read,
};

fn defaults(_text: &str) -> Vec<String> {
    vec![".foreman".to_owned(), ".overmind.env".to_owned(), ".env".to_owned()]
}

fn read(source: &Source<'_>) -> Result<Draft, ImportError> {
    let mut draft = Draft::new(source.name);
    let options = ProcfileOptions {
        defaults: defaults_beside(source, &mut draft),
        env_file_port: port_of_env_file(source),
        ..ProcfileOptions::default()
    };
    let (raw, problems) = procfile::parse(&options, 0, source.text);
    let text = SourceFile { name: source.name.to_owned(), text: source.text.to_owned() };
    draft.lost.extend(problems.iter().map(|problem| lost(&text, problem)));
    if raw.sections.is_empty() {
        return Err(ImportError::Nothing("it has no line such as `web: npm start`"));
    }
    draft.notes.push(
        "A Procfile ends with the first program that fails. Here a program that fails is tried again, and the others \
         stay up; `exit_on_end = true` ends the run with it."
            .to_owned(),
    );
    for key in &raw.top {
        if let ("env_file", RawData::List(files)) = (key.name.as_str(), &key.value.data) {
            let file = |entries: &[crate::config::raw::RawKey]| {
                let entry = |key: &crate::config::raw::RawKey| (key.name.clone(), value(&key.value.data));
                Value::Table(entries.iter().map(entry).collect())
            };
            let files = files.iter().filter_map(|item| item.data.as_table()).map(file);
            draft.top.push(("env_file", Value::List(files.collect())));
        }
    }
    draft.sections = raw.sections.iter().map(section).collect();
    if let Some(text) = beside(source, ".overmind.env") {
        let said = dotenv::parse(text, &BTreeMap::new()).pairs.into_iter().collect();
        draft.sections.iter_mut().for_each(|section| overmind(section, &said));
    }
    Ok(draft)
}

/// What overmind's flags say of single programs: [`overmind`] has it said by the program itself.
const OF_OVERMIND: [&str; 6] = [
    "OVERMIND_CAN_DIE",
    "OVERMIND_ANY_CAN_DIE",
    "OVERMIND_AUTO_RESTART",
    "OVERMIND_STOP_SIGNALS",
    "OVERMIND_IGNORED_PROCESSES",
    "OVERMIND_PROCESSES",
];

/// Gives a program what overmind's flags say of it (overmind `main.go`, `command.go`).
fn overmind(section: &mut Section, said: &BTreeMap<String, String>) {
    let items = |name: &str| said.get(name).into_iter().flat_map(|list| list.split(',')).map(str::trim);
    let name = section.name.clone();
    let is_in = |list: &str| items(list).any(|item| item == name);
    let is_set = |flag: &str| said.get(flag).is_some_and(|value| matches!(value.as_str(), "1" | "true"));
    let restarts = is_in("OVERMIND_AUTO_RESTART") || items("OVERMIND_AUTO_RESTART").any(|item| item == "all");
    let may_die = is_in("OVERMIND_CAN_DIE") || is_set("OVERMIND_ANY_CAN_DIE");
    // A task is not started again anyway.
    if section.kind == "program" && (restarts || may_die) {
        section.set("autorestart", Value::Boolean(restarts));
    }
    let is_left_out = items("OVERMIND_PROCESSES").any(|item| !item.is_empty()) && !is_in("OVERMIND_PROCESSES");
    if (is_left_out || is_in("OVERMIND_IGNORED_PROCESSES")) && !section.has("autostart") {
        section.set("autostart", Value::Boolean(false));
    }
    let signal = items("OVERMIND_STOP_SIGNALS").filter_map(|item| item.split_once('=')).find(|(of, _)| *of == name);
    section.set_some("stopsignal", signal.and_then(|(_, signal)| parts::signal(signal)));
}

/// What foreman's and overmind's own files say.
fn defaults_beside(source: &Source<'_>, draft: &mut Draft) -> ProcfileDefaults {
    let mut defaults = ProcfileDefaults::default();
    let readers = [
        (".overmind.env", procfile::read_overmind as fn(usize, &str) -> _),
        (".foreman", procfile::read_foreman as fn(usize, &str) -> _),
    ];
    for (name, read) in readers {
        let Some(text) = beside(source, name) else { continue };
        let (found, problems): (ProcfileDefaults, Vec<Diagnostic>) = read(0, text);
        let file = SourceFile { name: name.to_owned(), text: text.to_owned() };
        let is_lost = |lost: &Lost| !OF_OVERMIND.iter().any(|name| lost.what.contains(name));
        draft.lost.extend(problems.iter().map(|problem| lost(&file, problem)).filter(is_lost));
        defaults = defaults.or(found);
    }
    defaults
}

fn beside<'a>(source: &Source<'a>, name: &str) -> Option<&'a str> {
    source.beside.iter().find(|(file, _)| file == name).map(|(_, text)| text.as_str())
}

/// Where `.env` has the ports begin, if it says a number.
fn port_of_env_file(source: &Source<'_>) -> Option<String> {
    let mut pairs = dotenv::parse(beside(source, ".env")?, &BTreeMap::new()).pairs.into_iter().rev();
    let (_, port) = pairs.find(|(name, _)| name == "PORT")?;
    port.trim().parse::<u16>().is_ok().then_some(port)
}

fn lost(file: &SourceFile, problem: &Diagnostic) -> Lost {
    let line = problem.labels.first().map_or(1, |label| file.position(label.span.start).0);
    let text = file.text.lines().nth(line - 1).unwrap_or_default().trim();
    Lost { file: file.name.clone(), line, what: text.to_owned(), why: problem.message.clone() }
}

/// One line. PORT stays what it was: a port of its own for a command that names it, a variable for the others.
fn section(raw: &RawSection) -> Section {
    let name = raw.name.clone().unwrap_or_default();
    // A platform runs `release` once before the others; foreman runs it beside them, and so it is done here.
    let is_release = name == "release";
    let mut section = Section::new(if is_release { "task" } else { "program" }, name.clone());
    let get = |key: &str| raw.keys.iter().find(|there| there.name == key).map(|key| &key.value.data);
    let command = get("command").and_then(RawData::as_text).unwrap_or_default();
    section.set("command", Value::text(command));
    if let Some(port) = get("port").and_then(RawData::as_integer).filter(|_| !is_release) {
        // A port is waited for: only a command that has it in its hands is sure to listen there.
        if command.contains("$PORT") || command.contains("${PORT") {
            section.set("port", Value::Integer(port));
        } else {
            section.variable("PORT", port.to_string());
            if name == "web" {
                section.comments.push(format!(
                    "If it listens on $PORT, `port = {port}` in place of the variable makes it ready when it accepts connections."
                ));
            }
        }
    }
    for key in ["numprocs", "autostart", "directory", "stopwaitsecs"] {
        section.set_some(key, get(key).map(value));
    }
    section
}

fn value(data: &RawData) -> Value {
    match data {
        RawData::Text(text) | RawData::Datetime(text) => Value::text(text),
        RawData::Integer(number) => Value::Integer(*number),
        RawData::Boolean(truth) => Value::Boolean(*truth),
        RawData::Float(number) => Value::text(number.to_string()),
        RawData::List(items) => Value::List(items.iter().map(|item| value(&item.data)).collect()),
        RawData::Table(keys) => {
            Value::Table(keys.iter().map(|key| (key.name.clone(), value(&key.value.data))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::import::testing;

    #[test]
    fn a_file_without_lines_says_so() {
        assert_eq!(testing::refused("Procfile", "# nothing\n"), "it has no line such as `web: npm start`");
    }
}
