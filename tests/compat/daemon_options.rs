//! Options of `[supervisord]`, each by what it does, and those of the command line that mean the same.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::common::{PATIENCE, becomes_true};
use crate::daemon::{Daemon, Stage, is_alive};
use crate::servers::somebody;
use crate::side::Side;
use crate::stdin::log_of;

on_both! {
    limits_that_are_too_low_are_raised_for_all,
    the_main_log_is_rotated_at_its_size,
    the_file_may_ask_for_the_foreground_and_for_silence,
    old_logs_may_be_kept,
    the_file_may_name_a_directory_and_a_mask,
    the_daemon_and_its_children_are_another_user,
}

const CAT: &str = "[program:cat]\ncommand = cat\nstartsecs = 0\n";

/// The soft limits that a program finds: of descriptors, and of processes.
const LIMITS: &str = "[program:limits]\ncommand = sh -c 'sed -n \"s/^Max \\(open files\\|processes\\) *\\([0-9]*\\) .*/\\2/p\" /proc/self/limits; exec cat'\nstartsecs = 0\n";

fn limits_that_are_too_low_are_raised_for_all(side: Side) {
    for (options, minfds) in [
        ("[supervisord]\nminfds = 700\nminprocs = 1200\n", "700"),
        ("[supervisord]\nminfds = 100\nminprocs = 1200\n", "300"),
    ] {
        let stage = Stage::new(side, &format!("{LIMITS}{options}"));
        let foreground = stage.foreground();
        let mut low = stage.command(Path::new("prlimit"), &["--nofile=300:", "--nproc=1000:", "--"]);
        low.arg(foreground.get_program()).args(foreground.get_args());
        let daemon = stage.start_as(low);
        let expected = format!("1200\n{minfds}\n");
        daemon.wait_until("it tells them", || log_of(&daemon, "limits") == expected);
    }
}

/// Lets a main log grow, and sees what becomes of it: the newest is no larger than the limit and a line, and one old one is kept.
fn watch_rotation(daemon: &Daemon<'_>, log: &str) {
    let stage = daemon.stage;
    let second = format!("{log}.1");
    let mut first = Vec::new();
    stage.wait_until("it was rotated twice", || {
        daemon.value("signalProcess", json!(["cat", "CONT"]));
        daemon.value("stopProcess", json!(["cat"]));
        daemon.value("startProcess", json!(["cat"]));
        let now = stage.read(&second);
        if !now.is_empty() && first.last() != Some(&now) {
            first.push(now);
        }
        first.len() == 2
    });
    assert!(!stage.path(&format!("{log}.2")).exists());
    assert!(first.iter().all(|text| (1024..2048).contains(&text.len())), "{first:#?}");
    assert!(stage.read(log).len() < 2048);
}

fn the_main_log_is_rotated_at_its_size(side: Side) {
    let conf = format!("{CAT}[supervisord]\nlogfile_maxbytes = 1KB\nlogfile_backups = 1\n");
    let stage = Stage::new(side, &conf);
    watch_rotation(&stage.start(), "main.log");
    let stage = Stage::new(side, CAT);
    watch_rotation(&stage.start_with(&["-s", "-y", "1KB", "-z", "1", "-l", "other.log"]), "other.log");
}

fn the_file_may_ask_for_the_foreground_and_for_silence(side: Side) {
    for (options, is_silent) in
        [("[supervisord]\nnodaemon = true\nsilent = true\n", true), ("[supervisord]\nnodaemon = true\n", false)]
    {
        let stage = Stage::new(side, &format!("{CAT}{options}"));
        let daemon = stage.start_as(stage.supervisord(&["-c", "supervisord.conf"]));
        assert_eq!(daemon.value("getPID", json!([])), daemon.daemon_pid());
        daemon.wait_state("cat", "RUNNING");
        assert_eq!(daemon.end_by(Signal::SIGTERM).expect_code(0).stdout.is_empty(), is_silent);
    }
}

fn old_logs_may_be_kept(side: Side) {
    let old = "cat-stdout---supervisor-abc123.log";
    for (options, arguments, directory) in
        [("[supervisord]\nnocleanup = true\n", &["-s"][..], "."), ("", &["-s", "-k", "-q", "logs"], "logs")]
    {
        let stage = Stage::new(side, &format!("{CAT}{options}"));
        stage.project.write(&format!("{directory}/{old}"), "x");
        let daemon = stage.start_with(arguments);
        daemon.wait_state("cat", "RUNNING");
        assert_eq!(stage.read(&format!("{directory}/{old}")), "x");
        let log = daemon.info("cat")["stdout_logfile"].as_str().unwrap().to_owned();
        let directory = stage.path(directory).canonicalize().unwrap();
        assert_eq!(Path::new(&log).parent().unwrap().canonicalize().unwrap(), directory);
    }
}

fn the_file_may_name_a_directory_and_a_mask(side: Side) {
    let here = "[program:here]\ncommand = sh -c 'pwd; umask; exec cat'\nstartsecs = 0\n";
    let stage = Stage::new(side, &format!("{here}[supervisord]\ndirectory = %(here)s/sub\numask = 027\n"));
    let stage = stage.file("sub/x", "");
    stage.run(&["-c", "supervisord.conf"]).expect_code(0);
    let sub = stage.path("sub").canonicalize().unwrap();
    let expected = format!("{}\n0027", sub.display());
    stage.wait_until("it lives there", || stage.ctl(&["tail", "here"]).stdout.trim_end() == expected);
    let pid: i64 = stage.read("main.pid").trim().parse().unwrap();
    stage.ctl(&["shutdown"]).expect_code(0);
    assert!(becomes_true(PATIENCE, || !is_alive(pid)));
}

fn the_daemon_and_its_children_are_another_user(side: Side) {
    let user = somebody();
    for (options, arguments) in
        [(format!("[supervisord]\nuser = {}\n", user.name), &["-s"][..]), (String::new(), &["-s", "-u", &user.name])]
    {
        let who =
            "[program:who]\ncommand = sh -c 'id -un; exec cat'\nstartsecs = 0\nstdout_logfile = %(here)s/who.log\n";
        let stage = Stage::new(side, &format!("{who}{options}"));
        for place in stage.project.directory().ancestors().take(2) {
            chown(place, Some(user.uid.as_raw()), None).unwrap();
        }
        let daemon = stage.start_with(arguments);
        stage.wait_until("it says who it is", || stage.read("who.log") == format!("{}\n", user.name));
        for file in ["s.sock", "main.log"] {
            assert_eq!(stage.path(file).metadata().unwrap().uid(), user.uid.as_raw(), "{file}");
        }
        let daemon = Path::new("/proc").join(daemon.daemon_pid().to_string());
        assert_eq!(daemon.metadata().unwrap().uid(), user.uid.as_raw());
    }
}
