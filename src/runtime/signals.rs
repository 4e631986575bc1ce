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
    Terminate(Urgency, model::Signal),
    /// Ctrl-Z.
    Suspend,
    /// The terminal has another size.
    Resize,
}

/// Lets every signal through, also those that whoever started us had blocked: a blocked TERM would leave only KILL to end us. Call it
/// before there is a second thread.
pub fn unblock() -> io::Result<()> {
    Ok(SigSet::all().thread_unblock()?)
}

/// Listens for the signals that mean something to us. SIGCHLD is not among them: the spawner waits for children.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
    /// `None` under nohup(1): whoever ignores hang-ups for us wants us to outlive the terminal.
    hangup: Option<Signal>,
    suspend: Signal,
    resize: Signal,
    last_interrupt: Option<Instant>,
}

impl Signals {
    /// Begins to listen. Must be called inside the runtime.
    pub fn listen() -> io::Result<Self> {
        let hears_hangup = !sys::is_ignored(model::Signal::HUP)?;
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: hears_hangup.then(|| signal(SignalKind::hangup())).transpose()?,
            suspend: signal(SignalKind::from_raw(libc::SIGTSTP))?,
            resize: signal(SignalKind::window_change())?,
            last_interrupt: None,
        })
    }

    /// The next thing that is asked.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => self.interrupted(),
            _ = self.quit.recv() => Asked::Terminate(Urgency::Now, model::Signal::QUIT),
            _ = self.terminate.recv() => Asked::Terminate(Urgency::Polite, model::Signal::TERM),
            () = heard(&mut self.hangup) => Asked::Terminate(Urgency::Polite, model::Signal::HUP),
            _ = self.suspend.recv() => Asked::Suspend,
            _ = self.resize.recv() => Asked::Resize,
        }
    }

    fn interrupted(&mut self) -> Asked {
        let now = Instant::now();
        let urgency = match self.last_interrupt {
            None => Urgency::Polite,
            Some(last) if now.duration_since(last) < SAME_PRESS => Urgency::Polite,
            Some(_) => Urgency::Now,
        };
        self.last_interrupt.get_or_insert(now);
        Asked::Terminate(urgency, model::Signal::INT)
    }
}

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
