//! The list of programs: its order and its rows. Pure.

use std::time::Duration;

use ratatui_core::style::{Color, Modifier, Style};

use crate::model::Word;
use crate::model::status::{ProcessStatus, ProjectStatus};
use crate::ui::text::{cut_end, pad, width};
use crate::ui::theme::{Ink, ink_of};
use crate::ui::tui::paint::{Painted, Piece};
use crate::ui::tui::state::State;

/// All processes in the order in which they start, those in trouble first if wished.
pub fn in_order(status: &ProjectStatus, failed_first: bool) -> Vec<&ProcessStatus> {
    let mut all: Vec<&ProcessStatus> = status.processes.iter().collect();
    if failed_first {
        all.sort_by_key(|process| !is_trouble(process.state));
    }
    all
}

/// Whoever is to be looked at first.
pub fn most_in_need(status: &ProjectStatus) -> Option<&ProcessStatus> {
    let failed = status.processes.iter().find(|process| process.state == Word::Failed);
    failed.or_else(|| in_order(status, true).into_iter().next())
}

fn is_trouble(word: Word) -> bool {
    match word {
        Word::Failed | Word::Blocked | Word::Retrying | Word::Unhealthy => true,
        Word::Off | Word::Waiting | Word::Starting | Word::Ready | Word::Stopping | Word::Done => false,
    }
}

/// The style of an ink.
pub fn style_of(ink: Option<Ink>) -> Style {
    match ink {
        Some(Ink::Good) => Style::new().fg(Color::Green),
        Some(Ink::Busy) => Style::new().fg(Color::Cyan),
        Some(Ink::Quiet) => Style::new().add_modifier(Modifier::DIM),
        Some(Ink::Warn) => Style::new().fg(Color::Yellow),
        Some(Ink::Bad) => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
        Some(Ink::Strong) => Style::new().add_modifier(Modifier::BOLD),
        None => Style::new(),
    }
}

/// `✓ api    ↻1   1m02s`, filled up to so many columns.
pub fn row(state: &State, process: &ProcessStatus, columns: usize) -> Painted {
    let (look, signs) = (&state.look, state.look.theme.signs());
    let style = style_of(ink_of(process.state));
    let mark = format!("{} ", pad(look.mark(process.state), width(look.mark(process.state))));
    let again = if process.runs > 1 { format!("{}{}", signs.again, process.runs - 1) } else { String::new() };
    let again_style = if process.unasked_runs > 0 { style_of(Some(Ink::Bad)) } else { style_of(Some(Ink::Quiet)) };
    let time = match process.state {
        Word::Ready | Word::Unhealthy | Word::Starting | Word::Waiting => {
            coarse(state.now.saturating_sub(process.since))
        }
        Word::Off | Word::Blocked | Word::Retrying | Word::Stopping | Word::Done | Word::Failed => String::new(),
    };
    let tail = match process.state {
        Word::Ready => time,
        word if time.is_empty() => word.to_string(),
        word => format!("{word} {time}"),
    };
    let room = columns.saturating_sub(width(&mark) + 2 + width(&again) + width(&tail));
    let name = pad(&cut_end(&state.label(&process.name), room, signs.cut), room);
    let piece = |text: String, style| Piece { text, style };
    vec![
        piece(mark, style),
        piece(name, Style::new()),
        piece(" ".to_owned(), Style::new()),
        piece(again, again_style),
        piece(" ".to_owned(), Style::new()),
        piece(tail, style),
    ]
}

/// A duration as far as it interests: `45s`, `4m`, `2h05m`, `3d`. Nothing in it changes by the second after a minute.
pub fn coarse(millis: u64) -> String {
    let seconds = Duration::from_millis(millis).as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d", seconds / 86400),
    }
}
