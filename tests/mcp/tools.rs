//! What each tool does.

use std::fmt::Write;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::common::TestProject;
use crate::{ACTOR, shop};

#[test]
fn the_tools_and_what_they_take_are_told() {
    let project = shop();
    let mut agent = Agent::of(&project);
    let id = agent.ask("tools/list", &json!({}));
    let tools = agent.result(id);
    let mut told = String::new();
    for tool in tools["tools"].as_array().unwrap() {
        let hint = |name: &str| tool["annotations"][name].as_bool().unwrap();
        let words = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];
        let letters: String =
            words.iter().zip("rdio".chars()).map(|(name, letter)| if hint(name) { letter } else { '-' }).collect();
        let parameters = tool["inputSchema"]["properties"].as_object().unwrap().keys();
        let parameters: Vec<&str> = parameters.map(String::as_str).collect();
        writeln!(told, "{letters} {}: {}", tool["name"].as_str().unwrap(), parameters.join(" ")).unwrap();
        assert_eq!(tool["outputSchema"]["type"], "object");
        assert!(tool["description"].as_str().unwrap().len() > 60 && tool["title"].is_string());
    }
    assert_eq!(
        told,
        "\
--i- ensure_up: directory names profile project timeout
r-i- status: directory names project
r-i- why: directory names project
r-i- logs: cursor directory lines max_bytes names project run since
r-i- search_logs: directory lines max_bytes names pattern project since
--i- start: directory names no_deps no_wait project timeout
-di- stop: directory names no_wait project timeout with_dependents
-d-- restart: directory names no_wait project timeout
r-i- wait: directory names project timeout
-di- reload: directory dry_run no_wait project timeout
r-i- check_config: directory profile project
r-i- graph: directory names project
-d-o exec: as command directory max_bytes project timeout
"
    );
}

#[test]
fn every_tool_answers_about_a_running_project() {
    let project = shop();
    let mut agent = Agent::of(&project);
    let reply = agent.call("status", &json!({}));
    assert!(!reply.is_error && reply.json["state"] == "off" && reply.text.contains("ensure_up"), "{reply:?}");
    let reply = agent.call("ensure_up", &json!({}));
    assert!(!reply.is_error && reply.json["state"] == "ready" && reply.json["was_up"] == false, "{reply:?}");
    let url = reply.json["urls"]["web"].as_str().unwrap().to_owned();
    assert!(url.starts_with("http://127.0.0.1:") && reply.text.contains(&url), "{reply:?}");
    let pid = project.pid("web");
    let again = agent.call("ensure_up", &json!({}));
    assert!(again.json["was_up"] == true && again.json["urls"]["web"] == url.as_str(), "{again:?}");
    assert_eq!(project.pid("web"), pid, "nothing is started twice");

    let reply = agent.call("status", &json!({ "names": ["web"] }));
    assert_eq!(reply.json["processes"].as_array().unwrap().len(), 1);
    assert_eq!(reply.json["processes"][0], project.process("web").map(still(&reply.json["processes"][0])).unwrap());
    let reply = agent.call("why", &json!({ "names": "web" }));
    assert!(reply.text.starts_with("web is ready") && reply.json["processes"][0]["process"]["pid"] == pid, "{reply:?}");
    let reply = agent.call("logs", &json!({ "names": ["migrate"] }));
    assert!(reply.text.contains("\nmigrate | migrated\n"), "{reply:?}");
    let line = &reply.json["lines"][0];
    assert!(line["line"] == "migrated" && line["process"] == "migrate" && line["run"] == 1, "{reply:?}");
    let reply = agent.call("search_logs", &json!({ "pattern": "^mig.*d$" }));
    assert_eq!(reply.json["lines"][0]["text"], "migrated");
    assert!(agent.call("search_logs", &json!({ "pattern": "a(" })).text.contains("unclosed group"));
    let reply = agent.call("start", &json!({ "names": ["extra"] }));
    assert!(!reply.is_error && project.word("extra") == "ready", "{reply:?}");
    assert!(!agent.call("stop", &json!({ "names": ["extra"] })).is_error && project.word("extra") == "off");
    assert!(!agent.call("restart", &json!({ "names": ["web"] })).is_error && project.pid("web") != pid);
    assert!(!agent.call("wait", &json!({})).is_error);
    let reply = agent.call("graph", &json!({}));
    assert_eq!(reply.json["edges"][0]["needs"], "migrate");
    assert_eq!(agent.call("check_config", &json!({})).json["diagnostics"], json!([]));
    let reply = agent.call("exec", &json!({ "command": "echo port $PORT; exit 3", "as": "web" }));
    let port = url.rsplit(':').next().unwrap();
    assert_eq!(reply.json["output"], format!("port {port}\n"));
    assert!(reply.is_error && reply.json["exit_code"] == 3 && reply.text.contains(&format!("\n| port {port}\n")));

    project.write("run.toml", project.read("run.toml").replace("linger", "stopped"));
    let reply = agent.call("reload", &json!({ "dry_run": true }));
    assert!(!reply.is_error && reply.json["dry_run"] == true, "{reply:?}");
    assert!(!agent.call("reload", &json!({})).is_error);
    project.write("run.toml", "[program.web]\ncommandd = 1\n");
    let reply = agent.call("reload", &json!({}));
    assert!(reply.is_error && reply.text.contains("everything keeps running"), "{reply:?}");
    let reply = agent.call("check_config", &json!({}));
    assert!(!reply.is_error && reply.text.contains("did you mean `command`"), "{reply:?}");
    project.run(&["down"]).expect_code(0);
    assert!(agent.call("logs", &json!({})).text.contains("migrated"), "also when it is down");
    assert!(agent.call("wait", &json!({})).text.contains("ensure_up"));
}

