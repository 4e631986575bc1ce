//! What is seen, and what is to be done about it. Pure.

use jiff::tz::TimeZone;

use crate::client::events::Change;
use crate::logs::kept::Place;
use crate::model::Word;
use crate::model::status::{ProcessStatus, ProjectStatus, RequestReport};
use crate::ui::look::Look;
use crate::ui::text::{clean, width};
use crate::ui::tui::areas::{Areas, areas};
use crate::ui::tui::list::{in_order, most_in_need};
use crate::ui::tui::log::{LogPage, Point, Room};
use crate::ui::tui::paint::Painted;
use crate::ui::tui::projects::ProjectRow;
use crate::ui::tui::screen::Focus;
use crate::ui::tui::text::TextPage;
use crate::ui::tui::{details, graph, help, paint};
use crate::ui::why;

/// What the edge is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Leave; the project goes on.
    Leave,
    /// Stop until the shell continues us.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Ask the project for something.
    Ask(Verb, Vec<String>),
    /// Read the log of [`State::scope`] from its end.
    OpenLog,
    /// Read from the beginning.
    GoToBegin,
    /// Read what is around this line.
    GoTo(Place),
    /// Look through everything for what is looked for.
    Search,
    /// Go to where the run before, or the next one, begins.
    GoToRun {
        /// The next one.
        forward: bool,
    },
    /// Read the last lines of a run, for the question why.
    LastLines(String, u32),
    /// Find out the environment of a program.
    Environment(String),
    /// List the running projects.
    ListProjects,
    /// Show another project.
    SwitchTo(String),
    /// Copy a text.
    Copy(String),
    /// Write the log to a file.
    Save,
    /// Give a program the keys.
    Attach(String),
    /// Wait until the project is up again.
    AwaitReturn,
}

/// What can be asked of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Start them and what they need.
    Start,
    /// Stop them.
    Stop,
    /// Stop and start them.
    Restart,
}

impl Verb {
    /// As it is told while it is done.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Start => "starting",
            Self::Stop => "stopping",
            Self::Restart => "restarting",
        }
    }
}

/// How it stands with the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It was asked and has not answered yet.
    Connecting,
    /// It tells us of every change.
    Up,
    /// It is up, but its process of this number is stopped, and tells nothing.
    Suspended(u32),
    /// It has ended.
    Ended,
    /// It has ended, and is waited for.
    Awaited,
}

/// What the page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The log.
    Log,
    /// Why a program is what it is.
    Why,
    /// What needs what.
    Graph,
    /// Everything about a program.
    Details,
    /// The keys.
    Help,
    /// The running projects.
    Projects,
    /// The terminal of a program.
    Focus,
}

/// Where the arrows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// To the list.
    List,
    /// To the page.
    Page,
}

/// What is being typed at the bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What for.
    pub purpose: Purpose,
    /// What so far.
    pub typed: String,
}

/// What is typed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To look for it.
    Search,
    /// To show only lines with it.
    Filter,
}

/// One thing to say at the bottom, until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// In words.
    pub text: String,
    /// It is about a failure.
    pub is_bad: bool,
}

/// See the module.
#[derive(Debug)]
pub struct State {
    /// Signs, colours, the user's home, what is typed to address the project.
    pub look: Look,
    /// For times of day.
    pub zone: TimeZone,
    /// Wall time, milliseconds since 1970.
    pub now: u64,
    /// The size of the terminal.
    pub size: Room,
    /// A stream is behind it: the same key returns there.
    pub from_stream: bool,
    /// How it stands with the project.
    pub link: Link,
    /// The project, once it has answered.
    pub status: Option<ProjectStatus>,
    /// The program that is looked at.
    pub selected: Option<String>,
    /// The log is that of all programs.
    pub shows_all: bool,
    /// Whoever has failed stands on top.
    pub failed_first: bool,
    /// The first row of the list that is seen.
    pub list_top: usize,
    /// Where the arrows go.
    pub pane: Pane,
    /// What the page shows.
    pub page: Page,
    /// The log.
    pub log: LogPage,
    /// A page of text.
    pub text: TextPage,
    /// The last lines of a run, for the question why.
    pub last_lines: Vec<String>,
    /// The environment of the program that is looked at, secrets masked.
    pub environment: Vec<String>,
    /// The running projects.
    pub projects: Vec<ProjectRow>,
    /// The one that is chosen.
    pub project_at: usize,
    /// What is typed.
    pub prompt: Option<Prompt>,
    /// What is said.
    pub notice: Option<Notice>,
    /// Where the button of the mouse went down in the log.
    pub marked: Option<Point>,
    /// The program that has the keys.
    pub focus: Option<Focus>,
    /// Whoever has failed while this was seen.
    pub failed_meanwhile: Vec<String>,
}

