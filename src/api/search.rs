//! `run.logs`: lines of the kept logs, by name, pattern and time.

use super::fault::{BAD_ARGUMENTS, FAILED, Fault, NO_FILE};
use super::log::{LogReply, LogRequest};
use super::method::{Kind, Method, Outcome, View, optional, text};
use super::names::{Reach, resolve};
use crate::codec::xmlrpc::Value;
use crate::model::status::SCHEMA;
use crate::model::{FoundLine, WallTime};

/// Lines when nobody says how many.
const USUAL: usize = 100;

/// The most lines of one answer.
const MOST: usize = 1000;

/// The family's rows.
pub(super) const METHODS: &[Method] = &[Method::new(
    "run.logs",
    &[
        optional("names", Kind::Array),
        optional("pattern", Kind::String),
        optional("since_ms", Kind::Int),
        optional("limit", Kind::Int),
    ],
    "struct",
    "Tells the last lines that programs wrote, all or those named: lines that match a pattern, written since a time (milliseconds \
     since 1970), at most limit (100, up to 1000).",
    logs,
)
.while_ending()];

fn logs(view: &View<'_>, arguments: &[Value]) -> Result<Outcome, Fault> {
    let chosen = resolve(view.snapshot, arguments.first().unwrap_or(&Value::Nil), Reach::Everybody)?;
    let processes = chosen.iter().filter_map(|id| view.snapshot.get(*id)).map(|info| info.name.to_string()).collect();
    let since = count(arguments, 2, "since_ms")?.map(WallTime);
    let limit = count(arguments, 3, "limit")?.map_or(USUAL, |limit| usize::try_from(limit).unwrap_or(MOST).min(MOST));
    let pattern = text(arguments, 1).to_owned();
    Ok(Outcome::Log {
        request: LogRequest::Search { processes, pattern, since, limit },
        then: Box::new(|_, reply| match reply {
            LogReply::Found { lines, has_more } => Ok(Value::Struct(vec![
                ("schema".into(), SCHEMA.into()),
                ("lines".into(), Value::Array(lines.into_iter().map(line).collect())),
                ("has_more".into(), has_more.into()),
            ])),
            LogReply::BadPattern(why) => Err(Fault::new(BAD_ARGUMENTS, why)),
            LogReply::NoFile(_) => Err(Fault::plain(NO_FILE)),
            LogReply::Failed
            | LogReply::BadArguments
            | LogReply::Bytes(_)
            | LogReply::Tail { .. }
            | LogReply::Cleared(_)
            | LogReply::MainCleared(_) => Err(Fault::plain(FAILED)),
        }),
    })
}

fn count(arguments: &[Value], at: usize, name: &str) -> Result<Option<u64>, Fault> {
    let Some(number) = arguments.get(at).and_then(Value::as_int) else { return Ok(None) };
    u64::try_from(number).map(Some).map_err(|_| Fault::new(BAD_ARGUMENTS, format_args!("{name} is negative")))
}

fn line(line: FoundLine) -> Value {
    Value::Struct(vec![
        ("process".into(), line.process.into()),
        ("channel".into(), line.channel.as_str().into()),
        ("at".into(), i64::try_from(line.at.0).unwrap_or(i64::MAX).into()),
        ("run".into(), line.run.into()),
        ("text".into(), line.text.into()),
    ])
}
