//! A project: what a config file describes, fully resolved and comparable with `==`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::ProcessId;
use super::local_name::PROXY_PORT;
use super::name::ProgramName;
use super::program::{EnvFile, Instance, Program};
use super::reload::ReloadMode;
use super::supervisord::Supervisord;
use super::template::Template;

/// Whose rules a project follows where the formats differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// run.toml.
    Native,
    /// A Procfile: a failure ends the run with its code.
    Procfile,
    /// supervisord.conf.
    Supervisord,
}

/// Which wins when the shell and an env file both set a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EnvOrder {
    /// The file (foreman's meaning).
    #[default]
    File,
    /// The shell.
    Shell,
}

/// `[group.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The members, in the order of the file.
    pub programs: Vec<ProgramName>,
    /// supervisord's group priority.
    pub priority: i32,
}

/// `[control]`: how the running project is reached.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Control {
    /// The UNIX socket; `None`: in the per-project runtime directory.
    pub socket: Option<PathBuf>,
    /// `host:port` of a TCP listener, off by default; what [`ListenAddress`](super::ListenAddress) reads.
    pub tcp: Option<String>,
    /// Both or neither.
    pub username: Option<String>,
    /// Plain, or `{SHA}` and 40 hex digits.
    pub password: Option<String>,
}

/// Without the password: whatever prints a project must not print that.
impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { socket, tcp, username, password } = self;
        let password = password.as_ref().map(|_| "…");
        let mut shown = f.debug_struct("Control");
        shown.field("socket", socket).field("tcp", tcp).field("username", username).field("password", &password);
        shown.finish()
    }
}

/// `[proxy]`: names below `.localhost` for the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proxy {
    /// Whether this project runs the proxy when no other does.
    pub enable: bool,
    /// Where it listens, on the loopback addresses.
    pub port: u16,
}

impl Default for Proxy {
    fn default() -> Self {
        Self { enable: false, port: PROXY_PORT }
    }
}

/// What env files say, by file: a hash of the value of each name.
pub type EnvContents = BTreeMap<PathBuf, BTreeMap<String, u64>>;

/// Everything a config says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// `name = …`, before `-p`.
    pub name: String,
    /// The directory that holds the config; absolute.
    pub root: PathBuf,
    /// The files it came from, the main one first; absolute.
    pub files: Vec<PathBuf>,
    /// Whose rules.
    pub dialect: Dialect,
    /// Project-wide env files, below `environment`.
    pub env_files: Vec<EnvFile>,
    /// What the env files said when they were looked at: a hash of the value of each name. Values are read at every spawn and
    /// kept nowhere; this tells whether one is another now.
    pub env_contents: EnvContents,
    /// `[environment]`.
    pub environment: Vec<(String, Template)>,
    /// In the order of the file: colours and tie-breaks follow it.
    pub programs: Vec<Program>,
    /// Named groups.
    pub groups: Vec<Group>,
    /// `[control]`.
    pub control: Control,
    /// `[proxy]`.
    pub proxy: Proxy,
    /// What happens when the config is saved.
    pub reload: ReloadMode,
    /// Profiles that were asked for.
    pub active_profiles: Vec<String>,
    /// Shell or file first.
    pub env_order: EnvOrder,
    /// What a supervisord.conf says beside all this.
    pub supervisord: Option<Box<Supervisord>>,
}

impl Project {
    /// A project of these programs in a directory, from the run.toml there.
    pub fn new(root: impl Into<PathBuf>, programs: Vec<Program>) -> Self {
        let root = root.into();
        Self {
            name: root.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            files: vec![root.join("run.toml")],
            root,
            dialect: Dialect::Native,
            env_files: Vec::new(),
            env_contents: BTreeMap::new(),
            environment: Vec::new(),
            programs,
            groups: Vec::new(),
            control: Control::default(),
            proxy: Proxy::default(),
            reload: ReloadMode::Auto,
            active_profiles: Vec::new(),
            env_order: EnvOrder::File,
            supervisord: None,
        }
    }

    /// Finds a program.
    pub fn program(&self, name: &ProgramName) -> Option<&Program> {
        self.programs.iter().find(|program| &program.name == name)
    }

    /// Every process with its program, in the order of the file; the position is its [`ProcessId`] in a fresh supervisor.
    pub fn processes(&self) -> impl Iterator<Item = (ProcessId, &Program, &Instance)> {
        self.programs
            .iter()
            .flat_map(|program| program.instances.iter().map(move |instance| (program, instance)))
            .zip(0u32..)
            .map(|((program, instance), index)| (ProcessId(index), program, instance))
    }

    /// The priority that orders the start among what could start at the same moment: a program's own, and in a supervisord.conf
    /// that of its group, inside of which the order of the file holds (supervisor `options.py` `process_groups_from_parser`).
    pub fn start_priority(&self, program: &Program, instance: &Instance) -> i32 {
        match self.dialect {
            Dialect::Native | Dialect::Procfile => program.priority,
            Dialect::Supervisord => {
                let group = self.groups.iter().find(|group| group.name == instance.name.group);
                group.map_or(program.priority, |group| group.priority)
            }
        }
    }

    /// Whether a program is active under the chosen profiles: it has none, or one of them was asked for.
    pub fn is_active(&self, program: &Program) -> bool {
        program.profiles.is_empty() || program.profiles.iter().any(|profile| self.active_profiles.contains(profile))
    }
}
