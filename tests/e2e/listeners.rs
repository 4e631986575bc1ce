//! Event listeners, communications and stdin, through the binary; superlance's programs, unchanged.

use std::net::TcpListener;
use std::path::PathBuf;

use crate::calls::{STAYS, TRUE, call};
use crate::common::{TestProject, has_tool};

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

fn listener(name: &str, events: &str, how: &str) -> String {
    format!("[eventlistener.{name}]\ncommand = \"{ACTOR} event-listener {name}.events {how}\"\nevents = {events}\n")
}

/// A project with a listener that behaves as `how` says, to remote events; `keys` are more of its keys.
fn listening(how: &str, keys: &str) -> TestProject {
    let remote = listener("remote", &format!("['REMOTE_COMMUNICATION']{keys}"), how);
    TestProject::toml(&format!("{STAYS}{remote}"))
}

fn send_event(project: &TestProject, kind: &str, data: &str) -> String {
    call(project, "supervisor.sendRemoteCommEvent", &[kind, data])
}

#[test]
fn a_listener_of_run_toml_is_told_of_a_crash() {
    let crashes = "[program.web]\ncommand = \"exit 3\"\nstartsecs = 0\nautorestart = false\n";
    let mail = listener("mail", "['PROCESS_STATE_EXITED', 'PROCESS_GROUP_ADDED']", "");
    let project = TestProject::toml(&format!("{crashes}{STAYS}{mail}"));
    let up = project.up();
    project.wait_for_text("mail.events", "expected:0");
    let events = project.lines("mail.events");
    assert!(
        events[0]
            .starts_with("ver:3.0 server:project serial:0 pool:mail poolserial:0 eventname:PROCESS_GROUP_ADDED len:")
    );
    let crash = events.iter().find(|line| line.contains("EXITED")).unwrap();
    assert!(crash.starts_with("ver:3.0 server:project serial:") && crash.contains(" pool:mail "), "{crash}");
    let payload = events.iter().find(|line| line.contains("expected:0")).unwrap();
    assert!(payload.starts_with("processname:web groupname:web from_state:RUNNING expected:0 pid:"), "{payload}");
    let done = up.interrupt();
    assert!(!done.stdout.contains("READY"), "the protocol is not for people: {}", done.stdout);
    assert!(project.survivors().is_empty());
}

#[test]
fn a_remote_event_reaches_a_listener_with_its_characters() {
    let project = listening("", "");
    let up = project.up();
    up.wait_for_banner();
    assert!(send_event(&project, "grüße", "né\ntwo").contains(TRUE));
    assert!(send_event(&project, "b", &"ü".repeat(300_000)).contains(TRUE));
    project.wait_for_text("remote.events", "serial:1 ");
    let events = project.read("remote.events");
    assert!(events.contains("eventname:REMOTE_COMMUNICATION len:17\ntype:grüße\nné\ntwo\n"), "{}", &events[..200]);
    up.wait_until("the large one is whole", || project.read("remote.events").contains(&"ü".repeat(300_000)));
    up.interrupt();
}

#[test]
fn what_is_rejected_or_lost_by_a_death_is_told_again() {
    for how in ["reject", "die"] {
        let project = listening(how, "");
        let up = project.up();
        up.wait_for_banner();
        send_event(&project, "a", "one");
        let again = || project.read("remote.events").matches("serial:0 pool:remote poolserial:0 ").count() == 2;
        up.wait_until("it is told again", again);
        send_event(&project, "a", "two");
        project.wait_for_text("remote.events", "poolserial:1 ");
        up.interrupt();
    }
}

#[test]
fn whoever_babbles_is_told_nothing_more_and_the_user_is() {
    let project = listening("babble", "");
    let up = project.up();
    up.wait_for_banner();
    send_event(&project, "a", "one");
    up.wait_for("broke the listener protocol: it said `hello`");
    project.run(&["restart", "remote"]).expect_code(0);
    let again = || project.read("remote.events").matches("poolserial:0 ").count() == 2;
    up.wait_until("its next run gets the event", again);
    up.interrupt();
}

#[test]
fn a_listener_that_does_not_read_delays_nobody_and_its_losses_are_told() {
    let project = listening("stall", "\nbuffer_size = 2");
    let up = project.up();
    up.wait_for_banner();
    let large = "x".repeat(1 << 20);
    for _ in 0..5 {
        assert!(send_event(&project, "a", &large).contains(TRUE));
    }
    up.wait_for("remote cannot keep up: an event was dropped");
    project.run(&["status"]).expect_code(0);
    up.interrupt();
}

