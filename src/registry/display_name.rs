//! What a project is called: its name, and in a linked git worktree the branch beside it.
//!
//! The files of git are read as gitrepository-layout(5) has them: in a linked worktree `.git` is a file that leads to
//! `MAIN/.git/worktrees/NAME`, where `HEAD` names the branch. A submodule's `.git` is a file too, and leads to `modules`.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// A name, and the branch of a linked worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName {
    /// The whole name: `shop`, `shop@fix-ui`.
    pub full: String,
    /// The branch of a linked worktree.
    pub branch: Option<String>,
}

/// A linked worktree of git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worktree {
    /// The directory that holds its `.git` file.
    pub root: PathBuf,
    /// The name of the main checkout's directory, where it can be told.
    pub main: Option<String>,
    /// The branch, or where HEAD is detached the name that git gave the worktree.
    pub branch: String,
}

/// Decides the name. `-p` stands as it is; otherwise it is the config's name, else the directory's (in the root of a linked
/// worktree the main checkout's), and in a linked worktree the branch, unless the name ends with it already.
pub fn display_name(
    explicit: Option<&str>,
    configured: Option<&str>,
    root: &Path,
    worktree: Option<&Worktree>,
) -> DisplayName {
    let branch = worktree.map(|worktree| worktree.branch.clone());
    if let Some(name) = explicit {
        return DisplayName { full: name.to_owned(), branch };
    }
    let base = configured.map_or_else(|| base_name(root, worktree), ToOwned::to_owned);
    let full = match &branch {
        Some(branch) if !ends_with_word(&base, branch) => format!("{base}@{branch}"),
        Some(_) | None => base,
    };
    DisplayName { full, branch }
}

/// Whether a name has this at its end, and not just as the end of another word: `shop-fix`, not `webshop` for the branch `shop`.
fn ends_with_word(name: &str, end: &str) -> bool {
    name.strip_suffix(end).is_some_and(|before| !before.ends_with(char::is_alphanumeric))
}

/// The name of a project whose config has none, without a branch: the directory's, in the root of a linked worktree the main
/// checkout's.
pub fn base_name(root: &Path, worktree: Option<&Worktree>) -> String {
    let main = worktree.filter(|worktree| worktree.root == root).and_then(|worktree| worktree.main.clone());
    let directory = || root.file_name().map(|name| name.to_string_lossy().into_owned());
    main.or_else(directory).unwrap_or_else(|| "project".to_owned())
}

/// Looks whether a directory lies in a linked worktree.
pub fn worktree_of(directory: &Path) -> Option<Worktree> {
    let root = directory.ancestors().find(|ancestor| ancestor.join(".git").exists())?;
    let pointer = fs::read_to_string(root.join(".git")).ok()?;
    let git_directory = root.join(linked_directory(&pointer)?);
    let head = fs::read_to_string(git_directory.join("HEAD")).ok()?;
    let own_name = git_directory.file_name()?.to_string_lossy().into_owned();
    let main = main_checkout(&git_directory).and_then(Path::file_name);
    Some(Worktree {
        root: root.to_owned(),
        main: main.map(|name| name.to_string_lossy().into_owned()),
        branch: branch_of(&head).unwrap_or(own_name),
    })
}

/// The branch that is checked out in a directory, in a linked worktree or not; `None` outside of git and where HEAD is detached.
pub fn branch_at(directory: &Path) -> Option<String> {
    let root = directory.ancestors().find(|ancestor| ancestor.join(".git").exists())?;
    let git = root.join(".git");
    let git = match fs::read_to_string(&git) {
        Ok(pointer) => root.join(pointer.strip_prefix("gitdir:")?.trim()),
        Err(_) => git,
    };
    branch_of(&fs::read_to_string(git.join("HEAD")).ok()?)
}

/// Where the text of a `.git` file leads, if that is a linked worktree's directory.
fn linked_directory(pointer: &str) -> Option<PathBuf> {
    let path = Path::new(pointer.strip_prefix("gitdir:")?.trim());
    let is_linked = path.parent().and_then(Path::file_name).is_some_and(|name| name == "worktrees");
    is_linked.then(|| path.to_owned())
}

