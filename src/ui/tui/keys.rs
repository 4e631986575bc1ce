//! What keys do. Pure.

use crate::model::Word;
use crate::ui::tui::input::{Key, Press};
use crate::ui::tui::log::Search;
use crate::ui::tui::pattern::{Level, Pattern};
use crate::ui::tui::state::{Link, Order, Page, Pane, Prompt, Purpose, State, Verb};

/// The columns that left and right move a line by that is not wrapped.
const SIDEWAYS: usize = 8;

/// The longest text that can be typed, in characters.
const LONGEST: usize = 500;

impl State {
    /// Takes one press.
    pub fn press(&mut self, press: Press) -> Vec<Order> {
        match press {
            Press::Mouse(mouse) => self.mouse(mouse),
            Press::Paste(text) => {
                if let Some(prompt) = &mut self.prompt {
                    let room = LONGEST.saturating_sub(prompt.typed.chars().count());
                    prompt.typed.extend(text.chars().filter(|c| !c.is_control()).take(room));
                }
                Vec::new()
            }
            Press::Key(key) => {
                self.notice = None;
                match self.prompt.take() {
                    Some(prompt) => self.typed(prompt, key),
                    None => self.key(key),
                }
            }
        }
    }

    fn typed(&mut self, mut prompt: Prompt, key: Key) -> Vec<Order> {
        match key {
            Key::Enter => return self.take(prompt),
            Key::Escape | Key::Ctrl('c') => return Vec::new(),
            Key::Backspace if prompt.typed.is_empty() => return Vec::new(),
            Key::Backspace => drop(prompt.typed.pop()),
            Key::Ctrl('u') => prompt.typed.clear(),
            Key::Char(c) if prompt.typed.chars().count() < LONGEST => prompt.typed.push(c),
            _ => {}
        }
        self.prompt = Some(prompt);
        Vec::new()
    }

    /// Enter: does what was typed for.
    fn take(&mut self, Prompt { purpose, typed }: Prompt) -> Vec<Order> {
        let pattern = Pattern::new(&typed);
        match purpose {
            Purpose::Filter => {
                self.log.filter = pattern;
                vec![Order::OpenLog]
            }
            Purpose::Search => {
                self.log.search = pattern.map(|pattern| Search {
                    pattern,
                    hits: Vec::new(),
                    is_cut: false,
                    current: None,
                    is_looking: true,
                    jumps: true,
                });
                if self.log.search.is_some() { vec![Order::Search] } else { Vec::new() }
            }
        }
    }

    fn key(&mut self, key: Key) -> Vec<Order> {
        match key {
            Key::Ctrl('c') | Key::Char('q') => return vec![Order::Leave],
            Key::Ctrl('z') => return vec![Order::Suspend],
            Key::Ctrl('l') => return vec![Order::Redraw],
            Key::Char('t') if self.from_stream => return vec![Order::Leave],
            Key::Escape => return self.escape(),
            Key::Enter if self.link == Link::Ended => {
                self.link = Link::Awaited;
                return vec![Order::AwaitReturn];
            }
            _ => {}
        }
        if let Some(orders) = self.moves(key) {
            return orders;
        }
        if let Some(orders) = self.log_key(key) {
            return orders;
        }
        self.program_key(key)
    }

    /// Closes what is open: a page, what is marked, a search, a filter; at last the whole of it, where a stream is behind it.
    fn escape(&mut self) -> Vec<Order> {
        if self.page != Page::Log {
            return self.toggle(Page::Log);
        }
        if self.log.selection.take().is_some() || self.log.search.take().is_some() {
            return Vec::new();
        }
        if self.log.filter.take().is_some() || self.log.level != Level::All {
            self.log.level = Level::All;
            return vec![Order::OpenLog];
        }
        if self.pane == Pane::Page {
            self.pane = Pane::List;
            return Vec::new();
        }
        if self.from_stream { vec![Order::Leave] } else { Vec::new() }
    }

    /// Keys that move something; `None` for others.
    fn moves(&mut self, key: Key) -> Option<Vec<Order>> {
        let page = isize::try_from(self.log_room().rows.saturating_sub(1).max(1)).unwrap_or(1);
        let half = (page / 2).max(1);
        match key {
            Key::Up | Key::Char('k') => Some(self.arrow(-1)),
            Key::Down | Key::Char('j') => Some(self.arrow(1)),
            Key::Tab | Key::BackTab => {
                self.pane = if self.pane == Pane::List { Pane::Page } else { Pane::List };
                Some(Vec::new())
            }
            Key::Left | Key::Char('h') => Some(self.sideways(false)),
            Key::Right | Key::Char('l') => Some(self.sideways(true)),
            Key::PageUp | Key::PageDown | Key::Home | Key::End | Key::Char('G') if self.is_list_scrolled() => {
                Some(self.scroll_list_by_key(key))
            }
            Key::PageUp | Key::Ctrl('b') => Some(self.scroll_page(-page)),
            Key::PageDown | Key::Ctrl('f') => Some(self.scroll_page(page)),
            Key::Ctrl('u') => Some(self.scroll_page(-half)),
            Key::Ctrl('d') => Some(self.scroll_page(half)),
            Key::Home => Some(self.go_to_begin()),
            Key::End | Key::Char('G') => Some(self.go_to_end()),
            _ => None,
        }
    }

