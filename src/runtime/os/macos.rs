//! macOS: libproc and kqueue. Written from documentation; it compiles, and nobody has run it.
//!
//! There is no subreaper and no death signal: what double-forks away from its program becomes a child of launchd, and is found by
//! its session or not at all. The end of the supervisor reaches the spawner as the end of its socket.

use std::ffi::CStr;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};
use nix::sys::resource::Resource;
use nix::sys::signal::{SigSet, Signal as SignalName, kill};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockFlag};
use nix::unistd::{Gid, Pid, geteuid, getppid};

use super::glimpse::Glimpse;
use super::process::ProcessFact;
use super::{PortHolder, Sender};
use crate::model::Signal;
use crate::runtime::sys;

/// Directories are not watched here: whoever wants to know looks from time to time.
#[derive(Debug)]
pub enum Directories {}

impl Directories {
    /// Never.
    pub fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// There is no set to watch it.
    pub fn watch(&mut self, _path: &Path) -> io::Result<bool> {
        match *self {}
    }

    /// There is no set to take it from.
    pub fn unwatch(&mut self, _path: &Path) {
        match *self {}
    }

    /// Never comes.
    pub async fn something(&self) -> io::Result<()> {
        match *self {}
    }

    /// Never comes.
    pub async fn glimpses(&mut self) -> io::Result<Vec<Glimpse>> {
        match *self {}
    }
}

/// There are no cgroups here.
#[derive(Debug, Clone)]
pub enum Cgroup {}

impl Cgroup {
    /// Never.
    pub fn make(_run_id: &str) -> Option<Self> {
        None
    }

    /// There is none to be born in.
    pub fn fork(&self) -> io::Result<sys::Forked> {
        match *self {}
    }

    /// There is none to leave.
    pub fn leave(&self) -> io::Result<()> {
        match *self {}
    }

    /// There is none to end.
    pub fn end(&self) {
        match *self {}
    }
}

/// No process is in a cgroup.
pub fn run_of_cgroup(_pid: u32) -> Option<String> {
    None
}

/// There is no such flag here, so a program also gets its own streams under their numbers in the spawner.
pub const RECEIVE_CLOSE_ON_EXEC: MsgFlags = MsgFlags::empty();

/// There is no such flag here. It matters to nobody: the spawner, from which programs come, is made before any socket.
pub const CLOSE_ON_EXEC: SockFlag = SockFlag::empty();

/// There is no such flag here. The signal is ignored by us anyway, as by every program of Rust.
pub const NO_SIGNAL: MsgFlags = MsgFlags::empty();

/// Not told by our crates.
pub const PROCESS_COUNT: Option<Resource> = None;

/// Nothing comes beside a datagram.
pub type SenderRecord = libc::c_int;

/// The system does not say who sent a datagram.
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Linux")]
pub fn ask_for_senders(_socket: impl AsFd) -> io::Result<()> {
    Ok(())
}

/// We ourselves: nobody else, but root, gets into the directory where the socket is.
pub fn sender_in(_beside: &[ControlMessageOwned]) -> Option<Sender> {
    Some(Sender { pid: 0, uid: geteuid().as_raw() })
}

/// The first alone: there is no safe wrapper of getgrouplist(3) among our crates.
pub fn groups_of(_user: &CStr, first: Gid) -> Vec<Gid> {
    vec![first]
}

/// Our supplementary groups from now on.
pub fn set_groups(groups: &[Gid]) -> nix::Result<()> {
    let groups: Vec<libc::gid_t> = groups.iter().copied().map(Gid::as_raw).collect();
    sys::set_groups(&groups)
}

/// There is no such thing here.
pub fn become_subreaper() -> io::Result<()> {
    Ok(())
}

/// Only checks that the parent is still there: there is no death signal here.
pub fn die_with_parent(parent: u32) -> io::Result<()> {
    if getppid() == Pid::from_raw(parent.cast_signed()) { Ok(()) } else { Err(Errno::ESRCH.into()) }
}

/// Nothing to take back.
pub fn live_without_parent() -> io::Result<()> {
    Ok(())
}

/// Process lists show the file's name.
pub fn name_process(_name: &CStr) -> io::Result<()> {
    Ok(())
}

/// Cannot be asked cheaply; the callers fork before they start a thread.
pub fn thread_count() -> io::Result<usize> {
    Ok(1)
}

/// Every number that may be an open descriptor of ours.
pub fn open_descriptors() -> Vec<RawFd> {
    (3..4096).collect()
}

/// None: what may be unmapped here is not known.
pub fn unwritten_pages() -> io::Result<Vec<Range<usize>>> {
    Ok(Vec::new())
}

/// None: where the stack ends here is not known.
pub fn unused_stack(_here: usize) -> io::Result<Option<Range<usize>>> {
    Ok(None)
}

/// Ticks on the clock that start times are read on. Unverified.
pub fn ticks_now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_secs() * ticks_per_second()
}

/// Processor time below is counted in hundredths of a second, as ps(1) prints it.
pub fn ticks_per_second() -> u64 {
    100
}

