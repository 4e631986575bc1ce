//! What supervisord tells of itself and of its processes.

#![expect(clippy::unnecessary_wraps, reason = "every row of the table has the same signature")]

use jiff::Timestamp;
use jiff::tz::Offset;

use super::target::process;
use crate::api::fault::{Fault, SHUTDOWN_STATE};
use crate::api::method::{Kind, Lookup, Method, Outcome, View, required, text};
use crate::api::note;
use crate::codec::xmlrpc::Value;
use crate::model::{Channel, Exit, ProcessState, WallTime, Word};
use crate::supervisor::action;
use crate::supervisor::event::Command;
use crate::supervisor::snapshot::ProcessInfo;

/// The protocol's version, which supervisorctl insists on.
const API_VERSION: &str = "3.0";

/// The release whose behaviour is spoken here; ours is in `run.version`.
const SUPERVISOR_VERSION: &str = "4.3.0";

/// The family's rows.
pub(in crate::api) const METHODS: &[Method] = &[
    Method::new("supervisor.getAPIVersion", &[], "string", "Tells the version of this interface.", api_version),
    Method::new("supervisor.getVersion", &[], "string", "The old name of getAPIVersion.", api_version),
    Method::new(
        "supervisor.getSupervisorVersion",
        &[],
        "string",
        "Tells which release of supervisord this interface follows.",
        |_, _| Ok(Outcome::Value(SUPERVISOR_VERSION.into())),
    ),
    Method::new(
        "supervisor.getIdentification",
        &[],
        "string",
        "Tells the identifier of a supervisord.conf, else the project's name.",
        |view, _| {
            let theirs = view.project.supervisord.as_ref().map(|conf| conf.daemon.identifier.as_str());
            Ok(Outcome::Value(theirs.unwrap_or(view.name).into()))
        },
    ),
    Method::new("supervisor.getState", &[], "struct", "Tells the state of the supervisor.", |_, _| {
        Ok(Outcome::Value(Value::Struct(vec![("statecode".into(), 1.into()), ("statename".into(), "RUNNING".into())])))
    }),
    Method::new("supervisor.getPID", &[], "int", "Tells the pid of the supervisor.", |view, _| {
        Ok(Outcome::Value(view.pid.into()))
    }),
    Method::new("supervisor.shutdown", &[], "boolean", "Ends the project; answers when the end has begun.", |_, _| {
        Ok(Outcome::Submit { command: Command::Shutdown, then: Box::new(|_, reply| began(&reply)) })
    }),
    Method::new(
        "supervisor.getProcessInfo",
        &[required("name", Kind::String)],
        "struct",
        "Tells everything about one process.",
        process_info,
    ),
    Method::new(
        "supervisor.getAllProcessInfo",
        &[],
        "array",
        "Tells everything about every process.",
        all_process_info,
    )
    .steady(),
];

fn api_version(_: &View<'_>, _: &[Value]) -> Result<Outcome, Fault> {
    Ok(Outcome::Value(API_VERSION.into()))
}

fn began(reply: &action::Outcome) -> Result<Value, Fault> {
    match reply {
        action::Outcome::Accepted | action::Outcome::Each(_) | action::Outcome::TimedOut(_) => Ok(true.into()),
        action::Outcome::ShuttingDown => Err(Fault::plain(SHUTDOWN_STATE)),
    }
}

fn process_info(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    Ok(Outcome::Value(info_struct(view, process(view, text(arguments, 0))?)))
}

/// Sorted by group, then by name.
fn all_process_info(view: &View<'_>, _: &[Value]) -> Result<Outcome, Fault> {
    let mut infos: Vec<_> = view.snapshot.processes.iter().collect();
    infos.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Outcome::Value(Value::Array(infos.into_iter().map(|info| info_struct(view, info)).collect())))
}

