//! Mermaid's flowchart notation, as forges and wikis draw it.

use crate::export::GraphFormat;
use crate::export::graph::{Edge, GraphView, Node};

/// `run graph --format mermaid`.
pub const FORMAT: GraphFormat = GraphFormat { name: "mermaid", doc: "for Markdown pages and wikis", render };

fn render(view: &GraphView) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for (index, node) in view.nodes.iter().enumerate() {
        text.push_str(&node_line(index, node));
    }
    for edge in &view.edges {
        text.push_str(&edge_line(edge));
    }
    text
}

/// Nodes are called `n0`, `n1`, …, since a name may be a word of the notation (`end`).
fn node_line(index: usize, node: &Node) -> String {
    let kind = node.kind();
    let break_and_kind = if kind.is_empty() { String::new() } else { format!("<br/>{}", escaped(&kind)) };
    let label = format!("\"{}{break_and_kind}\"", escaped(&node.title()));
    let shape = if node.is_task { format!("([{label}])") } else { format!("[{label}]") };
    let style = if node.starts { String::new() } else { format!("  style n{index} stroke-dasharray: 5 5\n") };
    format!("  n{index}{shape}\n{style}")
}

fn edge_line(edge: &Edge) -> String {
    let arrow = if edge.optional { "-.->" } else { "-->" };
    format!("  n{} {arrow}|{}| n{}\n", edge.from, edge.condition(), edge.to)
}

/// Mermaid's entity codes for what would end a quoted label or become a tag.
fn escaped(text: &str) -> String {
    text.replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::sample;

    #[test]
    fn tasks_are_round_and_what_is_off_is_dashed() {
        assert_eq!(
            render(&sample::shop()),
            r#"flowchart LR
  n0["db<br/>ready: tcp"]
  n1["cache"]
  n2(["migrate<br/>task"])
  n3["api"]
  n4["web"]
  n5["worker x4<br/>off"]
  style n5 stroke-dasharray: 5 5
  n0 -->|ready| n2
  n0 -->|ready| n3
  n2 -->|done| n3
  n3 -->|ready| n4
  n1 -->|started, restart| n4
  n3 -->|ready| n5
"#
        );
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(escaped("a\"<b>#"), "a#quot;#lt;b#gt;#35;");
    }
}
