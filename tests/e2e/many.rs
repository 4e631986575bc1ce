//! Many projects at once: copies, worktrees, variations. Each has its own ports, logs and socket, and none knows of another.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::{Done, PATIENCE, Running, TestProject, has_tool};

/// A program that says who it is and listens at a port of its own.
fn shop() -> String {
    let actor = env!("CARGO_BIN_EXE_actor");
    format!("[program.web]\ncommand = \"echo this is $RUN_PROJECT; exec {actor} listen $PORT\"\nport = \"auto\"\n")
}

/// A command of ours in a directory of the world.
fn command_in(world: &TestProject, directory: &str, arguments: &[&str]) -> Command {
    let mut command = world.command(arguments);
    command.current_dir(world.path(directory));
    command
}

fn run_in(world: &TestProject, directory: &str, arguments: &[&str]) -> Done {
    world.finish(command_in(world, directory, arguments))
}

/// `run projects --json`.
fn projects(world: &TestProject) -> Vec<Value> {
    let done = world.run(&["projects", "--json"]).expect_code(0);
    let answer: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(answer["schema"], 1);
    answer["projects"].as_array().unwrap().clone()
}

/// One text of every project, in the order of the list.
fn all(projects: &[Value], key: &str) -> Vec<String> {
    projects.iter().map(|project| project[key].as_str().unwrap_or_default().to_owned()).collect()
}

fn pid_of_web(world: &TestProject, directory: &str) -> u64 {
    let done = run_in(world, directory, &["status", "--json"]).expect_code(0);
    let status: Value = serde_json::from_str(&done.stdout).unwrap();
    status["processes"][0]["pid"].as_u64().unwrap()
}

#[test]
fn twenty_copies_run_side_by_side_without_a_clash() {
    let world = TestProject::empty();
    let names: Vec<String> = (0..20).map(|number| format!("copy-{number}")).collect();
    for name in &names {
        world.write(&format!("{name}/run.toml"), shop());
    }
    let starts = names.iter().map(|name| Running::start(&world, command_in(&world, name, &["up", "-d"])));
    let starts: Vec<Running<'_>> = starts.collect();
    for start in starts {
        start.end().expect_code(0);
    }

    let running = projects(&world);
    assert_eq!(running.len(), 20);
    assert!(running.iter().all(|project| project["ready"] == 1 && project["wanted"] == 1), "{running:#?}");
    let ports: BTreeSet<u64> = running.iter().map(|project| project["ports"][0]["port"].as_u64().unwrap()).collect();
    assert_eq!(ports.len(), 20, "{ports:?}");
    for key in ["socket", "root", "name"] {
        assert_eq!(all(&running, key).into_iter().collect::<BTreeSet<_>>().len(), 20, "{key}");
    }
    for name in &names {
        let logs = run_in(&world, name, &["logs"]).expect_code(0).stdout;
        assert!(logs.contains(&format!("this is {name}\n")) && logs.matches("this is").count() == 1, "{logs}");
    }

    let (victim, other) = (&running[3], &names[7]);
    let before = pid_of_web(&world, other);
    let supervisor = world.ours().into_iter().find(|found| u64::from(found.pid) == victim["pid"].as_u64().unwrap());
    world.shoot(&supervisor.unwrap());
    world.wait_until("the one that was shot is gone", PATIENCE, || {
        projects(&world).iter().filter(|project| project["state"] == "running").count() == 19
    });
    assert_eq!(pid_of_web(&world, other), before, "nobody else has noticed");
    let gone: Vec<Value> = projects(&world).into_iter().filter(|project| project["state"] == "gone").collect();
    assert_eq!(all(&gone, "root"), all(std::slice::from_ref(victim), "root"));
    world.run(&["projects", "--prune"]).expect_code(0).expect_text("cleared away what");
    assert_eq!(projects(&world).len(), 19);
    for name in names.iter().filter(|name| victim["name"] != name.as_str()) {
        run_in(&world, name, &["down"]).expect_code(0);
    }
    world.run(&["projects"]).expect_code(0).expect_text("no project is up");

    fs::remove_dir_all(world.path(&names[0])).unwrap();
    world.run(&["projects"]).expect_code(0).expect_text("logs are kept of 1 project whose directory is gone");
    world.run(&["projects", "--prune"]).expect_code(0).expect_text(&format!("removed the logs of {}", names[0]));
    assert!(!world.run(&["projects"]).expect_code(0).stderr.contains("--prune"));
    run_in(&world, &names[1], &["logs"]).expect_code(0).expect_text("this is");
}

/// git without anybody's settings.
fn git(world: &TestProject, directory: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    world.put_into_world(&mut command);
    command.current_dir(directory).args(["-c", "user.name=t", "-c", "user.email=t@localhost"]).args(arguments);
    let done = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(done.success(), "git {arguments:?}");
}

