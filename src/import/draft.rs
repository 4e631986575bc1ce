//! A run.toml in the making, and what could not be put into it.

/// A value of a run.toml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A list.
    List(Vec<Self>),
    /// A table, written in one line.
    Table(Vec<(String, Self)>),
}

impl Value {
    /// A string.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A list of strings.
    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    /// A table.
    pub fn table<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

/// Something that is not in the run.toml, or not as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lost {
    /// The file it stands in.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What it is: a key, a section, a line.
    pub what: String,
    /// Why it is not carried over, and what there is instead.
    pub why: String,
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.what, self.why)
    }
}

/// `[program.web]` and its keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// `program`, `task`, `group`, `control`.
    pub kind: &'static str,
    /// What stands behind the dot; empty for none.
    pub name: String,
    /// Lines of comment under the head.
    pub comments: Vec<String>,
    /// Keys in the order in which they are written.
    pub keys: Vec<(&'static str, Value)>,
    /// `environment`.
    pub environment: Vec<(String, String)>,
    /// What of this one is not carried over.
    pub lost: Vec<Lost>,
}

impl Section {
    /// An empty section.
    pub fn new(kind: &'static str, name: impl Into<String>) -> Self {
        Self { kind, name: name.into(), ..Self::default() }
    }

    /// Adds a key.
    pub fn set(&mut self, key: &'static str, value: Value) {
        self.keys.push((key, value));
    }

    /// Adds a key where there is a value for it.
    pub fn set_some(&mut self, key: &'static str, value: Option<Value>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// Sets a variable; the last one of a name wins.
    pub fn variable(&mut self, name: impl Into<String>, value: impl Into<String>) {
        put(&mut self.environment, name.into(), value.into());
    }

    /// Whether a key is there.
    pub fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|(there, _)| *there == key)
    }
}

/// A whole run.toml in the making.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// What it was made from, as the user would name it.
    pub origin: String,
    /// In what the behaviour differs although every line was carried over; one sentence each.
    pub notes: Vec<String>,
    /// Keys before the first section.
    pub top: Vec<(&'static str, Value)>,
    /// `[environment]`.
    pub environment: Vec<(String, String)>,
    /// In the order of the file.
    pub sections: Vec<Section>,
    /// What belongs to no section and is not carried over.
    pub lost: Vec<Lost>,
}

impl Draft {
    /// An empty draft.
    pub fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), ..Self::default() }
    }

    /// Sets a variable of the project; the last one of a name wins.
    pub fn variable(&mut self, name: impl Into<String>, value: impl Into<String>) {
        put(&mut self.environment, name.into(), value.into());
    }

    /// Notes something that is not carried over and belongs to no section.
    pub fn lose(&mut self, line: usize, what: impl Into<String>, why: impl Into<String>) {
        let lost = Lost { file: self.origin.clone(), line, what: what.into(), why: why.into() };
        self.lost.push(lost);
    }

    /// Everything that is not carried over, in the order of the files.
    pub fn all_lost(&self) -> Vec<&Lost> {
        let mut all: Vec<&Lost> =
            self.lost.iter().chain(self.sections.iter().flat_map(|section| &section.lost)).collect();
        all.sort_by(|a, b| {
            let place = |lost: &Lost| (lost.file != self.origin, lost.file.clone(), lost.line);
            place(a).cmp(&place(b))
        });
        all
    }
}

fn put(environment: &mut Vec<(String, String)>, name: String, value: String) {
    environment.retain(|(there, _)| *there != name);
    environment.push((name, value));
}
