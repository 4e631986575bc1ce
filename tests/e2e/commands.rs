//! The commands that talk to a running project, typed anywhere in it.

use std::process::Command;

use serde_json::Value;

use crate::common::{Done, PATIENCE, Running, TestProject, lines_of};

const SHOP: &str = r#"
name = "shop"
[environment]
LEVEL = "info"
[program.db]
command = "trap 'echo hup' HUP; echo accepting; while :; do sleep 0.05; done"
ready = { log = "accepting" }
[program.api]
command = "echo listening on $PORT; exec sleep 1000"
depends_on = ["db"]
port = "auto"
ready = { log = "listening" }
environment = { API_TOKEN = "s3cret", NAME = "api" }
[program.later]
command = "echo later; exec sleep 1000"
autostart = false
ready = { log = "later" }
"#;

fn started(project: &TestProject) -> Running<'_> {
    let up = project.up();
    up.wait_for_banner();
    up
}

/// A command typed in a directory below the project.
fn from_below(project: &TestProject, arguments: &[&str]) -> Done {
    project.write("src/deep/file", "");
    let mut command: Command = project.command(arguments);
    command.current_dir(project.path("src/deep"));
    project.finish(command)
}

#[test]
fn status_shows_a_table() {
    let project = TestProject::toml(SHOP);
    let up = started(&project);
    let done = from_below(&project, &["status"]).expect_code(0);
    let row = |name: &str| {
        done.stdout.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{}", done.stdout))
    };
    assert!(row("NAME").contains("STATE"));
    assert!(row("db").contains("ready") && row("api").contains("ready") && row("later").contains("off"));
    assert!(done.stdout.lines().next().unwrap().contains("shop"), "{}", done.stdout);
    up.interrupt().expect_code(0);
}

#[test]
fn status_as_json_has_a_schema() {
    let project = TestProject::toml(SHOP);
    let up = started(&project);
    let status = project.status().unwrap();
    assert_eq!(status["schema"], 1);
    assert_eq!(status["project"], "shop");
    assert_eq!(status["processes"][0]["name"], "db", "in start order");
    let text = status.to_string();
    assert!(!text.contains("s3cret"), "secrets of the environment never leave: {text}");
    up.interrupt().expect_code(0);
}

#[test]
fn exit_codes_of_status_tell_the_state() {
    let project = TestProject::toml("[program.web]\ncommand = \"sleep 1000\"\nready = { file = \"go\" }\n");
    project.run(&["status"]).expect_code(2);
    let up = project.up();
    project.wait_for_word("web", "starting");
    project.run(&["status"]).expect_code(3);
    project.write("go", "");
    project.wait_for_word("web", "ready");
    project.run(&["status"]).expect_code(0);
    up.interrupt().expect_code(0);
    project.run(&["status"]).expect_code(2);
}

#[test]
fn status_w_follows_the_changes() {
    let project = TestProject::toml(SHOP);
    let up = started(&project);
    let watching = project.start(&["status", "-w"]);
    watching.wait_for("NAME");
    project.run(&["stop", "api"]).expect_code(0);
    watching.wait_until("the stop is told", || {
        watching.stdout().lines().any(|line| line.contains("api") && line.contains("stop"))
    });
    up.interrupt().expect_code(0);
    watching.end();
}

#[test]
fn stop_start_and_restart_act_on_what_is_named() {
    let project = TestProject::toml(SHOP);
    let up = started(&project);
    let (db, api) = (project.pid("db"), project.pid("api"));
    from_below(&project, &["restart", "api"]).expect_code(0);
    assert_ne!(project.pid("api"), api);
    assert_eq!(project.pid("db"), db, "who was not named keeps running");
    project.run(&["stop", "api"]).expect_code(0);
    assert_eq!((project.word("api"), project.word("db")), ("off".into(), "ready".into()));
    let ended = project.process("api").unwrap();
    assert_eq!((&ended["last_exit"], &ended["exit_code"]), (&"stopped".into(), &143.into()), "that is no failure");
    project.run(&["start", "api"]).expect_code(0);
    assert_eq!(project.word("api"), "ready", "start returns when it is ready");
    up.interrupt().expect_code(0);
}

