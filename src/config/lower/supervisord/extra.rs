//! What supervisord does not know: `depends_on` and `ready`, and the options of supervisord-dependent-startup read as `depends_on`.
//!
//! Both are written as in run.toml (`["db"]`, `{ tcp = 5432 }`), or in one line as the rest of the file is: `db, migrate:done` and
//! `tcp 5432`. Either way they become what run.toml would give, and are lowered by the same code.

use std::collections::BTreeMap;

use crate::config::format::{self, Source};
use crate::config::lower::keys::Keys;
use crate::config::lower::supervisord::expansion::Expansions;
use crate::config::lower::supervisord::section::Section;
use crate::config::lower::supervisord::value;
use crate::config::lower::{Context, ProgramPlaces, depends, ready};
use crate::config::raw::{RawData, RawKey, RawValue};
use crate::model::options::SectionKind;
use crate::model::{Diagnostic, Program, Span, Until};

/// Reads them into the program.
pub fn extras(
    context: Context<'_>,
    section: &mut Section<'_>,
    names: &Expansions,
    program: &mut Program,
    places: &mut ProgramPlaces,
) {
    let mut written = Vec::new();
    if let Some(value) = depends_on(section, names) {
        written.push(key("depends_on", value));
    } else if let Some(value) = wait_for(section, names, program) {
        written.push(key("depends_on", value));
    }
    if let Some(value) = ready_check(context, section, names) {
        written.push(key("ready", value));
    }
    let mut keys = Keys::new(SectionKind::Program, &written, section.problems);
    depends::dependencies(context, &mut keys, program, places);
    ready::ready(context, &mut keys, program, places);
}

fn key(name: &str, value: RawValue) -> RawKey {
    RawKey { name: name.to_owned(), span: value.span, value }
}

fn text(text: &str, span: Span) -> RawValue {
    RawValue { span, data: RawData::Text(text.to_owned()) }
}

/// A value in run.toml's notation; its parts all have the place of the whole.
fn as_toml(section: &mut Section<'_>, name: &str, text: &str) -> Option<RawValue> {
    let span = section.span(name);
    let source = format!("[program.x]\n{name} = {text}\n");
    let source = Source { file: span.file, text: &source, request: section.request, beside: &BTreeMap::new() };
    let parsed = (format::toml::FORMAT.parse)(&source);
    let value = parsed.raw.sections.into_iter().flat_map(|section| section.keys).map(|key| key.value).next();
    if let Some(value) = value.filter(|_| parsed.problems.is_empty()) {
        return Some(moved(value, span));
    }
    let why = parsed.problems.into_iter().next().map(|problem| problem.message).unwrap_or_default();
    section.push(Diagnostic::error("wrong-value", format!("`{name}` cannot be read")).at(span, why));
    None
}

fn moved(value: RawValue, span: Span) -> RawValue {
    let moved_keys = |keys: Vec<RawKey>| {
        let key = |key: RawKey| RawKey { span, value: moved(key.value, span), ..key };
        keys.into_iter().map(key).collect()
    };
    let data = match value.data {
        RawData::List(items) => RawData::List(items.into_iter().map(|item| moved(item, span)).collect()),
        RawData::Table(keys) => RawData::Table(moved_keys(keys)),
        data @ (RawData::Text(_)
        | RawData::Integer(_)
        | RawData::Float(_)
        | RawData::Boolean(_)
        | RawData::Datetime(_)) => data,
    };
    RawValue { span, data }
}

/// One edge: `{ name, until }`.
fn edge(name: &str, until: Option<&str>, span: Span) -> RawValue {
    let keys = [Some(key("name", text(name, span))), until.map(|until| key("until", text(until, span)))];
    RawValue { span, data: RawData::Table(keys.into_iter().flatten().collect()) }
}

fn depends_on(section: &mut Section<'_>, names: &Expansions) -> Option<RawValue> {
    let written = section.text("depends_on", names)?;
    if written.trim_start().starts_with('[') {
        return as_toml(section, "depends_on", &written);
    }
    let span = section.span("depends_on");
    let entries = written.split([',', ' ', '\n', '\t']).filter(|entry| !entry.is_empty());
    let entry = |entry: &str| match entry.rsplit_once(':') {
        Some((name, until)) => edge(name, Some(until), span),
        None => edge(entry, None, span),
    };
    Some(RawValue { span, data: RawData::List(entries.map(entry).collect()) })
}

/// `dependent_startup_wait_for = db:running migrate:exited`. With `dependent_startup` the listener of that name starts programs that
/// say autostart=false; the graph does it here.
fn wait_for(section: &mut Section<'_>, names: &Expansions, program: &mut Program) -> Option<RawValue> {
    if !section.read("dependent_startup", names, value::boolean).unwrap_or(false) {
        return None;
    }
    program.autostart = true;
    let name = "dependent_startup_wait_for";
    let written = section.text(name, names)?;
    let span = section.span(name);
    let mut edges = Vec::new();
    for entry in written.split_whitespace() {
        let (needed, states) = entry.split_once(':').unwrap_or((entry, "RUNNING"));
        match until(&states.to_uppercase()) {
            Some(until) => edges.push(edge(needed, Some(until.as_str()), span)),
            None => section.push(
                Diagnostic::warning("useless-key", format!("`{entry}` is not waited for"))
                    .at(span, "STARTING, RUNNING and EXITED can be"),
            ),
        }
    }
    Some(RawValue { span, data: RawData::List(edges) })
}

/// The first of the states, in the order in which a process goes through them, that can be waited for.
fn until(states: &str) -> Option<Until> {
    let known = [("STARTING", Until::Started), ("RUNNING", Until::Ready), ("EXITED", Until::Exited)];
    known.into_iter().find(|(state, _)| states.split(',').any(|word| word == *state)).map(|(_, until)| until)
}

/// `ready = tcp 5432`: the kind, and its value.
fn ready_check(context: Context<'_>, section: &mut Section<'_>, names: &Expansions) -> Option<RawValue> {
    let written = section.text("ready", names)?;
    let written = written.trim();
    if written.starts_with('{') {
        return as_toml(section, "ready", written);
    }
    let span = section.span("ready");
    let (kind, rest) = written.split_once(char::is_whitespace).unwrap_or((written, ""));
    if !context.vocabulary.probes.iter().any(|probe| probe.name == kind) {
        let kinds: Vec<&str> = context.vocabulary.probes.iter().map(|probe| probe.name).collect();
        section.wrong("ready", &format!("it begins with one of {}", kinds.join(", ")));
        return None;
    }
    let rest = rest.trim();
    let data = match (kind, rest.parse()) {
        ("notify", _) if rest.is_empty() => RawData::Boolean(true),
        ("tcp", Ok(port)) => RawData::Integer(port),
        _ => RawData::Text(rest.to_owned()),
    };
    Some(RawValue { span, data: RawData::Table(vec![key(kind, RawValue { span, data })]) })
}
