//! The state of a project as it changes: its server-sent events (`/api/v1/events`), read as they come.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serde::Deserialize;
use tokio::io::unix::AsyncFd;

use super::address::{Address, Credentials};
use super::{ClientError, Follow};
use crate::model::status::{ProcessStatus, ProjectStatus};

/// Without CPU and memory, for which somebody would have to wake up every few seconds.
const PATH: &str = "/api/v1/events?usage=no";

/// The longest event.
const LONGEST: usize = 64 << 20;

/// One thing that is told.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Everything, once.
    Status(Box<ProjectStatus>),
    /// What is not as it was.
    Change(Box<Change>),
    /// The project has ended.
    End,
}

/// What is not as it was.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Change {
    /// [`ProjectStatus::state`].
    pub state: String,
    /// The names of all processes in start order: whoever is not in it is gone.
    pub order: Vec<String>,
    /// [`ProjectStatus::notes`].
    pub notes: Vec<String>,
    /// Those that are not as they were.
    pub processes: Vec<ProcessStatus>,
}

impl Change {
    /// Takes it over.
    pub fn apply(self, status: &mut ProjectStatus) {
        let mut known: BTreeMap<String, ProcessStatus> =
            status.processes.drain(..).map(|process| (process.name.clone(), process)).collect();
        known.extend(self.processes.into_iter().map(|process| (process.name.clone(), process)));
        status.processes = self.order.iter().filter_map(|name| known.remove(name)).collect();
        (status.state, status.notes) = (self.state, self.notes);
    }
}

/// The events of a project. Reading one never blocks the thread.
#[derive(Debug)]
pub struct Events {
    follow: Follow,
    ready: AsyncFd<OwnedFd>,
    text: Vec<u8>,
}

/// The answer that events come in. Asking for it blocks; what follows does not.
pub fn ask(address: &Address, socket: &Path, credentials: Option<&Credentials>) -> Result<Follow, ClientError> {
    Follow::get(address, Some(socket), credentials, PATH)
}

impl Events {
    /// The events of an answer. Must be called inside a runtime.
    #[expect(
        deprecated,
        reason = "its successor is unsafe; what it asks for holds: an OwnedFd stays open until it is dropped"
    )]
    pub fn of(follow: Follow) -> Result<Self, ClientError> {
        let descriptor = follow.as_fd().try_clone_to_owned()?;
        fcntl(&descriptor, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(std::io::Error::from)?;
        Ok(Self { follow, ready: AsyncFd::new(descriptor)?, text: Vec::new() })
    }

    /// The next one; `None` when the project is gone. Nothing is lost when the waiting is given up.
    pub async fn next(&mut self) -> Result<Option<News>, ClientError> {
        loop {
            while let Some(event) = take_event(&mut self.text) {
                if let Some(news) = news(&event)? {
                    return Ok(Some(news));
                }
            }
            if self.text.len() > LONGEST {
                return Err(ClientError::Protocol("an event without an end".to_owned()));
            }
            match self.follow.read_some() {
                Ok(Some(bytes)) => self.text.extend_from_slice(&bytes),
                Ok(None) | Err(ClientError::NotRunning) => return Ok(None),
                Err(ClientError::Timeout) => self.wait().await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until there may be more. The readiness is taken back first, and what came in between is found by the next reading.
    async fn wait(&mut self) -> Result<(), ClientError> {
        let mut guard = self.ready.readable().await?;
        if let Ok(Some(bytes)) = self.follow.read_some() {
            self.text.extend_from_slice(&bytes);
        } else {
            guard.clear_ready();
        }
        Ok(())
    }
}

/// Takes the first event from the front: everything up to a blank line.
fn take_event(text: &mut Vec<u8>) -> Option<String> {
    let end = memchr::memmem::find(text, b"\n\n")?;
    let event: Vec<u8> = text.drain(..end + 2).collect();
    Some(String::from_utf8_lossy(&event).into_owned())
}

/// What an event says, if it is one that we know.
fn news(event: &str) -> Result<Option<News>, ClientError> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
    let data = field("data:").unwrap_or_default();
    let wrong = |error: serde_json::Error| ClientError::Protocol(format!("events: {error}"));
    match field("event:") {
        Some("status") => serde_json::from_str(data).map(|status| Some(News::Status(status))).map_err(wrong),
        Some("change") => serde_json::from_str(data).map(|change| Some(News::Change(change))).map_err(wrong),
        Some("end") => Ok(Some(News::End)),
        Some(_) | None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_at_blank_lines_and_unknown_ones_passed() {
        let mut text = b"retry: 1000\n\nevent: usage\ndata: {}\n\nevent: end\ndata: null\n\nevent: ch".to_vec();
        let events: Vec<String> = std::iter::from_fn(|| take_event(&mut text)).collect();
        let told: Vec<Option<News>> = events.iter().map(|event| news(event).unwrap()).collect();
        assert_eq!(told, [None, None, Some(News::End)]);
        assert_eq!(text, b"event: ch");
        assert!(news("event: change\ndata: {\n").is_err());
    }
}
