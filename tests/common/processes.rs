//! The processes of one test, found by a mark in their environment.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Its pid.
    pub(crate) pid: u32,
    /// Its parent.
    pub(crate) parent: u32,
    /// `R`, `S`, `T`, ….
    pub(crate) state: char,
    /// What it runs.
    pub(crate) executable: PathBuf,
    /// Its command line.
    pub(crate) command: String,
    /// Clock ticks from the start of the machine to its own: tells it from a later process with the same pid.
    started: u64,
    /// The variable that it was found by.
    mark: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>7} {:>7} {} {}", self.pid, self.parent, self.state, self.command)
    }
}

impl Found {
    /// Sends a signal, if it is still the process that was found.
    pub(crate) fn signal(&self, signal: Signal) {
        let is_the_same = look_at(self.pid, &self.mark).is_some_and(|now| now.started == self.started);
        if is_the_same {
            // It may end at any moment; then there is nothing to signal.
            let _ = kill(Pid::from_raw(self.pid.cast_signed()), signal);
        }
    }

    /// Ends it.
    pub(crate) fn kill(&self) {
        self.signal(Signal::SIGKILL);
    }
}

/// The living processes that were started with this variable.
pub(crate) fn with_variable(name: &str, value: &str) -> Vec<Found> {
    let mark = format!("{name}={value}");
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| look_at(pid, &mark)).collect()
}

fn look_at(pid: u32, mark: &str) -> Option<Found> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|byte| *byte == 0).find(|variable| *variable == mark.as_bytes())?;
    let (state, parent, started) = stat(pid).filter(|(state, _, _)| *state != 'Z' && *state != 'X')?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    let executable = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    Some(Found { pid, parent, state, executable, command, started, mark: mark.to_owned() })
}

/// State, parent and start time: fields 3, 4 and 22 of `proc_pid_stat(5)`.
fn stat(pid: u32) -> Option<(char, u32, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text[text.rfind(')')? + 2..].split(' ').collect();
    Some((fields[0].chars().next()?, fields[1].parse().ok()?, fields[19].parse().ok()?))
}
