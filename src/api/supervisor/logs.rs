//! Reading and clearing logs: the main log and the outputs of processes.
//!
//! What is no UTF-8, or half a character at the edge of a window, becomes U+FFFD; supervisord cannot answer such a call at all (its
//! issues 1485 and 1693). The codec does the same to what XML cannot carry.

#![expect(clippy::unnecessary_wraps, reason = "every row of the table has the same signature")]

use super::process::status;
use super::target::{all, process};
use crate::api::fault::{BAD_ARGUMENTS, FAILED, Fault, NO_FILE};
use crate::api::log::{LogOf, LogReply, LogRequest};
use crate::api::method::{Kind, Method, Outcome, Param, View, required, text};
use crate::codec::xmlrpc::Value;
use crate::model::{Channel, ProcessId};

const NAME: &[Param] = &[required("name", Kind::String)];
const WINDOW: &[Param] = &[required("offset", Kind::Int), required("length", Kind::Int)];
const NAME_WINDOW: &[Param] =
    &[required("name", Kind::String), required("offset", Kind::Int), required("length", Kind::Int)];

const READ: &str =
    "Reads a process's log: length bytes (0: all) from offset on; a negative offset means the last bytes.";
const TAIL: &str = "Reads the end of a process's log. Answers the bytes, the length of the log, and whether there is more than \
                    length bytes behind offset, so that something was left out.";
const CLEAR: &str = "Empties the logs of a process.";

/// The family's rows.
pub(in crate::api) const METHODS: &[Method] = &[
    Method::new(
        "supervisor.readLog",
        WINDOW,
        "string",
        "Reads the main log, as readProcessStdoutLog reads others.",
        read_main,
    ),
    Method::new("supervisor.readMainLog", WINDOW, "string", "The old name of readLog.", read_main),
    Method::new("supervisor.clearLog", &[], "boolean", "Empties the main log.", clear_main),
    Method::new("supervisor.readProcessStdoutLog", NAME_WINDOW, "string", READ, |view, arguments| {
        read(view, arguments, Channel::Stdout)
    }),
    Method::new(
        "supervisor.readProcessLog",
        NAME_WINDOW,
        "string",
        "The old name of readProcessStdoutLog.",
        |view, arguments| read(view, arguments, Channel::Stdout),
    ),
    Method::new("supervisor.readProcessStderrLog", NAME_WINDOW, "string", READ, |view, arguments| {
        read(view, arguments, Channel::Stderr)
    }),
    Method::new("supervisor.tailProcessStdoutLog", NAME_WINDOW, "array", TAIL, |view, arguments| {
        tail(view, arguments, Channel::Stdout)
    }),
    Method::new(
        "supervisor.tailProcessLog",
        NAME_WINDOW,
        "array",
        "The old name of tailProcessStdoutLog.",
        |view, arguments| tail(view, arguments, Channel::Stdout),
    ),
    Method::new("supervisor.tailProcessStderrLog", NAME_WINDOW, "array", TAIL, |view, arguments| {
        tail(view, arguments, Channel::Stderr)
    }),
    Method::new("supervisor.clearProcessLogs", NAME, "boolean", CLEAR, clear),
    Method::new("supervisor.clearProcessLog", NAME, "boolean", "The old name of clearProcessLogs.", clear),
    Method::new(
        "supervisor.clearAllProcessLogs",
        &[],
        "array",
        "Empties the logs of every process; answers one status for each.",
        clear_all,
    ),
];

fn read_main(_: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    Ok(part(LogOf::Main, number(arguments, 0), number(arguments, 1)))
}

fn read(view: &View<'_>, arguments: &[Value], channel: Channel) -> Result<Outcome, Fault> {
    let info = process(view, text(arguments, 0))?;
    Ok(part(LogOf::Process(info.id, channel), number(arguments, 1), number(arguments, 2)))
}

fn part(of: LogOf, offset: i64, length: i64) -> Outcome {
    let then = |_: &View<'_>, reply| {
        if let LogReply::Bytes(bytes) = reply { Ok(as_text(bytes).into()) } else { Err(refusal(reply)) }
    };
    Outcome::Log { request: LogRequest::Read { of, offset, length }, then: Box::new(then) }
}