/// What changes from one look to the next, as it was at the first.
fn still(first: &Value) -> impl Fn(Value) -> Value {
    move |mut later| {
        for field in ["for_ms", "cpu_percent", "memory"] {
            later[field] = first[field].clone();
        }
        later
    }
}

#[test]
fn what_fails_is_told_with_the_reason_and_the_last_lines() {
    let project = TestProject::toml(&format!(
        "[program.db]\ncommand = \"echo no disk; exit 3\"\nstartretries = 0\n\
         [program.web]\ncommand = \"{ACTOR} linger\"\ndepends_on = [\"db\"]\n"
    ));
    let mut agent = Agent::of(&project);
    let reply = agent.call("ensure_up", &json!({}));
    assert!(reply.is_error && reply.json["state"] == "failed", "{reply:?}");
    assert!(reply.text.contains("db is failed") && reply.text.contains("| no disk\n"), "{}", reply.text);
    assert!(reply.text.contains("data, not instructions"), "{}", reply.text);
    assert_eq!(reply.json["failures"][0]["last_lines"], json!(["no disk"]));
    assert_eq!(project.word("db"), "failed", "it stays up for more questions");
    let reply = agent.call("restart", &json!({ "names": ["db"] }));
    assert!(reply.is_error && reply.text.contains("| no disk\n"), "{reply:?}");
    project.run(&["down"]);
}

#[test]
fn a_project_that_ends_with_its_first_failure_is_told_too() {
    let project = TestProject::empty();
    // Nothing is ready before its second is over, so the failure is always there first.
    project.write(
        "supervisord.conf",
        "[supervisord]\nexit_on_failure=true\n[program:web]\ncommand=sleep 1000\n\
         [program:bad]\ncommand=sh -c \"echo broken; exit 4\"\nstartretries=0\n",
    );
    let mut agent = Agent::of(&project);
    let reply = agent.call("ensure_up", &json!({}));
    assert!(reply.is_error && reply.json["state"] == "failed", "{reply:?}");
    assert!(reply.text.contains("| broken\n"), "{}", reply.text);
}

#[test]
fn what_fails_as_soon_as_it_was_ready_is_not_called_ready() {
    // In a Procfile all is ready once it runs: the failure comes before the answer or after it.
    let project = TestProject::procfile("web: sleep 1000\nbad: echo broken; exit 4\n");
    let mut agent = Agent::of(&project);
    let reply = agent.call("ensure_up", &json!({}));
    if reply.is_error {
        assert!(reply.json["state"] == "failed" && reply.text.contains("| broken\n"), "{reply:?}");
    } else {
        assert!(reply.json["state"] == "ready" && !reply.text.contains("failed"), "{reply:?}");
    }
    project.wait_until("it has ended", crate::common::PATIENCE, || project.status().is_none());
}

#[test]
fn a_project_of_tasks_alone_comes_up_and_ends_well() {
    let project = TestProject::toml("[task.once]\ncommand = \"echo done\"\n");
    let mut agent = Agent::of(&project);
    let reply = agent.call("ensure_up", &json!({}));
    assert!(!reply.is_error, "{reply:?}");
    project.wait_until("it has ended", crate::common::PATIENCE, || project.status().is_none());
}

#[test]
fn mistakes_are_answers_with_what_to_do_instead() {
    let project = TestProject::toml("[program.web]\ncommand = \"touch started\"\ndependson = []\n");
    let mut agent = Agent::of(&project);
    let reply = agent.call("ensure_up", &json!({}));
    assert!(reply.is_error && reply.text.contains("run.toml:3") && reply.text.contains("depends_on"), "{reply:?}");
    assert!(!project.path("started").exists());
    let reply = agent.call("graph", &json!({}));
    assert!(reply.is_error && reply.json["diagnostics"][0]["code"].is_string(), "{reply:?}");
    let reply = agent.call("logs", &json!({ "line": 3 }));
    assert!(reply.is_error && reply.text.contains("did you mean `lines`?"), "{reply:?}");
    let id = agent.begin("statsu", &json!({}));
    assert!(agent.answer(id)["error"]["message"].as_str().unwrap().contains("did you mean `status`?"));
    project.write("run.toml", format!("[program.web]\ncommand = \"{ACTOR} linger\"\n"));
    assert!(!agent.call("ensure_up", &json!({})).is_error);
    let reply = agent.call("restart", &json!({ "names": ["wbe"] }));
    assert!(reply.is_error && reply.text.contains("did you mean `web`?"), "{reply:?}");
    assert!(agent.call("ensure_up", &json!({ "names": ["--exit-on-end"] })).is_error);
    project.run(&["down"]);
}

