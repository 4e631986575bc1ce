//! Sections and keys that do not exist, with what was probably meant: a misspelt one, another tool's word, or something of ours
//! that is not built yet.

use std::collections::BTreeSet;

use crate::config::place::text_at;
use crate::config::raw::{RawData, RawKey, RawProject, RawSection, RawValue};
use crate::config::suggest;
use crate::model::options::{self, SectionKind};
use crate::model::{Diagnostic, Dialect, SourceFile};

/// Keys of other tools (docker compose, process-compose, mprocs, pitchfork, Horust) and ours for the same thing.
const PEERS: &[(&str, &str)] = &[
    ("restart", "autorestart"),
    ("restart_policy", "autorestart"),
    ("deps", "depends_on"),
    ("depends", "depends_on"),
    ("needs", "depends_on"),
    ("requires", "depends_on"),
    ("after", "depends_on"),
    ("wants", "depends_on"),
    ("start_after", "depends_on"),
    ("run", "command"),
    ("cmd", "command"),
    ("exec", "command"),
    ("shell", "command"),
    ("entrypoint", "command"),
    ("script", "command"),
    ("env", "environment"),
    ("environment_file", "env_file"),
    ("environment_files", "env_file"),
    ("env_files", "env_file"),
    ("dotenv", "env_file"),
    ("cwd", "directory"),
    ("dir", "directory"),
    ("working_dir", "directory"),
    ("working_directory", "directory"),
    ("retry", "startretries"),
    ("retries", "startretries"),
    ("max_restarts", "startretries"),
    ("healthcheck", "ready"),
    ("health_check", "ready"),
    ("readiness_probe", "ready"),
    ("ready_http", "ready"),
    ("ready_port", "ready"),
    ("ready_cmd", "ready"),
    ("ready_output", "ready"),
    ("replicas", "numprocs"),
    ("scale", "numprocs"),
    ("instances", "numprocs"),
    ("processes", "numprocs"),
    ("stop_signal", "stopsignal"),
    ("stop_grace_period", "stopwaitsecs"),
    ("is_tty", "tty"),
    ("auto", "autostart"),
    ("disabled", "autostart"),
    ("availability", "autorestart"),
    ("interactive", "tty"),
    ("log_location", "stdout_logfile"),
    ("log_file", "stdout_logfile"),
    ("logfile", "stdout_logfile"),
    ("stdout", "stdout_logfile"),
    ("stderr", "stderr_logfile"),
];

/// Keys of tools that run containers.
const CONTAINERS: &[&str] = &["image", "build", "volumes", "networks", "container_name", "dockerfile"];

/// Sections of other tools and ours for the same thing.
const PEER_SECTIONS: &[(&str, &str)] = &[
    ("programs", "program"),
    ("processes", "program"),
    ("process", "program"),
    ("services", "program"),
    ("service", "program"),
    ("procs", "program"),
    ("daemons", "program"),
    ("tasks", "task"),
    ("jobs", "task"),
    ("groups", "group"),
    ("env", "environment"),
    ("unix_http_server", "control"),
    ("inet_http_server", "control"),
    ("supervisord", "control"),
];

/// Keys and sections of ours that a later version brings.
const LATER: &[&str] = &["web", "keys", "detach_on_hangup", "serverurl", "stdout_syslog", "stderr_syslog"];

/// Sections without a name.
const LONE: &[&str] = &["environment", "control", "proxy"];

/// How the line begins that lists what keys there are.
const KEYS_OF: &str = "keys of ";

/// Finds them all.
///
/// In a torn text keys and sections may have landed where nobody wrote them, so only those of named sections are looked at.
pub fn check(raw: &RawProject, is_torn: bool, sources: &[SourceFile], problems: &mut Vec<Diagnostic>) {
    if raw.dialect == Dialect::Supervisord {
        // Third parties put options of their own there: they are looked at where they are lowered.
        return;
    }
    let before = problems.len();
    for key in raw.top.iter().filter(|_| !is_torn) {
        check_key(SectionKind::Top, "the top level", key, sources, problems);
    }
    for section in raw.sections.iter().filter(|section| !is_torn || SectionKind::of_word(&section.kind).is_some()) {
        check_section(section, sources, problems);
    }
    list_keys_once(&mut problems[before..]);
}

