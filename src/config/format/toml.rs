//! run.toml: TOML with places. All syntax errors are collected.

mod syntax;

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{ConfigFormat, Parsed, Source};
use crate::config::raw::{RawData, RawKey, RawProject, RawSection, RawValue};
use crate::model::{Diagnostic, Dialect, Span};

/// The row of [`super::FORMATS`].
pub const FORMAT: ConfigFormat = ConfigFormat { name: "run.toml", endings: &[".toml"], beside: &[], parse };

fn parse(source: &Source<'_>) -> Parsed {
    let (root, errors) = DeTable::parse_recoverable(source.text);
    let mut reader = Reader { file: source.file, problems: Vec::new() };
    let mut raw = reader.project(root.get_ref());
    let mut syntax = syntax_errors(source, &errors);
    if let Some(open) = unclosed(source, &errors).then(|| opening(&raw, &syntax)).flatten() {
        // Everything behind it was read as if it stood in the list: what is wrong there says nothing.
        syntax.retain(|problem| problem.labels.first().is_some_and(|label| label.span.start < open.start));
        syntax.push(not_closed(source, open));
        forget(&mut raw, open);
    }
    if let Some(other) = syntax::another_language(source.text) {
        syntax.truncate(1);
        for problem in &mut syntax {
            problem.help = vec![other.to_owned()];
        }
    }
    reader.problems.extend(syntax);
    let is_torn = errors.iter().any(|error| error.message() != DUPLICATE);
    Parsed { raw, problems: reader.problems, is_torn }
}

struct Reader {
    file: usize,
    problems: Vec<Diagnostic>,
}

impl Reader {
    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, range)
    }

    /// Tables at the top are sections: `[environment]` one of its own, `[program]` one for each table in it.
    fn project(&mut self, root: &DeTable<'_>) -> RawProject {
        let mut raw = super::nothing(Dialect::Native);
        for (key, value) in in_file_order(root) {
            match value.get_ref() {
                DeValue::Table(table) => self.sections(key, table, &mut raw.sections),
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_) => raw.top.extend(self.key(key, value)),
            }
        }
        raw.sections.sort_by_key(|section| section.span.start);
        raw
    }

    fn sections(
        &mut self,
        kind: &Spanned<std::borrow::Cow<'_, str>>,
        table: &DeTable<'_>,
        sections: &mut Vec<RawSection>,
    ) {
        let has_names = !table.is_empty() && table.iter().all(|(_, value)| value.get_ref().is_table());
        let is_named = |value: &Spanned<DeValue<'_>>| {
            value.get_ref().is_table() && (has_names || !value.get_ref().as_table().is_some_and(DeTable::is_empty))
        };
        let (named, own): (Vec<_>, Vec<_>) = in_file_order(table).into_iter().partition(|(_, value)| is_named(value));
        if !own.is_empty() || named.is_empty() {
            let keys = own.into_iter().filter_map(|(key, value)| self.key(key, value)).collect();
            let (kind_name, span) = (kind.get_ref().to_string(), self.span(kind.span()));
            sections.push(RawSection { kind: kind_name, name: None, span, keys });
        }
        for (name, value) in named {
            let keys = value.get_ref().as_table().map(|table| self.keys(table)).unwrap_or_default();
            let (kind, name, span) = (kind.get_ref().to_string(), name.get_ref().to_string(), self.span(name.span()));
            sections.push(RawSection { kind, name: Some(name), span, keys });
        }
    }

    fn keys(&mut self, table: &DeTable<'_>) -> Vec<RawKey> {
        in_file_order(table).into_iter().filter_map(|(key, value)| self.key(key, value)).collect()
    }

    fn key(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<RawKey> {
        let value = self.value(value)?;
        Some(RawKey { name: key.get_ref().to_string(), span: self.span(key.span()), value })
    }

    /// `None` for a number that no option could hold.
    fn value(&mut self, value: &Spanned<DeValue<'_>>) -> Option<RawValue> {
        let span = self.span(value.span());
        let data = match value.get_ref() {
            DeValue::String(text) => RawData::Text(text.to_string()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => RawData::Integer(number),
                Err(_) => return self.too_large(span),
            },
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => RawData::Float(number),
                Err(_) => return self.too_large(span),
            },
            DeValue::Boolean(truth) => RawData::Boolean(*truth),
            DeValue::Datetime(time) => RawData::Datetime(time.to_string()),
            DeValue::Array(items) => RawData::List(items.iter().filter_map(|item| self.value(item)).collect()),
            DeValue::Table(table) => RawData::Table(self.keys(table)),
        };
        Some(RawValue { span, data })
    }

    fn too_large(&mut self, span: Span) -> Option<RawValue> {
        self.problems.push(Diagnostic::error("wrong-value", "this number is too large").at(span, "no option takes it"));
        None
    }
}

