//! The main log, whole: what stands there after the same has happened.

use nix::sys::signal::Signal;
use regex::Regex;
use serde_json::json;

use crate::common::TestProject;
use crate::daemon::Stage;
use crate::events::listener;
use crate::side::Side;

on_both! {
    a_life_and_another_after_hup,
    what_cannot_be_executed_is_told_before_the_fork,
    an_fcgi_socket_comes_and_goes,
    a_stale_socket_is_told_of,
    every_server_without_a_login_is_told_of,
    what_listeners_do_is_told_at_debug,
    a_bad_result_is_told_with_its_line,
    a_child_that_quits_is_told_at_debug,
    calls_are_told_at_trace,
}

/// The lines without their times, and with names for what is another each time.
fn lines(stage: &Stage) -> Vec<String> {
    let mut text = stage.read("main.log").replace(stage.path("").to_str().unwrap().trim_end_matches('/'), "DIR");
    for (pattern, word) in [
        (r"(?m)^[-\d]+ [:,\d]+ ", ""),
        (r"with pid \d+", "with pid N"),
        (r"(?m)^CRIT Supervisor is running as root.*\n", ""),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, word).into_owned();
    }
    text.lines().map(str::to_owned).collect()
}

fn a_life_and_another_after_hup(side: Side) {
    let conf = "[program:cat]\ncommand = cat\nstartsecs = 0\n[include]\nfiles = nothing/*.conf conf.d/*.conf\n";
    let stage = Stage::new(side, conf).file("conf.d/a.conf", "[program:dog]\ncommand = cat\nautostart = false\n");
    let daemon = stage.start();
    // The original loses a signal that comes before its child has executed.
    let is_cat = |pid: i64| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "cat\n");
    daemon.wait_state("cat", "RUNNING");
    stage.wait_until("it has executed", || is_cat(daemon.pid("cat")));
    daemon.value("stopProcess", json!(["cat"]));
    daemon.value("startProcess", json!(["cat"]));
    let before = daemon.pid("cat");
    stage.wait_until("it has executed", || is_cat(before));
    daemon.signal(Signal::SIGHUP);
    stage.wait_until("it is up again", || {
        let info = daemon.call("getProcessInfo", json!(["cat"]));
        info.is_ok_and(|info| info["statename"] == "RUNNING" && info["pid"] != before)
    });
    stage.wait_until("it has executed", || is_cat(daemon.pid("cat")));
    daemon.end_by(Signal::SIGTERM).expect_code(0);
    let begins = [
        "WARN No file matches via include \"DIR/nothing/*.conf\"",
        "INFO Included extra file \"DIR/conf.d/a.conf\" during parsing",
        "INFO RPC interface 'supervisor' initialized",
        "CRIT Server 'unix_http_server' running without any HTTP authentication checking",
        "INFO supervisord started with pid N",
    ];
    let starts = [
        "INFO spawned: 'cat' with pid N",
        "INFO success: cat entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)",
    ];
    let stopped = "WARN stopped: cat (terminated by SIGTERM)";
    let ends = ["INFO waiting for cat to die", stopped];
    let expected = [
        &begins[..],
        &starts,
        &["INFO waiting for cat to stop", stopped],
        &starts,
        &["WARN received SIGHUP indicating restart request"],
        &ends,
        &begins,
        &starts,
        &["WARN received SIGTERM indicating exit request"],
        &ends,
    ];
    // Of the original this is told when it finds the process still there: not at all, or each time it looks.
    let counts = |line: &str| matches!(side, Side::Ours) || !line.contains("waiting for cat to ");
    let told: Vec<String> = lines(&stage).into_iter().filter(|line| counts(line)).collect();
    let expected: Vec<&str> = expected.concat().into_iter().filter(|line| counts(line)).collect();
    assert_eq!(told, expected);
}

fn what_cannot_be_executed_is_told_before_the_fork(side: Side) {
    let conf = "[program:directory]\ncommand = %(here)s/conf.d\nstartretries = 0\n\
                [program:text]\ncommand = %(here)s/conf.d/a.conf\nstartretries = 0\n\
                [program:nowhere]\ncommand = no-such-command-here\nstartretries = 0\n";
    let stage = Stage::new(side, conf).file("conf.d/a.conf", "");
    let daemon = stage.start();
    let dir = stage.path("conf.d").display().to_string();
    for (name, why) in [
        ("directory", format!("command at '{dir}' is a directory")),
        ("text", format!("command at '{dir}/a.conf' is not executable")),
        ("nowhere", "can't find command 'no-such-command-here'".to_owned()),
    ] {
        daemon.wait_state(name, "FATAL");
        assert_eq!(daemon.info(name)["spawnerr"], why);
        stage.wait_for_text("main.log", &format!(" INFO spawnerr: {why}\n"));
    }
}

