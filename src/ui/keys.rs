//! The keys of the stream, as a pure state machine from presses to what is to be done.

use crate::model::{ProcessId, Word};
use crate::supervisor::snapshot::{ProcessInfo, Snapshot};
use crate::ui::decode::Key;
use crate::ui::names::Names;
use crate::ui::pick::{Pick, Purpose};
use crate::ui::theme::Theme;

/// What a press leads to. The edge performs these in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyAction {
    /// Print these lines among ours; they stay in the scroll-back.
    Print(String),
    /// Show the output of these alone; `None` for all.
    ShowOnly(Option<Vec<ProcessId>>),
    /// Stop and start these again.
    Restart(Vec<ProcessId>),
    /// Stop these.
    Stop(Vec<ProcessId>),
    /// Start these, and what they need.
    Start(Vec<ProcessId>),
    /// Print why this one is not ready.
    Why(ProcessId),
    /// Print the status table.
    Status,
    /// Show the full screen.
    FullScreen,
    /// Leave; everything keeps running.
    Detach,
    /// Stop everything in order, as Ctrl-C does.
    Quit,
    /// Show this in place of the live line, cut to the terminal ([`fit`](crate::ui::live::fit)); `None` gives the live line back.
    Prompt(Option<String>),
}

/// Whether there is a full screen in this build.
pub const HAS_FULL_SCREEN: bool = cfg!(feature = "tui");

/// The keys of one stream.
#[derive(Debug, Clone)]
pub struct Keys {
    names: Names,
    theme: Theme,
    /// What a user types to address this project: `run`, or `run -p NAME`.
    command: String,
    pick: Option<Pick>,
    filter: Option<Vec<ProcessId>>,
}

impl Keys {
    /// No pick is open, and all is shown.
    pub fn new(names: Names, theme: Theme, command: impl Into<String>) -> Self {
        Self { names, theme, command: command.into(), pick: None, filter: None }
    }

    /// Takes in what a reload has changed.
    pub fn adopt(&mut self, snapshot: &Snapshot) {
        self.names.adopt(snapshot);
    }

    /// What the `l` key chose to show; `None` for all.
    pub fn filter(&self) -> Option<&[ProcessId]> {
        self.filter.as_deref()
    }

    /// Whether a pick is open, whose prompt stands in the place of the live line.
    pub fn is_picking(&self) -> bool {
        self.pick.is_some()
    }

    /// Takes one key.
    pub fn press(&mut self, key: Key, snapshot: &Snapshot) -> Vec<KeyAction> {
        match self.pick.take() {
            Some(pick) => self.pick_press(pick, key, snapshot),
            None => self.idle_press(key, snapshot),
        }
    }

    fn idle_press(&mut self, key: Key, snapshot: &Snapshot) -> Vec<KeyAction> {
        match key {
            Key::Char('s') => vec![KeyAction::Status],
            Key::Char('l') => self.open(Pick::new(Purpose::Only, None), snapshot),
            Key::Char('r') => self.open(Pick::new(Purpose::Restart, None), snapshot),
            Key::Char('R') => vec![restart_failed(snapshot)],
            Key::Char('x') => self.open(Pick::new(Purpose::Toggle, None), snapshot),
            Key::Char('w') => self.open(Pick::new(Purpose::Why, most_in_need(snapshot)), snapshot),
            Key::Char('t') if HAS_FULL_SCREEN && !snapshot.is_shutting_down => vec![KeyAction::FullScreen],
            Key::Char('d') if snapshot.is_shutting_down => {
                vec![KeyAction::Print("  it is stopping: there is nothing left to detach from".to_owned())]
            }
            Key::Char('d') => vec![KeyAction::Print(self.how_to_come_back()), KeyAction::Detach],
            Key::Char('q') => vec![KeyAction::Quit],
            Key::Char('?') => vec![KeyAction::Print(help(self.theme))],
            Key::Char(_) | Key::Enter | Key::Escape | Key::Backspace | Key::Clear => Vec::new(),
        }
    }

    /// Shows a pick and keeps it open.
    fn open(&mut self, pick: Pick, snapshot: &Snapshot) -> Vec<KeyAction> {
        let prompt = pick.prompt(&self.names, snapshot, self.theme);
        self.pick = Some(pick);
        vec![KeyAction::Prompt(Some(prompt))]
    }

    fn pick_press(&mut self, mut pick: Pick, key: Key, snapshot: &Snapshot) -> Vec<KeyAction> {
        match key {
            Key::Escape => return vec![KeyAction::Prompt(None)],
            Key::Backspace if pick.typed.is_empty() => return vec![KeyAction::Prompt(None)],
            Key::Enter => return self.take(pick, snapshot),
            Key::Char(c) => pick.typed.push(c),
            Key::Clear => pick.typed.clear(),
            Key::Backspace => {
                pick.typed.pop();
            }
        }
        self.open(pick, snapshot)
    }

