//! The answer to a call as JSON, for who says `Accept: application/json`: the same values as in XML, read several times faster.

use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};

use super::xmlrpc::Value;

/// `{"value": …}` or `{"fault": {"code": 10, "text": "BAD_NAME: nope"}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonAnswer<T> {
    /// What the method returned.
    Value(T),
    /// What it refused.
    Fault {
        /// supervisord's fault code.
        code: i32,
        /// `NAME` or `NAME: detail`.
        text: String,
    },
}

/// As `serde_json::Value::from` has it: nil is `null`, bytes become text, NaN and infinities are `null`.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Bool(yes) => serializer.serialize_bool(*yes),
            Self::String(text) | Self::DateTime(text) => serializer.serialize_str(text),
            Self::Double(number) => serializer.serialize_f64(*number),
            Self::Nil => serializer.serialize_unit(),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Base64(bytes) => serializer.serialize_str(&String::from_utf8_lossy(bytes)),
            Self::Struct(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// Writes an answer.
#[expect(clippy::missing_panics_doc, reason = "it cannot: values have string keys and no failing serializer")]
pub fn write(answer: &JsonAnswer<&Value>) -> Vec<u8> {
    serde_json::to_vec(answer).expect("values have string keys and no failing serializer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_as_its_conversion_is() {
        let value = Value::Struct(vec![
            ("a".into(), Value::Array(vec![Value::Int(1 << 40), Value::Bool(true), Value::Nil])),
            ("b".into(), Value::Base64(vec![b'x', 0xff])),
            ("c".into(), Value::Double(f64::NAN)),
            ("d".into(), Value::Double(1.5)),
        ]);
        let read: JsonAnswer<serde_json::Value> = serde_json::from_slice(&write(&JsonAnswer::Value(&value))).unwrap();
        assert_eq!(read, JsonAnswer::Value(value.into()));
    }

    #[test]
    fn a_fault_says_so() {
        let fault = write(&JsonAnswer::Fault { code: 10, text: "BAD_NAME: x".into() });
        assert_eq!(fault, br#"{"fault":{"code":10,"text":"BAD_NAME: x"}}"#);
    }
}
