//! What stands outside of the programs: the project's name, environment and groups; and what the command line
//! says about programs (`-m`, `--port`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::expand::Holes;
use crate::config::lower::control;
use crate::config::lower::keys::{Keys, misfit};
use crate::config::lower::names::Named;
use crate::config::lower::template::{self, Placed};
use crate::config::lower::value::{self, Wrong};
use crate::config::lower::{Context, Lowered, Places};
use crate::config::place::text_at;
use crate::config::raw::{RawData, RawKey, RawProject, RawValue};
use crate::model::name::name_problem;
use crate::model::options::{OptionKind, SectionKind};
use crate::model::{
    Diagnostic, Dialect, EnvFile, Group, PortRequest, PortSpec, ProgramName, Project, Proxy, ReloadMode, SourceFile,
    Span, Template,
};

/// The project without its programs.
pub fn project(context: Context<'_>, raw: &RawProject, problems: &mut Vec<Diagnostic>) -> Lowered {
    let mut places = Places::default();
    let mut keys = Keys::new(SectionKind::Top, &raw.top, problems);
    let name = keys.read("name", project_name);
    let reload = keys.read("reload", reload_mode).unwrap_or(ReloadMode::Auto);
    let env_files = env_files(context, &mut keys).map_or_else(
        || default_env_file(context),
        |files| files.into_iter().map(|(file, span)| (file, Some(span))).collect(),
    );
    let (env_files, spans): (Vec<EnvFile>, Vec<Option<Span>>) = env_files.into_iter().unzip();
    places.env_files = spans;
    let mut environment = Vec::new();
    for section in raw.sections.iter().filter(|section| section.kind == "environment" && section.name.is_none()) {
        let (variables, written) = entries(&section.keys, context.sources, problems);
        environment.extend(variables);
        places.environment.extend(written);
    }
    let groups = groups(context, raw, &mut places, problems);
    let (control, tcp) = control::control(context, raw, problems);
    let proxy = proxy(raw, problems);
    places.tcp = tcp;
    let project = Project {
        name: name.unwrap_or_else(|| context.request.fallback_name.clone()),
        root: context.request.root.clone(),
        files: Vec::new(),
        dialect: context.dialect,
        env_files,
        env_contents: BTreeMap::new(),
        environment,
        programs: Vec::new(),
        groups,
        control,
        proxy,
        reload: context.request.reload.unwrap_or(reload),
        active_profiles: context.request.profiles.clone(),
        env_order: context.request.env_order,
        supervisord: None,
    };
    Lowered { project, places }
}

/// `[proxy]`.
fn proxy(raw: &RawProject, problems: &mut Vec<Diagnostic>) -> Proxy {
    let mut proxy = Proxy::default();
    for section in raw.sections.iter().filter(|section| section.kind == "proxy" && section.name.is_none()) {
        let mut keys = Keys::new(SectionKind::Proxy, &section.keys, problems);
        keys.set("enable", value::boolean, &mut proxy.enable);
        proxy.port = keys.number("port").unwrap_or(proxy.port);
    }
    proxy
}

fn reload_mode(value: &RawValue) -> value::Read<ReloadMode> {
    ReloadMode::of_word(&value::text(value)?).ok_or(Wrong::Value(String::new()))
}

fn project_name(value: &RawValue) -> value::Read<String> {
    let name = value::text(value)?;
    name_problem(&name).map_or(Ok(name), |problem| Err(Wrong::Value(problem.to_owned())))
}

/// Without a word about env files, the `.env` beside the config is taken if it is there.
fn default_env_file(context: Context<'_>) -> Vec<(EnvFile, Option<Span>)> {
    vec![(EnvFile { path: context.request.root.join(".env"), optional: true }, None)]
}

/// A path of the config, made absolute.
pub fn absolute(root: &Path, path: &str) -> PathBuf {
    root.join(path).components().collect()
}

/// `env_file`: a path, or a list of paths and tables.
pub fn env_files(context: Context<'_>, keys: &mut Keys<'_>) -> Option<Vec<(EnvFile, Span)>> {
    let value = keys.value("env_file")?;
    let items = value.data.as_list().unwrap_or(std::slice::from_ref(value));
    let mut files = Vec::new();
    for item in items {
        match env_file(item, keys.problems) {
            Ok((path, optional)) => {
                files.push((EnvFile { path: absolute(&context.request.root, &path), optional }, item.span));
            }
            Err(wrong) => keys.problems.push(misfit("env_file", &OptionKind::EnvFiles.to_string(), item, &wrong)),
        }
    }
    Some(files)
}

fn env_file(item: &RawValue, problems: &mut Vec<Diagnostic>) -> value::Read<(String, bool)> {
    let RawData::Table(keys) = &item.data else { return Ok((value::some_text(item)?, false)) };
    let mut optional = false;
    let mut path = None;
    for key in keys {
        match key.name.as_str() {
            "path" => path = Some(value::some_text(&key.value)?),
            "optional" => optional = value::boolean(&key.value)?,
            name => problems.push(
                Diagnostic::error("unknown-key", format!("`{name}` is not a key of an env file"))
                    .at(key.span, "there are `path` and `optional`"),
            ),
        }
    }
    path.map(|path| (path, optional)).ok_or(Wrong::Value("it has no `path`".to_owned()))
}

