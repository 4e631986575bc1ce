//! `minfds` and `minprocs`: what must be possible before anything is started (supervisor `options.py` `set_rlimits_or_exit`).

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

use crate::runtime::os;

/// One of the two, in the words of the original's messages.
struct Limit {
    resource: Resource,
    name: &'static str,
    /// What is counted, as the first sentence has it and as the others do.
    counted: (&'static str, &'static str),
    /// Who needs them.
    whom: (&'static str, &'static str),
    option: &'static str,
}

const FILES: Limit = Limit {
    resource: Resource::RLIMIT_NOFILE,
    name: "RLIMIT_NOFILE",
    counted: ("file descriptors", "file descriptors"),
    whom: ("process", "process"),
    option: "minfds",
};

/// Where the system has such a limit.
fn processes() -> Option<Limit> {
    Some(Limit {
        resource: os::PROCESS_COUNT?,
        name: "RLIMIT_NPROC",
        counted: ("available processes", "processes"),
        whom: ("program", "program"),
        option: "minprocs",
    })
}

/// Raises the soft limits where they are lower. Returns what was done, in lines for the main log, or why it could not be.
pub fn raise(minfds: u64, minprocs: u64) -> Result<Vec<String>, String> {
    let mut done = Vec::new();
    done.extend(raise_one(&FILES, minfds)?);
    if let Some(limit) = processes() {
        done.extend(raise_one(&limit, minprocs)?);
    }
    Ok(done)
}

fn raise_one(limit: &Limit, least: u64) -> Result<Option<String>, String> {
    let (soft, hard) = getrlimit(limit.resource).map_err(|errno| format!("{}: {}", limit.name, errno.desc()))?;
    if soft == RLIM_INFINITY || soft >= least {
        return Ok(None);
    }
    // Only root may go beyond the hard one.
    let above = if hard == RLIM_INFINITY { hard } else { hard.max(least) };
    match setrlimit(limit.resource, least, above) {
        Ok(()) => Ok(Some(format!("Increased {} limit to {least}", limit.name))),
        Err(_) => Err(refusal(limit, least, hard)),
    }
}

/// The original's message, which people look for.
fn refusal(limit: &Limit, least: u64, hard: u64) -> String {
    let Limit { counted: (first, then), whom: (runs, starts), option, .. } = limit;
    format!(
        "The minimum number of {first} required to run this {runs} is {least} as per the \"{option}\" command-line argument or config \
         file setting. The current environment will only allow you to open {hard} {then}.  Either raise the number of usable {then} in \
         your environment (see README.rst) or lower the {option} setting in the config file to allow the {starts} to start."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_possible_already_is_left_alone() {
        assert_eq!(raise(1, 1), Ok(Vec::new()));
    }

    #[test]
    fn a_refusal_says_what_is_missing_and_where_it_was_asked_for() {
        assert_eq!(
            refusal(&FILES, 2048, 1024),
            "The minimum number of file descriptors required to run this process is 2048 as per the \"minfds\" command-line argument \
             or config file setting. The current environment will only allow you to open 1024 file descriptors.  Either raise the \
             number of usable file descriptors in your environment (see README.rst) or lower the minfds setting in the config file to \
             allow the process to start."
        );
    }
}
