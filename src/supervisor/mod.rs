//! The state machine: a pure function from events to actions.
//!
//! # Theory of operation
//!
//! [`Supervisor::step`] is the only way in. It is handed the time and one [`Event`], and appends to a list what should be done
//! to the world. It never looks at a clock, a file or a process; what it knows of them came in as events.
//!
//! What is *wanted* of a process ([`process::Intent`]) is kept apart from what *is* ([`process::Phase`]). Commands change the
//! intent and nothing else. Facts (spawned, exited, a probe's answer, a timer) change the phase. After either, every process
//! that might now move stands in a dirty queue, ordered by start order, and [`reconcile`] drives each of them one step towards
//! its intent until nothing moves any more: up when every dependency is satisfied, down when nobody who depends on it is alive.
//! Start, restart, recovery of a dependency and shutdown are this same pass.
//!
//! A new config ([`reload`]) gives the slots other definitions and the graph other edges, and changes intents; the same pass
//! does the rest.
//!
//! Everything late carries a [`Generation`](crate::model::Generation): news of an earlier incarnation is dropped. Timers are a table ([`timers`]); waiting
//! requests are waiters ([`command`]) that are looked at after each pass and answered exactly once. Event listeners are told of every
//! change by [`listener`], which costs nothing while there are none.
//!
//! # Promises
//!
//! * The same events give the same actions, bit for bit.
//! * An early or repeated [`Event::Tick`] does nothing. An event of an old generation does nothing.
//! * `step` never panics, on any event in any phase.
//! * The work of a step is bounded by the number of processes and dependencies.
//! * After [`Event::Terminate`] the sum of all stop waits bounds the time to [`Action::Finish`].
//!
//! The driver must call `step(now, Event::Tick)` when [`Supervisor::next_deadline`] has come; sooner or more often is harmless.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm,
    clippy::iter_over_hash_type,
    clippy::unwrap_used,
    clippy::print_stdout
)]

pub mod action;
pub mod chronicle;
pub mod edition;
pub mod event;
pub mod notice;
pub mod snapshot;

mod background;
mod backoff;
mod command;
mod edges;
mod files;
mod health;
mod held;
mod invariant;
mod listener;
mod process;
mod process_list;
mod readiness;
mod reconcile;
mod reload;
mod settled;
mod shutdown;
mod slots;
mod stop_order;
mod stopping;
mod telling;
#[cfg(test)]
mod tests;
mod timers;
mod transition;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::action::Action;
use self::command::Waiters;
use self::edges::EdgeTable;
use self::edition::Edition;
use self::event::Event;
use self::held::Held;
use self::listener::Listeners;
use self::notice::Notice;
use self::process::{Membership, Phase, Process};
use self::shutdown::Shutdown;
use self::snapshot::Snapshot;
use self::stop_order::StopOrder;
use self::timers::TimerTable;
use self::view::Views;
use crate::model::{Moment, Now, ProcessId, ProcessName, Program, Project};
use crate::plan::definition::Definition;
use crate::plan::graph::{Cycle, DependencyGraph};
use crate::plan::ports::Ports;

/// When the end of a program ends the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExitPolicy {
    /// Others stay up.
    #[default]
    KeepGoing,
    /// A process that fails for good ends the run with its code.
    OnFailure,
    /// Any end ends the run with its code.
    OnEnd,
}

/// The state of a running project.
#[derive(Debug, Clone)]
pub struct Supervisor {
    edition: Edition,
    /// What happened that the user should know, beyond what the edition brought along.
    noted: Vec<String>,
    /// Which slot a name has: for life, in use or not.
    slots: BTreeMap<ProcessName, ProcessId>,
    graph: Arc<DependencyGraph>,
    policy: ExitPolicy,
    /// Position of each process in the start order.
    rank: Vec<usize>,
    /// Who stops before whom at the end, beyond what dependencies say.
    stop_order: StopOrder,
    start_order: Arc<[ProcessId]>,
    processes: Vec<Process>,
    edges: EdgeTable,
    timers: TimerTable,
    waiters: Waiters,
    held: Held,
    listeners: Listeners,
    /// Who might move, by start order.
    dirty: BTreeSet<(usize, ProcessId)>,
    /// Who is being ended because of a new config.
    outgoing: BTreeSet<ProcessId>,
    /// Who is wanted and not where it should be yet.
    moving: BTreeSet<ProcessId>,
    /// Whose phase, intent or record changed in this step.
    changed: BTreeSet<ProcessId>,
    now: Now,
    began: Now,
    /// Who was named at the beginning, and whether what they need was started, too.
    begun_with: (Option<Vec<ProcessId>>, bool),
    shutdown: Option<Shutdown>,
    finished: bool,
    /// What was last said of the project as a whole.
    settled: settled::Said,
    actions: Vec<Action>,
    views: Views,
}

