//! Slots: which process has which [`ProcessId`], and the graph, orders and edges over those in use.
//!
//! A slot belongs to a name for as long as the supervisor lives, so that whoever holds an id never means another process.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Supervisor;
use super::action::Action;
use super::edges::EdgeTable;
use super::notice::Notice;
use super::process::{Membership, Phase, Process};
use super::stop_order::StopOrder;
use crate::model::ProcessId;
use crate::plan::definition::Definition;
use crate::plan::graph::{DependencyGraph, Member};
use crate::plan::order;
use crate::plan::reload::compare;

/// What a new config means for one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The name is new, or was gone.
    New,
    /// It was on its way out.
    Returns { needs_restart: bool },
    /// It stays.
    Stays { needs_restart: bool, was_active: bool },
}

impl Supervisor {
    /// Gives every process of the new config its slot, and marks those that it no longer has.
    pub(super) fn allot(&mut self) -> Vec<(ProcessId, Fate)> {
        let mut fates = Vec::new();
        let mut seen = BTreeSet::new();
        for definition in Definition::all(&Arc::clone(self.edition.project())) {
            let slot = self.slots.get(definition.name()).copied();
            match slot {
                Some(id) if !seen.insert(id) => {}
                Some(id) => fates.push((id, self.redefine(id, definition))),
                None => {
                    let id = self.add_slot(definition);
                    seen.insert(id);
                    fates.push((id, Fate::New));
                }
            }
        }
        for process in &mut self.processes {
            if process.is_member() && !seen.contains(&process.id) {
                process.membership = Membership::Leaving;
            }
        }
        fates
    }

    fn add_slot(&mut self, definition: Definition) -> ProcessId {
        let id = ProcessId(u32::try_from(self.processes.len()).unwrap_or(u32::MAX));
        self.slots.insert(definition.name().clone(), id);
        self.processes.push(Process::new(id, definition));
        self.views.add_slot(id);
        id
    }

    fn redefine(&mut self, id: ProcessId, definition: Definition) -> Fate {
        self.outgoing.remove(&id);
        let process = self.at_mut(id);
        let was = std::mem::replace(&mut process.membership, Membership::Member);
        if was == Membership::Gone {
            process.come_back(definition);
            return Fate::New;
        }
        let was_active = process.definition.project().is_active(process.program());
        let read = process.env_read.as_deref();
        let needs_restart = process
            .born
            .as_ref()
            .is_some_and(|born| compare(born, read, &definition).iter().any(|key| key.needs_restart));
        if !needs_restart && process.born.is_some() {
            (process.born, process.env_read) = (Some(definition.clone()), None);
        }
        let checks_otherwise = process.program().alive != definition.program().alive;
        process.definition = definition;
        if checks_otherwise {
            self.watch_anew(id);
        }
        match was {
            Membership::Leaving => Fate::Returns { needs_restart },
            Membership::Member | Membership::Gone => Fate::Stays { needs_restart, was_active },
        }
    }

    /// Graph, orders and edges anew, from what the slots hold now.
    pub(super) fn rebuild(&mut self) {
        let in_use: Vec<&Process> =
            self.processes.iter().filter(|process| process.membership != Membership::Gone).collect();
        let members: Vec<Member<'_>> = in_use
            .iter()
            .map(|process| Member { id: process.id, program: process.program(), is_needed: process.is_member() })
            .collect();
        // An edition has no circle, and what is on its way out is left out where it would make one.
        let Ok(graph) = DependencyGraph::of(&members, self.processes.len()) else { return };
        let start_order = order::start_order_by(&graph, |id| self.at(id).definition.start_key());
        self.rank = vec![0; self.processes.len()];
        for (position, id) in start_order.iter().enumerate() {
            self.rank[id.index()] = position;
        }
        let dialect = self.edition.project().dialect;
        let definition = |id: ProcessId| &self.processes[id.index()].definition;
        let layers = order::stop_layers(
            dialect,
            &start_order,
            self.processes.len(),
            |id| &definition(id).name().group,
            |id| definition(id).program().listener().is_some(),
        );
        self.stop_order = StopOrder::new(layers, |id| self.at(id).is_alive());
        self.edges = EdgeTable::new(&graph, &self.processes);
        self.graph = Arc::new(graph);
        self.start_order = start_order.into();
        self.dirty.clear();
    }

    /// Takes out of use what has left and is down.
    pub(super) fn bury(&mut self) {
        for id in self.outgoing.clone() {
            let process = self.at(id);
            if process.membership != Membership::Leaving || process.is_alive() {
                continue;
            }
            self.outgoing.remove(&id);
            self.timers.disarm_all(id);
            self.at_mut(id).membership = Membership::Gone;
            self.tell_no_more(id);
            self.enter(id, Phase::Stopped);
            self.actions.push(Action::Forget(id));
            if self.program(id).listener().is_some() {
                self.sync_listeners();
            }
            let graph = Arc::clone(&self.graph);
            self.changed.extend(graph.needs(id).chain(graph.dependents(id)).map(|(_, other, _)| other));
            self.start_order = self.start_order.iter().copied().filter(|other| *other != id).collect();
            let group = self.at(id).definition.name().group.clone();
            if self.in_use().all(|other| self.at(other).definition.name().group != group) {
                self.group_removed(&group);
                self.say(Notice::GroupRemoved { group });
            }
        }
    }

    /// Every slot that is in use: what the config has, and what is on its way out.
    pub(super) fn in_use(&self) -> impl Iterator<Item = ProcessId> + use<> {
        let in_use: Vec<ProcessId> = self
            .processes
            .iter()
            .filter(|process| process.membership != Membership::Gone)
            .map(|process| process.id)
            .collect();
        in_use.into_iter()
    }
}
