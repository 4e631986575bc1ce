//! The only loop and the only owner: whatever happens outside becomes an event, goes through the supervisor, and what comes out
//! is performed. No decision is made here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep_until, timeout};

use crate::logs::{Hub, OutputEvent};
use crate::model::{Exit, Generation, Now, ProcessId, Signal, WallTime};
use crate::probe::{Answer, ResolvedProbe};
use crate::runtime::clock::Clock;
use crate::runtime::handle::Message;
use crate::runtime::helpers::{HelperDesk, HelperMessage, Helpers};
use crate::runtime::launcher::Launcher;
use crate::runtime::os;
use crate::runtime::record::Recorder;
use crate::runtime::signals::{Asked, Signals};
use crate::runtime::spawner::{Key, Order, Report, Spawner, Step};
use crate::runtime::streams::Console;
use crate::supervisor::Supervisor;
use crate::supervisor::action::Outcome;
use crate::supervisor::event::{Event, RequestId, Urgency, Verdict};
use crate::supervisor::notice::Notice;
use crate::supervisor::snapshot::Snapshot;

/// How long the last sweep gives to what is left (PRODUCT.md 12).
const LAST_GRACE: Duration = Duration::from_secs(2);

/// Processes of one group that were signalled together end one after the other; what is there after this is left over.
const SURVIVORS_MOMENT: Duration = Duration::from_millis(100);

/// How long the spawner may take for that sweep before we do it ourselves.
const SWEEP_LIMIT: Duration = Duration::from_secs(5);

/// SIGSTOP and SIGCONT, for Ctrl-Z and `fg`.
const STOP: Signal = Signal(19);
const CONT: Signal = Signal(18);

/// Whoever tells the user what happens. Lives at the edge above, so that the driver knows no terminal.
pub trait Narrator {
    /// Something worth a line.
    fn tell(&mut self, notice: &Notice, snapshot: &Snapshot, now: Now);
    /// A process got its pid.
    fn spawned(&mut self, process: ProcessId, pid: u32);
    /// There is a newer view.
    fn changed(&mut self, snapshot: &Snapshot);
    /// These had outlived their program and were ended.
    fn leftovers(&mut self, names: &[(u32, String)]);
    /// Something about ourselves that has no notice: in one line.
    fn remark(&mut self, line: String);
    /// We are about to be suspended: give the terminal back as it was.
    fn suspend(&mut self);
    /// We were continued.
    fn resume(&mut self);
}

/// What the driver is made of.
pub struct Parts<S> {
    /// The state machine, not yet begun.
    pub supervisor: Supervisor,
    /// Whoever executes programs.
    pub spawner: S,
    /// Whoever reads their output.
    pub hub: Hub,
    /// What the output thread says.
    pub output: mpsc::UnboundedReceiver<OutputEvent>,
    /// From process to spawn.
    pub launcher: Launcher,
    /// What is asked from outside.
    pub messages: mpsc::UnboundedReceiver<Message>,
    /// Where views go.
    pub snapshots: watch::Sender<Snapshot>,
    /// The clocks.
    pub clock: Clock,
    /// Whoever tells the user.
    pub narrator: Box<dyn Narrator>,
    /// How programs get their streams.
    pub terminals: Terminals,
    /// Where notify sockets are made.
    pub runtime_directory: std::path::PathBuf,
    /// `RUN_RECORD`.
    pub recorder: Option<Recorder>,
}

/// Whether programs with `tty = "auto"` get a terminal, and how much of ours a prefix takes.
#[derive(Debug, Clone, Copy)]
pub struct Terminals {
    /// Our stdout is a terminal.
    pub automatic: bool,
    /// Columns before each line.
    pub prefix_columns: u16,
}

/// What the driver holds for a process besides the supervisor's books.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) generation: Generation,
    pub(super) console: Option<Console>,
    pub(super) probe: Option<Result<Arc<ResolvedProbe>, String>>,
    pub(super) directory: std::path::PathBuf,
    pub(super) started: WallTime,
    /// The attempt, or the wait for a notification, under way.
    pub(super) asking: Option<AbortHandle>,
    /// What a failure to execute is told with.
    pub(super) spawn_words: SpawnWords,
}

/// What a failure to execute is told with.
#[derive(Debug, Default, Clone)]
pub(super) struct SpawnWords {
    pub(super) program: String,
    pub(super) directory: String,
    pub(super) path_entries: usize,
    pub(super) user: Option<String>,
}

