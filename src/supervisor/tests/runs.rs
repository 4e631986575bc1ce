//! Runs: ready or not in time, and what follows.

use std::sync::Arc;
use std::time::Duration;

use crate::model::supervisord::Extension;
use crate::model::{
    Exit, Generation, Moment, Now, ProcessId, ProcessState, Program, Project, ReadyKind, ReadySpec, Signal, Template,
    WallTime, Word,
};
use crate::supervisor::action::Action;
use crate::supervisor::event::{Event, Verdict};
use crate::supervisor::notice::{Notice, Reason};
use crate::supervisor::{ExitPolicy, Supervisor};

const FIRST: ProcessId = ProcessId(0);

/// One program whose ready check is answered as the test says, on a clock that jumps from deadline to deadline.
struct Stand {
    supervisor: Supervisor,
    now: Moment,
    generation: Generation,
    notices: Vec<Notice>,
    /// When the check was asked.
    asked: Vec<Moment>,
}

impl Stand {
    fn new(program: Program) -> Self {
        let project = Arc::new(Project::new("/shop", vec![program]));
        let supervisor = Supervisor::new(project, ExitPolicy::KeepGoing, Now::default()).unwrap();
        let mut stand = Self {
            supervisor,
            now: Moment(0),
            generation: Generation::default(),
            notices: Vec::new(),
            asked: Vec::new(),
        };
        stand.step(Event::Begin { processes: None, with_needs: true });
        let generation = stand.generation;
        stand.step(Event::Spawned { process: FIRST, generation, pid: 7 });
        stand
    }

    /// Steps, and says how often the check was asked because of it.
    fn step(&mut self, event: Event) -> usize {
        let mut actions = Vec::new();
        self.supervisor.step(Now { mono: self.now, wall: WallTime(0) }, event, &mut actions);
        let before = self.asked.len();
        for action in actions {
            match action {
                Action::Spawn { generation, .. } => self.generation = generation,
                Action::Probe { .. } => self.asked.push(self.now),
                Action::Say(notice) => self.notices.push(notice),
                Action::Signal { .. }
                | Action::CheckAlive { .. }
                | Action::Measure(_)
                | Action::OnCrash(_)
                | Action::StopProbing { .. }
                | Action::Deliver { .. }
                | Action::WriteStdin { .. }
                | Action::Reply(..)
                | Action::Adopt(_)
                | Action::Chronicle(_)
                | Action::Finish(_) => {}
            }
        }
        self.asked.len() - before
    }

    /// Lets time pass up to a limit; whenever the check is asked it answers at once, as `verdict` says.
    fn pass(&mut self, limit: Duration, mut verdict: impl FnMut(usize) -> Verdict) {
        let end = Moment(0) + limit;
        while let Some(at) = self.supervisor.next_deadline().filter(|at| *at <= end) {
            self.now = at;
            if self.step(Event::Tick) > 0 {
                let (process, generation, verdict) = (FIRST, self.generation, verdict(self.asked.len()));
                self.step(Event::Probed { process, generation, verdict });
            }
        }
        self.now = end;
    }

    fn ready_after(&self) -> Option<Duration> {
        self.notices
            .iter()
            .find_map(|notice| if let Notice::Ready { after, .. } = notice { Some(*after) } else { None })
    }
}

fn asked(spec: impl FnOnce(ReadySpec) -> ReadySpec) -> Program {
    let ready = spec(ReadySpec::new(ReadyKind::Tcp(Template::literal("localhost:1"))));
    Program { ready: Some(ready), stopwaitsecs: Duration::from_secs(1), startretries: 0, ..Program::new("db") }
}

fn refused(_: usize) -> Verdict {
    Verdict::Fail("tcp 1 refused".to_owned())
}

#[test]
fn quick_attempts_do_not_use_up_the_failures() {
    let mut stand = Stand::new(asked(|ready| ReadySpec { failures: Some(4), ..ready }));
    stand.pass(Duration::from_millis(1900), refused);
    assert!(stand.asked.len() > 40, "{} attempts", stand.asked.len());
    assert_eq!(stand.supervisor.snapshot().get(FIRST).unwrap().state, ProcessState::Running);
    stand.pass(Duration::from_millis(2200), refused);
    let (process, generation) = (FIRST, stand.generation);
    let exit = Exit::Signal { signal: Signal::TERM, core: false };
    stand.step(Event::Exited { process, generation, exit, survivors: false });
    let said = |notice: &Notice| matches!(notice, Notice::Crashed { reason: Reason::NotReady { last: Some(last), .. }, .. } if last == "tcp 1 refused");
    assert!(stand.notices.iter().any(said), "{:?}", stand.notices);
    let snapshot = stand.supervisor.snapshot();
    assert_eq!(snapshot.get(FIRST).unwrap().failed_otherwise.as_deref(), Some("not ready in time: tcp 1 refused"));
}

