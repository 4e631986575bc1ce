//! Dependencies that can never be satisfied, or mean less than they seem to.

use crate::config::lower::Lowered;
use crate::config::request::Request;
use crate::model::{Autorestart, Dependency, Diagnostic, Dialect, Program, Span, Until};

/// Looks at every edge.
pub fn check(lowered: &Lowered, active: &[bool], request: &Request, problems: &mut Vec<Diagnostic>) {
    let project = &lowered.project;
    for (from, (program, places)) in super::programs(lowered).enumerate() {
        for (edge, &span) in program.depends_on.iter().zip(&places.edges) {
            let Some(to) = project.programs.iter().position(|other| other.name == edge.program) else { continue };
            let target = &project.programs[to];
            problems.extend(never(program, edge, target, span));
            if project.dialect == Dialect::Native {
                problems.extend(no_readiness(program, edge, target, span));
            }
            // Named programs bring what they need; the others are not started, so there is nothing to complain about.
            if request.names.is_empty() && active[from] && !active[to] && !edge.optional {
                problems.push(inactive(program, target, span, lowered.places.programs[to].name));
            }
        }
    }
}

/// An end that never comes, or a readiness that a task does not have.
fn never(program: &Program, edge: &Dependency, target: &Program, span: Span) -> Option<Diagnostic> {
    let name = &target.name;
    let problem =
        |why: String| Diagnostic::error("never-satisfied", format!("{} would wait for ever: {why}", program.name));
    match edge.until {
        Until::Ready if target.is_task() => Some(
            problem(format!("{name} is a task, and a task is never ready"))
                .at(span, "it waits until ready")
                .help(format!("until = \"done\", which is what a bare \"{name}\" means")),
        ),
        Until::Done if !target.is_task() && target.autorestart != Autorestart::Never => Some(
            problem(format!("{name} is kept running, so it is never done"))
                .at(span, "it waits until done")
                .help(format!("make it [task.{name}], or set autorestart = false there")),
        ),
        Until::Exited if !target.is_task() && target.autorestart == Autorestart::Always => Some(
            problem(format!("{name} is started again whenever it exits"))
                .at(span, "it waits until exited")
                .help(format!("make it [task.{name}], or set autorestart = false there")),
        ),
        Until::Started | Until::Ready | Until::Done | Until::Exited => None,
    }
}

/// Ready the moment it is spawned: legal, and rarely what was meant.
fn no_readiness(program: &Program, edge: &Dependency, target: &Program, span: Span) -> Option<Diagnostic> {
    let says_nothing = target.ready.is_none() && target.startsecs.is_zero() && !target.is_task();
    (edge.until == Until::Ready && says_nothing).then(|| {
        let name = &target.name;
        let message =
            format!("{} does not really wait for {name}: it counts as ready the moment it is spawned", program.name);
        Diagnostic::warning("no-readiness", message)
            .at(span, format!("{name} has startsecs = 0 and no ready check"))
            .help(format!("give {name} a `port` or a `ready`"))
    })
}

fn inactive(program: &Program, target: &Program, span: Span, defined: Span) -> Diagnostic {
    let profiles: Vec<String> = target.profiles.iter().map(|profile| format!("\"{profile}\"")).collect();
    let word = if profiles.len() == 1 { "profile" } else { "profiles" };
    let message = format!("{} depends on {}, which is not active", program.name, target.name);
    Diagnostic::error("inactive-program", message)
        .at(span, format!("defined, but only in {word} {}", profiles.join(", ")))
        .at(defined, "here")
        .help(format!("run up --profile {}", target.profiles.first().map_or("", String::as_str)))
        .help("or make the dependency { optional = true }")
}
