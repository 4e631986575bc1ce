//! What is wrong between the parts of a project and with the world around it. Each file looks at one thing and stops at nothing.

pub mod cycle;
pub mod edges;
pub mod foreground;
pub mod hooks;
pub mod ports;
pub mod profiles;
pub mod references;
pub mod world;

use crate::config::facts::World;
use crate::config::lower::{Lowered, ProgramPlaces};
use crate::config::request::Request;
use crate::model::{Diagnostic, Dialect, Program, Project, SourceFile};

/// Mistakes that may only seem to be there when a text could not be read to its end.
pub const FOLLOWS_FROM_LOSS: &[&str] = &[
    "unknown-program",
    "missing-key",
    "missing-section",
    "undefined-variable",
    "empty-project",
    "ready-check",
    "alive-check",
    "no-port",
];

/// Finds all mistakes.
pub fn check(
    request: &Request,
    lowered: &Lowered,
    world: &mut World<'_>,
    sources: &[SourceFile],
    problems: &mut Vec<Diagnostic>,
) {
    let active = active(&lowered.project, request);
    cycle::check(lowered, problems);
    edges::check(lowered, &active, request, problems);
    ports::check(lowered, &active, problems);
    references::check(request, lowered, world, sources, problems);
    world::check(request, lowered, &active, world, sources, problems);
    profiles::check(request, lowered, &active, problems);
    foreground::check(lowered, problems);
    hooks::check(lowered, problems);
    empty(lowered, sources, problems);
}

/// Programs with their places.
pub fn programs(lowered: &Lowered) -> impl Iterator<Item = (&Program, &ProgramPlaces)> {
    lowered.project.programs.iter().zip(&lowered.places.programs)
}

/// A config without a program; not said when something else explains it.
fn empty(lowered: &Lowered, sources: &[SourceFile], problems: &mut Vec<Diagnostic>) {
    let is_explained = problems.iter().any(|problem| problem.severity == crate::model::Severity::Error);
    if !lowered.project.programs.is_empty() || is_explained {
        return;
    }
    let file = sources.first().map_or("this config", |source| source.name.as_str());
    let message = format!("there is no program in {file}");
    problems.push(match lowered.project.dialect {
        Dialect::Procfile => {
            Diagnostic::error("empty-project", message).help("the smallest one is a line web: COMMAND")
        }
        Dialect::Native => {
            let help = "the smallest one is a line [program.web] and below it command = \"…\"";
            Diagnostic::error("empty-project", message).help(help)
        }
        // A supervisord may wait for programs that `update` brings.
        Dialect::Supervisord => Diagnostic::warning("empty-project", message),
    });
}

/// Which programs would be started, one flag each: those whose profile was asked for, and those that were named with all they need.
fn active(project: &Project, request: &Request) -> Vec<bool> {
    let is_named = |program: &Program| {
        let by = |word: &String| {
            program.name.as_str() == word || program.instances.iter().any(|instance| instance.name.matches(word))
        };
        request.names.iter().any(by)
    };
    let mut active: Vec<bool> =
        project.programs.iter().map(|program| project.is_active(program) || is_named(program)).collect();
    let mut open: Vec<usize> = (0..active.len()).filter(|&at| is_named(&project.programs[at])).collect();
    while let Some(at) = open.pop() {
        for edge in project.programs[at].depends_on.iter().filter(|edge| !edge.optional) {
            let needed = project.programs.iter().position(|program| program.name == edge.program);
            if let Some(needed) = needed.filter(|&needed| !active[needed]) {
                active[needed] = true;
                open.push(needed);
            }
        }
    }
    active
}
