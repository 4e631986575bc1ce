//! Methods that a program of the user's serves, beside those of the table.

use std::path::PathBuf;
use std::sync::Arc;

use run::api::extension::fault;
use run::api::{self, Fault, Lookup, Outcome, Usage, View};
use run::codec::extension::{CallError, MethodDescription, parse_description};
use run::codec::xmlrpc::{Call, Value};
use run::model::program::Instance;
use run::model::supervisord::Extension;
use run::model::{Channel, Program, ProgramName, Project, WallTime};
use run::supervisor::snapshot::Snapshot;
use serde_json::json;

use super::sample;

/// What the extension has said so far.
struct World(Option<Arc<[MethodDescription]>>);

impl Lookup for World {
    fn port(&self, _: &ProgramName, _: Option<&str>) -> Option<u16> {
        None
    }

    fn usage(&self, _: &[u32]) -> Usage {
        Usage::new()
    }

    fn utc_offset(&self, _: WallTime) -> i32 {
        0
    }

    fn log_path(&self, _: &Program, _: &Instance, _: Channel) -> Option<PathBuf> {
        None
    }

    fn methods_of(&self, namespace: &str) -> Option<Arc<[MethodDescription]>> {
        assert_eq!(namespace, "shop");
        self.0.clone()
    }
}

fn described() -> World {
    let methods = parse_description(&json!({"methods": [
        {"name": "add", "params": [{"name": "a", "type": "int"}, {"name": "b", "type": "int", "optional": true}], "returns": "int", "help": "Adds."},
        {"name": "free.form"},
    ]}));
    World(Some(methods.unwrap().into()))
}

fn project() -> Project {
    let extension = Extension { namespace: "shop".to_owned(), timeout: Extension::TIMEOUT, options: Vec::new() };
    let mut project = sample::project();
    project.programs.push(Program::new_extension(extension));
    project
}

fn ask(world: &World, snapshot: &Snapshot, method: &str, params: Vec<Value>) -> Result<Outcome, Fault> {
    let (facts, project) = (sample::facts(), project());
    let view = View {
        snapshot,
        now: sample::now(),
        name: &facts.name,
        project: &project,
        last_read: &project,
        pid: facts.pid,
        notes: &[],
        lookup: world,
    };
    api::dispatch(&view, &Call { method: method.to_owned(), params })
}

fn value(world: &World, method: &str, params: Vec<Value>) -> Value {
    match ask(world, &sample::snapshot(), method, params) {
        Ok(Outcome::Value(value)) => value,
        Ok(_) => panic!("{method} is no value"),
        Err(fault) => panic!("{fault:?}"),
    }
}

fn refusal(world: &World, method: &str, params: Vec<Value>) -> Fault {
    ask(world, &sample::snapshot(), method, params).err().expect("it is refused")
}

#[test]
fn its_methods_are_listed_and_described() {
    let world = described();
    let Value::Array(names) = value(&world, "system.listMethods", Vec::new()) else { panic!("no list") };
    assert!(names.contains(&"shop.add".into()) && names.contains(&"supervisor.getState".into()));
    let sorted = names.is_sorted_by(|one, other| one.as_str() <= other.as_str());
    assert!(sorted, "{names:?}");
    let help = value(&world, "system.methodHelp", vec!["shop.add".into()]);
    assert_eq!(help.as_str(), Some("shop.add(int a, [int b])\n\nAdds.\n\n@return int"));
    let types = |name: &str| value(&world, "system.methodSignature", vec![name.into()]);
    assert_eq!(types("shop.add"), Value::Array(vec!["int".into(), "int".into(), "int".into()]));
    assert_eq!(types("shop.free.form"), Value::Array(vec!["any".into()]));
}

#[test]
fn a_call_goes_to_the_program_that_serves_it() {
    let asked = ask(&described(), &sample::snapshot(), "shop.add", vec![1.into(), 2.into()]);
    let Ok(Outcome::Extension { namespace, method, params }) = asked else { panic!("it is asked") };
    assert_eq!((namespace.as_str(), method.as_str()), ("shop", "add"));
    assert_eq!(params, [Value::Int(1), Value::Int(2)]);
    assert!(ask(&described(), &sample::snapshot(), "shop.free.form", vec!["x".into(); 9]).is_ok());
}

#[test]
fn wrong_calls_are_refused_without_asking_it() {
    let usage = "INCORRECT_PARAMETERS: usage: shop.add(int a, [int b])";
    for params in [Vec::new(), vec!["1".into()], vec![1.into(), 2.into(), 3.into()]] {
        assert_eq!(refusal(&described(), "shop.add", params), Fault { code: 2, text: usage.to_owned() });
    }
    for unknown in ["shop.nope", "shop.", "shop", "other.add", "supervisor.add"] {
        assert_eq!(refusal(&described(), unknown, Vec::new()).text, "UNKNOWN_METHOD", "{unknown}");
    }
    let silent = refusal(&World(None), "shop.add", Vec::new());
    assert_eq!(silent, Fault { code: 30, text: "FAILED: shop.add: the extension is not running".to_owned() });
    let ending = Snapshot { is_shutting_down: true, ..sample::snapshot() };
    assert_eq!(ask(&described(), &ending, "shop.add", vec![1.into()]).err().map(|fault| fault.code), Some(6));
}

#[test]
fn its_refusals_become_faults() {
    let refused = |code: i64| {
        let Fault { code, text } = fault("shop", "add", CallError::Refused { code, message: "why".to_owned() });
        (code, text)
    };
    assert_eq!(refused(-32601), (1, "UNKNOWN_METHOD: why".to_owned()));
    assert_eq!(refused(-32602), (2, "INCORRECT_PARAMETERS: why".to_owned()));
    assert_eq!(refused(-32603), (30, "FAILED: shop.add: why".to_owned()));
    assert_eq!(refused(10), (10, "why".to_owned()));
    assert_eq!(refused(1 << 40), (30, "FAILED: shop.add: why".to_owned()));
    let late = fault("shop", "add", CallError::TimedOut(Extension::TIMEOUT)).text;
    assert_eq!(late, "FAILED: shop.add: the extension did not answer within 10s");
}
