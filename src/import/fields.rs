//! The keys of a table of another tool, taken one by one, so that what nobody took is known and can be named.

use std::collections::BTreeSet;

use crate::codec::tree::{Entry, Node};
use crate::import::draft::{Lost, Section};

/// The keys of one table.
#[derive(Debug)]
pub struct Fields<'a> {
    file: &'a str,
    entries: &'a [Entry],
    taken: BTreeSet<usize>,
    /// What was taken and could not be carried over.
    pub lost: Vec<Lost>,
}

impl<'a> Fields<'a> {
    /// The keys of a node; none where it is no table.
    pub fn of(file: &'a str, node: &'a Node) -> Self {
        Self { file, entries: node.table().unwrap_or_default(), taken: BTreeSet::new(), lost: Vec::new() }
    }

    /// The keys of a node that lies inside this one.
    #[must_use]
    pub fn within(&self, node: &'a Node) -> Self {
        Self::of(self.file, node)
    }

    /// Takes a key. A null is as good as nothing.
    pub fn take(&mut self, key: &str) -> Option<&'a Node> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        self.taken.insert(at);
        Some(&self.entries[at].value).filter(|value| !value.is_null())
    }

    /// A key that somebody else takes.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    /// Takes a key and reads it; what does not fit is named.
    pub fn read<T>(&mut self, key: &str, read: impl FnOnce(&'a Node) -> Option<T>) -> Option<T> {
        let node = self.take(key)?;
        let value = read(node);
        if value.is_none() {
            self.lose(node.line, key, "its value is not understood");
        }
        value
    }

    /// Takes a key whose value is a table itself.
    pub fn inner(&mut self, key: &str) -> Option<Self> {
        let node = self.take(key)?;
        Some(self.within(node))
    }

    /// Takes keys that mean nothing here.
    pub fn pass(&mut self, keys: &[&str]) {
        for key in keys {
            self.take(key);
        }
    }

    /// Takes the keys that begin with `x-`: notes and anchors of their author.
    pub fn pass_extensions(&mut self) {
        let is_extension = |(_, entry): &(usize, &Entry)| entry.key.starts_with("x-");
        self.taken.extend(self.entries.iter().enumerate().filter(is_extension).map(|(at, _)| at));
    }

    /// The line of a key, else of nothing in particular.
    pub fn line(&self, key: &str) -> usize {
        self.entries.iter().find(|entry| entry.key == key).map_or(1, |entry| entry.line)
    }

    /// Names something that is not carried over.
    pub fn lose(&mut self, line: usize, what: impl Into<String>, why: impl Into<String>) {
        self.lost.push(Lost { file: self.file.to_owned(), line, what: what.into(), why: why.into() });
    }

    /// Names all keys that were not taken, with a reason from the table where it has one.
    pub fn finish(mut self, reasons: &[(&str, &str)]) -> Vec<Lost> {
        for (at, entry) in self.entries.iter().enumerate() {
            if self.taken.contains(&at) || entry.value.is_null() {
                continue;
            }
            let reason = reasons.iter().find(|(key, _)| *key == entry.key).map(|(_, reason)| *reason);
            let why = reason.unwrap_or("run.toml has nothing like it").to_owned();
            self.lost.push(Lost { file: self.file.to_owned(), line: entry.line, what: entry.key.clone(), why });
        }
        self.lost.sort();
        self.lost
    }

    /// [`Self::finish`] into a section.
    pub fn finish_into(self, section: &mut Section, reasons: &[(&str, &str)]) {
        section.lost.extend(self.finish(reasons));
    }
}
