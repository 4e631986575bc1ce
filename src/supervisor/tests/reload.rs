//! A new config under what runs. The simulation has the long run; here is what a reader of the rules would try by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Stage;
use crate::model::program::Instance;
use crate::model::{
    Dependency, EnvContents, EnvFile, Exit, Kind, Moment, Now, PortRequest, PortSpec, ProcessId, ProcessName, Program,
    Project, ReadyKind, ReadySpec, Signal, Template, Until, WallTime, Word,
};
use crate::plan::ports::Ports;
use crate::supervisor::action::{Action, Answer, Outcome};
use crate::supervisor::edition::Edition;
use crate::supervisor::event::{Command, Event, RequestId, StartUntil, Urgency};
use crate::supervisor::notice::Notice;
use crate::supervisor::snapshot::ProcessInfo;
use crate::supervisor::{ExitPolicy, Supervisor};

const ASK: RequestId = RequestId(7);
const WAIT: RequestId = RequestId(8);
const TERM: Exit = Exit::Signal { signal: Signal::TERM, core: false };

/// A program that is ready as soon as it is spawned.
fn quick(name: &str, needs: &[&str]) -> Program {
    let needs = needs.iter().map(|need| Dependency::new(*need, Until::Ready));
    Program { startsecs: Duration::ZERO, depends_on: needs.collect(), ..Program::new(name) }
}

/// The same with another environment.
fn changed(program: Program) -> Program {
    Program { environment: vec![("A".into(), Template::literal("1"))], ..program }
}

fn edition(programs: Vec<Program>) -> Edition {
    Edition::new(Arc::new(Project::new("/shop", programs)), Ports::default()).unwrap()
}

struct World {
    stage: Stage,
}

impl World {
    /// A project of these, all spawned.
    fn up(programs: Vec<Program>) -> Self {
        Self::of(Project::new("/shop", programs))
    }

    fn of(project: Project) -> Self {
        let (stage, actions) = Stage::begun(project);
        let mut world = Self { stage };
        world.spawn_all(actions);
        world
    }

    /// Answers every spawn with its pid, and what follows from that.
    fn spawn_all(&mut self, mut actions: Vec<Action>) {
        while let Some(action) = actions.pop() {
            if let Action::Spawn { process, generation, .. } = action {
                actions.extend(self.step(Event::Spawned { process, generation, pid: 100 + process.0 }));
            }
        }
    }

    fn step(&mut self, event: Event) -> Vec<Action> {
        self.stage.step(event)
    }

    fn reload(&mut self, programs: Vec<Program>) -> Vec<Action> {
        self.step(Event::Command(ASK, Command::Reload(edition(programs))))
    }

    fn exited(&mut self, name: &str) -> Vec<Action> {
        self.ended(name, TERM)
    }

    fn ended(&mut self, name: &str, exit: Exit) -> Vec<Action> {
        let info = self.info(name).unwrap();
        self.step(Event::Exited { process: info.id, generation: info.generation, exit, survivors: false })
    }

    fn info(&mut self, name: &str) -> Option<ProcessInfo> {
        let snapshot = self.stage.supervisor.snapshot();
        snapshot.processes.iter().find(|info| info.name.to_string() == name).map(|info| ProcessInfo::clone(info))
    }

    fn word(&mut self, name: &str) -> Option<Word> {
        self.info(name).map(|info| info.word)
    }

    fn names(&mut self) -> Vec<String> {
        self.stage.supervisor.snapshot().start_order.iter().map(|id| self.stage.supervisor.name(*id)).collect()
    }
}

fn signalled(actions: &[Action]) -> Vec<ProcessId> {
    let of = |action: &Action| if let Action::Signal { process, .. } = action { Some(*process) } else { None };
    actions.iter().filter_map(of).collect()
}

fn spawned(actions: &[Action]) -> Vec<ProcessId> {
    let of = |action: &Action| if let Action::Spawn { process, .. } = action { Some(*process) } else { None };
    actions.iter().filter_map(of).collect()
}

fn notes(actions: &[Action], is_it: fn(&Notice) -> bool) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Say(notice) if is_it(notice))).count()
}

