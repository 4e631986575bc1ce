//! Files that a program watches.

use std::time::Duration;

use super::Stage;
use crate::model::{Dependency, Exit, ProcessId, Program, Project, ReadyKind, ReadySpec, Signal, Until, Word};
use crate::supervisor::action::Action;
use crate::supervisor::event::{Command, Event, RequestId, StartUntil, Urgency};
use crate::supervisor::notice::Notice;

const TERM: Exit = Exit::Signal { signal: Signal::TERM, core: false };
const API: ProcessId = ProcessId(0);
const WEB: ProcessId = ProcessId(1);

struct World {
    stage: Stage,
    notices: Vec<Notice>,
}

/// A program that is ready as soon as it is spawned, and watches its sources.
fn watcher(name: &str) -> Program {
    Program { startsecs: Duration::ZERO, watch: vec!["src/**".to_owned()], ..Program::new(name) }
}

impl World {
    fn up(programs: Vec<Program>) -> Self {
        let (stage, actions) = Stage::begun(Project::new("/shop", programs));
        let mut world = Self { stage, notices: Vec::new() };
        world.follow(actions);
        world
    }

    fn step(&mut self, event: Event) {
        let actions = self.stage.step(event);
        self.follow(actions);
    }

    /// Everything that follows: what is spawned is, what is asked to end does.
    fn follow(&mut self, actions: Vec<Action>) {
        for action in actions {
            if let Action::Spawn { process, .. } = action {
                let actions = self.stage.spawned(process);
                self.follow(actions);
            } else if let Action::Signal { process, .. } = action {
                let actions = self.stage.exited(process, TERM);
                self.follow(actions);
            } else if let Action::Say(notice) = action {
                self.notices.push(notice);
            }
        }
    }

    fn pass(&mut self, millis: u64) {
        let actions = self.stage.after(Duration::from_millis(millis), Event::Tick);
        self.follow(actions);
    }

    fn change(&mut self, files: &[&str]) {
        let files = files.iter().map(ToString::to_string).collect();
        self.step(Event::FilesChanged { processes: vec![API], files });
    }

    fn exit(&mut self, process: ProcessId, code: i32) {
        let actions = self.stage.exited(process, Exit::Code(code));
        self.follow(actions);
    }

    fn runs(&mut self, process: ProcessId) -> u32 {
        self.stage.info(process).runs
    }

    fn word(&mut self, process: ProcessId) -> Word {
        self.stage.info(process).word
    }

    fn told(&self) -> Vec<(String, usize)> {
        let of = |notice: &Notice| {
            if let Notice::FilesChanged { file, more, .. } = notice { Some((file.clone(), *more)) } else { None }
        };
        self.notices.iter().filter_map(of).collect()
    }

    fn is_told_off(&self) -> bool {
        self.notices.iter().any(|notice| matches!(notice, Notice::RewritesItself { .. }))
    }
}

#[test]
fn changes_are_one_restart_once_they_rest() {
    let mut world = World::up(vec![watcher("api")]);
    world.pass(5000);
    world.change(&["src/main.rs"]);
    world.pass(60);
    world.change(&["src/main.rs", "src/lib.rs"]);
    world.pass(60);
    assert_eq!(world.runs(API), 1, "not at rest yet");
    world.pass(40);
    assert_eq!((world.runs(API), world.word(API)), (2, Word::Ready));
    assert_eq!(world.told(), [("src/main.rs".to_owned(), 1)]);
    let last = world.stage.info(API).last_change;
    assert_eq!(last.as_deref(), Some("src/main.rs changed (+1)"));
}

#[test]
fn a_checkout_that_is_held_up_now_and_then_is_one_restart() {
    let mut world = World::up(vec![watcher("api")]);
    world.pass(5000);
    for directory in 0..12 {
        let files: Vec<String> = (0..100).map(|file| format!("src/d{directory}/f{file}.rs")).collect();
        world.change(&files.iter().map(String::as_str).collect::<Vec<_>>());
        world.pass(400);
    }
    assert_eq!(world.runs(API), 1);
    world.pass(100);
    assert_eq!(world.runs(API), 2);
}

#[test]
fn changes_that_never_rest_are_acted_on_all_the_same() {
    let mut world = World::up(vec![watcher("api")]);
    world.pass(5000);
    for _ in 0..45 {
        world.change(&["src/main.rs"]);
        world.pass(50);
    }
    assert_eq!(world.runs(API), 2);
}

#[test]
fn what_has_failed_is_tried_again_and_a_task_runs_again() {
    let failing = Program { startretries: 0, ..watcher("api") };
    let mut world = World::up(vec![failing]);
    world.exit(API, 1);
    assert_eq!(world.word(API), Word::Failed);
    world.change(&["src/main.rs"]);
    world.pass(100);
    assert_eq!(world.runs(API), 2);

    let task = Program { watch: vec!["a".to_owned()], ..Program::new_task("api") };
    let again = Dependency { restart: true, ..Dependency::new("api", Until::Done) };
    let web = Program { startsecs: Duration::ZERO, depends_on: vec![again], ..Program::new("web") };
    let mut world = World::up(vec![task, web]);
    world.exit(API, 0);
    assert_eq!((world.word(API), world.word(WEB)), (Word::Done, Word::Ready));
    world.change(&["a"]);
    world.pass(100);
    assert_eq!((world.runs(API), world.word(WEB)), (2, Word::Waiting), "who restarts with it waits for it");
    world.exit(API, 0);
    assert_eq!((world.word(WEB), world.runs(WEB)), (Word::Ready, 2));

    let mut world = World::up(vec![Program { watch: vec!["a".to_owned()], ..Program::new_task("api") }]);
    world.exit(API, 0);
    assert!(!world.stage.supervisor.is_finished(), "there is something to wait for");
}

