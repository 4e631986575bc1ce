//! The doors of a running project: its own UNIX socket, the TCP address of `[control]` if there is one, and the servers of a
//! supervisord.conf.

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cli::error::CommandError;
use crate::cli::project::Loaded;
use crate::cli::up::servers;
use crate::model::ListenAddress;
use crate::registry::{self, Homes, Running, ShortPath};
use crate::runtime::handle::Handle;
use crate::runtime::os;
use crate::runtime::ports::Holder;
use crate::serve::{self, ListenError, Listener, Policy, UsageSource};

/// Open doors. They close when [`Doors::close`] is called, or with the runtime.
pub(super) struct Doors {
    servers: Vec<JoinHandle<()>>,
    /// Dropped, it ends them.
    open: watch::Sender<()>,
    /// The names that the sockets are bound by.
    _sockets: Vec<ShortPath>,
}

impl Doors {
    /// Opens them, inside a local set, before anything is started: a taken port must cost nobody anything.
    pub(super) async fn open(loaded: &Loaded, handle: &Handle, usage: &UsageSource) -> Result<Self, CommandError> {
        let policy = policy(loaded)?;
        let path = ShortPath::new(&loaded.places.socket).map_err(|error| CommandError::project(error.to_string()))?;
        let unix = Listener::bind(path.as_path()).map_err(|error| no_socket(error, loaded))?;
        let (mut listeners, mut sockets) = (vec![unix.with_policy(policy.clone())], vec![path]);
        if let Some(tcp) = &loaded.project.control.tcp {
            let address = ListenAddress::parse(tcp).map_err(CommandError::user)?;
            listeners.push(Listener::bind_tcp(&address, policy).await.map_err(|error| refusal(error, &loaded.homes))?);
        }
        if let Some(conf) = &loaded.project.supervisord {
            let (more, paths) = servers::open(conf, &loaded.homes).await?;
            listeners.extend(more);
            sockets.extend(paths);
        }
        let (open, _) = watch::channel(());
        let servers = listeners.into_iter().map(|listener| {
            let mut is_open = open.subscribe();
            let shutdown = async move { while is_open.changed().await.is_ok() {} };
            tokio::task::spawn_local(serve::serve(listener, handle.clone(), Some(usage.clone()), shutdown))
        });
        Ok(Self { servers: servers.collect(), open, _sockets: sockets })
    }

    /// Closes them; who asked for the end is still answered.
    pub(super) async fn close(self) {
        drop(self.open);
        for server in self.servers {
            server.await.ok();
        }
    }
}

fn policy(loaded: &Loaded) -> Result<Policy, CommandError> {
    let control = &loaded.project.control;
    let key = control.password.as_ref().map(|_| registry::make_key(&loaded.places)).transpose();
    let key = key.map_err(|error| CommandError::project(format!("could not write the key of the socket: {error}")))?;
    Ok(Policy::new(control, key.as_deref(), machine().as_deref()))
}

/// What this machine calls itself.
pub(super) fn machine() -> Option<String> {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok())
}

/// What is wrong with the place of the control socket, and who has it: variations of a project share what its config says.
fn no_socket(error: ListenError, loaded: &Loaded) -> CommandError {
    let socket = &loaded.places.socket;
    let refused = match error {
        ListenError::InUse(_) => {
            let running = registry::list(&loaded.homes).into_iter().find(|running| running.owner.socket == *socket);
            let holder = running.map_or_else(|| "a process that is no project here".to_owned(), described);
            CommandError::project(format!("the control socket {} is taken by {holder}", socket.display()))
        }
        error => CommandError::project(format!("could not open the control socket: {error}")),
    };
    match loaded.project.control.socket {
        Some(_) => refused.hint("without `socket` in [control], each project has one of its own"),
        None => refused,
    }
}

/// What is wrong with the TCP address, and who has it.
fn refusal(error: ListenError, homes: &Homes) -> CommandError {
    let ListenError::Taken(address) = error else {
        return CommandError::user(format!("[control] tcp: {error}"));
    };
    let holder = holder(address.port, homes);
    let other = ListenAddress { port: address.port.checked_add(1).unwrap_or(9001), ..address.clone() };
    CommandError::user(format!("port {} ([control] tcp) is taken by {holder}", address.port))
        .hint(format!("run.local.toml: [control] tcp = \"{other}\" is for this checkout alone"))
}

/// Most often it is another checkout of the same project. It is told from the registry alone: our own socket is there by now, but
/// nobody answers at it yet, so no project is to be asked.
pub(in crate::cli) fn holder(port: u16, homes: &Homes) -> String {
    let Some(found) = os::holder_of_port(port) else {
        return "a process that this user cannot look into".to_owned();
    };
    match registry::list(homes).into_iter().find(|running| running.owner.pid == found.pid) {
        Some(running) => described(running),
        None => Holder { pid: found.pid, name: found.name, directory: found.directory, project: None }.to_string(),
    }
}

fn described(Running { owner, .. }: Running) -> String {
    format!("project {} (pid {}), up in {}", owner.name, owner.pid, owner.root.display())
}
