//! What may block, done beside the loop: calls of the project, looking for projects, reading and writing files.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::cli::connection::Connection;
use crate::cli::env;
use crate::cli::error::CommandError;
use crate::cli::logs::last_lines;
use crate::cli::running::{everyone, unanswered};
use crate::cli::settings::Settings;
use crate::client::attach::{Hearing, Saying};
use crate::client::{Follow, StartUntil};
use crate::fault::{self, Point};
use crate::logs::kept::{KeptLogs, Query};
use crate::model::Word;
use crate::model::status::{ProjectStatus, RequestReport};
use crate::registry::{self, Homes, Identity, Running};
use crate::ui::tui::log::LogPage;
use crate::ui::tui::paint;
use crate::ui::tui::projects::ProjectRow;
use crate::ui::tui::state::Verb;

/// How long the project may take to answer a question.
const LIMIT: Duration = Duration::from_secs(10);

/// How many of the last lines help with the question why.
const LAST_LINES: usize = 12;

/// So many files one full screen writes logs to.
const MOST_FILES: u32 = 1000;

/// What came of an errand.
pub(super) enum Done {
    /// A project tells of itself from now on; `None`: it is not up.
    Connected(Box<Result<Option<(Running, Follow)>, CommandError>>),
    /// What became of what was asked for.
    Answered(Verb, Result<RequestReport, String>),
    /// The last lines of a process.
    LastLines(String, Vec<String>),
    /// The environment of a program.
    Environment(String, Vec<String>),
    /// The running projects.
    Projects(Vec<ProjectRow>),
    /// Whether anybody has taken what was copied.
    Copied(bool),
    /// Where the log was written.
    Saved(Result<PathBuf, String>),
    /// A process gets what is typed from now on.
    Attached(String, Result<(Hearing, Saying), CommandError>),
    /// Nothing, for a reason that is a bug of ours.
    Failed(String),
}

/// What came of an errand, or what to make of what it said when it panicked.
pub(super) type Outcome = Result<Done, fn(String) -> Done>;

/// Does an errand.
pub(super) fn run(errand: impl FnOnce() -> Done, failed: fn(String) -> Done) -> Outcome {
    let errand = || {
        assert!(fault::strike(Point::Errand).is_ok(), "a test wants this");
        errand()
    };
    // What it works on is its own, so nobody sees it half done.
    panic::catch_unwind(AssertUnwindSafe(errand)).map_err(|_| failed)
}

/// A project was not reached because of a bug of ours.
pub(super) fn not_connected(why: String) -> Done {
    Done::Connected(Box::new(Err(CommandError::internal(why))))
}

/// Connects to a project.
pub(super) fn connect(running: Running) -> Done {
    let homes = Homes::of_this_user();
    Done::Connected(Box::new(match Connection::open(homes, running) {
        Ok(Some(connection)) => {
            let running = connection.running().clone();
            connection.follow_events().map(|follow| Some((running, follow)))
        }
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    }))
}

/// The project of this identity, if it is up.
pub(super) fn find(identity: &Identity) -> Option<Running> {
    registry::running(&Homes::of_this_user(), identity)
}

/// The running project with this identity in words.
pub(super) fn find_by_words(identity: &str) -> Option<Running> {
    let all = registry::list(&Homes::of_this_user());
    all.into_iter().find(|running| running.places.identity.as_str() == identity)
}

/// Asks the project for something; answers when that is accepted.
pub(super) fn ask(running: Running, verb: Verb, names: &[String]) -> Done {
    let answer = || -> Result<RequestReport, CommandError> {
        let connection = Connection::open(Homes::of_this_user(), running)?;
        let mut connection =
            connection.ok_or_else(|| CommandError::project("the project has ended"))?.with_limit(LIMIT);
        match verb {
            Verb::Start => connection.start(names, StartUntil::Accepted, true, None),
            Verb::Stop => connection.stop(names, false, false),
            Verb::Restart => connection.restart(names, StartUntil::Accepted, None),
        }
    };
    Done::Answered(verb, answer().map_err(|error| error.message))
}

/// The last lines of a run.
pub(super) fn lines_of_run(running: &Running, name: String, run: u32) -> Done {
    let lines = last_lines(&running.places, &name, run, LAST_LINES);
    Done::LastLines(name, lines)
}

/// The environment that a program gets, secrets masked.
pub(super) fn environment(settings: &Settings, program: String) -> Done {
    let lines = env::masked(settings, &program);
    let lines = lines.unwrap_or_else(|error| vec![format!("(not known: {})", error.message)]);
    Done::Environment(program, lines)
}

/// The running projects; `here` is the one that is shown.
pub(super) fn projects(here: &Identity) -> Done {
    let row = |(running, status): (Running, Option<ProjectStatus>)| ProjectRow {
        identity: running.places.identity.to_string(),
        branch: registry::branch_at(&running.owner.root).unwrap_or_default(),
        state: status.as_ref().map_or_else(|| unanswered(&running.owner).to_owned(), summary),
        root: running.owner.root.display().to_string(),
        is_here: running.places.identity.as_str() == here.as_str(),
        name: running.owner.name,
    };
    Done::Projects(everyone(&Homes::of_this_user()).into_iter().map(row).collect())
}

/// `1 failed, 2/4 ready`
fn summary(status: &ProjectStatus) -> String {
    let wanted = || status.processes.iter().filter(|process| process.state != Word::Off);
    let ready = wanted().filter(|process| process.state.is_settled_well()).count();
    let failed = wanted().filter(|process| process.state.is_failure()).count();
    let ready = format!("{ready}/{} ready", wanted().count());
    if failed > 0 { format!("{failed} failed, {ready}") } else { ready }
}

/// Writes everything that is kept of these processes, or of all, and that the page would show, to a new file.
pub(super) fn save(directory: &Path, logs: &KeptLogs, processes: Vec<String>, name: &str, page: &LogPage) -> Done {
    let write = || -> io::Result<PathBuf> {
        let letters = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
        let name: String = name.chars().map(letters).collect();
        let path = directory.join(format!("runup-{name}-{}.log", std::process::id()));
        let (path, file) = create(&path)?;
        let mut out = BufWriter::new(file);
        let is_of_one = processes.len() == 1;
        for line in logs.lines(Query { processes, ..Query::default() })?.filter(|line| page.wants(line)) {
            let text = paint::plain(&line.bytes);
            if is_of_one { writeln!(out, "{text}")? } else { writeln!(out, "{} | {text}", line.process)? }
        }
        out.flush()?;
        Ok(path)
    };
    Done::Saved(write().map_err(|error| error.to_string()))
}

/// A new file of this name, or of one like it when that is taken.
fn create(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut number = 1;
    loop {
        let path = if number == 1 { path.to_owned() } else { path.with_extension(format!("{number}.log")) };
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < MOST_FILES => number += 1,
            opened => return opened.map(|file| (path, file)),
        }
    }
}

/// Hands a text to the tool of the desktop; whether that has taken it.
pub(super) fn copy(tool: &[&str], text: &str) -> bool {
    let [program, arguments @ ..] = tool else { return false };
    let child =
        Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = child else { return false };
    let is_written = child.stdin.take().is_some_and(|mut stdin| stdin.write_all(text.as_bytes()).is_ok());
    child.wait().is_ok_and(|status| status.success()) && is_written
}
