//! The loop of the full screen: it waits for the keyboard, the project, the logs and the clock, and draws when something has changed, at
//! most thirty times a second. At rest it draws once a minute, for the times that it shows, and looks once a second whether the project is
//! suspended, of which nobody tells.

use std::io;
use std::task::Poll;
use std::time::Duration;

use nix::sys::signal::{Signal as Number, kill, raise};
use nix::unistd::Pid;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::cli::connection::{Connection, is_suspended};
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::settings::Settings;
use crate::cli::ui::book::Reader;
use crate::cli::ui::errands::{self, Done, Outcome};
use crate::cli::ui::last_words;
use crate::cli::ui::stage::Stage;
use crate::client::attach::{Hearing, Saying};
use crate::client::events::{Events, News};
use crate::client::{ClientError, Follow};
use crate::codec::attach::Frame;
use crate::logs::zone;
use crate::registry::Running;
use crate::runtime::clock::Clock;
use crate::runtime::{os, signals};
use crate::ui::text::clean;
use crate::ui::tui::input::Decoder;
use crate::ui::tui::state::{Link, Order, State};

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(33);

/// How often logs are looked at that tell no news of themselves, and the terminal while somebody else has it.
const LOOK: Duration = Duration::from_millis(250);

/// How often it is looked whether a project that is waited for is up.
const RETURN: Duration = Duration::from_millis(500);

/// How often it is looked whether a project that is up is suspended.
const PULSE: Duration = Duration::from_secs(1);

/// Why the loop is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// The user left.
    Left,
    /// A signal of this number.
    Signal(i32),
}

/// Everything that the loop holds.
pub(super) struct Session {
    pub(super) settings: Settings,
    pub(super) running: Running,
    pub(super) state: State,
    pub(super) stage: Stage,
    pub(super) reader: Option<Reader>,
    pub(super) events: Option<Events>,
    pub(super) focus: Option<(Hearing, Saying)>,
    pub(super) errands: mpsc::UnboundedSender<Outcome>,
    done: mpsc::UnboundedReceiver<Outcome>,
    decoder: Decoder,
    clock: Clock,
    /// What is on the screen is not what is known.
    pub(super) is_dirty: bool,
    next_frame: Instant,
    next_look: Instant,
    next_return: Instant,
    next_pulse: Instant,
    /// When to look whether we are in front again, while we go on in the background.
    next_front: Option<Instant>,
    /// An errand asks a project to tell of itself.
    is_connecting: bool,
    pub(super) over: Option<Over>,
}

/// Shows a project until the user leaves.
pub(super) fn run(settings: &Settings, connection: Connection, from_stream: bool) -> Result<ExitCode, CommandError> {
    // Whoever has started us may wait for signals by blocking them.
    signals::unblock()?;
    // The logs of all programs are open at once where they are shown.
    os::raise_open_descriptor_limit().ok();
    let running = connection.running().clone();
    let follow = connection.follow_events()?;
    drop(connection);
    let zone = zone::local();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (over, state, running) = runtime.block_on(async {
        let look = settings.look(&settings.out);
        let state = State::new(look, zone, from_stream);
        let mut session = Session::new(settings, state, running, follow)?;
        let over = session.show().await?;
        let Session { state, running, stage, .. } = session;
        drop(stage);
        Ok::<_, CommandError>((over, state, running))
    })?;
    runtime.shutdown_background();
    match over {
        Over::Left => {
            last_words::tell(settings, &state, &running);
            Ok(ExitCode::Fine)
        }
        Over::Signal(number) => Ok(ExitCode::Program(u8::try_from(128 + number).unwrap_or(u8::MAX))),
    }
}

impl Session {
    fn new(settings: &Settings, state: State, running: Running, follow: Follow) -> Result<Self, CommandError> {
        let (errands, done) = mpsc::unbounded_channel();
        let now = Instant::now();
        Ok(Self {
            settings: settings.clone(),
            events: Some(Events::of(follow)?),
            stage: Stage::enter(settings.out.colour)?,
            running,
            state,
            reader: None,
            focus: None,
            errands,
            done,
            decoder: Decoder::default(),
            clock: Clock::start(),
            is_dirty: true,
            next_frame: now,
            next_look: now,
            next_return: now,
            next_pulse: now,
            next_front: None,
            is_connecting: false,
            over: None,
        })
    }

