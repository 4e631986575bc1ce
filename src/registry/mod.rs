//! Where a running project keeps its lock, socket, state and logs, and which projects are running.
//!
//! There is no central process and no list that could be wrong. A project has an [`Identity`]: its canonical directory and an
//! explicit `-p`. The identity names one directory for what lives as long as the project runs (lock, sockets) and one for what
//! outlives it (logs, [`Meta`]), neither of them inside the project. A project is running as long as somebody holds the lock
//! on its lock file; the kernel lets go of it when the holder dies, however it dies, so no stale lock exists.
//!
//! ```text
//! $XDG_RUNTIME_DIR/runup/IDENTITY/   (else /tmp/runup-UID/IDENTITY), 0700, verified
//!     lock                           held while the project runs; inside: who holds it, as JSON
//!     socket                         the control socket, unless `[control] socket` puts it elsewhere
//!     key                            what opens the socket to our own commands, if a password is asked for
//!     notify.PROCESS.GENERATION      one sd_notify socket a process that wants one
//! $XDG_RUNTIME_DIR/runup/proxy-PORT  held by the one that runs the proxy at this port
//! $XDG_STATE_HOME/runup/             (else ~/.local/state/runup)
//!     ports.json                     which checkout has which "auto" ports
//!     IDENTITY/meta.json             name, directory, processes, how often it was up
//!     IDENTITY/logs/
//! ```

mod abandoned;
mod directory;
mod display_name;
mod find;
mod identity;
mod key;
mod lock;
mod meta;
mod places;
mod proxy;
mod short_path;

pub use abandoned::{abandoned, forget};
pub use display_name::{DisplayName, Worktree, base_name, branch_at, branch_of, display_name, worktree_of};
pub use find::{Gone, Past, Running, clear, find, find_past, gone, list, named, running};
pub use identity::Identity;
pub use key::{make_key, read_key};
pub use lock::{Lock, LockError, OwnerFacts, lock};
pub use meta::{Meta, read_meta, up_number, write_meta};
pub use places::{Environment, Homes, PlaceError, Places};
pub use proxy::{ProxyFacts, ProxyLock, proxies, wait_for_proxy_lock};
pub use short_path::{ShortPath, ShortPathError};
