//! What the supervisor asks of the spawner, and what the spawner tells it.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::{Exit, Generation, ProcessId, Signal, Variables};
use crate::supervisor::action::Scope;

/// Names one spawned program for as long as the spawner lives. The supervisor chooses it and uses each one once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

/// Set in the keys of helpers (exec probes, hooks), which belong to no incarnation of a process.
const HELPER: u64 = 1 << 63;

impl Key {
    /// The key of one incarnation of a process.
    pub fn incarnation(process: ProcessId, generation: Generation) -> Self {
        Self(u64::from(process.0 & 0x7fff_ffff) << 32 | u64::from(generation.0))
    }

    /// The key of the helper with this number.
    pub fn helper(number: u64) -> Self {
        Self(number | HELPER)
    }

    /// The number of the helper that this key was made for.
    pub fn helper_number(self) -> u64 {
        self.0 & !HELPER
    }

    /// The incarnation this key was made from; `None` for a helper.
    pub fn as_incarnation(self) -> Option<(ProcessId, Generation)> {
        let high = u32::try_from(self.0 >> 32).ok()?;
        let low = u32::try_from(self.0 & 0xffff_ffff).ok()?;
        (self.0 & HELPER == 0).then_some((ProcessId(high), Generation(low)))
    }
}

/// One thing to do.
#[derive(Debug)]
pub enum Order {
    /// Execute a program; answered by [`Report::Spawned`] or [`Report::SpawnFailed`].
    Spawn(Box<SpawnOrder>),
    /// Send a signal. One that asks for an end (HUP, INT, QUIT, TERM) is followed by CONT, so that a stopped program hears it.
    Signal {
        /// Whose processes.
        key: Key,
        /// Which signal.
        signal: Signal,
        /// How far it reaches. When the leader has ended, `Group` and `Tree` reach what it left behind.
        scope: Scope,
    },
    /// Send a signal (STOP, CONT) to the process group of every program: Ctrl-Z and `fg`.
    SignalAll {
        /// Which signal.
        signal: Signal,
    },
    /// What this one leaves behind, or has left, is not waited for any more: no [`Report::Vanished`] comes. The final sweep ends it.
    Release {
        /// Which one.
        key: Key,
    },
    /// End everything that is left, answer [`Report::Swept`], and end. No other report comes after this order.
    Shutdown {
        /// Time between TERM and KILL.
        grace: Duration,
    },
}

/// A program to execute.
#[derive(Debug)]
pub struct SpawnOrder {
    /// Its name from now on.
    pub key: Key,
    /// Program and arguments. A program without `/` is looked for on the PATH of `env`.
    pub argv: Vec<OsString>,
    /// The whole environment. The spawner adds `RUN_MARK`.
    pub env: Variables,
    /// Where it runs; a relative one is against the directory in which we were started.
    pub directory: PathBuf,
    /// File mode mask; `None`: the one we were started with.
    pub umask: Option<u32>,
    /// Who it runs as; `None`: as we do.
    pub user: Option<Account>,
    /// Its standard streams.
    pub stdio: Stdio,
    /// Whether what its leader leaves behind is reported ([`Report::Exited`] with survivors, [`Report::Vanished`]).
    pub sweep: bool,
    /// Whether it is executed before anything that is ordered after it; otherwise two may be executed at once.
    pub goes_ahead: bool,
}

/// A user as numbers. Names are resolved by the supervisor, because a look-up may read files and ask servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// User id.
    pub uid: u32,
    /// Main group id.
    pub gid: u32,
    /// All further group ids.
    pub groups: Vec<u32>,
}

/// The three standard streams of a program.
#[derive(Debug)]
pub enum Stdio {
    /// Pipes or files.
    Streams {
        /// Descriptor 0.
        stdin: OwnedFd,
        /// Descriptor 1.
        stdout: OwnedFd,
        /// Descriptor 2; `None`: the same as descriptor 1.
        stderr: Option<OwnedFd>,
    },
    /// The slave of a pty, for all three; it becomes the controlling terminal.
    Terminal(OwnedFd),
}

/// One piece of news from the spawner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The program was executed.
    Spawned {
        /// Which one.
        key: Key,
        /// Pid of its leader, which is also its process group and session.
        pid: u32,
    },
    /// The program could not be executed; nothing of it is left, and nothing more is reported of it.
    SpawnFailed {
        /// Which one.
        key: Key,
        /// What failed.
        step: Step,
        /// The system's error number.
        errno: i32,
    },
    /// What a leader left behind, told right before its end is.
    LeftBehind {
        /// Whose.
        key: Key,
        /// Those that are our own children now.
        pids: Vec<u32>,
    },
    /// The leader ended.
    Exited {
        /// Which one.
        key: Key,
        /// How.
        exit: Exit,
        /// Whether processes of it are still alive; [`Report::Vanished`] follows when they are gone. Always false without
        /// [`SpawnOrder::sweep`].
        survivors: bool,
    },
    /// A living leader could not be signalled: it runs as somebody else than we do.
    OutOfReach {
        /// Which one.
        key: Key,
        /// What was refused.
        signal: Signal,
        /// The system's error number.
        errno: i32,
    },
    /// The last survivor of an ended leader is gone.
    Vanished {
        /// Which one.
        key: Key,
    },
    /// The final sweep is over and the spawner ends.
    Swept {
        /// What had outlived its program: pid and command name.
        names: Vec<(u32, String)>,
    },
}

/// The step of a spawn, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Step {
    /// Making the new process.
    Fork = 1,
    /// Giving it a session of its own.
    Session = 2,
    /// Making the pty its controlling terminal.
    Terminal = 3,
    /// Putting its streams in place.
    Streams = 4,
    /// Entering its directory.
    Directory = 5,
    /// Taking on its groups and user.
    User = 6,
    /// Tying its life to ours.
    Lifeline = 7,
    /// Executing the file.
    Execute = 8,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 8] = [
        Self::Fork,
        Self::Session,
        Self::Terminal,
        Self::Streams,
        Self::Directory,
        Self::User,
        Self::Lifeline,
        Self::Execute,
    ];

    /// The step with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step as u8 == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_back_the_incarnation_it_was_made_from() {
        let key = Key::incarnation(ProcessId(7), Generation(u32::MAX));
        assert_eq!(key.as_incarnation(), Some((ProcessId(7), Generation(u32::MAX))));
        assert_eq!(Key::helper(7).as_incarnation(), None);
    }
}
