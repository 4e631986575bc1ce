//! `run up`: start the project, or the named programs and what they need, and stream the output.

mod already;
mod doors;
mod holder;
mod joined;
mod logs;
mod names;
mod narrator;
mod outcome;
mod screen;
mod servers;
pub(super) mod session;
mod usage;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use clap::ValueEnum;
use clap_complete::engine::ArgValueCandidates;

use self::session::{Life, Session, WayOut};
use crate::cli::args::{self, Formation, PortChoice};
use crate::cli::complete;
use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output;
use crate::cli::project::{self, LoadOptions, Loaded};
use crate::cli::select::unknown_name;
use crate::cli::settings::Settings;
use crate::cli::supervisord::user;
use crate::config::check::profiles;
use crate::model::{Diagnostics, Dialect, EnvOrder, ProcessId, Program, Project, ReloadMode, Severity};
use crate::plan::ports::Ports;
use crate::plan::select;
use crate::registry;
use crate::runtime::driver::Ended;
use crate::runtime::front::{self, DetachHandle, OnTerminal, Role};
use crate::runtime::os;
use crate::runtime::ports;
use crate::supervisor::ExitPolicy;
use crate::ui::report;

/// How long what an earlier run has left may take to end by itself.
const RECLAIM_GRACE: Duration = Duration::from_secs(2);

/// Start the project, or the named programs and what they need, and stream the output.
///
/// Ctrl-C stops everything in reverse order; again: kill now. When the project is up already, what is missing is started and
/// the stream is shown; there Ctrl-C only leaves.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// Programs, groups or globs; without any: everything that starts by itself.
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::configured), conflicts_with = "command")]
    pub names: Vec<String>,
    /// Leave it running in the background; return when everything is ready (0) or something has failed (1).
    #[arg(short, long)]
    pub detach: bool,
    /// Show the stream until everything is ready, then leave it running; --detach waits, too.
    #[arg(long)]
    pub wait: bool,
    /// With --detach: as JSON what came of it, the last lines of what failed included.
    #[arg(long, requires = "detach")]
    pub json: bool,
    /// With --detach or --wait: give up waiting after this long (124).
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    pub timeout: Option<Duration>,
    /// Activate what belongs to this profile; may be given several times.
    #[arg(long, value_name = "PROFILE", value_delimiter = ',', add = ArgValueCandidates::new(complete::profiles))]
    pub profile: Vec<String>,
    /// Number of instances, such as all=1,web=2.
    #[arg(short = 'm', long, value_name = "NAME=COUNT", value_delimiter = ',', value_parser = args::formation)]
    pub formation: Vec<Formation>,
    /// Start the named ones alone, without what they need.
    #[arg(long, requires = "names")]
    pub no_deps: bool,
    /// Base port of a Procfile, or the port of one program.
    #[arg(long, value_name = "N|NAME=N", value_parser = args::port_choice)]
    pub port: Vec<PortChoice>,
    /// Any program that ends, ends everything (foreman's rule).
    #[arg(long, conflicts_with_all = ["exit_on_failure", "keep_going"])]
    pub exit_on_end: bool,
    /// A program that fails ends everything.
    #[arg(long, conflicts_with = "keep_going")]
    pub exit_on_failure: bool,
    /// Nothing but Ctrl-C ends everything; what fails is started again.
    #[arg(long)]
    pub keep_going: bool,
    /// Which wins when the shell and an env file both set a variable.
    #[arg(long, value_name = "file|shell", default_value = "file", hide_possible_values = true)]
    pub env_order: EnvOrderChoice,
    /// What happens when the config is saved: it is taken over, the plan is shown, or nothing; else as the config says.
    #[arg(long, value_name = "auto|ask|off", hide_possible_values = true)]
    pub reload: Option<ReloadChoice>,
    /// Listen to no keys.
    #[arg(long)]
    pub no_keys: bool,
    /// Time before every line: -t since the start, -tt on the clock.
    #[arg(short = 't', long, action = clap::ArgAction::Count)]
    pub timestamps: u8,
    /// Supervise this command instead of a config file.
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<String>,
}

/// `--env-order`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum EnvOrderChoice {
    /// The file.
    #[default]
    File,
    /// The shell.
    Shell,
}

