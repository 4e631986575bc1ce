//! Who belongs to which program: every living process below the spawner, and its owner. Pure.
//!
//! A descendant belongs to its leader as long as the chain of parents stands. When a parent in between dies, the orphan becomes our
//! child (we are the subreaper), and then it is recognised, in this order, by what we saw at an earlier census, by its session or
//! process group, and by the mark in its environment. Some write over that when they give themselves another title (redis): what has
//! come up since the last census is then of the one leader that has ended meanwhile, if it is one. What nobody claims is left to the
//! final sweep.
//!
//! In the moment in which a process executes another program its environment is empty, so who shows none is asked again before it
//! is decided.

use std::collections::BTreeMap;

use super::order::Key;
use crate::runtime::os::ProcessFact;

/// How many looks are taken at a process whose environment is empty.
pub(super) const MOST_LOOKS: usize = 5;

/// What the environment of a process says of who has started it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// This program.
    Of(Key),
    /// No program of ours.
    Nobody,
    /// Nothing, because it is empty: perhaps only at this moment.
    Empty,
}

/// The leaders of all programs, by pid.
#[derive(Debug, Default)]
pub struct Leaders {
    /// Those that have not ended.
    pub living: BTreeMap<u32, Key>,
    /// Those that have ended and left something behind: the pid is still the number of a session or group.
    pub ended: BTreeMap<u32, Key>,
    /// The only one that has ended since the last census.
    pub latest: Option<Key>,
}

impl Leaders {
    fn owner_of_number(&self, number: u32) -> Option<Key> {
        self.living.get(&number).or_else(|| self.ended.get(&number)).copied()
    }
}

/// What is remembered from one census to the next.
#[derive(Debug, Default)]
pub struct Census {
    known: BTreeMap<u32, Known>,
    /// Whether nothing has ended since the last census, so that it still names all our children.
    is_fresh: bool,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    start_time: u64,
    verdict: Verdict,
    is_child: bool,
}

/// Whose a process is.
#[derive(Debug, Clone, Copy)]
struct Verdict {
    owner: Option<Key>,
    /// So many looks are still to be taken before it counts.
    looks_left: usize,
}

impl Verdict {
    fn sure(owner: Option<Key>) -> Self {
        Self { owner, looks_left: 0 }
    }

    fn is_sure(self) -> bool {
        self.looks_left == 0
    }
}

impl Census {
    /// Finds the owner of every living process below `me`, leaders included.
    pub fn take(
        &mut self,
        facts: Vec<ProcessFact>,
        me: u32,
        leaders: &Leaders,
        mark: impl Fn(u32) -> Mark,
    ) -> Vec<(Option<Key>, ProcessFact)> {
        let mut by_parent: BTreeMap<u32, Vec<ProcessFact>> = BTreeMap::new();
        for fact in facts {
            by_parent.entry(fact.ppid).or_default().push(fact);
        }
        let mut known = BTreeMap::new();
        let mut found = Vec::new();
        for child in by_parent.remove(&me).unwrap_or_default() {
            let verdict = self.judge(&child, leaders, &mark);
            let owner = verdict.owner.filter(|_| verdict.is_sure());
            let mut family = vec![(child, true)];
            while let Some((fact, is_child)) = family.pop() {
                family.extend(by_parent.remove(&fact.pid).unwrap_or_default().into_iter().map(|fact| (fact, false)));
                known.insert(fact.pid, Known { start_time: fact.start_time, verdict, is_child });
                found.push((owner, fact));
            }
        }
        self.known = known;
        self.is_fresh = true;
        found.retain(|(_, fact)| fact.is_alive());
        found
    }

