//! The invariants of event listeners: an event is with at most one member, none is lost but by a full buffer, and that is said;
//! new ones come in order; a member that broke the protocol gets none; states follow supervisord's diagram.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use run::model::public_event::{Delivery, ListenerWord};
use run::model::{ProcessId, ProcessState};
use run::supervisor::snapshot::Snapshot;

/// What a pool has been through, by the serials of its events.
#[derive(Debug, Default)]
struct Pool {
    /// Seen at least once.
    seen: BTreeSet<u64>,
    /// Done with for good.
    over: BTreeSet<u64>,
    /// Given back, and to be given again.
    back: BTreeSet<u64>,
}

/// What a member has, and whether it may get something.
#[derive(Debug, Default)]
struct Member {
    has: Option<(String, u64)>,
    is_ready: bool,
    /// Whether it was when its run ended.
    was_ready: bool,
    is_lost: bool,
}

/// All pools and members.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    pools: BTreeMap<String, Pool>,
    members: BTreeMap<ProcessId, Member>,
    /// The last serial of all, with the event's name: one number, one event.
    names: BTreeMap<u64, String>,
}

impl Deliveries {
    fn pool(&mut self, name: &str) -> &mut Pool {
        self.pools.entry(name.to_owned()).or_default()
    }

    fn member(&mut self, process: ProcessId) -> &mut Member {
        self.members.entry(process).or_default()
    }

    pub(crate) fn given(&mut self, process: ProcessId, delivery: &Arc<Delivery>) {
        let (name, serial) = (delivery.pool.clone(), delivery.pool_serial);
        let held = self.members.values().any(|member| member.has.as_ref() == Some(&(name.clone(), serial)));
        assert!(!held, "20: event {serial} of {name} is with two members");
        let member = self.member(process);
        assert!(member.has.is_none(), "20: {process:?} has {:?} and is given {serial}", member.has);
        assert!(member.is_ready && !member.is_lost, "20: {process:?} is given {serial} and is not ready");
        (member.has, member.is_ready) = (Some((name.clone(), serial)), false);
        let pool = self.pool(&name);
        assert!(!pool.over.contains(&serial), "20: event {serial} of {name} was over");
        if pool.seen.insert(serial) {
            let missing = (0..serial).find(|earlier| !pool.seen.contains(earlier));
            assert!(missing.is_none(), "20: {name} is given {serial} before {missing:?}");
        } else {
            assert!(pool.back.remove(&serial), "20: event {serial} of {name} comes again and was not given back");
        }
        let kind = format!("{} {}", delivery.event.kind, delivery.event.payload.as_str());
        let known = self.names.entry(delivery.serial).or_insert_with(|| kind.clone());
        assert_eq!(*known, kind, "20: serial {} is two events", delivery.serial);
        check_state(delivery);
    }

    pub(crate) fn dropped(&mut self, delivery: &Arc<Delivery>) {
        let held = (delivery.pool.clone(), delivery.pool_serial);
        let is_held = self.members.values().any(|member| member.has.as_ref() == Some(&held));
        assert!(!is_held, "20: {held:?} is dropped and is with somebody");
        let pool = self.pool(&held.0);
        pool.seen.insert(held.1);
        pool.back.remove(&held.1);
        assert!(pool.over.insert(held.1), "20: {held:?} is dropped twice");
    }

    pub(crate) fn rejected(&mut self, process: ProcessId, delivery: &Arc<Delivery>) {
        let is_back = self.pool(&delivery.pool).back.contains(&delivery.pool_serial);
        assert!(is_back, "20: {process:?} did not reject {}", delivery.pool_serial);
    }

    /// A listener speaks: what that means for what it has is worked out here once more.
    pub(crate) fn said(&mut self, process: ProcessId, words: &[ListenerWord]) {
        for word in words {
            let member = self.member(process);
            if member.is_lost {
                return;
            }
            match (word, member.has.clone()) {
                (ListenerWord::Ready, None) if !member.is_ready => member.is_ready = true,
                (ListenerWord::Result { accepted }, Some((pool, serial))) => {
                    member.has = None;
                    let pool = self.pool(&pool);
                    if *accepted { &mut pool.over } else { &mut pool.back }.insert(serial);
                }
                (ListenerWord::Ready | ListenerWord::Result { .. } | ListenerWord::Nonsense(_), _) => {
                    self.lost(process);
                }
            }
        }
    }

    /// It gets no more in this run.
    pub(crate) fn lost(&mut self, process: ProcessId) {
        self.give_back(process);
        self.member(process).is_lost = true;
    }

    /// Its run is over.
    pub(crate) fn ended(&mut self, process: ProcessId) {
        self.give_back(process);
        let member = self.member(process);
        member.was_ready = std::mem::take(&mut member.is_ready);
    }

    /// Given by a timer that was due in the step that tells the end, before that was told.
    pub(crate) fn given_before_the_end(&mut self, process: ProcessId, delivery: &Arc<Delivery>) {
        let member = self.member(process);
        member.is_ready = std::mem::take(&mut member.was_ready);
        self.given(process, delivery);
        self.ended(process);
    }

    /// A new run begins.
    pub(crate) fn began(&mut self, process: ProcessId) {
        let before = self.members.insert(process, Member::default());
        assert!(before.is_none_or(|member| member.has.is_none()), "20: {process:?} begins with an event");
    }

    /// After a step nothing that was given back waits beside somebody who could take it.
    pub(crate) fn after(&self, snapshot: &Snapshot) {
        for (process, _) in self.members.iter().filter(|(_, member)| member.is_ready && !member.is_lost) {
            let Some(info) = snapshot.get(*process).filter(|info| info.state == ProcessState::Running) else {
                continue;
            };
            let back = self.pools.get(info.program.as_str()).map(|pool| &pool.back);
            let waits = back.is_some_and(|back| !back.is_empty()) && !snapshot.is_shutting_down;
            assert!(!waits, "20: {back:?} wait although {} is ready", info.name);
        }
    }

    fn give_back(&mut self, process: ProcessId) {
        if let Some((pool, serial)) = self.member(process).has.take() {
            self.pool(&pool).back.insert(serial);
        }
    }
}

/// supervisord's diagram, and what run.toml adds to it: a task that ends before it is RUNNING, what is blocked, what was waiting.
fn check_state(delivery: &Delivery) {
    let kind = delivery.event.kind.name();
    let Some(to) = kind.strip_prefix("PROCESS_STATE_") else { return };
    let from = delivery.event.payload.as_str().split("from_state:").nth(1).and_then(|rest| rest.split(' ').next());
    let from = from.expect("every state has one before it");
    let is_legal = match from {
        "STOPPED" => ["STARTING", "FATAL"].contains(&to),
        "STARTING" => ["RUNNING", "BACKOFF", "STOPPING", "STOPPED", "EXITED", "FATAL"].contains(&to),
        "RUNNING" => ["STOPPING", "EXITED", "STOPPED"].contains(&to),
        "STOPPING" => ["STOPPED", "BACKOFF", "EXITED", "FATAL", "UNKNOWN"].contains(&to),
        "UNKNOWN" => ["STOPPED", "BACKOFF", "EXITED", "FATAL", "STOPPING"].contains(&to),
        "BACKOFF" => ["STARTING", "FATAL", "STOPPED"].contains(&to),
        "EXITED" => ["STARTING", "BACKOFF", "FATAL", "STOPPED"].contains(&to),
        "FATAL" => ["STARTING", "STOPPED", "FATAL"].contains(&to),
        _ => false,
    };
    assert!(is_legal, "21: {}", delivery.event.payload.as_str());
}
