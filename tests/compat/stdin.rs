//! sendProcessStdin.

use serde_json::json;

use crate::daemon::{Daemon, Stage};
use crate::side::Side;

on_both! {
    what_is_sent_arrives,
    stdin_that_cannot_be_written_is_a_fault,
}

/// What a process has written to stdout, as its log file has it.
pub(crate) fn log_of(daemon: &Daemon<'_>, name: &str) -> String {
    let path = daemon.info(name)["stdout_logfile"].as_str().unwrap().to_owned();
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn what_is_sent_arrives(side: Side) {
    let stage = Stage::new(side, "[program:cat]\ncommand = cat\nstartsecs = 0\n");
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    assert_eq!(daemon.value("sendProcessStdin", json!(["cat", "grüße\n"])), true);
    daemon.wait_until("it came back", || log_of(&daemon, "cat") == "grüße\n");
    assert_eq!(daemon.value("sendProcessStdin", json!(["cat:cat", ""])), true);
    let binary = json!({ "base64": "YmluYXJ5Cg==" });
    let as_binary = daemon.call("sendProcessStdin", json!(["cat", binary]));
    assert_eq!(as_binary, Ok(json!(true)), "base64 is a string, too");
    daemon.wait_until("it came back", || log_of(&daemon, "cat") == "grüße\nbinary\n");
    let large = "0123456789".repeat(20_000);
    assert_eq!(daemon.value("sendProcessStdin", json!(["cat", large])), true);
    daemon.wait_until("more than a pipe holds came back", || log_of(&daemon, "cat").len() == 15 + 200_000);
}

fn stdin_that_cannot_be_written_is_a_fault(side: Side) {
    let conf = "\
[program:cat]
command = cat
startsecs = 0

[program:closed]
command = sh -c 'exec 0<&-; echo closed; exec sleep 1000'
startsecs = 0

[program:off]
command = cat
autostart = false
";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    daemon.wait_state("closed", "RUNNING");
    daemon.wait_until("it has closed its stdin", || log_of(&daemon, "closed") == "closed\n");
    for (params, fault) in [
        (json!(["nope", "x"]), (10, "BAD_NAME: nope")),
        (json!(["cat:*", "x"]), (10, "BAD_NAME: cat:*")),
        (json!(["off", "x"]), (70, "NOT_RUNNING: off")),
        (json!(["cat", 5]), (2, "INCORRECT_PARAMETERS: 5")),
        (json!(["closed", "x"]), (20, "NO_FILE: closed")),
    ] {
        let (code, text) = daemon.fault("sendProcessStdin", params.clone());
        assert_eq!((code, text.as_str()), fault, "{params}");
    }
}