/// The crate keeps tables by name; the file's order is in the places of the keys.
fn in_file_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// What the parser says of a key or section that was there before.
const DUPLICATE: &str = "duplicate key";

/// How it begins when a string in double quotes is wrong.
const STRING: &str = "invalid basic string";

/// The errors that say something of their own. A list or table that is not closed swallows what follows, and every line of it is
/// an error then: the first is told. So are the keys of a section that is there twice.
fn syntax_errors(source: &Source<'_>, errors: &[toml::de::Error]) -> Vec<Diagnostic> {
    let place = |error: &&toml::de::Error| error.span().map_or(source.text.len(), |span| span.start);
    let first_inside = errors
        .iter()
        .filter(|error| is_inside(error))
        .map(|error| place(&error))
        .min()
        .filter(|_| unclosed(source, errors));
    let mut told: Vec<&toml::de::Error> = errors.iter().collect();
    told.sort_by_key(place);
    told.retain(|error| first_inside.is_none_or(|first| place(error) <= first));
    let span_start = |error: &toml::de::Error| place(&error);
    // A carriage return at the end of an open string is a mistake of its own to the parser.
    let mut string_end: Option<usize> = None;
    let mut doubled_section: Option<Range<usize>> = None;
    let mut problems = Vec::new();
    for error in told {
        let span = error.span().unwrap_or(source.text.len()..source.text.len());
        if error.message() == DUPLICATE {
            let since = doubled_section.as_ref().and_then(|section| source.text.get(section.end..span.start));
            if since.is_some_and(|between| !between.contains("\n[")) {
                continue;
            }
            doubled_section = is_header(source.text, span.start).then_some(span);
        }
        if !string_end.is_some_and(|end| error.message().starts_with(STRING) && span_start(error) <= end + 1) {
            problems.push(syntax_error(source, error));
        }
        string_end = error.message().starts_with(STRING).then(|| span_start(error));
    }
    problems
}

/// Whether an error is about the inside of a list or of an inline table.
fn is_inside(error: &toml::de::Error) -> bool {
    error.message().contains("array") || error.message().contains("inline table")
}

/// Whether a list or an inline table runs to the end of the text.
fn unclosed(source: &Source<'_>, errors: &[toml::de::Error]) -> bool {
    let at_end = |error: &toml::de::Error| error.span().is_none_or(|span| span.end >= source.text.trim_end().len());
    errors.iter().any(|error| is_inside(error) && error.message().starts_with("unclosed") && at_end(error))
}

/// A list or an inline table that runs to the end of the text.
fn not_closed(source: &Source<'_>, open: Span) -> Diagnostic {
    let (what, bracket) = if source.text[open.start..].starts_with('{') { ("table", '}') } else { ("list", ']') };
    Diagnostic::error("syntax", format!("this is not TOML: a {what} is not closed"))
        .at(open, format!("no `{bracket}` follows"))
}

/// The first character of the list or table that is open at the last mistake: the last one that began before it.
fn opening(raw: &RawProject, problems: &[Diagnostic]) -> Option<Span> {
    let at = problems.last()?.labels.first()?.span.start;
    let keys = raw.top.iter().chain(raw.sections.iter().flat_map(|section| &section.keys));
    let open =
        keys.filter(|key| key.value.span.start < at && matches!(key.value.data, RawData::List(_) | RawData::Table(_)));
    let span = open.map(|key| key.value.span).max_by_key(|span| span.start)?;
    Some(Span { end: span.start + 1, ..span })
}

