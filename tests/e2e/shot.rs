//! Each of our processes shot, alone and in turn, at the beginning, in the middle and at the end.

use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use run::model::WallTime;
use run::registry::{self, Environment, Homes, Identity, OwnerFacts};

use crate::common::{Found, PATIENCE, Running, Terminal, TestProject, has_tool};
use crate::hard_to_end::{DAEMON, NEVER, SESSION, STUBBORN, ours_from_the_top};

/// The last sweep gives two seconds of grace, and a machine that is busy with other tests needs many times that.
const LIMIT: Duration = Duration::from_secs(20);

/// One with a child that stands still.
const FROZEN: &str = r#"
[program.frozen]
command = "(kill -STOP $(sh -c 'echo $PPID'); sleep 1003) & echo on; wait"
ready = { log = "on" }
stopwaitsecs = 1
"#;

fn mixed() -> TestProject {
    TestProject::toml(&[STUBBORN, SESSION, DAEMON, FROZEN].concat())
}

/// Shoots some of ours as nearly at one instant as can be. None is stopped before: a front that sees its supervisor stand still does
/// the same.
fn shoot_together(project: &TestProject, victims: &[&Found]) {
    for found in victims {
        project.shoot(found);
    }
}

fn on_a_terminal<'a>(project: &'a TestProject, until: &str) -> Terminal<'a> {
    let terminal = Terminal::start(project, &["up"]);
    terminal.wait_for(until);
    terminal
}

#[test]
fn any_of_ours_shot_before_the_start_is_over_leaves_nothing() {
    if !has_tool("setsid") {
        return;
    }
    for which in 0..3 {
        let project = TestProject::toml(&[STUBBORN, SESSION, DAEMON, FROZEN, NEVER].concat());
        let terminal = on_a_terminal(&project, "daemon");
        project.wait_for_word("session", "ready");
        project.shoot(&ours_from_the_top(&project)[which]);
        project.wait_for_silence(LIMIT);
        drop(terminal);
    }
}

#[test]
fn any_of_ours_shot_during_the_stop_leaves_nothing() {
    if !has_tool("setsid") {
        return;
    }
    for which in 0..3 {
        let project = mixed();
        let terminal = on_a_terminal(&project, "up in ");
        terminal.press("\x03").wait_for("in reverse order");
        project.shoot(&ours_from_the_top(&project)[which]);
        project.wait_for_silence(LIMIT);
        drop(terminal);
    }
}

/// At each number of processes that there are while a project comes up, from the first one on.
#[test]
fn a_supervisor_shot_at_any_moment_of_the_start_leaves_nothing() {
    for count in 1..=9 {
        let project = mixed();
        let up = project.up();
        project.wait_until("there are so many", PATIENCE, || project.survivors().len() >= count);
        let supervisor = project.ours().into_iter().find(|found| found.pid == up.pid());
        supervisor.inspect(|found| project.shoot(found));
        project.wait_for_silence(LIMIT);
    }
}

#[test]
fn two_of_three_shot_at_one_instant_leave_nothing() {
    if !has_tool("setsid") {
        return;
    }
    for spared in 0..3 {
        let project = mixed();
        let terminal = on_a_terminal(&project, "up in ");
        let ours = ours_from_the_top(&project);
        assert_eq!(ours.len(), 3, "a front, a supervisor and a spawner: {ours:?}");
        let victims: Vec<&Found> =
            ours.iter().enumerate().filter(|(which, _)| *which != spared).map(|(_, found)| found).collect();
        shoot_together(&project, &victims);
        project.wait_for_silence(LIMIT);
        drop(terminal);
    }
}

/// The second is shot while it ends what the first has left, so nobody is there to end the rest: leaders die with the spawner, and
/// the next start ends what else there is.
#[test]
fn both_shot_one_after_the_other_leave_nothing_beyond_the_next_start() {
    for which in 0..2 {
        let project = mixed();
        let up = project.up();
        up.wait_for_banner();
        let ours = ours_from_the_top(&project);
        let (first, second) = (&ours[which], &ours[1 - which]);
        project.shoot(first);
        project.wait_until("the other ends what is left", LIMIT, || project.survivors().len() < 10);
        project.shoot(second);
        drop(up);
        let before: Vec<u32> = project.survivors().iter().map(|found| found.pid).collect();
        let again = project.up();
        again.wait_for_banner();
        assert!(project.survivors().iter().all(|found| !before.contains(&found.pid)), "{before:?}");
        again.interrupt().expect_code(0);
    }
}