impl From<EnvOrderChoice> for EnvOrder {
    fn from(choice: EnvOrderChoice) -> Self {
        match choice {
            EnvOrderChoice::File => Self::File,
            EnvOrderChoice::Shell => Self::Shell,
        }
    }
}

/// `--reload`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReloadChoice {
    /// Taken over.
    Auto,
    /// The plan is shown.
    Ask,
    /// Nothing.
    Off,
}

impl From<ReloadChoice> for ReloadMode {
    fn from(choice: ReloadChoice) -> Self {
        match choice {
            ReloadChoice::Auto => Self::Auto,
            ReloadChoice::Ask => Self::Ask,
            ReloadChoice::Off => Self::Off,
        }
    }
}

/// Starts the project.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let mut loaded = project::load_with(settings, &load_options(args))?;
    let left_aside = become_user(settings, &mut loaded)?;
    let warnings = at_up(loaded.warnings.clone());
    if !warnings.list.is_empty() {
        output::say(&report::human(&warnings, settings.err.colour));
    }
    if let Some(connection) = running(&loaded)?
        && let Some(code) = already::join(settings, args, connection, &loaded)?
    {
        outcome::tell(settings, args)?;
        return Ok(code);
    }
    if loaded.warnings.list.iter().any(|warning| warning.code == profiles::NOTHING_ACTIVE) {
        return Err(CommandError::user("there is nothing to start"));
    }
    let mut start = Start::of(settings, args, loaded)?;
    let reclaimed = reclaim(&start.loaded);
    let keys = settings.stdin_is_terminal && settings.err.is_terminal && !args.no_keys;
    let leaves = args.detach || args.wait;
    let detach: WayOut = match stand_before(settings, keys || leaves)? {
        Stand::Front(code) => {
            outcome::tell(settings, args)?;
            return Ok(ExitCode::Program(code));
        }
        Stand::Supervisor(detach) => Rc::new(Cell::new(detach)),
    };
    let mut notes: Vec<String> = left_aside.clone().into_iter().chain(reclaimed).collect();
    let mut lock = None;
    let was_cut_short = Rc::new(Cell::new(false));
    let taken = loop {
        let Start { loaded, chosen, ports, port_notes } = start;
        let session = Session {
            settings,
            policy: policy(args, &loaded.project),
            loaded,
            ports,
            port_notes,
            notes: std::mem::take(&mut notes),
            chosen,
            with_needs: !args.no_deps,
            timestamps: args.timestamps,
            only_stderr: args.json,
            keys: keys && !leaves,
            detach: Rc::clone(&detach),
            detach_when_ready: leaves,
            was_cut_short: Rc::clone(&was_cut_short),
            timeout: args.timeout,
            quiet: None,
            lock: lock.take(),
        };
        let before = match session.run()? {
            Life::Over(Ended { restarts: true, .. }, kept) => {
                lock = Some(kept.lock);
                kept.loaded
            }
            // Whoever waits takes 0 for "everything is ready", and this one has not left before the end.
            Life::Over(Ended { code: 0, .. }, _) if leaves && was_cut_short.get() => return Ok(ExitCode::Failed),
            Life::Over(ended, _) => return Ok(ExitCode::Program(ended.code)),
            Life::Taken(loaded) => break loaded,
        };
        notes.extend(left_aside.clone());
        let anew =
            project::load_with(settings, &load_options(args)).and_then(|loaded| Start::of(settings, args, loaded));
        start = match anew {
            Ok(anew) => anew,
            // It was readable when the end was asked for.
            Err(error) => {
                notes.push(format!("the config was not read again: {}", error.message));
                Start::of(settings, args, before)?
            }
        };
    };
    let joined = match running(&taken)? {
        Some(connection) => already::join(settings, args, connection, &taken)?,
        None => None,
    };
    joined.ok_or_else(|| {
        CommandError::project("another run of this project has just ended").hint("run up      starts it")
    })
}

/// What a life begins with.
#[derive(Debug)]
struct Start {
    loaded: Loaded,
    chosen: Option<Vec<ProcessId>>,
    ports: Ports,
    port_notes: Vec<String>,
}

impl Start {
    fn of(settings: &Settings, args: &Args, loaded: Loaded) -> Result<Self, CommandError> {
        let chosen = choose(&loaded.project, &args.names)?;
        let (ports, port_notes) = assign_ports(settings, &loaded, chosen.as_deref(), !args.no_deps)?;
        Ok(Self { loaded, chosen, ports, port_notes })
    }
}

