//! A terminal of a given size, with one of our commands on it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{OpenptyResult, Winsize, openpty};

use super::running::{Caught, Running};
use super::{PATIENCE, TestProject, becomes_true};

/// A pty and what came out of it.
pub(crate) struct Terminal<'a> {
    /// The command on it.
    pub(crate) running: Running<'a>,
    project: &'a TestProject,
    master: Option<Arc<File>>,
    screen: Caught,
    is_over: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl<'a> Terminal<'a> {
    /// Starts a command of ours as the leader of a session on a terminal of 100 columns and 40 lines.
    pub(crate) fn start(project: &'a TestProject, arguments: &[&str]) -> Self {
        let size = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(env!("CARGO_BIN_EXE_run")).args(arguments);
        project.into_world(&mut command);
        command.env("TERM", "xterm-256color");
        let end = |slave: &OwnedFd| Stdio::from(slave.try_clone().unwrap());
        command.stdin(end(&slave)).stdout(end(&slave)).stderr(end(&slave));
        let running = Running::start_with_own_streams(project, command);
        let (screen, is_over) = (Caught::default(), Arc::new(AtomicBool::new(false)));
        let master = Arc::new(File::from(master));
        let reader = read(Arc::clone(&master), screen.clone(), Arc::clone(&is_over));
        Self { running, project, master: Some(master), screen, is_over, reader: Some(reader) }
    }

    /// Everything that was written to it, with all control sequences.
    pub(crate) fn screen(&self) -> String {
        self.screen.text()
    }

    /// Waits until a text was written to it.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> &Self {
        let came = becomes_true(PATIENCE, || self.screen().contains(text));
        assert!(came, "`{text}` is not shown\n{}\n--- screen ---\n{}", self.project.picture(), self.screen());
        self
    }

    /// Types keys.
    pub(crate) fn press(&self, keys: &str) -> &Self {
        let mut master = self.master.as_deref().unwrap();
        master.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Closes the terminal, as a window that is closed.
    pub(crate) fn hang_up(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.master = None;
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        self.hang_up();
    }
}

/// Collects what comes, and looks now and then whether the terminal is to be closed.
fn read(master: Arc<File>, screen: Caught, is_over: Arc<AtomicBool>) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while !is_over.load(Ordering::Relaxed) {
            let mut interest = [PollFd::new(master.as_fd(), PollFlags::POLLIN)];
            if poll(&mut interest, PollTimeout::from(20_u8)).unwrap_or(0) == 0 {
                continue;
            }
            match (&*master).read(&mut buffer) {
                Ok(count @ 1..) => screen.add(&buffer[..count]),
                Ok(_) | Err(_) => break,
            }
        }
    })
}
