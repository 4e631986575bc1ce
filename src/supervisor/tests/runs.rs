//! Runs: ready or not in time, and what follows.

use std::time::Duration;

use super::Stage;
use crate::model::supervisord::Extension;
use crate::model::{
    Exit, Generation, Moment, ProcessId, ProcessState, Program, Project, ReadyKind, ReadySpec, Signal, Template,
    WallTime, Word,
};
use crate::supervisor::ExitPolicy;
use crate::supervisor::action::Action;
use crate::supervisor::event::{Event, Urgency, Verdict};
use crate::supervisor::notice::{Notice, Reason};

const FIRST: ProcessId = ProcessId(0);
const EXTENSION: ProcessId = ProcessId(1);

/// One program whose ready check is answered as the test says, on a clock that jumps from deadline to deadline.
struct Stand {
    stage: Stage,
    generation: Generation,
    notices: Vec<Notice>,
    /// When the check was asked.
    asked: Vec<Moment>,
}

impl Stand {
    fn new(program: Program) -> Self {
        let (stage, actions) = Stage::begun(Project::new("/shop", vec![program]));
        let mut stand = Self { stage, generation: Generation::default(), notices: Vec::new(), asked: Vec::new() };
        stand.take(actions);
        let generation = stand.generation;
        stand.step(Event::Spawned { process: FIRST, generation, pid: 7 });
        stand
    }

    /// Steps, and says how often the check was asked because of it.
    fn step(&mut self, event: Event) -> usize {
        let before = self.asked.len();
        let actions = self.stage.step(event);
        self.take(actions);
        self.asked.len() - before
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            if let Action::Spawn { generation, .. } = action {
                self.generation = generation;
            } else if let Action::Probe { .. } = action {
                self.asked.push(self.stage.now.mono);
            } else if let Action::Say(notice) = action {
                self.notices.push(notice);
            }
        }
    }

    /// Lets time pass up to a limit; whenever the check is asked it answers at once, as `verdict` says.
    fn pass(&mut self, limit: Duration, mut verdict: impl FnMut(usize) -> Verdict) {
        let end = Moment(0) + limit;
        while let Some(at) = self.stage.supervisor.next_deadline().filter(|at| *at <= end) {
            self.stage.now.mono = at;
            if self.step(Event::Tick) > 0 {
                let (process, generation, verdict) = (FIRST, self.generation, verdict(self.asked.len()));
                self.step(Event::Probed { process, generation, verdict });
            }
        }
        self.stage.now.mono = end;
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
    assert_eq!(stand.stage.info(FIRST).state, ProcessState::Running);
    stand.pass(Duration::from_millis(2200), refused);
    let (process, generation) = (FIRST, stand.generation);
    let exit = Exit::Signal { signal: Signal::TERM, core: false };
    stand.step(Event::Exited { process, generation, exit, survivors: false });
    let said = |notice: &Notice| matches!(notice, Notice::Crashed { reason: Reason::NotReady { last: Some(last), .. }, .. } if last == "tcp 1 refused");
    assert!(stand.notices.iter().any(said), "{:?}", stand.notices);
    let snapshot = stand.stage.supervisor.snapshot();
    assert_eq!(snapshot.get(FIRST).unwrap().failed_otherwise.as_deref(), Some("not ready in time: tcp 1 refused"));
}

#[test]
fn who_answers_that_it_is_not_ready_is_asked_less_often() {
    let gaps = |every| {
        let mut stand = Stand::new(asked(|ready| ReadySpec { every, ..ready }));
        stand.pass(Duration::from_millis(100), refused);
        let before = stand.asked.len();
        stand.pass(Duration::from_secs(2), |_| Verdict::Refuse("http 503 /".to_owned()));
        stand.asked[before..].windows(2).map(|pair| pair[1].since(pair[0])).collect::<Vec<_>>()
    };
    let millis = Duration::from_millis;
    let found = gaps(Duration::from_secs(1));
    assert!(found.is_sorted() && found[0] == millis(50) && found[found.len() - 1] == millis(250), "{found:?}");
    assert!((8..=12).contains(&found.len()), "{found:?}");
    assert!(gaps(millis(60)).iter().all(|gap| *gap <= millis(60)), "never less often than `every` says");
}

#[test]
fn who_refuses_connections_is_asked_as_often_as_ever_also_after_an_answer() {
    let mut stand = Stand::new(asked(|ready| ready));
    stand.pass(Duration::from_millis(400), |_| Verdict::Refuse("http 503 /".to_owned()));
    let before = stand.asked.len();
    stand.pass(Duration::from_secs(1), refused);
    let found: Vec<_> = stand.asked[before + 1..].windows(2).map(|pair| pair[1].since(pair[0])).collect();
    assert!(found.len() > 10 && found.iter().all(|gap| *gap <= Duration::from_millis(50)), "{found:?}");
}

