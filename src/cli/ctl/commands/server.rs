//! The server itself: `version`, `open`, `reload`, `shutdown`.

use std::io::ErrorKind;

use super::status::status;
use crate::api::fault::SHUTDOWN_STATE;
use crate::cli::ctl::command::{Completes, CtlCommand};
use crate::cli::ctl::session::Session;
use crate::cli::ctl::target::Server;
use crate::cli::ctl::trouble::Trouble;
use crate::cli::exit_code::CtlStatus;

/// The family's rows.
pub(in crate::cli::ctl) const COMMANDS: &[CtlCommand] = &[
    CtlCommand {
        name: "version",
        usage: &[("version", "The version of the server")],
        completes: Completes::Nothing,
        run: version,
    },
    CtlCommand {
        name: "open",
        usage: &[("open <url>", "Go on with another server: http://host:port or unix:///path")],
        completes: Completes::Nothing,
        run: open,
    },
    CtlCommand {
        name: "reload",
        usage: &[("reload", "Restart the server: stop everything, read the config, start again")],
        completes: Completes::Nothing,
        run: reload,
    },
    CtlCommand {
        name: "shutdown",
        usage: &[("shutdown", "Stop everything, and the server")],
        completes: Completes::Nothing,
        run: shutdown,
    },
];

fn version(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !argument.is_empty() {
        return session.refuse(CtlStatus::Generic, "Error: version accepts no arguments", "version");
    }
    if !session.upcheck()? {
        return Ok(());
    }
    let version = session.call("getSupervisorVersion", &[])?;
    session.say(version.as_str().unwrap_or_default())
}

fn open(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !argument.starts_with("http:") && !argument.starts_with("unix:") {
        session.fail(CtlStatus::Generic);
        return session.say("ERROR: url must be http:// or unix://");
    }
    session.target.server = Server::Url(argument.to_owned());
    // They were of the project alone.
    (session.target.owner, session.target.key) = (None, None);
    session.disconnect();
    let before = session.status();
    status(session, "")?;
    session.fail(before);
    Ok(())
}

fn reload(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !argument.is_empty() {
        return session.refuse(CtlStatus::Generic, "Error: reload accepts no arguments", "reload");
    }
    if !is_sure(session, "Really restart the remote supervisord process y/N? ")? {
        return Ok(());
    }
    match session.call("restart", &[]) {
        Ok(_) => session.say("Restarted supervisord"),
        Err(trouble) if trouble.fault_code() == Some(SHUTDOWN_STATE) => {
            session.fail(CtlStatus::Generic);
            session.say("ERROR: already shutting down")
        }
        Err(trouble) => Err(trouble),
    }
}

fn shutdown(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !argument.is_empty() {
        return session.refuse(CtlStatus::Generic, "Error: shutdown accepts no arguments", "shutdown");
    }
    if !is_sure(session, "Really shut the remote supervisord process down y/N? ")? {
        return Ok(());
    }
    let Err(trouble) = session.call("shutdown", &[]) else { return session.say("Shut down") };
    if trouble.fault_code() == Some(SHUTDOWN_STATE) {
        return session.say("ERROR: already shutting down");
    }
    session.fail(CtlStatus::Generic);
    let url = session.target.url().to_owned();
    match &trouble {
        Trouble::Connect { error } if error.kind() == ErrorKind::ConnectionRefused => {
            session.say(format_args!("ERROR: {url} refused connection (already shut down?)"))
        }
        Trouble::Connect { error } if error.kind() == ErrorKind::NotFound => {
            session.say(format_args!("ERROR: {url} no such file (already shut down?)"))
        }
        _ => Err(trouble),
    }
}

/// A person is asked; a script means what it says.
fn is_sure(session: &mut Session<'_>, question: &str) -> Result<bool, Trouble> {
    if !session.target.is_interactive {
        return Ok(true);
    }
    Ok(session.ask(question)?.to_lowercase().starts_with('y'))
}
