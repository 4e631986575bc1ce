//! What is where on the screen. Pure.

use ratatui_core::layout::Rect;

use crate::ui::text::width;
use crate::ui::tui::state::{Page, Pane, State};

/// With fewer columns than this the list and the page take turns.
const NARROW: u16 = 60;

/// The widest that the list becomes, borders aside.
const WIDEST: u16 = 34;

/// What is left and right of a name in the list: mark, restarts, time.
const AROUND_NAME: usize = 16;

/// The parts of the screen; what has no room has no height or no width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Areas {
    /// The line about the project.
    pub header: Rect,
    /// Everything between header and footer, with its borders.
    pub body: Rect,
    /// The list, inside of its borders.
    pub list: Rect,
    /// The page, inside of its borders.
    pub page: Rect,
    /// The keys, or what is said.
    pub footer: Rect,
    /// Whether there are borders.
    pub has_borders: bool,
}

/// Divides the screen.
pub fn areas(state: &State) -> Areas {
    let columns = u16::try_from(state.size.columns).unwrap_or(u16::MAX);
    let rows = u16::try_from(state.size.rows).unwrap_or(u16::MAX);
    let header = u16::from(rows >= 4);
    let footer = u16::from(rows >= 2);
    let body = Rect::new(0, header, columns, rows.saturating_sub(header + footer));
    let has_borders = body.height >= 4 && columns >= 12;
    let edge = u16::from(has_borders);
    let inner = Rect::new(edge, body.y + edge, columns.saturating_sub(2 * edge), body.height.saturating_sub(2 * edge));
    let (list, page) = divide(state, inner);
    Areas {
        header: Rect::new(0, 0, columns, header),
        body,
        list,
        page,
        footer: Rect::new(0, rows.saturating_sub(footer), columns, footer),
        has_borders,
    }
}

fn divide(state: &State, inner: Rect) -> (Rect, Rect) {
    let nothing = Rect { width: 0, ..inner };
    if state.size.columns < usize::from(NARROW) {
        let shows_list = state.pane == Pane::List && state.page == Page::Log && !state.shows_all;
        return if shows_list { (inner, nothing) } else { (nothing, inner) };
    }
    let longest = state.listed().iter().map(|process| width(&state.label(&process.name))).max().unwrap_or(8);
    let wanted = u16::try_from(longest + AROUND_NAME).unwrap_or(WIDEST);
    let list = wanted.clamp(22, WIDEST).min(inner.width / 2);
    let page = Rect { x: inner.x + list + 1, width: inner.width.saturating_sub(list + 1), ..inner };
    (Rect { width: list, ..inner }, page)
}
