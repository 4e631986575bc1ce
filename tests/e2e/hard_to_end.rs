//! Programs that are hard to end, and how ours are found among them; every one of them is ready at once and has a second to stop.

use std::process::Command;
use std::time::Duration;

use crate::common::{Found, PATIENCE, TestProject, output_within};

/// Ignores what it is asked to end by.
pub(crate) const STUBBORN: &str = r#"
[program.stubborn]
command = "trap '' TERM HUP INT; echo on; while :; do sleep 0.1; done"
ready = { log = "on" }
stopwaitsecs = 1
"#;

/// Has a child in a session of its own.
pub(crate) const SESSION: &str = r#"
[program.session]
command = "setsid sleep 1001 & echo on; wait"
ready = { log = "on" }
stopwaitsecs = 1
"#;

/// Has a stubborn child that became a daemon.
pub(crate) const DAEMON: &str = r#"
[program.daemon]
command = "setsid sh -c 'trap \"\" TERM; sleep 1002 & exit 0'; echo on; exec sleep 1000"
ready = { log = "on" }
stopwaitsecs = 1
"#;

/// Keeps the start from ending: it is never ready.
pub(crate) const NEVER: &str = r#"
[program.never]
command = "exec sleep 1000"
ready = { file = "never" }
stopwaitsecs = 1
"#;

/// Front, supervisor and spawner, from the top.
pub(crate) fn ours_from_the_top(project: &TestProject) -> Vec<Found> {
    let mut ours = project.ours();
    ours.sort_by_key(|found| above(&project.ours(), found));
    ours
}

fn above(ours: &[Found], found: &Found) -> usize {
    ours.iter().find(|other| other.pid == found.parent).map_or(0, |parent| 1 + above(ours, parent))
}

#[test]
fn a_question_that_is_not_answered_is_given_up_and_what_was_asked_is_told() {
    let project = TestProject::empty();
    let mut command = Command::new("sleep");
    project.put_into_world(command.arg("1000"));
    let why = output_within(&mut command, Duration::from_millis(50)).unwrap_err();
    assert_eq!(why, "`sleep 1000` has not ended within 50ms");
    project.wait_for_silence(PATIENCE);
}
