//! Which lines of the main log what happens comes to, in the order in which supervisor 4.3.0 writes them.

use std::time::Duration;

use super::{Stage, conf};
use crate::model::{Dialect, Exit, ProcessId, Program, Project, Signal};
use crate::supervisor::action::Action;
use crate::supervisor::event::{Command, Event, RequestId, SpawnFailure, Urgency};

const WEB: ProcessId = ProcessId(0);
const SECOND: Duration = Duration::from_secs(1);
const TERMINATED: Exit = Exit::Signal { signal: Signal::TERM, core: false };

/// A supervisord.conf whose main log is read.
struct World {
    stage: Stage,
    lines: Vec<String>,
}

impl World {
    fn new(programs: Vec<Program>) -> Self {
        let project = Project { dialect: Dialect::Supervisord, ..Project::new("/shop", programs) };
        let (stage, actions) = Stage::begun(project);
        let mut world = Self { stage, lines: Vec::new() };
        world.take(actions);
        world
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            if let Action::Chronicle(entry) = action {
                self.lines.push(entry.line(|process| self.stage.supervisor.process_name(process)).1);
            }
        }
    }

    fn step(&mut self, event: Event) {
        let actions = self.stage.step(event);
        self.take(actions);
    }

    fn after(&mut self, wait: Duration) {
        let actions = self.stage.after(wait, Event::Tick);
        self.take(actions);
    }

    fn spawned(&mut self, process: ProcessId) {
        let actions = self.stage.spawned(process);
        self.take(actions);
    }

    fn exited(&mut self, process: ProcessId, exit: Exit) {
        let actions = self.stage.exited(process, exit);
        self.take(actions);
    }

    fn command(&mut self, command: Command) {
        self.step(Event::Command(RequestId(1), command));
    }

    /// What has been written since the last look.
    fn lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }
}

const RUNNING: &str = "success: web entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)";

#[test]
fn a_start_and_an_end_of_its_own() {
    let mut world = World::new(vec![conf("web")]);
    world.spawned(WEB);
    world.after(SECOND);
    world.after(SECOND);
    world.exited(WEB, Exit::Code(0));
    assert_eq!(world.lines(), ["spawned: 'web' with pid 100", RUNNING, "exited: web (exit status 0; expected)"]);
}

#[test]
fn an_end_before_running_is_not_expected_and_the_last_one_gives_up() {
    let mut world = World::new(vec![Program { startretries: 1, ..conf("web") }]);
    world.spawned(WEB);
    world.exited(WEB, Exit::Code(0));
    world.after(SECOND);
    world.spawned(WEB);
    world.exited(WEB, Exit::Code(0));
    let spawned = "spawned: 'web' with pid 100";
    let exited = "exited: web (exit status 0; not expected)";
    let gave_up = "gave up: web entered FATAL state, too many start retries too quickly";
    assert_eq!(world.lines(), [spawned, exited, spawned, exited, gave_up]);
}

#[test]
fn a_failed_spawn_says_why() {
    let mut world = World::new(vec![Program { startretries: 0, ..conf("web") }]);
    let generation = world.stage.generation(WEB);
    let failure = SpawnFailure { step: "could not start".into(), errno: 2, message: "no such file: x".into() };
    world.step(Event::SpawnFailed { process: WEB, generation, failure });
    assert_eq!(
        world.lines(),
        [
            "spawnerr: could not start: no such file: x",
            "gave up: web entered FATAL state, too many start retries too quickly"
        ]
    );
}

#[test]
fn a_stop_is_reported_every_two_seconds_until_it_is_killed() {
    let mut world = World::new(vec![Program { stopwaitsecs: Duration::from_secs(3), ..conf("web") }]);
    world.spawned(WEB);
    world.after(SECOND);
    world.lines();
    world.command(Command::Stop { processes: vec![WEB], with_dependents: false, wait: true });
    let waiting = "waiting for web to stop";
    assert_eq!(world.lines(), ["killing web (pid 100) with signal SIGTERM", waiting]);
    world.after(2 * SECOND);
    assert_eq!(world.lines(), [waiting]);
    world.after(SECOND);
    assert_eq!(world.lines(), ["killing 'web' (100) with SIGKILL"]);
    world.exited(WEB, Exit::Signal { signal: Signal::KILL, core: false });
    assert_eq!(world.lines(), ["stopped: web (terminated by SIGKILL)"]);
    world.after(10 * SECOND);
    assert_eq!(world.lines(), [""; 0], "a stopped one is not waited for");
}

#[test]
fn the_end_names_who_is_left_every_three_seconds() {
    let mut world = World::new(vec![conf("web"), conf("db")]);
    for process in [WEB, ProcessId(1)] {
        world.spawned(process);
    }
    world.after(SECOND);
    world.lines();
    world.step(Event::Terminate(Urgency::Polite));
    let lines = world.lines();
    assert_eq!(lines[0], "waiting for web, db to die");
    assert!(lines[1..].iter().all(|line| line.starts_with("killing ")), "{lines:?}");
    world.exited(ProcessId(1), TERMINATED);
    world.after(3 * SECOND);
    let lines = world.lines();
    assert_eq!(lines[0], "stopped: db (terminated by SIGTERM)");
    assert_eq!(lines.last().unwrap(), "waiting for web to die");
    world.exited(WEB, TERMINATED);
    assert_eq!(world.lines(), ["stopped: web (terminated by SIGTERM)"]);
    assert_eq!(world.stage.supervisor.next_deadline(), None);
}

#[test]
fn a_users_signal_and_the_end_it_brings() {
    let mut world = World::new(vec![conf("web")]);
    world.spawned(WEB);
    world.after(SECOND);
    world.lines();
    world.command(Command::Signal { processes: vec![WEB], signal: Signal::HUP });
    world.exited(WEB, Exit::Signal { signal: Signal::HUP, core: false });
    assert_eq!(
        world.lines()[..2],
        ["sending web (pid 100) sig SIGHUP", "exited: web (terminated by SIGHUP; not expected)"]
    );
}
