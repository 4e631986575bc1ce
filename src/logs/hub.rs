//! The remote of the output thread: what it can be told, and what it tells.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{Sender, UnboundedSender};
use tokio::sync::oneshot;

use crate::logs::copies::{Cleared, Clearing};
use crate::logs::main_log::MainLog;
use crate::logs::output::Output;
use crate::logs::tap::{Share, Tapping};
use crate::logs::view::View;
use crate::logs::wake::Wake;
pub use crate::model::Channel;
use crate::model::public_event::{ListenerWord, OutputKind, SharedText};
use crate::model::supervisord::LogLevel;
use crate::model::{Generation, LogFile, ProcessId, WallTime};

/// What stands before each line of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timestamps {
    /// Nothing.
    #[default]
    Off,
    /// Time since the output thread began: `+4.3s`.
    Relative,
    /// Local time of day: `10:42:07.123`.
    Clock,
}

/// Where logs are kept, and how much of them.
#[derive(Debug, Clone)]
pub struct Keep {
    /// A directory of the project's own. Made at the first byte.
    pub directory: PathBuf,
    /// At most about this much is kept for each channel of a process, in bytes.
    pub bytes: u64,
    /// In pieces of this size, in bytes; a piece is dropped whole.
    pub segment_bytes: u64,
}

impl Keep {
    /// 16 MiB a channel in pieces of 4 MiB.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), bytes: 16 << 20, segment_bytes: 4 << 20 }
    }
}

/// Where the screen is. The thread takes private descriptors; the flags of the ones handed in are never changed.
#[derive(Debug)]
pub struct Outlet {
    /// Program lines go here; usually a duplicate of our standard output.
    pub stdout: OwnedFd,
    /// Our own lines and the live line go here; usually a duplicate of our standard error.
    pub stderr: OwnedFd,
}

/// How output is shown and kept.
#[derive(Debug)]
pub struct OutputConfig {
    /// The screen, or `None` when there is nobody to show anything to.
    pub outlet: Option<Outlet>,
    /// The kept logs, or `None` for none.
    pub keep: Option<Keep>,
    /// Programs' own colours pass. Without it they are stripped.
    pub colour: bool,
    /// Marks are ASCII.
    pub ascii: bool,
    /// What stands before each line.
    pub timestamps: Timestamps,
    /// The main log, if one is written.
    pub main_log: Option<MainLog>,
}

/// A process as the screen and the directory of kept logs know it.
#[derive(Debug, Clone)]
pub struct Label {
    /// Its namespec: names its directory of kept logs, and stands in `run logs NAME`.
    pub name: String,
    /// What stands before its lines, rendered: name, padding, mark, colours and the blank at the end.
    pub prefix: String,
}

/// Waits for something in the lines of one source.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// The ready check `log`: the first line that matches is reported once.
    Ready(regex::bytes::Regex),
    /// The words of an event listener.
    Listener,
}

/// One open output of one incarnation.
#[derive(Debug)]
pub struct Attach {
    /// Whose.
    pub process: ProcessId,
    /// Of which incarnation.
    pub generation: Generation,
    /// Which run since `up`, from 1: names the run in its log.
    pub run: u32,
    /// Which output.
    pub channel: Channel,
    /// The reading end of the pipe, or the pty's master. It is made non-blocking.
    pub fd: OwnedFd,
    /// Each tests every line until it has found what it waits for.
    pub matchers: Vec<Matcher>,
    /// A further copy of the raw bytes.
    pub logfile: Option<LogFile>,
    /// What of it is told as events.
    pub tapping: Tapping,
    /// Two programs talk to each other on it: it is kept, and never shown.
    pub is_protocol: bool,
    /// Its lines go to the system's log as well.
    pub to_syslog: bool,
    /// Escape sequences are taken out of further copies.
    pub strips_ansi: bool,
}

