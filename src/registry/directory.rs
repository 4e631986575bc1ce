//! Directories that belong to this user alone. What is in them is trusted, so they are verified each time.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use super::places::PlaceError;

/// Makes a directory of mode 0700 where there is none, and verifies it.
pub(super) fn make_private(path: &Path, uid: u32) -> Result<(), PlaceError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(PlaceError::Io { path: path.to_owned(), source }),
    }
    verify_private(path, uid)
}

/// Verifies that a path is a directory, no link, of this user, and closed to others.
pub(super) fn verify_private(path: &Path, uid: u32) -> Result<(), PlaceError> {
    let found = fs::symlink_metadata(path).map_err(|source| PlaceError::Io { path: path.to_owned(), source })?;
    let path = || path.to_owned();
    if !found.is_dir() {
        return Err(PlaceError::NotADirectory { path: path() });
    }
    if found.uid() != uid {
        return Err(PlaceError::NotOurs { path: path(), owner: found.uid() });
    }
    if found.mode() & 0o077 != 0 {
        return Err(PlaceError::OpenToOthers { path: path(), mode: found.mode() & 0o7777 });
    }
    Ok(())
}

/// Makes a directory and those above it, each closed to others where it is new.
pub(super) fn make_all(path: &Path) -> Result<(), PlaceError> {
    DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(path)
        .map_err(|source| PlaceError::Io { path: path.to_owned(), source })
}

/// Removes every file of a private directory but one. What cannot be removed stays.
pub(super) fn clear_except(directory: &Path, kept: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path != kept) {
        // A file that is in use by nobody and cannot be removed does no harm.
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use nix::unistd::geteuid;

    use super::*;

    #[test]
    fn a_directory_is_made_closed_and_accepted_again() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("runup-1");
        for _ in 0..2 {
            make_private(&path, geteuid().as_raw()).unwrap();
        }
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn links_files_strangers_and_open_doors_are_refused() {
        let base = tempfile::tempdir().unwrap();
        let uid = geteuid().as_raw();
        let path = |name: &str| base.path().join(name);
        make_private(&path("real"), uid).unwrap();
        symlink(path("real"), path("link")).unwrap();
        fs::write(path("file"), "").unwrap();
        make_private(&path("open"), uid).unwrap();
        fs::set_permissions(path("open"), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(make_private(&path("link"), uid), Err(PlaceError::NotADirectory { .. })));
        assert!(matches!(make_private(&path("file"), uid), Err(PlaceError::NotADirectory { .. })));
        assert!(matches!(make_private(&path("real"), uid + 1), Err(PlaceError::NotOurs { .. })));
        assert!(matches!(make_private(&path("open"), uid), Err(PlaceError::OpenToOthers { mode: 0o755, .. })));
    }

    #[test]
    fn clearing_leaves_the_lock() {
        let base = tempfile::tempdir().unwrap();
        let lock = base.path().join("lock");
        for name in ["lock", "socket", "notify.1.1"] {
            fs::write(base.path().join(name), "").unwrap();
        }
        clear_except(base.path(), &lock);
        let left: Vec<_> = fs::read_dir(base.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, [lock]);
    }
}
