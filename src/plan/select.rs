//! Which processes a wish reaches: names with what they need, or with who needs them.

use std::collections::BTreeSet;

use super::graph::DependencyGraph;
use crate::model::{ProcessId, Project};

/// These and everything they need, directly or not. Optional edges are order only and pull nothing in.
pub fn with_needs(graph: &DependencyGraph, processes: &[ProcessId]) -> BTreeSet<ProcessId> {
    spread(processes, |id| {
        graph.needs(id).filter(|(_, _, edge)| !edge.optional).map(|(_, need, _)| need).collect::<Vec<_>>()
    })
}

/// These and everyone who needs them, directly or not.
pub fn with_dependents(graph: &DependencyGraph, processes: &[ProcessId]) -> BTreeSet<ProcessId> {
    spread(processes, |id| graph.dependents(id).map(|(_, dependent, _)| dependent).collect::<Vec<_>>())
}

/// What starts by itself: `autostart`, and no profile or one that was asked for.
pub fn autostarted(project: &Project) -> Vec<ProcessId> {
    project
        .processes()
        .filter(|(_, program, _)| program.autostart && project.is_active(program))
        .map(|(id, _, _)| id)
        .collect()
}

/// Everything that can be reached from a few processes.
fn spread(from: &[ProcessId], next: impl Fn(ProcessId) -> Vec<ProcessId>) -> BTreeSet<ProcessId> {
    let mut reached: BTreeSet<ProcessId> = BTreeSet::new();
    let mut open: Vec<ProcessId> = from.to_vec();
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            open.extend(next(id));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::project;

    #[test]
    fn a_name_pulls_in_what_it_needs_and_nothing_else() {
        let mut project = project(&[("db", &[]), ("mail", &[]), ("api", &["db", "mail"]), ("web", &["api"])]);
        project.programs[2].depends_on[1].optional = true;
        let graph = DependencyGraph::new(&project).unwrap();
        let reached: Vec<_> = with_needs(&graph, &[ProcessId(2)]).into_iter().map(|id| id.0).collect();
        assert_eq!(reached, [0, 2]);
        let reached: Vec<_> = with_dependents(&graph, &[ProcessId(0)]).into_iter().map(|id| id.0).collect();
        assert_eq!(reached, [0, 2, 3]);
    }

    #[test]
    fn profiles_and_autostart_decide_what_starts_by_itself() {
        let mut project = project(&[("a", &[]), ("b", &[]), ("c", &[]), ("d", &[])]);
        project.programs[1].autostart = false;
        project.programs[2].profiles = vec!["full".into()];
        project.programs[3].profiles = vec!["debug".into()];
        project.active_profiles = vec!["full".into()];
        assert_eq!(autostarted(&project), [ProcessId(0), ProcessId(2)]);
    }
}