/// A leader's end that waits for its last output to be taken in, and for what the same signal has ended to be gone.
#[derive(Debug)]
struct Draining {
    exit: Exit,
    survivors: bool,
    vanished: bool,
    is_drained: bool,
    /// Survivors have had their moment.
    is_overdue: bool,
}

impl Draining {
    fn is_complete(&self) -> bool {
        self.is_drained && (!self.survivors || self.vanished || self.is_overdue)
    }
}

/// A probe's answer on its way to the supervisor.
pub(super) type Probed = (ProcessId, Generation, Answer);

/// The loop and all that it owns.
pub struct Driver<S> {
    pub(super) supervisor: Supervisor,
    pub(super) spawner: S,
    pub(super) hub: Hub,
    output: mpsc::UnboundedReceiver<OutputEvent>,
    pub(super) launcher: Launcher,
    messages: mpsc::UnboundedReceiver<Message>,
    snapshots: watch::Sender<Snapshot>,
    pub(super) clock: Clock,
    pub(super) narrator: Box<dyn Narrator>,
    pub(super) terminals: Terminals,
    pub(super) runtime_directory: std::path::PathBuf,
    recorder: Option<Recorder>,
    pub(super) sides: Vec<Side>,
    pub(super) probed: mpsc::UnboundedSender<Probed>,
    answers: mpsc::UnboundedReceiver<Probed>,
    pub(super) desk: HelperDesk,
    helper_messages: mpsc::UnboundedReceiver<HelperMessage>,
    pub(super) helpers: Helpers,
    overdue: mpsc::UnboundedSender<(ProcessId, Generation)>,
    overdues: mpsc::UnboundedReceiver<(ProcessId, Generation)>,
    replies: BTreeMap<RequestId, oneshot::Sender<Outcome>>,
    draining: BTreeMap<(ProcessId, Generation), Draining>,
    /// Events that performing an action brought about.
    pub(super) pending: VecDeque<Event>,
    finished: Option<u8>,
    is_screen_gone: bool,
}

/// What woke the loop.
enum Woken {
    Signal(Asked),
    Report(Option<Report>),
    Output(OutputEvent),
    Probed(Probed),
    Helper(HelperMessage),
    Overdue(ProcessId, Generation),
    Message(Message),
    Deadline,
}

impl<S: Spawner> Driver<S> {
    /// Puts the parts together.
    pub fn new(parts: Parts<S>) -> Self {
        let count = parts.supervisor.graph().len();
        // Both unbounded: a process has at most one probe and one helper under way.
        let (probed, answers) = mpsc::unbounded_channel();
        let (desk, helper_messages) = mpsc::unbounded_channel();
        // Unbounded: one message an end.
        let (overdue, overdues) = mpsc::unbounded_channel();
        Self {
            supervisor: parts.supervisor,
            spawner: parts.spawner,
            hub: parts.hub,
            output: parts.output,
            launcher: parts.launcher,
            messages: parts.messages,
            snapshots: parts.snapshots,
            clock: parts.clock,
            narrator: parts.narrator,
            terminals: parts.terminals,
            runtime_directory: parts.runtime_directory,
            recorder: parts.recorder,
            sides: (0..count).map(|_| Side::default()).collect(),
            probed,
            answers,
            desk: HelperDesk::new(desk),
            helper_messages,
            helpers: Helpers::default(),
            overdue,
            overdues,
            replies: BTreeMap::new(),
            draining: BTreeMap::new(),
            pending: VecDeque::new(),
            finished: None,
            is_screen_gone: false,
        }
    }

    /// Runs the project from its beginning to its end; returns the exit code.
    pub async fn run(mut self, mut signals: Signals, begin: Event) -> u8 {
        self.take(begin);
        self.publish();
        while self.finished.is_none() {
            match self.wake(&mut signals).await {
                Woken::Report(None) => return self.lost_spawner(),
                woken => self.woken(woken),
            }
            self.publish();
        }
        self.sweep().await;
        self.finished.unwrap_or(1)
    }

