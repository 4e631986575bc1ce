//! Bad input through the binary: what, where, why and what to type instead; all at once; exit 2; nothing started. The words of
//! each message have their snapshots beside the loader.

use std::net::TcpListener;

use crate::common::TestProject;

/// Nothing is started by a config with a mistake, and the message has these parts.
#[track_caller]
fn refused(project: &TestProject, parts: &[&str]) {
    for command in ["up", "check"] {
        let done = project.run(&[command]).expect_code(2);
        let told = done.stdout + &done.stderr;
        for part in parts {
            assert!(told.contains(part), "{command}: no `{part}` in\n{told}");
        }
    }
    assert!(!project.path("ran").exists(), "something was started");
}

const GOOD: &str = "[program.good]\ncommand = \"touch ran\"\n";

#[test]
fn an_unknown_key() {
    let text = format!("{GOOD}dependson = [\"db\"]\n");
    refused(&TestProject::toml(&text), &["unknown-key", "run.toml:3:1", "did you mean `depends_on`"]);
}

#[test]
fn an_unknown_dependency() {
    let text = format!("{GOOD}depends_on = [\"postgers\"]\n[program.postgres]\ncommand = \"touch ran\"\n");
    refused(&TestProject::toml(&text), &["postgers", "run.toml:3", "did you mean `postgres`"]);
}

#[test]
fn a_cycle_is_shown_edge_by_edge() {
    let text = "[program.a]\ncommand = \"touch ran\"\ndepends_on = [\"b\"]\n[program.b]\ncommand = \"touch ran\"\ndepends_on = [\"a\"]\n";
    refused(
        &TestProject::toml(text),
        &["wait for each other", "a waits for b", "b waits for a", "run.toml:3", "run.toml:6"],
    );
}

#[test]
fn a_duplicate_section() {
    refused(&TestProject::toml(&format!("{GOOD}{GOOD}")), &["duplicate", "run.toml:3"]);
}

#[test]
fn a_wrong_type_and_a_wrong_value() {
    let text = format!("{GOOD}autostart = \"perhaps\"\nautorestart = \"sometimes\"\nstopwaitsecs = \"30 parsecs\"\n");
    refused(&TestProject::toml(&text), &["run.toml:3", "run.toml:4", "run.toml:5", "parsecs", "unexpected"]);
}

#[test]
fn a_missing_directory_and_a_missing_env_file() {
    let text = format!("{GOOD}directory = \"nowhere\"\nenv_file = \"none.env\"\n");
    refused(&TestProject::toml(&text), &["nowhere", "none.env", "run.toml:3", "run.toml:4"]);
}

#[test]
fn a_command_that_is_not_on_the_path() {
    refused(
        &TestProject::toml(&format!("{GOOD}[program.x]\ncommand = \"no-such-tool --now\"\n")),
        &["no-such-tool", "run.toml:4"],
    );
}

#[test]
fn an_undefined_variable() {
    let text = format!("{GOOD}environment = {{ URL = \"http://${{NO_SUCH_HOST}}/\", DB = \"${{db.port}}\" }}\n");
    refused(&TestProject::toml(&text), &["NO_SUCH_HOST", "db", "run.toml:3"]);
}

#[test]
fn text_that_is_no_toml() {
    refused(&TestProject::toml("[program.web\ncommand = touch ran\n"), &["run.toml:1"]);
}

#[test]
fn no_program_at_all() {
    refused(&TestProject::toml("name = \"empty\"\n"), &["no program"]);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = format!(
        "{GOOD}dependson = []\n[program.x]\ncommand = \"no-such-tool\"\ndepends_on = [\"y\"]\nstartsecs = \"soon\"\n"
    );
    refused(&TestProject::toml(&text), &["dependson", "no-such-tool", "`y`", "soon"]);
}

#[test]
fn check_speaks_json() {
    let project = TestProject::toml(&format!("{GOOD}dependson = []\n"));
    let done = project.run(&["check", "--format", "json"]).expect_code(2);
    let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(report["schema"], 1);
    assert_eq!(report["diagnostics"][0]["code"], "unknown-key", "{report:#}");
    assert_eq!(report["diagnostics"][0]["line"], 3, "{report:#}");
}

#[test]
fn a_taken_port_names_its_holder() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let project = TestProject::toml(&format!("{GOOD}[program.web]\ncommand = \"sleep 1000\"\nport = {port}\n"));
    let holder = std::process::id().to_string();
    let done = project.run(&["up"]).expect_code(2).expect_text("is taken").expect_text(&holder);
    assert!(done.stderr.contains(&port.to_string()), "{done:?}");
    assert!(!project.path("ran").exists());
}

#[test]
fn a_running_project_is_not_touched_by_a_broken_file() {
    let project =
        TestProject::toml("[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n");
    let up = project.up();
    up.wait_for_banner();
    let pid = project.pid("web");
    project.write("run.toml", "[[[ nonsense");
    assert_eq!(project.pid("web"), pid);
    project.run(&["down"]).expect_code(0);
    up.end().expect_code(0);
}
