//! Where commands meet projects: finding the one that runs here, loading the config that lies here, and what is left of one that ran.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::settings::Settings;
use crate::config::discover::{self, Listing};
use crate::config::facts::Known;
use crate::config::request::{AsSupervisord, Request, Vocabulary};
use crate::config::suggest;
use crate::model::status::ProjectStatus;
use crate::model::{Diagnostics, EnvOrder, ProcessName, Program, Project, ReloadMode};
use crate::plan::ports::Ports;
use crate::probe;
use crate::registry::{self, Homes, Identity, OwnerFacts, Past, Places, Running};
use crate::runtime::{load as loader, ports};
use crate::ui::look::Look;
use crate::ui::text::{pad, width};
use crate::ui::why::OFF;

/// The words that other layers add to the config.
pub const VOCABULARY: Vocabulary = Vocabulary { probes: probe::KINDS };

/// What the supervisor leaves in the state directory at its end, for `why` and `status` after `down`.
pub const LAST_STATUS: &str = "status.json";

/// That nothing runs here, and what is known all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotUp {
    /// What the project is called; empty when there is none.
    pub project: String,
    /// Where it was looked for, as people write it.
    pub directory: String,
    /// The config that `run up` would use, as messages name it.
    pub config: Option<String>,
    /// What does run, when one was asked for by its name.
    pub running: Vec<String>,
    /// What starts it.
    pub up: String,
}

impl NotUp {
    /// One line for a person.
    pub fn sentence(&self) -> String {
        match (&self.config, self.project.as_str()) {
            (Some(config), project) => format!("{project} is not up ({config}); {} starts it", self.up),
            (None, "") => format!("no project is up in {} or above", self.directory),
            (None, project) => format!("{project} is not up"),
        }
    }
}

impl From<NotUp> for CommandError {
    fn from(not_up: NotUp) -> Self {
        let config = not_up.config.as_ref().map(|config| format!(" ({config})")).unwrap_or_default();
        if !not_up.running.is_empty() {
            let running = not_up.running.join(", ");
            return Self::project(not_up.sentence()).hint(format!("run projects      shows what runs: {running}"));
        }
        match not_up.project.as_str() {
            "" => Self::project(not_up.sentence()).hint("run -C DIR … or run -p NAME … addresses another project"),
            project => {
                Self::project(format!("{project} is not up{config}")).hint(format!("{}      starts it", not_up.up))
            }
        }
    }
}

/// The project that runs here, or that none does.
pub fn find(settings: &Settings) -> Result<Result<Connection, NotUp>, CommandError> {
    let homes = Homes::of_this_user();
    if let Some(running) = running(settings, &homes)
        && let Some(connection) = Connection::open(homes.clone(), running)?
    {
        return Ok(Ok(connection));
    }
    match named_alike(settings, &homes) {
        Some(ambiguous) => Err(ambiguous),
        None => Ok(Err(not_up(settings, &homes))),
    }
}

/// That `-p` names several running projects, and how each is addressed.
fn named_alike(settings: &Settings, homes: &Homes) -> Option<CommandError> {
    let name = settings.name.as_deref()?;
    let alike = registry::named(homes, name);
    if alike.len() < 2 {
        return None;
    }
    let look = Look { home: settings.home.clone(), ..Look::plain() };
    let hint = |error: CommandError, running: &Running| {
        let OwnerFacts { root, explicit_name, .. } = &running.owner;
        let variation = explicit_name.as_ref().map(|name| format!(" -p {name}")).unwrap_or_default();
        error.hint(format!("run -C {}{variation} …", look.path(&root.to_string_lossy())))
    };
    let error = CommandError::project(format!("{} running projects are called {name}", alike.len()));
    Some(alike.iter().fold(error, hint))
}

/// The project that runs here; that none does is an error.
pub fn connect(settings: &Settings) -> Result<Connection, CommandError> {
    find(settings)?.map_err(CommandError::from)
}

