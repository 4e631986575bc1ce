//! A process as a project defines it. It keeps its project alive, so that what runs can be compared with what a newer one says.

use std::sync::Arc;

use crate::model::program::Instance;
use crate::model::{ProcessName, Program, Project};

/// One process of one project.
#[derive(Debug, Clone)]
pub struct Definition {
    project: Arc<Project>,
    program: usize,
    instance: usize,
}

impl Definition {
    /// Every process of a project, in the order of the file.
    pub fn all(project: &Arc<Project>) -> Vec<Self> {
        let of = |(program, one): (usize, &Program)| {
            (0..one.instances.len()).map(move |instance| Self { project: Arc::clone(project), program, instance })
        };
        project.programs.iter().enumerate().flat_map(of).collect()
    }

    /// The project that says so.
    pub fn project(&self) -> &Arc<Project> {
        &self.project
    }

    /// Its program.
    pub fn program(&self) -> &Program {
        &self.project.programs[self.program]
    }

    /// Which of the program's instances it is.
    pub fn instance(&self) -> &Instance {
        &self.program().instances[self.instance]
    }

    /// `group:process`.
    pub fn name(&self) -> &ProcessName {
        &self.instance().name
    }

    /// What orders it among those that could start at the same moment: its priority, then its place in the file.
    pub fn start_key(&self) -> (i32, usize, usize) {
        (self.project.start_priority(self.program(), self.instance()), self.program, self.instance)
    }
}
