//! `run start NAME…`: start programs, and first what they need.

use std::time::Duration;

use clap_complete::engine::ArgValueCandidates;

use crate::cli::answers::{self, Asked};
use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::settings::Settings;
use crate::cli::{args, complete, project};
use crate::client::StartUntil;
use crate::model::status::RequestReport;

/// Start programs, and first what they need; return when they are ready.
///
/// Exit code: 0 ready (tasks done), 1 something failed, 2 not up, 124 time limit over.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Programs, groups or globs.
    #[arg(value_name = "NAME", required = true, add = ArgValueCandidates::new(complete::running))]
    pub names: Vec<String>,
    /// Start the named ones alone, without what they need.
    #[arg(long)]
    pub no_deps: bool,
    /// Return at once, without waiting until they are ready.
    #[arg(long)]
    pub no_wait: bool,
    /// Give up waiting after this long (124); what was started goes on.
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    pub timeout: Option<Duration>,
    /// As JSON, with a schema number.
    #[arg(long)]
    pub json: bool,
}

/// Starts them.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let report = ask(&mut project::connect(settings)?, args)?;
    answers::show(settings, Asked::Start, &report, args.json)?;
    Ok(answers::exit_code(&report))
}

/// Starts them and says what became of it.
pub fn ask(connection: &mut Connection, args: &Args) -> Result<RequestReport, CommandError> {
    connection.know(&args.names)?;
    let until = if args.no_wait { StartUntil::Accepted } else { StartUntil::Ready };
    connection.start(&args.names, until, !args.no_deps, args.timeout)
}
