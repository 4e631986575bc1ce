//! Config mistakes on the terminal, in the look of rustc, and as JSON.

use std::fmt::Write;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::model::{Diagnostic, Diagnostics, Label, Severity, SourceFile, Span};

/// The version of the JSON that [`json`] makes.
pub const SCHEMA: u32 = 1;

/// All mistakes for a person, one after the other with a blank line between them; ends with a newline unless there are none.
pub fn human(diagnostics: &Diagnostics, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let reports = diagnostics.list.iter().map(|diagnostic| one(diagnostic, &diagnostics.sources, &renderer));
    reports.collect::<Vec<_>>().join("\n")
}

/// `2 errors, 1 warning`, for the line below the reports.
pub fn summary(diagnostics: &Diagnostics) -> String {
    let count = |severity| diagnostics.list.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let words = [(count(Severity::Error), "error"), (count(Severity::Warning), "warning")];
    let say = |(count, word): (usize, &str)| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{count} {word}s")),
    };
    words.into_iter().filter_map(say).collect::<Vec<_>>().join(", ")
}

/// One mistake. Each place stands under its own arrow, in the order in which it is told: a circle reads edge by edge.
fn one(diagnostic: &Diagnostic, sources: &[SourceFile], renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.clone().primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let places: Vec<Snippet<'_, _>> = diagnostic
        .labels
        .iter()
        .filter_map(|label| {
            let source = sources.get(label.span.file)?;
            let annotation = AnnotationKind::Primary.span(visible(source, label.span));
            let text = Some(label.text.as_str()).filter(|text| !text.is_empty());
            Some(Snippet::source(&source.text).path(&source.name).annotation(annotation.label(text)))
        })
        .collect();
    let mut groups = vec![Group::with_title(title)];
    for (at, place) in places.into_iter().enumerate() {
        if at == 0 {
            groups[0] = groups[0].clone().element(place);
        } else {
            groups.push(Group::with_level(level.clone()).element(place));
        }
    }
    let mut text = String::new();
    for line in renderer.render(&groups).lines().filter(|line| !is_rail(line)) {
        text.push_str(line);
        text.push('\n');
    }
    for line in &diagnostic.help {
        text.push_str(&renderer.render(&[Group::with_title(Level::HELP.secondary_title(line.as_str()))]));
        text.push('\n');
    }
    text
}

/// All mistakes for an agent: each with its places, and without the lines of the file, which may hold secrets.
pub fn for_agents(diagnostics: &Diagnostics) -> String {
    let told = report(diagnostics).diagnostics.into_iter().map(|entry| {
        let word = match entry.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut text = format!("{word}[{}]: {}\n", entry.code, entry.message);
        for Place { file, line, column, label, .. } in entry.place.iter().chain(&entry.related) {
            let _ = writeln!(text, " --> {file}:{line}:{column}");
            if !label.is_empty() {
                let _ = writeln!(text, "  {label}");
            }
        }
        for help in entry.help {
            let _ = writeln!(text, "help: {help}");
        }
        text
    });
    told.collect::<Vec<_>>().join("\n")
}

/// All mistakes in one line: what, where, what is written there, and what to type instead.
pub fn in_one_line(diagnostics: &Diagnostics) -> String {
    let place = |label: &Label| {
        let source = diagnostics.sources.get(label.span.file)?;
        let (line, column) = source.position(label.span.start);
        let written = source.text.get(label.span.start..label.span.end).unwrap_or_default();
        let label = if label.text.is_empty() { String::new() } else { format!(": {}", label.text) };
        Some(format!(" ({}:{line}:{column}, `{written}`{label})", source.name))
    };
    let told = diagnostics.list.iter().map(|Diagnostic { message, labels, help, .. }| {
        let help = help.iter().map(|help| format!("; {help}"));
        format!("{message}{}", labels.iter().filter_map(place).chain(help).collect::<String>())
    });
    told.collect::<Vec<_>>().join("; ").replace('\n', " ")
}

