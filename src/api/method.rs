//! What a method is, what it sees, and what it can decide.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::fault::{Fault, INCORRECT_PARAMETERS};
use super::log::{LogReply, LogRequest};
use crate::codec::extension::MethodDescription;
use crate::codec::xmlrpc::{Call, Value};
use crate::model::program::Instance;
use crate::model::{Channel, ConfigRefusal, ConfigWish, Now, Program, ProgramName, Project, ReloadPlan, WallTime};
use crate::supervisor::action;
use crate::supervisor::event::Command;
use crate::supervisor::snapshot::Snapshot;

/// CPU (percent of one core) and resident memory (bytes) of whole process trees, by the pid of their leader.
pub type Usage = BTreeMap<u32, (f32, u64)>;

/// Everything a method may look at: one moment of one project.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The state.
    pub snapshot: &'a Snapshot,
    /// Both clocks.
    pub now: Now,
    /// The project's display name.
    pub name: &'a str,
    /// What the config said when it was last taken over.
    pub project: &'a Project,
    /// What it said when it was last read, which need not be in force.
    pub last_read: &'a Project,
    /// The supervisor's pid.
    pub pid: u32,
    /// What the user should know of the project as a whole.
    pub notes: &'a [String],
    /// What is looked up only when a method asks.
    pub lookup: &'a dyn Lookup,
}

/// Facts that cost something to get.
pub trait Lookup {
    /// The number assigned to a program's port; `None` as name means its main one.
    fn port(&self, program: &ProgramName, name: Option<&str>) -> Option<u16>;
    /// CPU and memory of these process trees; empty where it is not measured.
    fn usage(&self, pids: &[u32]) -> Usage;
    /// How far local time is ahead of UTC at a moment, in seconds.
    fn utc_offset(&self, at: WallTime) -> i32;
    /// The log file of an output of this instance, if it has one; it need not be there.
    fn log_path(&self, program: &Program, instance: &Instance, channel: Channel) -> Option<PathBuf>;
    /// What an extension has said it serves; `None` when it has said nothing yet.
    fn methods_of(&self, _namespace: &str) -> Option<Arc<[MethodDescription]>> {
        None
    }
    /// A user's number, by name or number.
    fn uid(&self, user: &str) -> Option<u32> {
        user.parse().ok()
    }
}

/// What a method decided; whoever serves it performs it.
pub enum Outcome {
    /// The answer.
    Value(Value),
    /// Ask the supervisor, and make the answer from its reply and the view after it.
    Submit {
        /// What is asked.
        command: Command,
        /// Makes the answer.
        then: Then,
    },
    /// Do something with logs, off the loop, and make the answer from what came of it.
    Log {
        /// What is asked.
        request: LogRequest,
        /// Makes the answer.
        then: LogThen,
    },
    /// See to the config, which takes its time, and make the answer from what came of it and the view after it.
    Config {
        /// What is asked.
        wish: ConfigWish,
        /// Makes the answer.
        then: ThenConfig,
    },
    /// Make these calls in order, each waited for; the answer is the array of their values and faults.
    Calls(Vec<Result<Call, Fault>>),
    /// Ask the program that serves this namespace.
    Extension {
        /// The namespace.
        namespace: String,
        /// The method inside of it.
        method: String,
        /// The arguments.
        params: Vec<Value>,
    },
}

