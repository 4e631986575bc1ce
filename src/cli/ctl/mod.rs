//! `run ctl`: supervisorctl, as it stands.
//!
//! The commands, their output, their exit codes, the prompt and even the questions to the server, in number and order, are those of
//! supervisor 4.3.0 (`supervisorctl.py`), so that nobody who scripts it or types it notices. What differs on purpose is in
//! `docs/differences.md`.
//!
//! * `target` decides whom to talk to: a URL, a supervisord.conf, or the project here.
//! * `session` holds one conversation: it takes lines apart, calls the server, keeps the exit status.
//! * `command` has the table of commands; `commands/` one family a file.
//! * `shell` is the interactive loop, with `prompt` (the only user of rustyline), `input`, `interrupt` and `complete`.
//! * `plugin` falls through to `run-ctl-NAME`.

use std::io;
use std::path::PathBuf;

use clap::ValueHint;

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::settings::Settings;

pub mod columns;
pub mod command;
pub mod complete;
pub mod conf;
pub mod input;
pub mod interrupt;
pub mod plugin;
pub mod process;
pub mod prompt;
pub mod session;
pub mod shell;
pub mod target;
pub mod trouble;

mod commands;

use session::Session;

/// Control the project as supervisorctl does: same commands, output and exit codes.
///
/// Without an action: a prompt, with completion and history. With -s or -c it talks to any supervisord. What is no action is looked
/// for on the PATH: `run ctl deploy now` runs `run-ctl-deploy now`.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = command::overview())]
pub struct Args {
    /// The server's URL.
    #[arg(
        help = "Talk to this server: unix:///path or http://host:port.",
        short = 's',
        long = "serverurl",
        value_name = "URL"
    )]
    pub url: Option<String>,
    /// Read the [supervisorctl] section of this supervisord.conf.
    #[arg(short = 'c', long = "configuration", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub configuration: Option<PathBuf>,
    /// The user name that the server wants.
    #[arg(short = 'u', long, value_name = "NAME")]
    pub username: Option<String>,
    // Takes the place of the global `-p`, which supervisorctl has for the password.
    #[doc = "The password that the server wants; without -s, -c and -u: the name of the project, as elsewhere."]
    #[arg(id = "project", short = 'p', long = "password", alias = "project", value_name = "PASSWORD")]
    pub password: Option<String>,
    /// Ask before a shutdown or reload, as the prompt does.
    #[arg(short = 'i', long)]
    pub interactive: bool,
    /// Keep the history of the prompt in this file.
    #[arg(short = 'r', long = "history-file", alias = "history_file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub history: Option<PathBuf>,
    /// What to do, and with what.
    #[arg(value_name = "ACTION", trailing_var_arg = true)]
    pub action: Vec<String>,
}

/// Does one action, or opens the prompt.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let target = target::resolve(settings, args)?;
    let mut out = io::stdout();
    let mut session = Session::new(target, settings, &mut out);
    if args.action.is_empty() {
        shell::run(&mut session)?;
        return Ok(ExitCode::Fine);
    }
    session.run_words(&args.action)?;
    Ok(session.status().into())
}
