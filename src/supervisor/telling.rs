//! What is told as events: what processes become and write, groups, time, the supervisor itself; and what clients send.

use std::sync::Arc;
use std::time::Duration;

use super::Supervisor;
use super::action::{Action, Outcome};
use super::event::RequestId;
use super::listener::Early;
use super::process::{Phase, Process};
use super::timers::TimerKey;
use crate::model::public_event::{OutputKind, PublicEvent, SharedText, StateFacts, TickPeriod};
use crate::model::{Channel, EventType, Exit, Generation, ProcessId, ProcessState, Program};

/// How long a tick is waited for without a look at the wall clock, which may be set, and goes on while the machine sleeps.
/// supervisord looks each second (supervisor `supervisord.py` `runforever`).
const LATEST_TICK: Duration = Duration::from_secs(5);

impl Supervisor {
    /// A process is taken out of use: that it is down is no change of its state.
    pub(super) fn tell_no_more(&mut self, id: ProcessId) {
        if let Some(told) = self.listeners.told.get_mut(id.index()) {
            *told = ProcessState::Stopped;
        }
    }

    /// The groups of the project are there, and the project runs (supervisor `supervisord.py` `run`, `runforever`).
    pub(super) fn begin_events(&mut self) {
        let mut groups: Vec<String> = Vec::new();
        for id in Arc::clone(&self.start_order).iter() {
            let group = self.at(*id).definition.name().group.clone();
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        for group in groups {
            self.group_added(&group);
        }
        self.publish(PublicEvent::running, EventType::SupervisorStateChangeRunning);
        self.arm_ticks();
    }

    /// A group has come. A pool hears of its own.
    pub(super) fn group_added(&mut self, group: &str) {
        for pool in self.listeners.pools.values_mut().filter(|pool| pool.group == group) {
            pool.is_open = true;
        }
        self.publish(|| PublicEvent::group_added(group), EventType::ProcessGroupAdded);
    }

    /// A group has gone; call it once [`Self::sync_listeners`] knows.
    pub(super) fn group_removed(&mut self, group: &str) {
        self.publish(|| PublicEvent::group_removed(group), EventType::ProcessGroupRemoved);
    }

    /// The end has begun.
    pub(super) fn tell_of_the_end(&mut self) {
        self.publish(PublicEvent::stopping, EventType::SupervisorStateChangeStopping);
    }

    /// Tells what a process has become, by supervisord's states: a step that these do not know in one is told as several.
    /// `ended` is the pid of the run that is over with this.
    pub(super) fn tell_state(&mut self, id: ProcessId, ended: Option<u32>) {
        let before = self.told(id);
        let process = self.at(id);
        let after = process.state();
        let is_over = ended.is_some();
        if before == after && !is_over || is_only_passing(before, process) {
            return;
        }
        let between = is_over.then(|| in_between(before, after)).flatten();
        for state in between.into_iter().chain([after]) {
            self.tell_one_state(id, state, ended.unwrap_or(0));
        }
    }

    /// What a process was only passing through it has come to stay in, when something else of the same moment has ended its way.
    pub(super) fn tell_what_stayed(&mut self) {
        let changed: Vec<ProcessId> = self.changed.iter().copied().collect();
        for id in changed {
            self.tell_state(id, None);
        }
    }

    fn tell_one_state(&mut self, id: ProcessId, state: ProcessState, ended: u32) {
        let from = self.told(id);
        if from == state {
            return;
        }
        self.listeners.told[id.index()] = state;
        if self.listeners.pools.is_empty() {
            return;
        }
        let process = self.at(id);
        let pid = process.run().and_then(|run| run.pid).unwrap_or(ended);
        let expected = is_expected(self.program(id), process.last_exit);
        let facts = StateFacts { from, tries: process.failures, pid, expected };
        let name = process.definition.name().clone();
        self.publish(|| PublicEvent::state(&name, state, facts), EventType::of_state(state));
    }

    fn told(&mut self, id: ProcessId) -> ProcessState {
        let told = &mut self.listeners.told;
        if told.len() <= id.index() {
            told.resize(id.index() + 1, ProcessState::Stopped);
        }
        told[id.index()]
    }

    /// A process wrote something that is an event.
    pub(super) fn printed(
        &mut self,
        (id, generation): (ProcessId, Generation),
        channel: Channel,
        kind: OutputKind,
        data: &SharedText,
    ) {
        if !self.is_current(id, generation) {
            return;
        }
        let process = self.at(id);
        let run = process.run();
        if run.is_some_and(|run| run.pid.is_none()) {
            let data = data.clone();
            return self.listeners.early.push(Early { run: (id, generation), channel, kind, data });
        }
        let pid = run.and_then(|run| run.pid).unwrap_or(0);
        let name = process.definition.name().clone();
        let event_type = match (kind, channel) {
            (OutputKind::Log, Channel::Stdout) => EventType::ProcessLogStdout,
            (OutputKind::Log, Channel::Stderr) => EventType::ProcessLogStderr,
            (OutputKind::Communication, Channel::Stdout) => EventType::ProcessCommunicationStdout,
            (OutputKind::Communication, Channel::Stderr) => EventType::ProcessCommunicationStderr,
        };
        self.publish(|| PublicEvent::output(&name, pid, channel, kind, data.as_str()), event_type);
    }

    /// A process is there: what it has written already is told now; what others wrote that never came to be is forgotten.
    pub(super) fn print_early(&mut self) {
        let early = std::mem::take(&mut self.listeners.early);
        for Early { run, channel, kind, data } in early {
            self.printed(run, channel, kind, &data);
        }
    }

    /// A client sends an event.
    pub(super) fn send_event(&mut self, request: RequestId, kind: &str, data: &SharedText) {
        self.publish(|| PublicEvent::remote(kind, data.as_str()), EventType::RemoteCommunication);
        self.actions.push(Action::Reply(request, Outcome::Accepted));
    }

    /// Arms the ticks that somebody listens to, and only those.
    pub(super) fn arm_ticks(&mut self) {
        for period in TickPeriod::ALL {
            let is_wanted = self.listeners.pools.values().any(|pool| pool.wants(period.event()));
            if !is_wanted {
                self.timers.cancel(TimerKey::Tick(period));
                self.listeners.ticks.remove(&period);
            } else if !self.listeners.ticks.contains_key(&period) {
                let slice = self.slice(period);
                self.listeners.ticks.insert(period, slice);
                self.arm_tick(period);
            }
        }
    }

    /// The last multiple of a period, in seconds since 1970.
    fn slice(&self, period: TickPeriod) -> u64 {
        let seconds = self.now.wall.seconds();
        seconds - seconds % period.seconds()
    }

    /// At the next multiple of the wall clock, by the clock that deadlines are on.
    fn arm_tick(&mut self, period: TickPeriod) {
        let next = (self.slice(period) + period.seconds()).saturating_mul(1000);
        let wait = Duration::from_millis(next.saturating_sub(self.now.wall.0).max(1));
        self.timers.set(TimerKey::Tick(period), self.now.mono + wait.min(LATEST_TICK));
    }

    /// It may be too early, or late by many, when the clock was set meanwhile.
    pub(super) fn tick(&mut self, period: TickPeriod) {
        let slice = self.slice(period);
        if self.listeners.ticks.insert(period, slice) != Some(slice) {
            self.publish(|| PublicEvent::tick(period, slice), period.event());
        }
        self.arm_tick(period);
    }
}

/// On its way from an end to a new start it is `Stopped` for a moment, which supervisord's states have no word for.
fn is_only_passing(before: ProcessState, process: &Process) -> bool {
    let was_over = match before {
        ProcessState::Exited | ProcessState::Fatal | ProcessState::Backoff => true,
        ProcessState::Stopped
        | ProcessState::Starting
        | ProcessState::Running
        | ProcessState::Stopping
        | ProcessState::Unknown => false,
    };
    was_over && process.phase == Phase::Stopped && process.is_wanted()
}

/// What a run that is over went through by supervisord's diagram, where we go on at once: EXITED before it is tried again or given
/// up, BACKOFF when it had not been RUNNING.
fn in_between(before: ProcessState, after: ProcessState) -> Option<ProcessState> {
    match (before, after) {
        (ProcessState::Running, ProcessState::Starting | ProcessState::Backoff | ProcessState::Fatal) => {
            Some(ProcessState::Exited)
        }
        (
            ProcessState::Starting | ProcessState::Stopping | ProcessState::Unknown,
            ProcessState::Starting | ProcessState::Fatal,
        ) => Some(ProcessState::Backoff),
        (
            ProcessState::Stopped
            | ProcessState::Starting
            | ProcessState::Running
            | ProcessState::Backoff
            | ProcessState::Stopping
            | ProcessState::Exited
            | ProcessState::Fatal
            | ProcessState::Unknown,
            _,
        ) => None,
    }
}

fn is_expected(program: &Program, exit: Option<Exit>) -> bool {
    match exit {
        Some(Exit::Code(code)) => program.exitcodes.contains(&code),
        Some(Exit::Signal { .. }) | None => false,
    }
}
