//! `run.*`: our own methods, for what supervisord's protocol has no word for.
//!
//! Names are a user's words (`web`, `worker:*`, a glob), times are milliseconds, and an optional argument may be left out or nil.

#![expect(clippy::unnecessary_wraps, reason = "every row of the table has the same signature")]

use std::time::Duration;

use super::fault::{BAD_ARGUMENTS, BAD_SIGNAL, Fault, SHUTDOWN_STATE};
use super::method::{Kind, Method, Outcome, Param, View, flag, optional, required, text};
use super::names::{Reach, resolve, resolve_one};
use super::status::{note_of, process_statuses, project_status};
use crate::codec::xmlrpc::Value;
use crate::export::graph::GraphView;
use crate::export::json::GraphJson;
use crate::model::status::{ProcessReport, RequestReport, SCHEMA};
use crate::model::{ProcessId, Signal};
use crate::supervisor::action::{self, Answer};
use crate::supervisor::event::{Command, StartUntil};

const NAMES: Param = required("names", Kind::Array);
const TIMEOUT: Param = optional("timeout_ms", Kind::Int);
const UNTIL: Param = optional("until", Kind::String);

/// The family's rows.
pub(super) const METHODS: &[Method] = &[
    Method::new(
        "run.status",
        &[optional("names", Kind::Array)],
        "struct",
        "Tells the state of the project and of its processes in start order, all or those named.",
        status,
    )
    .while_ending(),
    Method::new(
        "run.why",
        &[required("name", Kind::String)],
        "struct",
        "Tells everything about one process: what it needs, its last probe, its history.",
        why,
    )
    .while_ending(),
    Method::new(
        "run.graph",
        &[],
        "struct",
        "Tells what needs what: programs and tasks, the edges between them, and who could start at the same moment.",
        graph,
    )
    .while_ending(),
    Method::new(
        "run.start",
        &[NAMES, UNTIL, optional("with_needs", Kind::Boolean), TIMEOUT],
        "struct",
        "Starts processes and (unless with_needs is false) what they need. Answers when they are accepted, running or ready \
         (the default), or when the time is over.",
        start,
    ),
    Method::new(
        "run.stop",
        &[NAMES, optional("with_dependents", Kind::Boolean), optional("wait", Kind::Boolean)],
        "struct",
        "Stops processes, with with_dependents those first that depend on them; by default answers when they are down.",
        stop,
    ),
    Method::new(
        "run.restart",
        &[NAMES, UNTIL, TIMEOUT],
        "struct",
        "Stops and starts processes. Answers as run.start does.",
        restart,
    ),
    Method::new(
        "run.signal",
        &[NAMES, required("signal", Kind::StringOrInt)],
        "struct",
        "Sends a signal, by name or number.",
        signal,
    ),
    Method::new(
        "run.wait",
        &[optional("names", Kind::Array), TIMEOUT],
        "struct",
        "Answers when the named (by default all that are wanted) are ready or done, when one has failed, or when the time is over.",
        wait,
    ),
    Method::new(
        "run.down",
        &[],
        "boolean",
        "Ends the project; answers when the end has begun. Asking twice is fine.",
        down,
    )
    .while_ending(),
    Method::new("run.version", &[], "struct", "Tells who answers: name, version, schema, project, pid.", version)
        .while_ending(),
];

/// What was asked for decides which answers are fine.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Up,
    Down,
    Signalled,
    Ready,
}

fn status(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let mut status = project_status(view);
    if let Some(words @ Value::Array(_)) = arguments.first() {
        let chosen = resolve(view.snapshot, words, Reach::Everybody)?;
        if !chosen.is_empty() {
            let names: Vec<_> =
                chosen.iter().filter_map(|id| view.snapshot.get(*id)).map(|info| info.name.to_string()).collect();
            status.processes.retain(|process| names.contains(&process.name));
        }
    }
    Ok(Outcome::Value(to_value(&status)))
}

fn why(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let info = resolve_one(view.snapshot, text(arguments, 0))?;
    Ok(Outcome::Value(to_value(&process_statuses(view, &[info]).first())))
}

fn graph(view: &View<'_>, _: &[Value]) -> Result<Outcome, Fault> {
    Ok(Outcome::Value(to_value(&GraphJson::of(&GraphView::of(view.project)))))
}

fn start(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let processes = resolve(view.snapshot, &arguments[0], Reach::Active)?;
    let (until, timeout) = (until(arguments, 1)?, timeout(arguments, 3)?);
    let with_needs = flag(arguments, 2, true);
    Ok(submit(Command::Start { processes: processes.clone(), until, with_needs, timeout }, processes, Wish::Up))
}

fn stop(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let processes = resolve(view.snapshot, &arguments[0], Reach::Everybody)?;
    let (with_dependents, wait) = (flag(arguments, 1, false), flag(arguments, 2, true));
    Ok(submit(Command::Stop { processes: processes.clone(), with_dependents, wait }, processes, Wish::Down))
}

fn restart(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let processes = resolve(view.snapshot, &arguments[0], Reach::Active)?;
    let (until, timeout) = (until(arguments, 1)?, timeout(arguments, 2)?);
    Ok(submit(Command::Restart { processes: processes.clone(), until, timeout }, processes, Wish::Up))
}

