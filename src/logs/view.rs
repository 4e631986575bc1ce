//! Views: who looks at a process's output as it comes, byte for byte.
//!
//! Nobody waits for a viewer. One that does not take what it is given gets nothing more until it asks again; then it is given what
//! it missed, as far as that is kept and not too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::logs::hub::{Channel, Hub, Order};
use crate::logs::output::Output;
use crate::model::ProcessId;

/// Pieces on their way to a viewer; each is at most what one read gives, 64 KiB.
const PIECES: usize = 16;

/// The most that is given at once of what was before, for each output.
const PAST: u64 = 64 << 10;

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Of which run since `up`.
    pub run: u32,
    /// Which output.
    pub channel: Channel,
    /// It was written before somebody looked.
    pub is_past: bool,
    /// So many bytes between the piece before and this one are left out.
    pub missed: u64,
    /// As the program wrote them.
    pub bytes: Vec<u8>,
}

/// The viewer's end. Dropping it ends the view.
pub struct Views {
    hub: Hub,
    process: ProcessId,
    is_behind: Arc<AtomicBool>,
    out: mpsc::Sender<View>,
    pieces: mpsc::Receiver<View>,
}

impl Views {
    /// Looks at a process: first at the end of what its current run has written, then at what it writes.
    pub fn open(hub: &Hub, process: ProcessId) -> Self {
        let (out, pieces) = mpsc::channel(PIECES);
        let views = Self { hub: hub.clone(), process, is_behind: Arc::default(), out, pieces };
        views.ask();
        views
    }

    /// The next piece; nothing is lost when the waiting is given up.
    pub async fn next(&mut self) -> Option<View> {
        if self.pieces.is_empty() && self.is_behind.swap(false, Ordering::AcqRel) {
            self.ask();
        }
        self.pieces.recv().await
    }

    fn ask(&self) {
        let (out, is_behind) = (self.out.clone(), Arc::clone(&self.is_behind));
        self.hub.order(Order::View { process: self.process, out, is_behind });
    }
}

/// The other end.
#[derive(Debug)]
pub(super) struct Viewer {
    process: ProcessId,
    out: mpsc::Sender<View>,
    is_behind: Arc<AtomicBool>,
    /// Bytes of each output that were not given, once it has fallen behind.
    missed: Option<[u64; 2]>,
}

impl Viewer {
    /// Gives a piece if there is room; false when nobody takes it any more.
    fn give(&mut self, view: View) -> bool {
        let (at, length) = (at(view.channel), view.bytes.len() as u64);
        if let Some(missed) = &mut self.missed {
            missed[at] += length;
            return !self.out.is_closed();
        }
        let view = match self.out.try_send(view) {
            Ok(()) => return true,
            Err(TrySendError::Closed(_)) => return false,
            Err(TrySendError::Full(view)) => view,
        };
        // Said before the second try: a full channel has pieces in it still, and who takes the last of them looks at this.
        self.is_behind.store(true, Ordering::Release);
        match self.out.try_send(view) {
            Ok(()) => {
                self.is_behind.store(false, Ordering::Release);
                true
            }
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(_)) => {
                self.missed.get_or_insert_default()[at] += length;
                true
            }
        }
    }
}

fn at(channel: Channel) -> usize {
    match channel {
        Channel::Stdout => 0,
        Channel::Stderr => 1,
    }
}

impl Output {
    /// Somebody looks, or looks again.
    pub(super) fn view(&mut self, process: ProcessId, out: mpsc::Sender<View>, is_behind: Arc<AtomicBool>) {
        self.viewers.retain(|viewer| !viewer.out.is_closed());
        let found = self.viewers.iter().position(|viewer| viewer.out.same_channel(&out));
        let mut viewer = match found {
            Some(index) => self.viewers.swap_remove(index),
            None => Viewer { process, out, is_behind, missed: None },
        };
        let missed = viewer.missed.take();
        for view in self.past(process, missed) {
            viewer.give(view);
        }
        self.viewers.push(viewer);
    }

    /// What was written before: of the current run, or as much as was missed.
    fn past(&mut self, process: ProcessId, missed: Option<[u64; 2]>) -> Vec<View> {
        let mut past = Vec::new();
        for index in self.known(process).tracks.clone() {
            let track = &self.tracks[index];
            let (channel, run) = (track.channel, track.run);
            let of_run = track.kept.as_ref().zip(track.began).map_or(0, |(kept, began)| kept.end() - began);
            let wanted = missed.map_or(of_run, |missed| missed[at(channel)]);
            let kept = track.kept.as_ref().map(|kept| {
                let from = kept.end().saturating_sub(wanted.min(PAST)).max(kept.begin());
                let mut bytes = vec![0; usize::try_from(kept.end() - from).unwrap_or(0)];
                kept.read_exact_at(from, &mut bytes).map(|()| bytes).unwrap_or_default()
            });
            let bytes = kept.unwrap_or_default();
            let missed = if missed.is_some() { wanted - wanted.min(bytes.len() as u64) } else { 0 };
            if missed > 0 || !bytes.is_empty() {
                past.push(View { run, channel, is_past: true, missed, bytes });
            }
        }
        past
    }

    /// Gives what was just read to whoever looks at it.
    pub(super) fn give_viewers(&mut self, process: ProcessId, channel: Channel, run: u32, bytes: &[u8]) {
        if !self.viewers.is_empty() {
            self.viewers.retain_mut(|viewer| {
                let view = || View { run, channel, is_past: false, missed: 0, bytes: bytes.to_vec() };
                viewer.process != process || viewer.give(view())
            });
        }
    }
}