#[test]
fn stop_says_who_depends_on_it_and_stops_them_when_asked() {
    let project = TestProject::toml(SHOP);
    let up = started(&project);
    project.run(&["stop", "db"]).expect_code(0).expect_text("api");
    assert_eq!((project.word("db"), project.word("api")), ("off".into(), "ready".into()));
    project.run(&["start", "db"]).expect_code(0);
    project.run(&["stop", "--with-dependents", "db"]).expect_code(0);
    assert_eq!((project.word("db"), project.word("api")), ("off".into(), "off".into()));
    project.run(&["start", "api"]).expect_code(0);
    assert_eq!(project.word("db"), "ready", "start starts what is needed first");
    up.interrupt().expect_code(0);
}

#[test]
fn names_may_be_globs_and_unknown_ones_are_refused() {
    let project = TestProject::toml(SHOP);
    let up = started(&project);
    project.run(&["stop", "a*"]).expect_code(0);
    assert_eq!((project.word("api"), project.word("db")), ("off".into(), "ready".into()));
    let done = project.run(&["stop", "dbb"]).expect_text("db");
    assert_ne!(done.code, 0);
    up.interrupt().expect_code(0);
}

#[test]
fn start_starts_what_does_not_start_by_itself() {
    let project = TestProject::toml(SHOP);
    let up = started(&project);
    assert_eq!(project.word("later"), "off");
    project.run(&["start", "later"]).expect_code(0);
    assert_eq!(project.word("later"), "ready");
    up.interrupt().expect_code(0);
}

#[test]
fn signal_reaches_the_program() {
    let project = TestProject::toml(SHOP);
    let up = started(&project);
    project.run(&["signal", "HUP", "db"]).expect_code(0);
    up.wait_for("hup");
    assert_eq!(project.word("db"), "ready");
    assert_ne!(project.run(&["signal", "NONSENSE", "db"]).code, 0);
    up.interrupt().expect_code(0);
}

#[test]
fn wait_returns_ready_or_runs_out_of_time() {
    let project = TestProject::toml("[program.web]\ncommand = \"sleep 1000\"\nready = { file = \"go\" }\n");
    let up = project.up();
    project.wait_for_word("web", "starting");
    project.run(&["wait", "web", "--timeout", "200ms"]).expect_code(124);
    let waiting = project.start(&["wait", "web", "--timeout", "30s"]);
    project.write("go", "");
    waiting.end().expect_code(0);
    up.interrupt().expect_code(0);
}

#[test]
fn why_tells_what_is_open() {
    let project = TestProject::toml(
        "[program.db]\ncommand = \"sleep 1000\"\nready = { file = \"go\" }\n[program.api]\ncommand = \"sleep 1000\"\ndepends_on = [\"db\"]\n",
    );
    let up = project.up();
    project.wait_for_word("api", "waiting");
    from_below(&project, &["why", "api"]).expect_text("api is waiting").expect_text("db");
    project.run(&["why", "db"]).expect_text("starting").expect_text("file");
    up.interrupt().expect_code(0);
}

#[test]
fn logs_are_there_while_it_runs_and_afterwards() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"echo one; echo two >&2; echo three; exec sleep 1000\"\nready = { log = \"three\" }\n",
    );
    let up = started(&project);
    let running = from_below(&project, &["logs", "web"]).expect_code(0);
    assert_eq!(lines_of(&running.stdout, "web"), ["one", "two", "three"]);
    up.interrupt().expect_code(0);
    let afterwards = project.run(&["logs", "-n", "2"]).expect_code(0);
    assert_eq!(lines_of(&afterwards.stdout, "web"), ["two", "three"]);
}