fn an_fcgi_socket_comes_and_goes(side: Side) {
    let conf = "[fcgi-program:php]\ncommand = sleep 1000\nsocket = unix://%(here)s/php.sock\nstartsecs = 0\n";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    daemon.wait_state("php:php", "RUNNING");
    daemon.value("stopProcess", json!(["php:php"]));
    stage.wait_for_text("main.log", "Closing socket");
    daemon.end_by(Signal::SIGTERM).expect_code(0);
    let told: Vec<String> = lines(&stage).into_iter().filter(|line| line.contains("socket")).collect();
    // The original makes it once more at its end.
    assert_eq!(told[..2], ["INFO Creating socket unix://DIR/php.sock", "INFO Closing socket unix://DIR/php.sock"]);
}

fn a_stale_socket_is_told_of(side: Side) {
    let stage = Stage::new(side, "[program:cat]\ncommand = cat\n");
    drop(std::os::unix::net::UnixListener::bind(stage.path("s.sock")).unwrap());
    let done = stage.start().end_by(Signal::SIGTERM);
    assert_eq!(done.stderr, format!("Unlinking stale socket {}\n", stage.path("s.sock").display()));
}

fn every_server_without_a_login_is_told_of(side: Side) {
    let port = crate::common::free_port();
    let conf = format!("[inet_http_server]\nport = 127.0.0.1:{port}\n[unix_http_server:two]\nfile = %(here)s/two\n");
    let stage = Stage { side, project: TestProject::empty() };
    stage.write(&conf);
    stage.start().end_by(Signal::SIGTERM).expect_code(0);
    let told: Vec<String> = lines(&stage).into_iter().filter(|line| line.contains("Server ")).collect();
    let open = |section: &str| format!("CRIT Server '{section}' running without any HTTP authentication checking");
    assert_eq!(told, ["inet_http_server", "unix_http_server", "unix_http_server:two"].map(open));
}

/// The lines about one listener and its events, once a text is there.
fn of_listener(side: Side, mode: &str, until: &str) -> Vec<String> {
    let conf = listener("spy", "REMOTE_COMMUNICATION", "[supervisord]\nloglevel = debug\n");
    let stage = Stage::new(side, &conf.replace("spy.json\n", &format!("spy.json {mode}\n")));
    let daemon = stage.start();
    stage.wait_for_text("main.log", "success: spy entered RUNNING state");
    stage.wait_for_text("main.log", "spy: ACKNOWLEDGED -> READY");
    daemon.value("sendRemoteCommEvent", json!(["hello", "world"]));
    stage.wait_for_text("main.log", until);
    let is_asked = |line: &String| line.contains(" spy: ") || line.contains("event 0 ");
    lines(&stage).into_iter().filter(is_asked).collect()
}

fn what_listeners_do_is_told_at_debug(side: Side) {
    let told = of_listener(side, "fail", "spy: event was processed");
    let taken = ["DEBG spy: ACKNOWLEDGED -> READY", "DEBG event 0 sent to listener spy"];
    let refused = [
        "WARN spy: event was rejected",
        "DEBG spy: BUSY -> ACKNOWLEDGED",
        "DEBG rebuffering event 0 for pool spy (buf size=0, max=100)",
    ];
    assert_eq!(told[..8], [&taken[..], &refused, &taken, &["DEBG spy: event was processed"]].concat());
}

fn a_bad_result_is_told_with_its_line(side: Side) {
    let told = of_listener(side, "babble", "rebuffering event 0");
    let lost = "has entered the UNKNOWN state and will no longer receive events, this usually indicates the process violated the eventlistener protocol";
    let expected = [
        "DEBG spy: ACKNOWLEDGED -> READY".to_owned(),
        "DEBG event 0 sent to listener spy".to_owned(),
        "WARN spy: bad result line: 'BOO 2'".to_owned(),
        "DEBG spy: BUSY -> UNKNOWN".to_owned(),
        format!("WARN spy: {lost}"),
        "DEBG rebuffering event 0 for pool spy (buf size=0, max=100)".to_owned(),
    ];
    assert_eq!(told, expected);
}

fn a_child_that_quits_is_told_at_debug(side: Side) {
    let stage = Stage::new(side, "[program:cat]\ncommand = cat\nstartsecs = 0\n[supervisord]\nloglevel = debug\n");
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    daemon.value("stopProcess", json!(["cat"]));
    stage.wait_for_text("main.log", " DEBG received SIGCHLD indicating a child quit\n");
}

fn calls_are_told_at_trace(side: Side) {
    let stage = Stage::new(side, "[program:cat]\ncommand = cat\n[supervisord]\nloglevel = trace\n");
    let daemon = stage.start();
    daemon.value("getPID", json!([]));
    daemon.fault("startProcess", json!(["nobody"]));
    stage.wait_for_text("main.log", "returned fault");
    let about = |line: &String| line.contains("getPID") || line.contains("startProcess");
    let told: Vec<String> = lines(&stage).into_iter().filter(about).collect();
    let expected = [
        "TRAC XML-RPC method called: supervisor.getPID()",
        "TRAC XML-RPC method supervisor.getPID() returned successfully",
        "TRAC XML-RPC method called: supervisor.startProcess()",
        "TRAC XML-RPC method supervisor.startProcess() returned fault: [10] BAD_NAME: nobody",
    ];
    assert_eq!(told, expected);
}
