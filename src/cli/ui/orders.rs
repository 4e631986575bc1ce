//! What the state asks for, done.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;

use crate::cli::connection::Connection;
use crate::cli::error::CommandError;
use crate::cli::ui::book::Reader;
use crate::cli::ui::errands::{self, Done};
use crate::cli::ui::session::{Over, Session};
use crate::client::ClientError;
use crate::client::attach::{Hearing, Saying};
use crate::client::events::Events;
use crate::codec::attach::{Frame, WindowSize};
use crate::logs::kept::KeptLogs;
use crate::registry::{Homes, Running};
use crate::ui::address::Address;
use crate::ui::text::clean;
use crate::ui::tui::clip;
use crate::ui::tui::screen::Focus;
use crate::ui::tui::state::{Order, Page, State};

/// How long a program's terminal may take to take what was typed.
const PATIENCE: Duration = Duration::from_secs(1);

impl Session {
    pub(super) fn perform(&mut self, order: Order) {
        match order {
            Order::Leave => self.over = Some(Over::Left),
            Order::Suspend => self.suspend(),
            Order::Redraw => self.stage.forget(),
            Order::Ask(verb, names) => {
                self.state.say(&format!("{} …", verb.doing()));
                let running = self.running.clone();
                self.errand(move || errands::ask(running, verb, &names));
            }
            Order::OpenLog | Order::GoToBegin | Order::GoTo(_) | Order::Search | Order::GoToRun { .. } => {
                self.turn_pages(&order);
            }
            Order::LastLines(name, run) => {
                let running = self.running.clone();
                self.errand(move || errands::lines_of_run(&running, name, run));
            }
            Order::Environment(program) => {
                let settings = self.settings.clone();
                self.errand(move || errands::environment(&settings, program));
            }
            Order::ListProjects => {
                let here = self.running.places.identity.clone();
                self.errand(move || errands::projects(&here));
            }
            Order::SwitchTo(identity) => match errands::find_by_words(&identity) {
                Some(running) => self.connect(running),
                None => self.state.warn("it has ended meanwhile"),
            },
            Order::Copy(text) => self.copy(text),
            Order::Save => self.save(),
            Order::Attach(name) => {
                let running = self.running.clone();
                self.errand(move || Done::Attached(name.clone(), attach(running, &name)));
            }
            Order::AwaitReturn => {}
        }
    }

    fn turn_pages(&mut self, order: &Order) {
        let (room, scope, end) = (self.state.log_room(), self.state.scope(), self.state.end_rule());
        let has_program = self.state.shows_all || self.state.selected.is_some();
        if !has_program {
            return;
        }
        if self.reader.is_none() && *order == Order::OpenLog {
            self.reader = self.running.places.logs().map(|directory| Reader::of(KeptLogs::open(directory)));
        }
        let Some(reader) = &mut self.reader else { return };
        // The lines will be others.
        self.state.marked = None;
        let page = &mut self.state.log;
        match order {
            Order::OpenLog => reader.turn_to(scope, page, room.rows),
            Order::GoToBegin => reader.go_to_begin(page),
            Order::GoTo(place) => reader.go_to(*place, page, room),
            Order::Search => reader.begin_search(page),
            Order::GoToRun { forward } => {
                let seen = page.first_seen(room, end.as_deref());
                match reader.run_from(seen, *forward) {
                    Some(place) => reader.go_to(place, page, room),
                    None if *forward => reader.turn_to(scope, page, room.rows),
                    None => self.state.say("no earlier run is kept"),
                }
            }
            _ => {}
        }
    }

    /// The search has looked at everything: it goes to the nearest place.
    pub(super) fn found(&mut self) {
        let Some(search) = self.state.log.search.as_mut().filter(|search| search.jumps) else { return };
        search.jumps = false;
        if search.hits.is_empty() {
            let text = format!("`{}` is nowhere in this log", clean(&search.pattern.text));
            self.state.warn(&text);
        } else if search.current.is_none() {
            let orders = self.state.step(true);
            self.obey(orders);
        }
    }

    fn copy(&mut self, text: String) {
        let sequence = clip::sequence(&text);
        let is_told = !sequence.is_empty();
        self.stage.put(&sequence);
        let environment = &self.settings.environment;
        match clip::tool(|name| environment.get(name).is_some_and(|value| !value.is_empty())) {
            Some(tool) => self.errand(move || Done::Copied(errands::copy(tool, &text) || is_told)),
            None => self.state.copied(is_told),
        }
    }