#[test]
fn logs_of_one_run_are_kept_apart() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"echo run >> runs; echo this is $(wc -l < runs); exec sleep 1000\"\nready = { log = \"this\" }\n",
    );
    let up = started(&project);
    project.run(&["restart", "web"]).expect_code(0);
    let first = project.run(&["logs", "--run", "1", "web"]).expect_code(0);
    assert_eq!(lines_of(&first.stdout, "web"), ["this is 1"]);
    let second = project.run(&["logs", "--run", "2", "web"]).expect_code(0);
    assert_eq!(lines_of(&second.stdout, "web"), ["this is 2"]);
    up.interrupt().expect_code(0);
}

#[test]
fn logs_f_follows_until_it_is_down() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"echo on; while ! test -f say; do sleep 0.05; done; echo later; exec sleep 1000\"\nready = { log = \"on\" }\n",
    );
    let up = started(&project);
    let following = project.start(&["logs", "-f", "web"]);
    project.write("say", "");
    following.wait_for("later");
    up.interrupt().expect_code(0);
    following.end().expect_code(0);
}

#[test]
fn logs_f_of_a_project_that_is_down_says_so_and_waits_for_it() {
    let project =
        TestProject::toml("[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n");
    started(&project).interrupt().expect_code(0);
    let following = project.start(&["logs", "-f", "web"]);
    following.wait_for("is down; run up starts it, and what it writes then comes here (Ctrl-C leaves)");
    following.wait_until("what was there is shown", || lines_of(&following.stdout(), "web") == ["on"]);
    let up = started(&project);
    following.wait_until("its output is there", || lines_of(&following.stdout(), "web") == ["on", "on"]);
    up.interrupt().expect_code(0);
    following.end().expect_code(0);
}

#[test]
fn logs_come_in_pages_with_a_cursor() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"seq -f 'line %g' 5; echo on; exec sleep 1000\"\nready = { log = \"on\" }\n\n[task.other]\ncommand = \"echo old\"\n",
    );
    let up = started(&project);
    let page = |arguments: &[&str]| {
        let done = project.run(arguments).expect_code(0);
        let mut lines: Vec<Value> = done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = lines.pop().unwrap();
        let texts: Vec<String> = lines.iter().map(|line| line["line"].as_str().unwrap().to_owned()).collect();
        (texts, last["cursor"].as_str().unwrap().to_owned(), last["has_more"].as_bool().unwrap())
    };
    let (first, cursor, has_more) = page(&["logs", "web", "--json", "--max-bytes", "14"]);
    assert_eq!((first, has_more), (vec!["line 1".to_owned(), "line 2".to_owned()], true));
    let (rest, cursor, has_more) = page(&["logs", "web", "--json", "--since", &cursor]);
    assert_eq!((rest.join(" "), has_more), ("line 3 line 4 line 5 on".to_owned(), false));
    assert_eq!(page(&["logs", "--json", "--since", &cursor]).0, Vec::<String>::new(), "nor who was not asked about");
    project.run(&["restart", "web"]).expect_code(0);
    assert_eq!(page(&["logs", "--json", "--since", &cursor]).0.len(), 6);
    let told = project.run(&["logs", "web", "--max-bytes", "1"]).expect_code(0);
    assert!(told.stderr.starts_with("there is more: run logs --since "), "{told:?}");
    assert!(told.stderr.ends_with(" --max-bytes 1 web\n"), "{told:?}");
    project.run(&["logs", "--max-bytes", "0"]).expect_code(2).expect_text("without --max-bytes comes all there is");
    up.interrupt().expect_code(0);
}

#[test]
fn exec_runs_in_the_projects_environment_and_returns_its_code() {
    let project = TestProject::toml(SHOP).file(".env", "FROM_FILE=yes\n");
    let done = from_below(&project, &["exec", "--", "sh", "-c", "echo $LEVEL $FROM_FILE; exit 7"]).expect_code(7);
    assert_eq!(done.stdout, "info yes\n");
    let done = project.run(&["exec", "--as", "api", "--", "sh", "-c", "echo $NAME"]).expect_code(0);
    assert_eq!(done.stdout, "api\n");
    project.run(&["exec", "--", "no-such-command"]).expect_code(127);
}

