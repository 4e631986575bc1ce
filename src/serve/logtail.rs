//! `GET /logtail/NAME[/stdout|/stderr]` and `/mainlogtail`: the last bytes of a log and what is written from now on (supervisor
//! `http.py` `logtail_handler`, `mainlogtail_handler`).

use std::time::SystemTime;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LAST_MODIFIED};
use hyper::{Method, Response, StatusCode, Uri};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

use super::body::Answer;
use super::logs::place;
use super::wire::Peer;
use crate::api::LogOf;
use crate::codec::percent;
use crate::logs::{LogPlace, LogTail};
use crate::model::Channel;
use crate::runtime::handle::Handle;

/// How much of the end is shown at first, in bytes.
const LAST: u64 = 1024;

/// Keeps nginx from holding the pieces back.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What an address means here.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Main,
    /// A process by its namespec, and what is behind it.
    Process(String, String),
}

/// Whether an address is one of these.
pub(super) fn is_ours(uri: &Uri) -> bool {
    ["/logtail", "/mainlogtail"].iter().any(|start| uri.path().starts_with(start))
}

/// Begins to follow a log; else the status that supervisord would give. The answer ends with the server, and when the client goes.
pub(super) async fn respond(
    method: &Method,
    uri: &Uri,
    handle: &Handle,
    peer: Peer,
    is_ending: watch::Receiver<bool>,
) -> Result<Response<Answer>, StatusCode> {
    if method != Method::GET {
        return Err(StatusCode::BAD_REQUEST);
    }
    if peer.is_brief() {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let wanted = wanted(uri.path()).ok_or(StatusCode::NOT_FOUND)?;
    let place = find(handle, &wanted).ok_or(StatusCode::NOT_FOUND)?;
    let tail = LogTail::open(place, LAST).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let tail = tail.ok_or(StatusCode::NOT_FOUND)?;
    let modified = tail.modified();
    let (sender, pieces) = mpsc::channel(1);
    tokio::spawn(follow(tail, sender, peer, is_ending));
    let mut response = Response::new(Answer::Pieces(pieces));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=utf-8"));
    if let Some(date) = http_date(modified) {
        headers.insert(LAST_MODIFIED, date);
    }
    if wanted != Wanted::Main {
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    }
    Ok(response)
}

async fn follow(mut tail: LogTail, sender: mpsc::Sender<Bytes>, peer: Peer, mut is_ending: watch::Receiver<bool>) {
    let pass_on = async {
        while let Ok(piece) = tail.next().await {
            if sender.send(piece.into()).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = pass_on => {}
        () = sender.closed() => {}
        () = peer.gone() => {}
        _ = is_ending.wait_for(|is_ending| *is_ending) => {}
    }
}

/// The first part of a path is looked at by its beginning alone (supervisor `http.py` `match`).
fn wanted(path: &str) -> Option<Wanted> {
    if path.starts_with("/mainlogtail") {
        return Some(Wanted::Main);
    }
    let path = percent::name(path)?;
    let (_, rest) = path.trim_start_matches('/').split_once('/')?;
    let (name, channel) = rest.split_once('/').unwrap_or((rest, "stdout"));
    Some(Wanted::Process(name.to_owned(), channel.to_owned()))
}

fn find(handle: &Handle, wanted: &Wanted) -> Option<LogPlace> {
    let snapshot = handle.snapshot();
    let of = match wanted {
        Wanted::Main => LogOf::Main,
        Wanted::Process(name, channel) => {
            let (group, process) = name.split_once(':').unwrap_or((name, name));
            let mut infos = snapshot.processes.iter();
            let info = infos.find(|info| info.name.group == group && info.name.process == process)?;
            let channel = Channel::BOTH.into_iter().find(|known| known.as_str() == channel)?;
            LogOf::Process(info.id, channel)
        }
    };
    Some(place(handle.logs(), &snapshot, &snapshot.project, of))
}

/// `Sun, 22 Nov 2026 13:00:00 GMT`.
fn http_date(time: SystemTime) -> Option<HeaderValue> {
    let zoned = Timestamp::try_from(time).ok()?.to_zoned(TimeZone::UTC);
    HeaderValue::from_str(&zoned.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_process_and_one_of_its_outputs() {
        let process = |name: &str, channel: &str| Some(Wanted::Process(name.into(), channel.into()));
        for (path, found) in [
            ("/logtail/web", process("web", "stdout")),
            ("/logtail/web/stderr", process("web", "stderr")),
            ("/logtail/web%3Aweb_0/stderr", process("web:web_0", "stderr")),
            ("/logtail/web:web_0", process("web:web_0", "stdout")),
            ("/logtail/gr%C3%BCn", process("grün", "stdout")),
            ("/logtail/100%/x/y", process("100%", "x/y")),
            ("/logtailor/web", process("web", "stdout")),
            ("/logtail", None),
            ("/logtail/%ff", None),
            ("/mainlogtail", Some(Wanted::Main)),
            ("/mainlogtail/whatever", Some(Wanted::Main)),
        ] {
            assert_eq!(wanted(path), found, "{path}");
        }
    }

    #[test]
    fn the_date_is_that_of_http() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_795_352_407);
        assert_eq!(http_date(time).unwrap(), "Sun, 22 Nov 2026 13:00:07 GMT");
    }
}
