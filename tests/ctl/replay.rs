//! What supervisorctl said and asked (`recorded/`, made by `record.py`), and whether we say and ask the same.

use std::fs;

use super::cardboard::Cardboard;
use super::common::TestProject;
use super::scenario::{Places, Request, Scenario, Step, directory, play, scenarios, without_help};

const CLIENT: &[&str] = &[env!("CARGO_BIN_EXE_run"), "ctl"];

fn recorded(name: &str) -> Scenario {
    let text = fs::read_to_string(directory().join("recorded").join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Compares one step; a server is there only if the original asked one.
fn compare(project: &TestProject, step: &Step, places: &Places, server: Option<&Cardboard>) {
    let done = play(project, CLIENT, step, places);
    let what = format!("run ctl {:?}", step.args);
    let stdout = without_help(project, CLIENT, &places.scrub(&done.stdout));
    assert_eq!(stdout, step.stdout, "{what}: stdout; stderr: {}", done.stderr);
    let of_logs: String = done.stderr.split_inclusive('\n').filter(|line| line.contains("logtail")).collect();
    assert_eq!(places.scrub(&of_logs), step.stderr, "{what}: stderr");
    assert_eq!(done.code, step.code, "{what}");
    if let Some(server) = server {
        server.expect_done(&what);
    }
}

fn replay(name: &str) {
    let project = TestProject::empty();
    for step in recorded(name).steps {
        let socket = project.path("s.sock");
        let server = (!step.requests.is_empty()).then(|| Cardboard::unix(&socket, &step.requests));
        compare(&project, &step, &Places::new(&project, format!("unix://{}", socket.display())), server.as_ref());
        fs::remove_file(&socket).ok();
    }
}

#[test]
fn looking_is_as_it_was_recorded() {
    replay("looking");
}

#[test]
fn acting_on_processes_is_as_it_was_recorded() {
    replay("processes");
}

#[test]
fn logs_are_as_they_were_recorded() {
    replay("logs");
}

#[test]
fn changing_the_config_is_as_it_was_recorded() {
    replay("config");
}

#[test]
fn the_prompt_is_as_it_was_recorded() {
    replay("prompt");
}

#[test]
fn passwords_are_asked_for_and_sent_as_it_was_recorded() {
    replay("password");
}

#[test]
fn a_server_that_is_not_there_is_reported_as_it_was_recorded() {
    replay("nobody");
}

#[test]
fn shutting_down_is_as_it_was_recorded() {
    replay("shutdown");
}

#[test]
fn reloading_is_as_it_was_recorded() {
    replay("reload");
}

#[test]
fn a_server_on_tcp_is_talked_to_in_the_same_way() {
    let project = TestProject::empty();
    for step in recorded("password").steps {
        let (server, url) = Cardboard::tcp(&step.requests);
        compare(&project, &step, &Places::new(&project, url), Some(&server));
    }
}

#[test]
fn every_scenario_was_recorded_and_is_replayed() {
    let tests = include_str!("replay.rs");
    for scenario in scenarios() {
        let commands = scenario.steps.iter().filter(|step| step.write.is_none()).count();
        let name = &scenario.name;
        assert_eq!(recorded(name).steps.len(), commands, "{name}: python3 tests/ctl/record.py VENV {name}");
        assert!(tests.contains(&format!("replay(\"{name}\")")), "{name} is not replayed");
    }
}

/// One call and its answer.
fn exchange(method: &str, answer: &str) -> Request {
    Request {
        method: "POST".into(),
        path: "/RPC2".into(),
        call: Some((method.into(), Vec::new())),
        status: "200 OK".into(),
        body: format!("<?xml version='1.0'?><methodResponse>{answer}</methodResponse>"),
        ..Request::default()
    }
}

fn fault(code: i32, text: &str) -> String {
    format!(
        "<fault><value><struct><member><name>faultCode</name><value><int>{code}</int></value></member>\
         <member><name>faultString</name><value><string>{text}</string></value></member></struct></value></fault>"
    )
}

fn answered(project: &TestProject, arguments: &[&str], requests: &[Request]) -> (String, i32) {
    let socket = project.path("s.sock");
    let server = Cardboard::unix(&socket, requests);
    let places = Places::new(project, format!("unix://{}", socket.display()));
    let step = Step { args: arguments.iter().map(|word| (*word).to_owned()).collect(), ..Step::default() };
    let done = play(project, CLIENT, &step, &places);
    fs::remove_file(&socket).unwrap();
    server.expect_done(&format!("{arguments:?}"));
    (done.stdout, done.code)
}

#[test]
fn a_method_that_the_server_lacks_is_reported_as_the_fault_it_is() {
    let project = TestProject::empty();
    let unknown = || fault(1, "UNKNOWN_METHOD");
    assert_eq!(
        answered(&project, &["reread"], &[exchange("supervisor.reloadConfig", &unknown())]),
        ("error: <class 'xmlrpc.client.Fault'>, <Fault 1: 'UNKNOWN_METHOD'>\n".to_owned(), 1)
    );
    let (said, code) = answered(&project, &["version"], &[exchange("supervisor.getVersion", &unknown())]);
    assert!(said.contains("[rpcinterface:supervisor]"), "{said}");
    assert_eq!(code, 3);
}

#[test]
fn a_server_that_goes_down_is_reported_in_the_words_of_each_command() {
    let project = TestProject::empty();
    let going = || fault(6, "SHUTDOWN_STATE");
    for (command, method, words, code) in [
        ("reread", "reloadConfig", "ERROR: supervisor shutting down\n", 1),
        ("update", "reloadConfig", "ERROR: already shutting down\n", 1),
        ("avail", "getAllConfigInfo", "ERROR: supervisor shutting down\n", 1),
        ("reload", "restart", "ERROR: already shutting down\n", 1),
        ("shutdown", "shutdown", "ERROR: already shutting down\n", 0),
    ] {
        let asked = exchange(&format!("supervisor.{method}"), &going());
        assert_eq!(answered(&project, &[command], &[asked]), (words.to_owned(), code), "{command}");
    }
}

#[test]
fn another_version_and_another_status_are_errors() {
    let project = TestProject::empty();
    let version = "<params><param><value><string>4.0</string></value></param></params>";
    let (said, code) = answered(&project, &["status"], &[exchange("supervisor.getVersion", version)]);
    assert!(said.contains("version 4.0"), "{said}");
    assert_eq!(code, 4);
    let broken = Request { status: "500 Internal Server Error".into(), ..exchange("supervisor.getVersion", "") };
    let (said, code) = answered(&project, &["status"], &[broken]);
    assert_eq!(
        said,
        "error: <class 'xmlrpc.client.ProtocolError'>, <ProtocolError for 127.0.0.1/RPC2: 500 Internal Server Error>\n"
    );
    assert_eq!(code, 1);
}
