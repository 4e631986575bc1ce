//! The spawner's own life: one loop over the supervisor's socket and its signals, until either says that it is over.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::parent_id;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};

use super::channel::{Flushed, Inbox, Outbox, Received};
use super::children::Children;
use super::hands::{Hands, Launched};
use super::order::{Order, Report, SpawnOrder};
use super::wire::{decode_order, encode_report};
use crate::model::Signal;
use crate::runtime::os::{self, Cgroup, Inherited, Signals};
use crate::runtime::rest::{QUIET, QUIET_AFTER_AN_END};
use crate::runtime::sys::{self, Waited};

/// How long programs have between TERM and KILL when the supervisor is gone.
const LAST_GRACE: Duration = Duration::from_secs(2);

/// Lives as the spawner from here on. For the child of a fork.
pub(super) fn live<T>(socket: &OwnedFd, supervisor: u32, cgroup: Option<&Cgroup>, inherited: T) -> ! {
    let lived = catch_unwind(AssertUnwindSafe(|| {
        settle_in(socket, supervisor).and_then(|signals| serve(socket, signals, supervisor, cgroup, inherited))
    }));
    os::sweep_descendants(LAST_GRACE, &Inherited::default());
    // A supervisor that lives removes it after us, which costs nothing. One that was shot may still be our parent.
    if parent_id() != supervisor || os::is_ending(supervisor) {
        end_from_inside(cgroup);
    }
    sys::exit_now(i32::from(!matches!(lived, Ok(Ok(())))));
}

fn end_from_inside(cgroup: Option<&Cgroup>) {
    if let Some(cgroup) = cgroup
        && cgroup.leave().is_ok()
    {
        cgroup.end();
    }
}

/// Leaves everything of the supervisor's behind but the socket: its session, its streams, its descriptors, its signals.
fn settle_in(socket: &OwnedFd, supervisor: u32) -> io::Result<Signals> {
    nix::unistd::setsid()?;
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
    sys::default_dispositions();
    os::become_subreaper()?;
    os::die_with_parent(supervisor)?;
    os::name_process(c"run-spawner")?;
    os::release_standard_streams()?;
    sys::close_all_but(socket.as_fd());
    Signals::new(&[Signal::CHLD, Signal::TERM, Signal::INT, Signal::QUIT, Signal::HUP])
}

/// Why the loop ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The supervisor is gone, or we were told to end.
    Alone,
    /// The supervisor asked for it.
    Asked { grace: Duration },
}

/// Serves until the supervisor is gone or asks for the end.
fn serve<T>(
    socket: &OwnedFd,
    signals: Signals,
    supervisor: u32,
    cgroup: Option<&Cgroup>,
    inherited: T,
) -> io::Result<()> {
    let me = std::process::id();
    let mut spawner = Server {
        socket,
        supervisor,
        signals,
        inbox: Inbox::default(),
        outbox: Outbox::default(),
        children: Children::new(me),
        hands: Hands::default(),
        quiet: Some(QUIET),
        inherited: Some(inherited),
    };
    match spawner.turn_until_end()? {
        End::Alone => Ok(()),
        End::Asked { grace } => {
            let names = if spawner.reap()? { spawner.children.outlived() } else { Vec::new() };
            os::sweep_descendants(grace, &Inherited::default());
            if sys::wait_any()? != Waited::NoChildren {
                end_from_inside(cgroup);
            }
            spawner.children.reports.push(Report::Swept { names });
            spawner.send_reports()
        }
    }
}

struct Server<'a, T> {
    socket: &'a OwnedFd,
    supervisor: u32,
    signals: Signals,
    inbox: Inbox,
    outbox: Outbox,
    children: Children,
    hands: Hands,
    /// After so long a sleep, what the start has needed is given back; it was, without one.
    quiet: Option<Duration>,
    /// What the supervisor had at the fork.
    inherited: Option<T>,
}

