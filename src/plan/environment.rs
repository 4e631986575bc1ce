//! The exact environment of a process: one function for spawning, `run exec`, `run env` and exports.
//!
//! Low to high: the shell, what we say about colours, the project's env files, `[environment]`, the program's env files, its
//! `environment`, and what we say about the process itself (PORT, `RUN_*`, `SUPERVISOR_*`). A hole sees what is beneath it in
//! that order, earlier entries of its own table, and all of the last kind.

mod secret;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use self::secret::looks_secret;
use self::secret::mask;
use crate::model::program::Instance;
use crate::model::template::{MOST_TEXT, Part, ProgramFact};
use crate::model::{Dialect, EnvOrder, Program, ProgramName, Project, Template};
use crate::plan::ports::Ports;

/// What is known from outside when an environment is made. Env files have been read: pairs in order, later ones win.
#[derive(Debug, Clone, Copy)]
pub struct Layers<'a> {
    /// The environment that the project was started from.
    pub shell: &'a BTreeMap<String, String>,
    /// What we say about the output: `FORCE_COLOR`, `NO_COLOR`.
    pub output: &'a [(String, String)],
    /// The project's env files.
    pub project_files: &'a [(String, String)],
    /// The program's env files.
    pub program_files: &'a [(String, String)],
    /// `RUN_PROJECT`: the name under which the project is up.
    pub project_name: &'a str,
    /// `RUN_ID`: the mark by which leftovers are known. `None` for a command that is not ours to reclaim (`run exec`).
    pub run_id: Option<&'a str>,
    /// `SUPERVISOR_SERVER_URL`, when there is a socket.
    pub server_url: Option<&'a str>,
}

/// Where a value came from, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The shell that started the project.
    Shell,
    /// What we say about the output.
    Output,
    /// An env file of the project.
    ProjectFile,
    /// `[environment]`.
    ProjectTable,
    /// An env file of the program.
    ProgramFile,
    /// The program's `environment`.
    ProgramTable,
    /// A declared port.
    Port,
    /// What we say about the process: `RUN_*`, `SUPERVISOR_*`, PS.
    Process,
}

impl Layer {
    /// In the words of the config, for `run env`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Output => "output",
            Self::ProjectFile => "project env_file",
            Self::ProjectTable => "[environment]",
            Self::ProgramFile => "env_file",
            Self::ProgramTable => "environment",
            Self::Port => "port",
            Self::Process => "run",
        }
    }
}

/// A whole environment, by name. What it takes from elsewhere as it stands is not copied: it is made anew for each process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment<'a>(BTreeMap<Cow<'a, str>, Variable<'a>>);

/// One variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable<'a> {
    /// What it is set to.
    pub value: Cow<'a, str>,
    /// Where that came from.
    pub from: Layer,
    /// The same with the secrets hidden that it names, where it names any.
    masked: Option<String>,
}

impl Variable<'_> {
    /// The value as it may be shown under this name.
    pub fn shown(&self, name: &str) -> String {
        mask(name, self.masked.as_deref().unwrap_or(&self.value))
    }
}

impl<'a> Environment<'a> {
    /// What a variable is set to.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|variable| &*variable.value)
    }

    /// Where it came from.
    pub fn layer(&self, name: &str) -> Option<Layer> {
        self.0.get(name).map(|variable| variable.from)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Variable<'a>)> {
        self.0.iter().map(|(name, variable)| (&**name, variable))
    }

    /// Sets a variable, in place of what it was.
    pub fn set(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>, from: Layer) {
        self.0.insert(name.into(), Variable { value: value.into(), from, masked: None });
    }

    /// The same, on its own.
    pub fn into_owned(self) -> Environment<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let variable = |Variable { value, from, masked }| Variable { value: own(value), from, masked };
        Environment(self.0.into_iter().map(|(name, of_it)| (own(name), variable(of_it))).collect())
    }
}

/// A hole that nothing fills.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// No such variable.
    #[error("`${{{0}}}` is not defined")]
    Variable(String),
    /// No such port.
    #[error("`${{{0}}}` is not known: `{1}` has no such port")]
    Port(String, ProgramName),
    /// There is no end of it.
    #[error("with what it names it is longer than a program may be given")]
    TooLong,
}

