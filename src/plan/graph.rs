//! Who needs whom: the dependency graph of processes.
//!
//! One node a process, one edge a dependency, from the dependent to what it needs. A dependency on a program with several
//! instances is an edge to each of them. A node's index is its [`ProcessId`]; slots that are out of use have a node without
//! edges. A reload builds a new graph.

use std::collections::BTreeMap;

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
#[derive(Debug, Clone, Default)]
pub struct DependencyGraph {
    graph: DiGraph<ProcessId, Edge>,
    /// The slots in use, in order.
    members: Vec<ProcessId>,
}

/// A process that takes part in a graph.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Its slot.
    pub id: ProcessId,
    /// What it is a process of.
    pub program: &'a Program,
    /// Whether others may need it. Of what is on its way out only the own needs still count.
    pub is_needed: bool,
}

/// The programs that wait for each other, in the order of the circle; the last needs the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} wait for each other", .0.iter().map(ProgramName::as_str).collect::<Vec<_>>().join(", "))]
pub struct Cycle(pub Vec<ProgramName>);

impl DependencyGraph {
    /// Builds the graph of a project. Edges to programs that do not exist are left out: the loader has refused them unless
    /// they were optional.
    pub fn new(project: &Project) -> Result<Self, Cycle> {
        let members: Vec<Member<'_>> =
            project.processes().map(|(id, program, _)| Member { id, program, is_needed: true }).collect();
        Self::of(&members, members.len())
    }

    /// Builds the graph of some processes, in the order of their slots, of which there are so many. What is on its way out
    /// still needs what it needed, and goes first; if that makes a circle it needs nothing.
    pub fn of(members: &[Member<'_>], slots: usize) -> Result<Self, Cycle> {
        let whole = Self::build(members, slots, |_| true);
        let Some(circle) = whole.cycle(members) else { return Ok(whole) };
        if members.iter().all(|member| member.is_needed) {
            return Err(circle);
        }
        let lasting = Self::build(members, slots, |member| member.is_needed);
        match lasting.cycle(members) {
            Some(circle) => Err(circle),
            None => Ok(lasting),
        }
    }

    fn build(members: &[Member<'_>], slots: usize, counts: impl Fn(&Member<'_>) -> bool) -> Self {
        let mut graph = DiGraph::new();
        for id in (0u32..).take(slots).map(ProcessId) {
            graph.add_node(id);
        }
        let (mut lasting, mut leaving): (BTreeMap<_, Vec<_>>, BTreeMap<_, Vec<_>>) = Default::default();
        for Member { id, program, is_needed } in members {
            let by_name = if *is_needed { &mut lasting } else { &mut leaving };
            by_name.entry(&program.name).or_default().push(*id);
        }
        for member in members.iter().filter(|member| counts(member)) {
            for dependency in &member.program.depends_on {
                let edge = Edge { until: dependency.until, restart: dependency.restart, optional: dependency.optional };
                let gone = leaving.get(&dependency.program).filter(|_| !member.is_needed);
                for needed in lasting.get(&dependency.program).or(gone).into_iter().flatten() {
                    graph.update_edge(node(member.id), node(*needed), edge);
                }
            }
        }
        Self { graph, members: members.iter().map(|member| member.id).collect() }
    }

    /// Number of slots.
    pub fn len(&self) -> usize {
        self.graph.node_count()
    }

    /// Whether there is no slot at all.
    pub fn is_empty(&self) -> bool {
        self.graph.node_count() == 0
    }

    /// Number of edges.
    pub fn edge_count(&self) -> usize {
        self.graph.edge_count()
    }

    /// All processes that are in use.
    pub fn processes(&self) -> impl Iterator<Item = ProcessId> + '_ {
        self.members.iter().copied()
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
    fn cycle(&self, members: &[Member<'_>]) -> Option<Cycle> {
        let owner: BTreeMap<ProcessId, &Program> = members.iter().map(|member| (member.id, member.program)).collect();
        let circle = tarjan_scc(&self.graph).into_iter().find(|component| {
            component.len() > 1 || component.iter().any(|index| self.graph.contains_edge(*index, *index))
        })?;
        let mut names: Vec<ProgramName> =
            circle.iter().rev().map(|index| owner[&self.graph[*index]].name.clone()).collect();
        names.dedup();
        Some(Cycle(names))
    }
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
