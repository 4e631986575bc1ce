//! What is known of a process, and trees of them. Pure.

use std::collections::BTreeMap;
use std::iter::successors;

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

/// What a process and all its descendants use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time so far of those that are alive, in ticks ([`ticks_per_second`](super::ticks_per_second)).
    pub cpu_ticks: u64,
    /// Resident memory in bytes; pages that they share are counted for each.
    pub memory: u64,
    /// When the process itself started, in ticks since the machine did.
    pub start_time: u64,
}

impl Usage {
    /// The share of one core over its life so far, in percent, as ps(1) has it. `now` is [`ticks_now`](super::ticks_now).
    pub fn cpu_percent(&self, now: u64) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
        let share = self.cpu_ticks as f32 / now.saturating_sub(self.start_time).max(1) as f32;
        share * 100.0
    }
}

/// The value of a variable in an environment as the system keeps it: entries with a zero byte behind each.
pub fn value_in(environment: &[u8], name: &str) -> Option<String> {
    let value = |entry: &[u8]| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::to_vec);
    String::from_utf8(environment.split(|byte| *byte == 0).find_map(value)?).ok()
}

/// What each root and its descendants use; what is below two roots counts for the nearer one.
pub(super) fn usage_of(facts: &[ProcessFact], roots: &[u32]) -> BTreeMap<u32, Usage> {
    let parents: BTreeMap<u32, u32> = facts.iter().map(|fact| (fact.pid, fact.ppid)).collect();
    let present = roots.iter().filter(|root| parents.contains_key(root));
    let mut sums: BTreeMap<u32, Usage> = present.map(|root| (*root, Usage::default())).collect();
    for fact in facts {
        // The facts are not of one moment, so a pid that was used again could make a circle.
        let mut line = successors(Some(fact.pid), |pid| parents.get(pid).copied()).take(facts.len());
        let root = line.find(|pid| sums.contains_key(pid));
        if let Some(sum) = root.and_then(|root| sums.get_mut(&root)) {
            sum.cpu_ticks += fact.cpu_ticks;
            sum.memory += fact.rss_bytes;
            if root == Some(fact.pid) {
                sum.start_time = fact.start_time;
            }
        }
    }
    sums
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
    fn usage_is_summed_over_each_tree_and_the_gone_are_left_out() {
        let facts = [fact(1, 0), fact(2, 1), fact(5, 2), fact(9, 5), fact(3, 1), fact(4, 3)];
        let of = |root: u64, count: u64| Usage { cpu_ticks: count, memory: count * 4096, start_time: root * 10 };
        let expected = BTreeMap::from([(2, of(2, 2)), (3, of(3, 2)), (9, of(9, 1))]);
        assert_eq!(usage_of(&facts, &[2, 3, 9, 77]), expected);
    }

    #[test]
    fn a_zombie_is_dead_unless_other_threads_of_it_live() {
        let zombie = ProcessFact { state: 'Z', ..fact(1, 0) };
        assert!(!zombie.is_alive());
        assert!(ProcessFact { threads: 2, ..zombie }.is_alive());
        assert!(ProcessFact { state: 'T', ..fact(1, 0) }.is_alive());
    }
}
