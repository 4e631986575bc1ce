//! What processes are called on the screen: their labels, colours and the column they stand in.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{ProcessId, ProcessName, Program, ProgramName, Project};
use crate::supervisor::snapshot::Snapshot;
use crate::ui::text::{clean, pad, width};
use crate::ui::theme::Theme;

/// The names of all processes, by [`ProcessId`].
#[derive(Debug, Clone)]
pub struct Names {
    theme: Theme,
    /// Shared by who tells the story and who reads the keys, until a reload.
    entries: Arc<Vec<Entry>>,
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
    /// It is in use, or on its way out.
    is_listed: bool,
}

impl Names {
    /// The names of a project. The column is as wide as the longest name of an active program.
    pub fn of(project: &Project, theme: Theme) -> Self {
        let mut names = Self { theme, entries: Arc::default(), columns: 0 };
        let mut entries = Vec::new();
        for (place, program) in project.programs.iter().enumerate() {
            for instance in &program.instances {
                let entry = names.entry(place, program, &instance.name);
                if project.is_active(program) {
                    names.columns = names.columns.max(width(&entry.label));
                }
                entries.push(entry);
            }
        }
        Self { entries: Arc::new(entries), ..names }
    }

    /// Takes in what a reload has changed. What is gone keeps its name, for what is still to be said of it.
    pub fn adopt(&mut self, snapshot: &Snapshot) {
        let project = &snapshot.project;
        let programs: BTreeMap<&ProgramName, usize> =
            project.programs.iter().enumerate().map(|(place, program)| (&program.name, place)).collect();
        let mut entries = std::mem::take(Arc::make_mut(&mut self.entries));
        for entry in &mut entries {
            entry.is_listed = false;
        }
        self.columns = 0;
        for info in snapshot.processes.iter() {
            let place = programs.get(&info.program).copied();
            let is_active = place.is_none_or(|place| project.is_active(&project.programs[place]));
            while entries.len() <= info.id.index() {
                let unknown = Program::new("?");
                entries.push(Entry { is_listed: false, ..self.entry(0, &unknown, &unknown.instances[0].name) });
            }
            if let Some(place) = place {
                entries[info.id.index()] = self.entry(place, &project.programs[place], &info.name);
            }
            let entry = &mut entries[info.id.index()];
            entry.is_listed = true;
            if is_active {
                self.columns = self.columns.max(width(&entry.label));
            }
        }
        self.entries = Arc::new(entries);
    }

    fn entry(&self, place: usize, program: &Program, name: &ProcessName) -> Entry {
        Entry {
            label: self.theme.cut_name(&clean(name.label())),
            name: name.clone(),
            place,
            program: clean(program.name.as_str()),
            siblings: program.instances.len(),
            is_listed: true,
        }
    }

    /// How wide the column of names is.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Every process that is in use, in the order of the slots.
    pub fn ids(&self) -> impl Iterator<Item = ProcessId> + '_ {
        (0u32..).zip(self.entries.iter()).filter(|(_, entry)| entry.is_listed).map(|(id, _)| ProcessId(id))
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