    /// Enter: does what was picked. A text that means nothing leaves the pick open, so that it can be mended.
    fn take(&mut self, pick: Pick, snapshot: &Snapshot) -> Vec<KeyAction> {
        let chosen = pick.chosen(&self.names);
        if chosen.is_empty() && !pick.typed.is_empty() {
            return self.open(pick, snapshot);
        }
        let mut actions = vec![KeyAction::Prompt(None)];
        match (pick.purpose, chosen.first()) {
            (Purpose::Only, _) => actions.extend(self.show_only(chosen)),
            (Purpose::Restart, Some(_)) => actions.push(KeyAction::Restart(chosen)),
            (Purpose::Toggle, Some(_)) => actions.push(toggle(chosen, snapshot)),
            (Purpose::Why, Some(first)) => actions.push(KeyAction::Why(*first)),
            (Purpose::Why, None) => actions.push(KeyAction::Print("  everything is as it should be".to_owned())),
            (Purpose::Restart | Purpose::Toggle, None) => {}
        }
        actions
    }

    /// All or none of them is no filter.
    fn show_only(&mut self, chosen: Vec<ProcessId>) -> Option<KeyAction> {
        let is_all = chosen.is_empty() || chosen.len() == self.names.ids().count();
        let wanted = if is_all { None } else { Some(chosen) };
        if wanted == self.filter {
            return None;
        }
        self.filter.clone_from(&wanted);
        Some(KeyAction::ShowOnly(wanted))
    }

    fn how_to_come_back(&self) -> String {
        let (run, dot) = (&self.command, self.theme.signs().dot);
        format!(
            "  detached, everything keeps running\n  {run} up: this stream again   {dot}   {run} status   {dot}   {run} down: stop it"
        )
    }
}

/// The line of the banner that names the keys.
pub fn hint(theme: Theme) -> String {
    let more = theme.signs().cut;
    let full = if HAS_FULL_SCREEN { "t full screen  " } else { "" };
    format!("keys: s status  l only{more}  r restart{more}  {full}d detach  q stop  ? help")
}

/// The list of all keys.
pub fn help(theme: Theme) -> String {
    let more = theme.signs().cut;
    let full = HAS_FULL_SCREEN.then(|| "  t  the full screen; t again: back to this stream".to_owned());
    let before = [
        "  s  the status table".to_owned(),
        format!("  l  show only{more} (part of a name, Enter; * shows all)"),
        format!("  r  restart{more}"),
        "  R  restart all that failed".to_owned(),
        format!("  x  stop{more} or start{more}"),
        format!("  w  why{more} (Enter alone: the first that is not ready)"),
    ];
    let after = [
        "  d  detach: everything keeps running".to_owned(),
        "  q  stop everything in order, as Ctrl-C does".to_owned(),
        "  ?  this list".to_owned(),
        "  pick by a part of the name or by number, Enter takes it, Esc cancels".to_owned(),
    ];
    before.into_iter().chain(full).chain(after).collect::<Vec<_>>().join("\n")
}

/// Whoever failed by itself; what it blocks follows it.
fn restart_failed(snapshot: &Snapshot) -> KeyAction {
    let failed = in_order(snapshot).filter(|info| info.word == Word::Failed).map(|info| info.id).collect::<Vec<_>>();
    if failed.is_empty() { KeyAction::Print("  nothing has failed".to_owned()) } else { KeyAction::Restart(failed) }
}

/// Stops those that are up; when none is, starts them all.
fn toggle(chosen: Vec<ProcessId>, snapshot: &Snapshot) -> KeyAction {
    let is_up = |id: &ProcessId| match snapshot.get(*id).map(|info| info.word) {
        Some(Word::Waiting | Word::Starting | Word::Ready | Word::Unhealthy | Word::Retrying) => true,
        Some(Word::Off | Word::Blocked | Word::Stopping | Word::Done | Word::Failed) | None => false,
    };
    let up: Vec<ProcessId> = chosen.iter().copied().filter(is_up).collect();
    if up.is_empty() { KeyAction::Start(chosen) } else { KeyAction::Stop(up) }
}

/// Whom to ask about first: a failed one, else the first in start order that is not where it should be.
fn most_in_need(snapshot: &Snapshot) -> Option<ProcessId> {
    let open = || in_order(snapshot).filter(|info| !info.word.is_settled_well());
    open().find(|info| info.word == Word::Failed).or_else(|| open().next()).map(|info| info.id)
}

/// All processes in the order in which they start.
fn in_order(snapshot: &Snapshot) -> impl Iterator<Item = &ProcessInfo> {
    snapshot.start_order.iter().filter_map(|id| snapshot.get(*id))
}

#[cfg(test)]
mod tests;
