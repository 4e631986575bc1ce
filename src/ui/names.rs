//! What processes are called on the screen: their labels, colours and the column they stand in.

use crate::model::{ProcessId, ProcessName, Project};
use crate::ui::text::{clean, pad, width};
use crate::ui::theme::Theme;

/// The names of all processes, by [`ProcessId`].
#[derive(Debug, Clone)]
pub struct Names {
    theme: Theme,
    entries: Vec<Entry>,
    columns: usize,
}

/// One process's names.
#[derive(Debug, Clone)]
struct Entry {
    label: String,
    name: ProcessName,
    place: usize,
    program: String,
    siblings: usize,
}

impl Names {
    /// The names of a project. The column is as wide as the longest name of an active program.
    pub fn of(project: &Project, theme: Theme) -> Self {
        let mut names = Self { theme, entries: Vec::new(), columns: 0 };
        for (place, program) in project.programs.iter().enumerate() {
            for instance in &program.instances {
                let label = theme.cut_name(&clean(instance.name.label()));
                if project.is_active(program) {
                    names.columns = names.columns.max(width(&label));
                }
                names.entries.push(Entry {
                    label,
                    name: instance.name.clone(),
                    place,
                    program: clean(program.name.as_str()),
                    siblings: program.instances.len(),
                });
            }
        }
        names
    }

    /// How wide the column of names is.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Every process, in the order of the file.
    pub fn ids(&self) -> impl Iterator<Item = ProcessId> + use<> {
        (0u32..).zip(0..self.entries.len()).map(|(id, _)| ProcessId(id))
    }

    /// What stands before its lines; cut when it is long.
    pub fn label(&self, id: ProcessId) -> &str {
        self.entries.get(id.index()).map_or("?", |entry| &entry.label)
    }

    /// `group:process`, as a user types it.
    pub fn full(&self, id: ProcessId) -> String {
        self.entries.get(id.index()).map_or_else(|| "?".to_owned(), |entry| clean(&entry.name.to_string()))
    }

    /// The name itself, which knows what words mean it.
    pub fn name(&self, id: ProcessId) -> Option<&ProcessName> {
        self.entries.get(id.index()).map(|entry| &entry.name)
    }

    /// The place of its program in the file, which gives the colour.
    pub fn place(&self, id: ProcessId) -> usize {
        self.entries.get(id.index()).map_or(0, |entry| entry.place)
    }

    /// The label in its colour.
    pub fn painted(&self, id: ProcessId) -> String {
        self.theme.program(self.place(id), self.label(id))
    }

    /// The label in its colour, filled up to the column.
    pub fn column(&self, id: ProcessId) -> String {
        let label = self.label(id);
        let blanks = width(&pad(label, self.columns)) - width(label);
        format!("{}{}", self.painted(id), " ".repeat(blanks))
    }

    /// Several at once: `db, migrate`. Instances of one program are counted: `worker (3 of 4)`.
    pub fn list(&self, ids: &[ProcessId]) -> String {
        let mut parts: Vec<String> = Vec::new();
        let mut told: Vec<usize> = Vec::new();
        for id in ids {
            let Some(entry) = self.entries.get(id.index()) else { continue };
            if told.contains(&entry.place) {
                continue;
            }
            let count = ids.iter().filter(|other| self.place(**other) == entry.place).count();
            if count == 1 {
                parts.push(entry.label.clone());
            } else {
                told.push(entry.place);
                let (program, all) = (self.theme.cut_name(&entry.program), entry.siblings);
                parts.push(if count == all {
                    format!("{program} (all {all})")
                } else {
                    format!("{program} ({count} of {all})")
                });
            }
        }
        parts.join(", ")
    }
}