impl<T> Server<'_, T> {
    fn turn_until_end(&mut self) -> io::Result<End> {
        let mut pause = None;
        loop {
            self.wait(pause)?;
            if self.is_told_to_end()? {
                return Ok(End::Alone);
            }
            if let Some(end) = self.take_orders()? {
                return Ok(end);
            }
            self.reap()?;
            self.children.report_refused();
            let dying = self.children.reach();
            pause = dying.into_iter().chain(self.children.survey()).min();
            self.send_reports()?;
        }
    }

    /// Sleeps until something happens; without a pause as long as that takes. The first long sleep gives memory back.
    fn wait(&mut self, pause: Option<Duration>) -> io::Result<()> {
        if let Some(quiet) = self.quiet.filter(|_| pause.is_none()) {
            if self.sleep(Some(quiet))? {
                return Ok(());
            }
            self.quiet = None;
            self.inherited = None;
            // It stays ours where the system would not take it.
            sys::give_back_memory().ok();
        }
        self.sleep(pause).map(drop)
    }

    /// Whether something happened before the pause was over, perhaps.
    fn sleep(&self, pause: Option<Duration>) -> io::Result<bool> {
        let mut fds =
            [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN), PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        // Rounded up: an early look would only have to be repeated.
        let pause =
            pause.map(|pause| PollTimeout::try_from(pause + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX));
        match poll(&mut fds, pause.unwrap_or(PollTimeout::NONE)) {
            Ok(events) => Ok(events > 0),
            Err(Errno::EINTR) => Ok(true),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Whether the supervisor is gone. While it lives, who tells its parent to end means the supervisor: a program does not know
    /// that we stand in between.
    fn is_told_to_end(&mut self) -> io::Result<bool> {
        let mut is_told = false;
        while let Some(caught) = self.signals.take()? {
            let for_supervisor = if caught.signal == Signal::HUP { Signal::HUP } else { Signal::TERM };
            if caught.signal == Signal::CHLD {
            } else if parent_id() == self.supervisor {
                // It may end at this very moment, which its socket tells us then.
                let _ = sys::kill(self.supervisor, for_supervisor);
            } else {
                is_told = true;
            }
        }
        Ok(is_told)
    }

    /// Does what the supervisor has ordered, as long as there are programs to execute: otherwise there are ends and signals to look
    /// at, too. Nothing is being executed any more when this returns, so that no program is reaped before it is known.
    fn take_orders(&mut self) -> io::Result<Option<End>> {
        loop {
            let received = self.inbox.receive(self.socket.as_fd())?;
            let mut executes = false;
            while let Some(body) = self.inbox.next_frame()? {
                let order = decode_order(&body, &mut self.inbox.fds).map_err(io::Error::other)?;
                executes = matches!(order, Order::Spawn(_));
                if let Some(end) = self.follow(order)? {
                    return Ok(Some(end));
                }
            }
            if !executes || !self.has_more() {
                self.finish_spawns()?;
                return Ok((received == Received::End).then_some(End::Alone));
            }
        }
    }

    fn follow(&mut self, order: Order) -> io::Result<Option<End>> {
        let Order::Spawn(order) = order else {
            self.finish_spawns()?;
            return Ok(self.follow_at_once(&order));
        };
        self.spawn(order)?;
        Ok(None)
    }

    fn follow_at_once(&mut self, order: &Order) -> Option<End> {
        match *order {
            Order::Spawn(_) => {}
            Order::Signal { key, signal, scope } => self.children.signal(key, signal, scope),
            Order::SignalAll { signal } => self.children.signal_all(signal),
            Order::Release { key } => self.children.release(key),
            Order::Shutdown { grace } => return Some(End::Asked { grace }),
        }
        None
    }

    /// Spawns, and says so at once: of many, the first need not wait for the last.
    fn spawn(&mut self, order: Box<SpawnOrder>) -> io::Result<()> {
        let mark = self.children.mark(order.key);
        let more = !order.goes_ahead && self.has_more();
        let launched = self.hands.launch(order, &mark, more);
        let meanwhile = self.hands.done();
        self.launched(launched.into_iter().chain(meanwhile))
    }

    /// Waits until nothing is being executed.
    fn finish_spawns(&mut self) -> io::Result<()> {
        let last = self.hands.finish();
        self.launched(last)
    }

    fn launched(&mut self, launched: impl IntoIterator<Item = Launched>) -> io::Result<()> {
        for Launched { key, sweep, result } in launched {
            match result {
                Ok(pid) => self.children.spawned(key, pid, sweep),
                Err((step, errno)) => self.children.reports.push(Report::SpawnFailed { key, step, errno }),
            }
        }
        self.send_reports()
    }

    /// Whether another order has arrived.
    fn has_more(&self) -> bool {
        poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    /// Takes in every end so far, and says whether there are still children.
    fn reap(&mut self) -> io::Result<bool> {
        loop {
            match sys::wait_any()? {
                Waited::Ended(pid, exit) => {
                    self.quiet = self.quiet.map(|_| QUIET_AFTER_AN_END);
                    self.children.ended(pid, exit);
                }
                Waited::Nothing => return Ok(true),
                Waited::NoChildren => return Ok(false),
            }
        }
    }

    /// Sends the news, and waits while the supervisor does not take it: it is suspended then, or gone.
    fn send_reports(&mut self) -> io::Result<()> {
        for report in self.children.reports.drain(..) {
            self.outbox.push(encode_report(&report), Vec::new());
        }
        while self.outbox.flush(self.socket.as_fd())? != Flushed::Whole {
            let _ = poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLOUT)], PollTimeout::NONE);
        }
        Ok(())
    }
}