/// The list of all keys is long: it stands below the first mistake that asks for it, not below each.
fn list_keys_once(problems: &mut [Diagnostic]) {
    let mut listed = BTreeSet::new();
    for help in problems.iter_mut().map(|problem| &mut problem.help) {
        help.retain(|line| {
            let list = line.strip_prefix(KEYS_OF).and_then(|line| line.split_once(": "));
            list.is_none_or(|(_, keys)| listed.insert(keys.to_owned()))
        });
    }
}

fn check_section(section: &RawSection, sources: &[SourceFile], problems: &mut Vec<Diagnostic>) {
    match (SectionKind::of_word(&section.kind), &section.name) {
        (Some(kind), Some(name)) if kind.has_names() => {
            let title = format!("[{}.{name}]", section.kind);
            section.keys.iter().for_each(|key| check_key(kind, &title, key, sources, problems));
        }
        (Some(kind), None) if kind.has_names() => problems.push(nameless(section)),
        (Some(SectionKind::Control), None) => {
            section.keys.iter().for_each(|key| check_key(SectionKind::Control, "[control]", key, sources, problems));
        }
        (Some(SectionKind::Proxy), None) => {
            section.keys.iter().for_each(|key| check_key(SectionKind::Proxy, "[proxy]", key, sources, problems));
        }
        (None, None) if section.kind == "environment" => {}
        (Some(_) | None, _) => problems.push(unknown_section(section)),
    }
}

/// `[program]` without a name; `[[program.web]]` is read as that, too.
fn nameless(section: &RawSection) -> Diagnostic {
    let kind = &section.kind;
    let is_table = |item: &RawValue| matches!(item.data, RawData::Table(_));
    let is_list = |key: &RawKey| matches!(&key.value.data, RawData::List(items) if items.iter().all(is_table));
    if let Some(RawKey { name, span, .. }) = section.keys.first().filter(|_| section.keys.iter().all(is_list)) {
        return Diagnostic::error(
            "bad-name",
            format!("[[{kind}.{name}]] is a list, and each {kind} is a table of its own"),
        )
        .at(*span, format!("write [{kind}.{name}]"));
    }
    Diagnostic::error("bad-name", format!("[{kind}] has no name"))
        .at(section.span, format!("write [{kind}.NAME], such as [{kind}.web]"))
}

/// Whether a section that nobody knows says what to run, so that it was meant to be a program.
fn describes_a_program(section: &RawSection) -> bool {
    section.name.is_none()
        && section
            .keys
            .iter()
            .any(|key| key.name == "command" || meant(SectionKind::Program, &key.name) == Some("command"))
}

fn unknown_section(section: &RawSection) -> Diagnostic {
    let kind = section.kind.as_str();
    let title = section.name.as_ref().map_or(kind.to_owned(), |name| format!("{kind}.{name}"));
    if LONE.contains(&kind) {
        return Diagnostic::error("unknown-section", format!("[{title}] is not a section"))
            .at(section.span, format!("[{kind}] has no sections in it"));
    }
    let problem = Diagnostic::error("unknown-section", format!("[{title}] is not a section"));
    if let Some(option) = options::find(SectionKind::Top, kind) {
        return problem.at(section.span, format!("`{kind}` is a key: it takes {}", option.kind));
    }
    if describes_a_program(section) && !PEER_SECTIONS.iter().any(|(theirs, _)| *theirs == kind) {
        return problem.at(section.span, format!("did you mean [program.{kind}]?"));
    }
    if LATER.contains(&kind) {
        return problem
            .at(section.span, "not built yet")
            .help(format!("take [{title}] out until a later version has it"));
    }
    let named = |word: &str| match &section.name {
        Some(name) if !LONE.contains(&word) => format!("[{word}.{name}]"),
        _ if !LONE.contains(&word) => format!("[{word}.NAME]"),
        _ => format!("[{word}]"),
    };
    let peer = PEER_SECTIONS.iter().find(|(theirs, _)| *theirs == kind).map(|(_, ours)| *ours);
    let ours = [
        "program",
        "task",
        "group",
        "rpcinterface",
        "environment",
        "control",
        "proxy",
        "eventlistener",
        "fcgi-program",
    ];
    match peer.or_else(|| suggest::closest(kind, ours).first().copied()) {
        Some(word) => problem.at(section.span, format!("did you mean {}?", named(word))),
        None => problem
            .at(section.span, "no such kind of section")
            .help("there are [program.NAME], [task.NAME], [group.NAME], [environment], [control] and [proxy]")
            .help("and for supervisord's sake [eventlistener.NAME], [fcgi-program.NAME] and [rpcinterface.NAME]"),
    }
}