#[test]
fn several_successes_are_asked_for_apart() {
    let every = Duration::from_secs(1);
    let mut stand = Stand::new(asked(|ready| ReadySpec { successes: 3, every, ..ready }));
    stand.pass(Duration::from_secs(5), |_| Verdict::Pass("tcp 1".to_owned()));
    assert!(stand.ready_after().unwrap() >= 2 * every, "{:?}", stand.asked);
}

/// One task and an extension, both spawned.
fn beside_a_task(policy: ExitPolicy) -> Stage {
    let extension = Extension { namespace: "x".to_owned(), timeout: Extension::TIMEOUT, options: Vec::new() };
    let programs = vec![Program::new_task("t"), Program::new_extension(extension)];
    let (mut stage, _) = Stage::begun_at(WallTime(0), Project::new("/demo", programs), policy);
    for process in [FIRST, EXTENSION] {
        stage.spawned(process);
    }
    stage
}

#[test]
fn an_extension_keeps_no_run_alive() {
    let mut stage = beside_a_task(ExitPolicy::KeepGoing);
    let generation = stage.generation(EXTENSION);
    let verdict = Verdict::Pass("2 methods".to_owned());
    stage.step(Event::Probed { process: EXTENSION, generation, verdict });
    assert_eq!(stage.info(EXTENSION).word, Word::Ready);
    let actions = stage.exited(FIRST, Exit::Code(0));
    let stops = |action: &Action| matches!(action, Action::Signal { process: EXTENSION, .. });
    assert!(actions.iter().any(stops), "{actions:?}");
    let actions = stage.exited(EXTENSION, Exit::Code(0));
    assert!(actions.contains(&Action::Finish(0)), "{actions:?}");
}

#[test]
fn the_end_of_an_extension_ends_no_run() {
    let mut stage = beside_a_task(ExitPolicy::OnEnd);
    let actions = stage.exited(EXTENSION, Exit::Code(0));
    let again = |action: &Action| matches!(action, Action::Spawn { process: EXTENSION, .. });
    assert!(actions.iter().any(again), "{actions:?}");
    assert!(!stage.supervisor.snapshot().is_shutting_down);
}

#[test]
fn a_view_is_another_only_when_something_has_changed() {
    let mut stand = Stand::new(Program { startsecs: Duration::from_secs(1), ..Program::new("web") });
    let before = stand.stage.supervisor.snapshot();
    stand.step(Event::Tick);
    assert!(before.is_same(&stand.stage.supervisor.snapshot()));
    stand.pass(Duration::from_secs(2), refused);
    let running = stand.stage.supervisor.snapshot();
    assert!(!before.is_same(&running));
    let exit = Exit::Signal { signal: Signal::TERM, core: false };
    let late = Generation(stand.generation.0 + 1);
    stand.step(Event::Exited { process: FIRST, generation: late, exit, survivors: false });
    assert!(running.is_same(&stand.stage.supervisor.snapshot()), "what is told of a run that is not there is no news");
}

#[test]
fn what_a_program_says_of_itself_before_the_news_of_its_spawn_counts_good_or_bad() {
    for (verdict, word) in [
        (Verdict::Pass("1 method".to_owned()), Word::Ready),
        (Verdict::Fail("its description has no list `methods`".to_owned()), Word::Stopping),
    ] {
        let ready = ReadySpec { failures: Some(1), every: Duration::ZERO, ..ReadySpec::new(ReadyKind::Described) };
        let program = Program { ready: Some(ready), startsecs: Duration::ZERO, ..Program::new("x") };
        let (mut stage, _) = Stage::begun(Project::new("/shop", vec![program]));
        let generation = stage.generation(FIRST);
        stage.step(Event::Probed { process: FIRST, generation, verdict });
        stage.spawned(FIRST);
        assert_eq!(stage.info(FIRST).word, word);
    }
}

#[test]
fn who_cannot_be_killed_is_not_waited_for_as_long_as_it_might_have_been_asked() {
    let db = Program { stopwaitsecs: Duration::from_hours(1), startsecs: Duration::ZERO, ..Program::new("db") };
    let mut stand = Stand::new(db);
    stand.step(Event::Terminate(Urgency::Polite));
    stand.step(Event::Terminate(Urgency::Now));
    stand.pass(Duration::from_secs(10), |_| Verdict::Pass(String::new()));
    assert!(stand.stage.supervisor.is_finished());
    assert!(stand.notices.iter().any(|notice| matches!(notice, Notice::WillNotDie { .. })));
}

#[test]
fn no_patience_at_all_is_a_kill() {
    let db = Program { stopwaitsecs: Duration::ZERO, startsecs: Duration::ZERO, ..Program::new("db") };
    let mut stand = Stand::new(db);
    stand.step(Event::Terminate(Urgency::Polite));
    stand.stage.supervisor.check_invariants();
}
