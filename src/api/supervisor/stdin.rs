//! What is sent: to a process's stdin, and to event listeners.

use super::process::single;
use super::target;
use crate::api::fault::{Fault, INCORRECT_PARAMETERS, NOT_RUNNING};
use crate::api::method::{Kind, Method, Outcome, Param, View, required, text};
use crate::codec::xmlrpc::Value;
use crate::model::ProcessState;
use crate::supervisor::event::Command;
use crate::supervisor::snapshot::ProcessInfo;

/// A number is refused by name (supervisor `rpcinterface.py` `sendProcessStdin`).
const NAME_CHARS: &[Param] = &[required("name", Kind::String), required("chars", Kind::StringOrInt)];
const TYPE_DATA: &[Param] = &[required("type", Kind::String), required("data", Kind::String)];

/// The family's rows.
pub(in crate::api) const METHODS: &[Method] = &[
    Method::new(
        "supervisor.sendProcessStdin",
        NAME_CHARS,
        "boolean",
        "Sends characters, as UTF-8, to the stdin of a process.",
        send_stdin,
    ),
    Method::new(
        "supervisor.sendRemoteCommEvent",
        TYPE_DATA,
        "boolean",
        "Tells event listeners that have asked for REMOTE_COMMUNICATION.",
        send_event,
    ),
];

fn send_stdin(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let name = text(arguments, 0);
    if let Some(number) = arguments.get(1).and_then(Value::as_int) {
        return Err(Fault::new(INCORRECT_PARAMETERS, number));
    }
    let info = target::process(view, name)?;
    if !takes_stdin(info) {
        return Err(Fault::new(NOT_RUNNING, name));
    }
    Ok(single(Command::SendStdin { process: info.id, data: text(arguments, 1).into() }, name))
}

/// Whoever is being stopped takes nothing any more (supervisor `rpcinterface.py` `sendProcessStdin`).
fn takes_stdin(info: &ProcessInfo) -> bool {
    match info.state {
        ProcessState::Starting | ProcessState::Running => true,
        ProcessState::Stopped
        | ProcessState::Backoff
        | ProcessState::Stopping
        | ProcessState::Exited
        | ProcessState::Fatal
        | ProcessState::Unknown => false,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every row of the table has the same signature")]
fn send_event(_: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let command = Command::SendEvent { kind: text(arguments, 0).to_owned(), data: text(arguments, 1).into() };
    Ok(single(command, ""))
}
