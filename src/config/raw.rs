//! What was written, with its places and without any default: the common ground of all formats.

use crate::model::{Dialect, Span};

/// One or several merged config files, section by section.
#[derive(Debug, Clone, PartialEq)]
pub struct RawProject {
    /// Whose rules.
    pub dialect: Dialect,
    /// Keys outside of any section (`name`, `env_file`, `include`).
    pub top: Vec<RawKey>,
    /// Sections in the order of the file.
    pub sections: Vec<RawSection>,
}

/// `[program.web]`: kind `program`, name `web`. `[environment]`: kind `environment`, no name.
#[derive(Debug, Clone, PartialEq)]
pub struct RawSection {
    /// `program`, `task`, `group`, `control`, `environment`.
    pub kind: String,
    /// What stands behind the dot.
    pub name: Option<String>,
    /// The place of the name, or of the kind where there is no name.
    pub span: Span,
    /// In the order of the file.
    pub keys: Vec<RawKey>,
}

/// One `key = value`.
#[derive(Debug, Clone, PartialEq)]
pub struct RawKey {
    /// As written.
    pub name: String,
    /// The place of the key.
    pub span: Span,
    /// Its value.
    pub value: RawValue,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct RawValue {
    /// The place of the value.
    pub span: Span,
    /// What it is.
    pub data: RawData,
}

/// The kinds of value a config can write.
#[derive(Debug, Clone, PartialEq)]
pub enum RawData {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A date or time; no option takes one.
    Datetime(String),
    /// A list.
    List(Vec<RawValue>),
    /// A table, in the order of the file.
    Table(Vec<RawKey>),
}

impl RawData {
    /// The text of a string.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// A whole number.
    pub fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }

    /// A boolean.
    pub fn as_boolean(&self) -> Option<bool> {
        if let Self::Boolean(truth) = self { Some(*truth) } else { None }
    }

    /// The items of a list.
    pub fn as_list(&self) -> Option<&[RawValue]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// The keys of a table.
    pub fn as_table(&self) -> Option<&[RawKey]> {
        if let Self::Table(keys) = self { Some(keys) } else { None }
    }
}
