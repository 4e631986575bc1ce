//! What was written to what is meant: every option gets its type and its default, names get resolved. Mistakes leave the default
//! and are noted, so that one never hides another.

pub mod control;
pub mod depends;
pub mod extension;
pub mod keys;
pub mod names;
pub mod program;
pub mod ready;
pub mod role;
pub mod settings;
pub mod supervisord;
pub mod template;
pub mod value;

use std::collections::BTreeMap;

use crate::config::facts::World;
use crate::config::lower::names::Names;
use crate::config::lower::template::Placed;
use crate::config::raw::RawProject;
use crate::config::request::{Request, Vocabulary};
use crate::config::scope::Scope;
use crate::model::options::SectionKind;
use crate::model::{Diagnostic, Dialect, Project, SourceFile, Span};

/// A project and the places it came from: the project alone compares with `==`, whatever moved in the file.
#[derive(Debug)]
pub struct Lowered {
    /// The project.
    pub project: Project,
    /// Where its parts were written.
    pub places: Places,
}

/// Where the parts of a project were written.
#[derive(Debug, Default)]
pub struct Places {
    /// One for each program, in the same order.
    pub programs: Vec<ProgramPlaces>,
    /// `[environment]`, one for each entry.
    pub environment: Vec<Placed>,
    /// Project-wide env files, one for each; `None` for the default one.
    pub env_files: Vec<Option<Span>>,
    /// Groups by name.
    pub groups: BTreeMap<String, Span>,
    /// `[control] tcp`.
    pub tcp: Option<Span>,
}

/// Where the parts of a program were written.
#[derive(Debug)]
pub struct ProgramPlaces {
    /// Its name.
    pub name: Span,
    /// The values of its keys.
    pub values: BTreeMap<String, Span>,
    /// The names it depends on, one for each edge.
    pub edges: Vec<Span>,
    /// Its env files, one for each.
    pub env_files: Vec<Span>,
    /// Everything with holes, its environment first and entry by entry.
    pub templates: Vec<Placed>,
    /// How many of `templates` are its environment.
    pub environment: usize,
}

/// What lowering has to know besides the section at hand.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What was asked for.
    pub request: &'a Request,
    /// The kinds of ready check.
    pub vocabulary: &'a Vocabulary,
    /// Whose defaults.
    pub dialect: Dialect,
    /// What is defined.
    pub names: &'a Names,
    /// The texts.
    pub sources: &'a [SourceFile],
    /// The environment that all programs start from; empty while the settings themselves are read.
    pub scope: &'a Scope,
}

/// Lowers everything.
pub fn lower(
    request: &Request,
    vocabulary: &Vocabulary,
    raw: &RawProject,
    world: &mut World<'_>,
    sources: &[SourceFile],
    problems: &mut Vec<Diagnostic>,
) -> Lowered {
    if raw.dialect == Dialect::Supervisord {
        return supervisord::lower(request, vocabulary, raw, world, sources, problems);
    }
    let names = Names::collect(raw, problems);
    let nothing = Scope::default();
    let context = Context { request, vocabulary, dialect: raw.dialect, names: &names, sources, scope: &nothing };
    let mut lowered = settings::project(context, raw, problems);
    let scope = Scope::of_project(request, &lowered.project, world);
    let context = Context { scope: &scope, ..context };
    for section in &raw.sections {
        let Some(kind) = SectionKind::of_word(&section.kind).filter(|kind| kind.is_program()) else { continue };
        let Some(name) = section.name.as_deref().filter(|name| names.is_first(name, section.span)) else { continue };
        let (program, places) = program::program(context, name, kind, section, problems);
        lowered.project.programs.push(program);
        lowered.places.programs.push(places);
    }
    for section in raw.sections.iter().filter(|section| section.kind == names::EXTENSION) {
        if let Some((program, places)) = extension::extension(context, section, problems) {
            lowered.project.programs.push(program);
            lowered.places.programs.push(places);
        }
    }
    settings::overrides(context, &mut lowered, problems);
    lowered
}
