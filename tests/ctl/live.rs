//! The real supervisord and supervisorctl beside ours: every scenario is played by both, each against a supervisord of its own, and
//! they must say the same, pids and times aside.
//!
//! `RUN_SUPERVISOR_VENV` names a venv with supervisor 4.3.0; without it, PATH is looked at.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::common::{PATIENCE, Running, TestProject, becomes_true, has_tool};
use super::scenario::{Places, Scenario, directory, normal, play, scenarios, wait_for_programs, without_help};

const OURS: &[&str] = &[env!("CARGO_BIN_EXE_run"), "ctl"];

/// A program of supervisor; none when it is not installed, or when all has been played already (`RUN_COMPAT=done`), as CI does, which
/// plays more at once than tests are run elsewhere.
fn tool(name: &str) -> Option<String> {
    if std::env::var_os("RUN_COMPAT").is_some_and(|how| how == "done") {
        return None;
    }
    match std::env::var_os("RUN_SUPERVISOR_VENV") {
        Some(venv) => Some(PathBuf::from(venv).join("bin").join(name).to_str().unwrap().to_owned()),
        None => has_tool(name).then(|| name.to_owned()),
    }
}

/// A directory with a supervisord of its own.
fn stage(scenario: &Scenario) -> TestProject {
    let conf = fs::read_to_string(directory().join("supervisord.conf")).unwrap();
    let password = "s.sock\nusername = ann\npassword = secret\n\n[supervisord]";
    let conf = if scenario.auth { conf.replace("s.sock\n\n[supervisord]", password) } else { conf };
    TestProject::empty().file("supervisord.conf", conf).file("conf.d/new.conf", "")
}

/// Whose server is talked to.
#[derive(Clone, Copy)]
enum Server<'a> {
    /// This supervisord.
    Theirs(&'a str),
    /// `run up -f supervisord.conf`.
    Ours,
}

fn start<'a>(project: &'a TestProject, server: Server<'_>) -> Running<'a> {
    let mut command = match server {
        Server::Theirs(supervisord) => {
            let mut command = Command::new(supervisord);
            command.args(["-n", "-s", "-c"]).arg(project.path("supervisord.conf"));
            command
        }
        Server::Ours => project.command(&["up", "-f", "supervisord.conf"]),
    };
    project.put_into_world(&mut command);
    let running = Running::start(project, command);
    let is_up = || project.read("main.log").matches("entered RUNNING").count() >= 6;
    running.wait_until("all is up", is_up);
    running.wait_until("talk has said all", || {
        let logs = fs::read_dir(project.directory()).unwrap().map(|entry| entry.unwrap());
        let talks = logs.filter(|log| log.file_name().to_str().unwrap().starts_with("talk-std"));
        talks.filter(|log| log.metadata().unwrap().len() > 0).count() == 2
    });
    wait_for_programs(project);
    running
}

fn places(project: &TestProject) -> Places {
    Places::new(project, format!("unix://{}", project.path("s.sock").display()))
}

/// Everything that one client says.
fn transcript(scenario: &Scenario, client: &[&str], server: Server<'_>) -> Vec<String> {
    let project = stage(scenario);
    let mut server = start(&project, server);
    // Else the original would find it by itself, and with it another prompt.
    let conf = project.path("supervisord.conf");
    let client: Vec<&str> = client.iter().copied().chain(["-c", conf.to_str().unwrap()]).collect();
    let mut said = Vec::new();
    for step in &scenario.steps {
        if let Some(file) = &step.write {
            project.write(file, &step.text);
            continue;
        }
        let done = play(&project, &client, step, &places(&project));
        // Until its last failure is counted, a program that has failed may be stopped, and the original says so.
        project.wait_until("what has failed is given up", PATIENCE, || {
            let log = project.read("main.log");
            log.matches("exited: quick").count() == log.matches("gave up: quick").count()
        });
        let out = without_help(&project, &client, &done.stdout);
        // An interrupt that comes while the original reads, and not while it waits, is told as an error of the connection.
        let counts = |line: &&str| line.contains("logtail") && !line.contains("<class 'KeyboardInterrupt'>");
        let errors: String = done.stderr.split_inclusive('\n').filter(counts).collect();
        let directory = project.directory().display().to_string();
        let [out, errors] =
            [out, errors].map(|text| normal(&places(&project).scrub(&text).replace(&directory, "{dir}"), step));
        said.push(format!("$ {:?} {:?}\n{out}{errors}exit {}\n", step.args, step.stdin, done.code));
        if step.ends {
            assert!(becomes_true(PATIENCE, || server.has_ended().is_some()), "it does not shut down");
        }
    }
    said
}

