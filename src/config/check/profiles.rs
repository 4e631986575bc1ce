//! Profiles that no program has, and a project of which no profile is active.

use std::collections::BTreeSet;

use crate::config::lower::Lowered;
use crate::config::request::Request;
use crate::config::suggest;
use crate::model::Diagnostic;

/// The code of the warning that no program is active: fine to look at, nothing to start.
pub const NOTHING_ACTIVE: &str = "nothing-active";

/// Looks at what was asked for and at what is left to start.
pub fn check(request: &Request, lowered: &Lowered, active: &[bool], problems: &mut Vec<Diagnostic>) {
    let programs = &lowered.project.programs;
    let known: BTreeSet<&str> = programs.iter().flat_map(|program| &program.profiles).map(String::as_str).collect();
    for profile in request.profiles.iter().filter(|profile| !known.contains(profile.as_str())) {
        problems.push(unknown(profile, &known));
    }
    let is_asked_for = !request.profiles.is_empty() || !request.names.is_empty();
    if let Some(first) = known.first().filter(|_| !is_asked_for && !active.contains(&true)) {
        let names: Vec<String> = known.iter().map(|profile| format!("\"{profile}\"")).collect();
        let message = format!("every program belongs to a profile: {}", names.join(", "));
        problems.push(Diagnostic::warning(NOTHING_ACTIVE, message).help(format!("run up --profile {first}")));
    }
}

fn unknown(profile: &str, known: &BTreeSet<&str>) -> Diagnostic {
    let problem = Diagnostic::error("unknown-profile", format!("no program has the profile `{profile}`"));
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    match suggest::did_you_mean(profile, known.iter().copied()) {
        Some(question) => problem.help(question),
        None if names.is_empty() => problem.help("no program has any: leave --profile out"),
        None => problem.help(format!("there are {}", suggest::list(&names, "and"))),
    }
}
