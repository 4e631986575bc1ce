//! The graph as data: `run graph --json`, and what the web page draws its links from.

use serde::Serialize;

use crate::export::graph::GraphView;
use crate::model::status::SCHEMA;

/// A graph with a schema number.
#[derive(Debug, Serialize)]
pub struct GraphJson<'a> {
    schema: u32,
    project: &'a str,
    nodes: Vec<JsonNode<'a>>,
    edges: Vec<JsonEdge<'a>>,
    waves: Vec<Vec<&'a str>>,
}

#[derive(Debug, Serialize)]
struct JsonNode<'a> {
    name: &'a str,
    kind: &'static str,
    instances: usize,
    starts: bool,
    ready: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct JsonEdge<'a> {
    name: &'a str,
    needs: &'a str,
    until: &'static str,
    restart: bool,
    optional: bool,
}

impl<'a> GraphJson<'a> {
    /// Of this view.
    pub fn of(view: &'a GraphView) -> Self {
        let name = |index: usize| view.nodes[index].name.as_str();
        let nodes = view.nodes.iter().map(|node| JsonNode {
            name: &node.name,
            kind: if node.is_task { "task" } else { "program" },
            instances: node.instances,
            starts: node.starts,
            ready: node.ready,
        });
        let edges = view.edges.iter().map(|edge| JsonEdge {
            name: name(edge.to),
            needs: name(edge.from),
            until: edge.until.as_str(),
            restart: edge.restart,
            optional: edge.optional,
        });
        Self {
            schema: SCHEMA,
            project: &view.name,
            nodes: nodes.collect(),
            edges: edges.collect(),
            waves: view.waves.iter().map(|wave| wave.iter().map(|index| name(*index)).collect()).collect(),
        }
    }
}
