//! The sections of a supervisord.conf, kind by kind.

use crate::config::facts::World;
use crate::config::lower::names::{Named, Names};
use crate::config::lower::supervisord::expansion::Expansions;
use crate::config::lower::supervisord::program::Surroundings;
use crate::config::lower::supervisord::section::Section;
use crate::config::lower::supervisord::{Placed, extension, extra, program, servers, value};
use crate::config::lower::{Context, ProgramPlaces};
use crate::config::place::within;
use crate::config::raw::{RawKey, RawProject, RawSection};
use crate::config::request::{Request, Vocabulary};
use crate::config::scope::Scope;
use crate::config::suggest;
use crate::model::conf_options::ConfSection;
use crate::model::name::name_problem;
use crate::model::supervisord::{RpcInterface, Supervisord};
use crate::model::{Diagnostic, Dialect, Group, Kind, Program, ProgramName, SourceFile, Span, Template};

/// What the sections are read from and with.
#[derive(Debug)]
pub(super) struct Lowering<'l, 'k> {
    pub(super) request: &'l Request,
    pub(super) raw: &'l RawProject,
    pub(super) of_all: &'l [RawKey],
    pub(super) world: &'l mut World<'k>,
    pub(super) sources: &'l [SourceFile],
    pub(super) problems: &'l mut Vec<Diagnostic>,
}

impl<'l, 'k> Lowering<'l, 'k> {
    /// Sections of a kind, with a name where the kind takes one.
    pub(super) fn of_kind(&self, kind: ConfSection) -> impl Iterator<Item = &'l RawSection> + use<'l> {
        let (may_have_name, must_have_name) = kind.takes_name();
        self.raw.sections.iter().filter(move |section| {
            section.kind == kind.word() && if section.name.is_some() { may_have_name } else { !must_have_name }
        })
    }

    /// What reads a section, and the world.
    pub(super) fn reader(&mut self, kind: ConfSection, raw: &'l RawSection) -> (Section<'_>, &mut World<'k>) {
        let (of_all, request, sources) = (self.of_all, self.request, self.sources);
        (Section { kind, raw, of_all, request, sources, problems: self.problems }, self.world)
    }

    /// Whether any value speaks of a name.
    pub(super) fn mentions(&self, name: &str) -> bool {
        let keys = self.raw.sections.iter().flat_map(|section| &section.keys);
        keys.filter_map(|key| key.value.data.as_text()).any(|text| text.contains(name))
    }

    /// `[supervisord]`, which has to be there; its `environment`.
    pub(super) fn daemon(&mut self, conf: &mut Supervisord, names: &Expansions) -> Vec<(String, Template)> {
        let Some(raw) = self.of_kind(ConfSection::Supervisord).next() else {
            let problem = Diagnostic::error("missing-section", "there is no [supervisord] section");
            self.problems.push(problem.help("a line [supervisord] is enough: everything in it has a default"));
            return Vec::new();
        };
        let (mut section, world) = self.reader(ConfSection::Supervisord, raw);
        let environment;
        (conf.daemon, environment) = servers::daemon(&mut section, names, world);
        environment
    }

    pub(super) fn servers(&mut self, conf: &mut Supervisord, names: &Expansions) {
        for raw in self.of_kind(ConfSection::UnixServer) {
            conf.unix_servers.extend(servers::unix(&mut self.reader(ConfSection::UnixServer, raw).0, names));
        }
        for raw in self.of_kind(ConfSection::InetServer) {
            conf.inet_servers.extend(servers::inet(&mut self.reader(ConfSection::InetServer, raw).0, names));
        }
        for raw in self.of_kind(ConfSection::RpcInterface) {
            let mut section = self.reader(ConfSection::RpcInterface, raw).0;
            conf.rpc_interfaces.extend(servers::rpc_interface(&mut section, names));
        }
        for raw in self.of_kind(ConfSection::Ctl) {
            conf.ctl = servers::ctl(&mut self.reader(ConfSection::Ctl, raw).0, names);
        }
    }

