//! The lives of a project under supervisord's name: the first begins with everything that is done once (limits, user, background), each
//! one after a HUP or a client's `restart` with the config as it is then, in the same process and under the same lock.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::pidfile::Pidfile;
use super::{limits, user};
use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::project::{self, LoadOptions, Loaded};
use crate::cli::settings::{Settings, Stream};
use crate::cli::up;
use crate::cli::up::session::{Life, Quiet, Session};
use crate::codec::python::repr;
use crate::config::request::AsSupervisord;
use crate::logs::Hub;
use crate::model::WallTime;
use crate::model::supervisord::{Daemon, LogLevel};
use crate::plan::ports::Ports;
use crate::registry::{self, Lock};
use crate::runtime::daemon::{self, Beginning, Side};
use crate::runtime::driver::Ended;
use crate::runtime::os;
use crate::supervisor::ExitPolicy;

/// Said at every start as root by who does not say that he means it (supervisor `options.py` `set_uid_or_exit`).
const AS_ROOT: &str = "Supervisor is running as root.  Privileges were not dropped because no user is specified in the config file.  If \
                       you intend to run as root, you can set user=root in the config file to avoid this message.";

/// A line for the main log.
type Line = (LogLevel, String);

/// Lives until nobody asks for another life.
pub(super) fn live(
    settings: &Settings,
    file: PathBuf,
    options: Vec<(&'static str, String)>,
) -> Result<ExitCode, CommandError> {
    let settings = Settings { files: vec![file], ..settings.clone() };
    let asked = AsSupervisord { started_in: settings.directory.clone(), options };
    let options = LoadOptions { as_supervisord: Some(asked), ..LoadOptions::default() };
    let mut loaded = project::load_with(&settings, &options)?;
    let mut lines = told(&loaded);
    let daemon = daemon_of(&loaded);
    let done = limits::raise(daemon.minfds, daemon.minprocs).map_err(CommandError::user)?;
    lines.extend(become_user(daemon.user.as_deref())?);
    lines.extend(done.into_iter().map(|line| (LogLevel::Info, line)));
    // Process lists call us by the name that people look for.
    os::name_process(c"supervisord").ok();
    let name = place(&settings, &mut loaded);
    let settings = Settings { name, ..settings };
    check_logfile(&daemon)?;
    let mut leaving = Vec::new();
    let beginning = match leave(&daemon, &mut leaving)? {
        Stand::Parent(code) => return Ok(ExitCode::Program(code)),
        Stand::Daemon(beginning) => beginning,
    };
    let mut all = Lives { settings, options, loaded, lines, leaving, beginning, pidfile: None, lock: None };
    loop {
        let ended = all.one()?;
        if !ended.restarts {
            return Ok(all.exit_code(ended));
        }
        all.read_again();
    }
}

/// What goes on from one life to the next.
struct Lives {
    settings: Settings,
    options: LoadOptions,
    loaded: Loaded,
    /// What is to be said once the main log is open.
    lines: Vec<Line>,
    /// What is to be said of the way into the background.
    leaving: Vec<Line>,
    /// Who waits for the first one.
    beginning: Option<Beginning>,
    pidfile: Option<Pidfile>,
    lock: Option<Box<Lock>>,
}

impl Lives {
    fn one(&mut self) -> Result<Ended, CommandError> {
        let Self { settings, loaded, lines, leaving, beginning, pidfile, lock, .. } = self;
        settle_logs(loaded);
        let daemon = daemon_of(loaded);
        let notes: Vec<String> = up::reclaim(loaded).filter(|_| lock.is_none()).into_iter().collect();
        // As the original has them: what is worst comes first.
        lines.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
        let (lines, leaving) = (std::mem::take(lines), std::mem::take(leaving));
        let beginning = beginning.take();
        let quiet = Quiet {
            shows_log: daemon.nodaemon && !daemon.silent,
            lines,
            leaving,
            begun: Box::new(|hub, at| {
                write_pid(pidfile, &daemon.pidfile, hub, at);
                beginning.map_or(Ok(()), |beginning| Ok(beginning.has_begun()?))
            }),
        };
        let session = Session {
            settings,
            policy: if daemon.exit_on_failure { ExitPolicy::OnFailure } else { ExitPolicy::KeepGoing },
            loaded: loaded.clone(),
            ports: Ports::default(),
            port_notes: Vec::new(),
            notes,
            chosen: None,
            with_needs: true,
            timestamps: 0,
            only_stderr: false,
            keys: false,
            detach: Rc::default(),
            detach_when_ready: false,
            was_cut_short: Rc::default(),
            timeout: None,
            quiet: Some(quiet),
            lock: lock.take(),
        };
        match session.run()? {
            Life::Over(ended, kept) => {
                self.lock = Some(kept.lock);
                Ok(ended)
            }
            Life::Taken(_) => Err(self.taken()),
        }
    }

    /// Somebody runs this project already: he has its servers, too.
    fn taken(&self) -> CommandError {
        let root = &self.loaded.project.root;
        match registry::find(&self.loaded.homes, root, self.settings.name.as_deref()) {
            Some(running) => CommandError::project(up::TAKEN).hint(up::refusal(&running.owner).message),
            None => CommandError::project("another run of this project has just ended"),
        }
    }

    /// The config as it is now. It was readable when the end was asked for; if it is not any more, what it said before counts.
    fn read_again(&mut self) {
        match project::load_with(&self.settings, &self.options) {
            Ok(loaded) => {
                self.loaded = loaded;
                self.lines = told(&self.loaded);
                let is_named = daemon_of(&self.loaded).user.is_some();
                self.lines.extend((!is_named).then(as_root).flatten());
            }
            Err(error) => {
                let why = error.render(&Stream::plain());
                let why = format!("the config was not read again, it stays as it was:\n{}", why.trim_end());
                self.lines = vec![(LogLevel::Critical, why)];
            }
        }
    }

    /// 0 whatever the programs did, as ever; only who asked for it gets the code of a failure.
    fn exit_code(&self, ended: Ended) -> ExitCode {
        let counts = ended.is_forced || daemon_of(&self.loaded).exit_on_failure;
        if counts { ExitCode::Program(ended.code) } else { ExitCode::Fine }
    }
}

/// Without a place of our own, log files that nobody named are where the original has them.
fn settle_logs(loaded: &mut Loaded) {
    loaded.places.make_state_dir();
    if let (None, Some(conf)) = (&loaded.places.state_dir, &mut Arc::make_mut(&mut loaded.project).supervisord) {
        conf.daemon.childlogdir.get_or_insert_with(std::env::temp_dir);
    }
}

/// Writes our pid where the config wants it; it stays there from life to life. That it cannot be written ends nothing.
fn write_pid(pidfile: &mut Option<Pidfile>, path: &Path, hub: &Hub, at: WallTime) {
    if pidfile.as_ref().is_some_and(|written| written.path() == path) {
        return;
    }
    *pidfile = None;
    match Pidfile::write(path) {
        Ok(written) => *pidfile = Some(written),
        Err(_) => hub.log(LogLevel::Critical, at, format!("could not write pidfile {}", path.display())),
    }
}

/// That the main log can be written, while there is somebody to be told.
fn check_logfile(daemon: &Daemon) -> Result<(), CommandError> {
    let Some(path) = &daemon.logfile else { return Ok(()) };
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    match OpenOptions::new().append(true).create(true).custom_flags(flags).open(path) {
        // A pipe that nobody reads yet.
        Err(error) if error.raw_os_error() != Some(libc::ENXIO) => {
            Err(CommandError::user(format!("could not open the logfile {}: {error}", path.display())))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn daemon_of(loaded: &Loaded) -> Daemon {
    loaded.project.supervisord.as_ref().map(|conf| conf.daemon.clone()).unwrap_or_default()
}

fn become_user(user: Option<&str>) -> Result<Option<Line>, CommandError> {
    let done = user::become_user(user).map_err(CommandError::user)?;
    Ok(match done {
        Some(line) => Some((LogLevel::Info, line)),
        None => as_root(),
    })
}

/// What is said to root who does not say that he means it.
fn as_root() -> Option<Line> {
    nix::unistd::getuid().is_root().then(|| (LogLevel::Critical, AS_ROOT.to_owned()))
}

/// Which side of the fork we are on.
enum Stand {
    /// The one that waits, and how it ends.
    Parent(u8),
    /// The one that works, and who is to be told that it has begun.
    Daemon(Option<Beginning>),
}

/// Leaves the foreground, unless we are to stay there.
fn leave(daemon: &Daemon, lines: &mut Vec<Line>) -> Result<Stand, CommandError> {
    if daemon.nodaemon {
        return Ok(Stand::Daemon(None));
    }
    let beginning = match daemon::split()? {
        Side::Parent(waiting) => return Ok(Stand::Parent(waiting.wait()?)),
        Side::Daemon(beginning) => beginning,
    };
    lines.push((LogLevel::Info, "daemonizing the supervisord process".to_owned()));
    daemon::set_mask(daemon.umask);
    if let Some(directory) = &daemon.directory {
        let shown = repr(&directory.to_string_lossy());
        lines.push(match std::env::set_current_dir(directory) {
            Ok(()) => (LogLevel::Info, format!("set current directory: {shown}")),
            Err(error) => (LogLevel::Critical, format!("can't chdir into {shown}: {error}")),
        });
    }
    Ok(Stand::Daemon(Some(beginning)))
}

/// Looks for the project's places as whom we are now. A directory holds one project, so a second config in it becomes one of its own,
/// under the name of its file, while the first is up. Returns that name.
fn place(settings: &Settings, loaded: &mut Loaded) -> Option<String> {
    loaded.move_home(settings.name.as_deref());
    let root = &loaded.project.root;
    let other = registry::find(&loaded.homes, root, None).filter(|running| {
        settings.name.is_none()
            && running.places.identity == loaded.places.identity
            && running.owner.files != loaded.file_names()
    });
    let Some(stem) = other.and_then(|_| loaded.project.files.first()?.file_stem()?.to_str().map(str::to_owned)) else {
        return settings.name.clone();
    };
    loaded.move_home(Some(&stem));
    loaded.display_name.clone_from(&stem);
    Some(stem)
}

/// What the loader has to say.
fn told(loaded: &Loaded) -> Vec<Line> {
    let mut lines: Vec<Line> =
        loaded.warnings.list.iter().map(|warning| (LogLevel::Warn, warning.message.clone())).collect();
    let included = loaded.project.files.iter().skip(1);
    lines.extend(
        included.map(|file| (LogLevel::Info, format!("Included extra file \"{}\" during parsing", file.display()))),
    );
    lines
}
