//! Processes that share a socket as their stdin.

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;

use crate::calls::{STAYS, call};
use crate::common::TestProject;

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

#[test]
fn processes_of_an_fcgi_program_share_a_socket_that_goes_with_them() {
    let php = format!(
        "[fcgi-program.php]\ncommand = \"exec {ACTOR} accept\"\nsocket = \"unix://php.sock\"\nsocket_mode = \"0600\"\nnumprocs = 2\nstopwaitsecs = \"1s\"\n"
    );
    let project = TestProject::toml(&format!("{STAYS}{php}"));
    let up = project.up();
    up.wait_for_banner();
    let ask = || -> Option<u32> {
        let mut stream = UnixStream::connect(project.path("php.sock")).ok()?;
        let mut pid = String::new();
        stream.read_to_string(&mut pid).ok()?;
        pid.parse().ok()
    };
    let both = [project.pid("php:php_0"), project.pid("php:php_1")];
    assert!(both.contains(&ask().unwrap()));
    project.run(&["stop", "php:php_0"]).expect_code(0);
    assert_eq!(ask(), Some(both[1]), "the other one goes on");
    assert!(call(&project, "supervisor.sendProcessStdin", &["php:php_1", "x"]).contains("NO_FILE"));
    project.run(&["stop", "php:php_1"]).expect_code(0);
    assert_eq!(ask(), None, "nobody listens any more");
    project.run(&["start", "php:php_0"]).expect_code(0);
    up.wait_until("it is bound anew", || ask().is_some());
    up.interrupt();
    assert!(project.survivors().is_empty());
}

#[test]
fn a_port_of_an_fcgi_program_that_is_taken_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let php = format!(
        "[fcgi-program.php]\ncommand = \"{ACTOR} accept\"\nsocket = \"tcp://127.0.0.1:{port}\"\nstartretries = 0\n"
    );
    let project = TestProject::toml(&format!("{STAYS}{php}"));
    let up = project.up();
    up.wait_for(&format!("could not open its socket tcp://127.0.0.1:{port}"));
    up.interrupt();
}
