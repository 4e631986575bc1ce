//! The `.env` paragraph of the product through the binary; the dialect itself has its tests beside the parser.

use crate::common::{TestProject, lines_of};

fn seen(project: &TestProject, arguments: &[&str]) -> Vec<String> {
    lines_of(&project.run(arguments).expect_code(0).stdout, "web")
}

#[test]
fn the_file_wins_over_the_shell_unless_asked_otherwise() {
    let project =
        TestProject::procfile("web: echo $A $B\n").file(".env", "A=file\n").env("A", "shell").env("B", "outer");
    assert_eq!(seen(&project, &["up"]), ["file outer"]);
    assert_eq!(seen(&project, &["up", "--env-order", "shell"]), ["shell outer"]);
}

#[test]
fn the_dialect_is_the_one_that_is_promised() {
    let text = concat!(
        "export EXPORTED=1\nSPACED = two words  # a comment\nSINGLE='$EXPORTED \\n'\nDOUBLE=\"${EXPORTED}\\tx\"\n",
        "LINES=\"first\nsecond\"\nEMPTY=\nBACK=C:\\new\nHASH=a#b\nTWICE=1\nTWICE=2\nUSES=${EXPORTED}st\n",
    );
    let show = "web: for n in EXPORTED SPACED SINGLE LINES EMPTY BACK HASH TWICE USES; do eval \"v=\\$$n\"; printf '%s=[%s]\\n' $n \"$v\"; done\n";
    let project = TestProject::procfile(show).file(".env", text);
    assert_eq!(
        seen(&project, &["up"]),
        [
            "EXPORTED=[1]",
            "SPACED=[two words]",
            "SINGLE=[$EXPORTED \\n]",
            "LINES=[first",
            "second]",
            "EMPTY=[]",
            "BACK=[C:\\new]",
            "HASH=[a#b]",
            "TWICE=[2]",
            "USES=[1st]",
        ]
    );
}

#[test]
fn a_bad_line_is_told_with_its_place_and_costs_only_itself() {
    let project = TestProject::procfile("web: echo $A $B\n").file(".env", "A=1\nthis is no assignment\nB=2\n");
    let done = project.run(&["up"]).expect_code(0);
    assert_eq!(lines_of(&done.stdout, "web"), ["1 2"]);
    assert!(done.stderr.contains(".env:2"), "{}", done.stderr);
}

#[test]
fn it_is_read_again_at_every_restart() {
    let project = TestProject::toml(
        "reload = \"off\"\n[program.web]\ncommand = \"echo A=$A; exec sleep 1000\"\nready = { log = \"A=\" }\n",
    )
    .file(".env", "A=1\n");
    let up = project.up();
    up.wait_for_banner();
    project.write(".env", "A=2\n");
    project.run(&["restart", "web"]).expect_code(0);
    up.wait_for("A=2");
    assert_eq!(lines_of(&up.interrupt().stdout, "web"), ["A=1", "A=2"]);
}

#[test]
fn the_env_file_of_a_program_sees_the_environment_of_the_project() {
    let project = TestProject::toml(
        "[environment]\nHOST = \"db.local:${web.port}\"\n[task.web]\ncommand = \"echo $URL\"\nport = 7001\nenv_file = \"web.env\"\n",
    )
    .file("web.env", "URL=http://${HOST}/\n");
    project.run(&["check"]).expect_code(0).expect_text("no mistakes");
    project.run(&["env", "web"]).expect_code(0).expect_text("URL=http://db.local:7001/");
    assert_eq!(seen(&project, &["up"]), ["http://db.local:7001/"]);
}

/// What it says is known for certain only at the start, and compared with what was known when the config was read.
#[test]
fn an_env_file_that_names_a_port_is_no_change_of_the_config() {
    let project = TestProject::toml(
        "[environment]\nHOST = \"db.local:${web.port}\"\n[program.web]\ncommand = \"sleep 1000\"\nport = \"auto\"\nready = { exec = \"true\" }\nenv_file = \"web.env\"\n",
    )
    .file("web.env", "URL=http://${HOST}/\n");
    // Whoever watches would be the first to take over what is written here.
    project.run(&["up", "-d", "--reload", "off"]).expect_code(0);
    project.run(&["reload"]).expect_code(0).expect_text("nothing has changed");
    project.write("web.env", "URL=https://${HOST}/\n");
    project.run(&["reload"]).expect_code(0).expect_text("URL");
    project.run(&["down"]).expect_code(0);
}