/// The registry's entry of the project that runs here.
pub fn running(settings: &Settings, homes: &Homes) -> Option<Running> {
    let start = start_directory(settings);
    let found = registry::find(homes, &start, settings.name.as_deref())?;
    // A directory that is gone may still have its project, but says nothing about those above it.
    (settings.name.is_some() || start.is_dir() || found.owner.root == start).then_some(found)
}

fn not_up(settings: &Settings, homes: &Homes) -> NotUp {
    let look = Look { home: settings.home.clone(), ..Look::plain() };
    let here = canonical(&settings.directory);
    let directory = look.path(&here.to_string_lossy());
    let past = past(settings, homes);
    let config = config_files(settings).ok().and_then(|files| files.into_iter().next());
    let root = config.as_deref().and_then(Path::parent);
    let project = match (&past, &settings.name, root) {
        (Some(past), _, _) => past.meta.name.clone(),
        (None, Some(name), _) => name.clone(),
        (None, None, Some(root)) => registry::display_name(None, None, root, registry::worktree_of(root).as_ref()).full,
        (None, None, None) => String::new(),
    };
    let config = config.map(|config| look.path(&config.strip_prefix(&here).unwrap_or(&config).to_string_lossy()));
    let running = match settings.name {
        Some(_) => registry::list(homes).into_iter().map(|running| running.owner.name).collect(),
        None => Vec::new(),
    };
    let up = settings.name.as_ref().map_or_else(|| "run up".to_owned(), |name| format!("run -p {name} up"));
    NotUp { project, directory, config, running, up }
}

/// What is left of a project that ran here once.
pub fn past(settings: &Settings, homes: &Homes) -> Option<Past> {
    registry::find_past(homes, &start_directory(settings), settings.name.as_deref())
}

/// The state as it is, or as it was when the project ended, and where its logs are kept.
pub fn status_now_or_last(settings: &Settings) -> Result<(ProjectStatus, Places), CommandError> {
    let homes = Homes::of_this_user();
    match find(settings)? {
        Ok(mut connection) => {
            let status = connection.status()?;
            Ok((status, connection.running().places.clone()))
        }
        Err(not_up) => {
            let last = past(settings, &homes).and_then(|past| Some((ended(last_status(&past.places)?), past.places)));
            last.ok_or_else(|| not_up.into())
        }
    }
}

/// The state in which a project ended, as one that is off.
fn ended(last: ProjectStatus) -> ProjectStatus {
    ProjectStatus { state: OFF.to_owned(), ..last }
}

/// What a project that is or was up has left to be read.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What it is called.
    pub name: String,
    /// Where its logs are.
    pub places: Places,
    /// Its processes by namespec, and the place of each one's program in the file.
    pub processes: Vec<(String, usize)>,
    /// Whether it was up when it was looked for.
    pub was_up: bool,
    homes: Homes,
    root: PathBuf,
    explicit_name: Option<String>,
}

impl Kept {
    /// Whether it is up now.
    pub fn is_up(&self) -> bool {
        let found = registry::find(&self.homes, &self.root, self.explicit_name.as_deref());
        found.is_some_and(|running| running.places.identity == self.places.identity)
    }
}

/// What the project here has left to be read, whether it is up or not.
pub fn kept(settings: &Settings) -> Result<Kept, CommandError> {
    let homes = Homes::of_this_user();
    match find(settings)? {
        Ok(mut connection) => {
            let owner = connection.owner().clone();
            Ok(Kept {
                name: owner.name,
                processes: places_of(&connection.status()?),
                places: connection.running().places.clone(),
                was_up: true,
                homes,
                root: owner.root,
                explicit_name: owner.explicit_name,
            })
        }
        Err(not_up) => {
            let Past { places, meta } = past(settings, &homes).ok_or(not_up)?;
            let processes =
                last_status(&places).map_or_else(|| places_by_group(&meta.processes), |last| places_of(&last));
            let (root, explicit_name) = (PathBuf::from(meta.root), meta.explicit_name);
            Ok(Kept { name: meta.name, processes, places, was_up: false, homes, root, explicit_name })
        }
    }
}

