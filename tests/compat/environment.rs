//! What a child finds around itself.

use std::collections::BTreeMap;

use crate::daemon::{Daemon, Stage};
use crate::differences;
use crate::side::Side;
use crate::stdin::log_of;

on_both! {
    variables_come_from_the_shell_the_daemon_and_the_program,
    every_child_knows_who_supervises_it,
    values_may_be_quoted_and_refer_to_others,
    a_child_leads_a_group_and_has_a_clean_slate,
    a_path_of_its_own_finds_the_command,
}

const ENV: &str = "command = sh -c 'env -0 | tr \"\\n\\000\" \" \\n\"; echo end; exec cat'\nstartsecs = 0\n";

fn variables(daemon: &Daemon<'_>, name: &str) -> BTreeMap<String, String> {
    daemon.wait_until("it has said all", || log_of(daemon, name).ends_with("end\n"));
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    log_of(daemon, name).lines().filter_map(pair).collect()
}

fn variables_come_from_the_shell_the_daemon_and_the_program(side: Side) {
    let conf = format!(
        "[supervisord]\nenvironment = A=\"daemon\",B=\"daemon\"\n[program:p]\n{ENV}environment = B=\"program\",C=\"program\"\n[program:q]\n{ENV}"
    );
    let stage = Stage::new(side, &conf).env("A", "shell").env("D", "shell");
    let daemon = stage.start();
    let p = variables(&daemon, "p");
    let of = |variables: &BTreeMap<String, String>| {
        ["A", "B", "C", "D"].map(|name| variables.get(name).cloned().unwrap_or_default())
    };
    assert_eq!(of(&p), ["daemon", "program", "program", "shell"]);
    assert_eq!(of(&variables(&daemon, "q")), ["daemon", "daemon", "", "shell"]);
}

fn every_child_knows_who_supervises_it(side: Side) {
    let conf = format!("[program:p]\n{ENV}process_name = one\n[program:q]\n{ENV}serverurl = http://elsewhere:9\n");
    let stage = Stage::new(side, &conf);
    let daemon = stage.start();
    let p = variables(&daemon, "p:one");
    assert_eq!(p["SUPERVISOR_ENABLED"], "1");
    assert_eq!(p["SUPERVISOR_SERVER_URL"], stage.url());
    assert_eq!((p["SUPERVISOR_PROCESS_NAME"].as_str(), p["SUPERVISOR_GROUP_NAME"].as_str()), ("one", "p"));
    assert_eq!(variables(&daemon, "q")["SUPERVISOR_SERVER_URL"], "http://elsewhere:9");
}

fn values_may_be_quoted_and_refer_to_others(side: Side) {
    let conf = format!(
        "[supervisord]\nenvironment = BASE=\"/opt\"\n[program:p]\n{ENV}environment = PLAIN=/a/b-c.d:e,COMMA=\"x,y\",SINGLE='it is',\n  NEXT=\"%(ENV_BASE)s/%(program_name)s\",HOST=\"%(host_node_name)s\",EMPTY=\"\",SHELL_ONE=%(ENV_FROM_SHELL)s\n"
    );
    let stage = Stage::new(side, &conf).env("FROM_SHELL", "shell");
    let daemon = stage.start();
    let p = variables(&daemon, "p");
    for (name, value) in [
        ("PLAIN", "/a/b-c.d:e"),
        ("COMMA", "x,y"),
        ("SINGLE", "it is"),
        ("NEXT", "/opt/p"),
        ("HOST", nix::unistd::gethostname().unwrap().to_str().unwrap()),
        ("EMPTY", ""),
        ("SHELL_ONE", "shell"),
    ] {
        assert_eq!(p[name], value, "{name}");
    }
}

fn a_child_leads_a_group_and_has_a_clean_slate(side: Side) {
    let actor = env!("CARGO_BIN_EXE_actor");
    let conf = format!("[program:me]\ncommand = sh -c '{actor} report-self; echo end; exec cat'\nstartsecs = 0\n");
    let stage = Stage::new(side, &conf);
    let daemon = stage.start();
    daemon.wait_until("it has said all", || log_of(&daemon, "me").ends_with("end\n"));
    let log = log_of(&daemon, "me");
    let facts: BTreeMap<&str, &str> = log.lines().filter_map(|line| line.split_once(' ')).collect();
    let pid = daemon.pid("me").to_string();
    assert_eq!(
        (facts["group"], facts["parent"]),
        (pid.as_str(), pid.as_str()),
        "the shell leads, the report is its child"
    );
    let is_own_session = facts["session"] == pid;
    assert_eq!(is_own_session, side.differs(differences::SESSION));
    assert_eq!(facts["descriptors"], "0,1,2", "nothing of the daemon's is open");
    assert_eq!(facts["SigBlk"], "0000000000000000");
    let terminal = facts["terminal"];
    assert_eq!(terminal, "0", "no terminal");
}

fn a_path_of_its_own_finds_the_command(side: Side) {
    let conf = "[program:tool]\ncommand = own-tool\nenvironment = PATH=\"%(here)s/bin:%(ENV_PATH)s\"\nstartsecs = 0\n";
    let stage = Stage::new(side, conf).file("bin/own-tool", "#!/bin/sh\necho found\nexec cat\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(stage.path("bin/own-tool"), executable).unwrap();
    let daemon = stage.start();
    daemon.wait_until("it runs", || log_of(&daemon, "tool") == "found\n");
}
