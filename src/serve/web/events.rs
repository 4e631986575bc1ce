//! The state as it changes, as server-sent events: what the page shows without asking twice.
//!
//! `status` is everything, once. `change` has the processes that are not as they were, `usage` CPU and memory of what runs. A client
//! that is slow gets the latest state when it is ready for it, not every state in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, sleep, sleep_until};

use super::{crowded, endless};
use crate::api::View;
use crate::api::status::process_statuses;
use crate::model::status::ProcessStatus;
use crate::serve::body::Answer;
use crate::serve::rpc::Site;
use crate::serve::wire::Peer;
use crate::supervisor::snapshot::{ProcessInfo, Snapshot};

/// A start changes many states within a moment: they go out together.
const BREATH: Duration = Duration::from_millis(40);

/// How often CPU and memory are told, to whom is there.
const USAGE: Duration = Duration::from_secs(5);

/// How soon a client that lost us comes back, in milliseconds.
const RETRY: &str = "retry: 1000\n\n";

/// What is not as it was.
#[derive(Debug, Serialize)]
struct Change<'a> {
    /// `running`, or `stopping` once an end was asked for.
    state: &'static str,
    /// Names of all processes in start order: whoever is not in it is gone.
    order: Vec<String>,
    notes: &'a [String],
    processes: Vec<ProcessStatus>,
}

/// CPU in percent of one core and memory in bytes of one process tree.
#[derive(Debug, Serialize)]
struct Used {
    cpu_percent: f32,
    memory: u64,
}

/// Follows the state for one client.
pub(super) fn stream(site: &Arc<Site>, peer: &Peer, with_usage: bool) -> Response<Answer> {
    let Some(place) = site.web.place(peer) else { return crowded() };
    let (pieces, body) = mpsc::channel(1);
    tokio::spawn(follow(Arc::clone(site), peer.clone(), pieces, with_usage, place));
    endless(peer, Answer::Pieces(body))
}

/// Ends with the client or with the project, whichever goes first.
async fn follow(
    site: Arc<Site>,
    peer: Peer,
    pieces: mpsc::Sender<Bytes>,
    with_usage: bool,
    _place: OwnedSemaphorePermit,
) {
    tokio::select! {
        () = peer.leaves() => {}
        () = pieces.closed() => {}
        () = tell(&site, &pieces, with_usage) => {}
    }
}

async fn tell(site: &Site, pieces: &mpsc::Sender<Bytes>, with_usage: bool) {
    let mut handle = site.door.handle().clone();
    let mut known = handle.snapshot();
    let begin = format!("{RETRY}{}", event("status", &site.door.status()));
    let mut is_heard = pieces.send(begin.into()).await.is_ok();
    let mut next_usage = Instant::now() + USAGE;
    while is_heard {
        let piece = tokio::select! {
            changed = handle.changed() => {
                if changed.is_err() {
                    // Whoever is told that it has ended need not find out.
                    let _ = pieces.send(event("end", &()).into()).await;
                    return;
                }
                sleep(BREATH).await;
                let latest = handle.snapshot();
                let piece = site.door.look(|view| change(view, &known, &latest));
                known = latest;
                piece
            }
            () = sleep_until(next_usage), if with_usage => {
                next_usage = Instant::now() + USAGE;
                Some(site.door.look(usage))
            }
        };
        if let Some(piece) = piece {
            is_heard = pieces.send(piece.into()).await.is_ok();
        }
    }
}

/// What a client that knew one snapshot has to hear of another; nothing when it is the same.
fn change(view: &View<'_>, known: &Snapshot, latest: &Snapshot) -> Option<String> {
    // Another config may say something else of any of them.
    let is_same_config = Arc::ptr_eq(&known.project, &latest.project);
    let is_known = |info: &ProcessInfo| {
        is_same_config && known.get(info.id).is_some_and(|known| std::ptr::eq(known, info) || known == info)
    };
    let changed: Vec<&ProcessInfo> =
        latest.processes.iter().map(|info| &**info).filter(|info| !is_known(info)).collect();
    let order = names_in_order(latest);
    let is_same = known.is_shutting_down == latest.is_shutting_down && known.notes == latest.notes;
    if changed.is_empty() && is_same && order == names_in_order(known) {
        return None;
    }
    let change = Change {
        state: if latest.is_shutting_down { "stopping" } else { "running" },
        order,
        notes: view.notes,
        processes: process_statuses(view, &changed),
    };
    Some(event("change", &change))
}

fn names_in_order(snapshot: &Snapshot) -> Vec<String> {
    snapshot.start_order.iter().filter_map(|id| snapshot.get(*id)).map(|info| info.name.to_string()).collect()
}

/// CPU and memory by name; a mere sign of life when nothing runs.
fn usage(view: &View<'_>) -> String {
    let running: Vec<&ProcessInfo> =
        view.snapshot.processes.iter().map(|info| &**info).filter(|info| info.pid != 0).collect();
    let pids: Vec<u32> = running.iter().map(|info| info.pid).collect();
    let usage = if pids.is_empty() { BTreeMap::new() } else { view.lookup.usage(&pids) };
    let used = |info: &&ProcessInfo| {
        let (cpu_percent, memory) = *usage.get(&info.pid)?;
        Some((info.name.to_string(), Used { cpu_percent, memory }))
    };
    let used: BTreeMap<String, Used> = running.iter().filter_map(used).collect();
    if used.is_empty() { ":\n\n".to_owned() } else { event("usage", &used) }
}

/// One event. JSON has no line end in it, so it is one line of data.
pub(super) fn event(name: &str, data: &impl Serialize) -> String {
    let data = serde_json::to_string(data).expect("our events have string keys and no failing serializer");
    format!("event: {name}\ndata: {data}\n\n")
}
