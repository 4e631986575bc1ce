//! A project in force: what the config said when it was last taken over, and what was decided about it.

use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::Project;
use crate::model::status::SourceMark;
use crate::plan::graph::{Cycle, DependencyGraph};
use crate::plan::ports::Ports;

/// A project without circles, its ports, and what is known of where it came from. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Edition {
    project: Arc<Project>,
    /// The ports that its programs were given.
    pub ports: Arc<Ports>,
    /// What the user should know of the project as a whole: a port that was moved, a log that cannot be kept.
    pub notes: Arc<[String]>,
    /// The files that it was read from.
    pub sources: Arc<[SourceMark]>,
}

impl Edition {
    /// A project with its ports. Fails on a circle, which the loader refuses first.
    pub fn new(project: Arc<Project>, ports: Ports) -> Result<Self, Cycle> {
        DependencyGraph::new(&project)?;
        Ok(Self { project, ports: Arc::new(ports), notes: Arc::new([]), sources: Arc::new([]) })
    }

    /// The same, with what the user should know and where it came from.
    #[must_use]
    pub fn with(self, notes: Vec<String>, sources: Vec<SourceMark>) -> Self {
        Self { notes: notes.into(), sources: sources.into(), ..self }
    }

    /// Adds to what the user should know.
    pub fn note(&mut self, more: impl IntoIterator<Item = String>) {
        self.notes = self.notes.iter().cloned().chain(more).collect();
    }

    /// The project.
    pub fn project(&self) -> &Arc<Project> {
        &self.project
    }
}

/// Without the values of the environment, which would fill every line that shows an event.
impl fmt::Debug for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let programs: Vec<&str> = self.project.programs.iter().map(|program| program.name.as_str()).collect();
        f.debug_struct("Edition")
            .field("project", &self.project.name)
            .field("programs", &programs)
            .finish_non_exhaustive()
    }
}

/// Only the names: a record is a file that people send to others, and a project holds passwords.
impl Serialize for Edition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.project.processes().map(|(_, _, instance)| instance.name.to_string());
        names.collect::<Vec<_>>().serialize(serializer)
    }
}

/// What was left out cannot be had back.
impl<'de> Deserialize<'de> for Edition {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("a record can be repeated up to the first reload: configs are not in it"))
    }
}
