//! Starting, stopping and signalling: values, arrays of statuses, faults.

use serde_json::{Value, json};

use crate::daemon::{Daemon, Stage};
use crate::side::Side;

on_both! {
    one_process_is_started_and_stopped,
    a_name_without_a_process_is_a_group,
    what_is_already_so_is_left_out_of_the_statuses,
    every_fault_of_starting_and_stopping,
    a_start_without_waiting_returns_while_it_starts,
    a_stop_without_waiting_returns_while_it_stops,
    a_start_that_is_waited_for_ends_when_it_is_stopped,
    who_waits_for_a_start_holds_up_nobody,
    a_start_that_fails_while_it_is_waited_for,
    signals_reach_processes_by_name_and_number,
    every_fault_of_signals,
    stopping_and_starting_a_group_waits_for_all_of_it,
    several_are_answered_in_the_order_of_their_priorities,
    nothing_is_done_any_more_once_the_end_was_asked_for,
}

const SHOP: &str = "\
[program:cat]
command = cat
startsecs = 0

[program:off]
command = sleep 1000
autostart = false
startsecs = 0

[program:web]
command = sleep 1000
process_name = %(program_name)s_%(process_num)d
numprocs = 2
startsecs = 0
";

/// A status as the methods for several processes return them.
fn status(group: &str, name: &str, code: i64, text: &str) -> Value {
    json!({ "name": name, "group": group, "status": code, "description": text })
}

fn ok(group: &str, name: &str) -> Value {
    status(group, name, 80, "OK")
}

/// The statuses, sorted: which process comes first is not promised.
fn sorted(statuses: &Value) -> Vec<Value> {
    let mut statuses = statuses.as_array().unwrap().clone();
    statuses.sort_by_key(|status| status["name"].as_str().unwrap().to_owned());
    statuses
}

fn wait_for_shop(daemon: &Daemon<'_>) {
    for name in ["cat", "web:web_0", "web:web_1"] {
        daemon.wait_state(name, "RUNNING");
    }
}

fn one_process_is_started_and_stopped(side: Side) {
    let stage = Stage::new(side, SHOP);
    let daemon = stage.start();
    assert_eq!(daemon.value("startProcess", json!(["off"])), true);
    let info = daemon.info("off");
    assert_eq!((info["state"].as_i64(), info["statename"].as_str()), (Some(20), Some("RUNNING")));
    assert_ne!(daemon.pid("off"), 0);
    assert_eq!(daemon.fault("startProcess", json!(["off"])), (60, "ALREADY_STARTED: off".to_owned()));
    assert_eq!(daemon.value("stopProcess", json!(["off"])), true);
    let info = daemon.info("off");
    assert_eq!((info["state"].as_i64(), info["statename"].as_str()), (Some(0), Some("STOPPED")));
    assert_eq!((info["pid"].as_i64(), info["exitstatus"].as_i64()), (Some(0), Some(-1)));
    assert_eq!(daemon.fault("stopProcess", json!(["off"])), (70, "NOT_RUNNING: off".to_owned()));
}

fn a_name_without_a_process_is_a_group(side: Side) {
    let stage = Stage::new(side, SHOP);
    let daemon = stage.start();
    wait_for_shop(&daemon);
    let both = vec![ok("web", "web_0"), ok("web", "web_1")];
    assert_eq!(sorted(&daemon.value("stopProcess", json!(["web:*"]))), both);
    assert_eq!(sorted(&daemon.value("startProcess", json!(["web:"]))), both);
    assert_eq!(sorted(&daemon.value("signalProcess", json!(["web:*", "CONT"]))), both);
    // The other way round: a process of a group has no name but the whole one, and is not a program's.
    assert_eq!(daemon.fault("stopProcess", json!(["web"])), (10, "BAD_NAME: web".to_owned()));
    assert_eq!(daemon.fault("stopProcess", json!(["web_0"])), (10, "BAD_NAME: web_0".to_owned()));
    assert_eq!(daemon.value("stopProcess", json!(["cat:cat"])), true);
    assert_eq!(sorted(&daemon.value("startProcessGroup", json!(["cat"]))), [ok("cat", "cat")]);
}

fn what_is_already_so_is_left_out_of_the_statuses(side: Side) {
    let stage = Stage::new(side, SHOP);
    let daemon = stage.start();
    wait_for_shop(&daemon);
    assert_eq!(daemon.value("startAllProcesses", json!([])), json!([ok("off", "off")]));
    assert_eq!(daemon.value("startAllProcesses", json!([])), json!([]));
    daemon.value("stopProcess", json!(["web:web_0"]));
    assert_eq!(daemon.value("stopProcessGroup", json!(["web"])), json!([ok("web", "web_1")]));
    assert_eq!(daemon.value("stopProcessGroup", json!(["web"])), json!([]));
    assert_eq!(sorted(&daemon.value("stopAllProcesses", json!([]))), [ok("cat", "cat"), ok("off", "off")]);
    assert_eq!(daemon.value("stopAllProcesses", json!([])), json!([]));
    assert_eq!(daemon.value("signalAllProcesses", json!(["CONT"])), json!([]));
}

