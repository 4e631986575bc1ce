//! What the env files of a project said when it was loaded, as hashes: enough to tell later which names have other values.

use std::collections::BTreeMap;

use crate::config::dotenv;
use crate::config::facts::{FileFact, Known};
use crate::config::request::Request;
use crate::model::{EnvContents, EnvFile, Project, stable_hash};

/// By file and name. A file that nobody has looked at, or that is not there, is left out.
pub fn of(request: &Request, project: &Project, known: &Known) -> EnvContents {
    let mut contents = BTreeMap::new();
    let mut outer = request.shell.clone();
    add(&project.env_files, &mut outer, known, &mut contents);
    for program in project.programs.iter().filter(|program| !program.env_files.is_empty()) {
        add(&program.env_files, &mut outer.clone(), known, &mut contents);
    }
    contents
}

/// Each file sees those before it.
fn add(files: &[EnvFile], outer: &mut BTreeMap<String, String>, known: &Known, contents: &mut EnvContents) {
    for file in files {
        let Some(FileFact::Bytes(bytes)) = known.files.get(&file.path) else { continue };
        let pairs = dotenv::parse(&String::from_utf8_lossy(bytes), outer).pairs;
        contents.insert(file.path.clone(), hashes(&pairs));
        outer.extend(pairs);
    }
}

/// The values of one file, as hashes.
pub fn hashes(pairs: &[(String, String)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(name, value)| (name.clone(), stable_hash(&[value.as_bytes()]))).collect()
}
