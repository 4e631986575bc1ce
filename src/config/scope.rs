//! The variables that a value can name, as far as they are known at load: from the shell up to the
//! program's own table. What only a start can know (a port, a run) is defined without a value.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::dotenv;
use crate::config::facts::{FileFact, World};
use crate::config::request::Request;
use crate::model::template::Part;
use crate::model::{EnvFile, EnvOrder, Program, Project, Template};

/// Names, with values where they are known. A large project makes one for every program, so what programs have in common is shared
/// and the shell is only looked at.
#[derive(Debug, Clone, Default)]
pub struct Scope<'r> {
    shell: Option<&'r BTreeMap<String, String>>,
    common: Arc<BTreeMap<String, Option<String>>>,
    own: BTreeMap<String, Option<String>>,
}

impl<'r> Scope<'r> {
    /// The shell and the project's env files.
    pub fn below_environment(request: &'r Request, project: &Project, world: &mut World<'_>) -> Self {
        let mut scope = Self { shell: Some(&request.shell), ..Self::default() };
        scope.add_files(request, &project.env_files, world);
        scope
    }

    /// The same with `[environment]`: what every program starts from.
    pub fn of_project(request: &'r Request, project: &Project, world: &mut World<'_>) -> Self {
        let mut scope = Self::below_environment(request, project, world);
        scope.add_entries(&project.environment);
        Self { shell: scope.shell, common: Arc::new(scope.own), own: BTreeMap::new() }
    }

    /// What the values of a program's own `environment` see: this, its env files, its ports.
    #[must_use]
    pub fn with_files_and_ports(&self, request: &Request, program: &Program, world: &mut World<'_>) -> Self {
        let mut scope = self.clone();
        scope.add_files(request, &program.env_files, world);
        for port in &program.ports {
            scope.define(&port_variable(port.name.as_deref()), None);
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
        self.own.insert(name.to_owned(), value);
    }

    /// Whether a variable will have a value. `RUN_…` and `SUPERVISOR_…` are ours.
    pub fn has(&self, name: &str) -> bool {
        let is_ours = name.starts_with("RUN_") || name.starts_with("SUPERVISOR_");
        is_ours
            || self.own.contains_key(name)
            || self.common.contains_key(name)
            || self.shell.is_some_and(|shell| shell.contains_key(name))
    }

    /// A variable's value, if it is known already.
    pub fn get(&self, name: &str) -> Option<&str> {
        match self.own.get(name).or_else(|| self.common.get(name)) {
            Some(value) => value.as_deref(),
            None => self.shell?.get(name).map(String::as_str),
        }
    }

    /// A value with its holes filled, if all of them are known already.
    pub fn resolve(&self, template: &Template) -> Option<String> {
        let part = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Variable(name) => self.get(name).map(ToOwned::to_owned),
            Part::Program { .. } => None,
        };
        template.parts.iter().map(part).collect()
    }

    /// All names that have been defined.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let of_shell = self.shell.into_iter().flat_map(BTreeMap::keys);
        let all: BTreeSet<&String> = self.own.keys().chain(self.common.keys()).chain(of_shell).collect();
        all.into_iter().map(String::as_str)
    }

    /// Everything whose value is known.
    fn values(&self) -> BTreeMap<String, String> {
        let mut values = self.shell.cloned().unwrap_or_default();
        for (name, value) in self.common.iter().chain(&self.own) {
            match value {
                Some(value) => drop(values.insert(name.clone(), value.clone())),
                None => drop(values.remove(name)),
            }
        }
        values
    }

    fn add_files(&mut self, request: &Request, files: &[EnvFile], world: &mut World<'_>) {
        for file in files {
            let Some(FileFact::Bytes(bytes)) = world.file(&file.path) else { continue };
            for (name, value) in dotenv::parse(&String::from_utf8_lossy(bytes), &self.values()).pairs {
                if request.env_order == EnvOrder::File || !request.shell.contains_key(&name) {
                    self.define(&name, Some(value));
                }
            }
        }
    }
}

/// `PORT`, or `PORT_NAME` for a named port.
pub fn port_variable(name: Option<&str>) -> String {
    name.map_or("PORT".to_owned(), |name| format!("PORT_{}", name.to_uppercase().replace('-', "_")))
}
