//! A stage with a supervisord.conf, and the daemon on it.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::bridge::{Bridge, Refusal};
use crate::common::{Done, PATIENCE, Running, TestProject, becomes_true};
use crate::response::Connection;
use crate::scenario::wait_for_programs;
use crate::side::{Side, tool};

/// What every config begins with; a later `[supervisord]` adds to this one.
const PREAMBLE: &str = "\
[unix_http_server]
file = %(here)s/s.sock

[supervisord]
logfile = %(here)s/main.log
pidfile = %(here)s/main.pid
childlogdir = %(here)s

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl = unix://%(here)s/s.sock

";

/// Programs that stay, and that end well and badly when they are told to.
pub(crate) const ENDINGS: &str = "\
[program:cat]
command = cat
startsecs = 0

[program:good]
command = sh -c 'read x; exit 0'
startsecs = 0
autorestart = false

[program:bad]
command = sh -c 'read x; exit 3'
startsecs = 0
autorestart = false
";

/// A directory with a config, in a world of its own.
pub(crate) struct Stage {
    pub(crate) side: Side,
    pub(crate) project: TestProject,
}

impl Stage {
    /// With this text behind the usual sections.
    pub(crate) fn new(side: Side, conf: &str) -> Self {
        Self::bare(side, &format!("{PREAMBLE}{conf}"))
    }

    /// With this text alone.
    pub(crate) fn bare(side: Side, conf: &str) -> Self {
        Self { side, project: TestProject::empty().file("supervisord.conf", conf) }
    }

    /// With one more file.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        self.project.write(name, text);
        self
    }

    /// With one more variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.project = self.project.env(name, value);
        self
    }

    /// Writes another config, behind the usual sections.
    pub(crate) fn write(&self, conf: &str) {
        self.project.write("supervisord.conf", format!("{PREAMBLE}{conf}"));
    }

    /// A path on the stage.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.project.path(name)
    }

    /// A file's text; empty when it is not there.
    pub(crate) fn read(&self, name: &str) -> String {
        self.project.read(name)
    }

    /// supervisord with its own command line.
    pub(crate) fn supervisord(&self, arguments: &[&str]) -> Command {
        match self.side {
            Side::Original => self.command(&tool("supervisord"), arguments),
            Side::Ours => {
                let words: Vec<&str> = ["supervisord"].iter().chain(arguments).copied().collect();
                self.project.command(&words)
            }
        }
    }

    /// Any program, in this world.
    pub(crate) fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments);
        self.project.put_into_world(&mut command);
        command
    }

    /// Runs supervisord to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.project.finish(self.supervisord(arguments))
    }

    /// Starts the daemon in the foreground and waits until it answers.
    pub(crate) fn start(&self) -> Daemon<'_> {
        self.start_with_login(None)
    }

    /// The daemon in the foreground, silent.
    pub(crate) fn foreground(&self) -> Command {
        self.supervisord(&["-n", "-s", "-c", "supervisord.conf"])
    }

    /// The same, where the socket wants a name and a password.
    pub(crate) fn start_with_login(&self, login: Option<(&str, &str)>) -> Daemon<'_> {
        let running = Running::start(&self.project, self.foreground());
        let url = match login {
            Some((name, password)) => self.url().replace("unix://", &format!("unix://{name}:{password}@")),
            None => self.url(),
        };
        let daemon = Daemon { stage: self, running, bridge: RefCell::new(Bridge::new(&self.project, &url)) };
        daemon.wait_until_up();
        daemon
    }

    /// Starts the daemon in the foreground with more options, and waits until it answers.
    pub(crate) fn start_with(&self, arguments: &[&str]) -> Daemon<'_> {
        let words: Vec<&str> = ["-n", "-c", "supervisord.conf"].iter().chain(arguments).copied().collect();
        self.start_as(self.supervisord(&words))
    }

    pub(crate) fn start_as(&self, command: Command) -> Daemon<'_> {
        let running = Running::start(&self.project, command);
        let daemon = Daemon { stage: self, running, bridge: RefCell::new(self.bridge()) };
        daemon.wait_until_up();
        daemon
    }

    /// The URL of the socket.
    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.path("s.sock").display())
    }

    /// A client of the socket.
    pub(crate) fn bridge(&self) -> Bridge {
        Bridge::new(&self.project, &self.url())
    }

    /// The real supervisorctl. What has been started is a program when this returns.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> Done {
        let words: Vec<&str> = ["-c", "supervisord.conf"].iter().chain(arguments).copied().collect();
        let mut command = self.command(&tool("supervisorctl"), &words);
        command.env("PYTHONUNBUFFERED", "1");
        let done = self.project.finish(command);
        wait_for_programs(&self.project);
        done
    }

    /// Waits for a condition.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, condition: impl FnMut() -> bool) {
        let came = becomes_true(PATIENCE, condition);
        assert!(came, "not in time: {what}\n--- main.log ---\n{}", self.read("main.log"));
    }

    /// Waits until a file has a text in it.
    #[track_caller]
    pub(crate) fn wait_for_text(&self, file: &str, text: &str) {
        self.wait_until(&format!("{file} has `{text}`"), || self.read(file).contains(text));
    }
}

