//! Alive checks and `max_memory`.

use std::sync::Arc;
use std::time::Duration;

use super::Stage;
use crate::model::{AliveSpec, Exit, ProcessId, Program, Project, ReadyKind, Word};
use crate::plan::ports::Ports;
use crate::supervisor::action::{Action, Measured};
use crate::supervisor::edition::Edition;
use crate::supervisor::event::{Command, Event, RequestId, Urgency, Verdict};
use crate::supervisor::notice::{Notice, Reason};

const WEB: ProcessId = ProcessId(0);

/// A world in which the check answers as told, and everything else at once.
struct World {
    stage: Stage,
    said: Vec<Notice>,
    /// What the check answers; `None`: nothing.
    answer: Option<Verdict>,
    held: u64,
}

fn check() -> AliveSpec {
    AliveSpec::new(ReadyKind::Exec("true".into()))
}

fn project(alive: Option<AliveSpec>) -> Project {
    let web = Program { alive, max_memory: Some(1 << 30), startsecs: Duration::ZERO, ..Program::new("web") };
    Project::new("/shop", vec![web])
}

impl World {
    fn new(answer: Option<Verdict>) -> Self {
        let (stage, actions) = Stage::begun(project(Some(check())));
        let mut world = Self { stage, said: Vec::new(), answer, held: 0 };
        world.follow(actions);
        world
    }

    fn step(&mut self, event: Event) {
        let actions = self.stage.step(event);
        self.stage.supervisor.check_invariants();
        self.follow(actions);
    }

    fn follow(&mut self, actions: Vec<Action>) {
        for action in actions {
            if let Action::Spawn { process, .. } = action {
                let actions = self.stage.spawned(process);
                self.follow(actions);
            } else if let Action::Signal { process, signal, .. } = action {
                let actions = self.stage.exited(process, Exit::Signal { signal, core: false });
                self.follow(actions);
            } else if let Action::CheckAlive { process, generation, attempt } = action {
                if let Some(verdict) = self.answer.clone() {
                    self.step(Event::Checked { process, generation, attempt, verdict });
                }
            } else if let Action::Measure(whom) = action {
                for Measured { process, generation, .. } in whom {
                    self.step(Event::Measured { process, generation, bytes: self.held });
                }
            } else if let Action::Say(notice) = action {
                self.said.push(notice);
            }
        }
    }

    fn play(&mut self, seconds: u64) {
        let end = self.stage.now.mono + Duration::from_secs(seconds);
        while let Some(at) = self.stage.supervisor.next_deadline().filter(|at| *at <= end) {
            self.stage.now.mono = at;
            self.step(Event::Tick);
        }
        self.stage.now.mono = end;
    }

    fn exit(&mut self, code: i32) {
        let actions = self.stage.exited(WEB, Exit::Code(code));
        self.follow(actions);
    }

    fn reload(&mut self, alive: Option<AliveSpec>) {
        let edition = Edition::new(Arc::new(project(alive)), Ports::default()).unwrap();
        self.step(Event::Command(RequestId(1), Command::Reload(edition)));
    }

    fn word(&mut self) -> Word {
        self.stage.info(WEB).word
    }

    fn reasons(&self) -> Vec<&str> {
        self.said.iter().filter_map(reason).collect()
    }
}

fn reason(notice: &Notice) -> Option<&str> {
    let (Notice::Crashed { reason, .. } | Notice::GaveUp { reason, .. }) = notice else { return None };
    Some(if let Reason::Unhealthy(text) = reason { text } else { "another reason" })
}

fn pass() -> Verdict {
    Verdict::Pass("http 200".into())
}

fn fail() -> Verdict {
    Verdict::Fail("http 503".into())
}

#[test]
fn it_is_unhealthy_after_one_failure_and_restarted_after_three() {
    let mut world = World::new(Some(pass()));
    world.play(60);
    world.answer = Some(fail());
    world.play(10);
    assert_eq!((world.word(), world.reasons().len()), (Word::Unhealthy, 0));
    world.play(20);
    assert_eq!(world.reasons(), ["unhealthy: http 503 x3"]);
    world.answer = Some(pass());
    world.play(30);
    let info = world.stage.info(WEB);
    assert_eq!((info.word, info.runs), (Word::Ready, 2));
    assert_eq!(info.failed_otherwise.as_deref(), Some("unhealthy: http 503 x3"), "known while it is up again");
}

#[test]
fn one_that_stumbles_is_healthy_again() {
    let mut world = World::new(Some(fail()));
    world.play(20);
    world.answer = Some(pass());
    world.play(10);
    assert_eq!((world.word(), world.reasons().len()), (Word::Ready, 0));
    assert!(world.said.iter().any(|notice| matches!(notice, Notice::Healthy { .. })));
}

#[test]
fn an_attempt_that_hangs_is_cut_and_counts() {
    let mut world = World::new(None);
    world.play(36);
    assert_eq!(world.reasons(), ["unhealthy: no answer within 5.0s x3"]);
}

#[test]
fn one_that_is_never_well_is_given_up() {
    let mut world = World::new(Some(fail()));
    world.play(600);
    assert_eq!((world.word(), world.reasons().len()), (Word::Failed, 4));
}

#[test]
fn one_that_grows_is_ended_with_the_figures() {
    let mut world = World::new(Some(pass()));
    world.play(20);
    assert_eq!(world.reasons().len(), 0);
    world.held = 3 << 29;
    world.play(5);
    assert_eq!(world.reasons(), ["memory 1.5G over max_memory 1.0G"]);
}

#[test]
fn a_stop_of_yours_is_no_failure() {
    let mut world = World::new(Some(fail()));
    world.play(10);
    world.step(Event::Terminate(Urgency::Polite));
    assert_eq!(world.reasons().len(), 0);
}

#[test]
fn who_has_failed_and_is_no_longer_checked_is_good_after_a_while() {
    let mut world = World::new(Some(pass()));
    world.exit(1);
    world.play(3);
    assert_eq!(world.word(), Word::Retrying);
    world.reload(None);
    world.play(20);
    assert_eq!(world.word(), Word::Ready);
}

#[test]
fn who_has_failed_and_is_checked_now_is_good_once_that_has_said_so() {
    let mut world = World::new(None);
    world.reload(None);
    world.exit(1);
    world.play(3);
    world.reload(Some(AliveSpec { failures: 100, ..check() }));
    world.play(60);
    assert_eq!(world.stage.info(WEB).failures, 1);
    world.answer = Some(pass());
    world.play(10);
    assert_eq!(world.word(), Word::Ready);
}

#[test]
fn a_reload_that_changes_nothing_about_the_check_forgets_nothing_of_it() {
    let mut world = World::new(Some(pass()));
    world.play(60);
    world.answer = Some(fail());
    for _ in 0..10 {
        world.reload(Some(check()));
        world.play(5);
    }
    assert_eq!(world.reasons()[0], "unhealthy: http 503 x3");
}
