//! A control socket served on a thread of its own.

use std::future::Future;
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use run::runtime::handle::Handle;
use run::serve::{Listener, UsageSource, serve};
use tokio::sync::oneshot;

/// No condition of these tests takes longer, on whatever machine.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A server that answers; it ends with this.
pub(crate) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves at this path, with something else on the same thread.
    pub(crate) fn start(
        path: &Path,
        handle: Handle,
        usage: Option<UsageSource>,
        beside: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let path = path.to_owned();
        let (stop, stopped) = oneshot::channel();
        let (bound, is_bound) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = Listener::bind(&path).unwrap();
                bound.send(()).unwrap();
                tokio::spawn(beside);
                serve(listener, handle, usage, async { drop(stopped.await) }).await;
            });
        });
        is_bound.recv_timeout(LONG).unwrap();
        Self { stop: Some(stop), thread: Some(thread) }
    }

    /// Asks for its end.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Ends it and waits until it has.
    pub(crate) fn end(&mut self) {
        drop(self.stop.take());
        self.thread.take().map(JoinHandle::join).unwrap().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
