//! The config: `reread`, `update`, `add`, `remove`.

use std::collections::BTreeMap;

use crate::api::fault::{ALREADY_ADDED, BAD_NAME, CANT_REREAD, FAILED, SHUTDOWN_STATE, STILL_RUNNING};
use crate::cli::ctl::command::{Completes, CtlCommand};
use crate::cli::ctl::process::{Process, items, number, strings};
use crate::cli::ctl::session::Session;
use crate::cli::ctl::trouble::Trouble;
use crate::cli::exit_code::CtlStatus;

/// The family's rows.
pub(in crate::cli::ctl) const COMMANDS: &[CtlCommand] = &[
    CtlCommand {
        name: "reread",
        usage: &[("reread", "Read the config again and say what changed; nothing is started or stopped")],
        completes: Completes::Nothing,
        run: reread,
    },
    CtlCommand {
        name: "update",
        usage: &[
            ("update", "Read the config again; remove, restart and add groups as it says"),
            ("update all", "The same"),
            ("update <group> [...]", "Only these groups"),
        ],
        completes: Completes::Groups,
        run: update,
    },
    CtlCommand {
        name: "add",
        usage: &[("add <group> [...]", "Take groups of the config into use")],
        completes: Completes::Groups,
        run: add,
    },
    CtlCommand {
        name: "remove",
        usage: &[("remove <group> [...]", "Take groups that are stopped out of use")],
        completes: Completes::Groups,
        run: remove,
    },
];

/// What `reloadConfig` found: groups that are new, other than before, and gone.
struct Changes {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
}

/// One array in another, as the server has it.
fn reload_config(session: &mut Session<'_>) -> Result<Changes, Trouble> {
    let answer = session.call("reloadConfig", &[])?;
    match items(&answer)?.first().map(items).transpose()? {
        Some([added, changed, removed]) => {
            Ok(Changes { added: strings(added)?, changed: strings(changed)?, removed: strings(removed)? })
        }
        _ => Err(Trouble::raised("ValueError", "not enough values to unpack")),
    }
}

fn reread(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    if !argument.is_empty() {
        return session.refuse(CtlStatus::Generic, "Error: reread accepts no arguments", "reread");
    }
    let changes = match reload_config(session) {
        Ok(changes) => changes,
        Err(trouble) => {
            session.fail(CtlStatus::Generic);
            return match trouble {
                Trouble::Fault { code: SHUTDOWN_STATE, .. } => session.say("ERROR: supervisor shutting down"),
                Trouble::Fault { code: CANT_REREAD, text } => session.say(format_args!("ERROR: {text}")),
                other => Err(other),
            };
        }
    };
    let mut words = BTreeMap::new();
    for (names, word) in [(changes.added, "available"), (changes.changed, "changed"), (changes.removed, "disappeared")]
    {
        words.extend(names.into_iter().map(|name| (name, word)));
    }
    if words.is_empty() {
        return session.say("No config updates to processes");
    }
    words.iter().try_for_each(|(name, word)| session.say(format_args!("{name}: {word}")))
}

fn update(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    let changes = match reload_config(session) {
        Err(trouble) if trouble.fault_code() == Some(SHUTDOWN_STATE) => {
            session.fail(CtlStatus::Generic);
            return session.say("ERROR: already shutting down");
        }
        other => other?,
    };
    let mut wanted: Vec<&str> = Vec::new();
    for name in argument.split_whitespace().filter(|_| !argument.split_whitespace().any(|name| name == "all")) {
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    if !wanted.is_empty() {
        name_unknown_groups(session, &wanted, &changes.added)?;
    }
    let is_wanted = |group: &&String| wanted.is_empty() || wanted.contains(&group.as_str());
    changes.removed.iter().filter(is_wanted).try_for_each(|group| update_removed(session, group))?;
    changes.changed.iter().filter(is_wanted).try_for_each(|group| update_changed(session, group))?;
    changes.added.iter().filter(is_wanted).try_for_each(|group| {
        session.call("addProcessGroup", &[group.as_str().into()])?;
        session.say(format_args!("{group}: added process group"))
    })
}

fn name_unknown_groups(session: &mut Session<'_>, wanted: &[&str], added: &[String]) -> Result<(), Trouble> {
    let active = Process::read_all(&session.call("getAllProcessInfo", &[])?)?;
    for name in wanted {
        if !added.iter().any(|group| group == name) && !active.iter().any(|process| process.group == *name) {
            session.fail(CtlStatus::Generic);
            session.say(format_args!("ERROR: no such group: {name}"))?;
        }
    }
    Ok(())
}

fn update_removed(session: &mut Session<'_>, group: &str) -> Result<(), Trouble> {
    let results = session.call("stopProcessGroup", &[group.into()])?;
    session.say(format_args!("{group}: stopped"))?;
    for result in items(&results)? {
        if number(result, "status")? == i64::from(FAILED) {
            session.fail(CtlStatus::Generic);
            return session.say(format_args!("{group}: has problems; not removing"));
        }
    }
    session.call("removeProcessGroup", &[group.into()])?;
    session.say(format_args!("{group}: removed process group"))
}

fn update_changed(session: &mut Session<'_>, group: &str) -> Result<(), Trouble> {
    session.call("stopProcessGroup", &[group.into()])?;
    session.say(format_args!("{group}: stopped"))?;
    session.call("removeProcessGroup", &[group.into()])?;
    session.call("addProcessGroup", &[group.into()])?;
    session.say(format_args!("{group}: updated process group"))
}

fn add(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    for name in argument.split_whitespace() {
        let Err(trouble) = session.call("addProcessGroup", &[name.into()]) else {
            session.say(format_args!("{name}: added process group"))?;
            continue;
        };
        match trouble.fault_code() {
            // It is as it should be, so no failure.
            Some(ALREADY_ADDED) => session.say("ERROR: process group already active")?,
            Some(SHUTDOWN_STATE) => {
                session.fail(CtlStatus::Generic);
                session.say("ERROR: shutting down")?;
            }
            Some(BAD_NAME) => {
                session.fail(CtlStatus::Generic);
                session.say(format_args!("ERROR: no such process/group: {name}"))?;
            }
            _ => return Err(trouble),
        }
    }
    Ok(())
}

fn remove(session: &mut Session<'_>, argument: &str) -> Result<(), Trouble> {
    for name in argument.split_whitespace() {
        let Err(trouble) = session.call("removeProcessGroup", &[name.into()]) else {
            session.say(format_args!("{name}: removed process group"))?;
            continue;
        };
        session.fail(CtlStatus::Generic);
        match trouble.fault_code() {
            Some(STILL_RUNNING) => session.say(format_args!("ERROR: process/group still running: {name}"))?,
            Some(BAD_NAME) => session.say(format_args!("ERROR: no such process/group: {name}"))?,
            _ => return Err(trouble),
        }
    }
    Ok(())
}
