//! A way to name a socket whose path is too long for the system.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a path may have: 107 bytes (unix(7)), less the suffix that a socket has until it is renamed into place.
const LONGEST: usize = 107 - 16;

/// Another name for a path, short enough to bind or connect a socket. It holds as long as this value lives.
#[derive(Debug)]
pub struct ShortPath {
    path: PathBuf,
    /// The directory that a name below `/proc/self/fd` leads through.
    _directory: Option<File>,
}

/// Why a path cannot be shortened.
#[derive(Debug, thiserror::Error)]
pub enum ShortPathError {
    /// The last component alone is too long, or there is no `/proc`.
    #[error("the path of the socket is longer than the system allows: {}", path.display())]
    TooLong {
        /// The path.
        path: PathBuf,
    },
    /// Its directory cannot be opened.
    #[error("the directory of the socket {}: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ShortPath {
    /// Shortens a path if that is needed; its directory must exist.
    pub fn new(path: &Path) -> Result<Self, ShortPathError> {
        if path.as_os_str().as_bytes().len() <= LONGEST {
            return Ok(Self { path: path.to_owned(), _directory: None });
        }
        let too_long = || ShortPathError::TooLong { path: path.to_owned() };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(too_long());
        };
        let directory = File::open(parent).map_err(|source| ShortPathError::Io { path: path.to_owned(), source })?;
        let short = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string());
        if !short.exists() || short.as_os_str().len() + 1 + name.len() > LONGEST {
            return Err(too_long());
        }
        Ok(Self { path: short.join(name), _directory: Some(directory) })
    }

    /// The name to use.
    pub fn as_path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn a_short_path_is_used_as_it_stands() {
        assert_eq!(ShortPath::new(Path::new("/run/s")).unwrap().as_path(), Path::new("/run/s"));
    }

    #[test]
    fn a_socket_deep_down_is_bound_and_reached() {
        let base = tempfile::tempdir().unwrap();
        let deep = base.path().join("d".repeat(120));
        fs::create_dir(&deep).unwrap();
        let socket = deep.join("socket");
        let _listener = UnixListener::bind(ShortPath::new(&socket).unwrap().as_path()).unwrap();
        assert!(socket.exists());
        assert!(UnixStream::connect(ShortPath::new(&socket).unwrap().as_path()).is_ok());
    }

    #[test]
    fn a_name_that_is_too_long_by_itself_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let error = ShortPath::new(&base.path().join("s".repeat(120))).unwrap_err();
        assert!(error.to_string().starts_with("the path of the socket is longer than the system allows"), "{error}");
    }
}
