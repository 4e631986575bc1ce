//! `run projects`: every running project of this user.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::cli::error::CommandError;
use crate::cli::exit_code::ExitCode;
use crate::cli::output::{print, print_json, say};
use crate::cli::ports::{PortRow, rows};
use crate::cli::running::{everyone, unanswered};
use crate::cli::settings::Settings;
use crate::model::status::{ProcessStatus, ProjectStatus, SCHEMA};
use crate::model::units::human_duration;
use crate::model::{WallTime, Word};
use crate::registry::{self, Gone, Homes, OwnerFacts, Past, ProxyFacts, Running};
use crate::runtime::clock::Clock;
use crate::runtime::os;
use crate::ui::columns;
use crate::ui::look::Look;
use crate::ui::text::{clean, width};
use crate::ui::theme::Theme;

/// Show every running project on this machine.
///
/// `run -p NAME …` and `run -C DIR …` address one of them from anywhere.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// As JSON, with a schema number.
    #[arg(long)]
    pub json: bool,
    /// End and clear away what projects have left that were killed, and the logs of those whose directory is gone.
    #[arg(long)]
    pub prune: bool,
}

/// How many ports are listed in a row.
const PORTS_SHOWN: usize = 4;

/// How long what a killed project has left may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// One project.
#[derive(Debug, Clone, Serialize)]
struct Entry {
    /// Display name.
    name: String,
    /// The branch that is checked out there now.
    branch: Option<String>,
    /// Canonical directory.
    root: String,
    /// The `-p` it was given.
    explicit_name: Option<String>,
    /// The config files.
    files: Vec<String>,
    /// `running`, `stopping`, `restarting`; `suspended` by Ctrl-Z, `silent` when it does not answer, `gone` when it was killed.
    state: String,
    /// Processes that are ready or done.
    ready: usize,
    /// Processes that have failed, or are blocked by one that has.
    failed: usize,
    /// Processes that are wanted.
    wanted: usize,
    /// Pid of the supervisor.
    pid: u32,
    /// Wall time of the start, milliseconds since 1970.
    started: u64,
    /// Milliseconds since the start.
    up_ms: u64,
    /// Where a browser finds the first program that speaks HTTP.
    url: Option<String>,
    /// Every port.
    ports: Vec<PortRow>,
    /// The control socket.
    socket: String,
    /// Our version that runs it.
    version: String,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    schema: u32,
    projects: &'a [Entry],
}

/// Shows them.
pub fn run(settings: &Settings, args: &Args) -> Result<ExitCode, CommandError> {
    let homes = Homes::of_this_user();
    if args.prune {
        registry::gone(&homes).iter().for_each(prune);
        registry::abandoned(&homes).iter().for_each(forget);
    }
    let proxy = registry::proxies(&homes).into_iter().next();
    let now = Clock::start().now().wall;
    let up = everyone(&homes);
    let mut entries: Vec<Entry> =
        up.iter().map(|(running, status)| running_entry(running, status.as_ref(), proxy.as_ref(), now)).collect();
    entries.extend(
        registry::gone(&homes).iter().map(|gone| Entry { state: "gone".to_owned(), ..entry(&gone.owner, now) }),
    );
    if args.json {
        print_json(&Answer { schema: SCHEMA, projects: &entries })?;
        return Ok(ExitCode::Fine);
    }
    if entries.is_empty() {
        say("no project is up\n");
    } else {
        print(&drawn(&entries, &settings.look(&settings.out)))?;
    }
    say(&of_abandoned(registry::abandoned(&homes).len()));
    Ok(ExitCode::Fine)
}

/// That logs are kept which nobody will read.
fn of_abandoned(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "logs are kept of 1 project whose directory is gone; run projects --prune removes them\n".to_owned(),
        _ => {
            format!("logs are kept of {count} projects whose directories are gone; run projects --prune removes them\n")
        }
    }
}

/// Ends what is left of its programs, then clears its directory away.
fn prune(gone: &Gone) {
    let ended = os::reclaim(gone.places.identity.as_str(), GRACE);
    registry::clear(gone);
    let names: Vec<String> = ended.iter().map(|(pid, name)| format!("{name} ({pid})")).collect();
    let ended = if names.is_empty() { String::new() } else { format!(", ended {}", names.join(", ")) };
    say(&format!("cleared away what {} has left{ended}\n", gone.owner.name));
}

/// Removes what is kept of one whose directory is gone.
fn forget(past: &Past) {
    let place = &past.meta.root;
    match registry::forget(past) {
        Ok(()) => say(&format!("removed the logs of {} ({place} is gone)\n", past.meta.name)),
        Err(error) => say(&format!("could not remove the logs of {} ({place} is gone): {error}\n", past.meta.name)),
    }
}

fn entry(owner: &OwnerFacts, now: WallTime) -> Entry {
    Entry {
        name: owner.name.clone(),
        branch: registry::branch_at(&owner.root),
        root: owner.root.display().to_string(),
        explicit_name: owner.explicit_name.clone(),
        files: owner.files.clone(),
        state: unanswered(owner).to_owned(),
        ready: 0,
        failed: 0,
        wanted: 0,
        pid: owner.pid,
        started: owner.since.0,
        up_ms: now.0.saturating_sub(owner.since.0),
        url: None,
        ports: Vec::new(),
        socket: owner.socket.display().to_string(),
        version: owner.version.clone(),
    }
}

