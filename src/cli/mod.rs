//! The commands; puts it all together.
//!
//! `args` says what may be typed, `settings` what it means, and one file a command does it. `project` is where commands meet
//! projects, `error` is the only thing that meets the user when something goes wrong, and `exit_code` has all the numbers.
//!
//! What commands share stands beside them: `connection` and `running` ask projects that are up, `select` finds whom a word means,
//! `answers` says what became of a request, `environment` makes what a program gets, `output` prints, `complete` knows what could
//! be typed next, `mistyped` what was meant. `called_as` and `getopt` are for supervisord's two names.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::error::ErrorKind as ParseErrorKind;
use clap::{CommandFactory, FromArgMatches};
use clap_complete::CompleteEnv;

pub mod answers;
pub mod args;
pub mod attach;
pub mod bare;
pub mod called_as;
pub mod check;
pub mod complete;
pub mod completions;
pub mod connection;
pub mod ctl;
pub mod down;
pub mod env;
pub mod environment;
pub mod error;
pub mod exec;
pub mod exit_code;
pub mod export;
pub mod getopt;
pub mod graph;
pub mod init;
pub mod logs;
pub mod man;
pub mod mcp;
pub mod mistyped;
pub mod open;
pub mod output;
pub mod ports;
pub mod project;
pub mod projects;
pub mod proxy;
pub mod reload;
pub mod restart;
pub mod running;
pub mod select;
pub mod settings;
pub mod signal;
pub mod start;
pub mod status;
pub mod stop;
pub mod supervisorctl;
pub mod supervisord;
pub mod ui;
pub mod up;
pub mod wait;
pub mod why;

use args::{Args, Command, GlobalArgs};
use called_as::{Called, StandIn};
use error::CommandError;
use exit_code::ExitCode;
use settings::{Facts, Settings};

use crate::registry::{self, Homes};

/// Runs the command line of this process.
pub fn main() -> std::process::ExitCode {
    // Answers a shell that asks what could be typed next, and ends the process then.
    CompleteEnv::with_factory(Args::command).var(completions::ASK_VARIABLE).complete();
    let line: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(called) = called_as::called(&line) {
        let settings = settings::resolve(&called.global, environment(), &facts());
        return ended(&settings, there(&called.global, &settings).and_then(|()| stand_in(&settings, &called)));
    }
    let args = match parse() {
        Ok(args) => args,
        Err(code) => return code.into(),
    };
    let settings = settings::resolve(&args.global, environment(), &facts());
    ended(&settings, there(&args.global, &settings).and_then(|()| dispatch(&settings, args.command)))
}

/// What we end with; an error is said.
fn ended(settings: &Settings, done: Result<ExitCode, CommandError>) -> std::process::ExitCode {
    let code = done.unwrap_or_else(|error| {
        let error = error.addressed(&settings.address);
        output::say(&error.render(&settings.err));
        error.exit_code()
    });
    code.into()
}

/// A command line that is supervisord's or supervisorctl's own.
fn stand_in(settings: &Settings, called: &Called) -> Result<ExitCode, CommandError> {
    match called.stand_in {
        StandIn::Daemon => supervisord::run_as(settings, &called.program, &called.words),
        StandIn::Ctl => supervisorctl::run_as(settings, &called.program, &called.words),
    }
}

/// That the directory of `-C` exists, or a project is still up whose directory it was.
fn there(args: &GlobalArgs, settings: &Settings) -> Result<(), CommandError> {
    let directory = &settings.directory;
    if args.directory.is_none() || directory.is_dir() {
        return Ok(());
    }
    match registry::find(&Homes::of_this_user(), directory, settings.name.as_deref()) {
        Some(running) if !running.owner.root.exists() => Ok(()),
        Some(_) | None => Err(CommandError::user(format!("there is no directory {}", directory.display()))),
    }
}

/// Parses the command line. Help and version go to stdout and are fine, everything else is a usage error.
fn parse() -> Result<Args, ExitCode> {
    if let Some(args) = args::parse_quickly(std::env::args_os()) {
        return Ok(args);
    }
    let matches = Args::command().try_get_matches_from(args::help_as_option(std::env::args_os()));
    matches.and_then(|matches| Args::from_arg_matches(&matches)).map_err(|error| {
        if let Some(error) = mistyped::told(&error) {
            let settings = settings::resolve(&GlobalArgs::default(), environment(), &facts());
            output::say(&error.render(&settings.err));
            return error.exit_code();
        }
        // A closed pipe is no reason to complain about help that nobody reads.
        error.print().ok();
        match error.kind() {
            ParseErrorKind::DisplayHelp | ParseErrorKind::DisplayVersion => ExitCode::Fine,
            _ => ExitCode::Usage,
        }
    })
}

fn dispatch(settings: &Settings, command: Option<Command>) -> Result<ExitCode, CommandError> {
    match command {
        None => bare::run(settings),
        Some(Command::Up(args)) => up::run(settings, &args),
        Some(Command::Down(args)) => down::run(settings, &args),
        Some(Command::Status(args)) => status::run(settings, &args),
        Some(Command::Start(args)) => start::run(settings, &args),
        Some(Command::Stop(args)) => stop::run(settings, &args),
        Some(Command::Restart(args)) => restart::run(settings, &args),
        Some(Command::Reload(args)) => reload::run(settings, &args),
        Some(Command::Signal(args)) => signal::run(settings, &args),
        Some(Command::Attach(args)) => attach::run(settings, &args),
        Some(Command::Logs(args)) => logs::run(settings, &args),
        Some(Command::Why(args)) => why::run(settings, &args),
        Some(Command::Wait(args)) => wait::run(settings, &args),
        Some(Command::Check(args)) => check::run(settings, &args),
        Some(Command::Graph(args)) => graph::run(settings, &args),
        Some(Command::Exec(args)) => exec::run(settings, &args),
        Some(Command::Env(args)) => env::run(settings, &args),
        Some(Command::Ports(args)) => ports::run(settings, &args),
        Some(Command::Open(args)) => open::run(settings, &args),
        Some(Command::Projects(args)) => projects::run(settings, &args),
        Some(Command::Proxy(args)) => proxy::run(settings, &args),
        Some(Command::Ctl(args)) => ctl::run(settings, &args),
        Some(Command::Init(args)) => init::run(settings, &args),
        Some(Command::Export(args)) => export::run(settings, &args),
        Some(Command::Man(args)) => man::run(settings, &args),
        Some(Command::Supervisord(args)) => supervisord::run(settings, &args),
        Some(Command::Supervisorctl(args)) => supervisorctl::run(settings, &args),
        Some(Command::Ui(args)) => ui::run(settings, &args),
        Some(Command::Mcp(args)) => mcp::run(settings, &args),
        Some(Command::Completions(args)) => completions::run(settings, &args),
    }
}

/// Our environment. Variables that are not UTF-8 are left out: no config could name them.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Where the shell says that we are, though the directory has been removed: what runs there can still be asked and ended.
fn removed_directory() -> PathBuf {
    let told = std::env::var_os("PWD").map(PathBuf::from);
    told.filter(|path| path.is_absolute()).unwrap_or_else(|| "/".into())
}

/// What there is to find out about where we run.
fn facts() -> Facts {
    Facts {
        directory: std::env::current_dir().unwrap_or_else(|_| removed_directory()),
        stdin_is_terminal: io::stdin().is_terminal(),
        stdout_is_terminal: io::stdout().is_terminal(),
        stderr_is_terminal: io::stderr().is_terminal(),
        width: terminal_size::terminal_size().map(|(width, _)| width.0.into()),
    }
}
