//! The thin front before the supervisor, for `-d` and for interactive terminals (where the key `d` detaches).
//!
//! # The dance
//!
//! A shell waits for the process that it started. To give the prompt back while the programs go on, that process has to end while the
//! supervisor lives; so [`split`] makes two of it, before there is a thread. The original becomes the *front* and only waits; its child
//! goes on as the supervisor.
//!
//! * Both are in the foreground process group, so keys typed at the terminal (Ctrl-C, Ctrl-Z) and its hang-up reach the supervisor by
//!   themselves. The front relays only what a process sent to it with kill(2). Whoever signals the whole *group* with kill(2) reaches
//!   the supervisor twice within a moment; the driver counts two of a kind in a moment as one.
//! * Ctrl-Z: the supervisor stops its programs and then itself. Only then does the front stop, so the shell takes the terminal back
//!   when everything is still. `fg` continues the group; the front sends CONT on, in case that it alone was continued.
//! * The supervisor dies with its front: TERM is its death signal, so a front that is shot is a polite end.
//! * [`DetachHandle::detach`] undoes all that: a session of its own, no death signal, and one byte for the front, the code to end with.
//! * [`DetachHandle::show`] asks the front to run another command on the terminal, the full screen: only it may start a process, as the
//!   supervisor's are the spawner's. When that has ended, the front says so. A supervisor that ends meanwhile is heard when the command
//!   is over; its project is gone, so it ends by itself.
//! * When the supervisor ends first, the front ends as it did: with its code, or by its signal. A supervisor that was shot could not
//!   give the terminal back, so the front does. If the spawner was shot with it, the programs fall to the front, which ends them.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::SigSet;
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};

use crate::model::{Exit, Signal};
use crate::runtime::os::{self, Signals};
use crate::runtime::sys::{self, Forked};

/// Which of the two we are.
#[derive(Debug)]
pub enum Role {
    /// The original process: it runs [`FrontEnd::run`] and ends with what that returns.
    Front(FrontEnd),
    /// Its child: it goes on as if there were no front.
    Supervisor(DetachHandle),
}

/// What the front waits for.
#[derive(Debug)]
pub struct FrontEnd {
    supervisor: u32,
    /// Brings what the supervisor wants; `None` when nothing can come any more.
    wishes: Option<UnixStream>,
    /// The command that has the terminal.
    shown: Option<Child>,
    /// `None` without one.
    terminal: Option<FoundTerminal>,
    /// Not ours to end.
    inherited: os::Inherited,
}

/// A command of ours that has the terminal for a while.
#[derive(Debug, Clone, Default)]
pub struct OnTerminal {
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// What puts the screen back when it could not do so itself, because it was shot.
    pub undo: &'static [u8],
}

impl OnTerminal {
    /// Starts it.
    pub fn start(&self) -> io::Result<Child> {
        Command::new(std::env::current_exe()?).args(&self.arguments).spawn()
    }

    /// After its end: puts the screen back if need be.
    pub fn clean_up(&self, status: Option<ExitStatus>) {
        if status.is_none_or(|status| status.code().is_none()) {
            // A terminal that is gone needs nothing any more.
            let mut stdout = io::stdout();
            let _ = stdout.write_all(self.undo).and_then(|()| stdout.flush());
        }
    }
}

/// What lets the supervisor leave its front.
#[derive(Debug)]
pub struct DetachHandle {
    front: UnixStream,
}

/// What is relayed when a process sent it to the front.
const RELAYED: [Signal; 6] = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::TSTP, Signal::CONT];

/// A wish of the supervisor: to detach, with the code to end with behind it.
const DETACH: u8 = b'd';

/// A wish of the supervisor: the command on the terminal.
const SHOW: u8 = b's';

/// What the front answers to that, once it is over.
const IS_BACK: u8 = b'b';

/// How long the command on the terminal may take to end by itself when the supervisor has ended.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// How long programs have between TERM and KILL when supervisor and spawner are gone.
const LAST_GRACE: Duration = Duration::from_secs(2);

/// Makes two processes of this one. Call it before there is a second thread, and before the spawner is started.
pub fn split() -> io::Result<Role> {
    let (near, far) = UnixStream::pair()?;
    near.set_nonblocking(true)?;
    let terminal = FoundTerminal::look();
    let front = std::process::id();
    let inherited = os::Inherited::look();
    match sys::fork()? {
        Forked::Parent(supervisor) => {
            os::become_subreaper()?;
            Ok(Role::Front(FrontEnd { supervisor, wishes: Some(near), shown: None, terminal, inherited }))
        }
        Forked::Child => {
            drop(near);
            os::die_with_parent(front)?;
            Ok(Role::Supervisor(DetachHandle { front: far }))
        }
    }
}

