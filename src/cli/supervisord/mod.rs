//! `run supervisord`, and our binary by the name of supervisord: its command line, its way into the background, its signals.
//!
//! * `options` reads the command line, `search` finds the config file.
//! * `limits`, `user` and `pidfile` do what a daemon does before and beside its work.
//! * `life` puts them together: one life of the project after the other, until no HUP asks for another.
//!
//! What goes wrong before the start is said on stderr in the original's form, and ends with 2. What differs on purpose is in
//! `docs/differences.md`.

use std::path::PathBuf;

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output;
use crate::cli::settings::Settings;

mod life;
pub mod limits;
pub mod options;
pub mod pidfile;
pub mod search;
pub mod user;

use options::{Asked, CommandLine};

/// The release of supervisord whose behaviour this is.
const VERSION: &str = "4.3.0";

/// Do what supervisord does, with supervisord's own options: run a supervisord.conf in the background, or with -n in the foreground.
///
/// `run supervisord -h` lists the options. The same happens when this binary is called through a link of the name supervisord. The
/// project is reachable by all other commands, and by supervisorctl.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    /// Options of supervisord.
    #[arg(value_name = "OPTION", allow_hyphen_values = true, trailing_var_arg = true)]
    pub words: Vec<String>,
}

/// As a command of ours.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    run_as(settings, "run supervisord", &args.words)
}

/// Does what a command line of supervisord's says; `program` is what it was called by.
pub fn run_as(settings: &Settings, program: &str, words: &[String]) -> Result<ExitCode, CommandError> {
    // `-C` is where all that follows takes place.
    std::env::set_current_dir(&settings.directory)?;
    match options::parse(words, &|directory| settings.directory.join(directory).is_dir()) {
        Ok(Asked::Help) => output::print(&options::help(program)).map(|()| ExitCode::Fine),
        Ok(Asked::Version) => output::print(&format!("{VERSION}\n")).map(|()| ExitCode::Fine),
        Ok(Asked::Run(line)) => {
            let done = config_file(settings, program, &line).and_then(|file| life::live(settings, file, line.options));
            Ok(done.unwrap_or_else(|error| refuse(settings, program, &error)))
        }
        Err(message) => Ok(refuse(settings, program, &CommandError::user(message))),
    }
}

/// Says what is wrong, in the original's form (supervisor `options.py` `usage`).
fn refuse(settings: &Settings, program: &str, error: &CommandError) -> ExitCode {
    let text = match &error.diagnostics {
        Some(_) => error.render(&settings.err),
        None => error.message.clone(),
    };
    let hints = error.hints.iter().fold(String::new(), |text, hint| text + "       " + hint + "\n");
    match text.split_once('\n') {
        Some(_) => output::say(&format!("{text}{hints}For help, use {program} -h\n")),
        None => output::say(&options::usage(program, &text).replacen('\n', &format!("\n{hints}"), 1)),
    }
    ExitCode::Usage
}

/// The config file that was named, or the first of the usual ones.
fn config_file(settings: &Settings, program: &str, line: &CommandLine) -> Result<PathBuf, CommandError> {
    if let Some(named) = &line.configuration {
        let file = settings.directory.join(named);
        let is_there = file.exists();
        let missing = || CommandError::user(format!("could not find config file {}", named.display()));
        return is_there.then_some(file).ok_or_else(missing);
    }
    if nix::unistd::getuid().is_root() {
        output::say(
            "warning: supervisord runs as root and searches for its configuration file in the usual places, the working directory \
             among them; -c with an absolute path is safer\n",
        );
    }
    let called_by = program.split(' ').next().unwrap_or_default();
    let path = settings.environment.get("PATH").map(AsRef::as_ref);
    let places = search::places(&search::executable(called_by, path));
    let found = places.iter().map(|place| settings.directory.join(place)).find(|place| place.exists());
    found.ok_or_else(|| CommandError::user(search::not_found(&places)))
}