/// `/src/shop` for `/src/shop/.git/worktrees/fix-ui`; `None` where the repository is bare.
fn main_checkout(git_directory: &Path) -> Option<&Path> {
    let repository = git_directory.parent()?.parent()?;
    let is_inside = repository.components().next_back() == Some(Component::Normal(".git".as_ref()));
    if is_inside { repository.parent() } else { None }
}

/// The branch that the text of a `HEAD` file names; `None` when it is detached.
pub fn branch_of(head: &str) -> Option<String> {
    head.trim().strip_prefix("ref: refs/heads/").map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worktree(root: &str, main: Option<&str>, branch: &str) -> Worktree {
        Worktree { root: root.into(), main: main.map(ToOwned::to_owned), branch: branch.to_owned() }
    }

    fn name(explicit: Option<&str>, configured: Option<&str>, root: &str, worktree: Option<&Worktree>) -> String {
        display_name(explicit, configured, Path::new(root), worktree).full
    }

    #[test]
    fn the_name_is_the_configs_or_the_directorys() {
        assert_eq!(name(None, None, "/src/shop", None), "shop");
        assert_eq!(name(None, Some("store"), "/src/shop", None), "store");
        assert_eq!(name(Some("b"), Some("store"), "/src/shop", None), "b");
        assert_eq!(name(None, None, "/", None), "project");
    }

    #[test]
    fn a_linked_worktree_adds_its_branch_once() {
        let fix = worktree("/src/shop-fix-ui", Some("shop"), "fix-ui");
        assert_eq!(name(None, None, "/src/shop-fix-ui", Some(&fix)), "shop@fix-ui");
        assert_eq!(name(None, Some("store"), "/src/shop-fix-ui", Some(&fix)), "store@fix-ui");
        assert_eq!(name(None, None, "/src/shop-fix-ui/web", Some(&fix)), "web@fix-ui");
        assert_eq!(name(Some("b"), None, "/src/shop-fix-ui", Some(&fix)), "b");
        let bare = worktree("/src/shop-fix-ui", None, "fix-ui");
        assert_eq!(name(None, None, "/src/shop-fix-ui", Some(&bare)), "shop-fix-ui");
        let part_of_a_word = worktree("/src/two", Some("webshop"), "shop");
        assert_eq!(name(None, None, "/src/two", Some(&part_of_a_word)), "webshop@shop");
    }

    #[test]
    fn the_files_of_git_are_read() {
        assert_eq!(branch_of("ref: refs/heads/feature/a\n").as_deref(), Some("feature/a"));
        assert_eq!(branch_of("3c1d2f00aa\n"), None);
        let linked = linked_directory("gitdir: /src/shop/.git/worktrees/fix-ui\n").unwrap();
        assert_eq!(main_checkout(&linked), Some(Path::new("/src/shop")));
        assert_eq!(main_checkout(Path::new("/src/shop.git/worktrees/fix-ui")), None);
        assert_eq!(linked_directory("gitdir: ../.git/modules/lib\n"), None);
    }

    #[test]
    fn a_worktree_on_disk_is_recognised_and_a_plain_checkout_is_not() {
        let base = tempfile::tempdir().unwrap();
        let path = |name: &str| base.path().join(name);
        fs::create_dir_all(path("shop/.git/worktrees/fix-1")).unwrap();
        fs::create_dir_all(path("fix/web")).unwrap();
        fs::write(path("fix/.git"), "gitdir: ../shop/.git/worktrees/fix-1\n").unwrap();
        fs::write(path("shop/.git/worktrees/fix-1/HEAD"), "ref: refs/heads/fix-ui\n").unwrap();
        let found = worktree_of(&path("fix/web")).unwrap();
        assert_eq!((found.branch.as_str(), found.main.as_deref()), ("fix-ui", Some("shop")));
        assert_eq!(branch_at(&path("fix/web")).as_deref(), Some("fix-ui"));
        fs::write(path("shop/.git/HEAD"), "ref: refs/heads/main\n").unwrap();
        assert_eq!(branch_at(&path("shop")).as_deref(), Some("main"));
        assert_eq!(branch_at(base.path()), None);
        fs::write(path("shop/.git/worktrees/fix-1/HEAD"), "3c1d2f00aa\n").unwrap();
        assert_eq!(worktree_of(&path("fix")).unwrap().branch, "fix-1");
        assert_eq!(worktree_of(&path("shop")), None);
    }
}