#[test]
fn a_communication_is_an_event_and_no_output() {
    let says = "[program.says]\ncommand = \"sleep 0.2; printf 'a<!--XSUPERVISOR:BE'; sleep 0.3; printf 'GIN-->hel'; sleep 0.3; printf 'lo<!--XSUPERVISOR:END-->b\\\\n'; exec sleep 1000\"\nstdout_capture_maxbytes = \"1KB\"\nstdout_events_enabled = true\nstdout_logfile = \"says.log\"\n";
    let events = listener("mail", "['PROCESS_COMMUNICATION', 'PROCESS_LOG']", "");
    let project = TestProject::toml(&format!("{says}{STAYS}{events}"));
    let up = project.up();
    project.wait_for_text("mail.events", "hello");
    let told = project.read("mail.events");
    assert!(told.contains("eventname:PROCESS_COMMUNICATION_STDOUT"), "{told}");
    assert!(told.contains("channel:stdout\n"), "{told}");
    up.wait_until("the rest is logged", || project.read("says.log") == "ab\n");
    let done = up.interrupt();
    assert!(done.stdout.contains("ab\n") && !done.stdout.contains("XSUPERVISOR"), "{}", done.stdout);
}

#[test]
fn megabytes_sent_to_a_stdin_arrive_whole_and_a_closed_one_is_refused() {
    let reader = "[program.reader]\ncommand = \"sleep 0.5; head -c 6000000 | cksum > sum; exec sleep 1000\"\n";
    let deaf = "[program.deaf]\ncommand = \"exec sleep 1000 <&-\"\n";
    let project = TestProject::toml(&format!("{STAYS}{reader}{deaf}"));
    let up = project.up();
    up.wait_for_banner();
    let half: String = (0..3_000_000u32).map(|at| char::from(b'a' + u8::try_from(at % 23).unwrap())).collect();
    for _ in 0..2 {
        assert!(call(&project, "supervisor.sendProcessStdin", &["reader", &half]).contains(TRUE));
    }
    up.wait_until("all of it was read", || project.read("sum").contains(" 6000000"));
    let expected = project.path("expected");
    std::fs::write(&expected, format!("{half}{half}")).unwrap();
    let sum = std::process::Command::new("cksum").stdin(std::fs::File::open(expected).unwrap()).output().unwrap();
    assert_eq!(project.read("sum"), String::from_utf8(sum.stdout).unwrap());
    let refused = call(&project, "supervisor.sendProcessStdin", &["deaf", "x"]);
    assert!(refused.contains("NO_FILE: deaf"), "{refused}");
    project.run(&["stop", "deaf"]).expect_code(0);
    assert!(call(&project, "supervisor.sendProcessStdin", &["deaf", "x"]).contains("NOT_RUNNING: deaf"));
    up.interrupt();
}

/// superlance's programs; none when they are not installed.
fn superlance() -> Option<PathBuf> {
    let venv = std::env::var_os("RUN_SUPERVISOR_VENV").map(|venv| PathBuf::from(venv).join("bin"));
    match venv {
        Some(bin) if bin.join("memmon").is_file() => Some(bin),
        Some(_) | None => has_tool("memmon").then(PathBuf::new),
    }
}

#[test]
fn superlance_runs_unchanged() {
    let Some(bin) = superlance() else { return };
    let bin = bin.display();
    let sick = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = sick.local_addr().unwrap().port();
    let mailer = "sh -c 'cat >> mails'";
    let conf = format!(
        "[unix_http_server]\nfile=%(here)s/s.sock\n\n[supervisord]\nidentifier=lance\n\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\n\
         [program:sick]\ncommand={ACTOR} linger\nstartsecs=0\n\n\
         [program:grown]\ncommand={ACTOR} linger\nstartsecs=0\n\n\
         [program:crash]\ncommand=sh -c 'sleep 1; exit 3'\nstartsecs=0\nautorestart=false\n\n\
         [program:fatal]\ncommand=false\nstartretries=0\n\n\
         [eventlistener:httpok]\ncommand={bin}/httpok -p sick -t 2 -m a@example.com -s \"{mailer}\" http://127.0.0.1:{port}/\nevents=TICK_5\n\n\
         [eventlistener:memmon]\ncommand={bin}/memmon -p grown=1KB -m b@example.com -s \"{mailer}\"\nevents=TICK_5\n\n\
         [eventlistener:crashmail]\ncommand={bin}/crashmail -a -m c@example.com -s \"{mailer}\"\nevents=PROCESS_STATE\nbuffer_size=100\n\n\
         [eventlistener:batch]\ncommand={bin}/fatalmailbatch --toEmail=d@example.com --fromEmail=e@example.com --interval=0.02 --tickEvent=TICK_5 --smtpHost=127.0.0.1\nevents=PROCESS_STATE,TICK_5\n"
    );
    let project = TestProject::empty().file("supervisord.conf", conf);
    let up = project.start(&["up", "-f", "supervisord.conf"]);
    project.wait_for_text("mails", "Process crash in group crash exited unexpectedly");
    let mails = |text: &str| project.read("mails").contains(text);
    up.wait_until("httpok has restarted what is sick", || mails("sick restarted"));
    up.wait_until("memmon has restarted what has grown", || mails("memmon.py restarted the process named grown:grown"));
    up.wait_for("Process fatal:fatal failed to start too many times");
    let done = up.interrupt();
    assert!(!done.stderr.contains("broke the listener protocol"), "{}", done.stderr);
    assert!(project.survivors().is_empty());
}
