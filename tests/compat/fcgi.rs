//! `[fcgi-program:x]`: a socket that the daemon binds and every child gets as its stdin.

use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;

use serde_json::json;

use crate::common::free_port;
use crate::daemon::Stage;
use crate::servers::somebody;
use crate::side::{Side, here, tool};

on_both! {
    all_children_share_the_socket_on_a_port,
    a_socket_file_has_its_mode_and_is_closed_with_the_last_child,
    a_socket_file_is_whose_it_is_to_be,
    nothing_can_be_written_to_it,
}

/// A program that accepts on its stdin and says its pid to each client.
fn program(socket: &str, more: &str) -> String {
    format!(
        "[fcgi-program:php]\ncommand = {} {}\nsocket = {socket}\nstartsecs = 0\n{more}\n",
        tool("python").display(),
        here("fcgi.py").display()
    )
}

fn all_children_share_the_socket_on_a_port(side: Side) {
    let port = free_port();
    let two = "numprocs = 2\nprocess_name = %(program_name)s_%(process_num)d\n";
    let stage = Stage::new(side, &program(&format!("tcp://127.0.0.1:{port}"), two));
    let daemon = stage.start();
    let names = ["php:php_0", "php:php_1"];
    for name in names {
        daemon.wait_state(name, "RUNNING");
    }
    let answer = || {
        let mut text = String::new();
        TcpStream::connect(("127.0.0.1", port)).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let pids = names.map(|name| daemon.pid(name).to_string());
    assert!(pids.contains(&answer()));
    daemon.value("stopProcess", json!([names[0]]));
    assert_eq!(answer(), pids[1], "the other one still has it");
    daemon.value("stopProcess", json!([names[1]]));
    daemon.wait_until("nobody listens any more", || TcpStream::connect(("127.0.0.1", port)).is_err());
    daemon.value("startProcess", json!([names[0]]));
    assert_eq!(answer(), daemon.pid(names[0]).to_string());
}

fn a_socket_file_has_its_mode_and_is_closed_with_the_last_child(side: Side) {
    let stage = Stage::new(side, &program("unix://%(here)s/php.sock", "socket_mode = 0711\n"));
    let daemon = stage.start();
    daemon.wait_state("php", "RUNNING");
    let socket = stage.path("php.sock");
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o711);
    let mut text = String::new();
    UnixStream::connect(&socket).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, daemon.pid("php").to_string());
    daemon.value("stopProcess", json!(["php"]));
    daemon.wait_until("nobody listens any more", || UnixStream::connect(&socket).is_err());
}

fn a_socket_file_is_whose_it_is_to_be(side: Side) {
    let user = somebody();
    let more = format!("socket_owner = {}\nsocket_backlog = 5\n", user.name);
    let stage = Stage::new(side, &program("unix://%(here)s/php.sock", &more));
    let daemon = stage.start();
    daemon.wait_state("php", "RUNNING");
    let found = stage.path("php.sock").metadata().unwrap();
    assert_eq!(found.uid(), user.uid.as_raw());
}

fn nothing_can_be_written_to_it(side: Side) {
    let stage = Stage::new(side, &program("unix://%(here)s/php.sock", ""));
    let daemon = stage.start();
    daemon.wait_state("php", "RUNNING");
    assert!(daemon.call("sendProcessStdin", json!(["php", "x"])).is_err());
    assert_eq!(daemon.state("php"), "RUNNING");
}
