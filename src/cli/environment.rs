//! The environment of a program or of the project, made from the config, the env files on disk and the ports as they are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::cli::error::CommandError;
use crate::cli::output::say;
use crate::cli::project::{self, Loaded};
use crate::cli::select::unknown_name;
use crate::cli::settings::{Settings, Verbosity};
use crate::model::program::Instance;
use crate::model::{EnvFile, Program, Project};
use crate::plan::environment::{self, Environment, Layers};
use crate::runtime::env_files::{self, Beneath};

/// Whose environment is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A command in the project.
    Project,
    /// A program, or one of its instances.
    Program(&'a str),
}

/// An environment, and where it is meant to be used.
#[derive(Debug)]
pub struct Made {
    /// Names and values.
    pub environment: Environment<'static>,
    /// The program's directory, or where we were called.
    pub directory: PathBuf,
}

/// Loads the project and makes the environment.
pub fn compose(settings: &Settings, subject: Subject<'_>) -> Result<Made, CommandError> {
    let loaded = project::load(settings)?;
    let project = &loaded.project;
    let process = match subject {
        Subject::Project => None,
        Subject::Program(word) => Some(find(project, word)?),
    };
    let ports = project::ports(settings, &loaded)?;
    let project_files = read(&project.env_files, settings.environment.clone(), settings)?;
    let server_url = project::server_url(settings, &loaded);
    let layers = Layers {
        shell: &settings.environment,
        output: &[],
        project_files: &project_files,
        program_files: &[],
        project_name: &loaded.display_name,
        run_id: None,
        server_url: server_url.as_deref(),
    };
    let program_files = match process {
        Some((program, instance)) if !program.env_files.is_empty() => {
            let beneath = environment::beneath_program_files(project, (program, instance), &ports, &layers)?;
            read(&program.env_files, beneath, settings)?
        }
        Some(_) | None => Vec::new(),
    };
    let layers = Layers { program_files: &program_files, ..layers };
    let environment = environment::compose(project, process, &ports, &layers)?.into_owned();
    let directory = directory(settings, &loaded, process, &environment, &ports)?;
    Ok(Made { environment, directory })
}

/// A program by its name or by the name of one of its instances; of several the first.
fn find<'a>(project: &'a Project, word: &str) -> Result<(&'a Program, &'a Instance), CommandError> {
    let found = project.processes().find(|(_, program, instance)| {
        program.name.as_str() == word || instance.name.to_string() == word || instance.name.process == word
    });
    found.map(|(_, program, instance)| (program, instance)).ok_or_else(|| {
        let names: Vec<String> = project.programs.iter().map(|program| program.name.to_string()).collect();
        unknown_name(word, &project.name, &names)
    })
}

fn directory(
    settings: &Settings,
    loaded: &Loaded,
    process: Option<(&Program, &Instance)>,
    environment: &Environment<'_>,
    ports: &crate::plan::ports::Ports,
) -> Result<PathBuf, CommandError> {
    let Some((program, instance)) = process else { return Ok(settings.directory.clone()) };
    let program = program.as_run_by(instance);
    let root = &loaded.project.root;
    let Some(template) = &program.directory else { return Ok(root.clone()) };
    let variable = |name: &str| environment.get(name).map(str::to_owned);
    let directory = environment::resolve(template, variable, |program, port| ports.get(program, port))
        .map_err(|error| CommandError::user(format!("directory of {}: {error}", program.name)))?;
    Ok(root.join(directory))
}

/// Reads env files in order. A bad line costs only itself and is named on stderr; a missing file is an error unless optional.
fn read(
    files: &[EnvFile],
    now: BTreeMap<String, String>,
    settings: &Settings,
) -> Result<Vec<(String, String)>, CommandError> {
    let beneath = Beneath { now, ..Beneath::default() };
    let read =
        env_files::read(files, beneath).map_err(|error| CommandError::user(format!("could not read {error}")))?;
    if settings.verbosity > Verbosity::Quiet {
        for (path, problem) in &read.problems {
            say(&format!("warning: {}:{}: {}\n", path.display(), problem.line, problem.message));
        }
    }
    Ok(read.pairs)
}
