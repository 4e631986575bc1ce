//! Looking: `status`, `pid`, `avail`.

use crate::api::fault::{BAD_NAME, SHUTDOWN_STATE};
use crate::cli::ctl::command::{Completes, CtlCommand};
use crate::cli::ctl::process::{Process, flag, items, make_namespec, number, split_namespec, text};
use crate::cli::ctl::session::Session;
use crate::cli::ctl::trouble::Trouble;
use crate::cli::exit_code::CtlStatus;
use crate::codec::xmlrpc::Value;

/// The family's rows.
pub(in crate::cli::ctl) const COMMANDS: &[CtlCommand] = &[
    CtlCommand {
        name: "status",
        usage: &[
            ("status", "The state of all processes"),
            ("status <name> [...]", "Of these processes"),
            ("status <group>:*", "Of all processes of a group"),
        ],
        completes: Completes::Processes,
        run: status,
    },
    CtlCommand {
        name: "pid",
        usage: &[
            ("pid", "The pid of the server"),
            ("pid <name> [...]", "The pids of processes"),
            ("pid all", "The pids of all processes, one a line"),
        ],
        completes: Completes::Processes,
        run: pid,
    },
    CtlCommand {
        name: "avail",
        usage: &[("avail", "All processes of the config, whether in use or not")],
        completes: Completes::Nothing,
        run: avail,
    },
];

/// Names are padded to this, or to the longest.
const NAME_WIDTH: usize = 30;

/// Also what `open` shows.
pub(super) fn status(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !session.upcheck()? {
        session.fail(CtlStatus::Unknown);
        return Ok(());
    }
    let all = Process::read_all(&session.call("getAllProcessInfo", &[])?)?;
    let names: Vec<&str> = argument.split_whitespace().collect();
    let mut shown: Vec<&Process> = Vec::new();
    if names.is_empty() || names.contains(&"all") {
        shown.extend(&all);
    } else {
        for name in names {
            let (group, process) = split_namespec(name);
            let before = shown.len();
            shown.extend(all.iter().filter(|info| info.group == group && process.is_none_or(|name| info.name == name)));
            if shown.len() == before {
                session.say(match process {
                    None => format!("{group}: ERROR (no such group)"),
                    Some(_) => format!("{name}: ERROR (no such process)"),
                })?;
                session.fail(CtlStatus::Unknown);
            }
        }
    }
    let width = shown.iter().map(|info| info.namespec().chars().count()).max().unwrap_or(0).max(NAME_WIDTH) + 3;
    let line = |info: &&Process| format!("{:width$}{:10}{}\n", info.namespec(), info.state_name, info.description);
    session.write(shown.iter().map(line).collect::<String>().as_bytes())?;
    if shown.iter().any(|info| info.is_down()) {
        session.fail(CtlStatus::SomethingIsDown);
    }
    Ok(())
}

fn pid(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !session.upcheck()? {
        return Ok(());
    }
    let names: Vec<&str> = argument.split_whitespace().collect();
    if names.is_empty() {
        let pid = session.call("getPID", &[])?.as_int().unwrap_or(0);
        return session.say(pid);
    }
    if names.contains(&"all") {
        for info in Process::read_all(&session.call("getAllProcessInfo", &[])?)? {
            session.say(info.pid)?;
        }
        return Ok(());
    }
    for name in names {
        match session.call("getProcessInfo", &[name.into()]) {
            Ok(info) => {
                let pid = number(&info, "pid")?;
                session.say(pid)?;
                if pid == 0 {
                    session.fail(CtlStatus::NotRunning);
                }
            }
            Err(trouble) if trouble.fault_code() == Some(BAD_NAME) => {
                session.fail(CtlStatus::Generic);
                session.say(format_args!("No such process {name}"))?;
            }
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(())
}

fn avail(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !argument.is_empty() {
        return session.refuse(CtlStatus::Generic, "Error: avail accepts no arguments", "avail");
    }
    match session.call("getAllConfigInfo", &[]) {
        Ok(all) => items(&all)?.iter().try_for_each(|info| session.say(config_line(info)?)),
        Err(trouble) if trouble.fault_code() == Some(SHUTDOWN_STATE) => {
            session.fail(CtlStatus::Generic);
            session.say("ERROR: supervisor shutting down")
        }
        Err(trouble) => Err(trouble),
    }
}

fn config_line(info: &Value) -> Result<String, Trouble> {
    let name = make_namespec(text(info, "group")?, Some(text(info, "name")?));
    let in_use = if flag(info, "inuse")? { "in use" } else { "avail" };
    let start = if flag(info, "autostart")? { "auto" } else { "manual" };
    let (group, process) = (number(info, "group_prio")?, number(info, "process_prio")?);
    Ok(format!("{name:32} {in_use:9} {start:9} {group}:{process}"))
}