fn check_key(kind: SectionKind, title: &str, key: &RawKey, sources: &[SourceFile], problems: &mut Vec<Diagnostic>) {
    if options::find(kind, &key.name).is_none() {
        problems.push(unknown_key(kind, title, key, sources));
    }
}

fn unknown_key(kind: SectionKind, title: &str, key: &RawKey, sources: &[SourceFile]) -> Diagnostic {
    let name = key.name.as_str();
    let place = if kind == SectionKind::Top { "is not a key".to_owned() } else { format!("is not a key of {title}") };
    let problem = Diagnostic::error("unknown-key", format!("`{name}` {place}"));
    if let Some(reason) = not_for_a_task(kind, name) {
        return problem.at(key.span, reason);
    }
    if LATER.contains(&name) {
        return problem.at(key.span, "not built yet").help(format!("take `{name}` out until a later version has it"));
    }
    if let Some(ours) = peer(kind, name) {
        return problem
            .at(key.span, peer_label(ours))
            .help(format!("write {ours} = {}", converted(name, ours, &key.value, sources)));
    }
    if CONTAINERS.contains(&name) && kind.is_program() {
        return problem
            .at(key.span, "programs are commands, not containers")
            .help("a container is a command, too: command = \"docker run --rm …\"");
    }
    if key.value.data.as_table().is_some_and(|keys| keys.iter().any(|key| key.name == "command")) {
        let section = title.trim_matches(['[', ']']);
        if let Some((word, first)) = section.split_once('.') {
            return problem
                .at(key.span, "no such key")
                .help(format!("a name with a dot stands in quotes: [{word}.\"{first}.{name}\"]"));
        }
    }
    if let Some(question) = suggest::did_you_mean(name, options::of_section(kind).map(|option| option.name)) {
        return problem.at(key.span, question);
    }
    if let Some(other) = options::OPTIONS.iter().find(|option| option.name == name) {
        // Who looks for a key of programs is not served by a list of their rarest kinds.
        let is_usual = |section: &&SectionKind| !matches!(section, SectionKind::Listener | SectionKind::Fcgi);
        let all = other.sections.iter().any(|section| is_usual(&section));
        let sections = other.sections.iter().filter(|section| !all || is_usual(section));
        let sections: Vec<String> = sections.map(|section| section_title(*section)).collect();
        return problem.at(key.span, format!("it belongs into {}", suggest::list(&sections, "or")));
    }
    if kind == SectionKind::Top {
        return problem
            .at(key.span, "no such key")
            .help(format!("a variable for all programs stands under [environment]; keys here are {}", names(kind)));
    }
    problem.at(key.span, "no such key").help(format!("{KEYS_OF}{title}: {}", names(kind)))
}

/// Our key for another tool's.
fn peer(kind: SectionKind, name: &str) -> Option<&'static str> {
    let folded = name.to_ascii_lowercase().replace('-', "_");
    let (_, ours) = PEERS.iter().find(|(theirs, _)| *theirs == folded)?;
    options::find(kind, ours).map(|option| option.name)
}

/// The key that an unknown one was probably meant to be, where there is one answer.
pub fn meant(kind: SectionKind, name: &str) -> Option<&'static str> {
    if options::find(kind, name).is_some() {
        return None;
    }
    peer(kind, name).or_else(|| {
        let found = suggest::closest(name, options::of_section(kind).map(|option| option.name));
        options::find(kind, found.first()?).map(|option| option.name)
    })
}

