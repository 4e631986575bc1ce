//! The defaults that a Procfile's directory may hold for other tools: `.foreman` and `.overmind.env`.

use std::collections::BTreeMap;

use super::{FormationError, parse_formation};
use crate::config::dotenv;
use crate::model::{Diagnostic, Span};

/// What the two files say, as far as it concerns us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcfileDefaults {
    /// The Procfile to read instead of the usual one.
    pub procfile: Option<String>,
    /// Where the programs run.
    pub root: Option<String>,
    /// The env files instead of the usual one, and whether each may be missing. Later ones win.
    pub env_files: Vec<(String, bool)>,
    /// Where PORT begins.
    pub port: Option<u16>,
    /// How far PORT goes on from line to line.
    pub port_step: Option<u16>,
    /// How many of each.
    pub formation: Vec<(String, u32)>,
    /// Which file the formation is from.
    pub formation_from: &'static str,
    /// Seconds from the polite signal to SIGKILL.
    pub timeout: Option<u32>,
    /// The line that says `root`.
    pub root_span: Option<Span>,
    /// The line that names env files.
    pub env_span: Option<Span>,
}

impl ProcfileDefaults {
    /// Fills what this one leaves open from another one.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let (formation, formation_from) = if self.formation.is_empty() {
            (other.formation, other.formation_from)
        } else {
            (self.formation, self.formation_from)
        };
        let root_span = if self.root.is_some() { self.root_span } else { other.root_span };
        let env_span = if self.env_files.is_empty() { other.env_span } else { self.env_span };
        Self {
            root_span,
            env_span,
            procfile: self.procfile.or(other.procfile),
            root: self.root.or(other.root),
            env_files: if self.env_files.is_empty() { other.env_files } else { self.env_files },
            port: self.port.or(other.port),
            port_step: self.port_step.or(other.port_step),
            formation,
            formation_from,
            timeout: self.timeout.or(other.timeout),
        }
    }
}

/// One setting and its place.
struct Setting<'t> {
    name: &'t str,
    value: &'t str,
    span: Span,
}

/// Reads `.foreman`: the options of its command line as flat YAML (foreman `cli.rb` `options`). Options that are not about
/// what runs, such as `color`, are left alone. `file` is its index among the sources.
pub fn read_foreman(file: usize, text: &str) -> (ProcfileDefaults, Vec<Diagnostic>) {
    let mut defaults = ProcfileDefaults::default();
    let mut diagnostics = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let setting = yaml_setting(file, start, line);
        start += line.len();
        let Some(setting) = setting else { continue };
        let done = match setting.name {
            "procfile" => keep(&mut defaults.procfile, Ok(setting.value.to_owned())),
            "root" => {
                defaults.root_span = Some(setting.span);
                keep(&mut defaults.root, Ok(setting.value.to_owned()))
            }
            "port" => keep(&mut defaults.port, port(setting.value)),
            "timeout" => keep(&mut defaults.timeout, seconds(setting.value)),
            "env" => {
                (defaults.env_files, defaults.env_span) = (listed(setting.value), Some(setting.span));
                Ok(())
            }
            "formation" | "concurrency" => {
                parse_formation(setting.value).map_err(|error| reason(&error)).map(|formation| {
                    defaults.formation = formation;
                    defaults.formation_from = ".foreman";
                })
            }
            _ => Ok(()),
        };
        diagnostics.extend(done.err().map(|reason| refusal(&setting, &reason)));
    }
    (defaults, diagnostics)
}

/// What of overmind's would change which programs run, and what does it here.
const NOT_FOLLOWED: &[(&str, &str)] = &[
    (
        "OVERMIND_CAN_DIE",
        "run up --keep-going lets the others run; a run.toml says it of one (run init --from Procfile)",
    ),
    ("OVERMIND_ANY_CAN_DIE", "run up --keep-going lets the others run"),
    ("OVERMIND_AUTO_RESTART", "run up --keep-going restarts what fails; autorestart in a run.toml says it of one"),
    ("OVERMIND_STOP_SIGNALS", "stopsignal in a run.toml (run init --from Procfile)"),
    ("OVERMIND_IGNORED_PROCESSES", "run up -m NAME=0 leaves one out"),
    ("OVERMIND_PROCESSES", "run up NAME… starts these alone"),
    ("OVERMIND_SHELL", "sh runs the lines; write bash -c '…' in the line that needs another"),
];

