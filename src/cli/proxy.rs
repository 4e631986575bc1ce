//! `run proxy`: names below `.localhost` for the programs of all running projects, until Ctrl-C.

use std::os::fd::AsFd;
use std::sync::{Arc, mpsc};
use std::thread;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::say;
use crate::cli::running::RunningProjects;
use crate::cli::settings::{Settings, Verbosity};
use crate::cli::up::holder;
use crate::model::Signal;
use crate::model::local_name::PROXY_PORT;
use crate::proxy::{News, Plan, Proxy};
use crate::registry::Homes;
use crate::runtime::os::Signals;

/// Give the programs of all running projects names: `http://NAME.PROJECT.localhost:7777`.
///
/// Runs until Ctrl-C, on loopback only. `[proxy] enable = true` in run.toml does the same as long as the project is up. One runs at
/// a time; others wait and take over.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where to listen.
    #[arg(long, value_name = "N", default_value_t = PROXY_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
}

impl Default for Args {
    fn default() -> Self {
        Self { port: PROXY_PORT }
    }
}

/// Runs it to its end.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    // Before there is a second thread: it is this one that hears them.
    let signals = Signals::new(&[Signal::INT, Signal::TERM, Signal::HUP])?;
    let homes = Homes::of_this_user();
    let plan = Plan { homes: homes.clone(), port: args.port, project: None };
    let is_quiet = settings.verbosity == Verbosity::Quiet;
    let (over, is_over) = mpsc::channel();
    let interrupted = over.clone();
    let proxy = Proxy::start(plan, Arc::new(RunningProjects::new(homes.clone())), move |news| match news {
        News::Failed(problem) => drop(over.send(Err(CommandError::user(problem)))),
        News::Taken(port) => say(&format!("port {port} is taken by {}; it is tried again\n", holder(port, &homes))),
        News::Serving(_) | News::Waiting(_) if is_quiet => {}
        News::Serving(port) => {
            say(&format!("http://NAME.PROJECT.localhost:{port}   http://localhost:{port} lists what runs\n"));
        }
        News::Waiting(by) => {
            let who = by.project.map_or_else(String::new, |project| format!(" of project {project}"));
            say(&format!("the proxy{who} (pid {}) runs already; this one takes over when that ends\n", by.pid));
        }
    })?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || drop(interrupted.send(signal(&signals))))?;
    let ended = is_over.recv().unwrap_or(Ok(()));
    drop(proxy);
    ended.map(|()| ExitCode::Fine)
}

/// Returns when one of the signals has come.
fn signal(signals: &Signals) -> Result<(), CommandError> {
    loop {
        match poll(&mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE) {
            Ok(0) | Err(nix::errno::Errno::EINTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(CommandError::internal(format!("could not wait for signals: {error}"))),
        }
    }
}
