//! Loading in a world that is only supposed, for the tests and benchmarks of whatever reads configs.

use std::path::{Path, PathBuf};

use crate::config::facts::{FileFact, Known, Need};
use crate::config::request::{Request, Vocabulary};
use crate::config::{Loaded, load};

/// No config asks more often than this for what it lacks.
const MOST_ROUNDS: usize = 20;

/// Asks for one file, `name` in the project `/shop`, with a shell that has HOME, USER and PATH.
pub fn request(name: &str) -> Request {
    let root = PathBuf::from("/shop");
    Request {
        files: vec![root.join(name)],
        root,
        fallback_name: "shop".to_owned(),
        shell: ["HOME", "USER", "PATH"].map(|name| (name.to_owned(), "x".to_owned())).into(),
        ..Request::default()
    }
}

/// Loads in a world that has every directory, command and user, and the files that `file` knows; with what was asked on the way.
///
/// # Panics
/// When the loader never has enough.
pub fn load_supposing(request: &Request, vocabulary: &Vocabulary, file: impl Fn(&Path) -> FileFact) -> (Loaded, Known) {
    let mut known = Known::default();
    for _ in 0..MOST_ROUNDS {
        match load(request, &known, vocabulary) {
            Loaded::Needs(needs) => needs.into_iter().for_each(|need| suppose(need, &mut known, &file)),
            done @ (Loaded::Project(..) | Loaded::Refused(_)) => return (done, known),
        }
    }
    panic!("the loader never has enough");
}

/// Everything that the loader says of a run.toml, as `code: message`. What the text names is there, a `run.local.toml` is not.
pub fn remarks(text: &str, vocabulary: &Vocabulary) -> Vec<String> {
    let request = request("run.toml");
    let file = |path: &Path| match path {
        _ if path == request.files[0] => FileFact::Bytes(text.into()),
        _ if path.ends_with("run.local.toml") => FileFact::Missing,
        _ => FileFact::Bytes(Vec::new()),
    };
    match load_supposing(&request, vocabulary, file).0 {
        Loaded::Project(_, said) | Loaded::Refused(said) => {
            said.list.iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect()
        }
        Loaded::Needs(_) => unreachable!("it has been answered"),
    }
}

fn suppose(need: Need, known: &mut Known, file: &impl Fn(&Path) -> FileFact) {
    match need {
        Need::File(path) => {
            let fact = file(&path);
            assert!(known.files.insert(path, fact).is_none(), "it is asked twice");
        }
        Need::Glob { base, pattern } => drop(known.globs.insert((base, pattern), Vec::new())),
        Need::Directory(path) => drop(known.directories.insert(path, true)),
        Need::Command { word, path } => drop(known.commands.insert((word, path), true)),
        Need::User(name) => drop(known.users.insert(name, true)),
        Need::NodeName => known.node_name = Some("node".to_owned()),
    }
}
