//! A listener for one browser: opened on loopback for as long as somebody on the UNIX socket asks for it.
//!
//! Every user of the machine can reach loopback, so it shows nothing without a session, and a session begins once, with a key that only
//! its owner was told.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde::Serialize;
use tokio::sync::mpsc;

use super::{DATA_POLICY, JSON, OneTimeKey, Visit, Web, dressed, text, typed};
use crate::model::{ListenAddress, Project};
use crate::serve::attempts::Attempts;
use crate::serve::body::Answer;
use crate::serve::guard::{Entrance, Policy};
use crate::serve::listen::{Listener, serve_site};
use crate::serve::rpc::Site;
use crate::serve::session::{Sessions, chance, hex};
use crate::serve::wire::Peer;

/// Where the page is.
#[derive(Debug, Serialize)]
struct Opened {
    /// What a browser is given.
    url: String,
    /// Whether it is there only as long as this answer is read.
    held: bool,
}

/// Tells where the page is, and opens a listener if there is none.
pub(super) fn open(visit: Visit<'_>) -> Response<Answer> {
    if visit.entrance != Entrance::Unix {
        return text(StatusCode::FORBIDDEN, "a listener is opened over the UNIX socket");
    }
    let standing = visit.site.door.look(|view| standing(view.project).map(|address| url(&address)));
    if let Some(url) = standing {
        return dressed(typed(JSON, line(&Opened { url, held: false })), DATA_POLICY);
    }
    let Ok((listener, site, url)) = listener(visit.site) else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "no port of loopback is free");
    };
    let (pieces, body) = mpsc::channel(1);
    let first = pieces.try_send(line(&Opened { url, held: true }));
    debug_assert!(first.is_ok(), "a fresh channel has room for one");
    tokio::spawn(serve_site(listener, site, closed(Arc::clone(visit.site), visit.peer.clone(), pieces)));
    visit.peer.follows();
    let mut response = typed(JSON, Bytes::new());
    *response.body_mut() = Answer::Pieces(body);
    dressed(response, DATA_POLICY)
}

/// Ready when whoever asked has gone, or the project.
async fn closed(site: Arc<Site>, peer: Peer, pieces: mpsc::Sender<Bytes>) {
    let mut handle = site.door.handle().clone();
    tokio::select! {
        () = peer.leaves() => {}
        () = pieces.closed() => {}
        () = async { while handle.changed().await.is_ok() {} } => {}
    }
}

fn listener(site: &Site) -> std::io::Result<(Listener, Site, String)> {
    let (listener, at) = Listener::bind_loopback()?;
    let key = hex(&chance::<24>()?);
    let site = Site {
        door: site.door.again(),
        policy: Policy::for_sessions(Sessions::by_chance()?),
        attempts: Attempts::new(),
        web: Web::new(Some(OneTimeKey::new(&key))),
    };
    // Behind `#` it is never sent, so it stands in no log: the page's script hands it in.
    Ok((listener, site, format!("http://{at}/#key={key}")))
}

/// The TCP address that the config has: of `[control]`, or the first of a supervisord.conf.
fn standing(project: &Project) -> Option<ListenAddress> {
    let own = project.control.tcp.as_deref().and_then(|tcp| ListenAddress::parse(tcp).ok());
    own.or_else(|| {
        let server = project.supervisord.as_ref()?.inet_servers.first()?;
        let host = if server.host.is_empty() { "*" } else { &server.host };
        Some(ListenAddress { host: host.to_owned(), port: server.port })
    })
}

/// Where a browser of this machine finds it; one for all addresses is reached on loopback.
fn url(address: &ListenAddress) -> String {
    if address.is_wildcard() { format!("http://127.0.0.1:{}/", address.port) } else { format!("http://{address}/") }
}

fn line(opened: &Opened) -> Bytes {
    let text = serde_json::to_string(opened).expect("our answers have string keys and no failing serializer");
    (text + "\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_listener_is_where_a_browser_of_this_machine_finds_it() {
        for (tcp, expected) in [
            ("127.0.0.1:9001", "http://127.0.0.1:9001/"),
            ("[::1]:9001", "http://[::1]:9001/"),
            ("*:9001", "http://127.0.0.1:9001/"),
            ("my-host:9001", "http://my-host:9001/"),
        ] {
            let mut project = Project::new("/src/shop", Vec::new());
            assert_eq!(standing(&project), None);
            project.control.tcp = Some(tcp.to_owned());
            assert_eq!(url(&standing(&project).unwrap()), expected);
        }
    }
}