    async fn show(&mut self) -> Result<Over, CommandError> {
        let mut caught = Signals::listen()?;
        self.state.size = Stage::room();
        loop {
            if self.next_front.is_some_and(|look| Instant::now() >= look) {
                self.continued().await?;
            }
            self.turn();
            if let Some(over) = self.over {
                return Ok(over);
            }
            let deadline = self.deadline();
            let may_read_logs = self.reader.as_ref().is_some_and(|reader| !reader.is_due);
            let is_searching = self.reader.as_ref().is_some_and(Reader::is_searching);
            tokio::select! {
                biased;
                signal = caught.next() => self.heard(signal).await?,
                typed = self.stage.typed() => self.typed(typed).await?,
                Some(outcome) = self.done.recv() => self.take(outcome).await,
                news = next_news(&mut self.events) => self.hear(news),
                frame = next_frame(&mut self.focus) => self.hear_program(frame).await,
                () = written(&mut self.reader), if may_read_logs => {}
                written = self.stage.write(), if !self.stage.is_written() => self.stage.has_written(written?),
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {}
                () = tokio::task::yield_now(), if is_searching => {}
            }
        }
    }

    /// Whatever is due is done: logs are read, the search goes on, a frame is drawn.
    fn turn(&mut self) {
        let (now, wall) = (Instant::now(), self.clock.now().wall.0);
        let is_time = now >= self.next_frame;
        if self.state.next_tick().is_some_and(|tick| tick <= wall) {
            self.is_dirty = true;
        }
        if let Some(reader) = &mut self.reader {
            let rows = self.state.log_room().rows;
            if !reader.hears() && now >= self.next_look {
                reader.look_again();
                self.next_look = now + LOOK;
            }
            reader.is_due |= self.state.log.needs_older(rows);
            if reader.is_due && is_time {
                self.is_dirty |= reader.read_on(&mut self.state.log, rows);
                self.next_frame = now + FRAME;
            }
            if let Some(trouble) = reader.new_trouble() {
                self.state.warn(&clean(&trouble));
                self.is_dirty = true;
            }
            if reader.is_searching() {
                let is_over = reader.search_on(&mut self.state.log);
                if is_over {
                    self.found();
                }
                self.is_dirty = true;
            }
        }
        if self.has_pulse() && now >= self.next_pulse {
            self.next_pulse = now + PULSE;
            let owner = &self.running.owner;
            self.is_dirty |= self.state.looked_at(is_suspended(owner).then_some(owner.pid));
        }
        if self.state.link == Link::Awaited && now >= self.next_return {
            self.next_return = now + RETURN;
            if self.events.is_none()
                && !self.is_connecting
                && let Some(running) = errands::find(&self.running.places.identity)
            {
                self.connect(running);
            }
        }
        if self.draws() && is_time {
            self.state.tick(wall);
            self.stage.draw(&self.state);
            (self.is_dirty, self.next_frame) = (false, now + FRAME);
        }
    }

    /// Whether there is something to draw, and somewhere.
    fn draws(&self) -> bool {
        self.is_dirty && self.stage.is_taken() && self.stage.is_written()
    }

    /// Whether there is a process to look at.
    fn has_pulse(&self) -> bool {
        matches!(self.state.link, Link::Up | Link::Suspended(_))
    }

    /// When something is due that nobody tells of.
    fn deadline(&self) -> Option<Instant> {
        let is_due = self.reader.as_ref().is_some_and(|reader| reader.is_due);
        let frame = (is_due || self.draws()).then_some(self.next_frame);
        let look = self.reader.as_ref().filter(|reader| !reader.hears()).map(|_| self.next_look);
        let back = (self.state.link == Link::Awaited).then_some(self.next_return);
        let pulse = self.has_pulse().then_some(self.next_pulse);
        let wall = self.clock.now().wall.0;
        let tick = self.state.next_tick().map(|tick| Instant::now() + Duration::from_millis(tick.saturating_sub(wall)));
        let tick = tick.filter(|_| !self.is_dirty);
        [frame, look, back, pulse, tick, self.next_front].into_iter().flatten().min()
    }

