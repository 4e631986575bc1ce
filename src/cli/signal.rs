//! `run signal SIGNAL NAME…`: send a signal to programs.

use clap_complete::engine::ArgValueCandidates;

use crate::cli::answers::{self, Asked};
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::settings::Settings;
use crate::cli::{complete, project};
use crate::model::Signal;

/// Send a signal to programs.
///
/// Exit code: 0 sent, 1 something was not running, 2 not up.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A name with or without SIG, or a number.
    #[arg(value_name = "SIGNAL", value_parser = signal, add = ArgValueCandidates::new(complete::signals))]
    pub signal: Signal,
    /// Programs, groups or globs.
    #[arg(value_name = "NAME", required = true, add = ArgValueCandidates::new(complete::running))]
    pub names: Vec<String>,
    /// As JSON, with a schema number.
    #[arg(long)]
    pub json: bool,
}

fn signal(text: &str) -> Result<Signal, String> {
    Signal::parse(text).ok_or_else(|| "not a signal such as HUP, SIGUSR1 or 15".to_owned())
}

/// Sends it.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let mut connection = project::connect(settings)?;
    connection.know(&args.names)?;
    let report = connection.signal(&args.names, args.signal)?;
    answers::show(settings, Asked::Signal, &report, args.json)?;
    Ok(answers::exit_code(&report))
}
