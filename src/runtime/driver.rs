//! The only loop and the only owner: whatever happens outside becomes an event, goes through the supervisor, and what comes out
//! is performed. No decision is made here.

mod parts;
mod reports;
mod signals;
mod sweep;

pub use parts::{Parts, Terminals};

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::logs::OutputEvent;
use crate::model::status::NOT_KEPT;
use crate::model::supervisord::LogLevel;
use crate::model::{ConfigNews, Generation, Now, ProcessId, Signal};
use crate::probe::Answer;
use crate::runtime::console::Screens;
use crate::runtime::ends::{Ends, Incarnation};
use crate::runtime::fcgi::FcgiSockets;
use crate::runtime::handle::Message;
use crate::runtime::helpers::{HelperDesk, HelperMessage, Helpers};
use crate::runtime::listening::Listening;
use crate::runtime::memory_kills::MemoryKills;
use crate::runtime::os;
use crate::runtime::record::Recorder;
use crate::runtime::side::Side;
use crate::runtime::signals::{Heard, Signals};
use crate::runtime::spawner::{Key, Order, Report, Spawner};
use crate::supervisor::action::{Outcome, Scope};
use crate::supervisor::chronicle::Entry;
use crate::supervisor::event::{Event, RequestId, Urgency, Verdict};
use crate::supervisor::notice::Notice;
use crate::supervisor::snapshot::Snapshot;

/// How long after our reader went away the end begins: whoever looks at us from outside at that moment (`time`, a meter at the end
/// of a pipeline) still finds us.
const READER_MOMENT: Duration = Duration::from_millis(200);

/// A probe's answer on its way to the supervisor.
pub(super) type Probed = (ProcessId, Generation, Answer);

/// The loop and all that it owns.
pub struct Driver<S> {
    pub(super) parts: Parts<S>,
    pub(super) sides: Vec<Side>,
    pub(super) probed: mpsc::UnboundedSender<Probed>,
    answers: mpsc::UnboundedReceiver<Probed>,
    pub(super) desk: HelperDesk,
    helper_messages: mpsc::UnboundedReceiver<HelperMessage>,
    pub(super) helpers: Helpers,
    pub(super) listening: Listening,
    pub(super) later: mpsc::UnboundedSender<Later>,
    due: mpsc::UnboundedReceiver<Later>,
    replies: BTreeMap<RequestId, oneshot::Sender<Outcome>>,
    /// Sent once the view that they speak of is published.
    answered: Vec<(oneshot::Sender<Outcome>, Outcome)>,
    ends: Ends,
    memory_kills: MemoryKills,
    /// How many hooks are under way.
    pub(super) hooks: usize,
    pub(super) fcgi: FcgiSockets,
    pub(super) screens: Screens,
    /// Events that performing an action brought about.
    pub(super) pending: VecDeque<Event>,
    finished: Option<u8>,
    alarm: os::Alarm,
}

/// How a run of a project has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The exit code.
    pub code: u8,
    /// It is to begin anew, in this same process.
    pub restarts: bool,
    /// Nobody has asked for it: the spawner was shot.
    pub is_forced: bool,
}

/// What is looked at again after a moment, and what others have to say.
#[derive(Debug)]
pub(super) enum Later {
    /// Survivors of this one have had theirs.
    Overdue(Incarnation),
    /// Our reader has gone away.
    ReaderGone,
    /// An alive check has answered.
    Checked(Incarnation, u32, Answer),
    /// Memory was measured, in bytes.
    Measured(Vec<(Incarnation, u64)>),
    /// A hook is over: what went wrong with it.
    HookEnded(Option<String>),
    /// An extension wrote what it should not.
    Stray(String),
}

/// What woke the loop.
pub(super) enum Woken {
    Signal(Heard),
    Report(Option<Report>),
    Output(OutputEvent),
    Probed(Probed),
    Helper(HelperMessage),
    Due(Later),
    Message(Message),
    Deadline,
}

impl<S: Spawner> Driver<S> {
    /// Puts the parts together.
    pub fn new(parts: Parts<S>, alarm: os::Alarm) -> Self {
        let count = parts.supervisor.graph().len();
        // Both unbounded: a process has at most one probe and one helper under way.
        let (probed, answers) = mpsc::unbounded_channel();
        let (desk, helper_messages) = mpsc::unbounded_channel();
        // Unbounded: one message an end, one for our reader, and a few a run of an extension.
        let (later, due) = mpsc::unbounded_channel();
        Self {
            parts,
            sides: (0..count).map(|_| Side::default()).collect(),
            probed,
            answers,
            desk: HelperDesk::new(desk),
            helper_messages,
            helpers: Helpers::default(),
            listening: Listening::begin(),
            later,
            due,
            replies: BTreeMap::new(),
            answered: Vec::new(),
            ends: Ends::default(),
            memory_kills: MemoryKills::default(),
            hooks: 0,
            fcgi: FcgiSockets::default(),
            screens: Screens::default(),
            pending: VecDeque::new(),
            finished: None,
            alarm,
        }
    }

