//! `fg`: a process's output, and lines to its stdin.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::logs::why_not;
use crate::api::fault::{BAD_NAME, NOT_RUNNING};
use crate::cli::ctl::command::{Completes, CtlCommand};
use crate::cli::ctl::input::Typed;
use crate::cli::ctl::process::Process;
use crate::cli::ctl::session::Session;
use crate::cli::ctl::trouble::{Trouble, fault};
use crate::cli::exit_code::CtlStatus;
use crate::cli::output::say;
use crate::client::Follow;

/// The family's row.
pub(in crate::cli::ctl) const COMMANDS: &[CtlCommand] = &[CtlCommand {
    name: "fg",
    usage: &[("fg <name>", "See a process's output and type lines to it; Ctrl-C leaves")],
    completes: Completes::Processes,
    run: fg,
}];

fn fg(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !session.upcheck()? {
        return Ok(());
    }
    let names: Vec<&str> = argument.split_whitespace().collect();
    let name = match names.as_slice() {
        [name] => *name,
        [] => return session.refuse(CtlStatus::Generic, "ERROR: no process name supplied", "fg"),
        _ => return fail(session, "ERROR: too many process names supplied"),
    };
    match session.call("getProcessInfo", &[name.into()]) {
        Ok(info) if Process::read(&info)?.is_running() => {}
        Ok(_) => return fail(session, "ERROR: process not running"),
        Err(Trouble::Fault { code: BAD_NAME, .. }) => return fail(session, "ERROR: bad process name supplied"),
        Err(Trouble::Fault { code, text }) => return session.say(format_args!("ERROR: {}", fault(code, &text))),
        Err(trouble) => return Err(trouble),
    }
    session.say("==> Press Ctrl-C to exit <==")?;
    session.interrupt()?;
    let mut outputs = ["stdout", "stderr"].map(|channel| open(session, name, channel));
    converse(session, name, &mut outputs)?;
    session.say("Exiting foreground")
}

fn fail(session: &mut Session<'_>, sentence: &str) -> Result<(), Trouble> {
    session.fail(CtlStatus::Generic);
    session.say(sentence)
}

/// Follows one output; what cannot be followed is told and left out.
fn open(session: &Session<'_>, name: &str, channel: &str) -> Option<Follow> {
    let path = format!("/logtail/{name}/{channel}");
    match session.target.follow(&path) {
        Ok(output) => Some(output),
        Err(trouble) => {
            say(&format!("{}{path} {}\n", session.target.url(), why_not(&trouble)));
            None
        }
    }
}

/// Moves lines in and bytes out until Ctrl-C, the end of our input, or the end of the process.
fn converse(session: &mut Session<'_>, name: &str, outputs: &mut [Option<Follow>; 2]) -> Result<(), Trouble> {
    loop {
        let typed = session.input()?.0.take();
        match typed {
            Some(Typed::Line(line)) if is_taken(session, name, &line)? => continue,
            Some(Typed::Line(_) | Typed::Interrupted) => return Ok(()),
            Some(Typed::End) => {
                session.input()?.0.reopen();
                return Ok(());
            }
            None => {}
        }
        let has_input = wait(session, outputs)?;
        if session.interrupt()?.clear() {
            return Ok(());
        }
        for output in outputs.iter_mut() {
            pass_on(session, output)?;
        }
        if has_input {
            session.input()?.0.fill()?;
        }
    }
}

/// Sends a line; false when the process is not there for it, or not any more after it.
fn is_taken(session: &mut Session<'_>, name: &str, line: &str) -> Result<bool, Trouble> {
    match session.call("sendProcessStdin", &[name.into(), format!("{line}\n").into()]) {
        Ok(_) => {}
        Err(Trouble::Fault { code: NOT_RUNNING, .. }) => {
            session.say("Process got killed")?;
            return Ok(false);
        }
        Err(Trouble::Fault { code, text }) => {
            session.say(format_args!("ERROR: {}", fault(code, &text)))?;
            return Ok(false);
        }
        Err(trouble) => return Err(trouble),
    }
    if Process::read(&session.call("getProcessInfo", &[name.into()])?)?.is_running() {
        return Ok(true);
    }
    session.say("Process got killed")?;
    Ok(false)
}

/// Waits until something can be read; whether it is our input.
fn wait(session: &mut Session<'_>, outputs: &[Option<Follow>; 2]) -> Result<bool, Trouble> {
    let is_waiting = outputs.iter().flatten().any(Follow::has_rest);
    let (input, interrupt) = session.input()?;
    let outputs = outputs.iter().flatten().map(AsFd::as_fd);
    let others = interrupt.into_iter().map(AsFd::as_fd).chain(outputs);
    let mut fds: Vec<PollFd<'_>> =
        [input.as_fd()].into_iter().chain(others).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    let limit = if is_waiting { PollTimeout::ZERO } else { PollTimeout::NONE };
    poll(&mut fds, limit).map_err(std::io::Error::from)?;
    Ok(fds[0].any() == Some(true))
}

/// Writes what an output has, and lets go of it at its end.
fn pass_on(session: &mut Session<'_>, output: &mut Option<Follow>) -> Result<(), Trouble> {
    let Some(log) = output else { return Ok(()) };
    let mut fds = [PollFd::new(log.as_fd(), PollFlags::POLLIN)];
    let count = poll(&mut fds, PollTimeout::ZERO).map_err(std::io::Error::from)?;
    if count == 0 && !log.has_rest() {
        return Ok(());
    }
    if let Ok(Some(bytes)) = log.read_some() {
        return session.write(&bytes);
    }
    *output = None;
    Ok(())
}