impl Supervisor {
    /// A project at rest, without ports; [`Event::Begin`] sets it going. Fails only on a circle, which the loader refuses first.
    pub fn new(project: Arc<Project>, policy: ExitPolicy, now: Now) -> Result<Self, Cycle> {
        Ok(Self::of(Edition::new(project, Ports::default())?, policy, now))
    }

    /// A project at rest; [`Event::Begin`] sets it going.
    pub fn of(edition: Edition, policy: ExitPolicy, now: Now) -> Self {
        let processes: Vec<Process> = (0u32..)
            .zip(Definition::all(edition.project()))
            .map(|(id, definition)| Process::new(ProcessId(id), definition))
            .collect();
        let graph = DependencyGraph::default();
        let mut slots = BTreeMap::new();
        for process in &processes {
            slots.entry(process.definition.name().clone()).or_insert(process.id);
        }
        let mut supervisor = Self {
            edges: EdgeTable::new(&graph, &[]),
            views: Views::new(processes.len()),
            changed: processes.iter().map(|process| process.id).collect(),
            graph: Arc::new(graph),
            edition,
            noted: Vec::new(),
            slots,
            policy,
            rank: Vec::new(),
            stop_order: StopOrder::default(),
            start_order: Arc::new([]),
            processes,
            timers: TimerTable::default(),
            waiters: Waiters::default(),
            held: Held::default(),
            listeners: Listeners::default(),
            dirty: BTreeSet::new(),
            outgoing: BTreeSet::new(),
            moving: BTreeSet::new(),
            now,
            began: now,
            begun_with: (None, true),
            shutdown: None,
            finished: false,
            settled: settled::Said::default(),
            actions: Vec::new(),
        };
        supervisor.rebuild();
        supervisor.sync_listeners();
        supervisor
    }

    /// Takes in one happening and appends what is to be done. `now` may not lie before an earlier one; if it does, the
    /// earlier one counts.
    pub fn step(&mut self, now: Now, event: Event, actions: &mut Vec<Action>) {
        self.now = Now { mono: now.mono.max(self.now.mono), wall: now.wall };
        if self.finished {
            self.refuse_after_the_end(&event);
        } else {
            self.fire_timers();
            self.take(event);
            self.settle();
            #[cfg(debug_assertions)]
            self.check_sampled();
        }
        actions.append(&mut self.actions);
    }

    /// When `step` must be called at the latest, if nothing happens before.
    pub fn next_deadline(&self) -> Option<Moment> {
        if self.finished { None } else { self.timers.next() }
    }

    /// The state for readers. Only what changed since the last call is built anew.
    pub fn snapshot(&mut self) -> Snapshot {
        self.view()
    }

    /// Everything is down and [`Action::Finish`] was given.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// What a process is called inside its group; empty for one that is not there.
    pub fn process_name(&self, id: ProcessId) -> &str {
        self.processes.get(id.index()).map_or("", |process| &process.definition.name().process)
    }

    /// The graph it works on.
    pub fn graph(&self) -> &DependencyGraph {
        &self.graph
    }

