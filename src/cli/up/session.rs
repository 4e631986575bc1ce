//! One life of a project: the forks, the lock, the threads and the loop, put together in the only order that works.
//!
//! 1. the front, if there is one, and the spawner are forked while we have one thread;
//! 2. the lock is taken after the last fork, because a child would hold it too;
//! 3. the output thread and the runtime are started;
//! 4. the doors are opened, the driver runs, and at its end everything is put away in reverse.

mod kept;
mod parts;
mod telling;

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

use self::kept::was_wanted;
use crate::cli::error::CommandError;
use crate::cli::project::Loaded;
use crate::cli::settings::{Settings, Verbosity};
use crate::cli::up::doors::Doors;
use crate::cli::up::logs::Logs;
use crate::cli::up::names;
use crate::cli::up::usage;
use crate::logs::{Hub, OutputEvent};
use crate::model::supervisord::LogLevel;
use crate::model::{ProcessId, WallTime};
use crate::plan::ports::Ports;
use crate::registry::{self, Lock, LockError, OwnerFacts};
use crate::runtime::clock::Clock;
use crate::runtime::driver::{Driver, Ended, Parts};
use crate::runtime::front::DetachHandle;
use crate::runtime::handle::Handle;
use crate::runtime::os;
use crate::runtime::reload::Desk;
use crate::runtime::rest;
use crate::runtime::signals::{self, Manners, Signals};
use crate::runtime::spawner::{self, Born, SpawnerEnd};
use crate::runtime::watch::Watcher;
use crate::supervisor::event::Event;
use crate::supervisor::{ExitPolicy, Supervisor};

/// With fewer open files than this there is no room for what we need ourselves and a few programs.
const LEAST_DESCRIPTORS: u64 = 64;

/// How long the last lines may take to reach a slow reader.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long the spawner may take to end after it has said that everything is.
const SPAWNER_END: Duration = Duration::from_secs(1);

/// How long threads of a life that is over may take to end.
const LAST_THREADS: Duration = Duration::from_secs(5);

/// As long as any project is up.
const FOR_EVER: Duration = Duration::from_hours(24 * 365 * 100);

/// The way out of the terminal, which outlives a new beginning; empty once it was taken, or where there is none.
pub(in crate::cli) type WayOut = Rc<Cell<Option<DetachHandle>>>;

/// What a life of a project is made of.
pub(in crate::cli) struct Session<'a> {
    /// Our own circumstances.
    pub(in crate::cli) settings: &'a Settings,
    /// The project.
    pub(in crate::cli) loaded: Loaded,
    /// Its ports.
    pub(in crate::cli) ports: Ports,
    /// What the user should know of the ports.
    pub(in crate::cli) port_notes: Vec<String>,
    /// What the user should know as a whole.
    pub(in crate::cli) notes: Vec<String>,
    /// When the end of a program ends everything.
    pub(in crate::cli) policy: ExitPolicy,
    /// Whom to start; `None` for what starts by itself.
    pub(in crate::cli) chosen: Option<Vec<ProcessId>>,
    /// Start what they need, too.
    pub(in crate::cli) with_needs: bool,
    /// `-t`, `-tt`.
    pub(in crate::cli) timestamps: u8,
    /// What programs write is shown on stderr, too: stdout is for something else.
    pub(in crate::cli) only_stderr: bool,
    /// Keys are read.
    pub(in crate::cli) keys: bool,
    /// The way out of the terminal, when a front stands before us.
    pub(in crate::cli) detach: WayOut,
    /// Leave the terminal as soon as everything is ready, or has failed.
    pub(in crate::cli) detach_when_ready: bool,
    /// Set at the end: somebody was still to be there then, so that the end was asked for.
    pub(in crate::cli) was_cut_short: Rc<Cell<bool>>,
    /// Give up waiting for that after this long.
    pub(in crate::cli) timeout: Option<Duration>,
    /// For supervisord's own command; `None` for `run up`.
    pub(in crate::cli) quiet: Option<Quiet<'a>>,
    /// The project's lock, when a life before this one in the same process has taken it.
    pub(in crate::cli) lock: Option<Box<Lock>>,
}