fn places_of(status: &ProjectStatus) -> Vec<(String, usize)> {
    status.processes.iter().map(|process| (process.name.clone(), process.place as usize)).collect()
}

/// Without a last status: programs are told apart by their groups, which is right unless the config has `[group.…]`.
fn places_by_group(names: &[ProcessName]) -> Vec<(String, usize)> {
    let mut groups: Vec<&str> = names.iter().map(|name| name.group.as_str()).collect();
    groups.dedup();
    let place = |name: &ProcessName| groups.iter().position(|group| *group == name.group).unwrap_or(0);
    names.iter().map(|name| (name.to_string(), place(name))).collect()
}

/// The state in which a project ended.
pub fn last_status(places: &Places) -> Option<ProjectStatus> {
    let text = fs::read(places.state_dir.as_ref()?.join(LAST_STATUS)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// What the command line says about a config, beyond where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Programs that were named.
    pub names: Vec<String>,
    /// `--profile`.
    pub profiles: Vec<String>,
    /// `-m`.
    pub formation: Vec<(String, u32)>,
    /// `--port N`.
    pub base_port: Option<u16>,
    /// `--port NAME=N`.
    pub port_overrides: Vec<(String, u16)>,
    /// `--reload`.
    pub reload: Option<ReloadMode>,
    /// `--env-order`.
    pub env_order: EnvOrder,
    /// `--keep-going`.
    pub keep_going: bool,
    /// `up -- CMD`.
    pub one_off: Option<Vec<String>>,
    /// Supervisord's own command line.
    pub as_supervisord: Option<AsSupervisord>,
}

/// A project that loaded.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the config says.
    pub project: Project,
    /// What is legal but unwise about it.
    pub warnings: Diagnostics,
    /// What was asked of the loader: to ask it again.
    pub request: Request,
    /// All that was looked at while loading: what a watcher has to watch.
    pub known: Known,
    /// The project's name: `-p`, or the config's with the branch of a linked worktree.
    pub display_name: String,
    /// The branch of a linked worktree.
    pub branch: Option<String>,
    /// Where its lock, socket, state and logs are.
    pub places: Places,
    /// This user's directories.
    pub homes: Homes,
}

impl Loaded {
    /// The config files, relative to the project where possible.
    pub fn file_names(&self) -> Vec<String> {
        let name = |file: &PathBuf| file.strip_prefix(&self.project.root).unwrap_or(file).display().to_string();
        self.project.files.iter().map(name).collect()
    }

    /// What programs are told as `SUPERVISOR_SERVER_URL`: a server of the supervisord.conf, else the project's own socket.
    pub fn server_url(&self) -> String {
        let theirs = self.project.supervisord.as_ref().and_then(|conf| conf.server_url());
        theirs.unwrap_or_else(|| format!("unix://{}", self.places.socket.display()))
    }

    /// Looks for the places anew, for whom we have become meanwhile.
    pub fn move_home(&mut self, name: Option<&str>) {
        self.homes = Homes::of_this_user();
        self.places = self.homes.places(&Identity::new(&self.project.root, name));
    }
}

/// Loads the config that lies here.
pub fn load(settings: &Settings) -> Result<Loaded, CommandError> {
    load_with(settings, &LoadOptions::default())
}

