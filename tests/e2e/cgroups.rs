//! Where we may make cgroups, what we run is in one of its own, and goes with it whatever else fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::common::{Found, PATIENCE, Running, TestProject, becomes_true, has_tool, skipped};
use crate::stranger::{as_stranger, give_away, is_root_for_good, may_become_a_stranger, put_become_root, stranger_of};

/// The hunt for descendants gives up after seven seconds, and a loaded machine needs some more.
const LIMIT: Duration = Duration::from_secs(20);

/// A cgroup for one test, removed with it.
struct Delegated(PathBuf);

impl Delegated {
    /// Makes one below ours. `None`, and said so, where that cannot be.
    fn make(name: &str) -> Option<Self> {
        let made = own_cgroup().map(|own| own.join(format!("test-{name}-{}", std::process::id())));
        let made = made.filter(|directory| fs::create_dir(directory).is_ok()).map(Self);
        let made = made.filter(|made| made.0.join("cgroup.kill").exists());
        // A machine cannot be given one; whoever runs the tests says that it has none.
        if made.is_none() && std::env::var_os("RUN_TESTS_NO_CGROUP").is_none() {
            skipped("there is no cgroup v2 that we may write to");
        }
        made
    }

    /// What of ours is in it.
    fn of_runs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect()
    }

    /// The command, begun in this cgroup.
    fn enclose(&self, project: &TestProject, command: &Command) -> Command {
        let mut enclosed = Command::new("sh");
        enclosed.args(["-c", "echo 0 > \"$0\" && exec \"$@\""]).arg(self.0.join("cgroup.procs"));
        enclosed.arg(command.get_program()).args(command.get_args());
        project.put_into_world(&mut enclosed);
        enclosed
    }
}

impl Drop for Delegated {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
        becomes_true(PATIENCE, || {
            self.of_runs().iter().for_each(|path| drop(fs::remove_dir(path)));
            fs::remove_dir(&self.0).is_ok()
        });
    }
}

/// Where the hierarchy of version 2 is mounted as a whole, our place in it.
fn own_cgroup() -> Option<PathBuf> {
    let path = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = path.lines().find_map(|line| line.strip_prefix("0::/"))?.to_owned();
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mounted = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"))?;
    Some(Path::new(mounted.split(' ').nth(1)?).join(path))
}

fn cgroup_of(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default()
}

const WEB: &str = "[program.web]\ncommand = \"echo on; exec sleep 1000\"\nready = { log = \"on\" }\n";

fn up_in<'a>(project: &'a TestProject, cgroup: &Delegated) -> Running<'a> {
    let up = Running::start(project, cgroup.enclose(project, &project.command(&["up"])));
    up.wait_for_banner();
    up
}

#[test]
fn what_runs_is_in_a_cgroup_that_goes_with_us_whoever_is_shot() {
    let Some(cgroup) = Delegated::make("goes") else { return };
    for shot in [None, Some(0), Some(1)] {
        let project = TestProject::toml(WEB);
        let up = up_in(&project, &cgroup);
        let inside = cgroup.of_runs();
        assert_eq!(inside.len(), 1, "{inside:?}");
        let name = inside[0].file_name().unwrap().to_str().unwrap();
        assert!(cgroup_of(project.pid("web")).contains(name), "the program is in {name}");
        assert!(!cgroup_of(up.pid()).contains(name), "we are not");
        match shot {
            None => {
                up.interrupt().expect_code(0);
                assert_eq!(cgroup.of_runs(), [] as [PathBuf; 0], "gone when we are");
            }
            Some(which) => {
                project.shoot(&project.ours()[which]);
                project.wait_for_silence(LIMIT);
                project.wait_until(&format!("the cgroup is gone when {which} was shot"), LIMIT, || {
                    cgroup.of_runs().is_empty()
                });
            }
        }
    }
}

/// A program that has become another user for good: no signal of ours reaches it.
#[test]
fn what_may_not_be_signalled_ends_with_its_cgroup() {
    if !may_become_a_stranger() || !has_tool("setsid") {
        return;
    }
    let Some(cgroup) = Delegated::make("setuid") else { return };
    let become_root = "setsid ./become-root --reuid 0 sleep 1007 & until [ -s on ]; do sleep 0.01; done; echo on";
    let project = TestProject::toml(&(WEB.replace("echo on", become_root) + "stopwaitsecs = 1\n"));
    give_away(&project);
    put_become_root(&project);
    assert!(Command::new("chown").args(["-R", &stranger_of(&project)]).arg(&cgroup.0).status().unwrap().success());
    let up = Running::start(&project, cgroup.enclose(&project, &as_stranger(&project, &[], &["up"])));
    let untouchable = || project.survivors().into_iter().find(|found| found.command.starts_with("sleep 1007"));
    project.wait_until("it is there", PATIENCE, || untouchable().is_some_and(|found| is_root_for_good(found.pid)));
    project.write("on", "on");
    up.wait_for_banner();
    up.interrupt();
    assert!(untouchable().is_none(), "it outlives us");
    assert_eq!(cgroup.of_runs(), [] as [PathBuf; 0]);
}

#[test]
fn what_has_cleared_its_environment_is_known_to_the_next_start_by_its_cgroup() {
    if !has_tool("setsid") {
        return;
    }
    let Some(cgroup) = Delegated::make("known") else { return };
    let project = TestProject::toml(&WEB.replace(
        "echo on",
        "env -i PATH=$PATH setsid sh -c 'echo $$ > escaped; exec sleep 1008' & until [ -s escaped ]; do sleep 0.01; done; echo on",
    ));
    let up = up_in(&project, &cgroup);
    let escaped: u32 = project.read("escaped").trim().parse().unwrap();
    let lives = |pid: u32| fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("1008"));
    assert!(
        lives(escaped) && project.survivors().iter().all(|found| found.pid != escaped),
        "nobody knows it by its mark"
    );
    let ours: Vec<Found> = project.ours();
    for found in &ours {
        found.signal(Signal::SIGSTOP);
    }
    for found in &ours {
        project.shoot(found);
    }
    drop(up);
    assert!(lives(escaped), "there is nothing to be ended");
    let again = up_in(&project, &cgroup);
    again.wait_for("left by an earlier run that was killed, ended now: ").wait_for(&format!("sleep ({escaped})"));
    assert!(!lives(escaped));
    assert_eq!(cgroup.of_runs().len(), 1, "that of the dead run is cleared away");
    again.interrupt().expect_code(0);
}
