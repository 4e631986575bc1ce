//! `run reload`, and supervisord's `reread`, `update`, `add`, `remove` and `reload`, against a project that runs.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::common::{Done, PATIENCE, TestProject, free_port, has_tool};

/// A name, and what its section says beside a command that stays.
fn program(name: &str, keys: &str) -> String {
    format!("[program.{name}]\ncommand = [\"sleep\", \"1000\"]\nstartsecs = 0\n{keys}\n")
}

/// A config of these programs.
fn config(programs: &[(&str, &str)]) -> String {
    programs.iter().map(|(name, keys)| program(name, keys)).collect()
}

/// A project of db, cache and api, all up.
fn shop() -> TestProject {
    let project = TestProject::toml(&config(&[("db", ""), ("cache", ""), ("api", "depends_on = [\"db\"]")]));
    project.run(&["up", "-d", "--reload", "off"]).expect_code(0);
    project
}

/// The pids of these, all of them alive.
fn pids(project: &TestProject, names: &[&str]) -> Vec<u32> {
    let pids: Vec<u32> = names.iter().map(|name| project.pid(name)).collect();
    assert!(!pids.contains(&0), "{names:?} are up: {pids:?}");
    pids
}

fn names(project: &TestProject) -> Vec<String> {
    let status = project.status().unwrap();
    let processes = status["processes"].as_array().unwrap().iter();
    processes.map(|process| process["name"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn down(project: &TestProject) {
    project.run(&["down"]).expect_code(0);
    assert!(project.survivors().is_empty());
}

/// The marks of a plan's rows, each with its name.
fn rows(done: &Done) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    done.stdout.lines().map(words).collect()
}

#[test]
fn what_is_the_same_keeps_its_pid_and_what_is_not_is_started_stopped_or_restarted() {
    let project = shop();
    let before = pids(&project, &["db", "api"]);
    let log = "environment = { LOG_LEVEL = \"debug\" }\ndepends_on = [\"db\"]";
    project.write("run.toml", config(&[("db", "startretries = 9"), ("api", log), ("mail", "depends_on = [\"db\"]")]));
    let plan = project.run(&["reload", "--dry-run"]).expect_code(0);
    assert_eq!(rows(&plan), ["~ db", "~ api", "+ mail", "- cache"]);
    assert_eq!(pids(&project, &["db", "api"]), before, "a dry run touches nobody");
    let done = project.run(&["reload"]).expect_code(0);
    assert_eq!(done.stdout, plan.stdout);
    assert!(plan.stdout.contains("startretries 3 -> 9") && plan.stdout.contains("in place"), "{}", plan.stdout);
    assert!(plan.stdout.contains("environment LOG_LEVEL added") && !plan.stdout.contains("debug"), "{}", plan.stdout);
    assert_eq!(project.pid("db"), before[0]);
    assert_ne!(pids(&project, &["api", "mail"])[0], before[1]);
    project.wait_until("cache is gone", PATIENCE, || names(&project) == ["db", "api", "mail"]);
    let again = project.run(&["reload"]).expect_code(0);
    assert_eq!(again.stdout, "nothing has changed\n");
    down(&project);
}

#[test]
fn a_broken_config_changes_nothing_and_says_where() {
    let project = shop();
    let before = pids(&project, &["db", "cache", "api"]);
    project.write("run.toml", config(&[("db", "dependson = [\"x\"]")]));
    for line in [&["reload"][..], &["reload", "--dry-run"]] {
        let done = project.run(line).expect_code(2);
        assert!(done.stderr.contains("run.toml:4:1") && done.stderr.contains("depends_on"), "{}", done.stderr);
        assert!(done.stderr.ends_with("everything keeps running\n"), "{}", done.stderr);
    }
    let report: Value = serde_json::from_str(&project.run(&["reload", "--json"]).expect_code(2).stdout).unwrap();
    assert!(report["refused"].as_str().unwrap().contains("dependson"), "{report}");
    assert_eq!(pids(&project, &["db", "cache", "api"]), before);
    down(&project);
}

#[test]
fn status_says_when_the_files_are_others_than_those_it_runs_by() {
    let project = shop();
    let differs = || {
        let status = project.status().unwrap();
        assert!(status["sources"].is_null(), "hashes are nobody's business");
        status["notes"].as_array().unwrap().iter().any(|note| note.as_str().unwrap().contains("run reload"))
    };
    assert!(!differs());
    project.write("run.local.toml", "[program.db]\nstartretries = 4\n");
    assert!(differs());
    project.run(&["status"]).expect_text("run.local.toml has changed since");
    project.run(&["reload"]).expect_code(0);
    assert!(!differs());
    project.write(".env", "A=1\n");
    assert!(differs());
    down(&project);
}

#[test]
fn another_value_in_an_env_file_restarts_those_who_read_it() {
    let api = "environment = {}\nenv_file = \"api.env\"";
    let project = TestProject::toml(&config(&[("db", ""), ("api", api)])).file("api.env", "LEVEL=one\nSAME=1\n");
    project.run(&["up", "-d", "--reload", "off"]).expect_code(0);
    let before = pids(&project, &["db", "api"]);
    project.write("api.env", "LEVEL=two\nSAME=1\n");
    let done = project.run(&["reload"]).expect_code(0);
    assert!(done.stdout.contains("api.env LEVEL changed") && !done.stdout.contains("two"), "{}", done.stdout);
    assert_eq!(project.pid("db"), before[0]);
    assert_ne!(pids(&project, &["api"])[0], before[1]);
    down(&project);
}

#[test]
fn instances_come_and_go_and_the_others_stay() {
    let project = TestProject::toml(&program("worker", "numprocs = 2"));
    project.run(&["up", "-d", "--reload", "off"]).expect_code(0);
    let before = pids(&project, &["worker:worker_0", "worker:worker_1"]);
    project.write("run.toml", program("worker", "numprocs = 4"));
    project.run(&["reload"]).expect_code(0);
    assert_eq!(names(&project).len(), 4);
    assert_eq!(pids(&project, &["worker:worker_0", "worker:worker_1"]), before);
    project.write("run.toml", program("worker", "numprocs = 2"));
    project.run(&["reload"]).expect_code(0);
    project.wait_until("two are left", PATIENCE, || names(&project).len() == 2);
    assert_eq!(pids(&project, &["worker:worker_0", "worker:worker_1"]), before);
    down(&project);
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_gone_from_the_config_leaves_no_file_of_ours_open() {
    let talks = |name: &str| {
        let keys = format!("stdout_logfile = \"{name}.log\"\nstartsecs = 0\n");
        format!("[program.{name}]\ncommand = \"echo hello; exec sleep 1000\"\n{keys}")
    };
    let project = TestProject::toml(&talks("web"));
    project.run(&["up", "-d", "--reload", "off"]).expect_code(0);
    let logs_it = |name: &str| {
        let file = project.path(&format!("{name}.log"));
        project.wait_until("it is logged", PATIENCE, || fs::read_to_string(&file).is_ok_and(|text| text == "hello\n"));
    };
    logs_it("web");
    let files = format!("/proc/{}/fd", project.status().unwrap()["pid"]);
    let logs = || {
        let targets = fs::read_dir(&files).unwrap().flatten().filter_map(|file| fs::read_link(file.path()).ok());
        targets.filter(|target| target.extension().is_some_and(|extension| extension == "log")).count()
    };
    let before = logs();
    assert!(before >= 2, "the file that it asked for, and what is kept");
    for number in 0..12 {
        let name = format!("web{number}");
        project.write("run.toml", talks(&name));
        project.run(&["reload"]).expect_code(0);
        logs_it(&name);
    }
    project.wait_until("as many are open as for one", PATIENCE, || logs() == before);
    project.run(&["logs", "web7"]).expect_code(0).expect_text("hello");
    project.write("run.toml", talks("web"));
    project.run(&["reload"]).expect_code(0);
    let web = project.path("web.log");
    project.wait_until("who comes back is logged again", PATIENCE, || {
        fs::read_to_string(&web).unwrap() == "hello\nhello\n"
    });
    down(&project);
}

#[test]
fn the_stream_shows_the_plan_and_the_names_of_what_is_new() {
    let project = TestProject::toml(&config(&[("db", ""), ("cache", "")]));
    let up = project.start(&["up", "--reload", "off"]);
    up.wait_for_banner();
    let talks = "[program.newcomer]\ncommand = \"echo hello; exec sleep 1000\"\nstartsecs = 0\n";
    project.write("run.toml", config(&[("db", "")]) + talks);
    project.run(&["reload"]).expect_code(0);
    up.wait_for("newcomer | hello");
    let told = up.stderr();
    for line in ["run.toml has changed", "+ newcomer   new", "- cache", "= 1 unchanged"] {
        assert!(told.contains(line), "no `{line}` in\n{told}");
    }
    up.wait_for("cache").wait_for("gone from the config");
    up.interrupt().expect_code(0);
}

#[test]
fn what_is_renamed_takes_over_the_port_of_what_is_gone() {
    let port = free_port();
    let actor = env!("CARGO_BIN_EXE_actor");
    let server =
        |name: &str| format!("[program.{name}]\ncommand = \"{actor} listen $PORT\"\nport = {port}\nstartretries = 0\n");
    let project = TestProject::toml(&server("web"));
    project.run(&["up", "-d", "--reload", "off"]).expect_code(0);
    project.write("run.toml", server("site"));
    project.run(&["reload"]).expect_code(0);
    project.wait_until("web is gone", PATIENCE, || names(&project) == ["site"]);
    assert_eq!(project.process("site").unwrap()["runs"], 1);
    down(&project);
}

#[test]
fn a_reload_that_brings_a_failure_says_so_and_the_rest_keeps_running() {
    let project = shop();
    let before = pids(&project, &["db"]);
    let bad = "[task.migrate]\ncommand = \"exit 3\"\n";
    project.write("run.toml", config(&[("db", ""), ("cache", ""), ("api", "depends_on = [\"db\"]")]) + bad);
    project.run(&["reload"]).expect_code(1).expect_text("migrate");
    assert_eq!(pids(&project, &["db"]), before);
    project.run(&["reload", "--no-wait"]).expect_code(0);
    down(&project);
}

const CONF: &str = "[unix_http_server]\nfile=%(here)s/s.sock\n\n[supervisord]\n\n[rpcinterface:supervisor]\n\
    supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\n\
    [supervisorctl]\nserverurl=unix://%(here)s/s.sock\n\n[include]\nfiles=conf.d/*.conf\n";

fn section(name: &str, keys: &str) -> String {
    format!("[program:{name}]\ncommand=sleep 1000\nstartsecs=0\n{keys}\n")
}

/// A supervisord.conf with a and b, both up.
fn conf() -> TestProject {
    let project = TestProject::empty()
        .file("supervisord.conf", CONF)
        .file("conf.d/a.conf", section("a", ""))
        .file("conf.d/b.conf", section("b", ""));
    project.run(&["up", "-d", "-f", "supervisord.conf"]).expect_code(0);
    project
}

/// What supervisord's own control program, or ours, says and ends with.
fn flow(project: &TestProject, ctl: &dyn Fn(&[&str]) -> Done) {
    let say = |words: &[&str], code: i32| ctl(words).expect_code(code).stdout;
    assert_eq!(say(&["reread"], 0), "No config updates to processes\n");
    let [a, b] = [project.pid("a"), project.pid("b")];
    project.write("conf.d/b.conf", section("b", "environment=A=\"1\""));
    project.write("conf.d/c.conf", section("c", "autostart=false"));
    for _ in 0..2 {
        assert_eq!(say(&["reread"], 0), "b: changed\nc: available\n", "reading twice says the same");
    }
    assert_eq!([project.pid("a"), project.pid("b")], [a, b]);
    let avail = say(&["avail"], 0);
    let in_use = |name: &str| avail.lines().find(|line| line.starts_with(name)).unwrap().contains("in use");
    assert_eq!([in_use("a"), in_use("b"), in_use("c")], [true, true, false], "{avail}");
    assert_eq!(say(&["update"], 0), "b: stopped\nb: updated process group\nc: added process group\n");
    assert_eq!(project.pid("a"), a);
    project.wait_until("b runs anew", PATIENCE, || ![0, b].contains(&project.pid("b")));
    assert_eq!(project.word("c"), "off");
    assert_eq!(say(&["add", "c"], 0), "ERROR: process group already active\n");
    assert_eq!(say(&["add", "nope"], 1), "ERROR: no such process/group: nope\n");
    assert_eq!(say(&["remove", "a"], 1), "ERROR: process/group still running: a\n");
    assert_eq!(say(&["stop", "a"], 0), "a: stopped\n");
    assert_eq!(say(&["remove", "a"], 0), "a: removed process group\n");
    assert_eq!(say(&["reread"], 0), "a: available\n");
    assert_eq!(say(&["add", "a"], 0), "a: added process group\n");
    project.wait_until("a runs again", PATIENCE, || ![0, a].contains(&project.pid("a")));
    fs::remove_file(project.path("conf.d/c.conf")).unwrap();
    assert_eq!(say(&["update"], 0), "c: stopped\nc: removed process group\n");
    assert_eq!(names(project), ["a", "b"]);
    project.write("conf.d/b.conf", "[program:b]\nautostart=maybe\n");
    let refused = say(&["reread"], 1);
    assert!(refused.starts_with("ERROR: CANT_REREAD: ") && refused.contains("autostart"), "{refused}");
    project.write("conf.d/b.conf", section("b", ""));
    let (supervisor, before) = (project.status().unwrap()["pid"].clone(), project.pid("a"));
    assert_eq!(say(&["reload"], 0), "Restarted supervisord\n");
    let is_anew = || project.pid("a") != before && ["a", "b"].iter().all(|name| project.word(name) == "ready");
    project.wait_until("all have begun anew", PATIENCE, is_anew);
    assert_eq!(project.status().unwrap()["pid"], supervisor);
}

#[test]
fn restart_follows_all_of_the_config_with_the_same_pid_under_run_up_too() {
    let project = conf();
    let (supervisor, before) = (project.status().unwrap()["pid"].clone(), project.pid("a"));
    let moved = CONF.replace("s.sock", "t.sock").replace("[supervisord]\n", "[supervisord]\nidentifier=anew\n");
    project.write("supervisord.conf", moved);
    project.run(&["ctl", "reload"]).expect_code(0);
    let ctl = || project.run(&["ctl", "-c", "supervisord.conf", "status", "a"]);
    project.wait_until("the other socket answers", PATIENCE, || ctl().stdout.contains("RUNNING"));
    assert!(!project.path("s.sock").exists() && project.path("t.sock").exists());
    project.wait_for_word("a", "ready");
    assert_ne!(project.pid("a"), before);
    assert_eq!(project.status().unwrap()["pid"], supervisor);
    down(&project);
}

#[test]
fn ours_does_what_supervisorctl_does() {
    let project = conf();
    flow(&project, &|words| project.run(&[&["ctl"], words].concat()));
    down(&project);
}

#[test]
fn the_real_supervisorctl_finds_everything_as_it_knows_it() {
    let tool = match std::env::var_os("RUN_SUPERVISOR_VENV") {
        Some(venv) => std::path::Path::new(&venv).join("bin/supervisorctl"),
        None if has_tool("supervisorctl") => "supervisorctl".into(),
        None => return,
    };
    let project = conf();
    flow(&project, &|words| {
        let mut command = Command::new(&tool);
        command.args(["-c", "supervisord.conf"]).args(words);
        project.put_into_world(&mut command);
        project.finish(command)
    });
    down(&project);
}

#[test]
fn a_plan_says_of_what_is_off_that_it_stays_so() {
    let text = |level: &str| {
        format!(
            "reload = \"off\"\n[environment]\nLEVEL = \"{level}\"\n[program.web]\ncommand = \"sleep 1000\"\nstartsecs = 0\n\
             [program.full]\ncommand = \"sleep 1000\"\nprofiles = [\"full\"]\n"
        )
    };
    let project = TestProject::toml(&text("info"));
    project.run(&["up", "-d"]).expect_code(0);
    project.write("run.toml", text("debug"));
    let plan = project.run(&["reload", "--dry-run"]).expect_code(0).stdout;
    let row = |name: &str| plan.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
    assert!(row("~ web").ends_with("restart") && row("~ full").ends_with("at its next start"), "{plan}");
    project.run(&["down"]).expect_code(0);
}
