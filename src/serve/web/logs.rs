//! Kept logs for a browser: lines as JSON, once or as they come, and supervisord's old `tail.html`.
//!
//! Files are read on a thread of their own, never on the project's loop. A follower is a cursor over the kept log: it holds one
//! piece, however slow the client is, and what comes faster than anybody reads is skipped, visibly.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::change::{selected, words};
use super::events::event;
use super::route::{LogQuery, MOST_LINES};
use super::{crowded, endless, faulty, html, json, page};
use crate::api::Fault;
use crate::api::fault::FAILED;
use crate::codec::ansi::{self, Style};
use crate::logs::Channel;
use crate::logs::kept::{KeptLogs, LogLine, Query};
use crate::model::WallTime;
use crate::model::status::SCHEMA;
use crate::serve::body::Answer;
use crate::serve::rpc::Site;
use crate::serve::wire::Peer;

/// The most text of an answer in bytes; the oldest lines go first.
const MOST_TEXT: usize = 4 << 20;

/// The most lines of each output in one piece. More at once is a flood, and a flood is skipped.
const PIECE: usize = 1000;

/// The most bytes of a line that a page shows.
const LONGEST: usize = 8 << 10;

/// After a skip, so many of each go on.
const AFTER_SKIP: usize = 200;

/// How long a follower's thread waits before it looks whether anybody is still there.
const LOOK: Duration = Duration::from_secs(2);

/// Colours pass, everything else that is no text is dropped.
const COLOURED: Style = Style { is_terminal: true, colour: true };

/// One line, as a page has it.
#[derive(Debug, Serialize)]
struct Line {
    process: String,
    /// Milliseconds since 1970.
    at: u64,
    up: u32,
    run: u32,
    /// `stdout` or `stderr`.
    channel: &'static str,
    /// Colour sequences (`ESC [ … m`) are the only controls in it.
    text: String,
}

/// Lines that were asked for.
#[derive(Debug, Serialize)]
struct Lines {
    schema: u32,
    lines: Vec<Line>,
}

/// Lines that came.
#[derive(Debug, Serialize)]
struct Piece {
    /// Whether this is where a stream begins: what was shown before is shown again.
    begin: bool,
    /// Whether lines before these were left out, because they came faster than they can be read.
    skipped: bool,
    lines: Vec<Line>,
}

/// The logs of a project, and which of them are meant.
#[derive(Debug, Clone)]
struct Wanted {
    logs: KeptLogs,
    query: Query,
    /// In lower case.
    contains: String,
}

/// Lines that were kept.
pub(super) async fn page(site: &Arc<Site>, query: LogQuery) -> Response<Answer> {
    let wanted = match wanted(site, query).await {
        Ok(wanted) => wanted,
        Err(fault) => return faulty(&fault),
    };
    match tokio::task::spawn_blocking(move || wanted.read()).await {
        Ok(Ok(lines)) => json(&Lines { schema: SCHEMA, lines }),
        Ok(Err(error)) => faulty(&Fault::new(FAILED, error)),
        Err(error) => faulty(&Fault::new(FAILED, error)),
    }
}

/// Lines that were kept, and those that come after them.
pub(super) async fn stream(site: &Arc<Site>, peer: &Peer, query: LogQuery) -> Response<Answer> {
    let wanted = match wanted(site, query).await {
        Ok(wanted) => wanted,
        Err(fault) => return faulty(&fault),
    };
    let Some(place) = site.web.place(peer) else { return crowded() };
    let (found, pieces) = mpsc::channel(1);
    let reader = thread::Builder::new().name("web-log".to_owned()).spawn(move || {
        // An end for whatever reason is an end: the page comes back and sees.
        let _ = wanted.follow(&found);
    });
    if let Err(error) = reader {
        return faulty(&Fault::new(FAILED, error));
    }
    let (sender, body) = mpsc::channel(1);
    tokio::spawn(relay(Arc::clone(site), peer.clone(), pieces, sender, place));
    endless(peer, Answer::Pieces(body))
}

