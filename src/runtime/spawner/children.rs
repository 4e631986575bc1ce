//! The programs that the spawner has started and what became of them.
//!
//! A living leader is unreaped, so its pid, its group and its session are its own, and signals go there by number. An ended leader
//! is reaped at once; what it left behind is signalled process by process, by handles that cannot mean somebody else.
//!
//! Whether an ended leader left something behind is read from the list of our own children: all its descendants hang below an
//! orphan that has become our child. Only an orphan that we do not know yet costs a look at the whole process table.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::census::{Census, Leaders, MOST_LOOKS, Mark};
use super::order::{Key, Report};
use crate::model::{Exit, Signal};
use crate::runtime::os::{self, ProcessFact};
use crate::runtime::sys;
use crate::supervisor::action::Scope;

/// How long leaders that were killed are given to be gone before their trees are looked at: then there is mostly nothing left to look for,
/// and a look takes longer than they do.
const DYING: Duration = Duration::from_millis(10);

/// How often a tree is looked at again for processes that were forked while it was being killed.
const MOST_ROUNDS: usize = 32;

/// All programs, and the reports that have not been sent.
#[derive(Debug)]
pub(super) struct Children {
    me: u32,
    programs: BTreeMap<Key, Program>,
    leaders: Leaders,
    census: Census,
    pace: Pace,
    /// How many looks were spent on the present question; `None`: nothing is to be found out.
    looks: Option<usize>,
    reaches: Vec<Reach>,
    /// When leaders were killed whose trees are still to be looked at.
    killed_at: Option<Instant>,
    /// Leaders that the system would not let us signal in this turn, and its error number.
    refused: Vec<(Key, Signal, i32)>,
    /// News for the supervisor.
    pub(super) reports: Vec<Report>,
}

#[derive(Debug)]
struct Program {
    leader: u32,
    sweep: bool,
    life: Life,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    /// The leader has not ended.
    Running,
    /// The leader ended like this, and it is to be found out whether it left something behind.
    Ended(Exit),
    /// It did, and that is still there.
    Lingering,
}

/// A signal that is to reach processes beyond a living leader's group.
#[derive(Debug, Clone, Copy)]
struct Reach {
    key: Key,
    leader: u32,
    signal: Signal,
    /// Whether the group has been signalled as such.
    group_done: bool,
    /// Whether nobody outside the group is meant.
    group_only: bool,
}

impl Reach {
    fn means(&self, owner: Option<Key>, fact: &ProcessFact) -> bool {
        let in_group = fact.group == self.leader;
        owner == Some(self.key) && if in_group { !self.group_done } else { !self.group_only }
    }
}

impl Children {
    /// Begins with none; `me` is our own pid.
    pub(super) fn new(me: u32) -> Self {
        Self {
            me,
            programs: BTreeMap::new(),
            leaders: Leaders::default(),
            census: Census::default(),
            pace: Pace::default(),
            looks: None,
            reaches: Vec::new(),
            killed_at: None,
            refused: Vec::new(),
            reports: Vec::new(),
        }
    }

    /// What `RUN_MARK` says in the environment of this program.
    pub(super) fn mark(&self, key: Key) -> String {
        format!("{}.{}", self.me, key.0)
    }

    /// A program was executed.
    pub(super) fn spawned(&mut self, key: Key, pid: u32, sweep: bool) {
        self.programs.insert(key, Program { leader: pid, sweep, life: Life::Running });
        self.leaders.living.insert(pid, key);
        self.reports.push(Report::Spawned { key, pid });
    }

    /// A child of ours was reaped.
    pub(super) fn ended(&mut self, pid: u32, exit: Exit) {
        self.census.reaped(pid);
        let key = self.leaders.living.remove(&pid);
        let Some((key, program)) = key.and_then(|key| Some((key, self.programs.get_mut(&key)?))) else {
            let waiting = self.programs.values().any(|program| program.life != Life::Running);
            self.looks = if waiting { Some(0) } else { self.looks };
            return;
        };
        if program.sweep {
            program.life = Life::Ended(exit);
            self.leaders.ended.insert(pid, key);
            self.looks = Some(0);
        } else {
            self.programs.remove(&key);
            self.reports.push(Report::Exited { key, exit, survivors: false });
        }
    }

    /// What a program leaves behind is nobody's concern any more.
    pub(super) fn release(&mut self, key: Key) {
        let Some(program) = self.programs.get_mut(&key) else { return };
        program.sweep = false;
        match program.life {
            Life::Running => {}
            Life::Ended(exit) => {
                self.reports.push(Report::Exited { key, exit, survivors: false });
                self.forget(key);
            }
            Life::Lingering => self.forget(key),
        }
    }

