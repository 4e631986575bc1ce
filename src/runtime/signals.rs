//! Signals of the system as events: what they ask of us, not their numbers.

use std::io;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::supervisor::event::Urgency;

/// Two interrupts that come closer than this are one: a signal to the whole group reaches us and, once more, through our front.
const SAME_PRESS: Duration = Duration::from_millis(100);

/// What a signal asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// End everything. The second Ctrl-C says [`Urgency::Now`].
    Terminate(Urgency),
    /// Ctrl-Z.
    Suspend,
    /// The terminal has another size.
    Resize,
}

/// Listens for the signals that mean something to us. SIGCHLD is not among them: the spawner waits for children.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
    hangup: Signal,
    suspend: Signal,
    resize: Signal,
    last_interrupt: Option<Instant>,
}

impl Signals {
    /// Begins to listen. Must be called inside the runtime.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            suspend: signal(SignalKind::from_raw(libc::SIGTSTP))?,
            resize: signal(SignalKind::window_change())?,
            last_interrupt: None,
        })
    }

    /// The next thing that is asked.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => self.interrupted(),
            _ = self.quit.recv() => Asked::Terminate(Urgency::Now),
            _ = self.terminate.recv() => Asked::Terminate(Urgency::Polite),
            _ = self.hangup.recv() => Asked::Terminate(Urgency::Polite),
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
        Asked::Terminate(urgency)
    }
}