fn both_say_the_same(name: &str) {
    let (Some(supervisord), Some(supervisorctl)) = (tool("supervisord"), tool("supervisorctl")) else { return };
    let scenario = scenarios().into_iter().find(|scenario| scenario.name == name).unwrap();
    let server = Server::Theirs(&supervisord);
    let theirs = transcript(&scenario, &[&supervisorctl], server);
    let ours = transcript(&scenario, OURS, server);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
}

/// Both clients against our server: what they say is what the original says against its own.
fn both_hear_the_same_from_us(name: &str) {
    let (Some(supervisord), Some(supervisorctl)) = (tool("supervisord"), tool("supervisorctl")) else { return };
    let scenario = scenarios().into_iter().find(|scenario| scenario.name == name).unwrap();
    let theirs = transcript(&scenario, &[&supervisorctl], Server::Theirs(&supervisord));
    for client in [&[supervisorctl.as_str()][..], OURS] {
        let ours = transcript(&scenario, client, Server::Ours);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{client:?}");
        }
    }
}

#[test]
fn looking_is_the_same() {
    both_say_the_same("looking");
}

#[test]
fn acting_on_processes_is_the_same() {
    both_say_the_same("processes");
}

#[test]
fn logs_are_the_same() {
    both_say_the_same("logs");
}

#[test]
fn logs_of_our_server_are_the_same() {
    both_hear_the_same_from_us("logs");
}

#[test]
fn changing_the_config_is_the_same() {
    both_say_the_same("config");
}

#[test]
fn the_prompt_is_the_same() {
    both_say_the_same("prompt");
}

#[test]
fn passwords_are_the_same() {
    both_say_the_same("password");
}

#[test]
fn shutting_down_and_reloading_are_the_same() {
    both_say_the_same("shutdown");
    both_say_the_same("reload");
}

#[test]
fn every_scenario_is_compared() {
    let tests = include_str!("live.rs");
    for Scenario { name, .. } in scenarios() {
        // `nobody` needs no server, so the recording says all.
        assert!(name == "nobody" || tests.contains(&format!("both_say_the_same(\"{name}\")")), "{name}");
    }
}

#[test]
fn the_section_of_a_supervisord_conf_says_whom_to_talk_to() {
    let Some(supervisord) = tool("supervisord") else { return };
    let project = stage(&Scenario::default());
    let _server = start(&project, Server::Theirs(&supervisord));
    project.run(&["ctl", "-c", "supervisord.conf", "version"]).expect_code(0).expect_text("4.");
    project.run(&["ctl", "-c", "supervisord.conf"]).expect_code(0).expect_text("shop> ");
}

#[test]
fn a_line_typed_in_the_foreground_reaches_the_process_and_comes_back() {
    let Some(supervisord) = tool("supervisord") else { return };
    for server in [Server::Theirs(&supervisord), Server::Ours] {
        let project = stage(&Scenario::default());
        let _server = start(&project, server);
        talk(&project);
    }
}

/// One line to `cat` and back.
fn talk(project: &TestProject) {
    let mut command = project.command(&["ctl", "-c", "supervisord.conf", "fg", "cat"]);
    let (reader, mut writer) = std::io::pipe().unwrap();
    command.stdin(Stdio::from(reader));
    let running = Running::start(project, command);
    running.wait_for("==> Press Ctrl-C to exit <==\n");
    std::io::Write::write_all(&mut writer, "grüße\n".as_bytes()).unwrap();
    running.wait_for("grüße\n");
    let done = running.interrupt().expect_code(0);
    assert_eq!(done.stdout, "==> Press Ctrl-C to exit <==\ngrüße\nExiting foreground\n");
}
