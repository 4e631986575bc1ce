//! Where a supervisord.conf is looked for that nobody has named (supervisor `options.py` `Options.__init__`).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The places in their order. `executable` is what we were called by, with its directory.
pub fn places(executable: &Path) -> Vec<PathBuf> {
    let above = executable.parent().and_then(Path::parent).unwrap_or(Path::new(""));
    let near = ["etc/supervisord.conf", "supervisord.conf"].map(|name| above.join(name));
    let usual =
        ["supervisord.conf", "etc/supervisord.conf", "/etc/supervisord.conf", "/etc/supervisor/supervisord.conf"];
    near.into_iter().chain(usual.map(PathBuf::from)).collect()
}

/// The file that a bare name on the command line stood for: the shell has found it on the PATH.
pub fn executable(called_by: &str, path: Option<&OsStr>) -> PathBuf {
    if called_by.contains('/') {
        return PathBuf::from(called_by);
    }
    let mut candidates = std::env::split_paths(path.unwrap_or_default()).map(|directory| directory.join(called_by));
    candidates.find(|file| file.is_file()).unwrap_or_else(|| PathBuf::from(called_by))
}

/// The sentence for a search that found nothing.
pub fn not_found(places: &[PathBuf]) -> String {
    let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
    format!(
        "No config file found at default paths ({}); use the -c option to specify a config file at a different path",
        places.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_beside_the_executable_come_first() {
        assert_eq!(
            not_found(&places(Path::new("/opt/venv/bin/supervisord"))),
            "No config file found at default paths (/opt/venv/etc/supervisord.conf, /opt/venv/supervisord.conf, supervisord.conf, \
             etc/supervisord.conf, /etc/supervisord.conf, /etc/supervisor/supervisord.conf); use the -c option to specify a config \
             file at a different path"
        );
    }

    #[test]
    fn a_bare_name_is_the_one_on_the_path() {
        assert_eq!(executable("sh", Some("/nope:/bin".as_ref())), Path::new("/bin/sh"));
        assert_eq!(executable("./sh", Some("/bin".as_ref())), Path::new("./sh"));
        assert_eq!(executable("no-such-name", None), Path::new("no-such-name"));
    }
}
