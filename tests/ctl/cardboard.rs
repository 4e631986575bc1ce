//! A server that expects certain requests in a certain order and has its answers ready.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use run::codec::xmlrpc::{Value, parse_call};

use crate::scenario::Request;

/// What is still expected, and what came that was not.
#[derive(Debug, Default)]
struct Script {
    posts: VecDeque<Request>,
    /// Logs that are followed are asked for in no fixed order.
    gets: Vec<Request>,
    surprises: Vec<String>,
}

/// The server. Its threads end with the process.
pub(crate) struct Cardboard {
    script: Arc<Mutex<Script>>,
}

impl Cardboard {
    fn new(requests: &[Request]) -> Self {
        let (gets, posts): (Vec<_>, Vec<_>) = requests.iter().cloned().partition(|request| request.method == "GET");
        let script = Script { posts: posts.into(), gets, surprises: Vec::new() };
        Self { script: Arc::new(Mutex::new(script)) }
    }

    /// Listens in the file system.
    pub(crate) fn unix(path: &Path, requests: &[Request]) -> Self {
        let server = Self::new(requests);
        let listener = UnixListener::bind(path).unwrap();
        let script = Arc::clone(&server.script);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let script = Arc::clone(&script);
                thread::spawn(move || serve(&stream.try_clone().unwrap(), &stream, &script));
            }
        });
        server
    }

    /// Listens on a port; its URL comes with it.
    pub(crate) fn tcp(requests: &[Request]) -> (Self, String) {
        let server = Self::new(requests);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::clone(&server.script);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let script = Arc::clone(&script);
                thread::spawn(move || serve(&stream.try_clone().unwrap(), &stream, &script));
            }
        });
        (server, url)
    }

    /// Insists that exactly what was expected has come.
    #[track_caller]
    pub(crate) fn expect_done(&self, what: &str) {
        let script = self.script.lock().unwrap();
        assert!(script.surprises.is_empty(), "{what}: {:#?}", script.surprises);
        assert!(script.posts.is_empty() && script.gets.is_empty(), "{what}: not asked for: {script:#?}");
    }
}

fn serve(reader: impl Read, mut writer: impl Write, script: &Mutex<Script>) -> Option<()> {
    let mut reader = BufReader::new(reader);
    loop {
        let (line, headers) = head(&mut reader)?;
        let header = |name: &str| {
            let found = headers.iter().find_map(|header| header.strip_prefix(name)?.strip_prefix(": "));
            found.map(str::to_owned)
        };
        let length = header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8(body).unwrap();
        let request = script.lock().unwrap().expect(&line, header("authorization").as_deref(), &body);
        let Some(request) = request else {
            writer.write_all(b"HTTP/1.1 418 Unexpected\r\nContent-Length: 0\r\n\r\n").ok()?;
            continue;
        };
        if let Some(stream) = request.stream {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            write!(writer, "{head}{:x}\r\n{stream}\r\n", stream.len()).ok()?;
            // It has no end: the client leaves.
            reader.read_exact(&mut [0]).ok()?;
            return None;
        }
        let (status, body) = (request.status, request.body);
        write!(writer, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).ok()?;
    }
}

/// The first line and the headers, their names in lower case.
fn head(reader: &mut impl BufRead) -> Option<(String, Vec<String>)> {
    let mut lines = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let first = lines.next()?;
    let lower = |line: String| {
        let (name, value) = line.split_once(':').unwrap();
        format!("{}: {}", name.to_lowercase(), value.trim())
    };
    Some((first, lines.map(lower).collect()))
}

impl Script {
    fn expect(&mut self, line: &str, authorization: Option<&str>, body: &str) -> Option<Request> {
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let expected = if method == "GET" {
            self.gets.iter().position(|get| get.path == path).map(|at| self.gets.remove(at))
        } else {
            self.posts.pop_front()
        };
        let expected_call = expected.as_ref().and_then(|request| request.call.clone());
        let call = (method == "POST").then(|| parse_call(body).unwrap()).map(|call| {
            let params: Vec<serde_json::Value> = call.params.into_iter().map(Value::into).collect();
            (call.method, params)
        });
        let expected_path = expected.as_ref().map(|request| request.path.as_str());
        let expected_authorization = expected.as_ref().and_then(|request| request.authorization.clone());
        if call != expected_call || expected_path != Some(path) || authorization != expected_authorization.as_deref() {
            self.surprises.push(format!("{line} {call:?} {authorization:?} instead of {expected:?}"));
            return None;
        }
        expected
    }
}
