//! What is left of a run whose processes of ours were all killed at the same instant: nobody was there to sweep, so the next start
//! does. It is recognised by the `RUN_ID` in its environment, which names the project and the supervisor it was started by; what has
//! cleared that, by the cgroup that it is in, where there are any.

use std::iter::successors;
use std::thread;
use std::time::{Duration, Instant};

use super::{ProcessFact, environment_value, processes, run_of_cgroup, shares_our_pids, signal_process};
use crate::model::Signal;

/// The variable that names a project and the pid of its supervisor: `PROJECT-PID`.
const RUN_ID: &str = "RUN_ID";

/// How often it is looked whether anything is left.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How long what was sent KILL may take to go.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Ends what dead supervisors of this project have left: TERM and CONT, and KILL after the grace. Returns who was there, pid and
/// command name. Returns at once when nothing is left.
pub fn reclaim(project: &str, grace: Duration) -> Vec<(u32, String)> {
    let found = leftovers(&processes(), std::process::id(), |pid| supervisor_of(pid, project));
    signal_all(&found, &[Signal::TERM, Signal::CONT]);
    if !are_gone(&found, grace) {
        signal_all(&found, &[Signal::KILL]);
        are_gone(&found, LAST_MOMENT);
    }
    found.into_iter().map(|fact| (fact.pid, fact.name)).collect()
}

/// The supervisor that a process was started by, if that belonged to this project. A container has pids of its own, so what it runs
/// says nothing about our supervisors.
fn supervisor_of(pid: u32, project: &str) -> Option<u32> {
    let id = environment_value(pid, RUN_ID).or_else(|| run_of_cgroup(pid))?;
    let supervisor = id.strip_prefix(project)?.strip_prefix('-')?.parse().ok()?;
    shares_our_pids(pid).then_some(supervisor)
}

/// Those whose supervisor is no more. Not we, nor whoever we were started by: a shell that a program has left may start us.
fn leftovers(facts: &[ProcessFact], me: u32, supervisor_of: impl Fn(u32) -> Option<u32>) -> Vec<ProcessFact> {
    let parent = |pid: &u32| facts.iter().find(|fact| fact.pid == *pid).map(|fact| fact.ppid);
    let line: Vec<u32> = successors(Some(me), parent).take(facts.len()).collect();
    let lives = |pid| facts.iter().any(|fact| fact.pid == pid && fact.is_alive());
    let candidates = facts.iter().filter(|fact| fact.is_alive() && !line.contains(&fact.pid));
    candidates.filter(|fact| supervisor_of(fact.pid).is_some_and(|pid| !lives(pid))).cloned().collect()
}

fn signal_all(facts: &[ProcessFact], signals: &[Signal]) {
    for (fact, signal) in facts.iter().flat_map(|fact| signals.iter().map(move |signal| (fact, *signal))) {
        // Whoever is gone meanwhile needs no signal.
        let _ = signal_process(fact.pid, fact.start_time, signal);
    }
}

fn are_gone(found: &[ProcessFact], limit: Duration) -> bool {
    let begun = Instant::now();
    let is_there = |now: &ProcessFact| {
        now.is_alive() && found.iter().any(|fact| (fact.pid, fact.start_time) == (now.pid, now.start_time))
    };
    while !found.is_empty() && processes().iter().any(is_there) {
        if begun.elapsed() > limit {
            return false;
        }
        thread::sleep(LOOK_EVERY);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::process::tests::fact;
    use super::*;

    #[test]
    fn only_what_a_dead_supervisor_has_left_is_a_leftover() {
        // 10 supervises and lives, 20 supervised; 25 is a shell of 20 that started 30, which started us.
        let facts = [fact(10, 1), fact(11, 10), fact(21, 1), fact(22, 21), fact(25, 1), fact(30, 25), fact(40, 30)];
        let supervisors = |pid| match pid {
            11 => Some(10),
            21 | 22 | 25 | 30 | 40 => Some(20),
            _ => None,
        };
        let pids: Vec<u32> = leftovers(&facts, 40, supervisors).iter().map(|fact| fact.pid).collect();
        assert_eq!(pids, [21, 22]);
    }
}