const BAD: &str = "\
[program:missing]
command = /nonexistent/program
autostart = false
startretries = 0

[program:pathless]
command = no-such-program-anywhere
autostart = false
startretries = 0

[program:noexec]
command = %(here)s/supervisord.conf
autostart = false
startretries = 0

[program:quick]
command = false
startsecs = 5
startretries = 0
autostart = false

[program:retry]
command = false
startsecs = 5
startretries = 100
";

fn every_fault_of_starting_and_stopping(side: Side) {
    let stage = Stage::new(side, BAD);
    let daemon = stage.start();
    let file = stage.path("supervisord.conf").display().to_string();
    for (method, name, fault) in [
        ("startProcess", "missing", (20, "NO_FILE: can't find command '/nonexistent/program'".to_owned())),
        ("startProcess", "pathless", (20, "NO_FILE: can't find command 'no-such-program-anywhere'".to_owned())),
        ("startProcess", "noexec", (21, format!("NOT_EXECUTABLE: command at '{file}' is not executable"))),
        ("startProcess", "nope", (10, "BAD_NAME: nope".to_owned())),
        ("startProcess", "quick:nope", (10, "BAD_NAME: quick:nope".to_owned())),
        ("startProcess", "nope:*", (10, "BAD_NAME: nope:*".to_owned())),
        ("startProcess", "", (10, "BAD_NAME: ".to_owned())),
        ("startProcessGroup", "nope", (10, "BAD_NAME: nope".to_owned())),
        ("stopProcess", "nope", (10, "BAD_NAME: nope".to_owned())),
        ("stopProcess", "quick", (70, "NOT_RUNNING: quick".to_owned())),
        ("stopProcess", "nope:*", (10, "BAD_NAME: nope:*".to_owned())),
        ("stopProcessGroup", "nope", (10, "BAD_NAME: nope".to_owned())),
        ("getProcessInfo", "nope", (10, "BAD_NAME: nope".to_owned())),
        ("getProcessInfo", "quick:*", (10, "BAD_NAME: quick:*".to_owned())),
    ] {
        assert_eq!(daemon.fault(method, json!([name])), fault, "{method} {name}");
    }
    for (name, code) in [("missing", 20), ("noexec", 21)] {
        assert_eq!(daemon.fault("startProcess", json!([name, false])).0, code, "{name} without a wait");
    }
    daemon.wait_state("retry", "BACKOFF");
    assert_eq!(daemon.fault("startProcess", json!(["retry"])), (60, "ALREADY_STARTED: retry".to_owned()));
    // It leaves BACKOFF now and then, for a moment; a stop takes it from either.
    assert_eq!(daemon.value("stopProcess", json!(["retry"])), true);
    assert_eq!(daemon.state("retry"), "STOPPED");
    let group = |name: &str| sorted(&daemon.value("startProcessGroup", json!([name])))[0]["status"].clone();
    assert_eq!((group("missing"), group("noexec"), group("quick")), (json!(20), json!(21), json!(50)));
}

/// What is asked while it starts has to be answered before it runs, on however busy a machine.
const SLOW: &str = "\
[program:slow]
command = sleep 1000
autostart = false
startsecs = 6

[program:cat]
command = cat
startsecs = 0
";

fn a_start_without_waiting_returns_while_it_starts(side: Side) {
    let stage = Stage::new(side, SLOW);
    let daemon = stage.start();
    assert_eq!(daemon.value("startProcess", json!(["slow", false])), true);
    let info = daemon.info("slow");
    assert_eq!((info["state"].as_i64(), info["statename"].as_str()), (Some(10), Some("STARTING")));
    assert_eq!((info["description"].as_str(), info["pid"].as_i64().unwrap() > 0), (Some(""), true));
    assert_eq!(daemon.fault("startProcess", json!(["slow", false])), (60, "ALREADY_STARTED: slow".to_owned()));
    daemon.wait_state("slow", "RUNNING");
}

/// The same holds for its stop.
const STUBBORN: &str = "\
[program:stubborn]
command = sh -c 'trap \"\" TERM; echo ready; while :; do read line; done'
stopwaitsecs = 6
startsecs = 0
";