#[test]
fn what_is_saved_while_a_failed_run_is_being_ended_counts() {
    let ready = ReadySpec { timeout: Some(Duration::from_secs(1)), ..ReadySpec::new(ReadyKind::Notify) };
    let never = Program { startretries: 0, ready: Some(ready), ..watcher("api") };
    let mut world = World::up(vec![never]);
    let ending = world.stage.after(Duration::from_secs(1), Event::Tick);
    assert_eq!(world.word(API), Word::Stopping);
    world.change(&["src/main.rs"]);
    world.pass(100);
    world.follow(ending);
    assert_eq!(world.runs(API), 2, "{:?}", world.notices);
}

#[test]
fn whoever_a_user_has_stopped_stays_so_and_so_does_a_project_that_ends() {
    let mut world = World::up(vec![watcher("api")]);
    world.pass(5000);
    world.change(&["src/main.rs"]);
    let stop = Command::Stop { processes: vec![API], with_dependents: false, wait: false };
    world.step(Event::Command(RequestId(1), stop));
    world.pass(200);
    world.change(&["src/main.rs"]);
    world.pass(200);
    assert_eq!((world.runs(API), world.word(API)), (1, Word::Off));
    world.step(Event::Terminate(Urgency::Polite));
    world.change(&["src/main.rs"]);
    assert_eq!(world.stage.supervisor.next_deadline(), None);
}

#[test]
fn who_does_not_watch_is_not_restarted() {
    let mut world = World::up(vec![Program { startsecs: Duration::ZERO, ..Program::new("api") }]);
    world.change(&["src/main.rs"]);
    world.pass(5000);
    assert_eq!(world.runs(API), 1);
}

#[test]
fn a_program_that_rewrites_its_own_files_is_told_so_and_left_running() {
    let mut world = World::up(vec![watcher("api")]);
    for _ in 0..20 {
        world.pass(300);
        world.change(&["src/made.rs"]);
        world.pass(100);
    }
    assert!(world.is_told_off());
    let runs = world.runs(API);
    assert!(runs <= 7, "{runs} runs");
    // Somebody else's change still counts, and what it writes after that still does not.
    world.pass(5000);
    world.change(&["src/main.rs"]);
    world.pass(100);
    world.change(&["src/made.rs"]);
    world.pass(3000);
    assert_eq!(world.runs(API), runs + 1);
    // A user's word is a new beginning.
    let restart = Command::Restart { processes: vec![API], until: StartUntil::Accepted, timeout: None };
    world.step(Event::Command(RequestId(1), restart));
    world.change(&["src/made.rs"]);
    world.pass(100);
    assert_eq!(world.runs(API), runs + 3);
}

#[test]
fn a_user_who_saves_one_file_after_the_other_is_no_program_that_rewrites_its_own() {
    let mut world = World::up(vec![watcher("api")]);
    for turn in 0..12_u32 {
        world.pass(1500);
        world.change(&[["src/a.rs", "src/b.rs", "src/c.rs"][turn as usize % 3]]);
        world.pass(100);
        assert_eq!(world.runs(API), turn + 2);
    }
    assert!(!world.is_told_off());
}

#[test]
fn who_rewrites_another_file_at_every_start_is_left_running_in_the_end() {
    let mut world = World::up(vec![watcher("api")]);
    let mut started = 0;
    for turn in 0..60 {
        if world.runs(API) > started {
            started = world.runs(API);
            world.pass(300);
            world.change(&[&format!("src/made-{turn}.rs")]);
        }
        world.pass(100);
    }
    assert!(world.is_told_off());
    let runs = world.runs(API);
    assert!(runs <= 22, "{runs} runs");
}

#[test]
fn who_is_known_to_rewrite_one_file_is_restarted_for_another_at_once_and_for_that_one_after_a_minute() {
    let mut world = World::up(vec![watcher("api")]);
    for _ in 0..20 {
        world.pass(300);
        world.change(&["src/made.rs"]);
        world.pass(100);
    }
    let runs = world.runs(API);
    world.change(&["src/made.rs", "src/main.rs"]);
    world.pass(300);
    world.change(&["src/main.rs"]);
    world.pass(300);
    assert_eq!(world.runs(API), runs + 2, "however soon after a start");
    world.pass(61_000);
    world.change(&["src/made.rs"]);
    world.pass(100);
    assert_eq!(world.runs(API), runs + 3);
    world.change(&["src/made.rs"]);
    world.pass(3000);
    assert_eq!(world.runs(API), runs + 3, "that was its own again");
}