impl Attach {
    /// An output that is kept and shown, and nothing else.
    pub fn plain(process: ProcessId, generation: Generation, run: u32, channel: Channel, fd: OwnedFd) -> Self {
        Self {
            process,
            generation,
            run,
            channel,
            fd,
            matchers: Vec::new(),
            logfile: None,
            tapping: Tapping::default(),
            is_protocol: false,
            to_syslog: false,
            strips_ansi: false,
        }
    }
}

/// The last lines of a run, as text without controls and colours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TailLines {
    /// At most as many as were asked for, oldest first.
    pub lines: Vec<String>,
    /// How many lines the run wrote in all.
    pub total: usize,
}

/// The last lines of a run, printed in order with everything else.
pub struct CrashBox {
    /// Whose.
    pub process: ProcessId,
    /// Which run since `up`.
    pub run: u32,
    /// How many lines at most.
    pub max_lines: usize,
    /// Makes the rows that are printed.
    pub render: Box<dyn FnOnce(TailLines) -> Vec<String> + Send>,
}

/// What the output thread has to say. There are few of these: unbounded, because a bound would let a full channel stop output.
#[derive(Debug, PartialEq, Eq)]
pub enum OutputEvent {
    /// A matcher found its line.
    Matched {
        /// Whose line.
        process: ProcessId,
        /// Of which incarnation.
        generation: Generation,
        /// The line, without controls and colours.
        line: String,
    },
    /// An event listener said something.
    Said {
        /// Which process.
        process: ProcessId,
        /// Of which incarnation.
        generation: Generation,
        /// In order.
        words: Vec<ListenerWord>,
    },
    /// Output that is told as an event. What is on its way is bounded: see [`Tapping`].
    Told {
        /// Whose.
        process: ProcessId,
        /// Of which incarnation.
        generation: Generation,
        /// Which output.
        channel: Channel,
        /// Plainly, or between marks.
        kind: OutputKind,
        /// What.
        text: SharedText,
        /// So many before it were not told, because too many were on their way.
        missed: u64,
        /// Held until the event has been taken in.
        share: Share,
    },
    /// The last output of this incarnation has been taken in: all of it is at its end, or its leader's end was told by [`Hub::ended`] and
    /// what is still open has had its time. May come twice.
    Drained {
        /// Whose.
        process: ProcessId,
        /// Of which incarnation.
        generation: Generation,
    },
    /// Standard output went away (a closed terminal, `| head -1`); everything else goes on.
    ScreenGone {
        /// In words.
        reason: String,
    },
    /// Logs cannot be kept; the screen goes on. Said once.
    KeepingFailed {
        /// In words.
        reason: String,
    },
}

