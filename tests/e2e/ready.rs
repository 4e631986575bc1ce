//! Ready checks and what hangs on them, with real programs.

use std::net::TcpListener;

use crate::common::{TestProject, has_tool};
use crate::stranger::may_become_a_stranger;

#[test]
fn a_port_alone_is_found_at_a_server_that_speaks_ipv6_only() {
    let Ok(server) = TcpListener::bind("[::1]:0") else {
        return; // a machine without IPv6
    };
    let port = server.local_addr().unwrap().port();
    let project = TestProject::toml(&format!("[program.web]\ncommand = \"sleep 1000\"\nready = {{ tcp = {port} }}\n"));
    project.run(&["up", "-d", "--timeout", "30s"]).expect_code(0);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn quick_attempts_leave_a_slow_server_its_failures() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"sleep 0.3; touch up; exec sleep 1000\"\nready = { file = \"up\", failures = 2 }\n",
    );
    project.run(&["up", "-d", "--timeout", "30s"]).expect_code(0);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_dependency_that_ends_before_it_is_ready_keeps_its_dependents_down_and_says_so() {
    let project = TestProject::toml(
        "[program.db]\ncommand = \"true\"\nready = { file = \"never\" }\n\
         [program.api]\ncommand = \"sleep 1000\"\ndepends_on = [\"db\"]\n",
    );
    project.run(&["up", "-d"]).expect_code(1).expect_text("not started: db ended before it was ready");
    assert_eq!(project.word("api"), "blocked");
    project.run(&["down"]);
}

#[test]
fn a_project_of_tasks_that_fails_in_the_background_ends_quietly() {
    let project =
        TestProject::toml("[task.a]\ncommand = \"exit 5\"\n[task.b]\ncommand = \"true\"\ndepends_on = [\"a\"]\n");
    let done = project.run(&["up", "-d"]).expect_code(1).expect_text("a failed (exit 5)");
    assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
}

#[test]
fn a_program_of_another_user_can_say_that_it_is_ready() {
    if !may_become_a_stranger() || !has_tool("python3") {
        return;
    }
    let project = TestProject::toml(
        "[program.web]\ncommand = [\"python3\", \"-c\", \"\"\"\nimport os, socket, time\n\
         name = os.environ['NOTIFY_SOCKET'].replace('@', chr(0))\n\
         socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', name)\n\
         time.sleep(1000)\n\"\"\"]\nuser = \"nobody\"\nready = { notify = true }\n",
    );
    project.run(&["up", "-d", "--timeout", "30s"]).expect_code(0);
    project.run(&["down"]).expect_code(0);
}
