//! `run supervisorctl`, and our binary by that name: `run ctl` with supervisorctl's own command line (supervisor `options.py`
//! `ClientOptions`).

use std::path::PathBuf;

use crate::cli::ctl;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::getopt::{self, Opt};
use crate::cli::output;
use crate::cli::settings::Settings;
use crate::cli::supervisord::{options::usage, search};

/// Do what supervisorctl does, with supervisorctl's own options.
///
/// Without -c the usual places are searched for a supervisord.conf, as supervisorctl does; without one, it talks to the project here.
/// The same happens when this binary is called through a link of the name supervisorctl.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    /// Options of supervisorctl, and an action.
    #[arg(value_name = "WORD", allow_hyphen_values = true, trailing_var_arg = true)]
    pub words: Vec<String>,
}

const fn opt(short: char, long: &'static str, takes_value: bool) -> Opt {
    Opt { short: Some(short), long: Some(long), takes_value }
}

const TABLE: &[Opt] = &[
    opt('c', "configuration", true),
    opt('h', "help", false),
    opt('i', "interactive", false),
    opt('s', "serverurl", true),
    opt('u', "username", true),
    opt('p', "password", true),
    opt('r', "history_file", true),
    Opt { short: Some('?'), long: None, takes_value: false },
];

const CONFIGURATION: usize = 0;
const HELP: usize = 1;
const INTERACTIVE: usize = 2;
const URL: usize = 3;
const USERNAME: usize = 4;
const PASSWORD: usize = 5;
const HISTORY: usize = 6;
const MARK: usize = 7;

/// As a command of ours.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    run_as(settings, "run supervisorctl", &args.words)
}

/// Does what a command line of supervisorctl's says; `program` is what it was called by.
pub fn run_as(settings: &Settings, program: &str, words: &[String]) -> Result<ExitCode, CommandError> {
    let refuse = |message: &str| {
        output::say(&usage(program, message));
        Ok(ExitCode::Usage)
    };
    let (typed, action) = match getopt::parse(TABLE, words) {
        Ok(parsed) => parsed,
        Err(message) => return refuse(&message),
    };
    if typed.iter().any(|one| one.row == HELP) {
        return output::print(&help(program)).map(|()| ExitCode::Fine);
    }
    if let Some(conflict) = getopt::conflict(&typed, |row| row == MARK) {
        return refuse(&conflict);
    }
    let value = |row: usize| typed.iter().find(|one| one.row == row).map(|one| one.value.clone());
    let args = ctl::Args {
        url: value(URL),
        configuration: value(CONFIGURATION).map(PathBuf::from).or_else(|| usual_file(settings, program)),
        username: value(USERNAME),
        password: value(PASSWORD),
        interactive: value(INTERACTIVE).is_some(),
        history: value(HISTORY).map(PathBuf::from),
        action,
    };
    match ctl::run(settings, &args) {
        // Its own sentences stand on stdout already; this is a command line or a file that makes no sense.
        Err(error) if error.exit_code() == ExitCode::Usage && !error.message.is_empty() => refuse(&error.message),
        other => other,
    }
}

/// The first supervisord.conf of the usual places.
fn usual_file(settings: &Settings, program: &str) -> Option<PathBuf> {
    let called_by = program.split(' ').next().unwrap_or_default();
    let path = settings.environment.get("PATH").map(AsRef::as_ref);
    let places = search::places(&search::executable(called_by, path));
    places.into_iter().map(|place| settings.directory.join(place)).find(|place| place.exists())
}

fn help(program: &str) -> String {
    format!(
        "supervisorctl -- control what supervisord runs.\n\nUsage: {program} [options] [action [arguments]]\n\nOptions:\n\
         -c/--configuration FILENAME -- the configuration file; without it the usual places are searched\n\
         -h/--help -- print this help and exit\n\
         -i/--interactive -- open a prompt after the action\n\
         -s/--serverurl URL -- where supervisord listens (default \"http://localhost:9001\")\n\
         -u/--username USERNAME -- the user name that the server wants\n\
         -p/--password PASSWORD -- the password that the server wants\n\
         -r/--history-file -- keep the history of the prompt in this file\n\n\
         An action is one of those that `help` lists at the prompt. Without one, and with -i, there is a prompt.\n"
    )
}
