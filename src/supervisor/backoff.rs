//! The end of a run: done, again, or given up. The arithmetic of failures is our own, or supervisord's.

use std::time::Duration;

use super::Supervisor;
use super::action::{Action, Crash};
use super::chronicle::Entry;
use super::notice::{Notice, Reason};
use super::process::{GOOD_AFTER, Phase, Run};
use super::snapshot::OffBecause;
use super::timers::TimerKind;
use super::transition::Ending;
use crate::model::units::human_duration;
use crate::model::{Autorestart, Exit, Moment, ProcessId, Program, RetryPolicy};

/// A death after RUNNING that comes sooner than this is not followed by a restart in the same instant (supervisord's hot loop,
/// its issue 1189).
const QUICK_DEATH: Duration = Duration::from_secs(1);

/// What is said of a run that was ended because it was not ready in time.
const NOT_READY: &str = "not ready in time";

/// What supervisord says of an end before `startsecs`, whatever the code (supervisor `process.py` `finish`).
const TOO_QUICKLY: &str = "Exited too quickly (process log may have details)";

/// What comes after a run that has ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nothing: it is done, or has failed and `autorestart` says no.
    Rest,
    /// Another try after this long.
    Again(Duration),
    /// All tries are used up.
    GiveUp,
}

impl Supervisor {
    /// A run is over and nobody stopped it.
    pub(super) fn run_over(&mut self, id: ProcessId, ending: &Ending) {
        let Some(run) = self.at(id).run().cloned() else { return };
        let (now, was_running) = (self.now, self.at(id).was_running());
        self.timers.disarm_all(id);
        self.record_end(id, ending, was_running);
        if !self.at(id).is_wanted() {
            return self.over_unwanted(id, ending, now.mono.since(run.started));
        }
        self.no_longer_held_open(id);
        let lasted = now.mono.since(run.started);
        let is_expected = is_expected(self.program(id), ending);
        match self.next_try(id, &run, ending, was_running) {
            Next::Rest if is_expected => self.done(id, ending, lasted),
            Next::Rest => self.failed_for_good(id, ending, lasted, false),
            Next::GiveUp => self.failed_for_good(id, ending, lasted, true),
            Next::Again(delay) => self.try_again(id, ending, lasted, delay, was_running),
        }
    }

    fn record_end(&mut self, id: ProcessId, ending: &Ending, was_running: bool) {
        let now = self.now;
        let is_strict = self.program(id).retry == RetryPolicy::Supervisord;
        let expected = is_expected(self.program(id), ending);
        let not_ready = self.last_word(id).map_or_else(|| NOT_READY.to_owned(), |last| format!("{NOT_READY}: {last}"));
        let process = self.at_mut(id);
        process.stopped_wall = now.wall;
        process.spawn_errno = 0;
        process.spawn_error = match ending {
            Ending::Exit(_) if is_strict && !was_running => TOO_QUICKLY.to_owned(),
            Ending::Exit(_) if expected => String::new(),
            Ending::Exit(Exit::Code(code)) => format!("Bad exit code {code}"),
            Ending::Exit(exit) if is_strict => format!("Bad exit code {}", exit.supervisord_status()),
            Ending::Exit(exit @ Exit::Signal { .. }) => exit.to_string(),
            Ending::NotReady(_) => not_ready,
            Ending::Background(_, sentence) | Ending::Unhealthy(_, sentence) => sentence.clone(),
            Ending::Spawn(failure) => failure.sentence(),
        };
        process.failed_otherwise = match ending {
            Ending::Exit(_) => None,
            Ending::Spawn(_) | Ending::NotReady(_) | Ending::Background(..) | Ending::Unhealthy(..) => {
                Some(process.spawn_error.clone())
            }
        };
        process.was_stopped = false;
        match ending {
            Ending::Exit(exit) | Ending::Background(exit, _) => {
                process.last_exit = Some(*exit);
                process.has_ended = true;
            }
            Ending::NotReady(exit) | Ending::Unhealthy(exit, _) => process.last_exit = exit.or(process.last_exit),
            Ending::Spawn(failure) => process.spawn_errno = failure.errno,
        }
    }

    /// It ended by itself while it was about to be stopped anyway: told, but nothing follows from it.
    fn over_unwanted(&mut self, id: ProcessId, ending: &Ending, after: Duration) {
        let (now, run) = (self.now, self.at(id).runs);
        self.at_mut(id).remember(now, ending_words(ending));
        let expected = is_expected(self.program(id), ending);
        match ending {
            Ending::Exit(exit) if expected => self.say(Notice::Done { process: id, after, exit: *exit }),
            Ending::Exit(_)
            | Ending::Spawn(_)
            | Ending::NotReady(_)
            | Ending::Background(..)
            | Ending::Unhealthy(..) => {
                let reason = self.reason(id, ending);
                self.say(Notice::Crashed { process: id, run, reason, after, again_in: None, first: false });
            }
        }
        match ending {
            Ending::Exit(exit) => self.enter(id, Phase::Exited { exit: *exit, expected }),
            Ending::Spawn(_) | Ending::NotReady(_) | Ending::Background(..) | Ending::Unhealthy(..) => {
                self.enter(id, Phase::Stopped);
            }
        }
    }

