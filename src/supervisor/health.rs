//! What was ready and no longer does what it should: it answers its alive check no more, or has grown above `max_memory`. It is
//! ended, and that counts as a failure.
//!
//! A program with an alive check is good only once an answer that came late enough has said so: otherwise one that is stuck from the
//! start would be forgiven before its third failure, and be restarted for ever.

use std::time::Duration;

use super::Supervisor;
use super::action::{Action, Measured};
use super::event::Verdict;
use super::notice::{Notice, StopWhy};
use super::process::{AliveRecord, GOOD_AFTER, Phase, Run};
use super::timers::{TimerKey, TimerKind};
use crate::model::units::{human_duration, human_size};
use crate::model::{AliveSpec, Generation, Moment, ProcessId};

/// How often memory is measured.
const MEASURE_EVERY: Duration = Duration::from_secs(5);

impl Supervisor {
    /// Watches a process that has become ready, or whose check is another now. One that had failed is good after a while; an alive
    /// check has the last word on that.
    pub(super) fn watch_alive(&mut self, id: ProcessId) {
        self.timers.disarm(id, TimerKind::Alive);
        self.timers.disarm(id, TimerKind::Good);
        let Phase::Running(Run { ready: Some(ready), .. }) = self.at(id).phase else { return };
        let now = self.now.mono;
        if let Some(every) = self.alive_spec(id).map(|alive| alive.every) {
            self.timers.arm(id, TimerKind::Alive, now + every);
        } else if self.at(id).failures > 0 && ready + GOOD_AFTER > now {
            self.timers.arm(id, TimerKind::Good, ready + GOOD_AFTER);
        } else if self.at(id).failures > 0 {
            self.prove_good(id);
        }
    }

    /// Goes on by another check: what was said by the old one no longer counts.
    pub(super) fn watch_anew(&mut self, id: ProcessId) {
        self.stop_asking(id);
        if let Some(run) = self.at_mut(id).run_mut() {
            let attempts = run.alive.attempts;
            run.alive = AliveRecord { attempts, ..AliveRecord::default() };
        }
        self.watch_alive(id);
    }

    fn alive_spec(&self, id: ProcessId) -> Option<&AliveSpec> {
        let program = self.program(id);
        program.alive.as_ref().filter(|_| !program.is_task())
    }

    /// Asks once.
    pub(super) fn ask_alive(&mut self, id: ProcessId) {
        let Some(timeout) = self.alive_spec(id).map(|alive| alive.timeout) else { return };
        let (now, generation) = (self.now.mono, self.at(id).generation);
        let Some(run) = self.at_mut(id).run_mut() else { return };
        run.alive.attempts += 1;
        run.alive.asked = Some(now);
        let attempt = run.alive.attempts;
        self.timers.arm(id, TimerKind::AliveTimeout, now + timeout);
        self.actions.push(Action::CheckAlive { process: id, generation, attempt });
    }

    /// Nobody has answered in time.
    pub(super) fn alive_timeout(&mut self, id: ProcessId) {
        let Some(timeout) = self.alive_spec(id).map(|alive| alive.timeout) else { return };
        let generation = self.at(id).generation;
        let Some(attempt) = self.at(id).run().map(|run| run.alive.attempts) else { return };
        self.actions.push(Action::StopProbing { process: id, generation });
        let said = format!("no answer within {}", human_duration(timeout));
        self.checked(id, generation, attempt, Verdict::Fail(said));
    }

    fn stop_asking(&mut self, id: ProcessId) {
        let generation = self.at(id).generation;
        self.timers.disarm(id, TimerKind::AliveTimeout);
        if self.at(id).run().is_some_and(|run| run.alive.asked.is_some()) {
            self.actions.push(Action::StopProbing { process: id, generation });
        }
    }

