//! A config that is saved while the project is up, in every way in which editors and tools save.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::{Duration, Instant};

use run::runtime::watch::settle::LONG;

use crate::common::{PATIENCE, Running, TestProject};

/// A name, and what its section says beside a command that stays.
fn program(name: &str, keys: &str) -> String {
    format!("[program.{name}]\ncommand = [\"sleep\", \"1000\"]\nstartsecs = 0\n{keys}\n")
}

/// `db`, which no test touches, and `api` with this in its environment.
fn config(value: &str) -> String {
    program("db", "") + &program("api", &format!("environment = {{ A = \"{value}\" }}"))
}

fn up(project: &TestProject) -> Running<'_> {
    let running = project.up();
    running.wait_for_banner();
    running
}

/// Waits until `api` is another process, and insists that `db` is not.
#[track_caller]
fn expect_restart(project: &TestProject, running: &Running<'_>, save: impl FnOnce()) {
    let (db, api) = (project.pid("db"), project.pid("api"));
    assert!(db != 0 && api != 0);
    save();
    running.wait_until("api runs anew", || ![0, api].contains(&project.pid("api")));
    assert_eq!(project.pid("db"), db, "db was touched\n{}", running.stderr());
}

fn count(text: &str, what: &str) -> usize {
    text.matches(what).count()
}

#[test]
fn every_way_of_saving_is_a_save() {
    let project = TestProject::toml(&config("0"));
    let running = up(&project);
    let path = project.path("run.toml");
    expect_restart(&project, &running, || fs::write(&path, config("truncate and write")).unwrap());
    expect_restart(&project, &running, || {
        fs::write(project.path(".run.toml.swp"), config("rename over it")).unwrap();
        fs::rename(project.path(".run.toml.swp"), &path).unwrap();
    });
    expect_restart(&project, &running, || {
        fs::rename(&path, project.path("run.toml~")).unwrap();
        fs::write(&path, config("backup, then new")).unwrap();
        fs::remove_file(project.path("run.toml~")).unwrap();
    });
    expect_restart(&project, &running, || {
        fs::remove_file(&path).unwrap();
        fs::write(&path, config("remove, then new")).unwrap();
    });
    expect_restart(&project, &running, || {
        let mut file = File::create(&path).unwrap();
        for byte in config("byte by byte").bytes() {
            file.write_all(&[byte]).unwrap();
        }
    });
    expect_restart(&project, &running, || {
        fs::write(project.path("elsewhere.toml"), config("a link put in its place")).unwrap();
        symlink("elsewhere.toml", project.path("link")).unwrap();
        fs::rename(project.path("link"), &path).unwrap();
    });
    expect_restart(&project, &running, || {
        fs::write(project.path("elsewhere.toml"), config("what the link leads to")).unwrap();
    });
    assert_eq!(running.interrupt().code, 0);
}

#[test]
fn directories_of_links_are_followed_when_they_are_swapped() {
    let project = TestProject::empty();
    for version in ["one", "two"] {
        project.write(&format!("conf/{version}/run.toml"), config(version));
    }
    symlink("one", project.path("conf/now")).unwrap();
    symlink("conf/now/run.toml", project.path("run.toml")).unwrap();
    let running = up(&project);
    expect_restart(&project, &running, || {
        symlink("two", project.path("conf/next")).unwrap();
        fs::rename(project.path("conf/next"), project.path("conf/now")).unwrap();
    });
    running.interrupt();
}

#[test]
fn a_touch_does_nothing_and_a_comment_restarts_nobody() {
    let project = TestProject::toml(&config("0"));
    let running = up(&project);
    let before = (project.pid("db"), project.pid("api"));
    project.write("run.toml", config("0"));
    let file = OpenOptions::new().append(true).open(project.path("run.toml")).unwrap();
    file.set_modified(std::time::SystemTime::now()).unwrap();
    drop(file);
    project.write("run.toml", format!("# a word\n{}", config("0")));
    // What is seen later shows that what was before it has been seen.
    let third = config("0") + &program("third", "");
    project.write("run.toml", third);
    project.wait_for_word("third", "ready");
    assert_eq!((project.pid("db"), project.pid("api")), before);
    assert_eq!(count(&running.stderr(), "run.toml has changed"), 1, "{}", running.stderr());
    running.interrupt();
}

