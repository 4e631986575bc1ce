//! The commands that need no running project: what they print, and how they end.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail where they stand, as the test may")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A git checkout with a home of its own.
struct Checkout {
    directory: tempfile::TempDir,
}

/// What a command printed and how it ended.
struct Ran {
    out: String,
    err: String,
    code: i32,
}

impl Checkout {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for path in ["src/.git", "run", "state"] {
            fs::create_dir_all(directory.path().join(path)).unwrap();
        }
        for (name, text) in files {
            fs::write(directory.path().join("src").join(name), text).unwrap();
        }
        Self { directory }
    }

    fn shop() -> Self {
        Self::new(&[("run.toml", SHOP), (".env", "GREETING=hello\n")])
    }

    fn command(&self, words: &[&str]) -> Command {
        let path = |name: &str| self.directory.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_run"));
        command.args(words).current_dir(path("src")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", path("")).env("XDG_RUNTIME_DIR", path("run")).env("XDG_STATE_HOME", path("state"));
        command
    }

    /// Runs it; the directory is written as `HOME` in what it printed.
    fn run(&self, words: &[&str]) -> Ran {
        let output = self.command(words).output().unwrap();
        let root = fs::canonicalize(self.directory.path()).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(root.to_str().unwrap(), "~");
        Ran { out: text(output.stdout), err: text(output.stderr), code: output.status.code().unwrap() }
    }
}

const SHOP: &str = r#"
name = "shop"
env_file = [".env"]

[environment]
API_TOKEN = "hunter2"

[program.db]
command = ["sleep", "1"]
port = 5433

[task.migrate]
command = ["true"]
depends_on = ["db"]

[program.api]
command = ["sleep", "1"]
directory = "backend"
port = 3101
depends_on = ["db", "migrate"]
environment = { DATABASE_URL = "postgres://127.0.0.1:${db.port}/${GREETING}" }
"#;

