//! Everything that is needed to execute a process: words, environment, directory.

use std::path::{Path, PathBuf};

use crate::model::program::Instance;
use crate::model::{Command, Program, Project, Template, Variables};
use crate::plan::environment::{Environment, EnvironmentError, Layers, Unresolved, compose, resolve};
use crate::plan::ports::Ports;
use crate::plan::shell_line::{Shape, shape};

/// The shell of string commands.
const SHELL: &str = "/bin/sh";

/// What is to be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The words, at least one. A bare first word is looked for on the PATH of `environment`.
    pub argv: Vec<String>,
    /// All of it, by name.
    pub environment: Variables,
    /// Absolute.
    pub directory: PathBuf,
    /// File mode mask; `None`: as ours was at start.
    pub umask: Option<u32>,
    /// Run as this user (name or number).
    pub user: Option<String>,
    /// Whether a shell reads the command, be it only to be replaced by it.
    pub through_shell: bool,
}

/// A process that cannot be executed, found before it was tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// A variable cannot be made.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A hole in the command.
    #[error("command: {0}")]
    Command(#[source] Unresolved),
    /// A hole in the directory.
    #[error("directory: {0}")]
    Directory(#[source] Unresolved),
    /// There is nothing to run.
    #[error("the command is empty")]
    Empty,
    /// No system can pass this on.
    #[error("{0} holds a NUL character")]
    Nul(String),
    /// A variable that no environment can hold.
    #[error("`{0}` cannot be the name of a variable")]
    Name(String),
}

/// Puts together how a process is executed.
pub fn launch(
    project: &Project,
    program: &Program,
    instance: &Instance,
    ports: &Ports,
    layers: &Layers<'_>,
) -> Result<Launch, LaunchError> {
    let program = &*program.as_run_by(instance);
    let environment = compose(project, Some((program, instance)), ports, layers)?;
    let fill = |template: &Template| {
        resolve(template, |name| environment.get(name).map(str::to_owned), |program, port| ports.get(program, port))
    };
    let (argv, through_shell) = command_words(&program.command, fill)?;
    let directory = match &program.directory {
        Some(template) => absolute(&project.root, &fill(template).map_err(LaunchError::Directory)?),
        None => project.root.clone(),
    };
    let launch = Launch {
        argv,
        environment: variables(&environment)?,
        directory,
        umask: program.umask,
        user: program.user.clone(),
        through_shell,
    };
    refuse_nul(&launch)?;
    Ok(launch)
}

/// Makes the words of a command, and says whether they call a shell.
fn command_words(
    command: &Command,
    fill: impl Fn(&Template) -> Result<String, Unresolved>,
) -> Result<(Vec<String>, bool), LaunchError> {
    let (argv, through_shell) = match command {
        Command::Words(words) => {
            (words.iter().map(fill).collect::<Result<Vec<_>, _>>().map_err(LaunchError::Command)?, false)
        }
        Command::Line(line) => {
            let line = fill(line).map_err(LaunchError::Command)?;
            match shape(&line) {
                Shape::Words(words) => (words, false),
                needed @ (Shape::Simple | Shape::Compound) => (shell_call(&line, &needed), true),
            }
        }
        Command::Shell(line) => (shell_call(line, &shape(line)), true),
    };
    let is_empty = match command {
        Command::Words(_) => argv.first().is_none_or(String::is_empty),
        Command::Line(_) | Command::Shell(_) => argv.last().is_none_or(String::is_empty) && through_shell,
    };
    if is_empty { Err(LaunchError::Empty) } else { Ok((argv, through_shell)) }
}

/// Calls the shell. A single command takes its place, so that no shell stays between us and the program.
fn shell_call(line: &str, shape: &Shape) -> Vec<String> {
    let line = line.trim();
    let script = match shape {
        Shape::Words(_) | Shape::Simple => format!("exec {line}"),
        Shape::Compound => line.to_owned(),
    };
    vec![SHELL.to_owned(), "-c".to_owned(), script]
}

/// Joins a directory to the root and takes out what leads nowhere (`./x`).
fn absolute(root: &Path, directory: &str) -> PathBuf {
    root.join(directory).components().collect()
}

/// The environment as the program gets it. Names and values are checked: a value with NUL would reach it cut off.
fn variables(environment: &Environment<'_>) -> Result<Variables, LaunchError> {
    if let Some((name, _)) = environment.iter().find(|(name, _)| name.is_empty() || name.contains(['=', '\0'])) {
        return Err(LaunchError::Name(name.escape_debug().to_string()));
    }
    match environment.iter().find(|(_, variable)| variable.value.contains('\0')) {
        Some((name, _)) => Err(LaunchError::Nul(format!("environment {name}"))),
        None => Ok(environment.iter().map(|(name, variable)| (name, &*variable.value)).collect()),
    }
}

/// A string with NUL would reach the program cut off.
fn refuse_nul(launch: &Launch) -> Result<(), LaunchError> {
    let has_nul = |text: &str| text.contains('\0');
    if launch.argv.iter().any(|word| has_nul(word)) {
        return Err(LaunchError::Nul("the command".to_owned()));
    }
    if has_nul(&launch.directory.to_string_lossy()) {
        return Err(LaunchError::Nul("the directory".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