#[test]
fn a_broken_file_changes_nothing_and_is_told_once() {
    let project = TestProject::toml(&config("0"));
    let running = up(&project);
    let before = (project.pid("db"), project.pid("api"));
    project.write("run.toml", config("0") + "dependson = [\"db\"]\n");
    running.wait_for("not taken over: everything keeps running");
    running.wait_for("did you mean `depends_on`?");
    project.write("run.toml", config("0") + "dependson = [\"db\"]\n");
    project.run(&["status"]).expect_text("run.toml has changed since");
    project.write("run.toml", config("0"));
    running.wait_for("run.toml has changed back to what runs");
    project.write("run.toml", config("0") + &program("third", ""));
    project.wait_for_word("third", "ready");
    assert_eq!((project.pid("db"), project.pid("api")), before);
    running.wait_for("+ third").wait_for("= 2 unchanged");
    let stderr = running.stderr();
    assert_eq!(count(&stderr, "not taken over"), 1, "{stderr}");
    running.interrupt();
}

#[test]
fn a_cut_file_is_waited_for_before_anything_is_removed() {
    let project = TestProject::toml(&config("0"));
    let running = up(&project);
    let pids = || (project.pid("db"), project.pid("api"));
    let before = pids();
    // As a slow tool writes it: the first half is a valid config, too.
    let cut = Instant::now();
    project.write("run.toml", program("db", ""));
    project.write("run.toml", config("0") + &program("third", ""));
    let is_one_save = cut.elapsed() < LONG;
    project.wait_for_word("third", "ready");
    // On a machine that has let us wait in between, there were two.
    assert!(pids() == before || !is_one_save, "{before:?}");
    project.write("run.toml", config("0"));
    running.wait_for("- third");
    running.interrupt();
}

#[test]
fn a_hundred_saves_in_a_second_come_to_the_last() {
    let project = TestProject::toml(&config("0"));
    let running = up(&project);
    let db = project.pid("db");
    let began = Instant::now();
    for save in 1..=100 {
        project.write("run.toml", config(&save.to_string()));
        thread::park_timeout((began + Duration::from_millis(10) * save).saturating_duration_since(Instant::now()));
    }
    project.write("run.toml", config("last"));
    let environment = || {
        let pid = project.pid("api");
        String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/environ")).unwrap_or_default()).contains("A=last")
    };
    running.wait_until("api runs with the last one", environment);
    assert_eq!(project.pid("db"), db);
    let reloads = count(&running.stderr(), "run.toml has changed");
    assert!(reloads < 20, "{reloads} reloads");
    running.interrupt();
}

#[test]
fn an_env_file_of_the_project_that_comes_to_be_reaches_everybody() {
    let project = TestProject::toml(&config("0"));
    let running = up(&project);
    let before = [project.pid("db"), project.pid("api")];
    project.write(".env", "SHARED=1\n");
    running.wait_for(".env SHARED added");
    running.wait_until("both run anew", || {
        let now = [project.pid("db"), project.pid("api")];
        !now.contains(&0) && now[0] != before[0] && now[1] != before[1]
    });
    running.interrupt();
}

#[test]
fn includes_come_and_go_with_their_directory() {
    let text = format!("include = [\"run.d/*.toml\"]\n{}", config("0"));
    let project = TestProject::toml(&text);
    let running = up(&project);
    let before = (project.pid("db"), project.pid("api"));
    project.write("run.d/mail.toml", program("mail", ""));
    project.wait_for_word("mail", "ready");
    project.write("run.d/queue.toml", program("queue", ""));
    project.wait_for_word("queue", "ready");
    project.write("run.d/queue.toml", program("queue", "environment = { A = \"1\" }"));
    running.wait_for("~ queue");
    fs::remove_dir_all(project.path("run.d")).unwrap();
    running.wait_for("- mail");
    project
        .wait_until("both are gone", PATIENCE, || project.word("mail").is_empty() && project.word("queue").is_empty());
    project.write("run.d/mail.toml", program("mail", ""));
    project.wait_for_word("mail", "ready");
    project.write("run.local.toml", "[program.mail]\nenvironment = { LOCAL = \"1\" }\n");
    running.wait_for("run.local.toml has changed");
    assert_eq!((project.pid("db"), project.pid("api")), before);
    running.interrupt();
}

#[test]
fn env_files_reach_those_who_use_them() {
    let keys = "env_file = \"api.env\"";
    let project = TestProject::toml(&(program("db", "") + &program("api", keys))).file("api.env", "LEVEL=one\n");
    let running = up(&project);
    expect_restart(&project, &running, || project.write("api.env", "LEVEL=two\n"));
    running.wait_for("api.env LEVEL changed");
    assert!(!running.stderr().contains("two"));
    running.interrupt();
}

#[test]
fn a_config_that_is_gone_for_a_while_changes_nothing() {
    let project = TestProject::toml(&config("0"));
    let running = up(&project);
    let before = (project.pid("db"), project.pid("api"));
    fs::rename(project.path("run.toml"), project.path("away.toml")).unwrap();
    running.wait_for("not taken over: everything keeps running");
    fs::rename(project.path("away.toml"), project.path("run.toml")).unwrap();
    project.write("run.toml", config("0") + &program("third", ""));
    project.wait_for_word("third", "ready");
    assert_eq!((project.pid("db"), project.pid("api")), before);
    running.interrupt();
}