pub(super) use self::already::refusal;
pub(super) use self::doors::holder;
pub(super) use self::holder::holder_of;
pub(super) use self::servers::TAKEN;

/// As root, `user` of `[supervisord]` is followed: its programs are not meant to be root's. Whoever else starts it stays himself; the
/// sentence for that comes back.
fn become_user(settings: &Settings, loaded: &mut Loaded) -> Result<Option<String>, CommandError> {
    let Some(user) = loaded.project.supervisord.as_ref().and_then(|conf| conf.daemon.user.clone()) else {
        return Ok(None);
    };
    if !nix::unistd::getuid().is_root() {
        return Ok(Some(format!("`user={user}` of [supervisord] is left aside: only root can become somebody else")));
    }
    user::become_user(Some(&user)).map_err(CommandError::user)?;
    loaded.move_home(settings.name.as_deref());
    Ok(None)
}

/// The project, if somebody runs it.
fn running(loaded: &Loaded) -> Result<Option<Connection>, CommandError> {
    match registry::running(&loaded.homes, &loaded.places.identity) {
        Some(running) => Connection::open(loaded.homes.clone(), running),
        None => Ok(None),
    }
}

/// Ends what an earlier run has left that was killed with all of our processes; only such a run leaves its lock file. The sentence
/// for the user, if there was anything.
pub(super) fn reclaim(loaded: &Loaded) -> Option<String> {
    if !loaded.places.lock.exists() {
        return None;
    }
    let ended = os::reclaim(loaded.places.identity.as_str(), RECLAIM_GRACE);
    let names: Vec<String> = ended.iter().map(|(pid, name)| format!("{name} ({pid})")).collect();
    (!names.is_empty()).then(|| format!("left by an earlier run that was killed, ended now: {}", names.join(", ")))
}

fn load_options(args: &Args) -> LoadOptions {
    let base = args.port.iter().rev().find_map(|choice| match choice {
        PortChoice::Base(port) => Some(*port),
        PortChoice::Named(..) => None,
    });
    let named = args.port.iter().filter_map(|choice| match choice {
        PortChoice::Base(_) => None,
        PortChoice::Named(name, port) => Some((name.clone(), *port)),
    });
    LoadOptions {
        names: args.names.clone(),
        profiles: args.profile.clone(),
        formation: args.formation.iter().map(|one| (one.program.clone(), one.count)).collect(),
        base_port: base,
        port_overrides: named.collect(),
        env_order: args.env_order.into(),
        reload: args.reload.map(ReloadMode::from),
        keep_going: args.keep_going,
        one_off: (!args.command.is_empty()).then(|| args.command.clone()),
        as_supervisord: None,
    }
}

/// Warnings that do not concern a start.
const AT_CHECK_ONLY: [&str; 4] = ["command-not-yet", "unknown-option", "unknown-section", "python-plugin"];

/// The warnings that matter now. What supervisord leaves to third parties, and a path that a task may build first, are `run check`'s
/// to mention.
fn at_up(mut warnings: Diagnostics) -> Diagnostics {
    warnings.list.retain(|warning| warning.severity == Severity::Error || !AT_CHECK_ONLY.contains(&warning.code));
    warnings
}

/// The processes that the names mean; `None` without names.
fn choose(project: &Project, names: &[String]) -> Result<Option<Vec<ProcessId>>, CommandError> {
    let mut chosen = Vec::new();
    for name in names {
        let meant = project.processes().filter(|(_, program, instance)| {
            program.name.as_str() == name || instance.name.matches(name) || in_group(project, program, name)
        });
        let before = chosen.len();
        chosen.extend(meant.map(|(id, _, _)| id));
        if chosen.len() == before {
            let known: Vec<String> = project.programs.iter().map(|program| program.name.to_string()).collect();
            return Err(unknown_name(name, &project.name, &known));
        }
    }
    // Whoever is named finds the methods of the project there.
    let extensions = project.processes().filter(|(_, program, _)| program.serves_others()).map(|(id, _, _)| id);
    chosen.extend(extensions);
    Ok((!names.is_empty()).then_some(chosen))
}

