//! getProcessInfo and getAllProcessInfo: every key, its type and what it says.

use serde_json::json;

use crate::daemon::Stage;
use crate::side::Side;

on_both! {
    a_running_process_has_every_key,
    a_process_that_never_ran_has_zeros,
    all_processes_are_sorted_by_group_and_name,
    log_files_are_named_where_there_are_any,
    names_may_be_anything_but_three_signs,
}

fn keys(value: &serde_json::Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn a_running_process_has_every_key(side: Side) {
    let stage = Stage::new(side, "[program:cat]\ncommand = cat\nstartsecs = 0\n");
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    let info = daemon.info("cat");
    assert_eq!(
        keys(&info),
        [
            "description",
            "exitstatus",
            "group",
            "logfile",
            "name",
            "now",
            "pid",
            "spawnerr",
            "start",
            "state",
            "statename",
            "stderr_logfile",
            "stdout_logfile",
            "stop"
        ]
    );
    let pid = info["pid"].as_i64().unwrap();
    assert!(crate::daemon::is_alive(pid));
    let description = info["description"].as_str().unwrap();
    let expected = regex::Regex::new(&format!(r"^pid {pid}, uptime 0:0\d:\d\d$")).unwrap();
    assert!(expected.is_match(description), "{description}");
    let (start, now) = (info["start"].as_i64().unwrap(), info["now"].as_i64().unwrap());
    assert!(start > 1_700_000_000 && (start..start + 100).contains(&now), "seconds since 1970: {start}, {now}");
    assert_eq!(
        (info["stop"].as_i64(), info["exitstatus"].as_i64(), info["spawnerr"].as_str()),
        (Some(0), Some(0), Some(""))
    );
    assert_eq!(info["logfile"], info["stdout_logfile"]);
}

fn a_process_that_never_ran_has_zeros(side: Side) {
    let stage = Stage::new(
        side,
        "[program:off]\ncommand = cat\nautostart = false\nstdout_logfile = NONE\nstderr_logfile = none\n",
    );
    let daemon = stage.start();
    let mut info = daemon.info("off");
    info.as_object_mut().unwrap().remove("now");
    let expected = json!({
        "name": "off", "group": "off", "start": 0, "stop": 0, "state": 0, "statename": "STOPPED", "spawnerr": "", "exitstatus": 0,
        "logfile": "", "stdout_logfile": "", "stderr_logfile": "", "pid": 0, "description": "Not started",
    });
    assert_eq!(info, expected);
}

fn all_processes_are_sorted_by_group_and_name(side: Side) {
    let conf = "\
[program:zoo]
command = cat
autostart = false
priority = 1

[program:web]
command = cat
autostart = false
process_name = w%(process_num)02d
numprocs = 3

[program:ant]
command = cat
autostart = false

[program:bee]
command = cat
autostart = false

[group:middle]
programs = bee,ant
";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    let all = daemon.value("getAllProcessInfo", json!([]));
    let names: Vec<String> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|info| format!("{}:{}", info["group"].as_str().unwrap(), info["name"].as_str().unwrap()))
        .collect();
    assert_eq!(names, ["middle:ant", "middle:bee", "web:w00", "web:w01", "web:w02", "zoo:zoo"]);
}

fn log_files_are_named_where_there_are_any(side: Side) {
    let conf = "\
[program:auto]
command = cat
autostart = false

[program:named]
command = cat
autostart = false
stdout_logfile = %(here)s/named.log
stderr_logfile = NONE

[program:both]
command = cat
autostart = false
redirect_stderr = true
stdout_logfile = %(here)s/both.log
stderr_logfile = %(here)s/ignored.log

[supervisord]
identifier = shop
";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    let directory = stage.project.directory().display().to_string();
    let auto = daemon.info("auto");
    for channel in ["stdout", "stderr"] {
        let path = auto[format!("{channel}_logfile")].as_str().unwrap().to_owned();
        assert!(
            path.starts_with(&format!("{directory}/auto-{channel}---shop-"))
                && std::path::Path::new(&path).extension().is_some_and(|end| end == "log"),
            "{path}"
        );
    }
    let named = daemon.info("named");
    assert_eq!(
        (named["stdout_logfile"].as_str(), named["stderr_logfile"].as_str()),
        (Some(format!("{directory}/named.log").as_str()), Some(""))
    );
    let both = daemon.info("both");
    assert_eq!(
        (both["stdout_logfile"].as_str(), both["stderr_logfile"].as_str()),
        (Some(format!("{directory}/both.log").as_str()), Some(""))
    );
}

fn names_may_be_anything_but_three_signs(side: Side) {
    let stage = Stage::new(side, "[program:grün-1.2_x]\ncommand = cat\nstartsecs = 0\n");
    let daemon = stage.start();
    daemon.wait_state("grün-1.2_x", "RUNNING");
    assert_eq!(daemon.value("stopProcess", json!(["grün-1.2_x"])), true);
    assert!(daemon.ctl(&["status"], 3).starts_with("grün-1.2_x "));
}
