//! Ending everything below us: the last thing the spawner does, and the supervisor when the spawner was shot.

use std::thread;
use std::time::{Duration, Instant};

use super::{own_children, processes, signal_process, subtree};
use crate::model::Signal;
use crate::runtime::sys::{self, Waited};

/// How often KILL is repeated, for what was forked meanwhile.
const KILL_EVERY: Duration = Duration::from_millis(20);

/// How often it is looked whether anything is left.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How long KILL is repeated. Only what we may not kill (another user's) or what the kernel holds back outlasts it.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// Children that we had before we started any: whoever became us by exec(3) has left them to us. They and what is below them are
/// not ours to end.
#[derive(Debug, Clone, Default)]
pub struct Inherited(Vec<u32>);

impl Inherited {
    /// Those of this process, which must have one thread.
    pub fn look() -> Self {
        Self(own_children().unwrap_or_default())
    }
}

/// Ends every descendant of this process, which must be a subreaper: TERM and CONT, and KILL after the grace until no child is
/// left; reaps them all. Returns who was there at the beginning: pid and command name. Takes as long as it takes, at most
/// five seconds beyond the grace, and reaps every child: for a process that does nothing else any more.
pub fn sweep_descendants(grace: Duration, spared: &Inherited) -> Vec<(u32, String)> {
    if !any_left(spared) {
        return Vec::new();
    }
    let begun = Instant::now();
    let found = signal_descendants(&[Signal::TERM, Signal::CONT], spared);
    let mut left = wait_until_gone(begun + grace, spared);
    while left && begun.elapsed() < grace + GIVE_UP_AFTER {
        signal_descendants(&[Signal::KILL], spared);
        left = wait_until_gone(Instant::now() + KILL_EVERY, spared);
    }
    found
}

/// Reaps what has ended, and says whether there is more.
fn any_left(spared: &Inherited) -> bool {
    loop {
        match sys::wait_any() {
            Ok(Waited::Ended(..)) => {}
            Ok(Waited::Nothing) if spared.0.is_empty() => return true,
            Ok(Waited::Nothing) => {
                let me = std::process::id();
                return processes().iter().any(|fact| fact.ppid == me && !spared.0.contains(&fact.pid));
            }
            Ok(Waited::NoChildren) | Err(_) => return false,
        }
    }
}

fn wait_until_gone(deadline: Instant, spared: &Inherited) -> bool {
    while any_left(spared) {
        let Some(left) = deadline.checked_duration_since(Instant::now()) else { return true };
        thread::sleep(LOOK_EVERY.min(left));
    }
    false
}

fn signal_descendants(signals: &[Signal], spared: &Inherited) -> Vec<(u32, String)> {
    let me = std::process::id();
    let facts = processes().into_iter().filter(|fact| !spared.0.contains(&fact.pid)).collect();
    let below = subtree(facts, me).into_iter().filter(|fact| fact.pid != me && fact.is_alive());
    let reached = below.map(|fact| {
        for signal in signals {
            // Whoever is gone meanwhile needs no signal.
            let _ = signal_process(fact.pid, fact.start_time, *signal);
        }
        (fact.pid, fact.name)
    });
    reached.collect()
}