    /// Whether the keys that scroll go to the list: when it is in front and there is more of it than is seen, or nothing else.
    fn is_list_scrolled(&self) -> bool {
        let areas = self.areas();
        let is_long = self.listed().len() > usize::from(areas.list.height);
        self.is_list_in_front() && (is_long || areas.page.width == 0)
    }

    fn scroll_list_by_key(&mut self, key: Key) -> Vec<Order> {
        let rows = isize::try_from(self.areas().list.height.saturating_sub(1).max(1)).unwrap_or(1);
        self.arrow(match key {
            Key::PageUp => -rows,
            Key::PageDown => rows,
            Key::Home => isize::MIN,
            _ => isize::MAX,
        })
    }

    fn is_list_in_front(&self) -> bool {
        self.pane == Pane::List && !matches!(self.page, Page::Projects | Page::Graph | Page::Help)
    }

    fn arrow(&mut self, by: isize) -> Vec<Order> {
        if !self.is_list_in_front() {
            return self.scroll_page(by);
        }
        let names: Vec<String> = self.listed().iter().map(|process| process.name.clone()).collect();
        let at = names.iter().position(|name| Some(name) == self.selected.as_ref()).unwrap_or(0);
        let to = at.saturating_add_signed(by).min(names.len().saturating_sub(1));
        names.get(to).cloned().map(|name| self.select(&name)).unwrap_or_default()
    }

    fn sideways(&mut self, is_right: bool) -> Vec<Order> {
        if self.pane == Pane::Page && self.page == Page::Log && !self.log.wraps && (is_right || self.log.left > 0) {
            let left = self.log.left;
            self.log.left = if is_right { left + SIDEWAYS } else { left.saturating_sub(SIDEWAYS) };
        } else {
            self.pane = if is_right { Pane::Page } else { Pane::List };
        }
        Vec::new()
    }

    /// Scrolls what the page shows.
    pub(super) fn scroll_page(&mut self, by: isize) -> Vec<Order> {
        match self.page {
            Page::Log => {
                let (room, end) = (self.log_room(), self.end_rule());
                self.log.scroll(by, room, end.as_deref());
            }
            Page::Why | Page::Graph | Page::Details | Page::Help => {
                let room = self.text_room();
                self.text.scroll(by, room);
            }
            Page::Projects => {
                let last = self.projects.len().saturating_sub(1);
                self.project_at = self.project_at.saturating_add_signed(by).min(last);
            }
            Page::Focus => {}
        }
        Vec::new()
    }

    fn go_to_begin(&mut self) -> Vec<Order> {
        if self.page == Page::Log {
            return vec![Order::GoToBegin];
        }
        (self.text.top, self.project_at) = (0, 0);
        Vec::new()
    }

    fn go_to_end(&mut self) -> Vec<Order> {
        match self.page {
            Page::Log if self.log.is_at_end => {
                self.log.follow();
                Vec::new()
            }
            Page::Log => vec![Order::OpenLog],
            _ => {
                self.project_at = self.projects.len().saturating_sub(1);
                self.scroll_page(isize::MAX)
            }
        }
    }

    /// Keys about the log; `None` for others.
    fn log_key(&mut self, key: Key) -> Option<Vec<Order>> {
        let (room, end) = (self.log_room(), self.end_rule());
        let end = end.as_deref();
        match key {
            Key::Char('/') => Some(self.ask_for(Purpose::Search)),
            Key::Char('f') => Some(self.ask_for(Purpose::Filter)),
            Key::Char('n') => Some(self.step(true)),
            Key::Char('N') => Some(self.step(false)),
            Key::Char('e') => {
                self.log.level = self.log.level.next();
                self.page = Page::Log;
                Some(vec![Order::OpenLog])
            }
            Key::Char('a') => {
                self.shows_all = !self.shows_all;
                (self.page, self.log.search) = (Page::Log, None);
                Some(vec![Order::OpenLog])
            }
            Key::Char('z') => {
                (self.log.wraps, self.log.left) = (!self.log.wraps, 0);
                Some(Vec::new())
            }
            Key::Char(' ') if self.log.follows() => {
                self.log.hold(room, end);
                Some(Vec::new())
            }
            Key::Char(' ') => Some(self.go_to_end()),
            Key::Char('[') => Some(vec![Order::GoToRun { forward: false }]),
            Key::Char(']') => Some(vec![Order::GoToRun { forward: true }]),
            Key::Char('y') => Some(self.copy_line()),
            Key::Char('Y') => Some(self.copy_page()),
            Key::Char('S') => Some(vec![Order::Save]),
            _ => None,
        }
    }

