//! supervisord.conf to a project, as supervisor 4.3.0 understands it (`options.py` `read_config`): its defaults, its expansions, its
//! order, and its leniency where third parties put options of their own.

pub mod expansion;
pub mod extension;
pub mod extra;
pub mod include;
mod lowering;
pub mod names;
pub mod program;
pub mod role;
pub mod section;
pub mod servers;
pub mod unbuilt;
pub mod value;

use std::borrow::Cow;

use crate::codec::ini::DEFAULTS;
use crate::config::facts::World;
use crate::config::lower::supervisord::lowering::Lowering;
use crate::config::lower::supervisord::names::HOST;
use crate::config::lower::{Lowered, Places, ProgramPlaces};
use crate::config::raw::{RawData, RawKey, RawProject, RawValue};
use crate::config::request::{Request, Vocabulary};
use crate::model::conf_options::ConfSection;
use crate::model::name::name_problem;
use crate::model::supervisord::{Daemon, Supervisord};
use crate::model::{Diagnostic, Dialect, Group, Program, Project, ReloadMode, SourceFile, Span};

/// Lowers everything.
pub fn lower(
    request: &Request,
    vocabulary: &Vocabulary,
    raw: &RawProject,
    world: &mut World<'_>,
    sources: &[SourceFile],
    problems: &mut Vec<Diagnostic>,
) -> Lowered {
    let raw = &*with_command_line(request, raw);
    let of_all: Vec<RawKey> = raw
        .sections
        .iter()
        .filter(|section| section.kind == DEFAULTS)
        .flat_map(|section| section.keys.clone())
        .collect();
    let mut lowering = Lowering { request, raw, of_all: &of_all, world, sources, problems };
    let mut names = names::at_start(request);
    let mut conf = Supervisord::default();
    let environment = lowering.daemon(&mut conf, &names);
    names.variables(environment.iter().map(|(name, value)| (name.as_str(), value.as_literal().unwrap_or_default())));
    lowering.servers(&mut conf, &names);
    if lowering.mentions(HOST) {
        names.text(HOST, lowering.world.node_name().unwrap_or_default());
    }
    let names = names.shared();
    let groups = lowering.groups(&names);
    let mut known = lowering.known(&groups);
    let extensions = lowering.extensions(&conf, &names, &mut known);
    let mut programs = lowering.programs(&conf, &names, &groups, &known, vocabulary);
    programs.extend(extensions);
    programs.sort_by_key(|(program, _)| start_key(program, &groups));
    unbuilt::unknown(raw, lowering.problems);
    let has_processes = |(program, _): &(Program, ProgramPlaces)| !program.instances.is_empty();
    let (programs, places): (Vec<Program>, Vec<ProgramPlaces>) = programs.into_iter().filter(has_processes).unzip();
    unbuilt::ctl_plugins(raw, lowering.problems);
    lowering.refuse_formation();
    let group_places = groups.iter().map(|group| (group.group.name.clone(), group.span)).collect();
    let is_named =
        conf.daemon.identifier != Daemon::default().identifier && name_problem(&conf.daemon.identifier).is_none();
    let project = Project {
        name: if is_named { &conf.daemon.identifier } else { &request.fallback_name }.clone(),
        dialect: Dialect::Supervisord,
        files: Vec::new(),
        environment,
        groups: groups.into_iter().map(|group| group.group).collect(),
        active_profiles: request.profiles.clone(),
        env_order: request.env_order,
        // Its users say reread and update.
        reload: request.reload.unwrap_or(ReloadMode::Off),
        supervisord: Some(Box::new(conf)),
        ..Project::new(request.root.clone(), programs)
    };
    let places = Places { programs: places, groups: group_places, ..Places::default() };
    Lowered { project, places }
}

/// Puts the options of supervisord's command line above those of `[supervisord]`. They were typed, so a percent sign is one.
fn with_command_line<'a>(request: &Request, raw: &'a RawProject) -> Cow<'a, RawProject> {
    let Some(asked) = request.as_supervisord.as_ref().filter(|asked| !asked.options.is_empty()) else {
        return Cow::Borrowed(raw);
    };
    let mut raw = raw.clone();
    if let Some(section) = raw.sections.iter_mut().find(|section| section.kind == ConfSection::Supervisord.word()) {
        let key = |(name, value): &(&str, String)| {
            let value = RawValue { span: section.span, data: RawData::Text(value.replace('%', "%%")) };
            RawKey { name: (*name).to_owned(), span: section.span, value }
        };
        let typed: Vec<RawKey> = asked.options.iter().map(key).collect();
        section.keys.retain(|written| typed.iter().all(|key| key.name != written.name));
        section.keys.extend(typed);
    }
    Cow::Owned(raw)
}

/// The order of the start: groups by priority, then by name, members as the group lists them.
fn start_key(program: &Program, groups: &[Placed]) -> (i32, String, usize) {
    let of = program.instances.first().map_or(program.name.as_str(), |instance| instance.name.group.as_str());
    let group = groups.iter().map(|placed| &placed.group).find(|group| group.name == of);
    match group {
        Some(group) => {
            let place = group.programs.iter().position(|member| *member == program.name);
            (group.priority, of.to_owned(), place.unwrap_or(usize::MAX))
        }
        None => (program.priority, of.to_owned(), 0),
    }
}

/// A group and where it was written.
#[derive(Debug)]
struct Placed {
    group: Group,
    span: Span,
}