impl DetachHandle {
    /// Leaves the front and the terminal; the front ends with this code. Standard streams are not touched.
    pub fn detach(mut self, code: u8) -> io::Result<()> {
        nix::unistd::setsid()?;
        os::live_without_parent()?;
        match self.front.write_all(&[DETACH, code]) {
            // It was shot: nobody waits any more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

impl DetachHandle {
    /// Has the front run its command on the terminal. What comes back is read from as soon as that is over, or the front is gone.
    pub fn show(&mut self) -> io::Result<UnixStream> {
        self.front.write_all(&[SHOW])?;
        let back = self.front.try_clone()?;
        back.set_nonblocking(true)?;
        Ok(back)
    }
}

/// How the front ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Detached(u8),
    Supervisor(Exit),
}

impl FrontEnd {
    /// Waits for the supervisor to end or to detach, and returns the code to end with. When a signal ended the supervisor it does not
    /// return: the front ends by the same signal.
    ///
    /// `command` is run on the terminal when the supervisor asks for it.
    pub fn run(mut self, command: &OnTerminal) -> io::Result<u8> {
        let caught = [RELAYED.as_slice(), &[Signal::CHLD]].concat();
        let mut signals = Signals::new(&caught)?;
        let end = loop {
            if let Some(end) = self.end(command)? {
                break end;
            }
            self.wait(&signals)?;
            while let Some(caught) = signals.take()? {
                if caught.from_process && caught.signal != Signal::CHLD {
                    self.relay(caught.signal);
                }
            }
        };
        self.end_shown(command);
        match end {
            End::Detached(code) => Ok(code),
            End::Supervisor(exit) => {
                if let Exit::Signal { .. } = exit {
                    if let Some(terminal) = &self.terminal {
                        terminal.give_back();
                    }
                    // The spawner does this, too, unless it was shot as well: then everything has fallen to us.
                    os::sweep_descendants(LAST_GRACE, &self.inherited);
                }
                end_by_signal(exit)?;
                Ok(exit.shell_code())
            }
        }
    }

    /// The supervisor is our unreaped child, so its pid is its own.
    fn relay(&self, signal: Signal) {
        let _ = sys::kill(self.supervisor, signal);
    }

    fn wait(&self, signals: &Signals) -> io::Result<()> {
        let ends = [Some(signals.as_fd()), self.wishes.as_ref().map(AsFd::as_fd)];
        let mut fds: Vec<_> = ends.into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Whether it is over; follows the supervisor into a stop where there is a terminal, and so a shell that can continue us.
    fn end(&mut self, command: &OnTerminal) -> io::Result<Option<End>> {
        if let Some(code) = self.hear(command)? {
            return Ok(Some(End::Detached(code)));
        }
        self.look_at_shown(command);
        let pid = Pid::from_raw(self.supervisor.cast_signed());
        match waitpid(pid, Some(WaitPidFlag::WUNTRACED | WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Stopped(..)) if self.terminal.is_some() => {
                sys::kill(std::process::id(), Signal::STOP)?;
                self.relay(Signal::CONT);
                Ok(None)
            }
            Ok(WaitStatus::Exited(_, code)) => Ok(Some(End::Supervisor(Exit::Code(code)))),
            Ok(WaitStatus::Signaled(_, signal, core)) => {
                Ok(Some(End::Supervisor(Exit::Signal { signal: Signal(signal as i32), core })))
            }
            Ok(_) | Err(Errno::EINTR) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// The code that came with a detach, if one has; performs every other wish.
    fn hear(&mut self, command: &OnTerminal) -> io::Result<Option<u8>> {
        while let Some(wish) = self.next_byte()? {
            match wish {
                DETACH => return self.next_byte(),
                SHOW if self.shown.is_none() => match command.start() {
                    Ok(child) => self.shown = Some(child),
                    Err(_) => self.say_that_it_is_back(),
                },
                _ => {}
            }
        }
        Ok(None)
    }

    /// What the supervisor has written, byte by byte.
    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        match self.wishes.as_mut().map(|stream| stream.read(&mut byte)) {
            Some(Ok(1)) => Ok(Some(byte[0])),
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Some(Err(error)) => Err(error),
            Some(Ok(_)) => {
                self.wishes = None;
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// Tells the supervisor when the command on the terminal is over.
    fn look_at_shown(&mut self, command: &OnTerminal) {
        let Some(child) = &mut self.shown else { return };
        let ended = child.try_wait();
        if !matches!(ended, Ok(None)) {
            command.clean_up(ended.ok().flatten());
            self.shown = None;
            self.say_that_it_is_back();
        }
    }

    fn say_that_it_is_back(&mut self) {
        if let Some(stream) = &mut self.wishes {
            // Nobody waits for it when the supervisor is gone.
            let _ = stream.write(&[IS_BACK]);
        }
    }

    /// The project is gone, so whatever shows it ends by itself; at the latest now.
    fn end_shown(&mut self, command: &OnTerminal) {
        let Some(mut child) = self.shown.take() else { return };
        let until = Instant::now() + LAST_LOOK;
        while Instant::now() < until {
            let ended = child.try_wait();
            if !matches!(ended, Ok(None)) {
                return command.clean_up(ended.ok().flatten());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = sys::kill(child.id(), Signal::TERM);
        command.clean_up(child.wait().ok());
    }
}

/// The terminal as it was before the supervisor took it over.
#[derive(Debug)]
struct FoundTerminal {
    terminal: File,
    settings: Termios,
}

impl FoundTerminal {
    fn look() -> Option<Self> {
        let terminal = File::options().read(true).write(true).custom_flags(libc::O_NOCTTY).open("/dev/tty").ok()?;
        let settings = tcgetattr(&terminal).ok()?;
        Some(Self { terminal, settings })
    }

    /// In the background nothing is done: there the shell has put its own settings.
    fn give_back(&self) {
        if tcgetpgrp(&self.terminal) == Ok(getpgrp()) {
            // A terminal that has gone away needs nothing any more.
            let _ = tcsetattr(&self.terminal, SetArg::TCSANOW, &self.settings);
        }
    }
}

/// Ends this process by the signal that ended the supervisor, without a second core dump.
fn end_by_signal(exit: Exit) -> io::Result<()> {
    let Exit::Signal { signal, .. } = exit else { return Ok(()) };
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, 0, hard)?;
    sys::default_dispositions();
    sys::kill(std::process::id(), signal)?;
    Ok(SigSet::all().thread_unblock()?)
}
