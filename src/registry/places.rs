//! The directories of this user, and the paths of one project in them.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::directory::{make_all, make_private, verify_private};
use super::identity::Identity;
use crate::model::status::NOT_KEPT;

/// A path of a socket may have 107 bytes on Linux (unix(7), `sun_path` and its final zero), 103 elsewhere; this much of it is
/// ours: `/runup/`, an identity and the longest `/notify.PROCESS.GENERATION`.
const LONGEST_RUNTIME_DIR: usize = 103 - (7 + 16 + 29);

/// How the name of a file begins that remembers a user whom root has become.
const USER: &str = "user-";

/// The variables that decide where things are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
}

impl Environment {
    /// Those of this process. Empty and relative ones count as unset, as the XDG base directory specification has it.
    pub fn of_this_process() -> Self {
        let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        Self {
            runtime_dir: absolute("XDG_RUNTIME_DIR"),
            state_home: absolute("XDG_STATE_HOME"),
            home: absolute("HOME"),
        }
    }
}

/// The directories of this user that hold every project's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Homes {
    /// Where locks and sockets are made.
    pub runtime: PathBuf,
    /// Where those of a project may be too, that was started with another environment.
    pub other_runtimes: Vec<PathBuf>,
    /// Where logs and state are kept; `None` without a home directory.
    pub state: Option<PathBuf>,
    /// Whose they are.
    pub uid: u32,
}

impl Homes {
    /// Those of this process's user.
    pub fn of_this_user() -> Self {
        let uid = geteuid().as_raw();
        let is_ours = |path: &Path| fs::metadata(path).is_ok_and(|found| found.is_dir() && found.uid() == uid);
        let mut environment = Environment::of_this_process();
        if environment.home.as_deref().is_some_and(|home| !is_ours(home)) {
            // Whoever has become another user without a login still has the home of the one before.
            let own = nix::unistd::User::from_uid(uid.into()).ok().flatten().map(|user| user.dir);
            environment.home = own.filter(|home| is_ours(home)).or(environment.home);
        }
        Self::choose(&environment, uid, is_ours)
    }

    /// Decides from the variables. A runtime directory is used when it is this user's (it is another's after `su` and `sudo -E`)
    /// and short enough for a socket.
    pub fn choose(environment: &Environment, uid: u32, is_ours: impl Fn(&Path) -> bool) -> Self {
        let usable = |path: &PathBuf| path.as_os_str().as_bytes().len() <= LONGEST_RUNTIME_DIR && is_ours(path);
        let session = PathBuf::from(format!("/run/user/{uid}"));
        let shared = PathBuf::from(format!("/tmp/runup-{uid}"));
        let (runtime, other) = match environment.runtime_dir.clone().filter(usable) {
            Some(directory) => (directory.join("runup"), shared),
            None => (shared, session.join("runup")),
        };
        let state = environment.state_home.clone();
        let state = state.or_else(|| environment.home.as_ref().map(|home| home.join(".local/state")));
        Self { runtime, other_runtimes: vec![other], state: state.map(|state| state.join("runup")), uid }
    }

    /// Remembers that root becomes this user for a project: only then root may be answered by one of theirs. Whoever else puts
    /// something at their place could pass for a project that root wants to start or to end.
    pub fn remember_user(&self, uid: u32) -> Result<(), PlaceError> {
        make_private(&self.runtime, self.uid)?;
        let path = self.runtime.join(format!("{USER}{uid}"));
        fs::write(&path, "").map_err(|source| PlaceError::Io { path, source })
    }

    /// Those of other users that root has become for a project, as for a supervisord that does not stay root.
    /// Without a place for state: see [`Self::with_state`].
    pub(super) fn of_others(&self) -> Vec<Self> {
        let own = std::iter::once(&self.runtime).chain(&self.other_runtimes);
        let own = own.filter(|home| verify_private(home, self.uid).is_ok());
        let entries = own.filter_map(|home| fs::read_dir(home).ok()).flatten().flatten();
        let uids = entries.filter_map(|entry| entry.file_name().to_str()?.strip_prefix(USER)?.parse::<u32>().ok());
        let uids: BTreeSet<u32> = uids.collect();
        uids.into_iter().map(|uid| Self::choose(&Environment::default(), uid, |_| false)).collect()
    }

