//! A new config for what runs: slots stay with their names, what is gone is ended in its order, what differs is started anew, and
//! everything else is not touched.
//!
//! Each process is compared with what the config said when it was *spawned*, so a reload during a start, a stop or another reload
//! needs no case of its own. Starting and stopping is left to [`reconcile`](super::reconcile), as ever.

use std::collections::BTreeSet;

use super::Supervisor;
use super::action::{Action, Outcome};
use super::edges::EdgeStatus;
use super::edition::Edition;
use super::event::RequestId;
use super::notice::{Notice, StopWhy};
use super::process::{Intent, Phase};
use super::slots::Fate;
use super::snapshot::OffBecause;
use super::timers::TimerKind;
use crate::model::status::SourceMark;
use crate::model::{PortRequest, PortSpec, ProcessId};
use crate::plan::select;

impl Supervisor {
    /// Takes over a new config.
    pub(super) fn reload(&mut self, request: RequestId, edition: Edition) {
        self.actions.push(Action::Reply(request, Outcome::Accepted));
        self.adopt(edition);
    }

    /// Whatever config comes later, it is still to be known.
    pub(super) fn note(&mut self, note: String) {
        self.edition.note([note.clone()]);
        self.noted.push(note);
    }

    fn adopt(&mut self, edition: Edition) {
        let plan = self.view().diff(edition.project());
        let added = plan.groups.added.clone();
        let differing = SourceMark::differing(&self.edition.sources, &edition.sources);
        let files = differing.map(|mark| mark.shown(&edition.project().root)).collect();
        self.edition = edition;
        self.edition.note(self.noted.iter().cloned());
        self.actions.push(Action::Adopt(self.edition.clone()));
        self.say(Notice::Reloaded { files, plan: Box::new(plan) });
        let fates = self.allot();
        self.rebuild();
        self.look_beside();
        self.sync_listeners();
        for group in added {
            self.group_added(&group);
            self.say(Notice::GroupAdded { group });
        }
        for id in self.in_use() {
            if !self.at(id).is_member() {
                self.settled.is_held_open |= self.at(id).is_wanted();
                self.outgoing.insert(id);
                self.unwant(id, OffBecause::Removed, true);
            }
        }
        for (id, fate) in &fates {
            self.meet(*id, *fate);
        }
        self.want_what_starts();
        for (id, fate) in fates {
            if matches!(fate, Fate::Returns { needs_restart: true } | Fate::Stays { needs_restart: true, .. }) {
                self.start_anew(id);
            } else {
                self.rearm(id);
                self.watch_memory(id);
            }
        }
        self.look_again_for_all();
        for id in self.in_use() {
            self.touch(id);
            self.changed.insert(id);
        }
    }

    /// Whoever restarts with a dependency does so when that goes away, and not because more is asked of it now.
    fn look_beside(&mut self) {
        for id in self.in_use().collect::<Vec<_>>() {
            let satisfied = self.graph.needs(id).filter(|(edge, ..)| self.edges.get(*edge) == EdgeStatus::Satisfied);
            let up: BTreeSet<ProcessId> = satisfied.map(|(_, need, _)| need).collect();
            for beside in &mut self.at_mut(id).born_beside {
                beside.was_up &= up.contains(&beside.need);
            }
        }
    }

    /// What the config says of starting by itself, for those that are off.
    fn meet(&mut self, id: ProcessId, fate: Fate) {
        let is_active = self.is_active(id);
        let resting = if is_active { OffBecause::NoAutostart } else { OffBecause::Profile };
        match (fate, self.at(id).intent) {
            (Fate::Stays { was_active: true, .. }, Intent::Up) if !is_active => {
                self.settled.is_held_open = true;
                if self.at(id).is_alive() {
                    self.outgoing.insert(id);
                }
                self.unwant(id, OffBecause::Profile, true);
            }
            (Fate::Returns { .. }, _)
            | (Fate::Stays { .. }, Intent::Down { because: OffBecause::NoAutostart | OffBecause::Profile, .. }) => {
                self.unwant(id, resting, true);
            }
            (Fate::New, _) => {
                let is_named = self.begun_with.0.is_some() && self.settled.has_begun;
                let because = if is_named && is_active { OffBecause::NotNamed } else { resting };
                self.unwant(id, because, false);
            }
            (Fate::Stays { .. }, Intent::Up | Intent::Down { .. }) => {}
        }
    }

