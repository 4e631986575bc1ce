//! Requests, and what the user has done being told as such.

use std::time::Duration;

use super::Stage;
use crate::model::{Dependency, Exit, ProcessId, Program, Project, Signal, Until, Word};
use crate::supervisor::action::{Action, Answer, Outcome};
use crate::supervisor::event::{Command, Event, RequestId, StartUntil};
use crate::supervisor::notice::{Notice, Reason};

const WEB: ProcessId = ProcessId(0);

fn begun(programs: Vec<Program>) -> Stage {
    Stage::begun(Project::new("/shop", programs)).0
}

fn start(until: StartUntil) -> Event {
    Event::Command(RequestId(7), Command::Start { processes: vec![WEB], until, with_needs: true, timeout: None })
}

fn reply(actions: &[Action]) -> Option<&Outcome> {
    actions
        .iter()
        .find_map(|action| if let Action::Reply(RequestId(7), outcome) = action { Some(outcome) } else { None })
}

#[test]
fn a_start_of_what_is_on_its_way_is_answered_when_it_is_ready() {
    let mut world = begun(vec![Program::new("web")]);
    world.spawned(WEB);
    assert_eq!(reply(&world.step(start(StartUntil::Ready))), None);
    let ready = world.after(Duration::from_secs(2), Event::Tick);
    assert_eq!(reply(&ready), Some(&Outcome::Each(vec![(WEB, Answer::Done)])));
    let again = world.step(start(StartUntil::Ready));
    assert_eq!(reply(&again), Some(&Outcome::Each(vec![(WEB, Answer::AlreadyStarted)])));
}

#[test]
fn an_end_by_a_signal_that_a_user_sent_says_so() {
    let mut world = begun(vec![Program::new("web")]);
    world.spawned(WEB);
    world.after(Duration::from_secs(2), Event::Tick);
    world.step(Event::Command(RequestId(7), Command::Signal { processes: vec![WEB], signal: Signal::KILL }));
    let exit = Exit::Signal { signal: Signal::KILL, core: false };
    let actions = world.exited(WEB, exit);
    let is_crash = |action: &Action| matches!(action, Action::Say(Notice::Crashed { reason: Reason::Signalled(why), .. }) if *why == exit);
    assert!(actions.iter().any(is_crash), "{actions:?}");
}

#[test]
fn runs_after_failures_are_counted_from_the_users_last_start() {
    let mut world = begun(vec![Program::new("web")]);
    world.spawned(WEB);
    world.exited(WEB, Exit::Code(1));
    assert_eq!(world.info(WEB).unasked_runs, 1);
    let restart = Command::Restart { processes: vec![WEB], until: StartUntil::Accepted, timeout: None };
    world.step(Event::Command(RequestId(7), restart));
    assert_eq!(world.info(WEB).unasked_runs, 0);
}

#[test]
fn what_was_only_started_adds_nothing_to_the_slowest_chain() {
    let worker = Program { depends_on: vec![Dependency::new("web", Until::Started)], ..Program::new("worker") };
    let mut world = begun(vec![Program::new("web"), worker]);
    world.spawned(WEB);
    world.spawned(ProcessId(1));
    let actions = world.after(Duration::from_secs(2), Event::Tick);
    let chain = actions.iter().find_map(|action| {
        if let Action::Say(Notice::AllReady { chain, .. }) = action { Some(chain.clone()) } else { None }
    });
    let names: Vec<ProcessId> = chain.unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(names, [ProcessId(1)]);
    assert_eq!(world.info(WEB).word, Word::Ready);
}
