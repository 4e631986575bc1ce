//! That nothing of supervisord is without a case: each method, fault, event, option and command, by its name in the cases' sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use run::model::conf_options::{CONF_OPTIONS, ConfSection};

use crate::identity::METHODS;

/// Faults (supervisor `xmlrpc.py` `Faults`).
const FAULTS: &str = "UNKNOWN_METHOD INCORRECT_PARAMETERS BAD_ARGUMENTS SIGNATURE_UNSUPPORTED SHUTDOWN_STATE BAD_NAME BAD_SIGNAL \
                      NO_FILE NOT_EXECUTABLE FAILED ABNORMAL_TERMINATION SPAWN_ERROR ALREADY_STARTED NOT_RUNNING ALREADY_ADDED \
                      STILL_RUNNING CANT_REREAD";

/// Events (supervisor `events.py` `EventTypes`).
const EVENTS: &str = "EVENT PROCESS_STATE PROCESS_STATE_STARTING PROCESS_STATE_RUNNING PROCESS_STATE_BACKOFF \
                      PROCESS_STATE_STOPPING PROCESS_STATE_EXITED PROCESS_STATE_STOPPED PROCESS_STATE_FATAL \
                      PROCESS_STATE_UNKNOWN PROCESS_COMMUNICATION PROCESS_COMMUNICATION_STDOUT \
                      PROCESS_COMMUNICATION_STDERR PROCESS_LOG PROCESS_LOG_STDOUT PROCESS_LOG_STDERR \
                      REMOTE_COMMUNICATION SUPERVISOR_STATE_CHANGE SUPERVISOR_STATE_CHANGE_RUNNING \
                      SUPERVISOR_STATE_CHANGE_STOPPING TICK TICK_5 TICK_60 TICK_3600 PROCESS_GROUP PROCESS_GROUP_ADDED \
                      PROCESS_GROUP_REMOVED";

/// Commands (supervisor `supervisorctl.py` `do_…`).
const COMMANDS: &str = "status start stop restart signal pid tail maintail clear fg avail reread update add remove reload \
                        shutdown version open help quit exit";

/// Options of the daemon's command line (supervisor `options.py` `ServerOptions`).
const FLAGS: &str = "-c -n -s -h -v -u -m -d -l -y -z -e -j -i -q -k -a -t";

/// Ours, which the original has not: they are in `differences.rs`.
const OURS: &[&str] = &[
    "exit_on_failure",
    "depends_on",
    "ready",
    "dependent_startup",
    "dependent_startup_wait_for",
    "dependent_startup_inherit_priority",
];

/// What no case can look at, and where it is tested: a system's log belongs to the whole machine.
const ELSEWHERE: &[(&str, &str)] = &[("stdout_syslog", "src/logs/syslog.rs"), ("stderr_syslog", "src/logs/syslog.rs")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sources of the cases but this one, with the line breaks of their texts.
fn sources() -> String {
    let directory = root().join("tests/compat");
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "rs") && !path.ends_with("coverage.rs"));
    paths.extend(
        ["tests/ctl/scenarios.json", "tests/ctl/supervisord.conf", "examples/talk/supervisord.conf"]
            .map(|file| root().join(file)),
    );
    paths
        .iter()
        .map(|path| fs::read_to_string(path).unwrap().replace("\\n", "\n").replace('"', " \" ") + "\n")
        .collect()
}

/// All of `sources` that is one word.
fn words(sources: &str) -> BTreeSet<&str> {
    sources.split(|sign: char| !(sign.is_alphanumeric() || sign == '_' || sign == '-' || sign == '.')).collect()
}

/// Options with the sections that they stand in.
fn options(sources: &str) -> BTreeSet<(&str, &str)> {
    let is_section = |word: &str| ConfSection::of_word(word).is_some();
    let mut section = "";
    let mut found = BTreeSet::new();
    for line in sources.split(['\n', '"']) {
        let head = line.trim_end().strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
        if let Some((_, name)) = head.filter(|(_, name)| is_section(name.split(':').next().unwrap_or_default())) {
            section = name.split(':').next().unwrap_or_default();
        } else if let Some((name, _)) = line.split_once('=') {
            found.insert((section, name.trim()));
        }
    }
    found
}

#[test]
fn every_word_of_supervisord_is_in_a_case() {
    let sources = sources();
    let words = words(&sources);
    let methods = METHODS.iter().map(|(name, _)| name.strip_prefix("supervisor.").unwrap_or(name));
    let lists = [FAULTS, EVENTS, COMMANDS, FLAGS].map(str::split_whitespace).into_iter().flatten();
    let missing: Vec<&str> = methods.chain(lists).filter(|word| !words.contains(word)).collect();
    assert!(missing.is_empty(), "no case of {missing:?}");
}

#[test]
fn every_option_of_supervisord_is_in_a_case() {
    let sources = sources();
    let found = options(&sources);
    let theirs = CONF_OPTIONS
        .iter()
        .filter(|option| !OURS.contains(&option.name) && option.sections[0] != ConfSection::RpcInterface);
    let is_missing = |(section, name): &(&str, &str)| {
        let is_alone = CONF_OPTIONS.iter().filter(|option| option.name == *name).count() == 1;
        !found.iter().any(|(at, other)| other == name && (is_alone || at == section))
    };
    // What a program, a listener and an fcgi-program take alike is asked of a program.
    let missing: Vec<(&str, &str)> = theirs
        .map(|option| (option.sections[0].word(), option.name))
        .filter(is_missing)
        .filter(|(_, name)| !ELSEWHERE.iter().any(|(other, _)| other == name))
        .collect();
    assert!(missing.is_empty(), "no case of {missing:?}");
    for (name, test) in ELSEWHERE {
        assert!(fs::read_to_string(root().join(test)).unwrap().contains("#[test]"), "{name} is not tested in {test}");
    }
}
