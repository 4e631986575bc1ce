//! Performs what methods ask of logs: files are read on a thread for blocking work, clearing is the output thread's.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::spawn_blocking;

use crate::api::log::{LogOf, LogReply, LogRequest};
use crate::logs::read::{self, ReadError};
use crate::logs::search::{Search, SearchError, search};
use crate::logs::{Clearing, LogDesk, LogPlace};
use crate::model::{Channel, LogFile, ProcessId, Project};
use crate::supervisor::snapshot::Snapshot;

/// Performs a request. Dropping the future gives a search up; nothing else takes long.
pub(super) async fn perform(desk: &LogDesk, snapshot: &Snapshot, project: &Project, request: LogRequest) -> LogReply {
    match request {
        LogRequest::Read { of, offset, length } => {
            let place = place(desk, snapshot, project, of);
            off_the_loop(move || read::read(&place, offset, length).map_or_else(refusal, LogReply::Bytes)).await
        }
        LogRequest::Tail { of, offset, length } => {
            let place = place(desk, snapshot, project, of);
            off_the_loop(move || match read::tail(&place, offset, length) {
                Ok(read::Tail { bytes, size, overflow }) => LogReply::Tail { bytes, size, overflow },
                Err(error) => refusal(error),
            })
            .await
        }
        LogRequest::Clear(processes) => clear(desk, snapshot, project, &processes).await,
        LogRequest::ClearMain => clear_main(desk).await,
        LogRequest::Search { processes, pattern, since, limit } => {
            let Some(directory) = desk.places.kept().map(PathBuf::from) else { return LogReply::NoFile(None) };
            look(directory, Search { processes, pattern, since, limit }).await
        }
    }
}

/// Where a log is.
pub(super) fn place(desk: &LogDesk, snapshot: &Snapshot, project: &Project, of: LogOf) -> LogPlace {
    match of {
        LogOf::Main => desk.main_log().map_or(LogPlace::Nowhere, |path| {
            LogPlace::File(LogFile { path: path.to_owned(), maxbytes: 0, backups: 0 })
        }),
        LogOf::Process(process, channel) => {
            let info = snapshot.get(process);
            let place = info.and_then(|info| desk.places.of_process(project, (&info.program, &info.name), channel));
            place.unwrap_or(LogPlace::Nowhere)
        }
    }
}

async fn clear(desk: &LogDesk, snapshot: &Snapshot, project: &Project, processes: &[ProcessId]) -> LogReply {
    let Some(hub) = &desk.hub else { return LogReply::Failed };
    let files = |process: ProcessId| {
        let of = |channel| place(desk, snapshot, project, LogOf::Process(process, channel)).into_file();
        Channel::BOTH.into_iter().filter_map(of).map(|file| file.path).collect()
    };
    let logs = processes.iter().map(|process| Clearing { process: *process, files: files(*process) }).collect();
    let cleared = hub.clear_logs(logs).await;
    LogReply::Cleared(cleared.into_iter().map(|(process, cleared)| (process, cleared.is_ok())).collect())
}

async fn clear_main(desk: &LogDesk) -> LogReply {
    let is_there = |path: &std::path::Path| path.is_file();
    match (&desk.hub, desk.main_log()) {
        (Some(hub), Some(path)) if is_there(path) => LogReply::MainCleared(hub.clear_main_log().await.is_ok()),
        (_, path) => LogReply::NoFile(path.map(|path| path.display().to_string())),
    }
}

async fn look(directory: PathBuf, wanted: Search) -> LogReply {
    let given_up = GivenUp(Arc::default());
    let is_given_up = Arc::clone(&given_up.0);
    let reply = off_the_loop(move || match search(&directory, &wanted, &is_given_up) {
        Ok(found) => LogReply::Found { lines: found.lines, has_more: found.has_more },
        Err(SearchError::Pattern(why)) => LogReply::BadPattern(why),
        Err(SearchError::Io(_)) => LogReply::Failed,
    });
    let reply = reply.await;
    drop(given_up);
    reply
}

/// Tells a search that nobody waits for it any more.
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn off_the_loop(work: impl FnOnce() -> LogReply + Send + 'static) -> LogReply {
    spawn_blocking(work).await.unwrap_or(LogReply::Failed)
}

fn refusal(error: ReadError) -> LogReply {
    match error {
        ReadError::NoFile(path) => LogReply::NoFile(path.map(|path| path.display().to_string())),
        ReadError::Failed(_) => LogReply::Failed,
        ReadError::BadArguments(_) => LogReply::BadArguments,
    }
}
