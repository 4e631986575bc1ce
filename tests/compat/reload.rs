//! A config that changes: reread, update, add, remove, restart, HUP.

use serde_json::json;

use crate::daemon::{Stage, is_alive};
use crate::side::Side;

on_both! {
    reread_tells_and_changes_nothing,
    groups_are_added_and_removed,
    what_cannot_be_added_or_removed_is_refused,
    a_broken_file_changes_nothing,
    supervisorctl_update_applies_the_difference,
    supervisorctl_update_of_one_group_leaves_the_others,
    numprocs_may_grow,
    restart_reads_everything_again_with_the_same_pid,
    hup_is_the_same,
}

fn program(name: &str, more: &str) -> String {
    format!("[program:{name}]\ncommand = cat\nstartsecs = 0\n{more}\n")
}

fn reread_tells_and_changes_nothing(side: Side) {
    let stage = Stage::new(side, &[program("same", ""), program("other", ""), program("gone", "")].concat());
    let daemon = stage.start();
    daemon.wait_state("gone", "RUNNING");
    assert_eq!(daemon.value("reloadConfig", json!([])), json!([[[], [], []]]));
    stage.write(&[program("same", ""), program("other", "priority = 5"), program("new", "")].concat());
    let expected = json!([[["new"], ["other"], ["gone"]]]);
    assert_eq!(daemon.value("reloadConfig", json!([])), expected);
    assert_eq!(daemon.value("reloadConfig", json!([])), expected, "it is compared with what runs");
    assert_eq!(daemon.state("gone"), "RUNNING");
    assert_eq!(daemon.fault("getProcessInfo", json!(["new"])), (10, "BAD_NAME: new".to_owned()));
    assert_eq!(daemon.ctl(&["reread"], 0), "gone: disappeared\nnew: available\nother: changed\n");
}

fn groups_are_added_and_removed(side: Side) {
    let stage = Stage::new(side, &program("old", ""));
    let daemon = stage.start();
    daemon.wait_state("old", "RUNNING");
    stage.write(&program("new", ""));
    assert_eq!(
        daemon.fault("addProcessGroup", json!(["new"])),
        (10, "BAD_NAME: new".to_owned()),
        "nobody has read it yet"
    );
    daemon.value("reloadConfig", json!([]));
    assert_eq!(daemon.value("addProcessGroup", json!(["new"])), true);
    daemon.wait_state("new", "RUNNING");
    let pid = daemon.pid("old");
    daemon.value("stopProcess", json!(["old"]));
    assert_eq!(daemon.value("removeProcessGroup", json!(["old"])), true);
    assert!(!is_alive(pid));
    assert_eq!(daemon.fault("getProcessInfo", json!(["old"])), (10, "BAD_NAME: old".to_owned()));
    assert_eq!(daemon.value("reloadConfig", json!([])), json!([[[], [], []]]));
}

fn what_cannot_be_added_or_removed_is_refused(side: Side) {
    let stage = Stage::new(side, &program("cat", ""));
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    for (method, name, fault) in [
        ("addProcessGroup", "cat", (90, "ALREADY_ADDED: cat")),
        ("addProcessGroup", "nope", (10, "BAD_NAME: nope")),
        ("removeProcessGroup", "cat", (91, "STILL_RUNNING: cat")),
        ("removeProcessGroup", "nope", (10, "BAD_NAME: nope")),
    ] {
        let (code, text) = daemon.fault(method, json!([name]));
        assert_eq!((code, text.as_str()), fault, "{method} {name}");
    }
}

fn a_broken_file_changes_nothing(side: Side) {
    let stage = Stage::new(side, &program("cat", ""));
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    let pid = daemon.pid("cat");
    stage.write("[program:cat]\ncommand = cat\nautostart = maybe\n");
    let (code, text) = daemon.fault("reloadConfig", json!([]));
    assert_eq!((code, text.starts_with("CANT_REREAD: ")), (92, true), "{text}");
    assert!(text.contains("maybe"), "{text}");
    let said = daemon.ctl(&["reread"], 1);
    assert!(said.starts_with("ERROR: CANT_REREAD: ") && said.lines().count() == 1, "{said}");
    assert!(daemon.ctl(&["update"], 1).contains("CANT_REREAD: "));
    assert_eq!(daemon.pid("cat"), pid);
}

