//! The servers of a supervisord.conf, each with its own login. They stand beside the project's own socket.

use nix::errno::Errno;
use nix::unistd::{Group, User};

use crate::cli::error::CommandError;
use crate::cli::output;
use crate::model::supervisord::{Credentials, InetServer, Supervisord, UnixServer};
use crate::model::{Control, ListenAddress};
use crate::registry::{Homes, ShortPath};
use crate::serve::{ListenError, Listener, Policy, Sharing};

use super::doors::{holder, machine};

/// What is said first when somebody is there already (supervisor `options.py` `openhttpservers`): people and scripts look for it.
pub(in crate::cli) const TAKEN: &str = "Another program is already listening on a port that one of our HTTP servers is configured to use.  Shut this \
                     program down first before starting supervisord.";

/// What is said first of every other failure (supervisor `options.py` `openhttpservers`).
const FAILED: &str = "Cannot open an HTTP server:";

/// Open servers, and the names that their sockets were bound by.
pub(super) type Servers = (Vec<Listener>, Vec<ShortPath>);

/// Opens all, inside a local set. One that cannot be opened refuses the start.
pub(super) async fn open(conf: &Supervisord, homes: &Homes) -> Result<Servers, CommandError> {
    let (mut listeners, mut paths) = (Vec::new(), Vec::new());
    for server in &conf.inet_servers {
        listeners.push(inet(server, homes).await?);
    }
    for server in &conf.unix_servers {
        let path = ShortPath::new(&server.file).map_err(|error| CommandError::user(format!("{FAILED} {error}")))?;
        listeners.push(unix(server, &path)?);
        paths.push(path);
    }
    Ok((listeners, paths))
}

async fn inet(server: &InetServer, homes: &Homes) -> Result<Listener, CommandError> {
    let host = if server.host.is_empty() { "*" } else { &server.host };
    let address = ListenAddress { host: host.to_owned(), port: server.port };
    let policy = policy(server.credentials.as_ref(), Some(&address));
    Listener::bind_tcp(&address, policy).await.map_err(|error| match error {
        ListenError::Taken(address) => {
            CommandError::user(TAKEN).hint(format!("{address} is taken by {}", holder(address.port, homes)))
        }
        error => CommandError::user(format!("{FAILED} {error}")),
    })
}

fn unix(server: &UnixServer, path: &ShortPath) -> Result<Listener, CommandError> {
    let (user, group) = server.chown.as_deref().map(owner).transpose()?.unwrap_or_default();
    let sharing = Sharing { mode: server.chmod, user, group };
    let policy = policy(server.credentials.as_ref(), None);
    let listener = Listener::bind_shared(path.as_path(), sharing).map_err(|error| match error {
        ListenError::InUse(_) => CommandError::user(TAKEN).hint(format!("{} answers", server.file.display())),
        ListenError::Io { step: "give away", .. } => CommandError::user(format!(
            "{FAILED} {} cannot be given to {}",
            server.file.display(),
            server.chown.as_deref().unwrap_or_default()
        ))
        .hint("`chown` of the section takes whom this user may give files to"),
        ListenError::Io { step, source, .. } => {
            CommandError::user(format!("{FAILED} could not {step} {}: {}", server.file.display(), plain(&source)))
        }
        error => CommandError::user(format!("{FAILED} {error}")),
    })?;
    if listener.has_replaced() {
        output::say(&format!("Unlinking stale socket {}\n", server.file.display()));
    }
    Ok(listener.with_policy(policy))
}

/// An error of the system's without its number, which says nothing to anybody.
fn plain(error: &std::io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |number| Errno::from_raw(number).desc().to_owned())
}

fn policy(credentials: Option<&Credentials>, address: Option<&ListenAddress>) -> Policy {
    let (username, password) = credentials.map(|login| (login.username.clone(), login.password.clone())).unzip();
    let control = Control { socket: None, tcp: address.map(ToString::to_string), username, password };
    Policy::new(&control, None, machine().as_deref())
}

/// Reads `user` or `user:group`, each a name or a number that exists.
fn owner(text: &str) -> Result<(Option<u32>, Option<u32>), CommandError> {
    let wrong = || CommandError::user(format!("Invalid sockchown value {text}"));
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let user = match user.parse::<u32>() {
        Ok(uid) => User::from_uid(uid.into()),
        Err(_) => User::from_name(user),
    };
    let user = user.ok().flatten().ok_or_else(wrong)?.uid.as_raw();
    let Some(group) = group else { return Ok((Some(user), None)) };
    let group = match group.parse::<u32>() {
        Ok(gid) => Group::from_gid(gid.into()),
        Err(_) => Group::from_name(group),
    };
    Ok((Some(user), Some(group.ok().flatten().ok_or_else(wrong)?.gid.as_raw())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_user_and_maybe_a_group_that_exist() {
        assert_eq!(owner("root").unwrap(), (Some(0), None));
        assert_eq!(owner("0:0").unwrap(), (Some(0), Some(0)));
        for bad in ["nobody-like-that", "root:nothing-like-that", "", ":"] {
            assert!(owner(bad).is_err(), "{bad}");
        }
    }
}
