//! Who needs whom: the dependency graph of processes.
//!
//! One node a process, one edge a dependency, from the dependent to what it needs. A dependency on a program with several
//! instances is an edge to each of them. Nodes are never removed (petgraph moves indices when one is), so a node's index is
//! its [`ProcessId`]; a reload builds a new graph.

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::model::{ProcessId, Program, ProgramName, Project, Until};

/// One dependency between two processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// What has to be true of the dependency.
    pub until: Until,
    /// The dependent restarts with it.
    pub restart: bool,
    /// Order only.
    pub optional: bool,
}

/// Names an edge in tables that hold one entry an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EdgeId(pub usize);

/// The graph of a project.
#[derive(Debug, Clone)]
pub struct DependencyGraph {
    graph: DiGraph<ProcessId, Edge>,
}

/// The programs that wait for each other, in the order of the circle; the last needs the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} wait for each other", .0.iter().map(ProgramName::as_str).collect::<Vec<_>>().join(", "))]
pub struct Cycle(pub Vec<ProgramName>);

impl DependencyGraph {
    /// Builds the graph of a project. Edges to programs that do not exist are left out: the loader has refused them unless
    /// they were optional.
    pub fn new(project: &Project) -> Result<Self, Cycle> {
        let mut graph = DiGraph::new();
        for (id, _, _) in project.processes() {
            graph.add_node(id);
        }
        for (dependent, program, _) in project.processes() {
            for dependency in &program.depends_on {
                let edge = Edge { until: dependency.until, restart: dependency.restart, optional: dependency.optional };
                for needed in processes_of(project, &dependency.program) {
                    graph.update_edge(node(dependent), node(needed), edge);
                }
            }
        }
        let graph = Self { graph };
        match graph.cycle(project) {
            Some(cycle) => Err(cycle),
            None => Ok(graph),
        }
    }

    /// Number of processes.
    pub fn len(&self) -> usize {
        self.graph.node_count()
    }

    /// Whether there is no process at all.
    pub fn is_empty(&self) -> bool {
        self.graph.node_count() == 0
    }

    /// Number of edges.
    pub fn edge_count(&self) -> usize {
        self.graph.edge_count()
    }

    /// All processes.
    pub fn processes(&self) -> impl Iterator<Item = ProcessId> + '_ {
        self.graph.node_indices().map(|index| self.graph[index])
    }

    /// What a process needs, in the order of the config.
    pub fn needs(&self, process: ProcessId) -> impl Iterator<Item = (EdgeId, ProcessId, Edge)> + '_ {
        let mut needs: Vec<_> = self
            .graph
            .edges_directed(node(process), Direction::Outgoing)
            .map(|edge| (EdgeId(edge.id().index()), self.graph[edge.target()], *edge.weight()))
            .collect();
        needs.sort_by_key(|(edge, _, _)| *edge);
        needs.into_iter()
    }

    /// Who needs a process, in the order of the file.
    pub fn dependents(&self, process: ProcessId) -> impl Iterator<Item = (EdgeId, ProcessId, Edge)> + '_ {
        let mut dependents: Vec<_> = self
            .graph
            .edges_directed(node(process), Direction::Incoming)
            .map(|edge| (EdgeId(edge.id().index()), self.graph[edge.source()], *edge.weight()))
            .collect();
        dependents.sort_by_key(|(_, dependent, _)| *dependent);
        dependents.into_iter()
    }

    /// Whether anybody who needs it satisfies the predicate. Does not allocate: it is asked at every step of a stop.
    pub fn any_dependent(&self, process: ProcessId, predicate: impl FnMut(ProcessId) -> bool) -> bool {
        self.graph.neighbors_directed(node(process), Direction::Incoming).map(|index| self.graph[index]).any(predicate)
    }

    /// The first circle there is, by program.
    fn cycle(&self, project: &Project) -> Option<Cycle> {
        let owner: Vec<&Program> = project.processes().map(|(_, program, _)| program).collect();
        let circle = tarjan_scc(&self.graph).into_iter().find(|component| {
            component.len() > 1 || component.iter().any(|index| self.graph.contains_edge(*index, *index))
        })?;
        let mut names: Vec<ProgramName> =
            circle.iter().rev().map(|index| owner[self.graph[*index].index()].name.clone()).collect();
        names.dedup();
        Some(Cycle(names))
    }
}

/// The processes of one program.
pub fn processes_of<'a>(project: &'a Project, program: &'a ProgramName) -> impl Iterator<Item = ProcessId> + 'a {
    project.processes().filter(move |(_, owner, _)| &owner.name == program).map(|(id, _, _)| id)
}

/// A process's node.
fn node(process: ProcessId) -> NodeIndex {
    NodeIndex::new(process.index())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::project;

    #[test]
    fn edges_lead_from_the_dependent_to_what_it_needs() {
        let graph = DependencyGraph::new(&project(&[("db", &[]), ("api", &["db"]), ("web", &["api", "db"])])).unwrap();
        let needs: Vec<_> = graph.needs(ProcessId(2)).map(|(_, id, _)| id.0).collect();
        assert_eq!(needs, [1, 0]);
        let dependents: Vec<_> = graph.dependents(ProcessId(0)).map(|(_, id, _)| id.0).collect();
        assert_eq!(dependents, [1, 2]);
    }

    #[test]
    fn a_circle_is_refused_by_name() {
        let Err(Cycle(names)) = DependencyGraph::new(&project(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"])])) else {
            panic!("a circle was accepted")
        };
        assert_eq!(names.len(), 3);
    }

    #[test]
    fn needing_oneself_is_a_circle() {
        assert!(DependencyGraph::new(&project(&[("a", &["a"])])).is_err());
    }
}
