//! Programs that are hard to end, and how ours are found among them; every one of them is ready at once and has a second to stop.

use crate::common::{Found, TestProject};

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
