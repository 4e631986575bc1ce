//! From a process of the project to everything its spawn needs. Env files are read anew at every spawn.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

use nix::unistd::User;

use crate::model::program::Instance;
use crate::model::{EnvContents, EnvFile, Program, ProgramName, Project, ReadyKind, Template, Variables};
use crate::plan::environment::{Layers, beneath_program_files, resolve};
use crate::plan::launch::{Launch, launch};
use crate::plan::ports::Ports;
use crate::probe::ResolvedProbe;
use crate::runtime::env_files::{self, Beneath, EnvFiles, Unreadable};
use crate::runtime::os;
use crate::runtime::spawner::Account;
use crate::supervisor::event::SpawnFailure;

/// What changes with a reload only, not from spawn to spawn.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The project in force.
    pub project: Arc<Project>,
    /// The ports it was given.
    pub ports: Arc<Ports>,
    /// The environment that it was started from.
    pub shell: BTreeMap<String, String>,
    /// What we say about the output: `FORCE_COLOR`, `NO_COLOR`.
    pub output: Vec<(String, String)>,
    /// Display name.
    pub name: String,
    /// Tells this run of the project from every other: the mark of leftovers.
    pub run_id: String,
    /// `unix://` and the socket's path.
    pub server_url: Option<String>,
}

/// What env files say: those of the project, then those of one program.
struct FromFiles {
    project: Vec<(String, String)>,
    program: Vec<(String, String)>,
    contents: EnvContents,
}

impl Launcher {
    /// The same for another project and its ports.
    #[must_use]
    pub fn with(&self, project: Arc<Project>, ports: Arc<Ports>) -> Self {
        Self { project, ports, ..self.clone() }
    }

    /// Everything that is needed to execute a process.
    pub fn launch(&self, program: &Program, instance: &Instance) -> Result<Launch, SpawnFailure> {
        self.launch_by_files(program, instance).map(|(launch, _)| launch)
    }

    /// The same, with what its env files say now.
    pub fn launch_by_files(
        &self,
        program: &Program,
        instance: &Instance,
    ) -> Result<(Launch, EnvContents), SpawnFailure> {
        let FromFiles { project, program: own, contents } = self.env_files(program, instance)?;
        let launch = launch(&self.project, program, instance, &self.ports, &self.layers(&project, &own));
        launch.map(|launch| (launch, contents)).map_err(|error| not_started(&error))
    }

    /// A ready check with its holes filled in, for a process that is executed with this environment.
    pub fn probe(
        &self,
        kind: &ReadyKind,
        (program, instance): (&Program, &Instance),
        environment: &Variables,
    ) -> Result<ResolvedProbe, String> {
        let variable = |name: &str| environment.get(name).map(str::to_owned);
        let port = |of: &ProgramName, port: Option<&str>| {
            let base = self.ports.get(of, port)?;
            let offset = if of == &program.name { u16::try_from(instance.number).ok()? } else { 0 };
            base.checked_add(offset)
        };
        let fill = |template: &Template| resolve(template, variable, port);
        ResolvedProbe::resolve(kind, fill).map_err(|error| error.to_string())
    }

    fn layers<'a>(
        &'a self,
        project_files: &'a [(String, String)],
        program_files: &'a [(String, String)],
    ) -> Layers<'a> {
        Layers {
            shell: &self.shell,
            output: &self.output,
            project_files,
            program_files,
            project_name: &self.name,
            run_id: Some(&self.run_id),
            server_url: self.server_url.as_deref(),
        }
    }

    fn env_files(&self, program: &Program, instance: &Instance) -> Result<FromFiles, SpawnFailure> {
        let beneath = Beneath { now: self.shell.clone(), at_load: self.shell.clone() };
        let EnvFiles { pairs: project, mut contents, .. } = self.read_all(&self.project.env_files, beneath)?;
        if program.env_files.is_empty() {
            return Ok(FromFiles { project, program: Vec::new(), contents });
        }
        let layers = self.layers(&project, &[]);
        let now = beneath_program_files(&self.project, (program, instance), &self.ports, &layers);
        let now = now.map_err(|error| not_started(&error))?;
        let mut at_load = self.shell.clone();
        at_load.extend(project.iter().cloned());
        let own = self.read_all(&program.env_files, Beneath { now, at_load })?;
        contents.extend(own.contents);
        Ok(FromFiles { project, program: own.pairs, contents })
    }

    fn read_all(&self, files: &[EnvFile], beneath: Beneath) -> Result<EnvFiles, SpawnFailure> {
        env_files::read(files, beneath).map_err(|Unreadable { path, why }| SpawnFailure {
            step: "could not read the env_file".to_owned(),
            errno: 0,
            message: format!("{}: {why}", path.strip_prefix(&self.project.root).unwrap_or(&path).display()),
        })
    }
}

fn not_started(error: &dyn std::error::Error) -> SpawnFailure {
    SpawnFailure { step: "could not start".to_owned(), errno: 0, message: error.to_string() }
}

/// Looks up a user by name or number, with all groups.
pub fn account(user: &str) -> Result<Account, SpawnFailure> {
    let failure = |message: String| SpawnFailure { step: "could not become user".to_owned(), errno: 0, message };
    let found = match user.parse::<u32>() {
        Ok(uid) => User::from_uid(uid.into()),
        Err(_) => User::from_name(user),
    };
    let found = found.map_err(|error| failure(format!("{user}: {error}")))?;
    let found = found.ok_or_else(|| failure(format!("there is no user {user}")))?;
    let name = std::ffi::CString::new(found.name.clone()).map_err(|_| failure(format!("there is no user {user}")))?;
    let groups = os::groups_of(&name, found.gid);
    Ok(Account {
        uid: found.uid.as_raw(),
        gid: found.gid.as_raw(),
        groups: groups.into_iter().map(nix::unistd::Gid::as_raw).collect(),
    })
}

/// Words as the spawner wants them.
pub fn os_strings(words: Vec<String>) -> Vec<OsString> {
    words.into_iter().map(OsString::from).collect()
}
