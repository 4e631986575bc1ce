//! The edge of [`crate::config::load`]: looks for the facts that it asks for until it has a project or a list of mistakes.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::config::facts::{FileFact, Known, Need};
use crate::config::request::{Request, Vocabulary};
use crate::config::{Loaded, load};
use crate::model::name::glob;
use crate::model::status::SourceMark;
use crate::model::{Diagnostics, Project, stable_hash};
use crate::runtime::launcher::account;

/// The largest config or env file that is read.
const MAX_FILE: u64 = 1 << 20;

/// How many directories a pattern with `**` may walk.
const MAX_DIRECTORIES: usize = 10_000;

/// A loaded project, or why there is none.
#[derive(Debug)]
pub struct Outcome {
    /// The project; `None` when it was refused.
    pub project: Option<Project>,
    /// Everything that is wrong; only warnings when there is a project.
    pub diagnostics: Diagnostics,
    /// What the files and patterns that were looked at were like: what a watcher has to watch.
    pub sources: Vec<SourceMark>,
}

/// Loads a project. Blocks for as long as the files take to read.
pub fn load_project(request: &Request, vocabulary: &Vocabulary) -> Outcome {
    load_knowing(request, vocabulary, Known::default())
}

/// The same where some facts are known already: the text of a file that is not written yet.
pub fn load_knowing(request: &Request, vocabulary: &Vocabulary, mut known: Known) -> Outcome {
    loop {
        match load(request, &known, vocabulary) {
            Loaded::Needs(needs) => needs.into_iter().for_each(|need| look(need, &mut known)),
            Loaded::Project(project, diagnostics) => {
                return Outcome { project: Some(*project), diagnostics, sources: marks(&known) };
            }
            Loaded::Refused(diagnostics) => return Outcome { project: None, diagnostics, sources: marks(&known) },
        }
    }
}

/// What the files and patterns that were looked at were like.
fn marks(known: &Known) -> Vec<SourceMark> {
    let file = |(path, fact): (&PathBuf, &FileFact)| mark(path, "", &hash_of(fact));
    let pattern =
        |((base, pattern), found): (&(PathBuf, String), &Vec<PathBuf>)| mark(base, pattern, &names_hash(found));
    known.files.iter().map(file).chain(known.globs.iter().map(pattern)).collect()
}

/// Whether what was marked is the same now.
pub fn is_as_marked(mark: &SourceMark) -> bool {
    let path = Path::new(&mark.path);
    let hash = match mark.pattern.as_str() {
        "" => hash_of(&read(path)),
        pattern => names_hash(&matches(path, pattern)),
    };
    hash == mark.hash
}

fn mark(path: &Path, pattern: &str, hash: &str) -> SourceMark {
    SourceMark { path: path.to_string_lossy().into_owned(), pattern: pattern.to_owned(), hash: hash.to_owned() }
}

fn hash_of(fact: &FileFact) -> String {
    match fact {
        FileFact::Bytes(bytes) => format!("{:016x}", stable_hash(&[bytes])),
        FileFact::Missing => String::new(),
        FileFact::Unusable(why) => why.clone(),
    }
}

fn names_hash(found: &[PathBuf]) -> String {
    let names: Vec<&[u8]> = found.iter().map(|path| path.as_os_str().as_encoded_bytes()).collect();
    format!("{:016x}", stable_hash(&names))
}

/// Finds one fact.
fn look(need: Need, known: &mut Known) {
    match need {
        Need::File(path) => {
            let fact = read(&path);
            known.files.insert(path, fact);
        }
        Need::Glob { base, pattern } => {
            let files = matches(&base, &pattern);
            known.globs.insert((base, pattern), files);
        }
        Need::Directory(path) => {
            let is_there = path.is_dir();
            known.directories.insert(path, is_there);
        }
        Need::Command { word, path } => {
            let is_there = path.iter().any(|directory| is_command(&directory.join(&word)));
            known.commands.insert((word, path), is_there);
        }
        Need::User(user) => {
            let is_there = account(&user).is_ok();
            known.users.insert(user, is_there);
        }
        Need::NodeName => {
            let name = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned());
            known.node_name = Some(name.unwrap_or_default());
        }
    }
}

/// Whether this may be executed by somebody.
fn is_command(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Reads a regular file of at most [`MAX_FILE`] bytes. Opened without blocking: a named pipe must not hang the start.
pub fn read(path: &Path) -> FileFact {
    let file = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path) {
        Ok(file) => file,
        Err(error) => return failed(&error),
    };
    match file.metadata() {
        Ok(metadata) => match unfit(&metadata) {
            Some(why) => FileFact::Unusable(why.to_owned()),
            None => content(file),
        },
        Err(error) => failed(&error),
    }
}

fn unfit(metadata: &Metadata) -> Option<&'static str> {
    if metadata.is_dir() {
        Some("it is a directory")
    } else if !metadata.is_file() {
        Some("it is not a regular file")
    } else if metadata.len() > MAX_FILE {
        Some("it is larger than 1 MiB")
    } else {
        None
    }
}

/// The file may grow while it is read, so the limit holds here too.
fn content(file: File) -> FileFact {
    let mut bytes = Vec::new();
    match file.take(MAX_FILE + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > MAX_FILE => FileFact::Unusable("it is larger than 1 MiB".to_owned()),
        Ok(_) => FileFact::Bytes(bytes),
        Err(error) => failed(&error),
    }
}

fn failed(error: &io::Error) -> FileFact {
    match error.kind() {
        // A file where a directory was expected means that the path leads nowhere, too.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FileFact::Missing,
        io::ErrorKind::PermissionDenied => FileFact::Unusable("permission denied".to_owned()),
        _ => FileFact::Unusable(error.to_string()),
    }
}

