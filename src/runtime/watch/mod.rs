//! Watching: the files of the config, so that a save is taken over while everything else keeps running, and the files that programs
//! name in `watch`.
//!
//! One task, off the loop: it sees through `eyes`. For the config, `settle` tells when a save is over, `trail` which entries count, and
//! `config` what follows. For programs, `patterns` say which files are meant, `tree` what has changed among them, and `files` whom it
//! concerns. The task changes nothing itself; what it wants done it asks of the [`Handle`], like any other client. While nothing
//! changes it sleeps.

mod config;
mod eyes;
mod files;
mod patterns;
pub mod settle;
pub mod trail;
mod tree;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use self::config::ConfigWatch;
use self::eyes::Eyes;
use self::files::{FilesWatch, Looked};
use crate::runtime::handle::Handle;
use crate::runtime::launcher::Launcher;
use crate::runtime::os::Glimpse;

/// How often files are looked at that the kernel does not watch for us.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A running watcher.
#[derive(Debug)]
pub struct Watcher {
    task: JoinHandle<()>,
}

impl Watcher {
    /// Starts it, inside a local set and before the first program: a file that was written earlier is nobody's news. It ends with
    /// the project.
    pub fn start(handle: Handle, launcher: Arc<Launcher>) -> Self {
        let files = FilesWatch::new(launcher, handle.now().wall);
        Self { task: tokio::task::spawn_local(watch(handle, files)) }
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
    Looked(Looked),
    Look,
    Over,
}

async fn watch(mut handle: Handle, (mut files, mut looks): (FilesWatch, UnboundedReceiver<Looked>)) {
    let mut eyes = Eyes::open();
    let mut config = ConfigWatch::default();
    let mut look_at = Instant::now() + LOOK_EVERY;
    config.adopt(&handle, &mut eyes).await;
    files.adopt(&handle);
    loop {
        let wait = config.due().map(|due| due.since(handle.now().mono));
        let woken = tokio::select! {
            glimpses = eyes.see() => Woken::Seen(glimpses),
            () = after(wait) => Woken::Due,
            Some(looked) = looks.recv() => Woken::Looked(looked),
            () = sleep_until(look_at), if config.is_polling() || files.is_polling() => Woken::Look,
            changed = handle.changed() => if changed.is_ok() { Woken::Changed } else { Woken::Over },
        };
        match woken {
            Woken::Seen(glimpses) => {
                config.seen(&glimpses, handle.now().mono);
                files.seen(&glimpses);
            }
            Woken::Due => config.look(&handle, &mut eyes).await,
            Woken::Looked(looked) => files.looked(looked, &handle, &mut eyes),
            Woken::Look => {
                look_at = Instant::now() + LOOK_EVERY;
                if config.is_polling() {
                    config.poll(handle.now().mono).await;
                }
                if files.is_polling() {
                    files.poll();
                }
            }
            Woken::Changed if handle.snapshot().is_shutting_down => {
                eyes.shut();
                // Closed with the process.
                pending::<()>().await;
            }
            Woken::Changed => {
                config.adopt(&handle, &mut eyes).await;
                files.adopt(&handle);
            }
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
