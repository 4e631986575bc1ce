//! What ours does otherwise on purpose, shown on both.

use std::os::unix::fs::PermissionsExt as _;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::daemon::{Stage, is_alive};
use crate::differences;
use crate::events::listener;
use crate::side::Side;

on_both! {
    a_daemon_that_is_shot,
    what_a_program_leaves_behind,
    a_command_that_is_no_row_of_words,
    a_log_file_that_gets_nothing,
    a_relative_command,
    two_mistakes_at_once,
    a_conversion_without_a_name,
    a_byte_order_mark,
    who_needs_another_waits_for_it,
    a_plugin_in_python,
    a_result_handler_in_python,
    a_group_named_like_a_program,
    a_start_of_what_is_not_there,
    a_malformed_authorization,
}

const CAT: &str = "[program:cat]\ncommand = cat\nstartsecs = 0\n";

fn a_daemon_that_is_shot(side: Side) {
    let stage = Stage::new(side, "[program:sleeper]\ncommand = sleep 1000\nstartsecs = 0\n");
    let daemon = stage.start();
    daemon.wait_state("sleeper", "RUNNING");
    let sleeper = daemon.pid("sleeper");
    let survivors = stage.project.survivors();
    stage.project.shoot(survivors.iter().find(|found| found.pid == daemon.daemon_pid()).unwrap());
    daemon.end();
    if side.differs(differences::SHOT) {
        stage.wait_until("it goes with its supervisor", || !is_alive(sleeper));
    } else {
        end_what_lives(&stage, sleeper);
    }
}

/// That it has outlived its daemon; and its end.
fn end_what_lives(stage: &Stage, pid: i64) {
    assert!(is_alive(pid));
    let whom = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    nix::sys::signal::kill(whom, Signal::SIGKILL).unwrap();
    stage.wait_until("it is gone", || !is_alive(pid));
}

fn what_a_program_leaves_behind(side: Side) {
    let line = "sh -c 'setsid sleep 1000 & echo $! >%(here)s/left; exec sleep 1000'";
    let stage = Stage::new(side, &format!("[program:parent]\ncommand = {line}\nstartsecs = 0\n"));
    let daemon = stage.start();
    stage.wait_for_text("left", "\n");
    let left = stage.read("left").trim().parse().unwrap();
    daemon.end_by(Signal::SIGTERM).expect_code(0);
    if side.differs(differences::LEFT_BEHIND) {
        assert!(!is_alive(left));
    } else {
        end_what_lives(&stage, left);
    }
}

/// Whether the daemon of this side refuses a config, and what it says.
fn refusal(stage: &Stage) -> String {
    let done = stage.project.finish(stage.foreground()).expect_code(2);
    assert!(!done.stderr.is_empty());
    done.stderr
}

fn a_command_that_is_no_row_of_words(side: Side) {
    let stage = Stage::new(side, "[program:open]\ncommand = echo \"open\nautostart = false\n");
    let daemon = stage.start();
    let code = if side.differs(differences::OPEN_QUOTE) { 20 } else { 21 };
    assert_eq!(daemon.fault("startProcess", json!(["open"])).0, code, "and all else is up");
}

fn a_log_file_that_gets_nothing(side: Side) {
    let stage = Stage::new(side, &format!("{CAT}redirect_stderr = true\nstderr_logfile = %(here)s/none/err.log\n"));
    if side.differs(differences::HARMLESS) {
        stage.start().wait_state("cat", "RUNNING");
    } else {
        assert!(refusal(&stage).contains("none"));
    }
}