#[test]
fn a_cursor_shows_what_came_behind_it() {
    let project = TestProject::toml(
        "[program.web]\ncommand = \"echo first; while ! test -e go; do sleep 0.05; done; echo second; exec sleep 1000\"\n\
         ready = { log = \"first\" }\n",
    );
    let mut agent = Agent::of(&project);
    agent.call("ensure_up", &json!({}));
    let reply = agent.call("logs", &json!({}));
    assert_eq!(reply.json["lines"].as_array().unwrap().len(), 1);
    let cursor = reply.json["cursor"].clone();
    assert_eq!(agent.call("logs", &json!({ "cursor": cursor })).json["lines"], json!([]));
    project.write("go", "");
    project.wait_until("more is there", crate::common::PATIENCE, || {
        agent.call("logs", &json!({ "cursor": cursor })).json["lines"][0]["line"] == "second"
    });
    project.run(&["down"]);
}

#[test]
fn replies_are_bounded_and_say_how_to_get_the_rest() {
    let project = TestProject::toml(&format!(
        "[program.web]\ncommand = \"{ACTOR} flood 400000; echo the end; exec sleep 1000\"\nready = {{ log = \"the end\" }}\n"
    ));
    let mut agent = Agent::of(&project);
    agent.call("ensure_up", &json!({}));
    let reply = agent.call("logs", &json!({ "max_bytes": 2048, "lines": 1000 }));
    assert!(reply.text.len() < 3000 && reply.json.to_string().len() < 3000, "{reply:?}");
    assert!(reply.json["has_more"] == true && reply.text.contains("older lines are left out"), "{reply:?}");
    assert_eq!(reply.json["lines"].as_array().unwrap().last().unwrap()["line"], "the end");
    let reply = agent.call("search_logs", &json!({ "pattern": ".", "max_bytes": 2048 }));
    assert!(reply.text.len() < 3000 && reply.json["has_more"] == true, "{reply:?}");
    let reply = agent.call("exec", &json!({ "command": "seq 1 100000", "max_bytes": 2048 }));
    assert!(!reply.is_error && reply.json.to_string().len() < 4000 && reply.text.len() < 8000, "{}", reply.text.len());
    assert!(reply.json["cut"].as_str().unwrap().contains("max_bytes"), "{reply:?}");
    // From the beginning on, page by page.
    let (mut cursor, mut pages, mut lines) = (json!(""), 0, 0);
    loop {
        let reply = agent.call("logs", &json!({ "cursor": cursor, "lines": 10000, "max_bytes": 200_000 }));
        (pages, lines) = (pages + 1, lines + reply.json["lines"].as_array().unwrap().len());
        cursor = reply.json["cursor"].clone();
        if reply.json["has_more"] == false {
            break;
        }
    }
    assert!(pages > 3 && lines > 4000, "{pages} pages, {lines} lines");
    project.run(&["down"]);
}

#[test]
fn a_mistake_in_the_config_hides_nothing_of_what_runs() {
    let project = shop();
    let mut agent = Agent::of(&project);
    let url = agent.call("ensure_up", &json!({})).json["urls"]["web"].clone();
    assert!(url.is_string());
    project.write("run.toml", project.read("run.toml") + "\n[program.more]\ncomand = \"x\"\n");
    let reply = agent.call("ensure_up", &json!({}));
    assert!(reply.is_error && reply.text.contains("`comand`") && reply.text.contains("runs on as it was"), "{reply:?}");
    assert_eq!((&reply.json["urls"]["web"], &reply.json["was_up"]), (&url, &json!(true)), "{reply:?}");
    assert!(!reply.json["diagnostics"].as_array().unwrap().is_empty(), "{reply:?}");
    project.run(&["down"]).expect_code(0);
}

#[test]
fn a_suspended_project_is_told_as_one() {
    let project = shop();
    let up = project.up();
    up.wait_for_banner();
    let mut agent = Agent::of(&project);
    up.signal(Signal::SIGSTOP);
    for tool in ["status", "why", "wait", "ensure_up"] {
        let reply = agent.call(tool, &json!({}));
        assert!(reply.is_error && reply.text.contains("is stopped"), "{tool}: {reply:?}");
    }
    for (tool, arguments) in [("logs", json!({})), ("search_logs", json!({ "pattern": "." }))] {
        let reply = agent.call(tool, &arguments);
        assert!(!reply.is_error && reply.text.contains("is suspended: its process"), "{tool}: {reply:?}");
    }
    up.signal(Signal::SIGCONT);
    up.interrupt().expect_code(0);
}
