//! The harness of the tests that run the real binary: a project in a directory of its own, a world of its own around it, and
//! nothing left of either at the end.
//!
//! A [`TestProject`] has its own HOME, XDG directories and TMPDIR; of the environment only PATH comes through. Every process that
//! it starts carries a mark in its environment, so that survivors are found wherever they went, and only they. Nothing sleeps:
//! [`TestProject::wait_until`] polls a condition, and on timeout shows what there is to see.

#![expect(clippy::unwrap_used, reason = "a harness that cannot set its stage has to fail")]

pub(crate) mod leftovers;
pub(crate) mod processes;
pub(crate) mod running;
pub(crate) mod terminal;

use std::cell::Cell;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

pub(crate) use processes::Found;
pub(crate) use running::Running;
pub(crate) use terminal::Terminal;

/// How long anything may take on a loaded machine before a test calls it stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// How long the state of a project may take that is shown beside a failure.
const PICTURE: Duration = Duration::from_secs(5);

/// Between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The variable that marks every process of one test.
pub(crate) const MARK: &str = "RUN_TEST_MARK";

/// A project, and the world around it.
pub(crate) struct TestProject {
    base: TempDir,
    mark: String,
    variables: Vec<(String, String)>,
    /// Whether a process of ours was shot: then its socket file stays until the next start.
    is_shot: Cell<bool>,
}

/// What a finished command left.
#[derive(Debug)]
pub(crate) struct Done {
    /// The exit code, or 128 + signal.
    pub(crate) code: i32,
    /// As text; what is no UTF-8 is replaced.
    pub(crate) stdout: String,
    /// As text.
    pub(crate) stderr: String,
}

impl Done {
    /// Insists on an exit code, and shows everything when it is another.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- stdout ---\n{}\n--- stderr ---\n{}", self.stdout, self.stderr);
        self
    }

    /// Insists that both streams together hold a text.
    #[track_caller]
    pub(crate) fn expect_text(self, text: &str) -> Self {
        let has_it = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(has_it, "no `{text}` in\n--- stdout ---\n{}\n--- stderr ---\n{}", self.stdout, self.stderr);
        self
    }
}

impl TestProject {
    /// An empty project.
    pub(crate) fn empty() -> Self {
        static CLEARED: Once = Once::new();
        CLEARED.call_once(|| leftovers::clear_away(&std::env::temp_dir()));
        let base = tempfile::Builder::new().prefix(&leftovers::prefix()).tempdir().unwrap();
        let mark = base.path().file_name().unwrap().to_str().unwrap().to_owned();
        let project = Self { base, mark, variables: Vec::new(), is_shot: Cell::new(false) };
        for name in ["project", "home", "state", "config", "cache", "r", "tmp"] {
            fs::DirBuilder::new().mode(0o700).create(project.base.path().join(name)).unwrap();
        }
        project
    }

    /// A project with this `run.toml`.
    pub(crate) fn toml(text: &str) -> Self {
        Self::empty().file("run.toml", text)
    }

    /// A project with this `Procfile`.
    pub(crate) fn procfile(text: &str) -> Self {
        Self::empty().file("Procfile", text)
    }

