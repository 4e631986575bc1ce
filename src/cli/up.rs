//! `run up`: start the project, or the named programs and what they need, and stream the output.

use std::time::Duration;

use clap::ValueEnum;
use clap_complete::engine::ArgValueCandidates;

use crate::cli::args::{self, Formation, PortChoice};
use crate::cli::complete;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::settings::Settings;
use crate::model::EnvOrder;

/// Start the project, or the named programs and what they need, and stream the output.
///
/// Ctrl-C stops everything in reverse order; again: kill now. When the project is up already, what is missing is started and
/// the stream is shown; there Ctrl-C only leaves.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Programs, groups or globs; without any: everything that starts by itself.
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::configured), conflicts_with = "command")]
    pub names: Vec<String>,
    /// Leave it running in the background; return when everything is ready (0) or something has failed (1).
    #[arg(short, long)]
    pub detach: bool,
    /// Show the stream until everything is ready, then leave it running; --detach waits, too.
    #[arg(long)]
    pub wait: bool,
    /// With --detach or --wait: give up waiting after this long (124).
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    pub timeout: Option<Duration>,
    /// Activate what belongs to this profile; may be given several times.
    #[arg(long, value_name = "PROFILE", value_delimiter = ',', add = ArgValueCandidates::new(complete::profiles))]
    pub profile: Vec<String>,
    /// Number of instances, such as all=1,web=2.
    #[arg(short = 'm', long, value_name = "NAME=COUNT", value_delimiter = ',', value_parser = args::formation)]
    pub formation: Vec<Formation>,
    /// Start the named ones alone, without what they need.
    #[arg(long, requires = "names")]
    pub no_deps: bool,
    /// Base port of a Procfile, or the port of one program.
    #[arg(long, value_name = "N|NAME=N", value_parser = args::port_choice)]
    pub port: Vec<PortChoice>,
    /// Any program that ends, ends everything (foreman's rule).
    #[arg(long, conflicts_with_all = ["exit_on_failure", "keep_going"])]
    pub exit_on_end: bool,
    /// A program that fails ends everything.
    #[arg(long, conflicts_with = "keep_going")]
    pub exit_on_failure: bool,
    /// Nothing but Ctrl-C ends everything; what fails is started again.
    #[arg(long)]
    pub keep_going: bool,
    /// Which wins when the shell and an env file both set a variable.
    #[arg(long, value_name = "file|shell", default_value = "file", hide_possible_values = true)]
    pub env_order: EnvOrderChoice,
    /// Listen to no keys.
    #[arg(long)]
    pub no_keys: bool,
    /// Time before every line: -t since the start, -tt on the clock.
    #[arg(short = 't', long, action = clap::ArgAction::Count)]
    pub timestamps: u8,
    /// Supervise this command instead of a config file.
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<String>,
}

/// `--env-order`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum EnvOrderChoice {
    /// The file.
    #[default]
    File,
    /// The shell.
    Shell,
}

impl From<EnvOrderChoice> for EnvOrder {
    fn from(choice: EnvOrderChoice) -> Self {
        match choice {
            EnvOrderChoice::File => Self::File,
            EnvOrderChoice::Shell => Self::Shell,
        }
    }
}

/// Starts the project.
pub fn run(_settings: &Settings, _args: &Args) -> Result<ExitCode, CommandError> {
    Err(CommandError::internal("`run up` is not there yet"))
}
