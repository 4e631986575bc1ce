//! One life of a project: the forks, the lock, the threads and the loop, put together in the only order that works.
//!
//! 1. the front, if there is one, and the spawner are forked while we have one thread;
//! 2. the lock is taken after the last fork, because a child would hold it too;
//! 3. the output thread and the runtime are started;
//! 4. the doors are opened, the driver runs, and at its end everything is put away in reverse.

mod telling;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::timeout_at;

use crate::cli::error::CommandError;
use crate::cli::project::{LAST_STATUS, Loaded, VOCABULARY};
use crate::cli::settings::{Settings, Verbosity};
use crate::cli::up::doors::Doors;
use crate::cli::up::holder::holder_of;
use crate::cli::up::logs::Logs;
use crate::cli::up::names;
use crate::cli::up::narrator::label;
use crate::cli::up::usage;
use crate::logs::{Hub, Keep, MainLog, Outlet, OutputConfig, OutputEvent, Timestamps};
use crate::model::supervisord::LogLevel;
use crate::model::{ProcessId, Project, WallTime, Word};
use crate::plan::ports::Ports;
use crate::registry::{self, Lock, LockError, Meta, OwnerFacts};
use crate::runtime::clock::Clock;
use crate::runtime::driver::{Driver, Ended, Parts, Terminals};
use crate::runtime::front::DetachHandle;
use crate::runtime::handle::{Facts, Handle};
use crate::runtime::launcher::Launcher;
use crate::runtime::load::marks;
use crate::runtime::os;
use crate::runtime::record::Recorder;
use crate::runtime::reload::{Desk, Source};
use crate::runtime::rest;
use crate::runtime::signals::{self, Manners, Signals};
use crate::runtime::spawner::{self, SpawnerEnd};
use crate::runtime::watch::Watcher;
use crate::serve;
use crate::supervisor::edition::Edition;
use crate::supervisor::event::Event;
use crate::supervisor::snapshot::{OffBecause, ProcessInfo, Snapshot};
use crate::supervisor::{ExitPolicy, Supervisor};
use crate::ui::names::Names;
use crate::ui::report;

/// With fewer open files than this there is no room for what we need ourselves and a few programs.
const LEAST_DESCRIPTORS: u64 = 64;

/// How long the last lines may take to reach a slow reader.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long the spawner may take to end after it has said that everything is.
const SPAWNER_END: Duration = Duration::from_secs(1);

/// What can wait is done this long after the beginning.
const FIRST_MOMENT: Duration = Duration::from_millis(50);

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
    /// It was lived. The lock is still held.
    Over(Ended, Box<Lock>),
    /// Somebody else has brought the project up meanwhile.
    Taken,
}

