//! The formats that a config can be written in: one file each, and a row in [`FORMATS`].
//!
//! A format reads one text into what was written, with places. Defaults, types and unknown keys are not its business.

pub mod procfile;
pub mod supervisord;
pub mod toml;

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::raw::RawProject;
use crate::config::request::Request;
use crate::model::{Diagnostic, Dialect};

/// One text to read.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Index of the text among the sources of the report: spans carry it.
    pub file: usize,
    /// The whole text.
    pub text: &'a str,
    /// What was asked for: a Procfile's ports and formation come from the command line.
    pub request: &'a Request,
    /// Those of [`ConfigFormat::beside`] that are there, each with its own index among the sources.
    pub beside: &'a BTreeMap<&'static str, (usize, String)>,
}

/// What a text says. Parsing is total: whatever could be read is here, whatever could not is a mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// What was written.
    pub raw: RawProject,
    /// What could not be read.
    pub problems: Vec<Diagnostic>,
    /// Whether parts of the text may be missing from `raw`.
    pub is_torn: bool,
}

/// A format.
#[derive(Debug, Clone, Copy)]
pub struct ConfigFormat {
    /// As messages name it.
    pub name: &'static str,
    /// Ends of the file names that are of this format; none for the one that takes all others.
    pub endings: &'static [&'static str],
    /// Files beside the config that it takes defaults from, where they are there.
    pub beside: &'static [&'static str],
    /// Reads a text.
    pub parse: fn(&Source<'_>) -> Parsed,
}

/// All formats.
pub const FORMATS: &[ConfigFormat] = &[toml::FORMAT, supervisord::FORMAT, procfile::FORMAT];

/// The format of a file by its name: `*.toml`, `*.conf` and `*.ini`, anything else is a Procfile.
pub fn of(path: &Path) -> &'static ConfigFormat {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let has_ending = |format: &&ConfigFormat| format.endings.iter().any(|ending| name.ends_with(ending));
    FORMATS
        .iter()
        .find(has_ending)
        .or_else(|| FORMATS.iter().find(|format| format.endings.is_empty()))
        .unwrap_or(&FORMATS[0])
}

/// A project in which nothing was written yet.
pub fn nothing(dialect: Dialect) -> RawProject {
    RawProject { dialect, top: Vec::new(), sections: Vec::new() }
}
