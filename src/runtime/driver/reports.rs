//! What the spawner reports: births, failures and ends of programs and helpers, and who outlived the leader of a group.

use std::time::Duration;

use nix::errno::Errno;

use crate::model::supervisord::LogLevel;
use crate::model::{Exit, Generation, ProcessId, Signal};
use crate::runtime::driver::{Driver, Later};
use crate::runtime::ends::Incarnation;
use crate::runtime::os;
use crate::runtime::spawner::{Key, Order, Report, Spawner, Step};
use crate::supervisor::action::Scope;
use crate::supervisor::event::{Event, Survivor};

/// Processes of one group that were signalled together end one after the other; what is there after this is left over.
const SURVIVORS_MOMENT: Duration = Duration::from_millis(100);

impl<S: Spawner> Driver<S> {
    pub(super) fn reported(&mut self, report: &Report) {
        match *report {
            Report::Spawned { key, pid } => {
                if let Some((process, generation)) = key.as_incarnation() {
                    self.parts.narrator.spawned(process, pid);
                    self.take(Event::Spawned { process, generation, pid });
                }
            }
            Report::SpawnFailed { key, step, errno } => self.spawn_failed(key, step, errno),
            Report::Exited { key, exit, survivors } => match key.as_incarnation() {
                Some(of) => self.leader_ended(of, exit, survivors),
                None => self.helper_ended(key, exit, survivors),
            },
            Report::LeftBehind { key, ref pids } => {
                if let Some(of) = key.as_incarnation() {
                    self.ends.left_behind(of, pids.clone());
                }
            }
            Report::OutOfReach { key, signal, errno } => {
                if let Some((process, generation)) = key.as_incarnation() {
                    let reason = Errno::from_raw(errno).desc().to_lowercase();
                    self.take(Event::OutOfReach { process, generation, signal, reason });
                }
            }
            Report::Vanished { key } => {
                let event = key.as_incarnation().and_then(|of| self.ends.vanished(of));
                self.end_news(event);
            }
            Report::Swept { .. } => {}
        }
    }

    /// A helper's answer is its exit; whatever it left behind goes.
    fn helper_ended(&mut self, key: Key, exit: Exit, survivors: bool) {
        if survivors {
            self.parts.spawner.order(Order::Signal { key, signal: Signal::KILL, scope: Scope::Tree });
        }
        self.helpers.ended(key.helper_number(), exit);
    }

    fn spawn_failed(&mut self, key: Key, step: Step, errno: i32) {
        match key.as_incarnation() {
            Some((process, generation)) => {
                let failure = self.failure(process, step, errno);
                self.fcgi.release((process, generation));
                self.forget_console(process, generation);
                self.parts.hub.ended(process, generation, false);
                self.take(Event::SpawnFailed { process, generation, failure });
            }
            None => self.helpers.failed(key.helper_number(), errno),
        }
    }

    fn leader_ended(&mut self, of: Incarnation, exit: Exit, survivors: bool) {
        self.log(LogLevel::Debug, "received SIGCHLD indicating a child quit".to_owned());
        let (is_open, news) = self.ends.begin(of, exit, survivors);
        if is_open {
            self.parts.hub.ended(of.0, of.1, survivors);
        }
        if survivors {
            self.after(SURVIVORS_MOMENT, Later::Overdue(of));
        }
        self.end_news(news);
    }

    /// Says who they are before it is said that the leader has ended: they have had the time to become what they will be.
    pub(super) fn name_survivors(&mut self, (process, generation): Incarnation) {
        let Some(pids) = self.ends.take_left((process, generation)) else { return };
        let known = |pid| os::command_name(pid).map(|name| Survivor { pid, name });
        let survivors: Vec<Survivor> = pids.into_iter().filter_map(known).collect();
        self.take(Event::LeftBehind { process, generation, survivors });
    }

    /// What an end has become, if that is known now.
    pub(super) fn end_news(&mut self, event: Option<Event>) {
        if let Some(event) = event {
            if let Event::Exited { process, generation, .. } = event {
                self.fcgi.release((process, generation));
            }
            if let Event::Exited { process, generation, survivors: false, .. }
            | Event::Vanished { process, generation } = event
            {
                self.forget_console(process, generation);
            }
            self.take(event);
        }
    }

    fn forget_console(&mut self, process: ProcessId, generation: Generation) {
        if let Some(side) = self.sides.get_mut(process.index())
            && side.generation == generation
        {
            (side.console, side.stdin) = (None, None);
        }
    }
}
