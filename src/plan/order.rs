//! The order of starting, and of stopping.
//!
//! petgraph's `toposort` knows no priorities, so this is Kahn's algorithm with a heap: of all that could come next, the one with
//! the lowest `priority` does, then the one that stands first in the file.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::graph::DependencyGraph;
use crate::model::{Dialect, ProcessId, Project};

/// All processes of a project in start order. Stopping goes the other way.
pub fn start_order(project: &Project, graph: &DependencyGraph) -> Vec<ProcessId> {
    let priority: Vec<i32> =
        project.processes().map(|(_, program, instance)| project.start_priority(program, instance)).collect();
    start_order_by(graph, |id| priority[id.index()])
}

/// All processes in start order; of those that could come next the one with the lowest key does.
pub fn start_order_by<Key: Ord>(graph: &DependencyGraph, key_of: impl Fn(ProcessId) -> Key) -> Vec<ProcessId> {
    let key = |id: ProcessId| Reverse((key_of(id), id));
    let mut open = vec![0; graph.len()];
    for id in graph.processes() {
        open[id.index()] = graph.needs(id).count();
    }
    let mut free: BinaryHeap<_> = graph.processes().filter(|id| open[id.index()] == 0).map(key).collect();
    let mut order = Vec::with_capacity(graph.len());
    while let Some(Reverse((_, id))) = free.pop() {
        order.push(id);
        for (_, dependent, _) in graph.dependents(id) {
            open[dependent.index()] -= 1;
            if open[dependent.index()] == 0 {
                free.push(key(dependent));
            }
        }
    }
    order
}

/// The order in which a supervisord.conf is shut down, one number a slot: those with the highest stop first, and the next only
/// when they have (supervisor `supervisord.py` `ordered_stop_groups_phase_1`). Groups against the start order; a group that
/// dependencies pull apart is several. Other dialects only stop event listeners last; without one they have no such order: empty.
pub fn stop_layers<'g>(
    dialect: Dialect,
    order: &[ProcessId],
    slots: usize,
    group_of: impl Fn(ProcessId) -> &'g str,
    is_listener: impl Fn(ProcessId) -> bool,
) -> Vec<usize> {
    if dialect != Dialect::Supervisord {
        let mut layers = vec![1; slots];
        for id in order.iter().filter(|id| is_listener(**id)) {
            layers[id.index()] = 0;
        }
        return if layers.contains(&0) { layers } else { Vec::new() };
    }
    let mut layers = vec![0; slots];
    let mut layer = 0;
    for (at, id) in order.iter().enumerate() {
        let is_same = at.checked_sub(1).is_none_or(|before| group_of(order[before]) == group_of(*id));
        layer += usize::from(!is_same);
        layers[id.index()] = layer;
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::project;

    fn order_of(programs: &[(&str, &[&str])], priorities: &[i32]) -> Vec<u32> {
        let mut project = project(programs);
        for (program, priority) in project.programs.iter_mut().zip(priorities) {
            program.priority = *priority;
        }
        let graph = DependencyGraph::new(&project).unwrap();
        start_order(&project, &graph).into_iter().map(|id| id.0).collect()
    }

    #[test]
    fn what_is_needed_comes_first() {
        assert_eq!(order_of(&[("web", &["api"]), ("api", &["db"]), ("db", &[])], &[]), [2, 1, 0]);
    }

    #[test]
    fn priority_orders_what_is_free_and_never_overrides_an_edge() {
        assert_eq!(order_of(&[("a", &[]), ("b", &[]), ("c", &["a"])], &[500, 1, 0]), [1, 0, 2]);
    }

    #[test]
    fn a_supervisord_conf_starts_group_by_group_and_stops_the_other_way() {
        let mut project = project(&[("a", &[]), ("b", &[]), ("c", &[]), ("d", &[])]);
        project.dialect = Dialect::Supervisord;
        for (program, (group, priority)) in
            project.programs.iter_mut().zip([("g", 1), ("b", 5), ("g", 900), ("d", 999)])
        {
            program.priority = priority;
            program.instances[0].name.group = group.to_owned();
        }
        project.groups = vec![crate::model::Group { name: "g".to_owned(), programs: Vec::new(), priority: 10 }];
        let graph = DependencyGraph::new(&project).unwrap();
        let order = start_order(&project, &graph);
        assert_eq!(
            order.iter().map(|id| id.0).collect::<Vec<_>>(),
            [1, 0, 2, 3],
            "members' own priorities do not count"
        );
        let groups: Vec<&str> = project.processes().map(|(_, _, instance)| instance.name.group.as_str()).collect();
        let layers = stop_layers(project.dialect, &order, order.len(), |id| groups[id.index()], |_| false);
        assert_eq!(layers, [1, 0, 1, 2]);
    }
}
