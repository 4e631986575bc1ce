//! Our end of a running project's control socket, in the words of the commands.

use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::error::CommandError;
use crate::cli::select;
use crate::client::attach::{Hearing, Saying, attach};
use crate::client::events;
use crate::client::{Address, Client, ClientError, Credentials, Follow, Peer, StartUntil};
use crate::model::status::{ProjectStatus, RequestReport};
use crate::model::{ReloadReport, Signal};
use crate::registry::{self, Homes, OwnerFacts, Running, ShortPath};
use crate::runtime::os::{ProcessWatch, is_stopped};

/// How long a project whose lock is held may take until its socket is there (it is just coming up) or its lock is free (it has
/// just ended).
const PATIENCE: Duration = Duration::from_secs(2);

/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How much longer than asked for the answer to a request with a time limit may take, on a busy machine too.
const GRACE: Duration = Duration::from_secs(5);

/// A running project.
#[derive(Debug)]
pub struct Connection {
    homes: Homes,
    running: Running,
    client: Client,
    /// How long an answer may take, where somebody has said so.
    limit: Option<Duration>,
    /// The supervisor itself; `None` when it cannot be looked at.
    supervisor: Option<ProcessWatch>,
}

impl Connection {
    /// Connects. `None`: it has ended meanwhile.
    pub fn open(homes: Homes, running: Running) -> Result<Option<Self>, CommandError> {
        let began = Instant::now();
        loop {
            match connect(&running) {
                Ok(client) => {
                    let supervisor = ProcessWatch::new(running.owner.pid).ok();
                    return Ok(Some(Self { homes, running, client, limit: None, supervisor }));
                }
                Err(ClientError::NotRunning) if !is_held(&homes, &running) => return Ok(None),
                Err(ClientError::NotRunning) if began.elapsed() < PATIENCE => thread::sleep(LOOK_EVERY),
                Err(ClientError::NotRunning) => return Err(silent(&running.owner)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Who runs the project.
    pub fn owner(&self) -> &OwnerFacts {
        &self.running.owner
    }

    /// The registry's view of it: its paths and its owner.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Gives every later call this much time.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        // A socket that takes no time limit still answers.
        self.client.set_timeout(Some(limit)).ok();
        self.limit = Some(limit);
        self
    }

    /// Asks for what the project itself gives up after this time; a project that does not is not waited for much longer.
    fn within<T>(
        &mut self,
        timeout: Option<Duration>,
        ask: impl FnOnce(&mut Client) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let Some(timeout) = timeout.filter(|_| self.limit.is_none()) else { return ask(&mut self.client) };
        self.client.set_timeout(Some(timeout.saturating_add(GRACE)))?;
        let answer = ask(&mut self.client);
        self.client.set_timeout(None)?;
        answer
    }

    /// From now on a wait for an answer is given up when this becomes readable.
    #[must_use]
    pub fn interrupted_by(mut self, interrupt: UnixStream) -> Self {
        self.client.interrupted_by(interrupt);
        self
    }

    /// The state of everything.
    pub fn status(&mut self) -> Result<ProjectStatus, CommandError> {
        Ok(self.client.status(&[])?)
    }

    /// [`Connection::status`], or `None` while it is suspended.
    pub fn status_unless_suspended(&mut self) -> Result<Option<ProjectStatus>, CommandError> {
        if is_suspended(&self.running.owner) {
            return Ok(None);
        }
        match self.client.status(&[]) {
            Ok(status) => Ok(Some(status)),
            Err(ClientError::Stopped { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// [`Connection::status`], or `None` once the project has ended.
    pub fn status_unless_gone(&mut self) -> Result<Option<ProjectStatus>, CommandError> {
        match self.client.status(&[]) {
            Ok(status) => Ok(Some(status)),
            Err(ClientError::NotRunning) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// [`Connection::status`], or `None` while nobody answers: the project is suspended, or has ended.
    pub fn status_if_answered(&mut self) -> Result<Option<ProjectStatus>, CommandError> {
        if is_suspended(&self.running.owner) {
            return Ok(None);
        }
        match self.client.status(&[]) {
            Ok(status) => Ok(Some(status)),
            // It was suspended meanwhile. Its answer comes too late, on a connection that is of no use any more.
            Err(ClientError::Stopped { .. }) => {
                if let Ok(client) = connect(&self.running) {
                    self.client = client;
                }
                Ok(None)
            }
            Err(ClientError::NotRunning) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// [`Connection::status_unless_gone`], when whoever is found gone is to be gone for good: it has let go of its lock then.
    pub fn status_until_gone(&mut self) -> Result<Option<ProjectStatus>, CommandError> {
        let status = self.status_unless_gone()?;
        if status.is_none() {
            self.wait_until_gone();
            if self.is_held() {
                return Err(silent(&self.running.owner));
            }
        }
        Ok(status)
    }

    /// Whether somebody still holds the project's lock.
    pub fn is_held(&self) -> bool {
        is_held(&self.homes, &self.running)
    }

    /// Whether the supervisor has ended as a process.
    pub fn has_ended(&self) -> bool {
        self.supervisor.as_ref().is_none_or(ProcessWatch::has_ended)
    }

    /// Returns when nothing of it is left, at most after a moment.
    pub fn wait_until_gone(&self) {
        let began = Instant::now();
        while self.is_held() && began.elapsed() < PATIENCE {
            thread::sleep(LOOK_EVERY);
        }
    }

    /// That these words mean somebody; a wrong one is an error with a suggestion.
    pub fn know(&mut self, names: &[String]) -> Result<(), CommandError> {
        if names.is_empty() {
            return Ok(());
        }
        let status = self.status()?;
        select::select(&status, names).map(|_| ())
    }

    /// Starts processes and, if wished, what they need.
    pub fn start(
        &mut self,
        names: &[String],
        until: StartUntil,
        with_needs: bool,
        timeout: Option<Duration>,
    ) -> Result<RequestReport, CommandError> {
        Ok(self.within(timeout, |client| client.start(names, until, with_needs, timeout))?)
    }

    /// Stops processes, with their dependents first if wished.
    pub fn stop(&mut self, names: &[String], with_dependents: bool, wait: bool) -> Result<RequestReport, CommandError> {
        Ok(self.client.stop(names, with_dependents, wait)?)
    }

    /// Stops and starts processes.
    pub fn restart(
        &mut self,
        names: &[String],
        until: StartUntil,
        timeout: Option<Duration>,
    ) -> Result<RequestReport, CommandError> {
        Ok(self.within(timeout, |client| client.restart(names, until, timeout))?)
    }

    /// Sends a signal.
    pub fn signal(&mut self, names: &[String], signal: Signal) -> Result<RequestReport, CommandError> {
        Ok(self.client.signal(names, &signal.0.to_string())?)
    }

    /// Waits until processes, or all that are wanted, are ready, or one has failed.
    pub fn wait(&mut self, names: &[String], timeout: Option<Duration>) -> Result<RequestReport, CommandError> {
        Ok(self.within(timeout, |client| client.wait(names, timeout))?)
    }

    /// The same, with what goes wrong as it is: a project may end while it is waited for.
    pub fn wait_unless_gone(&mut self, names: &[String], timeout: Duration) -> Result<RequestReport, ClientError> {
        self.within(Some(timeout), |client| client.wait(names, Some(timeout)))
    }

    /// Activates profiles for as long as the project is up, or says why that cannot be.
    pub fn activate(&mut self, profiles: &[String]) -> Result<(), CommandError> {
        let report = self.client.activate(profiles)?;
        if report.refused.is_empty() { Ok(()) } else { Err(CommandError::user(report.refused)) }
    }

    /// Takes over the config as it is now, or says what that would change.
    pub fn reload(&mut self, dry_run: bool) -> Result<ReloadReport, CommandError> {
        Ok(self.client.reload(dry_run)?)
    }

    /// Names the files of the config that are others now; an answer that does not come says nothing.
    pub fn changed_files(&mut self) -> Vec<String> {
        self.client.changed_files().unwrap_or_default()
    }

    /// Asks where the project's page is, and for a listener if there is none. It is there as long as the answer is held.
    pub fn open_page(&self) -> Result<Follow, CommandError> {
        self.insist_on_life()?;
        let socket = &self.running.owner.socket;
        let short = ShortPath::new(socket).map_err(|error| CommandError::project(error.to_string()))?;
        let address = Address::Unix(socket.display().to_string());
        let key = registry::read_key(&self.running.places).map(Credentials::Key);
        Ok(Follow::post(&address, Some(short.as_path()), key.as_ref(), "/api/v1/open")?)
    }

    /// Asks for the project's state and every change of it.
    pub fn follow_events(&self) -> Result<Follow, CommandError> {
        self.insist_on_life()?;
        let socket = &self.running.owner.socket;
        let short = ShortPath::new(socket).map_err(|error| CommandError::project(error.to_string()))?;
        let address = Address::Unix(socket.display().to_string());
        let key = registry::read_key(&self.running.places).map(Credentials::Key);
        Ok(events::ask(&address, short.as_path(), key.as_ref())?)
    }

    /// That it is not stopped: what goes on for ever has no time limit either.
    fn insist_on_life(&self) -> Result<(), CommandError> {
        let owner = &self.running.owner;
        if is_suspended(owner) {
            return Err(ClientError::Stopped { name: owner.name.clone(), pid: owner.pid }.into());
        }
        Ok(())
    }

    /// Attaches to a process by its namespec. Must be called inside a runtime.
    pub fn attach(&self, process: &str) -> Result<(Hearing, Saying), CommandError> {
        let socket = &self.running.owner.socket;
        let short = ShortPath::new(socket).map_err(|error| CommandError::project(error.to_string()))?;
        let address = Address::Unix(socket.display().to_string());
        let key = registry::read_key(&self.running.places).map(Credentials::Key);
        attach(&address, short.as_path(), key.as_ref(), process).map_err(|error| match error {
            ClientError::Status { reason, .. } if !reason.is_empty() => {
                CommandError::user(format!("{process}: {reason}"))
            }
            error => error.into(),
        })
    }

    /// Asks the project to end; returns when the end has begun.
    pub fn down(&mut self) -> Result<(), CommandError> {
        match self.client.down() {
            Ok(()) | Err(ClientError::NotRunning) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn connect(running: &Running) -> Result<Client, ClientError> {
    match ShortPath::new(&running.owner.socket) {
        Ok(short) => {
            let client = Client::connect(short.as_path())?.with_key(registry::read_key(&running.places));
            Ok(client.answered_by(peer(&running.owner)))
        }
        // Its directory is gone, so nobody listens there.
        Err(_) => Err(ClientError::NotRunning),
    }
}

/// Who answers for a project.
pub fn peer(owner: &OwnerFacts) -> Peer {
    Peer { name: owner.name.clone(), pid: owner.pid, is_stopped }
}

/// Whether its process is stopped, by Ctrl-Z say: then nobody gets an answer.
pub fn is_suspended(owner: &OwnerFacts) -> bool {
    is_stopped(owner.pid)
}

/// That somebody holds the lock and says nothing.
fn silent(owner: &OwnerFacts) -> CommandError {
    CommandError::project(format!("{} is up (pid {}) but does not answer", owner.name, owner.pid))
}

fn is_held(homes: &Homes, running: &Running) -> bool {
    registry::running(homes, &running.places.identity).is_some_and(|found| found.owner.pid == running.owner.pid)
}
