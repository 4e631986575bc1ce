//! The living part of the screen: the line at the bottom, the keys, and leaving the terminal to the shell.
//!
//! It reads snapshots and sends commands like any other client. Nothing here runs while nothing changes and nobody types.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::cli::exit_code::ExitCode;
use crate::cli::up::session::WayOut;
use crate::logs::Hub;
use crate::logs::zone;
use crate::model::status::{ProcessStatus, ProjectStatus};
use crate::model::{ProcessId, Project, Word};
use crate::runtime::handle::Handle;
use crate::runtime::os;
use crate::serve::UsageSource;
use crate::serve::door::Door;
use crate::supervisor::action::{Answer, Outcome};
use crate::supervisor::event::{Command, StartUntil, Urgency};
use crate::supervisor::snapshot::Snapshot;
use crate::ui::decode::Key;
use crate::ui::keys::{KeyAction, Keys};
use crate::ui::live::{fit, live_line};
use crate::ui::look::Look;
use crate::ui::names::Names;
use crate::ui::story::stamp::{Stamps, stamp};
use crate::ui::terminal::{CONTROLLING_TERMINAL, KeyPresses, RawTerminal};
use crate::ui::theme::Ink;
use crate::ui::{table, why};

/// How long what was said may take to be written before we leave the terminal.
const FLUSH: Duration = Duration::from_secs(1);

/// How long the full screen may take to give the terminal back at the end of the project.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// Columns of a terminal that does not tell.
const USUAL_WIDTH: usize = 80;

/// What the screen is made of.
pub(super) struct ScreenParts {
    /// The project.
    pub(super) handle: Handle,
    /// The output thread.
    pub(super) hub: Hub,
    /// What processes are called.
    pub(super) names: Names,
    /// The project that they are the names of.
    pub(super) project: Arc<Project>,
    /// What screens are drawn for.
    pub(super) look: Look,
    /// Whether the last line of our terminal is ours alone.
    pub(super) has_live_line: bool,
    /// The terminal without line editing, when keys are read.
    pub(super) raw: Option<Rc<RawTerminal>>,
    /// What a user types to address the project.
    pub(super) command: String,
    /// CPU and memory.
    pub(super) usage: UsageSource,
    /// The way out of the terminal.
    pub(super) detach: WayOut,
    /// Take it as soon as everything is ready or has failed.
    pub(super) detach_when_ready: bool,
    /// Give up waiting for that after this long.
    pub(super) timeout: Option<Duration>,
    /// What time stands before our lines.
    pub(super) stamps: Stamps,
    /// The zone of the clock.
    pub(super) zone: TimeZone,
    /// Say only what was asked for.
    pub(super) is_quiet: bool,
}

/// A running screen.
#[derive(Debug)]
pub(super) struct Screen {
    task: JoinHandle<()>,
    /// The full screen has the terminal.
    is_away: Rc<Cell<bool>>,
}

impl Screen {
    /// Starts it on the local set of the caller.
    pub(super) fn start(parts: ScreenParts) -> Self {
        let is_away = Rc::new(Cell::new(false));
        Self { task: tokio::task::spawn_local(show(parts, Rc::clone(&is_away))), is_away }
    }

    /// Ends it. Where the full screen has the terminal, that ends with the project, and what is still to be said is for us to show.
    pub(super) async fn end(self) {
        let until = Instant::now() + LAST_LOOK;
        while self.is_away.get() && Instant::now() < until {
            sleep(Duration::from_millis(5)).await;
        }
        self.task.abort();
    }
}

