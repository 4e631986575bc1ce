//! Coming to rest: once the start is over, what only the start has needed is given back.
//!
//! Most of what a small project costs is our program itself, and most of that is what reads a command line and a config. It is mapped
//! again when it is used again, at the price of a few page faults.

use std::thread;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::runtime::handle::Handle;
use crate::runtime::sys;

/// Nothing has changed for this long: the start is over, or waits for something.
pub const QUIET: Duration = Duration::from_millis(300);

/// Within this time the loop has gone to sleep, also on a busy machine.
const FALLING_ASLEEP: Duration = Duration::from_millis(20);

/// Waits until nothing has changed for a while, and gives memory back once. Ends early with the project.
pub async fn come_to_rest(mut handle: Handle) {
    while let Ok(changed) = timeout(QUIET, handle.changed()).await {
        if changed.is_err() {
            return;
        }
    }
    // In another thread, once this one sleeps: what it uses on its way there would be mapped again at once, and stay. Nobody waits for the
    // end of that, and memory stays ours where the system would not take it.
    drop(spawn_blocking(|| {
        thread::sleep(FALLING_ASLEEP);
        sys::give_back_memory()
    }));
}
