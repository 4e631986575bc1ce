//! `run man`: the manual, made from the command line's own help and the table of options.

pub mod config_page;
pub mod pages;

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueHint;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::man::pages::Page;
use crate::cli::output::{print, print_bytes, say};
use crate::cli::settings::Settings;
use crate::config::suggest;

/// Show the manual: of run, of one of its commands, or of run.toml.
///
/// On a terminal by man; elsewhere the page itself is printed, in the notation of man.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A command, or run.toml.
    #[arg(value_name = "PAGE", add = ArgValueCandidates::new(candidates))]
    pub page: Option<String>,
    /// Write all pages into this directory instead.
    #[arg(long, value_name = "DIR", conflicts_with = "page", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
}

fn candidates() -> Vec<CompletionCandidate> {
    pages::all().into_iter().map(|page| CompletionCandidate::new(page.name)).collect()
}

/// Shows a page, or writes them all.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let pages = pages::all();
    if let Some(directory) = &args.output {
        return write(&settings.directory.join(directory), &pages);
    }
    let wanted = args.page.as_deref().unwrap_or("run");
    let Some(page) = pages.iter().find(|page| page.name == wanted || page.stem() == wanted) else {
        let error = CommandError::user(format!("there is no page `{wanted}`"));
        let names = || pages.iter().map(|page| page.name.as_str());
        return Err(match suggest::did_you_mean(wanted, names()) {
            Some(hint) => error.hint(hint),
            None => error.hint(format!("there are {}", names().collect::<Vec<_>>().join(", "))),
        });
    };
    if !settings.out.is_terminal {
        print_bytes(page.roff.as_bytes())?;
    } else if !by_man(&page.roff)? {
        print(&page.plain)?;
    }
    Ok(ExitCode::Fine)
}

/// Hands a page to man, which brings its own pager. Whether there is a man that could show it.
fn by_man(roff: &str) -> Result<bool, CommandError> {
    let mut man = match Command::new("man").args(["-l", "-"]).stdin(Stdio::piped()).spawn() {
        Ok(man) => man,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if let Some(mut stdin) = man.stdin.take() {
        // A pager that was left early has read enough.
        stdin.write_all(roff.as_bytes()).ok();
    }
    Ok(man.wait()?.success())
}

fn write(directory: &Path, pages: &[Page]) -> Result<ExitCode, CommandError> {
    let refused = |path: &Path, error: &std::io::Error| {
        CommandError::user(format!("could not write {}: {error}", path.display()))
    };
    fs::create_dir_all(directory).map_err(|error| refused(directory, &error))?;
    for page in pages {
        let path = directory.join(page.file_name());
        fs::write(&path, &page.roff).map_err(|error| refused(&path, &error))?;
    }
    say(&format!("wrote {} pages to {}\n", pages.len(), directory.display()));
    Ok(ExitCode::Fine)
}
