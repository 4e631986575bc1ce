//! Reading and emptying logs: `tail`, `maintail`, `clear`.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::api::fault::{BAD_NAME, FAILED, NO_FILE, SUCCESS};
use crate::cli::ctl::command::{Completes, CtlCommand};
use crate::cli::ctl::process::{items, make_namespec, number, split_namespec, text};
use crate::cli::ctl::session::Session;
use crate::cli::ctl::trouble::{Trouble, connecting};
use crate::cli::exit_code::CtlStatus;
use crate::cli::output::say;
use crate::codec::python;
use crate::codec::xmlrpc::Value;

/// The family's rows.
pub(in crate::cli::ctl) const COMMANDS: &[CtlCommand] = &[
    CtlCommand {
        name: "tail",
        usage: &[
            ("tail <name> [stdout|stderr]", "The last 1600 bytes of a process's output"),
            ("tail -<bytes> <name> [...]", "So many bytes"),
            ("tail -f <name> [...]", "Follow it; Ctrl-C ends"),
        ],
        completes: Completes::Processes,
        run: tail,
    },
    CtlCommand {
        name: "maintail",
        usage: &[
            ("maintail", "The last 1600 bytes of the server's own log"),
            ("maintail -<bytes>", "So many bytes"),
            ("maintail -f", "Follow it; Ctrl-C ends"),
        ],
        completes: Completes::Nothing,
        run: maintail,
    },
    CtlCommand {
        name: "clear",
        usage: &[
            ("clear <name> [...]", "Empty the log files of processes"),
            ("clear all", "Empty the log files of all processes"),
        ],
        completes: Completes::Processes,
        run: clear,
    },
];

/// What is shown when nobody says how much.
const BYTES: i64 = 1600;

/// How much of a log is wanted.
enum Amount {
    Last(i64),
    Follow,
}

/// Reads what stands behind a dash; nothing means the usual.
fn amount(modifier: Option<&str>) -> Option<Amount> {
    match modifier.map(|modifier| &modifier[1..]) {
        None => Some(Amount::Last(BYTES)),
        Some("f") => Some(Amount::Follow),
        Some(bytes) => python::int(bytes).map(Amount::Last),
    }
}

fn tail(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !session.upcheck()? {
        return Ok(());
    }
    let mut words: Vec<&str> = argument.split_whitespace().collect();
    if words.is_empty() {
        return session.refuse(CtlStatus::Generic, "Error: too few arguments", "tail");
    }
    if words.len() > 3 {
        return session.refuse(CtlStatus::Generic, "Error: too many arguments", "tail");
    }
    let modifier = words[0].starts_with('-').then(|| words.remove(0));
    let (name, channel) = match words.as_slice() {
        [] => return wrong(session, "Error: tail requires process name"),
        [name] => (*name, "stdout".to_owned()),
        [name, .., channel] => (*name, channel.to_lowercase()),
    };
    if channel != "stdout" && channel != "stderr" {
        return wrong(session, &format!("Error: bad channel {}", python::repr(&channel)));
    }
    let method = if channel == "stdout" { "readProcessStdoutLog" } else { "readProcessStderrLog" };
    match amount(modifier) {
        None => wrong(session, &format!("Error: bad argument {}", modifier.unwrap_or_default())),
        Some(Amount::Follow) => follow(session, &format!("/logtail/{name}/{channel}")),
        Some(Amount::Last(bytes)) => read(session, name, method, &[name.into(), (-bytes).into(), 0.into()]),
    }
}

fn maintail(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !session.upcheck()? {
        return Ok(());
    }
    let words: Vec<&str> = argument.split_whitespace().collect();
    let modifier = match words.as_slice() {
        [] => None,
        [word] if word.starts_with('-') => Some(*word),
        [word] => return wrong(session, &format!("Error: bad argument {word}")),
        _ => return session.refuse(CtlStatus::Generic, "Error: too many arguments", "maintail"),
    };
    match amount(modifier) {
        None => wrong(session, &format!("Error: bad argument {}", modifier.unwrap_or_default())),
        Some(Amount::Follow) => follow(session, "/mainlogtail"),
        Some(Amount::Last(bytes)) => read(session, "supervisord", "readLog", &[(-bytes).into(), 0.into()]),
    }
}

