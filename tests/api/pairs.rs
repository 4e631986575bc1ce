//! Recorded pairs: each file of `pairs/` holds a call, what it asks of the supervisor, and the answer. With `RECORD_PAIRS=1` they are
//! written anew from [`CALLS`], to be reviewed in the diff.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use run::api::{self, Fault, LogOf, LogReply, LogRequest, Lookup, Outcome, Usage, View};
use run::codec::xmlrpc::{Call, Value, parse_call, write_call, write_fault, write_response};
use run::logs::LogPlaces;
use run::model::program::Instance;
use run::model::{
    Channel, ConfigRefusal, ConfigWish, FoundLine, GroupChanges, ProcessId, Program, ProgramName, ReloadPlan, WallTime,
};
use run::supervisor::action::{Answer, Outcome as Reply};
use run::supervisor::event::Command;
use run::supervisor::snapshot::Snapshot;

use crate::sample::{self, ADMIN, API, DB, MAIL, MIGRATE, WEB, WORKER_0};

/// File name, method, arguments as JSON.
const CALLS: &[(&str, &str, &str)] = &[
    ("list_methods", "system.listMethods", "[]"),
    ("method_help", "system.methodHelp", r#"["run.stop"]"#),
    ("method_help_unknown", "system.methodHelp", r#"["supervisor.nope"]"#),
    ("method_signature", "system.methodSignature", r#"["supervisor.startProcess"]"#),
    ("method_signature_group", "system.methodSignature", r#"["supervisor.signalProcessGroup"]"#),
    (
        "multicall",
        "system.multicall",
        r#"[[{"methodName": "supervisor.getPID"}, {"methodName": "supervisor.stopProcess", "params": ["db"]},
            {"methodName": "supervisor.getProcessInfo", "params": ["nope"]}, {"params": []}, {"methodName": "system.multicall"}]]"#,
    ),
    ("api_version", "supervisor.getAPIVersion", "[]"),
    ("version", "supervisor.getVersion", "[]"),
    ("supervisor_version", "supervisor.getSupervisorVersion", "[]"),
    ("identification", "supervisor.getIdentification", "[]"),
    ("state", "supervisor.getState", "[]"),
    ("pid", "supervisor.getPID", "[]"),
    ("shutdown", "supervisor.shutdown", "[]"),
    ("all_process_info", "supervisor.getAllProcessInfo", "[]"),
    ("process_info", "supervisor.getProcessInfo", r#"["worker:worker_1"]"#),
    ("process_info_of_a_group", "supervisor.getProcessInfo", r#"["worker:*"]"#),
    ("process_info_by_bare_name", "supervisor.getProcessInfo", r#"["worker_1"]"#),
    ("start", "supervisor.startProcess", r#"["migrate"]"#),
    ("start_without_wait", "supervisor.startProcess", r#"["migrate", false]"#),
    ("start_running", "supervisor.startProcess", r#"["db"]"#),
    ("start_no_file", "supervisor.startProcess", r#"["mail"]"#),
    ("start_spawn_error", "supervisor.startProcess", r#"["worker:worker_0"]"#),
    ("start_bad_name", "supervisor.startProcess", r#"["nope"]"#),
    ("start_group_by_star", "supervisor.startProcess", r#"["worker:*"]"#),
    ("start_group_by_colon", "supervisor.startProcess", r#"["worker:", false]"#),
    ("start_group", "supervisor.startProcessGroup", r#"["worker"]"#),
    ("start_group_bad_name", "supervisor.startProcessGroup", r#"["nope"]"#),
    ("start_all", "supervisor.startAllProcesses", "[]"),
    ("stop", "supervisor.stopProcess", r#"["db"]"#),
    ("stop_stopped", "supervisor.stopProcess", r#"["migrate"]"#),
    ("stop_group", "supervisor.stopProcessGroup", r#"["worker"]"#),
    ("stop_all", "supervisor.stopAllProcesses", "[false]"),
    ("signal", "supervisor.signalProcess", r#"["db", "HUP"]"#),
    ("signal_by_number", "supervisor.signalProcess", r#"["db", 1]"#),
    ("signal_bad", "supervisor.signalProcess", r#"["migrate", "NOPE"]"#),
    ("signal_stopped", "supervisor.signalProcess", r#"["migrate", "HUP"]"#),
    ("signal_group_in_backoff", "supervisor.signalProcessGroup", r#"["worker", "HUP"]"#),
    ("signal_all", "supervisor.signalAllProcesses", r#"["USR1"]"#),
    ("signal_all_bad", "supervisor.signalAllProcesses", r#"["NOPE"]"#),
    ("send_stdin", "supervisor.sendProcessStdin", r#"["db", "né\n"]"#),
    ("send_stdin_stopped", "supervisor.sendProcessStdin", r#"["migrate", "x"]"#),
    ("send_stdin_closed", "supervisor.sendProcessStdin", r#"["api", "x"]"#),
    ("send_stdin_group", "supervisor.sendProcessStdin", r#"["worker:*", "x"]"#),
    ("send_stdin_number", "supervisor.sendProcessStdin", r#"["db", 1]"#),
    ("send_event", "supervisor.sendRemoteCommEvent", r#"["greeting", "hello"]"#),
    ("read_log", "supervisor.readLog", "[-5, 0]"),
    ("read_main_log", "supervisor.readMainLog", "[0, 10]"),
    ("clear_log", "supervisor.clearLog", "[]"),
    ("read_stdout_log", "supervisor.readProcessStdoutLog", r#"["db", 0, 0]"#),
    ("read_process_log", "supervisor.readProcessLog", r#"["db", -1600, 0]"#),
    ("read_log_of_a_group", "supervisor.readProcessStdoutLog", r#"["worker:*", 0, 0]"#),
    ("read_log_bad_arguments", "supervisor.readProcessStdoutLog", r#"["db", -1, 1]"#),
    ("read_log_no_file", "supervisor.readProcessStderrLog", r#"["worker:worker_0", 0, 0]"#),
    ("read_log_missing_file", "supervisor.readProcessStderrLog", r#"["migrate", 0, 0]"#),
    ("read_log_failed", "supervisor.readProcessStderrLog", r#"["api", 0, 0]"#),
    ("read_log_wrong_type", "supervisor.readProcessStdoutLog", r#"["db", "0", 0]"#),
    ("tail_stdout_log", "supervisor.tailProcessStdoutLog", r#"["db", 0, 5]"#),
    ("tail_process_log", "supervisor.tailProcessLog", r#"["nope", 0, 5]"#),
    ("tail_stderr_log_no_file", "supervisor.tailProcessStderrLog", r#"["worker:worker_0", 7, 5]"#),
    ("tail_stderr_log_failed", "supervisor.tailProcessStderrLog", r#"["api", 7, 5]"#),
    ("clear_logs", "supervisor.clearProcessLogs", r#"["db"]"#),
    ("clear_process_log_failed", "supervisor.clearProcessLog", r#"["mail"]"#),
    ("clear_logs_bad_name", "supervisor.clearProcessLogs", r#"["worker:*"]"#),
    ("clear_all_logs", "supervisor.clearAllProcessLogs", "[]"),
    ("run_logs", "run.logs", r#"[["api", "worker"], "GET", 1700000000000, 2]"#),
    ("run_logs_of_all", "run.logs", "[null, null, null, 5000]"),
    ("run_logs_bad_pattern", "run.logs", r#"[[], "a("]"#),
    ("run_logs_bad_limit", "run.logs", "[[], null, null, -1]"),
    ("unknown_method", "supervisor.__class__", "[]"),
    ("too_few_arguments", "supervisor.startProcess", "[]"),
    ("too_many_arguments", "supervisor.getPID", "[1]"),
    ("run_status", "run.status", r#"[["api", "work*", "admin"]]"#),
    ("run_status_unknown", "run.status", r#"[["aip"]]"#),
    ("run_why", "run.why", r#"["web"]"#),
    ("run_why_several", "run.why", r#"["worker"]"#),
    ("run_graph", "run.graph", "[]"),
    ("run_start", "run.start", r#"[["web", "mail", "web"], "ready", true, 1500]"#),
    ("run_start_all", "run.start", r#"[["all"], "accepted"]"#),
    ("run_start_bad_until", "run.start", r#"[["web"], "soon"]"#),
    ("run_start_usage", "run.start", r#"["web"]"#),
    ("run_stop", "run.stop", r#"[["db", "migrate"], true]"#),
    ("run_restart", "run.restart", r#"[["api"], null, 200]"#),
    ("run_signal", "run.signal", r#"[["db", "migrate"], "usr1"]"#),
    ("run_signal_bad", "run.signal", r#"[["db"], "NOPE"]"#),
    ("run_wait", "run.wait", r#"[["web", "admin"], 100]"#),
    ("run_wait_for_all", "run.wait", "[]"),
    ("reload_config", "supervisor.reloadConfig", "[]"),
    ("add_group", "supervisor.addProcessGroup", r#"["db"]"#),
    ("add_group_unknown", "supervisor.addProcessGroup", r#"["cron"]"#),
    ("remove_group", "supervisor.removeProcessGroup", r#"["mail"]"#),
    ("remove_group_unknown", "supervisor.removeProcessGroup", r#"["cron"]"#),
    ("remove_group_that_is_up", "supervisor.removeProcessGroup", r#"["worker"]"#),
    ("restart_of_all_with_a_broken_config", "supervisor.restart", "[]"),
    ("all_config_info", "supervisor.getAllConfigInfo", "[]"),
    ("run_reload", "run.reload", "[]"),
    ("run_reload_dry", "run.reload", "[true]"),
    ("run_activate", "run.activate", r#"[["full"]]"#),
    ("run_changed_files", "run.changedFiles", "[]"),
    ("run_down", "run.down", "[]"),
    ("run_version", "run.version", "[]"),
];

struct World;

impl Lookup for World {
    fn port(&self, program: &ProgramName, name: Option<&str>) -> Option<u16> {
        sample::ports().get(program, name)
    }

    fn usage(&self, pids: &[u32]) -> Usage {
        pids.iter().map(|pid| (*pid, (1.5, 88 << 20))).collect::<BTreeMap<_, _>>()
    }

    fn log_path(&self, program: &Program, instance: &Instance, channel: Channel) -> Option<PathBuf> {
        LogPlaces::default().of(program, instance, channel).path()
    }

    fn utc_offset(&self, _: WallTime) -> i32 {
        3600
    }
}

/// What a supervisor would say of the sample.
fn reply(command: &Command) -> Reply {
    let each = |processes: &[ProcessId], answer: fn(ProcessId) -> Answer| {
        Reply::Each(processes.iter().map(|id| (*id, answer(*id))).collect())
    };
    match command {
        Command::Start { processes, .. } => each(processes, |id| match id {
            DB | API | WEB => Answer::AlreadyStarted,
            MAIL => Answer::NoFile,
            WORKER_0 => Answer::SpawnError,
            _ => Answer::Done,
        }),
        Command::Stop { processes, .. } | Command::Signal { processes, .. } => {
            each(processes, |id| if id == MIGRATE { Answer::NotRunning } else { Answer::Done })
        }
        Command::Restart { processes, .. } => Reply::TimedOut(processes.clone()),
        Command::Wait { processes, .. } if processes.is_empty() => Reply::Each(vec![(MAIL, Answer::Blocked)]),
        Command::Wait { processes, .. } => {
            each(processes, |id| if id == ADMIN { Answer::NotWanted } else { Answer::Done })
        }
        Command::SendStdin { process, .. } => {
            each(&[*process], |id| if id == API { Answer::NoStdin } else { Answer::Done })
        }
        Command::SendEvent { .. } | Command::Shutdown | Command::Reload(_) | Command::BeginAnew => Reply::Accepted,
    }
}

/// What would come of a wish about the config.
fn config(wish: &ConfigWish) -> Result<ReloadPlan, ConfigRefusal> {
    let groups = GroupChanges {
        added: vec!["cron".into()],
        changed: vec!["api".into(), "web".into()],
        removed: vec!["mail".into()],
    };
    match wish {
        ConfigWish::Glance => Ok(ReloadPlan { files: vec!["run.toml".into()], ..ReloadPlan::default() }),
        ConfigWish::Compare | ConfigWish::Reload => Ok(ReloadPlan { groups, unchanged: 3, ..ReloadPlan::default() }),
        ConfigWish::Activate(_) | ConfigWish::AddGroup(_) | ConfigWish::RemoveGroup(_) => Ok(ReloadPlan::default()),
        ConfigWish::Restart => Err(ConfigRefusal::Unreadable {
            text: "error: unknown key `dependson`\n --> run.toml:2:1".into(),
            line: "unknown key `dependson` (run.toml:2:1)".into(),
        }),
    }
}

/// What reading and clearing the logs of the sample would come to.
fn log_reply(request: &LogRequest) -> LogReply {
    let of = match request {
        LogRequest::Read { of, .. } | LogRequest::Tail { of, .. } => *of,
        LogRequest::Clear(processes) => {
            return LogReply::Cleared(processes.iter().map(|id| (*id, *id != MAIL)).collect());
        }
        LogRequest::ClearMain => return LogReply::MainCleared(true),
        LogRequest::Search { pattern, .. } if pattern == "a(" => return LogReply::BadPattern("unclosed group".into()),
        LogRequest::Search { .. } => {
            let (process, text, at) = ("api".to_owned(), "GET /\u{7}".to_owned(), sample::now().wall);
            let line = FoundLine { process, channel: Channel::Stdout, at, run: 2, text };
            return LogReply::Found { lines: vec![line], has_more: true };
        }
    };
    match (of, request) {
        (LogOf::Process(WORKER_0, _), _) => LogReply::NoFile(None),
        (LogOf::Process(MIGRATE, _), _) => LogReply::NoFile(Some("/log/migrate-err.log".into())),
        (LogOf::Process(API, _), _) => LogReply::Failed,
        (_, LogRequest::Read { length: 1, .. }) => LogReply::BadArguments,
        (_, LogRequest::Tail { .. }) => {
            LogReply::Tail { bytes: b"\xbcn\n".into(), size: 5_000_000_000, overflow: true }
        }
        _ => LogReply::Bytes(b"caf\xc3\xa9 \xff \x1b[1mbold & <b>\r\n\xc3".into()),
    }
}

/// A served call: the commands it led to, and the answer.
fn perform(snapshot: &Snapshot, call: &Call) -> (Vec<String>, String) {
    let facts = sample::facts();
    let view = View {
        snapshot,
        now: sample::now(),
        name: &facts.name,
        project: &snapshot.project,
        last_read: &snapshot.project,
        pid: facts.pid,
        notes: &snapshot.notes,
        lookup: &World,
    };
    let mut asked = Vec::new();
    let answer = settle(&view, api::dispatch(&view, call), &mut asked);
    (asked, answer.map_or_else(|fault| write_fault(fault.code, &fault.text), |value| write_response(&value)))
}

fn settle(view: &View<'_>, outcome: Result<Outcome, Fault>, asked: &mut Vec<String>) -> Result<Value, Fault> {
    match outcome? {
        Outcome::Value(value) => Ok(value),
        Outcome::Submit { command, then } => {
            asked.push(format!("{command:?}"));
            then(view, reply(&command))
        }
        Outcome::Log { request, then } => {
            asked.push(format!("{request:?}"));
            then(view, log_reply(&request))
        }
        Outcome::Config { wish, then } => then(view, config(&wish)),
        Outcome::Calls(calls) => {
            let results = calls.into_iter().map(|call| {
                let settled = call.and_then(|call| settle(view, api::dispatch(view, &call), asked));
                settled.unwrap_or_else(|fault| Value::fault(fault.code, &fault.text))
            });
            Ok(Value::Array(results.collect()))
        }
        Outcome::Extension { .. } => unreachable!("the sample has no extension"),
    }
}

/// The whole text of a pair.
fn pair(request: &str) -> String {
    let (asked, answer) = perform(&sample::snapshot(), &parse_call(request).unwrap());
    let asked: Vec<_> = asked.iter().map(|command| format!("<!-- asks {command} -->\n")).collect();
    let asked = asked.concat();
    format!("{request}{asked}{answer}")
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/pairs")
}

fn request(method: &str, arguments: &str) -> String {
    let arguments: Vec<serde_json::Value> = serde_json::from_str(arguments).unwrap();
    write_call(method, &arguments.into_iter().map(Value::from).collect::<Vec<_>>())
}

#[test]
fn every_recorded_call_gets_the_recorded_answer() {
    let is_recording = std::env::var_os("RECORD_PAIRS").is_some();
    for (name, method, arguments) in CALLS {
        let file = directory().join(format!("{name}.xml"));
        let request = request(method, arguments);
        if is_recording {
            fs::write(&file, pair(&request)).unwrap();
        }
        let recorded = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(recorded.starts_with(&request), "{name} is recorded with another call");
        assert_eq!(pair(&request), recorded, "{name}");
    }
}

#[test]
fn every_method_has_a_pair_and_every_pair_is_used() {
    for method in api::methods() {
        assert!(CALLS.iter().any(|(_, name, _)| name == &method.name), "{} has no pair", method.name);
    }
    for entry in fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert!(CALLS.iter().any(|(name, ..)| *name == stem), "{} belongs to no call", path.display());
    }
}

#[test]
fn the_table_has_every_name_once_and_optional_parameters_last() {
    let mut names: Vec<_> = api::methods().map(|method| method.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    for method in api::methods() {
        let optional: Vec<_> = method.params.iter().map(|param| param.is_optional).collect();
        assert!(optional.is_sorted(), "{}", method.usage());
    }
}

#[test]
fn once_the_end_has_begun_supervisords_methods_are_refused_and_ours_still_tell() {
    let ending = Snapshot { is_shutting_down: true, ..sample::snapshot() };
    for method in api::methods().filter(|method| method.name.starts_with("supervisor.")) {
        let has_window = method.params.last().is_some_and(|param| param.name == "length");
        let arguments = match (has_window, method.params.len()) {
            (true, 2) => "[0, 0]",
            (true, _) => r#"["db", 0, 0]"#,
            (false, _) => r#"["db", "HUP"]"#,
        };
        let arguments: Vec<serde_json::Value> = serde_json::from_str(arguments).unwrap();
        let mut params: Vec<_> = arguments.into_iter().map(Value::from).collect();
        params.truncate(method.params.iter().filter(|param| !param.is_optional).count());
        let (asked, answer) = perform(&ending, &Call { method: method.name.into(), params });
        assert_eq!((asked, answer), (vec![], write_fault(6, "SHUTDOWN_STATE")), "{}", method.name);
    }
    for name in ["run.status", "run.down", "system.listMethods"] {
        let (_, answer) = perform(&ending, &Call { method: name.into(), params: vec![] });
        assert!(!answer.contains("<fault>"), "{name}: {answer}");
    }
}

#[test]
fn no_environment_value_leaves() {
    let (_, answer) = perform(&sample::snapshot(), &Call { method: "run.status".into(), params: vec![] });
    assert!(!answer.contains("secret"), "{answer}");
}