    /// What the config says of a process that is in use, or was.
    pub fn definition(&self, id: ProcessId) -> Option<&Definition> {
        self.processes.get(id.index()).map(|process| &process.definition)
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Tick => {}
            Event::Begin { processes, with_needs } => self.begin(processes, with_needs),
            Event::EnvRead { process, generation, contents } => self.env_read(process, generation, contents),
            Event::Spawned { process, generation, pid } => self.spawned(process, generation, pid),
            Event::SpawnFailed { process, generation, failure } => self.spawn_failed(process, generation, failure),
            Event::Exited { process, generation, exit, survivors } => {
                self.exited(process, generation, exit, survivors);
            }
            Event::LeftBehind { process, generation, survivors } => self.left_behind(process, generation, survivors),
            Event::OutOfReach { process, generation, signal, reason } => {
                self.out_of_reach((process, generation), signal, reason);
            }
            Event::Vanished { process, generation } => self.vanished(process, generation),
            Event::Probed { process, generation, verdict } => self.probed(process, generation, verdict),
            Event::Checked { process, generation, attempt, verdict } => {
                self.checked(process, generation, attempt, verdict);
            }
            Event::Measured { process, generation, bytes } => self.measured(process, generation, bytes),
            Event::ListenerSaid { process, generation, words } => self.listener_said(process, generation, words),
            Event::ListenerDeaf { process, generation } => self.listener_deaf(process, generation),
            Event::Printed { process, generation, channel, kind, data } => {
                self.printed((process, generation), channel, kind, &data);
            }
            Event::FilesChanged { processes, files } => self.files_changed(processes, &files),
            Event::Noted(note) => self.note(note),
            Event::Command(request, command) => self.command(request, command),
            Event::Forget(request) => self.forget(request),
            Event::Terminate(urgency) => self.terminate(urgency, None),
        }
    }

    /// Lets everything move that can, then tells those who wait.
    fn settle(&mut self) {
        loop {
            // Before anything moves: who serves others is not started by the step that ends the run.
            self.bury();
            self.end_if_over();
            if self.dirty.is_empty() {
                break;
            }
            while let Some((_, id)) = self.dirty.pop_first() {
                self.reconcile(id);
            }
        }
        self.dispatch_events();
        self.tell_what_stayed();
        self.note_words();
        self.answer_waiters();
        self.say_settled();
        self.finish_if_down();
        // Not `append`, which builds the whole set anew.
        self.views.stale.extend(std::mem::take(&mut self.changed));
    }

    fn at(&self, id: ProcessId) -> &Process {
        &self.processes[id.index()]
    }

    fn at_mut(&mut self, id: ProcessId) -> &mut Process {
        self.changed.insert(id);
        &mut self.processes[id.index()]
    }

    /// Whether an event names a process that is in use; anything else is dropped.
    fn knows(&self, id: ProcessId) -> bool {
        self.processes.get(id.index()).is_some_and(|process| process.membership != Membership::Gone)
    }

    fn program(&self, id: ProcessId) -> &Program {
        self.at(id).program()
    }

    fn name(&self, id: ProcessId) -> String {
        self.at(id).definition.name().to_string()
    }

    fn say(&mut self, notice: Notice) {
        self.actions.push(Action::Say(notice));
    }

    /// Marks a process as one that might move.
    fn touch(&mut self, id: ProcessId) {
        self.dirty.insert((self.rank[id.index()], id));
    }

    /// The one place where a phase changes: whoever might move because of it is marked.
    fn enter(&mut self, id: ProcessId, phase: Phase) {
        let run = self.at(id).run().map(|run| run.pid.unwrap_or(0));
        self.at_mut(id).phase = phase;
        self.count_alive(id, run.is_some());
        let ended = run.filter(|_| !self.at(id).is_alive());
        self.tell_state(id, ended);
        self.touch(id);
        self.refresh_edges(id);
        if ended.is_some() {
            self.listener_ends(id);
            let graph = Arc::clone(&self.graph);
            for (_, need, _) in graph.needs(id) {
                self.touch(need);
            }
            self.went_out(id);
        }
    }

    /// Takes in what a process has become for those who need it.
    fn refresh_edges(&mut self, id: ProcessId) {
        let graph = Arc::clone(&self.graph);
        for (edge, dependent, weight) in graph.dependents(id) {
            if self.edges.update(edge, dependent.index(), &self.processes[id.index()], weight) || weight.restart {
                self.touch(dependent);
                self.changed.insert(dependent);
            }
        }
    }
}
