//! HTTP by hand: what is answered to what no client of ours would send, and the logs that are followed.

use serde_json::json;

use crate::daemon::Stage;
use crate::differences;
use crate::response::{post, raw_post};
use crate::side::Side;

on_both! {
    what_is_no_call_is_refused,
    loose_xml_is_understood,
    a_connection_is_kept_as_its_version_says,
    a_log_is_followed,
    the_main_log_is_followed,
    a_log_that_is_cleared_is_followed_on,
    what_cannot_be_followed_is_not_found,
    any_path_that_begins_like_it_is_the_interface,
}

const CAT: &str = "[program:cat]\ncommand = cat\nstartsecs = 0\nstdout_logfile = %(here)s/cat.log\n[program:off]\ncommand = cat\nautostart = false\nstdout_logfile = %(here)s/off.log\nstderr_logfile = NONE\n";

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
}

fn what_is_no_call_is_refused(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    let status = |request: &str| daemon.connect().ask(request).status;
    assert_eq!(status(&get("/RPC2")), 400);
    assert_eq!(status(&get("/nope/nope")), 404);
    assert_eq!(status("POST /RPC2 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\n\r\n"), 411);
    assert_eq!(status(&raw_post("this is no XML", "")), 400);
    assert_eq!(status(&raw_post("<methodCall></methodCall>", "")), 400);
    assert_eq!(status(&raw_post("<methodCall><params/></methodCall>", "")), 400);
    let chunked = "POST /RPC2 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(status(chunked), side.pick(differences::HTTP_LOOKS, 411, 400));
}

fn loose_xml_is_understood(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    let ask = |body: &str| daemon.connect().ask(&raw_post(body, "")).body;
    let call =
        |method: &str, params: &str| format!("<methodCall><methodName>{method}</methodName>{params}</methodCall>");
    let version = ask(&call("supervisor.getVersion", ""));
    assert!(version.contains("<string>3.0</string>"), "{version}");
    let untyped = ask(&call("supervisor.stopProcess", "<params><param><value>cat</value></param></params>"));
    assert!(untyped.contains("<boolean>1</boolean>"), "{untyped}");
    let boolean = "<params><param><value><string>cat</string></value></param><param><value><boolean>1</boolean></value></param></params>";
    assert!(ask(&call("supervisor.startProcess", boolean)).contains("<boolean>1</boolean>"));
    let i4 = "<params><param><value><i4>0</i4></value></param><param><value><int>4</int></value></param></params>";
    assert!(ask(&call("supervisor.readLog", i4)).contains("<string>20"));
    let answer = daemon.connect().ask(&post("supervisor.getPID", ""));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/xml");
    assert!(answer.body.contains(&format!("<int>{}</int>", daemon.daemon_pid())));
}

fn a_connection_is_kept_as_its_version_says(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    let mut kept = daemon.connect();
    for _ in 0..3 {
        assert_eq!(kept.ask(&post("supervisor.getVersion", "")).status, 200);
    }
    let mut closed = daemon.connect();
    assert_eq!(closed.ask(&post("supervisor.getVersion", "Connection: close\r\n")).status, 200);
    assert!(closed.is_closed());
    let mut old = daemon.connect();
    assert_eq!(old.ask(&post("supervisor.getVersion", "").replace("HTTP/1.1", "HTTP/1.0")).status, 200);
    assert!(old.is_closed());
}

fn a_log_is_followed(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    let long = "x".repeat(2000);
    daemon.value("sendProcessStdin", json!(["cat", format!("{long}\nlast\n")]));
    stage.wait_for_text("cat.log", "last\n");
    for path in
        ["/logtail/cat", "/logtail/cat/stdout", "/logtail/cat:cat/stdout", "/logtail/cat%3Acat", "/logtail/c%61t"]
    {
        let mut connection = daemon.connect();
        let head = connection.ask_until(&get(path), "last\n").to_lowercase();
        assert!(head.starts_with("http/1.1 200 "), "{path}: {head}");
        assert!(
            head.contains("transfer-encoding: chunked") && head.contains("content-type: text/plain;charset=utf-8"),
            "{head}"
        );
        let shown = head.matches('x').count();
        assert!((900..=1030).contains(&shown), "the last 1024 bytes: {shown}");
        daemon.value("sendProcessStdin", json!(["cat", format!("more of {path}\n")]));
        connection.read_to(&format!("more of {path}\n"));
    }
}

fn the_main_log_is_followed(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    let mut connection = daemon.connect();
    let head = connection.ask_until(&get("/mainlogtail"), "success: cat entered RUNNING state");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    daemon.value("stopProcess", json!(["cat"]));
    connection.read_to("stopped: cat (terminated by SIGTERM)\n");
}

fn a_log_that_is_cleared_is_followed_on(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    daemon.value("sendProcessStdin", json!(["cat", "a long line before the file is cleared\n"]));
    stage.wait_for_text("cat.log", "cleared\n");
    let mut connection = daemon.connect();
    connection.ask_until(&get("/logtail/cat"), "cleared\n");
    daemon.value("clearProcessLogs", json!(["cat"]));
    daemon.value("sendProcessStdin", json!(["cat", "after\n"]));
    connection.read_to("after\n");
}

fn what_cannot_be_followed_is_not_found(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    let status = |path: &str| daemon.connect().ask(&get(path)).status;
    for path in ["/logtail/nope", "/logtail/cat:nope", "/logtail/off/stderr", "/logtail/off", "/logtail/cat/stdlog"] {
        assert_eq!(status(path), 404, "{path}");
    }
    let post = |path: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\nContent-Length: 0\r\n\r\n")
    };
    assert_eq!(daemon.connect().ask(&post("/logtail/cat")).status, 400);
    assert_eq!(daemon.connect().ask(&post("/mainlogtail")).status, 400);
}

fn any_path_that_begins_like_it_is_the_interface(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    let call = post("supervisor.getVersion", "");
    for path in ["/RPC2", "/RPC2/", "/RPC2?x=1"] {
        assert_eq!(daemon.connect().ask(&call.replace("/RPC2", path)).status, 200, "{path}");
    }
}
