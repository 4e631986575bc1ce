//! The ladder of a stop: the stop signal, `stopwaitsecs`, SIGKILL, and a word when not even that helps. A stop is over when
//! the leader *and* its descendants are gone.

use std::time::Duration;

use super::Supervisor;
use super::action::{Action, Scope};
use super::chronicle::Entry;
use super::notice::{Notice, StopWhy};
use super::process::{Intent, Phase, Rung, Stop};
use super::snapshot::OffBecause;
use super::timers::TimerKind;
use super::transition::Ending;
use crate::model::units::human_duration;
use crate::model::{Exit, Generation, Moment, ProcessId, Signal};

/// How often SIGKILL is repeated while something of it is still there.
const KILL_AGAIN: Duration = Duration::from_secs(1);

/// After so long past the first SIGKILL the user is told, and a shutdown no longer waits: the kernel will not let go of it.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);

impl Supervisor {
    /// Begins to end a living run. Does nothing to one that is being ended already.
    pub(super) fn begin_stop(&mut self, id: ProcessId, why: StopWhy) {
        self.begin_stop_after(id, why, None);
    }

    /// Begins to end what is left of a run, whose leader may have ended already.
    pub(super) fn begin_stop_after(&mut self, id: ProcessId, why: StopWhy, leader: Option<Exit>) {
        let from = self.at(id).state();
        let (Phase::Starting(run) | Phase::Running(run)) = self.at(id).phase.clone() else { return };
        self.timers.disarm_all(id);
        if run.probe.is_asked || run.alive.asked.is_some() {
            let generation = self.at(id).generation;
            self.actions.push(Action::StopProbing { process: id, generation });
        }
        let is_spawned = run.pid.is_some();
        let (rung, since, is_out_of_reach) = (Rung::Unspawned, None, false);
        self.enter(id, Phase::Stopping(Stop { run, why, since, rung, leader, from, is_out_of_reach }));
        if is_spawned {
            self.climb(id);
        }
    }

    /// Its leader ended by itself and left descendants: they are ended too, and only then the end counts.
    pub(super) fn sweep_leftovers(&mut self, id: ProcessId, exit: Exit) {
        self.say(Notice::Leftovers { process: id });
        self.begin_stop_after(id, StopWhy::Leftovers, Some(exit));
    }

    /// The leader has gone, descendants have not: they get the stop signal too, wherever they are.
    pub(super) fn leader_gone(&mut self, id: ProcessId, exit: Exit) {
        let Phase::Stopping(stop) = &mut self.at_mut(id).phase else { return };
        stop.leader = Some(exit);
        let was_killed = stop.was_killed();
        let signal = if was_killed { Signal::KILL } else { self.program(id).stopsignal };
        self.signal(id, signal, Scope::Tree);
    }

    /// The next rung: from nothing to the stop signal, from there to SIGKILL, and SIGKILL again.
    pub(super) fn climb(&mut self, id: ProcessId) {
        let Phase::Stopping(stop) = &self.at(id).phase else { return };
        match stop.rung {
            Rung::Unspawned => self.ask(id),
            Rung::Asked => self.kill(id),
            Rung::Killed { since, is_told } => self.kill_again(id, since, is_told),
        }
    }

    fn ask(&mut self, id: ProcessId) {
        let now = self.now.mono;
        let program = self.program(id);
        let (signal, limit) = (program.stopsignal, program.stopwaitsecs);
        let group = if program.stopasgroup { Scope::Group } else { Scope::Leader };
        let is_urgent = self.shutdown.as_ref().is_some_and(super::shutdown::Shutdown::is_now);
        let Phase::Stopping(stop) = &mut self.at_mut(id).phase else { return };
        stop.since = Some(now);
        stop.rung = Rung::Asked;
        let scope = if stop.leader.is_some() { Scope::Tree } else { group };
        if is_urgent {
            return self.kill(id);
        }
        if let (Some(pid), None) = (stop.run.pid, stop.leader) {
            self.chronicle(Entry::Stopping { process: id, pid, signal, scope });
            self.report_stop(id);
        }
        self.signal(id, signal, scope);
        if limit.is_zero() {
            return self.kill(id);
        }
        self.timers.arm(id, TimerKind::Kill, now + limit);
        if limit >= Duration::from_secs(2) {
            self.timers.arm(id, TimerKind::StillStopping, now + limit * 4 / 5);
        }
    }

