//! A drawing that needs no tool: one column a wave, boxes with names, arrows with their condition.
//!
//! An edge that passes a wave takes a slot of its own there, so that no arrow runs behind a box. Colours follow the viewer's dark or
//! light scheme through a style sheet inside the file.

use unicode_width::UnicodeWidthStr;

use crate::codec::markup::escaped;
use crate::export::GraphFormat;
use crate::export::graph::{Edge, GraphView, Node};

/// `run graph --format svg`.
pub const FORMAT: GraphFormat = GraphFormat { name: "svg", doc: "a drawing for a browser", render };

/// Blank border round the drawing.
const MARGIN: usize = 24;
/// Height of a box.
const BOX_HEIGHT: usize = 44;
/// Height of the slot of an edge that passes by.
const PASS_HEIGHT: usize = 12;
/// Between two slots of a column.
const GAP: usize = 30;
/// Between two columns, where arrows and their words are.
const CHANNEL: usize = 150;
/// Width of one character of the label font, rounded up.
const CHARACTER: usize = 9;

/// Both schemes: the light one, and the dark one where the viewer asks for it.
const STYLE: &str = "\
  <style>
    text { font: 14px ui-monospace, monospace; fill: #1f2328; }
    .small { font-size: 11px; fill: #59636e; paint-order: stroke; stroke: #fff; stroke-width: 4px; }
    .box { fill: #f6f8fa; stroke: #59636e; stroke-width: 1.5; }
    .off { stroke-dasharray: 5 4; }
    .edge { fill: none; stroke: #59636e; stroke-width: 1.5; marker-end: url(#arrow); }
    .optional { stroke-dasharray: 4 4; }
    #arrow path { fill: #59636e; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; }
      .small { fill: #9198a1; stroke: #0d1117; }
      .box { fill: #151b23; stroke: #9198a1; }
      .edge { stroke: #9198a1; }
      #arrow path { fill: #9198a1; }
    }
  </style>
  <defs>
    <marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">
      <path d=\"M0 0 L8 4 L0 8 z\"/>
    </marker>
  </defs>
";

/// What stands in a column: a node's box, or an edge that passes by. Indices into the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Node(usize),
    Pass(usize),
}

impl Slot {
    fn height(self) -> usize {
        match self {
            Self::Node(_) => BOX_HEIGHT,
            Self::Pass(_) => PASS_HEIGHT,
        }
    }
}

/// Where a slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    slot: Slot,
    x: usize,
    y: usize,
    width: usize,
}

impl Place {
    fn middle(&self) -> usize {
        self.y + self.slot.height() / 2
    }
}

/// All places, column by column, and the size of the drawing.
#[derive(Debug, Default)]
struct Layout {
    columns: Vec<Vec<Place>>,
    width: usize,
    height: usize,
}

impl Layout {
    fn place(&self, column: usize, slot: Slot) -> Option<&Place> {
        self.columns.get(column)?.iter().find(|place| place.slot == slot)
    }

    fn nodes(&self) -> impl Iterator<Item = (usize, &Place)> {
        self.columns.iter().flatten().filter_map(|place| match place.slot {
            Slot::Node(node) => Some((node, place)),
            Slot::Pass(_) => None,
        })
    }

    /// The places that an edge leads through, from one end to the other.
    fn way(&self, view: &GraphView, index: usize) -> Vec<&Place> {
        let edge = &view.edges[index];
        let (from, to) = (wave_of(view, edge.from), wave_of(view, edge.to));
        let between = (from + 1..to).map(|column| (column, Slot::Pass(index)));
        let ends = [(from, Slot::Node(edge.from))].into_iter().chain(between).chain([(to, Slot::Node(edge.to))]);
        ends.filter_map(|(column, slot)| self.place(column, slot)).collect()
    }
}

fn render(view: &GraphView) -> String {
    let layout = layout(view);
    let (width, height) = (layout.width, layout.height);
    let mut svg = vec![
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\">\n"
        ),
        format!("  <title>What needs what in {}</title>\n{STYLE}", escaped(&view.name)),
    ];
    svg.extend((0..view.edges.len()).map(|index| arrow(&view.edges[index], &layout.way(view, index))));
    svg.extend(layout.nodes().map(|(node, place)| node_box(&view.nodes[node], place)));
    svg.extend((0..view.nodes.len()).flat_map(|node| conditions(view, &layout, node)));
    svg.push("</svg>\n".to_owned());
    svg.concat()
}

fn wave_of(view: &GraphView, node: usize) -> usize {
    view.waves.iter().position(|wave| wave.contains(&node)).unwrap_or(0)
}

/// Places column by column, each centred on the tallest.
fn layout(view: &GraphView) -> Layout {
    let columns = columns(view);
    let height_of =
        |column: &Vec<Slot>| column.iter().map(|slot| slot.height() + GAP).sum::<usize>().saturating_sub(GAP);
    let tallest = columns.iter().map(height_of).max().unwrap_or(0);
    let mut layout = Layout { height: tallest + 2 * MARGIN, ..Layout::default() };
    let mut x = MARGIN;
    for slots in &columns {
        let width = slots.iter().map(|slot| slot_width(view, *slot)).max().unwrap_or(0);
        let mut y = MARGIN + (tallest - height_of(slots)) / 2;
        let mut places = Vec::new();
        for slot in slots {
            places.push(Place { slot: *slot, x, y, width });
            y += slot.height() + GAP;
        }
        layout.columns.push(places);
        x += width + CHANNEL;
    }
    layout.width = if columns.is_empty() { 2 * MARGIN } else { x - CHANNEL + MARGIN };
    layout
}

/// What stands in each column, ordered by the mean row of what leads there, so that few arrows cross.
fn columns(view: &GraphView) -> Vec<Vec<Slot>> {
    let mut columns: Vec<Vec<Slot>> = Vec::new();
    for (number, wave) in view.waves.iter().enumerate() {
        let passing = (0..view.edges.len()).filter(|index| {
            let edge = &view.edges[*index];
            wave_of(view, edge.from) < number && number < wave_of(view, edge.to)
        });
        let mut slots: Vec<Slot> = wave.iter().map(|node| Slot::Node(*node)).chain(passing.map(Slot::Pass)).collect();
        if let Some(before) = columns.last() {
            slots.sort_by_key(|slot| mean_row(view, before, *slot));
        }
        columns.push(slots);
    }
    columns
}

/// A hundred times the mean row, in the column before, of the slots that lead to this one.
fn mean_row(view: &GraphView, before: &[Slot], slot: Slot) -> usize {
    let leads =
        |other: &Slot, index: usize| *other == Slot::Pass(index) || *other == Slot::Node(view.edges[index].from);
    let edges: Vec<usize> = match slot {
        Slot::Pass(index) => vec![index],
        Slot::Node(node) => (0..view.edges.len()).filter(|index| view.edges[*index].to == node).collect(),
    };
    let rows: Vec<usize> =
        edges.iter().filter_map(|index| before.iter().position(|other| leads(other, *index))).collect();
    (rows.iter().sum::<usize>() * 100).checked_div(rows.len()).unwrap_or(0)
}

fn slot_width(view: &GraphView, slot: Slot) -> usize {
    match slot {
        Slot::Node(node) => {
            let node = &view.nodes[node];
            (node.title().width().max(node.kind().width()) * CHARACTER + 28).max(80)
        }
        Slot::Pass(_) => 0,
    }
}

fn node_box(node: &Node, place: &Place) -> String {
    let (x, y, width, kind) = (place.x, place.y, place.width, node.kind());
    let radius = if node.is_task { BOX_HEIGHT / 2 } else { 6 };
    let off = if node.starts { "" } else { " off" };
    let (middle, title_at) = (x + width / 2, if kind.is_empty() { y + 27 } else { y + 19 });
    let name = escaped(&node.name);
    let mut svg = format!(
        "  <g class=\"node\" data-name=\"{name}\">\n  <rect class=\"box{off}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BOX_HEIGHT}\" rx=\"{radius}\"/>\n"
    );
    svg += &text("", middle, title_at, "middle", &node.title());
    if !kind.is_empty() {
        svg += &text("small", middle, y + 35, "middle", &kind);
    }
    svg + "  </g>\n"
}

/// A curve through all places of its way, level at each.
fn arrow(edge: &Edge, way: &[&Place]) -> String {
    let Some((first, rest)) = way.split_first() else { return String::new() };
    let mut from = (first.x + first.width, first.middle());
    let mut path = vec![format!("M{} {}", from.0, from.1)];
    for place in rest {
        let (bend, y) = (usize::midpoint(from.0, place.x), place.middle());
        path.push(format!("C{bend} {} {bend} {y} {} {y}", from.1, place.x));
        if matches!(place.slot, Slot::Pass(_)) {
            path.push(format!("H{}", place.x + place.width));
        }
        from = (place.x + place.width, y);
    }
    let path = path.join(" ");
    let optional = if edge.optional { " optional" } else { "" };
    format!("  <path class=\"edge{optional}\" d=\"{path}\"/>\n")
}

/// The words of the edges into a node, one below the other beside the arrows' heads, in the order in which the arrows arrive.
fn conditions(view: &GraphView, layout: &Layout, node: usize) -> Vec<String> {
    let Some(place) = layout.place(wave_of(view, node), Slot::Node(node)) else { return Vec::new() };
    let mut arriving: Vec<(usize, String)> = (0..view.edges.len())
        .filter(|index| view.edges[*index].to == node)
        .map(|index| {
            let way = layout.way(view, index);
            let last = way.len().checked_sub(2).map_or(0, |before| way[before].middle());
            (last, view.edges[index].condition())
        })
        .collect();
    arriving.sort();
    arriving.dedup_by(|a, b| a.1 == b.1);
    let below = |row: usize| if row == 0 { place.middle() - 6 } else { place.middle() + 3 + 12 * row };
    let x = place.x.saturating_sub(12);
    arriving.iter().enumerate().map(|(row, (_, words))| text("small", x, below(row), "end", words)).collect()
}

fn text(class: &str, x: usize, y: usize, anchor: &str, words: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("  <text{class} x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>\n", escaped(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::sample;
    use crate::model::{Program, Project};

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
    fn every_slot_is_inside_and_no_two_overlap() {
        let layout = layout(&sample::shop());
        let places: Vec<&Place> = layout.columns.iter().flatten().collect();
        for (index, place) in places.iter().enumerate() {
            let (right, bottom) = (place.x + place.width, place.y + place.slot.height());
            assert!(right <= layout.width - MARGIN && bottom <= layout.height - MARGIN, "{place:?}");
            for other in &places[index + 1..] {
                let is_apart = right <= other.x || bottom <= other.y || other.y + other.slot.height() <= place.y;
                assert!(is_apart, "{place:?} and {other:?}");
            }
        }
    }

    #[test]
    fn an_edge_that_passes_a_wave_has_a_slot_there() {
        let view = sample::shop();
        let layout = layout(&view);
        let long = view.edges.iter().position(|edge| edge.condition() == "started, restart").unwrap();
        assert_eq!(layout.way(&view, long).len(), 4, "cache, two waves to pass, web");
    }

    #[test]
    fn names_cannot_become_markup() {
        let view = GraphView::of(&Project::new("/src/shop", vec![Program::new("<a>&\"'\u{1}")]));
        let svg = render(&view);
        let document = roxmltree::Document::parse(&svg).unwrap();
        assert!(document.descendants().any(|node| node.text() == Some("<a>&\"'\u{fffd}")), "{svg}");
    }

    #[test]
    fn an_empty_graph_is_a_valid_drawing() {
        let view = GraphView { name: "none".into(), nodes: Vec::new(), edges: Vec::new(), waves: Vec::new() };
        assert!(roxmltree::Document::parse(&render(&view)).is_ok());
    }
}