/// Turns the supervisor's reply into an answer.
pub type Then = Box<dyn FnOnce(&View<'_>, action::Outcome) -> Result<Value, Fault> + Send>;

/// Turns what came of a log request into an answer.
pub type LogThen = Box<dyn FnOnce(&View<'_>, LogReply) -> Result<Value, Fault> + Send>;
/// Turns what came of a wish about the config into an answer.
pub type ThenConfig = Box<dyn FnOnce(&View<'_>, Result<ReloadPlan, ConfigRefusal>) -> Result<Value, Fault> + Send>;

/// One method.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    /// `supervisor.getState`.
    pub name: &'static str,
    /// What it takes, in order.
    pub params: &'static [Param],
    /// The type of its answer, as `system.methodSignature` tells it.
    pub returns: &'static str,
    /// What it does, in a sentence or two.
    pub doc: &'static str,
    /// Decides.
    pub call: fn(&View<'_>, &[Value]) -> Result<Outcome, Fault>,
    /// Whether it answers even when the project is going down.
    pub while_ending: bool,
    /// Whether its answer to the same arguments stays the same within one snapshot and one second, so that it may be kept.
    pub is_steady: bool,
}

/// One parameter.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name, for the help.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether it may be left out (or nil).
    pub is_optional: bool,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string; base64 is taken for one.
    String,
    /// A string, or an int (a signal).
    StringOrInt,
    /// An int.
    Int,
    /// A boolean; an int is taken for one.
    Boolean,
    /// An array.
    Array,
}

impl Kind {
    /// Its name in a signature.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String | Self::StringOrInt => "string",
            Self::Int => "int",
            Self::Boolean => "boolean",
            Self::Array => "array",
        }
    }

    fn accepts(self, value: &Value) -> bool {
        match self {
            Self::String => value.as_str().is_some(),
            Self::StringOrInt => value.as_str().is_some() || value.as_int().is_some(),
            Self::Int => value.as_int().is_some(),
            Self::Boolean => value.as_bool().is_some(),
            Self::Array => value.as_array().is_some(),
        }
    }
}

/// A parameter that must be given.
pub(super) const fn required(name: &'static str, kind: Kind) -> Param {
    Param { name, kind, is_optional: false }
}

/// A parameter that may be left out.
pub(super) const fn optional(name: &'static str, kind: Kind) -> Param {
    Param { name, kind, is_optional: true }
}

impl Method {
    /// A method that is refused while the project is going down.
    pub(super) const fn new(
        name: &'static str,
        params: &'static [Param],
        returns: &'static str,
        doc: &'static str,
        call: fn(&View<'_>, &[Value]) -> Result<Outcome, Fault>,
    ) -> Self {
        Self { name, params, returns, doc, call, while_ending: false, is_steady: false }
    }

    /// The same, answering even then.
    pub(super) const fn while_ending(mut self) -> Self {
        self.while_ending = true;
        self
    }

    /// The same, with an answer that may be kept for a second.
    pub(super) const fn steady(mut self) -> Self {
        self.is_steady = true;
        self
    }

    /// Whether these arguments fit.
    pub(super) fn check(&self, arguments: &[Value]) -> Result<(), Fault> {
        let fits = |(at, param): (usize, &Param)| match arguments.get(at) {
            None | Some(Value::Nil) => param.is_optional,
            Some(value) => param.kind.accepts(value),
        };
        if arguments.len() <= self.params.len() && self.params.iter().enumerate().all(fits) {
            Ok(())
        } else if self.name.starts_with("run.") {
            Err(Fault::new(INCORRECT_PARAMETERS, format_args!("usage: {}", self.usage())))
        } else {
            Err(Fault::plain(INCORRECT_PARAMETERS))
        }
    }

    /// `run.stop(array names, [boolean with_dependents], [boolean wait])`.
    pub fn usage(&self) -> String {
        let shown = |param: &Param| {
            let text = format!("{} {}", param.kind.as_str(), param.name);
            if param.is_optional { format!("[{text}]") } else { text }
        };
        format!("{}({})", self.name, self.params.iter().map(shown).collect::<Vec<_>>().join(", "))
    }
}

/// The string at a place; empty where none was given.
pub(super) fn text(arguments: &[Value], at: usize) -> &str {
    arguments.get(at).and_then(Value::as_str).unwrap_or_default()
}

/// The boolean at a place.
pub(super) fn flag(arguments: &[Value], at: usize, default: bool) -> bool {
    arguments.get(at).and_then(Value::as_bool).unwrap_or(default)
}
