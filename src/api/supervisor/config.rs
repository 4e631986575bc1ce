//! The config: what changed in it, its groups in and out of use, a restart, and everything that it says (supervisor
//! `rpcinterface.py`).
//!
//! supervisord knows two configs: the one that was read last, and the one in force. `reloadConfig` reads, and compares with what is
//! in force; `addProcessGroup` takes a group of what was read; `getAllConfigInfo` tells what was read.

#![expect(clippy::unnecessary_wraps, reason = "every row of the table has the same signature")]

use std::path::PathBuf;

use crate::api::fault::{ALREADY_ADDED, BAD_NAME, CANT_REREAD, FAILED, Fault, SHUTDOWN_STATE, STILL_RUNNING};
use crate::api::method::{Kind, Lookup, Method, Outcome, View, required, text};
use crate::codec::xmlrpc::Value;
use crate::model::program::Instance;
use crate::model::supervisord::{LogChoice, StreamOptions};
use crate::model::{Channel, ConfigRefusal, ConfigWish, LogFile, ProcessState, Program, Project, ReloadPlan};

/// The family's rows.
pub(in crate::api) const METHODS: &[Method] = &[
    Method::new(
        "supervisor.reloadConfig",
        &[],
        "array",
        "Reads the config again, changes nothing, and answers the names of the groups that differ from those in use: \
         [[added, changed, removed]].",
        reload_config,
    ),
    Method::new(
        "supervisor.addProcessGroup",
        &[required("name", Kind::String)],
        "boolean",
        "Takes a group of the config that was read last into use.",
        add_group,
    ),
    Method::new(
        "supervisor.removeProcessGroup",
        &[required("name", Kind::String)],
        "boolean",
        "Takes a group that is stopped out of use.",
        remove_group,
    ),
    Method::new(
        "supervisor.restart",
        &[],
        "boolean",
        "Stops everything, and starts anew with the config as it is now, under the same pid. A config that does not load stops nothing.",
        |_, _| Ok(Outcome::Config { wish: ConfigWish::Restart, then: Box::new(|_, result| done(result, CANT_REREAD)) }),
    ),
    Method::new(
        "supervisor.getAllConfigInfo",
        &[],
        "array",
        "Tells everything that the config which was read last says about every process.",
        all_config_info,
    ),
];

fn reload_config(_: &View<'_>, _: &[Value]) -> Result<Outcome, Fault> {
    let then = |_: &View<'_>, result: Result<ReloadPlan, ConfigRefusal>| {
        let groups = result.map_err(|refusal| fault(&refusal, CANT_REREAD))?.groups;
        let names = |of: Vec<String>| Value::Array(of.into_iter().map(Value::from).collect());
        let all = [groups.added, groups.changed, groups.removed];
        Ok(Value::Array(vec![Value::Array(all.into_iter().map(names).collect())]))
    };
    Ok(Outcome::Config { wish: ConfigWish::Compare, then: Box::new(then) })
}

fn add_group(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let name = text(arguments, 0);
    if !has_group(view.last_read, name) {
        return Err(Fault::new(BAD_NAME, name));
    }
    if has_group(view.project, name) {
        return Err(Fault::new(ALREADY_ADDED, name));
    }
    Ok(Outcome::Config {
        wish: ConfigWish::AddGroup(name.to_owned()),
        then: Box::new(|_, result| done(result, FAILED)),
    })
}

/// A group of which anything is up stays (supervisor `supervisord.py` `remove_process_group`).
fn remove_group(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let name = text(arguments, 0);
    if !has_group(view.project, name) {
        return Err(Fault::new(BAD_NAME, name));
    }
    let mut members = view.snapshot.processes.iter().filter(|info| info.name.group == name);
    let is_up = members.any(|info| match info.state {
        ProcessState::Stopped | ProcessState::Exited | ProcessState::Fatal | ProcessState::Unknown => false,
        ProcessState::Starting | ProcessState::Running | ProcessState::Backoff | ProcessState::Stopping => true,
    });
    if is_up {
        return Err(Fault::new(STILL_RUNNING, name));
    }
    let wish = ConfigWish::RemoveGroup(name.to_owned());
    Ok(Outcome::Config { wish, then: Box::new(|_, result| done(result, FAILED)) })
}

fn has_group(project: &Project, name: &str) -> bool {
    project.processes().any(|(_, _, instance)| instance.name.group == name)
}

fn done(result: Result<ReloadPlan, ConfigRefusal>, code: i32) -> Result<Value, Fault> {
    result.map(|_| true.into()).map_err(|refusal| fault(&refusal, code))
}

fn fault(refusal: &ConfigRefusal, code: i32) -> Fault {
    match refusal {
        ConfigRefusal::Ending => Fault::plain(SHUTDOWN_STATE),
        // In one line, as supervisord's clients print it behind a word of theirs.
        ConfigRefusal::Unreadable { line, .. } => Fault::new(code, line),
        ConfigRefusal::Unfit(why) => Fault::new(code, why.replace('\n', "; ")),
        ConfigRefusal::NoConfig => Fault::new(code, refusal),
    }
}

