//! What becomes of a program by itself: the eight states, what is said of them, who is started again.

use serde_json::json;

use crate::daemon::Stage;
use crate::differences;
use crate::side::Side;

on_both! {
    an_end_before_startsecs_is_a_failed_start_whatever_the_code,
    a_program_is_given_up_after_startretries_and_one_attempts,
    a_program_that_cannot_be_started_backs_off_and_is_given_up,
    a_stop_takes_a_program_out_of_backoff_at_once,
    an_unexpected_end_after_running_is_exited_with_a_reason,
    an_expected_end_is_exited_without_one,
    a_death_by_a_signal_has_status_minus_one,
    autorestart_decides_after_running,
    without_startsecs_a_program_runs_as_soon_as_it_is_there,
    a_stopped_program_keeps_its_exit_status,
    who_was_stopped_stays_stopped,
    quick_deaths_after_running_do_not_burn_the_machine,
}

fn an_end_before_startsecs_is_a_failed_start_whatever_the_code(side: Side) {
    let stage = Stage::new(side, "[program:good]\ncommand = true\nstartsecs = 5\nstartretries = 50\n");
    let daemon = stage.start();
    daemon.wait_state("good", "BACKOFF");
    let info = daemon.info("good");
    if info["statename"] == "BACKOFF" {
        assert_eq!(info["spawnerr"], "Exited too quickly (process log may have details)");
        assert_eq!(info["description"], info["spawnerr"]);
        assert_eq!(
            (info["state"].as_i64(), info["exitstatus"].as_i64(), info["pid"].as_i64()),
            (Some(30), Some(0), Some(0))
        );
    }
}

fn a_program_is_given_up_after_startretries_and_one_attempts(side: Side) {
    let conf = "[program:bad]\ncommand = sh -c 'echo tried >> tries; exit 2'\ndirectory = %(here)s\nstartsecs = 5\nstartretries = 1\n";
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    daemon.wait_state("bad", "FATAL");
    assert_eq!(stage.read("tries"), "tried\ntried\n");
    let info = daemon.info("bad");
    assert_eq!(info["spawnerr"], "Exited too quickly (process log may have details)");
    assert_eq!((info["state"].as_i64(), info["exitstatus"].as_i64()), (Some(200), Some(0)));
    assert_eq!(info["description"], info["spawnerr"]);
    assert_eq!(daemon.fault("stopProcess", json!(["bad"])), (70, "NOT_RUNNING: bad".to_owned()));
    assert_eq!(
        daemon.fault("startProcess", json!(["bad"])),
        (50, "SPAWN_ERROR: bad".to_owned()),
        "the count begins anew"
    );
    daemon.wait_state("bad", "FATAL");
    assert_eq!(stage.read("tries").lines().count(), 4);
}

fn a_program_that_cannot_be_started_backs_off_and_is_given_up(side: Side) {
    let stage = Stage::new(side, "[program:none]\ncommand = /nonexistent/program\nstartretries = 1\n");
    let daemon = stage.start();
    daemon.wait_state("none", "FATAL");
    let info = daemon.info("none");
    assert_eq!(info["spawnerr"], "can't find command '/nonexistent/program'");
    assert_eq!(info["description"], info["spawnerr"]);
}

fn a_stop_takes_a_program_out_of_backoff_at_once(side: Side) {
    let stage =
        Stage::new(side, "[program:bad]\ncommand = sh -c 'sleep 0.5; exit 1'\nstartsecs = 5\nstartretries = 50\n");
    let daemon = stage.start();
    daemon.wait_until("it waits for some seconds", || {
        stage.read("main.log").matches("exited: bad").count() >= 2 || side == Side::Ours
    });
    daemon.wait_state("bad", "BACKOFF");
    assert_eq!(daemon.value("stopProcess", json!(["bad"])), true);
    assert_eq!(daemon.state("bad"), "STOPPED");
    assert_eq!(daemon.value("startProcess", json!(["bad", false])), true, "it is as good as new");
}

const LIVES: &str = "startsecs = 0\nautorestart = false\ndirectory = %(here)s\n";

fn an_unexpected_end_after_running_is_exited_with_a_reason(side: Side) {
    let stage = Stage::new(side, &format!("[program:bad]\ncommand = sh -c 'read x; exit 3'\n{LIVES}"));
    let daemon = stage.start();
    daemon.wait_state("bad", "RUNNING");
    daemon.value("sendProcessStdin", json!(["bad", "\n"]));
    daemon.wait_state("bad", "EXITED");
    let info = daemon.info("bad");
    assert_eq!(
        (info["state"].as_i64(), info["exitstatus"].as_i64(), info["pid"].as_i64()),
        (Some(100), Some(3), Some(0))
    );
    assert_eq!(info["spawnerr"], "Bad exit code 3");
    let description = info["description"].as_str().unwrap();
    assert!(regex::Regex::new(r"^[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M$").unwrap().is_match(description), "{description}");
    assert!(info["stop"].as_i64().unwrap() >= info["start"].as_i64().unwrap());
}

