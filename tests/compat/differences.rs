//! Where ours is different on purpose: each by the title that it has in `docs/differences.md`.

use std::fs;
use std::path::Path;

/// A title of the document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Difference(#[expect(dead_code, reason = "it is there to be read")] pub(crate) &'static str);

macro_rules! named {
    ($($name:ident = $title:literal;)*) => {
        $(pub(crate) const $name: Difference = Difference($title);)*
        const NAMED: &[(&str, &str)] = &[$((stringify!($name), $title)),*];
    };
}

named! {
    HOT_LOOP = "A hot loop is slowed down";
    SESSION = "Every program has a session of its own";
    SPAWN_FAILURES = "A start that fails after the fork says why";
    LOG_BYTES = "Log bytes that are no text do not fail a call";
    CONFIG_INFO = "`getAllConfigInfo` shows what holds";
    SHOT = "SIGKILL of the supervisor ends its programs";
    LEFT_BEHIND = "What a program leaves behind ends with the project";
    OPEN_QUOTE = "A command that cannot be cut into words";
    HARMLESS = "What harms nobody is no mistake";
    ALL_MISTAKES = "Several mistakes are told at once";
    NAMELESS = "A conversion without a name";
    BYTE_ORDER_MARK = "A byte order mark is skipped";
    DEPENDENCIES = "`depends_on` and `ready`";
    WAITING = "A program that waits for a dependency";
    BLOCKED = "A program whose dependency failed for good";
    PLUGINS = "Python plugins are refused";
    SAME_NAME = "A group and a program of the same name";
    NOT_THERE = "A start of what is not there is a failed start";
    HTTP_LOOKS = "The HTTP server looks at who asks";
}

/// Titles that no case here can show, and where they are tested.
const ELSEWHERE: &[(&str, &str)] = &[
    ("The whole group is stopped and killed", "tests/e2e/stop.rs"),
    ("`redirect_stderr` is true", "tests/e2e/output.rs"),
    ("A failure after RUNNING counts", "tests/e2e/crash.rs"),
    ("No TCP listener beyond loopback without a password", "tests/e2e/control.rs"),
    ("`[inet_http_server]` without a password beyond loopback", "tests/e2e/dropin.rs"),
    ("stdin stays open", "tests/e2e/stop.rs"),
    ("`%%` is one percent sign everywhere", "tests/oracle.rs"),
    ("`stdout_logfile=/dev/stdout`", "tests/config.rs"),
    ("A link to the page changes nothing", "tests/e2e/web.rs"),
    ("A log that nobody named is the kept log", "tests/e2e/logs.rs"),
    ("One answer holds 16 MiB of a log at most", "tests/e2e/logs.rs"),
    ("`clearProcessLogs` clears the logs of a stopped process, too", "tests/e2e/logs.rs"),
    ("`/logtail` sends the last bytes of a rotated file", "tests/e2e/logs.rs"),
    ("A log file ends with a line", "tests/e2e/logs.rs"),
    ("Without `logfile` and `childlogdir`", "tests/e2e/logs.rs"),
    ("What stands where a socket is to be and is no socket", "tests/e2e/dropin.rs"),
    ("`exit_on_failure=true`", "tests/e2e/dropin.rs"),
    ("`run up` follows of `[supervisord]`", "tests/e2e/supervisord.rs"),
    ("The parent ends when the servers are open and the pidfile is written", "tests/e2e/dropin.rs"),
    ("The pidfile stays through a HUP", "tests/e2e/dropin.rs"),
    ("A directory holds one project", "tests/e2e/dropin.rs"),
    ("Limits are raised before the user changes", "tests/e2e/dropin.rs"),
    ("`--profile_options`", "tests/e2e/dropin.rs"),
    ("The main log below `info`", "tests/e2e/dropin.rs"),
    ("A listener that says anything but READY and RESULT", "tests/e2e/listeners.rs"),
    ("A program's short last words are told", "tests/e2e/listeners.rs"),
    ("`sendProcessStdin`", "tests/e2e/listeners.rs"),
    ("A signal that the system refuses", "src/supervisor/tests/requests.rs"),
    ("Crashes that are retried at once", "tests/sim/check.rs"),
    ("`restart`, `reload` and HUP read the config first", "tests/e2e/dropin.rs"),
    ("A group that is added or removed with a dependency to another", "tests/e2e/reload.rs"),
    ("Without `-s` and `-c` it talks to the project here", "tests/ctl/ours.rs"),
    ("`help` has its own words", "tests/ctl/scenario.rs"),
    ("An unexpected error", "tests/ctl/live.rs"),
    ("`tail -f` and `fg` pass bytes on as they are", "tests/ctl/live.rs"),
    ("`clear group:*`", "tests/ctl/replay.rs"),
    ("`signal` completes names of signals", "tests/ctl/terminal.rs"),
    ("A project's history is kept", "tests/ctl/terminal.rs"),
    ("What is no command", "tests/ctl/ours.rs"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The bold words at the beginning of each point.
fn titles() -> Vec<String> {
    let text = fs::read_to_string(root().join("docs/differences.md")).unwrap();
    let title = |line: &str| Some(line.strip_prefix("* **")?.split_once("**")?.0.trim_end_matches('.').to_owned());
    text.lines().filter_map(title).collect()
}

#[test]
fn every_difference_of_a_case_is_in_the_document() {
    let titles = titles();
    for (name, title) in NAMED {
        assert!(titles.iter().any(|other| other == title), "docs/differences.md has no point `{title}` ({name})");
    }
}

#[test]
fn every_point_of_the_document_is_tested() {
    for title in titles() {
        let here = NAMED.iter().any(|(_, other)| *other == title);
        let elsewhere = ELSEWHERE.iter().any(|(other, _)| *other == title);
        assert!(here != elsewhere, "docs/differences.md: `{title}`: a name in differences.rs, or a line in ELSEWHERE");
    }
    for (title, test) in ELSEWHERE {
        assert!(titles().iter().any(|other| other == title), "ELSEWHERE has `{title}`, the document has not");
        assert!(root().join(test).exists(), "`{title}` is not tested in {test}");
    }
}

/// The sources of the cases.
fn cases() -> Vec<(String, String)> {
    let files = fs::read_dir(root().join("tests/compat")).unwrap().map(|entry| entry.unwrap().path());
    let files =
        files.filter(|path| path.extension().is_some_and(|end| end == "rs") && !path.ends_with("differences.rs"));
    files
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn every_named_difference_is_used_by_a_case() {
    for (name, _) in NAMED {
        assert!(cases().iter().any(|(_, text)| text.contains(name)), "no case uses {name}");
    }
}

#[test]
fn what_is_not_built_is_a_case() {
    for name in crate::side::not_built() {
        let (file, case) = name.split_once("::").unwrap();
        let cases = cases();
        let (_, text) = cases.iter().find(|(stem, _)| stem == file).unwrap_or_else(|| panic!("no file of {name}"));
        assert!(text.contains(&format!("\nfn {case}(")), "not_built.txt names {name}, which is no case");
    }
}