/// A spawner that stands still delays everything, and loses nothing: what ended and what was asked meanwhile is seen afterwards.
#[test]
fn ends_and_orders_that_come_late_are_not_lost() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\nautorestart = true\n\
         [program.api]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n",
    );
    let up = project.up();
    up.wait_for_banner();
    let (web, api) = (project.pid("web"), project.pid("api"));
    let spawner = ours_from_the_top(&project).pop().unwrap();
    spawner.signal(Signal::SIGSTOP);
    let of = |pid: u32| project.survivors().into_iter().find(|found| found.pid == pid).unwrap();
    of(web).kill();
    let restart = project.start(&["restart", "api"]);
    project.wait_until("the restart was asked for", PATIENCE, || project.word("api") == "stopping");
    assert_eq!(project.pid("web"), web, "nobody has said that it ended");
    spawner.signal(Signal::SIGCONT);
    restart.end().expect_code(0);
    project.wait_until("both run anew", PATIENCE, || {
        ["web", "api"].iter().all(|name| ![web, api, 0].contains(&project.pid(name)))
    });
    up.interrupt().expect_code(0);
}

/// Whatever was a child of the shell that became us by `exec` is not ours to end.
#[test]
fn children_that_a_shell_left_to_us_by_exec_live_on() {
    let project = mixed();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "sleep 1004 & exec \"$0\" up", env!("CARGO_BIN_EXE_run")]);
    project.put_into_world(&mut command);
    let up = Running::start(&project, command);
    up.wait_for_banner();
    up.signal(Signal::SIGTERM);
    project.wait_until("only the shell's child is left", LIMIT, || {
        let left = project.survivors();
        left.len() == 1 && left[0].command.contains("1004")
    });
    project.survivors().iter().for_each(Found::kill);
    up.end().expect_code(0);
}

/// Somebody who has been shot, and of whom only the last moment is left to see: a client still gets through to its socket, and before
/// it is answered the lock is free.
fn last_moment(project: &TestProject) -> thread::JoinHandle<()> {
    let environment =
        Environment { runtime_dir: Some(project.runtime()), state_home: Some(project.state()), home: None };
    let root = project.directory().canonicalize().unwrap();
    let uid = nix::unistd::geteuid().as_raw();
    let places = Homes::choose(&environment, uid, |_| true).places(&Identity::new(&root, None));
    let owner = OwnerFacts {
        pid: std::process::id(),
        since: WallTime(0),
        name: "project".to_owned(),
        explicit_name: None,
        root,
        files: vec!["run.toml".to_owned()],
        at_terminal: false,
        socket: places.socket.clone(),
        version: String::new(),
    };
    let lock = registry::lock(&places, &owner).unwrap();
    let listener = UnixListener::bind(&places.socket).unwrap();
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        std::fs::remove_file(&places.socket).unwrap();
        drop((client, listener));
        drop(lock);
    })
}

#[test]
fn a_start_that_meets_the_last_moment_of_another_run_goes_ahead() {
    let project = TestProject::toml("[program.web]\ncommand = \"exec sleep 1000\"\n");
    let dying = last_moment(&project);
    project.run(&["up", "-d"]).expect_code(0);
    dying.join().unwrap();
    assert_eq!(project.word("web"), "ready");
    project.run(&["down"]).expect_code(0);
}

/// A line of /proc/PID/status.
fn fact(pid: u32, name: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
}

#[test]
fn a_supervisor_that_is_shot_while_it_stands_still_leaves_no_front_that_does() {
    if !has_tool("setsid") {
        return;
    }
    let project = TestProject::toml(&[SESSION, NEVER].concat());
    // Without a terminal nobody would continue a front that had followed it.
    let mut command = std::process::Command::new("setsid");
    command.args(["--wait", env!("CARGO_BIN_EXE_run"), "up", "-d"]);
    project.put_into_world(&mut command);
    let up = Running::start(&project, command);
    project.wait_for_word("session", "ready");
    let [front, supervisor, _] = &ours_from_the_top(&project)[..] else { panic!("three of ours") };
    let turns = |pid| fact(pid, "voluntary_ctxt_switches:");
    let before = turns(front.pid);
    supervisor.signal(Signal::SIGSTOP);
    project.wait_until("the front has noticed", PATIENCE, || turns(front.pid) != before);
    project.shoot(supervisor);
    project.wait_for_silence(LIMIT);
    up.end();
}
