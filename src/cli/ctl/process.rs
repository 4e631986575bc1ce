//! What the server's answers hold, and the names in them.

use super::trouble::Trouble;
use crate::codec::xmlrpc::Value;
use crate::model::ProcessState;

/// `group:process`, or the bare name of a process in a group of its own (supervisor `options.py` `make_namespec`).
pub fn make_namespec(group: &str, process: Option<&str>) -> String {
    match process {
        Some(process) if process == group => process.to_owned(),
        Some(process) => format!("{group}:{process}"),
        None => format!("{group}:*"),
    }
}

/// Group and process of a name; no process for a whole group (supervisor `options.py` `split_namespec`).
pub fn split_namespec(namespec: &str) -> (&str, Option<&str>) {
    match namespec.split_once(':') {
        Some((group, "" | "*")) => (group, None),
        Some((group, process)) => (group, Some(process)),
        None => (namespec, Some(namespec)),
    }
}

/// What `getProcessInfo` says of a process, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its group.
    pub group: String,
    /// Its own name.
    pub name: String,
    /// One of supervisord's numbers.
    pub state: i64,
    /// Its name.
    pub state_name: String,
    /// `pid 7, uptime 0:00:01`.
    pub description: String,
    /// 0 when it does not run.
    pub pid: i64,
}

impl Process {
    /// Reads one struct.
    pub fn read(value: &Value) -> Result<Self, Trouble> {
        Ok(Self {
            group: text(value, "group")?.to_owned(),
            name: text(value, "name")?.to_owned(),
            state: number(value, "state")?,
            state_name: text(value, "statename")?.to_owned(),
            description: text(value, "description")?.to_owned(),
            pid: number(value, "pid")?,
        })
    }

    /// Reads an array of them.
    pub fn read_all(value: &Value) -> Result<Vec<Self>, Trouble> {
        items(value)?.iter().map(Self::read).collect()
    }

    /// How it is called.
    pub fn namespec(&self) -> String {
        make_namespec(&self.group, Some(&self.name))
    }

    /// RUNNING, and nothing else.
    pub fn is_running(&self) -> bool {
        self.state == i64::from(ProcessState::Running.code())
    }

    /// Down, and not on its way anywhere (supervisor `states.py` `STOPPED_STATES`).
    pub fn is_down(&self) -> bool {
        [ProcessState::Stopped, ProcessState::Exited, ProcessState::Fatal, ProcessState::Unknown]
            .iter()
            .any(|state| self.state == i64::from(state.code()))
    }
}

/// A text in a struct.
pub fn text<'v>(value: &'v Value, key: &str) -> Result<&'v str, Trouble> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| Trouble::no_key(key))
}

/// A number in a struct.
pub fn number(value: &Value, key: &str) -> Result<i64, Trouble> {
    value.get(key).and_then(Value::as_int).ok_or_else(|| Trouble::no_key(key))
}

/// A truth in a struct.
pub fn flag(value: &Value, key: &str) -> Result<bool, Trouble> {
    value.get(key).and_then(Value::as_bool).ok_or_else(|| Trouble::no_key(key))
}

/// The items of an array.
pub fn items(value: &Value) -> Result<&[Value], Trouble> {
    value.as_array().ok_or_else(|| Trouble::raised("TypeError", "the answer is no array"))
}

/// The strings of an array.
pub fn strings(value: &Value) -> Result<Vec<String>, Trouble> {
    let no_text = || Trouble::raised("TypeError", "the answer is no array of strings");
    items(value)?.iter().map(|item| item.as_str().map(ToOwned::to_owned).ok_or_else(no_text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_together_and_taken_apart() {
        assert_eq!(make_namespec("web", Some("web")), "web");
        assert_eq!(make_namespec("work", Some("work_0")), "work:work_0");
        assert_eq!(split_namespec("web"), ("web", Some("web")));
        assert_eq!(split_namespec("work:work_0"), ("work", Some("work_0")));
        assert_eq!(split_namespec("work:*"), ("work", None));
        assert_eq!(split_namespec("work:"), ("work", None));
        assert_eq!(split_namespec("a:b:c"), ("a", Some("b:c")));
    }

    #[test]
    fn an_answer_that_lacks_something_is_an_error_and_no_panic() {
        let info = Value::Struct(vec![("group".into(), "web".into())]);
        assert_eq!(Process::read(&info).unwrap_err().to_string(), "<class 'KeyError'>, 'name'");
        assert!(Process::read_all(&Value::Nil).is_err());
    }
}
