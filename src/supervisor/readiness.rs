//! Readiness: when to ask, how many answers decide, and what the user is told meanwhile. What a probe does is not known here.

use std::time::Duration;

use super::Supervisor;
use super::action::Action;
use super::event::Verdict;
use super::notice::{Notice, StopWhy};
use super::process::Phase;
use super::timers::TimerKind;
use crate::model::units::human_duration;
use crate::model::{Generation, ProcessId, ReadySpec};

/// The first "not ready yet" comes after this, and each next one after twice the time (2, 5, 10, 20 … s).
const FIRST_PATIENCE: Duration = Duration::from_secs(2);

/// The wait between two probes grows with what has passed already: at most a twentieth of the start is added to it.
const SHARE_OF_START: u32 = 20;

/// Who answers that it is not ready yet writes that into its log each time: it is asked again after half the time that it has refused
/// for, within these bounds.
const SHORTEST_REFUSED: Duration = Duration::from_millis(50);
const LONGEST_REFUSED: Duration = Duration::from_millis(250);

/// What one attempt may cost the machine. Many that start at once are asked less often each, so that asking does not slow them.
const COST: Duration = Duration::from_micros(150);

impl Supervisor {
    /// Arms the ready check of a process that was just spawned.
    pub(super) fn begin_probing(&mut self, id: ProcessId) {
        let program = self.program(id);
        if program.is_task() {
            return;
        }
        let Some(ready) = program.ready.clone() else { return };
        let now = self.now.mono;
        if !ready.kind.is_event() {
            self.timers.arm(id, TimerKind::Probe, now + ready.kind.first_wait().min(ready.every));
        }
        if let Some(timeout) = ready.timeout {
            self.timers.arm(id, TimerKind::ReadyTimeout, now + timeout);
        }
        self.timers.arm(id, TimerKind::NotReadyYet, now + FIRST_PATIENCE);
        if let Some(verdict) = self.at_mut(id).run_mut().and_then(|run| run.probe.early.take()) {
            self.probed(id, self.at(id).generation, verdict);
        }
    }

    /// Asks once.
    pub(super) fn probe(&mut self, id: ProcessId) {
        let generation = self.at(id).generation;
        let Some(run) = self.at_mut(id).run_mut() else { return };
        run.probe.tries += 1;
        run.probe.is_asked = true;
        let attempt = run.probe.tries;
        self.actions.push(Action::Probe { process: id, generation, attempt });
    }

    /// Takes in an answer.
    pub(super) fn probed(&mut self, id: ProcessId, generation: Generation, verdict: Verdict) {
        if !self.is_current(id, generation) {
            return;
        }
        let Some(ready) = self.program(id).ready.clone() else { return };
        let now = self.now.mono;
        let Some(run) = self.at_mut(id).run_mut() else { return };
        if run.ready.is_some() {
            return;
        }
        if run.pid.is_none() {
            // A program that is quick to say so is heard on its own pipe before the news of its spawn is.
            run.probe.early = ready.kind.is_event().then_some(verdict);
            return;
        }
        run.probe.is_asked = false;
        run.probe.refused_since = match verdict {
            Verdict::Refuse(_) => run.probe.refused_since.or(Some(now)),
            Verdict::Pass(_) | Verdict::Fail(_) => None,
        };
        match verdict {
            Verdict::Pass(how) => {
                run.probe.passes += 1;
                (run.probe.fails, run.probe.counted) = (0, Some(now));
                run.probe.last = Some(how.clone());
                if run.probe.passes >= ready.successes || ready.kind.is_event() {
                    self.become_ready(id, how);
                } else {
                    self.ask_again_after(id, &ready, ready.every);
                }
            }
            Verdict::Fail(why) | Verdict::Refuse(why) => {
                run.probe.passes = 0;
                run.probe.last = Some(why);
                // The quick attempts in between find out soon that it is ready; against it counts one in each `every`.
                if now.since(run.probe.counted.unwrap_or(run.started)) >= ready.every {
                    run.probe.fails += 1;
                    run.probe.counted = Some(now);
                }
                let is_hopeless = ready.failures.is_some_and(|limit| run.probe.fails >= limit);
                if is_hopeless && self.at(id).is_wanted() {
                    self.begin_stop(id, StopWhy::NotReady);
                } else {
                    self.ask_again(id, &ready);
                }
            }
        }
    }

