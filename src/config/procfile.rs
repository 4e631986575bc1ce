//! Reads a Procfile, in foreman's meaning, as if a run.toml with one program a line had been written.
//!
//! Each line becomes a section `program` with these keys: `command` (for `sh -c`, as it stands), `port` (PORT of its first
//! instance: not a promise that anything listens there, so no ready check follows from it), and where they differ from the
//! default `numprocs`, `autostart` (false when the formation says 0), `directory` and `stopwaitsecs`.

mod defaults;

use std::collections::BTreeMap;

pub use self::defaults::{ProcfileDefaults, read_foreman, read_overmind};
use crate::config::raw::{RawData, RawKey, RawProject, RawSection, RawValue};
use crate::model::program::MOST_INSTANCES;
use crate::model::{Diagnostic, Dialect, Span};

/// PORT of the first line, when nobody says otherwise (foreman `engine.rb` `base_port`).
const BASE_PORT: u16 = 5000;
/// From line to line (foreman `engine.rb` `port_for`).
const PORT_STEP: u16 = 100;

/// What decides about a Procfile beside its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcfileOptions {
    /// `--port`: where PORT begins.
    pub base_port: Option<u16>,
    /// `-m all=1,web=2`; empty when it was not given.
    pub formation: Vec<(String, u32)>,
    /// What `.foreman` and `.overmind.env` say.
    pub defaults: ProcfileDefaults,
    /// PORT as `.env` has it.
    pub env_file_port: Option<String>,
    /// PORT of the shell.
    pub shell_port: Option<String>,
}

/// A formation that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormationError {
    /// Not `name=count`.
    #[error("`{0}` is not NAME=COUNT, as in `all=1,web=2`")]
    Shape(String),
    /// The count is not a small whole number.
    #[error("`{0}` has to count from 0 to {MOST_INSTANCES}")]
    Count(String),
}

/// Reads `all=1,web=2`. `all` means every program that is not named; without it, those are not started.
pub fn parse_formation(text: &str) -> Result<Vec<(String, u32)>, FormationError> {
    let pair = |pair: &str| {
        let (name, count) = pair.split_once('=').ok_or_else(|| FormationError::Shape(pair.to_owned()))?;
        let (name, count) = (name.trim(), count.trim());
        if name.is_empty() {
            return Err(FormationError::Shape(pair.to_owned()));
        }
        match count.parse() {
            Ok(number) if number <= MOST_INSTANCES => Ok((name.to_owned(), number)),
            Ok(_) | Err(_) => Err(FormationError::Count(pair.to_owned())),
        }
    };
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(pair).collect()
}

/// Reads a Procfile. `file` is its index among the sources of the diagnostics. What could be read is returned together with
/// everything that is wrong.
pub fn parse(options: &ProcfileOptions, file: usize, text: &str) -> (RawProject, Vec<Diagnostic>) {
    let (entries, mut diagnostics) = entries(file, text);
    let formation = Formation::new(options);
    diagnostics.extend(formation.unknown_names(&entries));
    let (base, warning) = base_port(options);
    diagnostics.extend(warning);
    let step = options.defaults.port_step.unwrap_or(PORT_STEP);
    let ports: Vec<Option<u16>> =
        (0..).zip(&entries).map(|(place, entry)| port(base, step, place, formation.count(entry.name))).collect();
    diagnostics.extend(without_port(&entries, &ports));
    let sections =
        entries.iter().zip(ports).map(|(entry, port)| section(entry, port, &formation, &options.defaults)).collect();
    let top = env_files(&options.defaults, Span::new(file, 0..0));
    (RawProject { dialect: Dialect::Procfile, top, sections }, diagnostics)
}

/// One line that describes a program.
struct Entry<'t> {
    name: &'t str,
    name_span: Span,
    command: &'t str,
    command_span: Span,
}

