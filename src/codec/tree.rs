//! A document of another tool as a tree: texts, lists and tables, each with the line it stands on.
//!
//! YAML and TOML are both read into it, so that an import asks the same questions of either.

use std::time::Duration;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The line it begins on, counted from 1.
    pub line: usize,
    /// What it is.
    pub data: Data,
}

/// What a value can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Nothing at all.
    Null,
    /// Text, or a word without quotes that may mean a number or a truth.
    Text {
        /// As written, without quotes.
        text: String,
        /// Whether it stood without quotes.
        is_bare: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A table, in the order of the file.
    Table(Vec<Entry>),
}

/// `key: value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The line of the key.
    pub line: usize,
    /// The value.
    pub value: Node,
}

impl Node {
    /// A text with quotes.
    pub fn quoted(line: usize, text: impl Into<String>) -> Self {
        Self { line, data: Data::Text { text: text.into(), is_bare: false } }
    }

    /// A word without quotes.
    pub fn bare(line: usize, text: impl Into<String>) -> Self {
        Self { line, data: Data::Text { text: text.into(), is_bare: true } }
    }

    /// The text of a text, a number or a truth.
    pub fn text(&self) -> Option<&str> {
        if let Data::Text { text, .. } = &self.data { Some(text) } else { None }
    }

    /// A truth: `true`, `yes` and `on`, or their opposites, without quotes.
    pub fn boolean(&self) -> Option<bool> {
        let Data::Text { text, is_bare: true } = &self.data else { return None };
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    /// A whole number, with or without quotes.
    pub fn integer(&self) -> Option<i64> {
        self.text()?.trim().parse().ok()
    }

    /// A number of seconds, or a duration such as `1m30s`.
    pub fn duration(&self) -> Option<Duration> {
        crate::model::units::parse_duration(self.text()?)
    }

    /// The items of a list.
    pub fn list(&self) -> Option<&[Self]> {
        if let Data::List(items) = &self.data { Some(items) } else { None }
    }

    /// The entries of a table.
    pub fn table(&self) -> Option<&[Entry]> {
        if let Data::Table(entries) = &self.data { Some(entries) } else { None }
    }

    /// The value of a key of a table.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.table()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The texts of a list; `None` when something else is among them.
    pub fn texts(&self) -> Option<Vec<String>> {
        self.list()?.iter().map(|item| item.text().map(ToOwned::to_owned)).collect()
    }

    /// Whether it is nothing.
    pub fn is_null(&self) -> bool {
        self.data == Data::Null
    }
}