    async fn wake(&mut self, signals: &mut Signals) -> Woken {
        let deadline = self.supervisor.next_deadline().map(|at| self.clock.instant_of(at));
        let timer = async {
            match deadline {
                Some(at) => sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            asked = signals.next() => Woken::Signal(asked),
            report = self.spawner.report() => Woken::Report(report),
            Some(event) = self.output.recv() => Woken::Output(event),
            Some(probed) = self.answers.recv() => Woken::Probed(probed),
            Some(message) = self.helper_messages.recv() => Woken::Helper(message),
            Some((process, generation)) = self.overdues.recv() => Woken::Overdue(process, generation),
            Some(message) = self.messages.recv() => Woken::Message(message),
            () = timer => Woken::Deadline,
        }
    }

    fn woken(&mut self, woken: Woken) {
        match woken {
            Woken::Signal(asked) => self.asked(asked),
            Woken::Report(Some(report)) => self.reported(report),
            Woken::Report(None) => {}
            Woken::Output(event) => self.output(event),
            Woken::Probed((process, generation, answer)) => {
                let verdict = if answer.passed { Verdict::Pass(answer.said) } else { Verdict::Fail(answer.said) };
                self.take(Event::Probed { process, generation, verdict });
            }
            Woken::Helper(message) => self.helper(message),
            Woken::Overdue(process, generation) => self.end_news(process, generation, |end| end.is_overdue = true),
            Woken::Message(message) => self.message(message),
            Woken::Deadline => self.take(Event::Tick),
        }
    }

    /// One event through the supervisor, and whatever follows from performing its actions.
    pub(super) fn take(&mut self, event: Event) {
        self.pending.push_back(event);
        let mut actions = Vec::new();
        while let Some(event) = self.pending.pop_front() {
            let now = self.clock.now();
            if let Some(recorder) = &mut self.recorder
                && recorder.record(now, &event).is_err()
            {
                self.recorder = None;
            }
            self.supervisor.step(now, event, &mut actions);
            for action in actions.drain(..) {
                self.perform(action, now);
            }
        }
    }

    pub(super) fn reply(&mut self, request: RequestId, outcome: Outcome) {
        if let Some(reply) = self.replies.remove(&request) {
            // Whoever asked may be gone.
            let _ = reply.send(outcome);
        }
    }

    pub(super) fn finish(&mut self, code: u8) {
        self.finished = Some(code);
    }

    fn publish(&mut self) {
        let snapshot = self.supervisor.snapshot();
        self.narrator.changed(&snapshot);
        self.snapshots.send_replace(snapshot);
        if let Some(recorder) = &mut self.recorder
            && recorder.flush().is_err()
        {
            self.recorder = None;
        }
    }

    fn asked(&mut self, asked: Asked) {
        match asked {
            Asked::Terminate(urgency) => self.take(Event::Terminate(urgency)),
            Asked::Suspend => self.suspend(),
            Asked::Resize => self.resize(),
        }
    }

    /// Ctrl-Z: the programs stop with us, and neither they nor our grace periods notice the time.
    fn suspend(&mut self) {
        self.spawner.order(Order::SignalAll { signal: STOP });
        self.hub.flush(Duration::from_millis(200));
        self.narrator.suspend();
        let since = Instant::now();
        // Cannot fail for this process and this signal; if it did, we would merely not be suspended.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
        self.clock.leave_out(since.elapsed());
        self.narrator.resume();
        self.spawner.order(Order::SignalAll { signal: CONT });
    }

    fn resize(&mut self) {
        let size = crate::runtime::streams::window_size(self.terminals.prefix_columns);
        for console in self.sides.iter().filter_map(|side| side.console.as_ref()) {
            console.resize(size);
        }
    }

    fn reported(&mut self, report: Report) {
        match report {
            Report::Spawned { key, pid } => {
                if let Some((process, generation)) = key.as_incarnation() {
                    self.narrator.spawned(process, pid);
                    self.take(Event::Spawned { process, generation, pid });
                }
            }
            Report::SpawnFailed { key, step, errno } => self.spawn_failed(key, step, errno),
            Report::Exited { key, exit, survivors } => match key.as_incarnation() {
                Some((process, generation)) => {
                    self.leader_ended(process, generation, exit, survivors);
                }
                None => self.helpers.ended(key.helper_number(), exit),
            },
            Report::Vanished { key } => {
                if let Some((process, generation)) = key.as_incarnation() {
                    match self.draining.get(&(process, generation)) {
                        Some(_) => self.end_news(process, generation, |end| end.vanished = true),
                        None => self.take(Event::Vanished { process, generation }),
                    }
                }
            }
            Report::Swept { .. } => {}
        }
    }

    fn spawn_failed(&mut self, key: Key, step: Step, errno: i32) {
        match key.as_incarnation() {
            Some((process, generation)) => {
                let failure = self.failure(process, step, errno);
                self.hub.ended(process, generation, false);
                self.take(Event::SpawnFailed { process, generation, failure });
            }
            None => self.helpers.failed(key.helper_number(), errno),
        }
    }

    fn output(&mut self, event: OutputEvent) {
        match event {
            OutputEvent::Matched { process, generation, line } => {
                let verdict = Verdict::Pass(crate::probe::log::said(&line));
                self.take(Event::Probed { process, generation, verdict });
            }
            OutputEvent::Drained { process, generation } => {
                self.end_news(process, generation, |end| end.is_drained = true);
            }
            OutputEvent::ScreenGone { .. } => {
                self.is_screen_gone = true;
                self.take(Event::Terminate(Urgency::Polite));
            }
            OutputEvent::KeepingFailed { reason } => self.narrator.remark(format!("logs are not kept: {reason}")),
        }
    }

    fn leader_ended(&mut self, process: ProcessId, generation: Generation, exit: Exit, survivors: bool) {
        let draining = Draining { exit, survivors, vanished: false, is_drained: false, is_overdue: false };
        self.draining.insert((process, generation), draining);
        self.hub.ended(process, generation, survivors);
        if survivors {
            let overdue = self.overdue.clone();
            tokio::spawn(async move {
                tokio::time::sleep(SURVIVORS_MOMENT).await;
                // The driver outlives its tasks; after its end nobody listens.
                let _ = overdue.send((process, generation));
            });
        }
    }

    /// Changes what is known of an end, and tells the supervisor once all of it is known.
    fn end_news(&mut self, process: ProcessId, generation: Generation, news: impl FnOnce(&mut Draining)) {
        if let Some(draining) = self.draining.get_mut(&(process, generation)) {
            news(draining);
            self.settle_end(process, generation);
        }
    }

    fn settle_end(&mut self, process: ProcessId, generation: Generation) {
        if !self.draining.get(&(process, generation)).is_some_and(Draining::is_complete) {
            return;
        }
        let Some(Draining { exit, survivors, vanished, .. }) = self.draining.remove(&(process, generation)) else {
            return;
        };
        let still_there = survivors && !vanished;
        if !still_there {
            self.forget_console(process, generation);
        }
        self.take(Event::Exited { process, generation, exit, survivors: still_there });
    }

    fn forget_console(&mut self, process: ProcessId, generation: Generation) {
        if let Some(side) = self.sides.get_mut(process.index())
            && side.generation == generation
        {
            side.console = None;
        }
    }

    fn helper(&mut self, message: HelperMessage) {
        match message {
            HelperMessage::Run { number, process, command, reply } => self.run_helper(number, process, command, reply),
            HelperMessage::Cancel(number) => self.spawner.order(Order::Signal {
                key: Key::helper(number),
                signal: Signal::KILL,
                scope: crate::supervisor::action::Scope::Tree,
            }),
        }
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Ask { id, command, reply } => {
                self.replies.insert(id, reply);
                self.take(Event::Command(id, command));
            }
            Message::Forget(id) => {
                self.replies.remove(&id);
                self.take(Event::Forget(id));
            }
            Message::Terminate(urgency) => self.take(Event::Terminate(urgency)),
        }
    }