fn running_entry(
    running: &Running,
    status: Option<&ProjectStatus>,
    proxy: Option<&ProxyFacts>,
    now: WallTime,
) -> Entry {
    let bare = entry(&running.owner, now);
    let Some(status) = status else { return bare };
    let wanted: Vec<&ProcessStatus> = status.processes.iter().filter(|process| process.state != Word::Off).collect();
    let count = |is_it: fn(Word) -> bool| wanted.iter().filter(|process| is_it(process.state)).count();
    let ports: Vec<PortRow> =
        status.processes.iter().flat_map(|process| rows(process, &status.project, proxy)).collect();
    Entry {
        state: status.state.clone(),
        ready: count(Word::is_settled_well),
        failed: count(Word::is_failure),
        wanted: wanted.len(),
        up_ms: status.up_ms,
        url: ports.iter().find_map(PortRow::web).map(ToOwned::to_owned),
        ports,
        ..bare
    }
}

fn drawn(entries: &[Entry], look: &Look) -> String {
    let row = |entry: &Entry| {
        vec![
            entry.name.clone(),
            entry.branch.clone().unwrap_or_default(),
            summary(entry),
            if entry.state == "gone" { String::new() } else { human_duration(Duration::from_millis(entry.up_ms)) },
            ports(entry),
            entry.url.clone().unwrap_or_default(),
            place(entry, look),
        ]
    };
    let titles = ["NAME", "BRANCH", "STATE", "FOR", "PORTS", "URL", "PATH"];
    let mut rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    // Where it is stays to the last: `run ports` has the others.
    for dropped in ["PORTS", "URL"] {
        let whole = columns::draw(&titles, &rows, Theme { colour: false, ..look.theme }, None);
        if look.width.is_some_and(|columns| whole.lines().any(|line| width(line) > columns)) {
            let cells = rows.iter_mut().flat_map(|row| row.iter_mut().zip(titles));
            cells.filter(|(_, title)| *title == dropped).for_each(|(cell, _)| cell.clear());
        }
    }
    let mut text = columns::draw(&titles, &rows, look.theme, look.width);
    for entry in entries.iter().filter(|entry| entry.state == "suspended") {
        let (pid, name) = (entry.pid, clean(&entry.name));
        let _ = writeln!(text, "next: kill -CONT {pid}   continues {name}, fg where it was Ctrl-Z");
    }
    if entries.iter().any(|entry| entry.state == "gone") {
        text.push_str("next: run projects --prune   ends and clears away what is left of those that are gone\n");
    }
    text
}

/// `3/4 ready`, `1 failed, 2/4 ready`, or what it does instead.
fn summary(entry: &Entry) -> String {
    let ready = format!("{}/{} ready", entry.ready, entry.wanted);
    match (entry.state.as_str(), entry.failed) {
        ("running", 0) => ready,
        ("running", failed) => format!("{failed} failed, {ready}"),
        (state, _) => state.to_owned(),
    }
}

fn ports(entry: &Entry) -> String {
    let mut shown: Vec<String> = entry.ports.iter().take(PORTS_SHOWN).map(|row| row.port.to_string()).collect();
    if entry.ports.len() > PORTS_SHOWN {
        shown.push(format!("+{}", entry.ports.len() - PORTS_SHOWN));
    }
    shown.join(",")
}

fn place(entry: &Entry, look: &Look) -> String {
    let path = look.path(&entry.root);
    if Path::new(&entry.root).is_dir() { path } else { format!("{path} (the directory is gone)") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::status::PortStatus;
    use crate::registry::Identity;
    use crate::ui::sample_status as sample;

    fn owner(name: &str, root: &str) -> OwnerFacts {
        OwnerFacts {
            pid: 4100,
            since: WallTime(sample::STARTED),
            name: name.into(),
            explicit_name: None,
            root: root.into(),
            files: vec!["run.toml".into()],
            at_terminal: false,
            socket: "/r/socket".into(),
            version: "0.1.0".into(),
        }
    }

    fn shop_entry(change: impl FnOnce(&mut ProjectStatus)) -> Entry {
        let owner = owner("shop@fix-ui", "/");
        let places = Homes::of_this_user().places(&Identity::new(Path::new("/"), None));
        let mut status = sample::shop();
        change(&mut status);
        running_entry(&Running { places, owner }, Some(&status), None, WallTime(sample::STARTED))
    }

    #[test]
    fn a_row_sums_a_project_up() {
        let entry = Entry { branch: Some("fix-ui".into()), ..shop_entry(|_| {}) };
        assert_eq!(
            drawn(&[entry], &Look::plain()),
            "\
NAME         BRANCH  STATE                FOR    PORTS           URL                    PATH
shop@fix-ui  fix-ui  1 failed, 4/5 ready  4m12s  5433,3101,3102  http://127.0.0.1:3102  /
"
        );
    }

    #[test]
    fn a_narrow_terminal_shows_where_it_is_and_leaves_out_ports_and_url() {
        let head = |columns: usize| {
            let look = Look { width: Some(columns), ..Look::plain() };
            let text = drawn(&[shop_entry(|_| {})], &look);
            text.lines().next().unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(head(80), ["NAME", "STATE", "FOR", "URL", "PATH"]);
        assert_eq!(head(60), ["NAME", "STATE", "FOR", "PATH"]);
    }

    #[test]
    fn many_ports_are_counted() {
        let entry = shop_entry(|shop| {
            shop.processes[0].ports = (1..=6).map(|port| PortStatus { name: format!("p{port}"), port }).collect();
        });
        assert_eq!(ports(&entry), "1,2,3,4,+4");
    }

    #[test]
    fn one_that_was_killed_is_shown_as_gone_with_the_way_out() {
        let gone = Entry { state: "gone".into(), ..entry(&owner("old", "/nowhere/old"), WallTime(sample::STARTED)) };
        let text = drawn(&[gone], &Look::plain());
        assert!(text.contains("old   gone   /nowhere/old (the directory is gone)\n"), "{text}");
        assert!(text.contains("run projects --prune"), "{text}");
    }
}
