//! The patterns of `watch`: which files they mean, and where those can be.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder, escape};

/// What makes a step of a pattern more than a name.
const MARKS: [char; 5] = ['*', '?', '[', '{', '\\'];

/// How a directory is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reach {
    /// How many levels; `None`: all.
    pub(super) depth: Option<usize>,
    /// Names with a leading dot, too.
    pub(super) hidden: bool,
    /// Whatever a `.gitignore` says: somebody named it.
    pub(super) ignored: bool,
}

/// Some patterns, relative to one directory.
#[derive(Debug)]
pub(super) struct Patterns {
    /// Where files can be.
    pub(super) tops: Vec<(PathBuf, Reach)>,
    set: GlobSet,
    /// For each of the set: whether it takes out.
    takes_out: Vec<bool>,
}

impl Patterns {
    /// Reads them; what is no pattern was refused when the config was loaded, and is left out here.
    pub(super) fn new(base: &Path, patterns: &[String]) -> Self {
        let mut tops = Vec::new();
        let mut globs = GlobSetBuilder::new();
        let mut takes_out = Vec::new();
        for pattern in patterns {
            let plain = pattern.strip_prefix('!');
            let (directory, rest) = split(base, plain.unwrap_or(pattern));
            let whole = format!("{}/{}", escape(directory.to_string_lossy().trim_end_matches('/')), rest.join("/"));
            // A name may be that of a directory, which stands for all below it.
            for glob in [whole.clone(), format!("{whole}/**")] {
                if let Ok(glob) = GlobBuilder::new(&glob).literal_separator(true).build() {
                    globs.add(glob);
                    takes_out.push(plain.is_some());
                }
            }
            if plain.is_none() {
                tops.extend(tops_of(directory, &rest));
            }
        }
        Self { tops, set: globs.build().unwrap_or_default(), takes_out }
    }

    /// Whether a file is meant: the last pattern that fits decides.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.set.matches(path).last().is_some_and(|last| !self.takes_out[*last])
    }
}

/// The directory that a pattern certainly leads to, and what it says from there on.
fn split<'p>(base: &Path, pattern: &'p str) -> (PathBuf, Vec<&'p str>) {
    let mut directory = if pattern.starts_with('/') { PathBuf::from("/") } else { base.to_owned() };
    let mut steps: Vec<&str> = pattern.split('/').filter(|step| !step.is_empty() && *step != ".").collect();
    if steps.last().is_none_or(|last| *last == "..") {
        // The directory itself, and so all below it.
        steps.push("**");
    }
    let sure = steps.iter().take_while(|step| !step.contains(MARKS)).count().min(steps.len().saturating_sub(1));
    for step in &steps[..sure] {
        if *step == ".." {
            directory.pop();
        } else {
            directory.push(step);
        }
    }
    (directory, steps[sure..].to_vec())
}

fn tops_of(directory: PathBuf, rest: &[&str]) -> Vec<(PathBuf, Reach)> {
    let hidden = rest.iter().any(|step| step.starts_with('.'));
    match rest {
        [name] if !name.contains(MARKS) => {
            let below = (directory.join(name), Reach { depth: None, hidden: false, ignored: false });
            vec![(directory, Reach { depth: Some(1), hidden, ignored: true }), below]
        }
        _ => {
            let depth = (!rest.contains(&"**")).then_some(rest.len());
            vec![(directory, Reach { depth, hidden, ignored: false })]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(all: &[&str]) -> Patterns {
        Patterns::new(Path::new("/shop/api"), &all.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn has(all: &[&str], path: &str) -> bool {
        patterns(all).has(Path::new(path))
    }

    #[test]
    fn the_last_pattern_that_fits_decides() {
        let all = ["src/**/*.rs", "!src/gen/**", "src/gen/keep.rs", "Cargo.toml", "../shared"];
        for (path, expected) in [
            ("/shop/api/src/main.rs", true),
            ("/shop/api/src/a/b/c.rs", true),
            ("/shop/api/src/main.py", false),
            ("/shop/api/src/gen/x.rs", false),
            ("/shop/api/src/gen/keep.rs", true),
            ("/shop/api/Cargo.toml", true),
            ("/shop/api/sub/Cargo.toml", false),
            ("/shop/shared/deep/x", true),
            ("/shop/web/src/main.rs", false),
        ] {
            assert_eq!(has(&all, path), expected, "{path}");
        }
        assert!(has(&["*.{ts,tsx}"], "/shop/api/a.tsx") && !has(&["*.ts"], "/shop/api/sub/a.ts"));
    }

    #[test]
    fn a_directory_may_be_named_without_its_name() {
        for (pattern, path) in
            [(".", "/shop/api/src/x"), ("./", "/shop/api/x"), ("..", "/shop/web/x"), ("src/..", "/shop/api/x")]
        {
            assert!(has(&[pattern], path), "{pattern}");
            assert_eq!(patterns(&[pattern]).tops[0].1.depth, None, "{pattern}");
        }
        assert!(!has(&[".", "!."], "/shop/api/x"));
    }

    #[test]
    fn a_directory_is_looked_through_no_deeper_than_a_pattern_reaches() {
        let tops = |pattern: &str| patterns(&[pattern]).tops;
        let reach = |depth| Reach { depth, hidden: false, ignored: false };
        assert_eq!(tops("src/**/*.rs"), [("/shop/api/src".into(), reach(None))]);
        assert_eq!(tops("conf/*/x.toml"), [("/shop/api/conf".into(), reach(Some(2)))]);
        assert_eq!(tops(".env*"), [("/shop/api".into(), Reach { hidden: true, ..reach(Some(1)) })]);
        assert!(tops("!src/**").is_empty());
    }

    #[test]
    fn a_directory_with_marks_in_its_name_is_taken_by_its_name() {
        let patterns = Patterns::new(Path::new("/a[1]/{b}"), &["*.rs".to_owned()]);
        assert!(patterns.has(Path::new("/a[1]/{b}/x.rs")));
    }
}