fn wrong(session: &mut Session<'_>, sentence: &str) -> Result<(), Trouble> {
    session.fail(CtlStatus::Generic);
    session.say(sentence)
}

fn read(session: &mut Session<'_>, name: &str, method: &str, params: &[Value]) -> Result<(), Trouble> {
    let trouble = match session.call(method, params) {
        Ok(log) => return session.say(log.as_str().unwrap_or_default()),
        Err(trouble) => trouble,
    };
    session.fail(CtlStatus::Generic);
    let words = match trouble.fault_code() {
        Some(NO_FILE) => "no log file",
        Some(FAILED) => "unknown error reading log",
        Some(BAD_NAME) if method != "readLog" => "no such process name",
        _ => return Err(trouble),
    };
    session.say(format_args!("{name}: ERROR ({words})"))
}

/// Writes what comes, byte for byte, until the server ends it or Ctrl-C does.
fn follow(session: &mut Session<'_>, path: &str) -> Result<(), Trouble> {
    session.say("==> Press Ctrl-C to exit <==")?;
    session.interrupt()?;
    let mut log = match session.target.follow(path) {
        Ok(log) => log,
        Err(trouble) => {
            say(&format!("{}{path} {}\n", session.target.url(), why_not(&trouble)));
            return Ok(());
        }
    };
    loop {
        let interrupt = session.interrupt()?;
        let mut fds = [interrupt.as_fd(), log.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let limit = if log.has_rest() { PollTimeout::ZERO } else { PollTimeout::NONE };
        poll(&mut fds, limit).map_err(std::io::Error::from)?;
        if fds[0].any() == Some(true) {
            interrupt.clear();
            return session.say("");
        }
        match log.read_some() {
            Ok(Some(bytes)) => session.write(&bytes)?,
            // An end in the middle of a chunk is an end, too.
            Ok(None) | Err(_) => return Ok(()),
        }
    }
}

/// What is said on stderr when a log cannot be followed (supervisor `http_client.py` `HTTPHandler`).
pub(super) fn why_not(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Status { code, .. } => format!("Cannot read, status code {code}"),
        Trouble::Connect { error } => format!("Cannot connect, error: {}", connecting(error)),
        Trouble::Fault { .. }
        | Trouble::NotUp(_)
        | Trouble::Lost
        | Trouble::Raised { .. }
        | Trouble::Interrupted
        | Trouble::Own(_) => format!("Cannot connect, error: {trouble}"),
    }
}

fn clear(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !session.upcheck()? {
        return Ok(());
    }
    let names: Vec<&str> = argument.split_whitespace().collect();
    if names.is_empty() {
        return session.refuse(CtlStatus::Generic, "Error: clear requires a process name", "clear");
    }
    if names.contains(&"all") {
        let results = session.call("clearAllProcessLogs", &[])?;
        return items(&results)?.iter().try_for_each(|result| {
            let name = make_namespec(text(result, "group")?, Some(text(result, "name")?));
            tell_cleared(session, &name, number(result, "status")?)
        });
    }
    names.iter().try_for_each(|name| {
        let (group, process) = split_namespec(name);
        let shown = make_namespec(group, process);
        match session.call("clearProcessLogs", &[(*name).into()]) {
            Ok(_) => session.say(format_args!("{shown}: cleared")),
            Err(Trouble::Fault { code, .. }) => tell_cleared(session, &shown, code.into()),
            Err(trouble) => Err(trouble),
        }
    })
}

fn tell_cleared(session: &mut Session<'_>, name: &str, status: i64) -> Result<(), Trouble> {
    session.say(match i32::try_from(status).unwrap_or(0) {
        SUCCESS => format!("{name}: cleared"),
        BAD_NAME => format!("{name}: ERROR (no such process)"),
        FAILED => format!("{name}: ERROR (failed)"),
        _ => return Err(Trouble::unknown_code(status, name)),
    })?;
    session.fail_by_fault(status, None);
    Ok(())
}
