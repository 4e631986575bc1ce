//! Facts: spawned, could not be spawned, exited, vanished, a timer is due.

use std::sync::Arc;

use super::Supervisor;
use super::action::Action;
use super::chronicle::Entry;
use super::event::SpawnFailure;
use super::held::is_being_spawned;
use super::notice::Notice;
use super::process::{AliveRecord, Beside, Phase, ProbeRecord, Run};
use super::timers::{TimerKey, TimerKind};
use crate::model::{EnvContents, Exit, Generation, ProcessId, RetryPolicy};

/// How a run came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// It ended by itself.
    Exit(Exit),
    /// It never was.
    Spawn(SpawnFailure),
    /// It was ended because it was not ready in time; how it ended, if it lived.
    NotReady(Option<Exit>),
    /// It put itself into the background: how its leader ended, and the sentence.
    Background(Exit, String),
    /// It was ended because it no longer did what it should: how it ended, and the sentence.
    Unhealthy(Option<Exit>, String),
}

impl Supervisor {
    /// Orders a new incarnation.
    pub(super) fn spawn(&mut self, id: ProcessId) {
        let now = self.now;
        let (born_beside, ports) = (self.restart_neighbours(id), self.ports_for(id));
        // It starts with the files as they are.
        self.timers.cancel(TimerKey::Files(id));
        self.no_longer_held_open(id);
        self.listener_begins(id);
        let process = self.at_mut(id);
        process.generation = process.generation.next();
        process.runs += 1;
        if process.failures > 0 {
            process.unasked_runs += 1;
        }
        process.started_wall = now.wall;
        process.watching.started = now.mono;
        process.ready_wall = None;
        process.ready_after = None;
        process.told_waiting = None;
        process.sent = None;
        process.spawn_error.clear();
        process.spawn_errno = 0;
        process.born_beside = born_beside;
        process.born = Some(process.definition.clone());
        process.env_read = None;
        process.ports = ports;
        let (generation, run, is_retry) = (process.generation, process.runs, process.failures > 0);
        process.remember(now, if run == 1 { "starting".to_owned() } else { format!("starting, run {run}") });
        self.actions.push(Action::Spawn { process: id, generation, run });
        if !is_retry {
            self.say(Notice::Starting { process: id });
        }
        let run = Run {
            started: now.mono,
            pid: None,
            ready: None,
            probe: ProbeRecord::default(),
            alive: AliveRecord::default(),
            unfit: None,
            left: Vec::new(),
        };
        self.enter(id, Phase::Starting(run));
    }

    /// The incarnations of those it must restart with.
    fn restart_neighbours(&self, id: ProcessId) -> Vec<Beside> {
        let neighbours = self.graph.needs(id).filter(|(_, _, edge)| edge.restart);
        let beside = |need| Beside { need, generation: self.at(need).generation, was_up: true };
        neighbours.map(|(_, need, _)| beside(need)).collect()
    }

    pub(super) fn env_read(&mut self, id: ProcessId, generation: Generation, contents: EnvContents) {
        if self.is_current(id, generation) {
            self.at_mut(id).env_read = Some(Arc::new(contents));
        }
    }

    pub(super) fn spawned(&mut self, id: ProcessId, generation: Generation, pid: u32) {
        if !self.is_current(id, generation) {
            return;
        }
        let now = self.now.mono;
        let was_awaited = is_being_spawned(self.at(id));
        match &mut self.at_mut(id).phase {
            Phase::Starting(run) if run.pid.is_none() => {
                run.pid = Some(pid);
                run.started = now;
                self.chronicle(Entry::Spawned { process: id, pid });
                self.refresh_edges(id);
                self.watch_start(id);
                self.print_early();
            }
            Phase::Stopping(stop) if stop.run.pid.is_none() => {
                stop.run.pid = Some(pid);
                self.chronicle(Entry::Spawned { process: id, pid });
                self.print_early();
                self.climb(id);
            }
            Phase::Starting(_)
            | Phase::Stopping(_)
            | Phase::Stopped
            | Phase::Waiting
            | Phase::Blocked { .. }
            | Phase::Running(_)
            | Phase::Backoff { .. }
            | Phase::Exited { .. }
            | Phase::Fatal => {}
        }
        if was_awaited {
            self.release_held(id);
        }
    }

    /// Arms what a start is watched by.
    fn watch_start(&mut self, id: ProcessId) {
        let startsecs = self.program(id).startsecs;
        if startsecs.is_zero() {
            self.become_running(id);
        } else {
            self.timers.arm(id, TimerKind::Startsecs, self.now.mono + startsecs);
        }
        self.begin_probing(id);
        self.watch_memory(id);
    }

