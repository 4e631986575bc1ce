//! Where there is too little of something: descriptors, processes, space on the disk, memory, patience with crashes.

use std::fs;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::common::{PATIENCE, Running, TestProject, all_files, has_tool, lines_of};
use crate::stranger::{as_stranger, give_away, limited, may_become_a_stranger, with_mounts};

/// Programs that are ready when they have said so.
fn sleepers(count: usize) -> String {
    let section = |number| {
        format!("[program.p{number:04}]\ncommand = \"echo on; exec sleep 1000\"\nready = {{ log = \"on\" }}\n")
    };
    (0..count).map(section).collect()
}

fn words(project: &TestProject, word: &str) -> usize {
    let status = project.status();
    let processes = status.as_ref().and_then(|status| status["processes"].as_array());
    processes.map_or(0, |all| all.iter().filter(|one| one["state"] == word).count())
}

#[test]
fn without_descriptors_who_got_none_says_so_and_the_rest_runs() {
    if !has_tool("prlimit") {
        return;
    }
    let project = TestProject::toml(&sleepers(60));
    let up = Running::start(&project, limited(&project, &["--nofile=64:64"], &["up"]));
    up.wait_for("we may have 64 open files, and nearly all are taken");
    project.wait_until("some run, and we can be asked", PATIENCE, || words(&project, "ready") >= 10);
    let has_left_some = || !pipes_of(up.pid()).iter().any(|number| (48..64).contains(number));
    project.wait_until("the last 16 are no program's", PATIENCE, has_left_some);
    let done = project.run(&["status"]);
    assert!(done.code == 1 || done.code == 3, "{done:?}");
    project.run(&["down"]).expect_code(0);
    up.end();
    assert!(project.survivors().is_empty());
}

#[test]
fn too_few_descriptors_to_go_on_with_refuse_the_start_in_a_sentence() {
    if !has_tool("prlimit") {
        return;
    }
    let project = TestProject::toml(&sleepers(1));
    for (limit, words) in
        [8, 12, 14, 16, 20, 24, 40, 63].into_iter().zip([["up"].as_slice(), &["up", "-d"]].into_iter().cycle())
    {
        let limits = format!("--nofile={limit}:{limit}");
        let done = project.finish(limited(&project, &[&limits], words)).expect_code(2);
        let sentence = format!("we may have {limit} open files (the hard limit: ulimit -Hn), and a project needs 64");
        assert!(done.stderr.contains(&sentence), "{done:?}");
    }
    assert!(project.survivors().is_empty());
}

/// The numbers of a process's descriptors that are pipes.
fn pipes_of(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let pipes =
        entries.filter(|entry| fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("pipe:")));
    pipes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[test]
fn what_has_failed_holds_no_descriptor() {
    const WEB: &str = "[program.web]\ncommand = \"exec sleep 1000\"\n";
    let alone = TestProject::toml(WEB);
    let up_alone = alone.up();
    up_alone.wait_for_banner();
    let background = "command = \"sleep 1009 & exit 0\"\nautorestart = true\nstartsecs = 0\n";
    let nowhere = "command = \"./nowhere\"\nstartretries = 0\n";
    for failing in [background, nowhere] {
        let project = TestProject::toml(&format!("{WEB}[program.failing]\n{failing}"));
        let up = project.up();
        project.wait_for_word("failing", "failed");
        project.wait_for_word("web", "ready");
        let holds_no_more = || pipes_of(up.pid()).len() == pipes_of(up_alone.pid()).len();
        project.wait_until("it holds as many pipes as without that one", PATIENCE, holds_no_more);
        up.signal(Signal::SIGTERM);
        up.end();
    }
    up_alone.interrupt().expect_code(0);
}

#[test]
fn clients_cannot_take_the_descriptors_of_a_respawn() {
    if !has_tool("prlimit") {
        return;
    }
    let project =
        TestProject::toml(&(sleepers(4) + "[program.web]\ncommand = \"exec sleep 1000\"\nautorestart = true\n"));
    let up = Running::start(&project, limited(&project, &["--nofile=80:80"], &["up"]));
    up.wait_for_banner();
    let before = project.pid("web");
    let socket = all_files(&project.runtime()).into_iter().find(|path| path.ends_with("socket")).unwrap();
    let clients: Vec<UnixStream> = (0..200).filter_map(|_| UnixStream::connect(&socket).ok()).collect();
    assert!(clients.len() > 64, "as many as will come");
    let web = project.survivors().into_iter().find(|found| found.pid == before).unwrap();
    web.kill();
    let has_respawned = || {
        let sleeping = project.survivors().into_iter().filter(|found| found.command.starts_with("sleep 1000"));
        sleeping.count() == 5
    };
    project.wait_until("it runs again, whoever knocks", PATIENCE, has_respawned);
    drop(clients);
    project.wait_until("and others come in", PATIENCE, || ![0, before].contains(&project.pid("web")));
    up.interrupt().expect_code(0);
}