    fn ask_for(&mut self, purpose: Purpose) -> Vec<Order> {
        let typed = match purpose {
            Purpose::Search => String::new(),
            Purpose::Filter => self.log.filter.as_ref().map(|filter| filter.text.clone()).unwrap_or_default(),
        };
        self.prompt = Some(Prompt { purpose, typed });
        if self.areas().page.width == 0 {
            self.pane = Pane::Page;
        }
        self.toggle_to_log()
    }

    fn toggle_to_log(&mut self) -> Vec<Order> {
        if self.page == Page::Log { Vec::new() } else { self.toggle(Page::Log) }
    }

    /// To the next place that was found.
    pub fn step(&mut self, is_forward: bool) -> Vec<Order> {
        let (room, end) = (self.log_room(), self.end_rule());
        if self.log.search.is_none() {
            self.say("nothing is looked for: / looks for a text");
            return Vec::new();
        }
        let Some(place) = self.log.step(is_forward, room, end.as_deref()) else {
            return Vec::new();
        };
        if self.log.show(place, room) { Vec::new() } else { vec![Order::GoTo(place)] }
    }

    fn copy_line(&mut self) -> Vec<Order> {
        let (room, end) = (self.log_room(), self.end_rule());
        self.copy(self.log.current_text(room, end.as_deref()).unwrap_or_default())
    }

    fn copy_page(&mut self) -> Vec<Order> {
        let (room, end) = (self.log_room(), self.end_rule());
        let text = match self.page {
            Page::Log => self.log.page_text(room, end.as_deref()),
            _ => self.text.plain(),
        };
        self.copy(text)
    }

    /// Copies a text, and says how much that is.
    pub(super) fn copy(&mut self, text: String) -> Vec<Order> {
        if text.is_empty() {
            self.say("there is nothing to copy");
            return Vec::new();
        }
        match text.lines().count() {
            1 => self.say("copied 1 line"),
            count => self.say(&format!("copied {count} lines")),
        }
        vec![Order::Copy(text)]
    }

    /// The edge has copied a text, or nobody has taken it.
    pub fn copied(&mut self, is_taken: bool) {
        if !is_taken {
            self.warn("too long for the clipboard of the terminal, nothing is copied; S writes the log to a file");
        }
    }

    /// Keys about programs and projects.
    fn program_key(&mut self, key: Key) -> Vec<Order> {
        match key {
            Key::Char('w') => self.toggle(Page::Why),
            Key::Char('d') => self.toggle(Page::Details),
            Key::Char('g') => self.toggle(Page::Graph),
            Key::Char('?') => self.toggle(Page::Help),
            Key::Char('o') => {
                self.failed_first = !self.failed_first;
                self.show_selected();
                self.say(if self.failed_first { "those in trouble first" } else { "in the order of the start" });
                Vec::new()
            }
            Key::Char('P') => {
                let mut orders = self.toggle(Page::Projects);
                if self.page == Page::Projects {
                    orders.push(Order::ListProjects);
                }
                orders
            }
            Key::Enter if self.page == Page::Projects => {
                let chosen = self.projects.get(self.project_at).map(|project| project.identity.clone());
                chosen.map(|identity| vec![Order::SwitchTo(identity)]).unwrap_or_default()
            }
            // The program that is chosen behind this page is not the one that anybody looks at.
            Key::Char('r' | 'R' | 'x') if self.page == Page::Projects => {
                self.warn("that is done to programs; Esc leads back to them");
                Vec::new()
            }
            Key::Enter | Key::Char('r' | 'R' | 'x') if self.link == Link::Up => self.act(key),
            Key::Enter | Key::Char('r' | 'R' | 'x') => {
                let why = match self.link {
                    Link::Suspended(pid) => format!("nobody does that now: kill -CONT {pid} continues the project"),
                    Link::Up | Link::Connecting | Link::Ended | Link::Awaited => "the project is not up".to_owned(),
                };
                self.warn(&why);
                Vec::new()
            }
            Key::Char('t') => {
                self.say("the stream belongs to run up; here q leaves");
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn act(&mut self, key: Key) -> Vec<Order> {
        if key == Key::Char('R') {
            let failed = self.listed().into_iter().filter(|process| process.state == Word::Failed);
            let failed: Vec<String> = failed.map(|process| process.name.clone()).collect();
            if failed.is_empty() {
                self.say("nothing has failed");
                return Vec::new();
            }
            return vec![Order::Ask(Verb::Restart, failed)];
        }
        let Some(process) = self.current() else { return Vec::new() };
        let names = vec![process.name.clone()];
        match key {
            Key::Enter => vec![Order::Attach(process.name.clone())],
            Key::Char('r') => vec![Order::Ask(Verb::Restart, names)],
            _ => vec![Order::Ask(if is_up(process.state) { Verb::Stop } else { Verb::Start }, names)],
        }
    }
}

fn is_up(word: Word) -> bool {
    match word {
        Word::Waiting | Word::Starting | Word::Ready | Word::Unhealthy | Word::Retrying => true,
        Word::Off | Word::Blocked | Word::Stopping | Word::Done | Word::Failed => false,
    }
}