fn a_relative_command(side: Side) {
    let conf = "[program:tool]\ncommand = ./tool\ndirectory = %(here)s/sub\nautostart = false\nstartsecs = 0\nstartretries = 0\n";
    let stage = Stage::new(side, conf).file("sub/tool", "#!/bin/sh\nexec cat\n");
    std::fs::set_permissions(stage.path("sub/tool"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let daemon = stage.start();
    if side.differs(differences::HARMLESS) {
        assert_eq!(daemon.value("startProcess", json!(["tool"])), true);
    } else {
        assert_eq!(daemon.fault("startProcess", json!(["tool"])).0, 20);
    }
}

fn two_mistakes_at_once(side: Side) {
    let stage = Stage::new(
        side,
        "[program:one]\ncommand = cat\nautostart = maybe\n[program:two]\ncommand = cat\nstartsecs = soon\n",
    );
    let told = refusal(&stage);
    assert!(told.contains("maybe"), "{told}");
    assert_eq!(told.contains("soon"), side.differs(differences::ALL_MISTAKES), "{told}");
}

fn a_conversion_without_a_name(side: Side) {
    let stage = Stage::new(side, "[program:one]\ncommand = echo %s\nautostart = false\n");
    if side.differs(differences::NAMELESS) {
        assert!(refusal(&stage).contains("%s"));
    } else {
        let daemon = stage.start();
        assert_eq!(daemon.state("one"), "STOPPED");
    }
}

fn a_byte_order_mark(side: Side) {
    let stage = Stage::new(side, CAT);
    stage.project.write("supervisord.conf", format!("\u{feff}{}", stage.read("supervisord.conf")));
    if side.differs(differences::BYTE_ORDER_MARK) {
        stage.start().wait_state("cat", "RUNNING");
    } else {
        let done = stage.project.finish(stage.foreground());
        assert_ne!(done.code, 0);
    }
}

fn who_needs_another_waits_for_it(side: Side) {
    let conf = "\
[program:web]
command = cat
startsecs = 0
depends_on = db

[program:db]
command = cat
startsecs = 0
ready = exec test -e %(here)s/db-is-up

[program:idle]
command = cat
startsecs = 0
depends_on = never

[program:never]
command = false
startsecs = 5
startretries = 0
";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    if side.differs(differences::DEPENDENCIES) {
        daemon.wait_state("db", "RUNNING");
        assert!(side.differs(differences::WAITING));
        let web = daemon.info("web");
        assert_eq!((web["statename"].as_str(), web["pid"].as_i64()), (Some("STARTING"), Some(0)));
        assert_eq!(web["description"], "waiting for db");
        stage.project.write("db-is-up", "");
        assert!(side.differs(differences::BLOCKED));
        daemon.wait_state("idle", "FATAL");
        assert_eq!(daemon.info("idle")["spawnerr"], "dependency never failed");
    }
    daemon.wait_state("web", "RUNNING");
}

const PLUGIN: &str = "\
class Interface:
    def ping(self):
        return 'pong'


def make(supervisord):
    return Interface()
";

fn a_plugin_in_python(side: Side) {
    let conf = format!("{CAT}[rpcinterface:extra]\nsupervisor.rpcinterface_factory = plugin:make\n");
    let mut stage = Stage::new(side, &conf).file("plugin.py", PLUGIN);
    let here = stage.project.directory().display().to_string();
    stage = stage.env("PYTHONPATH", &here);
    if side.differs(differences::PLUGINS) {
        let told = refusal(&stage);
        assert!(told.contains("plugin:make") && told.contains("Python"), "{told}");
    } else {
        let daemon = stage.start();
        assert_eq!(daemon.value("extra.ping", json!([])), "pong");
    }
}

fn a_result_handler_in_python(side: Side) {
    let spy = listener("spy", "REMOTE_COMMUNICATION", "result_handler = plugin:handle\n");
    let mut stage = Stage::new(side, &spy).file("plugin.py", "def handle(event, response):\n    pass\n");
    let here = stage.project.directory().display().to_string();
    stage = stage.env("PYTHONPATH", &here);
    if side.differs(differences::PLUGINS) {
        let told = refusal(&stage);
        assert!(told.contains("plugin:handle") && told.contains("Python"), "{told}");
    } else {
        stage.start().wait_state("spy", "RUNNING");
    }
}

fn a_group_named_like_a_program(side: Side) {
    let stage = Stage::new(
        side,
        "[program:web]\ncommand = cat\nautostart = false\n[program:other]\ncommand = cat\nautostart = false\n[group:web]\nprograms = other\n",
    );
    if side.differs(differences::SAME_NAME) {
        assert!(refusal(&stage).contains("web"));
    } else {
        let daemon = stage.start();
        assert_eq!(daemon.value("getAllProcessInfo", json!([])).as_array().unwrap().len(), 1, "one of the two is lost");
    }
}

fn a_start_of_what_is_not_there(side: Side) {
    let stage =
        Stage::new(side, "[program:none]\ncommand = /nonexistent/program\nstartretries = 0\nautostart = false\n");
    let daemon = stage.start();
    assert_eq!(daemon.fault("startProcess", json!(["none"])).0, 20);
    assert_eq!(daemon.state("none"), side.pick(differences::NOT_THERE, "STOPPED", "FATAL"));
}

fn a_malformed_authorization(side: Side) {
    let conf = "[unix_http_server]\nfile = %(here)s/s.sock\nusername = ann\npassword = secret\n[supervisord]\nlogfile = %(here)s/main.log\npidfile = %(here)s/main.pid\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n[program:cat]\ncommand = cat\nstartsecs = 0\n";
    let stage = Stage::bare(side, conf);
    let daemon = stage.start_with_login(Some(("ann", "secret")));
    let status = |value: &str| {
        daemon
            .connect()
            .ask(&crate::response::post("supervisor.getVersion", &format!("Authorization: {value}\r\n")))
            .status
    };
    assert_eq!(status("Basic YW5u"), side.pick(differences::HTTP_LOOKS, 500, 401), "no colon in it");
}
