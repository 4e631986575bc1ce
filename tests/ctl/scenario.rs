//! The scenarios of `scenarios.json` and what was recorded of them.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regex::Regex;
use serde::Deserialize;

use crate::common::{Done, PATIENCE, Running, TestProject};

/// A row of commands, with changes of the config between them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Scenario {
    /// The file in `recorded/`.
    pub(crate) name: String,
    /// Whether the server wants a password.
    pub(crate) auth: bool,
    pub(crate) steps: Vec<Step>,
}

/// One command line, or one file to write.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Step {
    pub(crate) args: Vec<String>,
    pub(crate) stdin: String,
    /// Ctrl-C once this was written.
    pub(crate) interrupt_after: Option<String>,
    /// The file to write instead, and its text.
    pub(crate) write: Option<String>,
    pub(crate) text: String,
    /// Whether the server may answer in any order.
    pub(crate) any_order: bool,
    /// `head`: only the first line can be the same on two servers.
    pub(crate) compare: Option<String>,
    /// Whether the server ends by it.
    pub(crate) ends: bool,
    /// What was recorded.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
    pub(crate) requests: Vec<Request>,
}

/// A request and its answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) call: Option<(String, Vec<serde_json::Value>)>,
    pub(crate) status: String,
    pub(crate) body: String,
    /// What a followed log gave before the client left.
    pub(crate) stream: Option<String>,
}

pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ctl")
}

pub(crate) fn scenarios() -> Vec<Scenario> {
    let text = fs::read_to_string(directory().join("scenarios.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What stands for `{url}` and its like, and where our own help texts come from.
pub(crate) struct Places {
    pub(crate) url: String,
    absent: String,
    refused: String,
}

impl Places {
    /// With a socket where nobody listens, and one that is not there.
    pub(crate) fn new(project: &TestProject, url: String) -> Self {
        let refused = project.path("refused.sock");
        if !refused.exists() {
            drop(UnixListener::bind(&refused).unwrap());
        }
        let place = |path: PathBuf| format!("unix://{}", path.display());
        Self { url, absent: place(project.path("absent.sock")), refused: place(refused) }
    }

    fn all(&self) -> [(&'static str, &str); 3] {
        [("{url}", &self.url), ("{absent}", &self.absent), ("{refused}", &self.refused)]
    }

    pub(crate) fn fill(&self, text: &str) -> String {
        self.all().iter().fold(text.to_owned(), |text, (mark, place)| text.replace(mark, place))
    }

    pub(crate) fn scrub(&self, text: &str) -> String {
        self.all().iter().fold(text.to_owned(), |text, (mark, place)| text.replace(place, mark))
    }
}

/// Plays a step with a client: ours, or the original.
pub(crate) fn play(project: &TestProject, client: &[&str], step: &Step, places: &Places) -> Done {
    let mut command = Command::new(client[0]);
    command.args(&client[1..]);
    if !step.args.iter().any(|word| word == "-s") {
        command.args(["-s", &places.url]);
    }
    command.args(step.args.iter().map(|word| places.fill(word)));
    project.put_into_world(&mut command);
    command.env("PYTHONUNBUFFERED", "1");
    project.write("stdin", places.fill(&step.stdin));
    command.stdin(Stdio::from(fs::File::open(project.path("stdin")).unwrap()));
    let running = Running::start(project, command);
    let done = match &step.interrupt_after {
        Some(text) => {
            running.wait_for(text);
            running.interrupt()
        }
        None => running.end(),
    };
    wait_for_programs(project);
    done
}

/// Waits until what the real supervisord has forked is the program that it is to be. It tells of a program as soon as it has forked,
/// and a signal that comes before the program is executed is lost: it meets a copy of supervisord.
#[track_caller]
pub(crate) fn wait_for_programs(project: &TestProject) {
    project.wait_until("what supervisord has forked is a program", PATIENCE, || {
        let mut originals = project.survivors();
        originals.retain(|found| found.command.contains("/bin/supervisord "));
        !originals.iter().any(|found| originals.iter().any(|other| other.pid == found.parent))
    });
}

/// Replaces the help of each command by its mark: our help has our words.
pub(crate) fn without_help(project: &TestProject, client: &[&str], text: &str) -> String {
    let mut text = text.to_owned();
    for name in COMMANDS {
        let mut command = Command::new(client[0]);
        command.args(&client[1..]).args(["-s", "unix:///nowhere", "help", name]);
        project.put_into_world(&mut command);
        if text.contains(name) {
            let help = project.finish(command).stdout;
            text = text.replace(&help, &format!("<help {name}>\n"));
        }
    }
    text
}

/// Those that have a help.
const COMMANDS: &[&str] = &[
    "add", "avail", "clear", "exit", "fg", "help", "maintail", "open", "pid", "quit", "reload", "remove", "reread",
    "restart", "shutdown", "signal", "start", "status", "stop", "tail", "update", "version",
];

/// What may differ between two servers, taken out.
pub(crate) fn normal(text: &str, step: &Step) -> String {
    let mut text = text.to_owned();
    for (pattern, word) in [
        (r"(?m): file: \S+ line: \d+$", ""),
        (r"pid \d+, uptime \d+:\d\d:\d\d", "pid N, uptime T"),
        (r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", "DATE"),
        (r"(?m)^[1-9]\d*$", "N"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, word).into_owned();
    }
    if step.interrupt_after.is_some() {
        // The original now and then swallows the interrupt that ends it, and with it the last line end.
        text.truncate(text.trim_end().len());
    }
    if step.any_order {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        return lines.join("\n");
    }
    if step.compare.as_deref() == Some("head") { text.lines().next().unwrap_or_default().to_owned() } else { text }
}
