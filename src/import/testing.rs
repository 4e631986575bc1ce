//! For the tests of the formats: what is said of a file that cannot be read, and what the loader says of a run.toml.

use crate::config;
use crate::config::request::Vocabulary;
use crate::import::{Source, format_of};

/// What is said of a file that cannot be imported.
pub(crate) fn refused(name: &str, text: &str) -> String {
    let source = Source { name, text, beside: &[] };
    (format_of(name, text).unwrap().read)(&source).unwrap_err().to_string()
}

/// What the loader says of a run.toml in a world in which everything is there.
pub(crate) fn remarks(text: &str) -> Vec<String> {
    config::testing::remarks(text, &Vocabulary { probes: crate::probe::KINDS })
}