#[test]
fn env_masks_what_looks_secret() {
    let project = TestProject::toml(SHOP);
    let masked = project.run(&["env", "api"]).expect_code(0);
    assert!(masked.stdout.contains("LEVEL=info") && masked.stdout.contains("API_TOKEN"), "{masked:?}");
    assert!(!masked.stdout.contains("s3cret"), "{masked:?}");
    project.run(&["env", "api", "--reveal"]).expect_code(0).expect_text("s3cret");
}

#[test]
fn check_and_graph_need_nothing_running() {
    let project = TestProject::toml(SHOP);
    from_below(&project, &["check"]).expect_code(0);
    let text = project.run(&["graph"]).expect_code(0).stdout;
    assert!(text.find("db").unwrap() < text.find("api").unwrap(), "{text}");
    project.run(&["graph", "--format", "dot"]).expect_code(0).expect_text("digraph").expect_text("->");
    project.run(&["graph", "--format", "mermaid"]).expect_code(0).expect_text("-->");
    project.run(&["graph", "--format", "svg"]).expect_code(0).expect_text("<svg");
    assert!(project.survivors().is_empty());
}

#[test]
fn c_addresses_another_directory() {
    let project = TestProject::toml(SHOP);
    let up = started(&project);
    let mut command = project.command(&["-C", project.directory().to_str().unwrap(), "status"]);
    command.current_dir("/");
    project.finish(command).expect_code(0).expect_text("shop");
    up.interrupt().expect_code(0);
}

#[test]
fn two_variations_of_one_directory_run_side_by_side() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"echo on $PORT; exec sleep 1000\"\nport = \"auto\"\nready = { log = \"on\" }\n",
    );
    let one = started(&project);
    let two = project.start(&["-p", "two", "up"]);
    two.wait_for_banner();
    assert_ne!(lines_of(&one.stdout(), "web"), lines_of(&two.stdout(), "web"), "each has its own port");
    project.run(&["-p", "two", "why", "web"]).expect_code(0).expect_text("run -p two restart web");
    project.run(&["-p", "two", "down"]).expect_code(0);
    two.end().expect_code(0);
    project
        .run(&["-p", "two", "stop", "web"])
        .expect_code(2)
        .expect_text("two is not up (run.toml); run -p two up starts it");
    assert_eq!(project.word("web"), "ready", "the other one goes on");
    one.interrupt().expect_code(0);
}

#[test]
fn commands_say_that_nothing_is_up() {
    let project = TestProject::toml(SHOP);
    for arguments in [&["status"][..], &["stop", "db"], &["start", "db"], &["wait", "db"], &["restart", "db"]] {
        let done = project.run(arguments).expect_code(2);
        assert!(done.stderr.contains("not up") || done.stderr.contains("run up"), "{arguments:?}: {done:?}");
    }
    project.run(&["down"]).expect_code(0);
}

#[test]
fn the_socket_is_for_its_owner_alone_and_goes_with_the_project() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let project = TestProject::toml(SHOP);
    let up = started(&project);
    let files = crate::common::all_files(&project.runtime());
    let socket = files.iter().find(|path| path.file_name().unwrap() == "socket").unwrap_or_else(|| panic!("{files:?}"));
    let found = std::fs::metadata(socket).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(socket.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    up.interrupt().expect_code(0);
    assert!(!socket.exists());
}

#[test]
fn numprocs_makes_a_group_that_can_be_named() {
    let project = TestProject::toml(
        "[program.worker]\ncommand = \"echo on; exec sleep 1000\"\nnumprocs = 3\nready = { log = \"on\" }\n",
    );
    let up = started(&project);
    project.run(&["stop", "worker:worker_1"]).expect_code(0);
    assert_eq!(project.word("worker:worker_1"), "off");
    assert_eq!(project.word("worker:worker_2"), "ready");
    project.run(&["stop", "worker:*"]).expect_code(0);
    project.wait_until("all are off", PATIENCE, || {
        (0..3).all(|number| project.word(&format!("worker:worker_{number}")) == "off")
    });
    up.interrupt().expect_code(0);
}