fn an_expected_end_is_exited_without_one(side: Side) {
    let stage = Stage::new(side, &format!("[program:good]\ncommand = sh -c 'exit 3'\nexitcodes = 0,3\n{LIVES}"));
    let daemon = stage.start();
    daemon.wait_state("good", "EXITED");
    let info = daemon.info("good");
    assert_eq!((info["exitstatus"].as_i64(), info["spawnerr"].as_str()), (Some(3), Some("")));
}

fn a_death_by_a_signal_has_status_minus_one(side: Side) {
    let stage = Stage::new(side, &format!("[program:shot]\ncommand = sh -c 'kill -9 $$'\n{LIVES}"));
    let daemon = stage.start();
    daemon.wait_state("shot", "EXITED");
    let info = daemon.info("shot");
    assert_eq!((info["exitstatus"].as_i64(), info["spawnerr"].as_str()), (Some(-1), Some("Bad exit code -1")));
}

fn autorestart_decides_after_running(side: Side) {
    let program = |name: &str, code: &str, autorestart: &str| {
        let command =
            format!("sh -c 'echo run >> {name}.runs; test $(wc -l < {name}.runs) = 1 || exec sleep 1000; exit {code}'");
        format!("[program:{name}]\ncommand = {command}\ndirectory = %(here)s\nstartsecs = 0\n{autorestart}\n")
    };
    let conf = [
        program("never", "1", "autorestart = false"),
        program("default_good", "0", ""),
        program("default_bad", "1", ""),
        program("unexpected", "1", "autorestart = unexpected"),
        program("always", "0", "autorestart = true"),
    ]
    .concat();
    let stage = Stage::new(side, &conf);
    let daemon = stage.start();
    for name in ["default_bad", "unexpected", "always"] {
        stage.wait_until(&format!("{name} runs again"), || stage.read(&format!("{name}.runs")) == "run\nrun\n");
        daemon.wait_state(name, "RUNNING");
    }
    for name in ["never", "default_good"] {
        daemon.wait_state(name, "EXITED");
        assert_eq!(stage.read(&format!("{name}.runs")), "run\n");
    }
}

fn without_startsecs_a_program_runs_as_soon_as_it_is_there(side: Side) {
    let stage = Stage::new(side, "[program:cat]\ncommand = cat\nstartsecs = 0\nautostart = false\n");
    let daemon = stage.start();
    assert_eq!(daemon.value("startProcess", json!(["cat", false])), true);
    assert_eq!(daemon.state("cat"), "RUNNING");
}

fn a_stopped_program_keeps_its_exit_status(side: Side) {
    let stage = Stage::new(
        side,
        "[program:polite]\ncommand = sh -c 'trap \"exit 7\" TERM; while :; do read x; done'\nstartsecs = 0\n",
    );
    let daemon = stage.start();
    daemon.wait_state("polite", "RUNNING");
    // It may be asked before its trap is set.
    daemon.wait_until("its trap is set", || {
        daemon.value("stopProcess", json!(["polite"]));
        let status = daemon.info("polite")["exitstatus"].as_i64().unwrap();
        status == 7 || daemon.value("startProcess", json!(["polite"])) != true
    });
    let info = daemon.info("polite");
    assert_eq!((info["statename"].as_str(), info["spawnerr"].as_str()), (Some("STOPPED"), Some("")));
}

fn who_was_stopped_stays_stopped(side: Side) {
    let stage = Stage::new(
        side,
        "[program:cat]\ncommand = cat\nstartsecs = 0\nautorestart = true\n[program:other]\ncommand = cat\nstartsecs = 0\n",
    );
    let daemon = stage.start();
    daemon.wait_state("cat", "RUNNING");
    daemon.value("stopProcess", json!(["cat"]));
    daemon.value("stopProcess", json!(["other"]));
    daemon.value("startProcess", json!(["other"]));
    assert_eq!(daemon.state("cat"), "STOPPED");
    assert_eq!(daemon.info("cat")["description"].as_str().unwrap().len(), "Nov 22 01:09 PM".len());
}

fn quick_deaths_after_running_do_not_burn_the_machine(side: Side) {
    let conf = "[program:hot]\ncommand = sh -c 'echo run >> hot.runs; exit 1'\nautorestart = true\nstartsecs = 0\ndirectory = %(here)s\n\
                [program:clock]\ncommand = sleep 3\nstartsecs = 0\nautorestart = false\n";
    let stage = Stage::new(side, conf);
    let began = std::time::Instant::now();
    let daemon = stage.start();
    daemon.wait_state("clock", "EXITED");
    let runs = stage.read("hot.runs").lines().count();
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    let slowed = side.pick(differences::HOT_LOOP, runs >= 3, (2..=seconds + 3).contains(&runs));
    assert!(slowed, "{runs} runs in {seconds} seconds");
}