    /// Runs the project from its beginning to its end.
    pub async fn run(mut self, mut signals: Signals, begin: Event) -> Ended {
        let hub = self.parts.hub.clone();
        hub.together(|| self.take(begin));
        self.publish();
        // The first programs are being executed meanwhile.
        self.memory_kills.have_grown();
        while self.finished.is_none() {
            match self.wake(&mut signals).await {
                Woken::Report(None) => return Ended { code: self.lost_spawner(), restarts: false, is_forced: true },
                woken => hub.together(|| self.woken(woken)),
            }
            self.publish();
            for line in self.fcgi.told() {
                self.log(LogLevel::Info, line);
            }
        }
        self.finish_hooks(&mut signals).await;
        self.sweep().await;
        let restarts = self.view().is_restarting;
        Ended { code: self.finished.unwrap_or(1), restarts, is_forced: false }
    }

    pub(super) async fn wake(&mut self, signals: &mut Signals) -> Woken {
        let deadline = self.parts.supervisor.next_deadline().map(|at| self.parts.clock.instant_of(at));
        let wait = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        tokio::select! {
            biased;
            heard = signals.next() => Woken::Signal(heard),
            report = self.parts.spawner.report() => Woken::Report(report),
            Some(probed) = self.answers.recv() => Woken::Probed(probed),
            Some(message) = self.helper_messages.recv() => Woken::Helper(message),
            Some(later) = self.due.recv() => Woken::Due(later),
            Some(message) = self.parts.messages.recv() => Woken::Message(message),
            () = self.alarm.ring(wait) => Woken::Deadline,
            // Last, because a flood of output that is told as events must keep nobody waiting.
            Some(event) = self.parts.output.recv() => Woken::Output(event),
        }
    }

    pub(super) fn woken(&mut self, woken: Woken) {
        match woken {
            Woken::Signal(heard) => self.heard(heard),
            Woken::Report(Some(report)) => self.reported(&report),
            Woken::Report(None) => {}
            Woken::Output(event) => self.output(event),
            Woken::Probed((process, generation, answer)) => {
                self.take(Event::Probed { process, generation, verdict: verdict(answer) });
            }
            Woken::Helper(message) => self.helper(message),
            Woken::Due(Later::Overdue(of)) => {
                self.name_survivors(of);
                let event = self.ends.overdue(of);
                self.end_news(event);
            }
            Woken::Due(Later::Checked((process, generation), attempt, answer)) => {
                self.take(Event::Checked { process, generation, attempt, verdict: verdict(answer) });
            }
            Woken::Due(Later::Measured(found)) => {
                for ((process, generation), bytes) in found {
                    self.take(Event::Measured { process, generation, bytes });
                }
            }
            Woken::Due(Later::HookEnded(problem)) => self.hook_ended(problem),
            Woken::Due(Later::Stray(line)) => self.parts.narrator.remark(line),
            Woken::Due(Later::ReaderGone) => self.take(Event::Terminate(Urgency::Polite)),
            Woken::Message(message) => self.message(message),
            Woken::Deadline => self.take(Event::Tick),
        }
    }

    /// One event through the supervisor, and whatever follows from performing its actions.
    pub(super) fn take(&mut self, event: Event) {
        self.pending.push_back(event);
        let mut actions = Vec::new();
        while let Some(event) = self.pending.pop_front() {
            let now = self.parts.clock.now();
            self.record(|recorder| recorder.record(now, &event));
            self.parts.supervisor.step(now, event, &mut actions);
            for action in actions.drain(..) {
                self.perform(action, now);
            }
        }
    }

    pub(super) fn reply(&mut self, request: RequestId, outcome: Outcome) {
        if let Some(reply) = self.replies.remove(&request) {
            self.answered.push((reply, outcome));
        }
    }

    pub(super) fn finish(&mut self, code: u8) {
        self.finished = Some(code);
    }

    /// Whoever waits for a change wakes up for one, and not for every question that another asked us.
    pub(super) fn publish(&mut self) {
        let snapshot = self.parts.supervisor.snapshot();
        self.parts.snapshots.send_if_modified(|published| {
            let is_another = !published.is_same(&snapshot);
            *published = snapshot;
            is_another
        });
        for (reply, outcome) in self.answered.drain(..) {
            // Whoever asked may be gone.
            let _ = reply.send(outcome);
        }
        self.record(Recorder::flush);
    }

