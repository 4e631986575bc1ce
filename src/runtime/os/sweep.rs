//! Ending everything below us: the last thing the spawner does, and the supervisor when the spawner was shot.

use std::thread;
use std::time::{Duration, Instant};

use super::{processes, signal_process, subtree};
use crate::model::Signal;
use crate::runtime::sys::{self, Waited};

/// How often KILL is repeated, for what was forked meanwhile.
const KILL_EVERY: Duration = Duration::from_millis(20);

/// How often it is looked whether anything is left.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How long KILL is repeated. Only what we may not kill (another user's) or what the kernel holds back outlasts it.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// Ends every descendant of this process, which must be a subreaper: TERM and CONT, and KILL after the grace until no child is
/// left; reaps them all. Returns who was there at the beginning: pid and command name. Takes as long as it takes, at most
/// five seconds beyond the grace, and reaps every child: for a process that does nothing else any more.
pub fn sweep_descendants(grace: Duration) -> Vec<(u32, String)> {
    if !any_left() {
        return Vec::new();
    }
    let begun = Instant::now();
    let found = signal_descendants(&[Signal::TERM, Signal::CONT]);
    let mut left = wait_until_gone(begun + grace);
    while left && begun.elapsed() < grace + GIVE_UP_AFTER {
        signal_descendants(&[Signal::KILL]);
        left = wait_until_gone(Instant::now() + KILL_EVERY);
    }
    found
}

/// Reaps what has ended, and says whether there is more.
fn any_left() -> bool {
    loop {
        match sys::wait_any() {
            Ok(Waited::Ended(..)) => {}
            Ok(Waited::Nothing) => return true,
            Ok(Waited::NoChildren) | Err(_) => return false,
        }
    }
}

fn wait_until_gone(deadline: Instant) -> bool {
    while any_left() {
        let Some(left) = deadline.checked_duration_since(Instant::now()) else { return true };
        thread::sleep(LOOK_EVERY.min(left));
    }
    false
}

fn signal_descendants(signals: &[Signal]) -> Vec<(u32, String)> {
    let me = std::process::id();
    let below = subtree(processes(), me).into_iter().filter(|fact| fact.pid != me && fact.is_alive());
    let reached = below.map(|fact| {
        for signal in signals {
            // Whoever is gone meanwhile needs no signal.
            let _ = signal_process(fact.pid, fact.start_time, *signal);
        }
        (fact.pid, fact.name)
    });
    reached.collect()
}
