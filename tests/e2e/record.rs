//! `RUN_RECORD=file`: a real run, written down and run again.

use run::runtime::record::replay;
use run::supervisor::event::Event;

use crate::common::TestProject;

#[test]
fn a_run_is_recorded_event_by_event() {
    let project = TestProject::toml(
        "[task.one]\ncommand = \"echo 1\"\n[program.web]\ncommand = \"echo on; exec sleep 1000\"\ndepends_on = [\"one\"]\nready = { log = \"on\" }\n",
    );
    let record = project.path("record");
    let mut command = project.command(&["up"]);
    command.env("RUN_RECORD", &record);
    let up = crate::common::Running::start(&project, command);
    up.wait_for_banner();
    up.interrupt().expect_code(0);
    let steps: Vec<_> = replay(&record).unwrap().map(Result::unwrap).collect();
    let spawned = steps.iter().filter(|step| matches!(step.event, Event::Spawned { .. })).count();
    assert_eq!(spawned, 2);
    assert!(steps.iter().any(|step| matches!(step.event, Event::Terminate { .. })));
    assert!(steps.is_sorted_by_key(|step| step.mono), "times never go back");
}
