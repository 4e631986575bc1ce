//! A project that is up: its lock is held, its socket answers, and what is asked of its supervisor is answered by a function.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use run::model::WallTime;
use run::registry::{self, Environment, Homes, Identity, Meta, OwnerFacts, Places};
use run::runtime::clock::Clock;
use run::runtime::handle::{Handle, Message};
use run::serve::{Listener, serve};
use run::supervisor::action::Outcome;
use run::supervisor::event::Command as Asked;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot, watch};

use crate::sample;

/// A running project in a directory of its own. It ends when this is dropped, or when it is asked to.
pub(crate) struct Project {
    directory: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a command printed and how it ended.
pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: i32,
}

impl Project {
    /// Comes up, and answers commands with this function; `Shutdown` is always accepted, and ends it.
    pub(crate) fn up(answer: fn(&Asked) -> Outcome) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for path in ["src/.git", "src/web/app", "run", "state"] {
            fs::create_dir_all(directory.path().join(path)).unwrap();
        }
        let places = places(&directory);
        let facts = owner(&places, fs::canonicalize(directory.path().join("src")).unwrap());
        let lock = registry::lock(&places, &facts).unwrap();
        let (stop, stopped) = oneshot::channel();
        let (bound, is_bound) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = Listener::bind(&places.socket).unwrap();
                bound.send(()).unwrap();
                answer_until_the_end(listener, answer, stopped).await;
            });
            drop(lock);
        });
        is_bound.recv().unwrap();
        Self { directory, stop: Some(stop), thread: Some(thread) }
    }

    /// Writes what the last `up` would have written into the state directory.
    pub(crate) fn with_meta(self) -> Self {
        let mut places = places(&self.directory);
        assert_eq!(places.make_state_dir(), None);
        let root = fs::canonicalize(self.directory.path().join("src")).unwrap();
        let processes = sample::project().processes().map(|(_, _, instance)| instance.name.clone()).collect();
        let root = root.to_str().unwrap().to_owned();
        let meta = Meta { name: "shop-fix".into(), root, processes, ups: 1, ..Meta::default() };
        registry::write_meta(&places, &meta).unwrap();
        self
    }

    /// Where its logs are kept.
    pub(crate) fn logs(&self) -> PathBuf {
        places(&self.directory).logs().unwrap()
    }

    /// Where its state is kept.
    pub(crate) fn state(&self) -> PathBuf {
        places(&self.directory).state_dir.unwrap()
    }

    /// A command somewhere inside the project.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let path = |name: &str| self.directory.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_run"));
        command.args(words).current_dir(path("src/web/app")).env_clear().env("TZ", "UTC");
        command.env("HOME", path("")).env("XDG_RUNTIME_DIR", path("run")).env("XDG_STATE_HOME", path("state"));
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        let output = self.command(words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { out: text(output.stdout), err: text(output.stderr), code: output.status.code().unwrap() }
    }

    /// Ends it and waits until it has.
    pub(crate) fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn places(directory: &TempDir) -> Places {
    let path = |name: &str| Some(directory.path().join(name));
    let environment = Environment { runtime_dir: path("run"), state_home: path("state"), home: path("") };
    let uid = nix::unistd::geteuid().as_raw();
    let root = fs::canonicalize(directory.path().join("src")).unwrap();
    Homes::choose(&environment, uid, |_| true).places(&Identity::new(&root, None))
}

fn owner(places: &Places, root: PathBuf) -> OwnerFacts {
    OwnerFacts {
        pid: std::process::id(),
        since: WallTime(1_700_000_000_000),
        name: "shop-fix".into(),
        explicit_name: None,
        root,
        files: vec!["run.toml".into()],
        at_terminal: false,
        socket: places.socket.clone(),
        version: "0".into(),
    }
}

async fn answer_until_the_end(listener: Listener, answer: fn(&Asked) -> Outcome, stopped: oneshot::Receiver<()>) {
    let (snapshots, view) = watch::channel(sample::snapshot());
    let (sender, mut incoming) = mpsc::unbounded_channel();
    let handle = Handle::new(sender, view, Arc::new(sample::facts()), Clock::frozen(sample::now()));
    let (ending, ended) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let mut ending = Some(ending);
        // Held here, so that the handle has something to read for as long as commands are answered.
        let _snapshots = snapshots;
        while let Some(message) = incoming.recv().await {
            let Message::Ask { command, reply, .. } = message else { continue };
            let is_end = command == Asked::Shutdown;
            let _ = reply.send(if is_end { Outcome::Accepted } else { answer(&command) });
            if is_end {
                drop(ending.take());
            }
        }
    });
    let end = async {
        tokio::select! {
            _ = stopped => {}
            _ = ended => {}
        }
    };
    serve(listener, handle, None, end).await;
}
