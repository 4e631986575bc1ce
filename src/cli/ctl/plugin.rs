//! Commands that are not ours: `run ctl NAME` runs `run-ctl-NAME`, as git does with its own.
//!
//! It is told whom to talk to as supervisord tells its event listeners (superlance and every user of `childutils` read that):
//! `SUPERVISOR_SERVER_URL`, `SUPERVISOR_USERNAME`, `SUPERVISOR_PASSWORD`.

use std::env;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use super::session::Session;
use super::target::Server;
use super::trouble::Trouble;
use crate::cli::exit_code::CtlStatus;

/// What the name of a command is put behind.
const PREFIX: &str = "run-ctl-";

/// Runs a line, or the words it was made of, if there is a program for it. `None`: there is none.
pub fn run(session: &Session<'_>, line: &str, words: Option<&[String]>) -> Result<Option<CtlStatus>, Trouble> {
    let split;
    let words = if let Some(words) = words {
        words
    } else {
        split = shell_words::split(line).unwrap_or_default();
        &split
    };
    let [name, arguments @ ..] = words else { return Ok(None) };
    if name.is_empty() || name.starts_with('-') || name.contains('/') {
        return Ok(None);
    }
    let mut command = Command::new(format!("{PREFIX}{name}"));
    command.args(arguments);
    if let Server::Url(url) = &session.target.server {
        command.env("SUPERVISOR_SERVER_URL", url);
    }
    let credentials =
        [("SUPERVISOR_USERNAME", &session.target.username), ("SUPERVISOR_PASSWORD", &session.target.password)];
    for (variable, value) in credentials {
        if let Some(value) = value {
            command.env(variable, value);
        }
    }
    command.env("RUN", env::current_exe()?);
    let ended = command.status();
    // Ctrl-C was meant for it.
    session.forget_interrupt();
    match ended {
        Ok(status) => Ok(Some(status_of(status))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Trouble::Connect { error }),
    }
}

/// Its own code, or 128 and the signal, as a shell has it.
fn status_of(status: ExitStatus) -> CtlStatus {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    CtlStatus::Plugin(u8::try_from(code).unwrap_or(u8::MAX))
}