#[test]
fn an_empty_directory_says_what_was_looked_for() {
    let ran = Checkout::new(&[("package.json", r#"{"scripts": {"dev": "vite"}}"#)]).run(&[]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.starts_with("error: no project here\n  looked for run.toml, Procfile.dev, Procfile, "),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("run init ") && ran.err.contains(" run up -- npm run dev "), "{}", ran.err);
}

#[test]
fn a_stopped_project_says_what_up_would_start() {
    let checkout = Checkout::shop();
    fs::create_dir(checkout.directory.path().join("src/backend")).unwrap();
    let ran = checkout.run(&[]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (2, "shop is not up   (run.toml)\nnext: run up   starts 2 programs, 1 task\n")
    );
    let ran = checkout.run(&["status"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains(" is not up (run.toml); run up starts it\n"), "{}", ran.err);
}

#[test]
fn status_as_json_says_off_when_nothing_runs() {
    let ran = Checkout::shop().run(&["status", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &json["state"], &json["schema"]), (2, &"off".into(), &1.into()));
}

#[test]
fn down_of_what_is_not_up_is_fine_and_the_other_verbs_are_not() {
    let checkout = Checkout::shop();
    assert_eq!(checkout.run(&["down"]).code, 0);
    for words in [&["stop", "db"][..], &["wait"], &["why", "db"], &["signal", "HUP", "db"], &["restart", "db"]] {
        let ran = checkout.run(words);
        assert_eq!(ran.code, 2, "{words:?}");
        assert!(ran.err.contains("help: run up "), "{words:?}: {}", ran.err);
    }
}

#[test]
fn check_reports_mistakes_with_their_place_and_ends_with_2() {
    let checkout =
        Checkout::new(&[("run.toml", "[program.web]\ncommand = [\"sleep\", \"1\"]\ndependson = [\"db\"]\n")]);
    let ran = checkout.run(&["check"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("run.toml:3:1") && ran.err.contains("did you mean `depends_on`?"), "{}", ran.err);
    let ran = checkout.run(&["check", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &json["schema"], &json["diagnostics"][0]["code"]), (2, &1.into(), &"unknown-key".into()));
    let fine = Checkout::new(&[("Procfile", "web: sleep 1\n")]).run(&["check"]);
    assert_eq!((fine.code, fine.out.as_str()), (0, "Procfile: 1 program, no mistakes\n"));
}

#[test]
fn the_graph_is_drawn_in_every_notation() {
    let checkout = Checkout::shop();
    fs::create_dir(checkout.directory.path().join("src/backend")).unwrap();
    let text = checkout.run(&["graph"]);
    assert_eq!((text.code, text.err.as_str()), (0, ""));
    assert!(text.out.contains("  3  api      [ready: tcp] after db (ready), migrate (done)\n"), "{}", text.out);
    assert!(checkout.run(&["graph", "--format", "dot"]).out.starts_with("digraph \"shop\" {\n"));
    assert!(checkout.run(&["graph", "--format", "mermaid", "migrate"]).out.starts_with("flowchart LR\n"));
    let svg = checkout.run(&["graph", "--format", "svg"]).out;
    assert!(roxmltree::Document::parse(&svg).is_ok());
    let json: serde_json::Value = serde_json::from_str(&checkout.run(&["graph", "--json", "migrate"]).out).unwrap();
    assert_eq!(json["waves"], serde_json::json!([["db"], ["migrate"]]));
    assert_eq!(
        checkout.run(&["graph", "apy"]).err,
        "error: shop has no program or group `apy`\nhelp: did you mean `api`?\n"
    );
}

#[test]
fn env_shows_what_a_program_gets_with_secrets_masked() {
    let checkout = Checkout::shop();
    fs::create_dir(checkout.directory.path().join("src/backend")).unwrap();
    let ran = checkout.run(&["env", "api"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for line in ["GREETING=hello", "PORT=3101", "DATABASE_URL=postgres://127.0.0.1:5433/hello", "RUN_PROJECT=shop"] {
        assert!(ran.out.lines().any(|shown| shown == line), "{line} is not in\n{}", ran.out);
    }
    assert!(!ran.out.contains("hunter2") && !ran.out.contains("\nPATH="), "{}", ran.out);
    assert!(checkout.run(&["env", "--reveal"]).out.contains("API_TOKEN=hunter2\n"));
    assert!(checkout.run(&["env", "--all"]).out.contains("\nPATH="));
}

#[test]
fn exec_becomes_the_command_in_the_projects_environment() {
    let checkout = Checkout::shop();
    fs::create_dir(checkout.directory.path().join("src/backend")).unwrap();
    let ran = checkout.run(&["exec", "--", "sh", "-c", "echo $GREETING; exit 7"]);
    assert_eq!((ran.code, ran.out.as_str()), (7, "hello\n"));
    let ran = checkout.run(&["exec", "--as", "api", "sh", "-c", "pwd; echo $PORT"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "~/src/backend\n3101\n"));
    assert_eq!(checkout.run(&["exec", "no-such-command"]).code, 127);
}

#[test]
fn a_mistake_on_the_command_line_ends_with_2_and_help_with_0() {
    let checkout = Checkout::new(&[]);
    assert_eq!(checkout.run(&["bogus"]).code, 2);
    assert_eq!(checkout.run(&["logs", "--since", "yesterday"]).code, 2);
    let help = checkout.run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    assert!(help.out.contains("\n  completions "), "{}", help.out);
    assert_eq!(checkout.run(&["--version"]).code, 0);
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let checkout = Checkout::shop();
    fs::create_dir(checkout.directory.path().join("src/backend")).unwrap();
    let mut child = checkout.command(&["graph"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn nothing_is_written_into_the_project() {
    let checkout = Checkout::shop();
    fs::create_dir(checkout.directory.path().join("src/backend")).unwrap();
    for words in [&["status"][..], &["env", "api"], &["graph"], &["check"], &[]] {
        checkout.run(words);
    }
    let names = |path: &Path| -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&checkout.directory.path().join("src")), [".env", ".git", "backend", "run.toml"]);
}

#[test]
fn a_directory_that_is_not_there_is_not_mistaken_for_the_project_above() {
    let ran = Checkout::shop().run(&["-C", "shpo", "check"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (2, "", "error: there is no directory ~/src/shpo\n"));
}

#[test]
fn exec_tells_a_program_from_a_command() {
    let ran = Checkout::new(&[("Procfile", "web: sleep 1\n")]).run(&["exec", "web"]);
    assert_eq!(ran.code, 127);
    assert!(ran.err.starts_with("error: could not run web: it is not on the PATH\nhelp: run up web "), "{}", ran.err);
}

#[test]
fn a_bad_byte_in_an_env_file_costs_no_other_line() {
    let checkout = Checkout::new(&[("Procfile", "web: sleep 1\n")]);
    fs::write(checkout.directory.path().join("src/.env"), b"A=\xff\nB=1\n").unwrap();
    let ran = checkout.run(&["exec", "--", "sh", "-c", "echo $B"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "1\n"), "{}", ran.err);
}

#[test]
fn a_project_without_an_active_program_does_not_come_up_in_silence() {
    let checkout = Checkout::new(&[("run.toml", "[program.a]\ncommand = 'sleep 1'\nprofiles = ['full']\n")]);
    let ran = checkout.run(&["up", "-d"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("help: run up --profile full\nerror: there is nothing to start\n"), "{}", ran.err);
    let ran = checkout.run(&["up", "-d", "--profile", "ful"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("help: did you mean `full`?"), "{}", ran.err);
}
