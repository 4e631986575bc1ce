//! What supervisord has and run.toml mostly has not: settings of the daemon, its servers; event listeners, sockets of fcgi-programs.
//!
//! Defaults are those of supervisor 4.3.0 (`options.py`). Paths are absolute; relative ones were against the main file's directory.

use std::path::PathBuf;
use std::time::Duration;

use super::event_type::EventType;
use super::name::name_problem;

/// Everything beside programs and groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Supervisord {
    /// `[supervisord]`.
    pub daemon: Daemon,
    /// `[unix_http_server]`, `[unix_http_server:NAME]`.
    pub unix_servers: Vec<UnixServer>,
    /// `[inet_http_server]`, `[inet_http_server:NAME]`.
    pub inet_servers: Vec<InetServer>,
    /// `[supervisorctl]`.
    pub ctl: Ctl,
    /// `[rpcinterface:NAME]`.
    pub rpc_interfaces: Vec<RpcInterface>,
}

/// How much of what happens is written to the main log (supervisor `loggers.py` `LevelsByName`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Everything, and what is not worth it.
    Blather,
    /// The daemon's own steps.
    Trace,
    /// Also the output of the programs.
    Debug,
    /// Changes of state.
    Info,
    /// What may be a mistake.
    Warn,
    /// What went wrong.
    Error,
    /// What ends the daemon.
    Critical,
}

impl LogLevel {
    /// Reads a level in any case, by its name or its four letters.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "blat" | "blather" => Self::Blather,
            "trac" | "trace" => Self::Trace,
            "debg" | "debug" => Self::Debug,
            "info" => Self::Info,
            "warn" | "warning" => Self::Warn,
            "erro" | "error" => Self::Error,
            "crit" | "critical" => Self::Critical,
            _ => return None,
        })
    }
}

/// `[supervisord]`, save `environment`, which stands in [`super::Project::environment`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// The main log; `syslog` is [`None`].
    pub logfile: Option<PathBuf>,
    /// Whether that holds: it was written, or supervisord's own command asks, whose default it is.
    pub is_logfile_named: bool,
    /// Rotated at this size in bytes; 0 for never.
    pub logfile_maxbytes: u64,
    /// How many old ones are kept.
    pub logfile_backups: u32,
    /// What is written to it.
    pub loglevel: LogLevel,
    /// Where the daemon's pid is written.
    pub pidfile: PathBuf,
    /// Its file mode mask once it has gone into the background.
    pub umask: u32,
    /// It stays in the foreground.
    pub nodaemon: bool,
    /// In the foreground nothing is written to stdout.
    pub silent: bool,
    /// Open files that it must be able to have.
    pub minfds: u64,
    /// Processes that it must be able to have.
    pub minprocs: u64,
    /// Log files named by nobody are left alone at the start.
    pub nocleanup: bool,
    /// Where these are; `None`: the system's directory for temporary files.
    pub childlogdir: Option<PathBuf>,
    /// It becomes this user.
    pub user: Option<String>,
    /// It goes there once it has gone into the background.
    pub directory: Option<PathBuf>,
    /// Escape sequences are taken out of log files.
    pub strip_ansi: bool,
    /// A program that fails for good ends everything, with its code. Ours.
    pub exit_on_failure: bool,
    /// What it calls itself.
    pub identifier: String,
}

impl Default for Daemon {
    fn default() -> Self {
        Self {
            logfile: Some(PathBuf::from("supervisord.log")),
            is_logfile_named: false,
            logfile_maxbytes: 50 << 20,
            logfile_backups: 10,
            loglevel: LogLevel::Info,
            pidfile: PathBuf::from("supervisord.pid"),
            umask: 0o022,
            nodaemon: false,
            silent: false,
            minfds: 1024,
            minprocs: 200,
            nocleanup: false,
            childlogdir: None,
            user: None,
            directory: None,
            strip_ansi: false,
            exit_on_failure: false,
            identifier: "supervisor".to_owned(),
        }
    }
}

/// A name and a password; there is never one without the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// Plain, or `{SHA}` and 40 hex digits.
    pub password: String,
}

/// A UNIX socket that it listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixServer {
    /// What stands behind the colon of the section.
    pub name: Option<String>,
    /// The socket.
    pub file: PathBuf,
    /// Its mode.
    pub chmod: u32,
    /// `user` or `user:group`; `None`: as it is created.
    pub chown: Option<String>,
    /// Asked for on every request.
    pub credentials: Option<Credentials>,
}

impl Supervisord {
    /// What programs are told as `SUPERVISOR_SERVER_URL`: the first UNIX socket, else the first TCP address (supervisor `options.py`
    /// `ServerOptions.realize`). `None` without servers.
    pub fn server_url(&self) -> Option<String> {
        let unix = self.unix_servers.first().map(|server| format!("unix://{}", server.file.display()));
        unix.or_else(|| {
            let server = self.inet_servers.first()?;
            let host = if server.host.is_empty() { "localhost" } else { &server.host };
            Some(format!("http://{host}:{}", server.port))
        })
    }
}