/// The entries of an environment: values may be strings, numbers and booleans.
pub fn entries(
    keys: &[RawKey],
    sources: &[SourceFile],
    problems: &mut Vec<Diagnostic>,
) -> (Vec<(String, Template)>, Vec<Placed>) {
    let mut entries = Vec::new();
    let mut placed = Vec::new();
    for key in keys {
        if key.name.is_empty() || key.name.contains(['=', '\0']) {
            problems.push(
                Diagnostic::error("bad-name", "a variable's name may not be empty or hold `=`").at(key.span, "here"),
            );
            continue;
        }
        let template = match &key.value.data {
            RawData::Integer(number) => Ok(Template::literal(number.to_string())),
            RawData::Boolean(truth) => Ok(Template::literal(truth.to_string())),
            // As it stands in the file: `1.10` is not `1.1` to a program.
            RawData::Float(_) => Ok(Template::literal(text_at(sources, key.value.span).unwrap_or_default())),
            RawData::Text(_) => template::read(&key.value, Holes::All, sources, problems),
            RawData::Datetime(_) | RawData::List(_) | RawData::Table(_) => Err(Wrong::Type),
        };
        match template {
            Ok(template) => {
                placed.push(Placed { template: template.clone(), span: key.value.span, earlier: Some(entries.len()) });
                entries.push((key.name.clone(), template));
            }
            Err(wrong) => {
                problems.push(misfit(&key.name, "a string, as every environment variable", &key.value, &wrong));
            }
        }
    }
    (entries, placed)
}

fn groups(context: Context<'_>, raw: &RawProject, places: &mut Places, problems: &mut Vec<Diagnostic>) -> Vec<Group> {
    let mut groups = Vec::new();
    for section in raw.sections.iter().filter(|section| section.kind == "group") {
        let Some(name) = section.name.as_deref().filter(|name| context.names.is_first(name, section.span)) else {
            continue;
        };
        let mut keys = Keys::new(SectionKind::Group, &section.keys, problems);
        let priority = keys.number("priority").unwrap_or(999);
        let listed = keys.read("programs", value::names).is_some();
        if keys.value("programs").is_none() {
            problems.push(
                Diagnostic::error("missing-key", format!("group {name} has no `programs`"))
                    .at(section.span, "add programs = [\"…\"]"),
            );
        }
        let programs = if listed { members(context, name, problems) } else { Vec::new() };
        places.groups.insert(name.to_owned(), section.span);
        groups.push(Group { name: name.to_owned(), programs, priority });
    }
    groups
}

fn members(context: Context<'_>, group: &str, problems: &mut Vec<Diagnostic>) -> Vec<ProgramName> {
    let Some(Named::Group(members)) = context.names.get(group) else { return Vec::new() };
    let mut programs = Vec::new();
    for (member, at) in members {
        match context.names.get(member) {
            Some(Named::Program(_)) => programs.push(ProgramName::new(member)),
            Some(Named::Group(_)) => problems.push(
                Diagnostic::error("wrong-value", format!("group {group} lists {member}, which is a group"))
                    .at(*at, "groups hold programs and tasks"),
            ),
            None => problems.push(
                Diagnostic::error("unknown-program", format!("group {group} lists `{member}`, which is not defined"))
                    .at(*at, context.names.did_you_mean(member, context.sources)),
            ),
        }
    }
    programs
}

/// What the command line changes: `--port NAME=NUMBER`, and `-m NAME=COUNT` in run.toml (a Procfile's is read with its text).
pub fn overrides(context: Context<'_>, lowered: &mut Lowered, problems: &mut Vec<Diagnostic>) {
    let request = context.request;
    for (name, port) in &request.port_overrides {
        match lowered.project.programs.iter_mut().find(|program| program.name.as_str() == name) {
            Some(program) => {
                program.ports.retain(|port| port.name.is_some());
                program.ports.insert(0, PortSpec { name: None, request: PortRequest::Fixed(*port) });
            }
            None => problems.push(unknown_on_command_line(context, "--port", name)),
        }
    }
    if context.dialect != Dialect::Native {
        return;
    }
    if request.base_port.is_some() {
        let problem = Diagnostic::error("wrong-value", "--port NUMBER is the first port of a Procfile's programs");
        problems.push(problem.help("in run.toml every program has its own: --port NAME=NUMBER"));
    }
    for (name, _) in &request.formation {
        if name != "all" && !matches!(context.names.get(name), Some(Named::Program(_))) {
            problems.push(unknown_on_command_line(context, "-m", name));
        }
    }
}

fn unknown_on_command_line(context: Context<'_>, option: &str, name: &str) -> Diagnostic {
    Diagnostic::error("unknown-program", format!("{option} names `{name}`, which is not defined"))
        .help(context.names.did_you_mean(name, context.sources))
}
