//! Reading, tailing and clearing logs: the arithmetic, the faults, the main log.

use serde_json::{Value, json};

use crate::daemon::{Daemon, ENDINGS, Stage};
use crate::differences;
use crate::side::Side;

on_both! {
    a_window_is_read_as_python_slices,
    a_tail_follows_with_offset_and_overflow,
    what_cannot_be_read_is_refused,
    stderr_has_its_own_log,
    old_names_of_the_methods_still_work,
    cleared_logs_begin_anew,
    all_logs_are_cleared_in_one_call,
    the_main_log_is_read_and_cleared,
    the_main_log_tells_what_happened,
    bytes_that_are_no_text_do_not_fail_the_call,
    the_main_log_is_reopened_by_a_signal,
    debug_copies_what_children_write,
}

/// A program that writes its stdin into two logs of known names.
const CAT: &str = "\
[program:cat]
command = sh -c 'tee -a /dev/stderr'
startsecs = 0
stdout_logfile = %(here)s/out.log
stderr_logfile = %(here)s/err.log
";

/// A daemon whose program has written these bytes.
fn written<'a>(stage: &'a Stage, text: &str) -> Daemon<'a> {
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    daemon.value("sendProcessStdin", json!(["cat", text]));
    stage.wait_until("it is written", || stage.read("out.log") == text && stage.read("err.log") == text);
    daemon
}

fn a_window_is_read_as_python_slices(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = written(&stage, "0123456789\n");
    for (offset, length, expected) in [
        (0, 0, "0123456789\n"),
        (0, 4, "0123"),
        (4, 3, "456"),
        (4, 0, "456789\n"),
        (8, 100, "89\n"),
        (11, 5, ""),
        (1000, 0, ""),
        (-3, 0, "89\n"),
        (-11, 0, "0123456789\n"),
        (-1000, 0, "0123456789\n"),
    ] {
        assert_eq!(
            daemon.value("readProcessStdoutLog", json!(["cat", offset, length])),
            expected,
            "{offset}, {length}"
        );
    }
    for (offset, length) in [(-3, 1), (0, -1), (5, -2), (-3, -3)] {
        let refused = daemon.fault("readProcessStdoutLog", json!(["cat", offset, length]));
        assert_eq!(refused, (3, "BAD_ARGUMENTS".to_owned()), "{offset}, {length}");
    }
}

fn a_tail_follows_with_offset_and_overflow(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = written(&stage, "0123456789\n");
    for (offset, length, expected) in [
        (0, 100, json!(["0123456789\n", 11, false])),
        (0, 11, json!(["0123456789\n", 11, false])),
        (0, 4, json!(["789\n", 11, true])),
        (4, 3, json!(["89\n", 11, true])),
        (4, 7, json!(["456789\n", 11, false])),
        (8, 5, json!(["6789\n", 11, false])),
        (11, 5, json!(["", 11, false])),
        (100, 5, json!(["", 11, false])),
        (5, 11, json!(["0123456789\n", 11, false])),
        (0, 0, json!(["", 11, true])),
    ] {
        assert_eq!(
            daemon.value("tailProcessStdoutLog", json!(["cat", offset, length])),
            expected,
            "{offset}, {length}"
        );
    }
}

const NO_LOG: &str = "\
[program:none]
command = cat
startsecs = 0
stdout_logfile = NONE
stderr_logfile = NONE

[program:never]
command = cat
autostart = false
stdout_logfile = %(here)s/never.log
";

fn what_cannot_be_read_is_refused(side: Side) {
    let stage = Stage::new(side, NO_LOG);
    let daemon = stage.start();
    daemon.wait_state("none", "RUNNING");
    for method in ["readProcessStdoutLog", "readProcessStderrLog"] {
        assert_eq!(daemon.fault(method, json!(["nope", 0, 0])), (10, "BAD_NAME: nope".to_owned()));
        assert_eq!(daemon.fault(method, json!(["none:*", 0, 0])), (10, "BAD_NAME: none:*".to_owned()));
        assert_eq!(daemon.fault(method, json!(["none", 0, 0])), (20, "NO_FILE".to_owned()));
    }
    let path = stage.path("never.log").display().to_string();
    assert_eq!(daemon.fault("readProcessStdoutLog", json!(["never", 0, 0])), (20, format!("NO_FILE: {path}")));
    for method in ["tailProcessStdoutLog", "tailProcessStderrLog"] {
        assert_eq!(daemon.fault(method, json!(["nope", 0, 0])), (10, "BAD_NAME: nope".to_owned()));
        assert_eq!(daemon.value(method, json!(["none", 0, 100])), json!(["", 0, false]));
    }
    assert_eq!(daemon.value("tailProcessStdoutLog", json!(["never", 0, 100])), json!(["", 0, false]));
    assert_eq!(daemon.fault("clearProcessLogs", json!(["nope"])), (10, "BAD_NAME: nope".to_owned()));
    assert_eq!(daemon.fault("clearProcessLogs", json!(["none:*"])), (10, "BAD_NAME: none:*".to_owned()));
    assert_eq!(daemon.value("clearProcessLogs", json!(["none"])), true, "there is nothing to clear");
}

