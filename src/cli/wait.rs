//! `run wait NAME…`: return when programs are ready.

use std::time::Duration;

use clap_complete::engine::ArgValueCandidates;

use crate::cli::answers::{self, Asked};
use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::settings::Settings;
use crate::cli::{args, complete, project};
use crate::model::status::RequestReport;

/// Wait until programs are ready (tasks done), or until one of them has failed.
///
/// Exit code: 0 ready, 1 failed, 2 not up, 124 time limit over. A program that keeps crashing is not ready.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Programs, groups or globs; without any: everything that is wanted.
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::running))]
    pub names: Vec<String>,
    /// Give up after this long (124).
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    pub timeout: Option<Duration>,
    /// As JSON, with a schema number.
    #[arg(long)]
    pub json: bool,
}

/// Waits.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let report = ask(&mut project::connect(settings)?, args)?;
    answers::show(settings, Asked::Wait, &report, args.json)?;
    Ok(answers::exit_code(&report))
}

/// Waits and says what came.
pub fn ask(connection: &mut Connection, args: &Args) -> Result<RequestReport, CommandError> {
    connection.know(&args.names)?;
    connection.wait(&args.names, args.timeout)
}
