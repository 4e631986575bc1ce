//! One section, option by option: a text, expanded, and what it is read as. What does not fit is a mistake and leaves the default.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::lower::settings;
use crate::config::lower::supervisord::expansion::Expansions;
use crate::config::lower::supervisord::names;
use crate::config::lower::supervisord::value::{self, Read};
use crate::config::raw::{RawKey, RawSection};
use crate::config::request::Request;
use crate::model::conf_options::{self, ConfSection};
use crate::model::{Diagnostic, SourceFile, Span};

/// Reads the options of a section.
#[derive(Debug)]
pub struct Section<'a> {
    /// What kind it is.
    pub kind: ConfSection,
    /// As written.
    pub raw: &'a RawSection,
    /// The options of `[DEFAULT]`.
    pub of_all: &'a [RawKey],
    /// What was asked for.
    pub request: &'a Request,
    /// The texts.
    pub sources: &'a [SourceFile],
    /// Where mistakes go. One that is there already is not told again.
    pub problems: &'a mut Vec<Diagnostic>,
}

impl<'a> Section<'a> {
    /// An option as written.
    pub fn key(&self, name: &str) -> Option<&'a RawKey> {
        self.raw.keys.iter().chain(self.of_all).find(|key| key.name == name)
    }

    /// The place of an option's value; without the option, that of the section.
    pub fn span(&self, name: &str) -> Span {
        self.key(name).map_or(self.raw.span, |key| key.value.span)
    }

    /// `[program:web]`.
    pub fn title(&self) -> String {
        title(self.raw)
    }

    /// Notes a mistake, unless it is noted already: every instance of a program reads the same options.
    pub fn push(&mut self, problem: Diagnostic) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// An option's text, not expanded.
    pub fn written(&self, name: &str) -> Option<&'a str> {
        self.key(name)?.value.data.as_text()
    }

    /// Expands a text that stands in an option.
    pub fn expanded(&mut self, name: &str, text: &str, names: &Expansions) -> Option<String> {
        let mut problems = Vec::new();
        let expanded = names::expanded(name, text, self.span(name), names, self.sources, &mut problems);
        for problem in problems {
            self.push(problem);
        }
        expanded
    }

    /// An option's text, expanded.
    pub fn text(&mut self, name: &str, names: &Expansions) -> Option<String> {
        let text = self.written(name)?;
        if text.contains('\0') {
            self.wrong(name, "a NUL byte cannot be handed on");
            return None;
        }
        self.expanded(name, text, names)
    }

    /// Reads an option.
    pub fn read<T>(&mut self, name: &str, names: &Expansions, reader: impl FnOnce(&str) -> Read<T>) -> Option<T> {
        let text = self.text(name, names)?;
        match reader(&text) {
            Ok(read) => Some(read),
            Err(why) => {
                self.wrong(name, why);
                None
            }
        }
    }

    /// Reads an option into the place of its default.
    pub fn set<T>(&mut self, name: &str, names: &Expansions, reader: impl FnOnce(&str) -> Read<T>, slot: &mut T) {
        if let Some(read) = self.read(name, names, reader) {
            *slot = read;
        }
    }

    /// Reads a path.
    pub fn path(&mut self, name: &str, names: &Expansions) -> Option<PathBuf> {
        let text = self.text(name, names)?;
        Some(absolute(self.request, &text))
    }

    /// Reads a number of seconds; below zero is zero.
    pub fn seconds(&mut self, name: &str, names: &Expansions) -> Option<Duration> {
        self.read(name, names, value::seconds)
    }

    /// Says that a value does not fit; without a reason, what the option takes.
    pub fn wrong(&mut self, name: &str, why: &str) {
        let takes = conf_options::find(self.kind, name).map(|option| format!("expected {}", option.kind));
        let label = if why.is_empty() { takes.unwrap_or_default() } else { why.to_owned() };
        let problem = Diagnostic::error("wrong-value", format!("`{name}` cannot have this value"));
        self.push(problem.at(self.span(name), label));
    }

    /// Says that an option has to be there.
    pub fn missing(&mut self, name: &str) {
        let takes = conf_options::find(self.kind, name).map(|option| option.kind.to_string()).unwrap_or_default();
        let problem = Diagnostic::error("missing-key", format!("{} has no `{name}`", self.title()));
        self.push(problem.at(self.raw.span, format!("add {name} = {takes}")));
    }
}

/// The head of a section as it is written.
pub fn title(section: &RawSection) -> String {
    match &section.name {
        Some(name) => format!("[{}:{name}]", section.kind),
        None => format!("[{}]", section.kind),
    }
}

/// A path, made absolute: `~` is the home of whoever starts us. Relative ones begin at the main file, and for supervisord's own command
/// where that was started.
pub fn absolute(request: &Request, path: &str) -> PathBuf {
    absolute_from(request.as_supervisord.as_ref().map_or(&request.root, |asked| &asked.started_in), request, path)
}

/// [`absolute`], with another beginning of relative paths.
pub fn absolute_from(base: &Path, request: &Request, path: &str) -> PathBuf {
    let home = request.shell.get("HOME").filter(|_| path == "~" || path.starts_with("~/"));
    let path = home.map_or_else(|| path.to_owned(), |home| format!("{home}{}", &path[1..]));
    settings::absolute(base, &path)
}
