//! What is known of a process, and trees of them. Pure.

use std::collections::BTreeMap;

/// One process as the process table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessFact {
    /// Its pid.
    pub pid: u32,
    /// Its parent.
    pub ppid: u32,
    /// Its process group.
    pub group: u32,
    /// Its session.
    pub session: u32,
    /// When it started, in ticks since the machine did: tells it from a later process with the same pid.
    pub start_time: u64,
    /// One letter: `R`, `S`, `D`, `T`, `Z`, … (proc(5)).
    pub state: char,
    /// Number of threads. A `Z` with several has only lost its first thread.
    pub threads: u32,
    /// Processor time so far, in ticks.
    pub cpu_ticks: u64,
    /// Resident memory in bytes.
    pub rss_bytes: u64,
    /// Its command name, as the system keeps it (15 bytes on Linux).
    pub name: String,
}

impl ProcessFact {
    /// Whether it can still do something. A zombie is only a status that its parent has not taken yet.
    pub fn is_alive(&self) -> bool {
        !(matches!(self.state, 'Z' | 'X') && self.threads <= 1)
    }
}

/// The process `root`, if it is among the facts, and all its descendants.
pub fn subtree(facts: Vec<ProcessFact>, root: u32) -> Vec<ProcessFact> {
    let mut children: BTreeMap<u32, Vec<ProcessFact>> = BTreeMap::new();
    let mut found = Vec::new();
    for fact in facts {
        if fact.pid == root {
            found.push(fact);
        } else {
            children.entry(fact.ppid).or_default().push(fact);
        }
    }
    let mut next = vec![root];
    while let Some(parent) = next.pop() {
        for fact in children.remove(&parent).unwrap_or_default() {
            next.push(fact.pid);
            found.push(fact);
        }
    }
    found
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A living process for tests; group and session are its own.
    pub(crate) fn fact(pid: u32, parent: u32) -> ProcessFact {
        ProcessFact {
            pid,
            ppid: parent,
            group: pid,
            session: pid,
            start_time: u64::from(pid) * 10,
            state: 'S',
            threads: 1,
            cpu_ticks: 1,
            rss_bytes: 4096,
            name: format!("p{pid}"),
        }
    }

    #[test]
    fn a_tree_has_all_levels_and_nobody_else() {
        let facts = vec![fact(1, 0), fact(9, 5), fact(5, 2), fact(2, 1), fact(3, 1), fact(4, 3)];
        let mut pids: Vec<u32> = subtree(facts, 2).iter().map(|fact| fact.pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [2, 5, 9]);
    }

    #[test]
    fn a_zombie_is_dead_unless_other_threads_of_it_live() {
        let zombie = ProcessFact { state: 'Z', ..fact(1, 0) };
        assert!(!zombie.is_alive());
        assert!(ProcessFact { threads: 2, ..zombie }.is_alive());
        assert!(ProcessFact { state: 'T', ..fact(1, 0) }.is_alive());
    }
}