    /// Its time is over. One that is about to be stopped in its turn is left alone until then.
    pub(super) fn ready_timeout(&mut self, id: ProcessId) {
        let timeout = self.program(id).ready.as_ref().and_then(|ready| ready.timeout);
        match timeout {
            Some(timeout) if !self.at(id).is_wanted() => {
                self.timers.arm(id, TimerKind::ReadyTimeout, self.now.mono + timeout);
            }
            Some(_) | None => self.begin_stop(id, StopWhy::NotReady),
        }
    }

    fn ask_again(&mut self, id: ProcessId, ready: &ReadySpec) {
        let Some(run) = self.at(id).run() else { return };
        let elapsed = self.now.mono.since(run.started);
        let refused = run
            .probe
            .refused_since
            .map_or(Duration::ZERO, |since| (self.now.mono.since(since) / 2).clamp(SHORTEST_REFUSED, LONGEST_REFUSED));
        let shortest = ready.kind.first_wait().max(COST * self.timers.probes()).max(refused);
        let wait = (elapsed / SHARE_OF_START).max(shortest).min(ready.every);
        self.ask_again_after(id, ready, wait);
    }

    fn ask_again_after(&mut self, id: ProcessId, ready: &ReadySpec, wait: Duration) {
        if !ready.kind.is_event() {
            self.timers.arm(id, TimerKind::Probe, self.now.mono + wait);
        }
    }

    /// It is ready: dependents may move, and the wire says RUNNING.
    pub(super) fn become_ready(&mut self, id: ProcessId, how: String) {
        let now = self.now;
        let (Phase::Starting(mut run) | Phase::Running(mut run)) = self.at(id).phase.clone() else { return };
        if run.ready.is_some() {
            return;
        }
        let after = now.mono.since(run.started);
        run.ready = Some(now.mono);
        for kind in [TimerKind::Startsecs, TimerKind::Probe, TimerKind::NotReadyYet, TimerKind::ReadyTimeout] {
            self.timers.disarm(id, kind);
        }
        let process = self.at_mut(id);
        process.ready_wall = Some(now.wall);
        process.ready_after = Some(after);
        process.satisfied_at = Some(now.mono);
        process.remember(now, format!("ready in {}", human_duration(after)));
        let run_number = process.runs;
        self.say(Notice::Ready { process: id, after, how, run: run_number });
        self.enter(id, Phase::Running(run));
        self.watch_alive(id);
    }

    /// Tells the user that it is still not ready, ever less often.
    pub(super) fn say_not_ready_yet(&mut self, id: ProcessId) {
        let now = self.now.mono;
        let Some(run) = self.at(id).run() else { return };
        let elapsed = now.since(run.started);
        let notice = Notice::NotReadyYet { process: id, elapsed, last: run.probe.last.clone(), tries: run.probe.tries };
        let next = match elapsed.as_secs() {
            0..5 => run.started + Duration::from_secs(5),
            _ => run.started + elapsed * 2,
        };
        self.timers.arm(id, TimerKind::NotReadyYet, next);
        if self.at(id).is_wanted() {
            self.say(notice);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Now, Program, Project, ReadyKind, Word};
    use crate::supervisor::event::Event;
    use crate::supervisor::{ExitPolicy, Supervisor};

    #[test]
    fn a_line_that_is_read_before_the_news_of_the_spawn_counts() {
        let ready = ReadySpec::new(ReadyKind::Log("on".into()));
        let project = Arc::new(Project::new("/shop", vec![Program { ready: Some(ready), ..Program::new("web") }]));
        let mut supervisor = Supervisor::new(project, ExitPolicy::default(), Now::default()).unwrap();
        let (process, generation) = (ProcessId(0), Generation(1));
        let verdict = Verdict::Pass("log \"on\"".into());
        let events = [
            Event::Begin { processes: None, with_needs: true },
            Event::Probed { process, generation, verdict },
            Event::Spawned { process, generation, pid: 7 },
        ];
        let mut actions = Vec::new();
        for event in events {
            supervisor.step(Now::default(), event, &mut actions);
        }
        assert_eq!(supervisor.snapshot().processes[ProcessId(0)].word, Word::Ready);
    }
}
