//! The project that runs here, or that none does and what to type then.

use std::iter;
use std::path::{Path, PathBuf};

use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::project::files::{canonical, config_files, nearest_config};
use crate::cli::project::kept::{LastFailure, past};
use crate::cli::settings::Settings;
use crate::registry::{self, Homes, OwnerFacts, Running};
use crate::ui::look::Look;
use crate::ui::text::{pad, width};

/// How many of the projects that run below are named.
const MOST_BELOW: usize = 8;

/// That nothing runs here, and what is known all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotUp {
    /// What the project is called; empty when there is none.
    pub project: String,
    /// Where it was looked for, as people write it.
    pub directory: String,
    /// The config that `run up` would use, as messages name it.
    pub config: Option<String>,
    /// What does run, when one was asked for by its name.
    pub running: Vec<String>,
    /// What runs in a directory above the config, and how that is addressed.
    pub above: Option<(String, String)>,
    /// What runs in directories below, where there is no config here, and how each is addressed.
    pub below: Vec<(String, String)>,
    /// Who had failed when it ended, and what tells more of that.
    pub failure: Option<(LastFailure, String)>,
    /// What starts it.
    pub up: String,
}

impl NotUp {
    /// One line for a person.
    pub fn sentence(&self) -> String {
        let sentence = match (&self.config, self.project.as_str()) {
            (Some(config), project) => {
                format!("{project} is not up ({config}){}; {} starts it", self.ending(), self.up)
            }
            (None, "") => format!("no project is up in {} or above", self.directory),
            (None, project) => format!("{project} is not up{}", self.ending()),
        };
        match (&self.above, self.below.as_slice()) {
            (Some((name, address)), _) => format!("{sentence}; {name} is up above it ({address})"),
            (None, []) => sentence,
            (None, below) => {
                let below: Vec<String> = below.iter().map(|(name, address)| format!("{name} ({address})")).collect();
                format!("{sentence}; up below: {}", below.join(", "))
            }
        }
    }

    fn ending(&self) -> String {
        self.failure.as_ref().map(|(failure, why)| format!("; {} ({why})", failure.sentence())).unwrap_or_default()
    }
}

impl From<NotUp> for CommandError {
    fn from(not_up: NotUp) -> Self {
        let config = not_up.config.as_ref().map(|config| format!(" ({config})")).unwrap_or_default();
        if !not_up.running.is_empty() {
            let running = not_up.running.join(", ");
            return Self::project(not_up.sentence()).hint(format!("run projects      shows what runs: {running}"));
        }
        match not_up.project.as_str() {
            "" if !not_up.below.is_empty() => {
                let columns = not_up.below.iter().map(|(_, address)| width(address)).max().unwrap_or(0);
                let hint = |(name, address): (String, String)| format!("{}      is for {name}", pad(&address, columns));
                let error = format!("no project is up in {} or above; below are others", not_up.directory);
                not_up.below.into_iter().map(hint).fold(Self::project(error), Self::hint)
            }
            "" => Self::project(not_up.sentence()).hint("run -C DIR … or run -p NAME … addresses another project"),
            project => {
                let above =
                    not_up.above.map(|(name, address)| (address, format!("is for {name}, which is up above it")));
                let next: Vec<_> = iter::once((not_up.up, "starts it".to_owned())).chain(above).collect();
                let columns = next.iter().map(|(command, _)| width(command)).max().unwrap_or(0);
                let hints = next.iter().map(|(command, does)| format!("{}      {does}", pad(command, columns)));
                hints.fold(Self::project(format!("{project} is not up{config}")), Self::hint)
            }
        }
    }
}

/// The project that runs here, or that none does.
pub fn find(settings: &Settings) -> Result<Result<Connection, NotUp>, CommandError> {
    let homes = Homes::of_this_user();
    if let Some(running) = running(settings, &homes)
        && let Some(connection) = Connection::open(homes.clone(), running)?
    {
        return Ok(Ok(connection));
    }
    match named_alike(settings, &homes) {
        Some(ambiguous) => Err(ambiguous),
        None => Ok(Err(not_up(settings, &homes))),
    }
}

/// That `-p` names several running projects, and how each is addressed.
fn named_alike(settings: &Settings, homes: &Homes) -> Option<CommandError> {
    let name = settings.name.as_deref()?;
    let alike = registry::named(homes, name);
    if alike.len() < 2 {
        return None;
    }
    let look = Look { home: settings.home.clone(), ..Look::plain() };
    let hint = |error: CommandError, running: &Running| {
        let OwnerFacts { root, explicit_name, .. } = &running.owner;
        let variation = explicit_name.as_ref().map(|name| format!(" -p {name}")).unwrap_or_default();
        error.hint(format!("run -C {}{variation} …", look.path(&root.to_string_lossy())))
    };
    let error = CommandError::project(format!("{} running projects are called {name}", alike.len()));
    Some(alike.iter().fold(error, hint))
}

/// The project that runs here; that none does is an error.
pub fn connect(settings: &Settings) -> Result<Connection, CommandError> {
    find(settings)?.map_err(CommandError::from)
}

/// The registry's entry of the project that runs here: that of the nearest config, whatever runs in a directory above it.
pub fn running(settings: &Settings, homes: &Homes) -> Option<Running> {
    let found = running_here_or_above(settings, homes)?;
    (!is_above_config(settings, &found.owner.root, &found.owner.files)).then_some(found)
}

