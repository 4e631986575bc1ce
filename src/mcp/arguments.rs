//! The arguments of a call, checked against what its tool takes: everything that is wrong at once, with what there is instead.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::config::suggest;
use crate::mcp::answer::Answer;
use crate::mcp::parameter::{Kind, Parameter};
use crate::mcp::tool::Tool;
use crate::model::units;

/// Checked arguments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arguments(Map<String, Value>);

/// Everything that is wrong with the arguments of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongArguments {
    tool: Tool,
    mistakes: Vec<String>,
    help: Vec<String>,
}

impl Arguments {
    /// Checks them. What is `null` counts as left out.
    pub fn check(tool: Tool, given: Map<String, Value>) -> Result<Self, WrongArguments> {
        let given: Map<String, Value> = given.into_iter().filter(|(_, value)| !value.is_null()).collect();
        let mut wrong = WrongArguments { tool, mistakes: Vec::new(), help: Vec::new() };
        for (name, value) in &given {
            match tool.parameters().find(|parameter| parameter.name == name) {
                None => wrong.unknown(name),
                Some(parameter) if !fits(parameter.kind, value) => wrong.unfit(parameter, value),
                Some(_) => {}
            }
        }
        for parameter in tool.parameters().filter(|parameter| parameter.is_required) {
            if given.get(parameter.name).is_none_or(is_empty) {
                wrong.mistakes.push(format!("`{}` is missing: {}", parameter.name, parameter.kind.in_words()));
            }
        }
        if wrong.mistakes.is_empty() { Ok(Self(given)) } else { Err(wrong) }
    }

    /// A list of words; empty when it was left out.
    pub fn words(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// The words of a command: a text is one for `sh`.
    pub fn command(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::String(line)) => vec!["sh".to_owned(), "-c".to_owned(), line.clone()],
            _ => self.words(name),
        }
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// Whether a flag is set.
    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A number.
    pub fn count(&self, name: &str) -> Option<usize> {
        self.0.get(name).and_then(whole).and_then(|number| usize::try_from(number).ok())
    }

    /// A time.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        self.0.get(name).and_then(duration)
    }
}

impl WrongArguments {
    fn unknown(&mut self, name: &str) {
        self.mistakes.push(format!("`{name}` is no argument of {}", self.tool.name()));
        let known = self.tool.parameters().map(|parameter| parameter.name);
        self.help.extend(suggest::did_you_mean(name, known));
    }

    fn unfit(&mut self, parameter: &Parameter, value: &Value) {
        let value = value.to_string();
        let shown = if value.len() > 40 { format!("{}…", &value[..value.floor_char_boundary(40)]) } else { value };
        self.mistakes.push(format!("`{}` is {}, not {shown}", parameter.name, parameter.kind.in_words()));
    }

    /// For the client.
    pub fn answer(&self) -> Answer {
        let takes: Vec<&str> = self.tool.parameters().map(|parameter| parameter.name).collect();
        let mut help = self.help.clone();
        help.push(format!("{} takes {}", self.tool.name(), takes.join(", ")));
        Answer::refused(&self.mistakes.join("\n"), &help)
    }
}

fn fits(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::Words | Kind::Command => {
            value.is_string() || value.as_array().is_some_and(|all| all.iter().all(Value::is_string))
        }
        Kind::Text => value.is_string(),
        Kind::Flag => value.is_boolean(),
        Kind::Count(least, most) => whole(value).is_some_and(|number| (least..=most).contains(&number)),
        Kind::Duration => duration(value).is_some(),
    }
}

/// What is there and holds nothing is as good as missing.
fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_str().is_some_and(str::is_empty)
}

/// A whole number, also one that a client writes as 3.0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole, positive and small")]
fn whole(value: &Value) -> Option<u64> {
    let exact = |number: f64| (0.0..1e15).contains(&number) && number.fract() == 0.0;
    value.as_u64().or_else(|| value.as_f64().filter(|number| exact(*number)).map(|number| number as u64))
}

fn duration(value: &Value) -> Option<Duration> {
    match value {
        Value::String(text) => units::parse_duration(text),
        value => value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn check(tool: Tool, given: &Value) -> Result<Arguments, String> {
        let given = given.as_object().cloned().unwrap_or_default();
        Arguments::check(tool, given).map_err(|wrong| wrong.answer().text)
    }

    #[test]
    fn arguments_are_read_as_clients_write_them() {
        let given = json!({ "names": "web", "timeout": "1m", "no_wait": true, "directory": null });
        let arguments = check(Tool::Start, &given).unwrap();
        assert_eq!(arguments.words("names"), ["web"]);
        assert_eq!(arguments.duration("timeout"), Some(Duration::from_mins(1)));
        assert!(arguments.flag("no_wait") && !arguments.flag("no_deps"));
        assert_eq!(arguments.text("directory"), None);
        let arguments = check(Tool::Logs, &json!({ "lines": 20.0, "names": ["a", "b"] })).unwrap();
        assert_eq!((arguments.count("lines"), arguments.words("names").len()), (Some(20), 2));
        let command = |given: &Value| check(Tool::Exec, given).unwrap().command("command");
        assert_eq!(command(&json!({ "command": ["make", "x y"] })), ["make", "x y"]);
        assert_eq!(command(&json!({ "command": "a && b" })), ["sh", "-c", "a && b"]);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_what_there_is() {
        let given = json!({ "nmaes": ["web"], "timeout": "soon", "no_wait": "yes" });
        assert_eq!(
            check(Tool::Start, &given).unwrap_err(),
            "error: `nmaes` is no argument of start\n\
             `no_wait` is true or false, not \"yes\"\n\
             `timeout` is a number of seconds, or a text such as \"90s\" or \"5m\", not \"soon\"\n\
             `names` is missing: a list of texts\n\
             help: did you mean `names`?\n\
             help: start takes names, no_deps, no_wait, timeout, directory, project\n"
        );
    }

    #[test]
    fn numbers_have_borders() {
        assert!(check(Tool::Logs, &json!({ "max_bytes": 1 })).unwrap_err().contains("a whole number from 1024 to"));
        assert!(
            check(Tool::Logs, &json!({ "lines": 1.5 })).is_err() && check(Tool::Logs, &json!({ "lines": -1 })).is_err()
        );
        assert!(check(Tool::Wait, &json!({ "timeout": -1 })).is_err());
        assert!(check(Tool::Exec, &json!({ "command": [] })).unwrap_err().contains("`command` is missing"));
    }

    /// Any JSON at all, small.
    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "(?s).{0,60}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("(?s).{0,9}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_given_is_taken_whole_or_refused_in_words(
            at in 0usize..Tool::all().count(),
            which in 0usize..12,
            other in "(?s).{0,9}",
            value in anything(),
        ) {
            let tool = Tool::all().nth(at).unwrap();
            let name = tool.parameters().nth(which).map_or(other, |parameter| parameter.name.to_owned());
            match check(tool, &json!({ name.clone(): value })) {
                Ok(arguments) => {
                    arguments.words(&name);
                    arguments.command(&name);
                    arguments.duration(&name);
                    arguments.count(&name);
                }
                Err(text) => prop_assert!(text.starts_with("error: ") && text.len() < 1500, "{}", text),
            }
        }
    }

    #[test]
    fn a_long_wrong_value_is_not_repeated_whole() {
        let text = check(Tool::Logs, &json!({ "cursor": ["ä".repeat(900)] })).unwrap_err();
        assert!(text.contains("ä…") && text.len() < 400, "{text}");
    }
}