    async fn typed(&mut self, typed: io::Result<Option<Vec<u8>>>) -> Result<(), CommandError> {
        let Some(bytes) = typed? else {
            self.over = Some(Over::Signal(Number::SIGHUP as i32));
            return Ok(());
        };
        self.is_dirty = true;
        if self.focus.is_some() {
            self.type_to_program(&bytes).await;
            return Ok(());
        }
        for press in self.decoder.feed(&bytes) {
            let orders = self.state.press(press);
            self.obey(orders);
        }
        Ok(())
    }

    async fn heard(&mut self, signal: Number) -> Result<(), CommandError> {
        match signal {
            Number::SIGINT => self.over = Some(Over::Left),
            Number::SIGWINCH => self.resized().await,
            Number::SIGTSTP => {
                self.stage.suspend();
                // Cannot fail for this process and this signal; if it did, we would merely not be suspended.
                let _ = raise(Number::SIGSTOP);
            }
            Number::SIGCONT => self.continued().await?,
            ending => self.over = Some(Over::Signal(ending as i32)),
        }
        Ok(())
    }

    /// In the background we stop again, as the terminal would have stopped us at the first byte. With a stream behind us that would
    /// stop its job as well: then nothing is drawn until we are in front again.
    async fn continued(&mut self) -> Result<(), CommandError> {
        self.next_front = None;
        if self.stage.is_in_front() {
            self.stage.resume()?;
            self.resized().await;
            return Ok(());
        }
        self.stage.lose();
        if self.state.from_stream {
            self.next_front = Some(Instant::now() + LOOK);
        } else {
            // As above.
            let _ = raise(Number::SIGSTOP);
        }
        Ok(())
    }

    async fn resized(&mut self) {
        self.state.size = Stage::room();
        self.state.show_chosen();
        // Also when it is what it was: between two frames it may have been smaller, and the terminal has lost what it could not show.
        self.stage.forget();
        self.is_dirty = true;
        self.tell_size(false).await;
    }

    /// The project has told something, or is gone.
    fn hear(&mut self, news: Result<Option<News>, ClientError>) {
        self.is_dirty = true;
        let orders = match news {
            Ok(Some(News::Status(status))) => self.state.connected(*status),
            Ok(Some(News::Change(change))) => {
                if let Some(reader) = &mut self.reader {
                    reader.look_again();
                }
                self.state.changed(*change)
            }
            Ok(Some(News::End) | None) | Err(_) => {
                self.events = None;
                self.lost();
                Vec::new()
            }
        };
        self.obey(orders);
    }

    /// Whoever tells us nothing any more may still be up: then we were too slow for it, or it begins anew.
    fn lost(&mut self) {
        let begins_anew = self.state.status.as_ref().is_some_and(|status| status.state == "restarting");
        match errands::find(&self.running.places.identity) {
            Some(running) => {
                self.state.link = Link::Connecting;
                self.connect(running);
            }
            None if begins_anew => self.state.link = Link::Awaited,
            None => {
                let orders = self.state.ended();
                self.obey(orders);
            }
        }
    }

    async fn take(&mut self, outcome: Outcome) {
        self.is_dirty = true;
        match outcome.unwrap_or_else(|failed| failed(format!("a bug of ours: {}", self.stage.next_panic()))) {
            Done::Connected(connected) => self.connected(*connected),
            Done::Answered(verb, answer) => self.state.answered(verb, answer),
            Done::LastLines(name, lines) if self.state.selected.as_ref() == Some(&name) => {
                self.state.last_lines = lines;
                self.state.rebuild();
            }
            Done::Environment(program, lines) => {
                if self.state.current().is_some_and(|process| process.program == program) {
                    self.state.environment = lines;
                    self.state.rebuild();
                }
            }
            Done::LastLines(..) => {}
            Done::Projects(projects) => {
                self.state.project_at = projects.iter().position(|project| project.is_here).unwrap_or(0);
                self.state.projects = projects;
            }
            Done::Copied(is_taken) => self.state.copied(is_taken),
            Done::Saved(Ok(path)) => self.state.say(&format!("written to {}", path.display())),
            Done::Saved(Err(error)) => self.state.warn(&format!("the log could not be written: {error}")),
            Done::Attached(name, Ok(attached)) => self.attached(&name, attached).await,
            Done::Attached(_, Err(error)) => self.state.warn(&error.message),
            Done::Failed(why) => self.state.warn(&clean(&why)),
        }
    }

