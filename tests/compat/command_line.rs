//! supervisord's command line.

use nix::sys::signal::Signal;

use crate::common::{PATIENCE, becomes_true};
use crate::daemon::{Daemon, Stage, is_alive};
use crate::side::Side;

on_both! {
    version_and_help_are_printed,
    what_is_not_an_option_ends_with_two,
    the_command_line_beats_the_file,
    options_may_be_written_together,
    every_signal_of_the_end_is_a_normal_end,
    it_goes_to_the_background_and_writes_its_pid,
    the_config_is_found_in_the_directory,
    the_foreground_shows_the_main_log,
    automatic_logs_of_an_earlier_run_are_removed,
    descriptors_that_cannot_be_had_are_an_error,
    a_directory_to_live_in,
}

const CAT: &str = "[program:cat]\ncommand = cat\nstartsecs = 0\n";

fn version_and_help_are_printed(side: Side) {
    let stage = Stage::new(side, CAT);
    for option in ["-v", "--version"] {
        assert_eq!(stage.run(&[option]).expect_code(0).stdout, "4.3.0\n");
    }
    for option in ["-h", "--help"] {
        let help = stage.run(&[option]).expect_code(0).stdout;
        for word in [
            "-c",
            "--configuration",
            "-n",
            "--nodaemon",
            "-l",
            "--logfile",
            "-j",
            "--pidfile",
            "-e",
            "--loglevel",
            "--minprocs",
        ] {
            assert!(help.contains(word), "no {word} in {help}");
        }
    }
}

fn what_is_not_an_option_ends_with_two(side: Side) {
    let stage = Stage::new(side, CAT);
    for (arguments, text) in [
        (&["-n", "-c", "supervisord.conf", "extra"][..], "positional arguments are not supported: ['extra']"),
        (&["--nope"], "option --nope not recognized"),
        (&["-x"], "option -x not recognized"),
        (&["-c"], "option -c requires argument"),
        (&["-n", "-c", "nowhere.conf"], "could not find config file nowhere.conf"),
        (&["-n", "-c", "supervisord.conf", "-e", "loud"], "loud"),
        (&["-n", "-c", "supervisord.conf", "-y", "5XB"], "5XB"),
        (&["-n", "-c", "supervisord.conf", "-m", "99"], "99"),
        (&["-n", "-c", "supervisord.conf", "-d", "/nonexistent"], "/nonexistent"),
        (&["-n", "-c", "supervisord.conf", "-l", "/nonexistent/x.log"], "/nonexistent"),
        (&["-n", "-c", "supervisord.conf", "-u", "no-such-user-here"], "no-such-user-here"),
    ] {
        let done = stage.run(arguments);
        assert_eq!(done.code, 2, "{arguments:?}: {}", done.stderr);
        assert!(done.stderr.contains("Error: ") && done.stderr.contains(text), "{arguments:?}: {}", done.stderr);
    }
}

fn the_command_line_beats_the_file(side: Side) {
    let stage = Stage::new(side, CAT);
    // The directory of the children's logs has to be there.
    std::fs::create_dir_all(stage.path("logs")).unwrap();
    let options = "--identifier=shop --logfile=other.log --pidfile=other.pid --loglevel=debug --childlogdir=logs --umask=077 --silent";
    let daemon = stage.start_with(&options.split(' ').collect::<Vec<_>>());
    daemon.wait_state("cat", "RUNNING");
    assert_eq!(daemon.value("getIdentification", serde_json::json!([])), "shop");
    assert_eq!(stage.read("other.pid").trim(), daemon.daemon_pid().to_string());
    assert!(stage.read("other.log").contains("supervisord started with pid"));
    let log = daemon.info("cat")["stdout_logfile"].as_str().unwrap().to_owned();
    assert!(log.contains("/logs/cat-stdout---shop-"), "{log}");
}

fn options_may_be_written_together(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start_with(&["-skte", "debug", "-ishop"]);
    assert_eq!(daemon.value("getIdentification", serde_json::json!([])), "shop");
    daemon.end_by(Signal::SIGTERM).expect_code(0);
}

fn every_signal_of_the_end_is_a_normal_end(side: Side) {
    let bad = "[program:bad]\ncommand = false\nstartsecs = 5\nstartretries = 0\n";
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
        let stage = Stage::new(side, &[CAT, bad].concat());
        let daemon = stage.start_with(&["-s"]);
        daemon.wait_state("cat", "RUNNING");
        daemon.wait_state("bad", "FATAL");
        let cat = daemon.pid("cat");
        daemon.end_by(signal).expect_code(0);
        assert!(!is_alive(cat));
        assert!(!stage.path("main.pid").exists() && !stage.path("s.sock").exists(), "nothing is left behind");
        assert!(stage.read("main.log").contains(&format!("received {} indicating exit request", signal.as_str())));
    }
}

