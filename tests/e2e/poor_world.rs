//! A world that has less than one expects: no home, no terminal, no PATH, no streams, nothing that may be written, very long names.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::common::{Running, TestProject, all_files, has_tool};
use crate::stranger::{as_stranger, by_shell, give_away, may_become_a_stranger, with_mounts};

const WEB: &str = "[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n";

/// Comes up, answers, goes down.
#[track_caller]
fn lives(project: &TestProject, up: Running<'_>) {
    up.wait_for_banner();
    assert_eq!(project.word("web"), "ready");
    up.interrupt().expect_code(0);
    assert!(project.survivors().is_empty());
}

#[test]
fn without_any_variable_it_runs_and_says_what_is_missing() {
    let project = TestProject::toml(WEB);
    let mut command = project.command(&["up"]);
    command.env_clear().env("XDG_RUNTIME_DIR", project.runtime());
    command.env(crate::common::MARK, project.directory().parent().unwrap().file_name().unwrap());
    let up = Running::start(&project, command);
    up.wait_for("neither XDG_STATE_HOME nor HOME is set");
    lives(&project, up);
    assert_eq!(all_files(project.directory().parent().unwrap()), [project.path("run.toml")]);
}

#[test]
fn without_a_path_the_shell_and_its_tools_are_found() {
    let project = TestProject::toml(WEB);
    let mut command = project.command(&["up"]);
    command.env_remove("PATH");
    lives(&project, Running::start(&project, command));
}

#[test]
fn closed_standard_streams_end_nothing_and_no_program_gets_the_wrong_ones() {
    let text =
        "[program.web]\ncommand = \"ls -l /proc/self/fd > fds; echo on; exec sleep 1000\"\nready = { log = \"on\" }\n";
    for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"] {
        let project = TestProject::toml(text);
        let mut command = by_shell(&project, &format!("exec \"$0\" up {closed}"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let up = Running::start_with_own_streams(&project, command);
        project.wait_for_word("web", "ready");
        let fds = project.read("fds");
        assert!(!fds.contains("socket:") && !fds.contains("lock"), "{closed}: {fds}");
        assert_eq!(fds.matches("pipe:").count(), 2, "{closed}: a stdin and a stderr of its own: {fds}");
        project.run(&["logs", "web"]).expect_code(0).expect_text("on");
        project.run(&["down"]).expect_code(0);
        up.end().expect_code(0);
    }
}

#[test]
fn a_project_deeper_than_a_socket_path_may_be_long_has_everything() {
    let world = TestProject::empty();
    let deep = ["a-directory-with-a-name-of-some-length"; 9].join("/");
    world.write(&format!("{deep}/run.toml"), WEB);
    let directory = world.path(&deep);
    assert!(directory.as_os_str().len() > 300);
    let at = directory.to_str().unwrap();
    world.run(&["-C", at, "up", "-d"]).expect_code(0);
    for (question, answer) in
        [(&["status"][..], "ready"), (&["ctl", "status"], "RUNNING"), (&["logs"], "on"), (&["restart", "web"], "")]
    {
        world.run(&[&["-C", at], question].concat()).expect_code(0).expect_text(answer);
    }
    world.run(&["-C", at, "down"]).expect_code(0);
    assert!(world.survivors().is_empty());
}

#[test]
fn a_project_that_may_only_be_read_runs() {
    let project = TestProject::toml(WEB);
    let read_only = || fs::set_permissions(project.directory(), fs::Permissions::from_mode(0o555)).unwrap();
    if nix::unistd::geteuid().is_root() {
        if !may_become_a_stranger() {
            return;
        }
        give_away(&project);
        read_only();
        let up = Running::start(&project, as_stranger(&project, &[], &["up"]));
        up.wait_for_banner();
        project.finish(as_stranger(&project, &[], &["restart", "web"])).expect_code(0);
        up.interrupt().expect_code(0);
    } else {
        read_only();
        lives(&project, project.up());
    }
    fs::set_permissions(project.directory(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(all_files(&project.directory()), [project.path("run.toml")]);
}

#[test]
fn a_state_directory_that_may_not_be_written_costs_the_logs_alone() {
    let project = TestProject::toml(WEB);
    let script = "mount -t tmpfs -o ro,mode=700 none \"$XDG_STATE_HOME\"; exec \"$0\" up";
    let Some(command) = with_mounts(&project, script) else { return };
    let up = Running::start(&project, command);
    up.wait_for("logs are not kept");
    lives(&project, up);
}

#[test]
fn an_unknown_terminal_is_a_terminal() {
    if !has_tool("setsid") {
        return;
    }
    for name in ["", "dumb", "no-such-terminal"] {
        let project = TestProject::toml(WEB).env("TERM", name);
        let terminal = crate::common::Terminal::start(&project, &["up"]);
        terminal.wait_for("up in ").press("\x03").wait_for("all stopped in");
        project.wait_for_silence(crate::common::PATIENCE);
    }
}
