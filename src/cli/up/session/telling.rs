//! Whoever tells the user what happens: the story with its screen, or supervisord's silence.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use jiff::tz::TimeZone;
use nix::sys::stat::{SFlag, fstat};

use crate::cli::error::CommandError;
use crate::cli::settings::Verbosity;
use crate::cli::up::logs::greet;
use crate::cli::up::narrator::{Hush, Teller};
use crate::cli::up::screen::{Screen, ScreenParts};
use crate::cli::up::session::{Quiet, Session};
use crate::logs::Hub;
use crate::logs::zone;
use crate::model::Project;
use crate::model::supervisord::LogLevel;
use crate::runtime::clock::Clock;
use crate::runtime::handle::Handle;
use crate::runtime::narrator::Narrator;
use crate::serve;
use crate::ui::story::stamp::Stamps;
use crate::ui::story::{HeaderFacts, Story, Telling};
use crate::ui::terminal::{CONTROLLING_TERMINAL, RawTerminal};

impl Session<'_> {
    /// Begins to tell; what supervisord does before its first start is done here.
    pub(super) fn narrator(
        &mut self,
        project: &Arc<Project>,
        handle: &Handle,
        hub: &Hub,
        usage: &serve::UsageSource,
        clock: &Clock,
    ) -> Result<(Box<dyn Narrator>, Option<Screen>), CommandError> {
        let at = clock.now().wall;
        let Some(Quiet { lines, leaving, begun, .. }) = self.quiet.take() else {
            greet(hub, &self.loaded, Vec::new(), at);
            let (teller, screen) = self.tell(project, handle, hub, usage, clock);
            return Ok((Box::new(teller), Some(screen)));
        };
        let notes = self.notes.iter().map(|note| (LogLevel::Warn, note.clone()));
        for (level, text) in lines.into_iter().chain(notes) {
            hub.log(level, at, text);
        }
        greet(hub, &self.loaded, leaving, at);
        begun(hub, at)?;
        Ok((Box::new(Hush::new(hub.clone(), clock.clone())), None))
    }

    /// The story and the screen of a terminal, or of whatever our streams are.
    fn tell(
        &mut self,
        project: &Arc<Project>,
        handle: &Handle,
        hub: &Hub,
        usage: &serve::UsageSource,
        clock: &Clock,
    ) -> (Teller, Screen) {
        let raw = self.keys.then(|| RawTerminal::enter(CONTROLLING_TERMINAL.as_ref()).ok()).flatten().map(Rc::new);
        let story = self.story(project, raw.is_some());
        let names = story.names().clone();
        let mut teller =
            Teller::new(story, hub.clone(), raw.clone(), self.settings.verbosity, self.settings.out.theme());
        teller.header(&self.header_facts(), clock.now());
        let screen = Screen::start(ScreenParts {
            handle: handle.clone(),
            hub: hub.clone(),
            names,
            project: Arc::clone(project),
            look: self.settings.look(&self.settings.err),
            has_live_line: self.settings.err.is_terminal && !is_read_by_another(),
            raw,
            command: self.settings.address.program.clone(),
            usage: usage.clone(),
            detach: Rc::clone(&self.detach),
            detach_when_ready: self.detach_when_ready,
            timeout: self.timeout,
            stamps: self.stamps(),
            zone: self.zone(),
            is_quiet: self.settings.verbosity == Verbosity::Quiet,
        });
        (teller, screen)
    }

    fn stamps(&self) -> Stamps {
        match (self.timestamps, self.settings.err.is_terminal) {
            (0, true) => Stamps::None,
            (1, _) => Stamps::Relative,
            _ => Stamps::Clock,
        }
    }

    /// The zone of stamps; without them it is not looked up.
    fn zone(&self) -> TimeZone {
        if self.stamps() == Stamps::None { TimeZone::UTC } else { zone::local() }
    }

    fn story(&self, project: &Project, keys: bool) -> Story {
        let err = &self.settings.err;
        let stamps = self.stamps();
        let zone = self.zone();
        Story::new(
            project,
            &self.ports,
            Telling {
                theme: err.theme(),
                stamps,
                zone,
                on_terminal: err.is_terminal,
                keys,
                project: self.loaded.display_name.clone(),
                command: self.settings.address.program.clone(),
                notes: self.port_notes.iter().chain(&self.notes).cloned().collect(),
                ..Telling::default()
            },
        )
    }

    fn header_facts(&self) -> HeaderFacts<'_> {
        HeaderFacts { name: &self.loaded.display_name, worktree: self.loaded.branch.as_deref(), socket_ready: true }
    }
}

/// Whether our stdout is a pipe: whoever reads it, such as `grep`, may write to our terminal, behind a line that we believe to be the
/// last one.
fn is_read_by_another() -> bool {
    fstat(io::stdout()).is_ok_and(|stdout| SFlag::from_bits_truncate(stdout.st_mode) & SFlag::S_IFMT == SFlag::S_IFIFO)
}
