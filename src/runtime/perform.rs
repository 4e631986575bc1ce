//! Actions as effects: one function each.

use std::fs::Metadata;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit};
use regex::bytes::Regex;

use crate::codec::notify::NotifyItem;
use crate::logs::{Attach, Channel, LogPlace, Matcher, Tapping};
use crate::model::supervisord::{Extension, Role, StreamOptions};
use crate::model::{Dialect, EnvContents, Generation, Now, ProcessId, Program, Project, ReadyKind, Signal, Tty};
use crate::plan::launch::Launch;
use crate::probe::{self, Answer, ProbeContext};
use crate::runtime::driver::{Driver, Later};
use crate::runtime::ends::Incarnation;
use crate::runtime::extension::News;
use crate::runtime::helpers::{HelperWork, Place};
use crate::runtime::launcher::{account, os_strings};
use crate::runtime::notify_socket::NotifySocket;
use crate::runtime::side::{Side, SpawnWords};
use crate::runtime::spawner::{
    Key, Order, SpawnFacts, SpawnOrder, Spawner, Step, failure_message, missing_interpreter,
};
use crate::runtime::streams::Streams;
use crate::supervisor::action::{Action, Scope};
use crate::supervisor::edition::Edition;
use crate::supervisor::event::{Event, SpawnFailure};

/// How long an attempt waits for somebody to listen: half of what has passed since the first one, within these bounds. Then it is
/// made all the same, for the port may be answered for from elsewhere.
const SHORTEST_HOLD: Duration = Duration::from_millis(100);
const LONGEST_HOLD: Duration = Duration::from_secs(1);

impl<S: Spawner> Driver<S> {
    pub(super) fn perform(&mut self, action: Action, now: Now) {
        match action {
            Action::Spawn { process, generation, run } => self.spawn(process, generation, run, now),
            Action::Signal { process, generation, signal, scope } => self.signal(process, generation, signal, scope),
            Action::Probe { process, generation, .. } => self.probe(process, generation),
            Action::CheckAlive { process, generation, attempt } => self.check_alive(process, generation, attempt),
            Action::OnCrash(crash) => self.on_crash(*crash),
            Action::Measure(whom) => self.measure(whom),
            Action::StopProbing { process, .. } => self.stop_asking(process),
            Action::Deliver { process, generation, delivery } => self.deliver(process, generation, &delivery),
            Action::WriteStdin { request, process, generation, data } => {
                self.send_stdin(request, process, generation, &data);
            }
            Action::Reply(request, outcome) => self.reply(request, outcome),
            Action::Adopt(edition) => self.adopt(&edition),
            Action::Forget(process) => self.parts.hub.forget(process),
            Action::Say(notice) => self.say(&notice, now),
            Action::Chronicle(entry) => self.chronicle(&entry, now),
            Action::Finish(code) => self.finish(code),
        }
    }

    /// The project is another now: whoever is started, named or shown from here on is so by the new one.
    fn adopt(&mut self, edition: &Edition) {
        // What cannot be made now is told when it is opened.
        drop(self.parts.logs.make_unnamed(edition.project()));
        self.parts.launcher =
            Arc::new(self.parts.launcher.with(Arc::clone(edition.project()), Arc::clone(&edition.ports)));
        let slots = self.parts.supervisor.graph().len();
        self.sides.resize_with(slots.max(self.sides.len()), Side::default);
        self.sides.iter_mut().for_each(|side| side.alive = None);
        let view = self.view();
        self.parts.terminals.prefix_columns = self.parts.narrator.adopt(&view);
        for info in view.processes.iter().filter(|info| info.pid != 0) {
            let Some(definition) = self.parts.supervisor.definition(info.id) else { continue };
            for channel in Channel::BOTH {
                let place = self.parts.logs.of(definition.program(), definition.instance(), channel);
                self.parts.hub.copy_to(info.id, channel, place.into_copy(self.parts.is_quiet));
            }
        }
    }

    fn spawn(&mut self, process: ProcessId, generation: Generation, run: u32, now: Now) {
        if let Err(failure) = self.prepare(process, generation, run, now) {
            self.fcgi.release((process, generation));
            self.pending.push_back(Event::SpawnFailed { process, generation, failure });
        }
    }

