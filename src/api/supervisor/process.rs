//! Starting, stopping and signalling, for one process, a group or all.
//!
//! The states that allow a start, a stop or a signal are supervisord's, checked here: BACKOFF is started already, STOPPING is not
//! running. Everything else the supervisor decides. A group's answer leaves out the processes that were in the wanted state
//! already (supervisor `rpcinterface.py` `make_allfunc`).

#![expect(clippy::unnecessary_wraps, reason = "every row of the table has the same signature")]

use super::target::{Target, all, find, is_running, is_signallable, members};
use crate::api::fault::{
    ABNORMAL_TERMINATION, ALREADY_STARTED, BAD_SIGNAL, FAILED, Fault, NO_FILE, NOT_EXECUTABLE, NOT_RUNNING,
    SHUTDOWN_STATE, SPAWN_ERROR, SUCCESS,
};
use crate::api::method::{Kind, Method, Outcome, Param, View, flag, optional, required, text};
use crate::codec::xmlrpc::Value;
use crate::model::{self, ProcessId, ProcessState, Signal};
use crate::supervisor::action::{self, Answer};
use crate::supervisor::event::{Command, StartUntil};
use crate::supervisor::snapshot::ProcessInfo;

const NAME_WAIT: &[Param] = &[required("name", Kind::String), optional("wait", Kind::Boolean)];
const WAIT: &[Param] = &[optional("wait", Kind::Boolean)];
const NAME_SIGNAL: &[Param] = &[required("name", Kind::String), required("signal", Kind::StringOrInt)];
const SIGNAL: &[Param] = &[required("signal", Kind::StringOrInt)];

/// The family's rows.
pub(in crate::api) const METHODS: &[Method] = &[
    Method::new(
        "supervisor.startProcess",
        NAME_WAIT,
        "boolean",
        "Starts a process and what it needs; by default answers when it is RUNNING.",
        start_process,
    ),
    Method::new(
        "supervisor.startProcessGroup",
        NAME_WAIT,
        "array",
        "Starts every process of a group; answers one status for each that was not up.",
        start_group,
    ),
    Method::new(
        "supervisor.startAllProcesses",
        WAIT,
        "array",
        "Starts every process; answers one status for each that was not up.",
        start_all,
    ),
    Method::new(
        "supervisor.stopProcess",
        NAME_WAIT,
        "boolean",
        "Stops a process; by default answers when it is down.",
        stop_process,
    ),
    Method::new(
        "supervisor.stopProcessGroup",
        NAME_WAIT,
        "array",
        "Stops every process of a group; answers one status for each that was up.",
        stop_group,
    ),
    Method::new(
        "supervisor.stopAllProcesses",
        WAIT,
        "array",
        "Stops every process; answers one status for each that was up.",
        stop_all,
    ),
    Method::new(
        "supervisor.signalProcess",
        NAME_SIGNAL,
        "boolean",
        "Sends a signal, by name or number, to a process.",
        signal_process,
    ),
    Method::new(
        "supervisor.signalProcessGroup",
        NAME_SIGNAL,
        "array",
        "Sends a signal to every process of a group that is up.",
        signal_group,
    ),
    Method::new(
        "supervisor.signalAllProcesses",
        SIGNAL,
        "array",
        "Sends a signal to every process that is up.",
        signal_all,
    ),
];

fn start_process(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let wait = flag(arguments, 1, true);
    match find(view, text(arguments, 0))? {
        Target::One(info) if is_running(info) => Err(Fault::new(ALREADY_STARTED, text(arguments, 0))),
        Target::One(info) if info.state == ProcessState::Unknown => Err(is_unknown(text(arguments, 0))),
        Target::One(info) => Ok(single(start(vec![info.id], wait), text(arguments, 0))),
        Target::Group(members) => Ok(start_those(members, wait)),
    }
}

/// Nobody knows whether a second one would run beside it (supervisor `rpcinterface.py` `startProcess`).
fn is_unknown(name: &str) -> Fault {
    Fault::new(FAILED, format_args!("{name} is in an unknown process state"))
}

