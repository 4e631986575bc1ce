//! A drawing that needs no tool: one column a wave, boxes with names, arrows with their condition.
//!
//! Colours follow the viewer's dark or light scheme through a style sheet inside the file.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::export::GraphFormat;
use crate::export::graph::{Edge, GraphView, Node};

/// `run graph --format svg`.
pub const FORMAT: GraphFormat = GraphFormat { name: "svg", doc: "a drawing for a browser", render };

/// Blank border round the drawing.
const MARGIN: usize = 24;
/// Height of a box.
const BOX_HEIGHT: usize = 44;
/// From the top of a box to the top of the next in its column.
const ROW: usize = 76;
/// Between two columns, where arrows and their words are.
const CHANNEL: usize = 130;
/// Width of one character of the label font, rounded up.
const CHARACTER: usize = 9;

/// Both schemes: the light one, and the dark one where the viewer asks for it.
const STYLE: &str = "\
  <style>
    text { font: 14px ui-monospace, monospace; fill: #1f2328; }
    .small { font-size: 11px; fill: #59636e; }
    .box { fill: #f6f8fa; stroke: #59636e; stroke-width: 1.5; }
    .off { stroke-dasharray: 5 4; }
    .edge { fill: none; stroke: #59636e; stroke-width: 1.5; marker-end: url(#arrow); }
    .optional { stroke-dasharray: 4 4; }
    #arrow path { fill: #59636e; }
    .halo { stroke: #ffffff; stroke-width: 4; stroke-linejoin: round; paint-order: stroke; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; }
      .small { fill: #9198a1; }
      .box { fill: #151b23; stroke: #9198a1; }
      .edge { stroke: #9198a1; }
      #arrow path { fill: #9198a1; }
      .halo { stroke: #0d1117; }
    }
  </style>
";

/// Where one node's box is.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    x: usize,
    y: usize,
    width: usize,
}

fn render(view: &GraphView) -> String {
    let (places, width, height) = layout(view);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{}\">\n  <title>{}</title>\n{STYLE}",
        escaped(&format!("what needs what in {}", view.name)),
        escaped(&view.name),
    );
    svg.push_str(
        "  <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\"/></marker></defs>\n",
    );
    for edge in &view.edges {
        draw_edge(&mut svg, edge, &places);
    }
    for (node, place) in view.nodes.iter().zip(&places) {
        draw_node(&mut svg, node, *place);
    }
    for edge in &view.edges {
        draw_condition(&mut svg, edge, &places);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Places column by column, each centred on the tallest; returns the size of the drawing, too.
fn layout(view: &GraphView) -> (Vec<Place>, usize, usize) {
    let mut places = vec![Place::default(); view.nodes.len()];
    let tallest = view.waves.iter().map(Vec::len).max().unwrap_or(0);
    let mut x = MARGIN;
    for wave in &view.waves {
        let column = wave.iter().map(|node| box_width(&view.nodes[*node])).max().unwrap_or(0);
        let top = MARGIN + (tallest - wave.len()) * ROW / 2;
        for (row, node) in by_needs(view, wave, &places).into_iter().enumerate() {
            places[node] = Place { x, y: top + row * ROW, width: column };
        }
        x += column + CHANNEL;
    }
    let width = if view.waves.is_empty() { 2 * MARGIN } else { x - CHANNEL + MARGIN };
    (places, width, 2 * MARGIN + tallest.max(1) * ROW - (ROW - BOX_HEIGHT))
}

/// A column's nodes by the mean height of what they need, so that few arrows cross.
fn by_needs(view: &GraphView, wave: &[usize], places: &[Place]) -> Vec<usize> {
    let height = |node: usize| {
        let needs: Vec<usize> = view.edges_into(node).map(|edge| places[edge.from].y).collect();
        needs.iter().sum::<usize>().checked_div(needs.len()).unwrap_or(0)
    };
    let mut ordered = wave.to_vec();
    ordered.sort_by_key(|node| height(*node));
    ordered
}

fn box_width(node: &Node) -> usize {
    (node.title().width().max(node.kind().width()) * CHARACTER + 28).max(80)
}

fn draw_node(svg: &mut String, node: &Node, place: Place) {
    let Place { x, y, width } = place;
    let radius = if node.is_task { BOX_HEIGHT / 2 } else { 6 };
    let off = if node.starts { "" } else { " off" };
    let (middle, kind) = (x + width / 2, node.kind());
    let title_line = if kind.is_empty() { y + BOX_HEIGHT / 2 + 5 } else { y + 19 };
    let mut line = |text: String| {
        svg.push_str(&text);
        svg.push('\n');
    };
    line(format!(
        "  <rect class=\"box{off}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BOX_HEIGHT}\" rx=\"{radius}\"/>"
    ));
    line(format!("  <text x=\"{middle}\" y=\"{title_line}\" text-anchor=\"middle\">{}</text>", escaped(&node.title())));
    if !kind.is_empty() {
        line(format!(
            "  <text class=\"small\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            y + 35,
            escaped(&kind)
        ));
    }
}

/// From the right side of the one to the left side of the other, level at both ends.
fn draw_edge(svg: &mut String, edge: &Edge, places: &[Place]) {
    let (from, to) = (places[edge.from], places[edge.to]);
    let (x1, y1) = (from.x + from.width, from.y + BOX_HEIGHT / 2);
    let (x2, y2) = (to.x, to.y + BOX_HEIGHT / 2);
    let (bend1, bend2) = (x1 + CHANNEL / 2, x2.saturating_sub(CHANNEL / 2));
    let optional = if edge.optional { " optional" } else { "" };
    // Writing into a String cannot fail.
    let _ = writeln!(svg, "  <path class=\"edge{optional}\" d=\"M{x1} {y1} C{bend1} {y1} {bend2} {y2} {x2} {y2}\"/>");
}

/// The word beside the arrow's head, where no two arrows of different columns meet.
fn draw_condition(svg: &mut String, edge: &Edge, places: &[Place]) {
    let to = places[edge.to];
    let from = places[edge.from];
    let (target, source) = (to.y + BOX_HEIGHT / 2, from.y + BOX_HEIGHT / 2);
    let y = if source <= target {
        target.saturating_sub(5) - (target - source) / 10
    } else {
        target + 14 + (source - target) / 10
    };
    let _ = writeln!(
        svg,
        "  <text class=\"small halo\" x=\"{}\" y=\"{y}\" text-anchor=\"end\">{}</text>",
        to.x.saturating_sub(12),
        escaped(&edge.condition())
    );
}

/// XML's five characters, and nothing that XML forbids.
fn escaped(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&apos;".to_owned(),
            other => other.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::sample;

    #[test]
    fn the_drawing_is_xml_with_a_box_for_each_node_and_an_arrow_for_each_edge() {
        let svg = render(&sample::shop());
        let document = roxmltree::Document::parse(&svg).unwrap();
        let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
        assert_eq!(count("rect"), 6);
        assert_eq!(document.descendants().filter(|node| node.attribute("class") == Some("edge")).count(), 6);
        let texts: Vec<&str> =
            document.descendants().filter(|node| node.has_tag_name("text")).filter_map(|node| node.text()).collect();
        for text in ["db", "worker x4", "task", "started, restart", "done"] {
            assert!(texts.contains(&text), "{text} is not in {texts:?}");
        }
    }

    #[test]
    fn every_box_is_inside_and_no_two_overlap() {
        let view = sample::shop();
        let (places, width, height) = layout(&view);
        for (index, place) in places.iter().enumerate() {
            assert!(place.x + place.width <= width - MARGIN && place.y + BOX_HEIGHT <= height - MARGIN, "{place:?}");
            for other in &places[index + 1..] {
                let apart = |a: usize, a_size: usize, b: usize, b_size: usize| a + a_size <= b || b + b_size <= a;
                let is_apart = apart(place.x, place.width, other.x, other.width)
                    || apart(place.y, BOX_HEIGHT, other.y, BOX_HEIGHT);
                assert!(is_apart, "{place:?} and {other:?}");
            }
        }
    }

    #[test]
    fn names_cannot_become_markup() {
        let view = GraphView::of(&sample::project(vec![sample::program("<a>&\"'\u{1}")]));
        let svg = render(&view);
        let document = roxmltree::Document::parse(&svg).unwrap();
        assert!(document.descendants().any(|node| node.text() == Some("<a>&\"'")), "{svg}");
    }

    #[test]
    fn an_empty_graph_is_a_valid_drawing() {
        let view = GraphView { name: "none".into(), nodes: Vec::new(), edges: Vec::new(), waves: Vec::new() };
        assert!(roxmltree::Document::parse(&render(&view)).is_ok());
    }
}
