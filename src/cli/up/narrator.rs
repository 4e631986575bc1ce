//! The driver's narrator: notices become lines of the story and go to the output thread, in order with everything else.

use std::rc::Rc;

use crate::cli::settings::Verbosity;
use crate::cli::up::screen::terminal_columns;
use crate::cli::up::session::is_worth_saying;
use crate::logs::{CrashBox, Hub, Label, zone};
use crate::model::supervisord::LogLevel;
use crate::model::{ConfigNews, Now, ProcessId};
use crate::runtime::clock::Clock;
use crate::runtime::narrator::Narrator;
use crate::supervisor::notice::Notice;
use crate::supervisor::snapshot::Snapshot;
use crate::ui::names::Names;
use crate::ui::story::{HeaderFacts, Said, Story};
use crate::ui::terminal::RawTerminal;
use crate::ui::theme::Theme;

/// How many leftovers are named.
const NAMED: usize = 5;

/// Tells the story.
pub(super) struct Teller {
    story: Story,
    hub: Hub,
    raw: Option<Rc<RawTerminal>>,
    verbosity: Verbosity,
    /// What program lines are shown with.
    out: Theme,
}

impl Teller {
    /// A teller that has said nothing yet.
    pub(super) fn new(story: Story, hub: Hub, raw: Option<Rc<RawTerminal>>, verbosity: Verbosity, out: Theme) -> Self {
        Self { story, hub, raw, verbosity, out }
    }

    /// The first line.
    pub(super) fn header(&mut self, facts: &HeaderFacts<'_>, now: Now) {
        if is_worth_saying(self.verbosity, false) {
            self.hub.say(self.story.header(facts, now).join("\n"));
        }
    }
}

impl Narrator for Teller {
    fn tell(&mut self, notice: &Notice, snapshot: &Snapshot, now: Now) {
        let said = self.story.tell(notice, snapshot, now);
        let is_crash = matches!(notice, Notice::Crashed { .. } | Notice::GaveUp { .. });
        let Said { lines, tail } = if is_crash { said.with_first_line_in(terminal_columns()) } else { said };
        if !is_worth_saying(self.verbosity, is_trouble(notice)) {
            return;
        }
        if !lines.is_empty() {
            self.hub.say(lines.join("\n"));
        }
        if let Some(request) = tail {
            let columns = terminal_columns();
            self.hub.crash_box(CrashBox {
                process: request.process,
                run: request.run,
                max_lines: request.max_lines,
                render: Box::new(move |tail| request.render(&tail.lines, tail.total, columns, &zone::local())),
            });
        }
    }

    fn config(&mut self, news: &ConfigNews, snapshot: &Snapshot, now: Now) {
        let is_trouble = matches!(news, ConfigNews::Refused { .. });
        let lines = self.story.config(news, snapshot, now);
        if is_worth_saying(self.verbosity, is_trouble) && !lines.is_empty() {
            self.hub.say(lines.join("\n"));
        }
    }

    fn adopt(&mut self, snapshot: &Snapshot) -> u16 {
        self.story.adopt(snapshot);
        label(&self.hub, self.story.names(), self.out)
    }

    fn spawned(&mut self, process: ProcessId, pid: u32) {
        self.story.spawned(process, pid);
    }

    fn ran_out_of_memory(&mut self, process: ProcessId) {
        self.story.ran_out_of_memory(process);
    }

    fn leftovers(&mut self, names: &[(u32, String)]) {
        self.remark(outlived(names));
    }

    fn remark(&mut self, line: String) {
        // Who has left the terminal finds it in the main log.
        self.hub.log(LogLevel::Warn, Clock::start().now().wall, line.clone());
        self.hub.say(format!("  {line}"));
    }

    fn suspend(&mut self) {
        if let Some(raw) = &self.raw {
            // A terminal that has gone away needs no restoring.
            raw.suspend().ok();
        }
    }

    fn resume(&mut self) {
        if let Some(raw) = &self.raw {
            raw.resume().ok();
        }
    }
}

/// That these had outlived their programs.
fn outlived(names: &[(u32, String)]) -> String {
    let mut shown: Vec<String> = names.iter().take(NAMED).map(|(pid, name)| format!("{name} ({pid})")).collect();
    if names.len() > NAMED {
        shown.push(format!("and {} more", names.len() - NAMED));
    }
    let (noun, their) =
        if names.len() == 1 { ("process", "its program and was") } else { ("processes", "their program and were") };
    format!("{} {noun} outlived {their} killed: {}", names.len(), shown.join(", "))
}

/// Tells the output thread what stands before each program's lines; how many columns that takes.
pub(super) fn label(hub: &Hub, names: &Names, theme: Theme) -> u16 {
    for id in names.ids() {
        let prefix = theme.prefix(names.place(id), names.label(id), names.columns());
        let name = names.name(id).map(ToString::to_string).unwrap_or_default();
        hub.register(id, Label { name, prefix });
    }
    u16::try_from(names.columns() + 3).unwrap_or(u16::MAX)
}

/// What even `-q` says.
fn is_trouble(notice: &Notice) -> bool {
    match notice {
        Notice::Crashed { .. }
        | Notice::GaveUp { .. }
        | Notice::Blocked { .. }
        | Notice::WillNotDie { .. }
        | Notice::OutOfReach { .. }
        | Notice::Unhealthy { .. }
        | Notice::EventDropped { .. }
        | Notice::ListenerLost { .. }
        | Notice::EndsRun { .. }
        | Notice::RewritesItself { .. }
        | Notice::SettledWithFailures { .. } => true,
        Notice::Starting { .. }
        | Notice::Waiting { .. }
        | Notice::Ready { .. }
        | Notice::Done { .. }
        | Notice::NotReadyYet { .. }
        | Notice::Unblocked { .. }
        | Notice::Stopping { .. }
        | Notice::Stopped { .. }
        | Notice::StillStopping { .. }
        | Notice::Leftovers { .. }
        | Notice::WentToBackground { .. }
        | Notice::Healthy { .. }
        | Notice::EventRejected { .. }
        | Notice::FilesChanged { .. }
        | Notice::Reloaded { .. }
        | Notice::GroupAdded { .. }
        | Notice::GroupRemoved { .. }
        | Notice::AllReady { .. }
        | Notice::AllStopped { .. } => false,
    }
}

/// Nobody is told: what happens stands in the main log, and so does what has no notice.
pub(super) struct Hush {
    hub: Hub,
    clock: Clock,
}

impl Hush {
    /// One that says it there.
    pub(super) fn new(hub: Hub, clock: Clock) -> Self {
        Self { hub, clock }
    }
}

impl Narrator for Hush {
    fn tell(&mut self, _: &Notice, _: &Snapshot, _: Now) {}

    fn config(&mut self, _: &ConfigNews, _: &Snapshot, _: Now) {}

    fn adopt(&mut self, _: &Snapshot) -> u16 {
        0
    }

    fn spawned(&mut self, _: ProcessId, _: u32) {}

    fn ran_out_of_memory(&mut self, _: ProcessId) {}

    fn leftovers(&mut self, names: &[(u32, String)]) {
        self.remark(outlived(names));
    }

    fn remark(&mut self, line: String) {
        self.hub.log(LogLevel::Warn, self.clock.now().wall, line);
    }

    fn suspend(&mut self) {}

    fn resume(&mut self) {}
}
