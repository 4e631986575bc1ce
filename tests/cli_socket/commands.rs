//! What each command prints of the sample project, and how it ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use run::cli::project::LAST_STATUS;
use run::model::ProcessId;
use run::supervisor::action::{Answer, Outcome};
use run::supervisor::event::Command as Asked;

use crate::running::{Project, Ran};
use crate::sample::{API, DB, WEB};

/// No condition of these tests takes longer, on whatever machine.
const LONG: Duration = Duration::from_secs(30);

/// For tests that change nothing.
fn nothing(asked: &Asked) -> Outcome {
    panic!("nobody should have asked for {asked:?}")
}

fn each(answers: &[(ProcessId, Answer)]) -> Outcome {
    Outcome::Each(answers.to_vec())
}

fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn status_is_a_table_from_anywhere_inside_and_its_code_says_that_something_failed() {
    let ran = Project::up(nothing).run(&["status"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let lines: Vec<&str> = ran.out.lines().collect();
    let counts = "1 ready  1 failed  1 blocked  1 retrying  1 starting  1 waiting  1 done  1 off";
    assert_eq!(lines[0], format!("shop-fix  /src/shop  up 1m40s  run.toml, /etc/shop.toml   {counts}"));
    assert_eq!(
        lines[2].split_whitespace().collect::<Vec<_>>(),
        ["NAME", "STATE", "FOR", "RUNS", "PID", "PORT", "NOTE"]
    );
    let names: Vec<&str> = lines[3..11].iter().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["db", "worker:worker_0", "worker:worker_1", "admin", "migrate", "mail", "api", "web"]);
    assert!(lines[10].ends_with("waiting for api"), "{}", lines[10]);
    assert_eq!(lines[12], "! port 5432 (db) is taken, it got 5433");
}

#[test]
fn status_of_named_ones_speaks_of_them_alone() {
    let project = Project::up(nothing);
    assert_eq!(project.run(&["status", "db", "migrate"]).code, 0);
    assert_eq!(project.run(&["status", "web"]).code, 3);
    let ran = project.run(&["status", "--json", "worker"]);
    assert_eq!((ran.code, json(&ran)["processes"].as_array().unwrap().len()), (1, 2));
    let ran = project.run(&["status", "wbe"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (2, "error: shop-fix has no program or group `wbe`\nhelp: did you mean `web`?\n")
    );
}

#[test]
fn a_bare_run_is_the_table_and_what_to_type_next() {
    let ran = Project::up(nothing).run(&[]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("shop-fix  /src/shop  up 1m40s"), "{}", ran.out);
    assert!(
        ran.out.contains("\nnext: run why worker:worker_0  -  run restart worker:worker_0  -  run logs -f"),
        "{}",
        ran.out
    );
}

#[test]
fn why_names_the_open_need_and_its_last_answer() {
    let project = Project::up(nothing);
    let ran = project.run(&["why", "web"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(
        ran.out.starts_with("web is waiting (1m40s): waiting for api\n  needs  api  until ready - starting since "),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("last: http 503 /health (try 41, timeout 60s in 20s)\n"), "{}", ran.out);
    let ran = project.run(&["why", "--json"]);
    let answers = json(&ran);
    let answers = answers["processes"].as_array().unwrap();
    let names: Vec<&str> = answers.iter().map(|answer| answer["process"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["worker:worker_0", "worker:worker_1", "mail", "api", "web"], "those that are not well");
}

#[test]
fn start_asks_for_readiness_with_needs_and_reports_each() {
    let answer = |asked: &Asked| {
        let Asked::Start { processes, with_needs: true, timeout: None, .. } = asked else { return nothing(asked) };
        assert_eq!(*processes, [DB, API]);
        each(&[(DB, Answer::AlreadyStarted), (API, Answer::Blocked)])
    };
    let ran = Project::up(answer).run(&["start", "db", "api"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("  + db   ready already"), "{}", ran.out);
    assert!(ran.out.contains("\n  x api  blocked"), "{}", ran.out);
}

#[test]
fn stop_names_who_depends_on_it_and_keeps_running() {
    let ran = Project::up(|_| each(&[(DB, Answer::Done)])).run(&["stop", "db"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.starts_with("  # db  stopped"), "{}", ran.out);
    assert_eq!(ran.err, "  ! api needs db and keeps running (run stop --with-dependents db stops it first)\n");
}

#[test]
fn wait_ends_with_124_when_the_time_is_over_and_with_1_when_something_failed() {
    let project = Project::up(|_| Outcome::TimedOut(vec![WEB]));
    let ran = project.run(&["wait", "web", "--timeout", "5s"]);
    assert_eq!(ran.code, 124);
    assert!(ran.out.starts_with("  . web  still waiting"), "{}", ran.out);
    let ran = project.run(&["wait", "--json", "--timeout", "5s"]);
    assert_eq!((ran.code, json(&ran)["timed_out"].as_bool()), (124, Some(true)));
    let failing = Project::up(|_| each(&[(WEB, Answer::SpawnError)]));
    assert_eq!(failing.run(&["wait"]).code, 1);
}

#[test]
fn a_signal_is_sent_by_any_of_its_names() {
    let answer = |asked: &Asked| {
        let Asked::Signal { signal, .. } = asked else { return nothing(asked) };
        assert_eq!(signal.0, 1);
        each(&[(DB, Answer::Done)])
    };
    let project = Project::up(answer);
    for name in ["HUP", "sighup", "1"] {
        let ran = project.run(&["signal", name, "db"]);
        assert_eq!((ran.code, ran.out.contains("+ db  signalled")), (0, true), "{}", ran.out);
    }
    assert_eq!(project.run(&["signal", "NONSENSE", "db"]).code, 2);
    assert_eq!(project.run(&["signal", "HUP", "nobody"]).code, 2);
}

#[test]
fn down_returns_when_nothing_is_left_and_says_what_it_took() {
    let project = Project::up(nothing);
    let ran = project.run(&["down"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert!(ran.err.starts_with("  stopping 2 in reverse order\n"), "{}", ran.err);
    assert!(ran.err.contains("  all stopped in ") && ran.err.ends_with(" - shop-fix was up 1m40s\n"), "{}", ran.err);
    let again = project.run(&["down"]);
    assert_eq!(again.code, 0);
    assert!(again.err.contains("is not up") || again.err.contains("no project is up"), "{}", again.err);
}

#[test]
fn names_are_completed_from_the_running_project() {
    let project = Project::up(nothing);
    let ask = || {
        let output = project
            .command(&["--", "run", "stop", "w"])
            .env(run::cli::completions::ASK_VARIABLE, "bash")
            .env("_CLAP_COMPLETE_INDEX", "2")
            .env("_CLAP_IFS", " ")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    // A shell is not kept waiting for long: on a busy machine the names may come too late, and then there are none.
    let deadline = Instant::now() + LONG;
    let mut names = ask();
    while names.is_empty() && Instant::now() < deadline {
        names = ask();
    }
    assert_eq!(names, "worker worker:worker_0 worker:worker_1 web");
}

/// Keeps a log as the output thread does: one segment and its index.
fn keep(project: &Project, process: &str, at: u64, text: &str) {
    use run::logs::kept::layout::{Record, UP_FILE, directory_name, index_name, segment_name};
    let directory = project.logs().join(directory_name(process)).join("stdout");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join(segment_name(0)), text).unwrap();
    let record = Record { offset: 0, at: run::model::WallTime(at), up: 1, run: 1 };
    fs::write(directory.join(index_name(0)), record.encode()).unwrap();
    fs::write(project.logs().join(UP_FILE), "1\n").unwrap();
}

#[test]
fn logs_are_read_while_it_is_up_and_after_it_went_down() {
    let mut project = Project::up(nothing).with_meta();
    keep(&project, "worker:worker_0", 1000, "connecting\nrefused\n");
    keep(&project, "db", 2000, "listening\n");
    let all = "worker_0 | connecting\nworker_0 | refused\ndb       | listening\n";
    let cut =
        |text: &str| text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    let ran = project.run(&["logs"]);
    assert_eq!((ran.code, cut(&ran.out)), (0, cut(all)));
    assert_eq!(project.run(&["logs", "-n", "1", "worker"]).out, "worker_0 | refused\n");
    let ran = project.run(&["logs", "--json", "db"]);
    assert_eq!((json(&ran)["line"].as_str(), json(&ran)["run"].as_u64()), (Some("listening"), Some(1)));
    assert_eq!(project.run(&["logs", "nobody"]).code, 2);
    project.end();
    let ran = project.run(&["logs", "worker_0"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "worker_0 | connecting\nworker_0 | refused\n"));
}

#[test]
fn following_ends_when_the_project_does() {
    let mut project = Project::up(nothing).with_meta();
    keep(&project, "db", 1000, "listening\n");
    let mut child = project.command(&["logs", "-f"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().ends_with("| listening"));
    project.end();
    let deadline = Instant::now() + LONG;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                child.kill().unwrap();
                panic!("it still follows");
            }
            None => thread::yield_now(),
        }
    };
    assert!(status.success());
    assert!(lines.next().is_none());
}

#[test]
fn why_works_after_it_went_down() {
    let mut project = Project::up(nothing).with_meta();
    keep(&project, "worker:worker_0", 1000, "connecting\nrefused\n");
    let status = project.run(&["status", "--json"]).out;
    fs::write(project.state().join(LAST_STATUS), status).unwrap();
    project.end();
    let ran = project.run(&["why", "worker:worker_0"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("worker:worker_0 is failed ("), "{}", ran.out);
    assert!(ran.out.contains("\nnext     run up - run logs worker:worker_0\n"), "{}", ran.out);
    assert_eq!(project.run(&["status"]).code, 2);
}
