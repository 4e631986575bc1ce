//! Configs of other tools to a run.toml: what can be said is written, what cannot is named with its line and the reason. Pure.
//!
//! One file a format and a row in [`FORMATS`]. A format reads a text into a [`Draft`]; [`emit`] writes that as a run.toml.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm,
    clippy::iter_over_hash_type,
    clippy::unwrap_used,
    clippy::print_stdout
)]

pub mod compose;
pub mod dekit;
pub mod draft;
pub mod emit;
pub mod fields;
pub mod holes;
pub mod inherit;
pub mod mprocs;
pub mod names;
pub mod package_json;
pub mod parts;
pub mod pitchfork;
pub mod process_compose;
pub mod procfile;
pub mod supervisord;

pub use draft::{Draft, Lost};

use crate::codec::yaml::YamlError;
use crate::model::name::glob;

/// A file to be imported.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// As the user would name it.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
    /// The files that [`Format::beside`] asked for, by name, as far as they are there.
    pub beside: &'a [(String, String)],
}

/// Why a file cannot be imported at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read to its end.
    #[error("line {line}: {message}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// There is nothing in it that could be started.
    #[error("{0}")]
    Nothing(&'static str),
}

impl From<YamlError> for ImportError {
    fn from(error: YamlError) -> Self {
        Self::Syntax { line: error.line, message: error.message }
    }
}

/// A format that can be imported.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// What it is called.
    pub name: &'static str,
    /// Patterns of file names that are of this format.
    pub file_names: &'static [&'static str],
    /// Keys of the outermost table that tell the format of a file with another name.
    pub marks: &'static [&'static str],
    /// Patterns of files that it wants to see as well, given its text, relative to its directory.
    pub beside: fn(&str) -> Vec<String>,
    /// Reads it.
    pub read: fn(&Source<'_>) -> Result<Draft, ImportError>,
}

/// All formats. Where several fit a name the first one is meant.
pub const FORMATS: &[Format] = &[
    process_compose::FORMAT,
    mprocs::FORMAT,
    dekit::FORMAT,
    pitchfork::FORMAT,
    supervisord::FORMAT,
    compose::FORMAT,
    package_json::FORMAT,
    procfile::FORMAT,
];

/// The format of a file: by its name, unless it is YAML that has the mark of another format only (process-compose reads a
/// compose.yaml too); else by what stands at the beginning of one of its lines.
pub fn format_of(name: &str, text: &str) -> Option<&'static Format> {
    let lower = name.to_lowercase();
    let by_name = |format: &&Format| format.file_names.iter().any(|pattern| glob(pattern, &lower));
    let by_mark = |format: &&Format| {
        let begins = |line: &str, mark: &str| line.strip_prefix(mark).is_some_and(|rest| rest.starts_with(':'));
        text.lines().any(|line| format.marks.iter().any(|mark| begins(line, mark)))
    };
    let is_yaml = [".yaml", ".yml"].iter().any(|ending| lower.ends_with(ending));
    let named = FORMATS.iter().find(by_name);
    let marked = || FORMATS.iter().filter(|_| is_yaml).find(by_mark);
    match named {
        Some(format) if format.marks.is_empty() || by_mark(&format) => Some(format),
        Some(format) => marked().or(Some(format)),
        None => marked(),
    }
}

/// For formats that need no other file.
fn nothing_beside(_text: &str) -> Vec<String> {
    Vec::new()
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(name: &str, text: &str) -> Option<&'static str> {
        format_of(name, text).map(|format| format.name)
    }

    #[test]
    fn the_name_of_a_file_tells_its_format() {
        for (file, format) in [
            ("Procfile", "Procfile"),
            ("Procfile.dev", "Procfile"),
            ("supervisord.conf", "supervisord.conf"),
            ("web.ini", "supervisord.conf"),
            ("package.json", "package.json"),
            ("process-compose.dev.yml", "process-compose"),
            ("mprocs.yaml", "mprocs"),
            ("dekit.yaml", "dekit"),
            ("pitchfork.toml", "pitchfork"),
            ("docker-compose.override.yml", "compose"),
            ("compose.yaml", "compose"),
        ] {
            assert_eq!(name_of(file, ""), Some(format), "{file}");
        }
        assert_eq!(name_of("notes.txt", "services:\n"), None);
    }

    #[test]
    fn a_compose_yaml_with_processes_is_one_of_process_compose() {
        assert_eq!(name_of("compose.yaml", "version: '0.5'\nprocesses:\n  a:\n"), Some("process-compose"));
        assert_eq!(name_of("compose.yaml", "services:\n  a:\nprocesses:\n"), Some("compose"));
        assert_eq!(name_of("dekit.yaml", "procs:\n  a: {shell: b}\n"), Some("dekit"));
    }

    #[test]
    fn yaml_of_another_name_is_known_by_its_first_keys() {
        assert_eq!(name_of("dev.yaml", "version: '3'\nservices:\n  db:\n"), Some("compose"));
        assert_eq!(name_of("dev.yml", "processes:\n  db:\n"), Some("process-compose"));
        assert_eq!(name_of("dev.yml", "procs:\n  db: x\n"), Some("mprocs"));
        assert_eq!(name_of("dev.yml", "other: 1\n"), None);
    }
}
