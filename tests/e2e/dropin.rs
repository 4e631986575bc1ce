//! supervisord by another binary: its command line, the background, signals, servers, process 1. What the original does too is played
//! by both, where it is installed (`RUN_SUPERVISOR_VENV` names a venv, else PATH is looked at).

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getuid};

use crate::common::{Done, PATIENCE, Running, TestProject, free_port, has_tool, skipped};

/// Who plays supervisord.
#[derive(Debug, Clone)]
enum Player {
    Ours,
    Original(String),
}

/// Ours, and the original where it is installed.
fn players() -> Vec<Player> {
    let original = match std::env::var_os("RUN_SUPERVISOR_VENV") {
        Some(venv) => Some(PathBuf::from(venv).join("bin/supervisord").to_str().unwrap().to_owned()),
        None => has_tool("supervisord").then(|| "supervisord".to_owned()),
    };
    std::iter::once(Player::Ours).chain(original.map(Player::Original)).collect()
}

impl Player {
    fn command(&self, project: &TestProject, arguments: &[&str]) -> Command {
        let mut command = match self {
            Self::Ours => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_run"));
                command.arg("supervisord");
                command
            }
            Self::Original(program) => Command::new(program),
        };
        command.args(arguments);
        project.put_into_world(&mut command);
        command
    }

    fn run(&self, project: &TestProject, arguments: &[&str]) -> Done {
        project.finish(self.command(project, arguments))
    }

    fn start<'a>(&self, project: &'a TestProject, arguments: &[&str]) -> Running<'a> {
        Running::start(project, self.command(project, arguments))
    }
}

const HEAD: &str = "[unix_http_server]\nfile=%(here)s/s.sock\n[supervisord]\nlogfile=main.log\npidfile=pid\n[rpcinterface:supervisor]\n\
                    supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
                    [supervisorctl]\nserverurl=unix://%(here)s/s.sock\n";

const CAT: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\nstopwaitsecs=5\n";

fn project(programs: &str) -> TestProject {
    TestProject::empty().file("supervisord.conf", format!("{HEAD}{programs}"))
}

/// What supervisorctl of ours says of it.
fn ctl(project: &TestProject, words: &[&str]) -> Done {
    project.run(&[&["ctl", "-c", "supervisord.conf"], words].concat())
}

fn ctl_pid(project: &TestProject, name: &str) -> i32 {
    ctl(project, &["pid", name]).stdout.trim().parse().unwrap_or(0)
}

fn pid_in(project: &TestProject, file: &str) -> i32 {
    project.read(file).strip_suffix('\n').and_then(|pid| pid.parse().ok()).unwrap_or(0)
}

fn wait_until_running(project: &TestProject, name: &str) {
    let is_up = || ctl(project, &["status", name]).stdout.contains("RUNNING");
    project.wait_until(&format!("{name} is RUNNING"), PATIENCE, is_up);
}

/// TERM to the daemon, and nothing is left of it.
fn end(project: &TestProject, pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    project.wait_for_silence(PATIENCE);
}