    fn judge(&self, child: &ProcessFact, leaders: &Leaders, mark: impl Fn(u32) -> Mark) -> Verdict {
        if let Some(key) = leaders.living.get(&child.pid) {
            return Verdict::sure(Some(*key));
        }
        let before = self.known.get(&child.pid).filter(|known| known.start_time == child.start_time);
        let before = before.map(|known| known.verdict);
        if let Some(verdict) = before.filter(|verdict| verdict.is_sure()) {
            return verdict;
        }
        let by_number = leaders.owner_of_number(child.session).or_else(|| leaders.owner_of_number(child.group));
        if by_number.is_some() {
            return Verdict::sure(by_number);
        }
        let Verdict { owner, looks_left } = before.unwrap_or(Verdict { owner: leaders.latest, looks_left: MOST_LOOKS });
        match mark(child.pid) {
            Mark::Of(key) => Verdict::sure(Some(key)),
            Mark::Empty if child.is_alive() => Verdict { owner, looks_left: looks_left - 1 },
            Mark::Nobody | Mark::Empty => Verdict::sure(owner),
        }
    }

    /// A child of ours was reaped: its pid is nobody's now, and its children may have become ours.
    pub fn reaped(&mut self, pid: u32) {
        self.known.remove(&pid);
        self.is_fresh = false;
    }

    /// The owner of an orphan that has become our child; `None` when we have to look, or to look again.
    pub fn owner_of_orphan(&self, pid: u32) -> Option<Option<Key>> {
        let known = self.known.get(&pid).filter(|known| known.is_child && known.verdict.is_sure());
        known.map(|known| known.verdict.owner)
    }

