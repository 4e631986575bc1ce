//! The trees of programs: what they leave, hold and hide, while the rest of the project goes on.

use crate::common::{Found, PATIENCE, Running, TestProject, has_tool, processes, skipped};

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

/// What is to be left in peace.
const NEIGHBOUR: &str = "[program.db]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n";

/// The living processes of one program, wherever they went.
fn tree_of(project: &TestProject, program: &str) -> Vec<Found> {
    let theirs: Vec<u32> = processes::with_variable("RUN_PROGRAM", program).iter().map(|found| found.pid).collect();
    project.survivors().into_iter().filter(|found| theirs.contains(&found.pid)).collect()
}

/// Brings a program up beside a neighbour, waits for this many processes of it, stops it alone, and looks what is left of it.
#[track_caller]
fn nothing_is_left_after_a_stop(command: &str, count: usize) {
    let text = format!("{NEIGHBOUR}[program.web]\ncommand = \"{command}\"\nstopwaitsecs = 1\nautorestart = false\n");
    let project = TestProject::toml(&text);
    let up = project.up();
    project.wait_for_word("db", "ready");
    project.wait_until("all of it is there", PATIENCE, || tree_of(&project, "web").len() == count);
    let db = project.pid("db");
    project.run(&["stop", "web"]).expect_code(0);
    let left = tree_of(&project, "web");
    assert!(left.is_empty(), "{left:#?}");
    assert_eq!((project.pid("db"), project.word("db")), (db, "ready".into()));
    up.interrupt().expect_code(0);
}

#[test]
fn a_stop_reaches_the_stubborn_child_of_a_polite_leader() {
    nothing_is_left_after_a_stop("(trap '' TERM; while :; do sleep 0.1; done) & trap 'exit 0' TERM; wait", 3);
}

#[test]
fn a_stop_reaches_a_session_of_its_own() {
    nothing_is_left_after_a_stop("setsid sh -c 'trap \\\"\\\" TERM; sleep 1001; :' & exec sleep 1000", 3);
}

#[test]
fn a_stop_reaches_a_daemon_that_lost_its_parents() {
    nothing_is_left_after_a_stop("setsid sh -c 'trap \\\"\\\" TERM; sleep 1001 & exit 0'; exec sleep 1000", 2);
}

#[test]
fn a_stop_reaches_what_stands_still() {
    nothing_is_left_after_a_stop(&format!("{ACTOR} stopped & {ACTOR} stopped"), 3);
}

#[test]
fn what_a_dead_program_left_is_gone_before_it_runs_again() {
    let text = format!(
        "{NEIGHBOUR}[program.web]\ncommand = \"setsid sh -c 'trap \\\"\\\" TERM; exec sleep 1001' & echo run >> seen; sleep 0.3; exit 1\"\nstopwaitsecs = 1\nstartretries = 20\n"
    );
    let project = TestProject::toml(&text);
    let up = project.up();
    project.wait_until("it has run three times", PATIENCE, || project.lines("seen").len() >= 3);
    let sleepers = tree_of(&project, "web").iter().filter(|found| found.command.starts_with("sleep 1001")).count();
    assert!(sleepers <= 1, "{:#?}", tree_of(&project, "web"));
    up.interrupt();
}

/// supervisord's files leave what a program left: it holds the pipe, and holds up nothing.
#[test]
fn a_grandchild_that_holds_the_pipe_holds_up_nothing() {
    let text = format!(
        "[supervisord]\n[program:web]\ncommand={ACTOR} hold-pipe 300000\nautorestart=false\nstartsecs=0\n[program:db]\ncommand=sleep 1000\n"
    );
    let project = TestProject::empty().file("supervisord.conf", text);
    let up = project.up();
    let has_run = |times: u64| {
        project.process("web").is_some_and(|web| web["runs"] == times && web["supervisord_state"] == "EXITED")
    };
    for times in 1..=2 {
        project.wait_until("its end is known", PATIENCE, || has_run(times));
        // A process shows no environment for a moment, while it becomes another program.
        let are_held = || tree_of(&project, "web").len() as u64 == times;
        project.wait_until("somebody holds each pipe", PATIENCE, are_held);
        project.run(&["start", "web"]);
    }
    up.interrupt();
}

#[test]
fn a_program_that_closes_its_stdout_lives_on() {
    let text = format!("{NEIGHBOUR}[program.web]\ncommand = \"{ACTOR} close-stdout\"\nready = {{ log = \"ready\" }}\n");
    let project = TestProject::toml(&text);
    let up = project.up();
    up.wait_for_banner();
    let web = project.pid("web");
    let closed = || std::fs::symlink_metadata(format!("/proc/{web}/fd/1")).is_err();
    project.wait_until("it has closed it", PATIENCE, closed);
    project.run(&["signal", "WINCH", "db"]).expect_code(0);
    assert_eq!((project.pid("web"), project.word("web")), (web, "ready".into()));
    up.interrupt().expect_code(0);
}

/// As the first process of a container, whoever loses its parents becomes ours to reap.
#[test]
fn as_process_1_the_strangers_are_reaped() {
    if !["unshare", "nsenter"].iter().all(|tool| has_tool(tool)) {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        return skipped("only root makes a pid namespace");
    }
    let project = TestProject::toml(NEIGHBOUR);
    let mut command = std::process::Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child", env!("CARGO_BIN_EXE_run"), "up"]);
    project.put_into_world(&mut command);
    let up = Running::start(&project, command);
    up.wait_for_banner();
    let first = project.ours().into_iter().find(|found| found.parent == up.pid()).unwrap();
    for _ in 0..20 {
        let mut orphan = std::process::Command::new("nsenter");
        orphan.args(["-t", &first.pid.to_string(), "--pid", "sh", "-c", "sh -c 'sleep 0.05; exit 3' & exit 0"]);
        project.put_into_world(&mut orphan);
        assert!(orphan.status().unwrap().success());
    }
    let children = format!("/proc/{0}/task/{0}/children", first.pid);
    let only_the_spawner = || std::fs::read_to_string(&children).is_ok_and(|all| all.split_whitespace().count() == 1);
    project.wait_until("nobody but the spawner is left, not even a zombie", PATIENCE, only_the_spawner);
    first.signal(nix::sys::signal::Signal::SIGTERM);
    up.end().expect_code(0);
}
