//! What needs what, ready to be drawn: nodes, edges and the waves they start in.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Program, ProgramName, Project, Until};

/// A drawable view of a project's dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphView {
    /// The project's name.
    pub name: String,
    /// In the order of the file.
    pub nodes: Vec<Node>,
    /// From the one that is needed to the one that needs it, in the order of the file.
    pub edges: Vec<Edge>,
    /// Indices into `nodes`: what could start at the same moment if all took equally long; by priority, then file.
    pub waves: Vec<Vec<usize>>,
}

/// A program or task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Whether it runs to its end.
    pub is_task: bool,
    /// How many instances it has.
    pub instances: usize,
    /// Whether it starts by itself under the chosen profiles.
    pub starts: bool,
    /// How it is known to be ready: `tcp`, `http`, …; `None` without a check.
    pub ready: Option<&'static str>,
}

/// One dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Index of the one that is needed.
    pub from: usize,
    /// Index of the one that needs it.
    pub to: usize,
    /// Until what.
    pub until: Until,
    /// Restarts with it.
    pub restart: bool,
    /// Order only.
    pub optional: bool,
}

impl GraphView {
    /// The view of a loaded project. Edges to what is not there (optional ones) are left out.
    pub fn of(project: &Project) -> Self {
        let index: BTreeMap<&ProgramName, usize> =
            project.programs.iter().enumerate().map(|(index, program)| (&program.name, index)).collect();
        let edges: Vec<Edge> = project
            .programs
            .iter()
            .enumerate()
            .flat_map(|(to, program)| program.depends_on.iter().map(move |dependency| (to, dependency)))
            .filter_map(|(to, dependency)| {
                let from = *index.get(&dependency.program)?;
                let (until, restart, optional) = (dependency.until, dependency.restart, dependency.optional);
                Some(Edge { from, to, until, restart, optional })
            })
            .collect();
        let waves = waves(&project.programs, &edges);
        let nodes = project.programs.iter().map(|program| Node::of(project, program)).collect();
        Self { name: project.name.clone(), nodes, edges, waves }
    }

    /// The part of it that some programs need: they and everything below them.
    #[must_use]
    pub fn needed_by(&self, names: &[String]) -> Self {
        let mut wanted: BTreeSet<usize> =
            (0..self.nodes.len()).filter(|index| names.contains(&self.nodes[*index].name)).collect();
        let mut open: Vec<usize> = wanted.iter().copied().collect();
        while let Some(index) = open.pop() {
            open.extend(self.edges_into(index).map(|edge| edge.from).filter(|from| wanted.insert(*from)));
        }
        self.keep(&wanted)
    }

    /// The edges from what a node needs.
    pub fn edges_into(&self, node: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.to == node)
    }

    fn keep(&self, wanted: &BTreeSet<usize>) -> Self {
        let place: BTreeMap<usize, usize> = wanted.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        let edges = self
            .edges
            .iter()
            .filter_map(|edge| Some(Edge { from: *place.get(&edge.from)?, to: *place.get(&edge.to)?, ..edge.clone() }));
        let waves = self.waves.iter().map(|wave| wave.iter().filter_map(|old| place.get(old).copied()).collect());
        Self {
            name: self.name.clone(),
            nodes: wanted.iter().map(|index| self.nodes[*index].clone()).collect(),
            edges: edges.collect(),
            waves: waves.filter(|wave: &Vec<usize>| !wave.is_empty()).collect(),
        }
    }
}

impl Node {
    fn of(project: &Project, program: &Program) -> Self {
        Self {
            name: program.name.to_string(),
            is_task: program.is_task(),
            instances: program.instances.len(),
            starts: program.autostart && project.is_active(program),
            ready: program.ready.as_ref().map(|ready| ready.kind.name()),
        }
    }

    /// The name, with the number of instances where there are several.
    pub fn title(&self) -> String {
        if self.instances > 1 { format!("{} x{}", self.name, self.instances) } else { self.name.clone() }
    }

    /// What it is in a few words: `task`, `ready: http`, `off`.
    pub fn kind(&self) -> String {
        let mut words = Vec::new();
        if self.is_task {
            words.push("task".to_owned());
        }
        if let Some(ready) = self.ready {
            words.push(format!("ready: {ready}"));
        }
        if !self.starts {
            words.push("off".to_owned());
        }
        words.join(", ")
    }
}

impl Edge {
    /// The condition in words: `ready`, `done, restart`, `ready, optional`.
    pub fn condition(&self) -> String {
        let mut text = self.until.as_str().to_owned();
        if self.restart {
            text.push_str(", restart");
        }
        if self.optional {
            text.push_str(", optional");
        }
        text
    }
}

/// Each node's wave is one more than the latest wave of what it needs. Cycles were refused at load; should there be one, its
/// members share the last wave, so that this ends for every input.
fn waves(programs: &[Program], edges: &[Edge]) -> Vec<Vec<usize>> {
    let mut open: BTreeSet<usize> = (0..programs.len()).collect();
    let mut waves = Vec::new();
    while !open.is_empty() {
        let is_free = |node: &usize| !edges.iter().any(|edge| edge.to == *node && open.contains(&edge.from));
        let mut wave: Vec<usize> = open.iter().copied().filter(is_free).collect();
        if wave.is_empty() {
            wave = open.iter().copied().collect();
        }
        wave.sort_by_key(|node| (programs[*node].priority, *node));
        for node in &wave {
            open.remove(node);
        }
        waves.push(wave);
    }
    waves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::sample;
    use crate::model::Dependency;

    fn names(view: &GraphView) -> Vec<Vec<&str>> {
        view.waves.iter().map(|wave| wave.iter().map(|node| view.nodes[*node].name.as_str()).collect()).collect()
    }

    #[test]
    fn a_wave_starts_when_the_wave_before_is_there() {
        assert_eq!(names(&sample::shop()), [vec!["cache", "db"], vec!["migrate"], vec!["api"], vec!["web", "worker"]]);
    }

    #[test]
    fn the_part_that_a_program_needs_is_closed() {
        let part = sample::shop().needed_by(&["api".to_owned()]);
        assert_eq!(names(&part), [vec!["db"], vec!["migrate"], vec!["api"]]);
        assert_eq!(part.edges.len(), 3);
    }

    #[test]
    fn a_circle_and_a_missing_need_end_all_the_same() {
        let mut a = Program::new("a");
        a.depends_on = vec![Dependency::new("b", Until::Ready), Dependency::new("gone", Until::Ready)];
        let mut b = Program::new("b");
        b.depends_on = vec![Dependency::new("a", Until::Ready)];
        let view = GraphView::of(&Project::new("/src/shop", vec![a, b]));
        assert_eq!(names(&view), [["a", "b"]]);
        assert_eq!(view.edges.len(), 2);
    }
}
