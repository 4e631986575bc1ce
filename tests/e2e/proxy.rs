//! Names below `.localhost`: what the proxy carries, and what it says where there is nothing to carry.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use crate::common::{PATIENCE, Running, TestProject, free_port};

/// A project with a web server, and the proxy at this port.
fn shop(name: &str, port: u16) -> String {
    let actor = env!("CARGO_BIN_EXE_actor");
    format!(
        "name = \"{name}\"\n[proxy]\nenable = true\nport = {port}\n\
         [program.web]\ncommand = \"{actor} web\"\nport = \"auto\"\nready = {{ http = \"/\" }}\n"
    )
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// One request on a connection of its own; everything that comes back.
fn ask(port: u16, head: &str, body: &str) -> String {
    let mut stream = connect(port);
    write!(stream, "{head}\r\nConnection: close\r\n\r\n{body}").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(port: u16, host: &str, path: &str) -> String {
    ask(port, &format!("GET {path} HTTP/1.1\r\nHost: {host}"), "")
}

fn status_of(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer}"))
}

/// Reads lines until one ends with this.
fn read_until(reader: &mut impl BufRead, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        assert_ne!(reader.read_line(&mut text).unwrap(), 0, "it closed: {text}");
    }
    text
}

fn up(project: &TestProject) -> Running<'_> {
    let up = project.up();
    up.wait_for_banner();
    up
}

/// Up, and the proxy with it, for which nobody else waits.
fn up_with_proxy(project: &TestProject, port: u16) -> Running<'_> {
    let up = up(project);
    wait_for_proxy(project, port);
    up
}

#[track_caller]
fn wait_for_proxy(project: &TestProject, port: u16) {
    project.wait_until("the proxy listens", PATIENCE, || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
}

#[test]
fn a_request_reaches_the_program_by_its_name_and_tells_who_asked() {
    let port = free_port();
    let project = TestProject::toml(&shop("shop", port));
    let up = up_with_proxy(&project, port);
    up.wait_for(&format!("http://web.shop.localhost:{port}   (127.0.0.1:"));
    let answer = get(port, &format!("web.shop.localhost:{port}"), "/a?b=c");
    assert_eq!(status_of(&answer), 200, "{answer}");
    let lower = answer.to_ascii_lowercase();
    for line in [
        "get /a?b=c http/1.1\r\n",
        &format!("\r\nhost: web.shop.localhost:{port}\r\n"),
        "\r\nx-forwarded-for: 127.0.0.1\r\n",
        "\r\nx-forwarded-proto: http\r\n",
        "\r\nx-mine: yes\r\n",
    ] {
        assert!(lower.contains(line), "no {line} in {answer}");
    }
    project.run(&["status"]).expect_text(&format!("http://web.shop.localhost:{port}"));
    project.run(&["ports"]).expect_text(&format!("http://web.shop.localhost:{port}"));
    let opened = project.run(&["open", "--print", "web"]).expect_code(0).stdout;
    assert_eq!(opened, format!("http://web.shop.localhost:{port}\n"));
    up.interrupt().expect_code(0);
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(), "it ends with the project");
}

