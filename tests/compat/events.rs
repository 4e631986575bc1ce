//! Every type of event with its payload, as a listener gets it.

use serde_json::{Value, json};

use crate::daemon::{Daemon, ENDINGS, Stage};
use crate::side::{Side, here, tool};

on_both! {
    a_life_is_told_state_by_state,
    failed_starts_are_told_with_their_tries,
    an_event_has_a_header_with_two_serials,
    output_is_told_to_who_asks_for_it,
    what_stands_between_two_marks_is_a_message,
    a_message_may_come_by_stderr,
    the_length_counts_characters,
    a_message_from_outside_is_an_event,
    groups_that_come_and_go_are_events,
    the_daemons_own_beginning_and_end_are_events,
    the_clock_ticks_on_round_seconds,
    the_clock_ticks_on_the_full_hour,
    who_cannot_be_signalled_is_unknown,
}

/// A listener for these events, which writes them into a file.
pub(crate) fn listener(name: &str, events: &str, more: &str) -> String {
    let (python, script) = (tool("python"), here("listener.py"));
    format!(
        "[eventlistener:{name}]\ncommand = {} {} %(here)s/{name}.json\nevents = {events}\nbuffer_size = 100\ndirectory = %(here)s\nstderr_logfile = %(here)s/{name}.err\n{more}\n",
        python.display(),
        script.display()
    )
}