    /// As a user without any variables but its own home has them. Where that is may have to be asked of a server.
    pub(super) fn with_state(&self) -> Self {
        let home = nix::unistd::User::from_uid(self.uid.into()).ok().flatten().map(|user| user.dir);
        Self::choose(&Environment { home, ..Environment::default() }, self.uid, |_| false)
    }

    /// The paths of one project.
    pub fn places(&self, identity: &Identity) -> Places {
        self.places_in(&self.runtime, identity)
    }

    /// The paths that a project may have, the one it would be given now first.
    pub(super) fn all_places(&self, identity: &Identity) -> impl Iterator<Item = Places> {
        let runtimes = std::iter::once(&self.runtime).chain(&self.other_runtimes);
        runtimes.map(|runtime| self.places_in(runtime, identity))
    }

    fn places_in(&self, runtime: &Path, identity: &Identity) -> Places {
        let runtime_dir = runtime.join(identity.as_str());
        Places {
            identity: identity.clone(),
            lock: runtime_dir.join("lock"),
            socket: runtime_dir.join("socket"),
            runtime_dir,
            state_dir: self.state.as_ref().map(|state| state.join(identity.as_str())),
            homes: self.clone(),
        }
    }

    /// The ledger of `"auto"` ports; one for all projects of this user.
    pub fn port_ledger(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|state| state.join("ports.json"))
    }
}

/// The paths of one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Whose they are.
    pub identity: Identity,
    /// For lock and sockets; of mode 0700.
    pub runtime_dir: PathBuf,
    /// The lock file.
    pub lock: PathBuf,
    /// Where the control socket is by default.
    pub socket: PathBuf,
    /// For state and logs; `None` when there is no such place.
    pub state_dir: Option<PathBuf>,
    /// What they lie in.
    pub(super) homes: Homes,
}

impl Places {
    /// Where the kept logs are.
    pub fn logs(&self) -> Option<PathBuf> {
        self.state_dir.as_ref().map(|directory| directory.join("logs"))
    }

    /// Puts the control socket where the config wants it; a relative path is against the project's root.
    #[must_use]
    pub fn with_socket(mut self, root: &Path, socket: Option<&Path>) -> Self {
        if let Some(socket) = socket {
            self.socket = root.join(socket);
        }
        self
    }

    /// Makes and verifies the runtime directory.
    pub(super) fn make_runtime_dir(&self) -> Result<(), PlaceError> {
        let home = self.runtime_dir.parent().unwrap_or(&self.runtime_dir);
        make_private(home, self.homes.uid)?;
        make_private(&self.runtime_dir, self.homes.uid)
    }

    /// Verifies the runtime directory, so that what is in it can be trusted.
    pub(super) fn verify_runtime_dir(&self) -> Result<(), PlaceError> {
        let home = self.runtime_dir.parent().unwrap_or(&self.runtime_dir);
        verify_private(home, self.homes.uid)?;
        verify_private(&self.runtime_dir, self.homes.uid)
    }

