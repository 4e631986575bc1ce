//! supervisord's arithmetic and order, as supervisor 4.3.0 has them (`process.py` `transition`, `finish`; `supervisord.py`).

use std::time::Duration;

use super::{Stage, conf};
use crate::model::{Autorestart, Dialect, Exit, ProcessId, ProcessState, Program, Project, Signal};
use crate::supervisor::action::{Action, Scope};
use crate::supervisor::event::{Command, Event, RequestId, Urgency};

const WEB: ProcessId = ProcessId(0);
const SECOND: Duration = Duration::from_secs(1);
const ALMOST: Duration = Duration::from_millis(999);

/// A supervisord.conf that has begun.
fn begun(programs: Vec<Program>) -> Stage {
    Stage::begun(Project { dialect: Dialect::Supervisord, ..Project::new("/shop", programs) }).0
}

fn state(world: &mut Stage) -> ProcessState {
    world.info(WEB).state
}

fn spawns(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Spawn { .. })).count()
}

#[test]
fn it_is_running_once_it_has_lasted_startsecs() {
    let mut world = begun(vec![conf("web")]);
    world.spawned(WEB);
    world.after(ALMOST, Event::Tick);
    assert_eq!(state(&mut world), ProcessState::Starting);
    world.after(Duration::from_millis(1), Event::Tick);
    assert_eq!(state(&mut world), ProcessState::Running);
}

#[test]
fn without_startsecs_it_is_running_as_soon_as_it_is_spawned() {
    let mut world = begun(vec![Program { startsecs: Duration::ZERO, ..conf("web") }]);
    world.spawned(WEB);
    assert_eq!(state(&mut world), ProcessState::Running);
}

#[test]
fn an_end_before_startsecs_is_a_failed_start_whatever_the_code_and_autorestart() {
    let mut world = begun(vec![Program { autorestart: Autorestart::Never, ..conf("web") }]);
    world.spawned(WEB);
    world.exited(WEB, Exit::Code(0));
    let info = world.info(WEB);
    assert_eq!(info.state, ProcessState::Backoff);
    assert_eq!(info.spawn_error, "Exited too quickly (process log may have details)");
    assert_eq!(spawns(&world.after(SECOND, Event::Tick)), 1, "a failed start is repeated even with autorestart=false");
}

#[test]
fn tries_are_spaced_by_one_two_three_seconds_and_then_it_is_fatal() {
    let mut world = begun(vec![conf("web")]);
    for wait in 1..=3 {
        world.spawned(WEB);
        world.exited(WEB, Exit::Code(1));
        assert_eq!(spawns(&world.after(SECOND * (wait - 1) + ALMOST, Event::Tick)), 0, "try {wait}");
        assert_eq!(spawns(&world.after(Duration::from_millis(1), Event::Tick)), 1, "try {wait}");
    }
    world.spawned(WEB);
    world.exited(WEB, Exit::Code(1));
    assert_eq!(state(&mut world), ProcessState::Fatal, "startretries=3 are four attempts");
    assert_eq!(spawns(&world.after(SECOND * 600, Event::Tick)), 0);
}

#[test]
fn reaching_running_forgives_failed_starts() {
    let mut world = begun(vec![Program { startretries: 1, ..conf("web") }]);
    for _ in 0..5 {
        world.spawned(WEB);
        world.exited(WEB, Exit::Code(1));
        world.after(SECOND, Event::Tick);
        world.spawned(WEB);
        world.after(SECOND * 2, Event::Tick);
        assert_eq!(state(&mut world), ProcessState::Running);
        world.exited(WEB, Exit::Code(1));
    }
    assert_eq!(state(&mut world), ProcessState::Starting, "it is started again without delay and without limit");
}

