//! Which projects are running, and which one a directory means.

use std::cell::LazyCell;
use std::fs;
use std::path::{Path, PathBuf};

use super::identity::Identity;
use super::lock::{OwnerFacts, last_owner, owner_of, remove_if_dead};
use super::meta::{Meta, read_meta};
use super::places::{Homes, Places};

/// A project that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its paths.
    pub places: Places,
    /// Who runs it. The control socket is the one named here.
    pub owner: OwnerFacts,
}

/// A project that was up once; it may be again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Its paths.
    pub places: Places,
    /// What was written down at its last `up`.
    pub meta: Meta,
}

/// What a project has left whose processes of ours were all killed at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Its paths.
    pub places: Places,
    /// Who ran it.
    pub owner: OwnerFacts,
}

/// The running project of a directory or of the nearest one above it, up to the root of the git checkout. A name from `-p`
/// means the project that was given it there, else the only one of that name that runs anywhere.
pub fn find(homes: &Homes, start: &Path, explicit_name: Option<&str>) -> Option<Running> {
    let others = LazyCell::new(|| homes.of_others());
    let near = candidates(start).find_map(|root| running_of(homes, &others, &Identity::new(&root, explicit_name)));
    near.or_else(|| {
        let name = explicit_name?;
        let mut named = named(homes, name).into_iter();
        named.next().filter(|_| named.next().is_none())
    })
}

/// The project of this identity, if it is running.
pub fn running(homes: &Homes, identity: &Identity) -> Option<Running> {
    running_of(homes, &LazyCell::new(|| homes.of_others()), identity)
}

/// Every running project of a name. Two checkouts may well be called the same.
pub fn named(homes: &Homes, name: &str) -> Vec<Running> {
    list(homes).into_iter().filter(|found| found.owner.name == name).collect()
}

/// As [`find`], for a project that may be down: its logs and state are still there.
pub fn find_past(homes: &Homes, start: &Path, explicit_name: Option<&str>) -> Option<Past> {
    candidates(start).find_map(|root| {
        let places = homes.places(&Identity::new(&root, explicit_name));
        let meta = read_meta(&places)?;
        Some(Past { places, meta })
    })
}

/// Every running project of this user, by name and directory.
pub fn list(homes: &Homes) -> Vec<Running> {
    let others = LazyCell::new(|| homes.of_others());
    let all = identities(&homes.runtime).filter_map(|identity| running_of(homes, &others, &identity));
    let mut found: Vec<Running> = all.collect();
    found.sort_by(|a, b| (&a.owner.name, &a.owner.root).cmp(&(&b.owner.name, &b.owner.root)));
    found
}

/// Every project that was killed and has left its directory here, by name and directory.
pub fn gone(homes: &Homes) -> Vec<Gone> {
    let left = identities(&homes.runtime).map(|identity| homes.places(&identity));
    let mut found: Vec<Gone> = left.filter_map(|places| Some(Gone { owner: last_owner(&places)?, places })).collect();
    found.sort_by(|a, b| (&a.owner.name, &a.owner.root).cmp(&(&b.owner.name, &b.owner.root)));
    found
}

/// Clears away what one of them has left here, unless it runs again.
pub fn clear(gone: &Gone) {
    remove_if_dead(&gone.places);
}

/// As [`running`], for one of several. Who else there is, is found out once and only if need be.
fn running_of<F: FnOnce() -> Vec<Homes>>(
    homes: &Homes,
    others: &LazyCell<Vec<Homes>, F>,
    identity: &Identity,
) -> Option<Running> {
    let elsewhere = || others.iter().find(|homes| running_in(homes, identity).is_some());
    running_in(homes, identity).or_else(|| running_in(&elsewhere()?.with_state(), identity))
}

fn running_in(homes: &Homes, identity: &Identity) -> Option<Running> {
    homes.all_places(identity).find_map(|places| {
        let owner = owner_of(&places)?;
        Some(Running { places, owner })
    })
}

pub(super) fn identities(runtime: &Path) -> impl Iterator<Item = Identity> {
    let entries = fs::read_dir(runtime).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| Identity::from_directory_name(entry.file_name().to_str()?))
}