    /// Decides what comes next and counts the failure.
    fn next_try(&mut self, id: ProcessId, run: &Run, ending: &Ending, was_running: bool) -> Next {
        let program = self.program(id);
        let expected = is_expected(program, ending);
        let wants_again = match (program.is_task(), program.autorestart) {
            (true, _) => !expected && program.startretries > 0,
            // Who writes `alive` or `max_memory` asks for this very restart.
            (false, _) if matches!(ending, Ending::Unhealthy(..)) => true,
            (false, Autorestart::Never) => false,
            (false, Autorestart::Unexpected) => !expected,
            (false, Autorestart::Always) => true,
        };
        let (policy, limit) = (program.retry, program.startretries);
        if matches!(ending, Ending::Background(..)) {
            // It would do so again.
            self.at_mut(id).failures += 1;
            return Next::GiveUp;
        }
        match policy {
            RetryPolicy::Native if !wants_again => Next::Rest,
            RetryPolicy::Native => self.count(id, run, limit),
            RetryPolicy::Supervisord if !was_running => self.count_as_supervisord(id, limit),
            RetryPolicy::Supervisord if !wants_again => Next::Rest,
            RetryPolicy::Supervisord if self.now.mono.since(run.started) < QUICK_DEATH => Next::Again(QUICK_DEATH),
            RetryPolicy::Supervisord => Next::Again(Duration::ZERO),
        }
    }

    /// 0, 1, 2, 3 … s between tries; a run that was ready and alive for [`GOOD_AFTER`] starts the count anew.
    fn count(&mut self, id: ProcessId, run: &Run, limit: u32) -> Next {
        let until = self.well_until(id, run);
        let was_good = run.ready.is_some_and(|ready| until.since(ready) >= GOOD_AFTER);
        let process = self.at_mut(id);
        if was_good {
            process.forgive();
        }
        process.failures += 1;
        if process.failures > limit {
            Next::GiveUp
        } else {
            Next::Again(Duration::from_secs(u64::from(process.failures - 1)))
        }
    }

    /// supervisord: 1, 2, 3 … s, and FATAL after `startretries` (supervisor `process.py` `transition`, `give_up`).
    fn count_as_supervisord(&mut self, id: ProcessId, limit: u32) -> Next {
        let process = self.at_mut(id);
        process.failures += 1;
        if process.failures > limit { Next::GiveUp } else { Next::Again(Duration::from_secs(process.failures.into())) }
    }

    fn done(&mut self, id: ProcessId, ending: &Ending, after: Duration) {
        let Ending::Exit(exit) = *ending else { return };
        let now = self.now;
        let process = self.at_mut(id);
        process.forgive();
        process.ready_after = Some(after);
        process.satisfied_at = Some(now.mono);
        process.remember(now, format!("done in {}", human_duration(after)));
        self.say(Notice::Done { process: id, after, exit });
        self.enter(id, Phase::Exited { exit, expected: true });
        self.end_run_on_end(id, exit.shell_code());
    }

    fn try_again(&mut self, id: ProcessId, ending: &Ending, after: Duration, delay: Duration, was_running: bool) {
        let reason = self.reason(id, ending);
        self.note_failure(id, &reason, ending);
        let until = self.now.mono + delay;
        let reads_exited = was_running && self.program(id).retry == RetryPolicy::Supervisord;
        let (run, failures) = (self.at(id).runs, self.at(id).failures);
        let told = reason.clone();
        self.say(Notice::Crashed { process: id, run, reason, after, again_in: Some(delay), first: failures <= 1 });
        self.run_hook(id, ending, told, after, Some(delay));
        self.back_off(id, until, reads_exited);
    }

    /// Has the user's own command told of a failure. A program that is to run for ever and ends well has not crashed.
    fn run_hook(
        &mut self,
        id: ProcessId,
        ending: &Ending,
        reason: Reason,
        after: Duration,
        again_in: Option<Duration>,
    ) {
        let program = self.program(id);
        if program.on_crash.is_none() || is_expected(program, ending) {
            return;
        }
        let exit = match ending {
            Ending::Exit(exit) | Ending::Background(exit, _) => Some(*exit),
            Ending::Spawn(_) | Ending::NotReady(_) | Ending::Unhealthy(..) => None,
        };
        let run = self.at(id).runs;
        self.actions.push(Action::OnCrash(Box::new(Crash { process: id, run, reason, exit, after, again_in })));
    }