/// Hands on what the thread reads; ends with the client or with the project, and the thread with it.
async fn relay(
    site: Arc<Site>,
    peer: Peer,
    mut pieces: mpsc::Receiver<Bytes>,
    out: mpsc::Sender<Bytes>,
    _place: OwnedSemaphorePermit,
) {
    let mut handle = site.door.handle().clone();
    let ended = async { while handle.changed().await.is_ok() {} };
    let handed_on = async {
        while let Some(piece) = pieces.recv().await {
            if out.send(piece).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = peer.leaves() => {}
        () = out.closed() => {}
        () = ended => {}
        () = handed_on => {}
    }
}

/// The end of a process's log as a page.
pub(super) async fn tail(site: &Arc<Site>, name: &str, limit: usize) -> Response<Answer> {
    let names = vec![name.to_owned()];
    let chosen = selected(&site.door, words(&names)).await;
    let Some(process) = chosen.ok().and_then(|chosen| chosen.into_iter().next()) else {
        let mut response = html(page::tail(name, limit, &format!("no program `{name}`")));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let query = LogQuery { names, last: MOST_LINES, since: None, run: None, contains: String::new() };
    let wanted = Wanted::new(directory(site), vec![process.name.clone()], &query);
    let read = tokio::task::spawn_blocking(move || wanted.tail(limit)).await;
    let text = read.ok().and_then(Result::ok).unwrap_or_default();
    html(page::tail(&process.name, limit, &text))
}

async fn wanted(site: &Site, query: LogQuery) -> Result<Wanted, Fault> {
    let names = if query.names.is_empty() { Vec::new() } else { selected(&site.door, words(&query.names)).await? };
    let names = names.into_iter().map(|process| process.name).collect();
    Ok(Wanted::new(directory(site), names, &query))
}

/// Where logs are kept; nowhere at all reads as nothing.
fn directory(site: &Site) -> PathBuf {
    let state = site.door.handle().facts().state_directory.clone();
    state.map_or_else(|| PathBuf::from("/nonexistent"), |state| state.join("logs"))
}

impl Wanted {
    fn new(directory: PathBuf, processes: Vec<String>, query: &LogQuery) -> Self {
        let (last, since) = (Some(query.last), query.since.map(WallTime));
        Self {
            logs: KeptLogs::open(directory),
            query: Query { processes, last, since, run: query.run },
            contains: query.contains.to_lowercase(),
        }
    }

    fn has(&self, line: &LogLine) -> bool {
        self.contains.is_empty() || ansi::to_text(&line.bytes).to_lowercase().contains(&self.contains)
    }

    /// The newest lines, oldest first. A search goes through everything that is kept.
    fn read(&self) -> io::Result<Vec<Line>> {
        let most = self.query.last.unwrap_or(usize::MAX);
        let is_search = !self.contains.is_empty();
        let query = if is_search { Query { last: None, ..self.query.clone() } } else { self.query.clone() };
        let mut newest = VecDeque::new();
        let mut text = 0;
        for line in self.logs.lines(query)?.filter(|line| self.has(line)) {
            text += line.bytes.len();
            newest.push_back(line);
            while text > MOST_TEXT || (is_search && newest.len() > most) {
                text -= newest.pop_front().map_or(text, |oldest: LogLine| oldest.bytes.len());
            }
        }
        Ok(newest.iter().map(shown).collect())
    }

    /// The last so many bytes of what a process wrote to its stdout, controls made visible.
    fn tail(&self, limit: usize) -> io::Result<String> {
        let lines = self.logs.lines(self.query.clone())?.filter(|line| line.channel == Channel::Stdout);
        let mut text = lines.fold(String::new(), |text, line| text + &ansi::to_text(&line.bytes) + "\n");
        let from = text.len().saturating_sub(limit);
        let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        Ok(text.split_off(from))
    }

    /// Sends pieces until nobody takes them any more.
    fn follow(self, out: &mpsc::Sender<Bytes>) -> io::Result<()> {
        let mut lines = self.logs.lines(self.query.clone())?;
        let first: Vec<Line> = lines.by_ref().filter(|line| self.has(line)).map(|line| shown(&line)).collect();
        let mut follow = lines.follow();
        let mut piece = Piece { begin: true, skipped: false, lines: first };
        loop {
            if out.blocking_send(event("lines", &piece).into()).is_err() {
                return Ok(());
            }
            let lines = loop {
                let lines = follow.wait_for(LOOK, PIECE);
                if out.is_closed() {
                    return Ok(());
                }
                if lines.iter().any(|line| self.has(line)) {
                    break lines;
                }
            };
            let is_flood = lines.len() >= PIECE;
            let mut newest = lines;
            if is_flood {
                let query = Query { last: Some(AFTER_SKIP), ..self.query.clone() };
                let mut lines = self.logs.lines(query)?;
                newest = lines.by_ref().collect();
                follow = lines.follow();
            }
            let lines = newest.iter().filter(|line| self.has(line)).map(shown).collect();
            piece = Piece { begin: false, skipped: is_flood, lines };
        }
    }
}

fn shown(line: &LogLine) -> Line {
    let (bytes, is_cut) = match line.bytes.get(..LONGEST) {
        Some(beginning) if line.bytes.len() > LONGEST => (beginning, true),
        _ => (&line.bytes[..], false),
    };
    let mut text = Vec::with_capacity(bytes.len());
    ansi::render(bytes, COLOURED, &mut text);
    if is_cut {
        text.extend_from_slice(" …".as_bytes());
    }
    Line {
        process: line.process.to_string(),
        at: line.at.0,
        up: line.up,
        run: line.run,
        channel: match line.channel {
            Channel::Stdout => "stdout",
            Channel::Stderr => "stderr",
        },
        text: String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}
