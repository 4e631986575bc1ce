//! Which project is meant, and which may be changed.

use serde_json::{Value, json};

use crate::agent::Agent;
use crate::common::TestProject;
use crate::{ACTOR, shop};

/// A project with another one below it, each with a program of its own.
fn two() -> TestProject {
    let config = |name: &str| format!("name = \"{name}\"\n[program.{name}]\ncommand = \"{ACTOR} linger\"\n");
    TestProject::toml(&config("here")).file("other/run.toml", config("there")).file("src/deep/file", "")
}

#[test]
fn other_projects_may_be_looked_at_and_not_changed() {
    let project = two();
    let mut agent = Agent::of(&project);
    let there = json!({ "directory": "other" });
    assert!(agent.call("graph", &there).text.contains("there"));
    let reply = agent.call("ensure_up", &there);
    assert!(reply.is_error && reply.text.contains("--any-project"), "{reply:?}");
    assert!(agent.call("exec", &json!({ "directory": "other", "command": "true" })).is_error);
    assert!(agent.call("ensure_up", &json!({ "project": "variation" })).is_error);
    assert!(!agent.call("ensure_up", &json!({ "directory": "src/deep" })).is_error, "the same project, from below");
    assert_eq!(project.word("here"), "ready");
    for (tool, arguments) in [("ensure_up", &there), ("exec", &json!({ "directory": "other", "command": "true" }))] {
        let reply = agent.call(tool, arguments);
        assert!(reply.is_error && reply.text.contains("--any-project"), "it lies below one that runs: {reply:?}");
    }
    drop(agent);
    let mut free = Agent::start(&project, &["mcp", "--any-project"], &[]);
    let reply = free.call("ensure_up", &there);
    assert!(!reply.is_error && reply.json["project"] == "there", "{reply:?}");
    assert_eq!(reply.json["was_up"], false, "{reply:?}");
    assert!(reply.json["root"].as_str().unwrap().ends_with("/other"));
    project.run(&["-C", "other", "down"]).expect_code(0);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn the_directories_of_the_client_say_which_project_is_meant() {
    let project = two();
    let uri = |name: &str| format!("file://{}", project.path(name).display());
    let roots = [uri("src/deep"), uri("other")];
    let mut agent = Agent::start(&project, &["mcp"], &[roots[1].clone()]);
    assert_eq!(agent.call("graph", &json!({})).json["project"], "there");
    let mut both = Agent::start(&project, &["mcp"], &roots);
    assert_eq!(both.call("graph", &json!({})).json["project"], "here", "the first that has a project");
    assert!(
        !both.call("exec", &json!({ "directory": "other", "command": "true" })).is_error,
        "it is the client's, too"
    );
    let mut addressed = Agent::start(&project, &["-C", ".", "mcp"], &[roots[1].clone()]);
    assert_eq!(addressed.call("graph", &json!({})).json["project"], "here", "whoever started it has said so");
}

#[test]
fn a_running_project_is_meant_by_the_name_that_it_shows() {
    let project = shop();
    let mut agent = Agent::of(&project);
    let reply = agent.call("ensure_up", &json!({}));
    let (name, root, pid) = (reply.json["project"].clone(), reply.json["root"].clone(), project.pid("web"));
    for (tool, mut arguments) in [
        ("ensure_up", json!({})),
        ("status", json!({})),
        ("why", json!({})),
        ("logs", json!({})),
        ("search_logs", json!({ "pattern": "." })),
        ("start", json!({ "names": ["web"] })),
        ("wait", json!({})),
        ("reload", json!({})),
        ("check_config", json!({})),
        ("graph", json!({})),
        ("exec", json!({ "command": "test $PORT = $(cat port)", "as": "web" })),
    ] {
        if tool == "exec" {
            project.write(
                "port",
                agent.call("exec", &json!({ "command": "echo $PORT", "as": "web" })).json["output"].as_str().unwrap(),
            );
        }
        arguments["project"] = name.clone();
        let reply = agent.call(tool, &arguments);
        assert!(!reply.is_error, "{tool}: {reply:?}");
        for (field, value) in [("project", &name), ("root", &root)] {
            assert!(reply.json.get(field).is_none_or(|found| found == value), "{tool}: {reply:?}");
        }
    }
    assert_eq!(project.pid("web"), pid, "it is the same one");
    let all = project.run(&["projects", "--json"]).expect_code(0).stdout;
    let all: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(all["projects"].as_array().unwrap().len(), 1, "{all}");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_place_without_a_project_says_what_to_do() {
    let project = shop().file("elsewhere/.git/HEAD", "ref: refs/heads/main\n");
    let mut agent = Agent::start(&project, &["-C", "elsewhere", "mcp"], &[]);
    let reply = agent.call("ensure_up", &json!({}));
    assert!(reply.is_error && reply.text.contains("no project here") && reply.text.contains(" init "), "{reply:?}");
    assert!(agent.call("exec", &json!({ "command": "true" })).text.contains("no project here"));
    assert!(agent.call("logs", &json!({ "directory": "nowhere" })).is_error);
}
