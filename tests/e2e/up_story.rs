//! A good start: order, readiness, what is said where, and what `up` leaves alone.

use nix::sys::signal::Signal;

use crate::common::{Running, TestProject, all_files, lines_of};

/// A database that takes a moment, a migration, an API, and one that nobody needs.
const SHOP: &str = r#"
name = "shop"

[program.api]
command = "echo api >> order; echo listening; exec sleep 1000"
depends_on = ["db", "migrate"]
ready = { log = "^listening$" }

[task.migrate]
command = "echo migrate >> order; sleep 0.2; echo migrated >> order"
depends_on = ["db"]

[program.db]
command = "echo db >> order; sleep 0.4; echo dbready >> order; echo accepting; exec sleep 1000"
ready = { log = "accepting" }

[program.cache]
command = "echo warm; exec sleep 1000"
ready = { log = "warm" }
"#;

fn has_in_order(text: &str, parts: &[&str]) -> bool {
    let mut rest = text;
    parts.iter().all(|part| {
        let found = rest.find(part);
        rest = found.map_or("", |at| &rest[at + part.len()..]);
        found.is_some()
    })
}

#[test]
fn programs_start_when_what_they_need_is_ready() {
    let project = TestProject::toml(SHOP);
    let up = project.up();
    up.wait_for_banner();
    assert_eq!(project.lines("order"), ["db", "dbready", "migrate", "migrated", "api"]);
    for (name, word) in [("db", "ready"), ("migrate", "done"), ("api", "ready"), ("cache", "ready")] {
        assert_eq!(project.word(name), word, "{name}");
    }
    up.interrupt().expect_code(0);
}

#[test]
fn the_start_is_told_as_a_story() {
    let project = TestProject::toml(SHOP);
    let up = project.up();
    up.wait_for_banner();
    let told = up.stderr();
    let parts =
        ["shop", "run.toml", "3 programs, 1 task", "db", "ready in", "migrate", "done in", "api", "ready in", "up in"];
    assert!(has_in_order(&told, &parts), "{told}");
    assert!(told.contains("waiting for db, migrate"), "{told}");
    assert!(has_in_order(&told, &["slowest chain", "db", "migrate", "api"]), "{told}");
    up.interrupt().expect_code(0).expect_text("all stopped in");
}

#[test]
fn a_waiting_line_is_told_again_when_it_becomes_shorter() {
    let project = TestProject::toml(
        "[program.slow]\ncommand = \"sleep 1000\"\nready = { file = \"go\" }\n\
         [program.never]\ncommand = \"sleep 1000\"\nready = { file = \"never\" }\n\
         [program.api]\ncommand = \"sleep 1000\"\ndepends_on = [\"slow\", \"never\"]\n",
    );
    let up = project.up();
    up.wait_for("waiting for slow, never").wait_for("not ready yet (2");
    project.write("go", "");
    up.wait_for("waiting for never");
    up.interrupt().expect_code(0);
}

#[test]
fn output_of_programs_and_what_we_say_never_mix() {
    let project = TestProject::toml(SHOP);
    let up = project.up();
    up.wait_for_banner();
    let done = up.interrupt().expect_code(0);
    assert_eq!(lines_of(&done.stdout, "db"), ["accepting"]);
    assert_eq!(lines_of(&done.stdout, "api"), ["listening"]);
    assert_eq!(done.stdout.lines().count(), 3, "only program lines: {}", done.stdout);
    assert!(lines_of(&done.stderr, "api").is_empty(), "{}", done.stderr);
}

#[test]
fn prefixes_are_aligned() {
    let project = TestProject::toml(SHOP);
    let up = project.up();
    up.wait_for_banner();
    let done = up.interrupt();
    let columns: Vec<_> = done.stdout.lines().map(|line| line.find(['│', '|'])).collect();
    assert!(columns[0].is_some() && columns.iter().all(|column| *column == columns[0]), "{}", done.stdout);
}

#[test]
fn no_colour_and_no_control_byte_goes_into_a_pipe() {
    let project = TestProject::toml(SHOP);
    let up = project.up();
    up.wait_for_banner();
    let done = up.interrupt();
    for text in [done.stdout, done.stderr] {
        assert!(text.chars().all(|sign| sign == '\n' || sign == '\t' || !sign.is_control()), "{text:?}");
    }
}

#[test]
fn a_named_program_brings_what_it_needs_and_nothing_else() {
    let project = TestProject::toml(SHOP);
    let up = project.start(&["up", "migrate"]);
    project.wait_for_text("order", "migrated");
    assert_eq!(project.lines("order"), ["db", "dbready", "migrate", "migrated"]);
    assert_eq!(project.word("cache"), "off");
    assert_eq!(project.word("api"), "off");
    up.interrupt().expect_code(0);
}

#[test]
fn no_deps_starts_the_named_alone() {
    let project = TestProject::toml(SHOP);
    let up = project.start(&["up", "--no-deps", "api"]);
    project.wait_for_word("api", "ready");
    assert_eq!(project.lines("order"), ["api"]);
    up.interrupt().expect_code(0);
}

