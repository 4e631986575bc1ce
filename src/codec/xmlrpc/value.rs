//! The values that XML-RPC carries.

use serde_json::{Map, Number, Value as Json};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Written as `<int>` where 32 bits hold it, as `<i8>` otherwise.
    Int(i64),
    /// A boolean.
    Bool(bool),
    /// Text.
    String(String),
    /// A number with a fraction.
    Double(f64),
    /// Nothing. Only `run.*` says it: supervisord never does.
    Nil,
    /// A list.
    Array(Vec<Value>),
    /// Named values, in order.
    Struct(Vec<(String, Value)>),
    /// Bytes.
    Base64(Vec<u8>),
    /// `19980717T14:08:55`, as text.
    DateTime(String),
}

impl Value {
    /// The struct of a refusal, as it stands in `<fault>` and among the results of `system.multicall`.
    pub fn fault(code: i32, text: &str) -> Self {
        Self::Struct(vec![("faultCode".to_owned(), code.into()), ("faultString".to_owned(), text.into())])
    }

    /// A member of a struct; the last of that name, as a dictionary would have it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(members) => members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
            Self::Int(_)
            | Self::Bool(_)
            | Self::String(_)
            | Self::Double(_)
            | Self::Nil
            | Self::Array(_)
            | Self::Base64(_)
            | Self::DateTime(_) => None,
        }
    }

    /// The text of a string, also of one that was sent as base64, which supervisord takes for a string (supervisor `xmlrpc.py`).
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Base64(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Int(_)
            | Self::Bool(_)
            | Self::Double(_)
            | Self::Nil
            | Self::Array(_)
            | Self::Struct(_)
            | Self::DateTime(_) => None,
        }
    }

    /// The number of an int.
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    /// A boolean, or an int taken as one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(yes) => Some(*yes),
            Self::Int(number) => Some(*number != 0),
            Self::String(_)
            | Self::Double(_)
            | Self::Nil
            | Self::Array(_)
            | Self::Struct(_)
            | Self::Base64(_)
            | Self::DateTime(_) => None,
        }
    }

    /// The items of an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items)
    }
}

/// JSON as XML-RPC: `null` is nil, a whole number an int, one beyond 63 bits a double.
impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Nil,
            Json::Bool(yes) => Self::Bool(yes),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Self::Int(whole),
                None => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::String(text),
            Json::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Json::Object(members) => {
                Self::Struct(members.into_iter().map(|(name, value)| (name, Self::from(value))).collect())
            }
        }
    }
}

/// XML-RPC as JSON: bytes become text (what is no UTF-8 replaced), a date stays the text it is, NaN and infinities are `null`.
impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::Int(number) => Self::Number(number.into()),
            Value::Bool(yes) => Self::Bool(yes),
            Value::String(text) | Value::DateTime(text) => Self::String(text),
            Value::Double(number) => Number::from_f64(number).map_or(Self::Null, Self::Number),
            Value::Nil => Self::Null,
            Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Value::Struct(members) => Self::Object(
                members.into_iter().map(|(name, value)| (name, Self::from(value))).collect::<Map<String, Json>>(),
            ),
            Value::Base64(bytes) => Self::String(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}
