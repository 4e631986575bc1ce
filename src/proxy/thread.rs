//! The proxy on a thread of its own: waits for its turn, listens, and lets go.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::LocalSet;
use tokio::time::sleep;

use super::routes::{Directory, Routes};
use super::server::{Gate, serve};
use crate::registry::{self, Homes, ProxyFacts, ProxyLock};

/// How soon a taken port is tried again, and the longest wait between two tries.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Whose proxy.
    pub homes: Homes,
    /// Where it listens.
    pub port: u16,
    /// The project that wants it; `None`: it was asked for alone.
    pub project: Option<String>,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Somebody of ours runs it already; we take over when that one ends.
    Waiting(ProxyFacts),
    /// We listen at this port now.
    Serving(u16),
    /// A stranger has the port; it is tried again.
    Taken(u16),
    /// It cannot be.
    Failed(String),
}

/// A proxy that runs or waits for its turn. Dropped, it ends.
#[derive(Debug)]
pub struct Proxy {
    stop: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts it. `tell` is called from its thread.
    pub fn start(plan: Plan, directory: Arc<dyn Directory>, tell: impl Fn(News) + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new().name("proxy".to_owned()).spawn(move || {
            let local = LocalSet::new();
            if let Err(problem) = local.block_on(&runtime, live(&plan, directory, &tell, stopped)) {
                tell(News::Failed(problem.to_string()));
            }
            drop(local);
            // A project that does not answer is not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // Had it panicked, that was told on stderr.
            let _ = thread.join();
        }
    }
}

/// Ready when the proxy is to end.
async fn end_of(mut stopped: watch::Receiver<()>) {
    while stopped.changed().await.is_ok() {}
}

async fn live(
    plan: &Plan,
    directory: Arc<dyn Directory>,
    tell: &dyn Fn(News),
    stopped: watch::Receiver<()>,
) -> io::Result<()> {
    let mut end = pin!(end_of(stopped.clone()));
    if let Some(holder) = registry::proxies(&plan.homes).into_iter().find(|facts| facts.port == plan.port) {
        tell(News::Waiting(holder));
    }
    let mut lock = tokio::select! {
        () = end.as_mut() => return Ok(()),
        lock = turn(plan)? => lock?,
    };
    let gate = tokio::select! {
        () = end.as_mut() => return Ok(()),
        gate = bind(plan.port, tell) => gate?,
    };
    lock.publish(&ProxyFacts { pid: std::process::id(), port: plan.port, project: plan.project.clone() })?;
    tell(News::Serving(plan.port));
    serve(gate, Routes::new(directory), end).await
}

/// Waits for the lock on a thread: the kernel wakes no task. When nobody wants it any more, the lock is let go as soon as it comes.
fn turn(plan: &Plan) -> io::Result<impl Future<Output = io::Result<ProxyLock>> + use<>> {
    let (done, is_done) = oneshot::channel();
    let (homes, port) = (plan.homes.clone(), plan.port);
    thread::Builder::new().name("proxy-turn".to_owned()).spawn(move || {
        drop(done.send(registry::wait_for_proxy_lock(&homes, port)));
    })?;
    Ok(async move { is_done.await.map_err(io::Error::other)? })
}

async fn bind(port: u16, tell: &dyn Fn(News)) -> io::Result<Gate> {
    let (mut pause, longest) = AGAIN;
    let mut is_told = false;
    loop {
        match Gate::bind(port) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                if !std::mem::replace(&mut is_told, true) {
                    tell(News::Taken(port));
                }
                sleep(pause).await;
                pause = (pause * 2).min(longest);
            }
            bound => return bound,
        }
    }
}