    /// Takes in an answer.
    pub(super) fn checked(&mut self, id: ProcessId, generation: Generation, attempt: u32, verdict: Verdict) {
        if !self.is_current(id, generation) {
            return;
        }
        let Some(alive) = self.alive_spec(id).cloned() else { return };
        let now = self.now.mono;
        let Some(run) = self.at_mut(id).run_mut() else { return };
        let Some(asked) = run.alive.asked.take_if(|_| run.alive.attempts == attempt) else { return };
        self.timers.disarm(id, TimerKind::AliveTimeout);
        // An attempt that took longer than the rhythm is followed by the next beat, not by all that were missed.
        let next = (asked + alive.every).max(now + alive.every / 10);
        self.timers.arm(id, TimerKind::Alive, next);
        match verdict {
            Verdict::Pass(said) => self.answered_well(id, said),
            Verdict::Fail(said) | Verdict::Refuse(said) => self.answered_badly(id, &said, alive.failures),
        }
    }

    fn answered_well(&mut self, id: ProcessId, said: String) {
        let now = self.now;
        let Some(run) = self.at_mut(id).run_mut() else { return };
        let was_unhealthy = run.alive.fails > 0;
        run.alive.fails = 0;
        run.alive.passed = Some(now.mono);
        run.alive.last = Some(said.clone());
        let is_good = run.ready.is_some_and(|ready| now.mono.since(ready) >= GOOD_AFTER);
        if was_unhealthy {
            self.at_mut(id).remember(now, "healthy again");
            self.say(Notice::Healthy { process: id, said });
        }
        if is_good && self.at(id).failures > 0 {
            self.prove_good(id);
        }
    }

    fn answered_badly(&mut self, id: ProcessId, said: &str, limit: u32) {
        let now = self.now;
        let Some(run) = self.at_mut(id).run_mut() else { return };
        run.alive.fails = run.alive.fails.saturating_add(1);
        run.alive.last = Some(said.to_owned());
        let fails = run.alive.fails;
        if fails == 1 {
            self.at_mut(id).remember(now, format!("unhealthy: {said}"));
            self.say(Notice::Unhealthy { process: id, said: said.to_owned(), limit });
        }
        if fails >= limit && self.at(id).is_wanted() {
            self.end_unfit(id, format!("unhealthy: {said} x{fails}"));
        }
    }

    /// Ends a run that is no longer fit, for this reason.
    fn end_unfit(&mut self, id: ProcessId, sentence: String) {
        if let Some(run) = self.at_mut(id).run_mut() {
            run.unfit = Some(sentence);
        }
        self.begin_stop(id, StopWhy::Unhealthy);
    }

    /// Since when a run is known to have been well, at most until now: an alive check has the last word.
    pub(super) fn well_until(&self, id: ProcessId, run: &Run) -> Moment {
        match self.alive_spec(id) {
            Some(_) => run.alive.passed.or(run.ready).unwrap_or(run.started),
            None => self.now.mono,
        }
    }

    /// Measures memory for as long as somebody alive has a limit; this one may be the first.
    pub(super) fn watch_memory(&mut self, id: ProcessId) {
        if !self.timers.has(TimerKey::Memory) && self.measurable(id).is_some() {
            self.timers.set(TimerKey::Memory, self.now.mono + MEASURE_EVERY);
        }
    }

    /// It is time to measure.
    pub(super) fn measure(&mut self) {
        let measurable: Vec<Measured> = self.in_use().filter_map(|id| self.measurable(id)).collect();
        if !measurable.is_empty() {
            self.actions.push(Action::Measure(measurable));
            self.timers.set(TimerKey::Memory, self.now.mono + MEASURE_EVERY);
        }
    }

    fn measurable(&self, id: ProcessId) -> Option<Measured> {
        let limit = self.program(id).max_memory?;
        let process = self.at(id);
        let (Phase::Starting(run) | Phase::Running(run)) = &process.phase else { return None };
        Some(Measured { process: id, generation: process.generation, pid: run.pid?, limit })
    }

    /// A process and its descendants hold this many bytes.
    pub(super) fn measured(&mut self, id: ProcessId, generation: Generation, bytes: u64) {
        if !self.is_current(id, generation) || !self.at(id).is_wanted() {
            return;
        }
        if let Some(limit) = self.program(id).max_memory.filter(|limit| bytes > *limit) {
            self.end_unfit(id, format!("memory {} over max_memory {}", human_size(bytes), human_size(limit)));
        }
    }
}
