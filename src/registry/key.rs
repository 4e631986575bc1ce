//! The key of a running project with a password: what our own commands show at its UNIX socket, since of a `{SHA}` password
//! nobody knows the original. It lies beside the lock, for the owner alone to read, and goes with the run.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::places::Places;

/// Bytes of chance in a key.
const LENGTH: usize = 32;

/// Makes a new key and leaves it for [`read_key`]. The caller holds the project's lock.
pub fn make_key(places: &Places) -> io::Result<String> {
    let mut bytes = [0; LENGTH];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let key = bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    let path = path_of(places);
    let _ = fs::remove_file(&path);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(key.as_bytes())?;
    Ok(key)
}

/// The key of a running project; `None` when it has none.
pub fn read_key(places: &Places) -> Option<String> {
    places.verify_runtime_dir().ok()?;
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path_of(places)).ok()?;
    let mut key = String::new();
    file.take(2 * LENGTH as u64).read_to_string(&mut key).ok()?;
    (!key.is_empty()).then_some(key)
}

fn path_of(places: &Places) -> PathBuf {
    places.runtime_dir.join("key")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::super::identity::Identity;
    use super::super::lock::lock;
    use super::super::lock::tests::{facts, homes};
    use super::*;

    #[test]
    fn a_key_is_its_owners_alone_and_goes_with_the_run() {
        let base = tempfile::tempdir().unwrap();
        let places = homes(base.path()).places(&Identity::new(Path::new("/src/shop"), None));
        assert_eq!(read_key(&places), None);
        let held = lock(&places, &facts("shop", Path::new("/src/shop"))).unwrap();
        let (first, second) = (make_key(&places).unwrap(), make_key(&places).unwrap());
        assert_eq!(first.len(), 2 * LENGTH);
        assert_ne!(first, second);
        assert_eq!(read_key(&places), Some(second));
        assert_eq!(fs::metadata(path_of(&places)).unwrap().permissions().mode() & 0o777, 0o600);
        drop(held);
        assert!(!places.runtime_dir.exists());
    }
}