/// What a task has no use for, and why.
fn not_for_a_task(kind: SectionKind, name: &str) -> Option<&'static str> {
    match name {
        _ if kind != SectionKind::Task => None,
        "ready" => Some("a task is never ready, it is done when it exits with one of its `exitcodes`"),
        "autorestart" => Some("a task runs once; `startretries` repeats one that failed"),
        "startsecs" => Some("a task may end as soon as it likes"),
        _ => None,
    }
}

fn peer_label(ours: &str) -> String {
    let compose = ["depends_on", "env_file"];
    match ours {
        "ready" | "tty" => format!("the word here is `{ours}`"),
        _ if compose.contains(&ours) => format!("the word is `{ours}`, as in docker compose"),
        _ => format!("supervisord's word is `{ours}`"),
    }
}

/// The value as our key takes it: mostly as it was written.
fn converted(theirs: &str, ours: &str, value: &RawValue, sources: &[SourceFile]) -> String {
    let written = text_at(sources, value.span).unwrap_or_default().to_owned();
    match (ours, &value.data) {
        ("autorestart", RawData::Text(word)) => autorestart(word).to_owned(),
        ("autorestart", RawData::Table(keys)) => {
            let word = keys.iter().find(|key| key.name == "restart").and_then(|key| key.value.data.as_text());
            autorestart(word.unwrap_or_default()).to_owned()
        }
        ("autostart", RawData::Boolean(truth)) if theirs == "disabled" => (!truth).to_string(),
        ("autorestart" | "autostart", RawData::Boolean(truth)) => truth.to_string(),
        ("autorestart", _) => "\"unexpected\"".to_owned(),
        ("ready", data) => ready(theirs, data, &written),
        ("depends_on", RawData::Text(_)) => format!("[{written}]"),
        ("depends_on", RawData::Table(keys)) => {
            let names: Vec<String> = keys.iter().map(|key| format!("\"{}\"", key.name)).collect();
            format!("[{}]", names.join(", "))
        }
        ("startretries", RawData::Boolean(_) | RawData::Text(_) | RawData::Table(_)) => "3".to_owned(),
        _ if written.contains('\n') => "…".to_owned(),
        _ => written,
    }
}

/// What docker compose, process-compose and systemd call it, as `autorestart` has it.
pub fn autorestart(word: &str) -> &'static str {
    match word {
        "no" | "never" | "false" => "false",
        "always" | "unless-stopped" | "yes" | "true" => "true",
        _ => "\"unexpected\"",
    }
}

/// Another tool's health check in our words, as far as it can be seen.
fn ready(theirs: &str, data: &RawData, written: &str) -> String {
    match (theirs, data) {
        ("ready_port", _) => format!("{{ tcp = {written} }}"),
        ("ready_http", _) => format!("{{ http = {written} }}"),
        ("ready_output", _) => format!("{{ log = {written} }}"),
        (_, RawData::Text(text)) if text.starts_with("http://") || text.starts_with('/') => {
            format!("{{ http = {written} }}")
        }
        (_, RawData::Text(_)) => format!("{{ exec = {written} }}"),
        (_, RawData::Integer(_)) => format!("{{ tcp = {written} }}"),
        _ => "{ exec = \"…\" }, or { http = \"/health\" }, or { tcp = 5432 }".to_owned(),
    }
}

fn section_title(section: SectionKind) -> String {
    match section {
        SectionKind::Top => "the top of the file".to_owned(),
        SectionKind::Control => "[control]".to_owned(),
        SectionKind::Proxy => "[proxy]".to_owned(),
        SectionKind::Program
        | SectionKind::Task
        | SectionKind::Listener
        | SectionKind::Fcgi
        | SectionKind::Group
        | SectionKind::RpcInterface => {
            format!("[{}.NAME]", section.word())
        }
    }
}

fn names(kind: SectionKind) -> String {
    options::of_section(kind).map(|option| option.name).collect::<Vec<_>>().join(", ")
}
