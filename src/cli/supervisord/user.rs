//! `user`: becoming somebody else before anything is started (supervisor `options.py` `drop_privileges`).

use nix::errno::Errno;
use nix::unistd::{User, getuid, setgid, setuid};

use crate::registry::Homes;
use crate::runtime::os;

/// Becomes a user, a name or a number, with all its groups. Must be called while there is one thread. Returns a line for the main log,
/// if anything was asked for; the error is the original's message.
pub fn become_user(user: Option<&str>) -> Result<Option<String>, String> {
    let Some(user) = user else { return Ok(None) };
    let found = find(user)?;
    let (me, uid) = (getuid(), found.uid);
    if me != uid {
        if !me.is_root() {
            return Err("Can't drop privilege as nonroot user".to_owned());
        }
        // Without that root's own commands do not find the project, and the project runs.
        Homes::of_this_user().remember_user(uid.as_raw()).ok();
        drop_to(&found)?;
    }
    Ok(Some(format!("Set uid to user {uid} succeeded")))
}

fn find(user: &str) -> Result<User, String> {
    let (found, kind) = match user.parse::<u32>() {
        Ok(uid) => (User::from_uid(uid.into()), "id"),
        Err(_) => (User::from_name(user), "name"),
    };
    found.ok().flatten().ok_or_else(|| format!("Invalid user {kind} {user}"))
}

fn drop_to(user: &User) -> Result<(), String> {
    let name = std::ffi::CString::new(user.name.as_str()).map_err(|_| format!("Invalid user name {}", user.name))?;
    os::set_groups(&os::groups_of(&name, user.gid)).map_err(|_| "Could not set groups of effective user")?;
    setgid(user.gid).map_err(|_| "Could not set group id of effective user")?;
    setuid(user.uid).map_err(|errno: Errno| format!("Could not set user id: {}", errno.desc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_for_and_nobody_is_found() {
        assert_eq!(become_user(None), Ok(None));
        assert_eq!(become_user(Some("no-such-user")), Err("Invalid user name no-such-user".to_owned()));
        assert_eq!(become_user(Some("4294967294")), Err("Invalid user id 4294967294".to_owned()));
    }

    #[test]
    fn becoming_whom_one_is_changes_nothing() {
        let me = getuid();
        assert_eq!(become_user(Some(&me.to_string())), Ok(Some(format!("Set uid to user {me} succeeded"))));
    }
}