/// Gathers the entries and everything that is none.
fn entries(file: usize, text: &str) -> (Vec<Entry<'_>>, Vec<Diagnostic>) {
    let mut entries = Vec::new();
    let mut diagnostics = Vec::new();
    let mut places: BTreeMap<&str, Span> = BTreeMap::new();
    let mut start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    for line in text[start..].split_inclusive('\n') {
        let read = read_line(file, start, line);
        start += line.len();
        let entry = match read {
            None => continue,
            Some(Ok(entry)) => entry,
            Some(Err(diagnostic)) => {
                diagnostics.push(diagnostic);
                continue;
            }
        };
        if let Some(first) = places.get(entry.name) {
            diagnostics.push(twice(&entry, *first));
        } else {
            places.insert(entry.name, entry.name_span);
            entries.push(entry);
        }
    }
    (entries, diagnostics)
}

fn twice(entry: &Entry<'_>, first: Span) -> Diagnostic {
    Diagnostic::error("duplicate", format!("`{}` is there twice", entry.name))
        .at(entry.name_span, "the second")
        .at(first, "the first")
        .help("give one of them another name; for several of the same: run up -m NAME=2")
}

/// Reads one line; `None` for a comment or a blank one.
fn read_line(file: usize, start: usize, line: &str) -> Option<Result<Entry<'_>, Diagnostic>> {
    let text = line.trim();
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let offset = |part: &str| start + (part.as_ptr().addr() - line.as_ptr().addr());
    let span = |part: &str| Span::new(file, offset(part)..offset(part) + part.len());
    let named = line.split_once(':').filter(|(name, _)| is_name(name));
    let Some((name, command)) = named else {
        return Some(Err(Diagnostic::error("bad-line", "a line has to be `name: command`")
            .at(span(text), "")
            .help(line_help(line))));
    };
    let command = command.trim();
    if command.is_empty() || command.starts_with('#') {
        return Some(Err(Diagnostic::error("missing-command", format!("`{name}` has no command"))
            .at(span(name), "nothing to run")
            .help("write the command on the same line, or a `#` before the name")));
    }
    if command.contains('\0') {
        return Some(Err(Diagnostic::error("bad-value", format!("the command of `{name}` holds a NUL character"))
            .at(span(name), "no system can pass this to a program")));
    }
    Some(Ok(Entry { name, name_span: span(name), command, command_span: span(command) }))
}

/// Letters, digits, `_`, `-` and `.`.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// What to write instead of a line that is no entry.
fn line_help(line: &str) -> &'static str {
    let text = line.trim();
    match text.split_once(':') {
        Some((name, _)) if is_name(name) => "a name begins at the very start of its line",
        Some((name, _)) if is_name(name.trim()) => "the colon follows the name at once",
        _ if text.split_once('=').is_some_and(|(name, _)| is_name(name)) => "variables belong into the file .env",
        Some(_) => "a name has letters, digits, `_`, `-` and `.`",
        None => "a command is one line; a comment begins with `#`",
    }
}

/// How many of each, and who says so.
struct Formation<'a> {
    counts: &'a [(String, u32)],
    said_by: &'a str,
}

impl<'a> Formation<'a> {
    fn new(options: &'a ProcfileOptions) -> Self {
        if options.formation.is_empty() {
            Self { counts: &options.defaults.formation, said_by: options.defaults.formation_from }
        } else {
            Self { counts: &options.formation, said_by: "-m" }
        }
    }

    /// The number of instances; 0 when it is not to be started.
    fn count(&self, name: &str) -> u32 {
        let of = |wanted: &str| self.counts.iter().rev().find(|(name, _)| name == wanted).map(|(_, count)| *count);
        let unnamed = u32::from(self.counts.is_empty());
        of(name).or_else(|| of("all")).unwrap_or(unnamed).min(MOST_INSTANCES)
    }

