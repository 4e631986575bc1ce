//! Places in the texts: what stands there, and how a message names them.

use crate::model::{SourceFile, Span};

/// The source text of a place.
pub fn text_at(sources: &[SourceFile], span: Span) -> Option<&str> {
    sources.get(span.file)?.text.get(span.start..span.end)
}

/// The place of a part of a value: exact where the value stands in the file as it is, else the whole value.
pub fn within(sources: &[SourceFile], span: Span, part: &str) -> Span {
    let found = text_at(sources, span).and_then(|text| text.find(part)).filter(|_| !part.is_empty());
    found.map_or(span, |at| Span { start: span.start + at, end: span.start + at + part.len(), ..span })
}

/// `run.toml:3`.
pub fn line(sources: &[SourceFile], span: Span) -> String {
    let name = |source: &SourceFile| format!("{}:{}", source.name, source.position(span.start).0);
    sources.get(span.file).map(name).unwrap_or_default()
}
