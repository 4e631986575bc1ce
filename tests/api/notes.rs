//! The NOTE of a process in every state.

use std::time::Duration;

use run::api::note::note;
use run::model::{Exit, ListenerState, Moment, ReadyKind, ReadySpec, Signal, Word};
use run::supervisor::snapshot::{ListenerInfo, OffBecause, ProcessInfo};

use crate::sample::{self, ADMIN, API, DB, MIGRATE, WEB, WORKER_0, WORKER_1};

/// The note of a process of the sample, changed.
fn note_of(id: run::model::ProcessId, url: Option<&str>, change: impl FnOnce(&mut ProcessInfo)) -> String {
    let (project, snapshot) = (sample::project(), sample::snapshot());
    let mut info = snapshot.get(id).unwrap().clone();
    change(&mut info);
    note(&snapshot, sample::now().mono, &info, project.program(&info.program), url)
}

#[test]
fn a_ready_one_shows_its_url_or_why_it_was_restarted() {
    assert_eq!(note_of(DB, None, |_| ()), "");
    assert_eq!(note_of(DB, Some("http://127.0.0.1:1"), |_| ()), "http://127.0.0.1:1");
    let restarted = note_of(DB, None, |info| {
        info.unasked_runs = 1;
        info.last_exit = Some(Exit::Code(3));
    });
    assert_eq!(restarted, "restarted after exit 3");
}

#[test]
fn a_listener_that_gets_nothing_says_why() {
    let at = |state, was_ready, waiting| {
        note_of(DB, None, |info| info.listener = Some(ListenerInfo { state, was_ready, waiting }))
    };
    assert_eq!(at(ListenerState::Acknowledged, false, 0), "has not said READY");
    assert_eq!(at(ListenerState::Acknowledged, false, 12), "has not said READY, 12 events wait");
    assert_eq!(at(ListenerState::Acknowledged, true, 1), "");
    assert_eq!(at(ListenerState::Unknown, true, 1), "broke the listener protocol: no events until it is started again");
}

#[test]
fn an_unready_one_shows_what_its_check_said_last() {
    assert_eq!(note_of(API, Some("http://127.0.0.1:1"), |_| ()), "not ready yet: http 503 /health, try 41");
    let unheard = note_of(API, None, |info| info.last_probe = None);
    assert_eq!(unheard, "not ready yet: its http check has not answered so far");
    let unhealthy = note_of(API, None, |info| {
        info.word = Word::Unhealthy;
        info.last_alive = Some("http 503 /health".into());
        info.alive_fails = 2;
    });
    assert_eq!(unhealthy, "unhealthy: http 503 /health x2");
}

#[test]
fn an_unready_one_that_is_only_listened_to_says_for_what() {
    let (mut project, snapshot) = (sample::project(), sample::snapshot());
    let mut info = snapshot.get(API).unwrap().clone();
    info.last_probe = None;
    let mut note_with = |kind: Option<ReadyKind>| {
        let program = project.programs.iter_mut().find(|program| program.name == info.program).unwrap();
        program.ready = kind.map(ReadySpec::new);
        note(&snapshot, sample::now().mono, &info, Some(program), None)
    };
    assert_eq!(note_with(Some(ReadyKind::Log("Serving".into()))), "not ready yet: no line has matched Serving so far");
    assert_eq!(note_with(Some(ReadyKind::Notify)), "not ready yet: it has not sent READY=1 so far");
    assert_eq!(note_with(None), "");
}

#[test]
fn a_failed_one_shows_its_exit_unless_it_failed_for_another_reason() {
    assert_eq!(note_of(WORKER_0, None, |_| ()), "exit 1");
    let killed = note_of(WORKER_0, None, |info| {
        info.last_exit = Some(Exit::Signal { signal: Signal(11), core: false });
    });
    assert_eq!(killed, "killed by SIGSEGV");
    let reason = "not ready within 60s (last: http 503)";
    assert_eq!(note_of(WORKER_0, None, |info| info.failed_otherwise = Some(reason.into())), reason);
    let never_ran = note_of(WORKER_0, None, |info| {
        info.last_exit = None;
        info.failed_otherwise = Some("could not start: no such file or directory: ./bin/worker".into());
    });
    assert_eq!(never_ran, "could not start: no such file or directory: ./bin/worker");
}

#[test]
fn a_retrying_one_says_when() {
    assert_eq!(note_of(WORKER_1, None, |_| ()), "exit 1, again in 2.0s");
    assert_eq!(note_of(WORKER_1, None, |info| info.retry_at = Some(Moment(0))), "exit 1, again now");
    assert_eq!(note_of(WORKER_1, None, |info| info.retry_at = None), "exit 1, up again, not yet good");
    let grown = |info: &mut ProcessInfo| {
        (info.retry_at, info.failed_otherwise) = (None, Some("memory 1.5G over max_memory 1.0G".into()));
    };
    assert_eq!(note_of(WORKER_1, None, grown), "memory 1.5G over max_memory 1.0G, up again, not yet good");
    let good = note_of(DB, None, |info| {
        grown(info);
        info.unasked_runs = 1;
    });
    assert_eq!(good, "restarted: memory 1.5G over max_memory 1.0G");
}

#[test]
fn a_waiting_one_names_what_is_open_and_skips_what_is_order_only() {
    assert_eq!(note_of(WEB, None, |_| ()), "waiting for api");
    let skipping = note_of(WEB, None, |info| {
        info.needs[0].optional = true;
        info.needs[0].has_failed = true;
    });
    assert_eq!(skipping, "");
}

#[test]
fn one_that_ended_or_is_off_says_why() {
    assert_eq!(note_of(MIGRATE, None, |_| ()), "exit 0 in 0.9s");
    let long = note_of(MIGRATE, None, |info| {
        info.is_task = false;
        info.ready_after = Some(Duration::from_millis(1));
    });
    assert_eq!(long, "exit 0 in 1.0s");
    assert_eq!(note_of(ADMIN, None, |_| ()), "disabled: profile full");
    assert_eq!(note_of(ADMIN, None, |info| info.off_because = Some(OffBecause::NoAutostart)), "autostart is off");
    assert_eq!(note_of(ADMIN, None, |info| info.off_because = Some(OffBecause::StoppedByUser)), "stopped by you");
}
