//! Requests, and what the user has done being told as such.

use std::time::Duration;

use super::{Stage, conf};
use crate::model::{Dependency, Exit, ProcessId, ProcessState, Program, Project, Signal, Until, Word};
use crate::supervisor::action::{Action, Answer, Outcome};
use crate::supervisor::event::{Command, Event, RequestId, SpawnFailure, StartUntil, Urgency};
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
fn who_gives_no_time_at_all_is_answered_in_the_next_moment() {
    let mut world = begun(vec![Program::new("web")]);
    let wait = Command::Wait { processes: vec![WEB], timeout: Some(Duration::ZERO) };
    assert_eq!(reply(&world.step(Event::Command(RequestId(7), wait))), None);
    let later = world.after(Duration::from_millis(1), Event::Tick);
    assert_eq!(reply(&later), Some(&Outcome::TimedOut(vec![WEB])));
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

fn signal() -> Event {
    Event::Command(RequestId(7), Command::Signal { processes: vec![WEB], signal: Signal::HUP })
}

fn input() -> Event {
    Event::Command(RequestId(7), Command::SendStdin { process: WEB, data: "hi\n".into() })
}

fn refuse(world: &mut Stage, signal: Signal) -> Vec<Action> {
    let (generation, reason) = (world.generation(WEB), "operation not permitted".to_owned());
    world.step(Event::OutOfReach { process: WEB, generation, signal, reason })
}

fn sends_hup(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Signal { process: WEB, signal: Signal::HUP, .. }))
}

#[test]
fn a_signal_to_what_is_being_spawned_is_sent_when_it_is_there() {
    let mut world = begun(vec![Program::new("web")]);
    let asked = world.step(signal());
    assert!(reply(&asked).is_none() && !sends_hup(&asked), "{asked:?}");
    let there = world.spawned(WEB);
    assert_eq!(reply(&there), Some(&Outcome::Each(vec![(WEB, Answer::Done)])));
    assert!(sends_hup(&there));
    let again = world.step(signal());
    assert!(sends_hup(&again) && reply(&again).is_some(), "who is there gets it at once");
}

#[test]
fn input_for_what_is_being_spawned_is_written_when_it_is_there() {
    let mut world = begun(vec![Program::new("web")]);
    assert_eq!(world.step(input()), []);
    let there = world.spawned(WEB);
    assert!(
        there.iter().any(|action| matches!(action, Action::WriteStdin { request: RequestId(7), process: WEB, .. }))
    );
}

#[test]
fn what_is_asked_of_a_run_that_comes_to_nothing_is_refused() {
    for asked in [signal(), input()] {
        let mut world = begun(vec![conf("web")]);
        world.step(asked.clone());
        let generation = world.generation(WEB);
        let failure = SpawnFailure { step: String::new(), errno: 2, message: "no such file".to_owned() };
        let over = world.step(Event::SpawnFailed { process: WEB, generation, failure });
        assert_eq!(reply(&over), Some(&Outcome::Each(vec![(WEB, Answer::NotRunning)])), "{asked:?}");
    }
}

#[test]
fn what_was_forgotten_before_its_run_was_there_is_not_written() {
    let mut world = begun(vec![Program::new("web")]);
    world.step(input());
    world.step(Event::Forget(RequestId(7)));
    let there = world.spawned(WEB);
    assert!(!there.iter().any(|action| matches!(action, Action::WriteStdin { .. } | Action::Reply(..))), "{there:?}");
}

#[test]
fn who_runs_as_another_user_and_cannot_be_stopped_is_unknown_and_nobody_waits_for_it() {
    let mut world = begun(vec![Program::new("web")]);
    world.spawned(WEB);
    let stop =
        || Event::Command(RequestId(7), Command::Stop { processes: vec![WEB], with_dependents: false, wait: true });
    assert_eq!(reply(&world.step(stop())), None);
    let refused = refuse(&mut world, Signal::TERM);
    assert_eq!(reply(&refused), Some(&Outcome::Each(vec![(WEB, Answer::OutOfReach)])));
    assert_eq!(world.info(WEB).state, ProcessState::Unknown);
    assert_eq!(reply(&world.step(stop())), Some(&Outcome::Each(vec![(WEB, Answer::OutOfReach)])));
    world.exited(WEB, Exit::Code(0));
    assert_eq!(world.info(WEB).state, ProcessState::Stopped);
}

#[test]
fn a_signal_that_is_refused_is_told_and_changes_nothing() {
    let mut world = begun(vec![Program::new("web")]);
    world.spawned(WEB);
    world.step(signal());
    let before = world.info(WEB).state;
    let told = refuse(&mut world, Signal::HUP);
    assert!(
        told.iter().any(|action| matches!(action, Action::Say(Notice::OutOfReach { process: WEB, .. }))),
        "{told:?}"
    );
    assert_eq!(world.info(WEB).state, before);
}

#[test]
fn at_the_end_who_cannot_be_signalled_is_killed_at_once_and_then_let_go() {
    let mut world = begun(vec![Program::new("web")]);
    world.spawned(WEB);
    world.step(Event::Terminate(Urgency::Polite));
    let refused = refuse(&mut world, Signal::TERM);
    assert!(refused.iter().any(|action| matches!(action, Action::Signal { signal: Signal::KILL, .. })), "{refused:?}");
    let late = refuse(&mut world, Signal::HUP);
    assert_eq!(late, [], "it was sent before");
    let refused = refuse(&mut world, Signal::KILL);
    assert!(
        refused.iter().any(|action| matches!(action, Action::Say(Notice::AllStopped { left, .. }) if *left == [WEB])),
        "{refused:?}"
    );
    assert!(refused.iter().any(|action| matches!(action, Action::Finish(1))), "{refused:?}");
}

fn restart() -> Command {
    Command::Restart { processes: vec![WEB], until: StartUntil::Ready, timeout: None }
}

fn stop() -> Command {
    Command::Stop { processes: vec![WEB], with_dependents: false, wait: true }
}

/// What the first of two requests is told that are there before the program's first run has ended.
fn told_beside(first: Command, second: Command) -> Option<Outcome> {
    let mut world = begun(vec![Program::new("web")]);
    world.spawned(WEB);
    world.after(Duration::from_secs(2), Event::Tick);
    let mut actions = world.step(Event::Command(RequestId(7), first));
    actions.extend(world.step(Event::Command(RequestId(8), second)));
    actions.extend(world.exited(WEB, Exit::Code(0)));
    reply(&actions).cloned()
}

#[test]
fn of_a_stop_and_a_restart_at_once_the_first_is_told_what_became_of_it() {
    let told = |answer| Some(Outcome::Each(vec![(WEB, answer)]));
    assert_eq!(told_beside(stop(), restart()), told(Answer::StartedByAnother));
    assert_eq!(told_beside(restart(), stop()), told(Answer::StoppedByAnother));
    assert_eq!(told_beside(stop(), stop()), told(Answer::Done));
}
