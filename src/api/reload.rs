//! `run.reload`: takes over the config as it is now, or says what that would change. `run.changedFiles`: whether there is a reason to.
//! `run.activate`: the same config with more of its profiles.

#![expect(clippy::unnecessary_wraps, reason = "every row of the table has the same signature")]

use super::fault::{Fault, SHUTDOWN_STATE};
use super::method::{Kind, Method, Outcome, View, flag, optional, required};
use crate::codec::xmlrpc::Value;
use crate::model::status::SCHEMA;
use crate::model::{ConfigRefusal, ConfigWish, ReloadPlan, ReloadReport};

/// The family's rows.
pub(super) const METHODS: &[Method] = &[
    Method::new(
        "run.reload",
        &[optional("dry_run", Kind::Boolean)],
        "struct",
        "Reads the config again and takes it over, or with dry_run says what would change. Answers with the plan once that has \
         begun; a config that does not load changes nothing, and the answer says why.",
        reload,
    ),
    Method::new(
        "run.activate",
        &[required("profiles", Kind::Array)],
        "struct",
        "Activates profiles for as long as the project is up, also for what the config gets later, and starts what starts by itself. \
         Answers as run.reload does.",
        activate,
    ),
    Method::new(
        "run.changedFiles",
        &[],
        "array",
        "Names the files of the config that are others now than when they were read. Nothing of what they say is told.",
        changed_files,
    ),
];

fn changed_files(_: &View<'_>, _: &[Value]) -> Result<Outcome, Fault> {
    let names = |files: Vec<String>| Value::Array(files.into_iter().map(Into::into).collect());
    let then = move |_: &View<'_>, result: Result<ReloadPlan, ConfigRefusal>| match result {
        Ok(plan) => Ok(names(plan.files)),
        Err(ConfigRefusal::Ending) => Err(Fault::plain(SHUTDOWN_STATE)),
        // What was not read from files is as it was.
        Err(_) => Ok(names(Vec::new())),
    };
    Ok(Outcome::Config { wish: ConfigWish::Glance, then: Box::new(then) })
}

fn reload(_: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let dry_run = flag(arguments, 0, false);
    let wish = if dry_run { ConfigWish::Compare } else { ConfigWish::Reload };
    Ok(Outcome::Config { wish, then: Box::new(move |_, result| report(dry_run, result)) })
}

fn activate(_: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let words = arguments[0].as_array().unwrap_or_default();
    let profiles = words.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
    Ok(Outcome::Config { wish: ConfigWish::Activate(profiles), then: Box::new(|_, result| report(false, result)) })
}

fn report(dry_run: bool, result: Result<ReloadPlan, ConfigRefusal>) -> Result<Value, Fault> {
    let report = ReloadReport { schema: SCHEMA, dry_run, ..ReloadReport::default() };
    let report = match result {
        Ok(plan) => ReloadReport { plan, ..report },
        Err(ConfigRefusal::Ending) => return Err(Fault::plain(SHUTDOWN_STATE)),
        Err(refusal @ (ConfigRefusal::Unreadable { .. } | ConfigRefusal::Unfit(_) | ConfigRefusal::NoConfig)) => {
            ReloadReport { refused: refusal.to_string(), ..report }
        }
    };
    Ok(serde_json::to_value(&report).expect("the report has string keys and no failing serializer").into())
}
