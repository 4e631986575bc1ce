//! supervisord's view of a reload, where a group is taken over whole or not at all.

use std::collections::BTreeSet;

use crate::model::{Dialect, GroupChanges, ProcessName, Program, Project};

/// Groups that are new, differ in anything, or are gone (supervisor `supervisord.py` `diff_to_active`; `options.py`
/// `ProcessGroupConfig.__eq__` compares names, priorities and the members in their order). New and changed ones stand in the order
/// of their start.
pub(super) fn changes(old: &Project, new: &Project, changed: &[&ProcessName]) -> GroupChanges {
    let (before, after) = (names(old), names(new));
    let is_changed = |group: &&String| {
        members(old, group) != members(new, group)
            || changed.iter().any(|name| name.group == **group)
            || priority(old, group) != priority(new, group)
    };
    GroupChanges {
        added: after.iter().filter(|group| !before.contains(group)).cloned().collect(),
        changed: after.iter().filter(|group| before.contains(group)).filter(is_changed).cloned().collect(),
        removed: before.iter().filter(|group| !after.contains(group)).cloned().collect(),
    }
}

/// The project without the processes of a group.
pub fn without_group(project: &Project, group: &str) -> Project {
    let mut rest = project.clone();
    for program in &mut rest.programs {
        program.instances.retain(|instance| instance.name.group != group);
    }
    rest.programs.retain(|program| !program.instances.is_empty());
    rest.groups.retain(|one| one.name != group);
    rest
}

/// The project with the processes of a group as another project has them, in the order of that one. What stands above the programs stays as it is, because it
/// is the other groups', too.
pub fn with_group(project: &Project, other: &Project, group: &str) -> Project {
    let mut whole = without_group(project, group);
    for program in &other.programs {
        let mut program = program.clone();
        program.instances.retain(|instance| instance.name.group == group);
        if !program.instances.is_empty() {
            whole.programs.push(program);
        }
    }
    let place = |program: &Program| other.programs.iter().position(|one| one.name == program.name);
    whole.programs.sort_by_key(|program| place(program).unwrap_or(usize::MAX));
    whole.groups.extend(other.groups.iter().filter(|one| one.name == group).cloned());
    for (path, names) in &other.env_contents {
        whole.env_contents.entry(path.clone()).or_insert_with(|| names.clone());
    }
    whole
}

/// The names of all groups, in the order of their start, each once.
fn names(project: &Project) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut all: Vec<(i32, String)> = Vec::new();
    for (_, program, instance) in project.processes() {
        let group = &instance.name.group;
        if seen.insert(group) {
            all.push((priority(project, group).unwrap_or(program.priority), group.clone()));
        }
    }
    if project.dialect == Dialect::Supervisord {
        all.sort_by_key(|(priority, _)| *priority);
    }
    all.into_iter().map(|(_, name)| name).collect()
}

fn priority(project: &Project, group: &str) -> Option<i32> {
    project.groups.iter().find(|one| one.name == group).map(|one| one.priority)
}

fn members<'a>(project: &'a Project, group: &str) -> Vec<&'a str> {
    let all = project.processes().map(|(_, _, instance)| &instance.name);
    all.filter(|name| name.group == group).map(|name| name.process.as_str()).collect()
}
