//! Changes that a page asks for, as calls of the methods that everybody else calls.

use hyper::Response;
use serde::Deserialize;

use super::route::Verb;
use super::{faulty, json};
use crate::api::Fault;
use crate::api::fault::{BAD_ARGUMENTS, FAILED};
use crate::codec::xmlrpc::Value;
use crate::model::status::{ProcessReport, ProcessStatus, ProjectStatus, RequestReport};
use crate::serve::body::Answer;
use crate::serve::door::Door;

/// The body of a change.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Whom, in a user's words: names, `group:*`, globs, `all`.
    names: Vec<String>,
    /// Answer when it is done, not when it has begun.
    #[serde(default)]
    wait: bool,
    /// Stop those first that depend on them.
    #[serde(default)]
    with_dependents: bool,
}

/// Makes a change; the answer tells what became of it for each process.
pub(super) async fn change(door: &Door, verb: Verb, body: &[u8]) -> Response<Answer> {
    let asked = match read(body) {
        Ok(asked) => asked,
        Err(fault) => return faulty(&fault),
    };
    let names = words(&asked.names);
    let until = Value::from(if asked.wait { "ready" } else { "accepted" });
    let answer = match verb {
        Verb::Start => door.call("run.start", vec![names, until]).await,
        Verb::Stop => door.call("run.stop", vec![names, asked.with_dependents.into(), asked.wait.into()]).await,
        Verb::Restart => door.call("run.restart", vec![names, until]).await,
        Verb::Clear => {
            return match clear(door, names).await {
                Ok(report) => json(&report),
                Err(fault) => faulty(&fault),
            };
        }
    };
    match answer {
        Ok(value) => json(&value),
        Err(fault) => faulty(&fault),
    }
}

fn read(body: &[u8]) -> Result<Asked, Fault> {
    match serde_json::from_slice::<Asked>(body) {
        Ok(asked) if asked.names.is_empty() => {
            Err(Fault::new(BAD_ARGUMENTS, "names is empty; \"all\" means everybody"))
        }
        Ok(asked) => Ok(asked),
        Err(error) => Err(Fault::new(BAD_ARGUMENTS, error)),
    }
}

/// Empties the logs of each in turn; one that cannot be emptied does not keep the others from it.
async fn clear(door: &Door, names: Value) -> Result<RequestReport, Fault> {
    let mut processes = Vec::new();
    for process in selected(door, names).await? {
        let cleared = door.call("supervisor.clearProcessLogs", vec![process.name.as_str().into()]).await;
        processes.push(ProcessReport {
            ok: cleared.is_ok(),
            answer: cleared.map_or_else(|fault| fault.text, |_| "done".to_owned()),
            name: process.name,
            state: process.state,
            note: process.note,
        });
    }
    Ok(RequestReport { timed_out: false, processes })
}

/// The processes that words mean; a word that means nobody is a fault.
pub(super) async fn selected(door: &Door, names: Value) -> Result<Vec<ProcessStatus>, Fault> {
    let is_everybody = names.as_array().is_some_and(|names| names == [Value::from("all")]);
    let chosen = door.call("run.status", if is_everybody { Vec::new() } else { vec![names] }).await?;
    let status = serde_json::to_value(chosen).and_then(serde_json::from_value::<ProjectStatus>);
    status.map(|status| status.processes).map_err(|error| Fault::new(FAILED, error))
}

/// An array of strings.
pub(super) fn words(names: &[String]) -> Value {
    Value::Array(names.iter().map(|name| name.as_str().into()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_whom_it_means_and_nothing_that_we_do_not_know() {
        let asked = Asked { names: vec!["web".to_owned()], wait: true, with_dependents: false };
        assert_eq!(read(br#"{"names": ["web"], "wait": true}"#).unwrap(), asked);
        for wrong in
            [&b""[..], b"{}", b"[]", br#"{"names": []}"#, br#"{"names": "web"}"#, br#"{"names": ["a"], "force": 1}"#]
        {
            assert_eq!(read(wrong).unwrap_err().code, BAD_ARGUMENTS, "{}", String::from_utf8_lossy(wrong));
        }
    }
}
