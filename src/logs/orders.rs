//! Orders: what the output thread was told, and what it does about it.

use std::os::fd::OwnedFd;
use std::sync::mpsc::TryRecvError;
use std::time::Duration;

use crate::logs::copies::Extra;
use crate::logs::hub::{Attach, Channel, Label, Order};
use crate::logs::output::{Drain, Known, Output, Token, Waiter};
use crate::logs::own::OwnEntry;
use crate::logs::source::Source;
use crate::logs::track::Track;
use crate::model::{Generation, ProcessId};

/// How long the outputs of an ended leader are waited for.
const DRAIN: Duration = Duration::from_millis(100);

impl Output {
    /// Takes in what was ordered since the last turn.
    pub(super) fn take_orders(&mut self) {
        self.wake.begin_taking();
        loop {
            match self.inbox.try_recv() {
                Ok(order) => self.take(order),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.is_orphaned = true;
                    return;
                }
            }
        }
    }

    /// Gives back what only bytes on their way need. What the screen has not had is read into the arena, too.
    fn rest(&mut self) {
        if self.behind.is_empty() {
            self.arena = Vec::new();
        }
        self.screen.rest();
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Register(process, label) => self.register(process, label),
            Order::Attach(attach) => self.attach(attach),
            Order::CopyTo { process, channel, logfile } => {
                let found = self.known(process).tracks.clone();
                if let Some(track) = found.into_iter().find(|index| self.tracks[*index].channel == channel) {
                    self.copy_to(track, logfile);
                }
            }
            Order::Forget(process) => {
                for index in self.known(process).tracks.clone() {
                    self.tracks[index].forget();
                }
            }
            Order::View { process, out, is_behind } => self.view(process, out, is_behind),
            Order::Ended { process, generation, keep_open } => {
                let until = self.now + DRAIN;
                self.drains.push(Drain { process, generation, until, keep_open });
            }
            Order::Say(text) => self.own.push_back(OwnEntry::Say(text)),
            Order::CrashBox(crash_box) => self.own.push_back(OwnEntry::CrashBox(crash_box)),
            Order::Join { process, run, fd } => self.join(process, run, fd),
            Order::LastLines { process, run, max_lines, done } => {
                // Who asked may have gone away.
                let _ = done.send(self.last_lines(process, run, max_lines));
            }
            Order::SetLive(line) => self.screen.set_live(line),
            Order::ShowOnly(processes) => self.show_only(processes.as_deref()),
            Order::MuteScreen => {
                self.screen.close(self.now);
                self.forget_screen();
            }
            Order::HoldScreen { done } => {
                self.screen.hold(self.now);
                // Who asked may have stopped waiting.
                let _ = done.send(());
            }
            Order::ReleaseScreen => self.screen.release(),
            Order::Log { level, at, text } => {
                let now = self.now;
                self.with_main(|main| main.write(level, at, &text, now));
            }
            Order::ReopenLogs => self.reopen_logs(),
            Order::Rest => self.rest(),
            Order::ClearLogs { logs, done } => self.clear_logs(logs, done),
            Order::ClearMainLog { done } => self.clear_main_log(done),
            Order::Flush { until, done } => {
                let (limit, latest) = (Duration::ZERO, until);
                self.waiters.push(Waiter { until, limit, latest, done, ends_thread: false, has_looked: false });
            }
            Order::Stop { until, limit, latest, done } => {
                self.waiters.push(Waiter { until, limit, latest, done, ends_thread: true, has_looked: false });
            }
        }
    }

    pub(super) fn known(&mut self, process: ProcessId) -> &mut Known {
        if self.known.len() <= process.index() {
            let is_hidden = self.is_filtered;
            self.known.resize_with(process.index() + 1, || Known { is_hidden, ..Known::default() });
        }
        &mut self.known[process.index()]
    }

    fn register(&mut self, process: ProcessId, label: Label) {
        let known = self.known(process);
        (known.name, known.prefix) = (label.name, label.prefix.into_bytes());
    }

    /// A descriptor that cannot be watched counts as closed.
    fn attach(&mut self, mut attach: Attach) {
        let (process, channel, logfile) = (attach.process, attach.channel, attach.logfile.take());
        let track = self.track(process, channel);
        self.tracks[track].extra = Extra::of(&attach);
        self.tracks[track].is_forgotten = false;
        if attach.is_protocol {
            self.tracks[track].never_show();
        }
        self.copy_to(track, logfile);
        self.watch(attach, track);
    }

    /// Somebody else speaks in the place of a program. No incarnation has this generation, so that no end of one ends it.
    fn join(&mut self, process: ProcessId, run: u32, fd: OwnedFd) {
        let channel = Channel::Stdout;
        let track = self.track(process, channel);
        let guest = Attach::plain(process, Generation::default(), run, channel, fd);
        self.watch(guest, track);
    }

    fn watch(&mut self, attach: Attach, track: usize) {
        let process = attach.process;
        let index = self.free.last().copied().unwrap_or(self.sources.len());
        let Ok(source) = Source::new(attach, track, &self.under_way) else { return };
        if self.poller.add_reader(&source, Token::Source(index).encode()).is_err() {
            return;
        }
        if index == self.sources.len() {
            self.sources.push(Some(source));
        } else {
            self.free.pop();
            self.sources[index] = Some(source);
        }
        self.tracks[track].open_sources += 1;
        self.known(process).sources.push(index);
    }

    /// The track of a channel; what failed to be kept is tried again with each run.
    pub(super) fn track(&mut self, process: ProcessId, channel: Channel) -> usize {
        let found = self.known(process).tracks.clone();
        if let Some(index) = found.into_iter().find(|index| self.tracks[*index].channel == channel) {
            self.tracks[index].try_keeping_again();
            return index;
        }
        let mut track = Track::new(process, channel);
        track.is_hidden = self.known(process).is_hidden;
        self.tracks.push(track);
        let index = self.tracks.len() - 1;
        self.known(process).tracks.push(index);
        index
    }

    fn show_only(&mut self, processes: Option<&[ProcessId]>) {
        self.is_filtered = processes.is_some();
        for (index, known) in self.known.iter_mut().enumerate() {
            known.is_hidden = processes.is_some_and(|shown| !shown.iter().any(|process| process.index() == index));
            for track in &known.tracks {
                self.tracks[*track].hide(known.is_hidden);
            }
        }
    }
}
