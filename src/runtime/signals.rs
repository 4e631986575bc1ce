//! Signals of the system as events: what they ask of us, not their numbers.

use std::io;
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::model;
use crate::runtime::sys;
use crate::supervisor::event::Urgency;

/// Two interrupts that come closer than this are one: a signal to the whole group reaches us and, once more, through our front.
const SAME_PRESS: Duration = Duration::from_millis(100);

/// What a signal asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// End everything. The second Ctrl-C says [`Urgency::Now`].
    Terminate(Urgency),
    /// End everything, and begin anew with what the config says then.
    Restart,
    /// Open every log file anew: somebody has moved it away.
    ReopenLogs,
    /// A child of ours has ended. Programs are not: this is the spawner, or a stranger that has become ours.
    Reap,
    /// Ctrl-Z.
    Suspend,
    /// The terminal has another size.
    Resize,
}

/// A signal, and what it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Which.
    pub signal: model::Signal,
    /// What it asks.
    pub asked: Asked,
}

/// What signals mean to whom we stand in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manners {
    /// `run up`: the second Ctrl-C and QUIT kill, HUP is the end of the terminal.
    #[default]
    Run,
    /// supervisord: TERM, INT and QUIT are the same and not urgent however often they come, HUP restarts (supervisor `supervisord.py`
    /// `handle_signal`).
    Supervisord,
}

/// Lets every signal through, also those that whoever started us had blocked: a blocked TERM would leave only KILL to end us. Call it
/// before there is a second thread.
pub fn unblock() -> io::Result<()> {
    Ok(SigSet::all().thread_unblock()?)
}

/// A log that may not grow any more (`ulimit -f`) is an error for whoever writes it, and not our end. Call it when the spawner has
/// been started: programs get the limit as it is meant.
pub fn outlive_full_files() -> io::Result<()> {
    sys::ignore(model::Signal(libc::SIGXFSZ))
}

/// Listens for the signals that mean something to us.
#[derive(Debug)]
pub struct Signals {
    manners: Manners,
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
    /// `None` under nohup(1): whoever ignores hang-ups for us wants us to outlive the terminal.
    hangup: Option<Signal>,
    reopen: Signal,
    child: Signal,
    suspend: Signal,
    resize: Signal,
    last_interrupt: Option<Instant>,
}

impl Signals {
    /// Begins to listen. Must be called inside the runtime.
    pub fn listen(manners: Manners) -> io::Result<Self> {
        let hears_hangup = manners == Manners::Supervisord || !sys::is_ignored(model::Signal::HUP)?;
        Ok(Self {
            manners,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: hears_hangup.then(|| signal(SignalKind::hangup())).transpose()?,
            reopen: signal(SignalKind::user_defined2())?,
            child: signal(SignalKind::child())?,
            suspend: signal(SignalKind::from_raw(libc::SIGTSTP))?,
            resize: signal(SignalKind::window_change())?,
            last_interrupt: None,
        })
    }

    /// The next one that came.
    pub async fn next(&mut self) -> Heard {
        let number = tokio::select! {
            _ = self.interrupt.recv() => libc::SIGINT,
            _ = self.quit.recv() => libc::SIGQUIT,
            _ = self.terminate.recv() => libc::SIGTERM,
            () = heard(&mut self.hangup) => libc::SIGHUP,
            _ = self.reopen.recv() => libc::SIGUSR2,
            _ = self.child.recv() => libc::SIGCHLD,
            _ = self.suspend.recv() => libc::SIGTSTP,
            _ = self.resize.recv() => libc::SIGWINCH,
        };
        let is_theirs = self.manners == Manners::Supervisord;
        let asked = match number {
            libc::SIGINT if !is_theirs => self.interrupted(),
            libc::SIGQUIT if !is_theirs => Asked::Terminate(Urgency::Now),
            libc::SIGHUP if is_theirs => Asked::Restart,
            libc::SIGUSR2 => Asked::ReopenLogs,
            libc::SIGCHLD => Asked::Reap,
            libc::SIGTSTP => Asked::Suspend,
            libc::SIGWINCH => Asked::Resize,
            _ => Asked::Terminate(Urgency::Polite),
        };
        Heard { signal: model::Signal(number), asked }
    }

    fn interrupted(&mut self) -> Asked {
        let now = Instant::now();
        let urgency = match self.last_interrupt {
            None => Urgency::Polite,
            Some(last) if now.duration_since(last) < SAME_PRESS => Urgency::Polite,
            Some(_) => Urgency::Now,
        };
        self.last_interrupt.get_or_insert(now);
        Asked::Terminate(urgency)
    }
}

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
