//! `[program.NAME]`, `[task.NAME]`, `[eventlistener.NAME]`, `[fcgi-program.NAME]`: every option, typed, over the defaults of the dialect.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::expand::Holes;
use crate::config::lower::keys::Keys;
use crate::config::lower::template::{self, Placed};
use crate::config::lower::value::{self, Read, Wrong};
use crate::config::lower::{Context, ProgramPlaces, depends, ready, role, settings};
use crate::config::raw::{RawData, RawSection, RawValue};
use crate::config::unknown;
use crate::model::options::SectionKind;
use crate::model::program::{Instance, MOST_INSTANCES, port_variable};
use crate::model::{
    Autorestart, Command, Diagnostic, Dialect, Kind, LogFile, PortRequest, PortSpec, ProcessName, Program, Template,
};

/// Lowers one section.
pub fn program(
    context: Context<'_>,
    name: &str,
    section_kind: SectionKind,
    section: &RawSection,
    problems: &mut Vec<Diagnostic>,
) -> (Program, ProgramPlaces) {
    let kind = if section_kind == SectionKind::Task { Kind::Task } else { Kind::Program };
    let mut program = defaults(context, name, kind);
    role::defaults(section_kind, &mut program);
    let mut places = places(section);
    let mut keys = Keys::new(section_kind, &section.keys, problems);
    environment(context, &mut keys, &mut program, &mut places);
    command(context, section, &mut keys, &mut program, &mut places);
    ports(context, &mut keys, &mut program);
    life(&mut keys, &mut program);
    stopping(&mut keys, &mut program);
    output(context, &mut keys, &mut program);
    role::role(context, &mut keys, &mut program);
    instances(context, &mut keys, &mut program);
    depends::dependencies(context, &mut keys, &mut program, &mut places);
    ready::ready(context, &mut keys, &mut program, &mut places);
    ready::alive(context, &mut keys, &mut program, &mut places);
    program.max_memory = keys.read("max_memory", value::size).filter(|_| kind == Kind::Program);
    program.on_crash = keys.read("on_crash", value::some_text);
    (program, places)
}

/// Where its parts are written, none of them read yet.
pub(super) fn places(section: &RawSection) -> ProgramPlaces {
    ProgramPlaces {
        name: section.span,
        values: section.keys.iter().map(|key| (key.name.clone(), key.value.span)).collect(),
        edges: Vec::new(),
        env_files: Vec::new(),
        templates: Vec::new(),
        environment: 0,
    }
}

/// A program about which nothing was written. supervisord's defaults but for what makes a development environment usable:
/// stop and kill as a group, and one pipe for both streams, so that the order of its lines is kept.
fn defaults(context: Context<'_>, name: &str, kind: Kind) -> Program {
    let is_procfile = context.dialect == Dialect::Procfile;
    let autorestart = match kind {
        Kind::Task => Autorestart::Never,
        Kind::Program if is_procfile && !context.request.keep_going => Autorestart::Never,
        Kind::Program => Autorestart::Unexpected,
    };
    let starts_at_once = kind == Kind::Task || is_procfile;
    let plain = match kind {
        Kind::Program => Program::new(name),
        Kind::Task => Program::new_task(name),
    };
    let startsecs = if starts_at_once { Duration::ZERO } else { plain.startsecs };
    Program { command: Command::Words(Vec::new()), instances: Vec::new(), autorestart, startsecs, ..plain }
}

/// Its environment, and where it runs.
pub(super) fn environment(
    context: Context<'_>,
    keys: &mut Keys<'_>,
    program: &mut Program,
    places: &mut ProgramPlaces,
) {
    if let Some(value) = keys.value("environment") {
        if let RawData::Table(entries) = &value.data {
            (program.environment, places.templates) = settings::entries(entries, context.sources, keys.problems);
        } else {
            keys.read("environment", |_| Err::<(), _>(Wrong::Type));
        }
    }
    places.environment = places.templates.len();
    if let Some(files) = settings::env_files(context, keys) {
        (program.env_files, places.env_files) = files.into_iter().unzip();
    }
    if let Some(text) = keys.read("directory", value::some_text)
        && let Some(span) = keys.span("directory")
    {
        let template = template::parse(&text, span, Holes::All, context.sources, keys.problems);
        places.templates.push(Placed { template: template.clone(), span, earlier: None });
        program.directory = Some(template);
    }
    keys.set("profiles", value::names, &mut program.profiles);
}

