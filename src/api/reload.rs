//! `run.reload`: takes over the config as it is now, or says what that would change.

#![expect(clippy::unnecessary_wraps, reason = "every row of the table has the same signature")]

use super::fault::{Fault, SHUTDOWN_STATE};
use super::method::{Kind, Method, Outcome, View, flag, optional};
use crate::codec::xmlrpc::Value;
use crate::model::status::SCHEMA;
use crate::model::{ConfigRefusal, ConfigWish, ReloadPlan, ReloadReport};

/// The family's rows.
pub(super) const METHODS: &[Method] = &[Method::new(
    "run.reload",
    &[optional("dry_run", Kind::Boolean)],
    "struct",
    "Reads the config again and takes it over, or with dry_run says what would change. Answers with the plan once that has begun; \
     a config that does not load changes nothing, and the answer says why.",
    reload,
)];

fn reload(_: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let dry_run = flag(arguments, 0, false);
    let wish = if dry_run { ConfigWish::Compare } else { ConfigWish::Reload };
    Ok(Outcome::Config { wish, then: Box::new(move |_, result| report(dry_run, result)) })
}

fn report(dry_run: bool, result: Result<ReloadPlan, ConfigRefusal>) -> Result<Value, Fault> {
    let report = ReloadReport { schema: SCHEMA, dry_run, ..ReloadReport::default() };
    let report = match result {
        Ok(plan) => ReloadReport { plan, ..report },
        Err(ConfigRefusal::Ending) => return Err(Fault::plain(SHUTDOWN_STATE)),
        Err(refusal @ (ConfigRefusal::Unreadable(_) | ConfigRefusal::Unfit(_) | ConfigRefusal::NoConfig)) => {
            ReloadReport { refused: refusal.to_string(), ..report }
        }
    };
    Ok(serde_json::to_value(&report).expect("the report has string keys and no failing serializer").into())
}
