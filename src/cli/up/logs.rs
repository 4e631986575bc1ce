//! The logs of one life of a project: where outputs go, the files that nobody named, and the main log.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use crate::cli::project::Loaded;
use crate::logs::{AutoLogs, Hub, LogDesk, LogPlaces, MainLog, MainLogSettings};
use crate::model::supervisord::{Credentials, LogLevel, Supervisord};
use crate::model::{Dialect, WallTime};

/// The main log in the state directory.
const MAIN_LOG: &str = "main.log";

/// Log files that nobody named, in the state directory.
const UNNAMED: &str = "childlogs";

/// What there is before the output thread starts.
pub(super) struct Logs {
    places: LogPlaces,
    path: Option<PathBuf>,
    main: Option<MainLog>,
}

impl Logs {
    /// Opens the main log, which `shows_log` sends to our stdout as well, and makes the files that nobody named. What fails is a note;
    /// the project runs without it.
    pub(super) fn open(loaded: &Loaded, shows_log: bool, notes: &mut Vec<String>) -> Self {
        let places = LogPlaces::new(loaded.places.logs(), unnamed(loaded, notes));
        notes.extend(places.make_unnamed(&loaded.project));
        let settings = main_log(loaded, shows_log);
        let path = settings.as_ref().and_then(|settings| Some(settings.file.as_ref()?.path.clone()));
        let main = match settings.as_ref().map(MainLog::open) {
            Some(Ok(main)) => Some(main),
            Some(Err(error)) => {
                let place = path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
                notes.push(format!("the main log {place} cannot be written: {error}"));
                None
            }
            None => None,
        };
        Self { places, path, main }
    }

    /// The main log, for the output thread.
    pub(super) fn take_main(&mut self) -> Option<MainLog> {
        self.main.take()
    }

    /// Where outputs go.
    pub(super) fn places(&self) -> &LogPlaces {
        &self.places
    }

    /// For whoever serves logs.
    pub(super) fn desk(&self, hub: &Hub) -> LogDesk {
        LogDesk { places: self.places.clone(), main_log: self.path.clone(), hub: Some(hub.clone()) }
    }
}

/// The first lines of the main log (supervisor `http.py` `make_http_servers`, `options.py` `write_pidfile`).
pub(super) fn greet(hub: &Hub, loaded: &Loaded, leaving: Vec<(LogLevel, String)>, at: WallTime) {
    let servers = loaded.project.supervisord.as_deref().map(servers).filter(|servers| !servers.is_empty());
    // Our own socket is there in any case.
    for open in servers.unwrap_or_else(|| vec![None]) {
        hub.log(LogLevel::Info, at, "RPC interface 'supervisor' initialized");
        if let Some(section) = open {
            let text = format!("Server '{section}' running without any HTTP authentication checking");
            hub.log(LogLevel::Critical, at, text);
        }
    }
    for (level, line) in leaving {
        hub.log(level, at, line);
    }
    hub.log(LogLevel::Info, at, format!("supervisord started with pid {}", std::process::id()));
}

/// The servers: the section of each one that asks for no password.
fn servers(conf: &Supervisord) -> Vec<Option<String>> {
    let section = |kind: &str, name: Option<&String>| name.map_or(kind.to_owned(), |name| format!("{kind}:{name}"));
    let open = |kind: &str, name: Option<&String>, login: Option<&Credentials>| match login {
        Some(_) => None,
        None => Some(section(kind, name)),
    };
    let inet = conf.inet_servers.iter();
    let inet = inet.map(|server| open("inet_http_server", server.name.as_ref(), server.credentials.as_ref()));
    let unix = conf.unix_servers.iter();
    inet.chain(unix.map(|server| open("unix_http_server", server.name.as_ref(), server.credentials.as_ref()))).collect()
}

/// Only a supervisord.conf has such files. Where it does not say where, they are among our own: those of two projects in one
/// directory would be removed by whichever starts last.
fn unnamed(loaded: &Loaded, notes: &mut Vec<String>) -> Option<AutoLogs> {
    let conf = loaded.project.supervisord.as_ref().filter(|_| loaded.project.dialect == Dialect::Supervisord)?;
    let directory = match (&conf.daemon.childlogdir, &loaded.places.state_dir) {
        (Some(directory), _) => directory.clone(),
        (None, Some(state)) => state.join(UNNAMED),
        (None, None) => return None,
    };
    let is_ours = conf.daemon.childlogdir.is_none();
    if is_ours && let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(&directory) {
        notes.push(format!("could not make {}: {error}", directory.display()));
        return None;
    }
    let auto = AutoLogs::new(directory.clone(), &conf.daemon.identifier);
    if (is_ours || !conf.daemon.nocleanup)
        && let Err(error) = auto.clean()
    {
        notes.push(format!("Could not clear childlog dir {}: {error}", directory.display()));
    }
    Some(auto)
}

/// Where the config says, or else in the state directory: nothing is written into a project that did not ask for it.
fn main_log(loaded: &Loaded, shows_log: bool) -> Option<MainLogSettings> {
    let own = loaded.places.state_dir.as_ref().map(|state| state.join(MAIN_LOG));
    let Some(conf) = &loaded.project.supervisord else { return own.map(MainLogSettings::kept_at) };
    let mut settings = MainLogSettings::of_daemon(&conf.daemon, shows_log);
    if !conf.daemon.is_logfile_named {
        settings.file.as_mut()?.path = own?;
    }
    Some(settings)
}
