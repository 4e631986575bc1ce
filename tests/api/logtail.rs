//! `/logtail` and `/mainlogtail` over a socket: statuses, headers, the first bytes, and what follows; and reading over XML-RPC.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use run::client::Client;
use run::logs::{LogDesk, LogPlaces};
use run::model::{LogFile, Project};
use run::runtime::clock::Clock;
use run::runtime::handle::Handle;
use run::supervisor::snapshot::Snapshot;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use crate::sample;
use crate::server::{LONG, Server};

/// The sample project with real log files, served.
struct Served {
    directory: TempDir,
    server: Server,
}

impl Served {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let handle = handle(directory.path());
        let server = Server::start(&directory.path().join("sock"), handle, None, std::future::ready(()));
        Self { directory, server }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn append(&self, name: &str, text: &[u8]) {
        File::options().append(true).create(true).open(self.path(name)).unwrap().write_all(text).unwrap();
    }

    fn ask(&self, request: &str) -> UnixStream {
        let mut stream = UnixStream::connect(self.path("sock")).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn get(&self, path: &str) -> UnixStream {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
    }

    /// The status line's number.
    fn status(&self, request: &str) -> String {
        let mut answer = String::new();
        let _ = self.ask(request).read_to_string(&mut answer);
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

/// db writes to `db.log` and, with an escaped name, nobody else has a file.
fn handle(directory: &Path) -> Handle {
    let snapshot = sample::snapshot();
    let mut project = Project::clone(&snapshot.project);
    project.programs[0].stdout_logfile = Some(LogFile { path: directory.join("db.log"), maxbytes: 0, backups: 0 });
    project.programs[0].stderr_logfile = Some(LogFile { path: directory.join("nope.log"), maxbytes: 0, backups: 0 });
    let (_, view) = watch::channel(Snapshot { project: Arc::new(project), ..snapshot });
    let (sender, _) = mpsc::unbounded_channel();
    let main_log = Some(directory.join("main.log"));
    let desk = LogDesk { places: LogPlaces::new(Some(directory.join("kept")), None), main_log, hub: None };
    Handle::new(sender, view, Arc::new(sample::facts()), Clock::frozen(sample::now())).with_logs(desk)
}

/// Reads until a text has come.
#[track_caller]
fn read_until(stream: &mut UnixStream, end: &str) -> String {
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).ends_with(end) {
        let mut byte = [0];
        let length = stream.read(&mut byte).unwrap_or(0);
        assert_eq!(length, 1, "it ended: {:?}", String::from_utf8_lossy(&all));
        all.extend_from_slice(&byte);
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn the_last_1024_bytes_come_first_and_then_what_is_written() {
    let served = Served::new();
    served.append("db.log", &[b"x".repeat(2000), b"last line\n".to_vec()].concat());
    let mut stream = served.get("/logtail/db");
    let head = read_until(&mut stream, "\r\n\r\n");
    for line in [
        "HTTP/1.1 200 OK",
        "Content-Type: text/plain;charset=utf-8",
        "Transfer-Encoding: chunked",
        "X-Accel-Buffering: no",
    ] {
        assert!(head.contains(&format!("{line}\r\n")), "{line} in {head}");
    }
    assert!(head.contains("Last-Modified: ") && head.contains(" GMT\r\n"), "{head}");
    assert_eq!(read_until(&mut stream, "last line\n\r\n").len(), "400\r\n".len() + 1024 + 2);
    served.append("db.log", "caf\u{e9}\n".as_bytes());
    assert_eq!(read_until(&mut stream, "\n\r\n"), "6\r\ncaf\u{e9}\n\r\n");
    File::options().write(true).open(served.path("db.log")).unwrap().set_len(0).unwrap();
    assert_eq!(read_until(&mut stream, "\n\r\n"), "17\r\n==> File truncated <==\n\r\n");
}

#[test]
fn the_main_log_is_followed_and_has_no_header_for_nginx() {
    let served = Served::new();
    assert_eq!(served.status("GET /mainlogtail HTTP/1.1\r\nHost: x\r\n\r\n"), "404");
    served.append("main.log", b"started\n");
    let mut stream = served.get("/mainlogtail");
    let head = read_until(&mut stream, "\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK") && !head.contains("Accel"), "{head}");
    assert_eq!(read_until(&mut stream, "\n\r\n"), "8\r\nstarted\n\r\n");
}

#[test]
fn what_cannot_be_followed_has_supervisords_status() {
    let served = Served::new();
    served.append("db.log", b"text\n");
    for (request, status) in [
        ("GET /logtail/nope HTTP/1.1", "404"),
        ("GET /logtail/db/stderr HTTP/1.1", "404"),
        ("GET /logtail/db/stdlog HTTP/1.1", "404"),
        ("GET /logtail/worker:* HTTP/1.1", "404"),
        ("GET /logtail/worker:worker_0 HTTP/1.1", "404"),
        ("GET /logtail HTTP/1.1", "404"),
        ("POST /logtail/db HTTP/1.1", "400"),
        ("HEAD /mainlogtail HTTP/1.1", "400"),
    ] {
        assert_eq!(served.status(&format!("{request}\r\nHost: x\r\n\r\n")), status, "{request}");
    }
    let mut stream = served.get("/logtail/%64b/stdout?limit=1");
    assert!(read_until(&mut stream, "text\n\r\n").starts_with("HTTP/1.1 200"));
}

/// supervisorctl ends its request with one blank line too many, and asyncore takes a broken pipe for a failed connection.
#[test]
fn who_sends_more_than_a_request_still_gets_its_refusal() {
    let served = Served::new();
    let mut stream = served.get("/logtail/nope");
    read_until(&mut stream, "404 Not Found\n");
    stream.write_all(b"\r\n").unwrap();
}

#[test]
fn readers_that_do_not_read_hold_up_neither_calls_nor_the_end() {
    let mut served = Served::new();
    served.append("db.log", b"");
    let streams: Vec<_> = (0..20).map(|_| served.get("/logtail/db")).collect();
    for _ in 0..64 {
        served.append("db.log", &b"y".repeat(100_000));
    }
    let mut client = Client::connect(&served.path("sock")).unwrap();
    client.set_timeout(Some(LONG)).unwrap();
    let pid = client.call("supervisor.getPID", &[]).unwrap();
    assert_eq!(pid.as_int(), Some(i64::from(sample::facts().pid)));
    let begin = Instant::now();
    served.server.end();
    assert!(begin.elapsed() < LONG);
    drop(streams);
}

#[test]
fn the_end_of_the_server_ends_a_quiet_tail_at_once() {
    let mut served = Served::new();
    served.append("db.log", b"text\n");
    let mut stream = served.get("/logtail/db");
    read_until(&mut stream, "text\n\r\n");
    served.server.end();
    assert_eq!(read_until(&mut stream, "0\r\n\r\n"), "0\r\n\r\n");
}

#[test]
fn parts_of_logs_are_read_without_holding_up_the_loop() {
    let served = Served::new();
    served.append("db.log", b"0123456789 \xff caf\xc3");
    let mut client = Client::connect(&served.path("sock")).unwrap();
    client.set_timeout(Some(LONG)).unwrap();
    let mut read = |method: &str, arguments: &[run::codec::xmlrpc::Value]| {
        client.call(method, arguments).map_err(|error| error.to_string())
    };
    let text = read("supervisor.readProcessStdoutLog", &["db".into(), 8.into(), 0.into()]);
    assert_eq!(text, Ok("89 \u{fffd} caf\u{fffd}".into()));
    let tail = read("supervisor.tailProcessStdoutLog", &["db".into(), 0.into(), 4.into()]).unwrap();
    assert_eq!(tail, vec!["caf\u{fffd}".into(), 17.into(), true.into()].into());
    let refused = read("supervisor.readProcessStderrLog", &["db".into(), 0.into(), 0.into()]).unwrap_err();
    assert!(refused.contains("NO_FILE") && refused.contains("nope.log"), "{refused}");
    assert!(read("supervisor.clearLog", &[]).unwrap_err().contains("NO_FILE"));
    fs::create_dir(served.path("main.log")).unwrap();
    assert!(read("supervisor.readLog", &[0.into(), 0.into()]).unwrap_err().contains("FAILED"));
}
