//! Event listeners: pools, and who of a pool has which event (supervisor `process.py` `EventListenerPool`).
//!
//! A pool is the processes of one listener program. An event waits in the buffer of every pool that asked for its type, until one
//! member is RUNNING and READY; when the buffer is full the oldest is dropped, and that is said. A member has one event at a time. What it
//! rejects, or had when it died, goes back to the head of the buffer.
//!
//! Without a pool nothing of this costs anything: no event is rendered, no timer is armed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::Supervisor;
use super::action::Action;
use super::chronicle::Entry;
use super::notice::Notice;
use super::process::{Membership, Phase, Process};
use super::snapshot::ListenerInfo;
use crate::model::public_event::{Delivery, ListenerWord, OutputKind, PublicEvent, SharedText, TickPeriod};
use crate::model::{Channel, EventType, Generation, ListenerState, ProcessId, ProcessState};

/// All pools, and what listeners have been told so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Listeners {
    /// By the name of the program.
    pub(super) pools: BTreeMap<String, Pool>,
    /// The serial of the next event that anybody is told of.
    serial: u64,
    /// The states that were told last, by process.
    pub(super) told: Vec<ProcessState>,
    /// What was written by processes of which nobody has said yet that they are there: it is told with their pid.
    pub(super) early: Vec<Early>,
    /// The last multiple of each period that was told.
    pub(super) ticks: BTreeMap<TickPeriod, u64>,
}

/// Output that came before the news of its process.
#[derive(Debug, Clone)]
pub(super) struct Early {
    pub(super) run: (ProcessId, Generation),
    pub(super) channel: Channel,
    pub(super) kind: OutputKind,
    pub(super) data: SharedText,
}

/// The processes of one listener program.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub(super) group: String,
    events: Vec<EventType>,
    buffer_size: usize,
    buffer: VecDeque<Arc<Delivery>>,
    /// The serial of its next event.
    next_serial: u64,
    members: BTreeMap<ProcessId, Member>,
    /// It takes events: its group has been added.
    pub(super) is_open: bool,
}

/// One of them.
#[derive(Debug, Clone)]
struct Member {
    state: ListenerState,
    was_ready: bool,
    event: Option<Arc<Delivery>>,
}

impl Member {
    fn new() -> Self {
        Self { state: ListenerState::Acknowledged, was_ready: false, event: None }
    }
}

impl Pool {
    pub(super) fn wants(&self, kind: EventType) -> bool {
        self.is_open && self.events.iter().any(|asked| asked.covers(kind))
    }

    /// Makes room for one more; what had to go.
    fn make_room(&mut self) -> Option<Arc<Delivery>> {
        if self.buffer.len() >= self.buffer_size { self.buffer.pop_front() } else { None }
    }
}

impl Supervisor {
    /// Takes in which listener programs there are, at the start and after the project has changed. What waits in a pool that
    /// stays is kept; an event of a member that is gone goes back to its pool.
    pub(super) fn sync_listeners(&mut self) {
        let mut old = std::mem::take(&mut self.listeners.pools);
        let mut pools = BTreeMap::new();
        let mut orphaned = Vec::new();
        for process in self.processes.iter().filter(|process| process.membership != Membership::Gone) {
            let program = process.program();
            let Some(listener) = program.listener() else { continue };
            let before = old.get(program.name.as_str());
            let pool = pools.entry(program.name.to_string()).or_insert_with(|| Pool {
                group: process.definition.name().group.clone(),
                events: listener.events.clone(),
                buffer_size: usize::try_from(listener.buffer_size).unwrap_or(usize::MAX).max(1),
                buffer: before.map(|pool| pool.buffer.clone()).unwrap_or_default(),
                next_serial: before.map_or(0, |pool| pool.next_serial),
                members: BTreeMap::new(),
                is_open: self.settled.has_begun,
            });
            let member = old_member(&mut old, process.id);
            pool.members.insert(process.id, member.unwrap_or_else(Member::new));
        }
        for (name, pool) in old {
            orphaned.extend(pool.members.into_values().filter_map(|member| Some((name.clone(), member.event?))));
        }
        self.listeners.pools = pools;
        for (name, event) in orphaned {
            self.requeue(&name, event);
        }
        self.arm_ticks();
    }