/// In the background, with `cat` up; its pid.
fn in_background(player: &Player, project: &TestProject, arguments: &[&str]) -> i32 {
    player.run(project, &[&["-c", "supervisord.conf"], arguments].concat()).expect_code(0);
    project.wait_until("the pid is written", PATIENCE, || pid_in(project, "pid") > 0);
    wait_until_running(project, "cat");
    pid_in(project, "pid")
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused_in_the_same_words() {
    for player in players() {
        let project = project(CAT);
        for (arguments, message) in [
            (&["-n", "foo"][..], "positional arguments are not supported: ['foo']"),
            (&["-c", "nope.conf"], "could not find config file nope.conf"),
            (&["-a", "x"], "invalid value for -a 'x': invalid literal for int() with base 10: 'x'"),
            (&["-e", "loud"], "invalid value for -e 'loud': bad logging level name 'loud'"),
            (&["-d", "/nope"], "invalid value for -d '/nope': /nope is not an existing directory"),
            (&["-nn"], "conflicting command line option '-n'"),
            (&["--log", "x"], "option --log not a unique prefix"),
            (&["-Z"], "option -Z not recognized"),
            (&["--conf"], "option --configuration requires argument"),
            (&["-u", "nobody-like-that", "-c", "supervisord.conf"], "Invalid user name nobody-like-that"),
        ] {
            let done = player.run(&project, arguments).expect_code(2);
            assert!(
                done.stderr.starts_with(&format!("Error: {message}\nFor help, use ")),
                "{player:?}: {}",
                done.stderr
            );
        }
    }
}

#[test]
fn the_version_is_the_one_that_is_followed() {
    for player in players() {
        assert_eq!(player.run(&TestProject::empty(), &["-v"]).expect_code(0).stdout, "4.3.0\n");
        player.run(&TestProject::empty(), &["-h"]).expect_code(0).expect_text("-e/--loglevel LEVEL -- ");
    }
}

#[test]
fn without_c_the_usual_places_are_searched() {
    for player in players() {
        let project = TestProject::empty();
        player
            .run(&project, &[])
            .expect_code(2)
            .expect_text("supervisord.conf, etc/supervisord.conf, /etc/supervisord.conf");
        // A configuration in etc/ is found, and is wrong.
        project.write("etc/supervisord.conf", "[program:x]\ncommand=/bin/cat\n");
        let done = player.run(&project, &["-n"]).expect_code(2);
        assert!(!done.stderr.contains("No config file found"), "{}", done.stderr);
    }
}

#[test]
fn the_background_is_entered_with_a_pidfile_and_left_without() {
    for player in players() {
        let project = project(CAT);
        let pid = in_background(&player, &project, &[]);
        assert_eq!(ctl(&project, &["pid"]).stdout.trim(), pid.to_string());
        let session = nix::unistd::getsid(Some(Pid::from_raw(pid))).unwrap();
        assert_eq!(session.as_raw(), pid, "it leads a session of its own");
        let socket = fs::symlink_metadata(project.path("s.sock")).unwrap();
        assert!(socket.file_type().is_socket() && socket.mode() & 0o777 == 0o700, "{player:?}");
        end(&project, pid);
        for gone in ["pid", "s.sock"] {
            assert!(!project.path(gone).exists(), "{gone} is left by {player:?}");
        }
    }
}

#[test]
fn in_the_foreground_it_ends_with_0_whatever_the_programs_did() {
    for player in players() {
        let project = project(&format!(
            "{CAT}[program:bad]\ncommand=sh -c 'exit 3'\nstartretries=0\n[program:worse]\ncommand=/nope/nope\nstartretries=0\n"
        ));
        let daemon = player.start(&project, &["-n", "-c", "supervisord.conf"]);
        wait_until_running(&project, "cat");
        let is_fatal = || ctl(&project, &["status", "bad"]).stdout.contains("FATAL");
        project.wait_until("bad is FATAL", PATIENCE, is_fatal);
        assert_eq!(pid_in(&project, "pid"), daemon.pid().cast_signed(), "it is the process that was started");
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            daemon.signal(signal);
        }
        daemon.end().expect_code(0);
        assert!(!project.path("pid").exists());
    }
}

#[test]
fn in_the_foreground_the_main_log_is_on_stdout_and_debug_copies_what_programs_write() {
    for player in players() {
        let project = project("[program:cat]\ncommand=sh -c 'echo hello; exec cat'\nstartsecs=0\n");
        let daemon = player.start(&project, &["-n", "-e", "debug", "-c", "supervisord.conf"]);
        daemon.wait_for(" INFO supervisord started with pid ").wait_for(" INFO spawned: 'cat' with pid ");
        daemon.wait_for(" DEBG 'cat' stdout output:\nhello\n");
        daemon.signal(Signal::SIGTERM);
        let done = daemon.end().expect_code(0).expect_text(" WARN received SIGTERM indicating exit request\n");
        assert_eq!(done.stdout, project.read("main.log"), "{player:?}");
        assert_eq!(done.stderr, "", "{player:?}");
        // And with -s nothing.
        let daemon = player.start(&project, &["-ns", "-c", "supervisord.conf"]);
        wait_until_running(&project, "cat");
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.end().expect_code(0).stdout, "", "{player:?}");
    }
}

