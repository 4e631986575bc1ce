//! The one error that meets the user: what went wrong, and what to type instead.
//!
//! The `From` impls of all layers' errors live here, so that `?` works in every command and hints are added in one place.

use std::io;

use crate::api::fault::SHUTDOWN_STATE;
use crate::cli::ctl::trouble::Trouble;
use crate::cli::exit_code::ExitCode;
use crate::cli::settings::Stream;
use crate::client::ClientError;
use crate::model::Diagnostics;
use crate::plan::environment::EnvironmentError;
use crate::ui::address::Address;
use crate::ui::report;

/// Whose business it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The user asked for something that is not there.
    User,
    /// The config is wrong.
    Config,
    /// The project is not up, is up already, or does not answer.
    Project,
    /// A bug of ours, or a system that refuses what it never should.
    Internal,
    /// Our reader went away: end without a word.
    BrokenPipe,
}

/// What a command fails with.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// Whose business it is.
    pub kind: ErrorKind,
    /// What went wrong: a lower-case sentence, possibly with further indented lines.
    pub message: String,
    /// What to type instead, one line each.
    pub hints: Vec<String>,
    /// Everything wrong with a config; then `message` is empty.
    pub diagnostics: Option<Box<Diagnostics>>,
}

impl CommandError {
    /// A new error.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), diagnostics: None }
    }

    /// The user asked for something that is not there.
    pub fn user(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::User, message)
    }

    /// The project is not up, or does not answer.
    pub fn project(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Project, message)
    }

    /// A bug of ours, or a system that refuses what it never should.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The reader of our output went away.
    pub fn broken_pipe() -> Self {
        Self::new(ErrorKind::BrokenPipe, "")
    }

    /// Adds a line of help.
    #[must_use]
    pub fn hint(mut self, line: impl Into<String>) -> Self {
        self.hints.push(line.into());
        self
    }

    /// With the commands among its help as they are typed for the project that was addressed.
    #[must_use]
    pub fn addressed(mut self, address: &Address) -> Self {
        self.hints = self.hints.iter().map(|hint| address.hint(hint)).collect();
        self
    }

    /// The status a command ends with.
    pub fn exit_code(&self) -> ExitCode {
        match self.kind {
            ErrorKind::User | ErrorKind::Config | ErrorKind::Project | ErrorKind::Internal => ExitCode::Usage,
            ErrorKind::BrokenPipe => ExitCode::Fine,
        }
    }

    /// The text for stderr: the message, then the help lines under one another. Empty when there is nothing to say.
    pub fn render(&self, stream: &Stream) -> String {
        if let Some(diagnostics) = &self.diagnostics {
            return report::human(diagnostics, stream.colour);
        }
        if self.kind == ErrorKind::BrokenPipe {
            return String::new();
        }
        let (red, cyan, reset) = if stream.colour { ("\x1b[1;31m", "\x1b[1;36m", "\x1b[0m") } else { ("", "", "") };
        let mut text = format!("{red}error{reset}: {}\n", self.message);
        for (index, hint) in self.hints.iter().enumerate() {
            let head = if index == 0 { format!("{cyan}help{reset}:") } else { "     ".to_owned() };
            text.push_str(&head);
            text.push(' ');
            text.push_str(hint);
            text.push('\n');
        }
        text
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::broken_pipe() } else { Self::internal(error.to_string()) }
    }
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::NotRunning => Self::project("the project has just ended"),
            ClientError::Fault { code: SHUTDOWN_STATE, .. } => Self::project("the project is being stopped"),
            ClientError::Fault { .. } => {
                let detail = error.fault_detail().unwrap_or_default();
                Self::user(if detail.is_empty() { error.to_string() } else { detail.to_owned() })
            }
            ClientError::Stopped { pid, .. } => Self::project(error.to_string())
                .hint(format!("kill -CONT {pid}      continues it; where it was stopped with Ctrl-Z, fg does")),
            ClientError::Timeout | ClientError::Io(_) | ClientError::Interrupted => Self::project(with_cause(&error)),
            ClientError::Protocol(_) | ClientError::Status { .. } => Self::internal(error.to_string()),
        }
    }
}

impl From<Trouble> for CommandError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Own(error) => error.into(),
            other => Self::internal(other.to_string()),
        }
    }
}

impl From<EnvironmentError> for CommandError {
    fn from(error: EnvironmentError) -> Self {
        Self::user(error.to_string())
    }
}

/// An error and what caused it, on one line.
fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_cause(source)),
        None => error.to_string(),
    }
}

impl From<Diagnostics> for CommandError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self {
            kind: ErrorKind::Config,
            message: String::new(),
            hints: Vec::new(),
            diagnostics: Some(Box::new(diagnostics)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lines_stand_under_one_another() {
        let error = CommandError::project("no project here").hint("run init").hint("run up -- npm run dev");
        assert_eq!(
            error.render(&Stream::plain()),
            "error: no project here\nhelp: run init\n      run up -- npm run dev\n"
        );
        assert_eq!(error.exit_code(), ExitCode::Usage);
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let error = CommandError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(error.render(&Stream::plain()), "");
        assert_eq!(error.exit_code(), ExitCode::Fine);
    }
}
