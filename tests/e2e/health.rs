//! What looks as if it ran and does not do what it should: each is told by its reason, in the stream, in `why` and in JSON.

use crate::common::{PATIENCE, TestProject, has_tool, lines_of};
use crate::stranger::may_become_a_stranger;

#[test]
fn a_program_in_the_background_is_ended_and_told_as_such() {
    let project = TestProject::toml("[program.web]\ncommand = \"setsid sleep 1000 > /dev/null 2>&1 &\"\n");
    project.run(&["check"]).expect_text("puts itself into the background").expect_text("leave out the & at the end");
    let up = project.up();
    up.wait_for("put itself into the background (pid ").wait_for("where it cannot be supervised: leave out the &");
    project.wait_for_word("web", "failed");
    let told = project.process("web").unwrap();
    assert!(told["note"].as_str().unwrap().starts_with("put itself into the background (pid "), "{told}");
    assert!(told["note"].as_str().unwrap().contains(" sleep), where it cannot be supervised"), "{told}");
    assert_eq!(told["runs"], 1, "it would only do so again");
    project.run(&["why", "web"]).expect_text("put itself into the background");
    project.wait_until("what it left is gone", PATIENCE, || {
        !project.survivors().iter().any(|found| format!("{found:?}").contains("sleep"))
    });
    up.interrupt().expect_code(1);
}

#[test]
fn the_real_redis_in_the_background_is_told_how_to_stay() {
    if !has_tool("redis-server") {
        return;
    }
    let command = "redis-server --port 0 --unixsocket ./redis.sock --save '' --daemonize yes";
    let project = TestProject::toml(&format!("[program.redis]\ncommand = \"{command}\"\n"));
    project.run(&["check"]).expect_text("say --daemonize no");
    let up = project.up();
    up.wait_for("where it cannot be supervised: say --daemonize no");
    project.wait_for_word("redis", "failed");
    up.interrupt().expect_code(1);
}

#[test]
fn a_stuck_program_is_restarted_with_the_reason() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"sleep 1000\"\nstartsecs = 0\n\
         alive = { exec = \"test ! -f stuck\", every = \"300ms\", failures = 2 }\n",
    );
    let up = project.up();
    project.wait_for_word("web", "ready");
    project.write("stuck", "");
    up.wait_for("unhealthy: ").wait_for(" x2 (run 1)");
    std::fs::remove_file(project.path("stuck")).unwrap();
    up.wait_for("(run 2)");
    let told = project.process("web").unwrap();
    assert!(told["runs"].as_u64().unwrap() >= 2, "{told}");
    assert!(told["history"].to_string().contains("unhealthy: "), "{told}");
    assert_eq!(told["alive"]["kind"], "exec");
    project.run(&["why", "web"]).expect_text("alive").expect_text("unhealthy: ");
    up.interrupt();
}

#[test]
fn a_program_that_grows_is_ended_with_the_figures() {
    if !has_tool("perl") {
        return;
    }
    let project = TestProject::toml(
        "[program.leak]\ncommand = [\"perl\", \"-e\", \"$x = 'a' x 80000000; sleep 1000\"]\nmax_memory = \"20MiB\"\n\
         startretries = 0\n",
    );
    let up = project.up();
    up.wait_for("over max_memory 20");
    project.wait_for_word("leak", "failed");
    let told = project.process("leak").unwrap();
    assert!(told["note"].as_str().unwrap().starts_with("memory "), "{told}");
    project.run(&["why", "leak"]).expect_text("over max_memory 20");
    up.interrupt().expect_code(1);
}

#[test]
fn checks_and_hooks_run_as_the_user_of_their_program() {
    if !may_become_a_stranger() {
        return;
    }
    let project = TestProject::toml(
        "[program.web]\ncommand = \"sleep 1000\"\nuser = \"nobody\"\nready = { exec = \"id -un > /dev/stdout; test $(id -un) = nobody\" }\n\
         [program.bad]\ncommand = \"exit 3\"\nuser = \"nobody\"\nstartretries = 0\non_crash = \"id -un > /dev/stdout\"\n\
         [program.own]\ncommand = \"exit 3\"\nstartretries = 0\non_crash = \"id -un\"\n",
    );
    let up = project.up();
    project.wait_for_word("web", "ready");
    for (name, user) in [("bad", "nobody"), ("own", "root")] {
        up.wait_until("its hook has spoken", || !lines_of(&up.stdout(), name).is_empty());
        assert_eq!(lines_of(&up.stdout(), name), [user]);
    }
    up.interrupt().expect_code(1);
}

#[test]
fn a_hook_is_told_of_each_crash_and_keeps_nothing_waiting() {
    let project = TestProject::toml(
        r#"[program.worker]
command = "echo connecting; echo refused >&2; exit 3"
environment = { QUEUE = "q1" }
startretries = 1
on_crash = """
(echo "$RUN_PROGRAM $RUN_PROCESS $QUEUE: $RUN_REASON, $RUN_EXIT, run $RUN_RUNS, $RUN_STATE"; cat) > crash-$RUN_RUNS.txt
echo "mail for run $RUN_RUNS"
"""
"#,
    );
    let up = project.up();
    up.wait_for("gave up after 2 runs");
    project.wait_for_word("worker", "failed");
    up.wait_for("mail for run 1").wait_for("mail for run 2");
    assert!(
        up.stdout().lines().any(|line| line.starts_with("worker") && line.contains("mail for run 2")),
        "{}",
        up.stdout()
    );
    let first = project.read("crash-1.txt");
    assert!(
        first.starts_with("worker worker q1: exited 3, 3, run 1, retrying\nworker: exited 3 (run 1, after "),
        "{first}"
    );
    assert!(first.ends_with("s), again now\n\nconnecting\nrefused\n"), "{first}");
    let second = project.read("crash-2.txt");
    assert!(second.starts_with("worker worker q1: exited 3, 3, run 2, failed\n"), "{second}");
    assert!(second.contains("no further try\n\nconnecting\n"), "{second}");
    project.run(&["logs", "worker", "--run", "2"]).expect_text("mail for run 2");
    up.interrupt().expect_code(1);
}

#[test]
fn a_stop_of_yours_and_a_good_end_call_no_hook() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"sleep 1000\"\nstartsecs = 0\non_crash = \"touch web-crashed\"\n\
         [program.once]\ncommand = \"true\"\nstartsecs = 0\non_crash = \"touch once-crashed\"\n",
    );
    let up = project.up();
    project.wait_for_word("web", "ready");
    project.wait_for_word("once", "done");
    project.run(&["restart", "web"]).expect_code(0);
    project.run(&["stop", "web"]).expect_code(0);
    up.interrupt().expect_code(0);
    assert!(!project.path("web-crashed").exists() && !project.path("once-crashed").exists());
}

#[test]
fn the_hook_of_the_last_failure_is_run_to_its_end_before_ours() {
    let project = TestProject::toml("[task.migrate]\ncommand = \"exit 4\"\non_crash = \"sleep 0.3; touch told\"\n");
    project.run(&["up"]).expect_code(1);
    assert!(project.path("told").exists());
}

#[test]
fn a_hook_that_fails_is_named() {
    let project =
        TestProject::toml("[program.web]\ncommand = \"exit 1\"\nstartretries = 0\non_crash = \"no-such-mailer\"\n");
    let up = project.up();
    up.wait_for("on_crash of web exited 127");
    up.interrupt().expect_code(1);
}