#[test]
fn usr2_opens_logs_anew() {
    for player in players() {
        let project = project(&format!("{CAT}stdout_logfile=cat.log\n"));
        let pid = in_background(&player, &project, &[]);
        for log in ["main.log", "cat.log"] {
            fs::rename(project.path(log), project.path(&format!("{log}.old"))).unwrap();
        }
        kill(Pid::from_raw(pid), Signal::SIGUSR2).unwrap();
        project.wait_until("both are there again", PATIENCE, || {
            ["main.log", "cat.log"].iter().all(|log| project.path(log).exists())
        });
        project.wait_for_text("main.log.old", "received SIGUSR2 indicating log reopen request");
        end(&project, pid);
        project.wait_for_text("main.log", "received SIGTERM indicating exit request");
    }
}

#[test]
fn what_a_program_sends_to_our_stdout_comes_out_there() {
    for player in players() {
        let out = "stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n";
        let project = project(&format!("[program:cat]\ncommand=sh -c 'echo straight; exec cat'\nstartsecs=0\n{out}"));
        let daemon = player.start(&project, &["-ns", "-c", "supervisord.conf"]);
        daemon.wait_for("straight\n");
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.end().expect_code(0).stdout, "straight\n", "{player:?}");
    }
}

#[test]
fn hup_begins_anew_with_the_file_as_it_is_and_the_same_pid() {
    for player in players() {
        let project = project(CAT);
        let pid = in_background(&player, &project, &[]);
        let before = ctl_pid(&project, "cat");
        project.write("supervisord.conf", format!("{HEAD}{CAT}[program:new]\ncommand=/bin/cat\nstartsecs=0\n"));
        kill(Pid::from_raw(pid), Signal::SIGHUP).unwrap();
        wait_until_running(&project, "new");
        wait_until_running(&project, "cat");
        assert_ne!(ctl_pid(&project, "cat"), before, "{player:?}");
        assert_eq!((ctl(&project, &["pid"]).stdout.trim().parse(), pid_in(&project, "pid")), (Ok(pid), pid));
        end(&project, pid);
        assert!(!project.path("pid").exists() && !project.path("s.sock").exists());
    }
}

#[test]
fn a_file_that_is_broken_at_hup_stops_nobody() {
    let project = project(CAT);
    let pid = in_background(&Player::Ours, &project, &[]);
    let before = ctl_pid(&project, "cat");
    project.write("supervisord.conf", format!("{HEAD}{CAT}autostart=perhaps\n"));
    kill(Pid::from_raw(pid), Signal::SIGHUP).unwrap();
    project.wait_for_text("main.log", "everything stays as it is:");
    project.wait_for_text("main.log", "expected true or false");
    let has_time = |line: &str| line.starts_with("20") && line.contains(" CRIT ");
    let told = project.read("main.log");
    assert!(told.lines().skip_while(|line| !line.contains("stays as it is")).all(has_time), "{told}");
    assert_eq!(ctl_pid(&project, "cat"), before);
    end(&project, pid);
}

#[test]
fn a_socket_that_answers_is_left_alone_and_one_that_does_not_is_replaced() {
    for player in players() {
        let project = project(CAT);
        drop(UnixListener::bind(project.path("s.sock")).unwrap());
        let pid = in_background(&player, &project, &[]);
        let other =
            HEAD.replace("%(here)s", project.directory().to_str().unwrap()).replace("pidfile=pid", "pidfile=other");
        project.write("other/supervisord.conf", format!("{other}{CAT}"));
        let before = ctl_pid(&project, "cat");
        let second = player.run(&project, &["-c", "other/supervisord.conf"]).expect_code(2);
        let taken =
            "Error: Another program is already listening on a port that one of our HTTP servers is configured to use.";
        assert!(second.stderr.contains(taken), "{player:?}: {}", second.stderr);
        assert_eq!(ctl_pid(&project, "cat"), before, "the first one answers");
        assert!(!project.path("other").join("pid").exists() && pid_in(&project, "pid") == pid);
        end(&project, pid);
    }
}