    pub(super) fn become_running(&mut self, id: ProcessId) {
        let Phase::Starting(run) = self.at(id).phase.clone() else { return };
        self.timers.disarm(id, TimerKind::Startsecs);
        let startsecs = self.program(id).startsecs;
        self.chronicle(Entry::Running { process: id, startsecs });
        if self.program(id).retry == RetryPolicy::Supervisord {
            self.at_mut(id).forgive();
        }
        self.enter(id, Phase::Running(run));
        let program = self.program(id);
        if program.ready.is_none() && !program.is_task() {
            self.become_ready(id, String::new());
        }
    }

    pub(super) fn spawn_failed(&mut self, id: ProcessId, generation: Generation, failure: SpawnFailure) {
        if !self.is_current(id, generation) {
            return;
        }
        self.chronicle(Entry::SpawnFailed { sentence: failure.sentence() });
        match &self.at(id).phase {
            Phase::Starting(_) => self.run_over(id, &Ending::Spawn(failure)),
            Phase::Stopping(_) => self.finish_stop(id, None),
            Phase::Stopped
            | Phase::Waiting
            | Phase::Blocked { .. }
            | Phase::Running(_)
            | Phase::Backoff { .. }
            | Phase::Exited { .. }
            | Phase::Fatal => {}
        }
        self.release_held(id);
    }

    pub(super) fn exited(&mut self, id: ProcessId, generation: Generation, exit: Exit, survivors: bool) {
        if !self.is_current(id, generation) {
            return;
        }
        self.listener_ends(id);
        self.chronicle_end(id, exit);
        let must_sweep = survivors && self.program(id).sweeps_leftovers();
        match &self.at(id).phase {
            Phase::Starting(run) | Phase::Running(run) if must_sweep && self.is_background(id, run, exit) => {
                self.end_background(id, exit);
            }
            Phase::Starting(_) | Phase::Running(_) if must_sweep => self.sweep_leftovers(id, exit),
            Phase::Starting(_) | Phase::Running(_) => self.run_over(id, &Ending::Exit(exit)),
            Phase::Stopping(stop) if stop.leader.is_some() => {}
            Phase::Stopping(_) if must_sweep => self.leader_gone(id, exit),
            Phase::Stopping(_) => self.finish_stop(id, Some(exit)),
            Phase::Stopped
            | Phase::Waiting
            | Phase::Blocked { .. }
            | Phase::Backoff { .. }
            | Phase::Exited { .. }
            | Phase::Fatal => {}
        }
    }

    pub(super) fn vanished(&mut self, id: ProcessId, generation: Generation) {
        if !self.is_current(id, generation) {
            return;
        }
        if let Phase::Stopping(stop) = &self.at(id).phase
            && let Some(exit) = stop.leader
        {
            self.finish_stop(id, Some(exit));
        }
    }

    pub(super) fn is_current(&self, id: ProcessId, generation: Generation) -> bool {
        self.knows(id) && self.at(id).generation == generation
    }

    pub(super) fn fire_timers(&mut self) {
        while let Some(key) = self.timers.take_due(self.now.mono) {
            match key {
                TimerKey::Request(request) => self.time_out(request),
                TimerKey::ShutdownReport => self.report_shutdown(),
                TimerKey::Memory => self.measure(),
                TimerKey::Process(id, kind) => self.timer(id, kind),
                TimerKey::Files(id) => self.files_at_rest(id),
                TimerKey::Tick(period) => self.tick(period),
            }
        }
    }

    fn timer(&mut self, id: ProcessId, kind: TimerKind) {
        match kind {
            TimerKind::Startsecs => self.become_running(id),
            TimerKind::Probe => self.probe(id),
            TimerKind::NotReadyYet => self.say_not_ready_yet(id),
            TimerKind::ReadyTimeout => self.ready_timeout(id),
            TimerKind::Alive => self.ask_alive(id),
            TimerKind::AliveTimeout => self.alive_timeout(id),
            TimerKind::Good => self.prove_good(id),
            TimerKind::Retry => self.enter(id, Phase::Waiting),
            TimerKind::StillStopping => self.say_still_stopping(id),
            TimerKind::StopReport => self.report_stop(id),
            TimerKind::Kill => self.climb(id),
        }
    }

    /// A run has proved itself: failures before it no longer count.
    pub(super) fn prove_good(&mut self, id: ProcessId) {
        let now = self.now;
        let process = self.at_mut(id);
        process.forgive();
        process.remember(now, "good again");
        let graph = Arc::clone(&self.graph);
        for (_, dependent, _) in graph.dependents(id) {
            self.changed.insert(dependent);
        }
    }
}
