//! Taking, holding and letting go of the lock.

use super::*;
use crate::registry::identity::Identity;
use crate::registry::places::{Environment, Homes};

/// Homes of this user below a directory.
pub(crate) fn homes(base: &Path) -> Homes {
    let uid = nix::unistd::geteuid().as_raw();
    let environment =
        Environment { runtime_dir: Some(base.to_owned()), state_home: Some(base.join("state")), home: None };
    let chosen = Homes::choose(&environment, uid, |_| true);
    Homes { runtime: base.join("runup"), other_runtimes: vec![base.join("other")], ..chosen }
}

/// What the holder of a test says of itself.
pub(crate) fn facts(name: &str, root: &Path) -> OwnerFacts {
    OwnerFacts {
        pid: std::process::id(),
        since: WallTime(1_000),
        name: name.to_owned(),
        explicit_name: None,
        root: root.to_owned(),
        files: vec!["run.toml".to_owned()],
        at_terminal: false,
        socket: root.join("socket"),
        version: "0.1.0".to_owned(),
    }
}

fn places(base: &Path) -> Places {
    homes(base).places(&Identity::new(Path::new("/src/shop"), None))
}

#[test]
fn the_second_one_learns_who_the_first_is_and_touches_nothing() {
    let base = tempfile::tempdir().unwrap();
    let places = places(base.path());
    let first = facts("shop", Path::new("/src/shop"));
    let held = lock(&places, &first).unwrap();
    fs::write(&places.socket, "in use").unwrap();
    let Err(LockError::Held(owner)) = lock(&places, &facts("other", Path::new("/src/shop"))) else {
        panic!("locked twice");
    };
    assert_eq!(*owner, first);
    assert_eq!(fs::read_to_string(&places.socket).unwrap(), "in use");
    drop(held);
    assert!(!places.runtime_dir.exists(), "nothing is left behind");
    assert!(lock(&places, &first).is_ok());
}

#[test]
fn what_a_dead_holder_left_is_cleared_away() {
    let base = tempfile::tempdir().unwrap();
    let places = places(base.path());
    places.make_runtime_dir().unwrap();
    let dead = serde_json::to_string(&OwnerFacts { pid: 1, ..facts("dead", Path::new("/")) }).unwrap();
    fs::write(&places.lock, dead).unwrap();
    fs::write(&places.socket, "").unwrap();
    fs::write(places.runtime_dir.join("notify.1.1"), "").unwrap();
    assert_eq!(owner_of(&places), None, "a lock that nobody holds is nobody's, whatever is written in it");
    let _held = lock(&places, &facts("shop", Path::new("/src/shop"))).unwrap();
    assert!(!places.socket.exists());
    assert!(!places.runtime_dir.join("notify.1.1").exists());
    assert_eq!(owner_of(&places).unwrap().name, "shop");
}

#[test]
fn a_run_with_another_environment_is_seen() {
    let base = tempfile::tempdir().unwrap();
    let here = places(base.path());
    let elsewhere = here.homes.all_places(&here.identity).nth(1).unwrap();
    let _held = lock(&elsewhere, &facts("shop", Path::new("/src/shop"))).unwrap();
    assert!(matches!(lock(&here, &facts("shop", Path::new("/src/shop"))), Err(LockError::Held(_))));
}

#[test]
fn somebody_who_only_looks_does_not_keep_the_lock_from_its_taker() {
    let base = tempfile::tempdir().unwrap();
    let places = places(base.path());
    places.make_runtime_dir().unwrap();
    let looker = File::create(&places.lock).unwrap();
    looker.lock_shared().unwrap();
    let release = thread::spawn(move || drop(looker));
    assert!(lock(&places, &facts("shop", Path::new("/src/shop"))).is_ok());
    release.join().unwrap();
}

#[test]
fn one_holds_it_while_others_take_drop_and_prune() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let base = tempfile::tempdir().unwrap();
    let places = places(base.path());
    let (holders, turns) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for taker in 0..4 {
            let (places, holders, turns) = (&places, &holders, &turns);
            scope.spawn(move || {
                for _ in 0..100 {
                    if taker == 0 {
                        remove_if_dead(places);
                    } else if let Ok(held) = lock(places, &facts("shop", Path::new("/src/shop"))) {
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "two hold it");
                        fs::write(&places.socket, "").unwrap();
                        turns.fetch_add(1, Ordering::SeqCst);
                        holders.fetch_sub(1, Ordering::SeqCst);
                        drop(held);
                    }
                }
            });
        }
    });
    assert!(turns.into_inner() > 0);
    remove_if_dead(&places);
    assert!(!places.runtime_dir.exists());
}

#[test]
fn a_lock_file_that_was_removed_is_no_lock() {
    let base = tempfile::tempdir().unwrap();
    let path = base.path().join("lock");
    let held = try_lock(&path).unwrap().unwrap();
    fs::remove_file(&path).unwrap();
    assert!(try_lock(&path).unwrap().is_some(), "a new file, a new lock");
    drop(held);
}

#[test]
fn a_link_in_place_of_the_lock_is_refused() {
    let base = tempfile::tempdir().unwrap();
    let places = places(base.path());
    places.make_runtime_dir().unwrap();
    let target = base.path().join("precious");
    fs::write(&target, "data").unwrap();
    std::os::unix::fs::symlink(&target, &places.lock).unwrap();
    assert!(matches!(lock(&places, &facts("shop", Path::new("/"))), Err(LockError::Io { .. })));
    assert_eq!(fs::read_to_string(target).unwrap(), "data");
}
