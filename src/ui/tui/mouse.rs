//! What the mouse does: the wheel scrolls what is below it, a click chooses, a drag marks and copies. Pure.

use ratatui_core::layout::{Position, Rect};

use crate::ui::tui::input::{Mouse, MouseWhat};
use crate::ui::tui::log::{Kind, Point, Room};
use crate::ui::tui::projects;
use crate::ui::tui::state::{Order, Page, Pane, State};

/// The rows that the wheel moves by.
const WHEEL: isize = 3;

impl State {
    /// The room of a page of text.
    pub fn text_room(&self) -> Room {
        let area = self.areas().page;
        Room { columns: usize::from(area.width).max(1), rows: usize::from(area.height) }
    }

    pub(super) fn mouse(&mut self, mouse: Mouse) -> Vec<Order> {
        let (areas, at) = (self.areas(), Position::new(mouse.column, mouse.row));
        let (on_list, on_page) = (areas.list.contains(at), areas.page.contains(at));
        match mouse.what {
            MouseWhat::WheelUp if on_page => self.scroll_page(-WHEEL),
            MouseWhat::WheelDown if on_page => self.scroll_page(WHEEL),
            MouseWhat::WheelUp if on_list => self.scroll_list(-WHEEL, areas.list),
            MouseWhat::WheelDown if on_list => self.scroll_list(WHEEL, areas.list),
            MouseWhat::Press if on_list => self.click(mouse.row - areas.list.y),
            MouseWhat::Press if on_page => {
                self.pane = Pane::Page;
                self.log.selection = None;
                if self.page == Page::Projects {
                    let top = projects::top(self.project_at, areas.page.height);
                    let at = top + usize::from(mouse.row - areas.page.y);
                    self.project_at = at.min(self.projects.len().saturating_sub(1));
                }
                // From here on the lines stay where they are, or a drag would mark others.
                self.marked = self.point(mouse, areas.page);
                Vec::new()
            }
            MouseWhat::Drag => self.drag(mouse, areas.page),
            MouseWhat::Release => self.release(),
            MouseWhat::Press | MouseWhat::WheelUp | MouseWhat::WheelDown => Vec::new(),
        }
    }

    fn scroll_list(&mut self, by: isize, area: Rect) -> Vec<Order> {
        let last = self.listed().len().saturating_sub(usize::from(area.height));
        self.list_top = self.list_top.saturating_add_signed(by).min(last);
        Vec::new()
    }

    fn click(&mut self, row: u16) -> Vec<Order> {
        self.pane = Pane::List;
        let at = self.list_top + usize::from(row);
        let name = self.listed().get(at).map(|process| process.name.clone());
        name.map(|name| self.select(&name)).unwrap_or_default()
    }

    fn drag(&mut self, mouse: Mouse, area: Rect) -> Vec<Order> {
        let Some(from) = self.marked else { return Vec::new() };
        if self.log.selection.is_none() {
            let (room, end) = (self.log_room(), self.end_rule());
            self.log.hold(room, end.as_deref());
        }
        let row = mouse.row.clamp(area.y, area.bottom().saturating_sub(1).max(area.y));
        let column = mouse.column.clamp(area.x, area.right().saturating_sub(1).max(area.x));
        if let Some(to) = self.point(Mouse { column, row, ..mouse }, area) {
            self.log.selection = Some((from, to));
        }
        Vec::new()
    }

    fn release(&mut self) -> Vec<Order> {
        if self.marked.take().is_none() {
            return Vec::new();
        }
        match self.log.selected_text() {
            Some(text) => self.copy(text),
            None => Vec::new(),
        }
    }

    /// The character of a line that is below the mouse; the nearest line above where there is none.
    fn point(&self, mouse: Mouse, area: Rect) -> Option<Point> {
        if self.page != Page::Log {
            return None;
        }
        let (room, end) = (self.log_room(), self.end_rule());
        let rows = self.log.layout(room, end.as_deref());
        let at = usize::from(mouse.row.saturating_sub(area.y)).min(rows.len().checked_sub(1)?);
        let row = rows[..=at].iter().rev().find(|row| row.kind != Kind::Rule)?;
        let prefix = usize::from(area.width).saturating_sub(room.columns);
        let column = usize::from(mouse.column.saturating_sub(area.x)).saturating_sub(prefix);
        Some(self.log.point_at(row, column))
    }
}