impl State {
    /// Before the project has answered.
    pub fn new(look: Look, zone: TimeZone, from_stream: bool) -> Self {
        Self {
            look,
            zone,
            now: 0,
            size: Room { columns: 80, rows: 24 },
            from_stream,
            link: Link::Connecting,
            status: None,
            selected: None,
            shows_all: false,
            failed_first: true,
            list_top: 0,
            pane: Pane::List,
            page: Page::Log,
            log: LogPage::new(),
            text: TextPage::default(),
            last_lines: Vec::new(),
            environment: Vec::new(),
            projects: Vec::new(),
            project_at: 0,
            prompt: None,
            notice: None,
            marked: None,
            focus: None,
            failed_meanwhile: Vec::new(),
        }
    }

    /// The project has answered.
    pub fn connected(&mut self, status: ProjectStatus) -> Vec<Order> {
        let is_another = self.status.as_ref().is_none_or(|known| known.pid != status.pid);
        let was = self.link;
        self.link = Link::Up;
        self.status = Some(status);
        if was == Link::Awaited {
            self.say("it is up again");
        }
        let is_new_choice = self.keep_selection();
        self.rebuild();
        if is_another || is_new_choice { vec![Order::OpenLog] } else { Vec::new() }
    }

    /// The project is up and could not be asked, for this reason: it is waited for.
    pub fn not_reached(&mut self, why: &str) {
        self.link = Link::Awaited;
        self.warn(why);
    }

    /// The process of a project that is up was looked at: which one is stopped, if it is. Whether that is news.
    pub fn looked_at(&mut self, stopped: Option<u32>) -> bool {
        let before = self.link;
        self.link = match (before, stopped) {
            (Link::Up | Link::Suspended(_), Some(pid)) => Link::Suspended(pid),
            (Link::Up | Link::Suspended(_), None) => Link::Up,
            (Link::Connecting | Link::Ended | Link::Awaited, _) => before,
        };
        self.link != before
    }

    /// Something has changed.
    pub fn changed(&mut self, change: Change) -> Vec<Order> {
        let Some(status) = &mut self.status else { return Vec::new() };
        let failures = |status: &ProjectStatus| -> Vec<(String, Word, u32)> {
            let failed = status.processes.iter().filter(|process| has_failed(process.state));
            failed.map(|process| (process.name.clone(), process.state, process.runs)).collect()
        };
        let before = failures(status);
        change.apply(status);
        for (name, ..) in failures(status).into_iter().filter(|failure| !before.contains(failure)) {
            if !self.failed_meanwhile.contains(&name) {
                self.failed_meanwhile.push(name);
            }
        }
        if self.from_stream && self.status.as_ref().is_some_and(|status| status.state == "stopping") {
            // How it ends is told by the stream.
            return vec![Order::Leave];
        }
        let is_new_choice = self.keep_selection();
        self.rebuild();
        if is_new_choice { self.after_selection() } else { Vec::new() }
    }

    /// The project has ended. One that was killed has told nobody what became of its programs: they ended with it.
    pub fn ended(&mut self) -> Vec<Order> {
        self.link = Link::Ended;
        for process in self.status.iter_mut().flat_map(|status| &mut status.processes) {
            if process.pid != 0 || is_under_way(process.state) {
                (process.state, process.since, process.pid) = (Word::Off, self.now, 0);
                (process.note, process.last_exit, process.url) = (String::new(), String::new(), None);
            }
        }
        self.rebuild();
        self.leave_focus();
        if self.from_stream { vec![Order::Leave] } else { Vec::new() }
    }