/// Keys, the live line and the way out, until the task is ended.
async fn show(mut parts: ScreenParts, is_away: Rc<Cell<bool>>) {
    let theme = parts.look.theme;
    let mut keys = Keys::new(parts.names.clone(), theme, parts.command.clone());
    let mut presses = parts.raw.as_ref().and_then(|_| KeyPresses::open(CONTROLLING_TERMINAL.as_ref()).ok());
    let (settled, mut settles) = oneshot::channel();
    if parts.detach_when_ready {
        tokio::task::spawn_local(wait_for_all(parts.handle.clone(), parts.timeout, settled));
    }
    let mut away: Option<UnixStream> = None;
    parts.draw_live(&keys);
    loop {
        tokio::select! {
            changed = parts.handle.changed() => {
                let Ok(snapshot) = changed else {
                    // Nothing more can come of it, but the full screen may still have the terminal.
                    if away.is_some() {
                        is_back(&mut away).await;
                        is_away.set(false);
                        parts.come_back(&keys);
                    }
                    return;
                };
                parts.take_in(&mut keys, &snapshot);
                parts.draw_live(&keys);
            },
            key = next_key(&mut presses) => match parts.pressed(&mut keys, key).await {
                Pressed::Left => return,
                Pressed::Here => {}
                Pressed::Away(stream) => {
                    (away, presses) = (Some(stream), None);
                    is_away.set(true);
                }
            },
            () = is_back(&mut away) => {
                away = None;
                is_away.set(false);
                parts.come_back(&keys);
                presses = KeyPresses::open(CONTROLLING_TERMINAL.as_ref()).ok();
            },
            settled = &mut settles, if parts.detach_when_ready => {
                parts.detach_when_ready = false;
                if let Ok(code) = settled {
                    parts.say_farewell(code);
                    parts.leave(code);
                    return;
                }
            }
        }
    }
}

async fn next_key(presses: &mut Option<KeyPresses>) -> Key {
    if let Some(reader) = presses {
        if let Ok(Some(key)) = reader.next().await {
            return key;
        }
        // The terminal is gone; its end reaches us as a signal.
        *presses = None;
    }
    std::future::pending().await
}

/// Waits until the full screen is left.
async fn is_back(away: &mut Option<UnixStream>) {
    match away {
        // Whatever it reads: a front that is gone shows nothing either.
        Some(stream) => drop(stream.read(&mut [0]).await),
        None => std::future::pending().await,
    }
}

/// What a key has led to.
enum Pressed {
    /// Nothing that matters here.
    Here,
    /// The terminal was left.
    Left,
    /// It was lent; this can be read from once it is back.
    Away(UnixStream),
}

/// Waits until everything is ready, something has failed, or the time is over.
async fn wait_for_all(handle: Handle, timeout: Option<Duration>, settled: oneshot::Sender<ExitCode>) {
    let outcome = handle.request(Command::Wait { processes: Vec::new(), timeout }).await;
    let code = match outcome {
        Ok(Outcome::Each(answers)) if answers.iter().all(|(_, answer)| *answer == Answer::Done) => ExitCode::Fine,
        Ok(Outcome::TimedOut(_)) => ExitCode::TimedOut,
        Ok(Outcome::Each(_) | Outcome::Accepted) => ExitCode::Failed,
        // It ends: the front learns the code from that.
        Ok(Outcome::ShuttingDown) | Err(_) => return,
    };
    settled.send(code).ok();
}

impl ScreenParts {
    /// A reload gives other names.
    fn take_in(&mut self, keys: &mut Keys, snapshot: &Snapshot) {
        if !Arc::ptr_eq(&self.project, &snapshot.project) {
            self.project = Arc::clone(&snapshot.project);
            self.names.adopt(snapshot);
            keys.adopt(snapshot);
        }
    }

    fn draw_live(&self, keys: &Keys) {
        if self.has_live_line && !keys.is_picking() {
            let snapshot = self.handle.snapshot();
            self.hub.set_live(live_line(&snapshot, &self.names, self.look.theme, width(), keys.filter()));
        }
    }

    /// Performs a key.
    async fn pressed(&mut self, keys: &mut Keys, key: Key) -> Pressed {
        let snapshot = self.handle.snapshot();
        for action in keys.press(key, &snapshot) {
            match action {
                KeyAction::Print(text) => self.hub.say(text),
                KeyAction::ShowOnly(shown) => self.hub.show_only(shown),
                KeyAction::Restart(processes) => {
                    self.ask(Command::Restart { processes, until: StartUntil::Accepted, timeout: None }).await;
                }
                KeyAction::Stop(processes) => {
                    self.ask(Command::Stop { processes, with_dependents: false, wait: false }).await;
                }
                KeyAction::Start(processes) => {
                    let until = StartUntil::Accepted;
                    self.ask(Command::Start { processes, until, with_needs: true, timeout: None }).await;
                }
                KeyAction::Why(process) => self.print_why(process),
                KeyAction::Status => self.print_status(),
                KeyAction::FullScreen => match self.lend() {
                    Ok(stream) => return Pressed::Away(stream),
                    Err(error) => {
                        self.come_back(keys);
                        self.hub.say(format!("  the full screen cannot be shown: {error}"));
                    }
                },
                KeyAction::Detach => return if self.leave(ExitCode::Fine) { Pressed::Left } else { Pressed::Here },
                KeyAction::Quit => self.handle.terminate(Urgency::Polite),
                KeyAction::Prompt(Some(prompt)) => {
                    self.hub.set_live(Some(fit(&prompt, width(), self.look.theme)));
                }
                KeyAction::Prompt(None) => self.draw_live(keys),
            }
        }
        if !keys.is_picking() {
            self.draw_live(keys);
        }
        Pressed::Here
    }

