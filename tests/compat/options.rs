//! Options of `[program:x]`, each by what it does.

use serde_json::json;

use crate::daemon::{Stage, is_alive};
use crate::differences;
use crate::side::Side;
use crate::stdin::log_of;

on_both! {
    numprocs_makes_as_many_with_their_own_names,
    priority_orders_the_start_and_the_end,
    members_of_a_group_start_in_the_order_of_their_group,
    a_group_replaces_the_groups_of_its_programs,
    stopsignal_is_what_a_stop_sends,
    after_stopwaitsecs_it_is_killed,
    without_stopasgroup_children_live_on,
    with_stopasgroup_children_are_stopped,
    with_killasgroup_children_are_killed,
    directory_and_umask_are_the_childs,
    redirect_stderr_makes_one_log,
    logs_are_rotated_at_their_size,
    the_log_of_stderr_is_rotated_at_its_own_size,
    no_backups_means_to_begin_anew,
    strip_ansi_takes_colours_out,
    a_directory_that_is_not_there_fails_the_start,
    words_of_a_command_are_cut_as_a_shell_would,
    another_user_without_root_is_refused,
}

fn numprocs_makes_as_many_with_their_own_names(side: Side) {
    let conf = "\
[program:web]
command = sh -c 'echo %(program_name)s %(process_num)d %(group_name)s $SUPERVISOR_PROCESS_NAME $SUPERVISOR_GROUP_NAME; exec cat'
process_name = %(program_name)s-%(process_num)02d
numprocs = 3
numprocs_start = 8
startsecs = 0
";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    for number in 8..11 {
        let name = format!("web:web-{number:02}");
        daemon.wait_until("it has said who it is", || {
            log_of(&daemon, &name) == format!("web {number} web web-{number:02} web\n")
        });
    }
    assert_eq!(daemon.value("getAllProcessInfo", json!([])).as_array().unwrap().len(), 3);
}

/// A program that writes its start and its end down.
fn diary(name: &str, priority: u32) -> String {
    let command =
        format!("sh -c 'trap \"echo -{name} >> diary; exit 0\" TERM; echo +{name} >> diary; while :; do read x; done'");
    format!("[program:{name}]\ncommand = {command}\npriority = {priority}\nstartsecs = 0\ndirectory = %(here)s\n\n")
}

/// The names in the order of their starts.
fn spawned(stage: &Stage) -> Vec<String> {
    let log = stage.read("main.log");
    let name = |line: &str| Some(line.split_once("spawned: '")?.1.split_once('\'')?.0.to_owned());
    log.lines().filter_map(name).collect()
}

fn priority_orders_the_start_and_the_end(side: Side) {
    let stage = Stage::new(side, &[diary("late", 30), diary("early", 10), diary("middle", 20)].concat());
    let daemon = stage.start();
    stage.wait_until("all are there", || stage.read("diary").lines().count() == 3 && spawned(&stage).len() == 3);
    assert_eq!(spawned(&stage), ["early", "middle", "late"]);
    daemon.end_by(nix::sys::signal::Signal::SIGTERM).expect_code(0);
    let diary = stage.read("diary");
    assert_eq!(diary.lines().skip(3).collect::<Vec<_>>(), ["-late", "-middle", "-early"]);
}

fn members_of_a_group_start_in_the_order_of_their_group(side: Side) {
    let conf =
        [diary("one", 3), diary("two", 2), diary("three", 1), "[group:all]\nprograms = one,two,three\n".to_owned()]
            .concat();
    let stage = Stage::new(side, &conf);
    let daemon = stage.start();
    stage.wait_until("all are there", || stage.read("diary").lines().count() == 3 && spawned(&stage).len() == 3);
    assert_eq!(spawned(&stage), ["one", "two", "three"], "their own priorities do not count");
    drop(daemon);
}

