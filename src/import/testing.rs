//! For the tests of the formats: what is said of a file that cannot be read, and what the loader says of a run.toml.

use std::path::{Path, PathBuf};

use crate::config::facts::{FileFact, Known, Need};
use crate::config::request::{Request, Vocabulary};
use crate::config::{Loaded, load};
use crate::import::{Source, format_of};

/// What is said of a file that cannot be imported.
pub(crate) fn refused(name: &str, text: &str) -> String {
    let source = Source { name, text, beside: &[] };
    (format_of(name, text).unwrap().read)(&source).unwrap_err().to_string()
}

/// What the loader says of a run.toml in a world in which everything is there.
pub(crate) fn remarks(text: &str) -> Vec<String> {
    let file = PathBuf::from("/shop/run.toml");
    let shell = ["HOME", "USER", "PATH"].map(|name| (name.to_owned(), "x".to_owned()));
    let request = Request {
        root: PathBuf::from("/shop"),
        files: vec![file.clone()],
        fallback_name: "shop".to_owned(),
        shell: shell.into(),
        ..Request::default()
    };
    let mut known = Known::default();
    loop {
        match load(&request, &known, &Vocabulary { probes: crate::probe::KINDS }) {
            Loaded::Needs(needs) => needs.into_iter().for_each(|need| answer(need, &mut known, &file, text)),
            Loaded::Project(_, said) | Loaded::Refused(said) => {
                return said.list.iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect();
            }
        }
    }
}

fn answer(need: Need, known: &mut Known, file: &Path, text: &str) {
    match need {
        Need::File(path) => {
            let bytes = if path == file { text.as_bytes() } else { b"" };
            let is_missing = path.ends_with("run.local.toml");
            let fact = if is_missing { FileFact::Missing } else { FileFact::Bytes(bytes.to_vec()) };
            known.files.insert(path, fact);
        }
        Need::Glob { base, pattern } => drop(known.globs.insert((base, pattern), Vec::new())),
        Need::Directory(path) => drop(known.directories.insert(path, true)),
        Need::Command { word, path } => drop(known.commands.insert((word, path), true)),
        Need::User(name) => drop(known.users.insert(name, true)),
        Need::NodeName => known.node_name = Some("node".to_owned()),
    }
}