impl Session<'_> {
    /// Runs the project to its end.
    pub(in crate::cli) fn run(mut self) -> Result<Life, CommandError> {
        insist_on_descriptors()?;
        if self.lock.is_some() {
            await_last_threads();
        }
        let clock = Clock::start();
        let spawner = spawner::start(&self.run_id())
            .map_err(|error| CommandError::internal(format!("could not start the spawner process: {error}")))?;
        let (inherited, cgroup) = (spawner.inherited(), spawner.cgroup());
        // After the last fork, and before the first thread.
        signals::unblock()?;
        signals::outlive_full_files()?;
        let Some(lock) = self.lock()? else { return Ok(Life::Taken) };
        // Without more descriptors a large project is refused later, with the program that got none.
        os::raise_open_descriptor_limit().ok();
        self.notes.extend(self.loaded.places.make_state_dir());
        let (events, output) = mpsc::unbounded_channel();
        let shows_log = self.quiet.as_ref().is_some_and(|quiet| quiet.shows_log);
        let mut logs = Logs::open(&self.loaded, shows_log, &mut self.notes);
        let hub = self.start_output(events, logs.take_main())?;
        let runtime = runtime()?;
        let local = LocalSet::new();
        let outcome = runtime.block_on(local.run_until(self.live(clock, spawner, (hub.clone(), logs), output)));
        hub.stop(LAST_WORDS);
        // The spawner has nothing left to do; whoever sees our end sees its end, too.
        os::sweep_descendants(SPAWNER_END, &inherited);
        cgroup.inspect(os::Cgroup::end);
        outcome.map(|ended| Life::Over(ended, Box::new(lock)))
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

    /// Writes down what is to be known of the project later. Not at once, since the first programs are about to start, and a file that
    /// takes another's place waits for the disk.
    fn remember(&self, handle: &Handle, hub: &Hub, is_quiet: bool) -> JoinHandle<()> {
        let project = &self.loaded.project;
        let mut meta = Meta {
            name: self.loaded.display_name.clone(),
            root: project.root.display().to_string(),
            explicit_name: self.settings.name.clone(),
            processes: project.processes().map(|(_, _, instance)| instance.name.clone()).collect(),
            ups: 0,
            since: handle.now().wall,
        };
        let (places, hub) = (self.loaded.places.clone(), hub.clone());
        let write = move || {
            meta.ups = registry::up_number(&places);
            let Err(error) = registry::write_meta(&places, &meta) else { return };
            let line = format!("the state directory cannot be written: {error}");
            if is_quiet {
                hub.log(LogLevel::Warn, meta.since, line);
            } else {
                hub.say(format!("  {line}"));
            }
        };
        let mut handle = handle.clone();
        tokio::task::spawn_local(async move {
            let until = tokio::time::Instant::now() + FIRST_MOMENT;
            // An error: everything is over already.
            while let Ok(Ok(_)) = timeout_at(until, handle.changed()).await {}
            // It can only have panicked.
            tokio::task::spawn_blocking(write).await.ok();
        })
    }

    fn start_output(
        &self,
        events: mpsc::UnboundedSender<OutputEvent>,
        main_log: Option<MainLog>,
    ) -> Result<Hub, CommandError> {
        let copy = |fd: &dyn AsFd| -> Result<OwnedFd, CommandError> { Ok(fd.as_fd().try_clone_to_owned()?) };
        let outlet = Outlet { stdout: copy(&io::stdout())?, stderr: copy(&io::stderr())? };
        let config = OutputConfig {
            outlet: self.quiet.is_none().then_some(outlet),
            keep: self.loaded.places.logs().map(Keep::new),
            colour: self.settings.out.colour,
            ascii: self.settings.out.ascii,
            timestamps: match self.timestamps {
                0 => Timestamps::Off,
                1 => Timestamps::Relative,
                _ => Timestamps::Clock,
            },
            main_log,
        };
        let hub = Hub::start(config, events).map_err(|error| CommandError::internal(error.to_string()))?;
        let theme = self.settings.out.theme();
        let names = Names::of(&self.loaded.project, theme);
        label(&hub, &names, theme);
        Ok(hub)
    }

    async fn live(
        mut self,
        clock: Clock,
        spawner: SpawnerEnd,
        (hub, logs): (Hub, Logs),
        output: mpsc::UnboundedReceiver<OutputEvent>,
    ) -> Result<Ended, CommandError> {
        // Before anything is waited for: what comes meanwhile is heard afterwards.
        let manners = if self.quiet.is_some() { Manners::Supervisord } else { Manners::Run };
        let signals = Signals::listen(manners)?;
        let project = Arc::new(self.loaded.project.clone());
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
        tokio::task::spawn_local(rest::come_to_rest(handle.clone()));
        let begin = Event::Begin { processes: self.chosen.take(), with_needs: self.with_needs };
        let ended = Driver::new(parts, os::Alarm::new()?).run(signals, begin).await;
        drop(watcher);
        if let Some(screen) = screen {
            screen.end();
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

    /// How programs get their streams.
    fn terminals(&self) -> Terminals {
        let columns = Names::of(&self.loaded.project, self.settings.out.theme()).columns() + 3;
        Terminals {
            automatic: self.settings.out.is_terminal,
            prefix_columns: u16::try_from(columns).unwrap_or(u16::MAX),
        }
    }

    fn facts(&self) -> Facts {
        Facts {
            name: self.loaded.display_name.clone(),
            state_directory: self.loaded.places.state_dir.clone(),
            pid: std::process::id(),
        }
    }

    fn edition(&self, project: &Arc<Project>) -> Result<Edition, CommandError> {
        let edition = Edition::new(Arc::clone(project), self.ports.clone())
            .map_err(|cycle| CommandError::user(cycle.to_string()))?;
        let notes = self.port_notes.iter().chain(&self.notes).cloned().collect();
        Ok(edition.with(notes, marks(&self.loaded.known)))
    }

    /// How the config is read again.
    fn source(&self) -> Source {
        let homes = self.loaded.homes.clone();
        Source {
            request: self.loaded.request.clone(),
            vocabulary: VOCABULARY,
            checkout: self.loaded.places.identity.as_str().to_owned(),
            ledger: self.loaded.homes.port_ledger(),
            home: self.settings.home.as_ref().map(PathBuf::from),
            notes: self.notes.clone(),
            holder_of: Box::new(move |port| holder_of(port, &homes)),
            describe: |diagnostics| report::human(&diagnostics.errors(), false).trim_end().to_owned(),
        }
    }

    /// Tells this run of the project from every other.
    fn run_id(&self) -> String {
        format!("{}-{}", self.loaded.places.identity, std::process::id())
    }

    fn launcher(&self, project: Arc<Project>) -> Launcher {
        let shell: BTreeMap<String, String> = self.settings.environment.clone();
        let out = &self.settings.out;
        let output = match (out.colour, out.is_terminal) {
            (true, false) => vec![("FORCE_COLOR".to_owned(), "1".to_owned())],
            (false, true) => vec![("NO_COLOR".to_owned(), "1".to_owned())],
            (true, true) | (false, false) => Vec::new(),
        };
        Launcher {
            project,
            ports: Arc::new(self.ports.clone()),
            shell,
            output,
            name: self.loaded.display_name.clone(),
            run_id: self.run_id(),
            server_url: Some(self.loaded.server_url()),
        }
    }

    fn recorder(&self) -> Result<Option<Recorder>, CommandError> {
        let Some(path) = self.settings.environment.get("RUN_RECORD").filter(|path| !path.is_empty()) else {
            return Ok(None);
        };
        let path = self.settings.directory.join(PathBuf::from(path));
        let recorder = Recorder::open(&path)
            .map_err(|error| CommandError::user(format!("could not write RUN_RECORD={}: {error}", path.display())))?;
        Ok(Some(recorder))
    }

    /// For `status` and `why` after the end.
    fn keep_last_status(&self, handle: &Handle, usage: serve::UsageSource) {
        let Some(directory) = &self.loaded.places.state_dir else { return };
        let status = serve::door::Door::new(handle.clone(), Some(usage)).status();
        if let Ok(text) = serde_json::to_vec(&status) {
            // A disk that is full now was told of by the logs.
            write_over(&directory.join(LAST_STATUS), &text).ok();
        }
    }
}

/// Whether anybody was wanted until the end and had not done its work.
fn was_wanted(snapshot: &Snapshot) -> bool {
    let is_cut_short = |info: &ProcessInfo| info.off_because == Some(OffBecause::Shutdown) && info.word == Word::Off;
    snapshot.processes.iter().any(|info| is_cut_short(info))
}

/// Writes over what is there. Cut off first, it would go to the disk at once on ext4 (`auto_da_alloc`), with our end waiting for it.
fn write_over(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.write_all(text)?;
    file.set_len(text.len() as u64)
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

/// One thread for the loop, and one from the beginning for what may block: where there is no room for another thread later, a question
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
