//! The running projects, one of which is chosen. Pure.

use crate::ui::look::Look;
use crate::ui::text::{clean, cut_end, pad, width};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRow {
    /// What it is found by.
    pub identity: String,
    /// Display name.
    pub name: String,
    /// The branch that is checked out there.
    pub branch: String,
    /// `3/4 ready`.
    pub state: String,
    /// Its directory.
    pub root: String,
    /// It is the one that is shown.
    pub is_here: bool,
}

/// The first row that is seen while this one is chosen.
pub fn top(chosen: usize, height: u16) -> usize {
    (chosen + 1).saturating_sub(usize::from(height))
}

/// The rows, as wide as they may be.
pub fn rows(projects: &[ProjectRow], look: &Look, columns: usize) -> Vec<String> {
    let wide = |cell: fn(&ProjectRow) -> &String| {
        projects.iter().map(|project| width(&clean(cell(project)))).max().unwrap_or(0)
    };
    let (name, branch, state) = (wide(|row| &row.name), wide(|row| &row.branch), wide(|row| &row.state));
    let row = |project: &ProjectRow| {
        let here = if project.is_here { "*" } else { " " };
        let line = format!(
            "{here} {}  {}  {}  {}",
            pad(&clean(&project.name), name),
            pad(&clean(&project.branch), branch),
            pad(&clean(&project.state), state),
            look.path(&project.root)
        );
        cut_end(&line, columns, look.theme.signs().cut)
    };
    projects.iter().map(row).collect()
}
