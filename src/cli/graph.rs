//! `run graph`: what needs what.

use clap::builder::PossibleValuesParser;
use clap_complete::engine::ArgValueCandidates;

use crate::cli::complete;
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{print, print_json};
use crate::cli::project;
use crate::cli::select::unknown_name;
use crate::cli::settings::Settings;
use crate::export::graph::GraphView;
use crate::export::json::GraphJson;
use crate::export::{GRAPH_FORMATS, GraphFormat};

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
    let view = view(settings, &args.names)?;
    if args.json {
        print_json(&GraphJson::of(&view))?;
    } else {
        print(&(format_of(&args.format).render)(&view))?;
    }
    Ok(ExitCode::Fine)
}

/// The graph of the config here, or of the named programs and what they need.
pub fn view(settings: &Settings, names: &[String]) -> Result<GraphView, CommandError> {
    let project = project::load(settings)?.project;
    let view = GraphView::of(&project);
    if names.is_empty() {
        return Ok(view);
    }
    let all: Vec<String> = view.nodes.iter().map(|node| node.name.clone()).collect();
    if let Some(word) = names.iter().find(|word| !all.contains(word)) {
        return Err(unknown_name(word, &project.name, &all));
    }
    Ok(view.needed_by(names))
}

/// The notation of this name, else the first.
pub fn format_of(name: &str) -> &'static GraphFormat {
    GRAPH_FORMATS.iter().find(|format| format.name == name).unwrap_or(&GRAPH_FORMATS[0])
}
