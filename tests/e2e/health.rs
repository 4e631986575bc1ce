//! What looks as if it ran and does not do what it should: each is told by its reason, in the stream, in `why` and in JSON.

use crate::common::{TestProject, has_tool};

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
    assert!(
        !project.survivors().iter().any(|found| format!("{found:?}").contains("sleep")),
        "{:?}",
        project.survivors()
    );
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
