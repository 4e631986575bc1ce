//! Where templates are: those that come with the binary, the user's own directory, and any path.

use std::fs;
use std::path::{Path, PathBuf};

use clap_complete::engine::CompletionCandidate;

use crate::cli::error::CommandError;
use crate::cli::settings::Settings;
use crate::config::facts::FileFact;
use crate::config::suggest;
use crate::model::{Diagnostics, SourceFile};
use crate::runtime::load;
use crate::templates::{Template, builtin, header};

/// A template that was found.
#[derive(Debug)]
pub struct Found {
    /// What it is called.
    pub name: String,
    /// Its file, where it is the user's own.
    pub path: Option<PathBuf>,
    /// The template, or what is wrong with it.
    pub template: Result<Template, Diagnostics>,
}

/// All templates: the user's own, then those of the binary that none of them hides.
pub fn all(settings: &Settings) -> Vec<Found> {
    let mut found = own(settings);
    for (name, _) in builtin::BUILTIN {
        if let Some(template) = builtin::find(name)
            && !found.iter().any(|there| there.name == *name)
        {
            found.push(Found { name: (*name).to_owned(), path: None, template: Ok(template) });
        }
    }
    found
}

/// A template by its name, or by its path: what has a slash or ends in `.toml` is one.
pub fn find(settings: &Settings, wanted: &str) -> Result<Template, CommandError> {
    if wanted.contains('/') || Path::new(wanted).extension().is_some_and(|ending| ending == "toml") {
        let path = settings.directory.join(wanted);
        return read(wanted, &path)?.map_err(CommandError::from);
    }
    let mut found = all(settings);
    if let Some(at) = found.iter().position(|there| there.name == wanted) {
        return found.swap_remove(at).template.map_err(CommandError::from);
    }
    let names: Vec<&str> = found.iter().map(|there| there.name.as_str()).collect();
    let error = CommandError::user(format!("there is no template `{wanted}`"));
    let error = match suggest::did_you_mean(wanted, names.iter().copied()) {
        Some(hint) => error.hint(hint),
        None => error.hint(format!("there are {}", names.join(", "))),
    };
    Err(match own_directory(settings) {
        Some(directory) => error.hint(format!("one of your own goes into {}", directory.display())),
        None => error,
    })
}

/// Names for a shell that asks.
pub fn candidates() -> Vec<CompletionCandidate> {
    builtin::BUILTIN.iter().map(|(name, _)| CompletionCandidate::new(*name)).collect()
}

/// `$XDG_CONFIG_HOME/runup/templates`.
fn own_directory(settings: &Settings) -> Option<PathBuf> {
    let set = settings.environment.get("XDG_CONFIG_HOME").filter(|path| path.starts_with('/')).map(PathBuf::from);
    let config = set.or_else(|| Some(PathBuf::from(settings.home.as_ref()?).join(".config")))?;
    Some(config.join("runup").join("templates"))
}

fn own(settings: &Settings) -> Vec<Found> {
    let Some(directory) = own_directory(settings) else { return Vec::new() };
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    paths.sort();
    let found = |path: PathBuf| {
        let name = path.file_stem()?.to_str()?.to_owned();
        let template = read(&name, &path).ok()?;
        Some(Found { name, path: Some(path), template })
    };
    paths.into_iter().filter_map(found).collect()
}

/// Reads a template: a file that cannot be read, then what is wrong in it.
fn read(name: &str, path: &Path) -> Result<Result<Template, Diagnostics>, CommandError> {
    let source = SourceFile { name: path.display().to_string(), text: text_of(path)? };
    Ok(header::parse(name, source))
}

/// The text of a file that was named, without the mark that editors on Windows put before it.
pub fn text_of(path: &Path) -> Result<String, CommandError> {
    let refused = |why: &str| CommandError::user(format!("could not read {}: {why}", path.display()));
    match load::read(path) {
        FileFact::Bytes(bytes) => {
            let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
            String::from_utf8(bytes.to_vec()).map_err(|_| refused("it is not UTF-8"))
        }
        FileFact::Missing => Err(refused("there is no such file")),
        FileFact::Unusable(why) => Err(refused(&why)),
    }
}