    /// Another project, or the same one again.
    fn connected(&mut self, connected: Result<Option<(Running, Follow)>, CommandError>) {
        self.is_connecting = false;
        let connected = connected.and_then(|connected| match connected {
            Some((running, follow)) => Ok(Some((running, Events::of(follow)?))),
            None => Ok(None),
        });
        match connected {
            Ok(Some((running, events))) => self.turn_to(running, events),
            Ok(None) if self.events.is_some() => self.state.warn("it has ended meanwhile"),
            Ok(None) if self.state.link == Link::Awaited => {}
            Ok(None) => {
                let orders = self.state.ended();
                self.obey(orders);
            }
            Err(error) if self.events.is_some() => self.state.warn(&clean(&error.message)),
            Err(error) => self.state.not_reached(&clean(&error.message)),
        }
    }

    /// Asks a project to tell of itself from now on, unless one is asked already.
    pub(super) fn connect(&mut self, running: Running) {
        if self.is_connecting {
            self.state.say("still connecting");
            return;
        }
        self.is_connecting = true;
        self.errand_or(move || errands::connect(running), errands::not_connected);
    }

    /// Does something that may block beside the loop. If it panics, that is told.
    pub(super) fn errand(&self, errand: impl FnOnce() -> Done + Send + 'static) {
        self.errand_or(errand, Done::Failed);
    }

    /// The same, with what becomes of what it said when it panicked.
    fn errand_or(&self, errand: impl FnOnce() -> Done + Send + 'static, failed: fn(String) -> Done) {
        let errands = self.errands.clone();
        tokio::task::spawn_blocking(move || errands.send(errands::run(errand, failed)).ok());
    }

    /// Suspends the whole job that we belong to, as the terminal would have done. The terminal is given back first: once another process
    /// of the job stands still, the shell may write there.
    pub(super) fn suspend(&mut self) {
        self.stage.suspend();
        if kill(Pid::from_raw(0), Number::SIGTSTP).is_err() {
            self.state.warn("cannot be suspended");
            self.next_front = Some(Instant::now());
        }
    }

    /// Performs what the state asks for.
    pub(super) fn obey(&mut self, orders: Vec<Order>) {
        for order in orders {
            self.perform(order);
        }
    }
}

async fn next_news(events: &mut Option<Events>) -> Result<Option<News>, ClientError> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}

async fn next_frame(focus: &mut Option<(Hearing, Saying)>) -> Result<Option<Frame>, ClientError> {
    match focus {
        Some((hearing, _)) => hearing.next().await,
        None => std::future::pending().await,
    }
}

async fn written(reader: &mut Option<Reader>) {
    match reader {
        Some(reader) => reader.written().await,
        None => std::future::pending().await,
    }
}

/// The signals that mean something here.
struct Signals(Vec<(Number, Signal)>);

impl Signals {
    fn listen() -> io::Result<Self> {
        let numbers = [
            Number::SIGINT,
            Number::SIGTERM,
            Number::SIGHUP,
            Number::SIGQUIT,
            Number::SIGWINCH,
            Number::SIGTSTP,
            Number::SIGCONT,
        ];
        let listen = |number: Number| Ok((number, signal(SignalKind::from_raw(number as i32))?));
        numbers.into_iter().map(listen).collect::<io::Result<Vec<_>>>().map(Self)
    }

    /// The next one. None is lost when the waiting is given up.
    async fn next(&mut self) -> Number {
        std::future::poll_fn(|context| {
            let came =
                self.0.iter_mut().find_map(|(number, signal)| signal.poll_recv(context).is_ready().then_some(*number));
            came.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
