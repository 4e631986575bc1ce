//! `[control]`: both doors of a running project, knocked at with raw sockets and with Python's own client.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use run::codec::basic_auth;

use crate::calls::socket;
use crate::common::{PATIENCE, TestProject, free_port, has_tool};

const GET_PID: &str = "<methodCall><methodName>supervisor.getPID</methodName></methodCall>";

/// A program that is ready at once and writes down its pid and what it is told of the supervisor.
const WEB: &str = "[program.web]\ncommand = \"echo $SUPERVISOR_SERVER_URL > url; echo on; exec sleep 1000\"\nready = { log = \"on\" }\n";

const LOCK: &str = "username = \"me\"\npassword = \"s3cret-pass\"\n";

/// `printf s3cret-pass | sha1sum`.
const DIGEST_LOCK: &str = "username = \"me\"\npassword = \"{SHA}2f7744bfc803b41fa35ed793f3f85fe1f49f8b2e\"\n";

/// A project with a TCP door on this host, if this machine has that, and its port.
fn with_tcp(host: &str, lock: &str) -> Option<(TestProject, u16)> {
    let port = free_port();
    TcpListener::bind((host.trim_matches(['[', ']']), port)).ok()?;
    let text = format!("{WEB}[control]\ntcp = \"{host}:{port}\"\n{lock}");
    Some((TestProject::toml(&text), port))
}

fn loopback(lock: &str) -> (TestProject, u16) {
    with_tcp("127.0.0.1", lock).unwrap()
}

