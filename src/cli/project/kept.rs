//! What is left of a project to be read, whether it is up or not: its state, its logs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::connection::is_suspended;
use crate::cli::error::CommandError;
use crate::cli::project::found::{find, is_above_config, start_directory};
use crate::cli::settings::Settings;
use crate::model::status::{NOT_KEPT, ProjectStatus};
use crate::model::{ProcessName, Word};
use crate::registry::{self, Homes, Past, Places, read_meta};
use crate::ui::text::clean;
use crate::ui::why::OFF;

/// What the supervisor leaves in the state directory at its end, for `why` and `status` after `down`.
pub const LAST_STATUS: &str = "status.json";

/// What is left of a project that ran here once: that of the nearest config.
pub fn past(settings: &Settings, homes: &Homes) -> Option<Past> {
    let found = registry::find_past(homes, &start_directory(settings), settings.name.as_deref())?;
    (!is_above_config(settings, Path::new(&found.meta.root), &found.meta.files)).then_some(found)
}

/// The state as it is, or as it was when the project ended, and where its logs are kept.
pub fn status_now_or_last(settings: &Settings) -> Result<(ProjectStatus, Places), CommandError> {
    let homes = Homes::of_this_user();
    match find(settings)? {
        Ok(mut connection) => {
            let status = connection.status()?;
            Ok((status, connection.running().places.clone()))
        }
        Err(not_up) => {
            let last = past(settings, &homes).and_then(|past| Some((ended(last_status(&past.places)?), past.places)));
            last.ok_or_else(|| not_up.into())
        }
    }
}

/// Who had failed when a project ended, of its last time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFailure {
    /// The first of them.
    pub process: String,
    /// How many there were besides.
    pub others: usize,
    /// In the words of `status`.
    pub reason: String,
}

impl LastFailure {
    /// What the state says that a project has left; `None` when nobody had failed, when somebody has ended it, or when it was killed and the
    /// state is of an earlier time.
    pub fn of(past: &Past) -> Option<Self> {
        let is_told = |last: &ProjectStatus| last.ends_by_itself && last.started + last.up_ms >= past.meta.since.0;
        let last = last_status(&past.places).filter(is_told)?;
        let mut failed = last.processes.into_iter().filter(|process| process.state == Word::Failed);
        let first = failed.next()?;
        Some(Self { process: first.name, others: failed.count(), reason: first.note })
    }

    /// `when it ended, worker had failed: exit 3`
    pub fn sentence(&self) -> String {
        let others = match self.others {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        clean(&format!("when it ended, {}{others} had failed: {}", self.process, self.reason))
    }
}

/// The state in which a project ended, as one that is off.
fn ended(last: ProjectStatus) -> ProjectStatus {
    ProjectStatus { state: OFF.to_owned(), ..last }
}

/// How it stands with a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is up.
    Up,
    /// It is up, but its process of this number is stopped, by Ctrl-Z say: it does nothing and answers nobody.
    Suspended(u32),
    /// It is down.
    Down,
}

/// What a project that is or was up has left to be read.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What it is called.
    pub name: String,
    /// Where its logs are.
    pub places: Places,
    /// Its processes by namespec, and the place of each one's program in the file.
    pub processes: Vec<(String, usize)>,
    /// How it stood when it was looked for.
    pub standing: Standing,
    /// What is to be known of its logs: that they are not whole, and why.
    pub notes: Vec<String>,
    homes: Homes,
    root: PathBuf,
    explicit_name: Option<String>,
}

impl Kept {
    /// How it stands now.
    pub fn standing_now(&self) -> Standing {
        let found = registry::find(&self.homes, &self.root, self.explicit_name.as_deref());
        match found.filter(|running| running.places.identity == self.places.identity) {
            Some(running) if is_suspended(&running.owner) => Standing::Suspended(running.owner.pid),
            Some(_) => Standing::Up,
            None => Standing::Down,
        }
    }
}

/// What the project here has left to be read, whether it is up or not.
pub fn kept(settings: &Settings) -> Result<Kept, CommandError> {
    let homes = Homes::of_this_user();
    match find(settings)? {
        Ok(mut connection) => {
            let (owner, places) = (connection.owner().clone(), connection.running().places.clone());
            let (standing, processes, notes) = if let Some(status) = connection.status_unless_suspended()? {
                (Standing::Up, places_of(&status), notes_of(&status))
            } else {
                let meta = read_meta(&places).unwrap_or_default();
                (Standing::Suspended(owner.pid), places_by_group(&meta.processes), Vec::new())
            };
            Ok(Kept {
                name: owner.name,
                processes,
                places,
                standing,
                notes,
                homes,
                root: owner.root,
                explicit_name: owner.explicit_name,
            })
        }
        Err(not_up) => {
            let Past { places, meta } = past(settings, &homes).ok_or(not_up)?;
            let last = last_status(&places);
            let notes = last.as_ref().map(notes_of).unwrap_or_default();
            let processes = last.as_ref().map_or_else(|| places_by_group(&meta.processes), places_of);
            let (root, explicit_name) = (PathBuf::from(meta.root), meta.explicit_name);
            Ok(Kept { name: meta.name, processes, places, standing: Standing::Down, notes, homes, root, explicit_name })
        }
    }
}

fn places_of(status: &ProjectStatus) -> Vec<(String, usize)> {
    status.processes.iter().map(|process| (process.name.clone(), process.place as usize)).collect()
}

fn notes_of(status: &ProjectStatus) -> Vec<String> {
    status.notes.iter().filter(|note| note.starts_with(NOT_KEPT)).cloned().collect()
}

/// Without a last status: programs are told apart by their groups, which is right unless the config has `[group.…]`.
fn places_by_group(names: &[ProcessName]) -> Vec<(String, usize)> {
    let mut groups: Vec<&str> = names.iter().map(|name| name.group.as_str()).collect();
    groups.dedup();
    let place = |name: &ProcessName| groups.iter().position(|group| *group == name.group).unwrap_or(0);
    names.iter().map(|name| (name.to_string(), place(name))).collect()
}

/// The state in which a project ended.
pub fn last_status(places: &Places) -> Option<ProjectStatus> {
    let text = fs::read(places.state_dir.as_ref()?.join(LAST_STATUS)).ok()?;
    serde_json::from_slice(&text).ok()
}
