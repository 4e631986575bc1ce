//! `run init` and `run man`, and that every template comes up.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use run::templates::builtin::BUILTIN;

use crate::common::{Terminal, TestProject, has_tool};

/// What every command of the templates is played by: a task ends, a check passes, a server answers on PORT, all else stays.
const STAND_IN: &str = r#"#!/bin/sh
case "${0##*/}" in pg_isready) exit 0 ;; esac
case "$RUN_PROGRAM" in
initdb | createdb | prepare | migrate | install | build | deps | setup | packages) echo "${0##*/} $*"; exit 0 ;;
esac
if [ -n "$PORT" ]; then exec "$ACTOR" http "$PORT" 200; fi
exec "$ACTOR" linger
"#;

/// The commands that are looked for on the PATH, and those below the project.
const COMMANDS: &[&str] = &[
    "postgres",
    "initdb",
    "createdb",
    "pg_isready",
    "redis-server",
    "npm",
    "pnpm",
    "python",
    "celery",
    "go",
    "cargo",
    "mix",
    "php",
    "composer",
];
const SCRIPTS: &[&str] =
    &["bin/rails", "bin/jobs", "bin/web", "bin/worker", "bin/migrate", ".bin/server", "apps/api/x", "apps/web/x"];

/// A directory whose commands are all played.
fn stage() -> TestProject {
    let project = TestProject::empty().file("stand-in", STAND_IN);
    let stand_in = project.path("stand-in");
    fs::set_permissions(&stand_in, Permissions::from_mode(0o755)).unwrap();
    for name in SCRIPTS.iter().map(|name| (*name).to_owned()).chain(COMMANDS.iter().map(|name| format!("path/{name}")))
    {
        let path = project.path(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(&stand_in, path).unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", project.path("path").display());
    project.env("PATH", &path).env("ACTOR", env!("CARGO_BIN_EXE_actor"))
}

#[test]
fn every_template_comes_up_with_stand_ins() {
    for (name, _) in BUILTIN {
        let project = stage();
        project.run(&["init", "--template", name, "--yes", "--set", set(name)]).expect_code(0);
        project.run(&["check"]).expect_code(0).expect_text("no mistakes");
        project.run(&["up", "-d", "--timeout", "60s"]).expect_code(0);
        project.run(&["status"]).expect_code(0);
        project.run(&["down"]).expect_code(0);
    }
}

/// A value for what has no default.
fn set(template: &str) -> &'static str {
    if template == "shop" { "customer=acme & \"sons\"" } else { "project=played" }
}

#[test]
fn without_a_terminal_it_only_shows_and_yes_writes_once() {
    let project = TestProject::empty().file("go.mod", "module x\n");
    let shown = project.run(&["init"]).expect_code(0).expect_text("not written").expect_text("there is a go.mod");
    assert!(!project.path("run.toml").exists());
    project.run(&["init", "--yes"]).expect_code(0).expect_text("wrote run.toml");
    assert_eq!(project.read("run.toml"), shown.stdout);
    assert!(shown.stdout.starts_with("#:schema https://"));
    project.write("run.toml", "# mine\n");
    project.run(&["init", "-y"]).expect_code(2).expect_text("run init --force");
    assert_eq!(project.read("run.toml"), "# mine\n");
    project.run(&["init", "-y", "--force"]).expect_code(0);
    assert_ne!(project.read("run.toml"), "# mine\n");
}

#[test]
fn on_a_terminal_it_asks() {
    let project = TestProject::empty().file("Procfile", "web: sleep 1000\n");
    let no = Terminal::start(&project, &["init"]);
    no.wait_for("[y/N]").press("\n").wait_for("not written");
    drop(no);
    assert!(!project.path("run.toml").exists());
    let yes = Terminal::start(&project, &["init"]);
    yes.wait_for("[y/N]").press("y\n").wait_for("wrote run.toml");
    assert!(yes.screen().contains("\u{1b}["), "it is in colours");
    drop(yes);
    project.run(&["check"]).expect_code(0);
}

#[test]
fn an_import_names_what_it_lost_and_comes_up() {
    let conf = "[supervisord]\npidfile=/tmp/x.pid\n[include]\nfiles=conf.d/*.conf\n[program:a]\ncommand=sleep 1000\n";
    let project = TestProject::empty()
        .file("old/supervisord.conf", conf)
        .file("old/conf.d/b.conf", "[program:b]\ncommand=sleep 1001\nstdout_syslog=true\n");
    let done = project.run(&["init", "--from", "old/supervisord.conf", "--yes"]).expect_code(0);
    assert!(done.stderr.contains("old/supervisord.conf:2: pidfile: "), "{}", done.stderr);
    assert!(done.stderr.contains("conf.d/b.conf:3: stdout_syslog: "), "{}", done.stderr);
    assert!(done.stderr.contains("2 things were not carried over"), "{}", done.stderr);
    project.run(&["up", "-d", "--timeout", "30s"]).expect_code(0);
    assert_eq!((project.word("a"), project.word("b")), ("ready".to_owned(), "ready".to_owned()));
    project.run(&["down"]).expect_code(0);
}

#[test]
fn slips_are_told_with_what_was_meant() {
    let project = TestProject::empty().file("notes.txt", "x").file("compose.yaml", "services: [\n");
    project.run(&["init", "--template", "rials"]).expect_code(2).expect_text("did you mean `rails`?");
    let done = project.run(&["init", "--template", "shop", "--set", "custmer=x"]).expect_code(2);
    assert!(done.stderr.contains("did you mean `customer`?"), "{}", done.stderr);
    assert!(done.stderr.contains("shop needs a value for `customer`"), "{}", done.stderr);
    project.run(&["init", "--from", "notes.txt"]).expect_code(2).expect_text("of no format that can be imported");
    project.run(&["init", "--from", "gone.yaml"]).expect_code(2).expect_text("there is no such file");
    project.run(&["init", "--from", "compose.yaml"]).expect_code(2).expect_text("compose.yaml: line 2: ");
    project.run(&["init", "--set", "x"]).expect_code(2);
}

#[test]
fn templates_of_ones_own_are_found_by_name_and_by_path() {
    let head = "+++\ndoc = \"Mine.\"\n[[variable]]\nname = \"port\"\ndoc = \"The port.\"\n+++\n";
    let text = format!("{head}[program.web]\ncommand = \"sleep {{{{ port }}}}\"\n");
    let project = TestProject::empty().file("t/broken.toml", "[program.web]\ncomand = \"x\"\n");
    let own: PathBuf = project.directory().parent().unwrap().join("config/runup/templates");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("mine.toml"), text).unwrap();
    project
        .run(&["init", "--list"])
        .expect_code(0)
        .expect_text("Mine.")
        .expect_text("has to be set")
        .expect_text("rails ");
    let done = project.run(&["init", "--template", "mine", "--set", "port=1000"]).expect_code(0);
    assert!(done.stdout.ends_with("[program.web]\ncommand = \"sleep 1000\"\n"), "{}", done.stdout);
    project
        .run(&["init", "--template", "t/broken.toml", "--yes"])
        .expect_code(2)
        .expect_text("did you mean `command`?");
    assert!(!project.path("run.toml").exists());
}

