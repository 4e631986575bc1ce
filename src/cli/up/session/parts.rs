//! What a life is made of, each part from what the user said and what was loaded.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::cli::error::CommandError;
use crate::cli::project::VOCABULARY;
use crate::cli::up::holder::holder_of;
use crate::cli::up::narrator::label;
use crate::cli::up::session::Session;
use crate::logs::{Hub, Keep, MainLog, Outlet, OutputConfig, OutputEvent, Timestamps};
use crate::model::{ConfigRefusal, Project};
use crate::runtime::driver::Terminals;
use crate::runtime::handle::Facts;
use crate::runtime::launcher::Launcher;
use crate::runtime::record::Recorder;
use crate::runtime::reload::Source;
use crate::supervisor::edition::Edition;
use crate::ui::names::Names;
use crate::ui::report;

impl Session<'_> {
    /// The output thread, which knows the programs' names and colours.
    pub(super) fn start_output(
        &self,
        events: mpsc::UnboundedSender<OutputEvent>,
        main_log: Option<MainLog>,
    ) -> Result<Hub, CommandError> {
        let copy = |fd: &dyn AsFd| -> Result<OwnedFd, CommandError> { Ok(fd.as_fd().try_clone_to_owned()?) };
        let stdout: &dyn AsFd = if self.only_stderr { &io::stderr() } else { &io::stdout() };
        let outlet = Outlet { stdout: copy(stdout)?, stderr: copy(&io::stderr())? };
        let config = OutputConfig {
            outlet: self.quiet.is_none().then_some(outlet),
            keep: self.loaded.places.logs().map(Keep::new),
            colour: self.settings.out.colour,
            ascii: self.settings.out.ascii,
            timestamps: match self.timestamps {
                0 => Timestamps::Off,
                1 => Timestamps::Relative,
                _ => Timestamps::Clock,
            },
            main_log,
        };
        let hub = Hub::start(config, events).map_err(|error| CommandError::internal(error.to_string()))?;
        let theme = self.settings.out.theme();
        let names = Names::of(&self.loaded.project, theme);
        label(&hub, &names, theme);
        Ok(hub)
    }

    /// How programs get their streams.
    pub(super) fn terminals(&self) -> Terminals {
        let columns = Names::of(&self.loaded.project, self.settings.out.theme()).columns() + 3;
        Terminals {
            automatic: self.settings.out.is_terminal,
            prefix_columns: u16::try_from(columns).unwrap_or(u16::MAX),
        }
    }

    /// What everybody may ask for.
    pub(super) fn facts(&self) -> Facts {
        Facts {
            name: self.loaded.display_name.clone(),
            state_directory: self.loaded.places.state_dir.clone(),
            pid: std::process::id(),
        }
    }

    /// The config as the supervisor begins with it.
    pub(super) fn edition(&self, project: &Arc<Project>) -> Result<Edition, CommandError> {
        let edition = Edition::new(Arc::clone(project), self.ports.clone())
            .map_err(|cycle| CommandError::user(cycle.to_string()))?;
        let notes = self.port_notes.iter().chain(&self.notes).cloned().collect();
        Ok(edition.with(notes, self.loaded.sources.clone()))
    }

    /// How the config is read again.
    pub(super) fn source(&self) -> Source {
        let homes = self.loaded.homes.clone();
        Source {
            request: self.loaded.request.clone(),
            vocabulary: VOCABULARY,
            checkout: self.loaded.places.identity.as_str().to_owned(),
            ledger: self.loaded.homes.port_ledger(),
            home: self.settings.home.as_ref().map(PathBuf::from),
            notes: self.notes.clone(),
            holder_of: Box::new(move |port| holder_of(port, &homes)),
            describe: |diagnostics| {
                let errors = diagnostics.errors();
                let text = report::human(&errors, false).trim_end().to_owned();
                ConfigRefusal::Unreadable { text, line: report::in_one_line(&errors) }
            },
        }
    }

    /// Tells this run of the project from every other.
    pub(super) fn run_id(&self) -> String {
        format!("{}-{}", self.loaded.places.identity, std::process::id())
    }

    /// How a program is made from what the config says of it.
    pub(super) fn launcher(&self, project: Arc<Project>) -> Launcher {
        let shell: BTreeMap<String, String> = self.settings.environment.clone();
        let out = &self.settings.out;
        let output = match (out.colour, out.is_terminal) {
            (true, false) => vec![("FORCE_COLOR".to_owned(), "1".to_owned())],
            (false, true) => vec![("NO_COLOR".to_owned(), "1".to_owned())],
            (true, true) | (false, false) => Vec::new(),
        };
        Launcher {
            project,
            ports: Arc::new(self.ports.clone()),
            shell,
            output,
            name: self.loaded.display_name.clone(),
            run_id: self.run_id(),
            server_url: Some(self.loaded.server_url()),
        }
    }

    /// Writes down every event, where the user wants that.
    pub(super) fn recorder(&self) -> Result<Option<Recorder>, CommandError> {
        let Some(path) = self.settings.environment.get("RUN_RECORD").filter(|path| !path.is_empty()) else {
            return Ok(None);
        };
        let path = self.settings.directory.join(PathBuf::from(path));
        let recorder = Recorder::open(&path)
            .map_err(|error| CommandError::user(format!("could not write RUN_RECORD={}: {error}", path.display())))?;
        Ok(Some(recorder))
    }
}