/// Takes out the key whose value swallowed what followed it.
fn forget(raw: &mut RawProject, open: Span) {
    let is_other = |key: &RawKey| key.value.span.start != open.start;
    raw.top.retain(is_other);
    raw.sections.iter_mut().for_each(|section| section.keys.retain(is_other));
}

/// Whether the line of an offset is a section's head.
fn is_header(text: &str, offset: usize) -> bool {
    line_start(text, offset).1.trim_start().starts_with('[')
}

/// A syntax error as a mistake; for a duplicate with the place of the first one.
fn syntax_error(source: &Source<'_>, error: &toml::de::Error) -> Diagnostic {
    let span = error.span().unwrap_or(source.text.len()..source.text.len());
    if error.message() != DUPLICATE {
        let help = syntax::what_to_write(source.text, span.start, error.message());
        let problem = Diagnostic::error("syntax", format!("this is not TOML: {}", error.message()))
            .at(Span::new(source.file, span), "");
        return help.into_iter().fold(problem, Diagnostic::help);
    }
    let name = source.text.get(span.clone()).unwrap_or_default();
    let what = if is_header(source.text, span.start) { "this section" } else { "this key" };
    Diagnostic::error("duplicate", format!("{what} is there twice: `{name}`"))
        .at(Span::new(source.file, span.clone()), "again")
        .at_opt(first_place(source.text, &span).map(|first| Span::new(source.file, first)), "first here")
        .help("merge the two, or rename one")
}

/// Start of the line of an offset, and the line.
fn line_start(text: &str, offset: usize) -> (usize, &str) {
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    (start, text[start..].lines().next().unwrap_or_default())
}

/// Where a duplicate stood first. The parser knows it but does not tell: the text before the duplicate is read again, with a
/// mark at its end that shows which section the duplicate is in.
fn first_place(text: &str, duplicate: &Range<usize>) -> Option<Range<usize>> {
    const MARK: &str = "\u{1}mark";
    let (start, line) = line_start(text, duplicate.start);
    let before = format!("{}\n\"\\u0001mark\" = 0\n", &text[..start]);
    let (before, _) = DeTable::parse_recoverable(&before);
    let upto = format!("{}\n", line.get(..duplicate.end - start)?);
    let is_header = line.trim_start().starts_with('[');
    let own = if is_header { format!("{}]", upto.trim_end()) } else { format!("{} = 0", upto.trim_end()) };
    let (own, _) = DeTable::parse_recoverable(&own);
    let context = if is_header { Some(before.get_ref()) } else { table_with(before.get_ref(), MARK) }?;
    let found = follow(context, own.get_ref());
    found.filter(|range| range.end <= start).or_else(|| nearest(text, duplicate))
}

/// The table that holds a key, at any depth.
fn table_with<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<&'t DeTable<'i>> {
    if table.contains_key(key) {
        return Some(table);
    }
    table.iter().find_map(|(_, value)| table_with(value.get_ref().as_table()?, key))
}

/// Goes down `table` by the names of a table that has one key at each level; the place of the last.
fn follow(table: &DeTable<'_>, names: &DeTable<'_>) -> Option<Range<usize>> {
    let (name, rest) = names.iter().next()?;
    let (key, value) = table.get_key_value(name.get_ref().as_ref())?;
    match rest.get_ref().as_table().filter(|rest| !rest.is_empty()) {
        Some(rest) => follow(value.get_ref().as_table()?, rest),
        None => Some(key.span()),
    }
}

/// Inside an inline table: the last place before it where the same word stands.
fn nearest(text: &str, duplicate: &Range<usize>) -> Option<Range<usize>> {
    let name = text.get(duplicate.clone())?;
    let at = text[..duplicate.start].rfind(name)?;
    Some(at..at + name.len())
}