/// What a listener has written.
pub(crate) fn heard(stage: &Stage, name: &str) -> Vec<Value> {
    let text = stage.read(&format!("{name}.json"));
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// `EVENT payload` of each event.
pub(crate) fn told(stage: &Stage, name: &str) -> Vec<String> {
    let line = |event: &Value| {
        format!("{} {}", event["header"]["eventname"].as_str().unwrap(), event["payload"].as_str().unwrap())
    };
    heard(stage, name).iter().map(line).collect()
}

/// Waits until a listener has heard something, and asserts that it did.
#[track_caller]
fn wait_for(daemon: &Daemon<'_>, name: &str, expected: &str) {
    let has_it = || told(daemon.stage, name).iter().any(|line| line == expected);
    let came = crate::common::becomes_true(crate::common::PATIENCE, has_it);
    let errors = daemon.stage.read(&format!("{name}.err"));
    assert!(came, "no {expected:?} in {:#?}\n{errors}\n{}", told(daemon.stage, name), daemon.stage.read("main.log"));
}

fn of_process(stage: &Stage, name: &str) -> Vec<String> {
    let is_of = |line: &String| line.contains(&format!(" processname:{name} "));
    told(stage, "spy").into_iter().filter(is_of).collect()
}

fn a_life_is_told_state_by_state(side: Side) {
    let group = "[group:g]\nprograms = good,bad\n";
    let spy = listener("spy", "PROCESS_STATE", "");
    let stage = Stage::new(side, &[&spy, ENDINGS, group].concat());
    let daemon = stage.start();
    let pid = |name: &str| {
        daemon.wait_state(name, "RUNNING");
        daemon.pid(name)
    };
    let (cat, good, bad) = (pid("cat"), pid("g:good"), pid("g:bad"));
    daemon.value("sendProcessStdin", json!(["g:good", "\n"]));
    daemon.value("sendProcessStdin", json!(["g:bad", "\n"]));
    daemon.wait_state("g:good", "EXITED");
    daemon.wait_state("g:bad", "EXITED");
    daemon.value("stopProcess", json!(["cat"]));
    daemon.value("startProcess", json!(["g:good"]));
    let again = daemon.pid("g:good");
    wait_for(
        &daemon,
        "spy",
        &format!("PROCESS_STATE_RUNNING processname:good groupname:g from_state:STARTING pid:{again}"),
    );
    assert_eq!(
        of_process(&stage, "cat"),
        [
            "PROCESS_STATE_STARTING processname:cat groupname:cat from_state:STOPPED tries:0".to_owned(),
            format!("PROCESS_STATE_RUNNING processname:cat groupname:cat from_state:STARTING pid:{cat}"),
            format!("PROCESS_STATE_STOPPING processname:cat groupname:cat from_state:RUNNING pid:{cat}"),
            format!("PROCESS_STATE_STOPPED processname:cat groupname:cat from_state:STOPPING pid:{cat}"),
        ]
    );
    assert_eq!(
        of_process(&stage, "good"),
        [
            "PROCESS_STATE_STARTING processname:good groupname:g from_state:STOPPED tries:0".to_owned(),
            format!("PROCESS_STATE_RUNNING processname:good groupname:g from_state:STARTING pid:{good}"),
            format!("PROCESS_STATE_EXITED processname:good groupname:g from_state:RUNNING expected:1 pid:{good}"),
            "PROCESS_STATE_STARTING processname:good groupname:g from_state:EXITED tries:0".to_owned(),
            format!("PROCESS_STATE_RUNNING processname:good groupname:g from_state:STARTING pid:{again}"),
        ]
    );
    let exit = format!("PROCESS_STATE_EXITED processname:bad groupname:g from_state:RUNNING expected:0 pid:{bad}");
    assert_eq!(of_process(&stage, "bad").last(), Some(&exit));
}

fn failed_starts_are_told_with_their_tries(side: Side) {
    let conf = "[program:bad]\ncommand = false\nstartsecs = 5\nstartretries = 1\n[program:none]\ncommand = /nonexistent/program\nstartretries = 0\n";
    let stage = Stage::new(side, &[listener("spy", "PROCESS_STATE", ""), conf.to_owned()].concat());
    let daemon = stage.start();
    wait_for(&daemon, "spy", "PROCESS_STATE_FATAL processname:bad groupname:bad from_state:BACKOFF");
    wait_for(&daemon, "spy", "PROCESS_STATE_FATAL processname:none groupname:none from_state:BACKOFF");
    assert_eq!(
        of_process(&stage, "bad"),
        [
            "PROCESS_STATE_STARTING processname:bad groupname:bad from_state:STOPPED tries:0",
            "PROCESS_STATE_BACKOFF processname:bad groupname:bad from_state:STARTING tries:1",
            "PROCESS_STATE_STARTING processname:bad groupname:bad from_state:BACKOFF tries:1",
            "PROCESS_STATE_BACKOFF processname:bad groupname:bad from_state:STARTING tries:2",
            "PROCESS_STATE_FATAL processname:bad groupname:bad from_state:BACKOFF",
        ]
    );
    assert_eq!(
        of_process(&stage, "none"),
        [
            "PROCESS_STATE_STARTING processname:none groupname:none from_state:STOPPED tries:0",
            "PROCESS_STATE_BACKOFF processname:none groupname:none from_state:STARTING tries:1",
            "PROCESS_STATE_FATAL processname:none groupname:none from_state:BACKOFF",
        ]
    );
}

fn an_event_has_a_header_with_two_serials(side: Side) {
    let conf = [
        listener("spy", "REMOTE_COMMUNICATION", ""),
        listener("all", "EVENT", "process_name = %(program_name)s_%(process_num)d\nnumprocs = 2\n"),
        "[supervisord]\nidentifier = shop\n".to_owned(),
    ];
    let stage = Stage::new(side, &conf.concat());
    let daemon = stage.start();
    for number in 0..5 {
        assert_eq!(daemon.value("sendRemoteCommEvent", json!(["count", number.to_string()])), true);
    }
    stage.wait_until("all five came", || heard(&stage, "spy").len() == 5);
    let headers: Vec<Value> = heard(&stage, "spy").into_iter().map(|mut event| event["header"].take()).collect();
    let mut serials: Vec<u64> = Vec::new();
    for (number, header) in headers.iter().enumerate() {
        let mut keys: Vec<&str> = header.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["eventname", "len", "pool", "poolserial", "serial", "server", "ver"]);
        assert_eq!(
            (&header["ver"], &header["server"], &header["pool"]),
            (&json!("3.0"), &json!("shop"), &json!("spy"))
        );
        assert_eq!(header["poolserial"], number.to_string(), "it begins with 0 and has no gaps");
        serials.push(header["serial"].as_str().unwrap().parse().unwrap());
    }
    assert!(serials.is_sorted() && serials.windows(2).all(|pair| pair[0] != pair[1]), "{serials:?}");
    stage.wait_until("the other pool has them, too", || {
        told(&stage, "all").iter().filter(|line| line.starts_with("REMOTE_")).count() == 5
    });
    // The two write when they come to it, so one of them may be an event behind the other.
    stage.wait_until("each event went to one of the two", || {
        let all = heard(&stage, "all");
        let serial = |event: &Value| event["header"]["poolserial"].as_str().unwrap().parse::<u64>().unwrap();
        let mut serials: Vec<u64> = all.iter().map(serial).collect();
        serials.sort_unstable();
        serials.windows(2).all(|pair| pair[0] + 1 == pair[1])
    });
}

const TALK: &str = "\
[program:talk]
command = sh -c 'echo grün; echo oops >&2; exec cat'
startsecs = 0
stdout_events_enabled = true
stderr_events_enabled = true

[program:silent]
command = sh -c 'echo nobody hears; exec cat'
startsecs = 0
";

