//! `examples/talk`: everything that was shown on stage, by the same gestures.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::common::{Running, TestProject, free_port};
use crate::daemon::{Stage, is_alive};
use crate::response::Connection;
use crate::side::{Side, tool};

on_both! {
    what_was_shown_on_stage,
}

/// The example, on a port of its own.
fn stage(side: Side, port: u16) -> Stage {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/talk");
    let stage = Stage { side, project: TestProject::copy_of(&example) };
    let conf = stage.read("supervisord.conf").replace(":9001", &format!(":{port}"));
    stage.project.write("supervisord.conf", conf);
    stage
}

/// Takes the semicolons from the options that begin with these words.
fn uncomment(stage: &Stage, from: &str, to: &str) {
    let conf = stage.read("supervisord.conf");
    let (start, end) = (conf.find(from).unwrap(), conf.find(to).unwrap() + to.len());
    let open = conf[start..end].replace("\n;", "\n").replacen(';', "", 1);
    stage.project.write("supervisord.conf", format!("{}{open}{}", &conf[..start], &conf[end..]));
}

fn says(stage: &Stage, words: &[&str], text: &str) {
    let mut said = String::new();
    let came = crate::common::becomes_true(crate::common::PATIENCE, || {
        said = stage.ctl(words).stdout;
        said.contains(text)
    });
    assert!(came, "{words:?} does not say `{text}` but\n{said}");
}

fn what_was_shown_on_stage(side: Side) {
    let port = free_port();
    let stage = stage(side, port);
    goes_to_the_background_and_back(&stage);
    let daemon = Running::start(&stage.project, stage.supervisord(&["-n", "-e", "debug", "-c", "supervisord.conf"]));
    daemon.wait_for("INFO spawned: 'clock' with pid ");
    daemon.wait_for("DEBG 'clock' stdout output:");
    is_asked_and_stopped(&stage);
    has_a_page(port);
    let clock = pid(&stage, "clock");
    changes_while_it_runs(&stage);
    assert_eq!(pid(&stage, "clock"), clock, "nobody has touched the clock");
    talks_in_the_foreground(&stage);
    becomes_ten(&stage);
    answers_a_script(&stage, port);
    tells_a_listener_of_crashes(&stage);
    assert_eq!(stage.ctl(&["reload"]).expect_code(0).stdout, "Restarted supervisord\n");
    stage.wait_until("another clock runs", || {
        let status = stage.ctl(&["status", "clock"]).stdout;
        status.contains("RUNNING") && !status.contains(&format!("pid {clock},"))
    });
    assert_eq!(stage.ctl(&["shutdown"]).expect_code(0).stdout, "Shut down\n");
    daemon.end().expect_code(0);
}

/// The pid of a process, or of the daemon.
fn pid(stage: &Stage, name: &str) -> String {
    let words: &[&str] = if name.is_empty() { &["pid"] } else { &["pid", name] };
    stage.ctl(words).stdout.trim().to_owned()
}

fn goes_to_the_background_and_back(stage: &Stage) {
    stage.run(&["-c", "supervisord.conf"]).expect_code(0);
    says(stage, &["status", "clock"], "RUNNING");
    let daemon: i64 = pid(stage, "").parse().unwrap();
    let clock: i64 = pid(stage, "clock").parse().unwrap();
    stage.ctl(&["shutdown"]).expect_code(0);
    stage.wait_until("it is gone", || !is_alive(daemon));
    assert!(!is_alive(clock), "it has stopped what it started");
}

