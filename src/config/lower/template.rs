//! Values with `${…}` holes, and the note of where each one stands, for the checks of what the holes name.

use crate::config::expand::{self, Holes};
use crate::config::lower::value::{Read, text};
use crate::config::place::within;
use crate::config::raw::RawValue;
use crate::model::template::Part;
use crate::model::{Diagnostic, SourceFile, Span, Template};

/// A template with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The template.
    pub template: Template,
    /// The place of the whole value.
    pub span: Span,
    /// How many of the entries of the same environment stand before it; `None` for values that see the whole environment.
    pub earlier: Option<usize>,
}

/// Reads a string with holes. A broken hole is a mistake of its own and leaves the text as it stands.
pub fn read(value: &RawValue, holes: Holes, sources: &[SourceFile], problems: &mut Vec<Diagnostic>) -> Read<Template> {
    Ok(parse(&text(value)?, value.span, holes, sources, problems))
}

/// Reads a text with holes that stands in `span`.
pub fn parse(text: &str, span: Span, holes: Holes, sources: &[SourceFile], problems: &mut Vec<Diagnostic>) -> Template {
    match expand::parse(text, holes) {
        Ok(template) => template,
        Err(errors) => {
            for error in errors {
                let part = text.get(error.range.clone()).unwrap_or_default();
                let problem = Diagnostic::error("bad-expansion", error.message.clone());
                problems.push(problem.at(within(sources, span, part), "here"));
            }
            Template::literal(text)
        }
    }
}

/// Puts text before a template.
pub fn prefixed(text: &str, template: Template) -> Template {
    let mut parts = vec![Part::Text(text.to_owned())];
    for part in template.parts {
        match (parts.last_mut(), part) {
            (Some(Part::Text(front)), Part::Text(text)) => front.push_str(&text),
            (_, part) => parts.push(part),
        }
    }
    Template { parts }
}

/// `HOST:${PORT}` and what follows: the program's own main port, also under `numprocs`.
pub fn own_port(before: &str, after: &str) -> Template {
    let mut parts = vec![Part::Text(before.to_owned()), Part::Variable("PORT".to_owned())];
    if !after.is_empty() {
        parts.push(Part::Text(after.to_owned()));
    }
    Template { parts }
}
