//! `[include] files=`: patterns with blanks between them, relative to the main file, expanded first.

use std::path::Path;

use crate::codec::ini::DEFAULTS;
use crate::config::facts::World;
use crate::config::lower::supervisord::names::{self, HOST};
use crate::config::raw::{RawProject, RawSection};
use crate::config::request::Request;
use crate::model::{Diagnostic, SourceFile, Span};

/// What `[include]` says: the patterns, all with one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// Relative ones against the directory of the main file.
    pub patterns: Vec<String>,
    /// The place of the list.
    pub span: Span,
}

/// Takes `[include]` out of a file.
pub fn take_section(raw: &mut RawProject) -> Option<RawSection> {
    let at = raw.sections.iter().position(|section| section.kind == "include" && section.name.is_none())?;
    Some(raw.sections.remove(at))
}

/// Takes `[include]` out of the main file and reads it. Its option may stand in `[DEFAULT]`, too.
pub fn take(
    raw: &mut RawProject,
    request: &Request,
    world: &mut World<'_>,
    sources: &[SourceFile],
    problems: &mut Vec<Diagnostic>,
) -> Option<Include> {
    let section = take_section(raw)?;
    let of_all = raw.sections.iter().filter(|section| section.kind == DEFAULTS).flat_map(|section| &section.keys);
    let Some(key) = section.keys.iter().chain(of_all).find(|key| key.name == "files") else {
        let problem = Diagnostic::error("missing-key", "[include] has no `files`");
        problems.push(problem.at(section.span, "expected files = conf.d/*.conf"));
        return Some(Include { patterns: Vec::new(), span: section.span });
    };
    let (text, span) = (key.value.data.as_text().unwrap_or_default(), key.value.span);
    let mut known = names::at_start(request);
    if text.contains(HOST) {
        known.text(HOST, world.node_name().unwrap_or_default());
    }
    let text = names::expanded("files", text, span, &known, sources, problems).unwrap_or_default();
    Some(Include { patterns: text.split_whitespace().map(ToOwned::to_owned).collect(), span })
}

/// A pattern that matches nothing; the original only notes it in its log, in these words (supervisor `options.py` `read_include_config`).
pub fn no_match(pattern: &Path, span: Span) -> Diagnostic {
    Diagnostic::warning("include", format!("No file matches via include \"{}\"", pattern.display()))
        .at(span, "included here")
}

/// An `[include]` in an included file.
pub fn not_followed(section: &RawSection) -> Diagnostic {
    Diagnostic::warning("include", "[include] in an included file is not followed")
        .at(section.span, "supervisord does not either")
}