#[test]
fn who_was_started_when_its_env_file_said_so_already_is_not_started_again() {
    let file = EnvFile { path: "/shop/.env".into(), optional: false };
    let says = |value: u64| EnvContents::from([(file.path.clone(), BTreeMap::from([("A".to_owned(), value)]))]);
    let project = |value: u64| {
        let project = Project::new("/shop", vec![quick("db", &[]), quick("web", &[])]);
        Project { env_files: vec![file.clone()], env_contents: says(value), ..project }
    };
    let edition = |value: u64| Edition::new(Arc::new(project(value)), Ports::default()).unwrap();
    let mut world = World::of(project(1));
    let web = world.info("web").unwrap();
    world.step(Event::EnvRead { process: web.id, generation: web.generation, contents: says(2) });
    let plan = world.stage.supervisor.snapshot().diff(&project(2));
    assert_eq!((plan.changes.len(), plan.unchanged), (1, 1), "{plan:?}");
    let actions = world.step(Event::Command(ASK, Command::Reload(edition(2))));
    assert_eq!(signalled(&actions), [world.info("db").unwrap().id]);
    let actions = world.step(Event::Command(ASK, Command::Reload(edition(3))));
    assert_eq!(signalled(&actions), [web.id], "db is on its way already");
}

#[test]
fn the_same_config_touches_nobody() {
    let mut world = World::up(vec![quick("db", &[]), quick("web", &["db"])]);
    let actions = world.reload(vec![quick("db", &[]), quick("web", &["db"])]);
    assert_eq!((signalled(&actions), spawned(&actions)), (vec![], vec![]));
    assert!(actions.contains(&Action::Reply(ASK, Outcome::Accepted)));
}

#[test]
fn what_is_gone_stops_against_its_order_and_is_listed_until_it_is() {
    let mut world = World::up(vec![quick("db", &[]), quick("web", &["db"]), quick("mail", &[])]);
    let first = world.reload(vec![quick("mail", &[])]);
    assert_eq!(signalled(&first), [ProcessId(1)], "web needs db, so it goes first");
    assert_eq!(world.names(), ["db", "mail", "web"]);
    assert_eq!(world.info("web").unwrap().name.to_string(), "web");
    let second = world.exited("web");
    assert_eq!(signalled(&second), [ProcessId(0)]);
    assert_eq!(notes(&second, |notice| matches!(notice, Notice::GroupRemoved { group } if group == "web")), 1);
    world.exited("db");
    assert_eq!(world.names(), ["mail"]);
    assert_eq!(world.stage.supervisor.snapshot().processes.len(), 1);
}

#[test]
fn what_is_new_waits_for_what_it_needs_and_comes_after_it_in_the_order() {
    let mut world = World::up(vec![quick("web", &[])]);
    let actions = world.reload(vec![quick("db", &[]), quick("web", &["db"])]);
    assert_eq!(spawned(&actions), [ProcessId(1)]);
    assert_eq!(signalled(&actions), [], "another edge disturbs nobody who runs");
    assert_eq!(world.names(), ["db", "web"]);
    assert_eq!(notes(&actions, |notice| matches!(notice, Notice::GroupAdded { group } if group == "db")), 1);
}

#[test]
fn what_differs_is_stopped_and_started_again_and_its_dependents_are_not() {
    let mut world = World::up(vec![quick("db", &[]), quick("web", &["db"])]);
    let actions = world.reload(vec![changed(quick("db", &[])), quick("web", &["db"])]);
    assert_eq!(signalled(&actions), [ProcessId(0)]);
    assert_eq!(spawned(&world.exited("db")), [ProcessId(0)]);
    assert_eq!(world.word("web"), Some(Word::Ready));
}

#[test]
fn a_dependent_that_restarts_with_it_does() {
    let mut world = being_ended_for_a_new_config();
    assert_eq!(spawned(&world.exited("web")), []);
    assert_eq!(spawned(&world.exited("db")), [ProcessId(0)]);
}

fn restart(processes: &[ProcessId]) -> Event {
    let processes = processes.to_vec();
    Event::Command(WAIT, Command::Restart { processes, until: StartUntil::Accepted, timeout: None })
}

