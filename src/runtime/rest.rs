//! Coming to rest: once the start is over, what only the start has needed is given back.
//!
//! Most of what a small project costs is our program itself, and most of that is what reads a command line and a config. It is mapped
//! again when it is used again, at the price of a few page faults.

use std::thread;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::logs::Hub;
use crate::model::state::Word;
use crate::runtime::handle::Handle;
use crate::runtime::sys;
use crate::supervisor::snapshot::Snapshot;

/// Nothing has changed for this long: the start is over, or waits for something.
pub const QUIET: Duration = Duration::from_millis(300);

/// Within this time the loop has gone to sleep, also on a busy machine.
const FALLING_ASLEEP: Duration = Duration::from_millis(20);

/// The same after a program has ended, which may be started again at any moment.
pub const QUIET_AFTER_AN_END: Duration = Duration::from_secs(10);

/// Waits until nothing has changed for a while, and gives memory back once. Ends early with the project.
pub async fn come_to_rest(mut handle: Handle, output: Hub) {
    let mut quiet = QUIET;
    while let Ok(changed) = timeout(quiet, handle.changed()).await {
        let Ok(snapshot) = changed else { return };
        quiet = if is_about_to_retry(&snapshot) { QUIET_AFTER_AN_END } else { QUIET };
    }
    output.rest();
    // It stays ours where the system would not take it.
    sys::give_back_stack().ok();
    // In another thread, once this one sleeps: what it uses on its way there would be mapped again at once, and stay. Nobody waits for the
    // end of that, and memory stays ours where the system would not take it.
    drop(spawn_blocking(|| {
        thread::sleep(FALLING_ASLEEP);
        sys::give_back_memory()
    }));
}

/// Whether a program ends again and again: what is given back between two of its starts would only have to be mapped again.
fn is_about_to_retry(snapshot: &Snapshot) -> bool {
    snapshot.processes.iter().any(|process| process.word == Word::Retrying)
}
