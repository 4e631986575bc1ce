//! The socket, end to end: our client (and Python's, where there is one) against a server with a supervisor of cardboard behind it.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Command as Program;
use std::sync::{Arc, mpsc as std_mpsc};
use std::thread;
use std::time::Duration;

use run::client::{Address, Client, ClientError, Follow, StartUntil};
use run::codec::xmlrpc::Value;
use run::model::Word;
use run::runtime::clock::Clock;
use run::runtime::handle::{Handle, Message};
use run::serve::listen::{BRIEF_CONNECTIONS, CONNECTIONS};
use run::supervisor::action::{Answer, Outcome};
use run::supervisor::event::{Command, StartUntil as Until};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot, watch};

use crate::sample::{self, API, DB};
use crate::server::{LONG, Server};

/// A served project. Its commands arrive at `commands`, and the test answers them.
struct Served {
    directory: TempDir,
    commands: std_mpsc::Receiver<Message>,
    server: Server,
    /// What the handle reads.
    snapshots: watch::Sender<run::supervisor::snapshot::Snapshot>,
}

impl Served {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sock");
        let (snapshots, view) = watch::channel(sample::snapshot());
        let (sender, mut incoming) = mpsc::unbounded_channel();
        let handle = Handle::new(sender, view, Arc::new(sample::facts()), Clock::frozen(sample::now()));
        let (forward, commands) = std_mpsc::channel();
        let beside = async move { while incoming.recv().await.is_some_and(|request| forward.send(request).is_ok()) {} };
        let usage = Arc::new(|pids: &[u32]| pids.iter().map(|pid| (*pid, (2.0, 1 << 32))).collect());
        let server = Server::start(&path, handle, Some(usage), beside);
        Self { directory, commands, server, snapshots }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("sock")
    }

    fn client(&self) -> Client {
        let mut client = Client::connect(&self.path()).unwrap();
        client.set_timeout(Some(LONG)).unwrap();
        client
    }

    fn raw(&self) -> UnixStream {
        let stream = UnixStream::connect(self.path()).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// The next command, and where to answer.
    fn asked(&self) -> (Command, oneshot::Sender<Outcome>) {
        loop {
            if let Message::Ask { command, reply, .. } = self.commands.recv_timeout(LONG).expect("a command") {
                return (command, reply);
            }
        }
    }

    /// Sends bytes and reads until the server closes.
    fn converse(&self, bytes: &[u8]) -> String {
        let mut stream = self.raw();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // Who closes with something unread resets the connection: what was answered before that counts.
        let end = stream.read_to_end(&mut answer);
        assert!(end.is_ok() || !answer.is_empty(), "{end:?}");
        String::from_utf8(answer).unwrap()
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn post(body: &str, headers: &str) -> Vec<u8> {
    format!("POST /RPC2 HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

const GET_PID: &str = "<methodCall><methodName>supervisor.getPID</methodName></methodCall>";

#[test]
fn status_and_why_come_back_typed() {
    let served = Served::new();
    let mut client = served.client();
    let status = client.status(&[]).unwrap();
    let order: Vec<_> = status.processes.iter().map(|process| process.name.as_str()).collect();
    assert_eq!(order, ["db", "worker:worker_0", "worker:worker_1", "admin", "migrate", "mail", "api", "web"]);
    assert_eq!((status.processes[0].memory, status.processes[0].cpu_percent), (Some(1 << 32), Some(2.0)));
    assert_eq!(status.processes[3].memory, None);
    assert_eq!(client.why("web").unwrap().note, "waiting for api");
}

#[test]
fn a_start_is_asked_and_its_report_comes_back() {
    let served = Served::new();
    let mut client = served.client();
    let asking =
        thread::spawn(move || client.start(&names(&["api"]), StartUntil::Running, false, Some(Duration::from_secs(2))));
    let (command, reply) = served.asked();
    let expected = Command::Start {
        processes: vec![API],
        until: Until::Running,
        with_needs: false,
        timeout: Some(Duration::from_secs(2)),
    };
    assert_eq!(command, expected);
    reply.send(Outcome::Each(vec![(API, Answer::Blocked)])).unwrap();
    let report = asking.join().unwrap().unwrap();
    assert_eq!((report.timed_out, report.processes.len()), (false, 1));
    let api = &report.processes[0];
    assert_eq!((api.name.as_str(), api.ok, api.answer.as_str(), api.state), ("api", false, "blocked", Word::Starting));
}

#[test]
fn a_misspelt_name_is_a_fault_that_says_what_was_meant() {
    let served = Served::new();
    let fault = served.client().stop(&names(&["wbe"]), false, true).unwrap_err();
    assert_eq!(fault.fault_code(), Some(10));
    assert_eq!(fault.fault_detail(), Some("no program `wbe`, did you mean `web`?"));
}

#[test]
fn where_nobody_listens_the_project_is_not_running() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sock");
    assert!(matches!(Client::connect(&path), Err(ClientError::NotRunning)));
    drop(UnixListener::bind(&path).unwrap());
    assert!(matches!(Client::connect(&path), Err(ClientError::NotRunning)));
}

#[test]
fn a_silent_project_is_a_timeout() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sock");
    let _silent = UnixListener::bind(&path).unwrap();
    let mut client = Client::connect(&path).unwrap();
    client.set_timeout(Some(Duration::from_millis(20))).unwrap();
    assert!(matches!(client.status(&[]), Err(ClientError::Timeout)));
}

#[test]
fn a_call_that_waits_holds_up_nobody_else() {
    let served = Served::new();
    let mut waiting = served.client();
    let asking = thread::spawn(move || waiting.wait(&[], None));
    let (command, reply) = served.asked();
    assert_eq!(command, Command::Wait { processes: vec![], timeout: None });
    assert_eq!(served.client().call("supervisor.getPID", &[]).unwrap(), Value::Int(4100));
    reply.send(Outcome::Each(vec![(DB, Answer::Done)])).unwrap();
    assert!(asking.join().unwrap().unwrap().processes[0].ok);
}

#[test]
fn a_client_that_goes_away_takes_its_waiting_with_it() {
    let served = Served::new();
    let mut stream = served.raw();
    let call = "<methodCall><methodName>run.wait</methodName></methodCall>";
    stream.write_all(&post(call, "")).unwrap();
    let (_, mut reply) = served.asked();
    drop(stream);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let is_dropped = runtime.block_on(async { tokio::time::timeout(LONG, reply.closed()).await });
    assert!(is_dropped.is_ok(), "nobody waits for the reply any more");
}

#[test]
fn a_client_that_has_only_finished_sending_gets_its_answer() {
    let served = Served::new();
    let mut stream = served.raw();
    stream.write_all(&post("<methodCall><methodName>run.wait</methodName></methodCall>", "")).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let (_, reply) = served.asked();
    reply.send(Outcome::Each(vec![(DB, Answer::Done)])).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("<methodResponse>"), "{answer}");
}

#[test]
fn many_calls_share_a_connection() {
    let served = Served::new();
    let mut client = served.client();
    let first = client.call("supervisor.getAllProcessInfo", &[]).unwrap();
    for _ in 0..50 {
        assert_eq!(client.call("supervisor.getAllProcessInfo", &[]).unwrap(), first);
        assert_eq!(client.call("supervisor.getPID", &[]).unwrap(), Value::Int(4100));
    }
}

#[test]
fn a_kept_answer_does_not_outlive_the_state_it_tells() {
    let served = Served::new();
    let mut client = served.client();
    let count = |value: Value| value.as_array().map(<[Value]>::len);
    assert_eq!(client.call("supervisor.getAllProcessInfo", &[]).map(count).unwrap(), Some(8));
    let mut fewer = sample::snapshot();
    fewer.processes = fewer.processes.iter().take(3).cloned().collect();
    served.snapshots.send_replace(fewer);
    assert_eq!(client.call("supervisor.getAllProcessInfo", &[]).map(count).unwrap(), Some(3));
    let ending = run::supervisor::snapshot::Snapshot { is_shutting_down: true, ..served.snapshots.borrow().clone() };
    served.snapshots.send_replace(ending);
    let fault = client.call("supervisor.getAllProcessInfo", &[]).unwrap_err();
    assert_eq!(fault.fault_code(), Some(6));
}

#[test]
fn http_mistakes_get_supervisords_statuses() {
    let served = Served::new();
    let huge = format!("POST /RPC2 HTTP/1.1\r\nContent-Length: {}\r\n\r\n", 5 << 20);
    let long_head = format!("POST /RPC2 HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(40_000));
    for (request, status) in [
        (b"GET /RPC2 HTTP/1.1\r\n\r\n".to_vec(), "400"),
        (b"GET /nothing HTTP/1.1\r\n\r\n".to_vec(), "404"),
        (b"POST /RPC2 HTTP/1.1\r\n\r\n".to_vec(), "411"),
        (b"POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(), "400"),
        (post("no xml", ""), "400"),
        (post("<methodCall><methodName/></methodCall>", ""), "400"),
        (huge.into_bytes(), "413"),
        (long_head.into_bytes(), "431"),
        (b"nonsense\r\n\r\n".to_vec(), "400"),
    ] {
        let answer = served.converse(&request);
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}: {answer}");
    }
    assert_eq!(served.client().call("supervisor.getPID", &[]).unwrap(), Value::Int(4100));
}

#[test]
fn an_answer_closes_when_asked_to_and_for_http_1_0() {
    let served = Served::new();
    let closing = served.converse(&post(GET_PID, "Connection: close\r\n"));
    assert!(closing.contains("Content-Type: text/xml\r\n"), "{closing}");
    let old = format!("POST /RPC2/anything HTTP/1.0\r\nContent-Length: {}\r\n\r\n{GET_PID}", GET_PID.len());
    assert!(served.converse(old.as_bytes()).ends_with("</methodResponse>\n"));
}

#[test]
fn who_asks_for_json_gets_json() {
    let served = Served::new();
    let answer = served.converse(&post(GET_PID, "Accept: application/json\r\nConnection: close\r\n"));
    assert!(answer.contains("Content-Type: application/json\r\n"), "{answer}");
    assert!(answer.ends_with(r#"{"value":4100}"#), "{answer}");
}

/// Clients that stay. A call proves that a connection has been accepted.
fn crowd(served: &Served, count: usize) -> Vec<Client> {
    let mut clients: Vec<_> = (0..count).map(|_| served.client()).collect();
    for client in &mut clients {
        client.call("supervisor.getPID", &[]).unwrap();
    }
    clients
}

fn is_crowded(refused: &ClientError) -> bool {
    matches!(refused, ClientError::Status { code: 503, .. })
}

#[test]
fn one_connection_too_many_is_told_so() {
    let served = Served::new();
    let _clients = crowd(&served, CONNECTIONS + BRIEF_CONNECTIONS);
    let refused = served.client().call("supervisor.getPID", &[]).unwrap_err();
    assert!(is_crowded(&refused), "{refused:?}");
}

#[test]
fn those_who_stay_cannot_shut_out_a_short_call() {
    let served = Served::new();
    let _staying = crowd(&served, CONNECTIONS);
    let mut client = served.client();
    let waiting = thread::spawn(move || client.wait(&[], None));
    let asked = served.asked();
    // Who comes to stay is told that there is no room, before long; who says nothing is let go.
    let address = Address::Unix(served.path().display().to_string());
    for path in ["/mainlogtail", "/api/v1/events"] {
        let refused = Follow::get(&address, None, None, path).map(drop).unwrap_err();
        assert!(is_crowded(&refused), "{path}: {refused:?}");
    }
    assert_eq!(served.raw().read(&mut [0; 1]).unwrap(), 0);
    let refused = waiting.join().unwrap().unwrap_err();
    assert!(is_crowded(&refused), "{refused:?}");
    drop(asked);
    for _ in 0..3 * BRIEF_CONNECTIONS {
        served.client().call("supervisor.getPID", &[]).unwrap();
    }
}

#[test]
fn the_end_answers_what_is_under_way_and_removes_the_socket() {
    let mut served = Served::new();
    let mut client = served.client();
    let asking = thread::spawn(move || client.down());
    let (command, reply) = served.asked();
    assert_eq!(command, Command::Shutdown);
    served.server.stop();
    reply.send(Outcome::Accepted).unwrap();
    asking.join().unwrap().unwrap();
    served.server.end();
    assert!(!served.path().exists());
}

#[test]
fn when_the_driver_is_gone_a_waiting_call_says_that_the_end_has_begun() {
    let served = Served::new();
    let mut client = served.client();
    let asking = thread::spawn(move || client.wait(&[], None));
    drop(served.asked());
    assert_eq!(asking.join().unwrap().unwrap_err().fault_code(), Some(6));
}

/// What Python's own client makes of us; it prints one line for each thing it found.
const PYTHON: &str = r#"
import http.client, socket, sys, xmlrpc.client
class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(sys.argv[1])
class Transport(xmlrpc.client.Transport):
    def make_connection(self, host):
        return Connection("localhost")
server = xmlrpc.client.ServerProxy("http://localhost", transport=Transport())
print(server.supervisor.getState())
print([p["name"] for p in server.supervisor.getAllProcessInfo()])
try:
    server.supervisor.startProcess("nope")
except xmlrpc.client.Fault as fault:
    print(fault.faultCode, fault.faultString)
print(server.run.status(["db"])["processes"][0]["memory"])
print(server.system.multicall([{"methodName": "supervisor.getPID"}]))
"#;

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
#[test]
fn pythons_client_understands_us() {
    let Ok(version) = Program::new("python3").arg("--version").output() else {
        eprintln!("SKIPPED: there is no python3");
        return;
    };
    assert!(version.status.success());
    let served = Served::new();
    let output = Program::new("python3").arg("-c").arg(PYTHON).arg(served.path()).output().unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let expected = "{'statecode': 1, 'statename': 'RUNNING'}\n\
                    ['admin', 'api', 'db', 'mail', 'migrate', 'web', 'worker_0', 'worker_1']\n\
                    10 BAD_NAME: nope\n\
                    4294967296\n\
                    [4100]\n";
    assert_eq!(said, expected, "{errors}");
}
