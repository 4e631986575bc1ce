//! A plain table: titles, rows, columns as wide as need be. A column without a single entry is left out. Pure.

use crate::ui::text::{clean, cut_end, pad, width};
use crate::ui::theme::{Ink, Theme};

/// The blanks between two columns.
const GAP: &str = "  ";

/// Draws it; the last column is cut where the terminal ends.
pub fn draw(titles: &[&str], rows: &[Vec<String>], theme: Theme, columns: Option<usize>) -> String {
    let shown: Vec<usize> = (0..titles.len())
        .filter(|at| rows.iter().any(|row| row.get(*at).is_some_and(|cell| !cell.is_empty())))
        .collect();
    let cell = |row: &[String], at: usize| row.get(at).map(|cell| clean(cell)).unwrap_or_default();
    let wide = |at: usize| rows.iter().map(|row| width(&cell(row, at))).max().unwrap_or(0).max(width(titles[at]));
    let line = |cells: Vec<String>| {
        let padded = shown.iter().zip(cells).map(|(at, cell)| pad(&cell, wide(*at)));
        let line = padded.collect::<Vec<_>>().join(GAP);
        columns.map_or_else(|| line.clone(), |columns| cut_end(&line, columns, theme.signs().cut)).trim_end().to_owned()
    };
    let mut text = theme.paint(Ink::Quiet, &line(shown.iter().map(|at| titles[*at].to_owned()).collect()));
    text.push('\n');
    for row in rows {
        text.push_str(&line(shown.iter().map(|at| cell(row, *at)).collect()));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Theme = Theme { colour: false, ascii: true };

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let rows = rows(&[&["web", "", "80"], &["worker", "", ""]]);
        assert_eq!(draw(&["NAME", "NOTE", "PORT"], &rows, PLAIN, None), "NAME    PORT\nweb     80\nworker\n");
    }

    #[test]
    fn a_line_ends_with_the_terminal() {
        let rows = rows(&[&["web", "a\x1b[2Jlong tale"]]);
        let text = draw(&["NAME", "NOTE"], &rows, PLAIN, Some(12));
        assert!(text.lines().all(|line| width(line) <= 12), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
    }
}
