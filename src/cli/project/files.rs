//! The config files of a command: those of `-f`, else what lies here or above.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::error::CommandError;
use crate::cli::init::places;
use crate::cli::project::found::running;
use crate::cli::settings::Settings;
use crate::config::discover::{self, Listing};
use crate::import::{self, package_json};
use crate::registry::Homes;
use crate::ui::look::Look;
use crate::ui::text::{pad, width};

/// How far down configs are looked for where there is none.
const DEEPEST_BELOW: usize = 2;

/// How many of those are named.
const MOST_BELOW: usize = 8;

/// What can be imported and needs not be.
const READ_AS_THEY_ARE: [&str; 2] = ["Procfile", "supervisord.conf"];

/// The config files: those of `-f`, else the one that is found here or above. Without any, what was looked for and what to type.
pub fn config_files(settings: &Settings) -> Result<Vec<PathBuf>, CommandError> {
    if !settings.files.is_empty() {
        return settings.files.iter().map(|file| named_file(settings, file)).collect();
    }
    if !settings.directory.is_dir() {
        return Err(no_directory(&settings.directory));
    }
    let directory = canonical(&settings.directory);
    let found = nearest_config(&directory);
    if let Some(files) = files_in_use(settings, found.as_deref()) {
        return Ok(files);
    }
    match found {
        Some(file) => Ok(vec![file]),
        None => Err(no_project(settings, &directory)),
    }
}

/// The config that lies in a directory or in the nearest one above it.
pub(super) fn nearest_config(directory: &Path) -> Option<PathBuf> {
    discover::discover(&listings(directory))
}

/// `-C` leads nowhere: a project further up is not what was asked for.
fn no_directory(directory: &Path) -> CommandError {
    if directory.is_file() {
        return CommandError::user(format!("{} is not a directory", directory.display()))
            .hint(format!("run -f {} …     uses this file", directory.display()));
    }
    CommandError::user(format!("there is no directory {}", directory.display()))
}

/// The files that the project here was started from, where they are others than the one that would be found.
fn files_in_use(settings: &Settings, found: Option<&Path>) -> Option<Vec<PathBuf>> {
    let owner = running(settings, &Homes::of_this_user())?.owner;
    let files: Vec<PathBuf> = owner.files.iter().map(|file| owner.root.join(file)).collect();
    let is_elsewhere =
        found.is_some_and(|found| found.parent() != Some(&owner.root) || files.iter().any(|f| f == found));
    (!is_elsewhere && !files.is_empty()).then_some(files)
}

/// A file of `-f`: its directory is canonical, its name stays as it was written, since a link's name decides the format.
fn named_file(settings: &Settings, file: &Path) -> Result<PathBuf, CommandError> {
    let (parent, name) = (file.parent().unwrap_or(Path::new("/")), file.file_name());
    match (fs::canonicalize(parent), name) {
        (Ok(parent), Some(name)) => {
            let file = parent.join(name);
            of_another_tool(settings, &file).map_or(Ok(file), Err)
        }
        (Err(error), _) => Err(CommandError::user(format!("could not read {}: {error}", file.display()))),
        (Ok(_), None) => Err(CommandError::user(format!("{} is not a file", file.display()))),
    }
}

/// That a file is another tool's config, which is no Procfile, though its name leaves nothing else.
fn of_another_tool(settings: &Settings, file: &Path) -> Option<CommandError> {
    let text = places::text_of(file).ok()?;
    let tool = import::format_of(&file.file_name()?.to_string_lossy(), &text)?.name;
    if READ_AS_THEY_ARE.contains(&tool) {
        return None;
    }
    let look = Look { home: settings.home.clone(), ..Look::plain() };
    let file = file.strip_prefix(canonical(&settings.directory)).unwrap_or(file);
    let file = look.path(&file.to_string_lossy());
    let error =
        CommandError::user(format!("{file} is of {tool}; a config here is a run.toml, Procfile or supervisord.conf"));
    Some(error.hint(format!("run init --from {file}      writes a run.toml from it (shows it first)")))
}

/// A path without links; one that is not there as it stands.
pub(super) fn canonical(directory: &Path) -> PathBuf {
    fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned())
}