fn start_group(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    Ok(start_those(members(view, text(arguments, 0))?, flag(arguments, 1, true)))
}

fn start_all(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    Ok(start_those(all(view), flag(arguments, 0, true)))
}

fn stop_process(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let wait = flag(arguments, 1, true);
    match find(view, text(arguments, 0))? {
        Target::One(info) if !is_running(info) => Err(Fault::new(NOT_RUNNING, text(arguments, 0))),
        Target::One(info) => Ok(single(stop(vec![info.id], wait), text(arguments, 0))),
        Target::Group(members) => Ok(stop_those(members, wait)),
    }
}

fn stop_group(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    Ok(stop_those(members(view, text(arguments, 0))?, flag(arguments, 1, true)))
}

fn stop_all(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    Ok(stop_those(all(view), flag(arguments, 0, true)))
}

/// The signal is looked at before the state of the process (supervisor `rpcinterface.py` `signalProcess`).
fn signal_process(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    match find(view, text(arguments, 0))? {
        Target::One(info) => {
            let signal = read_signal(&arguments[1])?;
            if !is_signallable(info) {
                return Err(Fault::new(NOT_RUNNING, text(arguments, 0)));
            }
            let Some(signal) = signal else { return Ok(Outcome::Value(true.into())) };
            Ok(single(Command::Signal { processes: vec![info.id], signal }, text(arguments, 0)))
        }
        Target::Group(members) => Ok(signal_those(members, &arguments[1])),
    }
}

fn signal_group(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    Ok(signal_those(members(view, text(arguments, 0))?, &arguments[1]))
}

fn signal_all(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    Ok(signal_those(all(view), &arguments[0]))
}

fn start(processes: Vec<ProcessId>, wait: bool) -> Command {
    let until = if wait { StartUntil::Running } else { StartUntil::Spawned };
    Command::Start { processes, until, with_needs: true, timeout: None }
}

fn stop(processes: Vec<ProcessId>, wait: bool) -> Command {
    Command::Stop { processes, with_dependents: false, wait }
}

fn start_those(mut members: Vec<&ProcessInfo>, wait: bool) -> Outcome {
    members.retain(|info| !is_running(info));
    several(&members, |processes| start(processes, wait))
}

fn stop_those(mut members: Vec<&ProcessInfo>, wait: bool) -> Outcome {
    members.retain(|info| is_running(info));
    several(&members, |processes| stop(processes, wait))
}

fn signal_those(mut members: Vec<&ProcessInfo>, signal: &Value) -> Outcome {
    members.retain(|info| is_signallable(info));
    match read_signal(signal) {
        Ok(Some(signal)) => several(&members, |processes| Command::Signal { processes, signal }),
        Ok(None) => Outcome::Value(Value::Array(members.iter().map(|info| status(info, None)).collect())),
        Err(fault) => Outcome::Value(Value::Array(members.iter().map(|info| status(info, Some(&fault))).collect())),
    }
}

/// The signal to send. 0 is none: it only asks whether the process is there, as `kill(2)` has it.
fn read_signal(value: &Value) -> Result<Option<Signal>, Fault> {
    let text =
        value.as_int().map_or_else(|| value.as_str().unwrap_or_default().to_owned(), |number| number.to_string());
    if text.trim() == "0" {
        return Ok(None);
    }
    Signal::parse(&text).map(Some).ok_or_else(|| Fault::new(BAD_SIGNAL, text))
}

/// Asks for one process: the answer is true, or the fault that its [`Answer`] means.
pub(super) fn single(command: Command, name: &str) -> Outcome {
    let name = name.to_owned();
    let then = move |view: &View<'_>, reply: action::Outcome| match reply {
        action::Outcome::Each(answers) => {
            let refused = answers.first().and_then(|(id, answer)| refusal(view, *id, *answer, &name));
            refused.map_or(Ok(true.into()), Err)
        }
        action::Outcome::Accepted => Ok(true.into()),
        action::Outcome::TimedOut(_) => Err(Fault::new(FAILED, name)),
        action::Outcome::ShuttingDown => Err(Fault::plain(SHUTDOWN_STATE)),
    };
    Outcome::Submit { command, then: Box::new(then) }
}