    /// SIGKILL, now.
    pub(super) fn kill(&mut self, id: ProcessId) {
        let now = self.now.mono;
        let scope = if self.program(id).killasgroup { Scope::Tree } else { Scope::Leader };
        let Phase::Stopping(stop) = &mut self.at_mut(id).phase else { return };
        let Some(pid) = stop.run.pid else { return };
        stop.since.get_or_insert(now);
        if !stop.was_killed() {
            stop.rung = Rung::Killed { since: now, is_told: false };
        }
        self.chronicle(Entry::Killing { process: id, pid });
        self.timers.disarm(id, TimerKind::StillStopping);
        self.signal(id, Signal::KILL, scope);
        self.timers.arm(id, TimerKind::Kill, now + KILL_AGAIN);
    }

    fn kill_again(&mut self, id: ProcessId, since: Moment, is_told: bool) {
        let is_hopeless = self.now.mono.since(since) >= GIVE_UP_AFTER;
        if is_hopeless && !is_told {
            self.say(Notice::WillNotDie { process: id });
            let Phase::Stopping(stop) = &mut self.at_mut(id).phase else { return };
            stop.rung = Rung::Killed { since, is_told: true };
        }
        if is_hopeless && self.shutdown.is_some() {
            return self.let_go(id);
        }
        self.signal(id, Signal::KILL, Scope::Tree);
        self.timers.arm(id, TimerKind::Kill, self.now.mono + KILL_AGAIN);
    }

    /// A signal to its leader was refused. While it is being stopped it is UNKNOWN from now on, and nobody waits for its end any more
    /// (supervisor `process.py` `kill`); the ladder goes on, for the leader may become one that can be reached. At the end
    /// of everything it is killed at once, and let go if that is refused as well. One that is not being stopped is no
    /// worse for it: supervisord takes it for UNKNOWN then, too (`signal`), and does not come back from there.
    pub(super) fn out_of_reach(&mut self, (id, generation): (ProcessId, Generation), signal: Signal, reason: String) {
        if !self.is_current(id, generation) {
            return;
        }
        let Some(pid) = self.at(id).run().and_then(|run| run.pid) else { return };
        let is_stop = match &mut self.at_mut(id).phase {
            Phase::Stopping(stop) if stop.leader.is_some() => return,
            Phase::Stopping(stop) if stop.is_out_of_reach => {
                if signal == Signal::KILL && self.shutdown.is_some() {
                    self.let_go(id);
                }
                return;
            }
            Phase::Stopping(stop) => {
                stop.is_out_of_reach = true;
                true
            }
            Phase::Starting(_) | Phase::Running(_) => false,
            Phase::Stopped
            | Phase::Waiting
            | Phase::Blocked { .. }
            | Phase::Backoff { .. }
            | Phase::Exited { .. }
            | Phase::Fatal => return,
        };
        let now = self.now;
        self.at_mut(id).remember(now, format!("could not be signalled: {reason}"));
        self.chronicle(Entry::OutOfReach { process: id, pid, is_stop, reason: reason.clone() });
        self.say(Notice::OutOfReach { process: id, pid, reason });
        self.tell_state(id, None);
        self.changed.insert(id);
        self.hurry(id);
    }

    /// Nobody waits at the end for who has refused to be asked.
    fn hurry(&mut self, id: ProcessId) {
        if let Phase::Stopping(Stop { is_out_of_reach: true, rung: Rung::Asked, .. }) = &self.at(id).phase
            && self.shutdown.is_some()
        {
            self.kill(id);
        }
    }

    /// It cannot be ended, and everything else is at its end.
    fn let_go(&mut self, id: ProcessId) {
        let now = self.now;
        self.timers.disarm_all(id);
        self.at_mut(id).remember(now, "left: it could not be ended".to_owned());
        self.shutdown.iter_mut().for_each(|shutdown| shutdown.left.push(id));
        self.enter(id, Phase::Stopped);
    }