    fn prepare(&mut self, process: ProcessId, generation: Generation, run: u32, now: Now) -> Result<(), SpawnFailure> {
        let launcher = Arc::clone(&self.parts.launcher);
        let Some(definition) = self.parts.supervisor.definition(process).cloned() else {
            return Err(no_such_process());
        };
        let instance = definition.instance();
        let program = &*definition.program().as_run_by(instance);
        let (mut launch, contents) = launcher.launch_by_files(program, instance)?;
        self.note_env_read(program, (process, generation), contents);
        let user = launch.user.as_deref().map(account).transpose()?;
        let mut streams =
            self.streams(program, (process, generation)).map_err(|error| unprepared("streams", &error))?;
        if let Some(account) = &user {
            streams.give_to(account.uid);
        }
        if let Some(socket) = self.fcgi.stdin(program, (process, generation))? {
            streams = streams.with_stdin(socket);
        }
        self.stop_asking(process);
        if let Some(side) = self.sides.get_mut(process.index()) {
            *side = Side { generation, started: now.wall, ..Side::default() };
            side.directory.clone_from(&launch.directory);
            side.every = program.ready.as_ref().map(|ready| ready.every).unwrap_or_default();
            side.spawn_words = words(&launch, &launcher.project.root);
            side.probe = program
                .ready
                .as_ref()
                .map(|ready| launcher.probe(&ready.kind, (program, instance), &launch.environment).map(Arc::new));
        }
        if matches!(&program.ready, Some(ready) if ready.kind == ReadyKind::Notify) {
            let socket = self.listen_for_readiness(process, generation, user.as_ref().map(|account| account.uid))?;
            launch.environment.set("NOTIFY_SOCKET", &socket);
        }
        let places = Channel::BOTH.map(|channel| self.parts.logs.of(program, instance, channel));
        self.attach_output(program, places, (process, generation, run), (streams.stdout, streams.stderr))?;
        // What an extension reads comes from the conversation alone.
        self.sides[process.index()].console = program.extras.role.as_extension().is_none().then_some(streams.console);
        self.parts.spawner.order(Order::Spawn(Box::new(SpawnOrder {
            key: Key::incarnation(process, generation),
            argv: os_strings(launch.argv),
            env: launch.environment,
            directory: launch.directory,
            umask: launch.umask,
            user,
            stdio: streams.theirs,
            sweep: program.sweeps_leftovers(),
            goes_ahead: goes_ahead(program, &launcher.project),
        })));
        Ok(())
    }

    /// Its env files may say something else by now than when the config was read.
    fn note_env_read(&mut self, program: &Program, (process, generation): Incarnation, contents: EnvContents) {
        let project = &self.parts.launcher.project;
        let mut files = project.env_files.iter().chain(&program.env_files);
        if files.any(|file| project.env_contents.get(&file.path) != contents.get(&file.path)) {
            self.pending.push_back(Event::EnvRead { process, generation, contents });
        }
    }

    fn streams(&self, program: &Program, of: Incarnation) -> io::Result<Streams> {
        if let Some(extension) = program.extras.role.as_extension() {
            return self.converse(extension, program, of);
        }
        let is_plain = program.extras.role == Role::Plain;
        let wants_terminal = is_plain
            && match program.tty {
                Tty::Auto => self.parts.terminals.automatic && program.redirect_stderr,
                Tty::Always => true,
                Tty::Never => false,
            };
        if wants_terminal { Streams::terminal(self.size_for(of.0)) } else { Streams::pipes(!program.redirect_stderr) }
    }

    /// The streams of an extension, and the conversation over them.
    fn converse(&self, extension: &Extension, program: &Program, of: Incarnation) -> io::Result<Streams> {
        let (streams, wires) = Streams::extension()?;
        let (probed, later, name) = (self.probed.clone(), self.later.clone(), program.name.clone());
        // The driver outlives its tasks; after its end nobody listens.
        let answer = move |answer| drop(probed.send((of.0, of.1, answer)));
        let tell = move |news| match news {
            News::Described(1) => answer(Answer::pass("1 method")),
            News::Described(count) => answer(Answer::pass(format!("{count} methods"))),
            News::Useless(why) => answer(Answer::fail(why)),
            News::Stray(what) => drop(later.send(Later::Stray(format!("{name} {what}")))),
        };
        self.parts.handle.extensions().connect(extension, &self.parts.launcher.name, wires, Box::new(tell))?;
        Ok(streams)
    }

