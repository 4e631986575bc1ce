//! Linux: `/proc`, prctl(2), signalfd(2), pidfds.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::resource::Resource;
use nix::sys::signal::{SigSet, Signal as SignalName};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockFlag, UnixCredentials, setsockopt};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::unistd::{Gid, Pid, SysconfVar, getgrouplist, getppid, setgroups, sysconf};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Sender;
use super::process::ProcessFact;
use crate::model::Signal;
use crate::runtime::sys;

/// Marks descriptors that arrive in a message close-on-exec.
pub const RECEIVE_CLOSE_ON_EXEC: MsgFlags = MsgFlags::MSG_CMSG_CLOEXEC;

/// Makes a socket that no program inherits.
pub const CLOSE_ON_EXEC: SockFlag = SockFlag::SOCK_CLOEXEC;

/// A send to who has gone is an error and no signal.
pub const NO_SIGNAL: MsgFlags = MsgFlags::MSG_NOSIGNAL;

/// Of the flags of a process: it is ending (`include/linux/sched.h`).
const PF_EXITING: u64 = 0x4;

/// How many processes a user may have.
pub const PROCESS_COUNT: Option<Resource> = Some(Resource::RLIMIT_NPROC);

/// What the kernel puts beside a datagram about its sender.
pub type SenderRecord = UnixCredentials;

/// Lets the kernel say who sent a datagram (`SCM_CREDENTIALS`, unix(7)).
pub fn ask_for_senders(socket: impl AsFd) -> io::Result<()> {
    Ok(setsockopt(&socket.as_fd(), PassCred, &true)?)
}

/// Who sent a datagram, of what came beside it.
pub fn sender_in(beside: &[ControlMessageOwned]) -> Option<Sender> {
    beside.iter().find_map(|part| match part {
        ControlMessageOwned::ScmCredentials(told) => {
            Some(Sender { pid: u32::try_from(told.pid()).unwrap_or(0), uid: told.uid() })
        }
        _ => None,
    })
}

/// The groups of a user; the first alone where they cannot be looked up.
pub fn groups_of(user: &CStr, first: Gid) -> Vec<Gid> {
    getgrouplist(user, first).unwrap_or_else(|_| vec![first])
}

/// Our supplementary groups from now on.
pub fn set_groups(groups: &[Gid]) -> nix::Result<()> {
    setgroups(groups)
}

/// Descendants that lose their parents become our children from now on.
pub fn become_subreaper() -> io::Result<()> {
    Ok(prctl::set_child_subreaper(true)?)
}

/// Asks for TERM when the parent ends, and fails when it has already. It is the parent's *thread* that counts (prctl(2)).
pub fn die_with_parent(parent: u32) -> io::Result<()> {
    prctl::set_pdeathsig(SignalName::SIGTERM)?;
    if getppid() == Pid::from_raw(parent.cast_signed()) { Ok(()) } else { Err(Errno::ESRCH.into()) }
}

/// Takes [`die_with_parent`] back.
pub fn live_without_parent() -> io::Result<()> {
    Ok(prctl::set_pdeathsig(None)?)
}

/// The name that process lists show, at most 15 bytes.
pub fn name_process(name: &CStr) -> io::Result<()> {
    Ok(prctl::set_name(name)?)
}

/// How many threads we have.
pub fn thread_count() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/task")?.count())
}

/// All our open descriptors.
pub fn open_descriptors() -> Vec<RawFd> {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return (3..1024).collect() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Ticks since the machine started, on the clock that start times are read on (proc(5), `/proc/uptime`).
pub fn ticks_now() -> u64 {
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let mut parts = text.split([' ', '.']);
    let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok()).unwrap_or(0);
    let (seconds, hundredths) = (number(), number());
    (seconds * 100 + hundredths) * ticks_per_second() / 100
}

/// How many ticks a second of processor time has.
pub fn ticks_per_second() -> u64 {
    system_value(SysconfVar::CLK_TCK, 100)
}

fn system_value(which: SysconfVar, default: u64) -> u64 {
    sysconf(which).ok().flatten().and_then(|value| u64::try_from(value).ok()).unwrap_or(default)
}

/// The whole process table. Not one moment: a process that is forked or reparented meanwhile may be missed.
pub fn processes() -> Vec<ProcessFact> {
    let page = system_value(SysconfVar::PAGE_SIZE, 4096);
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| process(pid, page)).collect()
}

fn process(pid: u32, page: u64) -> Option<ProcessFact> {
    let mut line = [0_u8; 1024];
    let count = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut line).ok()?;
    parse_stat(&line[..count], page)
}

