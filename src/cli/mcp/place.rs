//! Which project a call of an agent is about, and whether it may change it.

use std::path::{Path, PathBuf};

use crate::cli::error::CommandError;
use crate::cli::project::{config_files, running};
use crate::cli::settings::Settings;
use crate::mcp::Call;
use crate::registry::Homes;
use crate::ui::address::Address;

/// A project by what makes it one: its directory, and the name that it was given with `-p`.
type Whose = (PathBuf, Option<String>);

/// The settings with which a call's verb is asked. One that changes something is refused outside of the client's own projects, unless
/// any is allowed.
pub(super) fn of(settings: &Settings, call: &Call, any_project: bool) -> Result<Settings, CommandError> {
    let own = own(settings, &call.roots);
    let (directory, name) = (call.arguments.text("directory"), call.arguments.text("project"));
    let asked = match (directory, name) {
        (None, None) => return Ok(as_it_runs(own.into_iter().next().unwrap_or_else(|| settings.clone()))),
        (Some(directory), name) => settings.at(Path::new(directory), name),
        (None, name) => settings.at(&own.first().unwrap_or(settings).directory, name),
    };
    if call.changes() && !any_project {
        let whose = whose(&asked);
        if whose.is_none() || !own.iter().any(|own| self::whose(own) == whose) {
            return Err(refusal(call, &asked, &own));
        }
    }
    Ok(as_it_runs(asked))
}

/// A project that is called by a name is found by the one that it shows, too, and from anywhere: from here on it is addressed as what
/// it is. Otherwise `up -p NAME` would start a second one beside it.
fn as_it_runs(asked: Settings) -> Settings {
    if asked.name.is_none() {
        return asked;
    }
    let Some(running) = running(&asked, &Homes::of_this_user()) else { return asked };
    let found = asked.at(&running.owner.root, running.owner.explicit_name.as_deref());
    let address = Address { files: asked.address.files, ..found.address };
    Settings { files: asked.files, address, ..found }
}

/// The client's own places, the one that is meant without a word first: what the server was started for, else those of the client's
/// directories that have a project, else where we are.
fn own(settings: &Settings, roots: &[PathBuf]) -> Vec<Settings> {
    if settings.address != Address::default() || roots.is_empty() {
        return vec![settings.clone()];
    }
    let mut own: Vec<Settings> = roots.iter().map(|root| settings.at(root, None)).collect();
    // The order stays otherwise.
    own.sort_by_key(|settings| whose(settings).is_none());
    own
}

/// The project that runs here, else the one whose config lies here.
fn whose(settings: &Settings) -> Option<Whose> {
    if let Some(running) = running(settings, &Homes::of_this_user()) {
        return Some((running.owner.root, running.owner.explicit_name));
    }
    let file = config_files(settings).ok()?.into_iter().next()?;
    Some((file.parent()?.to_owned(), settings.name.clone()))
}

fn refusal(call: &Call, asked: &Settings, own: &[Settings]) -> CommandError {
    let tool = call.tool.name();
    let own = own.iter().filter_map(whose).map(|(root, _)| root.display().to_string()).next();
    let own = own.unwrap_or_else(|| "none".to_owned());
    CommandError::user(format!(
        "{tool} may only change the project that you work in ({own}), not another one ({})",
        whose(asked).map_or(asked.directory.clone(), |(root, _)| root).display()
    ))
    .hint("status, why, logs and the others that only read work on any project")
    .hint("the user can allow it: run mcp --any-project")
}