/// A log that is not there, or cannot be read, is an empty one here (supervisor `rpcinterface.py` `_tailProcessLog`, `options.py`
/// `tailFile`).
fn tail(view: &View<'_>, arguments: &[Value], channel: Channel) -> Result<Outcome, Fault> {
    let info = process(view, text(arguments, 0))?;
    let (offset, length) = (number(arguments, 1), number(arguments, 2));
    let then = move |_: &View<'_>, reply| {
        let (bytes, size, overflow) = match reply {
            LogReply::Tail { bytes, size, overflow } => (bytes, i64::try_from(size).unwrap_or(i64::MAX), overflow),
            LogReply::NoFile(_) => (Vec::new(), 0, false),
            LogReply::Failed
            | LogReply::Bytes(_)
            | LogReply::Cleared(_)
            | LogReply::MainCleared(_)
            | LogReply::Found { .. }
            | LogReply::BadArguments
            | LogReply::BadPattern(_) => (Vec::new(), offset, false),
        };
        Ok(vec![as_text(bytes).into(), size.into(), overflow.into()].into())
    };
    let of = LogOf::Process(info.id, channel);
    Ok(Outcome::Log { request: LogRequest::Tail { of, offset, length }, then: Box::new(then) })
}

fn clear_main(_: &View<'_>, _: &[Value]) -> Result<Outcome, Fault> {
    let then = |_: &View<'_>, reply| {
        if reply == LogReply::MainCleared(true) {
            Ok(true.into())
        } else if let LogReply::NoFile(_) = reply {
            Err(Fault::plain(NO_FILE))
        } else {
            Err(refusal(reply))
        }
    };
    Ok(Outcome::Log { request: LogRequest::ClearMain, then: Box::new(then) })
}

fn clear(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let name = text(arguments, 0).to_owned();
    let info = process(view, &name)?;
    let then = |_: &View<'_>, reply| {
        let is_cleared = matches!(reply, LogReply::Cleared(each) if each.iter().all(|(_, is_cleared)| *is_cleared));
        if is_cleared { Ok(true.into()) } else { Err(Fault::new(FAILED, name)) }
    };
    Ok(Outcome::Log { request: LogRequest::Clear(vec![info.id]), then: Box::new(then) })
}

fn clear_all(view: &View<'_>, _: &[Value]) -> Result<Outcome, Fault> {
    let processes: Vec<ProcessId> = all(view).into_iter().map(|info| info.id).collect();
    let then = |view: &View<'_>, reply| {
        let LogReply::Cleared(each) = reply else { return Err(refusal(reply)) };
        let each = each.into_iter().filter_map(|(id, is_cleared)| cleared(view, id, is_cleared));
        Ok(Value::Array(each.collect()))
    };
    Ok(Outcome::Log { request: LogRequest::Clear(processes), then: Box::new(then) })
}

fn cleared(view: &View<'_>, id: ProcessId, is_cleared: bool) -> Option<Value> {
    let info = view.snapshot.get(id)?;
    let fault = (!is_cleared).then(|| Fault::new(FAILED, &info.name));
    Some(status(info, fault.as_ref()))
}

fn refusal(reply: LogReply) -> Fault {
    match reply {
        LogReply::NoFile(Some(path)) => Fault::new(NO_FILE, path),
        LogReply::NoFile(None) => Fault::plain(NO_FILE),
        LogReply::BadArguments => Fault::plain(BAD_ARGUMENTS),
        LogReply::BadPattern(why) => Fault::new(BAD_ARGUMENTS, why),
        LogReply::Failed
        | LogReply::Bytes(_)
        | LogReply::Tail { .. }
        | LogReply::Cleared(_)
        | LogReply::MainCleared(_)
        | LogReply::Found { .. } => Fault::plain(FAILED),
    }
}

/// Most often the bytes are text as they are.
fn as_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn number(arguments: &[Value], at: usize) -> i64 {
    arguments.get(at).and_then(Value::as_int).unwrap_or_default()
}