fn output_is_told_to_who_asks_for_it(side: Side) {
    let stage = Stage::new(
        side,
        &[listener("spy", "PROCESS_LOG", ""), listener("err", "PROCESS_LOG_STDERR", ""), TALK.to_owned()].concat(),
    );
    let daemon = stage.start();
    daemon.wait_state("talk", "RUNNING");
    let pid = daemon.pid("talk");
    wait_for(
        &daemon,
        "spy",
        &format!("PROCESS_LOG_STDOUT processname:talk groupname:talk pid:{pid} channel:stdout\ngrün\n"),
    );
    wait_for(
        &daemon,
        "spy",
        &format!("PROCESS_LOG_STDERR processname:talk groupname:talk pid:{pid} channel:stderr\noops\n"),
    );
    wait_for(
        &daemon,
        "err",
        &format!("PROCESS_LOG_STDERR processname:talk groupname:talk pid:{pid} channel:stderr\noops\n"),
    );
    assert_eq!(told(&stage, "err").len(), 1);
    assert!(!told(&stage, "spy").iter().any(|line| line.contains("nobody hears")));
}

fn what_stands_between_two_marks_is_a_message(side: Side) {
    let conf = "\
[program:talk]
command = sh -c 'echo before; printf \"<!--XSUPERVISOR:BEGIN-->to you<!--XSUPERVISOR:END-->\"; echo after; read x; printf \"<!--XSUPER\"; read x; printf \"VISOR:BEGIN-->cut\"; read x; printf \" in two<!--XSUPERVISOR:E\"; read x; echo \"ND-->\"; exec cat'
startsecs = 0
stdout_logfile = %(here)s/talk.log
stdout_capture_maxbytes = 1KB
";
    let stage = Stage::new(side, &[listener("spy", "PROCESS_COMMUNICATION", ""), conf.to_owned()].concat());
    let daemon = stage.start();
    daemon.wait_state("talk", "RUNNING");
    let pid = daemon.pid("talk");
    wait_for(
        &daemon,
        "spy",
        &format!("PROCESS_COMMUNICATION_STDOUT processname:talk groupname:talk pid:{pid}\nto you"),
    );
    for _ in 0..4 {
        daemon.value("sendProcessStdin", json!(["talk", "\n"]));
    }
    wait_for(
        &daemon,
        "spy",
        &format!("PROCESS_COMMUNICATION_STDOUT processname:talk groupname:talk pid:{pid}\ncut in two"),
    );
    daemon.value("sendProcessStdin", json!(["talk", "the end, which is longer than a mark\n"]));
    stage.wait_until(&format!("messages are not in the log {:?}", stage.read("talk.log")), || {
        stage.read("talk.log") == "before\nafter\n\nthe end, which is longer than a mark\n"
    });
}

fn a_message_may_come_by_stderr(side: Side) {
    let conf = "\
[program:talk]
command = sh -c 'printf \"<!--XSUPERVISOR:BEGIN-->to you<!--XSUPERVISOR:END-->\" >&2; exec cat'
startsecs = 0
stderr_capture_maxbytes = 1KB
";
    let stage = Stage::new(side, &[listener("spy", "PROCESS_COMMUNICATION_STDERR", ""), conf.to_owned()].concat());
    let daemon = stage.start();
    daemon.wait_state("talk", "RUNNING");
    let pid = daemon.pid("talk");
    let payload = format!("PROCESS_COMMUNICATION_STDERR processname:talk groupname:talk pid:{pid}\nto you");
    wait_for(&daemon, "spy", &payload);
}

fn the_length_counts_characters(side: Side) {
    let stage = Stage::new(side, &[listener("spy", "PROCESS_LOG_STDOUT", ""), TALK.to_owned()].concat());
    let daemon = stage.start();
    stage.wait_until("it came", || heard(&stage, "spy").len() == 1);
    let event = &heard(&stage, "spy")[0];
    let payload = event["payload"].as_str().unwrap();
    assert!(payload.contains("grün"));
    assert_eq!(event["header"]["len"], payload.chars().count().to_string());
    drop(daemon);
}

fn a_message_from_outside_is_an_event(side: Side) {
    let stage = Stage::new(side, &listener("spy", "REMOTE_COMMUNICATION", ""));
    let daemon = stage.start();
    assert_eq!(daemon.value("sendRemoteCommEvent", json!(["greeting", "hello\nyou"])), true);
    stage.wait_until("it came", || heard(&stage, "spy").len() == 1);
    let expected = "REMOTE_COMMUNICATION type:greeting\nhello\nyou";
    assert_eq!(told(&stage, "spy"), [expected]);
}

