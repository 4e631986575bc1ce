//! `GET /attach/NAME` with `Upgrade: run-attach`: a process's output as it comes, and what is typed for it, on one connection.
//!
//! For the owner over a UNIX socket alone: who types into a shell may do everything. Output reaches us as a view, which nobody waits
//! for; a client that does not read holds up itself.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::time::sleep;

use super::body::Answer;
use super::guard::Refusal;
use super::rpc::{Site, read_away, refused};
use super::wire::Peer;
use crate::codec::attach::{Decoder, Frame, PATH, PROTOCOL, State};
use crate::codec::percent;
use crate::logs::{Channel, Hub, View, Views};
use crate::model::ProcessId;
use crate::model::supervisord::Role;
use crate::runtime::handle::{ConsoleKind, Handle, Unwritten};
use crate::supervisor::snapshot::{ProcessInfo, Snapshot};

/// How long a stdin that has no room is left alone. Nobody tells when there is room again, and 64 MiB are kept before it comes to this.
const NO_ROOM: Duration = Duration::from_millis(50);

/// Whether an address is one of these.
pub(super) fn is_ours(uri: &Uri) -> bool {
    uri.path().starts_with(PATH)
}

/// Attaches whoever asks, or says why not.
pub(super) async fn respond(mut request: Request<Incoming>, site: &Arc<Site>, peer: &Peer) -> Response<Answer> {
    let handle = site.door.handle();
    let (process, hub) = match admit(&request, handle, peer) {
        Ok(found) => found,
        Err((status, why)) => {
            read_away(request.into_body()).await;
            return refusal(status, &why);
        }
    };
    let Some(place) = site.web.place(peer) else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "too many clients are attached already");
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let talk = Talk { handle: handle.clone(), process, viewer: handle.viewer() };
    peer.attaches();
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            talk.hold(upgraded, &hub).await;
        }
        drop(place);
    });
    let mut response = Response::new(Answer::from(""));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static(PROTOCOL));
    response
}

fn refusal(status: StatusCode, why: &str) -> Response<Answer> {
    refused(Refusal { status, headers: Vec::new(), body: format!("{why}\n") })
}

/// The process that is meant, if whoever asks may have it.
fn admit<B>(request: &Request<B>, handle: &Handle, peer: &Peer) -> Result<(ProcessId, Hub), (StatusCode, String)> {
    let refuse = |status, why: &str| Err((status, why.to_owned()));
    if !peer.is_owner() {
        return refuse(StatusCode::FORBIDDEN, "only the project's owner attaches, over the UNIX socket");
    }
    if request.method() != Method::GET {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "attaching is a GET");
    }
    if request.headers().get(UPGRADE).is_none_or(|protocol| protocol != PROTOCOL) {
        return refuse(StatusCode::UPGRADE_REQUIRED, "attaching needs `Upgrade: run-attach`");
    }
    let name = percent::name(&request.uri().path()[PATH.len()..]).unwrap_or_default();
    let snapshot = handle.snapshot();
    let Some(info) = snapshot.processes.iter().find(|info| info.name.to_string() == name) else {
        return refuse(StatusCode::NOT_FOUND, "there is no such process");
    };
    match role(&snapshot, info) {
        Some(Role::Listener(_) | Role::Extension(_)) => {
            refuse(StatusCode::CONFLICT, "it speaks a protocol on its stdin and stdout")
        }
        Some(Role::Plain | Role::Fcgi(_)) | None => match &handle.logs().hub {
            Some(hub) => Ok((info.id, hub.clone())),
            None => refuse(StatusCode::CONFLICT, "its output is not read"),
        },
    }
}

fn role<'a>(snapshot: &'a Snapshot, info: &ProcessInfo) -> Option<&'a Role> {
    let program = snapshot.project.programs.iter().find(|program| program.name == info.program);
    program.map(|program| &program.extras.role)
}

/// One attached client.
struct Talk {
    handle: Handle,
    process: ProcessId,
    viewer: u64,
}

impl Talk {
    /// Goes on until the client leaves, or the project or the process is gone.
    async fn hold(self, upgraded: Upgraded, hub: &Hub) {
        let (reader, mut writer) = tokio::io::split(TokioIo::new(upgraded));
        let views = Views::open(hub, self.process);
        tokio::select! {
            () = self.listen(reader) => {}
            () = self.tell(&mut writer, views) => {}
        }
        // A driver that is gone has no terminals any more; a client that is gone reads no end.
        let _ = self.handle.show_on(self.process, self.viewer, None, false);
        let _ = writer.shutdown().await;
    }