fn is_asked_and_stopped(stage: &Stage) {
    says(stage, &["status"], "clock                            RUNNING   pid ");
    let time = regex::Regex::new(r"(?m)^\d\d:\d\d:\d\d$").unwrap();
    assert!(time.is_match(&stage.ctl(&["tail", "clock"]).expect_code(0).stdout));
    let mut command = stage.command(&tool("supervisorctl"), &["-c", "supervisord.conf", "tail", "-f", "clock"]);
    command.env("PYTHONUNBUFFERED", "1");
    let following = Running::start(&stage.project, command);
    let seen = fs::read_to_string(stage.path("clock.log")).unwrap().lines().count();
    following.wait_until("it goes on", || time.find_iter(&following.stdout()).count() > seen);
    following.signal(Signal::SIGINT);
    following.signal(Signal::SIGINT);
    drop(following);
    assert_eq!(stage.ctl(&["restart", "clock"]).expect_code(0).stdout, "clock: stopped\nclock: started\n");
    assert_eq!(stage.ctl(&["stop", "clock"]).expect_code(0).stdout, "clock: stopped\n");
    assert!(stage.ctl(&["status", "clock"]).expect_code(3).stdout.contains("STOPPED"));
    assert!(stage.ctl(&["maintail"]).expect_code(0).stdout.contains("stopped: clock (terminated by SIGTERM)"));
    assert_eq!(stage.ctl(&["start", "clock"]).expect_code(0).stdout, "clock: started\n");
}

fn has_a_page(port: u16) {
    let page =
        Connection::tcp(port).ask(&format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"));
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
}

fn changes_while_it_runs(stage: &Stage) {
    uncomment(stage, ";[program:cat]", ";stdout_logfile = %(here)s/cat.log");
    assert_eq!(stage.ctl(&["reread"]).expect_code(0).stdout, "cat: available\n");
    let avail = stage.ctl(&["avail"]).expect_code(0).stdout;
    let row = |name: &str| {
        avail.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("cat"), "cat avail auto 999:999");
    assert_eq!(row("clock"), "clock in use auto 999:999");
    assert_eq!(stage.ctl(&["update"]).expect_code(0).stdout, "cat: added process group\n");
    says(stage, &["status", "cat"], "RUNNING");
}

fn talks_in_the_foreground(stage: &Stage) {
    let mut command = stage.command(&tool("supervisorctl"), &["-c", "supervisord.conf", "fg", "cat"]);
    let (reader, mut writer) = std::io::pipe().unwrap();
    command.env("PYTHONUNBUFFERED", "1").stdin(Stdio::from(reader));
    let talking = Running::start(&stage.project, command);
    talking.wait_for("==> Press Ctrl-C to exit <==");
    writer.write_all(b"hello, Montreal\n").unwrap();
    talking.wait_for("hello, Montreal\n");
    crate::ctl::leave_foreground(&talking);
}

fn becomes_ten(stage: &Stage) {
    uncomment(stage, ";numprocs = 10", ";process_name = %(program_name)s_%(process_num)02d");
    assert_eq!(stage.ctl(&["update"]).expect_code(0).stdout, "cat: stopped\ncat: updated process group\n");
    stage.wait_until("ten cats run", || {
        let status = stage.ctl(&["status", "cat:*"]).stdout;
        status.matches("RUNNING").count() == 10 && status.contains("cat:cat_09 ")
    });
}

fn answers_a_script(stage: &Stage, port: u16) {
    let script = stage.path("bin/state.py");
    let command = stage.command(&tool("python"), &[script.to_str().unwrap(), &port.to_string()]);
    let said = stage.project.finish(command).expect_code(0).stdout;
    let log = stage.path("clock.log").display().to_string();
    assert_eq!(said, format!("{{'statecode': 1, 'statename': 'RUNNING'}}\nclock RUNNING {log}\n"));
}

fn tells_a_listener_of_crashes(stage: &Stage) {
    assert_eq!(stage.ctl(&["start", "broken"]).expect_code(7).stdout, "broken: ERROR (spawn error)\n");
    says(stage, &["status", "broken"], "FATAL     Exited too quickly (process log may have details)");
    assert_eq!(stage.ctl(&["start", "flaky"]).expect_code(0).stdout, "flaky: started\n");
    stage.wait_for_text("crashes.log", "flaky ended and was not expected to\n");
    stage.wait_until("it is started again", || {
        stage.read("flaky.count").trim().parse::<u32>().is_ok_and(|count| count > 1)
    });
}