/// Reads `/proc/PID/stat`. The name may hold anything, also blanks and parentheses, so the last `)` ends it (proc(5)).
fn parse_stat(line: &[u8], page: u64) -> Option<ProcessFact> {
    let open = line.iter().position(|byte| *byte == b'(')?;
    let close = line.iter().rposition(|byte| *byte == b')')?;
    let pid = std::str::from_utf8(&line[..open]).ok()?.trim().parse().ok()?;
    let rest: Vec<&str> = std::str::from_utf8(&line[close + 1..]).ok()?.split_ascii_whitespace().collect();
    // proc(5) counts fields from 1; the state is the third.
    let field = |number: usize| rest.get(number - 3)?.parse::<u64>().ok();
    let id = |number: usize| rest.get(number - 3)?.parse::<u32>().ok();
    Some(ProcessFact {
        pid,
        ppid: id(4)?,
        group: id(5)?,
        session: id(6)?,
        start_time: field(22)?,
        state: rest.first()?.chars().next()?,
        threads: id(20)?,
        cpu_ticks: field(14)? + field(15)?,
        rss_bytes: field(24)? * page,
        name: String::from_utf8_lossy(&line[open + 1..close]).into_owned(),
    })
}

/// Whether a process is ending or has ended. One that was shot has let go of its descriptors for a while before its children learn of it.
pub fn is_ending(pid: u32) -> bool {
    let line = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    flags_in(&String::from_utf8_lossy(&line)).is_none_or(|flags| flags & PF_EXITING != 0)
}

/// The ninth field of `/proc/PID/stat` (proc(5)).
fn flags_in(line: &str) -> Option<u64> {
    line[line.rfind(')')?..].split_ascii_whitespace().nth(7)?.parse().ok()
}

/// What a process is at, as a letter: `T` when it is stopped.
pub fn process_state(pid: u32) -> Option<char> {
    process(pid, 1).map(|fact| fact.state)
}

/// Memory of a process in bytes, shared pages divided among those that share them; `None` when we may not look.
pub fn proportional_memory(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let kilobytes = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(kilobytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// The command name of a process, as the system keeps it.
pub fn command_name(pid: u32) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(&name).trim_end().to_owned())
}

/// Our own children, where the kernel tells (`CONFIG_PROC_CHILDREN`). Exact for a process with one thread that alone reaps them;
/// otherwise one may be missed (proc(5)).
pub fn own_children() -> Option<Vec<u32>> {
    let list = fs::read_to_string("/proc/thread-self/children").ok()?;
    Some(list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

/// The variables that a process was executed with, each with a zero byte behind it; `None` when we may not look. While it executes
/// another program there are none.
pub fn environment(pid: u32) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{pid}/environ")).ok()
}

/// Whether a process counts pids as we do; one in a container does not (`pid_namespaces(7)`).
pub fn shares_our_pids(pid: u32) -> bool {
    let space = |of: &str| fs::read_link(format!("/proc/{of}/ns/pid")).ok();
    space(&pid.to_string()).is_some_and(|theirs| Some(theirs) == space("self"))
}

/// Sends a signal to exactly this process: by pidfd, after comparing the start time, so that a later one with its pid is safe.
pub fn signal_process(pid: u32, start_time: u64, signal: Signal) -> io::Result<()> {
    let handle = match sys::open_pidfd(pid) {
        Ok(handle) => Some(handle),
        Err(error) if error.raw_os_error() == Some(Errno::ENOSYS as i32) => None,
        Err(error) => return Err(error),
    };
    if process(pid, 1).map(|fact| fact.start_time) != Some(start_time) {
        return Err(Errno::ESRCH.into());
    }
    match handle {
        Some(handle) => sys::signal_pidfd(&handle, signal),
        None => sys::kill(pid, signal),
    }
}

/// How many processes the kernel has killed for want of memory, on this machine or in a cgroup of it (`oom_kill` in proc(5)).
pub fn memory_kills() -> Option<u64> {
    // In pieces as large as the kernel gives them: its files do not say how long they are.
    let mut counters = String::with_capacity(16 * 1024);
    File::open("/proc/vmstat").ok()?.read_to_string(&mut counters).ok()?;
    counters.lines().find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok())
}

/// Signals taken from a descriptor instead of by handlers.
#[derive(Debug)]
pub struct Signals(SignalFd);

/// One signal that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caught {
    /// Which one.
    pub signal: Signal,
    /// Whether a process sent it; else the kernel did, for a key that was typed, a terminal that went away, a child that ended.
    pub from_process: bool,
}

impl Signals {
    /// Blocks these signals and collects them from now on.
    pub fn new(signals: &[Signal]) -> io::Result<Self> {
        let names = signals.iter().map(|signal| SignalName::try_from(signal.0));
        let set: SigSet = names.collect::<Result<_, _>>()?;
        set.thread_block()?;
        Ok(Self(SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?))
    }

