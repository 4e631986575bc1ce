//! Whom `run ctl` talks to, and as whom.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Args;
use super::conf::{self, Section};
use super::trouble::Trouble;
use crate::cli::connection::peer;
use crate::cli::error::CommandError;
use crate::cli::project;
use crate::cli::settings::Settings;
use crate::client::{Address, Client, ClientError, Credentials, Follow};
use crate::codec::python;
use crate::registry::{self, Homes, OwnerFacts, Places, Running, ShortPath, ShortPathError};

/// Where the history of a project's prompt is kept, in its state directory.
const HISTORY: &str = "ctl_history";

/// The server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Server {
    /// Its URL, as messages show it.
    Url(String),
    /// The project here is not up; the sentence that says so.
    NotUp(String),
}

/// Everything that options, a config or the registry say about the conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// The server.
    pub server: Server,
    /// The user name it wants.
    pub username: Option<String>,
    /// The password it wants.
    pub password: Option<String>,
    /// Who runs the project that is talked to, where it is one of ours.
    pub owner: Option<OwnerFacts>,
    /// What a project keeps for its owner, where a password is asked for.
    pub key: Option<String>,
    /// The word before the `>` of the prompt.
    pub prompt: String,
    /// Where the history is kept.
    pub history: Option<PathBuf>,
    /// Sections of plugins that are not loaded.
    pub plugins: Vec<String>,
    /// Whether a person is there to be asked.
    pub is_interactive: bool,
}

/// Options first, then the config of `-c`, then the project here.
pub fn resolve(settings: &Settings, args: &Args) -> Result<Target, CommandError> {
    let names_server = args.url.is_some() || args.configuration.is_some();
    let section = args.configuration.as_deref().map(|file| read_conf(settings, file)).transpose()?;
    let section = section.unwrap_or_default();
    let (server, running) = match (&args.url, names_server) {
        (Some(url), _) => (Server::Url(checked(url)?), None),
        (None, true) => (Server::Url(section.server_url.unwrap_or_else(|| conf::DEFAULT_URL.to_owned())), None),
        (None, false) => project_here(settings, args)?,
    };
    // Without a server or a user that it could belong to, `-p` is the name of the project, as for all other commands.
    let password = args.password.clone().filter(|_| names_server || args.username.is_some());
    let history = args.history.as_deref().map(|file| settings.directory.join(file));
    let (places, owner) = running.map(|Running { places, owner }| (places, owner)).unzip();
    Ok(Target {
        server,
        owner,
        username: args.username.clone().or(section.username),
        password: password.or(section.password),
        key: places.as_ref().and_then(registry::read_key),
        prompt: section.prompt.unwrap_or_else(|| "supervisor".to_owned()),
        history: history.or(section.history).or(places.and_then(history_of)),
        plugins: section.plugins,
        is_interactive: args.interactive || args.action.is_empty(),
    })
}

/// A URL has a scheme and something behind it (supervisor `datatypes.py` `url`).
fn checked(url: &str) -> Result<String, CommandError> {
    match url.split_once(':') {
        Some((scheme, rest)) if !scheme.is_empty() && !rest.trim_start_matches('/').is_empty() => Ok(url.to_owned()),
        // As supervisorctl says it (supervisor `options.py` `realize`).
        _ => Err(CommandError::user(format!("invalid value for -s {0}: value {0} is not a URL", python::repr(url)))
            .hint("run ctl -s http://localhost:9001 …     or -s unix:///path/of/the.sock")),
    }
}

fn read_conf(settings: &Settings, named: &Path) -> Result<Section, CommandError> {
    let file = settings.directory.join(named);
    let text = fs::read(&file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => CommandError::user(format!("could not find config file {}", named.display())),
        _ => CommandError::user(format!("could not read config file {}: {error}", named.display())),
    })?;
    let place = conf::Place {
        here: file.parent().unwrap_or(Path::new("/")),
        directory: &settings.directory,
        environment: &settings.environment,
    };
    conf::read(&String::from_utf8_lossy(&text), &place)
        .map_err(|problem| CommandError::user(format!("{}: {problem}", file.display())))
}

fn history_of(places: Places) -> Option<PathBuf> {
    Some(places.state_dir?.join(HISTORY))
}

/// The socket of the project here, and what the registry knows of it.
fn project_here(settings: &Settings, args: &Args) -> Result<(Server, Option<Running>), CommandError> {
    let mut settings = settings.clone();
    if args.username.is_some() {
        settings.name = None;
    }
    let found = match project::running(&settings, &Homes::of_this_user()) {
        Some(running) => running,
        None => match project::find(&settings)? {
            Ok(connection) => connection.running().clone(),
            Err(not_up) => return Ok((Server::NotUp(not_up.sentence()), None)),
        },
    };
    let url = format!("unix://{}", found.owner.socket.display());
    Ok((Server::Url(url), Some(found)))
}

impl Target {
    /// The URL for messages; for a project that is not up, what it is.
    pub fn url(&self) -> &str {
        match &self.server {
            Server::Url(url) => url,
            Server::NotUp(_) => "the project",
        }
    }

    /// Connects.
    pub fn connect(&self) -> Result<Client, Trouble> {
        let (address, short) = self.address()?;
        let client = Client::open(&address, short.as_ref().map(ShortPath::as_path), self.credentials())
            .map_err(|error| Trouble::Connect { error })?;
        Ok(match &self.owner {
            Some(owner) => client.answered_by(peer(owner)),
            None => client,
        })
    }

    /// Follows a path of the server.
    pub fn follow(&self, path: &str) -> Result<Follow, Trouble> {
        let (address, short) = self.address()?;
        let credentials = self.credentials();
        let followed = Follow::get(&address, short.as_ref().map(ShortPath::as_path), credentials.as_ref(), path);
        followed.map_err(|error| match error {
            ClientError::NotRunning => self.connect().err().unwrap_or(Trouble::Lost),
            other => other.into(),
        })
    }

    fn address(&self) -> Result<(Address, Option<ShortPath>), Trouble> {
        let url = match &self.server {
            Server::Url(url) => url,
            Server::NotUp(sentence) => return Err(Trouble::NotUp(sentence.clone())),
        };
        let unknown = || Trouble::raised("ValueError", format!("Unknown protocol for serverurl {url}"));
        let address = Address::parse(url).ok_or_else(unknown)?;
        let short = match &address {
            Address::Tcp { .. } => None,
            Address::Unix(path) => Some(ShortPath::new(Path::new(path)).map_err(|error| match error {
                ShortPathError::Io { source, .. } => Trouble::Connect { error: source },
                ShortPathError::TooLong { .. } => Trouble::raised("OSError", "AF_UNIX path too long"),
            })?),
        };
        Ok((address, short))
    }

    /// Name and password, both or nothing (supervisor `xmlrpc.py` `SupervisorTransport.request`); else the project's key.
    fn credentials(&self) -> Option<Credentials> {
        match (self.username.clone(), self.password.clone()) {
            (Some(username), Some(password)) => Some(Credentials::Password { username, password }),
            _ => self.key.clone().map(Credentials::Key),
        }
    }
}
