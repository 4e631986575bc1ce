//! The methods of `run.*`, typed.

use std::time::Duration;

use super::{Client, ClientError};
use crate::codec::xmlrpc::Value;
use crate::model::ReloadReport;
use crate::model::status::{ProcessStatus, ProjectStatus, RequestReport};

/// How long a start is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartUntil {
    /// Not at all.
    Accepted,
    /// RUNNING in supervisord's sense.
    Running,
    /// Ready (done, for a task).
    Ready,
}

impl StartUntil {
    fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Running => "running",
            Self::Ready => "ready",
        }
    }
}

impl Client {
    /// The state of the project and of the named processes, or all.
    pub fn status(&mut self, names: &[String]) -> Result<ProjectStatus, ClientError> {
        self.typed("run.status", &[words(names)])
    }

    /// Everything about one process.
    pub fn why(&mut self, name: &str) -> Result<ProcessStatus, ClientError> {
        self.typed("run.why", &[name.into()])
    }

    /// Starts processes, and what they need.
    pub fn start(
        &mut self,
        names: &[String],
        until: StartUntil,
        with_needs: bool,
        timeout: Option<Duration>,
    ) -> Result<RequestReport, ClientError> {
        self.typed("run.start", &[words(names), until.as_str().into(), with_needs.into(), millis(timeout)])
    }

    /// Stops processes, with their dependents first if wished.
    pub fn stop(&mut self, names: &[String], with_dependents: bool, wait: bool) -> Result<RequestReport, ClientError> {
        self.typed("run.stop", &[words(names), with_dependents.into(), wait.into()])
    }

    /// Stops and starts processes.
    pub fn restart(
        &mut self,
        names: &[String],
        until: StartUntil,
        timeout: Option<Duration>,
    ) -> Result<RequestReport, ClientError> {
        self.typed("run.restart", &[words(names), until.as_str().into(), millis(timeout)])
    }

    /// Sends a signal, by name or number.
    pub fn signal(&mut self, names: &[String], signal: &str) -> Result<RequestReport, ClientError> {
        self.typed("run.signal", &[words(names), signal.into()])
    }

    /// Waits until the named processes, or all that are wanted, are ready, or one has failed.
    pub fn wait(&mut self, names: &[String], timeout: Option<Duration>) -> Result<RequestReport, ClientError> {
        self.typed("run.wait", &[words(names), millis(timeout)])
    }

    /// Takes over the config as it is now, or says what that would change.
    pub fn reload(&mut self, dry_run: bool) -> Result<ReloadReport, ClientError> {
        self.typed("run.reload", &[dry_run.into()])
    }

    /// Activates profiles for as long as the project is up.
    pub fn activate(&mut self, profiles: &[String]) -> Result<ReloadReport, ClientError> {
        self.typed("run.activate", &[words(profiles)])
    }

    /// Names the files of the config that are others now than when they were read.
    pub fn changed_files(&mut self) -> Result<Vec<String>, ClientError> {
        self.typed("run.changedFiles", &[])
    }

    /// Ends the project; returns when the end has begun.
    pub fn down(&mut self) -> Result<(), ClientError> {
        self.typed::<bool>("run.down", &[]).map(drop)
    }
}

fn words(names: &[String]) -> Value {
    Value::Array(names.iter().map(|name| name.as_str().into()).collect())
}

fn millis(timeout: Option<Duration>) -> Value {
    timeout.map_or(Value::Nil, |timeout| Value::Int(i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX)))
}
