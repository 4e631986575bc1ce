//! Properties of everything that comes over a wire.

use std::io::{self, Read};
use std::net::SocketAddr;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use hyper::{Method, Uri};
use run::client::http::read_answer;
use run::codec::extension::{Answer, LONGEST, Lines, parse_answer, parse_description, write_request};
use run::codec::xmlrpc::{Response, Value, parse_call, parse_response, write_call, write_fault, write_response};
use run::codec::{basic_auth, notify as notifications};
use run::model::Control;
use run::serve::Policy;
use run::serve::guard::{Asked, Entrance, Verdict};

/// XML-RPC: what was read can be written and read again.
pub(crate) fn xmlrpc(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(call) = parse_call(text)
        && !call.params.iter().any(has_nan)
    {
        assert_eq!(parse_call(&write_call(&call.method, &call.params)), Ok(call));
    }
    match parse_response(text) {
        Ok(Response::Value(value)) if !has_nan(&value) => {
            assert_eq!(parse_response(&write_response(&value)), Ok(Response::Value(value)));
        }
        Ok(fault @ Response::Fault { .. }) => {
            let Response::Fault { code, text } = &fault else { unreachable!() };
            assert_eq!(parse_response(&write_fault(*code, text)), Ok(fault));
        }
        Ok(Response::Value(_)) | Err(_) => {}
    }
}

/// NaN equals nothing, itself included.
fn has_nan(value: &Value) -> bool {
    match value {
        Value::Double(number) => number.is_nan(),
        Value::Array(items) => items.iter().any(has_nan),
        Value::Struct(members) => members.iter().any(|(_, value)| has_nan(value)),
        Value::Int(_) | Value::Bool(_) | Value::String(_) | Value::Nil | Value::Base64(_) | Value::DateTime(_) => false,
    }
}

/// Bytes that come a few at a time.
struct Few<'a> {
    bytes: &'a [u8],
    at_a_time: usize,
}

impl Read for Few<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.at_a_time.min(buffer.len()).min(self.bytes.len());
        buffer[..count].copy_from_slice(&self.bytes[..count]);
        self.bytes = &self.bytes[count..];
        Ok(count)
    }
}

/// The head and body of an HTTP answer: the same however they are cut.
pub(crate) fn http(data: &[u8]) {
    let read = |at_a_time| {
        let answer = read_answer(&mut Few { bytes: data, at_a_time });
        answer.map_err(|error| error.to_string())
    };
    let whole = read(usize::MAX);
    assert!(whole.as_ref().is_ok_and(|body| body.len() <= data.len()) || whole.is_err());
    for at_a_time in [1, 7] {
        assert_eq!(read(at_a_time), whole);
    }
}

/// Whose call may go on: with a password nobody without it, and no page of another site. The first line is method and target, the
/// others are headers.
pub(crate) fn guard(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let mut first = lines.next().unwrap_or_default().split(|byte| *byte == b' ');
    let Ok(method) = Method::from_bytes(first.next().unwrap_or_default()) else { return };
    let Ok(uri) = Uri::try_from(first.next().unwrap_or_default()) else { return };
    let mut headers = HeaderMap::new();
    for line in lines.take(100) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) =
            (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(line[colon + 1..].trim_ascii()));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let control = Control {
        username: Some("me".to_owned()),
        password: Some("a password that no seed has".to_owned()),
        ..Control::default()
    };
    let tcp = Entrance::Tcp(SocketAddr::from(([127, 0, 0, 1], 9001)));
    let allows = |policy: &Policy, entrance, headers: &HeaderMap| {
        policy.decide(Asked { entrance, method: &method, uri: &uri, headers }).0 == Verdict::Allow
    };
    let (open, locked) = (Policy::default(), Policy::new(&control, None, None));
    for entrance in [Entrance::Unix, tcp] {
        allows(&open, entrance, &headers);
        assert!(!allows(&locked, entrance, &headers), "nobody knows the password");
    }
    headers.insert(ORIGIN, HeaderValue::from_static("http://evil.example"));
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic bWU6eA=="));
    assert!(!allows(&open, tcp, &headers), "a page of another site");
}

/// The `Authorization` header: what is written is read again.
pub(crate) fn basic_auth(data: &[u8]) {
    basic_auth::parse(data);
    basic_auth::parse(&[b"Basic ", data].concat());
    let text = String::from_utf8_lossy(data);
    let (username, password) = text.split_once(':').unwrap_or((&text, ""));
    let login = basic_auth::parse(basic_auth::write(username, password).as_bytes()).expect("what was written is read");
    assert_eq!((login.username, login.password), (username.into(), password.into()));
}

/// What an extension says: the same lines however they are cut, and answers to requests that were written.
pub(crate) fn extension(data: &[u8]) {
    let whole = lines_of(&[data]);
    let at_a_time = usize::from(data.first().copied().unwrap_or_default()) % 16 + 1;
    assert_eq!(lines_of(&data.chunks(at_a_time).collect::<Vec<_>>()), whole);
    for line in whole {
        if let Ok(Answer { id, outcome: Ok(result) }) = parse_answer(&line) {
            drop(parse_description(&result));
            let request = write_request(id, "echo", vec![result]);
            assert_eq!(request.split(|byte| *byte == b'\n').count() - 1, 1);
        }
    }
}

fn lines_of(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
    let (mut lines, mut found) = (Lines::default(), Vec::new());
    for mut chunk in chunks.iter().copied() {
        while let Some(line) = lines.take(&mut chunk) {
            found.push(line.unwrap_or_default());
        }
        assert!(lines.held() <= LONGEST);
    }
    found
}

/// A datagram of `sd_notify`: at most one item a line, and nothing that a terminal would obey.
pub(crate) fn notify(data: &[u8]) {
    let items = notifications::parse(data);
    assert!(items.len() <= data.split(|byte| *byte == b'\n').count());
    for item in items {
        match item {
            notifications::NotifyItem::Status(text) => assert!(!text.chars().any(char::is_control)),
            notifications::NotifyItem::MainPid(pid) => assert!(pid > 0),
            notifications::NotifyItem::Ready | notifications::NotifyItem::Stopping => {}
        }
    }
}