    fn save(&mut self) {
        let Some(reader) = &self.reader else { return };
        let temporary = self.settings.environment.get("TMPDIR").filter(|directory| !directory.is_empty());
        let directory = PathBuf::from(temporary.map_or("/tmp", String::as_str));
        let (logs, scope, page) = (reader.logs().clone(), self.state.scope(), self.state.log.sieve());
        let project = self.running.owner.name.clone();
        let name = scope.first().map_or(project.clone(), |name| format!("{project}-{name}"));
        self.errand(move || errands::save(&directory, &logs, scope, &name, &page));
    }

    /// Shows this project from now on.
    pub(super) fn turn_to(&mut self, running: Running, events: Events) {
        let is_same = running.places.identity == self.running.places.identity;
        if !is_same {
            self.address(&running);
            let old = &self.state;
            let mut state = State::new(self.settings.look(&self.settings.out), old.zone.clone(), old.from_stream);
            (state.size, state.now) = (old.size, old.now);
            self.state = state;
        }
        (self.running, self.events, self.reader) = (running, Some(events), None);
        self.state.log.clear();
        self.turn_pages(&Order::OpenLog);
    }

    /// From here on commands and lines to type mean this project.
    fn address(&mut self, running: &Running) {
        let owner = &running.owner;
        self.settings.directory.clone_from(&owner.root);
        self.settings.name.clone_from(&owner.explicit_name);
        self.settings.files = owner.files.iter().map(|file| owner.root.join(file)).collect();
        let name = owner.explicit_name.as_ref().map(|name| format!(" -p {name}")).unwrap_or_default();
        let program = format!("run -C {}{name}", owner.root.display());
        self.settings.address = Address { program, files: String::new() };
    }

    /// A program gets the keys, once it has said what it is.
    pub(super) async fn attached(&mut self, name: &str, attached: (Hearing, Saying)) {
        self.state.page = Page::Focus;
        self.state.focus = Some(Focus::new(name, self.page_size()));
        self.focus = Some(attached);
        self.tell_size(false).await;
    }

    /// What a program with the keys has said.
    pub(super) async fn hear_program(&mut self, frame: Result<Option<Frame>, ClientError>) {
        self.is_dirty = true;
        match frame {
            Ok(Some(Frame::State(state))) if !state.is_terminal => {
                let name = self.release();
                let run = &self.state.look.address.program;
                let text = if state.pid == 0 {
                    format!("{name} does not run")
                } else {
                    format!("{name} has no terminal (tty = true); {run} attach {name} sends lines to its stdin")
                };
                self.state.warn(&text);
            }
            Ok(Some(Frame::State(state))) if state.pid == 0 => {
                let name = self.release();
                self.state.say(&format!("{name} has ended: {}", clean(&state.last_exit)));
            }
            Ok(Some(Frame::Output { is_past, bytes, .. })) => {
                let Some(focus) = &mut self.state.focus else { return };
                focus.feed(&bytes);
                if is_past {
                    let redraw = focus.is_on_other_screen();
                    self.tell_size(redraw).await;
                }
            }
            Ok(Some(Frame::State(_) | Frame::Missed(_) | Frame::Input(_) | Frame::End | Frame::Size { .. })) => {}
            Ok(None) | Err(_) => {
                let name = self.release();
                self.state.say(&format!("{name} is gone"));
            }
        }
    }

    /// Types to the program that has the keys.
    pub(super) async fn type_to_program(&mut self, bytes: &[u8]) {
        let area = self.state.areas().page;
        let Some(focus) = &self.state.focus else { return };
        let typed = focus.typed(bytes, area);
        if !typed.bytes.is_empty() {
            self.send(Frame::Input(typed.bytes)).await;
        }
        if typed.leaves {
            self.release();
        }
    }

    /// Tells the program that has the keys how large its terminal is.
    pub(super) async fn tell_size(&mut self, redraw: bool) {
        let size = self.page_size();
        let Some(focus) = &mut self.state.focus else { return };
        focus.resize(size);
        self.send(Frame::Size { size, redraw }).await;
    }

    async fn send(&mut self, frame: Frame) {
        let Some((_, saying)) = &mut self.focus else { return };
        if !matches!(timeout(PATIENCE, saying.say(&frame)).await, Ok(Ok(()))) {
            let name = self.release();
            self.state.warn(&format!("{name} takes nothing"));
        }
    }

    /// Takes the keys back; from whom.
    fn release(&mut self) -> String {
        let name = self.state.focus.as_ref().map(|focus| clean(&focus.name)).unwrap_or_default();
        self.focus = None;
        self.state.leave_focus();
        name
    }

    fn page_size(&self) -> WindowSize {
        let area = self.state.areas().page;
        WindowSize { rows: area.height.max(1), columns: area.width.max(1) }
    }
}

fn attach(running: Running, name: &str) -> Result<(Hearing, Saying), CommandError> {
    let connection = Connection::open(Homes::of_this_user(), running)?;
    connection.ok_or_else(|| CommandError::project("the project has ended"))?.attach(name)
}