#[test]
fn several_successes_are_asked_for_apart() {
    let every = Duration::from_secs(1);
    let mut stand = Stand::new(asked(|ready| ReadySpec { successes: 3, every, ..ready }));
    stand.pass(Duration::from_secs(5), |_| Verdict::Pass("tcp 1".to_owned()));
    assert!(stand.ready_after().unwrap() >= 2 * every, "{:?}", stand.asked);
}

/// A supervisor of one task and an extension, and the actions of its beginning.
fn beside_a_task(policy: ExitPolicy) -> (Supervisor, Vec<Action>) {
    let extension = Extension { namespace: "x".to_owned(), timeout: Extension::TIMEOUT, options: Vec::new() };
    let programs = vec![Program::new_task("t"), Program::new_extension(extension)];
    let project = Arc::new(Project::new("/demo", programs));
    let mut supervisor = Supervisor::new(project, policy, Now::default()).unwrap();
    let mut actions = Vec::new();
    supervisor.step(Now::default(), Event::Begin { processes: None, with_needs: true }, &mut actions);
    (supervisor, actions)
}

fn ended(process: ProcessId, code: i32) -> Event {
    Event::Exited { process, generation: Generation(1), exit: Exit::Code(code), survivors: false }
}

#[test]
fn an_extension_keeps_no_run_alive() {
    let (mut supervisor, mut actions) = beside_a_task(ExitPolicy::KeepGoing);
    for (process, pid) in [(ProcessId(0), 10), (ProcessId(1), 11)] {
        supervisor.step(Now::default(), Event::Spawned { process, generation: Generation(1), pid }, &mut actions);
    }
    let (process, generation) = (ProcessId(1), Generation(1));
    let verdict = Verdict::Pass("2 methods".to_owned());
    supervisor.step(Now::default(), Event::Probed { process, generation, verdict }, &mut actions);
    assert_eq!(supervisor.snapshot().get(process).unwrap().word, Word::Ready);
    actions.clear();
    supervisor.step(Now::default(), ended(ProcessId(0), 0), &mut actions);
    let stops = |action: &Action| matches!(action, Action::Signal { process: ProcessId(1), .. });
    assert!(actions.iter().any(stops), "{actions:?}");
    supervisor.step(Now::default(), ended(process, 0), &mut actions);
    assert!(actions.contains(&Action::Finish(0)), "{actions:?}");
}

#[test]
fn the_end_of_an_extension_ends_no_run() {
    let (mut supervisor, mut actions) = beside_a_task(ExitPolicy::OnEnd);
    for (process, pid) in [(ProcessId(0), 10), (ProcessId(1), 11)] {
        supervisor.step(Now::default(), Event::Spawned { process, generation: Generation(1), pid }, &mut actions);
    }
    actions.clear();
    supervisor.step(Now::default(), ended(ProcessId(1), 0), &mut actions);
    let again = |action: &Action| matches!(action, Action::Spawn { process: ProcessId(1), .. });
    assert!(actions.iter().any(again), "{actions:?}");
    assert!(!supervisor.snapshot().is_shutting_down);
}

#[test]
fn a_view_is_another_only_when_something_has_changed() {
    let mut stand = Stand::new(Program { startsecs: Duration::from_secs(1), ..Program::new("web") });
    let before = stand.supervisor.snapshot();
    stand.step(Event::Tick);
    assert!(before.is_same(&stand.supervisor.snapshot()));
    stand.pass(Duration::from_secs(2), refused);
    let running = stand.supervisor.snapshot();
    assert!(!before.is_same(&running));
    let exit = Exit::Signal { signal: Signal::TERM, core: false };
    let late = Generation(stand.generation.0 + 1);
    stand.step(Event::Exited { process: FIRST, generation: late, exit, survivors: false });
    assert!(running.is_same(&stand.supervisor.snapshot()), "what is told of a run that is not there is no news");
}

#[test]
fn what_a_program_says_of_itself_before_the_news_of_its_spawn_counts_good_or_bad() {
    for (verdict, word) in [
        (Verdict::Pass("1 method".to_owned()), Word::Ready),
        (Verdict::Fail("its description has no list `methods`".to_owned()), Word::Stopping),
    ] {
        let ready = ReadySpec { failures: Some(1), every: Duration::ZERO, ..ReadySpec::new(ReadyKind::Described) };
        let program = Program { ready: Some(ready), startsecs: Duration::ZERO, ..Program::new("x") };
        let mut supervisor =
            Supervisor::new(Arc::new(Project::new("/shop", vec![program])), ExitPolicy::KeepGoing, Now::default())
                .unwrap();
        let mut actions = Vec::new();
        supervisor.step(Now::default(), Event::Begin { processes: None, with_needs: true }, &mut actions);
        let generation = supervisor.snapshot().get(FIRST).unwrap().generation;
        supervisor.step(Now::default(), Event::Probed { process: FIRST, generation, verdict }, &mut actions);
        supervisor.step(Now::default(), Event::Spawned { process: FIRST, generation, pid: 7 }, &mut actions);
        assert_eq!(supervisor.snapshot().get(FIRST).unwrap().word, word);
    }
}
