//! What a tool takes: a name, a kind and a sentence. The schema that clients see and the check of what they send come from it.

use serde_json::{Map, Value, json};

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Texts; a single one is taken as a list of one.
    Words,
    /// A command: words, which are executed as they stand, or a text, which is run by `sh`.
    Command,
    /// A text.
    Text,
    /// Yes or no.
    Flag,
    /// A whole number from, to.
    Count(u64, u64),
    /// A time in seconds, or as `90s`, `5m`.
    Duration,
}

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// It cannot be left out.
    pub is_required: bool,
    /// One sentence.
    pub doc: &'static str,
}

/// A parameter that may be left out.
pub(super) const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Parameter {
    Parameter { name, kind, is_required: false, doc }
}

/// A parameter that may not.
pub(super) const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Parameter {
    Parameter { name, kind, is_required: true, doc }
}

impl Kind {
    /// As the words of a message have it.
    pub(super) fn in_words(self) -> String {
        match self {
            Self::Words => "a list of texts".to_owned(),
            Self::Command => "a list of words, or a text for sh".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Count(least, most) => format!("a whole number from {least} to {most}"),
            Self::Duration => "a number of seconds, or a text such as \"90s\" or \"5m\"".to_owned(),
        }
    }

    fn schema(self) -> Value {
        match self {
            Self::Words => json!({ "type": "array", "items": { "type": "string" } }),
            Self::Command => json!({
                "anyOf": [{ "type": "array", "items": { "type": "string" }, "minItems": 1 }, { "type": "string" }]
            }),
            Self::Text => json!({ "type": "string" }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Count(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Self::Duration => json!({ "type": "number", "minimum": 0 }),
        }
    }
}

/// The JSON Schema of what a tool takes.
pub(super) fn input_schema<'a>(parameters: impl Iterator<Item = &'a Parameter>) -> Map<String, Value> {
    let (mut properties, mut needed) = (Map::new(), Vec::new());
    for parameter in parameters {
        let mut schema = parameter.kind.schema();
        schema["description"] = parameter.doc.into();
        properties.insert(parameter.name.to_owned(), schema);
        if parameter.is_required {
            needed.push(Value::from(parameter.name));
        }
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    if !needed.is_empty() {
        schema.insert("required".to_owned(), needed.into());
    }
    schema.insert("additionalProperties".to_owned(), false.into());
    schema
}