/// Reads `.overmind.env`: overmind's flags as variables (overmind `main.go`). The file is an env file to overmind as well, so
/// programs see its variables too, beneath those of `.env`. `file` is its index among the sources.
pub fn read_overmind(file: usize, text: &str) -> (ProcfileDefaults, Vec<Diagnostic>) {
    let mut defaults = ProcfileDefaults::default();
    let mut diagnostics = Vec::new();
    let mut named_files = Vec::new();
    for (name, value) in dotenv::parse(text, &BTreeMap::new()).pairs {
        let done = match name.as_str() {
            "OVERMIND_PROCFILE" => keep(&mut defaults.procfile, Ok(value.clone())),
            "OVERMIND_ROOT" => {
                defaults.root_span = Some(line_of(file, text, &name));
                keep(&mut defaults.root, Ok(value.clone()))
            }
            "OVERMIND_PORT" => keep(&mut defaults.port, port(&value)),
            "OVERMIND_PORT_STEP" => keep(&mut defaults.port_step, step(&value)),
            "OVERMIND_TIMEOUT" => keep(&mut defaults.timeout, seconds(&value)),
            "OVERMIND_ENV" => {
                (named_files, defaults.env_span) = (listed(&value), Some(line_of(file, text, &name)));
                Ok(())
            }
            "OVERMIND_FORMATION" => parse_formation(&value).map_err(|error| reason(&error)).map(|formation| {
                // Unlike foreman's, overmind's formation starts one of each program that it does not name.
                defaults.formation = [vec![("all".to_owned(), 1)], formation].concat();
                defaults.formation_from = ".overmind.env";
            }),
            _ => Ok(()),
        };
        let setting = Setting { name: &name, value: &value, span: line_of(file, text, &name) };
        diagnostics.extend(done.err().map(|reason| refusal(&setting, &reason)));
        diagnostics.extend(NOT_FOLLOWED.iter().find(|(key, _)| *key == name).map(|(key, instead)| {
            let message = format!("`{key}` is not followed");
            Diagnostic::warning("unknown-option", message).at(setting.span, "overmind's").help(*instead)
        }));
    }
    defaults.env_files = vec![(".overmind.env".to_owned(), true), (".env".to_owned(), true)];
    defaults.env_files.append(&mut named_files);
    (defaults, diagnostics)
}

/// Reads one `key: value` line at the outermost level.
fn yaml_setting(file: usize, start: usize, line: &str) -> Option<Setting<'_>> {
    let text = line.trim_end();
    let (name, value) = text.split_once(':')?;
    if name.is_empty() || name.starts_with([' ', '\t', '#', '-']) {
        return None;
    }
    let value = value.split(" #").next().unwrap_or_default().trim();
    let span = Span::new(file, start..start + text.len());
    Some(Setting { name: unquoted(name.trim()), value: unquoted(value), span })
        .filter(|setting| !setting.value.is_empty())
}

fn unquoted(text: &str) -> &str {
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(text)
}

/// The place of the line that sets a variable last.
fn line_of(file: usize, text: &str, name: &str) -> Span {
    let mut start = 0;
    let mut found = 0..0;
    for line in text.split_inclusive('\n') {
        let sets = line.split_once('=').is_some_and(|(left, _)| left.trim().ends_with(name));
        if sets {
            found = start..start + line.trim_end().len();
        }
        start += line.len();
    }
    Span::new(file, found)
}

fn keep<T>(place: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    value.map(|value| *place = Some(value))
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| "has to be a port number, 1 to 65535".to_owned())
}

fn step(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "has to be a whole number, 0 to 65535".to_owned())
}

fn seconds(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "has to be a whole number of seconds".to_owned())
}

fn reason(error: &FormationError) -> String {
    format!("has to be like `all=1,web=2`: {error}")
}

/// Files named with commas between them; all have to be there.
fn listed(text: &str) -> Vec<(String, bool)> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(|name| (name.to_owned(), false)).collect()
}

fn refusal(setting: &Setting<'_>, reason: &str) -> Diagnostic {
    Diagnostic::error("bad-value", format!("`{}` {reason}", setting.name))
        .at(setting.span, format!("this is `{}`", setting.value))
}
