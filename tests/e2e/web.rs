//! What a browser would get, asked for by hand: the JSON, the streams, and who is let in.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::common::{PATIENCE, TestProject, becomes_true, free_port};

/// A program whose environment has a secret in it, and which writes down where the UNIX socket is.
const SHOP: &str = r#"
[program.web]
command = "echo $SUPERVISOR_SERVER_URL > url; echo hello; exec sleep 10000"
ready = { log = "hello" }
environment = { TOKEN = "s3cret-value" }
[program.admin]
command = "exec sleep 10000"
autostart = false
"#;

struct Shop {
    project: TestProject,
    /// Known later, where the page is opened on request.
    port: Cell<u16>,
}

/// An answer, whole.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The value of a header; empty when there is none.
    fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

impl Shop {
    fn new() -> Self {
        let port = free_port();
        let project = TestProject::toml(&format!("{SHOP}\n[control]\ntcp = \"127.0.0.1:{port}\"\n"));
        Self { project, port: Cell::new(port) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port.get())).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn ask(&self, line: &str, headers: &str, body: &str) -> Answer {
        ask(self.connect(), line, &format!("Host: 127.0.0.1:{}\r\n{headers}", self.port.get()), body)
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "", "")
    }

    /// The lines of an answer without an end.
    fn follow(&self, path: &str) -> BufReader<TcpStream> {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port.get()).unwrap();
        BufReader::new(stream)
    }

    /// What a page sends with a change: its cookie and its token.
    fn session(&self) -> String {
        let answer = self.get("/api/v1/session");
        let cookie = answer.header("Set-Cookie").split(';').next().unwrap().to_owned();
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        format!("Content-Type: application/json\r\nCookie: {cookie}\r\nX-Run-Token: {token}\r\n")
    }

    fn unix(&self) -> UnixStream {
        self.project.wait_for_text("url", "unix://");
        let path = PathBuf::from(self.project.read("url").trim().strip_prefix("unix://").unwrap());
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

fn ask(mut stream: impl Read + Write, line: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let request = format!("{line} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    // At once: who is refused by the head may be hung up on before the rest.
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// Reads on until a line has this in it; returns that line.
#[track_caller]
fn wait_for_line(stream: &mut impl BufRead, text: &str) -> String {
    let mut line = String::new();
    while stream.read_line(&mut line).unwrap() > 0 {
        if line.contains(text) {
            return line;
        }
        line.clear();
    }
    panic!("it ended without {text}");
}

#[test]
fn every_page_is_framed_by_nobody_kept_by_nobody_and_runs_nothing_but_our_script() {
    let shop = Shop::new();
    let up = shop.project.up();
    up.wait_for_banner();
    for path in [
        "/",
        "/index.html",
        "/tail.html?processname=web",
        "/?action=stopall",
        "/app.js",
        "/style.css",
        "/api/v1/status",
    ] {
        let answer = shop.get(path);
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("Content-Security-Policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        for (name, value) in
            [("X-Frame-Options", "DENY"), ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store")]
        {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert_eq!(answer.header("Access-Control-Allow-Origin"), "", "{path}");
    }
    assert_eq!(shop.get("/ok.html").body, "OK");
    assert_eq!(shop.get("/tail.html?processname=nobody").status, 404);
    assert_eq!(shop.get("/api/v1/programs/nobody").status, 404);
    assert_eq!(shop.get("/api/v1/nothing").status, 404);
    assert_eq!(shop.ask("HEAD /", "", "").body, "");
    up.interrupt().expect_code(0);
}

#[test]
fn what_a_page_lives_on_is_there_and_no_value_of_an_environment_is_in_it() {
    let shop = Shop::new();
    let up = shop.project.up();
    shop.project.wait_for_word("web", "ready");
    let status = shop.get("/api/v1/status").json();
    assert_eq!((&status["schema"], &status["processes"][0]["name"]), (&1.into(), &"web".into()));
    assert_eq!(shop.get("/api/v1/programs/web").json()["supervisord_state"], "RUNNING");
    assert_eq!(shop.get("/api/v1/graph").json()["nodes"][1]["name"], "admin");
    assert!(shop.get("/api/v1/graph?format=svg").body.starts_with("<svg"));
    let lines = shop.get("/api/v1/logs?name=web&contains=HELL").json();
    assert_eq!((&lines["lines"][0]["text"], &lines["lines"][0]["process"]), (&"hello".into(), &"web".into()));
    assert_eq!(shop.get("/api/v1/logs?contains=nothing").json()["lines"], serde_json::json!([]));
    assert!(shop.get("/tail.html?processname=web").body.contains("hello\n</pre>"));
    for path in
        ["/", "/api/v1/status", "/api/v1/programs/web", "/api/v1/graph", "/api/v1/logs", "/tail.html?processname=web"]
    {
        assert!(!shop.get(path).body.contains("s3cret-value"), "{path}");
    }
    up.interrupt().expect_code(0);
}

#[test]
fn a_change_needs_a_post_with_the_token_and_a_link_changes_nothing() {
    let shop = Shop::new();
    let up = shop.project.up();
    shop.project.wait_for_word("web", "ready");
    let json = "Content-Type: application/json\r\n";
    let names = "{\"names\": [\"web\"]}";
    for (line, headers, status) in [
        ("GET /?action=stop&processname=web", String::new(), 200),
        ("POST /?action=stop&processname=web", "Content-Type: text/xml\r\n".to_owned(), 405),
        ("GET /api/v1/stop", String::new(), 405),
        ("POST /api/v1/stop", json.to_owned(), 403),
        ("POST /api/v1/stop", shop.session().replace("X-Run-Token: ", "X-Run-Token: 0"), 403),
        ("POST /api/v1/stop", shop.session().replace("application/json", "text/plain"), 415),
        ("POST /api/v1/stop", format!("{}Origin: http://evil.example\r\n", shop.session()), 403),
        ("POST /api/v1/open", shop.session(), 403),
    ] {
        assert_eq!(shop.ask(line, &headers, names).status, status, "{line} {headers}");
    }
    assert_eq!(shop.project.word("web"), "ready");

    let stopped = shop.ask("POST /api/v1/stop", &shop.session(), "{\"names\": [\"web\"], \"wait\": true}");
    assert_eq!(stopped.json()["processes"][0]["answer"], "done");
    assert_eq!(shop.project.word("web"), "off");
    let session = shop.session();
    let started = shop.ask("POST /api/v1/start", &session, "{\"names\": [\"web\"], \"wait\": true}");
    assert_eq!((started.status, shop.project.word("web").as_str()), (200, "ready"));
    let wrong = shop.ask("POST /api/v1/start", &session, "{\"names\": [\"wbe\"]}");
    assert_eq!(wrong.status, 404);
    assert!(wrong.json()["error"]["text"].as_str().unwrap().contains("did you mean `web`?"), "{}", wrong.body);
    assert_eq!(shop.ask("POST /api/v1/start", &session, "{\"names\": []}").status, 400);
    let cleared = shop.ask("POST /api/v1/clear", &session, names);
    assert_eq!(cleared.json()["processes"][0]["ok"], true, "{}", cleared.body);
    assert_eq!(shop.get("/api/v1/logs?name=web").json()["lines"], serde_json::json!([]));

    // Nobody but the owner reaches the UNIX socket: there the type is enough.
    let there =
        ask(shop.unix(), "POST /api/v1/stop", &format!("Host: x\r\n{json}"), "{\"names\": [\"web\"], \"wait\": true}");
    assert_eq!((there.status, shop.project.word("web").as_str()), (200, "off"));
    up.interrupt().expect_code(0);
}

#[test]
fn changes_of_state_and_lines_come_as_they_happen_and_end_with_the_project() {
    let shop = Shop::new();
    let up = shop.project.up();
    shop.project.wait_for_word("web", "ready");
    let (mut events, mut lines) = (shop.follow("/api/v1/events"), shop.follow("/api/v1/logs/stream?name=web"));
    wait_for_line(&mut events, "event: status");
    let first = wait_for_line(&mut lines, "data: ");
    assert!(first.contains("\"begin\":true") && first.contains("\"hello\""), "{first}");
    shop.project.run(&["restart", "web"]).expect_code(0);
    wait_for_line(&mut events, "event: change");
    let more = wait_for_line(&mut lines, "\"run\":2");
    assert!(more.contains("\"begin\":false"), "{more}");

    let began = Instant::now();
    up.interrupt().expect_code(0);
    assert!(began.elapsed() < Duration::from_secs(20), "an open page holds nothing up");
    wait_for_line(&mut events, "event: end");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
}

#[test]
fn followers_are_few_and_a_place_is_free_again_when_one_leaves() {
    let shop = Shop::new();
    let up = shop.project.up();
    shop.project.wait_for_word("web", "ready");
    let mut followers: Vec<_> = (0..24).map(|_| shop.follow("/api/v1/events")).collect();
    for follower in &mut followers {
        wait_for_line(follower, "event: status");
    }
    let mut turned_away = shop.follow("/api/v1/logs/stream");
    wait_for_line(&mut turned_away, "HTTP/1.1 503");
    assert_eq!(shop.get("/api/v1/status").status, 200, "who does not follow needs no place");
    drop(followers.pop());
    let is_free = becomes_true(PATIENCE, || {
        let mut head = String::new();
        shop.follow("/api/v1/logs/stream").read_line(&mut head).unwrap();
        head.contains("200")
    });
    assert!(is_free);
    up.interrupt().expect_code(0);
}

#[test]
fn a_flood_is_skipped_and_nobody_waits_for_a_page_that_does_not_read() {
    let port = free_port();
    let flood = "[program.flood]\ncommand = \"echo first; yes 0123456789012345678901234567890123456789\"\nready = { log = \"first\" }\n";
    let text = format!("{flood}[control]\ntcp = \"127.0.0.1:{port}\"\n");
    let shop = Shop { project: TestProject::toml(&text), port: Cell::new(port) };
    let mut command = shop.project.command(&["up"]);
    command.args(["-q"]);
    let up = crate::common::Running::start(&shop.project, command);
    shop.project.wait_for_word("flood", "ready");
    // One reads, one does not.
    let _asleep = shop.follow("/api/v1/logs/stream");
    let mut awake = shop.follow("/api/v1/logs/stream");
    wait_for_line(&mut awake, "\"skipped\":true");
    assert_eq!(shop.get("/api/v1/status").status, 200);
    shop.project.run(&["stop", "flood"]).expect_code(0);
    up.interrupt().expect_code(0);
}

#[test]
fn a_page_for_one_browser_opens_once_and_shows_nothing_to_anybody_else() {
    let shop = Shop { project: TestProject::toml(SHOP), port: Cell::new(0) };
    let up = shop.project.up();
    shop.project.wait_for_word("web", "ready");
    let ui = shop.project.start(&["ui", "--web"]);
    ui.wait_for("#key=");
    let url = ui.stdout();
    let (address, key) = url.trim().strip_prefix("http://127.0.0.1:").unwrap().split_once("/#key=").unwrap();
    shop.port.set(address.parse().unwrap());
    let json = "Content-Type: application/json\r\n";
    for path in ["/api/v1/status", "/api/v1/session", "/api/v1/events", "/tail.html?processname=web", "/logtail/web"] {
        assert_eq!(shop.get(path).status, 401, "{path}");
    }
    assert!(!shop.get("/").body.contains("web</a>"), "the page is bare");
    let login = |key: &str| shop.ask("POST /api/v1/session", json, &format!("{{\"key\": \"{key}\"}}"));
    assert_eq!(login("00").status, 401);
    let answer = login(key);
    let cookie = answer.header("Set-Cookie");
    assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    assert_eq!(shop.ask("GET /api/v1/status", &cookie, "").status, 200);
    assert!(shop.ask("GET /", &cookie, "").body.contains("web</a>"));
    assert_eq!(login(key).status, 401, "the key opens once");
    let call = "<methodCall><methodName>supervisor.getPID</methodName></methodCall>";
    assert_eq!(shop.ask("POST /RPC2", "Content-Type: text/xml\r\n", call).status, 401);

    // Not an interrupt: it may be ignored from birth, as in the background of a script.
    ui.signal(Signal::SIGTERM);
    ui.end();
    let is_closed = becomes_true(PATIENCE, || TcpStream::connect(("127.0.0.1", shop.port.get())).is_err());
    assert!(is_closed, "the listener goes with who asked for it");
    up.interrupt().expect_code(0);
}

#[test]
fn where_there_is_a_tcp_address_the_page_is_there() {
    let shop = Shop::new();
    let up = shop.project.up();
    up.wait_for_banner();
    let done = shop.project.run(&["ui", "--web"]).expect_code(0);
    assert_eq!(done.stdout, format!("http://127.0.0.1:{}/\n", shop.port.get()));
    up.interrupt().expect_code(0);
    shop.project.run(&["ui", "--web"]).expect_code(2).expect_text("is not up");
}