    /// What was asked for is done, or not.
    pub fn answered(&mut self, verb: Verb, answer: Result<RequestReport, String>) {
        match answer {
            Ok(report) => {
                if let Some(process) = report.processes.iter().find(|process| !process.ok) {
                    self.warn(&format!("{}: {}", clean(&process.name), clean(&process.answer)));
                } else {
                    let names: Vec<String> = report.processes.iter().map(|one| clean(&one.name)).collect();
                    self.say(&format!("{} {}", verb.doing(), names.join(", ")));
                }
            }
            Err(error) => self.warn(&clean(&error)),
        }
    }

    /// Says something until the next key.
    pub fn say(&mut self, text: &str) {
        self.notice = Some(Notice { text: text.to_owned(), is_bad: false });
    }

    /// Says that something is not as it should be.
    pub fn warn(&mut self, text: &str) {
        self.notice = Some(Notice { text: text.to_owned(), is_bad: true });
    }

    /// The processes in the order of the list.
    pub fn listed(&self) -> Vec<&ProcessStatus> {
        self.status.as_ref().map(|status| in_order(status, self.failed_first)).unwrap_or_default()
    }

    /// The program that is looked at.
    pub fn current(&self) -> Option<&ProcessStatus> {
        let selected = self.selected.as_ref()?;
        self.status.as_ref()?.processes.iter().find(|process| process.name == *selected)
    }

    /// Whose log is shown; of all when empty.
    pub fn scope(&self) -> Vec<String> {
        if self.shows_all { Vec::new() } else { self.selected.iter().cloned().collect() }
    }

    /// What is where.
    pub fn areas(&self) -> Areas {
        areas(self)
    }

    /// The room that the lines of the log have.
    pub fn log_room(&self) -> Room {
        let area = self.areas().page;
        let prefix = if self.shows_all { self.label_columns() + 3 } else { 0 };
        Room { columns: usize::from(area.width).saturating_sub(prefix).max(1), rows: usize::from(area.height) }
    }

    /// The column of names before the lines of all programs.
    pub fn label_columns(&self) -> usize {
        let labels = self.listed().into_iter().map(|process| width(&self.label(&process.name)));
        labels.max().unwrap_or(0)
    }

    /// How a process is called where there is little room.
    pub fn label(&self, name: &str) -> String {
        let short = match name.split_once(':') {
            Some((_, process)) if !process.is_empty() => process,
            Some(_) | None => name,
        };
        self.look.theme.cut_name(&clean(short))
    }

    /// The rule below the last line: how the process that is looked at has ended.
    pub fn end_rule(&self) -> Option<String> {
        let process = self.current().filter(|process| !self.shows_all && process.pid == 0 && process.runs > 0)?;
        if process.last_exit.is_empty() {
            return None;
        }
        let how = clean(&process.last_exit);
        let retry = if process.state == Word::Retrying { "starts again" } else { process.state.as_str() };
        Some(format!("{how} {} {retry}", self.look.theme.signs().dot))
    }

    /// Looks at another program.
    pub fn select(&mut self, name: &str) -> Vec<Order> {
        if self.selected.as_deref() == Some(name) {
            return Vec::new();
        }
        self.selected = Some(name.to_owned());
        self.after_selection()
    }

    pub(super) fn after_selection(&mut self) -> Vec<Order> {
        (self.last_lines, self.environment, self.marked) = (Vec::new(), Vec::new(), None);
        self.show_selected();
        let mut orders = if self.shows_all { Vec::new() } else { vec![Order::OpenLog] };
        if self.page == Page::Projects || self.page == Page::Help {
            self.page = Page::Log;
        }
        orders.extend(self.fill_page());
        orders
    }

    /// What a page needs that is not at hand.
    pub(super) fn fill_page(&mut self) -> Vec<Order> {
        self.rebuild();
        let Some(process) = self.current() else { return Vec::new() };
        match self.page {
            Page::Why if !is_quiet(process.state) => vec![Order::LastLines(process.name.clone(), process.runs)],
            Page::Details => vec![Order::Environment(process.program.clone())],
            Page::Why | Page::Log | Page::Graph | Page::Help | Page::Projects | Page::Focus => Vec::new(),
        }
    }

    /// Opens a page of text, or closes it when it is there already.
    pub(super) fn toggle(&mut self, page: Page) -> Vec<Order> {
        self.leave_focus();
        self.page = if self.page == page { Page::Log } else { page };
        self.text.top = 0;
        self.fill_page()
    }