fn info_struct(view: &View<'_>, info: &ProcessInfo) -> Value {
    let program = view.project.program(&info.program);
    let instance = program.and_then(|program| program.instances.iter().find(|instance| instance.name == info.name));
    let path = |channel| {
        let (program, instance) = program.zip(instance)?;
        Some(view.lookup.log_path(program, instance, channel)?.display().to_string())
    };
    let [stdout, stderr] = Channel::BOTH.map(|channel| path(channel).unwrap_or_default());
    let spawn_error = spawn_error(view, info);
    Value::Struct(vec![
        ("name".into(), info.name.process.as_str().into()),
        ("group".into(), info.name.group.as_str().into()),
        ("start".into(), capped_seconds(info.started_wall)),
        ("stop".into(), capped_seconds(info.stopped_wall)),
        ("now".into(), capped_seconds(view.now.wall)),
        ("state".into(), info.state.code().into()),
        ("statename".into(), info.state.name().into()),
        ("spawnerr".into(), spawn_error.as_str().into()),
        ("exitstatus".into(), exit_status(info).into()),
        ("logfile".into(), stdout.as_str().into()),
        ("stdout_logfile".into(), stdout.into()),
        ("stderr_logfile".into(), stderr.into()),
        ("pid".into(), info.pid.into()),
        ("description".into(), description(view, info, &spawn_error).into()),
    ])
}

/// Seconds since 1970, at most what 32 bits hold (supervisor `xmlrpc.py` `capped_int`).
fn capped_seconds(time: WallTime) -> Value {
    i32::try_from(time.seconds()).unwrap_or(i32::MAX).into()
}

/// 0 unless it has ended; BACKOFF and FATAL zero it (supervisor `process.py` `finish`).
fn exit_status(info: &ProcessInfo) -> i32 {
    match info.state {
        ProcessState::Stopped | ProcessState::Exited => info.last_exit.map_or(0, Exit::supervisord_status),
        ProcessState::Starting
        | ProcessState::Running
        | ProcessState::Backoff
        | ProcessState::Stopping
        | ProcessState::Fatal
        | ProcessState::Unknown => 0,
    }
}

fn spawn_error(view: &View<'_>, info: &ProcessInfo) -> String {
    match info.blocked_by.and_then(|id| view.snapshot.get(id)) {
        Some(by) if info.word == Word::Blocked => format!("dependency {} failed", by.name),
        _ => info.spawn_error.clone(),
    }
}

/// supervisor `rpcinterface.py` `_interpretProcessInfo`; a process that waits, which supervisord does not know, says for whom.
fn description(view: &View<'_>, info: &ProcessInfo, spawn_error: &str) -> String {
    match info.state {
        ProcessState::Running => {
            let seconds = view.now.wall.seconds().saturating_sub(info.started_wall.seconds());
            format!("pid {}, uptime {}", info.pid, uptime(seconds))
        }
        ProcessState::Fatal | ProcessState::Backoff if spawn_error.is_empty() => {
            format!("unknown error (try \"tail {}\")", info.name.process)
        }
        ProcessState::Fatal | ProcessState::Backoff => spawn_error.to_owned(),
        ProcessState::Stopped | ProcessState::Exited if info.started_wall.seconds() == 0 => "Not started".to_owned(),
        ProcessState::Stopped | ProcessState::Exited => clock_text(view.lookup, info.stopped_wall),
        ProcessState::Starting if info.word == Word::Waiting => note::waiting_for(view.snapshot, info),
        ProcessState::Starting | ProcessState::Stopping | ProcessState::Unknown => String::new(),
    }
}

/// As Python prints a timedelta: `0:00:05`, `1 day, 2:03:04`.
fn uptime(seconds: u64) -> String {
    let clock = format!("{}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match seconds / 86400 {
        0 => clock,
        1 => format!("1 day, {clock}"),
        days => format!("{days} days, {clock}"),
    }
}

/// `Nov 22 09:30 AM`, local time.
fn clock_text(lookup: &dyn Lookup, time: WallTime) -> String {
    let second = i64::try_from(time.seconds()).ok().and_then(|second| Timestamp::from_second(second).ok());
    let offset = Offset::from_seconds(lookup.utc_offset(time)).unwrap_or(Offset::UTC);
    second.map_or_else(String::new, |second| offset.to_datetime(second).strftime("%b %d %I:%M %p").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_reads_like_pythons_timedelta() {
        for (seconds, text) in [
            (0, "0:00:00"),
            (59, "0:00:59"),
            (36_061, "10:01:01"),
            (86_400, "1 day, 0:00:00"),
            (180_000, "2 days, 2:00:00"),
        ] {
            assert_eq!(uptime(seconds), text);
        }
    }
}
