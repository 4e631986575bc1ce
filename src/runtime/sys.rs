//! The system calls that have no safe wrapper: forking, executing, waiting, signalling by number.
//!
//! The only file with `unsafe`. Everything here is a thin function with a safe signature; what to do with them is decided
//! elsewhere.
#![expect(unsafe_code, reason = "the one file that may: each block says why it is sound")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};

use nix::errno::Errno;
use nix::pty::Winsize;

use crate::fault::{self, Point};
use crate::model::{Exit, Signal, Variables};
use crate::runtime::os;
use crate::runtime::spawner::order::{Account, Step};

/// Which side of a fork we are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forked {
    /// The original; with the child's pid.
    Parent(u32),
    /// The copy.
    Child,
}

/// Copies this process. Refuses when it has more than one thread, because the copy would have only this one, and any lock that
/// another held would stay locked in it for ever.
pub fn fork() -> io::Result<Forked> {
    insist_on_one_thread()?;
    // SAFETY: we are single-threaded, so the child is a whole copy and may do everything that we may.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Child => Ok(Forked::Child),
        nix::unistd::ForkResult::Parent { child } => Ok(Forked::Parent(child.as_raw().cast_unsigned())),
    }
}

/// The same, with the copy born in a cgroup of version 2. Moving it there later would stop every fork of the machine for some tens of
/// milliseconds.
#[cfg(target_os = "linux")]
pub fn fork_into(cgroup: BorrowedFd<'_>) -> io::Result<Forked> {
    /// `CLONE_INTO_CGROUP` of clone(2), too large for the number type that libc gives it.
    const INTO_CGROUP: u64 = 0x2_0000_0000;
    insist_on_one_thread()?;
    // `struct clone_args` of clone(2): eleven numbers, of which the first are flags, the fifth is the end signal, the last the cgroup.
    let mut arguments = [0_u64; 11];
    arguments[0] = INTO_CGROUP;
    arguments[4] = u64::from(libc::SIGCHLD.cast_unsigned());
    arguments[10] = u64::from(cgroup.as_raw_fd().cast_unsigned());
    let size = size_of_val(&arguments);
    // SAFETY: the call reads the numbers. We are single-threaded, so the child is a whole copy, as with fork(2). What the C library
    // does beside: it frees locks that other threads held, of which there are none, and it notes the number of the thread, which
    // it uses only to tell the threads of one process apart, and no other of the child can have our number while we live.
    let pid = Errno::result(unsafe { libc::syscall(libc::SYS_clone3, arguments.as_ptr(), size) })?;
    let pid = u32::try_from(pid).map_err(io::Error::other)?;
    Ok(if pid == 0 { Forked::Child } else { Forked::Parent(pid) })
}

fn insist_on_one_thread() -> io::Result<()> {
    match os::thread_count()? {
        1 => Ok(()),
        _ => Err(io::Error::other("a process with several threads cannot be forked")),
    }
}

/// Ends this process at once, without running anything that was registered for the end of the original it was forked from.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` takes any number and does not return.
    unsafe { libc::_exit(code) }
}

/// All threads of this process and of those that are forked from it share one heap from here on, where the C library gives each its
/// own (mallopt(3), `M_ARENA_MAX`): what one has freed another uses. Ours allocate little at a time.
pub fn share_one_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt only sets a number. Where it is refused, the heaps stay apart.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Gives freed memory back to the system, and unmaps code and constants, ours and those of libraries. They stay in the page cache, and
/// what is used again is mapped again: afterwards only what a quiet supervisor needs counts as its memory.
pub fn give_back_memory() -> io::Result<()> {
    // Looked up before: all that is called after the first one is mapped again.
    let unwritten = os::unwritten_pages()?;
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim only touches what has been freed.
    unsafe {
        libc::malloc_trim(0);
    }
    // SAFETY: these pages are those of a file, in a private mapping that nobody can write to, and libraries stay where they are while we
    // run, so what is dropped is read from the file again, unchanged, when it is next touched.
    unwritten.into_iter().try_for_each(|pages| unsafe { drop_pages(pages) })
}

/// Gives the part of the main thread's stack back that its deepest calls have used and nobody uses now. Nothing happens in other threads.
pub fn give_back_stack() -> io::Result<()> {
    let here = 0_u8;
    let Some(unused) = os::unused_stack((&raw const here).addr())? else { return Ok(()) };
    // SAFETY: a stack grows downwards, and nothing lies below its innermost frame but what this call itself takes, for which room is left.
    // What is used again is filled with zeroes first.
    unsafe { drop_pages(unused) }
}

