//! `run up` when the project is up already: never a second set.
//!
//! On a terminal what is missing is started and the stream is shown; there Ctrl-C only leaves. Without a terminal it is refused,
//! because a script that says `up` means to own it. `up -d` twice is fine.

use std::time::Duration;

use crate::cli::answers::{self, Asked};
use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output;
use crate::cli::project::Loaded;
use crate::cli::select;
use crate::cli::settings::{Settings, Verbosity};
use crate::cli::up::{Args, joined};
use crate::client::StartUntil;
use crate::model::status::{ProcessStatus, ProjectStatus};
use crate::model::units::human_duration;
use crate::model::{Project, Word};
use crate::plan::graph::DependencyGraph;
use crate::plan::select as select_plan;
use crate::registry::OwnerFacts;
use crate::runtime::clock::Clock;
use crate::ui::text::clean;

/// That it is up, by whom, and what to type.
pub(in crate::cli) fn refusal(owner: &OwnerFacts) -> CommandError {
    let since = Duration::from_millis(Clock::start().now().wall.0.saturating_sub(owner.since.0));
    let where_from = if owner.at_terminal { " at a terminal" } else { "" };
    CommandError::project(format!(
        "{} is already up: pid {}, for {}, started{where_from} in {}",
        owner.name,
        owner.pid,
        human_duration(since),
        owner.root.display()
    ))
    .hint("run status      shows it")
    .hint("run up -d       starts what is missing and waits until all is ready")
    .hint("run down        stops it")
}

/// Joins the project that is up. `None`: it has ended meanwhile.
pub(super) fn join(
    settings: &Settings,
    args: &Args,
    mut connection: Connection,
    loaded: &Loaded,
) -> Result<Option<ExitCode>, CommandError> {
    let owner = connection.owner().clone();
    let files = loaded.file_names();
    if !settings.files.is_empty() && owner.files != files {
        return Err(CommandError::project(format!(
            "{} is already up from {}, not from {}",
            owner.name,
            owner.files.join(", "),
            files.join(", ")
        ))
        .hint("run -p NAME up …     runs this one beside it, under another name"));
    }
    let Some(before) = connection.status_until_gone()? else { return Ok(None) };
    select::select(&before, &args.names)?;
    let leaves = args.detach || args.wait;
    if !(leaves || settings.out.is_terminal || settings.err.is_terminal) {
        return Err(refusal(&owner));
    }
    let names = if args.names.is_empty() { to_start(&before, &chosen(&loaded.project)) } else { args.names.clone() };
    let missing = missing(&before, &names);
    if settings.verbosity > Verbosity::Quiet {
        let (name, pid) = (clean(&owner.name), owner.pid);
        output::say(&format!("{name} is already up (pid {pid}); {}\n", plan(&missing)));
    }
    // Who names programs asks for those and no others.
    if args.names.is_empty() && !args.profile.is_empty() {
        connection.activate(&args.profile)?;
    }
    // Named ones may be up while what they need is not; without names, whoever is up is left alone with its failures.
    let starts = if args.names.is_empty() { missing } else { names.clone() };
    if !starts.is_empty() {
        connection.start(&starts, StartUntil::Accepted, !args.no_deps, None)?;
    }
    if leaves {
        return wait(settings, args, &mut connection, &names).map(Some);
    }
    let all = args.names.is_empty() || args.no_deps;
    let shown = if all { args.names.clone() } else { with_needs(&before, &args.names) };
    joined::stream(settings, connection, &before, &shown, args.timestamps, !args.no_keys).map(Some)
}

/// Waits until these are ready, or one has failed.
fn wait(
    settings: &Settings,
    args: &Args,
    connection: &mut Connection,
    names: &[String],
) -> Result<ExitCode, CommandError> {
    let report = connection.wait(names, args.timeout)?;
    if settings.verbosity > Verbosity::Quiet {
        output::say(&answers::render(Asked::Wait, &report, &settings.look(&settings.err)));
        output::say(&answers::next(&report, &settings.look(&settings.err)));
    }
    Ok(answers::exit_code(&report))
}

/// Names of the processes that `up` without names starts: those that start by themselves, and what they need.
fn chosen(project: &Project) -> Vec<String> {
    let roots = select_plan::autostarted(project);
    // A circle was refused by the loader.
    let chosen = DependencyGraph::new(project).map(|graph| select_plan::with_needs(&graph, &roots)).unwrap_or_default();
    let all = project.processes().filter(|(id, _, _)| chosen.contains(id));
    all.map(|(_, _, instance)| instance.name.to_string()).collect()
}

/// Those that `up` would have started, but for tasks that are done: they run once per `up`.
fn to_start(before: &ProjectStatus, autostarted: &[String]) -> Vec<String> {
    let all = before.processes.iter().filter(|process| autostarted.contains(&process.name));
    all.filter(|process| process.state != Word::Done).map(|process| process.name.clone()).collect()
}

/// Those of the named ones that are neither up nor on their way.
fn missing(before: &ProjectStatus, names: &[String]) -> Vec<String> {
    let is_meant = |process: &&ProcessStatus| names.iter().any(|name| select::matches(process, name));
    let missing = before.processes.iter().filter(is_meant).filter(|process| match process.state {
        Word::Off | Word::Blocked | Word::Stopping | Word::Done | Word::Failed => true,
        Word::Waiting | Word::Starting | Word::Ready | Word::Unhealthy | Word::Retrying => false,
    });
    missing.map(|process| process.name.clone()).collect()
}

/// What is started now, in words.
fn plan(missing: &[String]) -> String {
    let names: Vec<String> = missing.iter().map(|name| clean(name)).collect();
    if names.is_empty() { "nothing is missing".to_owned() } else { format!("starting {}", names.join(", ")) }
}

/// The processes that the words mean, and all that they need.
fn with_needs(status: &ProjectStatus, words: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let asked = status.processes.iter().filter(|process| words.iter().any(|word| select::matches(process, word)));
    let mut open: Vec<&ProcessStatus> = asked.collect();
    while let Some(process) = open.pop() {
        if !names.contains(&process.name) {
            names.push(process.name.clone());
            let is_needed = |other: &&ProcessStatus| process.needs.iter().any(|need| need.name == other.name);
            open.extend(status.processes.iter().filter(is_needed));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample_status as sample;

    fn all(shop: &ProjectStatus) -> Vec<String> {
        shop.processes.iter().map(|process| process.name.clone()).collect()
    }

    #[test]
    fn a_task_that_is_done_is_not_missing_nor_is_what_does_not_start_by_itself() {
        let shop = sample::shop();
        assert_eq!(to_start(&shop, &all(&shop)), ["db", "api", "web", "worker"]);
        assert_eq!(to_start(&shop, &["db".to_owned(), "migrate".to_owned()]), ["db"]);
    }

    #[test]
    fn who_is_started_is_named() {
        let mut shop = sample::shop();
        assert_eq!(plan(&missing(&shop, &to_start(&shop, &all(&shop)))), "starting worker");
        shop.processes[3].state = Word::Retrying;
        assert_eq!(plan(&missing(&shop, &["web".to_owned(), "migrate".to_owned()])), "starting migrate");
        assert_eq!(plan(&missing(&shop, &["db".to_owned()])), "nothing is missing");
    }

    #[test]
    fn what_a_named_one_needs_is_shown_with_it() {
        let mut shown = with_needs(&sample::waiting_shop(), &["web".to_owned()]);
        shown.sort();
        assert_eq!(shown, ["api", "db", "migrate", "web"]);
    }
}