#[test]
fn an_unknown_name_is_refused_with_a_suggestion() {
    let project = TestProject::toml(SHOP);
    project.run(&["up", "cahce"]).expect_code(2).expect_text("cache");
    assert!(project.survivors().is_empty());
}

#[test]
fn up_of_tasks_alone_ends_by_itself() {
    let tasks = "[task.one]\ncommand = \"echo 1\"\n[task.two]\ncommand = \"echo 2\"\ndepends_on = [\"one\"]\n";
    let done = TestProject::toml(tasks).run(&["up"]).expect_code(0);
    assert_eq!((lines_of(&done.stdout, "one"), lines_of(&done.stdout, "two")), (vec!["1".into()], vec!["2".into()]));
    TestProject::toml("[task.one]\ncommand = \"exit 3\"\n").run(&["up"]).expect_code(1).expect_text("exited 3");
}

#[test]
fn nothing_is_written_into_the_project() {
    let project =
        TestProject::toml("[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n");
    let up = project.up();
    up.wait_for_banner();
    assert_eq!(all_files(&project.directory()), [project.path("run.toml")]);
    assert!(!all_files(&project.state()).is_empty(), "logs are kept in the state directory");
    up.interrupt().expect_code(0);
}

#[test]
fn stdin_of_a_program_never_ends() {
    let project = TestProject::toml("[program.watcher]\ncommand = \"cat; echo ended\"\nstartsecs = \"300ms\"\n");
    let up = project.up();
    up.wait_for_banner();
    assert!(!up.stdout().contains("ended"));
    assert_eq!(project.word("watcher"), "ready");
    up.interrupt().expect_code(0);
}

#[test]
fn without_a_terminal_a_second_up_is_refused_and_says_who_has_it() {
    let project = TestProject::toml(SHOP);
    let up = project.up();
    up.wait_for_banner();
    let pid = up.pid().to_string();
    let second = project.run(&["up"]).expect_code(2).expect_text(&pid);
    assert!(second.stdout.is_empty());
    assert_eq!(project.lines("order").len(), 5, "nothing was started twice");
    up.interrupt().expect_code(0);
}

#[test]
fn one_command_runs_under_supervision_without_a_file() {
    let project = TestProject::empty();
    let done = project.run(&["up", "--", "sh", "-c", "echo hello; exit 4"]);
    assert!(done.stdout.contains("hello"), "{done:?}");
    assert_eq!(done.code, 4, "{done:?}");
}

#[test]
fn ports_are_the_same_at_every_start_and_in_the_environment() {
    let text = "[program.web]\ncommand = \"echo port $PORT; echo on >&2; exec sleep 1000\"\nport = \"auto\"\nready = { log = \"on\" }\n\
                [program.client]\ncommand = \"echo sees $WEB; exec sleep 1000\"\nenvironment = { WEB = \"${web.url}\" }\n\
                depends_on = [\"web\"]\nready = { log = \"sees\" }\n";
    let project = TestProject::toml(text);
    let start = || {
        let up = project.up();
        up.wait_for_banner();
        up.interrupt().expect_code(0).stdout
    };
    let (first, second) = (start(), start());
    let port = lines_of(&first, "web")[0].clone();
    assert_eq!(port, lines_of(&second, "web")[0]);
    let number: u16 = port.trim_start_matches("port ").parse().unwrap();
    assert!((10_000..20_000).contains(&number), "{port}");
    assert_eq!(lines_of(&first, "client")[0], format!("sees http://127.0.0.1:{number}"));
}

#[test]
fn a_program_is_not_ready_before_its_port_answers() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"exec sleep 1000\"\nport = \"auto\"\n\
         [program.after]\ncommand = \"touch after\"\ndepends_on = [\"web\"]\n",
    );
    let up = project.up();
    up.wait_for("not ready yet");
    assert_eq!(project.word("web"), "starting");
    assert_eq!(project.word("after"), "waiting");
    assert!(!project.path("after").exists());
    up.interrupt();
}

#[test]
fn a_program_that_is_up_is_not_ready_within_its_timeout() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"exec sleep 1000\"\nready = { file = \"never\", timeout = \"300ms\" }\nstartretries = 0\n",
    );
    let up = project.up();
    up.wait_for("not ready within");
    project.wait_for_word("web", "failed");
    up.signal(Signal::SIGTERM);
    up.end().expect_code(1);
}

/// Each kind of ready check that is answered by the program itself, with a shell's means.
#[test]
fn file_and_exec_checks_are_asked_until_they_pass() {
    let project = TestProject::toml(
        r#"
        [program.file]
        command = "sleep 0.3; touch now; exec sleep 1000"
        ready = { file = "now" }
        [program.exec]
        command = "sleep 0.3; touch answered; exec sleep 1000"
        ready = { exec = "test -f answered" }
        "#,
    );
    let up: Running<'_> = project.up();
    up.wait_for_banner();
    assert!(project.path("now").exists() && project.path("answered").exists());
    up.interrupt().expect_code(0);
}
