//! From the body of a call to the body of its answer: parse, decide, perform, write.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use nix::unistd::User;
use tokio::sync::watch;

use super::logs;
use crate::api::extension;
use crate::api::fault::{INCORRECT_PARAMETERS, SHUTDOWN_STATE};
use crate::api::status::project_status;
use crate::api::{self, Fault, Lookup, Outcome, Usage, View};
use crate::codec::extension::MethodDescription;
use crate::codec::json_answer::{self, JsonAnswer};
use crate::codec::xmlrpc::{Call, ParseError, Value, parse_call, write_fault, write_response};
use crate::logs::zone;
use crate::model::program::Instance;
use crate::model::status::ProjectStatus;
use crate::model::supervisord::LogLevel;
use crate::model::{Channel, Now, Program, ProgramName, Project, WallTime};
use crate::runtime::handle::Handle;
use crate::supervisor::snapshot::Snapshot;

/// Measures CPU (percent of one core) and resident memory (bytes) of whole process trees, by the pid of their leader.
pub type UsageSource = Arc<dyn Fn(&[u32]) -> BTreeMap<u32, (f32, u64)> + Send + Sync>;

/// A project as its clients see it. Shared by all connections.
pub struct Door {
    handle: Handle,
    usage: Option<UsageSource>,
    /// Looked up when the first stopped process is described: it may take milliseconds.
    zone: OnceLock<TimeZone>,
    /// The last steady answer: a cell that everybody reads and whoever made a newer one replaces.
    kept: watch::Sender<Option<Kept>>,
}

/// Both halves of what a method sees, taken together.
struct Glance {
    snapshot: Snapshot,
    last_read: Arc<Project>,
    now: Now,
}

/// An answer that holds while neither the snapshot nor the second has changed.
struct Kept {
    body: Bytes,
    format: Format,
    seen: Glance,
    answer: Bytes,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// XML-RPC.
    Xml,
    /// [`JsonAnswer`].
    Json,
}