fn groups_that_come_and_go_are_events(side: Side) {
    let spy = listener("spy", "PROCESS_GROUP", "");
    let program = |name: &str| format!("[program:{name}]\ncommand = cat\nstartsecs = 0\n");
    let stage = Stage::new(side, &[spy.clone(), program("old")].concat());
    let daemon = stage.start();
    wait_for(&daemon, "spy", "PROCESS_GROUP_ADDED groupname:old\n");
    stage.write(&[spy, program("new")].concat());
    daemon.ctl(&["update"], 0);
    wait_for(&daemon, "spy", "PROCESS_GROUP_REMOVED groupname:old\n");
    wait_for(&daemon, "spy", "PROCESS_GROUP_ADDED groupname:new\n");
}

fn the_daemons_own_beginning_and_end_are_events(side: Side) {
    let slow = "[program:slow]\ncommand = sh -c 'trap \"sleep 2; exit 0\" TERM; echo ready; while :; do read x; done'\nstartsecs = 0\n";
    let stage = Stage::new(side, &[listener("spy", "SUPERVISOR_STATE_CHANGE", ""), slow.to_owned()].concat());
    let daemon = stage.start();
    wait_for(&daemon, "spy", "SUPERVISOR_STATE_CHANGE_RUNNING ");
    daemon.wait_until("it will take its time", || crate::stdin::log_of(&daemon, "slow") == "ready\n");
    daemon.end_by(nix::sys::signal::Signal::SIGTERM).expect_code(0);
    assert_eq!(told(&stage, "spy"), ["SUPERVISOR_STATE_CHANGE_RUNNING ", "SUPERVISOR_STATE_CHANGE_STOPPING "]);
}

fn the_clock_ticks_on_round_seconds(side: Side) {
    let stage = Stage::new(side, &listener("spy", "TICK", ""));
    let _daemon = stage.start();
    let ticks = || told(&stage, "spy").into_iter().filter(|line| line.starts_with("TICK_5 ")).collect::<Vec<_>>();
    stage.wait_until("it ticks", || ticks().len() >= 2);
    let times: Vec<u64> =
        ticks().iter().map(|line| line.strip_prefix("TICK_5 when:").unwrap().parse().unwrap()).collect();
    assert!(times.iter().all(|time| time % 5 == 0) && times[1] == times[0] + 5, "{times:?}");
}

fn the_clock_ticks_on_the_full_hour(side: Side) {
    let stage = Stage::new(side, &listener("spy", "TICK_60,TICK_3600", ""));
    let stage = crate::preload::preload(stage, "clock");
    let daemon = stage.start();
    daemon.wait_state("spy", "RUNNING");
    stage.project.write("an-hour-later", "");
    let times = |name: &str| -> Vec<u64> {
        let ticks = told(&stage, "spy");
        ticks.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(" when:")?.parse().ok()).collect()
    };
    // A minute may have ended by itself before.
    stage.wait_until("a minute is told of the hour that has begun", || {
        let (hours, minutes) = (times("TICK_3600"), times("TICK_60"));
        hours.iter().any(|hour| minutes.iter().any(|minute| (*hour..hour + 3600).contains(minute)))
    });
    for (name, seconds) in [("TICK_60", 60), ("TICK_3600", 3600)] {
        assert!(times(name).iter().all(|time| time % seconds == 0), "{name}: {:?}", times(name));
    }
}

fn who_cannot_be_signalled_is_unknown(side: Side) {
    let spy = listener("spy", "PROCESS_STATE", "");
    let stage = crate::preload::preload(Stage::new(side, &[&spy, ENDINGS].concat()), "kill");
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    let cat = daemon.pid("cat");
    stage.project.write("out-of-reach", cat.to_string());
    let (code, text) = daemon.fault("stopProcess", json!(["cat"]));
    assert!(code == 30 && text.starts_with(&format!("FAILED: unknown problem killing cat ({cat})")), "{code} {text}");
    wait_for(&daemon, "spy", "PROCESS_STATE_UNKNOWN processname:cat groupname:cat from_state:STOPPING");
    assert_eq!((daemon.state("cat").as_str(), daemon.info("cat")["state"].as_i64()), ("UNKNOWN", Some(1000)));
    stage.wait_for_text("main.log", &format!("CRIT unknown problem killing cat ({cat}):"));
    assert_eq!(
        daemon.fault("startProcess", json!(["cat"])),
        (30, "FAILED: cat is in an unknown process state".to_owned())
    );
    for (method, params) in [("stopProcess", json!(["cat"])), ("signalProcess", json!(["cat", "HUP"]))] {
        assert_eq!(daemon.fault(method, params), (70, "NOT_RUNNING: cat".to_owned()));
    }
    let status = daemon.ctl(&["status", "cat"], 3);
    assert!(status.starts_with("cat                              UNKNOWN   "), "{status}");
    std::fs::remove_file(stage.path("out-of-reach")).unwrap();
    crate::options::end(cat);
}