/// The same from a text that [`human`] has made without colour: what is not of it stays as it is.
pub fn without_source(text: &str) -> String {
    let told = text.split_inclusive('\n').filter_map(|line| {
        let is_gutter = |gutter: &str| gutter.ends_with(' ') && gutter.trim().bytes().all(|c| c.is_ascii_digit());
        let Some((gutter, rest)) = line.split_once('|').filter(|(gutter, _)| is_gutter(gutter)) else {
            return Some(line.to_owned());
        };
        let label = rest.trim_start_matches([' ', '^']);
        (gutter.trim().is_empty() && !label.trim().is_empty()).then(|| format!("  {label}"))
    });
    told.collect()
}

/// The first mistake of such a text in one line: ``unknown key `prot` (run.toml:3:1)``; `None` when it tells of none.
pub fn first_mistake(text: &str) -> Option<String> {
    let mut lines = text.lines();
    let (_, message) = lines.next().filter(|line| line.starts_with("error"))?.split_once(": ")?;
    let place = lines.next().and_then(|line| line.trim_start().strip_prefix("--> "));
    Some(place.map_or_else(|| message.to_owned(), |place| format!("{message} ({place})")))
}

/// A line of the frame that shows nothing: a lone `|`, whatever its colour.
fn is_rail(line: &str) -> bool {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default();
    let rest = parts.map(|part| part.split_once('m').map_or("", |(_, rest)| rest));
    std::iter::once(first).chain(rest).collect::<String>().trim() == "|"
}

/// A span that can be drawn: within the text, on character boundaries, and on its first line only.
fn visible(source: &SourceFile, span: Span) -> std::ops::Range<usize> {
    let text = source.text.as_str();
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (floor(span.start), floor(span.end));
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    start..end.clamp(start, line_end.max(start))
}

/// All mistakes for a program.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// [`SCHEMA`].
    pub schema: u32,
    /// One for each mistake.
    pub diagnostics: Vec<Entry<'a>>,
}

/// One mistake. The place is that of the first label; lines and columns count from 1, columns in characters.
#[derive(Debug, Serialize)]
pub struct Entry<'a> {
    /// Short stable name.
    pub code: &'a str,
    /// `error` or `warning`.
    pub severity: Severity,
    /// One sentence.
    pub message: &'a str,
    /// The main place, if it has one.
    #[serde(flatten)]
    pub place: Option<Place<'a>>,
    /// Further places.
    pub related: Vec<Place<'a>>,
    /// What to type instead.
    pub help: &'a [String],
}

/// A place and the words under it.
#[derive(Debug, Serialize)]
pub struct Place<'a> {
    /// As the user would name it.
    pub file: &'a str,
    /// Of its first character.
    pub line: usize,
    /// Of its first character.
    pub column: usize,
    /// One past its last character.
    pub end: End,
    /// The words; may be empty.
    pub label: &'a str,
}

/// Where a place ends.
#[derive(Debug, Serialize)]
pub struct End {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Mistakes as data.
pub fn report(diagnostics: &Diagnostics) -> Report<'_> {
    Report {
        schema: SCHEMA,
        diagnostics: diagnostics.list.iter().map(|one| entry(one, &diagnostics.sources)).collect(),
    }
}

/// Mistakes as one line of JSON.
///
/// # Panics
/// Never: texts and numbers always become JSON.
pub fn json(diagnostics: &Diagnostics) -> String {
    serde_json::to_string(&report(diagnostics)).expect("texts and numbers always become JSON")
}