/// The configs in a directory and in those above it, up to the first that has one or is the root of the git checkout.
fn listings(directory: &Path) -> Vec<Listing> {
    let mut listings = Vec::new();
    for directory in directory.ancestors() {
        let is_git_root = directory.join(".git").exists();
        let names = configs_in(directory);
        let is_last = is_git_root || !names.is_empty();
        listings.push(Listing { directory: directory.to_owned(), names, is_git_root });
        if is_last {
            break;
        }
    }
    listings
}

/// Asked for by name: what lies above a project may be a directory with very many files.
fn configs_in(directory: &Path) -> Vec<String> {
    let is_there = |name: &&str| directory.join(name).symlink_metadata().is_ok_and(|found| !found.is_dir());
    discover::CONFIG_NAMES.into_iter().filter(is_there).map(str::to_owned).collect()
}

/// The first configs in the directories below, as a repository of several projects has them (`apps/web`); not those of dependencies.
fn configs_below(directory: &Path, depth: usize) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let mut below: Vec<PathBuf> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.') && entry.file_name() != "node_modules")
        .map(|entry| entry.path())
        .collect();
    below.sort();
    let found = below.into_iter().flat_map(|directory| match configs_in(&directory).first() {
        Some(name) => vec![directory.join(name)],
        None if depth > 1 => configs_below(&directory, depth - 1),
        None => Vec::new(),
    });
    found.take(MOST_BELOW).collect()
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    // A link may lead to a file; what it leads to is found out when it is opened.
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    let mut names: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// What was looked for, what was found instead, what to type.
fn no_project(settings: &Settings, directory: &Path) -> CommandError {
    let look = Look { home: settings.home.clone(), ..Look::plain() };
    let names = discover::CONFIG_NAMES.join(", ");
    let mut message = format!(
        "no project here\n  looked for {names} in {} and above up to the git root",
        look.path(&directory.to_string_lossy())
    );
    let package = places::text_of(&directory.join("package.json")).ok();
    let files = names_in(directory);
    let hints = discover::hints(&files, package.as_deref());
    // Anywhere else what lies below is no repository of several projects, but a whole home say.
    let is_checkout = directory.ancestors().any(|directory| directory.join(".git").exists());
    let below = if is_checkout { configs_below(directory, DEEPEST_BELOW) } else { Vec::new() };
    let shown = |file: &PathBuf| file.strip_prefix(directory).unwrap_or(file).display().to_string();
    let shown_below = below.iter().map(shown).collect::<Vec<_>>().join(", ");
    let shown_below = (!below.is_empty()).then(|| format!("{shown_below} below"));
    for line in hints.lines().into_iter().chain(shown_below) {
        message.push_str("\n  found ");
        message.push_str(&line);
    }
    let manager = package_json::runs_scripts(package.as_deref().unwrap_or_default(), &files);
    let command = hints.scripts.first().map_or_else(|| "CMD".to_owned(), |script| format!("{manager} run {script}"));
    let from = match hints.lines().len() {
        0 => "a template",
        1 => "it",
        _ => "them",
    };
    let once = format!("run up -- {command}");
    let init = pad("run init", width(&once));
    let there = below.first().and_then(|file| file.parent()?.strip_prefix(directory).ok());
    let error = match there {
        Some(there) => {
            let up = pad(&format!("run -C {} up", there.display()), width(&once));
            CommandError::user(message).hint(format!("{up}   starts what is there"))
        }
        None => CommandError::user(message),
    };
    error
        .hint(format!("{init}   writes a run.toml from {from} (shows it first)"))
        .hint(format!("{once}   runs one command under the same supervision, no file"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::args::GlobalArgs;
    use crate::cli::settings::{self, Facts, Stream};

    fn settings_in(directory: &Path) -> Settings {
        let facts = Facts { directory: directory.to_owned(), ..Facts::default() };
        settings::resolve(&GlobalArgs::default(), BTreeMap::new(), &facts)
    }

    /// A git checkout of its own, so that nothing above it counts.
    fn checkout() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join(".git")).unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        (directory, root)
    }

    #[test]
    fn an_empty_directory_is_told_what_was_looked_for_and_what_to_type() {
        let (_keep, root) = checkout();
        fs::write(root.join("package.json"), r#"{"scripts": {"dev": "vite", "worker": "node w", "test": "x"}}"#)
            .unwrap();
        let error = config_files(&settings_in(&root)).unwrap_err();
        assert_eq!(
            error.render(&Stream::plain()).replace(&root.display().to_string(), "~/src/shop"),
            "\
error: no project here
  looked for run.toml, Procfile.dev, Procfile, supervisord.conf in ~/src/shop and above up to the git root
  found package.json with 2 scripts that look like servers: dev, worker
help: run init                writes a run.toml from it (shows it first)
      run up -- npm run dev   runs one command under the same supervision, no file
"
        );
        fs::write(root.join("pnpm-lock.yaml"), "").unwrap();
        let message = config_files(&settings_in(&root)).unwrap_err().render(&Stream::plain());
        assert!(message.contains("run up -- pnpm run dev   "), "{message}");
    }

    #[test]
    fn in_a_repository_of_several_projects_those_below_are_named() {
        let (_keep, root) = checkout();
        for (directory, file) in
            [("apps/api", "run.toml"), ("web", "Procfile"), ("node_modules/x", "Procfile"), (".old", "run.toml")]
        {
            fs::create_dir_all(root.join(directory)).unwrap();
            fs::write(root.join(directory).join(file), "").unwrap();
        }
        let told = config_files(&settings_in(&root)).unwrap_err().render(&Stream::plain());
        assert!(
            told.contains(
                "\n  found apps/api/run.toml, web/Procfile below\nhelp: run -C apps/api up   starts what is there\n"
            ),
            "{told}"
        );
    }

    #[test]
    fn the_config_is_found_from_below() {
        let (_keep, root) = checkout();
        fs::create_dir_all(root.join("web/src")).unwrap();
        fs::write(root.join("Procfile"), "web: sleep 1\n").unwrap();
        assert_eq!(config_files(&settings_in(&root.join("web/src"))).unwrap(), [root.join("Procfile")]);
    }

    #[test]
    fn a_directory_that_is_not_there_is_not_mistaken_for_the_one_above() {
        let (_keep, root) = checkout();
        fs::write(root.join("Procfile"), "web: sleep 1\n").unwrap();
        let message = |name: &str| config_files(&settings_in(&root.join(name))).unwrap_err().to_string();
        assert!(message("shpo").starts_with("there is no directory "), "{}", message("shpo"));
        assert!(message("Procfile").ends_with("Procfile is not a directory"), "{}", message("Procfile"));
    }

    #[test]
    fn a_config_of_another_tool_is_not_taken_for_a_procfile() {
        let (_keep, root) = checkout();
        let files = [
            ("compose.yml", "services:\n  db:\n    image: postgres\n", Some("compose")),
            ("dev.yaml", "processes:\n  db:\n    command: postgres\n", Some("process-compose")),
            ("Procfile.dev", "web: sleep 1\n", None),
            ("procs.yml", "web: sleep 1\n", None),
            ("web.ini", "[program:web]\ncommand=sleep 1\n", None),
            ("local.toml", "", None),
        ];
        for (name, text, tool) in files {
            fs::write(root.join(name), text).unwrap();
            let settings = Settings { files: vec![root.join(name)], ..settings_in(&root) };
            let told = config_files(&settings).err().map(|error| error.render(&Stream::plain()));
            let expected = tool.map(|tool| {
                format!(
                    "error: {name} is of {tool}; a config here is a run.toml, Procfile or supervisord.conf\n\
                     help: run init --from {name}      writes a run.toml from it (shows it first)\n"
                )
            });
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn files_that_were_named_are_not_looked_for() {
        let (_keep, root) = checkout();
        let mut settings = settings_in(&root);
        settings.files = vec![root.join("sub/../Procfile.test")];
        assert!(config_files(&settings).is_err(), "the directory sub is not there");
        settings.files = vec![root.join("./Procfile.test")];
        assert_eq!(config_files(&settings).unwrap(), [root.join("Procfile.test")]);
    }
}
