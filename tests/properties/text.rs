//! Properties of everything that reads a text of the user's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use run::codec::{ini, shlex, yaml as documents};
use run::config::expand::Holes;
use run::config::facts::FileFact;
use run::config::lower::supervisord::expansion::{self, Expansions};
use run::config::procfile::{self as procfiles, ProcfileOptions};
use run::config::request::{Request, Vocabulary};
use run::config::testing::load_supposing;
use run::config::{Loaded, dotenv as env_files, expand};
use run::model::{Diagnostics, Span};
use run::ui::report;

/// Reads bytes as the loader does; what is no UTF-8 is another property's business.
fn text_of(data: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(data)
}

/// supervisord's dialect: spans lie in the text, and what was read can be written and read again.
pub(crate) fn ini(data: &[u8]) {
    let text = text_of(data);
    let read = ini::parse(&text);
    for section in &read.sections {
        assert!(text.get(section.span.clone()).is_some());
        for entry in &section.entries {
            assert!(text.get(entry.key_span.clone()).is_some() && text.get(entry.value_span.clone()).is_some());
        }
    }
    assert!(read.errors.iter().all(|error| text.get(error.span.clone()).is_some()));
    // Where a comment begins depends on the signs before it, so what holds one of them cannot be written in another place.
    let may_hold_comments = |entry: &ini::Entry| entry.key.contains([';', '#']) || entry.value.contains([';', '#']);
    if read.errors.is_empty() && !read.sections.iter().flat_map(|section| &section.entries).any(may_hold_comments) {
        assert_eq!(plain(&ini::parse(&printed(&read))), plain(&read));
    }
}

fn printed(ini: &ini::Ini) -> String {
    let mut text = String::new();
    for section in &ini.sections {
        let _ = writeln!(text, "[{}]", section.name);
        for entry in &section.entries {
            let _ = writeln!(text, "{}={}", entry.key, entry.value.replace('\n', "\n  "));
        }
    }
    text
}

/// Names and values without places.
fn plain(ini: &ini::Ini) -> Vec<(&str, Vec<(&str, &str)>)> {
    ini.sections
        .iter()
        .map(|section| {
            let entries = section.entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_str()));
            (section.name.as_str(), entries.collect())
        })
        .collect()
}

/// Words as Python's shlex cuts them: what is quoted comes back as it was.
pub(crate) fn shlex(data: &[u8]) {
    let text = text_of(data);
    if let Ok(words) = shlex::split(&text) {
        assert!(words.iter().map(String::len).sum::<usize>() <= text.len());
        let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', "'\"'\"'"))).collect();
        assert_eq!(shlex::split(&quoted.join(" ")), Ok(words));
    }
    if let Ok(pairs) = shlex::pairs(&text) {
        let names: BTreeSet<&String> = pairs.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), pairs.len());
    }
}

/// `${…}`: mistakes lie in the text, text without a dollar sign stays as it is, and what was read can be written and read again.
pub(crate) fn template(data: &[u8]) {
    let text = text_of(data);
    for holes in [Holes::All, Holes::Dotted] {
        match expand::parse(&text, holes) {
            Ok(template) if !text.contains('$') => assert_eq!(template.as_literal(), Some(&*text)),
            Ok(template) if !text.contains("$$") => {
                assert_eq!(expand::parse(&template.to_string(), holes), Ok(template));
            }
            Ok(_) => {}
            Err(errors) => {
                assert!(!errors.is_empty() && errors.iter().all(|error| text.get(error.range.clone()).is_some()));
            }
        }
    }
}

/// `%(…)s`: mistakes lie in the text, and a text whose percent signs are doubled comes out as it was.
pub(crate) fn percent(data: &[u8]) {
    let text = text_of(data);
    let mut names = Expansions::default();
    names.text("here", "/here");
    names.number("process_num", 7);
    if let Err(error) = expansion::expand(&text, &names) {
        assert!(text.get(error.range).is_some());
    }
    assert_eq!(expansion::expand(&text.replace('%', "%%"), &names).as_deref(), Ok(&*text));
}

/// `.env`: no name twice, mistakes have a line of the text, and values come back out of single quotes.
pub(crate) fn dotenv(data: &[u8]) {
    let text = text_of(data);
    let outer = BTreeMap::from([("HOME".to_owned(), "/home/me".to_owned())]);
    let read = env_files::parse(&text, &outer);
    let names: BTreeSet<&String> = read.pairs.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), read.pairs.len());
    let lines = text.lines().count();
    assert!(read.problems.iter().all(|problem| (1..=lines).contains(&problem.line)));
    let mut pairs = read.pairs;
    pairs.retain(|(_, value)| !value.contains(['\'', '\n', '\r']));
    let printed = pairs.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name}='{value}'");
        text
    });
    let again = env_files::parse(&printed, &outer);
    assert_eq!((again.pairs, again.problems), (pairs, Vec::new()));
}

/// A Procfile: every place lies in the text.
pub(crate) fn procfile(data: &[u8]) {
    let text = text_of(data);
    let (raw, problems) = procfiles::parse(&ProcfileOptions::default(), 0, &text);
    let lies_inside = |span: Span| text.get(span.start..span.end).is_some();
    for section in &raw.sections {
        assert!(lies_inside(section.span));
        assert!(section.keys.iter().all(|key| lies_inside(key.span) && lies_inside(key.value.span)));
    }
    assert!(problems.iter().flat_map(|problem| &problem.labels).all(|label| lies_inside(label.span)));
}

/// A run.toml becomes a project or a report, always the same one.
pub(crate) fn toml(data: &[u8]) {
    load_as("run.toml", data);
}

/// A supervisord.conf becomes a project or a report, always the same one.
pub(crate) fn conf(data: &[u8]) {
    load_as("supervisord.conf", data);
}

fn load_as(name: &str, data: &[u8]) {
    let root = Path::new("/project");
    let request = Request {
        root: root.to_owned(),
        files: vec![root.join(name)],
        fallback_name: "project".to_owned(),
        ..Request::default()
    };
    let loaded = settle(&request, data);
    let diagnostics = match &loaded {
        Loaded::Project(_, diagnostics) => {
            assert!(!diagnostics.has_errors());
            diagnostics
        }
        Loaded::Refused(diagnostics) => {
            assert!(diagnostics.has_errors());
            diagnostics
        }
        Loaded::Needs(_) => unreachable!("the facts were given"),
    };
    assert_inside(diagnostics);
    report::human(diagnostics, true);
    report::json(diagnostics);
    assert_eq!(settle(&request, data), loaded);
}

fn assert_inside(diagnostics: &Diagnostics) {
    for label in diagnostics.list.iter().flat_map(|problem| &problem.labels) {
        let source = &diagnostics.sources[label.span.file];
        assert!(source.text.get(label.span.start..label.span.end).is_some());
    }
}

/// Loads in a world where the config is there, no other file is, and every directory and command.
fn settle(request: &Request, data: &[u8]) -> Loaded {
    let file = |path: &Path| match path {
        _ if path == request.files[0] => FileFact::Bytes(data.to_vec()),
        _ => FileFact::Missing,
    };
    load_supposing(request, &Vocabulary { probes: run::probe::KINDS }, file).0
}

/// YAML, of which configs to import are made: read or refused with a line of the text.
pub(crate) fn yaml(data: &[u8]) {
    let text = text_of(data);
    if let Err(error) = documents::parse(&text) {
        assert!(error.line <= text.split(['\n', '\r']).count() + 1, "{error}");
    }
}