/// Unmaps pages until they are touched again (madvise(2), `MADV_DONTNEED`).
///
/// # Safety
/// Nobody may rely on what has been written to them.
unsafe fn drop_pages(pages: Range<usize>) -> io::Result<()> {
    let start = ptr::without_provenance_mut::<c_void>(pages.start);
    // SAFETY: the caller knows that nothing is lost.
    Errno::result(unsafe { libc::madvise(start, pages.len(), libc::MADV_DONTNEED) })?;
    Ok(())
}

/// What one operator of the template engine calls, and nothing else of libm: without this the whole library would be found, mapped and
/// relocated at each start.
// SAFETY: it is what C's `pow` is, and nothing here or in the C library counts on another.
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
pub extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}

/// Takes a descriptor that the kernel has just made for us.
pub fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: callers hand over descriptors that were received in a message, so nobody else owns them.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// What waiting for any child brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// This one ended, and its pid is free again.
    Ended(u32, Exit),
    /// There are children, and none has ended.
    Nothing,
    /// There are no children.
    NoChildren,
}

/// Reaps one child that has ended, without waiting. (nix refuses exits by real-time signals, after having reaped them.)
pub fn wait_any() -> io::Result<Waited> {
    reap(libc::P_ALL, 0, libc::WNOHANG)
}

/// Waits for the end of one child and reaps it.
pub fn wait_for(pid: u32) -> io::Result<Waited> {
    reap(libc::P_PID, pid, 0)
}

fn reap(kind: libc::idtype_t, id: u32, flags: c_int) -> io::Result<Waited> {
    loop {
        // SAFETY: all zeroes is a valid `siginfo_t`.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: `info` is ours and outlives the call.
        let result = unsafe { libc::waitid(kind, id, &raw mut info, libc::WEXITED | ALL_KINDS | flags) };
        match Errno::result(result) {
            Err(Errno::ECHILD) => return Ok(Waited::NoChildren),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
            Ok(_) => {
                // SAFETY: waitid filled in the fields of a child, or left them zero.
                let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
                return Ok(match (pid, info.si_code) {
                    (0, _) => Waited::Nothing,
                    (pid, libc::CLD_EXITED) => Waited::Ended(pid.cast_unsigned(), Exit::Code(status)),
                    (pid, code) => {
                        let exit = Exit::Signal { signal: Signal(status), core: code == libc::CLD_DUMPED };
                        Waited::Ended(pid.cast_unsigned(), exit)
                    }
                });
            }
        }
    }
}

/// Children by clone(2) with another end signal than CHLD count too.
#[cfg(target_os = "linux")]
const ALL_KINDS: c_int = libc::__WALL;
#[cfg(not(target_os = "linux"))]
const ALL_KINDS: c_int = 0;

/// Sends a signal to a process. The caller makes sure that the pid is still its own: an unreaped child, or ourselves.
pub fn kill(pid: u32, signal: Signal) -> io::Result<()> {
    // SAFETY: kill takes any numbers.
    Errno::result(unsafe { libc::kill(pid.cast_signed(), signal.0) }).map(drop).map_err(Into::into)
}

/// Sends a signal to a process group. The caller makes sure that the number is still its own: its leader is unreaped.
pub fn kill_group(group: u32, signal: Signal) -> io::Result<()> {
    // SAFETY: killpg takes any numbers.
    Errno::result(unsafe { libc::killpg(group.cast_signed(), signal.0) }).map(drop).map_err(Into::into)
}

/// A handle that stays with its process, whoever gets the pid next.
#[cfg(target_os = "linux")]
pub fn open_pidfd(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open takes any numbers; the result is a descriptor of ours, close-on-exec.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    Ok(own(RawFd::try_from(fd).map_err(io::Error::other)?))
}

/// Sends a signal to the process that the handle stands for.
#[cfg(target_os = "linux")]
pub fn signal_pidfd(process: &OwnedFd, signal: Signal) -> io::Result<()> {
    let no_info = ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open, and no information structure is handed over.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal.0, no_info, 0_u32) };
    Errno::result(result).map(drop).map_err(Into::into)
}