    /// Takes in what the client says.
    async fn listen(&self, mut reader: ReadHalf<TokioIo<Upgraded>>) {
        let (mut decoder, mut buffer) = (Decoder::default(), vec![0; 16 << 10]);
        while let Ok(length @ 1..) = reader.read(&mut buffer).await {
            decoder.feed(&buffer[..length]);
            loop {
                let Ok(frame) = decoder.next_frame() else { return };
                let Some(frame) = frame else { break };
                if self.take(frame).await.is_none() {
                    return;
                }
            }
        }
    }

    /// Does what the client wants; `None` when that cannot be.
    async fn take(&self, frame: Frame) -> Option<()> {
        match frame {
            Frame::Input(bytes) => self.type_in(bytes).await,
            Frame::End => self.handle.end_stdin(self.process).ok(),
            Frame::Size { size, redraw } => self.handle.show_on(self.process, self.viewer, Some(size), redraw).ok(),
            Frame::State(_) | Frame::Output { .. } | Frame::Missed(_) => None,
        }
    }

    /// What a process that does not run is sent is lost: the client knows that it does not run.
    async fn type_in(&self, mut bytes: Vec<u8>) -> Option<()> {
        loop {
            match self.handle.type_in(self.process, bytes).await.ok()? {
                Ok(()) | Err((Unwritten::Closed, _)) => return Some(()),
                Err((Unwritten::Full, back)) => bytes = back,
            }
            sleep(NO_ROOM).await;
        }
    }

    /// Tells the client what happens. Output comes before the end of who wrote it, and the beginning of a run before its output.
    async fn tell(&self, writer: &mut WriteHalf<TokioIo<Upgraded>>, mut views: Views) {
        let (mut handle, mut told) = (self.handle.clone(), State::default());
        if self.tell_state(writer, &mut told).await.is_none() {
            return;
        }
        loop {
            // Nothing is lost when either is given up for the other.
            let view = tokio::select! {
                biased;
                view = views.next() => view,
                changed = handle.changed() => match changed {
                    Ok(_) => None,
                    Err(_) => return,
                },
            };
            let is_news = view.as_ref().is_none_or(|view| view.run > told.run);
            if is_news && self.tell_state(writer, &mut told).await.is_none() {
                return;
            }
            if let Some(view) = view
                && write(writer, view).await.is_err()
            {
                return;
            }
        }
    }

    /// Tells how the process is, when that has changed; `None` when there is nobody or nothing to tell of.
    async fn tell_state(&self, writer: &mut WriteHalf<TokioIo<Upgraded>>, told: &mut State) -> Option<()> {
        let state = self.state(told).await?;
        if *told != state {
            writer.write_all(&Frame::State(state.clone()).encode()).await.ok()?;
            *told = state;
        }
        Some(())
    }

    /// How the process is; `None` once there is no such process, or no project. What stays the same for a run is asked once: the driver's
    /// answer makes another view, and who asks with each view would never come to rest.
    async fn state(&self, told: &State) -> Option<State> {
        let snapshot = self.handle.snapshot();
        let info = snapshot.get(self.process)?;
        let (is_terminal, takes_input) = if (info.pid, info.runs) == (told.pid, told.run) {
            (told.is_terminal, told.takes_input)
        } else {
            let kind = self.handle.console_kind(self.process).await.ok()?;
            (kind == ConsoleKind::Terminal, kind != ConsoleKind::None)
        };
        Some(State {
            word: info.word.to_string(),
            pid: info.pid,
            run: info.runs,
            is_terminal,
            takes_input,
            last_exit: info.last_exit.map(|exit| exit.to_string()).unwrap_or_default(),
        })
    }
}

async fn write(writer: &mut WriteHalf<TokioIo<Upgraded>>, view: View) -> std::io::Result<()> {
    let View { channel, is_past, missed, bytes, .. } = view;
    if missed > 0 {
        writer.write_all(&Frame::Missed(missed).encode()).await?;
    }
    writer.write_all(&Frame::Output { is_stderr: channel == Channel::Stderr, is_past, bytes }.encode()).await
}