fn a_group_replaces_the_groups_of_its_programs(side: Side) {
    let conf = "\
[program:one]
command = cat
autostart = false

[program:two]
command = cat
process_name = %(program_name)s_%(process_num)d
numprocs = 2
autostart = false

[group:both]
programs = two , one
priority = 4
";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    let all = daemon.value("getAllProcessInfo", json!([]));
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|info| info["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["one", "two_0", "two_1"]);
    assert!(all.as_array().unwrap().iter().all(|info| info["group"] == "both"));
    for name in ["one", "two:two_0", "two:*"] {
        assert_eq!(daemon.fault("startProcess", json!([name])), (10, format!("BAD_NAME: {name}")));
    }
}

fn stopsignal_is_what_a_stop_sends(side: Side) {
    let program = |name: &str, signal: &str, trap: &str| {
        let command = format!(
            "sh -c 'trap \"echo {trap} > {name}.got; exit 0\" {trap}; echo ready > {name}.ready; while :; do read x; done'"
        );
        format!("[program:{name}]\ncommand = {command}\nstopsignal = {signal}\nstartsecs = 0\ndirectory = %(here)s\n")
    };
    let conf = [
        program("plain", "TERM", "TERM"),
        program("name", "SIGINT", "INT"),
        program("lower", "quit", "QUIT"),
        program("number", "10", "USR1"),
    ]
    .concat();
    let stage = Stage::new(side, &conf);
    let daemon = stage.start();
    for (name, signal) in [("plain", "TERM"), ("name", "INT"), ("lower", "QUIT"), ("number", "USR1")] {
        stage.wait_for_text(&format!("{name}.ready"), "ready");
        daemon.value("stopProcess", json!([name]));
        assert_eq!(stage.read(&format!("{name}.got")), format!("{signal}\n"));
        assert_eq!(daemon.info(name)["exitstatus"], 0);
    }
}

const STUBBORN: &str = "command = sh -c 'trap \"\" TERM; echo ready; while :; do read line; done'\nstartsecs = 0\n";

fn after_stopwaitsecs_it_is_killed(side: Side) {
    let stage = Stage::new(side, &format!("[program:stubborn]\n{STUBBORN}stopwaitsecs = 1\n"));
    let daemon = stage.start();
    daemon.wait_until("it ignores TERM", || log_of(&daemon, "stubborn") == "ready\n");
    let pid = daemon.pid("stubborn");
    let began = std::time::Instant::now();
    assert_eq!(daemon.value("stopProcess", json!(["stubborn"])), true);
    assert!(began.elapsed().as_millis() > 900, "it was given its time");
    assert!(!is_alive(pid));
    assert_eq!(
        (daemon.state("stubborn").as_str(), daemon.info("stubborn")["exitstatus"].as_i64()),
        ("STOPPED", Some(-1))
    );
}

/// A shell with a child of its own, whose pid it writes down.
fn family(options: &str) -> String {
    format!(
        "[program:family]\ncommand = sh -c 'sleep 1000 & echo $! > child; wait'\ndirectory = %(here)s\nstartsecs = 0\n{options}"
    )
}

fn child_of(stage: &Stage) -> i64 {
    stage.wait_until("the child is there", || stage.read("child").ends_with('\n'));
    stage.read("child").trim().parse().unwrap()
}

pub(crate) fn end(pid: i64) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
}

fn without_stopasgroup_children_live_on(side: Side) {
    let stage = Stage::new(side, &family(""));
    let daemon = stage.start();
    let child = child_of(&stage);
    daemon.value("stopProcess", json!(["family"]));
    assert!(is_alive(child), "a child of a shell is no business of supervisord's");
    end(child);
}

fn with_stopasgroup_children_are_stopped(side: Side) {
    let stage = Stage::new(side, &family("stopasgroup = true\n"));
    let daemon = stage.start();
    let child = child_of(&stage);
    assert!(daemon.value("stopProcess", json!(["family"])).as_bool().unwrap());
    stage.wait_until("the child is gone", || !is_alive(child));
}

fn with_killasgroup_children_are_killed(side: Side) {
    let conf = "[program:family]\ncommand = sh -c 'trap \"\" TERM; sleep 1000 & echo $! > child; while :; do read x; done'\n\
                directory = %(here)s\nstartsecs = 0\nkillasgroup = true\nstopwaitsecs = 1\n";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    let child = child_of(&stage);
    daemon.value("stopProcess", json!(["family"]));
    stage.wait_until("the child is gone", || !is_alive(child));
}

fn directory_and_umask_are_the_childs(side: Side) {
    let conf = "\
[program:own]
command = sh -c 'pwd; umask; exec cat'
directory = %(here)s/sub
umask = 027
startsecs = 0

[program:inherited]
command = sh -c 'pwd; umask; exec cat'
startsecs = 0
";
    let stage = Stage::new(side, conf).file("sub/x", "");
    let daemon = stage.start();
    let here = stage.project.directory().canonicalize().unwrap();
    daemon.wait_until("it has said it", || log_of(&daemon, "own") == format!("{}/sub\n0027\n", here.display()));
    daemon.wait_until("it has said it", || log_of(&daemon, "inherited") == format!("{}\n0022\n", here.display()));
}

fn redirect_stderr_makes_one_log(side: Side) {
    let conf = "[program:two]\ncommand = sh -c 'echo one; echo two >&2; echo three; exec cat'\nredirect_stderr = true\nstartsecs = 0\nstdout_logfile = %(here)s/both.log\n";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    stage.wait_until("all is there", || stage.read("both.log") == "one\ntwo\nthree\n");
    assert_eq!(daemon.fault("readProcessStderrLog", json!(["two", 0, 0])).0, 20, "there is no log of stderr");
}