/// A variable that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// A hole in its value.
    #[error("environment {name}: {source}")]
    Value {
        /// Which variable.
        name: String,
        /// What is missing.
        source: Unresolved,
    },
    /// Its base and its number are too much together.
    #[error("the port of instance {number} of {program} would be above 65535")]
    PortRange {
        /// Whose.
        program: ProgramName,
        /// Which instance.
        number: u32,
    },
}

/// What a program must not inherit from whoever started us: it would speak to another supervisor, or for us.
const NOT_INHERITED: [&str; 10] = [
    "NOTIFY_SOCKET",
    "RUN_PROJECT",
    "RUN_PROGRAM",
    "RUN_PROCESS",
    "RUN_INSTANCE",
    "RUN_ID",
    "SUPERVISOR_ENABLED",
    "SUPERVISOR_PROCESS_NAME",
    "SUPERVISOR_GROUP_NAME",
    "SUPERVISOR_SERVER_URL",
];

/// Makes the environment of a process, or, without one, that of a command in the project (`run exec`).
pub fn compose<'a>(
    project: &Project,
    process: Option<(&Program, &Instance)>,
    ports: &Ports,
    layers: &Layers<'a>,
) -> Result<Environment<'a>, EnvironmentError> {
    let own = own_variables(project, process, ports, layers)?;
    let mut builder = Builder { own: &own, ports, made: inherited(layers.shell), room: MOST_TEXT };
    builder.project(project, layers)?;
    let keeps_shell = |name: &str| project.env_order == EnvOrder::Shell && layers.shell.contains_key(name);
    for (name, value) in layers.program_files.iter().filter(|(name, _)| !keeps_shell(name)) {
        builder.made.set(name, value, Layer::ProgramFile);
    }
    if let Some((program, instance)) = process {
        builder.table(Layer::ProgramTable, &program.as_run_by(instance).environment)?;
    }
    let mut made = builder.made;
    for (name, Variable { value, from, .. }) in own.0 {
        // In a supervisord.conf the program's own `environment` has the last word (supervisor `process.py` `_spawn_as_child`).
        let is_overridden = made.layer(&name) == Some(Layer::ProgramTable) && name.starts_with("SUPERVISOR_");
        if !(is_overridden && project.dialect == Dialect::Supervisord) {
            made.set(name, value, from);
        }
    }
    Ok(made)
}

/// What the env files of a program see beneath them. Theirs among the layers are not looked at.
pub fn beneath_program_files(
    project: &Project,
    process: (&Program, &Instance),
    ports: &Ports,
    layers: &Layers<'_>,
) -> Result<BTreeMap<String, String>, EnvironmentError> {
    let own = own_variables(project, Some(process), ports, layers)?;
    let mut builder = Builder { own: &own, ports, made: inherited(layers.shell), room: MOST_TEXT };
    builder.project(project, layers)?;
    Ok(builder.made.iter().map(|(name, variable)| (name.to_owned(), variable.value.to_string())).collect())
}

/// What every process of a project begins with.
fn inherited(shell: &BTreeMap<String, String>) -> Environment<'_> {
    let kept = shell.iter().filter(|(name, _)| !NOT_INHERITED.contains(&name.as_str()));
    let variables =
        kept.map(|(name, value)| (name.into(), Variable { value: value.into(), from: Layer::Shell, masked: None }));
    Environment(variables.collect())
}

/// An environment under construction, and what its holes may see.
struct Builder<'b, 'a> {
    own: &'b Environment<'a>,
    ports: &'b Ports,
    made: Environment<'a>,
    /// How long further values of tables may be, all of them together.
    room: usize,
}

impl<'a> Builder<'_, 'a> {
    /// What the project says for all of its programs.
    fn project(&mut self, project: &Project, layers: &Layers<'a>) -> Result<(), EnvironmentError> {
        for (name, value) in layers.output {
            self.made.set(name, value, Layer::Output);
        }
        let keeps_shell = |name: &str| project.env_order == EnvOrder::Shell && layers.shell.contains_key(name);
        for (name, value) in layers.project_files.iter().filter(|(name, _)| !keeps_shell(name)) {
            self.made.set(name, value, Layer::ProjectFile);
        }
        self.table(Layer::ProjectTable, &project.environment)
    }

    fn table(&mut self, layer: Layer, table: &[(String, Template)]) -> Result<(), EnvironmentError> {
        for (name, template) in table {
            let variable = |name: &str| self.own.get(name).or_else(|| self.made.get(name)).map(str::to_owned);
            let value = resolve(template, variable, |program, port| self.ports.get(program, port))
                .and_then(|value| if value.len() > self.room { Err(Unresolved::TooLong) } else { Ok(value) })
                .map_err(|source| EnvironmentError::Value { name: name.clone(), source })?;
            self.room -= value.len();
            let masked = self.masked(template);
            self.made.0.insert(name.clone().into(), Variable { value: value.into(), from: layer, masked });
        }
        Ok(())
    }

    /// A value with the secrets that it names hidden; `None` where it names none.
    fn masked(&self, template: &Template) -> Option<String> {
        let variable = |name: &str| self.own.0.get(name).or_else(|| self.made.0.get(name));
        let is_secret = |name: &str| variable(name).is_some_and(|named| named.shown(name) != named.value);
        let names_secret = template.parts.iter().any(|part| matches!(part, Part::Variable(name) if is_secret(name)));
        let shown = |name: &str| variable(name).map(|named| named.shown(name));
        names_secret
            .then(|| resolve(template, shown, |program, port| self.ports.get(program, port)).unwrap_or_default())
    }
}