    fn unknown_names(&self, entries: &[Entry<'_>]) -> Vec<Diagnostic> {
        let is_known = |name: &str| name == "all" || entries.iter().any(|entry| entry.name == name);
        let unknown = self.counts.iter().filter(|(name, _)| !is_known(name));
        unknown
            .map(|(name, _)| {
                let message = format!("{} counts `{name}`, which the Procfile does not have", self.said_by);
                Diagnostic::error("unknown-program", message).help(known_names(name, entries))
            })
            .collect()
    }
}

/// The name that was probably meant, else all of them.
fn known_names(wanted: &str, entries: &[Entry<'_>]) -> String {
    let names = || entries.iter().map(|entry| entry.name);
    let near = names()
        .map(|name| (strsim::damerau_levenshtein(wanted, name), name))
        .filter(|(distance, name)| distance * 3 <= name.chars().count().max(3))
        .min();
    match near {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None if entries.is_empty() => "it has no programs".to_owned(),
        None => format!("it has {}", names().collect::<Vec<_>>().join(", ")),
    }
}

/// Where PORT begins: `--port`, the defaults' files, `.env`, the shell, else 5000.
fn base_port(options: &ProcfileOptions) -> (u16, Option<Diagnostic>) {
    if let Some(port) = options.base_port.or(options.defaults.port) {
        return (port, None);
    }
    let mut warning = None;
    for (place, text) in [(".env", &options.env_file_port), ("the shell", &options.shell_port)] {
        let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { continue };
        if let Ok(port @ 1..) = text.parse() {
            return (port, warning);
        }
        let message = format!("PORT of {place} is not a port number, so it does not decide where ports begin");
        warning = warning.or(Some(Diagnostic::warning("bad-value", message)));
    }
    (BASE_PORT, warning)
}

/// PORT of the first instance of a line, if there is room for those of all its instances.
fn port(base: u16, step: u16, place: u32, count: u32) -> Option<u16> {
    let first = u32::from(base).checked_add(place.checked_mul(u32::from(step))?)?;
    let last = first.checked_add(count.saturating_sub(1))?;
    u16::try_from(last).ok().and(u16::try_from(first).ok())
}

/// Says who gets no PORT because the numbers are used up.
fn without_port(entries: &[Entry<'_>], ports: &[Option<u16>]) -> Option<Diagnostic> {
    let mut without = entries.iter().zip(ports).filter(|(_, port)| port.is_none()).map(|(entry, _)| entry);
    let first = without.next()?;
    let message = match without.count() {
        0 => format!("`{}` gets no PORT: it would be above 65535", first.name),
        more => format!("`{}` and {more} more get no PORT: it would be above 65535", first.name),
    };
    Some(Diagnostic::warning("port-range", message).at(first.name_span, "").help("begin lower: run up --port 5000"))
}

fn section(entry: &Entry<'_>, port: Option<u16>, formation: &Formation<'_>, defaults: &ProcfileDefaults) -> RawSection {
    let count = formation.count(entry.name);
    let given = |name: &str, data| key(name, entry.name_span, data);
    let keys = [
        Some(key("command", entry.command_span, RawData::Text(entry.command.to_owned()))),
        port.map(|port| given("port", RawData::Integer(port.into()))),
        (count > 1).then(|| given("numprocs", RawData::Integer(count.into()))),
        (count == 0).then(|| given("autostart", RawData::Boolean(false))),
        defaults
            .root
            .clone()
            .map(|root| key("directory", defaults.root_span.unwrap_or(entry.name_span), RawData::Text(root))),
        defaults.timeout.map(|seconds| given("stopwaitsecs", RawData::Integer(seconds.into()))),
    ];
    RawSection {
        kind: "program".to_owned(),
        name: Some(entry.name.to_owned()),
        span: entry.name_span,
        keys: keys.into_iter().flatten().collect(),
    }
}

/// The key `env_file`, when other files than the usual one were named.
fn env_files(defaults: &ProcfileDefaults, span: Span) -> Vec<RawKey> {
    if defaults.env_files.is_empty() {
        return Vec::new();
    }
    let span = defaults.env_span.unwrap_or(span);
    let file = |(path, is_optional): &(String, bool)| {
        let table =
            vec![key("path", span, RawData::Text(path.clone())), key("optional", span, RawData::Boolean(*is_optional))];
        RawValue { span, data: RawData::Table(table) }
    };
    vec![key("env_file", span, RawData::List(defaults.env_files.iter().map(file).collect()))]
}

/// A key whose name and value stand at one place.
fn key(name: &str, span: Span, data: RawData) -> RawKey {
    RawKey { name: name.to_owned(), span, value: RawValue { span, data } }
}

#[cfg(test)]
mod tests;