    /// Puts an event into the buffer of everybody who asked for its type. It is made only if there is one.
    pub(super) fn publish(&mut self, event: impl FnOnce() -> PublicEvent, kind: EventType) {
        let Listeners { pools, serial, .. } = &mut self.listeners;
        let mut takers = pools.iter_mut().filter(|(_, pool)| pool.wants(kind)).peekable();
        if takers.peek().is_none() {
            return;
        }
        let (event, number) = (event(), *serial);
        *serial += 1;
        let mut dropped = Vec::new();
        for (name, pool) in takers {
            let delivery =
                Delivery { pool: name.clone(), serial: number, pool_serial: pool.next_serial, event: event.clone() };
            pool.next_serial += 1;
            dropped.extend(pool.make_room());
            pool.buffer.push_back(Arc::new(delivery));
            self.changed.extend(pool.members.keys());
        }
        for delivery in dropped {
            self.drop_event(delivery);
        }
        self.dispatch_events();
    }

    fn drop_event(&mut self, delivery: Arc<Delivery>) {
        self.chronicle(Entry::EventDropped { delivery: Arc::clone(&delivery) });
        self.say(Notice::EventDropped { delivery });
    }

    /// Puts an event back to the head of its pool's buffer, where it is dropped all the same if there is no room.
    fn requeue(&mut self, pool: &str, delivery: Arc<Delivery>) {
        let Some(pool) = self.listeners.pools.get_mut(pool) else { return };
        let (waiting, room) = (pool.buffer.len(), pool.buffer_size);
        let dropped = pool.make_room();
        pool.buffer.push_front(Arc::clone(&delivery));
        self.changed.extend(pool.members.keys());
        self.chronicle(Entry::EventKept { delivery, waiting, room });
        if let Some(delivery) = dropped {
            self.drop_event(delivery);
        }
    }

    /// Gives what waits to members that can take it, oldest first.
    pub(super) fn dispatch_events(&mut self) {
        for pool in self.listeners.pools.values_mut().filter(|pool| !pool.buffer.is_empty()) {
            for (id, member) in &mut pool.members {
                let process = &self.processes[id.index()];
                if member.state != ListenerState::Ready || !is_running(process) {
                    continue;
                }
                let Some(delivery) = pool.buffer.pop_front() else { break };
                (member.state, member.event) = (ListenerState::Busy, Some(Arc::clone(&delivery)));
                let sent = Entry::EventSent { process: *id, delivery: Arc::clone(&delivery) };
                self.actions.push(Action::Deliver { process: *id, generation: process.generation, delivery });
                self.actions.push(Action::Chronicle(sent));
            }
            self.changed.extend(pool.members.keys());
        }
    }

    /// What a listener is at; `None` for any other process.
    pub(super) fn listener_info(&self, id: ProcessId) -> Option<ListenerInfo> {
        let pool = self.listeners.pools.get(self.program(id).name.as_str())?;
        let Member { state, was_ready, .. } = pool.members.get(&id)?;
        Some(ListenerInfo { state: *state, was_ready: *was_ready, waiting: pool.buffer.len() })
    }

    fn member(&mut self, id: ProcessId) -> Option<(&String, &mut Member)> {
        self.changed.insert(id);
        self.listeners.pools.iter_mut().find_map(|(name, pool)| Some((name, pool.members.get_mut(&id)?)))
    }

    /// A listener said something.
    pub(super) fn listener_said(&mut self, id: ProcessId, generation: Generation, words: Vec<ListenerWord>) {
        if self.is_current(id, generation) && self.at(id).is_alive() {
            for word in words {
                self.listener_word(id, word);
            }
        }
    }

    fn listener_word(&mut self, id: ProcessId, word: ListenerWord) {
        let Some((pool, member)) = self.member(id) else { return };
        let pool = pool.clone();
        match (member.state, word) {
            (ListenerState::Unknown, _) => {}
            (from @ ListenerState::Acknowledged, ListenerWord::Ready) => {
                (member.state, member.was_ready) = (ListenerState::Ready, true);
                self.chronicle(Entry::ListenerTurned { process: id, from, to: ListenerState::Ready });
            }
            (ListenerState::Busy, ListenerWord::Result { accepted }) => {
                member.state = ListenerState::Acknowledged;
                let refused = member.event.take().filter(|_| !accepted);
                self.chronicle_result(id, accepted);
                if let Some(delivery) = refused {
                    self.say(Notice::EventRejected { process: id, delivery: Arc::clone(&delivery) });
                    self.requeue(&pool, delivery);
                }
            }
            (ListenerState::Busy, ListenerWord::Ready) => {
                self.chronicle(Entry::BadResult { process: id, said: "READY".to_owned() });
                self.lose_listener(id, "READY instead of a RESULT");
            }
            (ListenerState::Acknowledged, ListenerWord::Result { .. }) => {
                self.lose_listener(id, "a RESULT without an event");
            }
            (ListenerState::Ready, ListenerWord::Ready | ListenerWord::Result { .. }) => {
                self.lose_listener(id, "something after READY");
            }
            (
                state @ (ListenerState::Acknowledged | ListenerState::Ready | ListenerState::Busy),
                ListenerWord::Nonsense(text),
            ) => {
                let said = text.escape_debug().to_string();
                let what = format!("`{said}`");
                if state == ListenerState::Busy {
                    self.chronicle(Entry::BadResult { process: id, said });
                }
                self.lose_listener(id, &what);
            }
        }
    }

