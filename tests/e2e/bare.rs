//! `run` alone, and `run up` where there is nothing to start.

use crate::common::TestProject;

#[test]
fn in_an_empty_directory_it_says_what_it_looked_for_and_what_to_type() {
    for arguments in [&[][..], &["up"]] {
        let project = TestProject::empty();
        let done = project.run(arguments).expect_code(2).expect_text("no project here").expect_text("run.toml");
        assert!(done.stderr.contains("help:"), "{done:?}");
        assert!(done.stderr.contains("run up --"), "one command needs no file: {done:?}");
    }
}

#[test]
fn it_mentions_scripts_that_look_like_servers() {
    let package = r#"{ "scripts": { "dev": "vite", "test": "vitest", "worker": "node worker.js" } }"#;
    let project = TestProject::empty().file("package.json", package);
    project.run(&[]).expect_code(2).expect_text("package.json").expect_text("dev");
}

#[test]
fn in_a_stopped_project_it_says_what_up_would_start() {
    let project = TestProject::toml("[program.web]\ncommand = \"sleep 1000\"\n");
    project.run(&[]).expect_text("run up");
    assert!(project.survivors().is_empty());
}

#[test]
fn in_a_running_project_it_shows_the_state() {
    let project =
        TestProject::toml("[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n");
    let up = project.up();
    up.wait_for_banner();
    project.run(&[]).expect_code(0).expect_text("web").expect_text("ready");
    up.interrupt().expect_code(0);
}
