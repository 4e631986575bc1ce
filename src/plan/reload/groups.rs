//! supervisord's view of a reload, where a group is taken over whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Dialect, GroupChanges, ProcessName, Program, Project};

/// Groups that are new, differ in anything, or are gone (supervisor `supervisord.py` `diff_to_active`; `options.py`
/// `ProcessGroupConfig.__eq__` compares names, priorities and the members in their order). New and changed ones stand in the order
/// of their start.
pub(super) fn changes(old: &Project, new: &Project, changed: &[&ProcessName]) -> GroupChanges {
    let (before, after) = (Groups::of(old), Groups::of(new));
    let changed: BTreeSet<&str> = changed.iter().map(|name| name.group.as_str()).collect();
    let differs = |group: &str| before.members.get(group) != after.members.get(group) || changed.contains(group);
    let stays = |group: &&str| before.members.contains_key(group) && after.members.contains_key(group);
    let owned = |groups: Vec<&str>| groups.into_iter().map(ToOwned::to_owned).collect();
    GroupChanges {
        added: owned(after.names(|group| !before.members.contains_key(group))),
        changed: owned(after.names(|group| stays(&group) && differs(group))),
        removed: owned(before.names(|group| !after.members.contains_key(group))),
    }
}

/// The groups of a project.
struct Groups<'a> {
    /// Their names, in the order of their start, each once.
    order: Vec<&'a str>,
    /// What is declared as their priority, and what is in them, in its order.
    members: BTreeMap<&'a str, (Option<i32>, Vec<&'a str>)>,
}

impl<'a> Groups<'a> {
    fn of(project: &'a Project) -> Self {
        let mut declared: BTreeMap<&str, i32> = BTreeMap::new();
        for group in &project.groups {
            declared.entry(&group.name).or_insert(group.priority);
        }
        let mut members: BTreeMap<&str, (Option<i32>, Vec<&str>)> = BTreeMap::new();
        let mut order: Vec<(i32, &str)> = Vec::new();
        for (_, program, instance) in project.processes() {
            let ProcessName { group, process } = &instance.name;
            let priority = declared.get(group.as_str()).copied();
            let (_, processes) = members.entry(group).or_insert_with(|| {
                order.push((priority.unwrap_or(program.priority), group));
                (priority, Vec::new())
            });
            processes.push(process);
        }
        if project.dialect == Dialect::Supervisord {
            order.sort_by_key(|(priority, _)| *priority);
        }
        Self { order: order.into_iter().map(|(_, name)| name).collect(), members }
    }

    fn names(&self, is_meant: impl Fn(&str) -> bool) -> Vec<&'a str> {
        self.order.iter().copied().filter(|group| is_meant(group)).collect()
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
