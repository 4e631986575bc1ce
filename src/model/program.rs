//! A program and its options, typed. Option names keep supervisord's spelling and meaning.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use super::alive::AliveSpec;
use super::command::Command;
use super::name::{ProcessName, ProgramName};
use super::ready::{ReadyKind, ReadySpec};
use super::signal::Signal;
use super::supervisord::{Extension, Extras, FcgiSocket, Listener, Role};
use super::template::Template;

/// More instances of one program than this are a slip of the finger.
pub const MOST_INSTANCES: u32 = 1000;

/// Whether it is kept running or runs to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Kept running.
    Program,
    /// Runs to its end and is then done.
    Task,
}

/// supervisord's `autorestart`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Autorestart {
    /// Never.
    Never,
    /// When the exit code is not one of `exitcodes`.
    Unexpected,
    /// Always.
    Always,
}

/// How failures are counted and spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryPolicy {
    /// Ours: a run is good once it was ready and alive for 10 s; until then failures count up; 0, 1, 2, 3 … s
    /// between tries; after `startretries` further tries it has failed.
    Native,
    /// supervisord's arithmetic (supervisor `process.py`): BACKOFF before `startsecs` with 1, 2, 3 … s, no limit afterwards.
    Supervisord,
}

/// What of a dependency has to be true first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Until {
    /// It was spawned.
    Started,
    /// It is ready.
    Ready,
    /// It ended as expected.
    Done,
    /// It ended, whatever the code.
    Exited,
}

impl Until {
    /// The word in the config.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Ready => "ready",
            Self::Done => "done",
            Self::Exited => "exited",
        }
    }
}

/// One edge: this program needs that one. Groups have been resolved to programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Whom.
    pub program: ProgramName,
    /// Until what.
    pub until: Until,
    /// Restart me when it restarts.
    pub restart: bool,
    /// Order only: ignored if absent or failed.
    pub optional: bool,
}

/// Whether a program gets a terminal of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tty {
    /// A pty when our own stdout is a terminal.
    Auto,
    /// Always.
    Always,
    /// Never: pipes.
    Never,
}

/// Where a port comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortRequest {
    /// The user's number: never changed by us.
    Fixed(u16),
    /// A stable function of checkout and name, from the ledger.
    Auto,
}

/// One declared port. `None` is the port that `port = …` declares and PORT carries; a named one is an entry of `ports`
/// and is carried by `PORT_NAME` in upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortSpec {
    /// Its name inside `ports`.
    pub name: Option<String>,
    /// Number or `"auto"`.
    pub request: PortRequest,
}

impl PortSpec {
    /// The variable that carries it.
    pub fn variable(&self) -> String {
        port_variable(self.name.as_deref())
    }
}

/// The variable that carries a port: `PORT`, or `PORT_ADMIN_UI` for the port `admin-ui`.
pub fn port_variable(name: Option<&str>) -> String {
    let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    match name {
        None => "PORT".to_owned(),
        Some(name) => format!("PORT_{}", name.chars().map(upper).collect::<String>()),
    }
}

impl Dependency {
    /// An edge that neither restarts nor is optional.
    pub fn new(program: impl Into<String>, until: Until) -> Self {
        Self { program: ProgramName(program.into()), until, restart: false, optional: false }
    }
}

/// A file of NAME=value lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFile {
    /// Absolute.
    pub path: PathBuf,
    /// Missing is fine.
    pub optional: bool,
}

/// A log file that the user named, with supervisord's rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// Absolute.
    pub path: PathBuf,
    /// Rotated at this size in bytes; 0 for never.
    pub maxbytes: u64,
    /// How many old ones are kept as `.1`, `.2` ….
    pub backups: u32,
}

/// One instance of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `group:process`.
    pub name: ProcessName,
    /// supervisord's `process_num`; added to the program's ports.
    pub number: u32,
    /// What it has of its own, where supervisord.conf expands `process_num`.
    pub own: Option<Box<Own>>,
}

