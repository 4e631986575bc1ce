//! The scenarios of `tests/ctl`, played by the real supervisorctl: what was recorded with the original is what it says here.

use std::fs;

use crate::daemon::Stage;
use crate::differences;
use crate::scenario::{Places, Scenario, directory, normal, play, scenarios};
use crate::side::{Side, tool};

/// A case for each scenario of that name.
macro_rules! scenarios {
    ($($name:ident,)*) => {
        on_both! { $($name,)* }
        $(fn $name(side: Side) { replay(side, stringify!($name)); })*
    };
}

scenarios! {
    looking,
    processes,
    logs,
    config,
    prompt,
    password,
    shutdown,
    reload,
}

/// What ours says, where it says more on purpose.
fn without_differences(side: Side, said: &str, expected: &str) -> String {
    const UNREADABLE: &str = "CANT_REREAD: ";
    if side.differs(differences::ALL_MISTAKES) && [said, expected].iter().all(|text| text.contains(UNREADABLE)) {
        return expected.to_owned();
    }
    // What cannot be started is tried again, so it is there to be stopped.
    let is_extra = |line: &str| ["bad: stopped", "noexec: stopped"].contains(&line) && !expected.contains(line);
    if side.differs(differences::NOT_THERE) && said.lines().any(is_extra) {
        return said.lines().filter(|line| !is_extra(line)).collect::<Vec<_>>().join("\n");
    }
    said.to_owned()
}

/// Starts the daemon that the scenario was recorded with.
fn stage(side: Side, scenario: &Scenario) -> Stage {
    let conf = fs::read_to_string(directory().join("supervisord.conf")).unwrap();
    let password = "s.sock\nusername = ann\npassword = secret\n\n[supervisord]";
    let conf = if scenario.auth { conf.replace("s.sock\n\n[supervisord]", password) } else { conf };
    Stage::bare(side, &conf).file("conf.d/new.conf", "")
}

fn replay(side: Side, name: &str) {
    let text = fs::read_to_string(directory().join(format!("recorded/{name}.json"))).unwrap();
    let recorded: Scenario = serde_json::from_str(&text).unwrap();
    let scenario = scenarios().into_iter().find(|scenario| scenario.name == name).unwrap();
    let stage = stage(side, &scenario);
    let mut daemon = stage.start_with_login(scenario.auth.then_some(("ann", "secret")));
    for name in ["cat", "web:web_0", "web:web_1", "talk", "pair:left", "pair:right"] {
        daemon.wait_state(name, "RUNNING");
    }
    daemon.wait_until("talk has said all", || {
        let info = daemon.info("talk");
        let length = |key: &str| fs::metadata(info[key].as_str().unwrap()).map_or(0, |found| found.len());
        length("stdout_logfile") > 0 && length("stderr_logfile") > 0
    });
    let places = Places::new(&stage.project, stage.url());
    // Else it would find the config by itself, and with it another prompt.
    stage.project.write("ctl.conf", "[supervisorctl]\n");
    let (supervisorctl, conf) = (tool("supervisorctl"), stage.path("ctl.conf"));
    let client = [supervisorctl.to_str().unwrap(), "-c", conf.to_str().unwrap()];
    let mut expected = recorded.steps.iter();
    for step in &scenario.steps {
        if let Some(file) = &step.write {
            stage.project.write(file, &step.text);
            continue;
        }
        let recorded = expected.next().unwrap();
        let done = play(&stage.project, &client, step, &places);
        // Help is the client's own, and it is the same client.
        if recorded.stdout.contains("<help ") {
            continue;
        }
        let said = places.scrub(&done.stdout).replace(stage.project.directory().to_str().unwrap(), "{dir}");
        let what = format!("{:?} {:?}", step.args, step.stdin);
        let (said, expected) = (normal(&said, step), normal(&recorded.stdout, step));
        assert_eq!(without_differences(side, &said, &expected), expected, "{what}");
        assert_eq!(done.code, recorded.code, "{what}");
        if step.ends {
            daemon.wait_for_end();
        }
    }
}