/// A database and one that restarts with it; all of it is ended for a new config of the database.
fn being_ended_for_a_new_config() -> World {
    let web = || {
        let mut web = quick("web", &["db"]);
        web.depends_on[0].restart = true;
        web
    };
    let mut world = World::up(vec![quick("db", &[]), web()]);
    let actions = world.reload(vec![changed(quick("db", &[])), web()]);
    assert_eq!(signalled(&actions), [ProcessId(0), ProcessId(1)]);
    world
}

#[test]
fn a_restart_of_what_a_reload_is_ending_is_one_start() {
    for restarted in [&[ProcessId(0)][..], &[ProcessId(1)], &[ProcessId(0), ProcessId(1)]] {
        for order in [["db", "web"], ["web", "db"]] {
            let mut world = being_ended_for_a_new_config();
            let mut actions = world.step(restart(restarted));
            assert_eq!(signalled(&actions), [], "they have been asked to end");
            for name in order {
                actions.extend(world.exited(name));
            }
            world.spawn_all(actions);
            let seen = ["db", "web"].map(|name| world.info(name).map(|info| (info.runs, info.word)));
            assert_eq!(seen, [Some((2, Word::Ready)); 2], "{restarted:?}, {order:?}");
        }
    }
}

#[test]
fn a_restart_of_what_a_reload_has_started_is_another_start() {
    let mut world = being_ended_for_a_new_config();
    world.exited("web");
    let actions = world.exited("db");
    assert_eq!(spawned(&actions), [ProcessId(0)]);
    // It may have been built anew since it was executed.
    world.spawn_all(actions);
    assert_eq!(signalled(&world.step(restart(&[ProcessId(0)])))[0], ProcessId(0));
}

#[test]
fn a_change_that_is_taken_back_before_it_had_an_effect_has_none() {
    let mut world = World::up(vec![quick("db", &[])]);
    world.reload(vec![changed(quick("db", &[]))]);
    world.reload(vec![quick("db", &[])]);
    let again = world.exited("db");
    assert_eq!(spawned(&again), [ProcessId(0)], "it was being stopped already");
    world.spawn_all(again);
    assert_eq!(signalled(&world.reload(vec![quick("db", &[])])), []);
}

#[test]
fn a_name_that_comes_back_has_its_slot_and_counts_on() {
    let mut world = World::up(vec![quick("db", &[]), quick("web", &[])]);
    world.reload(vec![quick("db", &[])]);
    world.exited("web");
    assert_eq!(world.word("web"), None);
    let actions = world.reload(vec![quick("db", &[]), quick("mail", &[]), quick("web", &[])]);
    assert_eq!(spawned(&actions), [ProcessId(2), ProcessId(1)], "in the order of the file");
    assert_eq!(world.info("web").unwrap().runs, 2, "its runs are told apart in its log");
    assert_eq!(world.info("mail").unwrap().id, ProcessId(2));
}

#[test]
fn a_name_that_comes_back_before_it_was_stopped_goes_on_running() {
    let mut world = World::up(vec![quick("db", &[]), quick("web", &["db"])]);
    world.reload(vec![]);
    let actions = world.reload(vec![quick("db", &[])]);
    assert_eq!((signalled(&actions), spawned(&actions)), (vec![], vec![]));
    world.exited("web");
    assert_eq!(world.word("db"), Some(Word::Ready), "its turn to be stopped had not come");
}

#[test]
fn what_a_user_has_stopped_stays_so_and_runs_by_the_new_config_later() {
    let mut world = World::up(vec![quick("db", &[])]);
    world.step(Event::Command(
        ASK,
        Command::Stop { processes: vec![ProcessId(0)], with_dependents: false, wait: false },
    ));
    world.exited("db");
    assert_eq!(spawned(&world.reload(vec![changed(quick("db", &[]))])), []);
    assert_eq!(world.word("db"), Some(Word::Off));
}

#[test]
fn what_had_failed_is_tried_again_when_its_config_is_another() {
    let task = || Program { startretries: 0, ..Program::new_task("migrate") };
    let db = || quick("db", &[]);
    let mut world = World::up(vec![task(), db()]);
    world.exited("migrate");
    assert_eq!(world.word("migrate"), Some(Word::Failed));
    assert_eq!(spawned(&world.reload(vec![task(), db()])), [], "the same config is no reason");
    assert_eq!(spawned(&world.reload(vec![changed(task()), db()])), [ProcessId(0)]);
}