/// What we say about the process ourselves: it wins over everything.
fn own_variables<'a>(
    project: &Project,
    process: Option<(&Program, &Instance)>,
    ports: &Ports,
    layers: &Layers<'a>,
) -> Result<Environment<'a>, EnvironmentError> {
    let mut own = Environment::default();
    let mut say = |name: &'static str, value: Cow<'a, str>| own.set(name, value, Layer::Process);
    say("RUN_PROJECT", layers.project_name.into());
    if let Some(id) = layers.run_id {
        say("RUN_ID", id.into());
    }
    if let Some(url) = layers.server_url {
        say("SUPERVISOR_SERVER_URL", url.into());
    }
    let Some((program, instance)) = process else { return Ok(own) };
    if let Some(url) = &program.extras.serverurl {
        say("SUPERVISOR_SERVER_URL", url.clone().into());
    }
    say("RUN_PROGRAM", program.name.to_string().into());
    say("RUN_PROCESS", instance.name.to_string().into());
    say("RUN_INSTANCE", instance.number.to_string().into());
    say("SUPERVISOR_ENABLED", "1".into());
    say("SUPERVISOR_PROCESS_NAME", instance.name.process.clone().into());
    say("SUPERVISOR_GROUP_NAME", instance.name.group.clone().into());
    if project.dialect == Dialect::Procfile {
        // foreman counts from 1, and numbers an only instance too (foreman `engine.rb` `spawn_processes`).
        say("PS", format!("{}.{}", program.name, u64::from(instance.number) + 1).into());
    }
    for spec in &program.ports {
        let Some(base) = ports.get(&program.name, spec.name.as_deref()) else { continue };
        let port = u16::try_from(instance.number).ok().and_then(|number| base.checked_add(number));
        let Some(port) = port else {
            return Err(EnvironmentError::PortRange { program: program.name.clone(), number: instance.number });
        };
        own.set(spec.variable(), port.to_string(), Layer::Port);
    }
    Ok(own)
}

/// Fills the holes of a value.
pub fn resolve(
    template: &Template,
    variables: impl Fn(&str) -> Option<String>,
    ports: impl Fn(&ProgramName, Option<&str>) -> Option<u16>,
) -> Result<String, Unresolved> {
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Variable(name) => {
                text.push_str(&variables(name).ok_or_else(|| Unresolved::Variable(name.clone()))?);
            }
            Part::Program { program, fact } => text.push_str(&fill(program, fact, &ports)?),
        }
        if text.len() > MOST_TEXT {
            return Err(Unresolved::TooLong);
        }
    }
    Ok(text)
}

/// What a program's port or URL is.
fn fill(
    program: &ProgramName,
    fact: &ProgramFact,
    ports: impl Fn(&ProgramName, Option<&str>) -> Option<u16>,
) -> Result<String, Unresolved> {
    let (word, name) = match fact {
        ProgramFact::Port(name) => ("port", name.as_deref()),
        ProgramFact::Url(name) => ("url", name.as_deref()),
    };
    let Some(port) = ports(program, name) else {
        let written = [Some(program.as_str()), Some(word), name].into_iter().flatten().collect::<Vec<_>>().join(".");
        return Err(Unresolved::Port(written, program.clone()));
    };
    Ok(match fact {
        ProgramFact::Port(_) => port.to_string(),
        ProgramFact::Url(_) => format!("http://127.0.0.1:{port}"),
    })
}

#[cfg(test)]
mod tests;