    /// It has answered, and has nothing to do now.
    fn chronicle_result(&mut self, process: ProcessId, accepted: bool) {
        self.chronicle(if accepted { Entry::EventProcessed { process } } else { Entry::EventRejected { process } });
        let (from, to) = (ListenerState::Busy, ListenerState::Acknowledged);
        self.chronicle(Entry::ListenerTurned { process, from, to });
    }

    /// Nobody reads its stdin any more.
    pub(super) fn listener_deaf(&mut self, id: ProcessId, generation: Generation) {
        let is_current = self.is_current(id, generation) && self.at(id).is_alive();
        let state = self.member(id).map(|(_, member)| member.state).filter(|_| is_current);
        if state.is_some_and(|state| state != ListenerState::Unknown) {
            self.lose_listener(id, "nothing: it has closed its stdin");
        }
    }

    /// It gets no more events until it is started again; what it had goes to another.
    fn lose_listener(&mut self, id: ProcessId, said: &str) {
        let Some((pool, member)) = self.member(id) else { return };
        let pool = pool.clone();
        let to = ListenerState::Unknown;
        let from = std::mem::replace(&mut member.state, to);
        let event = member.event.take();
        self.chronicle(Entry::ListenerTurned { process: id, from, to });
        self.chronicle(Entry::ListenerLost { process: id });
        self.say(Notice::ListenerLost { process: id, said: said.to_owned() });
        if let Some(delivery) = event {
            self.requeue(&pool, delivery);
        }
    }

    /// A new incarnation has said nothing yet.
    pub(super) fn listener_begins(&mut self, id: ProcessId) {
        if let Some((_, member)) = self.member(id) {
            *member = Member::new();
        }
    }

    /// Its run is over: what it had goes to another, or waits for the next run.
    pub(super) fn listener_ends(&mut self, id: ProcessId) {
        let Some((pool, member)) = self.member(id) else { return };
        let pool = pool.clone();
        member.state = ListenerState::Acknowledged;
        if let Some(delivery) = member.event.take() {
            self.requeue(&pool, delivery);
        }
    }

    /// Panics when the books of the pools contradict themselves. For [`Supervisor::check_invariants`].
    pub(super) fn check_listeners(&self) {
        for (name, pool) in &self.listeners.pools {
            assert!(pool.buffer.len() <= pool.buffer_size, "the buffer of {name} is too full");
            let held = pool.members.values().filter_map(|member| member.event.as_ref());
            let mut serials: Vec<u64> = pool.buffer.iter().chain(held).map(|event| event.pool_serial).collect();
            serials.sort_unstable();
            assert!(serials.windows(2).all(|pair| pair[0] < pair[1]), "an event of {name} is in two places");
            for (id, member) in &pool.members {
                let process = &self.processes[id.index()];
                assert_eq!(member.state == ListenerState::Busy, member.event.is_some(), "{id:?} is {:?}", member.state);
                assert!(process.is_alive() || member.event.is_none(), "{id:?} is dead and has an event");
                let could = member.state == ListenerState::Ready && is_running(process) && !self.finished;
                assert!(!could || pool.buffer.is_empty(), "{id:?} could take an event of {name}");
            }
        }
        for process in &self.processes {
            let told = self.listeners.told.get(process.id.index()).copied().unwrap_or(ProcessState::Stopped);
            assert_eq!(told, process.state(), "{:?} was told to be {told:?}", process.id);
        }
    }
}

/// The member of any pool with this process, taken out.
fn old_member(pools: &mut BTreeMap<String, Pool>, id: ProcessId) -> Option<Member> {
    pools.values_mut().find_map(|pool| pool.members.remove(&id))
}

fn is_running(process: &Process) -> bool {
    match &process.phase {
        Phase::Running(_) => true,
        Phase::Stopped
        | Phase::Waiting
        | Phase::Blocked { .. }
        | Phase::Starting(_)
        | Phase::Stopping(_)
        | Phase::Backoff { .. }
        | Phase::Exited { .. }
        | Phase::Fatal => false,
    }
}