    /// Lends the terminal to the full screen. The stream is held meanwhile, as that of a terminal that takes nothing.
    fn lend(&mut self) -> io::Result<UnixStream> {
        let mut way_out = self.detach.take().ok_or_else(|| io::Error::other("nobody is there to run it"))?;
        self.hub.set_live(None);
        self.hub.flush(FLUSH);
        self.hub.hold_screen();
        let lent = self.raw.as_ref().map_or(Ok(()), |raw| raw.lend());
        let shown = lent.and_then(|()| way_out.show()).and_then(UnixStream::from_std);
        self.detach.set(Some(way_out));
        shown
    }

    /// The terminal is ours again.
    fn come_back(&self, keys: &Keys) {
        if let Some(raw) = &self.raw {
            raw.take_back().ok();
        }
        self.hub.release_screen();
        self.draw_live(keys);
    }

    async fn ask(&self, command: Command) {
        // What becomes of it is told in the stream.
        self.handle.request(command).await.ok();
    }

    fn status(&self) -> ProjectStatus {
        Door::new(self.handle.clone(), Some(self.usage.clone())).status()
    }

    fn print_status(&self) {
        let status = self.status();
        let all: Vec<&ProcessStatus> = status.processes.iter().collect();
        self.hub.say(table::render(&status, &all, &self.look_now()));
    }

    /// In the terminal as it is now.
    fn look_now(&self) -> Look {
        Look { width: Some(width()), ..self.look.clone() }
    }

    fn print_why(&self, process: ProcessId) {
        let status = self.status();
        let name = self.names.full(process);
        if let Some(process) = status.processes.iter().find(|process| process.name == name) {
            self.hub.say(why::render(process, &status, &[], &self.look_now(), &zone::local()));
        }
    }

    /// What is not ready yet when the time is over, and that everything keeps running.
    fn say_farewell(&self, code: ExitCode) {
        if self.is_quiet {
            return;
        }
        let (snapshot, dot, run) = (self.handle.snapshot(), self.look.theme.signs().dot, &self.command);
        let mut lines = Vec::new();
        let open = || snapshot.processes.iter().filter(|info| !info.word.is_settled_well());
        if code == ExitCode::TimedOut {
            let open: Vec<String> = open().map(|info| format!("{} {}", self.names.label(info.id), info.word)).collect();
            let mark = self.look.theme.paint(Ink::Warn, self.look.theme.signs().warning);
            lines.push(format!("  {mark} the time is over, not ready: {}", open.join(", ")));
        }
        // Who has failed itself says more than those that it blocks, and they more than those that are merely not there yet.
        let own = open().find(|info| info.word == Word::Failed);
        let culprit = own.or_else(|| open().find(|info| info.word.is_failure())).or_else(|| open().next());
        let why = culprit.map(|info| format!("   {dot}   {run} why {}", info.name)).unwrap_or_default();
        lines.push(format!("  it goes on in the background   {dot}   {run} status{why}   {dot}   {run} down: stop it"));
        let now = self.handle.now();
        let stamp = stamp(self.stamps, &self.zone, now, snapshot.began);
        let lines: Vec<String> = lines.into_iter().map(|line| format!("{stamp}{line}")).collect();
        self.hub.say(lines.join("\n"));
    }

    /// Gives the terminal back and goes on in the background. Whether that was possible.
    fn leave(&mut self, code: ExitCode) -> bool {
        let Some(detach) = self.detach.take() else { return false };
        self.hub.set_live(None);
        self.hub.flush(FLUSH);
        if let Some(raw) = &self.raw {
            raw.suspend().ok();
        }
        self.hub.mute_screen();
        os::release_standard_streams().ok();
        // If the session cannot be left we stay under our front, which is what there was before.
        detach.detach(code.number()).is_ok()
    }
}

/// Columns of our terminal now; `None` without one.
pub(super) fn terminal_columns() -> Option<usize> {
    terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| width.0.into())
}

fn width() -> usize {
    terminal_columns().unwrap_or(USUAL_WIDTH)
}
