//! A project of many programs, in a world where every program starts at once and ends when it is told to.

use std::sync::Arc;

use run::model::{Dependency, Exit, Moment, Now, Program, Project, Until, WallTime};
use run::supervisor::action::Action;
use run::supervisor::event::{Event, Urgency};
use run::supervisor::snapshot::Snapshot;
use run::supervisor::{ExitPolicy, Supervisor};

/// A project of this many programs in chains of ten.
pub(crate) fn chains(count: usize) -> Arc<Project> {
    let program = |number: usize| {
        let mut program = Program::new(format!("program_{number}"));
        if !number.is_multiple_of(10) {
            program.depends_on.push(Dependency::new(format!("program_{}", number - 1), Until::Started));
        }
        program
    };
    Arc::new(Project::new("/shop", (0..count).map(program).collect()))
}

pub(crate) fn supervisor(project: &Arc<Project>) -> Supervisor {
    Supervisor::new(Arc::clone(project), ExitPolicy::KeepGoing, Now::default()).expect("chains have no circle")
}

/// When everything has been up for a while.
pub(crate) const LATER: Moment = Moment(90_000_000);

/// From the beginning until every program was spawned, and the view after it.
pub(crate) fn bring_up(supervisor: &mut Supervisor) -> Snapshot {
    play(supervisor, Moment(0), Event::Begin { processes: None, with_needs: true });
    supervisor.snapshot()
}

/// Until everything has ended.
pub(crate) fn bring_down(supervisor: &mut Supervisor) -> Snapshot {
    play(supervisor, LATER, Event::Terminate(Urgency::Polite));
    supervisor.snapshot()
}

/// One event and all that follows from it.
pub(crate) fn play(supervisor: &mut Supervisor, mut at: Moment, event: Event) {
    let (mut actions, mut events, mut pid) = (Vec::new(), vec![event], 1);
    while let Some(event) = events.pop() {
        at = Moment(at.0 + 1);
        supervisor.step(Now { mono: at, wall: WallTime(0) }, event, &mut actions);
        for action in actions.drain(..) {
            if let Action::Spawn { process, generation, .. } = action {
                pid += 1;
                events.push(Event::Spawned { process, generation, pid });
            } else if let Action::Signal { process, generation, signal, .. } = action {
                let exit = Exit::Signal { signal, core: false };
                events.push(Event::Exited { process, generation, exit, survivors: false });
            }
        }
    }
}
