//! What a daemon says of itself, and `system.*`.

use serde_json::json;

use crate::bridge::Refusal;
use crate::daemon::Stage;
use crate::side::Side;

on_both! {
    the_daemon_says_who_it_is,
    the_identifier_is_from_the_config,
    every_method_is_listed_with_its_signature_and_help,
    a_row_of_calls_is_answered_in_one,
    what_cannot_be_called_is_refused,
}

const CAT: &str = "[program:cat]\ncommand = cat\nstartsecs = 0\n";

fn the_daemon_says_who_it_is(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    assert_eq!(daemon.value("getAPIVersion", json!([])), "3.0");
    assert_eq!(daemon.value("getVersion", json!([])), "3.0");
    assert_eq!(daemon.value("getSupervisorVersion", json!([])), "4.3.0");
    assert_eq!(daemon.value("getIdentification", json!([])), "supervisor");
    assert_eq!(daemon.value("getPID", json!([])), daemon.daemon_pid());
    assert_eq!(daemon.value("getState", json!([])), json!({ "statecode": 1, "statename": "RUNNING" }));
}

fn the_identifier_is_from_the_config(side: Side) {
    let stage = Stage::new(side, "[supervisord]\nidentifier = shop\n");
    let daemon = stage.start();
    assert_eq!(daemon.value("getIdentification", json!([])), "shop");
    assert_eq!(daemon.value("getAllProcessInfo", json!([])), json!([]), "a daemon may have nothing to do");
}

/// Each method, what it returns and what it takes.
pub(crate) const METHODS: &[(&str, &str)] = &[
    ("supervisor.addProcessGroup", "boolean string"),
    ("supervisor.clearAllProcessLogs", "array"),
    ("supervisor.clearLog", "boolean"),
    ("supervisor.clearProcessLog", "boolean string"),
    ("supervisor.clearProcessLogs", "boolean string"),
    ("supervisor.getAPIVersion", "string"),
    ("supervisor.getAllConfigInfo", "array"),
    ("supervisor.getAllProcessInfo", "array"),
    ("supervisor.getIdentification", "string"),
    ("supervisor.getPID", "int"),
    ("supervisor.getProcessInfo", "struct string"),
    ("supervisor.getState", "struct"),
    ("supervisor.getSupervisorVersion", "string"),
    ("supervisor.getVersion", "string"),
    ("supervisor.readLog", "string int int"),
    ("supervisor.readMainLog", "string int int"),
    ("supervisor.readProcessLog", "string string int int"),
    ("supervisor.readProcessStderrLog", "string string int int"),
    ("supervisor.readProcessStdoutLog", "string string int int"),
    ("supervisor.reloadConfig", "array"),
    ("supervisor.removeProcessGroup", "boolean string"),
    ("supervisor.restart", "boolean"),
    ("supervisor.sendProcessStdin", "boolean string string"),
    ("supervisor.sendRemoteCommEvent", "boolean string string"),
    ("supervisor.shutdown", "boolean"),
    ("supervisor.signalAllProcesses", "array string"),
    ("supervisor.signalProcess", "boolean string string"),
    ("supervisor.signalProcessGroup", "array string string"),
    ("supervisor.startAllProcesses", "array boolean"),
    ("supervisor.startProcess", "boolean string boolean"),
    ("supervisor.startProcessGroup", "array string boolean"),
    ("supervisor.stopAllProcesses", "array boolean"),
    ("supervisor.stopProcess", "boolean string boolean"),
    ("supervisor.stopProcessGroup", "array string boolean"),
    ("supervisor.tailProcessLog", "array string int int"),
    ("supervisor.tailProcessStderrLog", "array string int int"),
    ("supervisor.tailProcessStdoutLog", "array string int int"),
    ("system.listMethods", "array"),
    ("system.methodHelp", "string string"),
    ("system.methodSignature", "array string"),
    ("system.multicall", "array array"),
];

fn every_method_is_listed_with_its_signature_and_help(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    let listed = daemon.value("system.listMethods", json!([]));
    let listed: Vec<&str> = listed.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(listed.is_sorted());
    let theirs: Vec<&str> = listed.into_iter().filter(|name| !name.starts_with("run.")).collect();
    assert_eq!(theirs, METHODS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (name, signature) in METHODS {
        let words: Vec<&str> = signature.split(' ').collect();
        assert_eq!(daemon.value("system.methodSignature", json!([name])), json!(words), "{name}");
        assert!(daemon.value("system.methodHelp", json!([name])).as_str().unwrap().len() > 20, "{name}");
    }
    let unknown = (4, "SIGNATURE_UNSUPPORTED".to_owned());
    assert_eq!(daemon.fault("system.methodSignature", json!(["supervisor.nope"])), unknown);
    assert_eq!(daemon.fault("system.methodHelp", json!(["supervisor.nope"])), unknown);
}

fn a_row_of_calls_is_answered_in_one(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    let calls = json!([
        { "methodName": "supervisor.getState", "params": [] },
        { "methodName": "system.multicall", "params": [[]] },
        { "methodName": "supervisor.nope" },
        { "params": [] },
        { "methodName": "supervisor.stopProcess", "params": ["cat"] },
        { "methodName": "supervisor.stopProcess", "params": ["cat"] },
        { "methodName": "supervisor.startProcess", "params": ["cat"] },
        { "methodName": "supervisor.getAPIVersion" },
    ]);
    let expected = json!([
        { "statecode": 1, "statename": "RUNNING" },
        { "faultCode": 2, "faultString": "INCORRECT_PARAMETERS: Recursive system.multicall forbidden" },
        { "faultCode": 1, "faultString": "UNKNOWN_METHOD" },
        { "faultCode": 2, "faultString": "INCORRECT_PARAMETERS: No methodName" },
        true,
        { "faultCode": 70, "faultString": "NOT_RUNNING: cat" },
        true,
        "3.0",
    ]);
    assert_eq!(daemon.value("system.multicall", json!([calls])), expected);
    assert_eq!(daemon.value("system.multicall", json!([[]])), json!([]));
}

fn what_cannot_be_called_is_refused(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    let unknown = Err(Refusal::Fault(1, "UNKNOWN_METHOD".to_owned()));
    let wrong = Err(Refusal::Fault(2, "INCORRECT_PARAMETERS".to_owned()));
    for name in
        ["supervisor.nope", "nope.getState", "supervisor.__class__", "supervisor.getState.__doc__", "system.nope"]
    {
        assert_eq!(daemon.call(name, json!([])), unknown, "{name}");
    }
    for (name, params) in [
        ("getState", json!(["x"])),
        ("startProcess", json!([])),
        ("startProcess", json!(["cat", true, 1])),
        ("getProcessInfo", json!([])),
        ("readLog", json!([0])),
        ("system.methodHelp", json!([])),
        ("system.multicall", json!([])),
    ] {
        assert_eq!(daemon.call(name, params.clone()), wrong, "{name}{params}");
    }
}