    fn attach_output(
        &mut self,
        program: &Program,
        places: [LogPlace; 2],
        (process, generation, run): (ProcessId, Generation, u32),
        (stdout, stderr): (OwnedFd, Option<OwnedFd>),
    ) -> Result<(), SpawnFailure> {
        let matchers = match program.ready.as_ref().map(|ready| &ready.kind) {
            Some(ReadyKind::Log(pattern)) => {
                let regex = Regex::new(pattern).map_err(|error| bad_pattern(&error))?;
                vec![Matcher::Ready(regex)]
            }
            Some(
                ReadyKind::Tcp(_)
                | ReadyKind::Http { .. }
                | ReadyKind::Exec(_)
                | ReadyKind::Notify
                | ReadyKind::File(_)
                | ReadyKind::Described,
            )
            | None => Vec::new(),
        };
        let strips_ansi = self.parts.launcher.project.supervisord.as_ref().is_some_and(|conf| conf.daemon.strip_ansi);
        let (is_quiet, is_listener) = (self.parts.is_quiet, program.listener().is_some());
        let attach = |channel, fd, mut matchers: Vec<Matcher>, place: LogPlace| {
            let options = if channel == Channel::Stdout { &program.extras.stdout } else { &program.extras.stderr };
            let is_protocol = is_listener && channel == Channel::Stdout;
            if is_protocol {
                matchers.push(Matcher::Listener);
            }
            Attach {
                process,
                generation,
                run,
                channel,
                fd,
                matchers,
                logfile: place.into_copy(is_quiet),
                to_syslog: options.syslog,
                strips_ansi,
                tapping: if is_protocol { Tapping::default() } else { tapping(options) },
                is_protocol,
            }
        };
        let [out, err] = places;
        self.parts.hub.attach(attach(Channel::Stdout, stdout, matchers.clone(), out));
        if let Some(stderr) = stderr {
            self.parts.hub.attach(attach(Channel::Stderr, stderr, matchers, err));
        }
        Ok(())
    }

    /// Binds the socket that this run says `READY=1` on, and waits for it.
    fn listen_for_readiness(
        &mut self,
        process: ProcessId,
        generation: Generation,
        uid: Option<u32>,
    ) -> Result<String, SpawnFailure> {
        let socket = NotifySocket::bind(&self.parts.runtime_directory, process, generation, uid)
            .map_err(|error| unprepared("notify socket", &error))?;
        let name = socket.name().to_owned();
        let probed = self.probed.clone();
        let task = tokio::spawn(async move {
            while let Ok(notification) = socket.receive().await {
                for item in notification.items {
                    let answer = match item {
                        NotifyItem::Ready => Answer::pass(probe::notify::SAID),
                        NotifyItem::Status(text) => Answer::fail(probe::notify::waiting(Some(&text))),
                        NotifyItem::Stopping | NotifyItem::MainPid(_) => continue,
                    };
                    // The driver outlives its tasks; after its end nobody listens.
                    let _ = probed.send((process, generation, answer));
                }
            }
        });
        self.sides[process.index()].asking = Some(task.abort_handle());
        Ok(name)
    }

    fn signal(&mut self, process: ProcessId, generation: Generation, signal: Signal, scope: Scope) {
        self.parts.spawner.order(Order::Signal { key: Key::incarnation(process, generation), signal, scope });
    }

    fn probe(&mut self, process: ProcessId, generation: Generation) {
        let probed = self.probed.clone();
        let runner = self.desk.runner(process);
        let Some(side) = self.sides.get_mut(process.index()) else { return };
        let resolved = match &side.probe {
            Some(Ok(resolved)) => Arc::clone(resolved),
            Some(Err(problem)) => {
                let _ = probed.send((process, generation, Answer::fail(problem.clone())));
                return;
            }
            None => return,
        };
        let context = ProbeContext { directory: side.directory.clone(), started: side.started, run: runner };
        let since = *side.first_asked.get_or_insert_with(Instant::now);
        let hold = (since.elapsed() / 2).clamp(SHORTEST_HOLD, LONGEST_HOLD).min(side.every);
        let somebody_listens = resolved.local_port().map(|port| self.listening.at(port, since, hold));
        let task = tokio::spawn(async move {
            let listened_at = match somebody_listens {
                Some(somebody_listens) => somebody_listens.await,
                None => Vec::new(),
            };
            let answer = match resolved.passes_by_itself(&listened_at) {
                Some(answer) => answer,
                None => probe::check(&resolved, &context).await,
            };
            let _ = probed.send((process, generation, answer));
        });
        side.asking = Some(task.abort_handle());
    }

