//! The protocol of event listeners: pools, refusals, deaths, violations, full buffers.

use serde_json::json;

use crate::daemon::Stage;
use crate::events::{heard, listener, told};
use crate::side::{Side, here, tool};

on_both! {
    a_refused_event_comes_again_before_all_others,
    an_event_survives_the_death_of_who_had_it,
    who_breaks_the_protocol_gets_nothing_more_and_runs_on,
    a_full_buffer_drops_the_oldest,
    a_listener_is_a_process_like_any_other,
    a_listener_may_end_its_parent,
}

/// The same listener in another mode.
fn in_mode(mode: &str, rest: &str) -> String {
    let plain = listener("spy", "REMOTE_COMMUNICATION", rest);
    plain.replace("spy.json\n", &format!("spy.json {mode}\n"))
}

fn messages(stage: &Stage) -> Vec<String> {
    let number = |line: String| line.chars().filter(char::is_ascii_digit).collect();
    told(stage, "spy").into_iter().map(number).collect()
}

fn send(daemon: &crate::daemon::Daemon<'_>, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        daemon.value("sendRemoteCommEvent", json!(["count", number.to_string()]));
    }
}

fn a_refused_event_comes_again_before_all_others(side: Side) {
    let stage = Stage::new(side, &in_mode("fail", ""));
    let daemon = stage.start();
    daemon.wait_state("spy", "RUNNING");
    send(&daemon, 1..=3);
    stage.wait_until("all came twice", || messages(&stage).len() == 6);
    assert_eq!(messages(&stage), ["1", "1", "2", "2", "3", "3"]);
    let events = heard(&stage, "spy");
    assert_eq!(events[0]["header"]["serial"], events[1]["header"]["serial"], "it is the same event");
    assert_eq!(events[0]["header"]["poolserial"], events[1]["header"]["poolserial"]);
}

fn an_event_survives_the_death_of_who_had_it(side: Side) {
    let stage = Stage::new(side, &in_mode("die", "startsecs = 0\n"));
    let daemon = stage.start();
    daemon.wait_state("spy", "RUNNING");
    send(&daemon, 1..=1);
    stage.wait_until("it came again", || messages(&stage).len() == 2);
    let events = heard(&stage, "spy");
    assert_eq!(messages(&stage), ["1", "1"]);
    assert_eq!(events[0]["header"]["serial"], events[1]["header"]["serial"]);
    assert_ne!(events[0]["pid"], events[1]["pid"]);
}

fn who_breaks_the_protocol_gets_nothing_more_and_runs_on(side: Side) {
    let good = listener("good", "REMOTE_COMMUNICATION", "");
    let stage = Stage::new(side, &[in_mode("garbage", ""), good].concat());
    let daemon = stage.start();
    daemon.wait_state("spy", "RUNNING");
    daemon.wait_state("good", "RUNNING");
    send(&daemon, 1..=2);
    stage.wait_until("the other one hears", || heard(&stage, "good").len() == 2);
    assert_eq!(heard(&stage, "spy").len(), 0);
    assert_eq!(daemon.state("spy"), "RUNNING");
    stage.wait_for_text("main.log", "spy: has entered the UNKNOWN state and will no longer receive events");
}

fn a_full_buffer_drops_the_oldest(side: Side) {
    let stage = Stage::new(side, &in_mode("hold", "buffer_size = 2\n"));
    let daemon = stage.start();
    daemon.wait_state("spy", "RUNNING");
    send(&daemon, 1..=1);
    stage.wait_until("it holds the first", || heard(&stage, "spy").len() == 1);
    send(&daemon, 2..=6);
    stage.project.write("go", "");
    stage.wait_until("the last came", || messages(&stage).last().is_some_and(|last| last == "6"));
    assert_eq!(messages(&stage), ["1", "5", "6"]);
    stage.wait_for_text("main.log", "pool spy event buffer overflowed, discarding event ");
}

fn a_listener_is_a_process_like_any_other(side: Side) {
    let conf = listener("spy", "PROCESS_STATE", "") + "[program:cat]\ncommand = cat\nstartsecs = 0\n";
    let stage = Stage::new(side, &conf);
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    daemon.wait_state("spy", "RUNNING");
    let info = daemon.info("spy:spy");
    assert_eq!(info["group"], "spy");
    assert!(daemon.pid("spy") < daemon.pid("cat"), "it is there before who it listens to");
    stage.wait_until("its log has what it said", || {
        daemon.value("readProcessStdoutLog", json!(["spy", 0, 0])).as_str().unwrap().contains("READY\nRESULT 2\nOK")
    });
    let configs = daemon.value("getAllConfigInfo", json!([]));
    let spy = configs.as_array().unwrap().iter().find(|info| info["name"] == "spy").unwrap();
    assert_eq!(spy["group_prio"], -1);
    let command =
        format!("{} {} {}", tool("python").display(), here("listener.py").display(), stage.path("spy.json").display());
    assert_eq!(spy["command"], command);
    assert_eq!(daemon.value("stopProcess", json!(["spy"])), true);
    assert_eq!(daemon.value("startProcess", json!(["spy"])), true);
}

/// As containers do it, so that they end with what is in them.
fn a_listener_may_end_its_parent(side: Side) {
    let conf = "\
[eventlistener:end]
command = sh -c \"printf 'READY\\n' && read line && kill -s QUIT $PPID && exec sleep 1000\"
events = PROCESS_STATE_FATAL

[program:bad]
command = false
startsecs = 5
startretries = 0
";
    let stage = Stage::new(side, conf);
    stage.project.finish(stage.foreground()).expect_code(0);
}