    /// All our children, for systems that do not tell: what the last census saw, unless something has ended since.
    pub fn children(&self) -> Option<Vec<u32>> {
        let children = self.known.iter().filter(|(_, known)| known.is_child).map(|(pid, _)| *pid);
        self.is_fresh.then(|| children.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::os::fact;

    const ME: u32 = 100;
    const A: Key = Key(1);
    const B: Key = Key(2);

    fn leaders(living: &[(u32, Key)], ended: &[(u32, Key)]) -> Leaders {
        Leaders { living: living.iter().copied().collect(), ended: ended.iter().copied().collect(), latest: None }
    }

    fn in_session(pid: u32, parent: u32, session: u32) -> ProcessFact {
        ProcessFact { session, ..fact(pid, parent) }
    }

    fn owners(census: &mut Census, facts: &[ProcessFact], leaders: &Leaders) -> BTreeMap<u32, Option<Key>> {
        let found = census.take(facts.to_vec(), ME, leaders, |_| Mark::Nobody);
        found.into_iter().map(|(owner, fact)| (fact.pid, owner)).collect()
    }

    #[test]
    fn a_descendant_belongs_to_its_leader_whatever_its_session() {
        let facts = [fact(100, 1), fact(101, ME), fact(102, 101), fact(103, 102), fact(104, ME), fact(7, 1)];
        let owners = owners(&mut Census::default(), &facts, &leaders(&[(101, A), (104, B)], &[]));
        assert_eq!(owners, BTreeMap::from([(101, Some(A)), (102, Some(A)), (103, Some(A)), (104, Some(B))]));
    }

    #[test]
    fn an_orphan_is_known_by_the_session_or_group_of_its_ended_leader() {
        let group = ProcessFact { group: 101, ..fact(106, ME) };
        let facts = [in_session(105, ME, 101), group, fact(107, 105), fact(108, ME)];
        let owners = owners(&mut Census::default(), &facts, &leaders(&[], &[(101, A)]));
        assert_eq!(owners, BTreeMap::from([(105, Some(A)), (106, Some(A)), (107, Some(A)), (108, None)]));
    }

    #[test]
    fn an_orphan_without_any_mark_is_of_the_one_that_has_just_ended() {
        let mut census = Census::default();
        let before = owners(&mut census, &[fact(104, ME)], &leaders(&[], &[]));
        assert_eq!(before, BTreeMap::from([(104, None)]));
        let leaders = Leaders { latest: Some(A), ..leaders(&[], &[]) };
        let after = owners(&mut census, &[fact(104, ME), fact(105, ME)], &leaders);
        assert_eq!(after, BTreeMap::from([(104, None), (105, Some(A))]), "what was there before is not its work");
    }

    #[test]
    fn an_orphan_with_a_session_of_its_own_is_known_from_before() {
        let mut census = Census::default();
        owners(&mut census, &[fact(101, ME), fact(102, 101)], &leaders(&[(101, A)], &[]));
        let after = owners(&mut census, &[fact(102, ME)], &leaders(&[], &[(101, A)]));
        assert_eq!(after, BTreeMap::from([(102, Some(A))]));
    }

    #[test]
    fn a_later_process_with_the_same_pid_is_not_taken_for_the_known_one() {
        let mut census = Census::default();
        owners(&mut census, &[fact(101, ME), fact(102, 101)], &leaders(&[(101, A)], &[]));
        let later = ProcessFact { start_time: 9999, ..fact(102, ME) };
        assert_eq!(owners(&mut census, &[later], &leaders(&[], &[])), BTreeMap::from([(102, None)]));
    }

    #[test]
    fn a_mark_is_read_once_for_a_stranger_and_never_for_the_known() {
        let mut census = Census::default();
        let facts = vec![fact(101, ME), fact(105, ME)];
        let leaders = leaders(&[(101, A)], &[]);
        let found = census.take(facts.clone(), ME, &leaders, |pid| if pid == 105 { Mark::Of(B) } else { Mark::Nobody });
        assert!(found.contains(&(Some(B), fact(105, ME))));
        let again = census.take(facts, ME, &leaders, |_| panic!("read again"));
        assert_eq!(again.len(), 2);
    }

    #[test]
    fn an_orphan_that_is_just_executing_another_program_is_asked_again() {
        let mut census = Census::default();
        let facts = vec![fact(101, ME), fact(105, ME)];
        let leaders = Leaders { latest: Some(A), ..leaders(&[], &[]) };
        let found = census.take(facts.clone(), ME, &leaders, |_| Mark::Empty);
        assert_eq!(found[1].0, None, "nobody's yet, and not that of the one that has just ended");
        assert_eq!(census.owner_of_orphan(105), None);
        census.take(facts, ME, &leaders, |_| Mark::Of(B));
        assert_eq!(census.owner_of_orphan(105), Some(Some(B)));
    }

    #[test]
    fn an_orphan_that_has_cleared_its_environment_is_asked_a_few_times_only() {
        let mut census = Census::default();
        let look = |census: &mut Census, latest| {
            let leaders = Leaders { latest, ..leaders(&[], &[]) };
            census.take(vec![fact(105, ME)], ME, &leaders, |_| Mark::Empty);
            census.owner_of_orphan(105)
        };
        let answers: Vec<_> =
            [Some(A), Some(B), None, Some(B), Some(B), Some(B)].map(|latest| look(&mut census, latest)).into();
        let of_a = Some(Some(A));
        assert_eq!(answers, [None, None, None, None, of_a, of_a], "it is of who had ended when it came up");
    }

    #[test]
    fn the_dead_are_not_counted_and_a_new_leader_wins_a_reused_number() {
        let dead = ProcessFact { state: 'Z', ..in_session(105, ME, 101) };
        let facts = [dead, fact(101, ME), in_session(106, ME, 101)];
        let owners = owners(&mut Census::default(), &facts, &leaders(&[(101, B)], &[(101, A)]));
        assert_eq!(owners, BTreeMap::from([(101, Some(B)), (106, Some(B))]));
    }

    #[test]
    fn the_list_of_children_is_good_until_one_is_reaped() {
        let mut census = Census::default();
        assert_eq!(census.children(), None);
        owners(&mut census, &[fact(101, ME), fact(102, 101), fact(105, ME)], &leaders(&[(101, A)], &[]));
        assert_eq!(census.children(), Some(vec![101, 105]));
        assert_eq!((census.owner_of_orphan(105), census.owner_of_orphan(102)), (Some(None), None));
        census.reaped(105);
        assert_eq!((census.children(), census.owner_of_orphan(105)), (None, None));
    }
}