    /// The text of a page is made anew from what is known now.
    pub fn rebuild(&mut self) {
        if let Some(lines) = self.page_lines() {
            self.text.lines = lines;
        }
    }

    fn page_lines(&self) -> Option<Vec<Painted>> {
        let status = self.status.as_ref()?;
        match self.page {
            Page::Why => self.current().map(|process| {
                let process = self.by_now(process);
                // The page breaks the lines itself, and anew when its width changes.
                let look = Look { width: None, ..self.look.clone() };
                let text = why::render(&process, status, &self.last_lines, &look, &self.zone);
                paint::lines(&text)
            }),
            Page::Graph => Some(graph::lines(status, &self.look)),
            Page::Details => {
                self.current().map(|process| details::lines(process, &self.environment, &self.look, &self.zone))
            }
            Page::Help => Some(help::lines(self.look.theme, self.from_stream)),
            Page::Log | Page::Projects | Page::Focus => None,
        }
    }

    /// What was told of a process some time ago, with the times as they are now.
    fn by_now(&self, process: &ProcessStatus) -> ProcessStatus {
        let for_ms = self.now.saturating_sub(process.since).max(process.for_ms);
        let passed = for_ms - process.for_ms;
        let retry_in_ms = process.retry_in_ms.map(|left| left.saturating_sub(passed));
        ProcessStatus { for_ms, retry_in_ms, ..process.clone() }
    }

    /// The time is another: what is seen and changes with it is made anew.
    pub fn tick(&mut self, now: u64) {
        self.now = now;
        if self.page == Page::Why {
            self.rebuild();
        }
    }

    /// Gives the keys back.
    pub fn leave_focus(&mut self) {
        if self.focus.take().is_some() {
            self.page = Page::Log;
        }
    }

    /// Chooses whoever needs it most where nobody is chosen; whether that is another one than before.
    fn keep_selection(&mut self) -> bool {
        let Some(status) = &self.status else { return false };
        let is_there = self.selected.as_ref().is_some_and(|name| status.processes.iter().any(|one| one.name == *name));
        if is_there {
            return false;
        }
        self.selected = most_in_need(status).map(|process| process.name.clone());
        self.show_selected();
        true
    }

    /// The terminal has another size: whoever is chosen stays seen.
    pub fn show_chosen(&mut self) {
        self.show_selected();
    }

    /// Scrolls the list to the chosen one.
    pub(super) fn show_selected(&mut self) {
        let Some(selected) = &self.selected else { return };
        let Some(at) = self.listed().iter().position(|process| process.name == *selected) else { return };
        let rows = usize::from(self.areas().list.height).max(1);
        self.list_top = self.list_top.clamp((at + 1).saturating_sub(rows), at);
    }

    /// When something that is seen will have changed by time alone, in milliseconds since 1970; never while nothing is up.
    pub fn next_tick(&self) -> Option<u64> {
        let status = self.status.as_ref().filter(|_| self.link == Link::Up)?;
        let is_young = |since: u64| self.now.saturating_sub(since) < 60_000;
        let is_moving = is_young(status.started) || status.processes.iter().any(|one| is_young(one.since));
        let step = if is_moving { 1_000 } else { 60_000 };
        let phase = self.now.saturating_sub(status.started) % step;
        Some(self.now + step - phase)
    }
}

/// Whether it is a state that nothing stays in once its project is gone.
fn is_under_way(word: Word) -> bool {
    match word {
        Word::Waiting | Word::Starting | Word::Ready | Word::Unhealthy | Word::Retrying | Word::Stopping => true,
        Word::Off | Word::Blocked | Word::Done | Word::Failed => false,
    }
}

/// Whether its last run has failed, or the one before while it is open what becomes of the next.
pub fn has_failed(word: Word) -> bool {
    match word {
        Word::Failed | Word::Retrying => true,
        Word::Off
        | Word::Waiting
        | Word::Blocked
        | Word::Starting
        | Word::Ready
        | Word::Unhealthy
        | Word::Stopping
        | Word::Done => false,
    }
}

/// Whether its output says nothing to the question why.
fn is_quiet(word: Word) -> bool {
    match word {
        Word::Off | Word::Waiting | Word::Blocked | Word::Ready | Word::Done | Word::Stopping => true,
        Word::Starting | Word::Unhealthy | Word::Retrying | Word::Failed => false,
    }
}