/// A directory and those above it, as far as one project may reach: to the root of its git checkout, else to the top.
fn candidates(start: &Path) -> impl Iterator<Item = PathBuf> {
    let start = fs::canonicalize(start).unwrap_or_else(|_| start.to_owned());
    let mut next = Some(start);
    std::iter::from_fn(move || {
        let here = next.take()?;
        if !here.join(".git").exists() {
            next = here.parent().map(Path::to_owned);
        }
        Some(here)
    })
}

#[cfg(test)]
mod tests {
    use super::super::lock::lock;
    use super::super::lock::tests::{facts, homes};
    use super::*;

    struct World {
        base: tempfile::TempDir,
        homes: Homes,
    }

    /// `src/shop` is a git checkout with a directory `web/app` inside.
    fn world() -> World {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir_all(base.path().join("src/shop/.git")).unwrap();
        fs::create_dir_all(base.path().join("src/shop/web/app")).unwrap();
        let homes = homes(base.path());
        World { base, homes }
    }

    impl World {
        fn path(&self, name: &str) -> PathBuf {
            fs::canonicalize(self.base.path()).unwrap().join(name)
        }

        fn up(&self, directory: &str, explicit: Option<&str>) -> super::super::lock::Lock {
            let root = self.path(directory);
            let places = self.homes.places(&Identity::new(&root, explicit));
            lock(&places, &facts(explicit.unwrap_or(directory), &root)).unwrap()
        }

        fn found(&self, start: &str, explicit: Option<&str>) -> Option<String> {
            find(&self.homes, &self.path(start), explicit).map(|found| found.owner.name)
        }
    }

    #[test]
    fn a_project_is_found_from_everywhere_inside_it() {
        let world = world();
        assert_eq!(world.found("src/shop", None), None);
        let _up = world.up("src/shop", None);
        assert_eq!(world.found("src/shop", None).as_deref(), Some("src/shop"));
        assert_eq!(world.found("src/shop/web/app", None).as_deref(), Some("src/shop"));
        assert_eq!(world.found("src", None), None);
    }

    #[test]
    fn the_nearest_one_is_meant_and_never_one_above_the_checkout() {
        let world = world();
        let _outer = world.up("src", None);
        assert_eq!(world.found("src/shop/web", None), None);
        let _shop = world.up("src/shop", None);
        let _web = world.up("src/shop/web", None);
        assert_eq!(world.found("src/shop/web/app", None).as_deref(), Some("src/shop/web"));
    }

    #[test]
    fn a_variation_is_found_by_its_name_from_anywhere() {
        let world = world();
        let _up = world.up("src/shop", None);
        let _variation = world.up("src/shop", Some("b"));
        assert_eq!(world.found("src/shop/web", Some("b")).as_deref(), Some("b"));
        assert_eq!(world.found("src", Some("b")).as_deref(), Some("b"));
        assert_eq!(world.found("src", Some("c")), None);
    }

    #[test]
    fn the_list_has_what_runs_and_pruning_removes_what_does_not() {
        let world = world();
        let _up = world.up("src/shop", None);
        let dead = world.homes.places(&Identity::new(Path::new("/gone"), None));
        dead.make_runtime_dir().unwrap();
        fs::write(&dead.lock, serde_json::to_vec(&facts("gone", Path::new("/gone"))).unwrap()).unwrap();
        assert_eq!(list(&world.homes).iter().map(|found| found.owner.name.as_str()).collect::<Vec<_>>(), ["src/shop"]);
        gone(&world.homes).iter().for_each(clear);
        assert!(!dead.runtime_dir.exists());
        assert_eq!(list(&world.homes).len(), 1);
    }

    #[test]
    fn a_directory_that_others_may_write_is_not_believed() {
        use std::os::unix::fs::PermissionsExt;
        let world = world();
        let _up = world.up("src/shop", None);
        fs::set_permissions(&world.homes.runtime, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(world.found("src/shop", None), None);
        fs::set_permissions(&world.homes.runtime, fs::Permissions::from_mode(0o700)).unwrap();
    }
}