impl Instance {
    /// An instance that has nothing of its own but its name.
    pub fn new(name: ProcessName, number: u32) -> Self {
        Self { name, number, own: None }
    }
}

/// What differs between the instances of one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Instead of [`Program::command`].
    pub command: Command,
    /// Instead of [`Program::directory`].
    pub directory: Option<Template>,
    /// Instead of [`Program::environment`].
    pub environment: Vec<(String, Template)>,
    /// Instead of [`Program::stdout_logfile`].
    pub stdout_logfile: Option<LogFile>,
    /// Instead of [`Program::stderr_logfile`].
    pub stderr_logfile: Option<LogFile>,
}

/// A program or task with every option resolved to its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its section's name.
    pub name: ProgramName,
    /// Program or task.
    pub kind: Kind,
    /// What it runs.
    pub command: Command,
    /// The instances, at least one (`numprocs`, a Procfile's formation).
    pub instances: Vec<Instance>,
    /// Where it runs; absolute after resolution, relative ones are against the project's root. `None`: the root.
    pub directory: Option<Template>,
    /// NAME and value, in the order of the file.
    pub environment: Vec<(String, Template)>,
    /// Read at every spawn, later ones win.
    pub env_files: Vec<EnvFile>,
    /// Edges to what it needs.
    pub depends_on: Vec<Dependency>,
    /// `None`: ready when RUNNING (after `startsecs`); for a task never asked.
    pub ready: Option<ReadySpec>,
    /// Asked for as long as it is ready; `None`: never.
    pub alive: Option<AliveSpec>,
    /// Above this many bytes for it and all its descendants it is restarted.
    pub max_memory: Option<u64>,
    /// Run by `sh` when a run has failed.
    pub on_crash: Option<String>,
    /// The ports it declares.
    pub ports: Vec<PortSpec>,
    /// Empty: always active.
    pub profiles: Vec<String>,
    /// Lower starts first among those that could start at the same moment, and stops last.
    pub priority: i32,
    /// Started with the project.
    pub autostart: bool,
    /// Started again after its end.
    pub autorestart: Autorestart,
    /// How long it must live to be RUNNING.
    pub startsecs: Duration,
    /// Tries after the first.
    pub startretries: u32,
    /// The arithmetic of failures.
    pub retry: RetryPolicy,
    /// Codes that count as expected.
    pub exitcodes: Vec<i32>,
    /// Any end of it ends the whole run with its code.
    pub exit_on_end: bool,
    /// What asks it to stop.
    pub stopsignal: Signal,
    /// How long it may take before SIGKILL.
    pub stopwaitsecs: Duration,
    /// `stopsignal` goes to the whole process group.
    pub stopasgroup: bool,
    /// SIGKILL goes to the whole process group and to every descendant.
    pub killasgroup: bool,
    /// Its stderr goes where its stdout goes.
    pub redirect_stderr: bool,
    /// Its own terminal or pipes.
    pub tty: Tty,
    /// Patterns of files, relative to its directory, whose change restarts it; later ones win, `!` takes out.
    pub watch: Vec<String>,
    /// A further copy of its stdout.
    pub stdout_logfile: Option<LogFile>,
    /// A further copy of its stderr.
    pub stderr_logfile: Option<LogFile>,
    /// File mode mask; `None`: as ours was at start.
    pub umask: Option<u32>,
    /// Run as this user (name or number).
    pub user: Option<String>,
    /// What only few programs have.
    pub extras: Extras,
}

impl Program {
    /// The priority of whoever asks for none.
    pub const DEFAULT_PRIORITY: i32 = 999;

