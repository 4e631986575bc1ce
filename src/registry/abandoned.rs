//! What is kept of projects whose directory is no more: nothing will ever read it, and logs are large.

use std::fs;
use std::io;
use std::path::Path;

use super::find::{Past, identities, running};
use super::identity::Identity;
use super::meta::read_meta;
use super::places::Homes;

/// Every project that is down and has state or logs here, and whose directory has been removed. Where that cannot be told for
/// certain (a directory that may not be looked into, a name that is not UTF-8) the project counts as there.
pub fn abandoned(homes: &Homes) -> Vec<Past> {
    let Some(state) = &homes.state else { return Vec::new() };
    let kept = identities(state).filter_map(|identity| {
        let places = homes.places(&identity);
        let meta = read_meta(&places)?;
        Some(Past { places, meta })
    });
    kept.filter(|past| is_abandoned(homes, past)).collect()
}

fn is_abandoned(homes: &Homes, past: &Past) -> bool {
    let root = Path::new(&past.meta.root);
    let is_it = Identity::new(root, past.meta.explicit_name.as_deref()) == past.places.identity;
    is_it && matches!(root.try_exists(), Ok(false)) && running(homes, &past.places.identity).is_none()
}

/// Removes the state and the logs of one of them.
pub fn forget(past: &Past) -> io::Result<()> {
    past.places.state_dir.as_ref().map_or(Ok(()), fs::remove_dir_all)
}

#[cfg(test)]
mod tests {
    use super::super::lock::tests::homes;
    use super::super::meta::{Meta, write_meta};
    use super::*;

    #[test]
    fn only_what_is_certainly_gone_is_forgotten() {
        let base = tempfile::tempdir().unwrap();
        let homes = homes(base.path());
        let [here, gone] = ["here", "gone"].map(|name| base.path().join(name));
        fs::create_dir(&here).unwrap();
        let keep = |identity: &Identity, root: &Path| {
            let mut places = homes.places(identity);
            assert_eq!(places.make_state_dir(), None);
            write_meta(&places, &Meta { root: root.display().to_string(), ..Meta::default() }).unwrap();
            places.state_dir.unwrap()
        };
        let kept = keep(&Identity::new(&here, None), &here);
        let forgotten = keep(&Identity::new(&gone, None), &gone);
        // Whose directory is another than the one that was written down, as of a name that is not UTF-8.
        let unsure = keep(&Identity::new(Path::new("/elsewhere"), None), &gone);
        let found = abandoned(&homes);
        assert_eq!(found.iter().map(|past| past.meta.root.as_str()).collect::<Vec<_>>(), [gone.to_str().unwrap()]);
        for past in &found {
            forget(past).unwrap();
        }
        assert_eq!([kept, forgotten, unsure].map(|directory| directory.exists()), [true, false, true]);
        assert!(abandoned(&homes).is_empty());
    }
}
