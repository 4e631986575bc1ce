//! What signals to us come to: an end, a beginning anew, logs opened again, Ctrl-Z, another size of the terminal.

use std::time::{Duration, Instant};

use crate::model::supervisord::LogLevel;
use crate::model::{ConfigRefusal, ConfigWish, ProcessId, Signal};
use crate::runtime::driver::Driver;
use crate::runtime::signals::{Asked, Heard};
use crate::runtime::spawner::{Order, Spawner};
use crate::runtime::strangers;
use crate::supervisor::chronicle::cause;
use crate::supervisor::event::Event;

impl<S: Spawner> Driver<S> {
    pub(super) fn heard(&mut self, heard: Heard) {
        match heard.asked {
            Asked::Terminate(urgency) => {
                self.log(LogLevel::Warn, format!("received {} indicating exit request", heard.signal));
                self.take(Event::Terminate(urgency));
            }
            Asked::Restart if self.view().is_shutting_down && !self.view().is_restarting => {
                let why = "indicating restart request (shutdown in progress)";
                self.log(LogLevel::Warn, format!("ignored {} {why}", heard.signal));
            }
            Asked::Restart => {
                self.log(LogLevel::Warn, format!("received {} indicating restart request", heard.signal));
                self.restart();
            }
            Asked::ReopenLogs => {
                self.log(LogLevel::Info, format!("received {} indicating log reopen request", heard.signal));
                self.log(LogLevel::Info, "supervisord logreopen".to_owned());
                self.parts.hub.reopen_logs();
            }
            Asked::Reap => {
                for (pid, exit) in strangers::reap() {
                    self.log(LogLevel::Info, format!("reaped unknown pid {pid} ({})", cause(exit)));
                }
            }
            Asked::Suspend => self.suspend(),
            Asked::Resize => self.resize(),
        }
    }

    /// The same as a client's `restart`: a config that does not load stops nobody.
    fn restart(&self) {
        let (handle, hub) = (self.parts.handle.clone(), self.parts.hub.clone());
        tokio::task::spawn_local(async move {
            let answer = handle.config(ConfigWish::Restart).await;
            if let Err(ConfigRefusal::Unreadable { text: why, .. } | ConfigRefusal::Unfit(why)) = answer {
                let first = "the config cannot be read again, everything stays as it is:";
                for line in std::iter::once(first).chain(why.lines()).filter(|line| !line.is_empty()) {
                    hub.log(LogLevel::Critical, handle.now().wall, line);
                }
            }
        });
    }

    /// Ctrl-Z: the programs stop with us, and neither they nor our grace periods notice the time.
    fn suspend(&mut self) {
        self.parts.spawner.order(Order::SignalAll { signal: Signal::STOP });
        self.parts.hub.flush(Duration::from_millis(200));
        self.parts.narrator.suspend();
        let since = Instant::now();
        // Cannot fail for this process and this signal; if it did, we would merely not be suspended.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
        self.parts.clock.leave_out(since.elapsed());
        self.parts.narrator.resume();
        self.parts.spawner.order(Order::SignalAll { signal: Signal::CONT });
    }

    fn resize(&mut self) {
        for (index, side) in (0..).zip(&self.sides) {
            if let Some(console) = &side.console {
                console.resize(self.size_for(ProcessId(index)));
            }
        }
    }
}