#[test]
fn a_linked_worktree_is_a_project_of_its_own() {
    if !has_tool("git") {
        return;
    }
    let world = TestProject::empty().file("shop/run.toml", shop());
    let main = world.path("shop");
    git(&world, &main, &["init", "-q", "-b", "main"]);
    git(&world, &main, &["add", "."]);
    git(&world, &main, &["commit", "-q", "-m", "one"]);
    git(&world, &main, &["worktree", "add", "-q", "../elsewhere", "-b", "fix-ui"]);
    run_in(&world, "shop", &["up", "-d"]).expect_code(0);
    run_in(&world, "elsewhere", &["up", "-d"]).expect_code(0);

    let running = projects(&world);
    assert_eq!(all(&running, "name"), ["shop", "shop@fix-ui"]);
    assert_eq!(all(&running, "branch"), ["main", "fix-ui"]);
    assert_ne!(running[0]["ports"][0]["port"], running[1]["ports"][0]["port"]);
    assert_ne!(running[0]["socket"], running[1]["socket"]);
    run_in(&world, "elsewhere", &["logs"]).expect_code(0).expect_text("this is shop@fix-ui\n");
    let ports = [running[0]["ports"][0]["port"].to_string(), running[1]["ports"][0]["port"].to_string()];
    let listed = world.run(&["ports", "--all"]).expect_code(0).stdout;
    assert!(ports.iter().all(|port| listed.contains(port)) && listed.contains("shop@fix-ui"), "{listed}");

    run_in(&world, "elsewhere", &["down"]).expect_code(0);
    assert_eq!(all(&projects(&world), "name"), ["shop"]);
    run_in(&world, "elsewhere", &["up", "-d"]).expect_code(0);
    assert_eq!(projects(&world)[1]["ports"][0]["port"].to_string(), ports[1], "the port is the checkout's for good");
    run_in(&world, "elsewhere", &["down"]).expect_code(0);
    run_in(&world, "shop", &["down"]).expect_code(0);
}

#[test]
fn a_branch_with_a_slash_and_a_directory_with_a_blank_are_addressed_as_they_are_called() {
    if !has_tool("git") {
        return;
    }
    let world = TestProject::empty().file("my shop/run.toml", shop());
    let main = world.path("my shop");
    git(&world, &main, &["init", "-q", "-b", "main"]);
    git(&world, &main, &["add", "."]);
    git(&world, &main, &["commit", "-q", "-m", "one"]);
    git(&world, &main, &["worktree", "add", "-q", "../fix", "-b", "fix/ui"]);
    run_in(&world, "my shop", &["up", "-d"]).expect_code(0);
    run_in(&world, "fix", &["up", "-d"]).expect_code(0);
    assert_eq!(all(&projects(&world), "name"), ["my shop", "my shop@fix/ui"]);
    world.run(&["-p", "my shop@fix/ui", "logs"]).expect_code(0).expect_text("this is my shop@fix/ui\n");
    world.run(&["-p", "my shop@fix/ui", "down"]).expect_code(0);
    world.run(&["-p", "my shop", "down"]).expect_code(0);
}

#[test]
fn projects_are_addressed_by_their_names_from_anywhere() {
    let named = |name: &str| format!("name = \"{name}\"\n{}", shop());
    let world = TestProject::empty().file("a/run.toml", named("shop")).file("b/run.toml", named("store"));
    run_in(&world, "a", &["up", "-d"]).expect_code(0);
    run_in(&world, "a", &["-p", "two", "up", "-d"]).expect_code(0);
    run_in(&world, "b", &["up", "-d"]).expect_code(0);
    assert_eq!(all(&projects(&world), "name"), ["shop", "store", "two"]);
    let from_root = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.current_dir("/");
        world.finish(command)
    };
    for name in ["shop", "store", "two"] {
        from_root(&["-p", name, "status"]).expect_code(0).expect_text(&format!("{name}  "));
        from_root(&["-p", name, "logs"]).expect_code(0).expect_text(&format!("this is {name}\n"));
    }
    from_root(&["-p", "shoop", "status"]).expect_code(2);
    from_root(&["-p", "shoop", "stop", "web"]).expect_code(2).expect_text("run projects");

    world.write("c/run.toml", named("shop"));
    run_in(&world, "c", &["up", "-d"]).expect_code(0);
    let alike = from_root(&["-p", "shop", "stop", "web"]).expect_code(2);
    assert!(alike.stderr.contains("2 running projects are called shop"), "{}", alike.stderr);
    assert!(alike.stderr.contains("project/a …") && alike.stderr.contains("project/c …"), "{}", alike.stderr);
    for arguments in [&["-C", "c", "down"][..], &["-p", "two", "down"], &["-p", "store", "down"], &["-C", "a", "down"]]
    {
        world.run(arguments).expect_code(0);
    }
    assert!(projects(&world).is_empty());
}

