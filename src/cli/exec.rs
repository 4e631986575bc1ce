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
use crate::cli::project;
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
    let error = prepare(settings, args)?.exec();
    say(&not_run(settings, args, &error).addressed(&settings.address).render(&settings.err));
    Ok(if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE })
}

/// The command in its environment and directory.
pub fn prepare(settings: &Settings, args: &Args) -> Result<Command, CommandError> {
    let [word, arguments @ ..] = args.command.as_slice() else {
        return Err(CommandError::user("there is no command to run").hint("run exec -- CMD"));
    };
    let subject = args.program.as_deref().map_or(Subject::Project, Subject::Program);
    let made = environment::compose(settings, subject)?;
    let mut command = Command::new(word);
    let variables = made.environment.iter().map(|(name, variable)| (name, &*variable.value));
    command.args(arguments).env_clear().envs(variables).current_dir(&made.directory);
    Ok(command)
}

/// That it could not be run, and why.
pub fn not_run(settings: &Settings, args: &Args, error: &io::Error) -> CommandError {
    let word = args.command.first().map_or("", String::as_str);
    if error.kind() == io::ErrorKind::NotFound {
        not_found(settings, word)
    } else {
        CommandError::user(format!("could not run {word}: {error}"))
    }
}

/// That there is no such command, and what may have been meant by the name of a program.
fn not_found(settings: &Settings, word: &str) -> CommandError {
    let place = if word.contains('/') { "is not there" } else { "is not on the PATH" };
    let error = CommandError::user(format!("could not run {word}: it {place}"));
    let is_program = project::load(settings).is_ok_and(|loaded| loaded.project.program(&word.into()).is_some());
    if is_program {
        error
            .hint(format!("run up {word}      starts the program of this name"))
            .hint(format!("run exec --as {word} -- CMD      runs a command in its environment"))
    } else {
        error
    }
}
