//! A pick: part of a name or a number is typed, what it means is shown while it is typed, Enter takes it.

use crate::model::ProcessId;
use crate::supervisor::snapshot::Snapshot;
use crate::ui::names::Names;
use crate::ui::theme::Theme;

/// What is picked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To see the output of these alone.
    Only,
    /// To restart.
    Restart,
    /// To stop what is up, or start what is not.
    Toggle,
    /// To be told why.
    Why,
}

impl Purpose {
    fn title(self) -> &'static str {
        match self {
            Self::Only => "show only",
            Self::Restart => "restart",
            Self::Toggle => "stop or start",
            Self::Why => "why",
        }
    }

    /// Whether a part of a name may mean several: looking at many is harmless, restarting many is asked for with `*`.
    fn takes_several(self) -> bool {
        match self {
            Self::Only => true,
            Self::Restart | Self::Toggle | Self::Why => false,
        }
    }
}

/// An open pick.
#[derive(Debug, Clone)]
pub(super) struct Pick {
    pub(super) purpose: Purpose,
    pub(super) typed: String,
    /// What Enter alone takes.
    pub(super) default: Option<ProcessId>,
}

impl Pick {
    pub(super) fn new(purpose: Purpose, default: Option<ProcessId>) -> Self {
        Self { purpose, typed: String::new(), default }
    }

    /// What Enter would take now. A number, a whole name, group or glob wins; else parts of names, those that begin with it first.
    pub(super) fn chosen(&self, names: &Names) -> Vec<ProcessId> {
        if self.typed.is_empty() {
            return self.default.into_iter().collect();
        }
        let number = self.typed.parse::<usize>().ok().and_then(|number| names.ids().nth(number.checked_sub(1)?));
        if let Some(id) = number {
            return vec![id];
        }
        let means = |id: &ProcessId| self.typed == "*" || names.name(*id).is_some_and(|name| name.matches(&self.typed));
        let whole: Vec<ProcessId> = names.ids().filter(means).collect();
        if !whole.is_empty() {
            return whole;
        }
        let mut parts = self.parts(names);
        if !self.purpose.takes_several() {
            parts.truncate(1);
        }
        parts
    }

    /// The processes in whose names the typed text is found: whom it means first, then whose name begins with it.
    fn parts(&self, names: &Names) -> Vec<ProcessId> {
        let typed = self.typed.to_lowercase();
        let name = |id: ProcessId| names.full(id).to_lowercase();
        let mut found: Vec<ProcessId> = names.ids().filter(|id| name(*id).contains(&typed)).collect();
        found.sort_by_key(|id| {
            let is_whole = names.name(*id).is_some_and(|name| name.matches(&self.typed));
            let begins = name(*id).starts_with(&typed) || names.label(*id).to_lowercase().starts_with(&typed);
            (!is_whole, !begins)
        });
        found
    }

    /// `restart: ap  1 api  4 apple   (Enter: api, * all, Esc cancels)`
    pub(super) fn prompt(&self, names: &Names, snapshot: &Snapshot, theme: Theme) -> String {
        let chosen = self.chosen(names);
        let offered: Vec<ProcessId> = match self.parts(names) {
            found if found.is_empty() => chosen.clone(),
            found => found,
        };
        let offers = offered.iter().map(|id| self.offer(*id, names, snapshot)).collect::<Vec<_>>().join("  ");
        let enter = match (chosen.as_slice(), self.typed.is_empty()) {
            ([], false) => "nothing has such a name, ".to_owned(),
            ([], true) => String::new(),
            (ids, _) => format!("Enter: {}, ", names.list(ids)),
        };
        let all = if self.purpose == Purpose::Why { "" } else { "* all, " };
        let cursor = if theme.ascii { "_" } else { "▏" };
        format!("{}: {}{cursor} {offers}   ({enter}{all}Esc cancels)", self.purpose.title(), self.typed)
    }

    /// `1 api`, with its state where that decides what happens.
    fn offer(&self, id: ProcessId, names: &Names, snapshot: &Snapshot) -> String {
        let label = format!("{} {}", id.index() + 1, names.full(id));
        match (self.purpose, snapshot.get(id)) {
            (Purpose::Toggle | Purpose::Why, Some(info)) => format!("{label} ({})", info.word),
            (Purpose::Only | Purpose::Restart | Purpose::Toggle | Purpose::Why, _) => label,
        }
    }
}