/// Asks for several: the answer has a status for each. Nobody to ask is an empty answer at once.
fn several(members: &[&ProcessInfo], command: impl FnOnce(Vec<ProcessId>) -> Command) -> Outcome {
    let ids: Vec<_> = members.iter().map(|info| info.id).collect();
    if ids.is_empty() {
        return Outcome::Value(Value::Array(Vec::new()));
    }
    let command = command(ids.clone());
    let then = move |view: &View<'_>, reply: action::Outcome| {
        let answers: Vec<(ProcessId, Option<Answer>)> = match reply {
            action::Outcome::Each(answers) => answers.into_iter().map(|(id, answer)| (id, Some(answer))).collect(),
            action::Outcome::Accepted => ids.into_iter().map(|id| (id, Some(Answer::Done))).collect(),
            action::Outcome::TimedOut(open) => open.into_iter().map(|id| (id, None)).collect(),
            action::Outcome::ShuttingDown => return Err(Fault::plain(SHUTDOWN_STATE)),
        };
        let described = answers.into_iter().filter_map(|(id, answer)| {
            let info = view.snapshot.get(id)?;
            let name = info.name.to_string();
            let fault =
                answer.map_or_else(|| Some(Fault::new(FAILED, &name)), |answer| refusal(view, id, answer, &name));
            Some(status(info, fault.as_ref()))
        });
        Ok(Value::Array(described.collect()))
    };
    Outcome::Submit { command, then: Box::new(then) }
}

/// One entry of a group's answer.
pub(super) fn status(info: &ProcessInfo, fault: Option<&Fault>) -> Value {
    Value::Struct(vec![
        ("name".into(), info.name.process.as_str().into()),
        ("group".into(), info.name.group.as_str().into()),
        ("status".into(), fault.map_or(SUCCESS, |fault| fault.code).into()),
        ("description".into(), fault.map_or("OK", |fault| &fault.text).into()),
    ])
}

/// supervisord's fault for an answer. Blocked is FATAL with a spawnerr on the wire, so it is a spawn error there.
fn refusal(view: &View<'_>, id: ProcessId, answer: Answer, name: &str) -> Option<Fault> {
    let code = match answer {
        Answer::Done => return None,
        Answer::NoFile => {
            return Some(Fault::new(NO_FILE, format_args!("can't find command '{}'", first_word(view, id))));
        }
        Answer::NotExecutable => {
            let text = format_args!("command at '{}' is not executable", first_word(view, id));
            return Some(Fault::new(NOT_EXECUTABLE, text));
        }
        Answer::OutOfReach => {
            let pid = view.snapshot.get(id).map_or(0, |info| info.pid);
            return Some(Fault::new(FAILED, format_args!("unknown problem killing {name} ({pid})")));
        }
        Answer::NoStdin => NO_FILE,
        Answer::AlreadyStarted => ALREADY_STARTED,
        Answer::NotRunning => NOT_RUNNING,
        Answer::SpawnError | Answer::Blocked => SPAWN_ERROR,
        Answer::AbnormalTermination | Answer::StoppedByAnother => ABNORMAL_TERMINATION,
        Answer::NotWanted | Answer::StdinFull | Answer::StartedByAnother => FAILED,
    };
    Some(Fault::new(code, name))
}

/// What a process's command begins with (supervisor `options.py` `check_execv_args` names it).
fn first_word(view: &View<'_>, id: ProcessId) -> String {
    let program = view.snapshot.get(id).and_then(|info| view.project.program(&info.program));
    match program.map(|program| &program.command) {
        Some(model::Command::Words(words)) => words.first().map(ToString::to_string).unwrap_or_default(),
        Some(line) => line.display().split_whitespace().next().unwrap_or_default().to_owned(),
        None => String::new(),
    }
}