fn signal(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let processes = resolve(view.snapshot, &arguments[0], Reach::Everybody)?;
    let number = arguments[1].as_int().map(|number| number.to_string());
    let name = number.unwrap_or_else(|| text(arguments, 1).to_owned());
    let signal = Signal::parse(&name).ok_or_else(|| Fault::new(BAD_SIGNAL, name))?;
    Ok(submit(Command::Signal { processes: processes.clone(), signal }, processes, Wish::Signalled))
}

/// An empty list means everything that is wanted, so it goes to the supervisor as it is.
fn wait(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let words = arguments.first().unwrap_or(&Value::Nil);
    let processes = resolve(view.snapshot, words, Reach::Active)?;
    let command = Command::Wait { processes: processes.clone(), timeout: timeout(arguments, 1)? };
    Ok(Outcome::Submit { command, then: Box::new(move |view, reply| report(view, reply, &processes, Wish::Ready)) })
}

fn down(_: &View<'_>, _: &[Value]) -> Result<Outcome, Fault> {
    Ok(Outcome::Submit { command: Command::Shutdown, then: Box::new(|_, _| Ok(true.into())) })
}

fn version(view: &View<'_>, _: &[Value]) -> Result<Outcome, Fault> {
    Ok(Outcome::Value(Value::Struct(vec![
        ("name".into(), env!("CARGO_PKG_NAME").into()),
        ("version".into(), env!("CARGO_PKG_VERSION").into()),
        ("schema".into(), SCHEMA.into()),
        ("project".into(), view.name.into()),
        ("pid".into(), view.pid.into()),
    ])))
}

/// Asks the supervisor; nobody to ask (a glob over nothing but inactive profiles) is an empty report at once.
fn submit(command: Command, processes: Vec<ProcessId>, wish: Wish) -> Outcome {
    if processes.is_empty() {
        return Outcome::Value(to_value(&RequestReport { timed_out: false, processes: Vec::new() }));
    }
    Outcome::Submit { command, then: Box::new(move |view, reply| report(view, reply, &processes, wish)) }
}

fn report(view: &View<'_>, reply: action::Outcome, asked: &[ProcessId], wish: Wish) -> Result<Value, Fault> {
    let (timed_out, answers): (bool, Vec<(ProcessId, Option<Answer>)>) = match reply {
        action::Outcome::Each(answers) => (false, answers.into_iter().map(|(id, answer)| (id, Some(answer))).collect()),
        action::Outcome::Accepted => (false, asked.iter().map(|id| (*id, Some(Answer::Done))).collect()),
        action::Outcome::TimedOut(open) => (true, open.into_iter().map(|id| (id, None)).collect()),
        action::Outcome::ShuttingDown => return Err(Fault::plain(SHUTDOWN_STATE)),
    };
    let processes = answers
        .into_iter()
        .filter_map(|(id, answer)| {
            let info = view.snapshot.get(id)?;
            Some(ProcessReport {
                name: info.name.to_string(),
                ok: answer.is_some_and(|answer| is_fine(answer, wish)),
                answer: answer.map_or("timeout", word).to_owned(),
                state: info.word,
                note: note_of(view, info),
            })
        })
        .collect();
    Ok(to_value(&RequestReport { timed_out, processes }))
}

fn is_fine(answer: Answer, wish: Wish) -> bool {
    match answer {
        Answer::Done => true,
        Answer::AlreadyStarted => matches!(wish, Wish::Up),
        Answer::NotRunning => matches!(wish, Wish::Down),
        Answer::NoFile
        | Answer::NotExecutable
        | Answer::SpawnError
        | Answer::AbnormalTermination
        | Answer::Blocked
        | Answer::NoStdin
        | Answer::StdinFull
        | Answer::OutOfReach
        | Answer::NotWanted
        | Answer::StoppedByAnother
        | Answer::StartedByAnother => false,
    }
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Done => "done",
        Answer::AlreadyStarted => "already started",
        Answer::NotRunning => "not running",
        Answer::NoFile => "no such file",
        Answer::NotExecutable => "not executable",
        Answer::SpawnError => "spawn error",
        Answer::AbnormalTermination => "failed",
        Answer::Blocked => "blocked",
        Answer::NoStdin => "no stdin",
        Answer::StdinFull => "stdin is full",
        Answer::OutOfReach => "cannot be signalled",
        Answer::NotWanted => "not wanted",
        Answer::StoppedByAnother => "was stopped by another request",
        Answer::StartedByAnother => "was started again by another request",
    }
}

fn until(arguments: &[Value], at: usize) -> Result<StartUntil, Fault> {
    match text(arguments, at) {
        "accepted" => Ok(StartUntil::Accepted),
        "running" => Ok(StartUntil::Running),
        "ready" | "" => Ok(StartUntil::Ready),
        other => Err(Fault::new(BAD_ARGUMENTS, format_args!("until is accepted, running or ready, not `{other}`"))),
    }
}

fn timeout(arguments: &[Value], at: usize) -> Result<Option<Duration>, Fault> {
    let Some(millis) = arguments.get(at).and_then(Value::as_int) else { return Ok(None) };
    let millis = u64::try_from(millis).map_err(|_| Fault::new(BAD_ARGUMENTS, "timeout_ms is negative"))?;
    Ok(Some(Duration::from_millis(millis)))
}

fn to_value(data: &impl serde::Serialize) -> Value {
    serde_json::to_value(data).expect("the types of answers have string keys and no failing serializer").into()
}