/// Why a body got no XML-RPC answer at all.
#[derive(Debug, thiserror::Error)]
pub enum BadRequest {
    /// Its bytes are no text.
    #[error("the call is not UTF-8")]
    Encoding(#[from] std::str::Utf8Error),
    /// Its text is no call.
    #[error("the call cannot be read")]
    Parse(#[from] ParseError),
}

impl Door {
    /// A door to a running project; without a source, status knows no CPU and memory.
    pub fn new(handle: Handle, usage: Option<UsageSource>) -> Self {
        Self { handle, usage, zone: OnceLock::new(), kept: watch::channel(None).0 }
    }

    /// What `run.status` says now, for readers inside this process.
    pub fn status(&self) -> ProjectStatus {
        project_status(&self.view(&self.glance()))
    }

    /// A door of its own to the same project.
    pub(super) fn again(&self) -> Self {
        Self::new(self.handle.clone(), self.usage.clone())
    }

    /// The project's remote.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Looks at one moment of the project.
    pub(super) fn look<R>(&self, look: impl FnOnce(&View<'_>) -> R) -> R {
        look(&self.view(&self.glance()))
    }

    /// Makes one call and waits for what becomes of it.
    pub(super) async fn call(&self, method: &str, params: Vec<Value>) -> Result<Value, Fault> {
        let outcome = self.decide(&self.glance(), &Call { method: method.to_owned(), params });
        self.perform(outcome).await
    }

    /// Answers one call; the answer may be long in coming, and dropping this cancels the waiting.
    pub async fn answer(&self, body: Bytes, format: Format) -> Result<Bytes, BadRequest> {
        let seen = self.glance();
        if !self.traces()
            && let Some(answer) = self.kept_answer(&body, format, &seen)
        {
            return Ok(answer);
        }
        let call = parse_call(std::str::from_utf8(&body)?)?;
        self.trace(|method| format!("XML-RPC method called: {method}()"), &call);
        let outcome = self.decide(&seen, &call);
        let settled = match outcome {
            Ok(Outcome::Calls(calls)) => Ok(self.make_calls(calls).await),
            other => self.perform(other).await,
        };
        self.trace(|method| format!("XML-RPC method {method}() returned {}", how(&settled)), &call);
        let answer = format.write(&settled);
        if settled.is_ok() && api::find(&call.method).is_some_and(|method| method.is_steady) {
            self.kept.send_replace(Some(Kept { body, format, seen, answer: answer.clone() }));
        }
        Ok(answer)
    }

    /// Whether the main log has a line for each call and each answer (supervisor `xmlrpc.py` `continue_request`).
    fn traces(&self) -> bool {
        self.handle.logs().hub.as_ref().is_some_and(|hub| hub.logs(LogLevel::Trace))
    }

    fn trace(&self, line: impl FnOnce(&str) -> String, call: &Call) {
        if let Some(hub) = self.handle.logs().hub.as_ref().filter(|hub| hub.logs(LogLevel::Trace)) {
            hub.log(LogLevel::Trace, self.handle.now().wall, line(&call.method.escape_debug().to_string()));
        }
    }

    /// Makes calls in order, each with its own look at the state; what one refuses stands in its place.
    async fn make_calls(&self, calls: Vec<Result<Call, Fault>>) -> Value {
        let mut results = Vec::with_capacity(calls.len());
        for call in calls {
            let outcome = call.and_then(|call| self.decide(&self.glance(), &call));
            let settled = self.perform(outcome).await;
            results.push(settled.unwrap_or_else(|fault| Value::fault(fault.code, &fault.text)));
        }
        Value::Array(results)
    }

    async fn perform(&self, outcome: Result<Outcome, Fault>) -> Result<Value, Fault> {
        match outcome? {
            Outcome::Value(value) => Ok(value),
            Outcome::Submit { command, then } => {
                let reply = self.handle.request(command).await.map_err(|_| Fault::plain(SHUTDOWN_STATE))?;
                then(&self.view(&self.glance()), reply)
            }
            Outcome::Log { request, then } => {
                let seen = self.glance();
                let project = self.view(&seen).project;
                let reply = logs::perform(self.handle.logs(), &seen.snapshot, project, request).await;
                then(&self.view(&self.glance()), reply)
            }
            Outcome::Extension { namespace, method, params } => {
                let answer = self.handle.call_extension(&namespace, &method, params).await;
                answer.map_err(|error| extension::fault(&namespace, &method, error))
            }
            Outcome::Config { wish, then } => {
                let result = self.handle.config(wish).await;
                then(&self.view(&self.glance()), result)
            }
            // Calls are made at the top only: a call inside a call is refused before it gets here.
            Outcome::Calls(_) => Err(Fault::plain(INCORRECT_PARAMETERS)),
        }
    }

    fn decide(&self, seen: &Glance, call: &Call) -> Result<Outcome, Fault> {
        api::dispatch(&self.view(seen), call)
    }

    fn glance(&self) -> Glance {
        let snapshot = self.handle.snapshot();
        let last_read = self.handle.last_read().unwrap_or_else(|| Arc::clone(&snapshot.project));
        Glance { snapshot, last_read, now: self.handle.now() }
    }

    fn view<'a>(&'a self, seen: &'a Glance) -> View<'a> {
        let facts = self.handle.facts();
        View {
            snapshot: &seen.snapshot,
            now: seen.now,
            name: &facts.name,
            project: &seen.snapshot.project,
            last_read: &seen.last_read,
            pid: facts.pid,
            notes: &seen.snapshot.notes,
            lookup: self,
        }
    }

    fn kept_answer(&self, body: &Bytes, format: Format, seen: &Glance) -> Option<Bytes> {
        let kept = self.kept.borrow();
        let holds = |kept: &&Kept| kept.body == body && kept.format == format && kept.seen.is_as_good_as(seen);
        kept.as_ref().filter(holds).map(|kept| kept.answer.clone())
    }
}

/// How a call went, in supervisord's words.
fn how(settled: &Result<Value, Fault>) -> String {
    match settled {
        Ok(_) => "successfully".to_owned(),
        Err(Fault { code, text }) => format!("fault: [{code}] {}", text.escape_debug()),
    }
}

impl Format {
    fn write(self, answer: &Result<Value, Fault>) -> Bytes {
        match (self, answer) {
            (Self::Xml, Ok(value)) => write_response(value).into(),
            (Self::Xml, Err(fault)) => write_fault(fault.code, &fault.text).into(),
            (Self::Json, Ok(value)) => json_answer::write(&JsonAnswer::Value(value)).into(),
            (Self::Json, Err(fault)) => {
                json_answer::write(&JsonAnswer::Fault { code: fault.code, text: fault.text.clone() }).into()
            }
        }
    }
}

impl Glance {
    fn is_as_good_as(&self, other: &Self) -> bool {
        self.snapshot.is_same(&other.snapshot)
            && Arc::ptr_eq(&self.last_read, &other.last_read)
            && self.now.wall.seconds() == other.now.wall.seconds()
    }
}

impl Lookup for Door {
    fn port(&self, program: &ProgramName, name: Option<&str>) -> Option<u16> {
        self.handle.port(program, name)
    }

    fn usage(&self, pids: &[u32]) -> Usage {
        self.usage.as_ref().map(|measure| measure(pids)).unwrap_or_default()
    }

    fn log_path(&self, program: &Program, instance: &Instance, channel: Channel) -> Option<PathBuf> {
        self.handle.logs().places.of(program, instance, channel).path()
    }

    fn utc_offset(&self, at: WallTime) -> i32 {
        let zone = self.zone.get_or_init(zone::local);
        let second = i64::try_from(at.seconds()).ok().and_then(|second| Timestamp::from_second(second).ok());
        second.map_or(0, |second| zone.to_offset(second).seconds())
    }

    fn methods_of(&self, namespace: &str) -> Option<Arc<[MethodDescription]>> {
        self.handle.methods_of(namespace)
    }

    fn uid(&self, user: &str) -> Option<u32> {
        let named = || User::from_name(user).ok().flatten().map(|user| user.uid.as_raw());
        user.parse().ok().or_else(named)
    }
}
