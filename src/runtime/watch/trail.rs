//! Which entries of which directories decide what a path leads to: itself, every link on the way, and the first name that is missing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::model::status::SourceMark;
use crate::runtime::load::directories_of;

/// As many links as the kernel follows.
const MOST_LINKS: usize = 40;

/// The entries of one directory that count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    /// These, whatever happens to them.
    names: BTreeSet<OsString>,
    /// All others, when they come and go: a pattern looks here.
    has_pattern: bool,
}

impl Entries {
    /// Whether an entry counts; `comes_or_goes` where it is more than its content that has changed.
    pub fn has(&self, name: &OsStr, comes_or_goes: bool) -> bool {
        self.names.contains(name) || (self.has_pattern && comes_or_goes)
    }
}

/// What has to be watched for all sources of a project, by directory.
pub fn trails(sources: &[SourceMark], root: &Path) -> BTreeMap<PathBuf, Entries> {
    let mut all: BTreeMap<PathBuf, Entries> = BTreeMap::new();
    let mut add = |path: &Path| {
        for (directory, name) in trail(path, root) {
            all.entry(directory).or_default().names.insert(name);
        }
    };
    let mut patterned = BTreeSet::new();
    for source in sources {
        let path = Path::new(&source.path);
        if source.pattern.is_empty() {
            add(path);
        } else {
            for directory in directories_of(path, &source.pattern) {
                add(&directory);
                patterned.extend(fs::canonicalize(&directory));
            }
        }
    }
    for directory in patterned {
        all.entry(directory).or_default().has_pattern = true;
    }
    all
}

/// The entries on the way to one path. Directories above the project are taken to stay where they are.
fn trail(path: &Path, root: &Path) -> Vec<(PathBuf, OsString)> {
    let mut entries = Vec::new();
    let mut here = PathBuf::from("/");
    let mut rest: VecDeque<OsString> = steps(path);
    let mut links = 0;
    while let Some(step) = rest.pop_front() {
        if step == ".." {
            here.pop();
            continue;
        }
        let next = here.join(&step);
        let target = fs::read_link(&next).ok();
        let is_missing = target.is_none() && fs::symlink_metadata(&next).is_err();
        if target.is_some() || is_missing || rest.is_empty() || here.starts_with(root) {
            entries.push((here.clone(), step));
        }
        match target {
            Some(target) if links < MOST_LINKS => {
                links += 1;
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                for step in steps(&target).into_iter().rev() {
                    rest.push_front(step);
                }
            }
            Some(_) => break,
            None if is_missing => break,
            None => here = next,
        }
    }
    entries
}

fn steps(path: &Path) -> VecDeque<OsString> {
    let step = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(step).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn shown(path: &Path, root: &Path) -> Vec<String> {
        let show = |(directory, name): (PathBuf, OsString)| {
            directory.join(name).strip_prefix(root).unwrap().display().to_string()
        };
        trail(path, root).into_iter().map(show).collect()
    }

    #[test]
    fn every_link_on_the_way_counts_and_what_it_leads_to() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir_all(root.join("shared/v1")).unwrap();
        fs::write(root.join("shared/v1/run.toml"), "").unwrap();
        symlink("v1", root.join("shared/now")).unwrap();
        symlink("shared/now/run.toml", root.join("run.toml")).unwrap();
        let expected = ["run.toml", "shared", "shared/now", "shared/v1", "shared/v1/run.toml"];
        assert_eq!(shown(&root.join("run.toml"), &root), expected);
    }

    #[test]
    fn what_is_missing_is_waited_for_where_the_way_ends() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        assert_eq!(shown(&root.join("a/b/c.toml"), &root), ["a"]);
        fs::create_dir_all(root.join("a/b")).unwrap();
        assert_eq!(shown(&root.join("a/x/../b/c.toml"), &root), ["a", "a/x"]);
        assert_eq!(shown(&root.join("a/b/c.toml"), &root), ["a", "a/b", "a/b/c.toml"]);
        symlink("loop", root.join("loop")).unwrap();
        assert!(shown(&root.join("loop/x"), &root).iter().all(|entry| entry == "loop"));
    }

    #[test]
    fn a_pattern_looks_for_whatever_comes_and_goes() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        let pattern = "run.d/*.toml".to_owned();
        let sources = [SourceMark { path: root.display().to_string(), pattern, hash: String::new() }];
        assert!(trails(&sources, &root)[&root].has(OsStr::new("run.d"), false), "not there yet");
        fs::create_dir(root.join("run.d")).unwrap();
        let entries = &trails(&sources, &root)[&root.join("run.d")];
        assert!(entries.has(OsStr::new("new.toml"), true));
        assert!(!entries.has(OsStr::new("new.log"), false), "a file that grows is no new one");
    }
}