    /// Everything is down as far as the supervisor knows: the spawner ends what is left and then itself.
    async fn sweep(&mut self) {
        self.spawner.order(Order::Shutdown { grace: LAST_GRACE });
        let swept = timeout(SWEEP_LIMIT, async {
            loop {
                match self.spawner.report().await {
                    Some(Report::Swept { names }) => break names,
                    Some(_) => {}
                    None => break os::sweep_descendants(LAST_GRACE),
                }
            }
        });
        let names = swept.await.unwrap_or_else(|_| os::sweep_descendants(Duration::ZERO));
        if !names.is_empty() {
            self.narrator.leftovers(&names);
        }
    }

    /// The spawner was shot. What was below it has become ours, and goes.
    fn lost_spawner(&mut self) -> u8 {
        self.narrator
            .remark("the spawner process was killed from outside; ending everything it had started".to_owned());
        let names = os::sweep_descendants(LAST_GRACE);
        self.narrator.leftovers(&names);
        1
    }

    /// A view for whoever tells the user.
    pub(super) fn view(&mut self) -> Snapshot {
        self.supervisor.snapshot()
    }

    pub(super) fn say(&mut self, notice: &Notice, now: Now) {
        let snapshot = self.view();
        self.narrator.tell(notice, &snapshot, now);
    }
}
