//! `run stop NAME…`: stop programs, and say who depends on them.

use clap_complete::engine::ArgValueCandidates;

use crate::cli::answers::{self, Asked};
use crate::cli::complete;
use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::say;
use crate::cli::project;
use crate::cli::select::select;
use crate::cli::settings::{Settings, Verbosity};
use crate::model::status::{ProjectStatus, RequestReport};

/// Stop programs; return when they are down.
///
/// What depends on them keeps running and is named. Exit code: 0 stopped or not running, 1 something did not stop, 2 not up.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Programs, groups or globs.
    #[arg(value_name = "NAME", required = true, add = ArgValueCandidates::new(complete::running))]
    pub names: Vec<String>,
    /// Stop those that depend on them first.
    #[arg(long)]
    pub with_dependents: bool,
    /// Return at once, without waiting until they are down.
    #[arg(long)]
    pub no_wait: bool,
    /// As JSON, with a schema number.
    #[arg(long)]
    pub json: bool,
}

/// Stops them.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let (before, report) = ask(&mut project::connect(settings)?, args)?;
    answers::show(settings, Asked::Stop, &report, args.json)?;
    if !args.json && settings.verbosity > Verbosity::Quiet {
        say(&answers::left_running(&before, &report, &settings.look(&settings.err)));
    }
    Ok(answers::exit_code(&report))
}

/// Stops them; how it was before, and what became of it.
pub fn ask(connection: &mut Connection, args: &Args) -> Result<(ProjectStatus, RequestReport), CommandError> {
    let before = connection.status()?;
    select(&before, &args.names)?;
    let report = connection.stop(&args.names, args.with_dependents, !args.no_wait)?;
    Ok((before, report))
}
