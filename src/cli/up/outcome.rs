//! `run up -d --json`: what came of it, for a program that reads it.

use serde::Serialize;

use crate::cli::error::CommandError;
use crate::cli::output::print_json;
use crate::cli::project;
use crate::cli::select::select;
use crate::cli::settings::Settings;
use crate::cli::status;
use crate::cli::up::Args;
use crate::cli::why;
use crate::model::status::ProjectStatus;

/// What `run status --json` prints, and the whole story of what has failed, so that nobody has to ask for it.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    #[serde(flatten)]
    status: ProjectStatus,
    failures: Vec<why::Answer<'a>>,
}

/// Tells the state of what was to come up, where that was asked for.
pub(super) fn tell(settings: &Settings, args: &Args) -> Result<(), CommandError> {
    if !args.json {
        return Ok(());
    }
    // Without a state it did not begin, and why is told already.
    let Ok((status, places)) = project::status_now_or_last(settings) else { return Ok(()) };
    let shown = select(&status, &args.names)?;
    let failed = shown.iter().filter(|process| process.state.is_failure());
    let failed: Vec<String> = failed.map(|process| process.name.clone()).collect();
    let failures = if failed.is_empty() { Vec::new() } else { why::ask(&status, &places, &failed)?.processes };
    print_json(&Outcome { status: status::only(&status, &shown), failures })
}
