//! The start order as text: wave after wave, and behind each program what it waits for.

use crate::export::GraphFormat;
use crate::export::graph::GraphView;

/// `run graph --format text`.
pub const FORMAT: GraphFormat =
    GraphFormat { name: "text", doc: "the start order, wave after wave, to read in a terminal", render };

/// One line a program: `  2  api      needs db (ready), migrate (done)`.
fn render(view: &GraphView) -> String {
    let tasks = view.nodes.iter().filter(|node| node.is_task).count();
    let mut text =
        format!("{}: {}, {}\n", view.name, counted(view.nodes.len() - tasks, "program"), counted(tasks, "task"));
    let columns = view.nodes.iter().map(|node| node.title().chars().count()).max().unwrap_or(0);
    for (number, wave) in (1..).zip(&view.waves) {
        for (place, node) in wave.iter().enumerate() {
            let number = if place == 0 { format!("{number}") } else { String::new() };
            let title = view.nodes[*node].title();
            let blanks = " ".repeat(columns - title.chars().count());
            let line = format!("{number:>3}  {title}{blanks}  {}", behind(view, *node));
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// What stands behind a program: what it is, and what it needs with the condition of each edge.
fn behind(view: &GraphView, node: usize) -> String {
    let needs: Vec<String> =
        view.edges_into(node).map(|edge| format!("{} ({})", view.nodes[edge.from].name, edge.condition())).collect();
    let kind = view.nodes[node].kind();
    let kind = if kind.is_empty() { kind } else { format!("[{kind}] ") };
    if needs.is_empty() { kind } else { format!("{kind}after {}", needs.join(", ")) }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::sample;

    #[test]
    fn waves_are_numbered_and_edges_carry_their_condition() {
        assert_eq!(
            render(&sample::shop()),
            "\
shop: 5 programs, 1 task
  1  cache
     db         [ready: tcp]
  2  migrate    [task] after db (ready)
  3  api        after db (ready), migrate (done)
  4  web        after api (ready), cache (started, restart)
     worker x4  [off] after api (ready)
"
        );
    }
}