#[test]
fn what_begins_to_start_by_itself_is_started() {
    let off = Program { autostart: false, ..quick("db", &[]) };
    let mut world = World::up(vec![off]);
    assert_eq!(spawned(&world.reload(vec![quick("db", &[])])), [ProcessId(0)]);
}

#[test]
fn others_than_those_that_were_named_at_up_stay_off() {
    let now = Now { mono: Moment::default(), wall: WallTime(1_000) };
    let supervisor = Supervisor::of(edition(vec![quick("web", &[])]), ExitPolicy::KeepGoing, now);
    let mut world = World { stage: Stage { supervisor, now } };
    let begun = world.step(Event::Begin { processes: Some(vec![ProcessId(0)]), with_needs: true });
    world.spawn_all(begun);
    let actions = world.reload(vec![quick("mail", &[]), quick("db", &[]), quick("web", &["db"])]);
    let db = world.info("db").unwrap().id;
    assert_eq!(spawned(&actions), [db], "web needs it");
    assert_eq!(world.word("mail"), Some(Word::Off));
}

#[test]
fn a_start_goes_on_by_the_new_patience() {
    let patient = |timeout| {
        let spec = ReadySpec { timeout: Some(Duration::from_secs(timeout)), ..ReadySpec::new(ReadyKind::Notify) };
        Program { ready: Some(spec), ..quick("db", &[]) }
    };
    let mut world = World::up(vec![patient(5)]);
    assert_eq!(signalled(&world.reload(vec![patient(60)])), []);
    world.stage.now.mono = world.stage.now.mono + Duration::from_secs(20);
    assert_eq!(signalled(&world.step(Event::Tick)), []);
    assert_eq!(signalled(&world.reload(vec![patient(10)])), [ProcessId(0)], "that is over by now");
}

#[test]
fn what_has_the_port_of_something_gone_waits_until_it_is() {
    let port = || vec![PortSpec { name: None, request: PortRequest::Fixed(3000) }];
    let mut world = World::up(vec![Program { ports: port(), ..quick("web", &[]) }]);
    let actions = world.reload(vec![Program { ports: port(), ..quick("site", &[]) }]);
    assert_eq!((signalled(&actions), spawned(&actions)), (vec![ProcessId(0)], vec![]));
    assert_eq!(world.word("site"), Some(Word::Waiting));
    assert_eq!(spawned(&world.exited("web")), [ProcessId(1)]);
}

#[test]
fn who_comes_to_have_company_waits_for_the_port_that_it_had_alone() {
    let port = || vec![PortSpec { name: None, request: PortRequest::Auto }];
    let alone = Program { ports: port(), ..quick("worker", &[]) };
    let instance = |number| Instance::new(ProcessName::new("worker", format!("worker_{number}")), number);
    let several = Program { instances: vec![instance(0), instance(1)], ..alone.clone() };
    let edition = |program| {
        let mut ports = Ports::default();
        ports.insert("worker".into(), None, 12_000);
        Edition::new(Arc::new(Project::new("/shop", vec![program])), ports).unwrap()
    };
    let now = Now { mono: Moment::default(), wall: WallTime(1_000) };
    let supervisor = Supervisor::of(edition(alone), ExitPolicy::KeepGoing, now);
    let mut world = World { stage: Stage { supervisor, now } };
    let begun = world.step(Event::Begin { processes: None, with_needs: true });
    world.spawn_all(begun);
    let actions = world.step(Event::Command(ASK, Command::Reload(edition(several))));
    assert_eq!((signalled(&actions), spawned(&actions)), (vec![ProcessId(0)], vec![ProcessId(2)]));
    assert_eq!(spawned(&world.exited("worker")), [ProcessId(1)]);
}