#[test]
fn the_same_file_runs_once() {
    for player in players() {
        let project = project(CAT);
        let pid = in_background(&player, &project, &[]);
        let second = player.run(&project, &["-n", "-c", "supervisord.conf"]).expect_code(2);
        assert!(second.stderr.contains("Another program is already listening"), "{player:?}: {}", second.stderr);
        assert_eq!(pid_in(&project, "pid"), pid, "the pidfile is the first one's");
        end(&project, pid);
    }
}

#[test]
fn a_second_file_in_the_same_directory_is_a_project_of_its_own() {
    let project = project(CAT).file("two.cfg", "[supervisord]\npidfile=two\n[program:other]\ncommand=/bin/cat\n");
    let pid = in_background(&Player::Ours, &project, &[]);
    Player::Ours.run(&project, &["-c", "two.cfg"]).expect_code(0);
    project.run(&["-p", "two", "status"]).expect_text("other");
    project.run(&["status"]).expect_text("cat");
    project.run(&["-p", "two", "down"]).expect_code(0);
    assert!(!project.path("two").exists() && pid_in(&project, "pid") == pid);
    end(&project, pid);
}

#[test]
fn every_server_has_its_own_login_and_mode() {
    for player in players() {
        let port = free_port();
        let servers = format!(
            "[inet_http_server:one]\nport=127.0.0.1:{port}\nusername=ann\npassword=one\n\
             [unix_http_server:two]\nfile=%(here)s/two.sock\nchmod=0666\nusername=bob\npassword={{SHA}}{}\n",
            "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4"
        );
        let project = project(&format!("{CAT}{servers}"));
        let pid = in_background(&player, &project, &[]);
        assert_eq!(fs::symlink_metadata(project.path("two.sock")).unwrap().mode() & 0o777, 0o666);
        let two = format!("unix://{}", project.path("two.sock").display());
        let one = format!("http://127.0.0.1:{port}");
        for (url, user, password, code) in
            [(&one, "ann", "one", 0), (&one, "bob", "secret", 1), (&two, "bob", "secret", 0), (&two, "ann", "one", 1)]
        {
            let done = project.run(&["ctl", "-s", url, "-u", user, "-p", password, "version"]);
            assert_eq!(done.code, code, "{player:?} {url} {user}: {}{}", done.stdout, done.stderr);
        }
        end(&project, pid);
        assert!(!project.path("two.sock").exists());
    }
}

#[test]
fn what_cannot_be_bound_is_told_to_the_terminal_and_starts_nothing() {
    for player in players() {
        let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = held.local_addr().unwrap().port();
        let touch = "[program:touch]\ncommand=touch started\n";
        let project = project(&format!("{touch}[inet_http_server]\nport=127.0.0.1:{port}\nusername=a\npassword=b\n"));
        let done = player.run(&project, &["-c", "supervisord.conf"]).expect_code(2);
        assert!(done.stderr.contains("Another program is already listening"), "{player:?}: {}", done.stderr);
        assert!(!project.path("started").exists() && !project.path("pid").exists());
        assert!(!project.path("s.sock").exists(), "{player:?}");
    }
}

#[test]
fn a_server_that_is_open_to_the_network_is_refused_with_the_way_out() {
    let project = project(&format!("{CAT}[inet_http_server]\nport=*:9001\n"));
    let done = Player::Ours.run(&project, &["-c", "supervisord.conf"]).expect_code(2);
    assert!(done.stderr.contains("port=127.0.0.1:9001 keeps it here"), "{}", done.stderr);
}