/// Loads the config that lies here, under what the command line says about it. Everything that is wrong comes back at once.
pub fn load_with(settings: &Settings, options: &LoadOptions) -> Result<Loaded, CommandError> {
    let files = if options.one_off.is_some() { Vec::new() } else { config_files(settings)? };
    let root = match files.first().and_then(|file| file.parent()) {
        Some(parent) => parent.to_owned(),
        None => canonical(&settings.directory),
    };
    let worktree = registry::worktree_of(&root);
    let fallback_name = registry::base_name(&root, worktree.as_ref());
    let request = Request {
        root: root.clone(),
        files,
        fallback_name,
        profiles: options.profiles.clone(),
        names: options.names.clone(),
        formation: options.formation.clone(),
        base_port: options.base_port,
        port_overrides: options.port_overrides.clone(),
        shell: settings.environment.clone(),
        env_order: options.env_order,
        reload: options.reload,
        keep_going: options.keep_going,
        one_off: options.one_off.clone(),
        as_supervisord: options.as_supervisord.clone(),
    };
    let outcome = loader::load_project(&request, &VOCABULARY);
    let Some(project) = outcome.project else { return Err(outcome.diagnostics.into()) };
    known_profiles(&project, &options.profiles)?;
    let name = registry::display_name(settings.name.as_deref(), Some(&project.name), &root, worktree.as_ref());
    let homes = Homes::of_this_user();
    let identity = Identity::new(&root, settings.name.as_deref());
    let places = homes.places(&identity).with_socket(&root, project.control.socket.as_deref());
    Ok(Loaded {
        project,
        warnings: outcome.diagnostics,
        request,
        known: outcome.known,
        display_name: name.full,
        branch: name.branch,
        places,
        homes,
    })
}

/// That every profile named on the command line is one that a program has.
fn known_profiles(project: &Project, named: &[String]) -> Result<(), CommandError> {
    let mut known: Vec<&str> =
        project.programs.iter().flat_map(|program| &program.profiles).map(String::as_str).collect();
    known.sort_unstable();
    known.dedup();
    let Some(unknown) = named.iter().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    let error = CommandError::user(format!("no program of {} belongs to a profile `{unknown}`", project.name));
    Err(match suggest::did_you_mean(unknown, known.iter().copied()) {
        Some(hint) => error.hint(hint),
        None if known.is_empty() => error.hint("no program has the key `profiles`"),
        None => error.hint(format!("there are {}", known.join(", "))),
    })
}

/// The ports that programs have, or would get. Nothing is checked to be free; `"auto"` ones are entered into the ledger.
pub fn ports(settings: &Settings, loaded: &Loaded) -> Result<Ports, CommandError> {
    let status = match find(settings)? {
        Ok(mut connection) => connection.status_unless_gone()?,
        Err(_) => None,
    };
    let held = status.map(|status| held_ports(&loaded.project, &status)).unwrap_or_default();
    let ledger = loaded.homes.port_ledger();
    let request = ports::Request {
        project: &loaded.project,
        checkout: loaded.places.identity.as_str(),
        ledger: ledger.as_deref(),
        held: &held,
        own: &BTreeSet::new(),
        starts: &|_| false,
        holder_of: &|_| None,
    };
    match ports::assign(&request) {
        Ok((mut ports, _)) => {
            // What runs has what it was started with, `--port` included.
            for (program, name, port) in held.iter() {
                ports.insert(program.clone(), name.map(ToOwned::to_owned), port);
            }
            Ok(ports)
        }
        Err(taken) => {
            let messages: Vec<String> = taken.iter().map(|taken| taken.message(None)).collect();
            Err(CommandError::user(messages.join("\n")))
        }
    }
}

/// The base of each port from what the instances of a running project have.
fn held_ports(project: &Project, status: &ProjectStatus) -> Ports {
    let mut held = Ports::default();
    for (_, program, instance) in project.processes() {
        let name = instance.name.to_string();
        let ports = status.processes.iter().filter(|process| process.name == name).flat_map(|process| &process.ports);
        for port in ports {
            let base = u16::try_from(instance.number).ok().and_then(|number| port.port.checked_sub(number));
            let port_name = Some(port.name.clone()).filter(|name| !name.is_empty());
            if let Some(base) = base {
                held.insert(program.name.clone(), port_name, base);
            }
        }
    }
    held
}

/// `SUPERVISOR_SERVER_URL` of the project, if it runs.
pub fn server_url(settings: &Settings, loaded: &Loaded) -> Option<String> {
    let running = running(settings, &loaded.homes)?;
    let theirs = loaded.project.supervisord.as_ref().and_then(|conf| conf.server_url());
    Some(theirs.unwrap_or_else(|| format!("unix://{}", running.owner.socket.display())))
}

