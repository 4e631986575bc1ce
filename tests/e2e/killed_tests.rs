//! The harness itself: what tests leave that were killed.

use std::fs;
use std::process::{self, Command};

use crate::common::{MARK, PATIENCE, TestProject, becomes_true, leftovers};

#[test]
fn what_killed_tests_have_left_goes_at_the_next_run_and_nothing_else() {
    let project = TestProject::empty();
    let place = project.path("tmp");
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let left = format!("run-{}-abc123", dead.id());
    let others = [format!("run-{}-abc123", process::id()), "run-web-abc123".to_owned(), "else".to_owned()];
    for name in others.iter().chain([&left]) {
        fs::create_dir_all(place.join(name).join("project")).unwrap();
    }
    let mut orphan = Command::new("sleep").arg("1000").env(MARK, &left).spawn().unwrap();
    let is_marked = || !crate::common::processes::with_variable(MARK, &left).is_empty();
    assert!(becomes_true(PATIENCE, is_marked));
    leftovers::clear_away(&place);
    assert!(!orphan.wait().unwrap().success(), "it was to be killed");
    assert!(!place.join(&left).exists());
    assert!(others.iter().all(|name| place.join(name).join("project").exists()));
}