/// Whether this process ignores a signal, as nohup(1) makes its command do.
pub fn is_ignored(signal: Signal) -> io::Result<bool> {
    // SAFETY: all zeroes is a valid `sigaction`.
    let mut found: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: nothing is changed; `found` is ours and outlives the call.
    Errno::result(unsafe { libc::sigaction(signal.0, ptr::null(), &raw mut found) })?;
    Ok(found.sa_sigaction == libc::SIG_IGN)
}

/// Lets a signal have no effect on this process.
pub fn ignore(signal: Signal) -> io::Result<()> {
    // SAFETY: ignoring runs none of our code.
    let before = unsafe { libc::signal(signal.0, libc::SIG_IGN) };
    if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sets every signal's disposition to the default. Programs executed afterwards ignore nothing that we, or whoever started us,
/// ignored (nohup, a shell's background list, and PIPE which Rust ignores).
#[cfg(target_os = "linux")]
pub fn default_dispositions() {
    // Longer than the kernel's structure; all zeroes is the default disposition on every architecture.
    let default = [0_u64; 8];
    let mask_bytes: usize = 8;
    for number in 1..=64 {
        let nowhere = ptr::null_mut::<c_void>();
        // SAFETY: the call reads one structure from `default`, and the default disposition runs none of our code. It goes past the
        // C library, which refuses the two signals that it uses itself. KILL and STOP are refused by the kernel, which is fine.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, number, default.as_ptr(), nowhere, mask_bytes) };
    }
}

/// Sets every signal to its default disposition.
#[cfg(not(target_os = "linux"))]
pub fn default_dispositions() {
    for number in 1..=31 {
        // SAFETY: the default disposition runs none of our code; KILL and STOP are refused, which is fine.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
}

/// Closes every descriptor above 2 except one. Only for a process that was just forked and uses none of them.
pub fn close_all_but(kept: BorrowedFd<'_>) {
    let kept = kept.as_raw_fd();
    for fd in os::open_descriptors() {
        if fd > 2 && fd != kept {
            // SAFETY: the objects that own these descriptors belong to the code of our parent, which never runs here.
            unsafe { libc::close(fd) };
        }
    }
}

/// A program ready to be executed: everything that needs memory has been prepared.
#[derive(Debug)]
pub struct Launch<'a> {
    /// Files to try in turn.
    pub candidates: Vec<CString>,
    /// Program and arguments, at least one.
    pub argv: Vec<CString>,
    /// All of it.
    pub env: &'a Variables,
    /// Where it runs.
    pub directory: CString,
    /// File mode mask, if it is to change.
    pub umask: Option<u32>,
    /// Who it runs as, if it is to change.
    pub user: Option<&'a Account>,
    /// What become descriptors 0, 1 and 2; each is above 2.
    pub streams: [BorrowedFd<'a>; 3],
    /// Whether descriptor 0 is a terminal that it is to control.
    pub has_terminal: bool,
}

/// The launch as the child sees it: no destructors, no allocation, only pointers into memory that its parent holds still.
struct Child<'a> {
    launch: &'a Launch<'a>,
    argv: Vec<*const c_char>,
    env: Vec<*const c_char>,
    /// `/bin/sh`, a place for the script, the script's arguments.
    shell_argv: Vec<*const c_char>,
    parent: libc::pid_t,
    failed: Failed,
}

/// Where the child writes what it failed at; the step is 0 when it did not.
#[derive(Default)]
struct Failed {
    step: AtomicU8,
    errno: AtomicI32,
}

const SHELL: &CStr = c"/bin/sh";

/// Executes a program as a new child, the leader of its own session and group. Only for a thread that has blocked every signal and
/// lives as long as the process: the child lives in our memory until it executes, on this thread's `errno`, and dies with this
/// thread afterwards. Other threads go on meanwhile, and touch nothing of `launch`.
///
/// On failure nothing is left of the child.
pub fn launch(launch: &Launch<'_>, stack: &mut Stack) -> Result<u32, (Step, i32)> {
    fault::strike(Point::Fork).map_err(|error| (Step::Fork, error.raw_os_error().unwrap_or(0)))?;
    let mut child = Child::of(launch);
    let pid = start_child(&mut child, stack).map_err(|errno| (Step::Fork, errno as i32))?.cast_unsigned();
    match Step::from_number(child.failed.step.load(Ordering::Acquire)) {
        None => Ok(pid),
        Some(step) => {
            let _ = wait_for(pid);
            Err((step, child.failed.errno.load(Ordering::Acquire)))
        }
    }
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

/// Where each variable begins.
fn variable_pointers(variables: &Variables) -> Vec<*const c_char> {
    let each = variables.as_bytes().split_inclusive(|byte| *byte == 0);
    each.map(|variable| variable.as_ptr().cast()).chain([ptr::null()]).collect()
}

/// The memory that a child runs on until it executes.
#[derive(Debug)]
pub struct Stack(#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "a copy has our own"))] Vec<u128>);

impl Default for Stack {
    fn default() -> Self {
        Self(vec![0; 8192])
    }
}

/// Starts the child in our own memory, as vfork(2) does, but on a stack of its own: no page table is copied, however large we are,
/// and what it failed at can be read from our memory. This thread stands still until it has executed or ended.
#[cfg(target_os = "linux")]
fn start_child(child: &mut Child<'_>, stack: &mut Stack) -> nix::Result<libc::pid_t> {
    let top = stack.0.as_mut_ptr_range().end.cast::<c_void>();
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: `top` is the aligned end of memory that nobody else uses; `child` outlives the child's use of it, because this thread is
    // suspended until it has executed or ended; `run_child` touches nothing else of ours.
    Errno::result(unsafe { libc::clone(run_child, top, flags, ptr::from_mut(child).cast()) })
}

/// Starts the child as a copy, which tells us over a pipe what it failed at.
#[cfg(not(target_os = "linux"))]
fn start_child(child: &mut Child<'_>, _stack: &mut Stack) -> nix::Result<libc::pid_t> {
    use std::io::{Read, Write};
    let (mut reader, mut writer) = io::pipe().map_err(|_| Errno::EMFILE)?;
    // SAFETY: the copy only calls what may be called after fork, and never returns.
    let pid = Errno::result(unsafe { libc::fork() })?;
    if pid == 0 {
        run_child(ptr::from_mut(child).cast());
        let mut said = [child.failed.step.load(Ordering::Acquire), 0, 0, 0, 0];
        said[1..].copy_from_slice(&child.failed.errno.load(Ordering::Acquire).to_ne_bytes());
        let _ = writer.write_all(&said);
        exit_now(127);
    }
    drop(writer);
    let mut said = [0_u8; 5];
    if reader.read_exact(&mut said).is_ok() {
        let [step, errno @ ..] = said;
        child.failed.step.store(step, Ordering::Release);
        child.failed.errno.store(i32::from_ne_bytes(errno), Ordering::Release);
    }
    Ok(pid)
}

/// The child's whole life before the program: async-signal-safe calls only, nothing allocated, nothing dropped.
extern "C" fn run_child(child: *mut c_void) -> c_int {
    // SAFETY: `launch` hands over a `Child` that stays where it is while we run, and nobody else uses it meanwhile.
    let child = unsafe { &mut *child.cast::<Child<'_>>() };
    let (step, errno) = child.become_program();
    child.failed.errno.store(errno as i32, Ordering::Release);
    child.failed.step.store(step as u8, Ordering::Release);
    127
}

/// One step of the way from our copy to the program.
type Take<'a> = fn(&Child<'a>) -> nix::Result<()>;

#[cfg(target_os = "linux")]
const TAKE_TERMINAL: libc::Ioctl = libc::TIOCSCTTY;
#[cfg(not(target_os = "linux"))]
const TAKE_TERMINAL: libc::c_ulong = libc::TIOCSCTTY as libc::c_ulong;

impl<'a> Child<'a> {
    fn of(launch: &'a Launch<'a>) -> Self {
        let mut shell_argv = pointers(&launch.argv);
        shell_argv.splice(0..1, [SHELL.as_ptr(), ptr::null()]);
        Self {
            launch,
            argv: pointers(&launch.argv),
            env: variable_pointers(launch.env),
            shell_argv,
            parent: nix::unistd::getpid().as_raw(),
            failed: Failed::default(),
        }
    }

    /// Returns only when a step fails.
    fn become_program(&mut self) -> (Step, Errno) {
        let steps: [(Step, Take<'a>); 6] = [
            (Step::Session, |_| nix::unistd::setsid().map(drop)),
            (Step::Terminal, Self::take_terminal),
            (Step::Streams, Self::place_streams),
            (Step::Directory, Self::enter_directory),
            (Step::User, Self::become_user),
            (Step::Lifeline, Self::tie_lifeline),
        ];
        for (step, take) in steps {
            if let Err(errno) = take(self) {
                return (step, errno);
            }
        }
        empty_mask();
        (Step::Execute, self.execute())
    }

    fn take_terminal(&self) -> nix::Result<()> {
        if !self.launch.has_terminal {
            return Ok(());
        }
        // SAFETY: the descriptor is open; the argument 0 means that it is not taken from another session.
        Errno::result(unsafe { libc::ioctl(self.launch.streams[0].as_raw_fd(), TAKE_TERMINAL, 0) }).map(drop)
    }

    fn place_streams(&self) -> nix::Result<()> {
        for (number, stream) in (0..).zip(&self.launch.streams) {
            // SAFETY: the descriptor is open; descriptors 0 to 2 belong to nobody in the child.
            Errno::result(unsafe { libc::dup2(stream.as_raw_fd(), number) })?;
        }
        close_on_exec_from(3);
        Ok(())
    }

    fn enter_directory(&self) -> nix::Result<()> {
        if let Some(mask) = self.launch.umask {
            // SAFETY: umask takes any number and cannot fail.
            unsafe { libc::umask(libc::mode_t::try_from(mask & 0o777).unwrap_or(0o022)) };
        }
        // SAFETY: the path is a valid string.
        Errno::result(unsafe { libc::chdir(self.launch.directory.as_ptr()) }).map(drop)
    }

    fn become_user(&self) -> nix::Result<()> {
        self.launch.user.map_or(Ok(()), set_user)
    }

    /// Dies with its parent. After the change of user, which would cancel it (prctl(2)), and checked, because the parent
    /// may have died before.
    fn tie_lifeline(&self) -> nix::Result<()> {
        #[cfg(target_os = "linux")]
        {
            // SAFETY: prctl with this option takes a signal number.
            Errno::result(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
        }
        // SAFETY: getppid cannot fail.
        if unsafe { libc::getppid() } == self.parent { Ok(()) } else { Err(Errno::ESRCH) }
    }

    /// Tries the candidates in turn, as execvp(3) does: a file that may not be executed is remembered while another is looked
    /// for, and one without a header that the system knows is a script for the shell. Unlike there, a directory of the PATH that
    /// may not be entered refuses nothing.
    fn execute(&mut self) -> Errno {
        let is_only = self.launch.candidates.len() == 1;
        let mut refusal = Errno::ENOENT;
        for candidate in &self.launch.candidates {
            // SAFETY: the arrays end with a null pointer and hold valid strings.
            unsafe { libc::execve(candidate.as_ptr(), self.argv.as_ptr(), self.env.as_ptr()) };
            match Errno::last() {
                Errno::ENOEXEC => {
                    self.shell_argv[1] = candidate.as_ptr();
                    // SAFETY: as above; the script's place was just filled.
                    unsafe { libc::execve(SHELL.as_ptr(), self.shell_argv.as_ptr(), self.env.as_ptr()) };
                    return Errno::last();
                }
                Errno::EACCES if is_only || exists(candidate) => refusal = Errno::EACCES,
                Errno::EACCES => {}
                Errno::ENOENT | Errno::ENOTDIR if !is_only => {}
                errno => return errno,
            }
        }
        refusal
    }
}

fn exists(file: &CStr) -> bool {
    // SAFETY: the path is a valid string.
    unsafe { libc::access(file.as_ptr(), libc::F_OK) == 0 }
}

fn empty_mask() {
    // SAFETY: all zeroes is a valid `sigset_t`, which sigemptyset then makes an empty one; both pointers outlive the calls.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}

/// Marks every descriptor from `first` on as close-on-exec. Ours are anyway; this is for what a library may have opened. An old
/// kernel refuses, and then it stays at that.
fn close_on_exec_from(first: u32) {
    #[cfg(target_os = "linux")]
    // SAFETY: close_range takes any numbers, and closes nothing with this flag.
    unsafe {
        libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = first;
}

/// The system calls themselves: the C library's functions would try to tell other threads, whose list is our parent's.
#[cfg(target_os = "linux")]
fn set_user(user: &Account) -> nix::Result<()> {
    // SAFETY: the list of groups is valid for its length; the calls take any numbers.
    unsafe {
        Errno::result(libc::syscall(libc::SYS_setgroups, user.groups.len(), user.groups.as_ptr()))?;
        Errno::result(libc::syscall(libc::SYS_setresgid, user.gid, user.gid, user.gid))?;
        Errno::result(libc::syscall(libc::SYS_setresuid, user.uid, user.uid, user.uid))?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn set_user(user: &Account) -> nix::Result<()> {
    set_groups(&user.groups)?;
    // SAFETY: the calls take any numbers.
    unsafe {
        Errno::result(libc::setgid(user.gid))?;
        Errno::result(libc::setuid(user.uid))?;
    }
    Ok(())
}

/// Our supplementary groups from now on.
#[cfg(not(target_os = "linux"))]
pub fn set_groups(groups: &[libc::gid_t]) -> nix::Result<()> {
    let count = c_int::try_from(groups.len()).unwrap_or(0);
    // SAFETY: the list of groups is valid for its length.
    Errno::result(unsafe { libc::setgroups(count, groups.as_ptr()) }).map(drop)
}

/// The size of the terminal behind one of our standard streams; `None` when it is none.
pub fn window_size(fd: RawFd) -> Option<Winsize> {
    let mut size = Winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one `winsize` to the pointer, which is valid for it; a descriptor that is no terminal is an error.
    let result = unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, &raw mut size) };
    (result == 0).then_some(size)
}

/// Tells a terminal its size; its foreground group gets SIGWINCH.
pub fn set_window_size(terminal: &OwnedFd, size: Winsize) -> io::Result<()> {
    // SAFETY: TIOCSWINSZ reads one `winsize` from the pointer, which is valid for it.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    Errno::result(result).map(drop).map_err(io::Error::from)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::ffi::{CStr, CString, c_char, c_void};
    use std::os::fd::{AsFd, AsRawFd, IntoRawFd};

    use super::{Child, Launch, Stack, give_back_memory, give_back_stack, own};

    /// What execve(2) would read.
    fn read(array: &[*const c_char]) -> Option<Vec<&str>> {
        let (end, strings) = array.split_last()?;
        assert!(end.is_null());
        // SAFETY: they point to strings that the launch holds.
        strings.iter().map(|string| unsafe { CStr::from_ptr(*string) }.to_str().ok()).collect()
    }

    #[test]
    fn a_child_reads_what_its_launch_holds_wherever_that_is_moved() {
        let strings = |words: &[&str]| words.iter().map(|word| CString::new(*word).unwrap()).collect::<Vec<_>>();
        let stream = std::fs::File::open("/dev/null").unwrap();
        let env = [("A", "1"), ("B", "")].into_iter().collect();
        let launch = Box::new(Launch {
            candidates: strings(&["/bin/web"]),
            argv: strings(&["web", "", "--port"]),
            env: &env,
            directory: c"/".to_owned(),
            umask: None,
            user: None,
            streams: [stream.as_fd(); 3],
            has_terminal: false,
        });
        let mut child = Box::new(Child::of(&launch));
        child.shell_argv[1] = launch.candidates[0].as_ptr();
        assert_eq!(read(&child.argv), Some(vec!["web", "", "--port"]));
        assert_eq!(read(&child.env), Some(vec!["A=1", "B="]));
        assert_eq!(read(&child.shell_argv), Some(vec!["/bin/sh", "/bin/web", "", "--port"]));
    }

    #[test]
    fn the_stack_of_a_child_ends_where_the_machine_wants_it_to() {
        let mut stack = Stack::default();
        let top = stack.0.as_mut_ptr_range().end.cast::<c_void>();
        assert_eq!(top.addr() % 16, 0, "as the calling conventions of x86-64 and arm64 have it");
    }

    #[test]
    fn what_was_received_is_closed_with_its_owner() {
        let stream = std::fs::File::open("/dev/null").unwrap();
        let taken = own(stream.into_raw_fd());
        drop(taken.try_clone().unwrap());
        assert!(taken.as_fd().as_raw_fd() > 2);
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no madvise")]
    fn a_program_goes_on_after_it_has_given_its_stack_back() {
        give_back_stack().unwrap();
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has neither malloc_trim nor madvise")]
    fn a_program_goes_on_after_it_has_given_its_memory_back() {
        let before = "what was there before".to_owned();
        give_back_memory().unwrap();
        assert_eq!(format!("{before}: {:?}", [1, 2]), "what was there before: [1, 2]");
    }
}