/// `4 programs, 1 task`: what starts by itself.
pub fn counted(project: &Project) -> String {
    let active: Vec<bool> = project
        .programs
        .iter()
        .filter(|program| program.autostart && project.is_active(program))
        .map(Program::is_task)
        .collect();
    let tasks = active.iter().filter(|is_task| **is_task).count();
    let programs = active.len() - tasks;
    let some = |count: usize, noun: &str| match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    };
    if tasks == 0 {
        some(programs, "program")
    } else {
        format!("{}, {}", some(programs, "program"), some(tasks, "task"))
    }
}

/// The config files: those of `-f`, else the one that is found here or above. Without any, what was looked for and what to type.
pub fn config_files(settings: &Settings) -> Result<Vec<PathBuf>, CommandError> {
    if !settings.files.is_empty() {
        return settings.files.iter().map(|file| named_file(file)).collect();
    }
    if !settings.directory.is_dir() {
        return Err(no_directory(&settings.directory));
    }
    let directory = canonical(&settings.directory);
    let listings = listings(&directory);
    let found = discover::discover(&listings);
    if let Some(files) = files_in_use(settings, found.as_deref()) {
        return Ok(files);
    }
    match found {
        Some(file) => Ok(vec![file]),
        None => Err(no_project(settings, &directory, &listings)),
    }
}

/// `-C` leads nowhere: a project further up is not what was asked for.
fn no_directory(directory: &Path) -> CommandError {
    if directory.is_file() {
        return CommandError::user(format!("{} is not a directory", directory.display()))
            .hint(format!("run -f {} …     uses this file", directory.display()));
    }
    CommandError::user(format!("there is no directory {}", directory.display()))
}

/// The files that the project here was started from, where they are others than the one that would be found.
fn files_in_use(settings: &Settings, found: Option<&Path>) -> Option<Vec<PathBuf>> {
    let owner = running(settings, &Homes::of_this_user())?.owner;
    let files: Vec<PathBuf> = owner.files.iter().map(|file| owner.root.join(file)).collect();
    let is_elsewhere =
        found.is_some_and(|found| found.parent() != Some(&owner.root) || files.iter().any(|f| f == found));
    (!is_elsewhere && !files.is_empty()).then_some(files)
}

/// A file of `-f`: its directory is canonical, its name stays as it was written, since a link's name decides the format.
fn named_file(file: &Path) -> Result<PathBuf, CommandError> {
    let (parent, name) = (file.parent().unwrap_or(Path::new("/")), file.file_name());
    match (fs::canonicalize(parent), name) {
        (Ok(parent), Some(name)) => Ok(parent.join(name)),
        (Err(error), _) => Err(CommandError::user(format!("could not read {}: {error}", file.display()))),
        (Ok(_), None) => Err(CommandError::user(format!("{} is not a file", file.display()))),
    }
}

/// Where a running project is looked for: beside the first `-f`, else where we are.
fn start_directory(settings: &Settings) -> PathBuf {
    let beside = settings.files.first().and_then(|file| file.parent());
    canonical(beside.unwrap_or(&settings.directory))
}

fn canonical(directory: &Path) -> PathBuf {
    fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned())
}