/// Says something and reads the answer to its end.
fn converse(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

fn over_tcp(port: u16, request: &str) -> String {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    converse(stream, request)
}

fn over_unix(project: &TestProject, request: &str) -> String {
    let stream = UnixStream::connect(socket(project)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    converse(stream, request)
}

/// A call as stock clients send it, with these headers besides.
fn call(host: &str, headers: &str) -> String {
    let length = GET_PID.len();
    format!(
        "POST /RPC2 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{GET_PID}"
    )
}

const XML: &str = "Content-Type: text/xml\r\n";

fn login(password: &str) -> String {
    format!("{XML}Authorization: {}\r\n", basic_auth::write("me", password))
}

#[track_caller]
fn expect_status(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "not {status}: {answer}");
}

#[test]
fn other_pages_and_rebound_names_are_turned_away_and_stock_clients_are_not() {
    let (project, port) = loopback("");
    let up = project.up();
    up.wait_for_banner();
    let here = format!("127.0.0.1:{port}");
    let answer = over_tcp(port, &call(&here, XML));
    expect_status(&answer, 200);
    assert!(answer.contains(&format!("<int>{}</int>", up.pid())), "{answer}");
    for (status, host, headers) in [
        (421, "evil.example", XML.to_owned()),
        (421, &format!("evil.example:{port}"), XML.to_owned()),
        (403, &here, format!("{XML}Origin: http://evil.example\r\n")),
        (403, &here, format!("{XML}Origin: http://localhost:3000\r\nSec-Fetch-Site: same-site\r\n")),
        (403, &here, format!("{XML}Sec-Fetch-Site: cross-site\r\n")),
        (415, &here, "Content-Type: text/plain\r\n".to_owned()),
        (415, &here, String::new()),
        (200, &here, format!("{XML}Origin: http://{here}\r\nSec-Fetch-Site: same-origin\r\n")),
        (200, &format!("localhost:{port}"), XML.to_owned()),
    ] {
        expect_status(&over_tcp(port, &call(host, &headers)), status);
    }
    expect_status(&over_unix(&project, &call("evil.example", "Content-Type: text/plain\r\n")), 200);
    up.interrupt().expect_code(0);
}

/// Each closes its own connection, as `curl` and most scripts do; more of them than there are places.
#[test]
fn one_client_after_the_other_is_answered_however_many_come() {
    let (project, port) = loopback("");
    let up = project.up();
    up.wait_for_banner();
    let length = GET_PID.len();
    let head = format!("POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n{XML}Content-Length: {length}\r\n\r\n");
    for _ in 0..300 {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(format!("{head}{GET_PID}").as_bytes()).unwrap();
        let (mut answer, mut some) = (Vec::new(), [0; 4096]);
        // What is left unread would reset the connection.
        while !String::from_utf8_lossy(&answer).contains("</methodResponse>") {
            let count = stream.read(&mut some).unwrap();
            assert_ne!(count, 0, "it closed: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&some[..count]);
        }
    }
    up.interrupt().expect_code(0);
}

#[test]
fn what_cannot_be_framed_is_refused_and_the_connection_closed() {
    let (project, port) = loopback("");
    let up = project.up();
    up.wait_for_banner();
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for head in [
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "Content-Length : 5\r\n\r\nabcde",
        "Content-Length: +5\r\n\r\nabcde",
        "X: a\r\n folded\r\nContent-Length: 5\r\n\r\nabcde",
    ] {
        let request = format!("POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n{XML}{head}{smuggled}");
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let answer = converse(&stream, &request);
        expect_status(&answer, 400);
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    up.interrupt().expect_code(0);
}

#[test]
fn a_password_is_asked_for_on_every_path_of_both_doors_and_our_commands_need_none() {
    for lock in [LOCK, DIGEST_LOCK] {
        let (project, port) = loopback(lock);
        let up = project.up();
        up.wait_for_banner();
        for answer in [
            over_tcp(port, &call("localhost", XML)),
            over_tcp(port, &call("localhost", &login("wrong"))),
            over_tcp(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            over_tcp(port, "GET /logtail/web HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            over_unix(&project, &call("localhost", XML)),
            over_unix(&project, &call("localhost", &login("wrong"))),
        ] {
            expect_status(&answer, 401);
            assert!(answer.contains("Www-Authenticate: Basic realm=\"default\"\r\n"), "{answer}");
        }
        expect_status(&over_tcp(port, &call("localhost", &login("s3cret-pass"))), 200);
        expect_status(&over_unix(&project, &call("localhost", &login("s3cret-pass"))), 200);
        assert_eq!(project.word("web"), "ready");
        project.run(&["restart", "web"]).expect_code(0);
        project.run(&["down"]).expect_code(0);
        up.end().expect_code(0);
    }
}

#[test]
fn the_password_is_nowhere_to_be_seen() {
    let (project, _) = loopback(LOCK);
    let up = project.up();
    up.wait_for_banner();
    let mut seen = String::new();
    for command in [&["status", "--json"][..], &["why", "web", "--json"], &["env", "web", "--reveal"], &["status"]] {
        let done = project.run(command).expect_code(0);
        seen += &(done.stdout + &done.stderr);
    }
    for found in project.survivors() {
        seen += &found.command;
        seen += &String::from_utf8_lossy(&std::fs::read(format!("/proc/{}/environ", found.pid)).unwrap_or_default());
    }
    for path in [project.state(), project.runtime()].iter().flat_map(|path| crate::common::all_files(path)) {
        seen += &String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default());
    }
    let done = up.interrupt().expect_code(0);
    seen += &(done.stdout + &done.stderr);
    assert!(seen.contains("web") && !seen.contains("s3cret-pass"));
}

#[test]
fn guessing_gets_slow_and_locks_nobody_out() {
    let (project, port) = loopback(LOCK);
    let up = project.up();
    up.wait_for_banner();
    let began = std::time::Instant::now();
    for guess in 0..6 {
        expect_status(&over_tcp(port, &call("localhost", &login(&guess.to_string()))), 401);
    }
    // 125, 250 and 500 ms, after three that were free.
    assert!(began.elapsed() >= Duration::from_millis(875), "{:?}", began.elapsed());
    expect_status(&over_tcp(port, &call("localhost", &login("s3cret-pass"))), 200);
    expect_status(&over_unix(&project, &call("localhost", &login("s3cret-pass"))), 200);
    up.interrupt().expect_code(0);
}

#[test]
fn without_a_password_loopback_is_warned_of_and_the_rest_refused() {
    let (project, _) = loopback("");
    project.run(&["check"]).expect_code(0).expect_text("no-password").expect_text("run.toml:5:7");
    let project = TestProject::toml(&format!("{WEB}[control]\ntcp = \"0.0.0.0:9001\"\n"));
    for command in ["up", "check"] {
        project.run(&[command]).expect_code(2).expect_text("open-to-network").expect_text("run.toml:5:7");
    }
    assert!(project.read("url").is_empty(), "something was started");
}

#[test]
fn a_taken_address_names_its_holder_and_starts_nothing() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port();
    let project = TestProject::toml(&format!("{WEB}[control]\ntcp = \"127.0.0.1:{port}\"\n{LOCK}"));
    let holder = format!("(pid {})", std::process::id());
    let done = project.run(&["up"]).expect_code(2);
    for part in [&format!("port {port} ([control] tcp) is taken by"), holder.as_str(), "run.local.toml"] {
        assert!(done.stderr.contains(part), "no `{part}` in\n{}", done.stderr);
    }
    assert!(project.read("url").is_empty(), "something was started");
}

#[test]
fn an_address_that_another_project_has_names_that_project() {
    let base = TestProject::empty();
    let port = free_port();
    let text = format!("{WEB}[control]\ntcp = \"127.0.0.1:{port}\"\n{LOCK}");
    base.write("one/run.toml", &text);
    base.write("two/run.toml", &text);
    let up = base.start(&["-C", "one", "up"]);
    up.wait_for_banner();
    let done = base.run(&["-C", "two", "up"]).expect_code(2);
    assert!(done.stderr.contains(&format!("is taken by project one (pid {}), up in ", up.pid())), "{}", done.stderr);
    assert!(base.read("two/url").is_empty(), "something was started");
    base.write("two/run.local.toml", format!("[control]\ntcp = \"127.0.0.1:{}\"\n", free_port()));
    let second = base.start(&["-C", "two", "up"]);
    second.wait_for_banner();
    second.interrupt().expect_code(0);
    up.interrupt().expect_code(0);
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped has to be seen")]
fn an_ipv6_address_is_listened_on() {
    let Some((project, port)) = with_tcp("[::1]", "") else {
        eprintln!("SKIPPED: this machine has no IPv6");
        return;
    };
    let up = project.up();
    up.wait_for_banner();
    for (status, host) in [(200, format!("[::1]:{port}")), (421, "[2001:db8::1]".to_owned())] {
        let stream = TcpStream::connect((Ipv6Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        expect_status(&converse(stream, &call(&host, XML)), status);
    }
    up.interrupt().expect_code(0);
}

#[test]
fn slow_clients_hold_up_neither_a_respawn_nor_the_owner() {
    let (project, port) = loopback("");
    let up = project.up();
    up.wait_for_banner();
    let before = project.pid("web");
    let whole = call("localhost", XML);
    let slow: Vec<TcpStream> = (0..100)
        .map(|number| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            // Some say nothing at all, some begin a head, some a body. Who is one too many is closed while it writes.
            let begun = ["", "POST /RPC2 HTTP/1.1\r\nHost: lo", &whole[..100]][number % 3];
            let _ = stream.write_all(begun.as_bytes());
            stream
        })
        .collect();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(before.cast_signed()), nix::sys::signal::Signal::SIGKILL)
        .unwrap();
    project.wait_until("web runs again", PATIENCE, || ![0, before].contains(&project.pid("web")));
    let is_waiting = |stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        stream.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    };
    assert!(slow.iter().any(is_waiting), "the slow ones were waited for");
    // In the end they are closed, and others come in.
    for mut stream in slow {
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    }
    expect_status(&over_tcp(port, &call("localhost", XML)), 200);
    up.interrupt().expect_code(0);
}

#[test]
fn after_the_end_nobody_listens_and_a_new_start_can() {
    let (project, port) = loopback(LOCK);
    for _ in 0..2 {
        let up = project.up();
        up.wait_for_banner();
        let mut waiting = TcpStream::connect(("127.0.0.1", port)).unwrap();
        up.interrupt().expect_code(0);
        assert_eq!(waiting.read(&mut [0; 1]).unwrap_or(0), 0);
        waiting.shutdown(Shutdown::Both).ok();
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}

/// What Python's own client makes of both doors: the pid, or the status it was refused with.
const PYTHON: &str = r#"
import base64, http.client, socket, sys, xmlrpc.client
port, path = sys.argv[1:]
class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(path)
class Transport(xmlrpc.client.Transport):
    def make_connection(self, host):
        host, self._extra_headers, _ = self.get_host_info(host)
        return Connection("localhost")
def ask(url, transport=None):
    with xmlrpc.client.ServerProxy(url, transport=transport) as server:
        try:
            first = server.supervisor.getPID()
            return [first, server.supervisor.getState()["statename"], server.system.multicall([{"methodName": "supervisor.getPID"}])[0] == first]
        except xmlrpc.client.ProtocolError as error:
            return error.errcode
for login in ["", "me:s3cret-pass@", "me:wrong@"]:
    print(ask(f"http://{login}127.0.0.1:{port}/RPC2"), ask(f"http://{login}localhost/RPC2", Transport()))
"#;

#[test]
fn pythons_client_gets_in_with_the_password_and_not_without() {
    if !has_tool("python3") {
        return;
    }
    for (lock, without, wrong) in [(LOCK, false, false), (DIGEST_LOCK, false, false), ("", true, true)] {
        let (project, port) = loopback(lock);
        let up = project.up();
        up.wait_for_banner();
        let arguments = [port.to_string(), socket(&project).display().to_string()];
        let output = Command::new("python3").arg("-c").arg(PYTHON).args(arguments).output().unwrap();
        let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let right = format!("[{}, 'RUNNING', True]", up.pid());
        let line = |is_right: bool| if is_right { format!("{right} {right}\n") } else { "401 401\n".to_owned() };
        assert_eq!(said, line(without) + &line(true) + &line(wrong), "{errors}");
        up.interrupt().expect_code(0);
    }
}