#[test]
fn a_procfile_is_watched_with_what_it_takes_defaults_from() {
    let project = TestProject::procfile("db: sleep 1000\napi: sleep 2000\n");
    let running = project.up();
    running.wait_until("both are up", || project.word("db") == "ready" && project.word("api") == "ready");
    expect_restart(&project, &running, || project.write("Procfile", "db: sleep 1000\napi: sleep 3000\n"));
    project.write(".foreman", "concurrency: api=2\n");
    running.wait_for(".foreman has changed");
    running.interrupt();
}

#[test]
fn who_wants_to_be_asked_is_shown_the_plan() {
    let project = TestProject::toml(&format!("reload = \"ask\"\n{}", config("0")));
    let running = up(&project);
    let before = (project.pid("db"), project.pid("api"));
    project.write("run.toml", format!("reload = \"ask\"\n{}", config("1")));
    running.wait_for("run reload   applies it");
    running.wait_for("environment A changed");
    assert_eq!((project.pid("db"), project.pid("api")), before);
    expect_restart(&project, &running, || drop(project.run(&["reload"]).expect_code(0)));
    running.interrupt();
}

#[test]
fn who_wants_none_of_it_is_left_alone_until_the_config_says_otherwise() {
    let project = TestProject::toml(&format!("reload = \"off\"\n{}", config("0")));
    let running = up(&project);
    let before = (project.pid("db"), project.pid("api"));
    project.write("run.toml", config("1"));
    project.run(&["status"]).expect_text("run.toml has changed since");
    assert_eq!((project.pid("db"), project.pid("api")), before);
    expect_restart(&project, &running, || drop(project.run(&["reload"]).expect_code(0)));
    expect_restart(&project, &running, || project.write("run.toml", config("2")));
    running.interrupt();
}

#[test]
fn a_supervisord_conf_is_reloaded_when_somebody_says_so() {
    let text = |value: &str| {
        let section = |name: &str, rest: &str| format!("[program:{name}]\ncommand=sleep 1000\nstartsecs=0\n{rest}\n");
        let api = section("api", &format!("environment=A=\"{value}\""));
        format!("[supervisord]\n{}{api}", section("db", ""))
    };
    let project = TestProject::empty().file("supervisord.conf", text("0"));
    let running = project.start(&["up", "--reload", "auto"]);
    running.wait_until("both are up", || project.pid("db") != 0 && project.pid("api") != 0);
    expect_restart(&project, &running, || project.write("supervisord.conf", text("1")));
    running.interrupt();
}

/// `api`, which says what it finds in its source whenever it starts.
fn watcher(keys: &str) -> String {
    let command = "cat src/main.txt; exec sleep 1000";
    program("db", "") + &format!("[program.api]\ncommand = \"{command}\"\nstartsecs = 0\n{keys}\n")
}

#[test]
fn a_changed_file_restarts_who_watches_it_and_is_named() {
    let project =
        TestProject::toml(&watcher("watch = [\"src/**/*.txt\", \"!src/made.txt\"]")).file("src/main.txt", "one\n");
    let running = up(&project);
    running.wait_for("api | one");
    expect_restart(&project, &running, || project.write("src/main.txt", "two\n"));
    running.wait_for("api | two").wait_for("restarting: src/main.txt changed");
    expect_restart(&project, &running, || {
        project.write("src/.main.txt.swp", "three\n");
        fs::rename(project.path("src/.main.txt.swp"), project.path("src/main.txt")).unwrap();
    });
    running.wait_for("api | three");
    expect_restart(&project, &running, || project.write("src/new/deep/tree/other.txt", "1"));
    running.wait_for("restarting: src/new/deep/tree/other.txt changed");
    expect_restart(&project, &running, || fs::remove_dir_all(project.path("src/new")).unwrap());
    let before = project.pid("api");
    project.write("src/made.txt", "1");
    project.write("src/notes.md", "1");
    project.write("node_modules/x/y.txt", "1");
    expect_restart(&project, &running, || project.write("src/main.txt", "four\n"));
    assert_ne!(project.pid("api"), before);
    assert!(!running.stderr().contains("made.txt"), "{}", running.stderr());
    assert_eq!(project.process("api").unwrap()["last_change"], "src/main.txt changed");
    project.run(&["why", "api"]).expect_text("watch  src/**/*.txt, !src/made.txt, last: src/main.txt changed");
    running.interrupt();
}