    /// Makes the state directory. Where that cannot be, the project runs without kept logs: `state_dir` becomes `None`, and the
    /// sentence for the user comes back.
    pub fn make_state_dir(&mut self) -> Option<String> {
        let Some(directory) = &self.state_dir else {
            return Some(format!("{NOT_KEPT}: neither XDG_STATE_HOME nor HOME is set"));
        };
        let problem = make_all(directory).err()?;
        self.state_dir = None;
        Some(format!("{NOT_KEPT}: {problem}"))
    }
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A file or a link is in its place.
    #[error("{} is not a directory (a link does not count as one); remove it", path.display())]
    NotADirectory {
        /// Which.
        path: PathBuf,
    },
    /// Somebody else made it.
    #[error("{} belongs to user {owner}, so what is in it cannot be trusted", path.display())]
    NotOurs {
        /// Which.
        path: PathBuf,
        /// Whose.
        owner: u32,
    },
    /// Others may have put something into it.
    #[error("{} is open to other users (mode {mode:04o}); remove it, it is made again with mode 0700", path.display())]
    OpenToOthers {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(runtime: Option<&str>, state: Option<&str>, home: Option<&str>) -> Environment {
        Environment {
            runtime_dir: runtime.map(PathBuf::from),
            state_home: state.map(PathBuf::from),
            home: home.map(PathBuf::from),
        }
    }

    #[test]
    fn the_xdg_variables_decide() {
        let homes = Homes::choose(&environment(Some("/run/user/7"), Some("/state"), Some("/home/ann")), 7, |_| true);
        assert_eq!(homes.runtime, Path::new("/run/user/7/runup"));
        assert_eq!(homes.state.as_deref(), Some(Path::new("/state/runup")));
        assert_eq!(homes.port_ledger().as_deref(), Some(Path::new("/state/runup/ports.json")));
    }

    #[test]
    fn without_them_it_is_tmp_and_the_home_directory() {
        let homes = Homes::choose(&environment(None, None, Some("/home/ann")), 7, |_| true);
        assert_eq!(homes.runtime, Path::new("/tmp/runup-7"));
        assert_eq!(homes.state.as_deref(), Some(Path::new("/home/ann/.local/state/runup")));
        assert_eq!(Homes::choose(&environment(None, None, None), 7, |_| true).state, None);
    }

    #[test]
    fn a_runtime_directory_of_another_user_or_too_long_for_a_socket_is_left_alone() {
        let theirs = Homes::choose(&environment(Some("/run/user/1000"), None, None), 0, |_| false);
        assert_eq!(theirs.runtime, Path::new("/tmp/runup-0"));
        let long = format!("/{}", "x".repeat(90));
        assert_eq!(
            Homes::choose(&environment(Some(&long), None, None), 7, |_| true).runtime,
            Path::new("/tmp/runup-7")
        );
    }

    #[test]
    fn a_project_started_without_the_session_variables_is_looked_for_too() {
        let identity = Identity::new(Path::new("/src/shop"), None);
        let homes = Homes::choose(&environment(Some("/run/user/7"), None, None), 7, |_| true);
        let locks: Vec<PathBuf> = homes.all_places(&identity).map(|places| places.lock).collect();
        assert_eq!(
            locks,
            [
                PathBuf::from(format!("/run/user/7/runup/{identity}/lock")),
                PathBuf::from(format!("/tmp/runup-7/{identity}/lock")),
            ]
        );
    }

    #[test]
    fn only_whom_root_has_become_may_answer_for_root_s_projects() {
        let base = tempfile::tempdir().unwrap();
        let uid = geteuid().as_raw();
        let homes = Homes { runtime: base.path().join("runup"), other_runtimes: Vec::new(), state: None, uid };
        let others = || homes.of_others().into_iter().map(|other| other.runtime).collect::<Vec<_>>();
        assert!(others().is_empty());
        homes.remember_user(33).unwrap();
        homes.remember_user(33).unwrap();
        fs::write(homes.runtime.join("user-nobody"), "").unwrap();
        assert_eq!(others(), [Path::new("/tmp/runup-33")]);
        fs::set_permissions(&homes.runtime, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        assert!(others().is_empty(), "anybody may have written there");
    }

    #[test]
    fn the_config_may_move_the_socket() {
        let homes = Homes::choose(&environment(Some("/run/user/7"), None, None), 7, |_| true);
        let places = homes.places(&Identity::new(Path::new("/src/shop"), None));
        let root = Path::new("/src/shop");
        assert_eq!(places.clone().with_socket(root, None).socket, places.runtime_dir.join("socket"));
        assert_eq!(places.clone().with_socket(root, Some(Path::new("tmp/s"))).socket, Path::new("/src/shop/tmp/s"));
        assert_eq!(places.with_socket(root, Some(Path::new("/run/s"))).socket, Path::new("/run/s"));
    }

    #[test]
    fn no_place_for_state_is_reported_and_not_fatal() {
        let base = tempfile::tempdir().unwrap();
        fs::write(base.path().join("file"), "").unwrap();
        let below_a_file = base.path().join("file");
        let homes = Homes::choose(&environment(None, below_a_file.to_str(), None), 7, |_| true);
        let mut places = homes.places(&Identity::new(Path::new("/src/shop"), None));
        let said = places.make_state_dir().unwrap();
        assert!(said.starts_with("logs are not kept: "), "{said}");
        assert_eq!(places.state_dir, None);
    }
}
