//! The one thing to know of a process: the NOTE column of `status`.

use std::time::Duration;

use crate::model::units::human_duration;
use crate::model::{Exit, ListenerState, Moment, Program, Word};
use crate::supervisor::snapshot::{ListenerInfo, OffBecause, ProcessInfo, Snapshot};

/// The note; empty when there is nothing to know.
pub fn note(
    snapshot: &Snapshot,
    now: Moment,
    info: &ProcessInfo,
    program: Option<&Program>,
    url: Option<&str>,
) -> String {
    match info.word {
        Word::Off => off_because(info, program),
        Word::Waiting => waiting_for(snapshot, info),
        Word::Blocked => blocked(snapshot, info),
        Word::Starting => not_ready_yet(info, program),
        Word::Ready => info.listener.and_then(listener).unwrap_or_else(|| ready(info, url)),
        Word::Unhealthy => {
            let last = info.last_alive.as_ref().map(|last| format!("{last} x{}", info.alive_fails));
            joined("unhealthy", last.as_deref())
        }
        Word::Retrying => retrying(now, info),
        Word::Stopping if info.off_because == Some(OffBecause::Removed) => off_because(info, program),
        Word::Stopping => String::new(),
        Word::Done => done(info),
        Word::Failed => failure(info),
    }
}

/// `not ready yet: tcp 5433 refused, try 4`; nothing of a program without a check.
fn not_ready_yet(info: &ProcessInfo, program: Option<&Program>) -> String {
    let kind = program.and_then(|program| program.ready.as_ref()).map(|ready| &ready.kind);
    match (&info.last_probe, kind) {
        (Some(last), _) => format!("not ready yet: {last}, try {}", info.probe_tries),
        (None, Some(kind)) => format!("not ready yet: {}", kind.unanswered()),
        (None, None) => String::new(),
    }
}

/// `waiting for db, migrate`: every need that is still open; one that is order only and has failed is not.
pub fn waiting_for(snapshot: &Snapshot, info: &ProcessInfo) -> String {
    let open = info.needs.iter().filter(|need| !(need.is_satisfied || need.optional && need.has_failed));
    // What is off will not come by itself.
    let name = |need: &ProcessInfo| {
        if need.word == Word::Off { format!("{} (off)", need.name) } else { need.name.to_string() }
    };
    let names: Vec<_> = open.filter_map(|need| snapshot.get(need.process)).map(name).collect();
    if names.is_empty() { String::new() } else { format!("waiting for {}", names.join(", ")) }
}

/// Why it is off, in words; empty when it is not.
pub fn off_because(info: &ProcessInfo, program: Option<&Program>) -> String {
    match info.off_because {
        None => String::new(),
        Some(OffBecause::NoAutostart) => "autostart is off".to_owned(),
        Some(OffBecause::Profile) => {
            joined("disabled", program.map(|program| format!("profile {}", program.profiles.join(", "))).as_deref())
        }
        Some(OffBecause::StoppedByUser) => "stopped by you".to_owned(),
        Some(OffBecause::NotNamed) => "not named at up".to_owned(),
        Some(OffBecause::Shutdown) => "stopped with the project".to_owned(),
        Some(OffBecause::Removed) => "gone from the config".to_owned(),
    }
}

fn blocked(snapshot: &Snapshot, info: &ProcessInfo) -> String {
    match info.blocked_by.and_then(|id| snapshot.get(id)) {
        Some(by) if by.word == Word::Done => format!("needs {}: ended before it was ready", by.name),
        Some(by) => format!("needs {}: {}", by.name, by.word),
        None => "what it needs has failed".to_owned(),
    }
}

fn ready(info: &ProcessInfo, url: Option<&str>) -> String {
    match (url, &info.failed_otherwise, info.last_exit) {
        (Some(url), ..) => url.to_owned(),
        (None, Some(why), _) if info.unasked_runs > 0 => format!("restarted: {why}"),
        (None, None, Some(exit)) if info.unasked_runs > 0 => format!("restarted after {}", short(exit)),
        (None, ..) => String::new(),
    }
}

/// What is wrong with a listener that runs.
fn listener(listener: ListenerInfo) -> Option<String> {
    match listener.state {
        ListenerState::Unknown => Some("broke the listener protocol: no events until it is started again".to_owned()),
        ListenerState::Acknowledged if !listener.was_ready => Some(match listener.waiting {
            0 => "has not said READY".to_owned(),
            1 => "has not said READY, 1 event waits".to_owned(),
            count => format!("has not said READY, {count} events wait"),
        }),
        ListenerState::Acknowledged | ListenerState::Ready | ListenerState::Busy => None,
    }
}

fn retrying(now: Moment, info: &ProcessInfo) -> String {
    let why = failure(info);
    let next = match info.retry_at {
        Some(at) if at > now => format!("again in {}", human_duration(at.since(now))),
        Some(_) => "again now".to_owned(),
        None => "up again, not yet good".to_owned(),
    };
    if why.is_empty() { next } else { format!("{why}, {next}") }
}

/// `exit 0 in 0.9s`.
fn done(info: &ProcessInfo) -> String {
    let ran = Duration::from_millis(info.stopped_wall.0.saturating_sub(info.started_wall.0));
    let took = if info.is_task { info.ready_after.unwrap_or(ran) } else { ran };
    info.last_exit.map_or_else(String::new, |exit| format!("{} in {}", short(exit), human_duration(took)))
}

/// Why the last run failed: the exit, unless it failed for another reason.
fn failure(info: &ProcessInfo) -> String {
    match (info.failed_otherwise.as_deref(), info.last_exit) {
        (None, Some(exit)) => short(exit),
        (Some(why), _) => why.to_owned(),
        (None, None) => String::new(),
    }
}

fn short(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit {code}"),
        Exit::Signal { .. } => exit.to_string(),
    }
}

fn joined(word: &str, detail: Option<&str>) -> String {
    detail.map_or_else(|| word.to_owned(), |detail| format!("{word}: {detail}"))
}