#[test]
fn beside_a_config_its_own_project_is_meant_whatever_runs_above_it() {
    let named = |name: &str| format!("name = \"{name}\"\n{}", shop());
    let world = TestProject::toml(&named("outer")).file("inner/run.toml", named("inner")).file("inner/src/file", "");
    world.write("fresh/Procfile", "web: sleep 1000\n");
    world.run(&["up", "-d"]).expect_code(0);
    let pid = pid_of_web(&world, ".");
    for directory in ["inner", "inner/src"] {
        let asked: [(&[&str], i32); 8] = [
            (&["status"], 2),
            (&["logs"], 2),
            (&["why", "web"], 2),
            (&["stop", "web"], 2),
            (&["wait", "web"], 2),
            (&["attach", "web"], 2),
            (&["ctl", "status"], 4),
            (&["down"], 0),
        ];
        for (arguments, code) in asked {
            let done = run_in(&world, directory, arguments).expect_code(code).expect_text("inner is not up");
            let done = done.expect_text("outer").expect_text(&format!("run -C {} …", world.directory().display()));
            assert!(!done.stdout.contains("this is outer"), "{arguments:?} {done:?}");
        }
    }
    run_in(&world, "inner", &["up", "-d"]).expect_code(0);
    run_in(&world, "inner/src", &["status"]).expect_code(0).expect_text("inner  ");
    run_in(&world, "inner/src", &["down"]).expect_code(0);
    run_in(&world, "inner", &["logs"]).expect_code(0).expect_text("this is inner\n");
    assert_eq!(pid_of_web(&world, "."), pid);
    world.run(&["down"]).expect_code(0);
    run_in(&world, "fresh", &["logs"]).expect_code(2).expect_text("fresh is not up");
    run_in(&world, "fresh", &["why", "web"]).expect_code(2).expect_text("fresh is not up");
}

#[test]
fn beside_a_config_that_another_includes_that_one_is_meant() {
    let world = TestProject::toml("include = [\"part/run.toml\"]\n").file("part/run.toml", shop());
    world.run(&["up", "-d"]).expect_code(0);
    run_in(&world, "part", &["status"]).expect_code(0);
    run_in(&world, "part", &["down"]).expect_code(0);
    run_in(&world, "part", &["logs"]).expect_code(0).expect_text("this is project");
    world.run(&["status"]).expect_code(2);
}

#[test]
fn a_taken_port_names_the_project_and_the_way_out() {
    let world = TestProject::empty().file("a/run.toml", format!("name = \"shop\"\n{}", shop()));
    run_in(&world, "a", &["up", "-d"]).expect_code(0);
    let port = projects(&world)[0]["ports"][0]["port"].clone();
    world.write("b/run.toml", format!("[program.api]\ncommand = \"sleep 1000\"\nport = {port}\n"));
    let refused = run_in(&world, "b", &["up"]).expect_code(2).stderr;
    assert!(refused.contains(&format!("port {port} (api) is taken by actor")), "{refused}");
    assert!(refused.contains("project shop, program web"), "{refused}");
    assert!(refused.contains("stop web") && refused.contains("run up --port api="), "{refused}");
    run_in(&world, "b", &["ports"]).expect_code(0).expect_text("taken by actor");
    run_in(&world, "a", &["down"]).expect_code(0);
}

#[test]
fn open_hands_the_url_to_the_browser_and_prints_it() {
    let world = TestProject::toml(&format!("{}ports = {{ debug = \"auto\" }}\n", shop()));
    world.write("browser", "#!/bin/sh\necho \"$@\" > opened\n");
    world.run(&["open"]).expect_code(2).expect_text("is not up");
    world.run(&["up", "-d"]).expect_code(0);
    let ports = world.process("web").unwrap()["ports"].clone();
    let url = |at: usize| format!("http://127.0.0.1:{}", ports[at]["port"]);
    assert_eq!(world.run(&["open", "--print"]).expect_code(0).stdout, format!("{}\n", url(0)));
    assert_eq!(world.run(&["open"]).expect_code(0).stdout, format!("{}\n", url(0)), "there is no browser");
    let mut command = world.command(&["open", "web.debug"]);
    command.env("BROWSER", format!("sh {} --new", world.path("browser").display()));
    assert_eq!(world.finish(command).expect_code(0).stdout, format!("{}\n", url(1)));
    let expected = format!("--new {}\n", url(1));
    world.wait_until("the browser has been told", PATIENCE, || world.read("opened") == expected);
    world.run(&["open", "wob"]).expect_code(2).expect_text("web");
    world.run(&["down"]).expect_code(0);
}

#[test]
fn a_url_of_another_program_is_filled_in() {
    let project = TestProject::toml(&format!(
        "{}[task.show]\ncommand = \"echo at $API_URL\"\nenvironment = {{ API_URL = \"${{web.url}}\" }}\n",
        shop()
    ));
    project.run(&["up", "-d"]).expect_code(0);
    let port = project.process("web").unwrap()["ports"][0]["port"].clone();
    project.run(&["logs", "show"]).expect_code(0).expect_text(&format!("at http://127.0.0.1:{port}\n"));
    project.run(&["down"]).expect_code(0);
}