fn stderr_has_its_own_log(side: Side) {
    let conf = "[program:two]\ncommand = sh -c 'echo out; echo err >&2; exec cat'\nstartsecs = 0\n";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    daemon.wait_until("both are written", || daemon.value("readProcessStderrLog", json!(["two", 0, 0])) == "err\n");
    assert_eq!(daemon.value("readProcessStdoutLog", json!(["two", 0, 0])), "out\n");
    assert_eq!(daemon.value("tailProcessStderrLog", json!(["two", 0, 10])), json!(["err\n", 4, false]));
}

fn old_names_of_the_methods_still_work(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = written(&stage, "hello\n");
    assert_eq!(daemon.value("readProcessLog", json!(["cat", 0, 0])), "hello\n");
    assert_eq!(daemon.value("tailProcessLog", json!(["cat", 0, 10])), json!(["hello\n", 6, false]));
    assert_eq!(daemon.value("clearProcessLog", json!(["cat"])), true);
    assert_eq!(daemon.value("readProcessLog", json!(["cat", 0, 0])), "");
    assert!(daemon.value("readMainLog", json!([0, 0])).as_str().unwrap().contains("spawned: 'cat' with pid"));
}

fn cleared_logs_begin_anew(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = written(&stage, "before\n");
    assert_eq!(daemon.value("clearProcessLogs", json!(["cat"])), true);
    assert_eq!((stage.read("out.log"), stage.read("err.log")), (String::new(), String::new()));
    daemon.value("sendProcessStdin", json!(["cat", "after\n"]));
    stage.wait_until("it goes on", || stage.read("out.log") == "after\n" && stage.read("err.log") == "after\n");
    assert_eq!(daemon.value("readProcessStdoutLog", json!(["cat", 0, 0])), "after\n");
}

fn all_logs_are_cleared_in_one_call(side: Side) {
    let stage = Stage::new(side, &format!("{CAT}[program:off]\ncommand = cat\nautostart = false\n"));
    let daemon = written(&stage, "before\n");
    let statuses = daemon.value("clearAllProcessLogs", json!([]));
    let ok = |name: &str| json!({ "name": name, "group": name, "status": 80, "description": "OK" });
    assert_eq!(statuses, json!([ok("cat"), ok("off")]));
    assert_eq!(stage.read("out.log"), "");
}

fn the_main_log_is_read_and_cleared(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    let all = daemon.value("readLog", json!([0, 0]));
    let all = all.as_str().unwrap();
    assert!(stage.read("main.log").starts_with(all), "it is the file");
    assert_eq!(daemon.value("readLog", json!([0, 10])), &all[..10]);
    assert_eq!(daemon.fault("readLog", json!([-5, 3])), (3, "BAD_ARGUMENTS".to_owned()));
    assert_eq!(daemon.fault("readLog", json!([0, -1])), (3, "BAD_ARGUMENTS".to_owned()));
    assert_eq!(daemon.value("clearLog", json!([])), true);
    assert!(!daemon.value("readLog", json!([0, 0])).as_str().unwrap().contains("spawned"));
    daemon.value("stopProcess", json!(["cat"]));
    let is_told = |log: &Value| log.as_str().unwrap().contains("stopped: cat (terminated by SIGTERM)");
    daemon.wait_until("it goes on", || is_told(&daemon.value("readLog", json!([0, 0]))));
}

