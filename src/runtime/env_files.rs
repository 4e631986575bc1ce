//! Env files as they are on disk now. Read at every spawn, and by the commands that show or use an environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::dotenv::{self, EnvProblem};
use crate::config::env_contents;
use crate::config::facts::FileFact;
use crate::model::{EnvContents, EnvFile};
use crate::runtime::load;

/// What some env files say together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvFiles {
    /// Names and values, those of later files last.
    pub pairs: Vec<(String, String)>,
    /// What each of them says, as hashes.
    pub contents: EnvContents,
    /// Lines that could not be read, with their files.
    pub problems: Vec<(PathBuf, EnvProblem)>,
}

/// An env file that is needed and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct Unreadable {
    /// Which one.
    pub path: PathBuf,
    /// In words.
    pub why: String,
}

/// What `${NAME}` sees beneath env files.
#[derive(Debug, Clone, Default)]
pub struct Beneath {
    /// Now.
    pub now: BTreeMap<String, String>,
    /// What of that is known when a config is loaded ([`env_contents::of`]): hashes are compared with those that were made then.
    pub at_load: BTreeMap<String, String>,
}

/// Reads env files in order. Each sees those before it.
pub fn read(files: &[EnvFile], beneath: Beneath) -> Result<EnvFiles, Unreadable> {
    let Beneath { now: mut seen, mut at_load } = beneath;
    let mut read = EnvFiles::default();
    for file in files {
        let bytes = match load::read(&file.path) {
            FileFact::Bytes(bytes) => bytes,
            FileFact::Missing if file.optional => continue,
            FileFact::Missing => return Err(unreadable(file, "no such file")),
            FileFact::Unusable(why) => return Err(unreadable(file, &why)),
        };
        let bytes = String::from_utf8_lossy(&bytes);
        let then = dotenv::parse(&bytes, &at_load).pairs;
        read.contents.insert(file.path.clone(), env_contents::hashes(&then));
        at_load.extend(then);
        let text = dotenv::parse(&bytes, &seen);
        seen.extend(text.pairs.iter().cloned());
        read.pairs.extend(text.pairs);
        read.problems.extend(text.problems.into_iter().map(|problem| (file.path.clone(), problem)));
    }
    Ok(read)
}

fn unreadable(file: &EnvFile, why: &str) -> Unreadable {
    Unreadable { path: file.path.clone(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn file(directory: &tempfile::TempDir, name: &str, bytes: &[u8]) -> EnvFile {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        EnvFile { path, optional: false }
    }

    fn pairs(files: &[EnvFile]) -> Vec<(String, String)> {
        read(files, Beneath::default()).unwrap().pairs
    }

    #[test]
    fn a_file_sees_what_the_files_before_it_say() {
        let directory = tempfile::tempdir().unwrap();
        let files = [file(&directory, ".env", b"HOST=db\n"), file(&directory, ".env.local", b"URL=pg://${HOST}\n")];
        assert_eq!(pairs(&files)[1], ("URL".to_owned(), "pg://db".to_owned()));
    }

    #[test]
    fn bytes_that_are_no_text_cost_no_other_line() {
        let directory = tempfile::tempdir().unwrap();
        let files = [file(&directory, ".env", b"A=\xff\nB=1\n")];
        assert_eq!(pairs(&files)[1], ("B".to_owned(), "1".to_owned()));
    }

    #[test]
    fn a_pipe_in_the_place_of_a_file_is_refused_and_hangs_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let error = read(&[EnvFile { path, optional: true }], Beneath::default()).unwrap_err();
        assert!(error.to_string().ends_with(".env: it is not a regular file"), "{error}");
    }
}
