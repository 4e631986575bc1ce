//! The config is lost, spoilt or unreadable while the project runs: what runs goes on, can be asked and ended, and each time the
//! reason is told.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::sys::stat::Mode;

use crate::common::{Running, TestProject};
use crate::stranger::{as_stranger, by_shell, give_away, may_become_a_stranger};

const GOOD: &str = "[program.db]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n\
     [program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\ndepends_on = [\"db\"]\n";

/// A way to spoil a file, and what is told of it.
type Spoil = (&'static str, fn(&Path), &'static str);

const WAYS: &[Spoil] = &[
    ("deleted", |file| fs::remove_file(file).unwrap(), ""),
    ("emptied", |file| write(file, ""), "no program"),
    ("cut", |file| write(file, &GOOD[..GOOD.len() / 2 + 3]), "run.toml"),
    ("garbage", |file| fs::write(file, [0, 159, 146, 150, 255, 10, 91, 91]).unwrap(), "UTF-8"),
    ("a directory", |file| replaced(file, |file| fs::create_dir(file).unwrap()), "directory"),
    ("a FIFO", |file| replaced(file, |file| nix::unistd::mkfifo(file, Mode::S_IRWXU).unwrap()), "regular file"),
    ("40 MB", |file| fs::write(file, vec![b'#'; 40 << 20]).unwrap(), "1 MiB"),
    ("a link to itself", |file| replaced(file, |file| symlink(file, file).unwrap()), "run.toml"),
    ("a link to nothing", |file| replaced(file, |file| symlink("nowhere", file).unwrap()), ""),
    (
        "cyclic",
        |file| write(file, &GOOD.replacen("ready =", "depends_on = [\"web\"]\nready =", 1)),
        "wait for each other",
    ),
    ("duplicate", |file| write(file, &format!("{GOOD}{GOOD}")), "duplicate"),
    ("misspelt", |file| write(file, &GOOD.replace("\"db\"", "\"bd\"")), "which is not defined"),
];

fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
}

fn replaced(file: &Path, make: fn(&Path)) {
    fs::remove_file(file).unwrap();
    make(file);
}

fn mend(file: &Path) {
    if file.is_dir() {
        fs::remove_dir(file).unwrap();
    } else if file.symlink_metadata().is_ok() {
        fs::remove_file(file).unwrap();
    }
    write(file, GOOD);
}

#[test]
fn whatever_becomes_of_the_config_what_runs_goes_on() {
    let project = TestProject::toml(GOOD);
    let up = project.up();
    up.wait_for_banner();
    let file = project.path("run.toml");
    let pids = || [project.pid("db"), project.pid("web")];
    let mut before = pids();
    for (way, spoil, told) in WAYS {
        spoil(&file);
        let done = project.run(&["reload"]);
        let said = format!("{}{}", done.stdout, done.stderr);
        assert_eq!(done.code, 2, "{way}: {said}");
        assert!(said.contains(told) && !said.contains("panicked"), "{way}: no `{told}` in {said}");
        assert_eq!(pids(), before, "{way}");
        project.run(&["status"]).expect_code(0).expect_text("ready");
        project.run(&["check"]).expect_code(2);
        project.run(&["ctl", "reread"]);
        project.run(&["restart", "web"]).expect_code(0);
        assert_eq!(pids()[0], before[0], "{way}");
        before = pids();
        mend(&file);
        project.run(&["reload"]).expect_code(0);
        assert_eq!(pids(), before, "{way}, mended");
    }
    up.interrupt().expect_code(0);
}

#[test]
fn whatever_became_of_the_config_the_project_can_be_ended() {
    for (way, spoil, _) in WAYS {
        let project = TestProject::toml(GOOD);
        let up = project.up();
        up.wait_for_banner();
        spoil(&project.path("run.toml"));
        let done = project.run(&["down"]);
        assert_eq!(done.code, 0, "{way}: {done:?}");
        up.end().expect_code(0);
        assert!(project.survivors().is_empty(), "{way}");
    }
}

#[test]
fn a_config_that_may_not_be_read_any_more_changes_nothing() {
    if !may_become_a_stranger() {
        return;
    }
    let project = TestProject::toml(GOOD);
    give_away(&project);
    let up = Running::start(&project, as_stranger(&project, &[], &["up"]));
    up.wait_for_banner();
    fs::set_permissions(project.path("run.toml"), std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    let reload = project.finish(as_stranger(&project, &[], &["reload"])).expect_code(2);
    assert!(format!("{}{}", reload.stdout, reload.stderr).contains("ermission denied"), "{reload:?}");
    project.finish(as_stranger(&project, &[], &["status"])).expect_code(0);
    project.finish(as_stranger(&project, &[], &["down"])).expect_code(0);
    up.end().expect_code(0);
}

/// The directory itself goes, too.
#[test]
fn a_project_whose_directory_is_removed_can_be_ended_by_its_name() {
    let world = TestProject::empty();
    world.write("shop/run.toml", GOOD);
    let up = world.start(&["-C", "shop", "up"]);
    up.wait_for_banner();
    fs::remove_dir_all(world.path("shop")).unwrap();
    world.run(&["projects"]).expect_code(0).expect_text("shop");
    world.run(&["-p", "shop", "status"]).expect_code(0).expect_text("ready");
    world.run(&["-p", "shop", "down"]).expect_code(0);
    up.end().expect_code(0);
}

#[test]
fn a_project_whose_directory_is_removed_can_be_ended_from_within_and_by_its_path() {
    let world = TestProject::empty();
    world.write("shop/run.toml", GOOD);
    let up = world.start(&["-C", "shop", "up"]);
    up.wait_for_banner();
    let within = |script: &str| {
        let script = format!("cd shop; rm -rf ../shop; \"$0\" {script}");
        world.finish(by_shell(&world, &script))
    };
    within("status").expect_code(0).expect_text("ready");
    world.run(&["-C", "shop", "status"]).expect_code(0).expect_text("ready");
    world.run(&["-C", "shpo", "status"]).expect_code(2).expect_text("there is no directory");
    fs::create_dir(world.path("shop")).unwrap();
    within("down").expect_code(0);
    fs::create_dir(world.path("shop")).unwrap();
    within("projects").expect_code(0);
    within("status").expect_code(2).expect_text("shop");
    up.end().expect_code(0);
}

/// What runs could not be started again where it was; and nothing of it has changed.
#[test]
fn a_directory_that_is_moved_away_and_back_restarts_nobody() {
    let world = TestProject::empty();
    let web =
        "[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\nwatch = [\"src/*.txt\"]\n";
    world.write("shop/run.toml", web);
    world.write("shop/src/a.txt", "1");
    let up = world.start(&["-C", "shop", "up"]);
    up.wait_for_banner();
    up.wait_for("ready in");
    fs::rename(world.path("shop"), world.path("away")).unwrap();
    up.wait_for("run.toml cannot be read: no such file");
    world.run(&["-p", "shop", "status"]).expect_code(0).expect_text("ready");
    fs::rename(world.path("away"), world.path("shop")).unwrap();
    up.wait_for("changed back to what runs");
    world.write("shop/src/a.txt", "changed");
    up.wait_for("restarting: src/a.txt changed");
    let done = up.interrupt().expect_code(0);
    assert_eq!(done.stderr.matches("restarting: ").count(), 1, "{}", done.stderr);
    assert!(!done.stderr.contains("could not"), "{}", done.stderr);
}
