//! The doors: sockets, ports, passwords.

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;

use base64::Engine;
use nix::unistd::{Group, User, getegid, geteuid};
use serde_json::json;

use crate::bridge::{Bridge, Refusal};
use crate::common::free_port;
use crate::daemon::Stage;
use crate::response::{Connection, post};
use crate::side::Side;

on_both! {
    a_password_guards_every_path,
    a_password_may_be_a_hash,
    the_clients_bring_passwords,
    a_port_answers_beside_the_socket,
    each_door_has_its_own_lock,
    the_socket_has_the_mode_that_is_asked_for,
    the_socket_is_whose_it_is_to_be,
    a_socket_that_is_left_over_is_replaced,
    a_second_daemon_is_refused,
    children_are_told_of_the_socket_before_the_port,
}

/// A config with its own servers.
fn with_servers(servers: &str) -> String {
    format!(
        "{servers}\n[supervisord]\nlogfile = %(here)s/main.log\npidfile = %(here)s/main.pid\nchildlogdir = %(here)s\n\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\n[program:cat]\ncommand = cat\nstartsecs = 0\n"
    )
}

fn login(text: &str) -> String {
    format!("Authorization: Basic {}\r\n", base64::engine::general_purpose::STANDARD.encode(text))
}

/// A server on a port with a password, beside the open socket.
fn guarded(port: u16, password: &str) -> String {
    with_servers(&format!(
        "[unix_http_server]\nfile = %(here)s/s.sock\n\n[inet_http_server]\nport = 127.0.0.1:{port}\nusername = ann\npassword = {password}\n"
    ))
}

fn check_guard(side: Side, password: &str) {
    let port = free_port();
    let stage = Stage::bare(side, &guarded(port, password));
    let _daemon = stage.start();
    let ask = |headers: &str| Connection::tcp(port).ask(&post("supervisor.getVersion", headers));
    let refused = ask("");
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").starts_with("Basic realm="), "{refused:?}");
    assert_eq!(ask(&login("ann:wrong")).status, 401);
    assert_eq!(ask(&login("bob:secret")).status, 401);
    assert_eq!(ask(&login("ann:secret")).status, 200);
    assert_eq!(ask(&login("ann:secret").replace("Basic", "basic")).status, 200);
    for path in ["/", "/logtail/cat", "/mainlogtail", "/nope", "/RPC2"] {
        let get = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
        assert_eq!(Connection::tcp(port).ask(&get).status, 401, "{path}");
    }
}

fn a_password_guards_every_path(side: Side) {
    check_guard(side, "secret");
}

fn a_password_may_be_a_hash(side: Side) {
    check_guard(side, "{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4");
}

fn the_clients_bring_passwords(side: Side) {
    let port = free_port();
    let conf = guarded(port, "secret")
        + &format!("[supervisorctl]\nserverurl = http://127.0.0.1:{port}\nusername = ann\npassword = secret\n");
    let stage = Stage::bare(side, &conf);
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    let mut client = Bridge::new(&stage.project, &format!("http://ann:secret@127.0.0.1:{port}/RPC2"));
    assert_eq!(client.call("supervisor.getState", &json!([])), Ok(json!({ "statecode": 1, "statename": "RUNNING" })));
    let mut stranger = Bridge::new(&stage.project, &format!("http://127.0.0.1:{port}/RPC2"));
    assert!(matches!(stranger.call("supervisor.getState", &json!([])), Err(Refusal::Http(401, _))));
    assert!(daemon.ctl(&["status"], 0).starts_with("cat  "));
    let url = format!("http://127.0.0.1:{port}");
    assert!(daemon.ctl(&["-s", &url, "-u", "ann", "-p", "secret", "pid", "cat"], 0).trim().parse::<u32>().is_ok());
    let refused = stage.ctl(&["-s", &url, "-u", "ann", "-p", "wrong", "status"]);
    assert!(refused.code != 0 && refused.stdout.starts_with("Server requires authentication\n"), "{}", refused.stdout);
}

fn a_port_answers_beside_the_socket(side: Side) {
    let port = free_port();
    let stage = Stage::bare(
        side,
        &with_servers(&format!(
            "[unix_http_server]\nfile = %(here)s/s.sock\n\n[inet_http_server]\nport = 127.0.0.1:{port}\n"
        )),
    );
    let daemon = stage.start();
    let mut client = Bridge::new(&stage.project, &format!("http://127.0.0.1:{port}/RPC2"));
    assert_eq!(client.call("supervisor.getPID", &json!([])), Ok(json!(daemon.daemon_pid())));
    assert_eq!(client.call("supervisor.stopProcess", &json!(["cat"])), Ok(json!(true)));
    assert_eq!(daemon.state("cat"), "STOPPED");
}