#[test]
fn an_end_after_running_is_exited_with_its_reason() {
    for (exit, error) in [
        (Exit::Code(3), "Bad exit code 3"),
        (Exit::Signal { signal: Signal::KILL, core: false }, "Bad exit code -1"),
        (Exit::Code(0), ""),
    ] {
        let mut world = begun(vec![Program { autorestart: Autorestart::Never, ..conf("web") }]);
        world.spawned(WEB);
        world.after(SECOND * 2, Event::Tick);
        world.exited(WEB, exit);
        let info = world.info(WEB);
        assert_eq!((info.state, info.spawn_error.as_str()), (ProcessState::Exited, error));
    }
}

#[test]
fn autorestart_decides_after_running_only() {
    for (autorestart, code, again) in [
        (Autorestart::Never, 1, 0),
        (Autorestart::Unexpected, 1, 1),
        (Autorestart::Unexpected, 0, 0),
        (Autorestart::Always, 0, 1),
    ] {
        let mut world = begun(vec![Program { autorestart, ..conf("web") }]);
        world.spawned(WEB);
        world.after(SECOND * 2, Event::Tick);
        assert_eq!(spawns(&world.exited(WEB, Exit::Code(code))), again, "{autorestart:?} {code}");
    }
}

#[test]
fn a_hot_loop_is_slowed_down_and_reads_exited_meanwhile() {
    let mut world = begun(vec![Program { startsecs: Duration::ZERO, ..conf("web") }]);
    world.spawned(WEB);
    assert_eq!(spawns(&world.exited(WEB, Exit::Code(1))), 0);
    assert_eq!(state(&mut world), ProcessState::Exited);
    assert_eq!(spawns(&world.after(SECOND, Event::Tick)), 1);
}

#[test]
fn a_stop_in_backoff_is_over_at_once_and_cancels_the_retry() {
    let mut world = begun(vec![conf("web")]);
    world.spawned(WEB);
    world.exited(WEB, Exit::Code(1));
    world.step(Event::Command(
        RequestId(7),
        Command::Stop { processes: vec![WEB], with_dependents: false, wait: false },
    ));
    assert_eq!(state(&mut world), ProcessState::Stopped);
    assert_eq!(spawns(&world.after(SECOND * 60, Event::Tick)), 0);
}

#[test]
fn a_stop_signals_the_process_alone_unless_it_is_told_otherwise() {
    for (stopasgroup, expected) in [(false, Scope::Leader), (true, Scope::Group)] {
        let mut world = begun(vec![Program { stopasgroup, ..conf("web") }]);
        world.spawned(WEB);
        let stop = Command::Stop { processes: vec![WEB], with_dependents: false, wait: false };
        let actions = world.step(Event::Command(RequestId(7), stop));
        let scope = actions
            .iter()
            .find_map(|action| if let Action::Signal { scope, .. } = action { Some(*scope) } else { None });
        assert_eq!(scope, Some(expected));
    }
}

#[test]
fn it_stays_up_when_nothing_is_left_to_run() {
    let mut world = begun(vec![conf("web")]);
    world.spawned(WEB);
    world.after(SECOND * 2, Event::Tick);
    world.exited(WEB, Exit::Code(0));
    assert!(!world.supervisor.is_finished());
}

#[test]
fn groups_stop_one_after_the_other_against_the_start_order() {
    let programs = [("a", 1), ("b", 1), ("c", 2)].map(|(name, priority)| Program { priority, ..conf(name) });
    let mut world = begun(programs.to_vec());
    for id in 0..3 {
        world.spawned(ProcessId(id));
    }
    let mut asked: Vec<ProcessId> = Vec::new();
    let mut actions = world.step(Event::Terminate(Urgency::Polite));
    for _ in 0..3 {
        let signalled: Vec<ProcessId> = actions
            .iter()
            .filter_map(|action| if let Action::Signal { process, .. } = action { Some(*process) } else { None })
            .collect();
        assert_eq!(signalled.len(), 1, "one group at a time");
        asked.extend(&signalled);
        actions = world.exited(signalled[0], Exit::Code(0));
    }
    assert_eq!(asked, [ProcessId(2), ProcessId(1), ProcessId(0)]);
    assert!(world.supervisor.is_finished());
}
