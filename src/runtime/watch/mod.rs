//! Watching: the files of the config, so that a save is taken over while everything else keeps running.
//!
//! One task, off the loop: it sees through `eyes`, `settle` tells when a save is over, `trail` which entries count, and `config` what
//! follows. It changes nothing itself; what it wants done it asks of the [`Handle`], like any other client. While nothing changes
//! it sleeps.

mod config;
mod eyes;
pub mod settle;
pub mod trail;

use std::future::pending;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use self::config::ConfigWatch;
use self::eyes::Eyes;
use crate::runtime::handle::Handle;
use crate::runtime::os::Glimpse;

/// How often files are looked at that the kernel does not watch for us.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A running watcher.
#[derive(Debug)]
pub struct Watcher {
    task: JoinHandle<()>,
}

impl Watcher {
    /// Starts it, inside a local set. It ends with the project.
    pub fn start(handle: Handle) -> Self {
        Self { task: tokio::task::spawn_local(watch(handle)) }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What woke the task.
enum Woken {
    Seen(Vec<Glimpse>),
    Changed,
    Due,
    Look,
    Over,
}

async fn watch(mut handle: Handle) {
    let mut eyes = Eyes::open();
    let mut config = ConfigWatch::default();
    let mut look_at = Instant::now() + LOOK_EVERY;
    config.adopt(&handle, &mut eyes).await;
    loop {
        let wait = config.due().map(|due| due.since(handle.now().mono));
        let woken = tokio::select! {
            glimpses = eyes.see() => Woken::Seen(glimpses),
            () = after(wait) => Woken::Due,
            () = sleep_until(look_at), if config.is_polling() => Woken::Look,
            changed = handle.changed() => if changed.is_ok() { Woken::Changed } else { Woken::Over },
        };
        match woken {
            Woken::Seen(glimpses) => config.seen(&glimpses, handle.now().mono),
            Woken::Due => config.look(&handle, &mut eyes).await,
            Woken::Look => {
                config.poll(handle.now().mono).await;
                look_at = Instant::now() + LOOK_EVERY;
            }
            Woken::Changed => config.adopt(&handle, &mut eyes).await,
            Woken::Over => return,
        }
    }
}

/// Waits for so long; for ever without a time.
async fn after(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => pending().await,
    }
}