fn a_stop_without_waiting_returns_while_it_stops(side: Side) {
    let stage = Stage::new(side, STUBBORN);
    let daemon = stage.start();
    daemon.wait_state("stubborn", "RUNNING");
    daemon.wait_until("it ignores TERM", || crate::stdin::log_of(&daemon, "stubborn").contains("ready"));
    assert_eq!(daemon.value("stopProcess", json!(["stubborn", false])), true);
    let info = daemon.info("stubborn");
    assert_eq!((info["state"].as_i64(), info["statename"].as_str()), (Some(40), Some("STOPPING")));
    assert_eq!(info["description"], "");
    assert_eq!(daemon.fault("stopProcess", json!(["stubborn"])), (70, "NOT_RUNNING: stubborn".to_owned()));
    assert_eq!(daemon.value("signalProcess", json!(["stubborn", "CONT"])), true);
    daemon.wait_state("stubborn", "STOPPED");
    assert_eq!(daemon.info("stubborn")["exitstatus"], -1);
}

fn a_start_that_is_waited_for_ends_when_it_is_stopped(side: Side) {
    let stage = Stage::new(side, SLOW);
    let daemon = stage.start();
    let mut waiting = stage.bridge();
    waiting.send("supervisor.startProcess", &json!(["slow"]));
    daemon.wait_state("slow", "STARTING");
    assert_eq!(daemon.value("stopProcess", json!(["slow"])), true);
    let refused = crate::bridge::Refusal::Fault(40, "ABNORMAL_TERMINATION: slow".to_owned());
    assert_eq!(waiting.receive(), Err(refused));
}

fn who_waits_for_a_start_holds_up_nobody(side: Side) {
    let stage = Stage::new(side, SLOW);
    let daemon = stage.start();
    let mut waiting = stage.bridge();
    waiting.send("supervisor.startProcess", &json!(["slow"]));
    daemon.wait_state("slow", "STARTING");
    assert_eq!(daemon.value("stopProcess", json!(["cat"])), true);
    assert_eq!(daemon.state("slow"), "STARTING", "everybody else was answered while it starts");
    assert_eq!(waiting.receive(), Ok(json!(true)));
    assert_eq!(daemon.state("slow"), "RUNNING");
}

fn a_start_that_fails_while_it_is_waited_for(side: Side) {
    let quick = "[program:quick]\ncommand = sh -c 'exit 3'\nstartsecs = 5\nstartretries = 0\nautostart = false\n";
    let stage = Stage::new(side, quick);
    let daemon = stage.start();
    assert_eq!(daemon.fault("startProcess", json!(["quick"])), (50, "SPAWN_ERROR: quick".to_owned()));
    daemon.wait_state("quick", "FATAL");
    assert_eq!(
        daemon.value("startProcessGroup", json!(["quick"])),
        json!([status("quick", "quick", 50, "SPAWN_ERROR: quick")])
    );
}

const TRAP: &str = "\
[program:trap]
command = sh -c 'trap \"echo got USR1 >> signals\" USR1; trap \"echo got HUP >> signals\" HUP; echo ready > signals; while :; do read line; done'
directory = %(here)s
startsecs = 0
stopsignal = KILL

[program:off]
command = sleep 1000
autostart = false
";

fn signals_reach_processes_by_name_and_number(side: Side) {
    let stage = Stage::new(side, TRAP);
    let daemon = stage.start();
    stage.wait_for_text("signals", "ready");
    for signal in [json!("USR1"), json!("SIGUSR1"), json!("usr1"), json!("sigusr1"), json!("10"), json!(10)] {
        stage.project.write("signals", "");
        assert_eq!(daemon.value("signalProcess", json!(["trap", signal])), true);
        stage.wait_for_text("signals", "got USR1\n");
    }
    assert_eq!(daemon.value("signalProcess", json!(["trap", "0"])), true, "asks whether it is there");
    let only = json!([ok("trap", "trap")]);
    assert_eq!(daemon.value("signalProcessGroup", json!(["trap", "HUP"])), only);
    stage.wait_for_text("signals", "got HUP\n");
    assert_eq!(daemon.value("signalAllProcesses", json!(["HUP"])), only, "who does not run is left out");
    assert_eq!(daemon.value("signalProcessGroup", json!(["off", "HUP"])), json!([]));
}

