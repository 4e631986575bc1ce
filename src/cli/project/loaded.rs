//! The config that lies here, loaded under what the command line says about it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::error::CommandError;
use crate::cli::project::files::{canonical, config_files};
use crate::cli::project::found::running;
use crate::cli::settings::Settings;
use crate::config::request::{AsSupervisord, Request, Vocabulary};
use crate::config::suggest;
use crate::model::status::SourceMark;
use crate::model::{Diagnostics, EnvOrder, Program, Project, ReloadMode};
use crate::probe;
use crate::registry::{self, Homes, Identity, Places};
use crate::runtime::load as loader;

/// The words that other layers add to the config.
pub const VOCABULARY: Vocabulary = Vocabulary { probes: probe::KINDS };

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
    /// What the config says. Of a large one there is one copy, whoever holds on to it.
    pub project: Arc<Project>,
    /// What is legal but unwise about it.
    pub warnings: Diagnostics,
    /// What was asked of the loader: to ask it again.
    pub request: Request,
    /// What the files that were looked at while loading were like: what a watcher has to watch.
    pub sources: Vec<SourceMark>,
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
        server_url_at(&self.project, &self.places.socket)
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
        project: Arc::new(project),
        warnings: outcome.diagnostics,
        request,
        sources: outcome.sources,
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

/// `SUPERVISOR_SERVER_URL` of the project, if it runs.
pub fn server_url(settings: &Settings, loaded: &Loaded) -> Option<String> {
    let running = running(settings, &loaded.homes)?;
    Some(server_url_at(&loaded.project, &running.owner.socket))
}

fn server_url_at(project: &Project, socket: &Path) -> String {
    let theirs = project.supervisord.as_ref().and_then(|conf| conf.server_url());
    theirs.unwrap_or_else(|| format!("unix://{}", socket.display()))
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
