//! The process whose only work is that nothing survives us.
//!
//! # Use
//!
//! [`fork`] forks it before the supervisor has a thread. The supervisor keeps a [`SpawnerEnd`], connects it to its runtime, gives
//! it an [`Order`] and hears [`Report`]s. Programs are named by a [`Key`] that the supervisor chooses.
//!
//! # Theory of operation
//!
//! The spawner is a small process with one thread and a session of its own, so no key typed at the terminal reaches it. It alone forks
//! programs, waits for them and signals them. Five things together let nothing survive:
//!
//! 1. It is a *subreaper*: whoever is orphaned below it, by setsid and double forks or by the death of a parent, becomes its child.
//! 2. It ends when the supervisor does. The end of the socket says so, and so does the death signal (TERM), whichever comes first.
//!    It then sweeps: TERM and CONT to everything below it, KILL after two seconds until no child is left.
//! 3. The supervisor is a subreaper too. If the spawner is shot, what was below it falls to the supervisor, which runs the same
//!    sweep ([`os::sweep_descendants`]) when [`Spawner::report`] says `None`.
//! 4. Every leader has KILL as its death signal, tied to the spawner's only thread. That is what is left when both are shot at once.
//! 5. Where cgroups may be made, it is born in one of its own ([`os::Cgroup`]), which is killed as a whole when all else is done.
//!
//! A program is a leader, its process group and session (all with the same number), and every descendant. While the leader lives it is
//! unreaped, so its number cannot come to mean somebody else, and signals go by number. Afterwards they go by pidfd to each of its
//! processes, which are recognised as [`census`] describes.
//!
//! The supervisor learns of a leader's end by [`Report::Exited`], and with [`SpawnOrder::sweep`] also whether it left processes
//! behind and when the last of them is gone ([`Report::Vanished`]). Processes of a group that was signalled as a whole end in any order, so a
//! `survivors` that is taken back within milliseconds is normal.
//!
//! Nothing wakes the spawner but orders, ends and signals.

pub mod census;
pub mod channel;
mod children;
pub mod failure;
#[cfg(test)]
pub mod fake;
mod hands;
mod launch;
pub mod order;
mod process;
mod server;
pub mod wire;

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

pub use failure::{SpawnFacts, failure_message, missing_interpreter};
pub use order::{Account, Key, Order, Report, SpawnOrder, Stdio, Step};
pub use process::{SpawnerEnd, SpawnerProcess};

use crate::runtime::os;
use crate::runtime::sys::{self, Forked};

/// Whoever executes programs for the driver: the seam for tests without processes.
pub trait Spawner {
    /// Gives an order. Never waits: what cannot be sent now is sent while [`Self::report`] is awaited, and everything is sent
    /// together then, but for a spawn, which takes the spawner long enough to begin at once, and a signal to all, after which we may stand
    /// still ourselves.
    fn order(&mut self, order: Order);

    /// The next piece of news; `None`, also when asked again, when the spawner is gone. Then nothing more will be done, and what
    /// it had started has become ours to sweep. Dropping the future loses nothing.
    fn report(&mut self) -> impl Future<Output = Option<Report>>;

    /// Whether every order has been sent.
    fn is_flushed(&self) -> bool;
}

/// Which side of the fork we are on.
#[derive(Debug)]
pub enum Born {
    /// The spawner's, which is to live as such.
    Spawner(Birth),
    /// The supervisor's.
    Supervisor(SpawnerEnd),
}

/// What the spawner begins with.
#[derive(Debug)]
pub struct Birth {
    socket: OwnedFd,
    supervisor: u32,
    cgroup: Option<os::Cgroup>,
}

impl Birth {
    /// Lives as the spawner from here on. What was inherited for the supervisor alone, such as a large config, is dropped once the start
    /// is over: until then it would only cost time, and memory that both share. It owns no descriptors, for all are closed first.
    pub fn live<T>(self, inherited: T) -> ! {
        server::live(&self.socket, self.supervisor, self.cgroup.as_ref(), inherited)
    }
}

/// Forks the spawner and makes this process a subreaper. Call it from the main thread, before there is another one, and before
/// anything that programs must not inherit changes (umask, open descriptor limit). `run_id` is the mark of this run, `PROJECT-PID`.
pub fn fork(run_id: &str) -> io::Result<Born> {
    sys::share_one_heap();
    let (near, far) = UnixStream::pair()?;
    let supervisor = std::process::id();
    let inherited = os::Inherited::look();
    let mut cgroup = os::Cgroup::make(run_id);
    match fork_in(&mut cgroup)? {
        Forked::Child => Ok(Born::Spawner(Birth { socket: far.into(), supervisor, cgroup })),
        Forked::Parent(pid) => {
            os::become_subreaper()?;
            Ok(Born::Supervisor(SpawnerEnd { socket: near, pid, inherited, cgroup }))
        }
    }
}

/// Forks into the cgroup; where that is refused, it is given up.
fn fork_in(cgroup: &mut Option<os::Cgroup>) -> io::Result<Forked> {
    if let Some(Ok(forked)) = cgroup.as_ref().map(os::Cgroup::fork) {
        return Ok(forked);
    }
    cgroup.take().inspect(os::Cgroup::end);
    sys::fork()
}