fn every_fault_of_signals(side: Side) {
    let stage = Stage::new(side, TRAP);
    let daemon = stage.start();
    stage.wait_for_text("signals", "ready");
    for (name, signal, fault) in [
        ("trap", "HUPP", (11, "BAD_SIGNAL: HUPP")),
        ("trap", "-1", (11, "BAD_SIGNAL: -1")),
        ("trap", "999", (11, "BAD_SIGNAL: 999")),
        ("off", "HUPP", (11, "BAD_SIGNAL: HUPP")),
        ("off", "HUP", (70, "NOT_RUNNING: off")),
        ("nope", "HUP", (10, "BAD_NAME: nope")),
        ("nope:*", "HUP", (10, "BAD_NAME: nope:*")),
    ] {
        let (code, text) = daemon.fault("signalProcess", json!([name, signal]));
        assert_eq!((code, text.as_str()), fault, "{name} {signal}");
    }
    assert_eq!(daemon.fault("signalProcessGroup", json!(["nope", "HUP"])), (10, "BAD_NAME: nope".to_owned()));
    let bad = json!([status("trap", "trap", 11, "BAD_SIGNAL: XX")]);
    assert_eq!(daemon.value("signalProcessGroup", json!(["trap", "XX"])), bad);
    assert_eq!(daemon.value("signalAllProcesses", json!(["XX"])), bad);
}

fn stopping_and_starting_a_group_waits_for_all_of_it(side: Side) {
    let conf = "\
[program:left]
command = sleep 1000
startsecs = 1

[program:right]
command = sleep 1000
startsecs = 1

[group:pair]
programs = left,right
";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    daemon.wait_state("pair:left", "RUNNING");
    daemon.wait_state("pair:right", "RUNNING");
    assert_eq!(
        daemon.fault("stopProcess", json!(["left"])),
        (10, "BAD_NAME: left".to_owned()),
        "it is of the group now"
    );
    daemon.value("stopProcessGroup", json!(["pair"]));
    assert_eq!([daemon.state("pair:left"), daemon.state("pair:right")], ["STOPPED", "STOPPED"]);
    let statuses = daemon.value("startProcessGroup", json!(["pair"]));
    assert_eq!(sorted(&statuses), [ok("pair", "left"), ok("pair", "right")]);
    assert_eq!([daemon.state("pair:left"), daemon.state("pair:right")], ["RUNNING", "RUNNING"]);
    daemon.value("stopAllProcesses", json!([]));
    // In one row: after a second they run, and a busy machine may be that late.
    let call = |method: &str, params: Value| json!({ "methodName": format!("supervisor.{method}"), "params": params });
    let row = [
        call("startProcessGroup", json!(["pair", false])),
        call("getProcessInfo", json!(["pair:left"])),
        call("getProcessInfo", json!(["pair:right"])),
    ];
    let answers = daemon.value("system.multicall", json!([row]));
    assert_eq!([&answers[1]["statename"], &answers[2]["statename"]], ["STARTING", "STARTING"], "{answers}");
}

fn nothing_is_done_any_more_once_the_end_was_asked_for(side: Side) {
    let stage = Stage::new(side, STUBBORN);
    let daemon = stage.start();
    daemon.wait_until("it ignores TERM", || crate::stdin::log_of(&daemon, "stubborn").contains("ready"));
    assert_eq!(daemon.value("shutdown", json!([])), true);
    let refused = (6, "SHUTDOWN_STATE".to_owned());
    for (method, params) in [
        ("startProcess", json!(["stubborn"])),
        ("stopAllProcesses", json!([])),
        ("getAllProcessInfo", json!([])),
        ("getState", json!([])),
        ("reloadConfig", json!([])),
        ("shutdown", json!([])),
    ] {
        assert_eq!(daemon.fault(method, params), refused, "{method}");
    }
    daemon.end().expect_code(0);
}

fn several_are_answered_in_the_order_of_their_priorities(side: Side) {
    let program = |name: &str, priority: u32| {
        format!("[program:{name}]\ncommand = cat\nstartsecs = 0\nautostart = false\npriority = {priority}\n")
    };
    let programs = [program("late", 30), program("early", 20), program("zeta", 5), program("alpha", 999)];
    let group = "[group:g]\nprograms = late,early\npriority = 7\n";
    let stage = Stage::new(side, &[programs.concat(), group.to_owned()].concat());
    let daemon = stage.start();
    let names = |statuses: &Value| {
        let name = |status: &Value| status["name"].as_str().unwrap().to_owned();
        statuses.as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    for (method, params) in [
        ("startAllProcesses", json!([false])),
        ("signalAllProcesses", json!(["CONT"])),
        ("clearAllProcessLogs", json!([])),
    ] {
        assert_eq!(names(&daemon.value(method, params)), ["zeta", "early", "late", "alpha"], "{method}");
    }
    assert_eq!(names(&daemon.value("signalProcessGroup", json!(["g", "CONT"]))), ["early", "late"]);
    assert_eq!(names(&daemon.value("stopProcessGroup", json!(["g", false]))), ["early", "late"]);
}