#[test]
fn without_room_for_processes_who_got_none_says_so_and_tries_again() {
    if !may_become_a_stranger() {
        return;
    }
    let project = TestProject::toml(&sleepers(12).replace("\nready", "\nstartretries = 60\nready"));
    give_away(&project);
    let up = Running::start(&project, as_stranger(&project, &["--nproc=12:12"], &["up", "--keep-going"]));
    up.wait_for("no room for another process");
    let ready = || {
        let done = project.finish(as_stranger(&project, &[], &["status", "--json"]));
        let status: serde_json::Value = serde_json::from_str(&done.stdout).unwrap_or_default();
        let all = status["processes"].as_array().cloned().unwrap_or_default();
        all.iter()
            .filter(|one| one["state"] == "ready")
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    project.wait_until("some run", PATIENCE, || ready().len() >= 3);
    // Everything that can be asked can be asked without a process of its own.
    for question in [&["logs", "-n", "5"][..], &["why", "p0011"], &["reload"], &["status"]] {
        let done = project.finish(as_stranger(&project, &[], question));
        assert_ne!(done.code, 2, "{question:?}: {done:?}");
    }
    // Room for two more.
    let some = ready();
    for name in &some[..2] {
        project.finish(as_stranger(&project, &[], &["stop", name])).expect_code(0);
    }
    project.wait_until("others took it", PATIENCE, || ready().iter().any(|name| !some.contains(name)));
    project.finish(as_stranger(&project, &[], &["down"])).expect_code(0);
    up.end();
    assert!(project.survivors().is_empty());
}

/// Says 20000 numbered lines, more than there is room for.
const TALKER: &str = "[program.web]\ncommand = \"seq 20000; echo over; exec sleep 1000\"\nready = { log = \"over\" }\nstdout_logfile = \"web.log\"\n\
     [program.db]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n";

/// The stream is whole, the loss is told once, and the project is as alive as ever.
#[track_caller]
fn goes_on(project: &TestProject, up: Running<'_>) {
    up.wait_for_banner();
    up.wait_for("logs are not kept");
    project.wait_until("status says it", PATIENCE, || project.run(&["status"]).stdout.contains("! logs are not kept"));
    let logs = project.run(&["logs", "web"]);
    assert!(logs.stderr.contains("! logs are not kept") && !logs.stderr.contains("no output"), "{logs:?}");
    project.run(&["restart", "db"]).expect_code(0);
    assert_eq!((project.word("web"), project.word("db")), ("ready".into(), "ready".into()));
    let done = up.interrupt().expect_code(0);
    let lines = lines_of(&done.stdout, "web");
    assert!((1..=20_000).map(|number| number.to_string()).eq(lines.iter().take(20_000).cloned()), "a line is missing");
    assert!(done.stderr.matches("logs are not kept").count() <= 3, "told too often:\n{}", done.stderr);
    assert!(project.survivors().is_empty());
}

#[test]
fn a_full_disk_under_state_and_logs_costs_the_logs_and_no_line_of_the_stream() {
    let project = TestProject::toml(TALKER);
    let script = "mount -t tmpfs -o size=24k,mode=700 none \"$XDG_STATE_HOME\"; exec \"$0\" up";
    let Some(command) = with_mounts(&project, script) else { return };
    goes_on(&project, Running::start(&project, command));
}

#[test]
fn a_state_directory_without_any_room_costs_the_logs_alone() {
    let project = TestProject::toml(TALKER);
    let script = "mount -t tmpfs -o size=4k,nr_inodes=1,mode=700 none \"$XDG_STATE_HOME\"; exec \"$0\" up";
    let Some(command) = with_mounts(&project, script) else { return };
    goes_on(&project, Running::start(&project, command));
}

#[test]
fn a_lock_that_cannot_be_written_is_not_left_behind() {
    if !has_tool("prlimit") {
        return;
    }
    let project = TestProject::toml("[program.web]\ncommand = \"sleep 1000\"\n");
    let refused = project.finish(limited(&project, &["--fsize=0:0"], &["up", "-d"])).expect_code(2);
    refused.expect_text("lock: ");
    assert_eq!(all_files(&project.runtime()), [""; 0].map(std::path::PathBuf::from));
}

#[test]
fn files_that_may_not_grow_cost_the_logs_alone() {
    if !has_tool("prlimit") {
        return;
    }
    let project = TestProject::toml(&TALKER.replace("stdout_logfile", "#"));
    goes_on(&project, Running::start(&project, limited(&project, &["--fsize=20000:20000"], &["up"])));
}

#[test]
fn a_full_runtime_directory_refuses_the_start_in_a_sentence() {
    let project = TestProject::toml(TALKER);
    let script = "mount -t tmpfs -o size=4k,nr_inodes=2,mode=700 none \"$XDG_RUNTIME_DIR\"; exec \"$0\" up";
    let Some(command) = with_mounts(&project, script) else { return };
    let done = project.finish(command);
    assert!(done.code == 2 || done.code == 1, "{done:?}");
    assert!(done.stderr.contains("o space left on device"), "{done:?}");
    assert!(!done.stderr.contains("panicked"), "{done:?}");
    project.wait_for_silence(PATIENCE);
}

#[test]
fn a_log_file_of_the_user_on_a_full_device_disturbs_nobody() {
    let text = TALKER.replace("web.log", "/dev/full");
    let project = TestProject::toml(&text);
    let up = project.up();
    up.wait_for_banner();
    assert_eq!(project.word("web"), "ready");
    let done = up.interrupt().expect_code(0);
    assert_eq!(lines_of(&done.stdout, "web").len(), 20_001);
    let kept = project.run(&["logs", "-n", "30000", "web"]).expect_code(0);
    assert!(kept.stdout.lines().count() >= 20_001, "{}", kept.stdout.lines().count());
}

#[test]
fn a_line_of_100_mb_needs_no_memory_of_ours() {
    let project = TestProject::toml("[program.web]\ncommand = \"sh say.sh\"\nready = { log = \"^over\" }\n")
        .file("say.sh", "head -c 100000000 /dev/zero | tr '\\0' x; echo; echo over; exec sleep 1000\n");
    let mut command = project.command(&["up"]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let up = Running::start_with_own_streams(&project, command);
    project.wait_until("it is up", PATIENCE, || !project.word("web").is_empty());
    // Asked once: whoever asks again and again has most of a single processor.
    let mut over = project.start(&["wait", "web"]);
    project.wait_until("it is over", 5 * PATIENCE, || over.has_ended() == Some(0));
    let status = fs::read_to_string(format!("/proc/{}/status", up.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib < 80 << 10, "{peak}");
    up.signal(Signal::SIGTERM);
    up.end().expect_code(0);
}

#[test]
fn a_thousand_programs_come_up_and_go_down() {
    let project = TestProject::toml(&sleepers(1000));
    let mut up = project.start(&["up", "-d"]);
    project.wait_until("all are ready", 5 * PATIENCE, || up.has_ended().is_some());
    up.end().expect_code(0);
    assert_eq!(words(&project, "ready"), 1000);
    let began = Instant::now();
    project.run(&["restart", "p0500"]).expect_code(0);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let down = project.start(&["down"]);
    project.wait_for_silence(3 * PATIENCE);
    down.end().expect_code(0);
}

#[test]
fn fifty_crash_loops_do_not_disturb_a_neighbour() {
    let section = |number| format!("[program.c{number:02}]\ncommand = \"echo down; exit 1\"\nstartretries = 100\n");
    let loops: String = (0..50).map(section).collect();
    let text = format!("{loops}[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = {{ log = \"on\" }}\n");
    let project = TestProject::toml(&text);
    let calm = TestProject::toml(&sleepers(1));
    let calm_up = calm.up();
    calm_up.wait_for_banner();
    let began = Instant::now();
    let up = project.up();
    project.wait_for_word("web", "ready");
    let web = project.pid("web");
    let runs = || {
        let status = project.status().unwrap();
        let all = status["processes"].as_array().unwrap().clone();
        all.iter().filter(|one| one["name"] != "web").map(|one| one["runs"].as_u64().unwrap()).collect::<Vec<u64>>()
    };
    let (mut slowest, mut slowest_of_calm) = (Duration::ZERO, Duration::ZERO);
    project.wait_until("each has crashed three times", PATIENCE, || {
        let asked = Instant::now();
        calm.status();
        slowest_of_calm = slowest_of_calm.max(asked.elapsed());
        let asked = Instant::now();
        let runs = runs();
        slowest = slowest.max(asked.elapsed());
        runs.iter().all(|count| *count >= 3)
    });
    // 0, 1, 2, 3 … seconds: the n-th run is not before the sum of them.
    let most = *runs().iter().max().unwrap();
    let needed = (most.saturating_sub(1)) * most.saturating_sub(2) / 2;
    assert!(began.elapsed() >= Duration::from_secs(needed), "{most} runs in {:?}", began.elapsed());
    // On a machine that has too much to do, a project without any crash answers late, too.
    assert!(
        slowest < Duration::from_secs(5) + 5 * slowest_of_calm,
        "{slowest:?}, and {slowest_of_calm:?} without crashes"
    );
    assert_eq!((project.pid("web"), project.word("web")), (web, "ready".into()));
    up.interrupt();
    assert!(project.survivors().is_empty());
    calm_up.interrupt().expect_code(0);
}
