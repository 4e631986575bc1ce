//! For the tests of the formats: files in the shape of real ones, what they become, and that it loads.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::facts::{FileFact, Known, Need};
use crate::config::request::{Request, Vocabulary};
use crate::config::{Loaded, load};
use crate::import::{Source, emit, format_of};

/// Reads every file of a case below `tests/import`, compares the run.toml with the one beside it, and loads it. With
/// `UPDATE_GENERATED` the run.toml is written instead.
pub(crate) fn check(name: &str, case: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(case);
    let text = fs::read_to_string(directory.join(name)).unwrap();
    let beside = beside(&directory, name);
    let source = Source { name, text: &text, beside: &beside };
    let draft = (format_of(name, &text).unwrap().read)(&source).unwrap();
    let lost: String = draft.all_lost().iter().map(|lost| format!("{lost}\n")).collect();
    let written = emit::run_toml(&draft);
    assert_eq!(remarks(&written), Vec::<String>::new(), "{written}");
    for (file, text) in [("run.toml", &written), ("lost.txt", &lost)] {
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            fs::write(directory.join(file), text).unwrap();
        }
        let expected = fs::read_to_string(directory.join(file)).unwrap_or_default();
        assert!(*text == expected, "tests/import/{case}/{file}: UPDATE_GENERATED=1 writes it\n{text}");
    }
}

/// What is said of a file that cannot be imported.
pub(crate) fn refused(name: &str, text: &str) -> String {
    let source = Source { name, text, beside: &[] };
    (format_of(name, text).unwrap().read)(&source).unwrap_err().to_string()
}

/// All other files of a case, the included ones below directories too.
fn beside(directory: &Path, name: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            let relative = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                open.push(path);
            } else if ![name, "run.toml", "lost.txt"].contains(&relative.as_str()) {
                found.push((relative, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
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
        Need::NodeName => known.node_name = Some("node".to_owned()),
    }
}