/// What it runs.
pub(super) fn command(
    context: Context<'_>,
    section: &RawSection,
    keys: &mut Keys<'_>,
    program: &mut Program,
    places: &mut ProgramPlaces,
) {
    let Some(value) = keys.value("command") else {
        if section.keys.iter().any(|key| unknown::meant(keys.section, &key.name) == Some("command")) {
            return;
        }
        let name = section.name.as_deref().unwrap_or(program.name.as_str());
        let message = format!("{} {name} has no `command`", section.kind);
        keys.problems.push(
            Diagnostic::error("missing-key", message)
                .at(section.span, "nothing to run")
                .help("command = \"…\" for the shell, or a list of words"),
        );
        return;
    };
    let template = |text: &str, value: &RawValue, keys: &mut Keys<'_>, places: &mut ProgramPlaces| {
        let template = template::parse(text, value.span, Holes::Dotted, context.sources, keys.problems);
        places.templates.push(Placed { template: template.clone(), span: value.span, earlier: None });
        template
    };
    match keys.read("command", command_text) {
        Some(Written::Line(line)) if context.dialect == Dialect::Procfile => program.command = Command::Shell(line),
        Some(Written::Line(line)) => program.command = Command::Line(template(&line, value, keys, places)),
        Some(Written::Words(words)) => {
            let words = words.iter().map(|(word, value)| template(word, value, keys, places)).collect();
            program.command = Command::Words(words);
        }
        None => {}
    }
}

/// A command as written.
enum Written<'a> {
    Line(String),
    Words(Vec<(String, &'a RawValue)>),
}

fn command_text(value: &RawValue) -> Read<Written<'_>> {
    let RawData::List(items) = &value.data else { return value::some_text(value).map(Written::Line) };
    let words: Vec<(String, &RawValue)> = value::each(items, |item| Ok((value::text(item)?, item)))?;
    match words.first() {
        Some((first, _)) if !first.is_empty() => Ok(Written::Words(words)),
        _ => Err(Wrong::Value("it is empty".to_owned())),
    }
}

/// The ports it declares. A number may come from the environment: `ports = { http = "${HTTP_PORT}" }`.
fn ports(context: Context<'_>, keys: &mut Keys<'_>, program: &mut Program) {
    let mut own = context.scope.clone();
    own.add_entries(&program.environment);
    let read = |value: &RawValue| -> Read<PortRequest> {
        let RawData::Text(text) = &value.data else { return value::port(value) };
        if !text.contains("${") {
            return value::port(value);
        }
        let template = crate::config::expand::parse(text, Holes::All).unwrap_or_else(|_| Template::literal(text));
        let number = own.resolve(&template).and_then(|text| text.parse().ok()).filter(|port| *port > 0);
        number
            .map(PortRequest::Fixed)
            .ok_or(Wrong::Value("this gives no port number when the project is loaded".to_owned()))
    };
    if let Some(request) = keys.read("port", read) {
        program.ports.push(PortSpec { name: None, request });
    }
    let Some(value) = keys.value("ports") else { return };
    let RawData::Table(entries) = &value.data else {
        keys.read("ports", |_| Err::<(), _>(Wrong::Type));
        return;
    };
    let mut variables = BTreeMap::new();
    for entry in entries {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if entry.name.is_empty() || !entry.name.chars().all(is_word) {
            let problem = Diagnostic::error("bad-name", "the name of a port has letters, digits, `_` and `-`");
            keys.problems.push(problem.at(entry.span, "it becomes PORT_NAME"));
            continue;
        }
        let variable = port_variable(Some(&entry.name));
        if let Some(first) = variables.insert(variable.clone(), entry.span) {
            let problem = Diagnostic::error("duplicate", format!("two ports of {} become {variable}", program.name));
            keys.problems.push(problem.at(entry.span, "again").at(first, "first here"));
            continue;
        }
        match read(&entry.value) {
            Ok(request) => program.ports.push(PortSpec { name: Some(entry.name.clone()), request }),
            Err(wrong) => keys.problems.push(super::keys::misfit(
                &format!("ports.{}", entry.name),
                &crate::model::options::OptionKind::Port.to_string(),
                &entry.value,
                &wrong,
            )),
        }
    }
}