/// A daemon that answers.
pub(crate) struct Daemon<'a> {
    pub(crate) stage: &'a Stage,
    running: Running<'a>,
    bridge: RefCell<Bridge>,
}

impl Daemon<'_> {
    /// Waits until it says that it is running, and, for a moment, until it knows the pid of whatever it starts.
    #[track_caller]
    pub(crate) fn wait_until_up(&self) {
        let is_up = || self.call("getState", json!([])).is_ok_and(|state| state["statename"] == "RUNNING");
        self.running.wait_until("the daemon answers", is_up);
        // What a program does may be seen before its start is told to ours. Who waits for another has no pid for longer.
        let is_on_its_way = |info: &Value| info["statename"] == "STARTING" && info["pid"] == 0;
        becomes_true(PATIENCE / 40, || {
            let all = self.call("getAllProcessInfo", json!([]));
            all.is_ok_and(|all| !all.as_array().unwrap().iter().any(is_on_its_way))
        });
    }

    /// Calls a method of `supervisor.`, or one with another dotted name. What has been started is a program when this returns.
    #[expect(clippy::needless_pass_by_value, reason = "the cases write `json!([…])` where they call")]
    pub(crate) fn call(&self, method: &str, params: Value) -> Result<Value, Refusal> {
        let whole = if method.contains('.') { method.to_owned() } else { format!("supervisor.{method}") };
        let answer = self.bridge.borrow_mut().call(&whole, &params);
        wait_for_programs(&self.stage.project);
        answer
    }

    /// The value of a call that is not refused.
    #[track_caller]
    pub(crate) fn value(&self, method: &str, params: Value) -> Value {
        let shown = params.to_string();
        self.call(method, params).unwrap_or_else(|refusal| panic!("{method}{shown}: {refusal:?}"))
    }

    /// The fault of a call.
    #[track_caller]
    pub(crate) fn fault(&self, method: &str, params: Value) -> (i64, String) {
        let shown = params.to_string();
        match self.call(method, params) {
            Err(Refusal::Fault(code, text)) => (code, text),
            other => panic!("{method}{shown}: {other:?}"),
        }
    }

    /// What getProcessInfo says.
    #[track_caller]
    pub(crate) fn info(&self, name: &str) -> Value {
        self.value("getProcessInfo", json!([name]))
    }

    /// The name of a process's state.
    #[track_caller]
    pub(crate) fn state(&self, name: &str) -> String {
        self.info(name)["statename"].as_str().unwrap().to_owned()
    }

    /// The pid of a process that runs. What it does itself may be seen before its start is told.
    #[track_caller]
    pub(crate) fn pid(&self, name: &str) -> i64 {
        let mut pid = 0;
        self.wait_until(&format!("{name} has a pid"), || {
            pid = self.info(name)["pid"].as_i64().unwrap();
            pid != 0
        });
        pid
    }

    /// Waits until a process is in a state.
    #[track_caller]
    pub(crate) fn wait_state(&self, name: &str, state: &str) {
        self.wait_until(&format!("{name} is {state}"), || self.state(name) == state);
    }

    /// Waits for a condition, and shows the main log and the processes when it does not come.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, condition: impl FnMut() -> bool) {
        let came = becomes_true(PATIENCE, condition);
        let log = self.stage.read("main.log");
        assert!(came, "not in time: {what}\n{:#?}\n--- main.log ---\n{log}", self.call("getAllProcessInfo", json!([])));
    }

    /// The real supervisorctl, with this exit code; what it says.
    #[track_caller]
    pub(crate) fn ctl(&self, arguments: &[&str], code: i32) -> String {
        self.stage.ctl(arguments).expect_code(code).stdout
    }

    /// A connection to the socket.
    pub(crate) fn connect(&self) -> Connection {
        Connection::unix(&self.stage.path("s.sock"))
    }

    /// The daemon's pid.
    pub(crate) fn daemon_pid(&self) -> u32 {
        self.running.pid()
    }

    /// Sends the daemon a signal.
    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        self.running.signal(signal);
    }

    /// Waits for its end, by itself.
    #[track_caller]
    pub(crate) fn end(self) -> Done {
        self.running.end()
    }

    /// Ends it by a signal.
    #[track_caller]
    pub(crate) fn end_by(self, signal: nix::sys::signal::Signal) -> Done {
        self.signal(signal);
        self.end()
    }

    /// Waits for its end, and keeps the rest.
    #[track_caller]
    pub(crate) fn wait_for_end(&mut self) {
        assert!(becomes_true(PATIENCE, || self.running.has_ended().is_some()), "it does not end");
    }

    /// What it has written to stdout so far.
    pub(crate) fn stdout(&self) -> String {
        self.running.stdout()
    }
}

/// Whether a process lives.
pub(crate) fn is_alive(pid: i64) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}
