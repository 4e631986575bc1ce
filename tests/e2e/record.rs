//! `RUN_RECORD=file`: a real run, written down and run again.

use std::sync::Arc;

use run::config::request::{Request, Vocabulary};
use run::model::{Now, WallTime, Word};
use run::runtime::load::load_project;
use run::runtime::record::replay;
use run::supervisor::event::{Event, Recorded};
use run::supervisor::{ExitPolicy, Supervisor};

use crate::common::{Running, TestProject};

const CONFIG: &str = "[task.one]\ncommand = \"echo 1\"\n[program.web]\ncommand = \"echo on; exec sleep 1000\"\n\
                      depends_on = [\"one\"]\nready = { log = \"on\" }\n";

/// A run from start to Ctrl-C, and its record.
fn recorded(project: &TestProject) -> Vec<Recorded> {
    let record = project.path("record");
    let mut command = project.command(&["up"]);
    command.env("RUN_RECORD", &record);
    let up = Running::start(project, command);
    up.wait_for_banner();
    up.interrupt().expect_code(0);
    replay(&record).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_run_is_recorded_event_by_event() {
    let steps = recorded(&TestProject::toml(CONFIG));
    let spawned = steps.iter().filter(|step| matches!(step.event, Event::Spawned { .. })).count();
    assert_eq!(spawned, 2);
    assert!(steps.iter().any(|step| matches!(step.event, Event::Terminate { .. })));
    assert!(steps.is_sorted_by_key(|step| step.mono), "times never go back");
}

#[test]
fn a_record_that_finds_no_room_is_told_and_ends_nothing() {
    let project = TestProject::toml(CONFIG);
    let mut command = project.command(&["up"]);
    command.env("RUN_RECORD", "/dev/full");
    let up = Running::start(&project, command);
    up.wait_for_banner();
    let done = up.interrupt().expect_code(0);
    assert_eq!(done.stderr.matches("the record of RUN_RECORD ends here").count(), 1, "{}", done.stderr);
}

#[test]
fn a_record_repeats_the_run_in_a_fresh_supervisor() {
    let project = TestProject::toml(CONFIG);
    let steps = recorded(&project);
    let request = Request { root: project.directory(), files: vec![project.path("run.toml")], ..Request::default() };
    let request = Request { shell: [("PATH".to_owned(), std::env::var("PATH").unwrap())].into(), ..request };
    let loaded = load_project(&request, &Vocabulary { probes: run::probe::KINDS });
    let loaded = loaded.project.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    let mut supervisor = Supervisor::new(Arc::new(loaded), ExitPolicy::default(), Now::default()).unwrap();
    let mut words = Vec::new();
    let mut actions = Vec::new();
    for step in steps {
        let now = Now { mono: step.mono, wall: WallTime(step.wall) };
        supervisor.step(now, step.event, &mut actions);
        words.push(supervisor.snapshot().processes.iter().map(|process| process.word).collect::<Vec<_>>());
    }
    let seen = |expected: &[Word]| words.iter().any(|words| words == expected);
    assert!(seen(&[Word::Starting, Word::Waiting]) && seen(&[Word::Done, Word::Ready]), "{words:?}");
    assert_eq!(words.last().unwrap(), &[Word::Done, Word::Off], "{words:?}");
}
