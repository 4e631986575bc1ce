//! One test a point of failure (`src/fault.rs`): it fails while the project runs, is told, is mended, and leaves nothing.

use std::fs;

use run::fault::Point;

use crate::common::{PATIENCE, Running, TestProject, lines_of};

const EMFILE: i32 = nix::errno::Errno::EMFILE as i32;
const EAGAIN: i32 = nix::errno::Errno::EAGAIN as i32;
const ENOSPC: i32 = nix::errno::Errno::ENOSPC as i32;
const EIO: i32 = nix::errno::Errno::EIO as i32;

const PROJECT: &str = "[program.db]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\nstartretries = 50\n\
     [program.web]\ncommand = \"sh web.sh\"\nready = { log = \"on\" }\nstdout_logfile = \"web.log\"\n";

/// Says its number again and again, and goes on when it is told to.
const SCRIPT: &str =
    "echo on; i=0; while :; do i=$((i + 1)); echo line $i; [ $i = 50 ] && touch fifty; sleep 0.02; done\n";

fn project() -> TestProject {
    let project = TestProject::toml(PROJECT).file("web.sh", SCRIPT);
    fs::create_dir(faults(&project)).unwrap();
    let directory = faults(&project).display().to_string();
    project.env("RUN_FAULTS", &directory)
}

fn faults(project: &TestProject) -> std::path::PathBuf {
    project.directory().parent().unwrap().join("faults")
}

fn make(project: &TestProject, point: Point, errno: i32) {
    fs::write(faults(project).join(point.name()), errno.to_string()).unwrap();
}

fn mend(project: &TestProject, point: Point) {
    fs::remove_file(faults(project).join(point.name())).unwrap();
}

fn up(project: &TestProject) -> Running<'_> {
    let up = project.up();
    up.wait_for_banner();
    up.wait_until("web speaks", || up.stdout().contains("line 3\n"));
    up
}

/// Ends it and looks at everything that could be left, and whether the stream is whole.
#[track_caller]
fn nothing_is_left(project: &TestProject, up: Running<'_>) -> String {
    let done = up.interrupt();
    assert!(project.survivors().is_empty());
    let left = crate::common::all_files(&project.runtime());
    assert!(left.is_empty(), "{left:?}");
    let numbers: Vec<u32> =
        lines_of(&done.stdout, "web").iter().filter_map(|line| line.strip_prefix("line ")?.parse().ok()).collect();
    let whole = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1 || pair[1] == 1);
    assert!(whole && !numbers.is_empty(), "a line is lost or doubled: {numbers:?}");
    assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
    done.stderr
}

#[test]
fn a_fork_that_fails_is_tried_again_until_there_is_room() {
    let project = project();
    let up = up(&project);
    let web = project.pid("web");
    make(&project, Point::Fork, EAGAIN);
    let restart = project.start(&["restart", "db"]);
    up.wait_for("no room for another process");
    assert_eq!((project.pid("web"), project.word("web")), (web, "ready".into()));
    mend(&project, Point::Fork);
    project.wait_for_word("db", "ready");
    restart.end();
    nothing_is_left(&project, up);
}

#[test]
fn streams_that_cannot_be_made_are_tried_again() {
    let project = project();
    let up = up(&project);
    make(&project, Point::Streams, EMFILE);
    let restart = project.start(&["restart", "db"]);
    up.wait_for("could not prepare its streams");
    mend(&project, Point::Streams);
    project.wait_for_word("db", "ready");
    restart.end();
    nothing_is_left(&project, up);
}

#[test]
fn a_connection_that_cannot_be_taken_delays_nobody_else() {
    for errno in [EMFILE, EIO] {
        let project = project();
        let up = up(&project);
        make(&project, Point::Accept, errno);
        let question = project.start(&["status"]);
        let lines = up.stdout().len();
        up.wait_until("programs go on", || up.stdout().len() > lines + 200);
        mend(&project, Point::Accept);
        question.end();
        project.run(&["status"]).expect_code(0);
        nothing_is_left(&project, up);
    }
}

#[test]
fn a_kept_log_that_is_cut_in_the_middle_of_a_write_has_whole_lines_only() {
    let project = project();
    let up = up(&project);
    let kept = || project.run(&["logs", "-n", "100000", "web"]).stdout;
    project.wait_until("its first lines are kept", PATIENCE, || kept().contains("line 1\n"));
    make(&project, Point::KeepLog, ENOSPC);
    up.wait_for("logs are not kept");
    let lines = up.stdout().len();
    up.wait_until("the stream goes on", || up.stdout().len() > lines + 200);
    mend(&project, Point::KeepLog);
    project.run(&["restart", "web"]).expect_code(0);
    project.wait_until("the next run is kept again", PATIENCE, || {
        kept()
            .rsplit_once("line 1\n")
            .is_some_and(|(before, next)| before.contains("line 1\n") && next.contains("line 50\n"))
    });
    let texts: Vec<String> = kept().lines().map(|line| line.rsplit("| ").next().unwrap().to_owned()).collect();
    let torn: Vec<&String> = texts
        .iter()
        .filter(|text| *text != "on" && text.strip_prefix("line ").is_none_or(|number| number.parse::<u32>().is_err()))
        .collect();
    assert!(torn.is_empty(), "{torn:?}");
    let numbers: Vec<u32> = texts.iter().filter_map(|text| text.strip_prefix("line ")?.parse().ok()).collect();
    let whole = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1 || pair[1] == 1);
    assert!(
        whole && numbers.iter().filter(|number| **number == 1).count() == 2,
        "two runs without a hole: {numbers:?}"
    );
    let told = nothing_is_left(&project, up);
    assert!(told.matches("logs are not kept").count() <= 2, "told too often: {told}");
}

#[test]
fn a_log_file_of_the_user_that_cannot_be_written_is_told_and_goes_on_later() {
    let project = project();
    let up = up(&project);
    make(&project, Point::UserLog, ENOSPC);
    up.wait_for("o space left on device");
    mend(&project, Point::UserLog);
    let length = project.read("web.log").len();
    project.wait_until("it is written again", PATIENCE, || project.read("web.log").len() > length);
    nothing_is_left(&project, up);
}

#[test]
fn a_state_file_that_cannot_be_written_is_told() {
    let project = project();
    make(&project, Point::State, ENOSPC);
    let up = up(&project);
    up.wait_for("the state directory cannot be written");
    assert_eq!(project.word("web"), "ready");
    nothing_is_left(&project, up);
}

#[test]
fn every_point_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = Point::ALL.iter().map(|point| point.name()).collect();
    assert_eq!(names.len(), Point::ALL.len());
}