#[test]
fn the_manual_is_written_and_groff_finds_no_fault_with_it() {
    let project = TestProject::empty();
    project.run(&["man", "--output", "man"]).expect_code(0);
    let pages: Vec<PathBuf> = fs::read_dir(project.path("man")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(pages.len() > 15, "{pages:?}");
    assert_eq!(project.run(&["man", "run.toml"]).expect_code(0).stdout, project.read("man/run.toml.5"));
    assert_eq!(project.run(&["man", "init"]).expect_code(0).stdout, project.read("man/run-init.1"));
    project.run(&["man", "stauts"]).expect_code(2).expect_text("did you mean `status`?");
    if !has_tool("groff") {
        return;
    }
    for page in pages {
        let mut groff = Command::new("groff");
        groff.args(["-man", "-ww", "-Tutf8", "-Kutf8", "-z"]).arg(&page).stdin(Stdio::null());
        let said = groff.output().unwrap();
        assert!(said.stderr.is_empty(), "{}: {}", page.display(), String::from_utf8_lossy(&said.stderr));
    }
}

#[test]
fn the_mark_that_editors_on_windows_put_before_a_file_costs_nothing() {
    let files = [
        ("supervisord.conf", "\u{feff}[program:web]\r\ncommand=sleep 1\r\n", "command = \"sleep 1\""),
        (
            "package.json",
            "\u{feff}{\r\n\"packageManager\": \"pnpm@9.1.0\", \"scripts\": {\"dev\": \"vite\"}}\r\n",
            "command = \"pnpm run dev\"",
        ),
    ];
    for (name, text, expected) in files {
        let project = TestProject::empty().file(name, text);
        let shown = project.run(&["init"]).expect_code(0);
        assert!(shown.stdout.contains(expected), "{name}: {shown:?}");
    }
    let project = TestProject::empty().file("package.json", files[1].1);
    let told = project.run(&["up"]).expect_code(2);
    assert!(told.stderr.contains("run up -- pnpm run dev"), "{told:?}");
}
