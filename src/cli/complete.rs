//! What a shell is told could be typed next: live names of programs from the running project, else from the config.
//!
//! Silent on every failure, and never slower than a person's patience: the socket gets [`LIMIT`].

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::time::Duration;

use clap_complete::engine::CompletionCandidate;

use crate::cli::args::GlobalArgs;
use crate::cli::settings::{self, Settings};
use crate::cli::{project, select};
use crate::model::{Project, Signal};

/// How long the running project may take to answer.
const LIMIT: Duration = Duration::from_millis(200);

/// Names of the running project, with their states; else of the config.
pub fn running() -> Vec<CompletionCandidate> {
    let settings = settings();
    live(&settings).unwrap_or_else(|| config_names(&settings))
}

/// Names of the config; where it does not load, of the running project.
pub fn configured() -> Vec<CompletionCandidate> {
    let settings = settings();
    let names = config_names(&settings);
    if names.is_empty() { live(&settings).unwrap_or_default() } else { names }
}

/// Profiles of the config.
pub fn profiles() -> Vec<CompletionCandidate> {
    let Ok(loaded) = project::load(&settings()) else { return Vec::new() };
    let mut profiles: Vec<&String> = loaded.project.programs.iter().flat_map(|program| &program.profiles).collect();
    profiles.sort();
    profiles.dedup();
    profiles.into_iter().map(CompletionCandidate::new).collect()
}

/// Names of signals.
pub fn signals() -> Vec<CompletionCandidate> {
    Signal::names().map(CompletionCandidate::new).collect()
}

fn live(settings: &Settings) -> Option<Vec<CompletionCandidate>> {
    let mut connection = project::find(settings).ok()?.ok()?.with_limit(LIMIT);
    let status = connection.status().ok()?;
    let help = |name: &str| {
        let process = status.processes.iter().find(|process| process.name == name);
        process.map(|process| process.state.as_str().into())
    };
    Some(select::names(&status).iter().map(|name| CompletionCandidate::new(name).help(help(name))).collect())
}

fn config_names(settings: &Settings) -> Vec<CompletionCandidate> {
    project::load(settings).map(|loaded| names_of(&loaded.project)).unwrap_or_default()
}

fn names_of(project: &Project) -> Vec<CompletionCandidate> {
    let mut names: Vec<String> = Vec::new();
    for (_, program, instance) in project.processes() {
        for name in [program.name.to_string(), instance.name.to_string()] {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// The settings that the line being typed would have: its `-C`, `-f` and `-p`.
fn settings() -> Settings {
    let environment: BTreeMap<String, String> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let facts = settings::Facts { directory: env::current_dir().unwrap_or_default(), ..settings::Facts::default() };
    settings::resolve(&globals_of(env::args_os()), environment, &facts)
}

/// The global options among the words after `--`, which is how the shells' scripts hand us the line.
fn globals_of(words: impl Iterator<Item = OsString>) -> GlobalArgs {
    let words: Vec<OsString> = words.skip_while(|word| word != "--").skip(2).collect();
    let mut globals = GlobalArgs::default();
    let is_logs = words.iter().any(|word| word == "logs");
    for pair in words.windows(2) {
        match pair[0].to_str() {
            Some("-C") => globals.directory = Some(pair[1].clone().into()),
            Some("-f") if !is_logs => globals.files.push(pair[1].clone().into()),
            Some("--file") => globals.files.push(pair[1].clone().into()),
            Some("-p" | "--project") => globals.name = pair[1].to_str().map(ToOwned::to_owned),
            _ => {}
        }
    }
    globals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globals(line: &str) -> GlobalArgs {
        globals_of(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_line_being_typed_says_which_project_is_meant() {
        let found = globals("/usr/bin/run -- run -C ../shop -p two stop w");
        assert_eq!(found.directory, Some("../shop".into()));
        assert_eq!(found.name.as_deref(), Some("two"));
    }

    #[test]
    fn f_of_logs_is_no_file() {
        assert!(globals("run -- run logs -f web").files.is_empty());
        assert_eq!(globals("run -- run -f Procfile stop w").files, [std::path::PathBuf::from("Procfile")]);
    }
}