    fn forget(&mut self, key: Key) {
        let Some(Program { leader, .. }) = self.programs.remove(&key) else { return };
        if self.leaders.ended.get(&leader) == Some(&key) {
            self.leaders.ended.remove(&leader);
        }
    }

    /// Sends a signal; what is beyond a living leader's group is reached at the end of the turn, with one look for all.
    pub(super) fn signal(&mut self, key: Key, signal: Signal, scope: Scope) {
        let Some(Program { leader, life, .. }) = self.programs.get(&key) else { return };
        let (leader, lives) = (*leader, *life == Life::Running);
        for signal in with_wake_up(signal) {
            let reach = Reach { key, leader, signal, group_done: lives, group_only: scope == Scope::Group };
            // Whoever has ended meanwhile needs no signal.
            let sent = match (scope, lives) {
                (Scope::Leader, true) => sys::kill(leader, signal),
                (Scope::Group | Scope::Tree, true) => sys::kill_group(leader, signal),
                (Scope::Leader | Scope::Group | Scope::Tree, false) => Ok(()),
            };
            if (scope, lives) == (Scope::Tree, true) || (scope != Scope::Leader && !lives) {
                self.reaches.push(reach);
            }
            let errno = sent.err().and_then(|error| error.raw_os_error());
            self.refused.extend(errno.filter(|errno| *errno == Errno::EPERM as i32).map(|errno| (key, signal, errno)));
        }
    }

    /// Sends a signal to the group of every living leader.
    pub(super) fn signal_all(&self, signal: Signal) {
        for leader in self.leaders.living.keys() {
            let _ = sys::kill_group(*leader, signal);
        }
    }

    /// Reports who could not be signalled, and lives: some systems refuse a signal to one that has just ended, too.
    pub(super) fn report_refused(&mut self) {
        let mut refused = std::mem::take(&mut self.refused);
        refused.dedup();
        for (key, signal, errno) in refused {
            if self.lives(key) {
                self.reports.push(Report::OutOfReach { key, signal, errno });
            }
        }
    }

    /// Sends the signals of this turn to whom no group reaches. KILL is repeated until nobody new is found. Returns how long to wait before
    /// asking again, when it is too early.
    pub(super) fn reach(&mut self) -> Option<Duration> {
        let kills = self.reaches.iter().any(|reach| reach.signal == Signal::KILL);
        if kills && let Some(wait) = self.wait_for_the_dying() {
            return Some(wait);
        }
        let reaches = std::mem::take(&mut self.reaches);
        let rounds = if reaches.is_empty() {
            0
        } else if kills {
            MOST_ROUNDS
        } else {
            1
        };
        let mut signalled = BTreeSet::new();
        for _ in 0..rounds {
            let before = signalled.len();
            for (owner, fact) in self.look() {
                for reach in reaches.iter().filter(|reach| reach.means(owner, &fact)) {
                    if signalled.insert((fact.pid, fact.start_time, reach.signal)) {
                        let _ = os::signal_process(fact.pid, fact.start_time, reach.signal);
                    }
                }
            }
            if signalled.len() == before {
                break;
            }
        }
        None
    }

    /// How long those that were killed may still take. When all are gone and have left nobody behind, there is nobody to be reached.
    fn wait_for_the_dying(&mut self) -> Option<Duration> {
        let left = DYING.saturating_sub(self.killed_at.get_or_insert_with(Instant::now).elapsed());
        let is_over = self.reaches.iter().all(|reach| !self.lives(reach.key));
        if !is_over && !left.is_zero() {
            return Some(left);
        }
        self.killed_at = None;
        if is_over && self.orphans().is_some_and(|orphans| orphans.is_empty()) {
            self.reaches.clear();
        }
        None
    }

    /// Finds out what ended leaders left behind, and reports it. Returns how long to wait before asking again, when it has to
    /// look at the process table more often than is decent.
    pub(super) fn survey(&mut self) -> Option<Duration> {
        while let Some(looks) = self.looks {
            if let Some(owners) = self.owners_of_orphans(looks >= MOST_LOOKS) {
                self.settle(&owners);
                self.looks = None;
                break;
            }
            let wait = self.pace.wait();
            if wait.is_some() {
                return wait;
            }
            self.look();
            self.looks = Some(looks + 1);
        }
        None
    }

