//! A crash is the loudest state, and a loop is never called ready.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::sys::signal::Signal;

use crate::common::{Running, Terminal, TestProject};

const BROKEN: &str = r#"
[program.db]
command = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do echo line $i; done; echo queue refused: bad credentials >&2; exit 3"
startretries = 1
ready = { log = "never" }
[program.api]
command = "touch api-started; exec sleep 1000"
depends_on = ["db"]
[program.web]
command = "touch web-started; exec sleep 1000"
depends_on = ["api"]
[program.mail]
command = "echo on; exec sleep 1000"
ready = { log = "on" }
"#;

fn failed(project: &TestProject) -> Running<'_> {
    let up = project.up();
    project.wait_for_word("db", "failed");
    up
}

#[test]
fn the_box_shows_the_reason_and_the_last_lines() {
    let project = TestProject::toml(BROKEN);
    let up = failed(&project);
    up.wait_for("gave up after").wait_for("run why db");
    let told = up.stderr();
    assert!(told.contains("exited 3"), "{told}");
    let rows = told[told.find("last 12 of").expect(&told)..].lines().skip(1);
    let rows: Vec<&str> = rows.take_while(|line| !line.contains("since")).collect();
    assert_eq!(rows.len(), 12, "{told}");
    assert!(rows[11].contains("queue refused: bad credentials"), "{told}");
    up.interrupt().expect_code(1);
}

/// Seconds since midnight of the clock time behind a word.
fn clock_behind(word: &str, text: &str) -> i64 {
    let clock = &text[text.find(word).expect(text) + word.len()..][..8];
    clock.split(':').fold(0, |seconds, part| seconds * 60 + part.parse::<i64>().expect(text))
}

#[test]
fn the_box_has_the_clock_of_this_place() {
    let project = TestProject::toml("[program.web]\ncommand = \"exit 3\"\nautorestart = false\n");
    let command = ["TZ=HERE-9", env!("CARGO_BIN_EXE_run"), "up"];
    let up = Terminal::start_program(&project, Path::new("/usr/bin/env"), &command);
    up.wait_for("since ").wait_for("pid ");
    let why = project.run(&["why", "web", "--json"]).expect_code(0).stdout;
    let began: serde_json::Value = serde_json::from_str(&why).unwrap();
    let began = began["processes"][0]["process"]["history"][0]["at"].as_i64().unwrap() / 1000;
    let apart = (clock_behind("since ", &up.screen()) - began - 9 * 3600).rem_euclid(24 * 3600);
    assert!(apart.min(24 * 3600 - apart) < 60, "{}", up.screen());
    up.press("\x03");
}

#[test]
fn dependents_of_a_failure_say_so_and_stay_down() {
    let project = TestProject::toml(BROKEN);
    let up = failed(&project);
    project.wait_for_word("web", "blocked");
    assert_eq!(project.word("api"), "blocked");
    // Who does not need it comes up and stays so.
    project.wait_for_word("mail", "ready");
    up.wait_for("api").wait_for("not started: db failed");
    assert!(!project.path("api-started").exists() && !project.path("web-started").exists());
    up.interrupt().expect_code(1);
}

#[test]
fn a_failure_is_seen_by_every_question() {
    let project = TestProject::toml(BROKEN);
    let up = failed(&project);
    project.run(&["status"]).expect_code(1).expect_text("failed");
    project.run(&["wait", "api", "--timeout", "20s"]).expect_code(1);
    project.run(&["wait", "mail", "--timeout", "20s"]).expect_code(0);
    project.run(&["why", "web"]).expect_text("api");
    project.run(&["why", "db"]).expect_text("exited 3");
    up.interrupt().expect_code(1);
}

/// Fails at once, and from then on says that it is up and dies: every run looks good for a moment.
const LOOPING: &str = "[program.loop]\ncommand = \"test -f seen || { touch seen; exit 1; }; echo on; sleep 0.2; exit 1\"\n\
                       ready = { log = \"on\" }\nstartretries = 50\n";

