//! The difference between two projects: what a reload has to start, stop, restart, or only has to tell what runs.
//!
//! Processes are the same when their names are. The keys of a program are compared one by one ([`rules`]); each says whether a
//! running process has to be started anew for it. What stands above the programs (`[environment]`, env files) counts for each.

mod groups;
mod rules;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::model::program::Instance;
use crate::model::{
    Effect, EnvContents, KeyChange, ProcessChange, ProcessName, Program, ProgramName, Project, ReloadPlan,
};
use crate::plan::definition::Definition;

pub use groups::{with_group, without_group};

/// One process in its project.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) project: &'a Project,
    pub(super) program: &'a Program,
    pub(super) instance: &'a Instance,
    /// What the env files say.
    pub(super) env: &'a EnvContents,
}

impl<'a> Side<'a> {
    fn of(definition: &'a Definition) -> Self {
        let (project, program, instance) = (definition.project(), definition.program(), definition.instance());
        Self { project, program, instance, env: &project.env_contents }
    }

    /// As one that was started when the env files said this.
    fn as_read(self, read: Option<&'a EnvContents>) -> Self {
        Self { env: read.unwrap_or(self.env), ..self }
    }
}

/// Everything that differs between two projects, by process.
pub fn diff(old: &Project, new: &Project) -> ReloadPlan {
    diff_as_read(old, new, &BTreeMap::new())
}

/// The same, where some processes of the old one were started when its env files said something else already.
pub fn diff_as_read(old: &Project, new: &Project, read: &BTreeMap<&ProcessName, &EnvContents>) -> ReloadPlan {
    let before = by_name(old);
    let after = by_name(new);
    let mut plan = ReloadPlan::default();
    let mut own_changes = Vec::new();
    for (_, program, instance) in new.processes() {
        let side = Side { project: new, program, instance, env: &new.env_contents };
        let Some(was) = before.get(&instance.name) else {
            plan.changes.push(added(side));
            continue;
        };
        let was = was.as_read(read.get(&instance.name).copied());
        let own = own_keys(was, side);
        if !own.is_empty() {
            own_changes.push(&instance.name);
        }
        match changed(side, own.into_iter().chain(shared::keys(was, side)).collect()) {
            Some(change) => plan.changes.push(change),
            None => plan.unchanged += 1,
        }
    }
    let gone = old.processes().filter(|(_, _, instance)| !after.contains_key(&instance.name));
    plan.changes.extend(gone.map(|(_, program, instance)| ProcessChange {
        name: instance.name.to_string(),
        program: program.name.clone(),
        effect: Effect::Remove,
        keys: Vec::new(),
        after: Vec::new(),
        is_off: false,
    }));
    plan.groups = groups::changes(old, new, &own_changes);
    plan.waiting = shared::waiting(old, new);
    plan
}

/// The keys that differ between two definitions of one process, which was started when its env files said what was `read`.
pub fn compare(old: &Definition, read: Option<&EnvContents>, new: &Definition) -> Vec<KeyChange> {
    let (old, new) = (Side::of(old).as_read(read), Side::of(new));
    if read.is_none() && std::ptr::eq(old.project, new.project) && old.instance == new.instance {
        return Vec::new();
    }
    own_keys(old, new).into_iter().chain(shared::keys(old, new)).collect()
}

/// A name that stands in a project twice counts once: the first.
fn by_name(project: &Project) -> BTreeMap<&ProcessName, Side<'_>> {
    let mut all = BTreeMap::new();
    for (_, program, instance) in project.processes() {
        all.entry(&instance.name).or_insert(Side { project, program, instance, env: &project.env_contents });
    }
    all
}

/// The keys of the program itself, as its instance has them.
fn own_keys(old: Side<'_>, new: Side<'_>) -> Vec<KeyChange> {
    let (was, is) = (old.program.as_run_by(old.instance), new.program.as_run_by(new.instance));
    let moved = |name: &ProgramName| shared::has_moved(old.project, new.project, name);
    rules::changes(&was, old.instance, &is, new.instance, &moved)
}

fn added(side: Side<'_>) -> ProcessChange {
    ProcessChange {
        name: side.instance.name.to_string(),
        program: side.program.name.clone(),
        effect: Effect::Add,
        keys: Vec::new(),
        after: side.program.depends_on.iter().map(|need| need.program.clone()).collect(),
        is_off: false,
    }
}

fn changed(side: Side<'_>, keys: Vec<KeyChange>) -> Option<ProcessChange> {
    let needs_restart = keys.iter().any(|key| key.needs_restart);
    (!keys.is_empty()).then(|| ProcessChange {
        name: side.instance.name.to_string(),
        program: side.program.name.clone(),
        effect: if needs_restart { Effect::Restart } else { Effect::Keep },
        keys,
        after: Vec::new(),
        is_off: false,
    })
}