fn in_group(project: &Project, program: &Program, name: &str) -> bool {
    let group = name.trim_end_matches('*').trim_end_matches(':');
    project.groups.iter().any(|one| one.name == group && one.programs.contains(&program.name))
}

/// Every declared port, or everyone whose port somebody else has.
fn assign_ports(
    settings: &Settings,
    loaded: &Loaded,
    chosen: Option<&[ProcessId]>,
    with_needs: bool,
) -> Result<(Ports, Vec<String>), CommandError> {
    let project = &loaded.project;
    let starting = starting(project, chosen, with_needs);
    let ledger = loaded.homes.port_ledger();
    let request = ports::Request {
        project,
        checkout: loaded.places.identity.as_str(),
        ledger: ledger.as_deref(),
        held: &Ports::default(),
        own: &BTreeSet::new(),
        starts: &|program| starting.contains(&program.name.as_str()),
        holder_of: &|port| holder_of(port, &loaded.homes),
    };
    let home = settings.home.as_deref().map(Path::new);
    match ports::assign(&request) {
        Ok((assigned, notes)) => Ok((assigned, notes.iter().map(ToString::to_string).collect())),
        Err(taken) => {
            let messages: Vec<String> = taken.iter().map(|one| one.message(home)).collect();
            let error = CommandError::user(messages.join("\nerror: "));
            Err(taken.iter().flat_map(|one| one.help(home)).fold(error, CommandError::hint))
        }
    }
}

/// The names of the programs that may start.
fn starting<'a>(project: &'a Project, chosen: Option<&[ProcessId]>, with_needs: bool) -> Vec<&'a str> {
    let roots = chosen.map_or_else(|| select::autostarted(project), <[ProcessId]>::to_vec);
    let reached = match crate::plan::graph::DependencyGraph::new(project) {
        Ok(graph) if with_needs => select::with_needs(&graph, &roots),
        // A circle was refused by the loader.
        Ok(_) | Err(_) => roots.into_iter().collect(),
    };
    let of = project.processes().filter(|(id, _, _)| reached.contains(id));
    of.map(|(_, program, _)| program.name.as_str()).collect()
}

fn policy(args: &Args, project: &Project) -> ExitPolicy {
    match project.dialect {
        _ if args.exit_on_end => ExitPolicy::OnEnd,
        _ if args.exit_on_failure => ExitPolicy::OnFailure,
        _ if args.keep_going => ExitPolicy::KeepGoing,
        Dialect::Procfile => ExitPolicy::OnFailure,
        Dialect::Supervisord if exits_on_failure(project) => ExitPolicy::OnFailure,
        Dialect::Native | Dialect::Supervisord => ExitPolicy::KeepGoing,
    }
}

/// Whether `[supervisord]` says that a program which fails for good ends everything.
pub(super) fn exits_on_failure(project: &Project) -> bool {
    project.supervisord.as_ref().is_some_and(|conf| conf.daemon.exit_on_failure)
}

/// Which side of the front we are.
enum Stand {
    /// The front, and how it ended.
    Front(u8),
    /// The supervisor, with its way out of the terminal if there is a front.
    Supervisor(Option<DetachHandle>),
}

/// Puts a front before the supervisor when it may have to leave the terminal.
fn stand_before(settings: &Settings, wanted: bool) -> Result<Stand, CommandError> {
    if !wanted {
        return Ok(Stand::Supervisor(None));
    }
    match front::split()? {
        Role::Front(front) => Ok(Stand::Front(front.run(&full_screen(settings))?)),
        Role::Supervisor(detach) => Ok(Stand::Supervisor(Some(detach))),
    }
}

/// What shows the project on the full screen.
fn full_screen(settings: &Settings) -> OnTerminal {
    let colour = if settings.out.colour { "always" } else { "never" };
    let mut words: Vec<OsString> =
        vec!["--color".into(), colour.into(), "-C".into(), settings.directory.clone().into()];
    for file in &settings.files {
        words.extend(["-f".into(), file.clone().into()]);
    }
    if let Some(name) = &settings.name {
        words.extend(["-p".into(), name.into()]);
    }
    words.extend(["ui".into(), "--from-stream".into()]);
    #[cfg(feature = "tui")]
    let undo = crate::ui::tui::terminal::LEAVE;
    #[cfg(not(feature = "tui"))]
    let undo = b"";
    OnTerminal { arguments: words, undo }
}
