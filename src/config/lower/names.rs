//! What is defined: programs, tasks and groups share one name space, because dependencies and commands name all three.

use std::collections::BTreeMap;

use crate::config::place::line;
use crate::config::raw::{RawProject, RawSection};
use crate::config::suggest;
use crate::model::name::name_problem;
use crate::model::options::SectionKind;
use crate::model::supervisord::Extension;
use crate::model::{Diagnostic, Kind, SourceFile, Span};

/// The word of a section whose program serves a namespace.
pub const EXTENSION: &str = SectionKind::RpcInterface.word();

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A program or a task.
    Program(Kind),
    /// A group: its members as written, with their places.
    Group(Vec<(String, Span)>),
}

impl Named {
    /// The word of its section.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Program(Kind::Program) => "program",
            Self::Program(Kind::Task) => "task",
            Self::Group(_) => "group",
        }
    }
}

/// All names, with their places.
#[derive(Debug, Default)]
pub struct Names {
    by_name: BTreeMap<String, (Named, Span)>,
    /// The group that a program is in, with its place in the group's list.
    membership: BTreeMap<String, (String, Span)>,
}

impl Names {
    /// Collects the names of a project; bad and doubled ones are mistakes.
    pub fn collect(raw: &RawProject, problems: &mut Vec<Diagnostic>) -> Self {
        let mut names = Self::default();
        for section in &raw.sections {
            let Some(name) = &section.name else { continue };
            let Some(what) = kind_of(section) else { continue };
            if let Some(problem) = name_problem(name) {
                problems.push(Diagnostic::error("bad-name", problem).at(section.span, "this name"));
            }
            let name = if section.kind == EXTENSION { Extension::program_name(name) } else { name.clone() };
            if let Some((other, first)) = names.by_name.get(&name) {
                problems.push(doubled(&name, &what, section.span, other, *first));
            } else {
                names.join(&name, &what, problems);
                names.by_name.insert(name, (what, section.span));
            }
        }
        names
    }

    /// Adds a name; the place of the one that has it already, if any.
    pub fn define(&mut self, name: &str, named: Named, span: Span) -> Option<Span> {
        if let Some((_, first)) = self.by_name.get(name) {
            return Some(*first);
        }
        self.by_name.insert(name.to_owned(), (named, span));
        None
    }

    /// Notes who is in a group.
    fn join(&mut self, group: &str, named: &Named, problems: &mut Vec<Diagnostic>) {
        let Named::Group(members) = named else { return };
        for (member, span) in members {
            if let Some((other, first)) = self.membership.insert(member.clone(), (group.to_owned(), *span)) {
                let message = if other == group {
                    format!("group {group} lists {member} twice")
                } else {
                    format!("{member} is in two groups, {other} and {group}")
                };
                problems.push(Diagnostic::error("duplicate", message).at(*span, "again").at(first, "first here"));
            }
        }
    }

    /// Finds a name.
    pub fn get(&self, name: &str) -> Option<&Named> {
        self.by_name.get(name).map(|(named, _)| named)
    }

    /// Whether the section at this place is the one that keeps the name.
    pub fn is_first(&self, name: &str, span: Span) -> bool {
        self.by_name.get(name).is_some_and(|(_, first)| *first == span)
    }

    /// The group of a program: one that lists it, else its own.
    pub fn group_of(&self, program: &str) -> String {
        self.membership.get(program).map_or(program, |(group, _)| group).to_owned()
    }

    /// What may have been meant by an unknown name, for the label: "did you mean `postgres` (run.toml:3)?".
    pub fn did_you_mean(&self, word: &str, sources: &[SourceFile]) -> String {
        let found: Vec<String> = suggest::closest(word, self.by_name.keys().map(String::as_str))
            .into_iter()
            .filter_map(|name| self.by_name.get_key_value(name))
            .map(|(name, (named, span))| match named {
                Named::Program(Kind::Program) => format!("`{name}` ({})", line(sources, *span)),
                Named::Program(Kind::Task) | Named::Group(_) => {
                    format!("{} `{name}` ({})", named.word(), line(sources, *span))
                }
            })
            .collect();
        match found.as_slice() {
            [] if self.by_name.is_empty() => "nothing is defined".to_owned(),
            [] => {
                let known: Vec<&str> = self.by_name.keys().map(String::as_str).take(12).collect();
                let more = if self.by_name.len() > known.len() { ", …" } else { "" };
                format!("defined are {}{more}", known.join(", "))
            }
            found => format!("did you mean {}?", suggest::list(found, "or")),
        }
    }
}

/// What a section defines.
fn kind_of(section: &RawSection) -> Option<Named> {
    match section.kind.as_str() {
        "program" | "eventlistener" | "fcgi-program" | EXTENSION => Some(Named::Program(Kind::Program)),
        "task" => Some(Named::Program(Kind::Task)),
        "group" => Some(Named::Group(members(section))),
        _ => None,
    }
}

/// The names in a group's `programs`; whether the list is as it should be is looked at elsewhere.
fn members(section: &RawSection) -> Vec<(String, Span)> {
    let Some(programs) = section.keys.iter().find(|key| key.name == "programs") else { return Vec::new() };
    let items = programs.value.data.as_list().unwrap_or_default();
    items.iter().filter_map(|item| Some((item.data.as_text()?.to_owned(), item.span))).collect()
}

fn doubled(name: &str, named: &Named, span: Span, other: &Named, first: Span) -> Diagnostic {
    let message = if named.word() == other.word() {
        format!("two {}s are called `{name}`", named.word())
    } else {
        format!("a {} and a {} are both called `{name}`", other.word(), named.word())
    };
    Diagnostic::error("duplicate", message)
        .at(span, "again")
        .at(first, "first here")
        .help("programs, tasks and groups share one name space: rename one")
}
