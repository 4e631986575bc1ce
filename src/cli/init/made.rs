//! What `run init` makes: the text, where it came from, and what is to be said about it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::error::CommandError;
use crate::cli::init::{Args, places};
use crate::cli::settings::Settings;
use crate::config::facts::{FileFact, Known};
use crate::config::request::{Request, Vocabulary};
use crate::import::{self, Lost, Source, emit};
use crate::model::{Diagnostics, Severity};
use crate::probe;
use crate::registry;
use crate::runtime::load;
use crate::templates::propose::{self, Directory, Proposal};
use crate::templates::render;

/// A run.toml that could be written.
#[derive(Debug)]
pub struct Made {
    /// Its text.
    pub text: String,
    /// Where it came from, for a person.
    pub origin: String,
    /// What could not be carried over.
    pub lost: Vec<Lost>,
    /// What else could be typed.
    pub others: Vec<String>,
}

/// Makes it.
pub fn make(settings: &Settings, args: &Args) -> Result<Made, CommandError> {
    if let Some(file) = &args.from {
        return imported(settings, file);
    }
    if let Some(template) = &args.template {
        return filled(settings, template, &args.set, None);
    }
    let directory = look(settings);
    let mut proposals = propose::proposals(&directory).into_iter();
    // What was set is for a template.
    let first =
        proposals.by_ref().find(|proposal| args.set.is_empty() || matches!(proposal, Proposal::Template { .. }));
    let mut made = match first {
        Some(Proposal::Import(file)) => imported(settings, Path::new(&file))?,
        Some(Proposal::Template { name, because }) => filled(settings, name, &args.set, because)?,
        None => filled(settings, "bare", &args.set, None)?,
    };
    made.others = proposals.map(|proposal| command(&proposal)).collect();
    made.others.push("run init --list".to_owned());
    Ok(made)
}

/// What to type for another way.
fn command(proposal: &Proposal) -> String {
    match proposal {
        Proposal::Import(file) => format!("run init --from {file}"),
        Proposal::Template { name, .. } => format!("run init --template {name}"),
    }
}

/// What lies in the directory.
fn look(settings: &Settings) -> Directory {
    let entries = fs::read_dir(&settings.directory).into_iter().flatten().filter_map(Result::ok);
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let text = |name: &&str| Some(((*name).to_owned(), places::text_of(&settings.directory.join(name)).ok()?));
    Directory { texts: propose::WANTED.iter().filter_map(text).collect(), names }
}

fn filled(
    settings: &Settings,
    name: &str,
    set: &[(String, String)],
    because: Option<&str>,
) -> Result<Made, CommandError> {
    let template = places::find(settings, name)?;
    let text = render::render(&template, &directory_name(settings), set)?;
    let origin = match because {
        Some(file) => format!("from the template {} (there is a {file})", template.name),
        None => format!("from the template {}", template.name),
    };
    Ok(Made { text, origin, lost: Vec::new(), others: Vec::new() })
}

/// The name that the project would have by itself.
fn directory_name(settings: &Settings) -> String {
    let directory = fs::canonicalize(&settings.directory).unwrap_or_else(|_| settings.directory.clone());
    registry::display_name(None, None, &directory, None).full
}

fn imported(settings: &Settings, file: &Path) -> Result<Made, CommandError> {
    let path = settings.directory.join(file);
    let text = places::text_of(&path)?;
    let name = file.to_string_lossy();
    let base = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(format) = import::format_of(&base, &text) else {
        let known: Vec<&str> = import::FORMATS.iter().map(|format| format.name).collect();
        return Err(CommandError::user(format!("{name} is of no format that can be imported"))
            .hint(format!("there are {}", known.join(", "))));
    };
    let beside = beside(&path, &(format.beside)(&text));
    let source = Source { name: &name, text: &text, beside: &beside };
    let draft = (format.read)(&source).map_err(|error| CommandError::user(format!("{name}: {error}")))?;
    Ok(Made {
        text: emit::run_toml(&draft),
        origin: format!("from {name} ({})", format.name),
        lost: draft.all_lost().into_iter().cloned().collect(),
        others: Vec::new(),
    })
}

/// The files beside it that fit one of the patterns, by the names that the patterns have.
fn beside(path: &Path, patterns: &[String]) -> Vec<(String, String)> {
    let base = path.parent().unwrap_or(Path::new("/"));
    let found = patterns.iter().flat_map(|pattern| load::matches(base, pattern));
    let name = |path: &PathBuf| path.strip_prefix(base).unwrap_or(path).display().to_string();
    // A lock file may be too large to be read, and only its name counts.
    found.map(|path| (name(&path), places::text_of(&path).unwrap_or_default())).collect()
}

/// What the loader says of a text.
#[derive(Debug)]
pub struct Remarks {
    /// All of it.
    pub diagnostics: Diagnostics,
    /// Whether the text itself is wrong, and not only this machine lacks what it names.
    pub is_broken: bool,
}

/// What a machine may lack, or a person may still have to fill in.
const OF_THE_WORLD: &[&str] = &[
    "missing-command",
    "missing-directory",
    "missing-file",
    "missing-user",
    "undefined-variable",
    "command-not-yet",
    "env-line",
];

/// Loads a text as if it stood in the file already.
pub fn check(settings: &Settings, target: &Path, text: &str) -> Remarks {
    let root = target.parent().map_or_else(|| settings.directory.clone(), Path::to_path_buf);
    let root = fs::canonicalize(&root).unwrap_or(root);
    let file = root.join(target.file_name().unwrap_or_default());
    let request = Request {
        root: root.clone(),
        files: vec![file.clone()],
        fallback_name: directory_name(settings),
        shell: settings.environment.clone(),
        ..Request::default()
    };
    let mut known = Known::default();
    known.files.insert(file, FileFact::Bytes(text.into()));
    // What would be laid over it belongs to another config.
    known.files.insert(root.join("run.local.toml"), FileFact::Missing);
    let diagnostics = load::load_knowing(&request, &Vocabulary { probes: probe::KINDS }, known).diagnostics;
    let is_error = |code: &str| !OF_THE_WORLD.contains(&code);
    let is_broken =
        diagnostics.list.iter().any(|problem| problem.severity == Severity::Error && is_error(problem.code));
    Remarks { diagnostics, is_broken }
}