fn each_door_has_its_own_lock(side: Side) {
    let ports = [free_port(), free_port()];
    let server = |name: &str, port: u16| {
        format!("[inet_http_server:{name}]\nport = 127.0.0.1:{port}\nusername = {name}\npassword = of-{name}\n\n")
    };
    let servers = [
        "[unix_http_server]\nfile = %(here)s/s.sock\n\n[unix_http_server:second]\nfile = %(here)s/second.sock\n\n"
            .to_owned(),
        server("one", ports[0]),
        server("two", ports[1]),
    ];
    let stage = Stage::bare(side, &with_servers(&servers.concat()));
    let daemon = stage.start();
    for (name, port, other) in [("one", ports[0], "two"), ("two", ports[1], "one")] {
        let ask = |login: &str| {
            Bridge::new(&stage.project, &format!("http://{login}@127.0.0.1:{port}/RPC2"))
                .call("supervisor.getVersion", &json!([]))
        };
        assert_eq!(ask(&format!("{name}:of-{name}")), Ok(json!("3.0")));
        assert!(matches!(ask(&format!("{other}:of-{other}")), Err(Refusal::Http(401, _))));
    }
    let mut second = Bridge::new(&stage.project, &format!("unix://{}", stage.path("second.sock").display()));
    assert_eq!(second.call("supervisor.getPID", &json!([])), Ok(json!(daemon.daemon_pid())));
}

fn the_socket_has_the_mode_that_is_asked_for(side: Side) {
    let stage = Stage::bare(side, &with_servers("[unix_http_server]\nfile = %(here)s/s.sock\nchmod = 0770\n"));
    let daemon = stage.start();
    let found = stage.path("s.sock").metadata().unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o770);
    daemon.end_by(nix::sys::signal::Signal::SIGTERM).expect_code(0);
    assert!(!stage.path("s.sock").exists(), "it goes with the daemon");
    stage.write("");
    let daemon = stage.start();
    assert_eq!(stage.path("s.sock").metadata().unwrap().permissions().mode() & 0o777, 0o700, "the usual one");
    drop(daemon);
}

/// Somebody to give a socket to: as root somebody else, otherwise only oneself.
pub(crate) fn somebody() -> User {
    let other = User::from_name("nobody").unwrap().filter(|_| geteuid().is_root());
    other.or_else(|| User::from_uid(geteuid()).unwrap()).unwrap()
}

fn the_socket_is_whose_it_is_to_be(side: Side) {
    let user = somebody();
    let group = Group::from_gid(user.gid).unwrap().unwrap();
    for (owner, gid) in [(user.name.clone(), getegid()), (format!("{}:{}", user.name, group.name), user.gid)] {
        let servers = format!("[unix_http_server]\nfile = %(here)s/s.sock\nchown = {owner}\n");
        let stage = Stage::bare(side, &with_servers(&servers));
        let _daemon = stage.start();
        let found = stage.path("s.sock").metadata().unwrap();
        assert_eq!((found.uid(), found.gid()), (user.uid.as_raw(), gid.as_raw()), "{owner}");
    }
}

fn a_socket_that_is_left_over_is_replaced(side: Side) {
    let stage = Stage::new(side, "[program:cat]\ncommand = cat\nstartsecs = 0\n");
    drop(UnixListener::bind(stage.path("s.sock")).unwrap());
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
}

fn a_second_daemon_is_refused(side: Side) {
    let stage = Stage::new(side, "[program:cat]\ncommand = cat\nstartsecs = 0\n");
    let daemon = stage.start();
    let second = stage.project.finish(stage.foreground());
    second.expect_code(2);
    daemon.wait_state("cat", "RUNNING");
    assert_eq!(stage.read("main.pid").trim(), daemon.daemon_pid().to_string(), "the second one touches nothing");
}

fn children_are_told_of_the_socket_before_the_port(side: Side) {
    let port = free_port();
    let conf = with_servers(&format!(
        "[inet_http_server]\nport = 127.0.0.1:{port}\n[unix_http_server]\nfile = %(here)s/s.sock\n"
    ));
    let conf = conf.replace("command = cat", "command = sh -c 'echo $SUPERVISOR_SERVER_URL; exec cat'");
    let stage = Stage::bare(side, &conf);
    let daemon = stage.start();
    daemon.wait_until("it says it", || crate::stdin::log_of(&daemon, "cat") == format!("{}\n", stage.url()));
}
