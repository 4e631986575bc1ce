//! getAllConfigInfo: every key, and `none` and `auto` where nothing is set.

use serde_json::{Value, json};

use crate::daemon::Stage;
use crate::differences;
use crate::side::Side;

on_both! {
    a_program_about_which_nothing_is_said,
    a_program_about_which_everything_is_said,
    a_listener_has_two_priorities,
    the_list_is_sorted_by_name_and_read_from_the_last_file,
}

fn config(infos: &Value, name: &str) -> Value {
    infos.as_array().unwrap().iter().find(|info| info["name"] == name).unwrap().clone()
}

fn a_program_about_which_nothing_is_said(side: Side) {
    let stage = Stage::new(side, "[program:cat]\ncommand = cat\n");
    let daemon = stage.start();
    let mut info = config(&daemon.value("getAllConfigInfo", json!([])), "cat");
    for channel in ["stdout", "stderr"] {
        let path = info[format!("{channel}_logfile")].take();
        assert!(
            path.as_str().unwrap().contains(&format!("cat-{channel}---supervisor-")),
            "AUTO has been resolved: {path}"
        );
    }
    let here = stage.project.directory().display().to_string();
    let directory = side.pick(differences::CONFIG_INFO, "none", &here);
    let expected = json!({
        "autostart": true, "directory": directory, "uid": "none", "command": "cat", "exitcodes": [0], "group": "cat", "group_prio": 999,
        "inuse": true, "killasgroup": false, "name": "cat", "process_prio": 999, "redirect_stderr": false, "startretries": 3,
        "startsecs": 1, "stdout_capture_maxbytes": 0, "stdout_events_enabled": false, "stdout_logfile": null,
        "stdout_logfile_backups": 10, "stdout_logfile_maxbytes": 52_428_800, "stdout_syslog": false, "stopsignal": 15,
        "stopwaitsecs": 10, "stderr_capture_maxbytes": 0, "stderr_events_enabled": false, "stderr_logfile": null,
        "stderr_logfile_backups": 10, "stderr_logfile_maxbytes": 52_428_800, "stderr_syslog": false, "serverurl": "none",
    });
    assert_eq!(info, expected);
}

const EVERYTHING: &str = "\
[program:full]
command = /bin/cat   -u  \"a b\"
process_name = p%(process_num)03d
numprocs = 1
numprocs_start = 7
priority = 5
autostart = off
startsecs = 3
startretries = 9
autorestart = true
exitcodes = 0, 2,4
stopsignal = sigusr1
stopwaitsecs = 20
stopasgroup = yes
redirect_stderr = true
stdout_logfile = %(here)s/out.log
stdout_logfile_maxbytes = 2KB
stdout_logfile_backups = 3
stdout_capture_maxbytes = 1MB
stdout_events_enabled = true
stderr_logfile = none
stderr_logfile_maxbytes = 1GB
stderr_events_enabled = on
directory = %(here)s
umask = 027
serverurl = http://localhost:9999

[group:many]
programs = full
priority = 77
";

fn a_program_about_which_everything_is_said(side: Side) {
    let stage = Stage::new(side, EVERYTHING);
    let daemon = stage.start();
    let here = stage.project.directory().display().to_string();
    let info = config(&daemon.value("getAllConfigInfo", json!([])), "p007");
    let expected = json!({
        "autostart": false, "directory": here, "uid": "none", "command": side.pick(differences::CONFIG_INFO, "/bin/cat   -u  \"a b\"", "/bin/cat -u 'a b'"), "exitcodes": [0, 2, 4],
        "group": "many", "group_prio": 77, "inuse": true, "killasgroup": true, "name": "p007", "process_prio": 5,
        "redirect_stderr": true, "startretries": 9, "startsecs": 3, "stdout_capture_maxbytes": 1_048_576,
        "stdout_events_enabled": true, "stdout_logfile": format!("{here}/out.log"), "stdout_logfile_backups": 3,
        "stdout_logfile_maxbytes": 2048, "stdout_syslog": false, "stopsignal": 10, "stopwaitsecs": 20,
        "stderr_capture_maxbytes": 0, "stderr_events_enabled": true, "stderr_logfile": "none", "stderr_logfile_backups": 10,
        "stderr_logfile_maxbytes": 1_073_741_824, "stderr_syslog": false, "serverurl": "http://localhost:9999",
    });
    assert_eq!(info, expected);
}

fn a_listener_has_two_priorities(side: Side) {
    let listener = |name: &str, more: &str| {
        format!("[eventlistener:{name}]\ncommand = cat\nevents = TICK_60\nautostart = false\n{more}")
    };
    let stage = Stage::new(side, &[listener("said", "priority = 7\n"), listener("unsaid", "")].concat());
    let daemon = stage.start();
    let infos = daemon.value("getAllConfigInfo", json!([]));
    let priorities =
        |name: &str| [config(&infos, name)["group_prio"].clone(), config(&infos, name)["process_prio"].clone()];
    assert_eq!(priorities("said"), [7, 7]);
    assert_eq!(priorities("unsaid"), [-1, 999]);
}

fn the_list_is_sorted_by_name_and_read_from_the_last_file(side: Side) {
    let program = |name: &str| format!("[program:{name}]\ncommand = cat\nautostart = false\n");
    let stage = Stage::new(side, &[program("zoo"), program("ant")].concat());
    let daemon = stage.start();
    let listed = || {
        let infos = daemon.value("getAllConfigInfo", json!([]));
        let row = |info: &Value| (info["name"].as_str().unwrap().to_owned(), info["inuse"].as_bool().unwrap());
        infos.as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    let in_use = |name: &str, used: bool| (name.to_owned(), used);
    assert_eq!(listed(), [in_use("ant", true), in_use("zoo", true)]);
    stage.write(&[program("bee"), program("zoo")].concat());
    assert_eq!(listed(), [in_use("ant", true), in_use("zoo", true)], "nobody has read it yet");
    daemon.value("reloadConfig", json!([]));
    assert_eq!(listed(), [in_use("bee", false), in_use("zoo", true)]);
}