    /// `[group:NAME]`, with those of its members that exist.
    pub(super) fn groups(&mut self, names: &Expansions) -> Vec<Placed> {
        let mut groups = Vec::new();
        for raw in self.of_kind(ConfSection::Group) {
            let name = name_of(raw);
            let mut section = self.reader(ConfSection::Group, raw).0;
            let priority = section.read("priority", names, value::priority).unwrap_or(999);
            let members = section.text("programs", names).map(|text| value::list(&text)).unwrap_or_default();
            let span = section.span("programs");
            if members.is_empty() {
                let problem = Diagnostic::warning("missing-key", format!("group {name} has no `programs`"));
                section.push(problem.at(raw.span, "nothing is in it"));
            }
            let mut programs = Vec::new();
            for member in &members {
                match self.member(name, member, span) {
                    Ok(member) => programs.push(member),
                    Err(problem) => self.problems.push(problem),
                }
            }
            groups.push(Placed { group: Group { name: name.to_owned(), programs, priority }, span: raw.span });
        }
        groups
    }

    /// A member of a group, if it can be one.
    pub(super) fn member(&self, group: &str, member: &str, span: Span) -> Result<ProgramName, Diagnostic> {
        let is_there = |kind: ConfSection| self.of_kind(kind).any(|section| name_of(section) == member);
        let at = within(self.sources, span, member);
        match (is_there(ConfSection::Program), is_there(ConfSection::Fcgi)) {
            (true, false) | (false, true) => Ok(ProgramName::new(member)),
            (true, true) => {
                let message = format!("{member} is both a program and an fcgi-program");
                Err(Diagnostic::error("duplicate", message).at(at, format!("which one is in group {group}?")))
            }
            (false, false) => {
                let message = format!("group {group} lists `{member}`, which is not defined");
                let programs = self.of_kind(ConfSection::Program).chain(self.of_kind(ConfSection::Fcgi)).map(name_of);
                let label = suggest::did_you_mean(member, programs)
                    .unwrap_or_else(|| format!("there is no [program:{member}]"));
                Err(Diagnostic::error("unknown-program", message).at(at, label))
            }
        }
    }

    /// What dependencies can name; bad and doubled names are mistakes.
    pub(super) fn known(&mut self, groups: &[Placed]) -> Names {
        let mut known = Names::default();
        for kind in PROGRAMS {
            for raw in self.of_kind(kind) {
                let name = name_of(raw);
                if let Some(problem) = name_problem(name) {
                    self.problems.push(Diagnostic::error("bad-name", problem).at(raw.span, "this name"));
                }
                if let Some(first) = known.define(name, Named::Program(Kind::Program), raw.span) {
                    let problem = Diagnostic::error("duplicate", format!("two programs are called `{name}`"));
                    self.problems.push(problem.at(raw.span, "again").at(first, "first here"));
                }
            }
        }
        for Placed { group, span } in groups {
            if let Some(problem) = name_problem(&group.name) {
                self.problems.push(Diagnostic::error("bad-name", problem).at(*span, "this name"));
            }
            let members = group.programs.iter().map(|member| (member.to_string(), *span)).collect();
            // A group may have the name of a program in it: then the name means the program.
            let taken = known.define(&group.name, Named::Group(members), *span);
            let is_own = |name: &str| {
                groups.iter().all(|placed| placed.group.programs.iter().all(|member| member.as_str() != name))
            };
            if let Some(first) = taken.filter(|_| is_own(&group.name)) {
                let message = format!("a program is called `{0}`, and its group would be [group:{0}]", group.name);
                self.problems
                    .push(Diagnostic::error("duplicate", message).at(*span, "this group").at(first, "this program"));
            }
        }
        known
    }

