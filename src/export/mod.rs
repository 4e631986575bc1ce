//! A project in another notation. Pure.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm,
    clippy::iter_over_hash_type,
    clippy::unwrap_used,
    clippy::print_stdout
)]

pub mod dot;
pub mod graph;
pub mod json;
pub mod mermaid;
#[cfg(test)]
pub(crate) mod sample;
pub mod svg;
pub mod text;

use graph::GraphView;

/// One notation that a graph can be drawn in.
#[derive(Debug, Clone, Copy)]
pub struct GraphFormat {
    /// What `--format` calls it.
    pub name: &'static str,
    /// One sentence for the help.
    pub doc: &'static str,
    /// Draws it; the text ends with a line end.
    pub render: fn(&GraphView) -> String,
}

/// The notations of `run graph`. One file each.
pub const GRAPH_FORMATS: &[GraphFormat] = &[text::FORMAT, dot::FORMAT, mermaid::FORMAT, svg::FORMAT];
