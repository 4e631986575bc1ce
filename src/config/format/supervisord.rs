//! supervisord.conf: every value a text as it stands, nothing expanded. `[kind:name]` is a section of that kind and name.

use super::{ConfigFormat, Parsed, Source, nothing};
use crate::codec::ini::{self, Entry, IniError, IniErrorKind};
use crate::config::raw::{RawData, RawKey, RawProject, RawSection, RawValue};
use crate::model::{Diagnostic, Dialect, Span};

/// The row of [`super::FORMATS`].
pub const FORMAT: ConfigFormat =
    ConfigFormat { name: "supervisord.conf", endings: &[".conf", ".ini"], beside: &[], parse };

fn parse(source: &Source<'_>) -> Parsed {
    let ini = ini::parse(source.text);
    let section = |section: ini::Section| {
        let (kind, name) = match section.name.split_once(':') {
            Some((kind, name)) => (kind.to_owned(), Some(name.to_owned())),
            None => (section.name, None),
        };
        let keys = section.entries.into_iter().map(|entry| key(source.file, entry)).collect();
        RawSection { kind, name, span: Span::new(source.file, section.span), keys }
    };
    let raw = RawProject { sections: ini.sections.into_iter().map(section).collect(), ..nothing(Dialect::Supervisord) };
    let problems: Vec<Diagnostic> = ini.errors.iter().map(|error| problem(source.file, error)).collect();
    Parsed { raw, is_torn: !problems.is_empty(), problems }
}

fn key(file: usize, entry: Entry) -> RawKey {
    let (span, value_span) = (Span::new(file, entry.key_span), Span::new(file, entry.value_span));
    // An empty value has no place of its own to be shown at.
    let value_span = if value_span.start == value_span.end { span } else { value_span };
    RawKey { name: entry.key, span, value: RawValue { span: value_span, data: RawData::Text(entry.value) } }
}

fn problem(file: usize, error: &IniError) -> Diagnostic {
    let problem = Diagnostic::error("syntax", format!("this line is not supervisord's format: {}", error.kind));
    let label = match error.kind {
        IniErrorKind::BeforeSections => "a [section] has to come first",
        IniErrorKind::NotAnOption => "expected option = value; a value that goes on has to be indented",
        IniErrorKind::NoName => "expected option = value",
    };
    problem.at(Span::new(file, error.span.clone()), label)
}

/// Puts a directory in the place of `%(here)s`, textually, as the original does once it has read a file (supervisor `options.py`
/// `UnhosedConfigParser.expand_here`).
pub fn expand_here(raw: &mut RawProject, here: &str) {
    for key in raw.sections.iter_mut().flat_map(|section| &mut section.keys) {
        if let RawData::Text(text) = &mut key.value.data
            && text.contains("%(here)s")
        {
            *text = text.replace("%(here)s", here);
        }
    }
}
