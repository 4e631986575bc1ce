//! `ready = { file = "tmp/ready" }`: a file exists and is not from an earlier run.

use std::io;
use std::os::unix::fs::MetadataExt;

use super::{Answer, ProbeContext};
use crate::model::{ProbeSchema, WallTime};

/// How the kind presents itself.
pub const SCHEMA: ProbeSchema = ProbeSchema {
    name: "file",
    value: "a path",
    doc: "Ready when this file exists and was written since the program's start. Relative to the program's directory.",
    params: &[],
    problem: |_| None,
};

/// The kernel stamps files with the time of its last tick, which lies up to 10 ms (HZ=100) before what a clock shows.
const TICK_MS: i64 = 10;

/// Looks once.
pub async fn check(path: &str, context: &ProbeContext) -> Answer {
    match tokio::fs::metadata(context.directory.join(path)).await {
        Ok(found) if is_since(found.mtime(), found.mtime_nsec(), context.started) => {
            Answer::pass(format!("file {path}"))
        }
        Ok(_) => Answer::fail(format!("file {path} is from before this start")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Answer::fail(format!("file {path} missing")),
        Err(error) => Answer::fail(format!("file {path}: {error}")),
    }
}

/// Whether a file's time lies at or after a start. A time without a fraction is taken for one of a file system that keeps
/// whole seconds.
fn is_since(seconds: i64, nanoseconds: i64, started: WallTime) -> bool {
    let started = i64::try_from(started.0).unwrap_or(i64::MAX);
    if nanoseconds == 0 {
        seconds >= started / 1000
    } else {
        seconds.saturating_mul(1000).saturating_add(nanoseconds / 1_000_000) + TICK_MS >= started
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    fn context(directory: &std::path::Path, started: u64) -> ProbeContext {
        ProbeContext {
            directory: directory.to_owned(),
            started: WallTime(started),
            run: Arc::new(|_| Box::pin(std::future::pending())),
        }
    }

    fn now_ms() -> u64 {
        u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
    }

    #[tokio::test]
    async fn a_file_counts_when_this_run_wrote_it() {
        let directory = tempfile::tempdir().unwrap();
        let started = now_ms();
        let here = context(directory.path(), started);
        assert_eq!(check("ready", &here).await, Answer::fail("file ready missing"));
        std::fs::write(directory.path().join("ready"), "").unwrap();
        assert_eq!(check("ready", &here).await, Answer::pass("file ready"));
        let later = context(directory.path(), started + 60_000);
        assert_eq!(check("ready", &later).await, Answer::fail("file ready is from before this start"));
    }

    #[test]
    fn coarse_times_of_a_file_system_are_allowed_for() {
        let started = WallTime(100_500);
        assert!(is_since(100, 0, started), "whole seconds");
        assert!(!is_since(99, 0, started));
        assert!(is_since(100, 495_000_000, started), "one tick before");
        assert!(!is_since(100, 400_000_000, started));
    }
}