fn supervisorctl_update_applies_the_difference(side: Side) {
    let before = [program("same", ""), program("other", ""), program("gone", "")];
    let after = [program("same", ""), program("other", "environment = A=\"1\""), program("new", "")];
    let stage = Stage::new(side, &before.concat());
    let daemon = stage.start();
    for name in ["same", "other", "gone"] {
        daemon.wait_state(name, "RUNNING");
    }
    let [same, other, gone] = ["same", "other", "gone"].map(|name| daemon.pid(name));
    stage.write(&after.concat());
    assert_eq!(
        daemon.ctl(&["update"], 0),
        "gone: stopped\ngone: removed process group\nother: stopped\nother: updated process group\nnew: added process group\n"
    );
    assert_eq!(daemon.pid("same"), same, "what is the same is left alone");
    assert!(!is_alive(gone) && !is_alive(other));
    daemon.wait_state("other", "RUNNING");
    daemon.wait_state("new", "RUNNING");
    assert_eq!(daemon.ctl(&["update"], 0), "");
    assert_eq!(daemon.ctl(&["reread"], 0), "No config updates to processes\n");
}

fn supervisorctl_update_of_one_group_leaves_the_others(side: Side) {
    let stage = Stage::new(side, &program("one", ""));
    let daemon = stage.start();
    daemon.wait_state("one", "RUNNING");
    stage.write(&[program("one", "priority = 3"), program("two", ""), program("three", "autostart = false")].concat());
    assert_eq!(daemon.ctl(&["update", "two"], 0), "two: added process group\n");
    assert_eq!(daemon.ctl(&["update", "nope"], 1), "ERROR: no such group: nope\n");
    assert_eq!(daemon.ctl(&["add", "three"], 0), "three: added process group\n");
    assert_eq!(daemon.state("three"), "STOPPED");
    assert_eq!(
        daemon.ctl(&["add", "three", "nope"], 1),
        "ERROR: process group already active\nERROR: no such process/group: nope\n"
    );
    assert_eq!(
        daemon.ctl(&["remove", "two", "three", "nope"], 1),
        "ERROR: process/group still running: two\nthree: removed process group\nERROR: no such process/group: nope\n"
    );
    let avail = daemon.ctl(&["avail"], 0);
    let rows: Vec<Vec<&str>> = avail.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows,
        [
            vec!["one", "in", "use", "auto", "3:3"],
            vec!["three", "avail", "manual", "999:999"],
            vec!["two", "in", "use", "auto", "999:999"]
        ]
    );
}

fn numprocs_may_grow(side: Side) {
    let many =
        |count: u32| program("web", &format!("numprocs = {count}\nprocess_name = %(program_name)s_%(process_num)d\n"));
    let stage = Stage::new(side, &many(1));
    let daemon = stage.start();
    daemon.wait_state("web:web_0", "RUNNING");
    stage.write(&many(3));
    assert_eq!(daemon.ctl(&["update"], 0), "web: stopped\nweb: updated process group\n");
    for number in 0..3 {
        daemon.wait_state(&format!("web:web_{number}"), "RUNNING");
    }
}

/// Waits until the daemon is there again with another program, and looks whether it is the same.
fn is_begun_anew(stage: &Stage, daemon: &crate::daemon::Daemon<'_>, old: i64) {
    stage.wait_until("the new program runs", || {
        daemon.call("getProcessInfo", json!(["new"])).is_ok_and(|info| info["statename"] == "RUNNING")
    });
    assert!(!is_alive(old), "everything was stopped");
    assert_eq!(daemon.value("getPID", json!([])), daemon.daemon_pid());
    assert_eq!(daemon.value("getIdentification", json!([])), "anew");
    assert_eq!(daemon.fault("getProcessInfo", json!(["old"])).0, 10);
    assert_eq!(stage.read("main.pid").trim(), daemon.daemon_pid().to_string());
}

fn restart_reads_everything_again_with_the_same_pid(side: Side) {
    let stage = Stage::new(side, &program("old", ""));
    let daemon = stage.start();
    daemon.wait_state("old", "RUNNING");
    let old = daemon.pid("old");
    stage.write(&[program("new", ""), "[supervisord]\nidentifier = anew\n".to_owned()].concat());
    assert_eq!(daemon.value("restart", json!([])), true);
    is_begun_anew(&stage, &daemon, old);
    assert_eq!(daemon.ctl(&["reload"], 0), "Restarted supervisord\n");
    daemon.wait_until_up();
}

fn hup_is_the_same(side: Side) {
    let stage = Stage::new(side, &program("old", ""));
    let daemon = stage.start_with(&["-s"]);
    daemon.wait_state("old", "RUNNING");
    let old = daemon.pid("old");
    stage.write(&[program("new", ""), "[supervisord]\nidentifier = anew\n".to_owned()].concat());
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    is_begun_anew(&stage, &daemon, old);
    assert!(stage.read("main.log").contains("received SIGHUP indicating restart request"));
}