/// Why the output thread could not be started.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The system refused a descriptor.
    #[error("could not prepare the output thread")]
    Descriptors(#[source] nix::Error),
    /// The system refused a thread.
    #[error("could not start the output thread")]
    Thread(#[source] std::io::Error),
}

/// Everything the thread can be told.
pub(crate) enum Order {
    Register(ProcessId, Label),
    Attach(Attach),
    CopyTo { process: ProcessId, channel: Channel, logfile: Option<LogFile> },
    Forget(ProcessId),
    View { process: ProcessId, out: Sender<View>, is_behind: Arc<AtomicBool> },
    Ended { process: ProcessId, generation: Generation, keep_open: bool },
    Say(String),
    CrashBox(CrashBox),
    Join { process: ProcessId, run: u32, fd: OwnedFd },
    LastLines { process: ProcessId, run: u32, max_lines: usize, done: oneshot::Sender<TailLines> },
    SetLive(Option<String>),
    ShowOnly(Option<Vec<ProcessId>>),
    MuteScreen,
    HoldScreen { done: mpsc::Sender<()> },
    ReleaseScreen,
    Log { level: LogLevel, at: WallTime, text: String },
    ReopenLogs,
    Rest,
    ClearLogs { logs: Vec<Clearing>, done: oneshot::Sender<Vec<(ProcessId, Cleared)>> },
    ClearMainLog { done: oneshot::Sender<Cleared> },
    Flush { until: Instant, done: mpsc::Sender<bool> },
    Stop { until: Instant, limit: Duration, latest: Instant, done: mpsc::Sender<bool> },
}

/// The cloneable remote. Every call returns at once, save [`Hub::flush`] and [`Hub::stop`]. After the thread has ended, calls do
/// nothing.
#[derive(Clone)]
pub struct Hub {
    /// Unbounded: orders follow from what the supervisor does, and are taken in before the next byte of output.
    orders: mpsc::Sender<Order>,
    wake: Arc<Wake>,
    /// From which level on the main log takes lines; `None` without one.
    level: Option<LogLevel>,
}

impl Hub {
    /// Starts the output thread.
    pub fn start(config: OutputConfig, events: UnboundedSender<OutputEvent>) -> Result<Self, HubError> {
        let wake = Arc::new(Wake::new().map_err(HubError::Descriptors)?);
        let (orders, inbox) = mpsc::channel();
        let level = config.main_log.as_ref().map(MainLog::level);
        let output = Output::new(config, events, inbox, Arc::clone(&wake)).map_err(HubError::Descriptors)?;
        let builder = thread::Builder::new().name("output".to_owned());
        builder.spawn(move || output.run()).map_err(HubError::Thread)?;
        Ok(Self { orders, wake, level })
    }

    /// Names a process. Must come before its first [`Hub::attach`]; again to change its prefix.
    pub fn register(&self, process: ProcessId, label: Label) {
        self.order(Order::Register(process, label));
    }

    /// Reads this output until its end.
    pub fn attach(&self, attach: Attach) {
        self.order(Order::Attach(attach));
    }

    /// Reads this until its end, too, as output of a run that may be over: shown, kept and copied where its stdout is. It is never
    /// drained.
    pub fn join(&self, process: ProcessId, run: u32, fd: OwnedFd) {
        self.order(Order::Join { process, run, fd });
    }

    /// From here on the raw bytes of this output are copied to this file, or to none; nothing for an output that was never attached.
    pub fn copy_to(&self, process: ProcessId, channel: Channel, logfile: Option<LogFile>) {
        self.order(Order::CopyTo { process, channel, logfile });
    }

    /// Nobody knows this process any more: what is open for its logs is closed once all that it wrote is in, and opened anew by
    /// [`Hub::attach`].
    pub fn forget(&self, process: ProcessId) {
        self.order(Order::Forget(process));
    }

    /// The leader of this incarnation ended. Answered by [`OutputEvent::Drained`] when its outputs are at their end, at the latest
    /// after 100 ms; nobody has to ask when that was told already. What is then still open, because a descendant holds it, is let go
    /// once it is empty, or read on with `keep_open`.
    pub fn ended(&self, process: ProcessId, generation: Generation, keep_open: bool) {
        self.order(Order::Ended { process, generation, keep_open });
    }

    /// Prints lines of our own, as they are; a missing line end is added.
    pub fn say(&self, text: String) {
        self.order(Order::Say(text));
    }

    /// Prints the last lines of a run.
    pub fn crash_box(&self, crash_box: CrashBox) {
        self.order(Order::CrashBox(crash_box));
    }

    /// The last lines of a run; none when there is nobody to ask any more.
    pub async fn last_lines(&self, process: ProcessId, run: u32, max_lines: usize) -> TailLines {
        let (done, answer) = oneshot::channel();
        self.order(Order::LastLines { process, run, max_lines, done });
        answer.await.unwrap_or_default()
    }

    /// Sets the one line at the bottom of a terminal; `None` removes it. Elsewhere it is never written.
    pub fn set_live(&self, line: Option<String>) {
        self.order(Order::SetLive(line));
    }

    /// Shows only the lines of these processes, or of all. The kept logs have them all.
    pub fn show_only(&self, processes: Option<Vec<ProcessId>>) {
        self.order(Order::ShowOnly(processes));
    }

    /// Lets go of the screen for good: nothing is shown any more, its descriptors are closed.
    pub fn mute_screen(&self) {
        self.order(Order::MuteScreen);
    }

    /// Somebody else has the terminal for a while: from here on it is treated as one that takes nothing, whatever it would take.
    /// Returns when nothing more is written to it.
    pub fn hold_screen(&self) {
        let (done, answer) = mpsc::channel();
        self.order_now(Order::HoldScreen { done });
        // A thread that has ended writes nothing either.
        let _ = answer.recv_timeout(GRACE);
    }

    /// It is ours again: what was written meanwhile is shown, or skipped where it is too much.
    pub fn release_screen(&self) {
        self.order(Order::ReleaseScreen);
    }

    /// Whether there is a main log that takes lines of this level.
    pub fn logs(&self, level: LogLevel) -> bool {
        self.level.is_some_and(|least| level >= least)
    }

    /// Writes a line to the main log, if there is one and the level is wanted.
    pub fn log(&self, level: LogLevel, at: WallTime, text: impl Into<String>) {
        if self.logs(level) {
            self.order(Order::Log { level, at, text: text.into() });
        }
    }

    /// Opens the main log and every log file of a program anew: somebody has moved them away.
    pub fn reopen_logs(&self) {
        self.order(Order::ReopenLogs);
    }

    /// Nothing has happened for a while: gives back what only bytes on their way need.
    pub fn rest(&self) {
        self.order(Order::Rest);
    }

    /// Begins logs anew, those that are kept and those in files, of processes that run or not.
    pub async fn clear_logs(&self, logs: Vec<Clearing>) -> Vec<(ProcessId, Cleared)> {
        let gone = logs.iter().map(|log| (log.process, Err(GONE.to_owned()))).collect();
        let (done, answer) = oneshot::channel();
        self.order(Order::ClearLogs { logs, done });
        answer.await.unwrap_or(gone)
    }

    /// Begins the file of the main log anew.
    pub async fn clear_main_log(&self) -> Cleared {
        let (done, answer) = oneshot::channel();
        self.order(Order::ClearMainLog { done });
        answer.await.unwrap_or_else(|_| Err(GONE.to_owned()))
    }

    /// Waits until everything said so far is written, at most this long; whether it is.
    pub fn flush(&self, limit: Duration) -> bool {
        let (done, answer) = mpsc::channel();
        self.order_now(Order::Flush { until: Instant::now() + limit, done });
        answer.recv_timeout(limit + GRACE).unwrap_or(false)
    }

    /// Takes in what is still in the open outputs, writes what is still to be written, and ends the thread. Whether everything was
    /// written. A pipe may take nothing for this long at most, and may take five times as long for all of it.
    pub fn stop(&self, limit: Duration) -> bool {
        let (done, answer) = mpsc::channel();
        let until = Instant::now() + limit;
        let latest = until + 4 * limit;
        self.order_now(Order::Stop { until, limit, latest, done });
        answer.recv_timeout(5 * limit + GRACE).unwrap_or(false)
    }

    pub(super) fn order(&self, order: Order) {
        // A thread that has ended takes no orders.
        if self.orders.send(order).is_ok() {
            self.wake.tell();
        }
    }

    /// One that we wait for.
    fn order_now(&self, order: Order) {
        if self.orders.send(order).is_ok() {
            self.wake.tell_now();
        }
    }

    /// Does what gives many orders, for which the thread is woken once, afterwards: to wake it takes as long as a spawn. One at a time may
    /// do so.
    pub fn together<T>(&self, work: impl FnOnce() -> T) -> T {
        self.wake.hold();
        let done = work();
        self.wake.release();
        done
    }
}

/// Why nothing can be done any more.
const GONE: &str = "the output thread has ended";

/// What the thread may take beyond a limit to answer that the limit is over: one write to a slow disk.
const GRACE: Duration = Duration::from_millis(200);