fn it_goes_to_the_background_and_writes_its_pid(side: Side) {
    let stage = Stage::new(side, CAT);
    let done = stage.run(&["-c", "supervisord.conf"]).expect_code(0);
    assert_eq!(done.stdout, "");
    stage.wait_until("it says its pid", || stage.read("main.pid").ends_with('\n'));
    let pid: i64 = stage.read("main.pid").trim().parse().unwrap();
    assert!(is_alive(pid));
    stage.wait_until("it answers", || stage.ctl(&["status", "cat"]).stdout.contains("RUNNING"));
    assert_eq!(stage.ctl(&["pid"]).expect_code(0).stdout, format!("{pid}\n"));
    let file = |name: &str| std::fs::read_link(format!("/proc/{pid}/fd/{name}")).unwrap();
    assert_eq!(file("0"), std::path::Path::new("/dev/null"));
    let order =
        ["Server 'unix_http_server' running", "daemonizing the supervisord process", "supervisord started with pid"];
    let log = stage.read("main.log");
    assert!(order.map(|line| log.find(line).unwrap()).is_sorted(), "{log}");
    assert_eq!(stage.ctl(&["shutdown"]).expect_code(0).stdout, "Shut down\n");
    assert!(becomes_true(PATIENCE, || !is_alive(pid)));
    assert!(!stage.path("main.pid").exists());
}

fn the_config_is_found_in_the_directory(side: Side) {
    for place in ["supervisord.conf", "etc/supervisord.conf"] {
        let stage = Stage::new(side, CAT);
        let text = stage.read("supervisord.conf").replace("%(here)s", &stage.project.directory().display().to_string());
        std::fs::remove_file(stage.path("supervisord.conf")).unwrap();
        stage.project.write(place, text);
        let command = stage.supervisord(&["-n", "-s"]);
        let daemon = stage.start_as(command);
        daemon.wait_state("cat", "RUNNING");
    }
    let stage = Stage::new(side, CAT);
    std::fs::remove_file(stage.path("supervisord.conf")).unwrap();
    if !std::path::Path::new("/etc/supervisord.conf").exists()
        && !std::path::Path::new("/etc/supervisor/supervisord.conf").exists()
    {
        stage.run(&["-n"]).expect_code(2).expect_text("No config file found at default paths");
    }
}

fn the_foreground_shows_the_main_log(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start_with(&[]);
    daemon.wait_state("cat", "RUNNING");
    let shows = |daemon: &Daemon<'_>, text: &str| daemon.stdout().contains(text);
    daemon.wait_until("it is shown", || shows(&daemon, "INFO success: cat entered RUNNING state"));
    let printed = daemon.end_by(Signal::SIGTERM).expect_code(0).stdout;
    assert!(printed.contains("INFO spawned: 'cat' with pid "), "{printed}");
    let silent = stage.start_with(&["--silent"]);
    silent.wait_state("cat", "RUNNING");
    assert_eq!(silent.end_by(Signal::SIGTERM).expect_code(0).stdout, "");
}

fn automatic_logs_of_an_earlier_run_are_removed(side: Side) {
    let old = "cat-stdout---supervisor-abc123.log";
    let other = "cat-stdout---another-abc123.log";
    let stage = Stage::new(side, CAT).file(old, "x").file(other, "x");
    let daemon = stage.start_with(&["-s", "--nocleanup"]);
    assert!(stage.path(old).exists());
    drop(daemon);
    let daemon = stage.start_with(&["-s"]);
    daemon.wait_state("cat", "RUNNING");
    assert!(!stage.path(old).exists());
    assert!(stage.path(other).exists(), "it is of another daemon");
}

fn descriptors_that_cannot_be_had_are_an_error(side: Side) {
    let stage = Stage::new(side, CAT);
    let done = stage.run(&["-n", "-c", "supervisord.conf", "-a", "2000000000"]).expect_code(2);
    assert!(done.stderr.contains("2000000000"), "{}", done.stderr);
}

fn a_directory_to_live_in(side: Side) {
    let stage =
        Stage::new(side, "[program:here]\ncommand = sh -c 'pwd; umask; exec cat'\nstartsecs = 0\n").file("sub/x", "");
    let done =
        stage.run(&["-c", stage.path("supervisord.conf").to_str().unwrap(), "-d", "sub", "-m", "077"]).expect_code(0);
    assert_eq!(done.stdout, "");
    let shown = || stage.ctl(&["tail", "here"]).stdout;
    let sub = stage.path("sub").canonicalize().unwrap();
    stage.wait_until("it lives there", || shown().trim_end() == format!("{}\n0077", sub.display()));
    let pid: i64 = stage.read("main.pid").trim().parse().unwrap();
    stage.ctl(&["shutdown"]).expect_code(0);
    assert!(becomes_true(PATIENCE, || !is_alive(pid)));
}