/// Starting, ending, and starting again.
fn life(keys: &mut Keys<'_>, program: &mut Program) {
    program.priority = keys.number("priority").unwrap_or(program.priority);
    keys.set("autostart", value::boolean, &mut program.autostart);
    if program.kind == Kind::Program {
        keys.set("autorestart", value::autorestart, &mut program.autorestart);
        keys.set("startsecs", value::duration, &mut program.startsecs);
    }
    program.startretries = keys.number("startretries").unwrap_or(program.startretries);
    keys.set("exitcodes", value::exit_codes, &mut program.exitcodes);
    keys.set("exit_on_end", value::boolean, &mut program.exit_on_end);
}

/// The stop ladder, and as whom it runs.
fn stopping(keys: &mut Keys<'_>, program: &mut Program) {
    keys.set("stopsignal", value::signal, &mut program.stopsignal);
    keys.set("stopwaitsecs", value::duration, &mut program.stopwaitsecs);
    keys.set("stopasgroup", value::boolean, &mut program.stopasgroup);
    keys.set("killasgroup", value::boolean, &mut program.killasgroup);
    program.umask = keys.read("umask", value::octal);
    program.user = keys.read("user", value::text_or_number);
}

/// Where its lines go.
fn output(context: Context<'_>, keys: &mut Keys<'_>, program: &mut Program) {
    keys.set("tty", value::tty, &mut program.tty);
    keys.set("watch", value::patterns, &mut program.watch);
    program.stdout_logfile = log_file(context, keys, "stdout_logfile");
    program.stderr_logfile = log_file(context, keys, "stderr_logfile");
    program.redirect_stderr = program.stderr_logfile.is_none();
    keys.set("redirect_stderr", value::boolean, &mut program.redirect_stderr);
    if program.redirect_stderr
        && program.stderr_logfile.is_some()
        && let Some(span) = keys.span("redirect_stderr")
    {
        let problem =
            Diagnostic::warning("useless-key", "`stderr_logfile` gets nothing").at(span, "its stderr goes to stdout");
        keys.problems.push(problem.help("redirect_stderr = false"));
    }
}

fn log_file(context: Context<'_>, keys: &mut Keys<'_>, name: &str) -> Option<LogFile> {
    let path = keys.read(name, value::some_text);
    let (maxbytes, backups) = (format!("{name}_maxbytes"), format!("{name}_backups"));
    let size = keys.read(&maxbytes, value::size);
    let count = keys.number(&backups);
    if keys.value(name).is_none() {
        for key in [&maxbytes, &backups] {
            if let Some(span) = keys.span(key) {
                let problem = Diagnostic::warning("useless-key", format!("`{key}` does nothing without `{name}`"));
                keys.problems.push(problem.at(span, ""));
            }
        }
    }
    // supervisord's words (supervisor `datatypes.py` `logfile_name`): what a program says is kept in the project's log anyway.
    let path = path.filter(|path| !["none", "auto", "off"].contains(&path.to_ascii_lowercase().as_str()))?;
    let path: PathBuf = settings::absolute(&context.request.root, &path);
    Some(LogFile { path, maxbytes: size.unwrap_or(50 << 20), backups: count.unwrap_or(10) })
}

/// How many of it, and their names. One instance has the program's name, several are numbered: from `numprocs_start` in run.toml
/// (`worker:worker_0`), from one in a Procfile (`web:web.1`).
fn instances(context: Context<'_>, keys: &mut Keys<'_>, program: &mut Program) {
    let formation = &context.request.formation;
    let asked = |name: &str| formation.iter().rev().find(|(who, _)| who == name).map(|(_, count)| *count);
    let mut count = keys.number("numprocs").unwrap_or(1);
    if context.dialect == Dialect::Native
        && let Some(asked) = asked(program.name.as_str()).or_else(|| asked("all").filter(|_| !program.is_task()))
    {
        program.autostart &= asked > 0;
        count = asked.clamp(1, MOST_INSTANCES);
    }
    let first: u32 = keys.number("numprocs_start").unwrap_or(0);
    let stem = keys.read("process_name", process_name).unwrap_or_else(|| program.name.to_string());
    let group = context.names.group_of(program.name.as_str());
    let name = |number: u32| match context.dialect {
        _ if count == 1 => stem.clone(),
        Dialect::Procfile => format!("{stem}.{}", number + 1),
        Dialect::Native | Dialect::Supervisord => format!("{stem}_{number}"),
    };
    program.instances = (first..first + count)
        .map(|number| Instance::new(ProcessName::new(group.clone(), name(number)), number))
        .collect();
}

fn process_name(value: &RawValue) -> Read<String> {
    let name = value::text(value)?;
    crate::model::name::name_problem(&name).map_or(Ok(name), |problem| Err(Wrong::Value(problem.to_owned())))
}