/// A life without a screen and without a story, as supervisord leads it.
pub(in crate::cli) struct Quiet<'a> {
    /// The main log goes to our stdout as well.
    pub(in crate::cli) shows_log: bool,
    /// What the main log begins with.
    pub(in crate::cli) lines: Vec<(LogLevel, String)>,
    /// What is said after its servers and before its pid.
    pub(in crate::cli) leaving: Vec<(LogLevel, String)>,
    /// Called when every door is open and before anything is started.
    pub(in crate::cli) begun: Begun<'a>,
}

/// What is done between the opening of the doors and the first start.
pub(in crate::cli) type Begun<'a> = Box<dyn FnOnce(&Hub, WallTime) -> Result<(), CommandError> + 'a>;

/// How a life has ended.
pub(in crate::cli) enum Life {
    /// It was lived.
    Over(Ended, Kept),
    /// Somebody else has brought the project up meanwhile.
    Taken(Loaded),
}

/// What is left of a life that is over.
pub(in crate::cli) struct Kept {
    /// The project's lock, which is still held.
    pub(in crate::cli) lock: Box<Lock>,
    /// The project as it was at its beginning.
    pub(in crate::cli) loaded: Loaded,
}

impl Session<'_> {
    /// Runs the project to its end.
    pub(in crate::cli) fn run(mut self) -> Result<Life, CommandError> {
        insist_on_descriptors()?;
        if self.lock.is_some() {
            await_last_threads();
        }
        let clock = Clock::start();
        let born = spawner::fork(&self.run_id())
            .map_err(|error| CommandError::internal(format!("could not start the spawner process: {error}")))?;
        let spawner = match born {
            // Nothing of ours that has a descriptor: the spawner closes all, and then has others of the same numbers.
            Born::Spawner(birth) => birth.live(self.loaded),
            Born::Supervisor(end) => end,
        };
        let (inherited, cgroup) = (spawner.inherited(), spawner.cgroup());
        // After the last fork, and before the first thread.
        signals::unblock()?;
        signals::outlive_full_files()?;
        let Some(lock) = self.lock()? else { return Ok(Life::Taken(self.loaded)) };
        // Without more descriptors a large project is refused later, with the program that got none.
        os::raise_open_descriptor_limit().ok();
        self.notes.extend(self.loaded.places.make_state_dir());
        let (events, output) = mpsc::unbounded_channel();
        let shows_log = self.quiet.as_ref().is_some_and(|quiet| quiet.shows_log);
        let mut logs = Logs::open(&self.loaded, shows_log, &mut self.notes);
        let hub = self.start_output(events, logs.take_main())?;
        let runtime = runtime()?;
        let local = LocalSet::new();
        let life = self.life(clock, spawner, (hub.clone(), logs), output);
        let outcome = runtime.block_on(local.run_until(life));
        hub.stop(LAST_WORDS);
        // The spawner has nothing left to do; whoever sees our end sees its end, too.
        os::sweep_descendants(SPAWNER_END, &inherited);
        cgroup.inspect(os::Cgroup::end);
        outcome.map(|ended| Life::Over(ended, Kept { lock: Box::new(lock), loaded: self.loaded }))
    }

    /// `None`: somebody else has it.
    fn lock(&mut self) -> Result<Option<Lock>, CommandError> {
        let places = &self.loaded.places;
        let facts = OwnerFacts {
            pid: std::process::id(),
            since: Clock::start().now().wall,
            name: self.loaded.display_name.clone(),
            explicit_name: self.settings.name.clone(),
            root: self.loaded.project.root.clone(),
            files: self.loaded.file_names(),
            at_terminal: self.settings.stdin_is_terminal,
            socket: places.socket.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        if let Some(mut lock) = self.lock.take() {
            lock.tell(&facts)?;
            return Ok(Some(*lock));
        }
        match registry::lock(places, &facts) {
            Ok(lock) => Ok(Some(lock)),
            Err(LockError::Held(_)) => Ok(None),
            Err(error @ (LockError::HeldByUnknown(_) | LockError::Place(_) | LockError::Io { .. })) => {
                Err(CommandError::project(error.to_string()))
            }
        }
    }

    /// [`Self::live`] on the heap. It would lie on the stack of this thread twice, for as long as the project lives, and the spawner, which
    /// is forked from there, would keep the room for it.
    #[inline(never)]
    fn life(
        &mut self,
        clock: Clock,
        spawner: SpawnerEnd,
        logs: (Hub, Logs),
        output: mpsc::UnboundedReceiver<OutputEvent>,
    ) -> Pin<Box<dyn Future<Output = Result<Ended, CommandError>> + '_>> {
        Box::pin(self.live(clock, spawner, logs, output))
    }

    async fn live(
        &mut self,
        clock: Clock,
        spawner: SpawnerEnd,
        (hub, logs): (Hub, Logs),
        output: mpsc::UnboundedReceiver<OutputEvent>,
    ) -> Result<Ended, CommandError> {
        // Before anything is waited for: what comes meanwhile is heard afterwards.
        let manners = if self.quiet.is_some() { Manners::Supervisord } else { Manners::Run };
        let signals = Signals::listen(manners)?;
        let project = Arc::clone(&self.loaded.project);
        let mut supervisor = Supervisor::of(self.edition(&project)?, self.policy, clock.now());
        let (messages, inbox) = mpsc::unbounded_channel();
        let (snapshots, view) = watch::channel(supervisor.snapshot());
        let facts = Arc::new(self.facts());
        let handle = Handle::new(messages, view, facts, clock.clone())
            .with_desk(Desk::new(self.source()))
            .with_logs(logs.desk(&hub));
        let usage = usage::source();
        let doors = Doors::open(&self.loaded, &handle, &usage).await?;
        let proxy = self.quiet.is_none().then(|| names::start(&self.loaded, &hub)).flatten();
        let is_quiet = self.quiet.is_some();
        let (narrator, screen) = self.narrator(&project, &handle, &hub, &usage, &clock)?;
        let launcher = Arc::new(self.launcher(project));
        let inherited = spawner.inherited();
        let remembered = self.remember(&handle, &hub, is_quiet);
        let rest = rest::come_to_rest(handle.clone(), hub.clone());
        let parts = Parts {
            supervisor,
            spawner: spawner.connect()?,
            hub,
            logs: logs.places().clone(),
            output,
            launcher: Arc::clone(&launcher),
            handle: handle.clone(),
            messages: inbox,
            snapshots,
            clock,
            narrator,
            terminals: self.terminals(),
            is_quiet,
            ends_with_screen: !is_quiet && !self.detach_when_ready,
            inherited,
            runtime_directory: self.loaded.places.runtime_dir.clone(),
            recorder: self.recorder()?,
        };
        let watcher = Watcher::start(handle.clone(), launcher);
        tokio::task::spawn_local(rest);
        let begin = Event::Begin { processes: self.chosen.take(), with_needs: self.with_needs };
        let ended = Driver::new(parts, os::Alarm::new()?).run(signals, begin).await;
        drop(watcher);
        if let Some(screen) = screen {
            screen.end().await;
        }
        // It can only have panicked.
        remembered.await.ok();
        self.was_cut_short.set(was_wanted(&handle.snapshot()));
        self.keep_last_status(&handle, usage);
        drop(proxy);
        // Whoever asked for the end is still to be answered.
        doors.close().await;
        Ok(ended)
    }
}

/// Forks take one thread: those of the life before this one are just ending.
fn await_last_threads() {
    let until = Instant::now() + LAST_THREADS;
    while os::thread_count().is_ok_and(|count| count > 1) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Refuses to begin what could not go on.
fn insist_on_descriptors() -> Result<(), CommandError> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(io::Error::from)?;
    if hard >= LEAST_DESCRIPTORS {
        return Ok(());
    }
    let limit = format!("we may have {hard} open files (the hard limit: ulimit -Hn)");
    Err(CommandError::user(format!("{limit}, and a project needs {LEAST_DESCRIPTORS}")))
}

/// One thread for the loop, and one from the beginning for what may block: where the programs leave no room for another thread, a question
/// waits for this one. Without any, tokio would panic (`spawn_blocking`).
fn runtime() -> io::Result<Runtime> {
    let runtime = Builder::new_current_thread().enable_all().thread_keep_alive(FOR_EVER).build()?;
    drop(runtime.spawn_blocking(|| ()));
    Ok(runtime)
}

/// A project at its quietest still says what went wrong.
pub(super) fn is_worth_saying(verbosity: Verbosity, is_trouble: bool) -> bool {
    is_trouble || verbosity != Verbosity::Quiet
}