    /// A program that runs `true`, with run.toml's defaults: supervisord's, save that signals go to the whole group and both
    /// outputs into one pipe, which keeps the order of its lines.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            instances: vec![Instance::new(ProcessName::new(name.clone(), name.clone()), 0)],
            name: ProgramName(name),
            kind: Kind::Program,
            command: Command::Line(Template::literal("true")),
            directory: None,
            environment: Vec::new(),
            env_files: Vec::new(),
            depends_on: Vec::new(),
            ready: None,
            alive: None,
            max_memory: None,
            on_crash: None,
            ports: Vec::new(),
            profiles: Vec::new(),
            priority: Self::DEFAULT_PRIORITY,
            autostart: true,
            autorestart: Autorestart::Unexpected,
            startsecs: Duration::from_secs(1),
            startretries: 3,
            retry: RetryPolicy::Native,
            exitcodes: vec![0],
            exit_on_end: false,
            stopsignal: Signal::TERM,
            stopwaitsecs: Duration::from_secs(10),
            stopasgroup: true,
            killasgroup: true,
            redirect_stderr: true,
            tty: Tty::Auto,
            watch: Vec::new(),
            stdout_logfile: None,
            stderr_logfile: None,
            umask: None,
            user: None,
            extras: Extras::default(),
        }
    }

    /// The same for a task, which is neither restarted nor waited for until it has lived for a while.
    pub fn new_task(name: impl Into<String>) -> Self {
        Self {
            kind: Kind::Task,
            autorestart: Autorestart::Never,
            startsecs: Duration::ZERO,
            startretries: 0,
            ..Self::new(name)
        }
    }

    /// A program that serves a namespace: started first, stopped last, started again whenever it ends.
    pub fn new_extension(extension: Extension) -> Self {
        let (name, timeout) =
            (Extension::program_name(&extension.namespace), Some(extension.timeout.max(Extension::TIMEOUT)));
        let ready =
            ReadySpec { timeout, failures: Some(1), every: Duration::ZERO, ..ReadySpec::new(ReadyKind::Described) };
        Self {
            priority: -1,
            autorestart: Autorestart::Always,
            ready: Some(ready),
            tty: Tty::Never,
            redirect_stderr: false,
            extras: Extras { role: Role::Extension(extension), ..Extras::default() },
            ..Self::new(name)
        }
    }

    /// The same program several times over: `worker:worker_0`, ….
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        let name = &self.name;
        let instance = |number| Instance::new(ProcessName::new(name.as_str(), format!("{name}_{number}")), number);
        self.instances = (0..count).map(instance).collect();
        self
    }

    /// The program as one of its instances has it.
    pub fn as_run_by(&self, instance: &Instance) -> Cow<'_, Self> {
        let Some(own) = &instance.own else { return Cow::Borrowed(self) };
        let own = Own::clone(own);
        Cow::Owned(Self {
            command: own.command,
            directory: own.directory,
            environment: own.environment,
            stdout_logfile: own.stdout_logfile,
            stderr_logfile: own.stderr_logfile,
            ..self.clone()
        })
    }

    /// What it is told, if it is an event listener.
    pub fn listener(&self) -> Option<&Listener> {
        match &self.extras.role {
            Role::Listener(listener) => Some(listener),
            Role::Plain | Role::Fcgi(_) | Role::Extension(_) => None,
        }
    }

    /// The socket that it is handed as its stdin, if it is an fcgi-program.
    pub fn fcgi_socket(&self) -> Option<&FcgiSocket> {
        match &self.extras.role {
            Role::Fcgi(socket) => Some(socket),
            Role::Plain | Role::Listener(_) | Role::Extension(_) => None,
        }
    }

    /// Whether it runs to its end.
    pub fn is_task(&self) -> bool {
        self.kind == Kind::Task
    }

    /// Whether it is there for the others only: what it does keeps no run alive, and ends none.
    pub fn serves_others(&self) -> bool {
        match &self.extras.role {
            Role::Extension(_) | Role::Listener(_) => true,
            Role::Plain | Role::Fcgi(_) => false,
        }
    }

    /// Whether what it leaves behind when its leader ends is ended at once. In a supervisord.conf it is left alone until the project ends.
    pub fn sweeps_leftovers(&self) -> bool {
        self.retry == RetryPolicy::Native
    }

    /// The port that PORT carries, if one is declared.
    pub fn main_port(&self) -> Option<&PortSpec> {
        self.ports.iter().find(|port| port.name.is_none())
    }
}