fn running_here_or_above(settings: &Settings, homes: &Homes) -> Option<Running> {
    let start = start_directory(settings);
    let found = registry::find(homes, &start, settings.name.as_deref())?;
    // A directory that is gone may still have its project, but says nothing about those above it.
    (settings.name.is_some() || start.is_dir() || found.owner.root == start).then_some(found)
}

/// Whether a project of these files lies above the config that is used here, which is none of them.
pub(super) fn is_above_config(settings: &Settings, root: &Path, files: &[String]) -> bool {
    if settings.name.is_some() {
        return false;
    }
    let nearest = || nearest_config(&start_directory(settings));
    let Some(config) = settings.files.first().cloned().or_else(nearest) else { return false };
    let here = config.parent().map(canonical);
    let is_below = here.is_some_and(|here| here != root && here.starts_with(root));
    is_below && !files.iter().any(|file| root.join(file) == config)
}

fn not_up(settings: &Settings, homes: &Homes) -> NotUp {
    let look = Look { home: settings.home.clone(), ..Look::plain() };
    let here = canonical(&settings.directory);
    let directory = look.path(&here.to_string_lossy());
    let past = past(settings, homes);
    let config = config_files(settings).ok().and_then(|files| files.into_iter().next());
    let root = config.as_deref().and_then(Path::parent);
    let project = match (&past, &settings.name, root) {
        (Some(past), _, _) => past.meta.name.clone(),
        (None, Some(name), _) => name.clone(),
        (None, None, Some(root)) => registry::display_name(None, None, root, registry::worktree_of(root).as_ref()).full,
        (None, None, None) => String::new(),
    };
    let config = config.map(|config| look.path(&config.strip_prefix(&here).unwrap_or(&config).to_string_lossy()));
    let running = match settings.name {
        Some(_) => registry::list(homes).into_iter().map(|running| running.owner.name).collect(),
        None => Vec::new(),
    };
    let above = running_here_or_above(settings, homes);
    let above = above.filter(|found| is_above_config(settings, &found.owner.root, &found.owner.files)).map(|running| {
        let OwnerFacts { name, root, .. } = running.owner;
        (name, format!("run -C {} …", look.path(&root.to_string_lossy())))
    });
    let below = if config.is_none() && settings.name.is_none() { below(homes, &here, &look) } else { Vec::new() };
    let failure = past.as_ref().and_then(LastFailure::of).map(|failure| {
        let why = settings.address.line(&format!("why {}", failure.process));
        (failure, why)
    });
    let up = settings.address.line("up");
    NotUp { project, directory, config, running, above, below, failure, up }
}

/// What runs in directories below this one, and how it is addressed from here.
fn below(homes: &Homes, here: &Path, look: &Look) -> Vec<(String, String)> {
    let found = registry::list(homes).into_iter().filter_map(|Running { owner, .. }| {
        let directory = look.path(&owner.root.strip_prefix(here).ok()?.to_string_lossy());
        let variation = owner.explicit_name.as_ref().map(|name| format!(" -p {name}")).unwrap_or_default();
        Some((owner.name, format!("run -C {directory}{variation} …")))
    });
    found.take(MOST_BELOW).collect()
}

/// Where a running project is looked for: beside the first `-f`, else where we are.
pub(super) fn start_directory(settings: &Settings) -> PathBuf {
    let beside = settings.files.first().and_then(|file| file.parent());
    canonical(beside.unwrap_or(&settings.directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_that_is_down_says_how_it_is_started() {
        let config = Some("~/src/run.toml".into());
        let up = "run -p shop up".to_owned();
        let not_up = NotUp {
            project: "shop".into(),
            directory: "~/src".into(),
            config,
            running: Vec::new(),
            above: None,
            below: Vec::new(),
            failure: None,
            up,
        };
        assert_eq!(not_up.sentence(), "shop is not up (~/src/run.toml); run -p shop up starts it");
        assert_eq!(CommandError::from(not_up.clone()).hints, ["run -p shop up      starts it"]);
        let above = Some(("all".into(), "run -C ~ …".into()));
        let below = NotUp { above, up: "run up".into(), ..not_up };
        assert_eq!(
            below.sentence(),
            "shop is not up (~/src/run.toml); run up starts it; all is up above it (run -C ~ …)"
        );
        let hints = CommandError::from(below).hints;
        assert_eq!(hints, ["run up          starts it", "run -C ~ …      is for all, which is up above it"]);
        let up = "run up".to_owned();
        let nothing = NotUp {
            project: String::new(),
            directory: "~/src".into(),
            config: None,
            running: Vec::new(),
            above: None,
            below: Vec::new(),
            failure: None,
            up,
        };
        assert_eq!(nothing.sentence(), "no project is up in ~/src or above");
        let below = vec![("api".to_owned(), "run -C apps/api …".to_owned()), ("web".into(), "run -C web …".into())];
        let monorepo = NotUp { below, ..nothing };
        assert_eq!(
            monorepo.sentence(),
            "no project is up in ~/src or above; up below: api (run -C apps/api …), web (run -C web …)"
        );
        let hints = CommandError::from(monorepo).hints;
        assert_eq!(hints, ["run -C apps/api …      is for api", "run -C web …           is for web"]);
    }
}