/// The regular files that match a pattern, sorted. `*`, `?` and `[a-z]` match within a name and not a leading dot, `**` any directories, and
/// at the end all files below.
pub fn matches(base: &Path, pattern: &str) -> Vec<PathBuf> {
    let start = if pattern.starts_with('/') { PathBuf::from("/") } else { base.to_owned() };
    let parts = steps(pattern);
    let mut found = Vec::new();
    let mut budget = MAX_DIRECTORIES;
    walk(&start, &parts, &mut found, &mut budget);
    found.sort();
    found.dedup();
    found
}

/// The directories that a pattern looks into, whether they are there or not.
pub fn directories_of(base: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut budget = MAX_DIRECTORIES;
    let mut all = vec![if pattern.starts_with('/') { PathBuf::from("/") } else { base.to_owned() }];
    let mut level = all.clone();
    let parts = steps(pattern);
    for part in parts.iter().take(parts.len().saturating_sub(1)) {
        let below = |directory: &PathBuf| -> Vec<PathBuf> {
            match *part {
                "**" => trees(directory, &mut budget),
                part if part.contains(['*', '?', '[']) => {
                    let fits = |name: &String| glob(part, name) && (part.starts_with('.') || !name.starts_with('.'));
                    let names = names(directory, &mut budget).into_iter().filter(fits);
                    names.map(|name| directory.join(name)).filter(|path| path.is_dir()).collect()
                }
                part => vec![directory.join(part)],
            }
        };
        level = level.iter().flat_map(below).collect();
        all.extend(level.iter().cloned());
    }
    all
}

/// What a pattern says of each step of a path.
fn steps(pattern: &str) -> Vec<&str> {
    let mut steps: Vec<&str> = pattern.split('/').filter(|step| !step.is_empty() && *step != ".").collect();
    if steps.last() == Some(&"**") {
        steps.push("*");
    }
    steps
}

/// A directory and all below it that `**` walks.
fn trees(directory: &Path, budget: &mut usize) -> Vec<PathBuf> {
    let mut found = vec![directory.to_owned()];
    for name in names(directory, budget).into_iter().filter(|name| !name.starts_with('.')) {
        let path = directory.join(name);
        if path.is_dir() && !path.is_symlink() {
            found.extend(trees(&path, budget));
        }
    }
    found
}

fn walk(directory: &Path, parts: &[&str], found: &mut Vec<PathBuf>, budget: &mut usize) {
    let Some((&part, rest)) = parts.split_first() else { return };
    if part == "**" {
        walk(directory, rest, found, budget);
        for name in names(directory, budget).into_iter().filter(|name| !name.starts_with('.')) {
            let path = directory.join(name);
            // A link could lead back up.
            if path.is_dir() && !path.is_symlink() {
                walk(&path, parts, found, budget);
            }
        }
        return;
    }
    let candidates = if part.contains(['*', '?', '[']) {
        let fits = |name: &String| glob(part, name) && (part.starts_with('.') || !name.starts_with('.'));
        names(directory, budget).into_iter().filter(fits).collect()
    } else {
        vec![part.to_owned()]
    };
    for path in candidates.into_iter().map(|name| directory.join(name)) {
        match rest {
            [] if path.is_file() => found.push(path),
            [] => {}
            _ => walk(&path, rest, found, budget),
        }
    }
}

fn names(directory: &Path, budget: &mut usize) -> Vec<String> {
    if *budget == 0 {
        return Vec::new();
    }
    *budget -= 1;
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    #[test]
    fn patterns_find_regular_files_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for name in ["b.toml", "a.toml", ".hidden.toml", "c.txt", "sub/d.toml", "sub/deep/e.toml"] {
            touch(&root.join(name));
        }
        fs::create_dir(root.join("dir.toml")).unwrap();
        let found = |pattern: &str| -> Vec<String> {
            let strip = |path: PathBuf| path.strip_prefix(root).unwrap().display().to_string();
            matches(root, pattern).into_iter().map(strip).collect()
        };
        assert_eq!(found("*.toml"), ["a.toml", "b.toml"]);
        assert_eq!(found("**/*.toml"), ["a.toml", "b.toml", "sub/d.toml", "sub/deep/e.toml"]);
        assert_eq!(found("sub/**"), ["sub/d.toml", "sub/deep/e.toml"]);
        assert_eq!(found("s?b/*.toml"), ["sub/d.toml"]);
        assert_eq!(found(".h*"), [".hidden.toml"]);
        assert!(found("none/*.toml").is_empty());
    }

    #[test]
    fn what_is_not_a_small_regular_file_is_refused_with_its_reason() {
        let directory = tempfile::tempdir().unwrap();
        let big = directory.path().join("big");
        fs::write(&big, vec![b'x'; usize::try_from(MAX_FILE).unwrap() + 1]).unwrap();
        let pipe = directory.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(read(&big), FileFact::Unusable("it is larger than 1 MiB".to_owned()));
        assert_eq!(read(&pipe), FileFact::Unusable("it is not a regular file".to_owned()));
        assert_eq!(read(directory.path()), FileFact::Unusable("it is a directory".to_owned()));
        assert_eq!(read(&directory.path().join("none")), FileFact::Missing);
    }

    #[test]
    fn a_command_is_a_file_that_may_be_executed() {
        let directory = tempfile::tempdir().unwrap();
        let (tool, text) = (directory.path().join("tool"), directory.path().join("text"));
        touch(&tool);
        touch(&text);
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&text, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(is_command(&tool));
        assert!(!is_command(&text));
        assert!(!is_command(directory.path()));
    }
}
