//! The Procfile paragraph of the product, sentence by sentence.

use nix::sys::signal::Signal;

use crate::common::{TestProject, lines_of};

/// Starts `up` with these arguments on programs that end by themselves, and returns what each wrote.
fn written(project: &TestProject, arguments: &[&str], name: &str) -> Vec<String> {
    lines_of(&project.run(arguments).stdout, name)
}

#[test]
fn a_name_has_letters_digits_and_some_signs_and_a_blank_is_optional() {
    let project = TestProject::procfile("web:echo close\nwork_er-2.x:   echo far\n");
    let done = project.run(&["up"]).expect_code(0);
    assert_eq!(lines_of(&done.stdout, "web"), ["close"]);
    assert_eq!(lines_of(&done.stdout, "work_er-2.x"), ["far"]);
}

#[test]
fn comments_blank_lines_bom_and_crlf_are_accepted() {
    let project = TestProject::procfile("\u{feff}# first\r\n\r\n   # indented\r\nweb: echo hello\r\n   \t\r\n");
    let done = project.run(&["up"]).expect_code(0);
    assert_eq!(lines_of(&done.stdout, "web"), ["hello"]);
}

#[test]
fn every_bad_line_is_an_error_with_its_place_and_nothing_starts() {
    for (text, place) in [
        ("web: touch ran\n\nthis is no line\n", "Procfile:3:"),
        ("web: touch ran\nweb: touch ran\n", "Procfile:2:"),
        ("web: touch ran\nempty:\n", "Procfile:2:"),
        ("web: touch ran\nbad name: true\n", "Procfile:2:"),
        ("we/b: touch ran\n", "Procfile:1:"),
    ] {
        let project = TestProject::procfile(text);
        project.run(&["up"]).expect_code(2).expect_text(place);
        assert!(!project.path("ran").exists(), "{text}");
    }
}

#[test]
fn all_bad_lines_are_told_at_once() {
    let project = TestProject::procfile("nonsense\nweb: true\nmore nonsense\n");
    project.run(&["up"]).expect_code(2).expect_text("Procfile:1:").expect_text("Procfile:3:");
}

#[test]
fn a_line_is_the_shells_and_nothing_is_substituted_before_it() {
    let project = TestProject::procfile("web: echo \"[$WORD]\" '$WORD' $((1 + 2)) | cat && echo ${NONE:-other}\n")
        .env("WORD", "a b");
    assert_eq!(written(&project, &["up"], "web"), ["[a b] $WORD 3", "other"]);
}

const PORTS: &str = "web: echo $PORT\nworker: echo $PORT\n# a comment takes no port\ncss: echo $PORT\n";

fn ports(project: &TestProject, arguments: &[&str]) -> Vec<String> {
    let done = project.run(arguments).expect_code(0);
    ["web", "worker", "css"].iter().flat_map(|name| lines_of(&done.stdout, name)).collect()
}

#[test]
fn each_line_has_a_port_a_hundred_above_the_one_before() {
    assert_eq!(ports(&TestProject::procfile(PORTS), &["up"]), ["5000", "5100", "5200"]);
}

#[test]
fn a_subset_keeps_its_ports() {
    assert_eq!(ports(&TestProject::procfile(PORTS), &["up", "css"]), ["5200"]);
}

#[test]
fn the_base_is_the_option_then_the_env_file_then_the_shell() {
    let project = TestProject::procfile(PORTS).env("PORT", "7000");
    assert_eq!(ports(&project, &["up", "web"]), ["7000"]);
    project.write(".env", "PORT=8000\n");
    assert_eq!(ports(&project, &["up", "web", "worker"]), ["8000", "8100"]);
    assert_eq!(ports(&project, &["up", "web", "--port", "9000"]), ["9000"]);
}