    fn stop_asking(&mut self, process: ProcessId) {
        let Some(side) = self.sides.get_mut(process.index()) else { return };
        for asking in side.asking.take().into_iter().chain(side.checking.take()) {
            asking.abort();
        }
    }

    pub(super) fn run_helper(&mut self, number: u64, process: ProcessId, command: String, what: HelperWork) {
        let launcher = Arc::clone(&self.parts.launcher);
        let definition = self.parts.supervisor.definition(process);
        let place = definition.map(|definition| {
            let launch = launcher.launch(definition.program(), definition.instance())?;
            let user = launch.user.as_deref().map(account).transpose()?;
            Ok(Place { environment: launch.environment, directory: launch.directory, user })
        });
        match place {
            Some(Ok(place)) => {
                let hub = self.parts.hub.clone();
                let join = move |run, output| hub.join(process, run, output);
                match self.helpers.begin(number, command, place, what, join) {
                    Ok(order) => self.parts.spawner.order(Order::Spawn(Box::new(order))),
                    Err(_) => self.helpers.failed(number, libc::EMFILE),
                }
            }
            Some(Err(SpawnFailure { message, .. })) => what.answer(Err(io::Error::other(message))),
            None => {}
        }
    }

    /// The sentence for a failed spawn.
    pub(super) fn failure(&self, process: ProcessId, step: Step, errno: i32) -> SpawnFailure {
        let side = self.sides.get(process.index());
        let SpawnWords { program, directory, path_entries, user } =
            side.map(|side| side.spawn_words.clone()).unwrap_or_default();
        let file = side.map(|side| side.directory.join(&program)).unwrap_or_default();
        let (found, interpreter) = (file.metadata().ok(), missing_interpreter(&file));
        let facts = SpawnFacts {
            program: &program,
            directory: &directory,
            path_entries,
            user: user.as_deref(),
            dialect: self.parts.launcher.project.dialect,
            is_directory: found.as_ref().is_some_and(Metadata::is_dir),
            is_executable: found.is_some_and(|found| found.permissions().mode() & 0o111 != 0),
            missing_interpreter: interpreter.as_deref(),
        };
        failure_message(step, errno, &facts)
    }
}

/// What of an output is told as events.
fn tapping(stream: &StreamOptions) -> Tapping {
    Tapping { capture_maxbytes: stream.capture_maxbytes, events: stream.events_enabled }
}

fn words(launch: &Launch, root: &std::path::Path) -> SpawnWords {
    let shown = launch.directory.strip_prefix(root).unwrap_or(&launch.directory);
    SpawnWords {
        program: launch.argv.first().cloned().unwrap_or_default(),
        directory: if shown.as_os_str().is_empty() { ".".to_owned() } else { shown.display().to_string() },
        path_entries: launch.environment.get("PATH").map_or(0, |path| path.split(':').count()),
        user: launch.user.clone(),
    }
}

/// Whether a program is executed alone: a listener, because what others do first is told to who was there before; and wherever an
/// order was asked for, which is always in supervisord's files.
fn goes_ahead(program: &Program, project: &Project) -> bool {
    let is_ordered = project.dialect == Dialect::Supervisord || program.priority != Program::DEFAULT_PRIORITY;
    is_ordered || program.listener().is_some()
}

fn no_such_process() -> SpawnFailure {
    SpawnFailure { step: "could not start".to_owned(), errno: 0, message: "there is no such process".to_owned() }
}

fn unprepared(what: &str, error: &io::Error) -> SpawnFailure {
    let errno = error.raw_os_error().unwrap_or(0);
    let message = match (errno, getrlimit(Resource::RLIMIT_NOFILE)) {
        (libc::EMFILE, Ok((limit, _))) => {
            format!("we may have {limit} open files, and nearly all are taken (the hard limit: ulimit -Hn)")
        }
        (_, Ok(_) | Err(_)) => error.to_string(),
    };
    SpawnFailure { step: format!("could not prepare its {what}"), errno, message }
}

fn bad_pattern(error: &regex::Error) -> SpawnFailure {
    SpawnFailure { step: "could not read ready.log".to_owned(), errno: 0, message: error.to_string() }
}