    /// What cannot be recorded ends the record, which is said: what follows could not be repeated.
    fn record(&mut self, write: impl FnOnce(&mut Recorder) -> io::Result<()>) {
        let Some(recorder) = &mut self.parts.recorder else { return };
        if let Err(error) = write(recorder) {
            self.parts.recorder = None;
            self.parts.narrator.remark(format!("the record of RUN_RECORD ends here: {error}"));
        }
    }

    /// A line for the main log (supervisor `supervisord.py` `handle_signal`, `reap`).
    fn log(&self, level: LogLevel, text: String) {
        self.parts.hub.log(level, self.parts.clock.now().wall, text);
    }

    /// What a watched config has to say: for the screen, and in short for the main log.
    fn tell_of_config(&mut self, news: &ConfigNews) {
        let (level, line) = match news {
            ConfigNews::Refused { why, .. } => (LogLevel::Warn, format!("config not taken over: {why}")),
            ConfigNews::Offered { .. } => (LogLevel::Info, "config has changed: run reload applies it".to_owned()),
            ConfigNews::AsBefore { .. } => (LogLevel::Info, "config is what runs again".to_owned()),
            ConfigNews::Unwatched { why } => (LogLevel::Warn, why.clone()),
        };
        self.log(level, line.lines().next().unwrap_or_default().to_owned());
        let snapshot = self.view();
        self.parts.narrator.config(news, &snapshot, self.parts.clock.now());
    }

    fn output(&mut self, event: OutputEvent) {
        match event {
            OutputEvent::Matched { process, generation, line } => {
                let verdict = Verdict::Pass(crate::probe::log::said(&line));
                self.take(Event::Probed { process, generation, verdict });
            }
            OutputEvent::Said { process, generation, words } => {
                self.take(Event::ListenerSaid { process, generation, words });
            }
            OutputEvent::Told { process, generation, channel, kind, text, missed, share } => {
                if missed > 0 {
                    self.parts.narrator.remark(format!("{missed} pieces of output came too fast to be told as events"));
                }
                self.take(Event::Printed { process, generation, channel, kind, data: text });
                drop(share);
            }
            OutputEvent::Drained { process, generation } => {
                let event = self.ends.drained((process, generation));
                self.end_news(event);
            }
            OutputEvent::ScreenGone { .. } if self.parts.ends_with_screen => {
                self.after(READER_MOMENT, Later::ReaderGone);
            }
            OutputEvent::ScreenGone { .. } => {}
            OutputEvent::KeepingFailed { reason } => {
                let note =
                    format!("{NOT_KEPT} in full: {reason}; once that is mended, run restart NAME has them kept again");
                self.parts.narrator.remark(note.clone());
                self.take(Event::Noted(note));
            }
        }
    }

    fn after(&self, moment: Duration, what: Later) {
        let later = self.later.clone();
        tokio::spawn(async move {
            tokio::time::sleep(moment).await;
            // The driver outlives its tasks; after its end nobody listens.
            let _ = later.send(what);
        });
    }

    fn helper(&mut self, message: HelperMessage) {
        match message {
            HelperMessage::Run { number, process, command, what } => self.run_helper(number, process, command, what),
            HelperMessage::Cancel(number) => self.parts.spawner.order(Order::Signal {
                key: Key::helper(number),
                signal: Signal::KILL,
                scope: Scope::Tree,
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
            Message::FilesChanged { processes, files } => self.take(Event::FilesChanged { processes, files }),
            Message::Config(news) => self.tell_of_config(&news),
            Message::Console(wish) => self.console(wish),
            Message::Terminate(urgency) => self.take(Event::Terminate(urgency)),
        }
    }

    /// A view for whoever tells the user.
    pub(super) fn view(&mut self) -> Snapshot {
        self.parts.supervisor.snapshot()
    }

    pub(super) fn chronicle(&self, entry: &Entry, now: Now) {
        let (level, text) = entry.line(|process| self.parts.supervisor.process_name(process));
        self.parts.hub.log(level, now.wall, text);
    }

    pub(super) fn say(&mut self, notice: &Notice, now: Now) {
        let snapshot = self.view();
        if let Some(process) = notice.killed_by_a_stranger()
            && self.memory_kills.have_grown()
        {
            self.parts.narrator.ran_out_of_memory(process);
        }
        self.parts.narrator.tell(notice, &snapshot, now);
    }
}

fn verdict(answer: Answer) -> Verdict {
    match answer {
        Answer { passed: true, said, .. } => Verdict::Pass(said),
        Answer { passed: false, by_itself: true, said } => Verdict::Refuse(said),
        Answer { passed: false, by_itself: false, said } => Verdict::Fail(said),
    }
}
