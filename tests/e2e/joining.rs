//! `run up` in a project that is up already.

use crate::common::terminal::Terminal;
use crate::common::{PATIENCE, TestProject};

const SHOP: &str = r#"
[program.db]
command = "echo accepting; exec sleep 1000"
ready = { log = "accepting" }
[task.migrate]
command = "echo migrated"
depends_on = ["db"]
[program.later]
command = "exec sleep 1000"
autostart = false
"#;

#[test]
fn up_d_again_starts_what_is_missing_and_nothing_else() {
    let project = TestProject::toml(SHOP);
    project.run(&["up", "-d"]).expect_code(0);
    let again = project.run(&["up", "-d"]).expect_code(0);
    assert!(again.stderr.contains("nothing is missing"), "{}", again.stderr);
    project.run(&["stop", "db"]).expect_code(0);
    let again = project.run(&["up", "-d"]).expect_code(0);
    assert!(again.stderr.contains("; starting db\n"), "{}", again.stderr);
    assert_eq!(project.process("migrate").unwrap()["runs"], 1, "a task runs once per up");
    assert_eq!(project.word("later"), "off");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn up_d_again_is_not_fine_while_something_is_still_starting() {
    let project = TestProject::toml("[program.web]\ncommand = \"sleep 1000\"\nready = { file = \"go\" }\n");
    project.run(&["up", "-d", "--timeout", "100ms"]).expect_code(124);
    project.run(&["up", "-d", "--timeout", "100ms"]).expect_code(124);
    project.run(&["start", "web", "--timeout", "100ms"]).expect_code(124);
    project.write("go", "");
    project.run(&["up", "-d"]).expect_code(0);
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_wrong_name_is_all_that_is_told_of_a_project_that_is_up() {
    let project = TestProject::toml(SHOP);
    project.run(&["up", "-d"]).expect_code(0);
    for words in [&["up", "migrte"] as &[&str], &["up", "-d", "migrte"]] {
        let told = project.run(words).expect_code(2).stderr;
        assert!(told.contains("no program or group `migrte`") && told.contains("did you mean `migrate`?"), "{told}");
        assert!(!told.contains("already up"), "{told}");
    }
    let told = project.run(&["up", "db"]).expect_code(2).stderr;
    assert!(told.contains("already up"), "{told}");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_profile_that_was_asked_for_later_holds_for_what_the_config_gets_after_that() {
    let program = |name: &str, profile: &str| {
        format!("[program.{name}]\ncommand = \"exec sleep 1000\"\nstartsecs = 0\nprofiles = [{profile}]\n")
    };
    let shop = [program("web", ""), program("mail", "\"full\"")].concat();
    let project = TestProject::toml(&shop);
    project.run(&["up", "-d"]).expect_code(0);
    assert_eq!(project.word("mail"), "off");
    let joined = project.run(&["up", "-d", "--profile", "full"]).expect_code(0);
    assert!(joined.stderr.contains("; starting mail\n"), "{}", joined.stderr);
    project.wait_for_word("mail", "ready");
    let pid = project.pid("mail");
    project.write("run.toml", [&*shop, &program("search", "\"full\""), &program("admin", "\"debug\"")].concat());
    project.wait_for_word("search", "ready");
    assert_eq!((project.word("admin"), project.pid("mail")), ("off".to_owned(), pid));
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_joined_stream_begins_with_what_was_said_since_the_project_is_up() {
    let project = TestProject::toml("[task.old]\ncommand = \"echo of an earlier time\"\n");
    project.run(&["up", "-d"]).expect_code(0);
    project.write("run.toml", "[program.web]\ncommand = \"echo of now; exec sleep 1000\"\nready = { log = \"now\" }\n");
    project.run(&["up", "-d"]).expect_code(0);
    let terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("of now");
    assert!(!terminal.screen().contains("of an earlier time"), "{}", terminal.screen());
    terminal.press("\x03").wait_for("keeps running   ");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_joined_stream_says_what_has_ended_the_project() {
    let worker = "worker: while ! test -e go; do sleep 0.05; done; exit 3\n";
    let project = TestProject::empty().file("Procfile", format!("web: sleep 1000\n{worker}"));
    project.run(&["up", "-d"]).expect_code(0);
    let terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("Ctrl-C leaves");
    project.write("go", "");
    terminal.wait_for("is down");
    let screen = terminal.screen();
    assert!(screen.contains("worker   exited 3") && screen.contains("web      stopped in "), "{screen}");
}

#[test]
fn ctrl_c_leaves_a_joined_stream_and_everything_keeps_running() {
    let project = TestProject::toml(SHOP);
    project.run(&["up", "-d"]).expect_code(0);
    let mut terminal = Terminal::start(&project, &["up"]);
    terminal.wait_for("Ctrl-C leaves");
    project.run(&["restart", "db"]).expect_code(0);
    terminal.wait_for("starting, run 2").press("\x03").wait_for("keeps running   ");
    let mut code = None;
    project.wait_until("the end of the joined up", PATIENCE, || {
        code = terminal.running.has_ended();
        code.is_some()
    });
    assert_eq!(code, Some(0));
    assert_eq!(project.word("db"), "ready");
    project.run(&["down"]).expect_code(0);
}
