//! The file with the daemon's pid.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A pidfile that we have written. Dropping it removes the file, unless somebody else has written theirs meanwhile (the original then
/// removes the other's).
#[derive(Debug)]
pub struct Pidfile {
    path: PathBuf,
    text: String,
}

impl Pidfile {
    /// Writes our pid and a line end (supervisor `options.py` `write_pidfile`).
    pub fn write(path: &Path) -> io::Result<Self> {
        let text = format!("{}\n", std::process::id());
        fs::write(path, &text)?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        if fs::read_to_string(&self.path).is_ok_and(|found| found == self.text) {
            // One that cannot be removed names a pid that is gone.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_our_pid_and_goes_with_us() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pid");
        let pidfile = Pidfile::write(&path).unwrap();
        assert_eq!(fs::read_to_string(pidfile.path()).unwrap(), format!("{}\n", std::process::id()));
        drop(pidfile);
        assert!(!path.exists());
    }

    #[test]
    fn the_pidfile_of_another_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pid");
        let pidfile = Pidfile::write(&path).unwrap();
        fs::write(&path, "1\n").unwrap();
        drop(pidfile);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
        assert!(Pidfile::write(&directory.path().join("no/pid")).is_err());
    }
}