/// A TCP address that it listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InetServer {
    /// What stands behind the colon of the section.
    pub name: Option<String>,
    /// Lower-case; empty: all interfaces.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Asked for on every request.
    pub credentials: Option<Credentials>,
}

/// `[supervisorctl]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ctl {
    /// Whom it talks to: `unix://…` or `http://…`.
    pub serverurl: String,
    /// For servers that ask.
    pub username: Option<String>,
    /// For servers that ask.
    pub password: Option<String>,
    /// What stands before the cursor, without `> `.
    pub prompt: String,
    /// Where lines are remembered.
    pub history_file: Option<PathBuf>,
}

impl Default for Ctl {
    fn default() -> Self {
        Self {
            serverurl: "http://localhost:9001".to_owned(),
            username: None,
            password: None,
            prompt: "supervisor".to_owned(),
            history_file: None,
        }
    }
}

/// `[rpcinterface:NAME]`: a namespace of methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcInterface {
    /// The namespace.
    pub name: String,
    /// A program that serves the methods; `None`: supervisord's own.
    pub command: Option<String>,
    /// All other options.
    pub options: Vec<(String, String)>,
}

/// What a section makes of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Role {
    /// `[program:NAME]`.
    #[default]
    Plain,
    /// `[eventlistener:NAME]`.
    Listener(Listener),
    /// `[fcgi-program:NAME]`.
    Fcgi(FcgiSocket),
    /// `[rpcinterface:NAME]` with a `command`.
    Extension(Extension),
}

impl Role {
    /// What it serves, if it is an extension.
    pub fn as_extension(&self) -> Option<&Extension> {
        if let Self::Extension(extension) = self { Some(extension) } else { None }
    }
}

/// A program that serves the methods of a namespace on the control socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// What stands before the dot of its methods.
    pub namespace: String,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// The options of its section that are its own.
    pub options: Vec<(String, String)>,
}

impl Extension {
    /// How long an answer is waited for where nothing is said.
    pub const TIMEOUT: Duration = Duration::from_secs(10);

    /// Namespaces that are served already.
    pub const RESERVED: [&str; 3] = ["supervisor", "system", "run"];

    /// The name of the program that serves a namespace, as commands know it.
    pub fn program_name(namespace: &str) -> String {
        format!("rpcinterface.{namespace}")
    }

    /// Why a word cannot be a namespace, if it cannot.
    pub fn namespace_problem(word: &str) -> Option<String> {
        if Self::RESERVED.contains(&word) {
            return Some(format!("the methods of `{word}` are served already"));
        }
        if word.contains('.') {
            return Some("a namespace ends at the first dot".to_owned());
        }
        name_problem(word).map(str::to_owned)
    }
}

/// What an event listener is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// How many events wait for it before the oldest is dropped.
    pub buffer_size: u32,
    /// The types, in the order of the tree, none twice.
    pub events: Vec<EventType>,
}

/// The socket that an fcgi-program is handed as its stdin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcgiSocket {
    /// Where.
    pub address: FcgiAddress,
    /// The queue of connections; `None`: as long as the system has it.
    pub backlog: Option<u16>,
}

/// Where an fcgi-program listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FcgiAddress {
    /// `tcp://host:port`.
    Tcp {
        /// Lower-case.
        host: String,
        /// The port.
        port: u16,
    },
    /// `unix:///path`.
    Unix {
        /// The socket.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// `user` or `user:group`; `None`: the program's user.
        owner: Option<String>,
    },
}

/// What `stdout_logfile` and `stderr_logfile` say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LogChoice {
    /// A file that nobody named, which is emptied at every start.
    #[default]
    Auto,
    /// None.
    Off,
    /// The one in [`super::Program::stdout_logfile`] or [`super::Program::stderr_logfile`].
    File,
    /// This path, which is our own stdout or stderr: what `run up` sends every output to anyway.
    Screen(PathBuf),
}

/// What becomes of one output of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamOptions {
    /// Which log file.
    pub logfile: LogChoice,
    /// Rotated at this size in bytes; 0 for never.
    pub maxbytes: u64,
    /// How many old ones are kept.
    pub backups: u32,
    /// How much of what stands between the marks of a communication is kept; 0: they mean nothing.
    pub capture_maxbytes: u64,
    /// Every piece of output is an event.
    pub events_enabled: bool,
    /// It goes to the system's log as well.
    pub syslog: bool,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            logfile: LogChoice::Auto,
            maxbytes: 50 << 20,
            backups: 10,
            capture_maxbytes: 0,
            events_enabled: false,
            syslog: false,
        }
    }
}

/// What only few programs have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extras {
    /// What kind of section it stands in.
    pub role: Role,
    /// Its stdout.
    pub stdout: StreamOptions,
    /// Its stderr.
    pub stderr: StreamOptions,
    /// What it is told as `SUPERVISOR_SERVER_URL`; `None`: the URL there is.
    pub serverurl: Option<String>,
}
