//! `run graph`: what needs what.

use clap::builder::PossibleValuesParser;
use clap_complete::engine::ArgValueCandidates;
use serde::Serialize;

use crate::cli::complete;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{print, print_json};
use crate::cli::project;
use crate::cli::select::unknown_name;
use crate::cli::settings::Settings;
use crate::export::graph::GraphView;
use crate::export::{GRAPH_FORMATS, GraphFormat};
use crate::model::status::SCHEMA;

/// Draw what needs what: the order of the start and the condition of each edge.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Only these programs and what they need; without any: all.
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::configured))]
    pub names: Vec<String>,
    /// The notation.
    #[arg(long, value_name = "FORMAT", default_value = "text", conflicts_with = "json",
          value_parser = PossibleValuesParser::new(GRAPH_FORMATS.iter().map(|format| {
              clap::builder::PossibleValue::new(format.name).help(format.doc)
          })))]
    pub format: String,
    /// As JSON, with a schema number.
    #[arg(long)]
    pub json: bool,
}

/// Draws it.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let project = project::load(settings)?.project;
    let mut view = GraphView::of(&project);
    if !args.names.is_empty() {
        let all: Vec<String> = view.nodes.iter().map(|node| node.name.clone()).collect();
        if let Some(word) = args.names.iter().find(|word| !all.contains(word)) {
            return Err(unknown_name(word, &project.name, &all));
        }
        view = view.needed_by(&args.names);
    }
    if args.json {
        print_json(&Json::of(&view))?;
    } else {
        print(&(format_of(&args.format).render)(&view))?;
    }
    Ok(ExitCode::Fine)
}

fn format_of(name: &str) -> &'static GraphFormat {
    GRAPH_FORMATS.iter().find(|format| format.name == name).unwrap_or(&GRAPH_FORMATS[0])
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Json<'a> {
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

impl<'a> Json<'a> {
    fn of(view: &'a GraphView) -> Self {
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