#[test]
fn a_formation_counts_instances_and_each_has_its_port_and_name() {
    let project = TestProject::procfile("web: echo $PORT $PS\nworker: echo $PORT $PS\n");
    let done = project.run(&["up", "-m", "all=1,web=2"]).expect_code(0);
    let mut all: Vec<String> =
        done.stdout.lines().filter_map(|line| Some(line.split_once(['|', '│'])?.1.trim().to_owned())).collect();
    all.sort();
    assert_eq!(all, ["5000 web.1", "5001 web.2", "5100 worker.1"]);
    let none = project.run(&["up", "-m", "all=0,worker=1"]).expect_code(0);
    assert_eq!(none.stdout.lines().count(), 1, "{none:?}");
    project.run(&["up", "-m", "wob=2"]).expect_code(2).expect_text("wob");
}

#[test]
fn defaults_come_from_dot_foreman_and_dot_overmind_env() {
    let foreman = TestProject::procfile(PORTS).file(".foreman", "port: 6000\nformation: web=1\n");
    assert_eq!(ports(&foreman, &["up"]), ["6000"]);
    let overmind = TestProject::procfile(PORTS).file(".overmind.env", "OVERMIND_PORT=6500\n");
    assert_eq!(ports(&overmind, &["up"])[0], "6500");
}

#[test]
fn a_failure_ends_the_run_with_its_code_and_a_line_that_says_so() {
    let project = TestProject::procfile("web: sleep 1000\nworker: sleep 0.2; exit 7\n");
    let done = project.run(&["up"]).expect_code(7);
    assert!(done.stderr.contains("worker") && done.stderr.contains("exited 7"), "{done:?}");
    assert!(project.survivors().is_empty());
}

#[test]
fn a_signal_ends_the_run_with_128_and_its_number() {
    TestProject::procfile("web: sleep 1000\nworker: kill -KILL $$\n").run(&["up"]).expect_code(137);
}

#[test]
fn a_clean_end_stops_nobody_and_all_clean_ends_are_zero() {
    let project = TestProject::procfile("web: while ! test -f go; do sleep 0.05; done\ncss: true\n");
    let up = project.up();
    project.wait_for_word("css", "done");
    assert_ne!(project.pid("web"), 0);
    project.write("go", "");
    up.end().expect_code(0);
}

#[test]
fn exit_on_end_makes_any_end_the_end() {
    TestProject::procfile("web: sleep 1000\ncss: true\n").run(&["up", "--exit-on-end"]).expect_code(0);
}

#[test]
fn keep_going_keeps_the_others() {
    let project = TestProject::procfile("web: sleep 1000\nworker: echo try >> tries; exit 1\n");
    let up = project.start(&["up", "--keep-going"]);
    project.wait_until("it is tried again", crate::common::PATIENCE, || project.lines("tries").len() >= 2);
    assert_ne!(project.pid("web"), 0);
    up.signal(Signal::SIGINT);
    up.end();
}

#[test]
fn in_run_toml_a_failure_ends_the_run_when_it_is_asked_for() {
    let text = "[program.web]\ncommand = \"sleep 1000\"\n[program.worker]\ncommand = \"exit 7\"\nstartretries = 0\n";
    TestProject::toml(text).run(&["up", "--exit-on-failure"]).expect_code(7);
    let marked = text
        .replace("\"sleep 1000\"", "\"sleep 0.3\"\nexit_on_end = true\nautorestart = false")
        .replace("exit 7", "sleep 1000");
    TestProject::toml(&marked).run(&["up"]).expect_code(0);
}

#[test]
fn procfile_dev_wins_over_procfile_and_run_toml_over_both() {
    let project = TestProject::procfile("web: echo plain\n").file("Procfile.dev", "web: echo dev\n");
    assert_eq!(written(&project, &["up"], "web"), ["dev"]);
    assert_eq!(written(&project, &["-f", "Procfile", "up"], "web"), ["plain"]);
    project.write("run.toml", "[task.web]\ncommand = \"echo toml\"\n");
    assert_eq!(written(&project, &["up"], "web"), ["toml"]);
}