    fn back_off(&mut self, id: ProcessId, until: Moment, reads_exited: bool) {
        if until <= self.now.mono {
            self.enter(id, Phase::Waiting);
        } else {
            self.timers.arm(id, TimerKind::Retry, until);
            self.enter(id, Phase::Backoff { until, reads_exited });
        }
    }

    /// No further try: `gave_up` when there had been some.
    fn failed_for_good(&mut self, id: ProcessId, ending: &Ending, after: Duration, gave_up: bool) {
        let reason = self.reason(id, ending);
        self.note_failure(id, &reason, ending);
        let process = self.at(id);
        let (run, tries, each_time) = (process.runs, process.failures, process.fails_alike);
        let told = reason.clone();
        if gave_up && tries > 1 {
            self.say(Notice::GaveUp { process: id, run, tries, reason, each_time, after });
        } else {
            self.say(Notice::Crashed { process: id, run, reason, after, again_in: None, first: true });
        }
        self.run_hook(id, ending, told, after, None);
        let code = match ending {
            Ending::Exit(exit) => exit.shell_code(),
            Ending::Spawn(_) => 127,
            Ending::NotReady(_) | Ending::Background(..) | Ending::Unhealthy(..) => 1,
        };
        match ending {
            Ending::Exit(exit) if !gave_up => self.enter(id, Phase::Exited { exit: *exit, expected: false }),
            Ending::Exit(_)
            | Ending::Spawn(_)
            | Ending::NotReady(_)
            | Ending::Background(..)
            | Ending::Unhealthy(..) => {
                self.chronicle(Entry::GaveUp { process: id });
                self.enter(id, Phase::Fatal);
            }
        }
        self.end_run_on_failure(id, code);
    }

    /// Remembers a failure for `why`, and whether all in a row are alike.
    fn note_failure(&mut self, id: ProcessId, reason: &Reason, ending: &Ending) {
        let now = self.now;
        let process = self.at_mut(id);
        if process.last_reason.as_ref().is_some_and(|last| last != reason) {
            process.fails_alike = false;
        }
        process.last_reason = Some(reason.clone());
        process.remember(now, ending_words(ending));
    }

    fn reason(&self, id: ProcessId, ending: &Ending) -> Reason {
        match ending {
            Ending::Exit(exit @ Exit::Signal { signal, .. }) if self.at(id).sent == Some(*signal) => {
                Reason::Signalled(*exit)
            }
            Ending::Exit(exit) => Reason::Exit(*exit),
            Ending::Spawn(failure) => Reason::Spawn(failure.sentence()),
            Ending::Background(_, sentence) => Reason::Background(sentence.clone()),
            Ending::Unhealthy(_, sentence) => Reason::Unhealthy(sentence.clone()),
            Ending::NotReady(_) => Reason::NotReady { limit: self.ready_limit(id), last: self.last_word(id) },
        }
    }

    fn last_word(&self, id: ProcessId) -> Option<String> {
        self.at(id).run().and_then(|run| run.probe.last_word())
    }

    /// How long a start was given: `ready.timeout`, or what it took until `ready.failures` were reached.
    fn ready_limit(&self, id: ProcessId) -> Duration {
        let limit = self.program(id).ready.as_ref().and_then(|ready| ready.timeout);
        let lasted = self.at(id).run().map(|run| self.now.mono.since(run.started));
        limit.or(lasted).unwrap_or_default()
    }

    /// Stops wanting a process: a user's word, or the end.
    pub(super) fn unwant(&mut self, id: ProcessId, because: OffBecause, ordered: bool) {
        self.at_mut(id).intent = super::process::Intent::Down { because, ordered };
        self.refresh_edges(id);
        self.touch(id);
    }
}

fn is_expected(program: &Program, ending: &Ending) -> bool {
    match ending {
        Ending::Exit(Exit::Code(code)) => program.exitcodes.contains(code),
        Ending::Exit(Exit::Signal { .. })
        | Ending::Spawn(_)
        | Ending::NotReady(_)
        | Ending::Background(..)
        | Ending::Unhealthy(..) => false,
    }
}

fn ending_words(ending: &Ending) -> String {
    match ending {
        Ending::Exit(exit) => exit.to_string(),
        Ending::Spawn(failure) => failure.sentence(),
        Ending::NotReady(_) => NOT_READY.to_owned(),
        Ending::Background(..) => super::background::WORDS.to_owned(),
        Ending::Unhealthy(_, sentence) => sentence.clone(),
    }
}