    /// Who of the programs has left something behind; `None` when there is an orphan whose owner is to be found out. With
    /// `enough`, those are nobody's.
    fn owners_of_orphans(&self, enough: bool) -> Option<BTreeMap<Key, Vec<u32>>> {
        let mut owners: BTreeMap<Key, Vec<u32>> = BTreeMap::new();
        for pid in self.orphans()? {
            if let Some(key) = self.census.owner_of_orphan(pid).or(enough.then_some(None))? {
                owners.entry(key).or_default().push(pid);
            }
        }
        Some(owners)
    }

    /// Our children that are no leaders; `None` when they are not known.
    fn orphans(&self) -> Option<Vec<u32>> {
        let mut children = os::own_children().or_else(|| self.census.children())?;
        children.retain(|pid| !self.leaders.living.contains_key(pid));
        Some(children)
    }

    fn lives(&self, key: Key) -> bool {
        self.programs.get(&key).is_some_and(|program| program.life == Life::Running)
    }

    fn settle(&mut self, owners: &BTreeMap<Key, Vec<u32>>) {
        let mut gone = Vec::new();
        for (key, program) in &mut self.programs {
            let (key, survivors) = (*key, owners.contains_key(key));
            match program.life {
                Life::Running => continue,
                Life::Ended(exit) => {
                    if let Some(pids) = owners.get(&key) {
                        self.reports.push(Report::LeftBehind { key, pids: pids.clone() });
                    }
                    self.reports.push(Report::Exited { key, exit, survivors });
                    program.life = Life::Lingering;
                }
                Life::Lingering if survivors => {}
                Life::Lingering => self.reports.push(Report::Vanished { key }),
            }
            if !survivors {
                gone.push(key);
            }
        }
        for key in gone {
            self.forget(key);
        }
    }

    /// One look at the process table: every living process below us with its owner.
    fn look(&mut self) -> Vec<(Option<Key>, ProcessFact)> {
        let begun = Instant::now();
        let facts = os::processes();
        let prefix = format!("{}.", self.me);
        let key = |mark: String| mark.strip_prefix(&prefix)?.parse().ok().map(Key);
        let mark = |pid| match os::environment(pid) {
            Some(environment) if environment.is_empty() => Mark::Empty,
            environment => {
                environment.and_then(|all| os::value_in(&all, os::MARK)).and_then(key).map_or(Mark::Nobody, Mark::Of)
            }
        };
        let mut ended = self.programs.iter().filter(|(_, program)| matches!(program.life, Life::Ended(_)));
        let (latest, is_sole) = (ended.next().map(|(key, _)| *key), ended.next().is_none());
        self.leaders.latest = latest.filter(|_| is_sole);
        let found = self.census.take(facts, self.me, &self.leaders, mark);
        self.pace.looked(begun, Instant::now());
        found
    }

    /// What is below us and belongs to no living leader: pid and command name.
    pub(super) fn outlived(&mut self) -> Vec<(u32, String)> {
        let found = self.look();
        let lives = |owner: Option<Key>| owner.is_some_and(|key| self.lives(key));
        found.into_iter().filter(|(owner, _)| !lives(*owner)).map(|(_, fact)| (fact.pid, fact.name)).collect()
    }
}

/// A signal that asks for an end is followed by CONT: a stopped program could not hear it (systemd.kill(5) says that
/// systemd does the same).
fn with_wake_up(signal: Signal) -> impl Iterator<Item = Signal> {
    let asks_for_end = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM].contains(&signal);
    [signal].into_iter().chain(asks_for_end.then_some(Signal::CONT))
}

/// Spaces the looks at the process table, so that they take at most a third of our time however many programs end.
#[derive(Debug, Default)]
struct Pace {
    free_at: Option<Instant>,
}

impl Pace {
    fn looked(&mut self, begun: Instant, now: Instant) {
        self.free_at = Some(now + 2 * (now - begun));
    }

    fn wait(&self) -> Option<Duration> {
        self.free_at?.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_an_end_wakes_the_stopped() {
        assert_eq!(with_wake_up(Signal::TERM).collect::<Vec<_>>(), [Signal::TERM, Signal::CONT]);
        assert_eq!(with_wake_up(Signal::KILL).collect::<Vec<_>>(), [Signal::KILL]);
        assert_eq!(with_wake_up(Signal::STOP).collect::<Vec<_>>(), [Signal::STOP]);
    }

    #[test]
    fn looks_are_spaced_by_what_they_cost() {
        let mut pace = Pace::default();
        assert_eq!(pace.wait(), None);
        let now = Instant::now();
        pace.looked(now, now + Duration::from_secs(10));
        assert!(pace.wait().unwrap() > Duration::from_secs(25));
    }
}
