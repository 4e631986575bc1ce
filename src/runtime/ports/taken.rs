//! What is told of ports: one that is taken, one that was moved.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::ProgramName;
use crate::model::units::human_duration;

/// Who sits on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its pid.
    pub pid: u32,
    /// Its command's name.
    pub name: String,
    /// Where it was started.
    pub directory: Option<PathBuf>,
    /// The project it belongs to, when one of ours runs it.
    pub project: Option<HolderProject>,
}

/// A running project that holds a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderProject {
    /// Display name.
    pub name: String,
    /// The `-p` it was given, by which it is addressed.
    pub explicit_name: Option<String>,
    /// Its directory.
    pub root: PathBuf,
    /// The program that has the port.
    pub program: String,
    /// How long it has been up.
    pub up: Duration,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe(None))
    }
}

impl Holder {
    /// As a message names it, with `~` for the user's home directory.
    pub fn describe(&self, home: Option<&Path>) -> String {
        let from = self.directory.as_ref().map(|path| format!(", started from {}", shown(path, home)));
        let ours = self.project.as_ref().map(|project| {
            format!(" — project {}, program {}, up {}", project.name, project.program, human_duration(project.up))
        });
        format!("{} (pid {}){}{}", self.name, self.pid, from.unwrap_or_default(), ours.unwrap_or_default())
    }
}

/// A port that the user wrote and somebody else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortTaken {
    /// The number.
    pub port: u16,
    /// Whose it should be.
    pub program: ProgramName,
    /// The name inside `ports`; `None`: the main one.
    pub name: Option<String>,
    /// Who has it, when that can be told: another user's process cannot be looked into.
    pub holder: Option<Holder>,
    /// A free number nearby.
    pub instead: Option<u16>,
}

impl PortTaken {
    /// What is wrong, in one sentence.
    pub fn message(&self, home: Option<&Path>) -> String {
        let holder = self.holder.as_ref().map(|holder| holder.describe(home));
        let holder = holder.unwrap_or_else(|| "a process that this user cannot look into".to_owned());
        format!("port {} ({}) is taken by {holder}", self.port, label(&self.program, self.name.as_deref()))
    }

    /// What to type instead, each a way out of its own.
    pub fn help(&self, home: Option<&Path>) -> Vec<String> {
        let ours = self.holder.as_ref().and_then(|holder| holder.project.as_ref());
        let stop = ours.map(|project| {
            let place = shown(&project.root, home);
            let name = project.explicit_name.as_ref().map(|name| format!(" -p {name}")).unwrap_or_default();
            format!("run -C {place}{name} stop {}", project.program)
        });
        let other = match (&self.name, self.instead) {
            (None, Some(port)) => Some(format!("run up --port {}={port}", self.program)),
            (Some(_), _) | (_, None) => None,
        };
        let auto = match &self.name {
            None => "port = \"auto\"".to_owned(),
            Some(name) => format!("ports = {{ {name} = \"auto\" }}"),
        };
        stop.into_iter().chain(other).chain([auto]).collect()
    }
}

impl fmt::Display for PortTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(None))
    }
}

impl std::error::Error for PortTaken {}

/// What the user should know of the ports, though nothing is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Somebody sits on an `"auto"` port.
    Moved {
        /// Whose it is.
        program: ProgramName,
        /// The name inside `ports`.
        name: Option<String>,
        /// The one that the ledger has, and keeps.
        home: u16,
        /// The one that is used this time.
        used: u16,
        /// Who sits on it.
        holder: Option<Holder>,
    },
    /// A Procfile line's PORT is taken, which may not listen at all; or the number of a new instance beside others that keep theirs.
    Taken(PortTaken),
    /// The ledger could not be used: `"auto"` ports may differ next time.
    NoLedger {
        /// Why.
        reason: String,
    },
    /// The ledger could not be read and was begun anew.
    LedgerBroken {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved { program, name, home, used, holder } => {
                let label = label(program, name.as_deref());
                write!(f, "{label} is at port {used} this time: its own port {home} is taken")?;
                holder.as_ref().map_or(Ok(()), |holder| write!(f, " by {holder}"))
            }
            Self::Taken(taken) => taken.fmt(f),
            Self::NoLedger { reason } => write!(f, "ports are not written down and may differ next time: {reason}"),
            Self::LedgerBroken { reason } => {
                write!(f, "the list of ports could not be read and was begun anew: {reason}")
            }
        }
    }
}

/// `api`, or `api.http` for a named port.
fn label(program: &ProgramName, name: Option<&str>) -> String {
    name.map_or_else(|| program.to_string(), |name| format!("{program}.{name}"))
}

/// A path as a person writes it.
fn shown(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(name: Option<&str>, project: bool) -> PortTaken {
        let project = project.then(|| HolderProject {
            name: "shop".to_owned(),
            explicit_name: None,
            root: "/home/ann/src/shop".into(),
            program: "api".to_owned(),
            up: Duration::from_hours(2),
        });
        PortTaken {
            port: 3101,
            program: "api".into(),
            name: name.map(ToOwned::to_owned),
            holder: Some(Holder {
                pid: 9921,
                name: "node".to_owned(),
                directory: Some("/home/ann/src/shop".into()),
                project,
            }),
            instead: Some(3111),
        }
    }

    #[test]
    fn a_taken_port_names_its_holder_and_every_way_out() {
        let (taken, home) = (taken(None, true), Some(Path::new("/home/ann")));
        assert_eq!(
            taken.message(home),
            "port 3101 (api) is taken by node (pid 9921), started from ~/src/shop — project shop, program api, up 2h00m"
        );
        assert_eq!(taken.help(home), ["run -C ~/src/shop stop api", "run up --port api=3111", "port = \"auto\""]);
    }

    #[test]
    fn a_project_beside_others_is_stopped_by_its_name() {
        let mut taken = taken(None, true);
        if let Some(project) = taken.holder.as_mut().and_then(|holder| holder.project.as_mut()) {
            project.explicit_name = Some("two".to_owned());
        }
        assert_eq!(taken.help(None)[0], "run -C /home/ann/src/shop -p two stop api");
    }

    #[test]
    fn a_named_port_of_a_stranger_can_only_be_made_auto() {
        let taken = taken(Some("http"), false);
        assert_eq!(
            taken.message(None),
            "port 3101 (api.http) is taken by node (pid 9921), started from /home/ann/src/shop"
        );
        assert_eq!(taken.help(None), ["ports = { http = \"auto\" }"]);
    }

    #[test]
    fn a_moved_port_is_told_with_both_numbers() {
        let holder = Holder { pid: 7, name: "nc".to_owned(), directory: None, project: None };
        let note = Note::Moved { program: "api".into(), name: None, home: 11_234, used: 11_235, holder: Some(holder) };
        assert_eq!(note.to_string(), "api is at port 11235 this time: its own port 11234 is taken by nc (pid 7)");
    }
}