fn logs_are_rotated_at_their_size(side: Side) {
    let line = "0123456789".repeat(10);
    let script = format!("for i in 1 2 3 4 5 6 7 8 9; do echo $i-{line}; read x; done; exec cat");
    let conf = format!(
        "[program:talk]\ncommand = sh -c '{script}'\nstartsecs = 0\nstdout_logfile = %(here)s/talk.log\nstdout_logfile_maxbytes = 100\nstdout_logfile_backups = 2\n"
    );
    let stage = Stage::new(side, &conf);
    let daemon = stage.start();
    for number in 1..=9 {
        let newest = format!("{number}-{line}\n");
        // Each line is larger than the limit: it goes to .1 as soon as it is written.
        stage.wait_until("the line is in its file", || {
            stage.read("talk.log.1") == newest || stage.read("talk.log") == newest
        });
        daemon.value("sendProcessStdin", json!(["talk", "\n"]));
    }
    // The last may be on its way from one file to the next.
    stage.wait_until("two are kept, and the newest", || {
        let all = ["talk.log.2", "talk.log.1", "talk.log"].map(|name| stage.read(name)).concat();
        let numbers: Vec<&str> = all.lines().map(|line| &line[..1]).collect();
        numbers.is_sorted() && numbers.last() == Some(&"9") && (2..=3).contains(&numbers.len())
    });
    assert!(!stage.path("talk.log.3").exists());
}

fn the_log_of_stderr_is_rotated_at_its_own_size(side: Side) {
    let conf = "[program:talk]\ncommand = sh -c 'while read x; do echo $x $x $x; echo $x $x $x >&2; done'\nstartsecs = 0\nstdout_logfile = %(here)s/out.log\nstderr_logfile = %(here)s/err.log\nstderr_logfile_maxbytes = 20\nstderr_logfile_backups = 1\n";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    daemon.wait_state("talk", "RUNNING");
    for word in ["first", "second", "third"] {
        daemon.value("sendProcessStdin", json!(["talk", format!("{word}\n")]));
        stage.wait_until("it is written", || ["err.log", "err.log.1"].iter().any(|log| stage.read(log).contains(word)));
    }
    let of = |log: &str| stage.read(log).replace('\n', "");
    stage.wait_until("one old one is kept", || of("err.log.1") == "first first firstsecond second second");
    assert_eq!(of("err.log"), "third third third");
    assert_eq!((stage.path("err.log.2").exists(), stage.path("out.log.1").exists()), (false, false));
}

fn no_backups_means_to_begin_anew(side: Side) {
    let conf = "[program:cat]\ncommand = cat\nstartsecs = 0\nstdout_logfile = %(here)s/cat.log\nstdout_logfile_maxbytes = 10\nstdout_logfile_backups = 0\n";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    daemon.value("sendProcessStdin", json!(["cat", "a first line that is long\n"]));
    stage.wait_until("only what came later is there", || {
        daemon.value("sendProcessStdin", json!(["cat", "x\n"]));
        let log = stage.read("cat.log");
        !log.is_empty() && log.lines().all(|line| line == "x")
    });
    assert!(!stage.path("cat.log.1").exists());
}

fn strip_ansi_takes_colours_out(side: Side) {
    let conf = "[program:cat]\ncommand = printf '\\033[31mred\\033[0m\\n'\nstartsecs = 0\nautorestart = false\nstdout_logfile = %(here)s/out.log\n[supervisord]\nstrip_ansi = true\n";
    let stage = Stage::new(side, conf);
    let _daemon = stage.start();
    stage.wait_until("it is written", || stage.read("out.log") == "red\n");
}

fn a_directory_that_is_not_there_fails_the_start(side: Side) {
    let conf = "[program:lost]\ncommand = cat\ndirectory = /nonexistent\nstartretries = 0\nstderr_logfile = %(here)s/err.log\n";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    daemon.wait_state("lost", "FATAL");
    let text = side.pick(
        differences::SPAWN_FAILURES,
        "supervisor: couldn't chdir to /nonexistent: ENOENT\nsupervisor: child process was not spawned\n",
        "",
    );
    assert_eq!(stage.read("err.log"), text);
    let told = daemon.info("lost")["spawnerr"].as_str().unwrap().to_owned();
    let expected =
        side.pick(differences::SPAWN_FAILURES, "Exited too quickly (process log may have details)", "/nonexistent");
    assert!(told.contains(expected), "{told}");
}

fn words_of_a_command_are_cut_as_a_shell_would(side: Side) {
    let conf = r#"
[program:words]
command = sh -c 'printf "<%%s>" "$@"; echo; exec cat' x "a b" 'c d' e\ f "" $HOME "say \"hi\"" *
startsecs = 0
"#;
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    daemon.wait_until("it has said them", || log_of(&daemon, "words") == "<a b><c d><e f><><$HOME><say \"hi\"><*>\n");
}

fn another_user_without_root_is_refused(side: Side) {
    let stage = Stage::new(side, "[program:cat]\ncommand = cat\nuser = no-such-user-here\n");
    let done = stage.project.finish(stage.foreground());
    assert!(done.expect_code(2).expect_text("no-such-user-here").stdout.is_empty());
}