#[test]
fn programs_get_the_mask_the_directory_and_the_url_of_the_daemon() {
    let look = "sh -c 'echo $(pwd) $(umask) $SUPERVISOR_SERVER_URL > %(here)s/look.tmp; mv %(here)s/look.tmp %(here)s/look; exec cat'";
    for player in players() {
        let port = free_port();
        let server = format!("[inet_http_server]\nport=127.0.0.1:{port}\nusername=a\npassword=b\n");
        let project = project(&format!("{server}{CAT}[program:look]\ncommand={look}\n")).file("work/x", "");
        let url = format!("unix://{}/s.sock", project.directory().display());
        let pid = in_background(&player, &project, &["-d", project.path("work").to_str().unwrap(), "-m", "027"]);
        let expected = format!("{} 0027 {url}\n", project.path("work").display());
        project.wait_until("it has looked", PATIENCE, || project.path("look").exists());
        assert_eq!(project.read("look"), expected, "{player:?}");
        end(&project, pid);
        // In the foreground neither is followed.
        fs::remove_file(project.path("look")).unwrap();
        let mut command = Command::new("sh");
        let work = project.path("work").display().to_string();
        command.args(["-c", "umask 022; exec \"$@\"", "sh"]);
        let inner = player.command(&project, &["-n", "-c", "supervisord.conf", "-d", &work, "-m", "027"]);
        command.arg(inner.get_program()).args(inner.get_args());
        project.put_into_world(&mut command);
        let daemon = Running::start(&project, command);
        project.wait_until("it has looked", PATIENCE, || project.path("look").exists());
        assert_eq!(project.read("look"), format!("{} 0022 {url}\n", project.directory().display()), "{player:?}");
        daemon.signal(Signal::SIGTERM);
        daemon.end().expect_code(0);
    }
}

#[test]
fn limits_are_raised_or_refused() {
    for player in players() {
        let project = project(&format!("{CAT}[program:look]\ncommand=sh -c 'ulimit -n > fds; exec cat'\n"));
        let done = player.run(&project, &["-c", "supervisord.conf", "-a", "4000000000"]).expect_code(2);
        let message = "Error: The minimum number of file descriptors required to run this process is 4000000000 as per the \"minfds\" \
                       command-line argument or config file setting. The current environment will only allow you to open ";
        assert!(done.stderr.starts_with(message), "{player:?}: {}", done.stderr);
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -S -n 100; exec \"$@\"", "sh"]);
        let inner = player.command(&project, &["-n", "-c", "supervisord.conf", "-a", "200"]);
        command.arg(inner.get_program()).args(inner.get_args());
        project.put_into_world(&mut command);
        let daemon = Running::start(&project, command);
        project.wait_for_text("fds", "\n");
        assert_eq!(project.read("fds"), "200\n", "{player:?}");
        daemon.signal(Signal::SIGTERM);
        daemon.end().expect_code(0);
    }
}

#[test]
fn as_root_another_user_is_become_and_still_found() {
    if !getuid().is_root() {
        assert!(std::env::var_os("RUN_TESTS_NO_SKIP").is_none(), "only root can become somebody else");
        return;
    }
    for player in players() {
        let project = project(&format!("{CAT}[program:id]\ncommand=sh -c 'id -un > id; id -gn >> id; exec cat'\n"));
        // Everything on the way has to be open to the other one.
        for directory in [project.directory().parent().unwrap().to_owned(), project.directory()] {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o777)).unwrap();
        }
        let pid = in_background(&player, &project, &["-u", "nobody", "-q", project.directory().to_str().unwrap()]);
        let owner = fs::metadata(format!("/proc/{pid}")).unwrap().uid();
        assert_eq!(Some(owner), nix::unistd::User::from_name("nobody").unwrap().map(|user| user.uid.as_raw()));
        project.wait_for_text("id", "no");
        assert!(project.read("id").starts_with("nobody\n"), "{}", project.read("id"));
        if matches!(player, Player::Ours) {
            project.run(&["status"]).expect_text("cat");
            project.run(&["down"]).expect_code(0);
            project.wait_for_silence(PATIENCE);
        } else {
            end(&project, pid);
        }
    }
}

#[test]
fn it_is_reached_by_every_other_command() {
    let project = project(CAT);
    let pid = in_background(&Player::Ours, &project, &["-i", "shop"]);
    project.wait_for_word("cat", "ready");
    project.run(&["ctl", "status"]).expect_code(0).expect_text("RUNNING");
    assert_eq!(project.run(&["ctl", "pid"]).stdout.trim(), pid.to_string());
    project.run(&["stop", "cat"]).expect_code(0);
    project.run(&["start", "cat"]).expect_code(0);
    project.run(&["down"]).expect_code(0);
    assert!(project.survivors().is_empty() && !project.path("pid").exists());
}

