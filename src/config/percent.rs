//! supervisord's `%(…)s`, which means nothing in run.toml: what to write instead.

use crate::config::place::within;
use crate::config::raw::{RawData, RawKey, RawProject, RawValue};
use crate::model::{Diagnostic, Dialect, SourceFile, Span};

/// supervisord's expansions and what stands for them here. Others, such as Python's `%(message)s`, are the command's own.
const EXPANSIONS: &[(&str, &str)] = &[
    ("program_name", "the shell's $RUN_PROGRAM"),
    ("group_name", "the name itself"),
    ("process_num", "the shell's $RUN_INSTANCE"),
    ("numprocs", "the number itself"),
    ("here", "a path relative to this file's directory"),
    ("host_node_name", "the shell's $(hostname)"),
];

/// Where that would not be expanded either.
const PROCESS_NAME: (&str, &str) = ("process_name", "one name for all: with several instances, `_0`, `_1` … is added");

/// Finds them in all values of a run.toml.
pub fn check(raw: &RawProject, sources: &[SourceFile], problems: &mut Vec<Diagnostic>) {
    if raw.dialect == Dialect::Native {
        let values = raw.top.iter().chain(raw.sections.iter().flat_map(|section| &section.keys));
        values.for_each(|key| check_percent(key, &key.value, sources, problems));
    }
}

/// `%(here)s` and its kin in any string of a value.
fn check_percent(key: &RawKey, value: &RawValue, sources: &[SourceFile], problems: &mut Vec<Diagnostic>) {
    match &value.data {
        RawData::Text(text) => problems.extend(percent(key, text, value.span, sources)),
        RawData::List(items) => items.iter().for_each(|item| check_percent(key, item, sources, problems)),
        RawData::Table(keys) => keys.iter().for_each(|key| check_percent(key, &key.value, sources, problems)),
        RawData::Integer(_) | RawData::Float(_) | RawData::Boolean(_) | RawData::Datetime(_) => {}
    }
}

fn percent(key: &RawKey, text: &str, span: Span, sources: &[SourceFile]) -> Option<Diagnostic> {
    let (hole, instead) = text.match_indices("%(").find_map(|(at, _)| {
        let inside = text[at + 2..].split_once(')')?.0;
        let hole = text.get(at..at + inside.len() + 4)?;
        let instead = match inside.strip_prefix("ENV_") {
            Some(variable) => format!("${{{variable}}}"),
            None => EXPANSIONS.iter().find(|(name, _)| *name == inside)?.1.to_owned(),
        };
        let instead = if key.name == PROCESS_NAME.0 { PROCESS_NAME.1.to_owned() } else { instead };
        Some((hole, instead))
    })?;
    let problem = Diagnostic::error("percent-expansion", format!("`{hole}` means nothing in run.toml"));
    Some(problem.at(within(sources, span, hole), format!("write {instead}")))
}
