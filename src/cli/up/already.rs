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
use crate::cli::settings::Settings;
use crate::cli::up::Args;
use crate::cli::{logs, select};
use crate::client::StartUntil;
use crate::model::units::human_duration;
use crate::registry::OwnerFacts;
use crate::runtime::clock::Clock;

/// That it is up, by whom, and what to type.
pub(super) fn refusal(owner: &OwnerFacts) -> CommandError {
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

/// Joins the project that is up.
pub(super) fn join(
    settings: &Settings,
    args: &Args,
    mut connection: Connection,
    files: &[String],
) -> Result<ExitCode, CommandError> {
    let owner = connection.owner().clone();
    if !settings.files.is_empty() && owner.files != files {
        return Err(CommandError::project(format!(
            "{} is already up from {}, not from {}",
            owner.name,
            owner.files.join(", "),
            files.join(", ")
        ))
        .hint("run -p NAME up …     runs this one beside it, under another name"));
    }
    let leaves = args.detach || args.wait;
    let shows = settings.out.is_terminal || settings.err.is_terminal;
    if !leaves && !shows {
        return Err(refusal(&owner));
    }
    let before = connection.status()?;
    select::select(&before, &args.names)?;
    let until = if leaves { StartUntil::Ready } else { StartUntil::Accepted };
    let names = if args.names.is_empty() { vec!["all".to_owned()] } else { args.names.clone() };
    output::say(&format!("{} is already up (pid {}); starting what is missing\n", owner.name, owner.pid));
    let report = connection.start(&names, until, !args.no_deps, args.timeout)?;
    if leaves {
        output::say(&answers::render(Asked::Start, &report, &settings.look(&settings.err)));
        return Ok(answers::exit_code(&report));
    }
    output::say("  Ctrl-C leaves, and everything keeps running\n");
    let follow = logs::Args { names: args.names.clone(), follow: true, last: Some(10), ..logs::Args::default() };
    logs::run(settings, &follow)
}
