//! supervisord's arithmetic and order, as supervisor 4.3.0 has them (`process.py` `transition`, `finish`; `supervisord.py`).

use std::sync::Arc;
use std::time::Duration;

use crate::model::{
    Autorestart, Dialect, Exit, Generation, Moment, Now, ProcessId, ProcessState, Program, Project, RetryPolicy,
    Signal, WallTime,
};
use crate::supervisor::action::{Action, Scope};
use crate::supervisor::event::{Command, Event, RequestId, Urgency};
use crate::supervisor::snapshot::ProcessInfo;
use crate::supervisor::{ExitPolicy, Supervisor};

const WEB: ProcessId = ProcessId(0);
const SECOND: Duration = Duration::from_secs(1);
const ALMOST: Duration = Duration::from_millis(999);

fn conf(name: &str) -> Program {
    Program { retry: RetryPolicy::Supervisord, stopasgroup: false, killasgroup: false, ..Program::new(name) }
}

/// A supervisord.conf with a clock that goes as told.
struct World {
    supervisor: Supervisor,
    now: Now,
}

/// One that has begun.
fn begun(programs: Vec<Program>) -> World {
    let now = Now { mono: Moment::default(), wall: WallTime(1_000) };
    let project = Project { dialect: Dialect::Supervisord, ..Project::new("/shop", programs) };
    let mut world = World { supervisor: Supervisor::new(Arc::new(project), ExitPolicy::KeepGoing, now).unwrap(), now };
    world.step(Event::Begin { processes: None, with_needs: true });
    world
}

impl World {
    fn step(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.supervisor.step(self.now, event, &mut actions);
        actions
    }

    fn after(&mut self, wait: Duration, event: Event) -> Vec<Action> {
        self.now.mono = self.now.mono + wait;
        self.step(event)
    }

    fn spawned(&mut self, process: ProcessId) {
        let generation = self.generation(process);
        self.step(Event::Spawned { process, generation, pid: 4711 + process.0 });
    }

    fn exited(&mut self, exit: Exit) -> Vec<Action> {
        let generation = self.generation(WEB);
        self.step(Event::Exited { process: WEB, generation, exit, survivors: false })
    }

    fn generation(&mut self, process: ProcessId) -> Generation {
        self.supervisor.snapshot().get(process).unwrap().generation
    }

    fn info(&mut self) -> ProcessInfo {
        ProcessInfo::clone(self.supervisor.snapshot().get(WEB).unwrap())
    }

    fn state(&mut self) -> ProcessState {
        self.info().state
    }
}

fn spawns(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Spawn { .. })).count()
}

#[test]
fn it_is_running_once_it_has_lasted_startsecs() {
    let mut world = begun(vec![conf("web")]);
    world.spawned(WEB);
    world.after(ALMOST, Event::Tick);
    assert_eq!(world.state(), ProcessState::Starting);
    world.after(Duration::from_millis(1), Event::Tick);
    assert_eq!(world.state(), ProcessState::Running);
}

#[test]
fn without_startsecs_it_is_running_as_soon_as_it_is_spawned() {
    let mut world = begun(vec![Program { startsecs: Duration::ZERO, ..conf("web") }]);
    world.spawned(WEB);
    assert_eq!(world.state(), ProcessState::Running);
}

#[test]
fn an_end_before_startsecs_is_a_failed_start_whatever_the_code_and_autorestart() {
    let mut world = begun(vec![Program { autorestart: Autorestart::Never, ..conf("web") }]);
    world.spawned(WEB);
    world.exited(Exit::Code(0));
    let info = world.info();
    assert_eq!(info.state, ProcessState::Backoff);
    assert_eq!(info.spawn_error, "Exited too quickly (process log may have details)");
    assert_eq!(spawns(&world.after(SECOND, Event::Tick)), 1, "a failed start is repeated even with autorestart=false");
}

#[test]
fn tries_are_spaced_by_one_two_three_seconds_and_then_it_is_fatal() {
    let mut world = begun(vec![conf("web")]);
    for wait in 1..=3 {
        world.spawned(WEB);
        world.exited(Exit::Code(1));
        assert_eq!(spawns(&world.after(SECOND * (wait - 1) + ALMOST, Event::Tick)), 0, "try {wait}");
        assert_eq!(spawns(&world.after(Duration::from_millis(1), Event::Tick)), 1, "try {wait}");
    }
    world.spawned(WEB);
    world.exited(Exit::Code(1));
    assert_eq!(world.state(), ProcessState::Fatal, "startretries=3 are four attempts");
    assert_eq!(spawns(&world.after(SECOND * 600, Event::Tick)), 0);
}

#[test]
fn reaching_running_forgives_failed_starts() {
    let mut world = begun(vec![Program { startretries: 1, ..conf("web") }]);
    for _ in 0..5 {
        world.spawned(WEB);
        world.exited(Exit::Code(1));
        world.after(SECOND, Event::Tick);
        world.spawned(WEB);
        world.after(SECOND * 2, Event::Tick);
        assert_eq!(world.state(), ProcessState::Running);
        world.exited(Exit::Code(1));
    }
    assert_eq!(world.state(), ProcessState::Starting, "it is started again without delay and without limit");
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
        world.exited(exit);
        let info = world.info();
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
        assert_eq!(spawns(&world.exited(Exit::Code(code))), again, "{autorestart:?} {code}");
    }
}

#[test]
fn a_hot_loop_is_slowed_down_and_reads_exited_meanwhile() {
    let mut world = begun(vec![Program { startsecs: Duration::ZERO, ..conf("web") }]);
    world.spawned(WEB);
    assert_eq!(spawns(&world.exited(Exit::Code(1))), 0);
    assert_eq!(world.state(), ProcessState::Exited);
    assert_eq!(spawns(&world.after(SECOND, Event::Tick)), 1);
}

#[test]
fn a_stop_in_backoff_is_over_at_once_and_cancels_the_retry() {
    let mut world = begun(vec![conf("web")]);
    world.spawned(WEB);
    world.exited(Exit::Code(1));
    world.step(Event::Command(
        RequestId(7),
        Command::Stop { processes: vec![WEB], with_dependents: false, wait: false },
    ));
    assert_eq!(world.state(), ProcessState::Stopped);
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
    world.exited(Exit::Code(0));
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
        let generation = world.generation(signalled[0]);
        actions =
            world.step(Event::Exited { process: signalled[0], generation, exit: Exit::Code(0), survivors: false });
    }
    assert_eq!(asked, [ProcessId(2), ProcessId(1), ProcessId(0)]);
    assert!(world.supervisor.is_finished());
}