#[test]
fn a_crash_loop_is_never_shown_as_ready() {
    let project = TestProject::toml(LOOPING);
    let up = project.up();
    up.wait_for("(run 1)");
    for _ in 0..30 {
        assert_ne!(project.run(&["status"]).code, 0);
        assert_ne!(project.word("loop"), "ready");
    }
    assert!(!up.stderr().contains("up in "), "{}", up.stderr());
    let wait = project.run(&["wait", "loop", "--timeout", "2s"]);
    assert!(wait.code == 1 || wait.code == 124, "{wait:?}");
    up.interrupt();
}

#[test]
fn delays_between_tries_grow_and_then_it_gives_up() {
    let project = TestProject::toml("[program.web]\ncommand = \"date +%s%N >> runs; exit 1\"\nstartretries = 2\n");
    let up = project.up();
    project.wait_for_word("web", "failed");
    let runs: Vec<u64> = project.lines("runs").iter().map(|line| line.parse().unwrap()).collect();
    assert_eq!(runs.len(), 3, "one start and two tries");
    assert!(runs[2] - runs[1] > 900_000_000, "{runs:?}");
    up.wait_for("again in 1s").wait_for("gave up after 3 runs");
    up.interrupt().expect_code(1);
}

#[test]
fn killed_by_a_signal_is_told_by_its_name() {
    let project = TestProject::toml("[program.web]\ncommand = \"kill -SEGV $$\"\nstartretries = 0\n");
    let up = project.up();
    up.wait_for("killed by SIGSEGV");
    up.interrupt().expect_code(1);
}

#[test]
fn a_program_that_cannot_be_started_says_why() {
    let project = TestProject::toml("[program.api]\ncommand = [\"./bin/api\"]\nstartretries = 0\n");
    let up = project.up();
    up.wait_for("could not start").wait_for("./bin/api");
    project.wait_for_word("api", "failed");
    up.wait_for("next: run check   -   run restart api");
    project.run(&["why", "api"]).expect_text("next     run check - run restart api");
    project.run(&["up", "-d"]).expect_code(1).expect_text("next: run check   -   run restart api");
    up.interrupt().expect_code(1);
}

#[test]
fn the_interpreter_that_a_script_in_the_programs_own_directory_lacks_is_named() {
    let project =
        TestProject::toml("[program.api]\ncommand = [\"./bin/api\"]\ndirectory = \"worker\"\nstartretries = 0\n");
    let script = project.path("worker/bin/api");
    fs::create_dir_all(script.parent().unwrap()).unwrap();
    fs::write(&script, "#!/no/such/python\n").unwrap();
    fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    let up = project.up();
    up.wait_for("/no/such/python, the interpreter that the first line of ./bin/api names");
    up.interrupt().expect_code(1);
}

#[test]
fn a_task_that_fails_is_not_tried_again() {
    let project = TestProject::toml(
        "[task.migrate]\ncommand = \"echo once >> runs; exit 1\"\n[program.api]\ncommand = \"sleep 1000\"\ndepends_on = [\"migrate\"]\n",
    );
    let up = project.up();
    project.wait_for_word("api", "blocked");
    assert_eq!(project.lines("runs"), ["once"]);
    up.interrupt().expect_code(1);
}

#[test]
fn dependents_start_by_themselves_when_the_failure_is_mended() {
    let project = TestProject::toml(
        "[program.db]\ncommand = \"test -f mended || exit 1; echo on; exec sleep 1000\"\nstartretries = 0\nready = { log = \"on\" }\n\
         [program.api]\ncommand = \"echo on; exec sleep 1000\"\ndepends_on = [\"db\"]\nready = { log = \"on\" }\n",
    );
    let up = project.up();
    project.wait_for_word("api", "blocked");
    project.write("mended", "");
    project.run(&["start", "db"]).expect_code(0);
    project.wait_for_word("api", "ready");
    up.signal(Signal::SIGTERM);
    up.end().expect_code(0);
}

#[test]
fn an_optional_dependency_that_fails_holds_nobody_up() {
    let project = TestProject::toml(
        "[program.mail]\ncommand = \"exit 1\"\nstartretries = 0\n\
         [program.api]\ncommand = \"echo on; exec sleep 1000\"\ndepends_on = [{ name = \"mail\", optional = true }]\nready = { log = \"on\" }\n",
    );
    let up = project.up();
    project.wait_for_word("api", "ready");
    up.interrupt().expect_code(1);
}
