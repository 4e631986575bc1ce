//! Text with `${…}` holes, as `environment`, `ready`, `ports` and `directory` have it.

use super::name::ProgramName;

/// More text than any system hands on to a program: 6 MiB (execve(2), "Limits on size of arguments and environment"). Values that name one
/// another twice would grow beyond all bounds.
pub const MOST_TEXT: usize = 8 << 20;

/// A parsed value: literal text and references, resolved when a process is spawned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    /// The parts in order.
    pub parts: Vec<Part>,
}

/// One piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it stands.
    Text(String),
    /// `${NAME}` (or `$NAME` where the key allows it): a variable of the process's environment.
    Variable(String),
    /// `${api.port}`, `${api.url}`, `${api.port.NAME}`: a fact about a program of this project.
    Program {
        /// Whose.
        program: ProgramName,
        /// Which.
        fact: ProgramFact,
    },
}

/// What a dotted reference can ask of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramFact {
    /// Its `port`, or the named one of its `ports`.
    Port(Option<String>),
    /// `http://127.0.0.1:PORT`.
    Url(Option<String>),
}

impl Template {
    /// A template without holes.
    pub fn literal(text: impl Into<String>) -> Self {
        Self { parts: vec![Part::Text(text.into())] }
    }

    /// The text when there is no hole in it.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether the value is empty.
    pub fn is_empty(&self) -> bool {
        self.as_literal() == Some("")
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Variable(name) => write!(f, "${{{name}}}")?,
                Part::Program { program, fact } => match fact {
                    ProgramFact::Port(None) => write!(f, "${{{program}.port}}")?,
                    ProgramFact::Port(Some(port)) => write!(f, "${{{program}.port.{port}}}")?,
                    ProgramFact::Url(None) => write!(f, "${{{program}.url}}")?,
                    ProgramFact::Url(Some(port)) => write!(f, "${{{program}.url.{port}}}")?,
                },
            }
        }
        Ok(())
    }
}
