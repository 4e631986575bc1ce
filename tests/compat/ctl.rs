//! The real supervisorctl, where it does more than ask and answer.

use std::io::Write;
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::common::{PATIENCE, Running, Terminal, becomes_true};
use crate::daemon::Stage;
use crate::side::{Side, tool};

on_both! {
    a_log_is_followed_until_ctrl_c,
    a_process_is_talked_to_in_the_foreground,
    the_prompt_takes_one_command_after_the_other,
    the_prompt_keeps_its_history_where_the_file_says,
    reload_and_shutdown_end_what_runs,
}

const CAT: &str = "[program:cat]\ncommand = cat\nstartsecs = 0\n";

fn a_log_is_followed_until_ctrl_c(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    let mut command = stage.command(&tool("supervisorctl"), &["-c", "supervisord.conf", "tail", "-f", "cat"]);
    command.env("PYTHONUNBUFFERED", "1");
    let following = Running::start(&stage.project, command);
    following.wait_for("==> Press Ctrl-C to exit <==\n");
    for word in ["one\n", "two\n"] {
        daemon.value("sendProcessStdin", serde_json::json!(["cat", word]));
        following.wait_for(word);
    }
    // While it is still writing, the interrupt may get lost in its handlers.
    following.signal(Signal::SIGINT);
    following.signal(Signal::SIGINT);
}

/// Ctrl-C until it is heard: while it is still writing, the interrupt may get lost in its handlers.
pub(crate) fn leave_foreground(talking: &Running<'_>) {
    talking.wait_until("it leaves the foreground", || {
        talking.signal(Signal::SIGINT);
        becomes_true(PATIENCE / 10, || talking.stdout().contains("Exiting foreground"))
    });
    // It would still sit for half a minute over a descriptor that it has closed.
    talking.signal(Signal::SIGKILL);
}

fn a_process_is_talked_to_in_the_foreground(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    let mut command = stage.command(&tool("supervisorctl"), &["-c", "supervisord.conf", "fg", "cat"]);
    let (reader, mut writer) = std::io::pipe().unwrap();
    command.env("PYTHONUNBUFFERED", "1").stdin(Stdio::from(reader));
    let talking = Running::start(&stage.project, command);
    talking.wait_for("==> Press Ctrl-C to exit <==");
    writer.write_all("grüße\n".as_bytes()).unwrap();
    talking.wait_for("grüße\n");
    leave_foreground(&talking);
    drop(talking);
    assert_eq!(daemon.state("cat"), "RUNNING");
    assert_eq!(daemon.ctl(&["fg", "nope"], 1), "ERROR: bad process name supplied\n");
}

fn the_prompt_takes_one_command_after_the_other(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    stage.project.write("typed", "stop cat\nstatus\nstart cat\npid cat\nquit\n");
    let mut command = stage.command(&tool("supervisorctl"), &["-c", "supervisord.conf", "-i"]);
    command.stdin(std::fs::File::open(stage.path("typed")).unwrap());
    let said = stage.project.finish(command).expect_code(0).stdout;
    assert!(said.starts_with("cat                              RUNNING   pid "), "{said}");
    assert!(
        said.contains("supervisor> cat: stopped\nsupervisor> cat                              STOPPED   "),
        "{said}"
    );
    assert!(said.contains(&format!("supervisor> cat: started\nsupervisor> {}\n", daemon.pid("cat"))), "{said}");
}

/// The prompt of each side: who keeps the history is the client.
fn prompt(stage: &Stage) -> Terminal<'_> {
    let arguments = ["supervisorctl", "-c", "supervisord.conf"];
    match stage.side {
        Side::Original => Terminal::start_program(&stage.project, &tool("supervisorctl"), &arguments[1..]),
        Side::Ours => Terminal::start(&stage.project, &arguments),
    }
}

fn the_prompt_keeps_its_history_where_the_file_says(side: Side) {
    let stage = Stage::new(side, &format!("{CAT}[supervisorctl]\nhistory_file = %(here)s/history\n"));
    stage.project.write("history", "help \\n pid\n");
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    let up = "\x1b[A";
    for (keys, shown) in [("version\r", "4.3.0"), (&up.repeat(3), "help \\n pid")] {
        let mut terminal = prompt(&stage);
        terminal.wait_for("RUNNING").wait_for("supervisor> ").press(keys);
        terminal.wait_for(shown).press("\x15quit\r");
        assert!(becomes_true(PATIENCE, || terminal.running.has_ended().is_some()), "{}", terminal.screen());
    }
    assert_eq!(stage.read("history"), "help \\n pid\nversion\nquit\n");
}

fn reload_and_shutdown_end_what_runs(side: Side) {
    let stage = Stage::new(side, CAT);
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    let cat = daemon.pid("cat");
    assert_eq!(daemon.ctl(&["reload"], 0), "Restarted supervisord\n");
    stage.wait_until("another cat runs", || {
        let info = daemon.call("getProcessInfo", serde_json::json!(["cat"]));
        info.is_ok_and(|info| info["statename"] == "RUNNING" && info["pid"] != cat)
    });
    assert_eq!(daemon.ctl(&["shutdown"], 0), "Shut down\n");
    daemon.end().expect_code(0);
    assert!(stage.ctl(&["status"]).expect_code(4).stdout.contains("no such file"));
}
