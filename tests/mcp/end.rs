//! Waiting, giving up, several at once, and the end.

use nix::sys::signal::Signal;
use serde_json::json;

use crate::agent::Agent;
use crate::common::{PATIENCE, TestProject};
use crate::shop;

/// A program that never becomes ready.
fn never() -> TestProject {
    TestProject::toml("[program.web]\ncommand = \"exec sleep 1000\"\nready = { file = \"never\" }\n")
}

#[test]
fn a_call_that_waits_holds_up_nobody_and_can_be_taken_back() {
    let project = never();
    let mut agent = Agent::of(&project);
    let reply = agent.call("ensure_up", &json!({ "timeout": 0.1 }));
    assert!(reply.is_error && reply.json["state"] == "starting" && reply.text.contains("web is starting"), "{reply:?}");
    assert_eq!(project.word("web"), "starting", "it goes on");
    let waiting = agent.begin("wait", &json!({ "timeout": 3600 }));
    let asking = agent.begin("status", &json!({}));
    assert_eq!(agent.first_of([waiting, asking]), asking);
    agent.tell("notifications/cancelled", &json!({ "requestId": waiting, "reason": "enough" }));
    assert!(!agent.call("status", &json!({})).is_error);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_stop_that_takes_long_is_answered_in_time_and_goes_on() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"trap 'while ! test -e go; do sleep 0.02; done; exit' TERM; echo on; while :; do sleep 0.02; done\"\n\
         ready = { log = \"on\" }\nstopwaitsecs = \"60s\"\n",
    );
    let mut agent = Agent::of(&project);
    assert!(!agent.call("ensure_up", &json!({})).is_error);
    let reply = agent.call("stop", &json!({ "names": ["web"], "timeout": 0.2 }));
    assert!(reply.is_error && reply.json["timed_out"] == true && reply.text.contains("the stop goes on"), "{reply:?}");
    assert_eq!(reply.json["processes"][0]["answer"], "timeout");
    assert_eq!(project.word("web"), "stopping");
    project.write("go", "");
    let reply = agent.call("stop", &json!({ "names": ["web"] }));
    assert!(
        !reply.is_error && reply.json["timed_out"] == false && reply.json["processes"][0]["state"] == "off",
        "{reply:?}"
    );
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_command_that_is_taken_back_is_ended_with_its_children() {
    let project = shop();
    let mut agent = Agent::of(&project);
    let running = agent.begin("exec", &json!({ "command": "sleep 1000 & echo > on; wait", "timeout": 3600 }));
    project.wait_until("it runs", PATIENCE, || project.path("on").exists());
    agent.tell("notifications/cancelled", &json!({ "requestId": running }));
    project.wait_until("it has ended", PATIENCE, || {
        !project.survivors().iter().any(|found| found.to_string().contains("sleep"))
    });
    let reply = agent.call("exec", &json!({ "command": "sleep 1000", "timeout": 0.2 }));
    assert!(reply.is_error && reply.json["timed_out"] == true && reply.json["exit_code"] == 124, "{reply:?}");
}

#[test]
fn the_end_of_stdin_is_the_end_and_the_project_lives_on() {
    let project = shop();
    let mut agent = Agent::of(&project);
    assert!(!agent.call("ensure_up", &json!({})).is_error);
    let pid = project.pid("web");
    agent.begin("exec", &json!({ "command": "echo > on; exec sleep 1000", "timeout": 3600 }));
    project.wait_until("it runs", PATIENCE, || project.path("on").exists());
    assert_eq!(agent.hang_up(), Some(0));
    assert_eq!((project.word("web").as_str(), project.pid("web")), ("ready", pid));
    project.wait_until("what it ran has ended with it", PATIENCE, || {
        !project.survivors().iter().any(|found| found.to_string().contains("sleep 1000"))
    });
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_signal_ends_it_and_not_the_project() {
    let project = shop();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let mut agent = Agent::of(&project);
        assert!(!agent.call("ensure_up", &json!({})).is_error);
        agent.begin("wait", &json!({ "names": ["extra"], "timeout": 3600 }));
        agent.signal(signal);
        assert_eq!(agent.wait(), Some(0), "{signal}");
        assert_eq!(project.word("web"), "ready");
    }
    project.run(&["down"]).expect_code(0);
}

#[test]
fn who_hangs_up_without_a_word_is_no_error() {
    let project = shop();
    assert_eq!(Agent::silent(&project, &["mcp"], &[]).hang_up(), Some(0));
}

#[test]
fn a_script_gets_its_answer_though_its_input_ends() {
    let project = shop();
    let mut agent = Agent::of(&project);
    let id = agent.begin("graph", &json!({}));
    agent.end_input();
    assert!(agent.reply(id).text.contains("migrate"));
    assert_eq!(agent.wait(), Some(0));
}
