//! Programs that put themselves into the background: the leader ends well soon after its start, and what it is meant to be lives on
//! as an orphan. It cannot be supervised there, so it is ended, and said to be what it is.

use std::time::Duration;

use super::Supervisor;
use super::event::Survivor;
use super::notice::{Notice, StopWhy};
use super::process::Run;
use crate::model::{Exit, Generation, ProcessId, foreground};

/// What `why` remembers.
pub(super) const WORDS: &str = "put itself into the background";

/// A leader that ends later than this, and after it was ready, has done its work and merely left something behind.
const SOON: Duration = Duration::from_secs(10);

/// How many of them are named.
const NAMED: usize = 4;

impl Supervisor {
    /// Keeps who was left behind for the news of the leader's end.
    pub(super) fn left_behind(&mut self, id: ProcessId, generation: Generation, survivors: Vec<Survivor>) {
        if self.is_current(id, generation)
            && let Some(run) = self.at_mut(id).run_mut()
        {
            run.left = survivors;
        }
    }

    /// Whether the end of a leader means that the program has gone to the background.
    pub(super) fn is_background(&self, id: ProcessId, run: &Run, exit: Exit) -> bool {
        let program = self.program(id);
        let is_soon = run.ready.is_none() || self.now.mono.since(run.started) < SOON;
        exit == Exit::Code(0) && is_soon && !run.left.is_empty() && !program.is_task() && !program.serves_others()
    }

    /// Ends what has gone to the background.
    pub(super) fn end_background(&mut self, id: ProcessId, exit: Exit) {
        let survivors = self.at(id).run().map(|run| run.left.clone()).unwrap_or_default();
        self.say(Notice::WentToBackground { process: id, survivors });
        self.begin_stop_after(id, StopWhy::Background, Some(exit));
    }

    /// `put itself into the background (pid 4711 nginx), where it cannot be supervised: run it as nginx -g 'daemon off;'`
    pub(super) fn background_sentence(&self, id: ProcessId, survivors: &[Survivor]) -> String {
        let mut found: Vec<String> = survivors.iter().take(NAMED).map(ToString::to_string).collect();
        if survivors.len() > NAMED {
            found.push(format!("{} more", survivors.len() - NAMED));
        }
        let by_name = survivors.iter().find_map(|survivor| foreground::advice(&survivor.name));
        let by_line = || foreground::leaves_by_itself(&self.program(id).command).map(|(_, advice)| advice);
        let advice = by_name.or_else(by_line).unwrap_or("it needs an option that keeps it in the foreground");
        format!("{WORDS} ({}), where it cannot be supervised: {advice}", found.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Moment, Now, Program, Project, WallTime, Word};
    use crate::supervisor::ExitPolicy;
    use crate::supervisor::action::Action;
    use crate::supervisor::event::Event;
    use crate::supervisor::notice::Reason;

    fn play(program: Program, left_after: Duration, exit: Exit) -> (Supervisor, Vec<Notice>) {
        let project = Arc::new(Project::new("/shop", vec![program]));
        let mut supervisor = Supervisor::new(project, ExitPolicy::default(), Now::default()).unwrap();
        let (process, generation) = (ProcessId(0), Generation(1));
        let survivors = vec![Survivor { pid: 4711, name: "nginx".into() }];
        let events = [
            (Duration::ZERO, Event::Begin { processes: None, with_needs: true }),
            (Duration::ZERO, Event::Spawned { process, generation, pid: 7 }),
            (left_after, Event::LeftBehind { process, generation, survivors }),
            (left_after, Event::Exited { process, generation, exit, survivors: true }),
            (left_after, Event::Vanished { process, generation }),
        ];
        let mut actions = Vec::new();
        for (at, event) in events {
            let now = Now { mono: Moment(0) + at, wall: WallTime(0) };
            supervisor.step(now, Event::Tick, &mut actions);
            supervisor.step(now, event, &mut actions);
        }
        let said =
            actions.into_iter().filter_map(|action| if let Action::Say(notice) = action { Some(notice) } else { None });
        let said = said.collect();
        (supervisor, said)
    }

    const TEXT: &str = "put itself into the background (pid 4711 nginx), where it cannot be supervised: \
                        run it as nginx -g 'daemon off;'";

    #[test]
    fn going_to_the_background_is_said_at_once_and_fails_without_another_try() {
        let (mut supervisor, said) = play(Program::new("web"), Duration::from_millis(50), Exit::Code(0));
        assert!(
            said.iter()
                .any(|notice| matches!(notice, Notice::WentToBackground { survivors, .. } if survivors[0].pid == 4711))
        );
        let is_told = |notice: &Notice| matches!(notice, Notice::Crashed { reason: Reason::Background(text), again_in: None, .. } if text == TEXT);
        assert!(said.iter().any(is_told), "{said:?}");
        let info = &supervisor.snapshot().processes[ProcessId(0)];
        assert_eq!((info.word, info.runs, info.failed_otherwise.as_deref()), (Word::Failed, 1, Some(TEXT)));
    }

    #[test]
    fn a_task_a_failure_and_a_long_run_only_leave_something_behind() {
        let soon = Duration::from_millis(50);
        for (program, after, exit) in [
            (Program::new_task("web"), soon, Exit::Code(0)),
            (Program::new("web"), soon, Exit::Code(3)),
            (Program::new("web"), Duration::from_mins(1), Exit::Code(0)),
        ] {
            let (_, said) = play(program, after, exit);
            assert!(said.iter().any(|notice| matches!(notice, Notice::Leftovers { .. })), "{said:?}");
            assert!(!said.iter().any(|notice| matches!(notice, Notice::WentToBackground { .. })), "{said:?}");
        }
    }
}
