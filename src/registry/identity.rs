//! Which project is meant: a canonical directory and an explicit `-p`.

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::model::stable_hash;

/// Names a project in every place that is keyed by it: 16 hex digits, the same in every release.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity(String);

impl Identity {
    /// The project of a canonical directory, or the one of the name that `-p` gave it there.
    pub fn new(root: &Path, explicit_name: Option<&str>) -> Self {
        let name = explicit_name.map_or(&b""[..], str::as_bytes);
        Self(format!("{:016x}", stable_hash(&[root.as_os_str().as_bytes(), name])))
    }

    /// Reads an identity back from the name of a directory; `None` for any other name.
    pub fn from_directory_name(name: &str) -> Option<Self> {
        let is_ours = name.len() == 16 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_ours.then(|| Self(name.to_owned()))
    }

    /// The 16 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_and_explicit_name_make_the_identity() {
        let shop = Identity::new(Path::new("/src/shop"), None);
        assert_eq!(shop, Identity::new(Path::new("/src/shop"), None));
        assert_ne!(shop, Identity::new(Path::new("/src/shop2"), None));
        assert_ne!(shop, Identity::new(Path::new("/src/shop"), Some("b")));
        assert_eq!(Identity::from_directory_name(shop.as_str()), Some(shop));
    }

    #[test]
    fn other_directory_names_are_nobodys_identity() {
        for name in ["", "ports.json", "0123456789ABCDEF", "0123456789abcde", "../../../../etc/x"] {
            assert_eq!(Identity::from_directory_name(name), None, "{name}");
        }
    }
}
