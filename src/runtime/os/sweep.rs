//! Ending everything below us: the last thing the spawner does, and the supervisor when the spawner was shot.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::{ProcessFact, own_children, processes, signal_process, subtree};
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
/// left; reaps them all. Returns who was there at the beginning and could be signalled: pid and command name. Takes as long as it
/// takes, at most five seconds beyond the grace, and does not wait for who may not be signalled; reaps every child: for a process that
/// does nothing else any more.
pub fn sweep_descendants(grace: Duration, spared: &Inherited) -> Vec<(u32, String)> {
    let mut sweep = Sweep { spared, refused: BTreeSet::new() };
    if !sweep.any_left() {
        return Vec::new();
    }
    let begun = Instant::now();
    let found = sweep.signal(&[Signal::TERM, Signal::CONT]);
    let mut left = sweep.wait_until_gone(begun + grace);
    while left && begun.elapsed() < grace + GIVE_UP_AFTER {
        sweep.signal(&[Signal::KILL]);
        left = sweep.wait_until_gone(Instant::now() + KILL_EVERY);
    }
    found
}

struct Sweep<'a> {
    spared: &'a Inherited,
    /// Who runs as another user and may not be signalled.
    refused: BTreeSet<u32>,
}

impl Sweep<'_> {
    /// Reaps what has ended, and says whether there is more.
    fn any_left(&self) -> bool {
        loop {
            match sys::wait_any() {
                Ok(Waited::Ended(..)) => {}
                Ok(Waited::Nothing) if self.spared.0.is_empty() && self.refused.is_empty() => return true,
                Ok(Waited::Nothing) => return self.below().iter().any(|fact| !self.refused.contains(&fact.pid)),
                Ok(Waited::NoChildren) | Err(_) => return false,
            }
        }
    }

    fn wait_until_gone(&self, deadline: Instant) -> bool {
        while self.any_left() {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return true };
            thread::sleep(LOOK_EVERY.min(left));
        }
        false
    }

    /// Signals all, and says who could be.
    fn signal(&mut self, signals: &[Signal]) -> Vec<(u32, String)> {
        let mut reached = Vec::new();
        for fact in self.below() {
            let sent = signals.iter().map(|signal| signal_process(fact.pid, fact.start_time, *signal));
            // Whoever is gone meanwhile needs no signal.
            let errors: Vec<Option<i32>> = sent.filter_map(|sent| Some(sent.err()?.raw_os_error())).collect();
            if errors.contains(&Some(Errno::EPERM as i32)) {
                self.refused.insert(fact.pid);
            } else {
                reached.push((fact.pid, fact.name));
            }
        }
        reached
    }

    /// What lives below us and is ours to end.
    fn below(&self) -> Vec<ProcessFact> {
        let me = std::process::id();
        let facts = processes().into_iter().filter(|fact| !self.spared.0.contains(&fact.pid)).collect();
        subtree(facts, me).into_iter().filter(|fact| fact.pid != me && fact.is_alive()).collect()
    }
}