    /// Adds a file, and the directories that it needs.
    #[must_use]
    pub(crate) fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        self.write(name, text);
        self
    }

    /// Adds a variable to the environment of everything that is run.
    #[must_use]
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Copies a directory of this repository into the project.
    #[must_use]
    pub(crate) fn copy_of(directory: &Path) -> Self {
        let project = Self::empty();
        copy(directory, &project.directory());
        project
    }

    /// The directory with the config.
    pub(crate) fn directory(&self) -> PathBuf {
        self.base.path().join("project")
    }

    /// A path in the project.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    /// The text of a file of the project; empty when it is not there.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The lines of a file of the project.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        self.read(name).lines().map(str::to_owned).collect()
    }

    /// The directory where state and logs are kept.
    pub(crate) fn state(&self) -> PathBuf {
        self.base.path().join("state")
    }

    /// The directory of locks and sockets.
    pub(crate) fn runtime(&self) -> PathBuf {
        self.base.path().join("r")
    }

    /// The binary with the project's world around it, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_run"));
        command.args(arguments);
        self.put_into_world(&mut command);
        command
    }

    /// Puts a command into the project's world.
    pub(crate) fn put_into_world(&self, command: &mut Command) {
        let base = self.base.path();
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        command.current_dir(self.directory()).env_clear().env("PATH", inherited).env(MARK, &self.mark);
        command.env("HOME", base.join("home")).env("TMPDIR", base.join("tmp")).env("XDG_RUNTIME_DIR", self.runtime());
        command.env("XDG_STATE_HOME", self.state()).env("XDG_CONFIG_HOME", base.join("config"));
        command.env("XDG_CACHE_HOME", base.join("cache")).env("LANG", "C.UTF-8").env("TZ", "UTC");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
    }

    /// Runs a command of ours to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.finish(self.command(arguments))
    }

    /// Runs a prepared command to its end.
    #[track_caller]
    pub(crate) fn finish(&self, command: Command) -> Done {
        Running::start(self, command).end()
    }

    /// Runs a command of ours in the background, its output caught.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running<'_> {
        Running::start(self, self.command(arguments))
    }

    /// `run up` in the background, without a terminal.
    pub(crate) fn up(&self) -> Running<'_> {
        self.start(&["up"])
    }

    /// The status as JSON; `None` when the project is not up.
    pub(crate) fn status(&self) -> Option<serde_json::Value> {
        self.status_within(PATIENCE).unwrap_or_else(|why| panic!("{why}\n{}", self.processes()))
    }

    /// The same, or that there is no answer in time.
    fn status_within(&self, limit: Duration) -> Result<Option<serde_json::Value>, String> {
        let output = output_within(&mut self.command(&["status", "--json"]), limit)?;
        let status = serde_json::from_slice::<serde_json::Value>(&output.stdout).ok();
        Ok(status.filter(|status| status["processes"].as_array().is_some_and(|processes| !processes.is_empty())))
    }

    /// A process of the status by its name.
    pub(crate) fn process(&self, name: &str) -> Option<serde_json::Value> {
        let status = self.status()?;
        status["processes"].as_array()?.iter().find(|process| process["name"] == name).cloned()
    }

    /// The state word of a process; empty when there is none.
    pub(crate) fn word(&self, name: &str) -> String {
        self.process(name).and_then(|process| Some(process["state"].as_str()?.to_owned())).unwrap_or_default()
    }

    /// The pid of a process; 0 when it is not running.
    pub(crate) fn pid(&self, name: &str) -> u32 {
        let pid = self.process(name).and_then(|process| process["pid"].as_u64()).unwrap_or(0);
        u32::try_from(pid).unwrap()
    }

    /// Waits until a process has this state word.
    #[track_caller]
    pub(crate) fn wait_for_word(&self, name: &str, word: &str) {
        self.wait_until(&format!("{name} is {word}"), PATIENCE, || self.word(name) == word);
    }

    /// Waits until a file of the project has a text in it.
    #[track_caller]
    pub(crate) fn wait_for_text(&self, file: &str, text: &str) {
        self.wait_until(&format!("{file} has `{text}`"), PATIENCE, || self.read(file).contains(text));
    }

    /// Waits until nothing of this test runs any more.
    #[track_caller]
    pub(crate) fn wait_for_silence(&self, limit: Duration) {
        self.wait_until("no process is left", limit, || self.survivors().is_empty());
    }

    /// Looks at a condition until it holds. When it does not in time, shows the status and the processes, and fails.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, limit: Duration, condition: impl FnMut() -> bool) {
        let came = comes(what, limit, condition);
        assert!(came, "not within {limit:?}: {what}\n{}", self.picture());
    }

    /// What there is to see of the project, for a test that fails.
    fn picture(&self) -> String {
        let status = match self.status_within(PICTURE) {
            Ok(Some(status)) => format!("{status:#}"),
            Ok(None) => "not up".to_owned(),
            Err(why) => why,
        };
        format!("{}\n--- status ---\n{status}", self.processes())
    }

    fn processes(&self) -> String {
        let processes: Vec<String> = self.survivors().iter().map(ToString::to_string).collect();
        format!("--- processes ---\n{}", processes.join("\n"))
    }

    /// The living processes of this test.
    pub(crate) fn survivors(&self) -> Vec<Found> {
        processes::with_variable(MARK, &self.mark)
    }

    /// Those of them that run our own binary.
    pub(crate) fn ours(&self) -> Vec<Found> {
        let binary = Path::new(env!("CARGO_BIN_EXE_run"));
        self.survivors().into_iter().filter(|found| found.executable == binary).collect()
    }

    /// Kills a process of ours.
    pub(crate) fn shoot(&self, found: &Found) {
        self.is_shot.set(true);
        found.kill();
    }

    /// Sockets that are left in the runtime directory.
    fn sockets(&self) -> Vec<PathBuf> {
        all_files(&self.runtime())
            .into_iter()
            .filter(|path| fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()))
            .collect()
    }
}