fn the_main_log_tells_what_happened(side: Side) {
    let conf = "
[program:shot]
command = cat
startsecs = 0
autorestart = false

[program:quick]
command = false
startsecs = 5
startretries = 1

[program:none]
command = /nonexistent/program
startretries = 0

[program:stubborn]
command = sh -c 'trap \"\" TERM; echo ready; while :; do read x; done'
startsecs = 0
stopwaitsecs = 1
";
    let stage = Stage::new(side, &[ENDINGS, conf].concat());
    let daemon = stage.start();
    for name in ["good", "bad", "shot", "cat", "stubborn"] {
        daemon.wait_state(name, "RUNNING");
    }
    let pid = |name: &str| daemon.pid(name).to_string();
    let (cat, stubborn, main) = (pid("cat"), pid("stubborn"), daemon.daemon_pid().to_string());
    daemon.value("sendProcessStdin", json!(["good", "\n"]));
    daemon.value("sendProcessStdin", json!(["bad", "\n"]));
    daemon.value("signalProcess", json!(["shot", "KILL"]));
    for (name, state) in
        [("good", "EXITED"), ("bad", "EXITED"), ("shot", "EXITED"), ("quick", "FATAL"), ("none", "FATAL")]
    {
        daemon.wait_state(name, state);
    }
    daemon.wait_until("it ignores TERM", || crate::stdin::log_of(&daemon, "stubborn") == "ready\n");
    daemon.value("stopProcess", json!(["stubborn"]));
    daemon.end_by(nix::sys::signal::Signal::SIGTERM).expect_code(0);
    let log = stage.read("main.log");
    let stamp = regex::Regex::new(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (CRIT|ERRO|WARN|INFO) ").unwrap();
    let lines: Vec<String> = log
        .lines()
        .map(|line| {
            stamp.replace(line, "$1 ").replace(&cat, "CAT").replace(&stubborn, "STUBBORN").replace(&main, "MAIN")
        })
        .collect();
    for expected in [
        "INFO RPC interface 'supervisor' initialized",
        "INFO supervisord started with pid MAIN",
        "INFO spawned: 'cat' with pid CAT",
        "INFO success: cat entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)",
        "INFO exited: good (exit status 0; expected)",
        "WARN exited: bad (exit status 3; not expected)",
        "WARN exited: shot (terminated by SIGKILL; not expected)",
        "WARN exited: quick (exit status 1; not expected)",
        "INFO gave up: quick entered FATAL state, too many start retries too quickly",
        "INFO spawnerr: can't find command '/nonexistent/program'",
        "INFO gave up: none entered FATAL state, too many start retries too quickly",
        "INFO waiting for stubborn to stop",
        "WARN killing 'stubborn' (STUBBORN) with SIGKILL",
        "WARN stopped: stubborn (terminated by SIGKILL)",
        "WARN received SIGTERM indicating exit request",
        "INFO waiting for cat to die",
        "WARN stopped: cat (terminated by SIGTERM)",
    ] {
        assert!(lines.iter().any(|line| line == expected), "no `{expected}` in\n{}", lines.join("\n"));
    }
    for line in log.lines() {
        assert!(stamp.is_match(line), "{line}");
    }
}

fn bytes_that_are_no_text_do_not_fail_the_call(side: Side) {
    let stage = Stage::new(
        side,
        "[program:raw]\ncommand = sh -c 'printf \"a\\\\377b\\\\001c\\\\303\\\\274\\\\n\"; exec cat'\nstartsecs = 0\nstdout_logfile = %(here)s/raw.log\n",
    );
    let daemon = stage.start();
    stage
        .wait_until("it is written", || std::fs::read(stage.path("raw.log")).is_ok_and(|bytes| bytes.ends_with(b"\n")));
    assert_eq!(std::fs::read(stage.path("raw.log")).unwrap(), b"a\xffb\x01c\xc3\xbc\n", "the file has the bytes");
    let read = daemon.call("readProcessStdoutLog", json!(["raw", 0, 0]));
    let cut = daemon.call("readProcessStdoutLog", json!(["raw", 5, 1]));
    if side.differs(differences::LOG_BYTES) {
        assert!(read.as_ref().is_ok_and(|text| text.as_str().unwrap().ends_with("cü\n")), "{read:?}");
        assert!(cut.is_ok(), "{cut:?}");
    } else {
        assert!(matches!(read, Err(crate::bridge::Refusal::Http(500, _))), "{read:?}");
        assert!(matches!(cut, Err(crate::bridge::Refusal::Http(500, _))), "{cut:?}");
    }
}

fn the_main_log_is_reopened_by_a_signal(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = written(&stage, "before\n");
    std::fs::rename(stage.path("main.log"), stage.path("main.old")).unwrap();
    std::fs::rename(stage.path("out.log"), stage.path("out.old")).unwrap();
    daemon.signal(nix::sys::signal::Signal::SIGUSR2);
    stage.wait_for_text("main.old", "received SIGUSR2 indicating log reopen request");
    stage.wait_for_text("main.old", "supervisord logreopen");
    stage.wait_until("there is a new file", || stage.path("main.log").exists());
    daemon.value("sendProcessStdin", json!(["cat", "after\n"]));
    stage.wait_until("it goes to the new file", || stage.read("out.log") == "after\n");
    assert_eq!(stage.read("out.old"), "before\n");
}

fn debug_copies_what_children_write(side: Side) {
    let stage = Stage::new(side, &format!("{CAT}[supervisord]\nloglevel = debug\n"));
    let _daemon = written(&stage, "hello\n");
    stage.wait_for_text("main.log", "DEBG 'cat' stdout output:\nhello\n");
    stage.wait_for_text("main.log", "DEBG 'cat' stderr output:\nhello\n");
}