fn entry<'a>(diagnostic: &'a Diagnostic, sources: &'a [SourceFile]) -> Entry<'a> {
    let mut places = diagnostic.labels.iter().filter_map(|label| {
        let source = sources.get(label.span.file)?;
        let (line, column) = source.position(label.span.start);
        let (end_line, end_column) = source.position(label.span.end);
        let end = End { line: end_line, column: end_column };
        Some(Place { file: &source.name, line, column, end, label: &label.text })
    });
    let place = places.next();
    let related = places.collect();
    let Diagnostic { code, severity, message, help, .. } = diagnostic;
    Entry { code, severity: *severity, message, place, related, help }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Diagnostics {
        let text = "[program.api]\ndependson = [\"db\"]\n\n\n\ndepends_on = [\"ü\"]\n".to_owned();
        let sources = vec![SourceFile { name: "run.toml".to_owned(), text }];
        let list = vec![
            Diagnostic::error("unknown-key", "`dependson` is not a key of [program.api]")
                .at(Span::new(0, 14..23), "did you mean `depends_on`?")
                .help("depends_on = [\"db\"]"),
            Diagnostic::warning("no-place", "nothing to show").help("first").help("second"),
            Diagnostic::error("two", "two places").at(Span::new(0, 50..54), "later").at(Span::new(0, 9..12), "earlier"),
        ];
        Diagnostics { sources, list }
    }

    #[test]
    fn all_mistakes_stand_in_one_line() {
        assert_eq!(
            in_one_line(&sample()),
            "`dependson` is not a key of [program.api] (run.toml:2:1, `dependson`: did you mean `depends_on`?); depends_on = [\"db\"]; \
             nothing to show; first; second; two places (run.toml:6:15, `\"ü\"`: later) (run.toml:1:10, `api`: earlier)"
        );
    }

    #[test]
    fn every_place_is_shown_with_its_line_underlined() {
        let expected = [
            "error[unknown-key]: `dependson` is not a key of [program.api]",
            " --> run.toml:2:1",
            "2 | dependson = [\"db\"]",
            "  | ^^^^^^^^^ did you mean `depends_on`?",
            "help: depends_on = [\"db\"]",
            "",
            "warning[no-place]: nothing to show",
            "help: first",
            "help: second",
            "",
            "error[two]: two places",
            " --> run.toml:6:15",
            "6 | depends_on = [\"ü\"]",
            "  |               ^^^ later",
            " --> run.toml:1:10",
            "1 | [program.api]",
            "  |          ^^^ earlier",
            "",
        ];
        assert_eq!(human(&sample(), false), expected.join("\n"));
    }

    #[test]
    fn colour_adds_escapes_and_nothing_else() {
        let coloured = human(&sample(), true);
        assert!(coloured.contains("\u{1b}["));
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = after.split_once('m').map_or("", |(_, rest)| rest);
        }
        assert_eq!(plain + rest, human(&sample(), false));
    }

    #[test]
    fn agents_get_everything_but_the_lines_of_the_file() {
        let expected = [
            "error[unknown-key]: `dependson` is not a key of [program.api]",
            " --> run.toml:2:1",
            "  did you mean `depends_on`?",
            "help: depends_on = [\"db\"]",
            "",
            "warning[no-place]: nothing to show",
            "help: first",
            "help: second",
            "",
            "error[two]: two places",
            " --> run.toml:6:15",
            "  later",
            " --> run.toml:1:10",
            "  earlier",
            "",
        ];
        assert_eq!(for_agents(&sample()), expected.join("\n"));
        assert_eq!(without_source(&human(&sample(), false)), expected.join("\n"));
        assert_eq!(without_source("error: the port | 80 is taken\n"), "error: the port | 80 is taken\n");
    }

    #[test]
    fn json_counts_columns_in_characters() {
        let value: serde_json::Value = serde_json::from_str(&json(&sample())).unwrap();
        let list = value["diagnostics"].as_array().unwrap();
        assert_eq!(value["schema"], 1);
        assert_eq!(list[0]["line"], 2);
        assert_eq!(list[0]["severity"], "error");
        assert_eq!(list[1]["file"], serde_json::Value::Null);
        assert_eq!((&list[2]["column"], &list[2]["end"]["column"]), (&15.into(), &18.into()));
        assert_eq!(list[2]["related"][0]["label"], "earlier");
    }

    #[test]
    fn spans_outside_of_the_text_do_not_hurt() {
        let sources = vec![SourceFile { name: "x".to_owned(), text: "ü".to_owned() }];
        for range in [0..0, 1..1, 0..99, 99..99, 2..2] {
            let list = vec![Diagnostic::error("x", "y").at(Span::new(0, range.clone()), "z")];
            let report = human(&Diagnostics { sources: sources.clone(), list }, false);
            assert!(report.contains("error[x]: y"), "{range:?}");
        }
    }
}
