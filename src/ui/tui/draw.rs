//! The state as cells. Pure.

use std::borrow::Cow;

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::terminal::Frame;

use crate::model::Word;
use crate::model::status::ProcessStatus;
use crate::ui::table::counts;
use crate::ui::text::{clean, cut_end, pad, width};
use crate::ui::theme::{Ink, ink_of};
use crate::ui::tui::areas::Areas;
use crate::ui::tui::list::{self, coarse, style_of};
use crate::ui::tui::log::{Kind, Visible};
use crate::ui::tui::paint::{self, Piece};
use crate::ui::tui::projects;
use crate::ui::tui::state::{Link, Page, Pane, Purpose, State};

/// A note in fewer columns than this says nothing.
const LEAST_NOTE: usize = 16;

/// The corners and edges of the frame.
struct Edges {
    corners: [&'static str; 4],
    across: &'static str,
    down: &'static str,
    tees: [&'static str; 2],
}

const LINES: Edges = Edges { corners: ["┌", "┐", "└", "┘"], across: "─", down: "│", tees: ["┬", "┴"] };
const ASCII: Edges = Edges { corners: ["+", "+", "+", "+"], across: "-", down: "|", tees: ["+", "+"] };

/// Draws everything.
pub fn draw(state: &State, frame: &mut Frame<'_>) {
    let areas = state.areas();
    let bounds = frame.area();
    let buffer = frame.buffer_mut();
    header(state, areas.header.intersection(bounds), buffer);
    borders(state, &areas, buffer);
    list(state, areas.list.intersection(bounds), buffer);
    let page = areas.page.intersection(bounds);
    let mut cursor = None;
    match state.page {
        Page::Log => log(state, page, buffer),
        Page::Why | Page::Graph | Page::Details | Page::Help => text(state, page, buffer),
        Page::Projects => switcher(state, page, buffer),
        Page::Focus => cursor = state.focus.as_ref().and_then(|focus| focus.draw(page, buffer)),
    }
    let typing = footer(state, areas.footer.intersection(bounds), buffer);
    if let Some(at) = typing.or(cursor).filter(|at| bounds.contains((*at).into())) {
        frame.set_cursor_position(at);
    }
}

/// Draws pieces from here on; where they end.
fn pieces(buffer: &mut Buffer, x: u16, y: u16, pieces: &[Piece], right: u16) -> u16 {
    let mut at = x;
    for piece in pieces {
        if !buffer.area.contains((at, y).into()) {
            break;
        }
        let room = usize::from(right.saturating_sub(at));
        (at, _) = buffer.set_stringn(at, y, &piece.text, room, piece.style);
    }
    at
}

fn line(buffer: &mut Buffer, x: u16, y: u16, text: &str, style: Style, right: u16) -> u16 {
    if !buffer.area.contains((x, y).into()) {
        return x;
    }
    buffer.set_stringn(x, y, text, usize::from(right.saturating_sub(x)), style).0
}

/// ` shop   3 ready  1 failed  1 done          up 4m   run.toml`
fn header(state: &State, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let strong = Style::new().add_modifier(Modifier::BOLD);
    let Some(status) = &state.status else {
        line(buffer, 0, area.y, " connecting", Style::new(), area.right());
        return;
    };
    let right = match state.link {
        Link::Up if status.state == "running" => {
            format!("up {}   {}", coarse(state.now.saturating_sub(status.started)), clean(&status.files.join(", ")))
        }
        Link::Up => clean(&status.state),
        Link::Suspended(_) => "suspended".to_owned(),
        Link::Connecting => "connecting".to_owned(),
        Link::Ended => "has ended".to_owned(),
        Link::Awaited => "waiting for its return".to_owned(),
    };
    let right_style = match state.link {
        Link::Up | Link::Connecting => Style::new().add_modifier(Modifier::DIM),
        Link::Suspended(_) | Link::Ended | Link::Awaited => style_of(Some(Ink::Bad)),
    };
    let counts: Vec<_> =
        counts(&status.processes).iter().map(|(word, count)| (*word, format!("{count} {word}"))).collect();
    let beside = counts.iter().map(|(_, text)| width(text) + 2).sum::<usize>() + width(&right) + 5;
    let columns = usize::from(area.width);
    let room = columns.saturating_sub(beside).max(columns / 3);
    let name = cut_end(&clean(&status.project), room, state.look.theme.signs().cut);
    let mut x = line(buffer, 1, area.y, &name, strong, area.right());
    x += 2;
    for (word, text) in counts {
        x = line(buffer, x + 1, area.y, &text, style_of(ink_of(word)), area.right()) + 1;
    }
    let at = area.right().saturating_sub(u16::try_from(width(&right)).unwrap_or(0) + 1);
    if at > x {
        line(buffer, at, area.y, &right, right_style, area.right());
        note(state, x + 2, Rect { width: at.saturating_sub(1), ..area }, buffer);
    }
}

/// What is to be known of the project as a whole, where there is room for it: a port that was moved, a config that differs.
fn note(state: &State, x: u16, area: Rect, buffer: &mut Buffer) {
    let first = state.status.as_ref().and_then(|status| status.notes.first());
    let room = usize::from(area.right().saturating_sub(x));
    if let Some(first) = first.filter(|_| room >= LEAST_NOTE) {
        let signs = state.look.theme.signs();
        let text = cut_end(&format!("{} {}", signs.warning, clean(first)), room, signs.cut);
        line(buffer, x, area.y, &text, style_of(Some(Ink::Warn)), area.right());
    }
}

/// The frame with its titles.
fn borders(state: &State, areas: &Areas, buffer: &mut Buffer) {
    if !areas.has_borders {
        return;
    }
    let edges = if state.look.theme.ascii { &ASCII } else { &LINES };
    // The frame may be smaller than what was laid out: what lies outside of it is not there.
    let body = areas.body.intersection(buffer.area);
    if body.is_empty() {
        return;
    }
    let mut put = |x: u16, y: u16, symbol: &str| {
        if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_symbol(symbol).set_style(Style::new().add_modifier(Modifier::DIM));
        }
    };
    let (last_x, last_y) = (body.right() - 1, body.bottom() - 1);
    for x in body.x..=last_x {
        put(x, body.y, edges.across);
        put(x, last_y, edges.across);
    }
    let splits = areas.list.width > 0 && areas.page.width > 0;
    let middle = areas.list.right();
    for y in body.y + 1..last_y {
        put(body.x, y, edges.down);
        put(last_x, y, edges.down);
        if splits {
            put(middle, y, edges.down);
        }
    }
    for ((x, y), corner) in
        [(body.x, body.y), (last_x, body.y), (body.x, last_y), (last_x, last_y)].into_iter().zip(edges.corners)
    {
        put(x, y, corner);
    }
    if splits {
        put(middle, body.y, edges.tees[0]);
        put(middle, last_y, edges.tees[1]);
    }
    let in_front = |pane| if state.pane == pane { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    if areas.list.width > 0 {
        let list = areas.list.intersection(body);
        line(buffer, list.x, body.y, " programs ", in_front(Pane::List), list.right());
    }
    if areas.page.width > 0 {
        titles(state, areas.page.intersection(body), body.y, in_front(Pane::Page), buffer);
    }
}

/// What the page shows on the left, how on the right.
fn titles(state: &State, area: Rect, y: u16, style: Style, buffer: &mut Buffer) {
    let cut = state.look.theme.signs().cut;
    let columns = usize::from(area.width);
    let right = format!(" {} ", cut_end(&mode(state, columns / 3), columns.saturating_sub(2), cut));
    let room = usize::from(area.width).saturating_sub(width(&right) + 1);
    let left = cut_end(&format!(" {} ", title(state)), room, cut);
    line(buffer, area.x, y, &left, style, area.right());
    let at = area.right().saturating_sub(u16::try_from(width(&right)).unwrap_or(0));
    if at >= area.x && right.trim() != "" {
        line(buffer, at, y, &right, Style::new(), area.right());
    }
}

fn title(state: &State) -> String {
    let dot = state.look.theme.signs().dot;
    let process = state.current();
    let name = process.map(|process| clean(&process.name)).unwrap_or_default();
    match state.page {
        Page::Log if state.shows_all => "all programs".to_owned(),
        Page::Log => process.map_or_else(String::new, |process| log_title(process, &name, dot)),
        Page::Why => format!("why {name}"),
        Page::Graph => "graph".to_owned(),
        Page::Details => format!("details of {name}"),
        Page::Help => "keys".to_owned(),
        Page::Projects => "running projects".to_owned(),
        Page::Focus => {
            let name = state.focus.as_ref().map(|focus| clean(&focus.name)).unwrap_or_default();
            format!("{name} has the keys {dot} Ctrl-] takes them back")
        }
    }
}

/// `worker · run 4 · failed: exit 1`
fn log_title(process: &ProcessStatus, name: &str, dot: &str) -> String {
    let run = if process.runs > 0 { format!(" {dot} run {}", process.runs) } else { String::new() };
    let note = if process.note.is_empty() { String::new() } else { format!(": {}", clean(&process.note)) };
    format!("{name}{run} {dot} {}{note}", process.state)
}

/// `follow`, or what is not as usual about the log. What is looked for takes no more than so many columns.
fn mode(state: &State, columns: usize) -> String {
    if state.page != Page::Log {
        return String::new();
    }
    let (log, dot) = (&state.log, state.look.theme.signs().dot);
    let short = |text: &str| cut_end(&clean(text), columns, state.look.theme.signs().cut);
    let mut parts: Vec<String> = Vec::new();
    if let Some(search) = &log.search {
        let more = if search.is_looking || search.is_cut { "+" } else { "" };
        let count = search.hits.len();
        let at = search.current.map(|at| format!("{}/", at + 1)).unwrap_or_default();
        parts.push(format!("/{} {at}{count}{more}", short(&search.pattern.text)));
    }
    parts.extend(log.filter.as_ref().map(|filter| format!("only {}", short(&filter.text))));
    parts.extend(log.level.words().map(ToOwned::to_owned));
    if !log.wraps {
        parts.push("cut".to_owned());
    }
    let down = if state.look.theme.ascii { "v" } else { "↓" };
    parts.push(match (log.follows(), log.new) {
        (true, _) => "follow".to_owned(),
        (false, 0) if log.is_at_end => "held".to_owned(),
        (false, 0) => format!("more {down}"),
        (false, new) => format!("{new}{} new {down}", if log.is_at_end { "" } else { "+" }),
    });
    parts.join(&format!(" {dot} "))
}

fn list(state: &State, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let listed = state.listed();
    let top = state.list_top.min(listed.len().saturating_sub(usize::from(area.height)));
    for (y, process) in (area.y..area.bottom()).zip(listed.into_iter().skip(top)) {
        let columns = usize::from(area.width).saturating_sub(2);
        pieces(buffer, area.x + 1, y, &list::row(state, process, columns), area.right());
        if state.selected.as_deref() == Some(process.name.as_str()) && !state.shows_all {
            let modifier =
                if state.pane == Pane::List { Modifier::REVERSED } else { Modifier::BOLD | Modifier::UNDERLINED };
            buffer.set_style(Rect::new(area.x, y, area.width, 1), Style::new().add_modifier(modifier));
        }
    }
}

fn log(state: &State, area: Rect, buffer: &mut Buffer) {
    let (room, end) = (state.log_room(), state.end_rule());
    let rows = state.log.layout(room, end.as_deref());
    if rows.is_empty() && !area.is_empty() {
        let text = if state.log.filter.is_some() || state.log.level.words().is_some() {
            "no line passes the filter; esc shows all"
        } else {
            "no output yet"
        };
        line(buffer, area.x, area.y, text, Style::new().add_modifier(Modifier::DIM), area.right());
    }
    let columns = if state.shows_all { state.label_columns() } else { 0 };
    for (y, row) in (area.y..area.bottom()).zip(&rows) {
        let x = if state.shows_all { prefix(state, row, columns, Rect { y, ..area }, buffer) } else { area.x };
        match row.kind {
            Kind::Rule => rule(state, row, Rect { x, y, width: area.right().saturating_sub(x), height: 1 }, buffer),
            Kind::Line | Kind::Rest => drop(pieces(buffer, x, y, &row.pieces, area.right())),
        }
    }
}

/// `api     │ ` in the colour of the program; without the name where a line goes on.
fn prefix(state: &State, row: &Visible, columns: usize, area: Rect, buffer: &mut Buffer) -> u16 {
    let Some(entry) = state.log.entry(row.number) else { return area.x };
    let name = if row.kind == Kind::Rest { Cow::Borrowed("") } else { Cow::Owned(state.label(&entry.line.process)) };
    let process = state
        .status
        .as_ref()
        .and_then(|status| status.processes.iter().find(|process| process.name == *entry.line.process));
    let place = process.map_or(0, |process| usize::try_from(process.place).unwrap_or(0));
    let name = format!("{} {} ", pad(&cut_end(&name, columns, ""), columns), state.look.theme.signs().bar);
    let painted = paint::line(&state.look.theme.program(place, &name));
    pieces(buffer, area.x, area.y, &painted, area.right())
}

/// `── run 4 ─────`
fn rule(state: &State, row: &Visible, area: Rect, buffer: &mut Buffer) {
    let sign = state.look.theme.signs().rule;
    let text: String = row.pieces.iter().map(|piece| piece.text.as_str()).collect();
    let text = format!("{sign}{sign} {text} ");
    let rest = usize::from(area.width).saturating_sub(width(&text));
    let text = format!("{text}{}", sign.repeat(rest));
    line(buffer, area.x, area.y, &text, Style::new().add_modifier(Modifier::DIM), area.right());
}

fn text(state: &State, area: Rect, buffer: &mut Buffer) {
    for (y, row) in (area.y..area.bottom()).zip(state.text.layout(state.text_room())) {
        pieces(buffer, area.x, y, &row, area.right());
    }
}

fn switcher(state: &State, area: Rect, buffer: &mut Buffer) {
    let rows = projects::rows(&state.projects, &state.look, usize::from(area.width));
    let top = projects::top(state.project_at, area.height);
    for (y, (at, row)) in (area.y..area.bottom()).zip(rows.iter().enumerate().skip(top)) {
        let style = if at == state.project_at { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
        line(buffer, area.x, y, row, style, area.right());
    }
}

/// What is typed, what is said, or the keys; where the cursor is while something is typed.
fn footer(state: &State, area: Rect, buffer: &mut Buffer) -> Option<(u16, u16)> {
    if area.is_empty() {
        return None;
    }
    if let Some(prompt) = &state.prompt {
        let what = match prompt.purpose {
            Purpose::Search => "look for: ",
            Purpose::Filter => "only lines with: ",
        };
        let room = usize::from(area.width).saturating_sub(width(what) + 3);
        let typed: String = prompt.typed.chars().rev().take(room).collect::<Vec<_>>().into_iter().rev().collect();
        let x = line(buffer, 1, area.y, what, Style::new().add_modifier(Modifier::BOLD), area.right());
        let x = line(buffer, x, area.y, &typed, Style::new(), area.right());
        return Some((x, area.y));
    }
    let columns = usize::from(area.width).saturating_sub(1);
    let (text, style) = match (state.link, &state.notice) {
        (Link::Ended, _) => {
            let next = ["   enter wait for its return   q leave", "   enter wait   q leave"];
            (plight(state, " has ended", next, columns), style_of(Some(Ink::Bad)))
        }
        (Link::Up | Link::Suspended(_) | Link::Connecting | Link::Awaited, Some(notice)) => {
            let style = if notice.is_bad { style_of(Some(Ink::Bad)) } else { Style::new().fg(Color::Cyan) };
            (cut_end(&notice.text, columns, state.look.theme.signs().cut), style)
        }
        (Link::Suspended(pid), None) => {
            let next = [
                &*format!("   kill -CONT {pid} continues it, fg where it was Ctrl-Z"),
                &*format!("   kill -CONT {pid}"),
            ];
            (plight(state, " is suspended", next, columns), style_of(Some(Ink::Bad)))
        }
        (Link::Up | Link::Connecting | Link::Awaited, None) => {
            keys(state, area, buffer);
            return None;
        }
    };
    line(buffer, 1, area.y, &text, style, area.right());
    None
}

/// What has become of the project and what to do next, in few words where there is little room.
fn plight(state: &State, what: &str, next: [&str; 2], columns: usize) -> String {
    let name = state.status.as_ref().map(|status| clean(&status.project)).unwrap_or_default();
    let next = if width(&name) + width(what) + width(next[0]) <= columns { next[0] } else { next[1] };
    let room = columns.saturating_sub(width(what) + width(next));
    format!("{}{what}{next}", cut_end(&name, room, state.look.theme.signs().cut))
}

fn keys(state: &State, area: Rect, buffer: &mut Buffer) {
    let is_stopped = state.current().is_some_and(|process| match process.state {
        Word::Off | Word::Done | Word::Failed | Word::Blocked => true,
        Word::Waiting | Word::Starting | Word::Ready | Word::Unhealthy | Word::Retrying | Word::Stopping => false,
    });
    let stop = if is_stopped { "start" } else { "stop" };
    let leave = if state.from_stream { ("t", "stream") } else { ("q", "quit") };
    let all = if state.shows_all { "one log" } else { "all logs" };
    let keys = [
        ("?", "keys"),
        leave,
        ("enter", "focus"),
        ("/", "search"),
        ("r", "restart"),
        ("x", stop),
        ("w", "why"),
        ("a", all),
        ("g", "graph"),
        ("d", "details"),
        ("f", "filter"),
        ("P", "projects"),
    ];
    let mut x = 1;
    for (key, what) in keys {
        let needed = u16::try_from(width(key) + width(what) + 1).unwrap_or(u16::MAX);
        if x + needed > area.right() {
            return;
        }
        x = line(buffer, x, area.y, key, Style::new().add_modifier(Modifier::BOLD), area.right()) + 1;
        x = line(buffer, x, area.y, what, Style::new().add_modifier(Modifier::DIM), area.right()) + 2;
    }
}
