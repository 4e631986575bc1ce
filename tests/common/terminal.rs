//! A terminal of a given size, with one of our commands on it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};
use run::runtime::sys::set_window_size;

use super::running::{Caught, Running};
use super::{PATIENCE, TestProject, becomes_true};

/// A pty and what came out of it.
pub(crate) struct Terminal<'a> {
    /// The command on it.
    pub(crate) running: Running<'a>,
    project: &'a TestProject,
    master: Option<Arc<File>>,
    found: Termios,
    screen: Caught,
    is_over: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl<'a> Terminal<'a> {
    /// Starts a command of ours as the leader of a session on a terminal of 100 columns and 40 lines.
    pub(crate) fn start(project: &'a TestProject, arguments: &[&str]) -> Self {
        Self::start_program(project, Path::new(env!("CARGO_BIN_EXE_run")), arguments)
    }

    /// The same, with any program.
    pub(crate) fn start_program(project: &'a TestProject, program: &Path, arguments: &[&str]) -> Self {
        let (master, slave) = open();
        let found = tcgetattr(&master).unwrap();
        let mut command = Command::new("setsid");
        let start = format!("stty rows 40 cols 100; exec '{}' \"$@\"", program.display());
        command.args(["--ctty", "sh", "-c", &start, "run"]).args(arguments);
        project.put_into_world(&mut command);
        command.env("TERM", "xterm-256color");
        let end = || Stdio::from(slave.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        let running = Running::start_with_own_streams(project, command);
        let (screen, is_over) = (Caught::default(), Arc::new(AtomicBool::new(false)));
        let master = Arc::new(File::from(master));
        let reader = read(Arc::clone(&master), screen.clone(), Arc::clone(&is_over));
        Self { running, project, master: Some(master), found, screen, is_over, reader: Some(reader) }
    }

    /// Everything that was written to it, with all control sequences.
    pub(crate) fn screen(&self) -> String {
        self.screen.text()
    }

    /// The same, once nobody has it any more who could write.
    #[track_caller]
    pub(crate) fn whole_screen(&self) -> String {
        let is_whole = || self.reader.as_ref().is_none_or(JoinHandle::is_finished);
        assert!(becomes_true(PATIENCE, is_whole), "somebody holds it open\n{}", self.project.picture());
        self.screen()
    }

    /// Waits until a text was written to it.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> &Self {
        let came = becomes_true(PATIENCE, || self.screen().contains(text));
        assert!(came, "`{text}` is not shown\n{}\n--- screen ---\n{}", self.project.picture(), self.screen());
        self
    }

    /// Its modes: echo, line editing, ….
    pub(crate) fn local_flags(&self) -> LocalFlags {
        tcgetattr(self.master.as_deref().unwrap()).unwrap().local_flags
    }

    /// Whether all of its modes are as before anybody ran on it.
    pub(crate) fn is_as_found(&self) -> bool {
        tcgetattr(self.master.as_deref().unwrap()).unwrap() == self.found
    }

    /// Gives it another size, as a window that is dragged.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        let master = OwnedFd::from(self.master.as_deref().unwrap().try_clone().unwrap());
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        set_window_size(&master, size).unwrap();
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

/// Both ends of a new pty. Neither may be inherited by what another test starts at this moment, or it would never hang up.
fn open() -> (OwnedFd, File) {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let master = posix_openpt(flags).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NOCTTY.bits())
        .open(ptsname_r(&master).unwrap());
    (OwnedFd::from(master), slave.unwrap())
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