    fn signal(&mut self, id: ProcessId, signal: Signal, scope: Scope) {
        let generation = self.at(id).generation;
        self.actions.push(Action::Signal { process: id, generation, signal, scope });
    }

    /// Nothing of the run is left.
    pub(super) fn finish_stop(&mut self, id: ProcessId, exit: Option<Exit>) {
        let Phase::Stopping(stop) = self.at(id).phase.clone() else { return };
        match stop.why {
            StopWhy::Leftovers => match stop.leader.or(exit) {
                Some(exit) => self.run_over(id, &Ending::Exit(exit)),
                None => self.stopped(id, &stop, None),
            },
            StopWhy::Background => match stop.leader.or(exit) {
                Some(exit) => {
                    let sentence = self.background_sentence(id, &stop.run.left);
                    self.run_over(id, &Ending::Background(exit, sentence));
                }
                None => self.stopped(id, &stop, None),
            },
            StopWhy::NotReady => self.run_over(id, &Ending::NotReady(exit)),
            StopWhy::Unhealthy => {
                let sentence = stop.run.unfit.unwrap_or_default();
                self.run_over(id, &Ending::Unhealthy(exit, sentence));
            }
            StopWhy::User
            | StopWhy::Restart
            | StopWhy::Changed
            | StopWhy::Files
            | StopWhy::Removed
            | StopWhy::Dependency(_)
            | StopWhy::Shutdown => {
                self.stopped(id, &stop, exit);
            }
        }
    }

    fn stopped(&mut self, id: ProcessId, stop: &Stop, exit: Option<Exit>) {
        let now = self.now;
        self.timers.disarm_all(id);
        let after = now.mono.since(stop.since.unwrap_or(now.mono));
        let words = match stop.why {
            StopWhy::Dependency(by) => format!("stopped: its dependency {} went away", self.name(by)),
            StopWhy::Changed => "stopped: its config has changed".to_owned(),
            StopWhy::Files => "stopped: its files have changed".to_owned(),
            StopWhy::Removed => "stopped: gone from the config".to_owned(),
            StopWhy::User | StopWhy::Restart | StopWhy::Shutdown if stop.was_killed() => {
                format!("killed after {}", human_duration(after))
            }
            StopWhy::User | StopWhy::Restart => format!("stopped by you in {}", human_duration(after)),
            StopWhy::Shutdown | StopWhy::NotReady | StopWhy::Unhealthy | StopWhy::Leftovers | StopWhy::Background => {
                format!("stopped in {}", human_duration(after))
            }
        };
        let process = self.at_mut(id);
        process.stopped_wall = now.wall;
        process.last_exit = exit.or(process.last_exit);
        process.was_stopped |= exit.is_some();
        process.failed_otherwise = None;
        process.remember(now, words);
        self.say(Notice::Stopped { process: id, after, why: stop.why, killed: stop.was_killed() });
        self.enter(id, Phase::Stopped);
    }

    /// A user's word, or the end, takes over a stop that had another reason.
    pub(super) fn take_over_stop(&mut self, id: ProcessId, new: StopWhy) {
        if let Phase::Stopping(stop) = &mut self.at_mut(id).phase {
            stop.why = new;
            self.tell_state(id, None);
            self.hurry(id);
        }
    }

    pub(super) fn say_still_stopping(&mut self, id: ProcessId) {
        let Phase::Stopping(stop) = &self.at(id).phase else { return };
        let elapsed = self.now.mono.since(stop.since.unwrap_or(self.now.mono));
        let limit = self.program(id).stopwaitsecs;
        self.say(Notice::StillStopping { process: id, elapsed, limit });
    }

    /// Why a process that is not wanted is being stopped.
    pub(super) fn why_down(&self, id: ProcessId) -> StopWhy {
        match (self.shutdown.is_some(), self.at(id).intent) {
            (true, _) => StopWhy::Shutdown,
            (false, Intent::Down { because: OffBecause::Removed, .. }) => StopWhy::Removed,
            (false, Intent::Down { because: OffBecause::Profile, .. }) => StopWhy::Changed,
            (false, Intent::Down { .. } | Intent::Up) => StopWhy::User,
        }
    }
}