    /// The next one that has arrived, if any.
    pub fn take(&mut self) -> io::Result<Option<Caught>> {
        let Some(info) = self.0.read_signal()? else { return Ok(None) };
        Ok(Some(Caught { signal: Signal(info.ssi_signo.cast_signed()), from_process: info.ssi_code <= 0 }))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A process that can be asked whether it has ended, without confusing it with a later one of the same pid.
#[derive(Debug)]
pub struct ProcessWatch(OwnedFd);

impl ProcessWatch {
    /// Watches a process.
    pub fn new(pid: u32) -> io::Result<Self> {
        sys::open_pidfd(pid).map(Self)
    }

    /// Whether it has ended; a zombie has.
    pub fn has_ended(&self) -> bool {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }
}

/// A deadline that is kept to the microsecond: a timer of the runtime comes up to two milliseconds late, which every link of a
/// chain of programs would pay.
#[derive(Debug)]
pub struct Alarm {
    timer: TimerFd,
    /// A second descriptor of the same timer, for the runtime.
    rings: AsyncFd<OwnedFd>,
}

impl Alarm {
    /// An alarm that is not set. Must be called inside a tokio runtime.
    pub fn new() -> io::Result<Self> {
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        let rings = register(timer.as_fd().try_clone_to_owned()?)?;
        Ok(Self { timer, rings })
    }

    /// Returns after this long; never for `None`. Dropping the future leaves the alarm to the next call.
    pub async fn ring(&self, after: Option<Duration>) {
        let Some(after) = after else { return std::future::pending().await };
        // Nothing at all would unset it.
        let after = after.max(Duration::from_micros(1));
        if self.timer.set(Expiration::OneShot(after.into()), TimerSetTimeFlags::empty()).is_err() {
            return tokio::time::sleep(after).await;
        }
        while let Ok(mut ready) = self.rings.readable().await {
            let mut ticks = [0; 8];
            let read = ready.try_io(|rings| nix::unistd::read(rings.get_ref(), &mut ticks).map_err(io::Error::from));
            if read.is_ok() {
                return;
            }
        }
    }
}

/// Registers a timer with the runtime.
#[expect(
    deprecated,
    reason = "its successor is unsafe; what it asks for holds: an OwnedFd is one descriptor until it is dropped"
)]
fn register(timer: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(timer, Interest::READABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &[u8] =
        b"4711 (a) S 1 (b) R 7 4711 4710 34816 4711 4194304 98 0 0 0 12 30 0 0 20 0 3 0 8115 2396160 200 184467";

    #[test]
    fn a_name_may_hold_parentheses_and_what_looks_like_fields() {
        let fact = parse_stat(LINE, 4096).unwrap();
        assert_eq!((fact.pid, fact.ppid, fact.group, fact.session), (4711, 7, 4711, 4710));
        assert_eq!((fact.start_time, fact.state, fact.threads), (8115, 'R', 3));
        assert_eq!((fact.cpu_ticks, fact.rss_bytes, fact.name.as_str()), (42, 200 * 4096, "a) S 1 (b"));
    }

    #[test]
    fn a_cut_line_is_no_process() {
        for end in 0..LINE.len() - 7 {
            let parsed = parse_stat(&LINE[..end], 4096);
            assert!(parsed.is_none() || end > LINE.len() - 12, "{end}: {parsed:?}");
        }
    }

    #[test]
    fn who_has_ended_and_is_not_waited_for_is_ending_and_we_are_not() {
        assert_eq!(flags_in(std::str::from_utf8(LINE).unwrap()), Some(4_194_304));
        assert!(!is_ending(std::process::id()));
        let mut reader = std::process::Command::new("cat");
        let mut child = reader.stdin(std::process::Stdio::piped()).spawn().unwrap();
        assert!(!is_ending(child.id()));
        drop(child.stdin.take());
        while !is_ending(child.id()) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }

    #[test]
    fn the_process_table_knows_us() {
        let me = std::process::id();
        let fact = processes().into_iter().find(|fact| fact.pid == me).unwrap();
        assert_eq!(fact.ppid, std::os::unix::process::parent_id());
        assert!(fact.is_alive() && fact.rss_bytes > 0);
    }

    #[test]
    fn a_process_with_another_start_time_is_not_signalled() {
        let me = std::process::id();
        let start = process(me, 1).unwrap().start_time;
        let error = signal_process(me, start + 1, Signal::KILL).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::ESRCH as i32));
        signal_process(me, start, Signal(0)).unwrap();
    }
}