#[test]
fn connections_are_kept_bodies_come_in_chunks_and_hanging_up_is_told() {
    let port = free_port();
    let project = TestProject::toml(&shop("shop", port));
    let up = up_with_proxy(&project, port);
    let host = format!("web.shop.localhost:{port}");
    let mut stream = connect(port);
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for number in 0..3 {
        write!(stream, "POST /{number} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        write!(stream, "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n").unwrap();
        let head = read_until(&mut reader, "\r\n\r\n");
        let length = head.to_ascii_lowercase();
        let length = length.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        assert!(body.contains(&format!("POST /{number} ")) && body.ends_with("\r\n\r\nhello world"), "{body}");
    }
    let answer = ask(port, &format!("POST /x HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3"), "abc");
    assert!(answer.ends_with("\r\n\r\nabc"), "{answer}");
    let answer = get(port, &host, "/hang-up");
    assert_eq!(status_of(&answer), 502, "{answer}");
    assert!(answer.contains("web closed the connection without an answer"), "{answer}");
    up.interrupt().expect_code(0);
}

#[test]
fn events_come_as_they_are_sent() {
    let port = free_port();
    let project = TestProject::toml(&shop("shop", port));
    let up = up_with_proxy(&project, port);
    let mut stream = connect(port);
    write!(stream, "GET /events HTTP/1.1\r\nHost: web.shop.localhost:{port}\r\nAccept: text/event-stream\r\n\r\n")
        .unwrap();
    let mut reader = BufReader::new(stream);
    let head = read_until(&mut reader, "\r\n\r\n");
    assert!(head.to_ascii_lowercase().contains("content-type: text/event-stream"), "{head}");
    read_until(&mut reader, "data: 1\n");
    project.write("next-event", "");
    read_until(&mut reader, "data: 2\n");
    up.interrupt().expect_code(0);
}

#[test]
fn a_websocket_is_a_tunnel_in_both_directions() {
    let port = free_port();
    let project = TestProject::toml(&shop("shop", port));
    let up = up_with_proxy(&project, port);
    let mut stream = connect(port);
    write!(
        stream,
        "GET /ws HTTP/1.1\r\nHost: web.shop.localhost:{port}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let head = read_until(&mut reader, "\r\n\r\n");
    assert_eq!(status_of(&head), 101, "{head}");
    assert!(head.to_ascii_lowercase().contains("upgrade: websocket"), "{head}");
    for size in [1_usize, 100, 70_000] {
        let sent: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        stream.write_all(&sent).unwrap();
        let mut echoed = vec![0; size];
        reader.read_exact(&mut echoed).unwrap();
        assert_eq!(echoed, sent);
    }
    up.interrupt().expect_code(0);
}

#[test]
fn a_name_that_nobody_has_lists_what_runs_and_a_foreign_one_learns_nothing() {
    let port = free_port();
    let project = TestProject::toml(&shop("shop", port));
    let up = up_with_proxy(&project, port);
    let unknown = get(port, &format!("nope.localhost:{port}"), "/");
    assert_eq!(status_of(&unknown), 404);
    assert!(unknown.contains(&format!("web  http://web.shop.localhost:{port}  ready")), "{unknown}");
    assert!(!unknown.contains("actor") && !unknown.contains(project.directory().to_str().unwrap()), "{unknown}");
    assert_eq!(status_of(&get(port, &format!("api.shop.localhost:{port}"), "/")), 404);
    assert_eq!(status_of(&get(port, &format!("localhost:{port}"), "/")), 200);
    for foreign in ["evil.example", "127.0.0.1", "web.shop.localhost.evil.example"] {
        let answer = get(port, &format!("{foreign}:{port}"), "/");
        assert_eq!(status_of(&answer), 421, "{answer}");
        assert!(!answer.contains("shop"), "{answer}");
    }
    let head = format!("GET / HTTP/1.1\r\nHost: nope.localhost:{port}\r\nAccept: text/html,*/*");
    let page = ask(port, &head, "");
    assert!(page.contains(&format!("<a href=\"http://web.shop.localhost:{port}\">web</a>")), "{page}");
    let huge = "x".repeat(200_000);
    let mut stream = connect(port);
    // It may be refused before it has been sent whole.
    let _ = write!(stream, "GET / HTTP/1.1\r\nHost: web.shop.localhost\r\nX-Huge: {huge}\r\n\r\n");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"), "a head has a limit");
    up.interrupt().expect_code(0);
}

#[test]
fn what_is_not_ready_says_why_and_is_asked_again() {
    let port = free_port();
    let actor = env!("CARGO_BIN_EXE_actor");
    let project = TestProject::toml(&format!(
        "name = \"shop\"\n[proxy]\nenable = true\nport = {port}\n[program.web]\ncommand = \"{actor} web\"\nport = \"auto\"\n\
         ready = {{ file = \"go\" }}\n"
    ));
    let up = project.up();
    project.wait_for_word("web", "starting");
    wait_for_proxy(&project, port);
    let host = format!("web.shop.localhost:{port}");
    let waiting = ask(port, &format!("GET / HTTP/1.1\r\nHost: {host}\r\nAccept: text/html"), "");
    assert_eq!(status_of(&waiting), 503, "{waiting}");
    assert!(waiting.contains("web is starting") && waiting.contains("http-equiv=\"refresh\""), "{waiting}");
    assert!(waiting.to_ascii_lowercase().contains("retry-after: 1"), "{waiting}");
    project.write("go", "");
    project.wait_until("it answers", PATIENCE, || status_of(&get(port, &host, "/")) == 200);
    project.run(&["stop", "web"]).expect_code(0);
    project.wait_until("it is off", PATIENCE, || {
        let answer = get(port, &host, "/");
        status_of(&answer) == 503 && answer.contains("web is off")
    });
    up.interrupt().expect_code(0);
}

#[test]
fn the_next_project_takes_the_proxy_over() {
    let port = free_port();
    let world = TestProject::empty().file("a/run.toml", shop("one", port)).file("b/run.toml", shop("two", port));
    let start = |directory: &str| {
        let mut command = world.command(&["up"]);
        command.current_dir(world.path(directory));
        let up = Running::start(&world, command);
        up.wait_for_banner();
        up
    };
    let (one, two) = (start("a"), start("b"));
    let code = |name: &str| {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
        drop(stream);
        Some(status_of(&get(port, &format!("web.{name}.localhost:{port}"), "/")))
    };
    world.wait_until("one proxy serves both", PATIENCE, || (code("one"), code("two")) == (Some(200), Some(200)));
    one.interrupt().expect_code(0);
    world.wait_until("the other one has taken over", PATIENCE, || code("two") == Some(200));
    world.wait_until("the first is unknown", PATIENCE, || code("one") == Some(404));
    assert!(!two.stderr().contains("lead nowhere"), "{}", two.stderr());
    two.interrupt().expect_code(0);
}

#[test]
fn the_proxy_runs_alone_when_asked() {
    let port = free_port();
    let actor = env!("CARGO_BIN_EXE_actor");
    let project = TestProject::toml(&format!(
        "name = \"shop\"\n[program.web]\ncommand = \"{actor} web\"\nport = \"auto\"\nready = {{ http = \"/\" }}\n"
    ));
    let up = up(&project);
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(), "it is off unless asked");
    let proxy = project.start(&["proxy", "--port", &port.to_string()]);
    proxy.wait_for(&format!("http://NAME.PROJECT.localhost:{port}"));
    assert_eq!(status_of(&get(port, &format!("web.shop.localhost:{port}"), "/")), 200);
    project.run(&["ports"]).expect_text(&format!("http://web.shop.localhost:{port}"));
    proxy.interrupt().expect_code(0);
    project.run(&["ports"]).expect_text("http://127.0.0.1:");
    up.interrupt().expect_code(0);
}

#[test]
fn a_taken_port_is_told_and_the_project_comes_up_all_the_same() {
    let stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = stranger.local_addr().unwrap().port();
    let project = TestProject::toml(&shop("shop", port));
    let up = up(&project);
    up.wait_for(&format!("names below .localhost lead nowhere: port {port} ([proxy]) is taken by"));
    up.interrupt().expect_code(0);
}
