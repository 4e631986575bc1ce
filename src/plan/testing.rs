//! Small projects for the tests of the pure layers and the simulation.

use crate::model::{Dependency, Program, Project, Until};

/// A project of programs, each with the names it needs.
pub fn project(programs: &[(&str, &[&str])]) -> Project {
    let program = |(name, on): &(&str, &[&str])| Program {
        depends_on: on.iter().map(|on| Dependency::new(*on, Until::Ready)).collect(),
        ..Program::new(*name)
    };
    Project::new("/shop", programs.iter().map(program).collect())
}
