//! `up -d`: in the background, with an exit code that says how the start went.

use std::process::Command;

use serde_json::Value;

use crate::common::{Running, TestProject};

const GOOD: &str = "[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n";

#[test]
fn returns_0_when_everything_is_ready_and_leaves_it_running() {
    let project = TestProject::toml(GOOD);
    project.run(&["up", "-d"]).expect_code(0);
    assert_eq!(project.word("web"), "ready");
    project.run(&["down"]).expect_code(0);
    assert!(project.survivors().is_empty());
}

#[test]
fn twice_is_fine_and_starts_nothing_twice() {
    let project = TestProject::toml(GOOD);
    project.run(&["up", "-d"]).expect_code(0);
    let pid = project.pid("web");
    project.run(&["up", "-d"]).expect_code(0);
    assert_eq!(project.pid("web"), pid);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn returns_1_with_the_box_when_something_has_failed() {
    let project =
        TestProject::toml(&format!("{GOOD}[program.db]\ncommand = \"echo no disk; exit 3\"\nstartretries = 0\n"));
    project.run(&["up", "-d"]).expect_code(1).expect_text("no disk");
    assert_eq!(project.word("db"), "failed", "the project stays up for `why` and `logs`");
    project.run(&["down"]);
}

#[test]
fn whoever_has_failed_is_asked_about_and_not_who_merely_waits() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"exec sleep 1000\"\nready = { file = \"never\" }\n\n\
         [program.db]\ncommand = \"exit 3\"\nstartretries = 0\n",
    );
    let told = project.run(&["up", "-d"]).expect_code(1).stderr;
    let last = told.lines().find(|line| line.contains("it goes on in the background")).unwrap();
    assert!(last.contains("run why db") && !last.contains("why web"), "{told}");
    project.run(&["down"]);
}

#[test]
fn what_came_of_it_is_told_as_json() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n\n[program.db]\ncommand = \"echo no disk; exit 3\"\nstartretries = 0\n",
    );
    let outcome = |code: i32, arguments: &[&str]| -> Value {
        serde_json::from_str(&project.run(arguments).expect_code(code).stdout).unwrap()
    };
    for _ in ["it comes up", "it is up already"] {
        let json = outcome(1, &["up", "-d", "--wait", "--json"]);
        assert_eq!(json["failures"][0]["last_lines"], serde_json::json!(["no disk"]), "{json:#}");
        assert_eq!(json["processes"].as_array().unwrap().len(), 2);
    }
    let json = outcome(0, &["up", "-d", "--json", "web"]);
    assert_eq!((&json["processes"][0]["state"], &json["processes"][1]), (&"ready".into(), &Value::Null), "{json:#}");
    assert_eq!(json["failures"], serde_json::json!([]));
    project.run(&["down"]).expect_code(0);
}

#[test]
fn returns_124_when_the_time_is_over() {
    let project = TestProject::toml("[program.web]\ncommand = \"sleep 1000\"\nready = { file = \"never\" }\n");
    project.run(&["up", "-d", "--timeout", "300ms"]).expect_code(124).expect_text("the time is over, not ready: web");
    assert_eq!(project.word("web"), "starting", "it goes on in the background");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_crash_loop_is_not_a_good_start() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"test -f seen || { touch seen; exit 1; }; echo on; sleep 0.1; exit 1\"\n\
         ready = { log = \"on\" }\nstartretries = 1\n",
    );
    project.run(&["up", "-d", "--timeout", "30s"]).expect_code(1);
    project.run(&["down"]);
}

#[test]
fn a_mistake_that_is_saved_later_is_told_to_whoever_asks() {
    let project = TestProject::toml(GOOD);
    project.run(&["up", "-d"]).expect_code(0);
    project.write("run.toml", format!("{GOOD}prot = 1\n"));
    let told = "run.toml has changed since and does not load: ";
    for words in [&["status"][..], &["why", "web"], &[]] {
        project
            .run(words)
            .expect_code(0)
            .expect_text(told)
            .expect_text("(run.toml:4:1)")
            .expect_text("run check shows");
    }
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_mistake_in_the_config_starts_nothing() {
    let project = TestProject::toml("[program.web]\ncommand = \"touch started\"\ndependson = []\n");
    project.run(&["up", "-d"]).expect_code(2).expect_text("did you mean `depends_on`");
    assert!(!project.path("started").exists());
}

#[test]
fn of_many_at_the_same_instant_one_starts_it_and_all_wait_for_it() {
    let project = TestProject::toml(&GOOD.replace("echo on;", "echo on; echo once >> once;"));
    let all: Vec<_> = (0..5).map(|_| project.start(&["up", "-d"])).collect();
    for one in all {
        one.end().expect_code(0);
    }
    assert_eq!(project.lines("once"), ["once"]);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_reader_that_goes_away_ends_nothing_that_is_to_be_left_running() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"while :; do echo on; sleep 0.05; done\"\nready = { file = \"go\" }\n",
    );
    let mut command = Command::new("sh");
    command.args(["-c", "\"$1\" up -d | head -n 1", "sh", env!("CARGO_BIN_EXE_run")]);
    project.put_into_world(&mut command);
    let up = Running::start(&project, command);
    up.wait_for("on");
    project.write("go", "");
    up.end().expect_code(0);
    project.wait_for_word("web", "ready");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn an_end_before_everything_is_ready_is_no_good_start() {
    let project = TestProject::toml("[program.web]\ncommand = \"sleep 1000\"\nready = { file = \"never\" }\n");
    let up = project.start(&["up", "-d"]);
    project.wait_for_word("web", "starting");
    project.run(&["down"]).expect_code(0);
    up.end().expect_code(1);
    let up = project.start(&["up", "-d"]);
    project.wait_for_word("web", "starting");
    up.interrupt().expect_code(1);
}

#[test]
fn tasks_that_are_all_done_are_a_good_start() {
    let project = TestProject::toml("[task.build]\ncommand = \"true\"\n");
    project.run(&["up", "-d"]).expect_code(0);
}