#[test]
fn what_version_control_ignores_is_not_watched_and_a_save_helps_what_has_failed() {
    let project = TestProject::toml(
        "[program.api]\ncommand = \"grep good src/main.txt && exec sleep 1000\"\nstartsecs = 0\nstartretries = 0\nwatch = [\"**/*.txt\"]\n",
    );
    let project = project.file("src/main.txt", "bad\n").file(".gitignore", "build/\n").file("build/x.txt", "1");
    let running = project.up();
    project.wait_for_word("api", "failed");
    project.write("build/x.txt", "2");
    project.write("src/main.txt", "good\n");
    project.wait_for_word("api", "ready");
    running.wait_for("restarting: src/main.txt changed");
    assert!(!running.stderr().contains("build/x.txt"));
    running.interrupt();
}

#[test]
fn a_directory_that_was_moved_or_swapped_for_another_is_still_watched() {
    let text = "[program.api]\ncommand = [\"sleep\", \"1000\"]\nstartsecs = 0\nwatch = [\"src/**\", \"made.txt\"]\n";
    let project = TestProject::toml(text).file("src/old/deep/a.txt", "1").file("made.txt", "1");
    let running = project.up();
    project.wait_for_word("api", "ready");
    let restarts = |saves: &dyn Fn()| {
        let before = project.pid("api");
        saves();
        running.wait_until("api runs anew", || ![0, before].contains(&project.pid("api")));
    };
    let rename = |from: &str, to: &str| fs::rename(project.path(from), project.path(to)).unwrap();
    restarts(&|| rename("src/old", "src/new"));
    restarts(&|| project.write("src/new/deep/b.txt", "1"));
    project.write("other/deep/c.txt", "1");
    restarts(&|| {
        rename("src/new", "away");
        rename("other", "src/new");
    });
    restarts(&|| project.write("src/new/deep/d.txt", "1"));
    restarts(&|| project.write("made.txt", "2"));
    assert!(running.stderr().contains("restarting: made.txt changed\n"), "{}", running.stderr());
    running.interrupt();
}

#[test]
fn a_task_runs_again_and_takes_along_who_restarts_with_it() {
    let text = "[task.build]\ncommand = \"cat in.txt >> out.log\"\nwatch = [\"in.txt\"]\n\
        [program.web]\ncommand = [\"sleep\", \"1000\"]\nstartsecs = 0\ndepends_on = [{ name = \"build\", restart = true }]\n\
        [program.db]\ncommand = [\"sleep\", \"1000\"]\nstartsecs = 0\ndepends_on = [\"build\"]\n";
    let project = TestProject::toml(text).file("in.txt", "1\n");
    let running = up(&project);
    let (web, db) = (project.pid("web"), project.pid("db"));
    project.write("in.txt", "2\n");
    project.wait_for_text("out.log", "1\n2\n");
    running.wait_for("again: in.txt changed");
    running.wait_until("web runs anew", || ![0, web].contains(&project.pid("web")));
    assert_eq!(project.pid("db"), db);
    running.interrupt();
}

#[test]
fn a_program_that_rewrites_its_own_files_is_left_alone_after_a_while() {
    let text = "[program.api]\ncommand = \"date +%N > src/made.txt; exec sleep 1000\"\nstartsecs = 0\nwatch = [\"src/*.txt\"]\n";
    let project = TestProject::toml(text).file("src/made.txt", "0");
    let running = up(&project);
    // What it wrote at its first start may lie before the first look at its files.
    running.wait_until("it runs anew", || {
        project.write("src/made.txt", "1");
        project.process("api").unwrap()["runs"] != 1
    });
    running.wait_for("itself within moments of every start");
    let runs = project.process("api").unwrap()["runs"].as_u64().unwrap();
    assert!(runs < 30, "{runs} runs");
    running.interrupt();
}

#[test]
fn another_config_watches_other_files() {
    let keys = |pattern: &str| watcher(&format!("watch = [\"{pattern}\"]"));
    let project = TestProject::toml(&keys("src/*.txt")).file("src/main.txt", "one\n").file("lib/a.txt", "1");
    let running = up(&project);
    let api = project.pid("api");
    project.write("run.toml", keys("lib/*.txt"));
    running.wait_for("watch src/*.txt");
    assert_eq!(project.pid("api"), api, "in place");
    expect_restart(&project, &running, || project.write("lib/a.txt", "2"));
    running.wait_for("restarting: lib/a.txt changed");
    running.interrupt();
}

#[test]
fn what_was_written_just_before_restarts_nobody() {
    let project = TestProject::toml(&watcher("watch = [\"src/*.txt\"]"));
    for round in 0..5 {
        project.write("src/main.txt", format!("{round}\n"));
        let running = up(&project);
        expect_restart(&project, &running, || project.write("src/later.txt", format!("{round}")));
        running.wait_for("restarting: src/later.txt changed");
        assert!(!running.stderr().contains("main.txt"), "{}", running.stderr());
        running.interrupt();
    }
}
