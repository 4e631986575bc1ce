//! Which port each program got.

use std::collections::BTreeMap;

use crate::model::ProgramName;

/// The numbers that were assigned to declared ports, by program and port name (`None`: the main one). For several instances
/// this is the base: an instance adds its number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports {
    by_name: BTreeMap<(ProgramName, Option<String>), u16>,
}

impl Ports {
    /// Records one.
    pub fn insert(&mut self, program: ProgramName, name: Option<String>, port: u16) {
        self.by_name.insert((program, name), port);
    }

    /// Looks one up.
    pub fn get(&self, program: &ProgramName, name: Option<&str>) -> Option<u16> {
        self.by_name.get(&(program.clone(), name.map(ToOwned::to_owned))).copied()
    }

    /// All of them, by program and name.
    pub fn iter(&self) -> impl Iterator<Item = (&ProgramName, Option<&str>, u16)> {
        self.by_name.iter().map(|((program, name), port)| (program, name.as_deref(), *port))
    }
}
