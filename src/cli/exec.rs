//! `run exec -- CMD`: one command in the project's environment.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use clap_complete::engine::ArgValueCandidates;

use crate::cli::complete;
use crate::cli::environment::{self, Subject};
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::say;
use crate::cli::settings::Settings;

/// Run one command in the project's environment: its env files, [environment] and ports.
///
/// The command takes the place of `run`, so its exit code and signals are its own (126: not executable, 127: not found).
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// In the environment and the directory of this program.
    #[arg(long = "as", value_name = "PROGRAM", add = ArgValueCandidates::new(complete::configured))]
    pub program: Option<String>,
    /// The command and its arguments.
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// What a shell returns for a command that cannot be executed, and for one that is not there (POSIX, "Exit Status for Commands").
const NOT_EXECUTABLE: ExitCode = ExitCode::Program(126);
const NOT_FOUND: ExitCode = ExitCode::Program(127);

/// Becomes the command; returns only when that is impossible.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let [word, arguments @ ..] = args.command.as_slice() else {
        return Err(CommandError::user("there is no command to run").hint("run exec -- CMD"));
    };
    let subject = args.program.as_deref().map_or(Subject::Project, Subject::Program);
    let made = environment::compose(settings, subject)?;
    let error = Command::new(word)
        .args(arguments)
        .env_clear()
        .envs(&made.environment.pairs)
        .current_dir(&made.directory)
        .exec();
    say(&CommandError::user(format!("could not run {word}: {error}")).render(&settings.err));
    Ok(if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE })
}
