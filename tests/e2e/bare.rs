//! `run` alone, and `run up` where there is nothing to start.

use crate::common::{PATIENCE, TestProject};

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

#[test]
fn what_was_in_the_background_and_has_ended_by_itself_says_with_whom_it_ended() {
    let project = TestProject::empty()
        .file("Procfile", "web: sleep 1000\nworker: while ! test -e go; do sleep 0.05; done; exit 3\n");
    project.run(&["up", "-d"]).expect_code(0);
    project.write("go", "");
    project.wait_until("the end", PATIENCE, || project.run(&["status"]).code == 2);
    let ended = "when it ended, worker had failed: exit 3";
    let status = project.run(&["status"]).expect_code(2).stderr;
    assert!(
        status.contains(&format!("is not up (Procfile); {ended} (run why worker); run up starts it\n")),
        "{status}"
    );
    let bare = project.run(&[]).expect_code(2).stderr;
    assert!(
        bare.contains(&format!("\n{ended}\nnext: run up           starts 2 programs\n      run why worker   tells")),
        "{bare}"
    );
    project.run(&["up", "-d", "web"]).expect_code(0);
    project.run(&["down"]).expect_code(0);
    let status = project.run(&["status"]).expect_code(2).stderr;
    assert!(!status.contains("when it ended"), "nobody had: {status}");
}

#[test]
fn what_somebody_has_ended_says_no_more_of_a_failure_that_was_told_while_it_was_up() {
    let worker = "[program.worker]\ncommand = \"exit 3\"\nstartretries = 0\n";
    let project = TestProject::toml(&format!("{worker}[program.web]\ncommand = \"sleep 1000\"\nstartsecs = 0\n"));
    project.run(&["up", "-d"]).expect_code(1);
    project.run(&["down"]).expect_code(0);
    let status = project.run(&["status"]).expect_code(2).stderr;
    assert!(status.contains("is not up (run.toml); run up starts it\n"), "{status}");
    project.run(&["why", "worker"]).expect_text("exit 3");
}
