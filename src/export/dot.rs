//! Graphviz's notation.

use crate::export::GraphFormat;
use crate::export::graph::{Edge, GraphView, Node};

/// `run graph --format dot`.
pub const FORMAT: GraphFormat = GraphFormat { name: "dot", doc: "for Graphviz", render };

fn render(view: &GraphView) -> String {
    let mut text = format!("digraph {} {{\n  rankdir=LR;\n  node [shape=box, style=rounded];\n", quoted(&view.name));
    for node in &view.nodes {
        text.push_str(&node_line(node));
    }
    for edge in &view.edges {
        text.push_str(&edge_line(view, edge));
    }
    text.push_str("}\n");
    text
}

fn node_line(node: &Node) -> String {
    let kind = node.kind();
    let label = if kind.is_empty() { quoted(&node.title()) } else { quoted(&format!("{}\n{kind}", node.title())) };
    let shape = if node.is_task { ", shape=ellipse" } else { "" };
    let style = if node.starts { "" } else { ", style=dashed" };
    format!("  {} [label={label}{shape}{style}];\n", quoted(&node.name))
}

fn edge_line(view: &GraphView, edge: &Edge) -> String {
    let style = if edge.optional { ", style=dashed" } else { "" };
    let (from, to) = (&view.nodes[edge.from].name, &view.nodes[edge.to].name);
    format!("  {} -> {} [label={}{style}];\n", quoted(from), quoted(to), quoted(&edge.condition()))
}

/// A quoted string of the DOT language: a quote and a backslash are escaped, a line end is `\n`.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::sample;

    #[test]
    fn edges_run_from_what_is_needed_to_who_needs_it() {
        assert_eq!(
            render(&sample::shop()),
            r#"digraph "shop" {
  rankdir=LR;
  node [shape=box, style=rounded];
  "db" [label="db\nready: tcp"];
  "cache" [label="cache"];
  "migrate" [label="migrate\ntask", shape=ellipse];
  "api" [label="api"];
  "web" [label="web"];
  "worker" [label="worker x4\noff", style=dashed];
  "db" -> "migrate" [label="ready"];
  "db" -> "api" [label="ready"];
  "migrate" -> "api" [label="done"];
  "api" -> "web" [label="ready"];
  "cache" -> "web" [label="started, restart"];
  "api" -> "worker" [label="ready"];
}
"#
        );
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(quoted("a\"; b\\"), r#""a\"; b\\""#);
    }
}
