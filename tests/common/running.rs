//! A command of ours in the background, its output caught as it comes.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Done, PATIENCE, TestProject, becomes_true, comes};

/// Bytes that a thread collects while the test looks at them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caught(Arc<Mutex<Vec<u8>>>);

impl Caught {
    /// Collects everything that a reader gives.
    pub(crate) fn from(mut source: impl Read + Send + 'static) -> Self {
        let caught = Self::default();
        let sink = caught.clone();
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            // A pipe ends with 0, a terminal with an error.
            while let Ok(count @ 1..) = source.read(&mut buffer) {
                sink.add(&buffer[..count]);
            }
        });
        caught
    }

    /// Adds what has come.
    pub(crate) fn add(&self, bytes: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(bytes);
    }

    /// What has come so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    /// What has come so far, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }
}

/// A command in the background. When it is dropped, it is asked to end, and waited for.
pub(crate) struct Running<'a> {
    project: &'a TestProject,
    child: Child,
    out: Caught,
    err: Caught,
}

impl<'a> Running<'a> {
    /// Starts a prepared command.
    pub(crate) fn start(project: &'a TestProject, mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = Caught::from(child.stdout.take().unwrap());
        let err = Caught::from(child.stderr.take().unwrap());
        Self { project, child, out, err }
    }

    /// Starts a prepared command whose streams the test holds itself.
    pub(crate) fn start_with_own_streams(project: &'a TestProject, mut command: Command) -> Self {
        let child = command.spawn().unwrap();
        Self { project, child, out: Caught::default(), err: Caught::default() }
    }

    /// Its pid.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to stdout so far.
    pub(crate) fn stdout(&self) -> String {
        self.out.text()
    }

    /// What it has written to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.err.text()
    }

    /// Sends a signal to this one process.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits until one of the streams has a text.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> &Self {
        self.wait_until(&format!("`{text}` is written"), || {
            self.stdout().contains(text) || self.stderr().contains(text)
        });
        self
    }

    /// Waits until everything is ready, as the banner tells.
    #[track_caller]
    pub(crate) fn wait_for_banner(&self) -> &Self {
        self.wait_for("up in ")
    }

    /// Waits for a condition, and shows the output when it does not come.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, condition: impl FnMut() -> bool) {
        let came = comes(what, PATIENCE, condition);
        assert!(came, "not within {PATIENCE:?}: {what}\n{}\n{}", self.project.picture(), self.output());
    }

    fn output(&self) -> String {
        format!("--- stdout ---\n{}\n--- stderr ---\n{}", self.stdout(), self.stderr())
    }

    /// Whether it has ended, and how.
    pub(crate) fn has_ended(&mut self) -> Option<i32> {
        self.child.try_wait().unwrap().map(code)
    }

    /// Waits for its end, and for the last bytes that it wrote.
    #[track_caller]
    pub(crate) fn end(mut self) -> Done {
        let has_ended = becomes_true(PATIENCE, || self.has_ended().is_some());
        assert!(has_ended, "it does not end\n{}\n{}", self.project.picture(), self.output());
        // A reader lets go of its handle at the end of its pipe, which comes when nobody holds the other end any more.
        let is_drained = || [&self.out, &self.err].iter().all(|caught| Arc::strong_count(&caught.0) == 1);
        assert!(
            becomes_true(PATIENCE, is_drained),
            "its output is held open\n{}\n{}",
            self.project.picture(),
            self.output()
        );
        Done { code: self.has_ended().unwrap(), stdout: self.stdout(), stderr: self.stderr() }
    }

    /// Ctrl-C as a terminal would send it to this process, and the end of it.
    #[track_caller]
    pub(crate) fn interrupt(self) -> Done {
        self.signal(Signal::SIGINT);
        self.end()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        for (signal, limit) in [(Signal::SIGTERM, 15), (Signal::SIGINT, 3), (Signal::SIGKILL, 5)] {
            if self.has_ended().is_some() {
                return;
            }
            // It may end at any moment; then there is nothing to signal.
            let _ = kill(Pid::from_raw(self.child.id().cast_signed()), signal);
            becomes_true(Duration::from_secs(limit), || self.has_ended().is_some());
        }
    }
}

/// The exit code, or 128 + signal.
pub(crate) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}
