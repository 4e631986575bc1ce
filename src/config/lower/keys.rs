//! The keys of one section, read by name and type; what does not fit becomes a mistake and leaves the default.

use crate::config::lower::value::{Read, Wrong, kind_of};
use crate::config::raw::{RawData, RawKey, RawValue};
use crate::config::{suggest, unknown};
use crate::model::options::{self, OptionKind, SectionKind};
use crate::model::units::{parse_octal, parse_truth};
use crate::model::{Diagnostic, Span};

/// Reads keys of a section.
#[derive(Debug)]
pub struct Keys<'a> {
    /// Whose keys.
    pub section: SectionKind,
    written: &'a [RawKey],
    /// Where mistakes go.
    pub problems: &'a mut Vec<Diagnostic>,
}

impl<'a> Keys<'a> {
    /// The keys of a section of this kind.
    pub fn new(section: SectionKind, keys: &'a [RawKey], problems: &'a mut Vec<Diagnostic>) -> Self {
        Self { section, written: keys, problems }
    }

    /// The value of a key, if it is there.
    pub fn value(&self, name: &str) -> Option<&'a RawValue> {
        self.written.iter().find(|key| key.name == name).map(|key| &key.value)
    }

    /// The place of a key's value.
    pub fn span(&self, name: &str) -> Option<Span> {
        self.value(name).map(|value| value.span)
    }

    /// Reads a key.
    pub fn read<T>(&mut self, name: &str, reader: impl FnOnce(&'a RawValue) -> Read<T>) -> Option<T> {
        let value = self.value(name)?;
        match reader(value) {
            Ok(read) => Some(read),
            Err(wrong) => {
                self.problems.push(complaint(name, self.kind(name), value, &wrong));
                None
            }
        }
    }

    /// Reads a key into the place of its default.
    pub fn set<T>(&mut self, name: &str, reader: impl FnOnce(&'a RawValue) -> Read<T>, slot: &mut T) {
        if let Some(read) = self.read(name, reader) {
            *slot = read;
        }
    }

    /// Reads a whole number in the range that the table gives.
    pub fn number<T: TryFrom<i64>>(&mut self, name: &str) -> Option<T> {
        let (low, high) = match self.kind(name) {
            Some(OptionKind::Integer(low, high)) => (low, high),
            _ => (i64::MIN, i64::MAX),
        };
        let number = self.read(name, |value| super::value::integer(value, low, high))?;
        T::try_from(number).ok()
    }

    fn kind(&self, name: &str) -> Option<OptionKind> {
        options::find(self.section, name).map(|option| option.kind)
    }
}

/// The mistake of a value that does not fit its option.
pub fn complaint(name: &str, kind: Option<OptionKind>, value: &RawValue, wrong: &Wrong) -> Diagnostic {
    let takes = kind.map(|kind| kind.to_string()).unwrap_or_default();
    let problem = misfit(name, &takes, value, wrong);
    match kind.and_then(|kind| instead(name, kind, &value.data)) {
        Some(instead) => problem.help(format!("write {name} = {instead}")),
        None => problem,
    }
}

/// A value in the words of another tool, or in the wrong kind of quotes, as the option takes it.
fn instead(name: &str, kind: OptionKind, data: &RawData) -> Option<String> {
    match (kind, data) {
        (OptionKind::BooleanOr(_), RawData::Text(word)) if name == "autorestart" => {
            let known = ["no", "never", "false", "always", "unless-stopped", "yes", "true", "on-failure", "on_failure"];
            known.contains(&word.as_str()).then(|| unknown::autorestart(word).to_owned())
        }
        (OptionKind::Boolean | OptionKind::BooleanOr(_), RawData::Text(word)) => {
            parse_truth(word).map(|truth| truth.to_string())
        }
        (OptionKind::Boolean | OptionKind::BooleanOr(_), RawData::Integer(number @ (0 | 1))) => {
            Some((*number == 1).to_string())
        }
        (OptionKind::Integer(low, high), RawData::Text(text)) => {
            let number = text.trim().parse::<i64>().ok().filter(|number| (low..=high).contains(number))?;
            Some(number.to_string())
        }
        (OptionKind::ExitCodes, RawData::Text(text)) => {
            let codes: Option<Vec<u8>> = text.split(',').map(|code| code.trim().parse().ok()).collect();
            codes.map(|codes| format!("{codes:?}"))
        }
        (OptionKind::Names, RawData::Text(text)) => {
            let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
            (!names.is_empty()).then(|| format!("{names:?}"))
        }
        (OptionKind::Octal, RawData::Integer(number)) => {
            parse_octal(&number.to_string()).map(|_| format!("\"0{number}\""))
        }
        (OptionKind::Ready, RawData::Text(url)) if url.starts_with("http://") => Some(format!("{{ http = {url:?} }}")),
        (OptionKind::Ready, RawData::Text(path)) if path.starts_with('/') => Some(format!("{{ http = {path:?} }}")),
        (OptionKind::Ready, RawData::Text(command)) if command.contains(' ') => {
            Some(format!("{{ exec = {command:?} }}"))
        }
        (OptionKind::Ready, RawData::Integer(port)) => Some(format!("{{ tcp = {port} }}")),
        (OptionKind::Signal, RawData::Text(word)) => {
            let near = suggest::closest(word.trim_start_matches("SIG"), SIGNALS);
            near.first().map(|name| format!("\"{name}\""))
        }
        _ => None,
    }
}

/// The signals that somebody asks a program to stop with.
const SIGNALS: [&str; 8] = ["TERM", "INT", "HUP", "QUIT", "KILL", "USR1", "USR2", "WINCH"];

/// The same for keys that are not in the table (inside of `ready` and of `depends_on`).
pub fn misfit(name: &str, takes: &str, value: &RawValue, wrong: &Wrong) -> Diagnostic {
    match wrong {
        Wrong::Type => Diagnostic::error("wrong-type", format!("`{name}` takes {takes}"))
            .at(value.span, format!("this is {}", kind_of(&value.data))),
        Wrong::Value(label) if label.is_empty() => {
            Diagnostic::error("wrong-value", format!("`{name}` cannot have this value"))
                .at(value.span, format!("expected {takes}"))
        }
        Wrong::Value(label) => {
            Diagnostic::error("wrong-value", format!("`{name}` cannot have this value")).at(value.span, label.clone())
        }
    }
}