    /// All programs, whatever their role.
    pub(super) fn programs(
        &mut self,
        conf: &Supervisord,
        names: &Expansions,
        groups: &[Placed],
        known: &Names,
        vocabulary: &Vocabulary,
    ) -> Vec<(Program, ProgramPlaces)> {
        let (scope, sources) = (Scope::default(), self.sources);
        let context = Context {
            request: self.request,
            vocabulary,
            dialect: Dialect::Supervisord,
            names: known,
            sources,
            scope: &scope,
        };
        // supervisord's own command sets the mask of the whole process, and its programs inherit it.
        let sets_umask = self.request.as_supervisord.is_none()
            && self.of_kind(ConfSection::Supervisord).any(|section| section.keys.iter().any(|key| key.name == "umask"));
        let mut programs = Vec::new();
        for kind in PROGRAMS {
            for raw in self.of_kind(kind).filter(|raw| known.is_first(name_of(raw), raw.span)) {
                let name = name_of(raw);
                let groups = groups_of(name, kind, groups);
                let around = Surroundings { groups: &groups, names, daemon: &conf.daemon, sets_umask };
                let mut section = self.reader(kind, raw).0;
                let mut program = program::program(name, &mut section, around);
                let mut places = places(raw);
                let names = program::names(name, around);
                if kind == ConfSection::Program {
                    extra::extras(context, &mut section, &names, &mut program, &mut places);
                }
                programs.push((program, places));
            }
        }
        programs
    }

    /// `[rpcinterface:NAME]` with a `command`.
    pub(super) fn extensions(
        &mut self,
        conf: &Supervisord,
        names: &Expansions,
        known: &mut Names,
    ) -> Vec<(Program, ProgramPlaces)> {
        let mut programs = Vec::new();
        for raw in self.of_kind(ConfSection::RpcInterface) {
            let is_it = |interface: &&RpcInterface| interface.command.is_some() && interface.name == name_of(raw);
            let Some(interface) = conf.rpc_interfaces.iter().find(is_it) else { continue };
            let mut section = self.reader(ConfSection::RpcInterface, raw).0;
            let Some(program) = extension::extension(&mut section, interface, names, &conf.daemon) else { continue };
            if let Some(first) = known.define(program.name.as_str(), Named::Program(Kind::Program), raw.span) {
                let problem = Diagnostic::error("duplicate", format!("two programs are called `{}`", program.name));
                self.problems.push(problem.at(raw.span, "again").at(first, "first here"));
                continue;
            }
            programs.push((program, places(raw)));
        }
        programs
    }

    /// What the command line says of run.toml and Procfiles only.
    pub(super) fn refuse_formation(&mut self) {
        if !self.request.formation.is_empty() {
            let problem = Diagnostic::error("wrong-value", "-m means nothing for a supervisord.conf");
            self.problems.push(problem.help("`numprocs` says how many processes a program has"));
        }
        if self.request.base_port.is_some() || !self.request.port_overrides.is_empty() {
            let problem = Diagnostic::error("wrong-value", "--port means nothing for a supervisord.conf");
            self.problems.push(problem.help("its programs declare no ports"));
        }
    }
}

/// The sections that are programs.
const PROGRAMS: [ConfSection; 3] = [ConfSection::Program, ConfSection::Listener, ConfSection::Fcgi];

/// What stands behind the colon.
fn name_of(section: &RawSection) -> &str {
    section.name.as_deref().unwrap_or_default().trim()
}

/// The groups that list a program, else its own. A program that two groups list runs in both.
fn groups_of(name: &str, kind: ConfSection, groups: &[Placed]) -> Vec<String> {
    let lists = |placed: &&Placed| {
        kind != ConfSection::Listener && placed.group.programs.iter().any(|member| member.as_str() == name)
    };
    let listed: Vec<String> = groups.iter().filter(lists).map(|placed| placed.group.name.clone()).collect();
    if listed.is_empty() { vec![name.to_owned()] } else { listed }
}

fn places(raw: &RawSection) -> ProgramPlaces {
    ProgramPlaces {
        name: raw.span,
        values: raw.keys.iter().map(|key| (key.name.clone(), key.value.span)).collect(),
        edges: Vec::new(),
        env_files: Vec::new(),
        templates: Vec::new(),
        environment: 0,
    }
}