/// What lies in a directory and in those above it, up to the root of the git checkout.
fn listings(directory: &Path) -> Vec<Listing> {
    let mut listings = Vec::new();
    for directory in directory.ancestors() {
        let is_git_root = directory.join(".git").exists();
        listings.push(Listing { directory: directory.to_owned(), names: names_in(directory), is_git_root });
        if is_git_root {
            break;
        }
    }
    listings
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    // A link may lead to a file; what it leads to is found out when it is opened.
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    let mut names: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// What was looked for, what was found instead, what to type.
fn no_project(settings: &Settings, directory: &Path, listings: &[Listing]) -> CommandError {
    let look = Look { home: settings.home.clone(), ..Look::plain() };
    let names = discover::CONFIG_NAMES.join(", ");
    let mut message = format!(
        "no project here\n  looked for {names} in {} and above up to the git root",
        look.path(&directory.to_string_lossy())
    );
    let package = fs::read_to_string(directory.join("package.json")).ok();
    let hints = listings.first().map(|listing| discover::hints(listing, package.as_deref())).unwrap_or_default();
    for line in hints.lines() {
        message.push_str("\n  found ");
        message.push_str(&line);
    }
    let command = hints.scripts.first().map_or_else(|| "CMD".to_owned(), |script| format!("npm run {script}"));
    let from = if hints.lines().is_empty() { "a template" } else { "them" };
    let once = format!("run up -- {command}");
    let init = pad("run init", width(&once));
    CommandError::user(message)
        .hint(format!("{init}   writes a run.toml from {from} (shows it first)"))
        .hint(format!("{once}   runs one command under the same supervision, no file"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::args::GlobalArgs;
    use crate::cli::settings::{self, Facts, Stream};

    fn settings_in(directory: &Path) -> Settings {
        let facts = Facts { directory: directory.to_owned(), ..Facts::default() };
        settings::resolve(&GlobalArgs::default(), BTreeMap::new(), &facts)
    }

    /// A git checkout of its own, so that nothing above it counts.
    fn checkout() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join(".git")).unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        (directory, root)
    }

    #[test]
    fn an_empty_directory_is_told_what_was_looked_for_and_what_to_type() {
        let (_keep, root) = checkout();
        fs::write(root.join("package.json"), r#"{"scripts": {"dev": "vite", "worker": "node w", "test": "x"}}"#)
            .unwrap();
        let error = config_files(&settings_in(&root)).unwrap_err();
        assert_eq!(
            error.render(&Stream::plain()).replace(&root.display().to_string(), "~/src/shop"),
            "\
error: no project here
  looked for run.toml, Procfile.dev, Procfile, supervisord.conf in ~/src/shop and above up to the git root
  found package.json with 2 scripts that look like servers: dev, worker
help: run init                writes a run.toml from them (shows it first)
      run up -- npm run dev   runs one command under the same supervision, no file
"
        );
    }

    #[test]
    fn the_config_is_found_from_below() {
        let (_keep, root) = checkout();
        fs::create_dir_all(root.join("web/src")).unwrap();
        fs::write(root.join("Procfile"), "web: sleep 1\n").unwrap();
        assert_eq!(config_files(&settings_in(&root.join("web/src"))).unwrap(), [root.join("Procfile")]);
    }

    #[test]
    fn a_directory_that_is_not_there_is_not_mistaken_for_the_one_above() {
        let (_keep, root) = checkout();
        fs::write(root.join("Procfile"), "web: sleep 1\n").unwrap();
        let message = |name: &str| config_files(&settings_in(&root.join(name))).unwrap_err().to_string();
        assert!(message("shpo").starts_with("there is no directory "), "{}", message("shpo"));
        assert!(message("Procfile").ends_with("Procfile is not a directory"), "{}", message("Procfile"));
    }

    #[test]
    fn files_that_were_named_are_not_looked_for() {
        let (_keep, root) = checkout();
        let mut settings = settings_in(&root);
        settings.files = vec![root.join("sub/../Procfile.test")];
        assert!(config_files(&settings).is_err(), "the directory sub is not there");
        settings.files = vec![root.join("./Procfile.test")];
        assert_eq!(config_files(&settings).unwrap(), [root.join("Procfile.test")]);
    }

    #[test]
    fn a_project_that_is_down_says_how_it_is_started() {
        let config = Some("~/src/run.toml".into());
        let up = "run up".to_owned();
        let not_up =
            NotUp { project: "shop".into(), directory: "~/src".into(), config, running: Vec::new(), up: up.clone() };
        assert_eq!(not_up.sentence(), "shop is not up (~/src/run.toml); run up starts it");
        assert_eq!(CommandError::from(not_up).hints, ["run up      starts it"]);
        let nothing =
            NotUp { project: String::new(), directory: "~/src".into(), config: None, running: Vec::new(), up };
        assert_eq!(nothing.sentence(), "no project is up in ~/src or above");
    }
}