impl Drop for TestProject {
    fn drop(&mut self) {
        if !thread::panicking() {
            // Who has answered for the last time may still be on its way out.
            becomes_true(PATIENCE, || self.survivors().is_empty());
        }
        let left = self.survivors();
        for found in &left {
            found.kill();
        }
        if !thread::panicking() {
            assert!(left.is_empty(), "left running: {left:#?}");
            let sockets = self.sockets();
            assert!(sockets.is_empty() || self.is_shot.get(), "left behind: {sockets:?}");
        }
    }
}

/// All files below a directory, sorted.
pub(crate) fn all_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() && !path.is_symlink() {
            found.extend(all_files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_name() == ".data" {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A port of this machine that nobody has. The system chooses from 32768 on when it is asked for any, and what we give out ourselves ends
/// at 19999: so none of the tests that run at the same time is given this one.
pub(crate) fn free_port() -> u16 {
    const RANGE: std::ops::Range<u16> = 20_000..32_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        // Another process begins elsewhere.
        let number = std::process::id().wrapping_mul(97).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = RANGE.start + u16::try_from(number % u32::from(RANGE.end - RANGE.start)).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// [`becomes_true`], with a word on what was awaited for who fails while the condition is looked at.
fn comes(what: &str, limit: Duration, condition: impl FnMut() -> bool) -> bool {
    let _told = Awaited(what);
    becomes_true(limit, condition)
}

/// What a test waits for: told as well when it fails while the condition is looked at.
struct Awaited<'a>(&'a str);

impl Drop for Awaited<'_> {
    #[expect(clippy::print_stderr, reason = "a panic is under way, which knows nothing of it")]
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("it was awaited: {}", self.0);
        }
    }
}

/// What a command writes until its end. One that does not end in time is killed.
pub(crate) fn output_within(command: &mut Command, limit: Duration) -> Result<Output, String> {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_raw(child.id().cast_signed());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    receiver.recv_timeout(limit).map(Result::unwrap).map_err(|_| {
        // If it ends at this moment, there is nothing to signal.
        let _ = kill(pid, Signal::SIGKILL);
        let words = [command.get_program()].into_iter().chain(command.get_args()).map(std::ffi::OsStr::to_string_lossy);
        format!("`{}` has not ended within {limit:?}", words.collect::<Vec<_>>().join(" "))
    })
}

/// Looks at a condition until it holds; false when it does not in time.
pub(crate) fn becomes_true(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    loop {
        let looked = Instant::now();
        if condition() {
            return true;
        }
        if began.elapsed() > limit {
            return false;
        }
        // A look that takes long, as it starts a command of ours, takes time from what is waited for.
        thread::park_timeout(looked.elapsed().max(LOOK_EVERY));
    }
}

/// The lines of one program in the stream, without their prefix.
pub(crate) fn lines_of(stream: &str, name: &str) -> Vec<String> {
    let text_of = |line: &str| {
        let (prefix, text) = line.split_once("│ ").or_else(|| line.split_once("| "))?;
        (prefix.trim() == name).then(|| text.to_owned())
    };
    stream.lines().filter_map(text_of).collect()
}

/// Whether a tool is there. Says so when it is not, and fails when nothing may be skipped.
pub(crate) fn has_tool(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|directory| directory.join(tool).is_file());
    if !found {
        skipped(&format!("{tool} is not installed"));
    }
    found
}

/// Says that a test is skipped, and why; fails when nothing may be (`RUN_TESTS_NO_SKIP`).
#[expect(clippy::print_stderr, reason = "a test that is skipped has to be seen")]
pub(crate) fn skipped(why: &str) {
    assert!(std::env::var_os("RUN_TESTS_NO_SKIP").is_none(), "nothing may be skipped: {why}");
    eprintln!("SKIPPED: {why}");
}
