//! Lines as characters with their styles, to be cut into rows. Pure.

use ratatui_core::style::Style;
use unicode_width::UnicodeWidthChar;

use crate::ui::tui::paint::{Painted, Piece};

/// The characters of a line.
pub fn characters(line: &[Piece]) -> Vec<(char, Style)> {
    line.iter().flat_map(|piece| piece.text.chars().map(|c| (c, piece.style))).collect()
}

/// The first characters that fit into so many columns.
pub fn cut(characters: &[(char, Style)], columns: usize) -> &[(char, Style)] {
    let mut used = 0;
    let fits = |(c, _): &&(char, Style)| {
        used += c.width().unwrap_or(0);
        used <= columns
    };
    &characters[..characters.iter().take_while(fits).count()]
}

/// Characters of the same style as one piece.
pub fn gathered(characters: &[(char, Style)]) -> Painted {
    let mut pieces: Painted = Vec::new();
    for (c, style) in characters {
        match pieces.last_mut() {
            Some(piece) if piece.style == *style => piece.text.push(*c),
            Some(_) | None => pieces.push(Piece { text: c.to_string(), style: *style }),
        }
    }
    pieces
}
