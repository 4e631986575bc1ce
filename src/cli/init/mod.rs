//! `run init`: a run.toml from a template, from a file of another tool, or from what the directory suggests. Shown first.

pub mod made;
pub mod places;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueHint;
use clap_complete::engine::ArgValueCandidates;

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::init::made::Made;
use crate::cli::output::{print, say};
use crate::cli::settings::Settings;
use crate::model::Grow;
use crate::templates::Variable;
use crate::ui::{highlight, report};

/// Write a run.toml: from a template, from a file of another tool, or from what this directory suggests.
///
/// It is shown first, on stdout. On a terminal the command asks before it writes; elsewhere it writes with --yes only. A run.toml
/// that is there is never overwritten without --force. --from reads Procfile, supervisord.conf, package.json, process-compose,
/// mprocs, dekit, pitchfork and compose files; every line that could not be carried over is named.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A template by name, or the path of one of your own.
    #[arg(long, short, value_name = "NAME|PATH", conflicts_with = "from", value_hint = ValueHint::AnyPath,
          add = ArgValueCandidates::new(places::candidates))]
    pub template: Option<String>,
    /// Give a variable of the template its value; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment, conflicts_with = "from")]
    pub set: Vec<(String, String)>,
    /// Import this file of another tool.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub from: Option<PathBuf>,
    /// Overwrite a run.toml that is there.
    #[arg(long)]
    pub force: bool,
    /// Write it without asking.
    #[arg(long, short)]
    pub yes: bool,
    /// List the templates and their variables.
    #[arg(long, conflicts_with_all = ["template", "from", "set"])]
    pub list: bool,
}

/// Reads `NAME=VALUE`.
fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("not NAME=VALUE, such as customer=acme".to_owned()),
    }
}

/// Shows it, and writes it where that is wanted.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    if args.list {
        return list(settings);
    }
    let target = settings.files.first().cloned().unwrap_or_else(|| settings.directory.join("run.toml"));
    let asks = settings.stdin_is_terminal && settings.err.is_terminal && !args.yes;
    if (args.yes || asks) && target.exists() && !args.force {
        return Err(CommandError::user(format!("{} is there already", shown(settings, &target)))
            .hint("run init --force     overwrites it")
            .hint("run init | less      only shows what it would be"));
    }
    let made = made::make(settings, args)?;
    print(&highlight::toml(&made.text, settings.out.colour))?;
    let remarks = made::check(settings, &target, &made.text);
    say(&account(settings, &made));
    say(&report::human(&remarks.diagnostics, settings.err.colour));
    if remarks.is_broken {
        say(&format!("{} was not written\n", shown(settings, &target)));
        return Ok(ExitCode::Usage);
    }
    if !args.yes && !asks {
        say("not written: run init --yes writes it\n");
        return Ok(ExitCode::Fine);
    }
    if asks && !confirmed(&format!("write {}? [y/N] ", shown(settings, &target)))? {
        say("not written\n");
        return Ok(ExitCode::Fine);
    }
    write(&target, &made.text, args.force)?;
    let dot = settings.err.theme().signs().dot;
    say(&format!("wrote {}  {dot}  next: run check  {dot}  run up\n", shown(settings, &target)));
    Ok(ExitCode::Fine)
}

/// Where it came from, what could not be carried over, and what else there is to start from.
fn account(settings: &Settings, made: &Made) -> String {
    let theme = settings.err.theme();
    let mut text = format!("{} {}\n", theme.signs().starting, made.origin);
    if !made.lost.is_empty() {
        let count = made.lost.len();
        let what = if count == 1 { "1 thing was".to_owned() } else { format!("{count} things were") };
        text.put(format_args!("{} {what} not carried over:\n", theme.signs().warning));
        for lost in &made.lost {
            text.put(format_args!("  {lost}\n"));
        }
    }
    if !made.others.is_empty() {
        text.put(format_args!("also possible: {}\n", made.others.join(&format!("  {}  ", theme.signs().dot))));
    }
    text
}

/// A path as people write it: relative to where they are.
fn shown(settings: &Settings, path: &Path) -> String {
    path.strip_prefix(&settings.directory).unwrap_or(path).display().to_string()
}

/// Asks on the terminal.
fn confirmed(question: &str) -> Result<bool, CommandError> {
    say(question);
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Writes the file. Without force one that has come up meanwhile is left alone.
fn write(target: &Path, text: &str, force: bool) -> Result<(), CommandError> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.open(target).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| CommandError::user(format!("could not write {}: {error}", target.display())))
}

/// The templates, the user's own first, each with its variables.
fn list(settings: &Settings) -> Result<ExitCode, CommandError> {
    let mut text = String::new();
    for found in places::all(settings) {
        let whose = found.path.as_ref().map(|path| format!("   ({})", path.display())).unwrap_or_default();
        match found.template {
            Ok(template) => {
                text.put(format_args!("{:<10} {}{whose}\n", template.name, template.doc));
                for variable in &template.variables {
                    text.push_str(&variable_line(variable));
                }
            }
            Err(problems) => say(&report::human(&problems, settings.err.colour)),
        }
    }
    print(&text)?;
    Ok(ExitCode::Fine)
}

fn variable_line(variable: &Variable) -> String {
    let default = match &variable.default {
        Some(default) if default.is_empty() => String::new(),
        Some(default) => format!(" [{}]", default.replace("{{ directory }}", "the directory's name")),
        None => " [has to be set]".to_owned(),
    };
    let choices = match variable.choices.as_slice() {
        [] => String::new(),
        choices => format!(" ({})", choices.join(", ")),
    };
    format!("  --set {:<12} {}{choices}{default}\n", variable.name, variable.doc)
}
