//! What an extension says of its methods.

use std::collections::BTreeSet;

use serde_json::Value as Json;

/// How many methods a namespace may have.
const MOST: usize = 1000;

/// How long a method's name may be, in bytes.
const LONGEST_NAME: usize = 100;

/// One method of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodDescription {
    /// Its name inside the namespace: `add` is called as `NAME.add`.
    pub name: String,
    /// What it takes, in order; `None`: whatever it is given.
    pub params: Option<Vec<ParamDescription>>,
    /// The type of its answer.
    pub returns: Type,
    /// What it does.
    pub help: String,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamDescription {
    /// Its name, for the help.
    pub name: String,
    /// Its type.
    pub kind: Type,
    /// Whether it may be left out.
    pub is_optional: bool,
}

/// A type, in the words of `system.methodSignature`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Type {
    /// Whatever it is.
    #[default]
    Any,
    /// Text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Double,
    /// True or false.
    Boolean,
    /// A list.
    Array,
    /// Named values.
    Struct,
}

impl Type {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Any, Self::String, Self::Int, Self::Double, Self::Boolean, Self::Array, Self::Struct];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::String => "string",
            Self::Int => "int",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Struct => "struct",
        }
    }
}

impl MethodDescription {
    /// `(int a, [int b])`; `(…)` where it takes whatever it is given.
    pub fn usage(&self) -> String {
        let Some(params) = &self.params else { return "(…)".to_owned() };
        let shown = |param: &ParamDescription| {
            let text = format!("{} {}", param.kind.as_str(), param.name);
            if param.is_optional { format!("[{text}]") } else { text }
        };
        format!("({})", params.iter().map(shown).collect::<Vec<_>>().join(", "))
    }
}

/// Reads the answer to [`DESCRIBE`](super::DESCRIBE); what is wrong with it is told in one line.
pub fn parse_description(answer: &Json) -> Result<Vec<MethodDescription>, String> {
    let methods = answer.get("methods").and_then(Json::as_array);
    let methods = methods.ok_or("its description has no list `methods`")?;
    if methods.len() > MOST {
        return Err(format!("it describes {} methods, at most {MOST} can be served", methods.len()));
    }
    let mut seen = BTreeSet::new();
    methods
        .iter()
        .map(|method| {
            let method = parse_method(method)?;
            if seen.insert(method.name.clone()) {
                Ok(method)
            } else {
                Err(format!("it describes `{}` twice", method.name))
            }
        })
        .collect()
}

fn parse_method(method: &Json) -> Result<MethodDescription, String> {
    let name = method.get("name").and_then(Json::as_str).ok_or("it describes a method without a `name`")?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let is_good = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_word);
    if !is_good || name.len() > LONGEST_NAME || name.starts_with("rpc.") {
        return Err(format!(
            "`{}` cannot be the name of a method",
            name.chars().take(LONGEST_NAME).collect::<String>()
        ));
    }
    let params = match method.get("params") {
        None | Some(Json::Null) => None,
        Some(params) => {
            let params = params.as_array().ok_or_else(|| format!("the `params` of {name} are no list"))?;
            Some(params.iter().map(|param| parse_param(name, param)).collect::<Result<Vec<_>, _>>()?)
        }
    };
    let help = method.get("help").and_then(Json::as_str).unwrap_or_default();
    let returns = parse_type(name, method.get("returns"))?;
    Ok(MethodDescription { name: name.to_owned(), params, returns, help: help.to_owned() })
}

fn parse_param(method: &str, param: &Json) -> Result<ParamDescription, String> {
    let name =
        param.get("name").and_then(Json::as_str).ok_or_else(|| format!("a parameter of {method} has no `name`"))?;
    let kind = parse_type(method, param.get("type"))?;
    let is_optional = param.get("optional").and_then(Json::as_bool).unwrap_or_default();
    Ok(ParamDescription { name: name.to_owned(), kind, is_optional })
}

fn parse_type(method: &str, written: Option<&Json>) -> Result<Type, String> {
    let Some(written) = written else { return Ok(Type::Any) };
    let known = Type::ALL.into_iter().find(|kind| written.as_str() == Some(kind.as_str()));
    known.ok_or_else(|| {
        let words: Vec<&str> = Type::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("{method} has the type {written}, which is none of {}", words.join(", "))
    })
}
