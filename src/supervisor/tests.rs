//! Unit tests of the state machine: what a reader of the rules would try by hand. The rest is the simulation's.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Exit, Generation, Moment, Now, ProcessId, Program, Project, RetryPolicy, WallTime};
use crate::supervisor::action::Action;
use crate::supervisor::event::Event;
use crate::supervisor::snapshot::ProcessInfo;
use crate::supervisor::{ExitPolicy, Supervisor};

mod chronicle;
mod files;
mod health;
mod listeners;
mod reload;
mod requests;
mod runs;
mod supervisord;

/// A supervisor with a clock that goes as told.
struct Stage {
    supervisor: Supervisor,
    now: Now,
}

impl Stage {
    /// A project that has begun, and what that came to.
    fn begun(project: Project) -> (Self, Vec<Action>) {
        Self::begun_at(WallTime(1_000), project, ExitPolicy::KeepGoing)
    }

    fn begun_at(wall: WallTime, project: Project, policy: ExitPolicy) -> (Self, Vec<Action>) {
        let now = Now { mono: Moment::default(), wall };
        let mut stage = Self { supervisor: Supervisor::new(Arc::new(project), policy, now).unwrap(), now };
        let actions = stage.step(Event::Begin { processes: None, with_needs: true });
        (stage, actions)
    }

    fn step(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.supervisor.step(self.now, event, &mut actions);
        actions
    }

    fn after(&mut self, wait: Duration, event: Event) -> Vec<Action> {
        self.now.mono = self.now.mono + wait;
        self.now.wall.0 += u64::try_from(wait.as_millis()).unwrap();
        self.step(event)
    }

    fn info(&mut self, process: ProcessId) -> ProcessInfo {
        ProcessInfo::clone(self.supervisor.snapshot().get(process).unwrap())
    }

    fn generation(&mut self, process: ProcessId) -> Generation {
        self.info(process).generation
    }

    /// The run under way has been spawned, with a pid from 100 on.
    fn spawned(&mut self, process: ProcessId) -> Vec<Action> {
        let generation = self.generation(process);
        self.step(Event::Spawned { process, generation, pid: 100 + process.0 })
    }

    fn exited(&mut self, process: ProcessId, exit: Exit) -> Vec<Action> {
        let generation = self.generation(process);
        self.step(Event::Exited { process, generation, exit, survivors: false })
    }
}

/// A program as a supervisord.conf has it.
fn conf(name: &str) -> Program {
    Program { retry: RetryPolicy::Supervisord, stopasgroup: false, killasgroup: false, ..Program::new(name) }
}