#[test]
fn links_of_the_two_names_do_the_same() {
    let project = project(CAT);
    let link = |name: &str| {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_run"), project.path(name)).unwrap();
        project.path(name)
    };
    let (supervisord, supervisorctl) = (link("supervisord"), link("supervisorctl"));
    let call = |program: &PathBuf, words: &[&str]| {
        let mut command = Command::new(program);
        command.args(words);
        project.put_into_world(&mut command);
        project.finish(command)
    };
    call(&supervisord, &[]).expect_code(0);
    wait_until_running(&project, "cat");
    // The file is found in the working directory by both.
    call(&supervisorctl, &["status"]).expect_code(0).expect_text("cat                              RUNNING");
    call(&supervisorctl, &["-s", "unix:///nope", "status"]).expect_code(4);
    call(&supervisorctl, &["-x"]).expect_code(2).expect_text("Error: option -x not recognized\nFor help, use ");
    call(&supervisorctl, &["shutdown"]).expect_code(0);
    project.wait_for_silence(PATIENCE);
}

#[test]
fn a_program_that_fails_for_good_ends_everything_when_that_is_asked_for() {
    for programs in [
        "[program:bad]\ncommand=sh -c 'exit 9'\nstartretries=0\n",
        "[program:bad]\ncommand=sh -c 'exit 9'\nstartsecs=0\nautorestart=false\n",
    ] {
        let project = project(&format!("{CAT}{programs}"));
        Player::Ours.run(&project, &["-n", "--exit-on-failure", "-c", "supervisord.conf"]).expect_code(9);
        let text = project.read("supervisord.conf").replace("[supervisord]", "[supervisord]\nexit_on_failure=true");
        project.write("supervisord.conf", text);
        Player::Ours.run(&project, &["-n", "-c", "supervisord.conf"]).expect_code(9);
        project.run(&["up", "-f", "supervisord.conf"]).expect_code(9);
    }
}

/// As process 1 of a pid namespace, if this machine lets us.
fn as_process_1<'a>(project: &'a TestProject, words: &[&str]) -> Option<Running<'a>> {
    let flags = ["--pid", "--fork", "--mount-proc"];
    let may = has_tool("unshare")
        && Command::new("unshare").args(flags).arg("true").stderr(Stdio::null()).status().is_ok_and(|s| s.success());
    if !may {
        skipped("process 1 takes a pid namespace, which this machine does not give");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(flags).arg(env!("CARGO_BIN_EXE_run")).args(words);
    project.put_into_world(&mut command);
    Some(Running::start(project, command))
}

/// The process that runs as process 1, seen from outside.
fn first_of(project: &TestProject, unshare: &Running<'_>) -> u32 {
    let found = || project.survivors().into_iter().find(|found| found.parent == unshare.pid());
    project.wait_until("it runs", PATIENCE, || found().is_some_and(|first| first.command.contains("run")));
    found().unwrap().pid
}

#[test]
fn as_process_1_it_reaps_strangers_and_ends_on_term() {
    let project = project(CAT);
    let Some(unshare) = as_process_1(&project, &["supervisord", "-n", "-c", "supervisord.conf"]) else { return };
    wait_until_running(&project, "cat");
    let first = first_of(&project, &unshare);
    // An orphan that was not started by anybody below it falls to process 1.
    let mut command = Command::new("nsenter");
    command.args([
        "-t",
        &first.to_string(),
        "-p",
        "-m",
        "sh",
        "-c",
        "(sleep 0.1; exit 3) & (setsid sleep 0.1) & exit 0",
    ]);
    project.put_into_world(&mut command);
    project.finish(command).expect_code(0);
    let zombies = || {
        let children = fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap_or_default();
        children.split_whitespace().count()
    };
    project.wait_until("only the spawner is its child", PATIENCE, || zombies() == 1);
    kill(Pid::from_raw(first.cast_signed()), Signal::SIGTERM).unwrap();
    unshare.end().expect_code(0);
}

#[test]
fn as_process_1_it_ends_with_the_code_of_the_program_that_failed() {
    let project = project(&format!("{CAT}[program:bad]\ncommand=sh -c 'exit 7'\nstartsecs=0\nautorestart=false\n"));
    let words = ["supervisord", "-n", "--exit-on-failure", "-c", "supervisord.conf"];
    let Some(unshare) = as_process_1(&project, &words) else { return };
    unshare.end().expect_code(7);
}