    /// Wants what starts by itself, and what anybody wanted needs.
    fn want_what_starts(&mut self) {
        if !self.settled.has_begun {
            return;
        }
        let (named, with_needs) = &self.begun_with;
        let (with_needs, is_meant) = (*with_needs, |id: ProcessId| match named {
            Some(named) => named.contains(&id),
            None => self.starts_by_itself(id),
        });
        let is_root = |id: &ProcessId| self.at(*id).is_wanted() || (is_meant(*id) && self.is_at_rest(*id));
        let roots: Vec<ProcessId> = self.in_use().filter(|id| self.at(*id).is_member()).filter(is_root).collect();
        let pulling: Vec<ProcessId> =
            roots.iter().copied().filter(|id| with_needs && !self.at(*id).ignores_needs).collect();
        let mut chosen = select::with_needs(&self.graph, &pulling);
        chosen.extend(roots);
        for id in chosen {
            if self.is_at_rest(id) {
                self.want(id, !with_needs);
            }
        }
    }

    /// Whether it is off for no reason of a user's.
    fn is_at_rest(&self, id: ProcessId) -> bool {
        match self.at(id).intent {
            Intent::Down { because, .. } => match because {
                OffBecause::NoAutostart | OffBecause::Profile | OffBecause::NotNamed => true,
                OffBecause::StoppedByUser | OffBecause::Shutdown | OffBecause::Removed => false,
            },
            Intent::Up => false,
        }
    }

    /// It takes a new run for the new config to have an effect.
    fn start_anew(&mut self, id: ProcessId) {
        if !self.at(id).is_wanted() {
            return;
        }
        let ignores_needs = self.at(id).ignores_needs;
        match &self.at(id).phase {
            Phase::Starting(_) | Phase::Running(_) => {
                self.want(id, ignores_needs);
                self.outgoing.insert(id);
                self.begin_stop(id, StopWhy::Changed);
            }
            Phase::Stopping(_) => self.take_over_stop(id, StopWhy::Changed),
            Phase::Backoff { .. } | Phase::Exited { .. } | Phase::Fatal | Phase::Blocked { .. } => {
                self.want(id, ignores_needs);
            }
            Phase::Stopped | Phase::Waiting => {}
        }
    }

    /// A start that is under way goes on by the new limits.
    fn rearm(&mut self, id: ProcessId) {
        let now = self.now.mono;
        if self.timers.get(id, TimerKind::Startsecs).is_some()
            && let Some(run) = self.at(id).run()
        {
            let at = run.started + self.at(id).program().startsecs;
            if at <= now { self.become_running(id) } else { self.timers.arm(id, TimerKind::Startsecs, at) }
        }
        let (Phase::Starting(run) | Phase::Running(run)) = &self.at(id).phase else { return };
        let ready = self.at(id).program().ready.as_ref().filter(|_| run.pid.is_some() && run.ready.is_none());
        match ready.map(|ready| (ready.timeout, run.started)) {
            Some((Some(timeout), started)) if started + timeout > now => {
                self.timers.arm(id, TimerKind::ReadyTimeout, started + timeout);
            }
            Some((Some(_), _)) => self.ready_timeout(id),
            Some((None, _)) => self.timers.disarm(id, TimerKind::ReadyTimeout),
            None => {}
        }
    }

    /// One that is being ended because of a new config has ended: who waits for its port may go on.
    pub(super) fn went_out(&mut self, id: ProcessId) {
        if self.at(id).is_member() && self.outgoing.remove(&id) || !self.at(id).is_member() {
            for other in self.in_use() {
                if self.at(other).phase == Phase::Waiting {
                    self.touch(other);
                }
            }
        }
    }

    /// Who is being ended because of a new config and still has a port that this one wants.
    pub(super) fn waits_for_port_of(&self, id: ProcessId) -> Option<ProcessId> {
        let mut others = self.outgoing.iter().filter(|other| **other != id && self.at(**other).is_alive()).peekable();
        others.peek()?;
        let wanted = self.ports_for(id);
        others.find(|other| !self.at(**other).ports.is_disjoint(&wanted)).copied()
    }

    /// The ports that a run of this process has, as the config is now.
    pub(super) fn ports_for(&self, id: ProcessId) -> BTreeSet<u16> {
        let definition = &self.at(id).definition;
        let (program, number) = (definition.program(), u16::try_from(definition.instance().number).unwrap_or(u16::MAX));
        let base = |spec: &PortSpec| match spec.request {
            PortRequest::Fixed(base) => Some(base),
            PortRequest::Auto => self.edition.ports.get(&program.name, spec.name.as_deref()),
        };
        program.ports.iter().filter_map(|spec| base(spec)?.checked_add(number)).collect()
    }

    fn is_active(&self, id: ProcessId) -> bool {
        self.edition.project().is_active(self.at(id).program())
    }

    /// `autostart`, and a profile that was asked for, or none.
    pub(super) fn starts_by_itself(&self, id: ProcessId) -> bool {
        self.at(id).is_member() && self.at(id).program().autostart && self.is_active(id)
    }
}
