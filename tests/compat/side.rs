//! The two that are compared, and what is not there yet of ours.

use std::path::{Path, PathBuf};

use crate::common::has_tool;

/// Whose daemon it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// supervisord 4.3.0.
    Original,
    /// `run`.
    Ours,
}

/// Cases that ours cannot pass yet, one `file::case` a line; behind `#` stands what is missing.
const NOT_BUILT: &str = include_str!("not_built.txt");

/// The names in that list.
pub(crate) fn not_built() -> impl Iterator<Item = &'static str> {
    NOT_BUILT.lines().filter_map(|line| line.split('#').next()).map(str::trim).filter(|name| !name.is_empty())
}

/// Plays a case, if what it needs is installed and, on our side, built. `RUN_COMPAT_ALL=1` plays what is not built, too;
/// `RUN_COMPAT=done` says that all has been played already, as CI does, which plays more of them at once than tests are run elsewhere.
#[expect(clippy::print_stderr, reason = "a case that is left out has to be seen")]
pub(crate) fn play(side: Side, test: &str, case: fn(Side)) {
    let words: Vec<&str> = test.split("::").collect();
    let name = format!("{}::{}", words[1], words[words.len() - 1]);
    if std::env::var_os("RUN_COMPAT").is_some_and(|how| how == "done") {
        return;
    }
    if venv().is_none() {
        assert!(
            std::env::var_os("RUN_TESTS_NO_SKIP").is_none(),
            "RUN_SUPERVISOR_VENV is not set, and nothing may be skipped"
        );
        eprintln!("SKIPPED: RUN_SUPERVISOR_VENV names no venv with supervisor and superlance");
    } else if side == Side::Ours
        && std::env::var_os("RUN_COMPAT_ALL").is_none()
        && not_built().any(|other| other == name)
    {
        eprintln!("NOT BUILT: {name}");
    } else {
        case(side);
    }
}

/// The venv with the original.
fn venv() -> Option<PathBuf> {
    let venv = PathBuf::from(std::env::var_os("RUN_SUPERVISOR_VENV")?);
    has_tool("python3").then_some(venv)
}

/// A program of the venv.
pub(crate) fn tool(name: &str) -> PathBuf {
    venv().expect("a case is played with a venv only").join("bin").join(name)
}

/// A file beside this one.
pub(crate) fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat").join(name)
}

impl Side {
    /// What holds on this side, where ours is different on purpose: the difference is named.
    pub(crate) fn pick<T>(self, _why: crate::differences::Difference, original: T, ours: T) -> T {
        match self {
            Self::Original => original,
            Self::Ours => ours,
        }
    }

    /// Whether this is ours, where that makes a difference that is named.
    pub(crate) fn differs(self, why: crate::differences::Difference) -> bool {
        self.pick(why, false, true)
    }
}