/// The process table without the one that tells it, ps(1): there is no safe wrapper of libproc among our crates. Start times are not
/// known.
pub fn processes() -> Vec<ProcessFact> {
    let columns = ["-axo", "pid=,ppid=,pgid=,sess=,state=,rss=,ucomm="];
    let mut ps = Command::new("/bin/ps");
    ps.args(columns).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(ps) = ps.spawn() else { return Vec::new() };
    let itself = ps.id();
    let Ok(output) = ps.wait_with_output() else { return Vec::new() };
    let table = String::from_utf8_lossy(&output.stdout);
    table.lines().filter_map(parse_line).filter(|fact| fact.pid != itself).collect()
}

fn parse_line(line: &str) -> Option<ProcessFact> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some(ProcessFact {
        pid: number(0)?,
        ppid: number(1)?,
        group: number(2)?,
        session: number(3).filter(|session| *session != 0).or(number(2))?,
        start_time: 0,
        state: fields.get(4)?.chars().next()?,
        threads: 1,
        cpu_ticks: 0,
        rss_bytes: u64::from(number(5)?) * 1024,
        name: fields.get(6..)?.join(" "),
    })
}

/// What a process is at, as a letter: `T` when it is stopped.
pub fn process_state(pid: u32) -> Option<char> {
    let output = Command::new("/bin/ps").args(["-o", "state=", "-p", &pid.to_string()]).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().chars().next()
}

/// Not told by the system.
pub fn proportional_memory(_pid: u32) -> Option<u64> {
    None
}

/// The command name of a process, as the system keeps it.
pub fn command_name(pid: u32) -> Option<String> {
    processes().into_iter().find(|fact| fact.pid == pid).map(|fact| fact.name)
}

/// Not asked here: there is no cgroup to clear away.
pub fn is_ending(_pid: u32) -> bool {
    false
}

/// Not told by the system.
pub fn own_children() -> Option<Vec<u32>> {
    None
}

/// Would need `sysctl KERN_PROCARGS2`.
pub fn environment(_pid: u32) -> Option<Vec<u8>> {
    None
}

/// There is one space of pids.
pub fn shares_our_pids(_pid: u32) -> bool {
    true
}

/// Sends a signal; there is no handle that protects against a reused pid.
pub fn signal_process(pid: u32, _start_time: u64, signal: Signal) -> io::Result<()> {
    sys::kill(pid, signal)
}

/// Nothing counts them.
pub fn memory_kills() -> Option<u64> {
    None
}

/// Would need libproc.
pub fn holder_of_port(_port: u16) -> Option<PortHolder> {
    None
}

/// Signals taken from a descriptor instead of by handlers.
#[derive(Debug)]
pub struct Signals(Kqueue);

/// One signal that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caught {
    /// Which one.
    pub signal: Signal,
    /// Whether a process sent it. Not known here, so never.
    pub from_process: bool,
}

impl Signals {
    /// Blocks these signals and collects them from now on.
    pub fn new(signals: &[Signal]) -> io::Result<Self> {
        let names = signals.iter().map(|signal| SignalName::try_from(signal.0));
        let set: SigSet = names.collect::<Result<_, _>>()?;
        set.thread_block()?;
        let queue = Kqueue::new()?;
        let none = FilterFlag::empty();
        let wanted: Vec<KEvent> = signals
            .iter()
            .map(|signal| {
                let number = usize::try_from(signal.0).unwrap_or(0);
                KEvent::new(number, EventFilter::EVFILT_SIGNAL, EvFlags::EV_ADD, none, 0, 0)
            })
            .collect();
        queue.kevent(&wanted, &mut [], None)?;
        Ok(Self(queue))
    }

    /// The next one that has arrived, if any.
    pub fn take(&mut self) -> io::Result<Option<Caught>> {
        let none = KEvent::new(0, EventFilter::EVFILT_SIGNAL, EvFlags::empty(), FilterFlag::empty(), 0, 0);
        let mut events = [none];
        let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        if self.0.kevent(&[], &mut events, Some(now))? == 0 {
            return Ok(None);
        }
        let number = i32::try_from(events[0].ident()).unwrap_or(0);
        Ok(Some(Caught { signal: Signal(number), from_process: false }))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A process that can be asked whether it has ended. By pid alone, so a later one of the same pid is taken for it.
#[derive(Debug)]
pub struct ProcessWatch(u32);

impl ProcessWatch {
    /// Watches a process.
    #[expect(clippy::unnecessary_wraps, reason = "the same signature as on Linux")]
    pub fn new(pid: u32) -> io::Result<Self> {
        Ok(Self(pid))
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        kill(Pid::from_raw(self.0.cast_signed()), None) == Err(Errno::ESRCH)
    }
}

/// A deadline, as exact as the runtime's timers are.
#[derive(Debug)]
pub struct Alarm;

impl Alarm {
    /// An alarm that is not set.
    #[expect(clippy::unnecessary_wraps, reason = "the same signature as on Linux")]
    pub fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Returns after this long; never for `None`.
    pub async fn ring(&self, after: Option<std::time::Duration>) {
        match after {
            Some(after) => tokio::time::sleep(after).await,
            None => std::future::pending().await,
        }
    }
}

/// Where TCP connections are listened for: not told here, so every ready check tries for itself.
#[derive(Debug)]
pub struct Listeners;

impl Listeners {
    /// Always refuses.
    pub fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Always refuses.
    pub fn addresses(&mut self) -> io::Result<Vec<std::net::SocketAddr>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
