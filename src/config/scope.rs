//! The variables that a value can name, as far as they are known at load: from the shell up to the
//! program's own table. What only a start can know (a port, a run) is defined without a value.

use std::collections::BTreeMap;

use crate::config::dotenv;
use crate::config::facts::{FileFact, World};
use crate::config::layers::Layers;
use crate::config::request::Request;
use crate::model::template::{MOST_TEXT, Part};
use crate::model::{EnvFile, EnvOrder, Program, Project, Template};

/// Names, with values where they are known.
#[derive(Debug, Clone)]
pub struct Scope {
    values: Layers<Option<String>>,
    /// How long further values may be, all of them together; longer ones count as not known.
    room: usize,
}

impl Default for Scope {
    fn default() -> Self {
        Self { values: Layers::default(), room: MOST_TEXT }
    }
}

impl Scope {
    /// The shell and the project's env files.
    pub fn below_environment(request: &Request, project: &Project, world: &mut World<'_>) -> Self {
        let mut scope = Self::of_shell(request);
        scope.add_files(request, &project.env_files, world);
        scope
    }

    /// The shell alone: what the first env file sees.
    pub fn of_shell(request: &Request) -> Self {
        let mut scope = Self::default();
        for (name, value) in &request.shell {
            scope.define(name, Some(value.clone()));
        }
        scope
    }

    /// The same with `[environment]`: what every program starts from.
    pub fn of_project(request: &Request, project: &Project, world: &mut World<'_>) -> Self {
        let mut scope = Self::below_environment(request, project, world);
        scope.add_entries(&project.environment);
        Self { values: scope.values.shared(), ..scope }
    }

    /// What the values of a program's own `environment` see: this, its env files, its ports.
    #[must_use]
    pub fn with_files_and_ports(&self, request: &Request, program: &Program, world: &mut World<'_>) -> Self {
        let mut scope = self.clone();
        scope.add_files(request, &program.env_files, world);
        for port in &program.ports {
            scope.define(&port.variable(), None);
        }
        scope
    }

    /// Adds the entries of an environment in their order.
    pub fn add_entries(&mut self, entries: &[(String, Template)]) {
        for (name, template) in entries {
            let value = self.resolve(template);
            self.define(name, value);
        }
    }

    /// Adds a variable.
    pub fn define(&mut self, name: &str, value: Option<String>) {
        self.room = self.room.saturating_sub(value.as_ref().map_or(0, String::len));
        self.values.insert(name, value);
    }

    /// Whether a variable has been defined, be its value known already or not.
    pub fn defines(&self, name: &str) -> bool {
        self.values.get(name).is_some()
    }

    /// Whether a variable will have a value. `RUN_…` and `SUPERVISOR_…` are ours.
    pub fn has(&self, name: &str) -> bool {
        self.defines(name) || name.starts_with("RUN_") || name.starts_with("SUPERVISOR_")
    }

    /// A variable's value, if it is known already.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_deref()
    }

    /// A value with its holes filled, if all of them are known already.
    pub fn resolve(&self, template: &Template) -> Option<String> {
        let mut text = String::new();
        for part in &template.parts {
            text.push_str(match part {
                Part::Text(text) => text,
                Part::Variable(name) => self.get(name)?,
                Part::Program { .. } => return None,
            });
            if text.len() > self.room {
                return None;
            }
        }
        Some(text)
    }

    /// All names that have been defined.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.names()
    }

    /// Names whose values are known.
    pub fn known(&self) -> BTreeMap<String, String> {
        self.names().filter_map(|name| Some((name.to_owned(), self.get(name)?.to_owned()))).collect()
    }

    /// Adds what env files say, each of which sees those before it.
    pub fn add_files(&mut self, request: &Request, files: &[EnvFile], world: &mut World<'_>) {
        for file in files {
            let Some(FileFact::Bytes(bytes)) = world.file(&file.path) else { continue };
            for (name, value) in dotenv::parse(&String::from_utf8_lossy(bytes), &self.known()).pairs {
                if request.env_order == EnvOrder::File || !request.shell.contains_key(&name) {
                    self.define(&name, Some(value));
                }
            }
        }
    }
}