#[test]
fn who_waits_for_all_waits_for_what_is_new_and_not_for_what_is_gone() {
    let slow = |name: &str| Program { ready: Some(ReadySpec::new(ReadyKind::Notify)), ..quick(name, &[]) };
    let mut world = World::up(vec![slow("db")]);
    world.step(Event::Command(WAIT, Command::Wait { processes: vec![], timeout: None }));
    let actions = world.reload(vec![quick("web", &[])]);
    assert!(!actions.iter().any(|action| matches!(action, Action::Reply(WAIT, _))), "{actions:?}");
    let web = world.info("web").unwrap();
    let answered = world.step(Event::Spawned { process: web.id, generation: web.generation, pid: 1 });
    assert!(answered.contains(&Action::Reply(WAIT, Outcome::Each(vec![(web.id, Answer::Done)]))), "{answered:?}");
}

#[test]
fn what_leaves_its_profile_stops_though_somebody_runs_who_only_starts_after_it() {
    let mut web = quick("web", &["db"]);
    web.depends_on[0].optional = true;
    let mut world = World::up(vec![quick("db", &[]), web.clone()]);
    let db = Program { profiles: vec!["full".to_owned()], ..quick("db", &[]) };
    assert_eq!(signalled(&world.reload(vec![db, web])), [ProcessId(0)]);
}

#[test]
fn what_is_being_stopped_does_not_wait_for_whoever_comes_to_need_it_meanwhile() {
    let mut world = World::up(vec![quick("db", &[]), quick("web", &["db"])]);
    let stop = Command::Stop { processes: vec![ProcessId(0)], with_dependents: true, wait: true };
    assert_eq!(signalled(&world.step(Event::Command(WAIT, stop))), [ProcessId(1)]);
    let actions = world.reload(vec![quick("db", &[]), quick("web", &["db"]), quick("mail", &["db"])]);
    world.spawn_all(actions);
    let actions = world.exited("web");
    assert_eq!(signalled(&actions), [ProcessId(0)]);
}

#[test]
fn a_config_that_takes_the_last_program_away_leaves_the_run_open_for_the_next() {
    let (build, web) = (Program { kind: Kind::Task, ..quick("build", &[]) }, quick("web", &[]));
    let parked = Program { profiles: vec!["full".to_owned()], ..web.clone() };
    for without in [vec![build.clone()], vec![build.clone(), parked]] {
        let mut world = World::up(vec![build.clone(), web.clone()]);
        world.ended("build", Exit::Code(0));
        world.reload(without);
        world.exited("web");
        assert!(!world.stage.supervisor.is_shutting_down());
        let actions = world.reload(vec![build.clone(), web.clone()]);
        assert_eq!(spawned(&actions), [ProcessId(1)]);
    }
    let mut world = World::up(vec![build.clone(), web]);
    world.reload(vec![build]);
    world.exited("web");
    world.ended("build", Exit::Code(0));
    assert!(world.stage.supervisor.is_finished(), "it is the task that was left to wait for");
}

#[test]
fn while_it_ends_nothing_is_taken_over() {
    let mut world = World::up(vec![quick("db", &[])]);
    world.step(Event::Terminate(Urgency::Polite));
    assert_eq!(world.reload(vec![]), [Action::Reply(ASK, Outcome::ShuttingDown)]);
}

#[test]
fn a_new_beginning_stops_everything_and_is_known_as_one() {
    let mut world = World::up(vec![quick("db", &[]), quick("web", &["db"])]);
    let first = world.step(Event::Command(ASK, Command::BeginAnew));
    assert!(first.contains(&Action::Reply(ASK, Outcome::Accepted)));
    assert_eq!(signalled(&first), [ProcessId(1)]);
    assert_eq!(world.step(Event::Command(WAIT, Command::BeginAnew)), [Action::Reply(WAIT, Outcome::ShuttingDown)]);
    world.exited("web");
    assert!(world.exited("db").contains(&Action::Finish(0)));
    assert!(world.stage.supervisor.snapshot().is_restarting, "whoever runs it looks there");
}

#[test]
fn an_end_that_is_asked_for_meanwhile_is_the_end() {
    let mut world = World::up(vec![quick("db", &[])]);
    world.step(Event::Command(ASK, Command::BeginAnew));
    world.step(Event::Terminate(Urgency::Polite));
    assert!(world.exited("db").contains(&Action::Finish(0)));
    assert!(!world.stage.supervisor.snapshot().is_restarting);
}
