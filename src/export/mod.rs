//! A project in another notation. Pure.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm,
    clippy::iter_over_hash_type,
    clippy::unwrap_used,
    clippy::print_stdout
)]

pub mod compose;
pub mod dot;
pub mod graph;
pub mod json;
pub mod kubernetes;
pub mod labels;
pub mod launchd;
pub mod mermaid;
pub mod nomad;
pub mod procfile;
#[cfg(test)]
pub(crate) mod sample;
pub mod supervisord;
pub mod svg;
pub mod systemd;
pub mod text;
pub mod unit;
pub mod yaml;

use graph::GraphView;
use unit::Site;

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

/// What an export makes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// In the order in which they are shown.
    pub files: Vec<ExportedFile>,
    /// What the notation cannot say, one sentence each; the files have them as comments, too.
    pub remarks: Vec<String>,
}

/// One file of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedFile {
    /// Its name.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// One notation that a project can be exported to.
#[derive(Debug, Clone, Copy)]
pub struct ExportFormat {
    /// What `run export` calls it.
    pub name: &'static str,
    /// One sentence for the help.
    pub doc: &'static str,
    /// Makes the files.
    pub render: fn(&Site<'_>) -> Exported,
}

/// The notations of `run export`. One file each.
pub const EXPORT_FORMATS: &[ExportFormat] = &[
    systemd::FORMAT,
    launchd::FORMAT,
    supervisord::FORMAT,
    procfile::FORMAT,
    compose::FORMAT,
    kubernetes::FORMAT,
    nomad::FORMAT,
];