/// Sorted by the names of the processes.
fn all_config_info(view: &View<'_>, _: &[Value]) -> Result<Outcome, Fault> {
    let mut all: Vec<_> = view.last_read.processes().map(|(_, program, instance)| (program, instance)).collect();
    all.sort_by_key(|(_, instance)| &instance.name.process);
    let infos = all.into_iter().map(|(program, instance)| config_info(view, program, instance));
    Ok(Outcome::Value(Value::Array(infos.collect())))
}

/// The priority of a process in its group. Of a listener about which nothing is said supervisord tells 999 there, and -1 of its group
/// (`options.py` `processes_from_section` and `process_groups_from_parser`); no order follows from it.
fn process_priority(program: &Program) -> i32 {
    match program.priority {
        -1 if program.listener().is_some() => 999,
        priority => priority,
    }
}

/// What is not set is "none", what supervisord finds out by itself "auto".
fn config_info(view: &View<'_>, program: &Program, instance: &Instance) -> Value {
    let program = &*program.as_run_by(instance);
    let group = &instance.name.group;
    let group_priority = view.last_read.groups.iter().find(|one| one.name == *group).map(|one| one.priority);
    let seconds = |time: std::time::Duration| Value::Int(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    let none = || Value::from("none");
    let in_use = has_group(view.project, group);
    let automatic = |channel| view.lookup.log_path(program, instance, channel).filter(|_| in_use);
    let stdout_log = logfile(&program.extras.stdout, program.stdout_logfile.as_ref(), automatic(Channel::Stdout));
    let stderr_log = if program.redirect_stderr {
        none()
    } else {
        logfile(&program.extras.stderr, program.stderr_logfile.as_ref(), automatic(Channel::Stderr))
    };
    let mut keys = vec![
        ("autostart", program.autostart.into()),
        ("directory", program.directory.as_ref().map_or_else(none, |directory| directory.to_string().into())),
        ("uid", program.user.as_deref().map_or_else(none, |user| uid(view.lookup, user))),
        ("command", program.command.display().into()),
        ("exitcodes", Value::Array(program.exitcodes.iter().map(|code| Value::from(*code)).collect())),
        ("group", group.as_str().into()),
        ("group_prio", group_priority.unwrap_or(program.priority).into()),
        ("inuse", in_use.into()),
        ("killasgroup", program.killasgroup.into()),
        ("name", instance.name.process.as_str().into()),
        ("process_prio", process_priority(program).into()),
        ("redirect_stderr", program.redirect_stderr.into()),
        ("startretries", program.startretries.into()),
        ("startsecs", seconds(program.startsecs)),
        ("stopsignal", program.stopsignal.0.into()),
        ("stopwaitsecs", seconds(program.stopwaitsecs)),
        ("serverurl", program.extras.serverurl.as_deref().map_or_else(none, Value::from)),
        ("stdout_logfile", stdout_log),
        ("stderr_logfile", stderr_log),
    ];
    keys.extend(stream_keys(&program.extras.stdout).into_iter().zip(STDOUT_KEYS).map(|(value, key)| (*key, value)));
    keys.extend(stream_keys(&program.extras.stderr).into_iter().zip(STDERR_KEYS).map(|(value, key)| (*key, value)));
    Value::Struct(keys.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

const STDOUT_KEYS: &[&str] = &[
    "stdout_capture_maxbytes",
    "stdout_events_enabled",
    "stdout_logfile_backups",
    "stdout_logfile_maxbytes",
    "stdout_syslog",
];
const STDERR_KEYS: &[&str] = &[
    "stderr_capture_maxbytes",
    "stderr_events_enabled",
    "stderr_logfile_backups",
    "stderr_logfile_maxbytes",
    "stderr_syslog",
];

/// In the order of the keys above.
fn stream_keys(stream: &StreamOptions) -> [Value; 5] {
    let bytes = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    [
        bytes(stream.capture_maxbytes),
        stream.events_enabled.into(),
        stream.backups.into(),
        bytes(stream.maxbytes),
        stream.syslog.into(),
    ]
}

/// An automatic log has its path once its group is in use (supervisor `options.py` `create_autochildlogs`).
fn logfile(stream: &StreamOptions, file: Option<&LogFile>, automatic: Option<PathBuf>) -> Value {
    match (&stream.logfile, file) {
        (_, Some(file)) => file.path.display().to_string().into(),
        (LogChoice::Screen(path), None) => path.display().to_string().into(),
        (LogChoice::Off, None) => "none".into(),
        (LogChoice::Auto | LogChoice::File, None) => {
            automatic.map_or_else(|| "auto".into(), |path| path.display().to_string().into())
        }
    }
}

fn uid(lookup: &dyn Lookup, user: &str) -> Value {
    lookup.uid(user).map_or_else(|| user.into(), |uid| Value::Int(i64::from(uid)))
}
